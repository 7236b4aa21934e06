"""Which rows of a batch are computed."""

import pytest
import torch

from spanmatch.model.padding import ROW_STEP, padded, runs_of_length, token_places


def test_tokens_come_first_and_return_to_their_places() -> None:
    lengths = torch.tensor([40, 3, 1, 7])
    is_token_BT = torch.arange(40) < lengths[:, None]
    places_N = token_places(is_token_BT)
    assert places_N is not None and len(places_N) == 2 * ROW_STEP
    assert places_N[: int(lengths.sum())].tolist() == is_token_BT.flatten().nonzero()[:, 0].tolist()
    states_BTH = torch.randn(4, 40, 5)
    back_BTH = padded(states_BTH.flatten(0, 1)[places_N], places_N, is_token_BT)
    assert torch.equal(back_BTH[is_token_BT], states_BTH[is_token_BT])
    assert not back_BTH[3, 30:].any()


def test_runs_have_about_one_length_and_all_tokens() -> None:
    is_token_BT = torch.arange(40) < torch.tensor([40, 30, 23, 22, 5, 4, 9])[:, None]
    is_token_BT[4, 1] = False  # a gap
    runs = runs_of_length(is_token_BT)
    assert [tuple(run.is_token.shape) for run in runs] == [(2, 40), (2, 23), (2, 5), (1, 9)]
    assert [(run.rows.start, run.rows.stop) for run in runs] == [(0, 70), (70, 115), (115, 123), (123, 132)]
    states_BTH = torch.randn(7, 40, 5)
    rows_NH = states_BTH[is_token_BT]
    for run, first in zip(runs, (0, 2, 4, 6), strict=True):
        num_sequences, length = run.is_token.shape
        expected = states_BTH[first : first + num_sequences, :length] * run.is_token[..., None]
        assert torch.equal(padded(rows_NH[run.rows], run.places, run.is_token), expected)


@pytest.mark.parametrize("shape", [(1, 40), (2, ROW_STEP // 2)])
def test_all_places_where_hardly_any_is_padding(shape: tuple[int, int]) -> None:
    assert token_places(torch.ones(shape, dtype=torch.bool)) is None
    one_is_padding = torch.ones(shape, dtype=torch.bool)
    one_is_padding[0, -1] = False
    assert token_places(one_is_padding) is None


def test_compiled_code_computes_all(monkeypatch: pytest.MonkeyPatch) -> None:
    is_token_BT = torch.arange(40) < torch.tensor([[40], [1]])
    assert token_places(is_token_BT) is not None
    monkeypatch.setattr(torch.compiler, "is_compiling", lambda: True)
    assert token_places(is_token_BT) is None
