"""Which rows of a batch are computed."""

import pytest
import torch

from spanmatch.model.padding import ROW_STEP, at_places, padded, token_places


def test_tokens_come_first_and_return_to_their_places() -> None:
    lengths = torch.tensor([40, 3, 1, 7])
    is_token_BT = torch.arange(40) < lengths[:, None]
    places_N = token_places(is_token_BT)
    assert places_N is not None and len(places_N) == 2 * ROW_STEP
    assert places_N[: int(lengths.sum())].tolist() == is_token_BT.flatten().nonzero()[:, 0].tolist()
    states_BTH = torch.randn(4, 40, 5)
    back_BTH = padded(at_places(states_BTH, places_N), places_N, 4, 40)
    assert torch.equal(back_BTH[is_token_BT], states_BTH[is_token_BT])
    assert not back_BTH[3, 30:].any()


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
