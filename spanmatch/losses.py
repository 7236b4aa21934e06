"""Objectives: each maps scores, positives and valid cells to one number.

Legend: B batch, U units, W widths, C types.
"""

from typing import Protocol

import torch
from torch.nn import functional as F


class Loss(Protocol):
    """What every objective is: tensors in, a scalar out.

    Shape: scores (B, U, W, C) logits; positives, valid (B, U, W, C) bool, positives within valid.
    """

    def __call__(self, scores: torch.Tensor, positives: torch.Tensor, valid: torch.Tensor) -> torch.Tensor: ...


def binary_cross_entropy(
    scores: torch.Tensor, positives: torch.Tensor, valid: torch.Tensor, *, positive_weight: float = 1.0
) -> torch.Tensor:
    """Binary cross-entropy over valid cells, per positive.

    Dividing by the positives rather than by the cells keeps the size of a step independent of how many
    candidates and types a batch happens to have. A batch without a positive counts as having one.
    """
    targets = positives.to(scores.dtype)
    weights = valid.to(scores.dtype) * (1 + (positive_weight - 1) * targets)
    total = F.binary_cross_entropy_with_logits(scores, targets, weight=weights, reduction="sum")
    return total / positives.sum().clamp(min=1)


LOSSES: dict[str, Loss] = {"bce": binary_cross_entropy}
