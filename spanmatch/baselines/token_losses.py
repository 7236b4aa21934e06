"""The losses of a token classifier. Each is a function of logits and labels, a mean over the tokens that have a label.

Legend: N tokens, L labels.
"""

from collections.abc import Callable, Sequence

import torch
from torch.nn import functional

from spanmatch.baselines.word_windows import IGNORED

Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
"""Gets logits (N, L) and labels (N,), some of them `IGNORED`; returns a scalar."""


def cross_entropy(logits_NL: torch.Tensor, labels_N: torch.Tensor) -> torch.Tensor:
    """Return the cross-entropy.

    Args:
        logits_NL: the logits. Shape: (N, L).
        labels_N: the labels. Shape: (N,).
    """
    return _mean(_cross_entropies(logits_NL, labels_N), labels_N)


def weighted(class_weights_L: torch.Tensor) -> Loss:
    """Return the cross-entropy in which each token weighs as its label says, divided by the sum of these weights.

    Args:
        class_weights_L: weight of each label, see `inverse_frequencies`. Shape: (L,).
    """

    def loss(logits_NL: torch.Tensor, labels_N: torch.Tensor) -> torch.Tensor:
        weights = class_weights_L.to(logits_NL)
        if bool((labels_N == IGNORED).all()):
            return logits_NL.sum() * 0.0
        return functional.cross_entropy(logits_NL, labels_N, weight=weights, ignore_index=IGNORED)

    return loss


def focal(gamma: float) -> Loss:
    """Return the focal loss, which lowers the weight of tokens that are right already: by (1 - probability) ** gamma.

    Source: Lin et al., "Focal Loss for Dense Object Detection", ICCV 2017, equation 4.

    Args:
        gamma: how strongly; 0 is cross-entropy.
    """

    def loss(logits_NL: torch.Tensor, labels_N: torch.Tensor) -> torch.Tensor:
        entropies = _cross_entropies(logits_NL, labels_N)
        return _mean((1 - torch.exp(-entropies)) ** gamma * entropies, labels_N)

    return loss


def majority_or_minority(share: float, majority: int = 0) -> Loss:
    """Return the MoM loss: cross-entropy, and once more the part of it that tokens of the majority class have.

    The second part is their cross-entropy, divided by the number of all tokens.

    Source: Nemoto, Kitada and Iyatomi, "Majority or Minority: Data Imbalance Learning Method for Named Entity Recognition",
    IEEE Access 2025 (arXiv 2401.11431), section III.

    Args:
        share: weight of the cross-entropy, from 0 to 1; that of the second part is what is left of 1.
        majority: the label of the majority class, which is "O".
    """

    def loss(logits_NL: torch.Tensor, labels_N: torch.Tensor) -> torch.Tensor:
        entropies = _cross_entropies(logits_NL, labels_N)
        of_majority = entropies * (labels_N == majority)
        return share * _mean(entropies, labels_N) + (1 - share) * _mean(of_majority, labels_N)

    return loss


def inverse_frequencies(labels: Sequence[int], num_labels: int) -> torch.Tensor:
    """Return a weight for each label: the number of tokens that it would have among equals, over the number that it has.

    A label that does not occur gets the weight of one that occurs once.

    Args:
        labels: the label of each token of the training data; `IGNORED` does not count.
        num_labels: how many labels there are.

    Shape: (L,).
    """
    counted = torch.tensor([label for label in labels if label != IGNORED], dtype=torch.long)
    counts = torch.bincount(counted, minlength=num_labels)
    return len(counted) / (num_labels * counts.clamp(min=1).float())


def _cross_entropies(logits_NL: torch.Tensor, labels_N: torch.Tensor) -> torch.Tensor:
    """Return the cross-entropy of each token, 0 for one that is ignored. Shape: (N,)."""
    return functional.cross_entropy(logits_NL, labels_N, ignore_index=IGNORED, reduction="none")


def _mean(values_N: torch.Tensor, labels_N: torch.Tensor) -> torch.Tensor:
    return values_N.sum() / (labels_N != IGNORED).sum().clamp(min=1)
