"""Compute the loss of a batch: each objective maps scores, positives and valid cells to one number.

Legend: B batch, U units, W widths, C types, N null slots, P positives.
"""

from typing import Protocol

import torch
from torch.nn import functional as F

from spanmatch.model.head import CellScores, SpanScores

# The logit of a masked cell. It adds nothing to a sum of exponentials, and its gradient is 0; with -inf it would be NaN.
_NOTHING = torch.finfo(torch.float32).min / 4


class Loss(Protocol):
    """Describes an objective: it maps the scores of cells to a scalar. Its options are keyword arguments."""

    def __call__(self, scores: CellScores, positives: torch.Tensor, valid: torch.Tensor) -> torch.Tensor:
        """Return the loss of a batch, a scalar in float32.

        Args:
            scores: logits of the cells and, if the objective needs them, of the null slots.
                Shape: (B, U, W, C) and (B, N, C).
            positives: which cells are gold. Shape: (B, U, W, C) bool, within `valid`.
            valid: which cells are targets; all others have no influence. Shape: (B, U, W, C) bool.
        """
        ...


def binary_cross_entropy(
    scores: CellScores, positives: torch.Tensor, valid: torch.Tensor, *, positive_weight: float = 1.0
) -> torch.Tensor:
    """Return the binary cross-entropy: the sum over valid cells, divided by the number of positives.

    Divided by the number of cells, it would depend on how many candidates and types a batch happens to have. A batch
    without a positive counts as having one.

    Args:
        scores: logits of the cells; the null slots are not read.
        positives: which cells are gold. Shape: (B, U, W, C) bool, within `valid`.
        valid: which cells are targets. Shape: (B, U, W, C) bool.
        positive_weight: weight of a positive; a negative has weight 1.
    """
    logits = scores.logits.float()
    targets = positives.to(logits.dtype)
    weights = valid.to(logits.dtype) * (1 + (positive_weight - 1) * targets)
    total = F.binary_cross_entropy_with_logits(logits, targets, weight=weights, reduction="sum")
    return total / positives.sum().clamp(min=1)


def focal(
    scores: CellScores, positives: torch.Tensor, valid: torch.Tensor, *, gamma: float = 1.0, alpha: float = 0.5
) -> torch.Tensor:
    """Return the focal loss: the sum over valid cells, divided by the number of positives. Easy cells count less.

    A cell that is given the probability p for its true value is weighted by (1 - p) ** gamma. With `gamma` 0 and `alpha`
    0.5, the loss is half the binary cross-entropy.

    Source: Lin et al., "Focal Loss for Dense Object Detection", ICCV 2017, section 3.2, equation 5.

    Args:
        scores: logits of the cells; the null slots are not read.
        positives: which cells are gold. Shape: (B, U, W, C) bool, within `valid`.
        valid: which cells are targets. Shape: (B, U, W, C) bool.
        gamma: how much less easy cells count; 0: all count alike.
        alpha: weight of a positive, in [0, 1]; a negative has weight 1 - `alpha`.
    """
    logits = scores.logits.float()
    targets = positives.to(logits.dtype)
    cross_entropy = F.binary_cross_entropy_with_logits(logits, targets, reduction="none")
    # The power of 1 - p, from its logarithm: 1 - exp(-cross_entropy) is inexact if p is close to 1.
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
    """Return the contrastive loss, a weighted sum of two terms.

    The entity term asks each positive to score higher than the null slot and all negatives of its text and type. The
    threshold term asks the null slot of a text and type to score higher than all negatives. The entity term is a mean over
    positives, the threshold term over the types that a text was annotated for. Both are also a mean over the null slots: a
    denominator has only one of them. Other positives of the type are in no denominator.

    Sources: Binder (Zhang et al., "Optimizing Bi-Encoder for Named Entity Recognition via Contrastive Learning",
    ICLR 2023, sections 3.2 and 3.3); Otter (arXiv 2601.06347) for the threshold token.

    Args:
        scores: logits of the cells and of the null slots.
        positives: which cells are gold. Shape: (B, U, W, C) bool, within `valid`.
        valid: which cells are targets. Shape: (B, U, W, C) bool.
        temperature: divides all logits; above 0.
        entity_weight: weight of the entity term.
        threshold_weight: weight of the threshold term.
    """
    assert scores.nulls is not None, "a contrastive objective needs a model with null slots"
    logits, nulls_BNC = scores.logits.float() / temperature, scores.nulls.float() / temperature
    negatives_BC = logits.masked_fill(~valid | positives, _NOTHING).logsumexp(dim=(1, 2))
    row, unit, width, column = positives.nonzero(as_tuple=True)
    rivals_PN = torch.logaddexp(nulls_BNC, negatives_BC[:, None])[row, :, column]
    # -log(exp(a) / (exp(a) + exp(b))) = softplus(b - a)
    entity = F.softplus(rivals_PN - logits[row, unit, width, column][:, None]).sum() / max(1, rivals_PN.numel())
    known_B1C = valid.any(dim=2).any(dim=1)[:, None]
    # A type without a valid cell adds 0 to the sum, and is not counted in the mean.
    threshold = F.softplus(negatives_BC[:, None] - nulls_BNC).sum() / (known_B1C.sum() * nulls_BNC.shape[1]).clamp(min=1)
    return entity_weight * entity + threshold_weight * threshold


