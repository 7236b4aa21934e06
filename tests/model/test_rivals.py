"""Types that win over others of their list, by hand and at the edges."""

import pytest
import torch
from helpers import excess_by_hand

from spanmatch.model import rivals
from spanmatch.model.head import without_bias
from spanmatch.model.rivals import affinity, excess_over_rivals


@pytest.fixture
def background() -> torch.Tensor:
    """A hundred mentions."""
    torch.manual_seed(0)
    return without_bias(torch.nn.functional.leaky_relu(torch.randn(100, 16), 0.5))


def test_affinity_by_hand() -> None:
    """The mean of the highest two of a hundred, of one where there are few."""
    background, types = torch.randn(100, 16), torch.randn(5, 16)
    scores = (types @ background.T).tolist()
    expected = [sum(sorted(row)[-2:]) / 2 for row in scores]
    assert affinity(types, background).tolist() == pytest.approx(expected, rel=1e-5)
    assert affinity(types, background[:9]).tolist() == pytest.approx([max(row[:9]) for row in scores], rel=1e-5)


def test_types_that_are_alike_are_no_rivals_where_each_finds_its_own() -> None:
    """... until one of them scores higher also with the mentions that speak for the other."""
    person, place, shared = torch.eye(16)[:3]
    background = torch.stack([person, place]).repeat(50, 1)
    types = torch.stack([2 * person + 3 * shared, place + 3 * shared])
    excess, affinities = excess_over_rivals(without_bias(types), background)
    assert excess.tolist() == [0, 0] and affinities.tolist() == [2, 1]
    types[0] += 1.5 * place
    lowered, raised = excess_over_rivals(without_bias(types), background)[0]
    assert float(lowered) == pytest.approx(-float(raised)) and float(lowered) > 0.5


def test_only_the_nearest_of_a_long_list_are_rivals(background: torch.Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    types = torch.randn(30, 16)
    monkeypatch.setattr(rivals, "MAX_RIVALS", 1)
    directions = torch.nn.functional.normalize(types[:, :-2])
    nearest = (directions @ directions.T).fill_diagonal_(-1).argmax(dim=1)
    expected = [excess_by_hand(types, background, place, [int(nearest[place])]) for place in range(30)]
    assert excess_over_rivals(without_bias(types), background)[0].tolist() == pytest.approx(expected, rel=1e-3, abs=1e-4)
    assert max(map(abs, expected)) > 0.1


def test_a_list_of_one_type_has_nothing_to_compare_with(background: torch.Tensor) -> None:
    types = torch.randn(1, 16)
    excess, affinities = excess_over_rivals(without_bias(types), background)
    assert excess.tolist() == [0.0] and torch.equal(affinities, affinity(types, background))
