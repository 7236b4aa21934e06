"""Objectives: each maps scores, positives and valid cells to one number.

Legend: B batch, U units, W widths, C types, N null slots, P positives.
"""

from typing import Protocol

import torch
from torch.nn import functional as F

from spanmatch.model.head import CellScores, SpanScores

# What a masked cell counts in a sum of exponentials: nothing, and with a gradient of zero rather than NaN.
_NOTHING = torch.finfo(torch.float32).min / 4


class Loss(Protocol):
    """What every objective is: the scores of cells in, a scalar out.

    Shape: scores.logits (B, U, W, C), scores.nulls (B, N, C); positives, valid (B, U, W, C) bool, positives within valid.
    """

    def __call__(self, scores: CellScores, positives: torch.Tensor, valid: torch.Tensor) -> torch.Tensor: ...


def binary_cross_entropy(
    scores: CellScores, positives: torch.Tensor, valid: torch.Tensor, *, positive_weight: float = 1.0
) -> torch.Tensor:
    """Binary cross-entropy over valid cells, per positive.

    Dividing by the positives rather than by the cells keeps the size of a step independent of how many
    candidates and types a batch happens to have. A batch without a positive counts as having one.
    """
    logits = scores.logits.float()
    targets = positives.to(logits.dtype)
    weights = valid.to(logits.dtype) * (1 + (positive_weight - 1) * targets)
    total = F.binary_cross_entropy_with_logits(logits, targets, weight=weights, reduction="sum")
    return total / positives.sum().clamp(min=1)


def focal(
    scores: CellScores, positives: torch.Tensor, valid: torch.Tensor, *, gamma: float = 1.0, alpha: float = 0.5
) -> torch.Tensor:
    """Focal loss over valid cells, per positive: cells that are already right count less, by the power `gamma`.

    Positives weigh `alpha`, negatives 1 - `alpha`; at 0.5 and `gamma` 0 it is half the binary cross-entropy.
    Source: Lin et al., "Focal Loss for Dense Object Detection", ICCV 2017, section 3.2, equation 5.
    """
    logits = scores.logits.float()
    targets = positives.to(logits.dtype)
    cross_entropy = F.binary_cross_entropy_with_logits(logits, targets, reduction="none")
    # log(1 - p_t) rather than 1 - exp(-cross_entropy): exact where p_t is close to 1, too.
    focusing = (gamma * F.logsigmoid(torch.where(positives, -logits, logits))).exp()
    weights = valid.to(logits.dtype) * torch.where(positives, alpha, 1 - alpha)
    return (weights * focusing * cross_entropy).sum() / positives.sum().clamp(min=1)


def contrastive(
    scores: CellScores,
    positives: torch.Tensor,
    valid: torch.Tensor,
    *,
    temperature: float = 1.0,
    entity_weight: float = 0.5,
    threshold_weight: float = 0.5,
) -> torch.Tensor:
    """Per text and type, a positive against all negatives and the null slot, and the null slot against all negatives.

    The entity term is a mean over positives, the threshold term over the types that a text was annotated for; both are
    a mean over the null slots, each alone in its denominator. Other positives of the type are in no denominator.

    Sources: Binder (Zhang et al., "Optimizing Bi-Encoder for Named Entity Recognition via Contrastive Learning",
    ICLR 2023, sections 3.2 and 3.3); Otter (arXiv 2601.06347) for a threshold token of its own.
    """
    assert scores.nulls is not None, "a contrastive objective needs a model with null slots"
    logits, nulls_BNC = scores.logits.float() / temperature, scores.nulls.float() / temperature
    negatives_BC = logits.masked_fill(~valid | positives, _NOTHING).logsumexp(dim=(1, 2))
    row, unit, width, column = positives.nonzero(as_tuple=True)
    rivals_PN = torch.logaddexp(nulls_BNC, negatives_BC[:, None])[row, :, column]
    # -log(exp(a) / (exp(a) + exp(b))) = softplus(b - a)
    entity = F.softplus(rivals_PN - logits[row, unit, width, column][:, None]).sum() / max(1, rivals_PN.numel())
    known_B1C = valid.any(dim=2).any(dim=1)[:, None]
    # Of a type without a valid cell there is nothing to sum: its term is zero.
    threshold = F.softplus(negatives_BC[:, None] - nulls_BNC).sum() / (known_B1C.sum() * nulls_BNC.shape[1]).clamp(min=1)
    return entity_weight * entity + threshold_weight * threshold


LOSSES: dict[str, Loss] = {"bce": binary_cross_entropy, "focal": focal, "contrastive": contrastive}


# Objectives that learn a null slot's score as the threshold, instead of a fixed number.
NEED_NULL_SLOTS = frozenset({"contrastive"})


def matching_loss(
    loss: Loss,
    scores: SpanScores,
    positives: torch.Tensor,
    valid: torch.Tensor,
    *,
    span_weight: float = 1.0,
    start_weight: float = 0.0,
    end_weight: float = 0.0,
) -> torch.Tensor:
    """An objective on spans and, where they weigh anything, on starts and ends (Binder, section 3.1).

    A unit is a start (end) of a type where a positive span starts (ends) at it.
    """
    total = span_weight * loss(scores.spans, positives, valid)
    if scores.starts is not None and start_weight:
        total = total + start_weight * loss(scores.starts, starting(positives), starting(valid))
    if scores.ends is not None and end_weight:
        total = total + end_weight * loss(scores.ends, ending(positives), ending(valid))
    return total


def starting(cells: torch.Tensor) -> torch.Tensor:
    """Whether any such span starts at a unit. Shape: (B, U, W, C) to (B, U, 1, C), bool."""
    return cells.any(dim=2, keepdim=True)


def ending(cells: torch.Tensor) -> torch.Tensor:
    """Whether any such span ends with a unit. Shape: (B, U, W, C) to (B, U, 1, C), bool."""
    num_units = cells.shape[1]
    ended = torch.zeros_like(cells[:, :, 0])
    for width in range(cells.shape[2]):
        ended[:, width:] |= cells[:, : num_units - width, width]
    return ended[:, :, None]


