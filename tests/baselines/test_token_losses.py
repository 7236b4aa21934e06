"""The losses of a token classifier, against values computed by hand."""

import math

import pytest
import torch

from spanmatch.baselines.token_losses import cross_entropy, focal, inverse_frequencies, majority_or_minority, weighted
from spanmatch.baselines.word_windows import IGNORED

# Three tokens, two labels ("O" and "B-PER"), and one token that has no label. Softmax of (0, ln 3) is (1/4, 3/4).
LOGITS = torch.tensor([[0.0, math.log(3)], [math.log(3), 0.0], [0.0, 0.0], [5.0, -5.0]])
LABELS = torch.tensor([1, 1, 0, IGNORED])
# The probability of the right label: 3/4, 1/4, 1/2.
FIRST, SECOND, THIRD = -math.log(3 / 4), -math.log(1 / 4), -math.log(1 / 2)


def test_cross_entropy() -> None:
    assert float(cross_entropy(LOGITS, LABELS)) == pytest.approx((FIRST + SECOND + THIRD) / 3)


def test_weighted() -> None:
    loss = weighted(torch.tensor([0.5, 2.0]))
    assert float(loss(LOGITS, LABELS)) == pytest.approx((2 * FIRST + 2 * SECOND + 0.5 * THIRD) / 4.5)


def test_focal() -> None:
    expected = ((1 / 4) ** 2 * FIRST + (3 / 4) ** 2 * SECOND + (1 / 2) ** 2 * THIRD) / 3
    assert float(focal(2.0)(LOGITS, LABELS)) == pytest.approx(expected)
    assert float(focal(0.0)(LOGITS, LABELS)) == pytest.approx(float(cross_entropy(LOGITS, LABELS)))


def test_majority_or_minority() -> None:
    expected = 0.3 * (FIRST + SECOND + THIRD) / 3 + 0.7 * THIRD / 3
    assert float(majority_or_minority(0.3)(LOGITS, LABELS)) == pytest.approx(expected)
    assert float(majority_or_minority(1.0)(LOGITS, LABELS)) == pytest.approx(float(cross_entropy(LOGITS, LABELS)))
    other = majority_or_minority(0.3, majority=1)
    assert float(other(LOGITS, LABELS)) == pytest.approx(0.3 * (FIRST + SECOND + THIRD) / 3 + 0.7 * (FIRST + SECOND) / 3)


def test_inverse_frequencies() -> None:
    """Four tokens, three labels: among equals each would have 4/3 of them."""
    assert inverse_frequencies([0, 0, 0, 1, IGNORED], 3).tolist() == pytest.approx([4 / 9, 4 / 3, 4 / 3])


@pytest.mark.parametrize("loss", [cross_entropy, weighted(torch.ones(2)), focal(2.0), majority_or_minority(0.5)])
def test_a_batch_without_a_label_costs_nothing(loss) -> None:  # type: ignore[no-untyped-def]
    logits = LOGITS.clone().requires_grad_()
    value = loss(logits, torch.full((4,), IGNORED))
    value.backward()
    assert float(value.detach()) == 0 and not logits.grad.abs().any()  # type: ignore[union-attr]


@pytest.mark.parametrize("loss", [cross_entropy, weighted(torch.tensor([0.5, 2.0])), focal(2.0), majority_or_minority(0.5)])
def test_what_has_no_label_changes_nothing(loss) -> None:  # type: ignore[no-untyped-def]
    assert float(loss(LOGITS, LABELS)) == pytest.approx(float(loss(LOGITS[:3], LABELS[:3])))
