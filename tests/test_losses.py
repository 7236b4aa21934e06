"""Objectives: values by hand, and what must have no influence."""

import math

import pytest
import torch

from spanmatch.losses import LOSSES, binary_cross_entropy

SHAPE = (2, 3, 2, 2)


def softplus(value: float) -> float:
    """-log(1 - sigmoid(value)): what a negative of this logit costs; a positive costs softplus(-value)."""
    return math.log1p(math.exp(value))


def cells(*values: object, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    """Values as the cells of one text of one width and one type. Shape: (1, U, 1, 1)."""
    return torch.tensor(values, dtype=dtype)[None, :, None, None]


def random_batch(seed: int = 0) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    scores = torch.randn(SHAPE, generator=generator)
    valid = torch.rand(SHAPE, generator=generator) < 0.7
    positives = valid & (torch.rand(SHAPE, generator=generator) < 0.4)
    assert positives.any() and not valid.all() and (valid & ~positives).any()
    return scores, positives, valid


class TestBinaryCrossEntropy:
    @pytest.mark.parametrize(
        ("scores", "positives", "valid", "weight", "expected"),
        [
            ([0.0], [1], [1], 1.0, math.log(2)),
            ([0.0], [0], [1], 1.0, math.log(2)),
            ([2.0], [1], [1], 1.0, softplus(-2)),
            ([2.0], [0], [1], 1.0, softplus(2)),
            # The sum over valid cells, per positive.
            ([1.0, -1.0, 3.0], [1, 0, 0], [1, 1, 1], 1.0, softplus(-1) + softplus(-1) + softplus(3)),
            ([1.0, 2.0, -3.0], [1, 1, 0], [1, 1, 1], 1.0, (softplus(-1) + softplus(-2) + softplus(-3)) / 2),
            ([1.0, -1.0, 3.0], [1, 0, 0], [1, 1, 0], 1.0, softplus(-1) + softplus(-1)),
            # No positive counts as one.
            ([1.0, 2.0], [0, 0], [1, 1], 1.0, softplus(1) + softplus(2)),
            # The weight is that of positives alone.
            ([1.0, 2.0], [1, 0], [1, 1], 3.0, 3 * softplus(-1) + softplus(2)),
            ([1.0, 2.0], [1, 0], [1, 1], 0.5, softplus(-1) / 2 + softplus(2)),
            ([1.0, 2.0], [0, 0], [1, 1], 3.0, softplus(1) + softplus(2)),
            # Extreme logits do not overflow.
            ([80.0, -80.0], [0, 1], [1, 1], 1.0, 160.0),
            ([80.0, -80.0], [1, 0], [1, 1], 1.0, 0.0),
        ],
    )
    def test_by_hand(self, scores: list[float], positives: list[int], valid: list[int], weight: float, expected: float) -> None:
        flags = cells(*positives, dtype=torch.bool), cells(*valid, dtype=torch.bool)
        loss = binary_cross_entropy(cells(*scores), *flags, positive_weight=weight)
        assert loss.shape == ()
        assert loss.item() == pytest.approx(expected, rel=1e-6, abs=1e-6)

    def test_a_golden_value(self) -> None:
        """As a loop over the cells has it."""
        scores, positives, valid = random_batch()
        total = sum(
            softplus(-score if positive else score) * (2.5 if positive else 1)
            for score, positive, is_valid in zip(
                scores.flatten().tolist(), positives.flatten().tolist(), valid.flatten().tolist(), strict=True
            )
            if is_valid
        )
        loss = binary_cross_entropy(scores, positives, valid, positive_weight=2.5)
        assert loss.item() == pytest.approx(total / positives.sum().item(), rel=1e-5)

    def test_by_default_nothing_is_weighted(self) -> None:
        batch = random_batch()
        assert torch.equal(LOSSES["bce"](*batch), binary_cross_entropy(*batch, positive_weight=1.0))


@pytest.mark.parametrize("name", LOSSES)
class TestEveryObjective:
    def test_padding_has_no_influence(self, name: str) -> None:
        scores, positives, valid = random_batch()
        plain = LOSSES[name](scores, positives, valid)
        bigger = tuple(extent + 2 for extent in SHAPE)
        grown = []
        for tensor, fill in ((scores, 1e4), (positives, False), (valid, False)):
            padded = torch.full(bigger, fill, dtype=tensor.dtype)
            padded[: SHAPE[0], : SHAPE[1], : SHAPE[2], : SHAPE[3]] = tensor
            grown.append(padded)
        torch.testing.assert_close(LOSSES[name](*grown), plain)

    def test_invalid_cells_have_no_influence(self, name: str) -> None:
        scores, positives, valid = random_batch()
        scores.requires_grad_()
        loss = LOSSES[name](scores, positives, valid)
        loss.backward()
        assert scores.grad is not None
        assert not scores.grad[~valid].any() and (scores.grad[valid] != 0).all()
        other = torch.where(valid, scores.detach(), torch.full_like(scores, 50.0))
        assert torch.equal(LOSSES[name](other, positives, valid), loss.detach())

    def test_nothing_valid(self, name: str) -> None:
        """An empty batch costs nothing, and a step on it is a step of zero."""
        scores = torch.randn(SHAPE, requires_grad=True)
        nothing = torch.zeros(SHAPE, dtype=torch.bool)
        loss = LOSSES[name](scores, nothing, nothing)
        loss.backward()
        assert loss.item() == 0 and scores.grad is not None and not scores.grad.any()

    @pytest.mark.parametrize("shape", [(0, 3, 2, 2), (2, 3, 2, 0)])
    def test_no_cells(self, name: str, shape: tuple[int, ...]) -> None:
        nothing = torch.zeros(shape, dtype=torch.bool)
        assert LOSSES[name](torch.zeros(shape), nothing, nothing).item() == 0

    def test_it_pulls_where_it_should(self, name: str) -> None:
        scores, positives, valid = random_batch()
        scores.requires_grad_()
        LOSSES[name](scores, positives, valid).backward()
        assert scores.grad is not None
        assert (scores.grad[positives] < 0).all() and (scores.grad[valid & ~positives] > 0).all()