LOSSES: dict[str, Loss] = {"bce": binary_cross_entropy, "focal": focal, "contrastive": contrastive}


# Objectives that learn the score of a null slot as the threshold. With the others a threshold is a number.
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
    gold_starts: torch.Tensor | None = None,
    gold_ends: torch.Tensor | None = None,
) -> torch.Tensor:
    """Return the weighted sum of an objective on spans, on their starts and on their ends (Binder, section 3.1).

    A unit is a positive start (end) of a type if a positive span of that type starts (ends) at it. It is no target if
    gold starts (ends) there that is no target itself, such as gold that another window owns or that is too wide.

    Args:
        loss: the objective.
        scores: scores of spans, and of starts and ends if they have a weight.
        positives: which spans are gold. Shape: (B, U, W, C) bool, within `valid`.
        valid: which spans are targets. Shape: (B, U, W, C) bool.
        span_weight: weight of the loss on spans.
        start_weight: weight of the loss on starts.
        end_weight: weight of the loss on ends.
        gold_starts: the units at which any gold span of a type starts (see `dataset.gold_bounds`); by default those of
            the positives. Shape: (B, U, C) bool.
        gold_ends: the same of ends.
    """
    total = span_weight * loss(scores.spans, positives, valid)
    if scores.starts is not None and start_weight:
        total = total + start_weight * loss(scores.starts, *_bound_targets(starting(positives), starting(valid), gold_starts))
    if scores.ends is not None and end_weight:
        total = total + end_weight * loss(scores.ends, *_bound_targets(ending(positives), ending(valid), gold_ends))
    return total


def _bound_targets(
    positives: torch.Tensor, valid: torch.Tensor, gold: torch.Tensor | None
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the positive starts (or ends) and the valid ones: gold that is no positive is not valid. (B, U, 1, C)"""
    return positives, valid if gold is None else valid & (positives | ~gold[:, :, None])


def starting(cells: torch.Tensor) -> torch.Tensor:
    """Return for each unit and type whether one of the spans starts at the unit.

    Args:
        cells: which spans. Shape: (B, U, W, C) bool.

    Returns:
        Shape: (B, U, 1, C) bool.
    """
    return cells.any(dim=2, keepdim=True)


def ending(cells: torch.Tensor) -> torch.Tensor:
    """Return for each unit and type whether one of the spans ends with the unit.

    Args:
        cells: which spans. Shape: (B, U, W, C) bool.

    Returns:
        Shape: (B, U, 1, C) bool.
    """
    num_units = cells.shape[1]
    ended = torch.zeros_like(cells[:, :, 0])
    for width in range(cells.shape[2]):
        ended[:, width:] |= cells[:, : num_units - width, width]
    return ended[:, :, None]
