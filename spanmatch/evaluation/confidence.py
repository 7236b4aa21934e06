"""Compute 95% intervals of F1 scores and of shares.

Legend: N examples, L labels, R distinct rows of counts, W resamples of a block.
"""

import math
from collections import defaultdict

import numpy as np
from numpy.typing import NDArray

from spanmatch.evaluation.error_classes import Mentions, check_lengths

_MAX_BLOCK_CELLS = 1 << 20  # resampling weights are drawn in blocks of at most 8 MiB
_Z_95 = 1.959963984540054  # 95% of a normal distribution lie within this many standard deviations of its mean


def bootstrap_f1(counts: NDArray[np.int64], num_bootstrap: int, seed: int) -> tuple[float, float]:
    """Return the 95% interval of micro F1, by resampling examples (percentile bootstrap).

    Equal rows are drawn together, in sorted order. The distribution is the same as that of single rows, and the result
    does not depend on the order of the examples.

    Args:
        counts: true positives, predicted mentions and gold mentions of each example.
        num_bootstrap: number of resamples, at least 1.
        seed: seed of the resampling.

    Returns:
        The 2.5th and the 97.5th percentile of F1 over the resamples; (0.0, 0.0) without examples.

    Shape: counts (num_examples, 3).

    Source: Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13.
    """
    if not len(counts):
        return 0.0, 0.0
    rows_R3, repeats_R = np.unique(counts, axis=0, return_counts=True)
    rng = np.random.default_rng(seed)
    block = max(1, _MAX_BLOCK_CELLS // len(rows_R3))
    scores = []
    for start in range(0, num_bootstrap, block):
        size = min(block, num_bootstrap - start)
        weights_WR = rng.multinomial(len(counts), repeats_R / len(counts), size=size)
        right_W, predicted_W, gold_W = (weights_WR @ rows_R3).T
        scores.append(2 * right_W / np.maximum(predicted_W + gold_W, 1))
    low, high = np.percentile(np.concatenate(scores), [2.5, 97.5])
    return float(low), float(high)


def f1_intervals(
    gold: Mentions, predicted: Mentions, *, num_bootstrap: int = 1000, seed: int = 0
) -> dict[str, tuple[float, float]]:
    """Return the 95% bootstrap interval of F1 of each label, by resampling examples.

    A resample without any mention of the label counts as F1 0. So a rare label has a wide interval.

    Args:
        gold: gold mentions of each example.
        predicted: predicted mentions of each example, in the order of `gold`.
        num_bootstrap: number of resamples, at least 1.
        seed: seed of the resampling.

    Returns:
        The ends of the interval of each label that occurs, sorted by label.

    Raises:
        ValueError: `gold` and `predicted` differ in length.
    """
    check_lengths(gold=gold, predicted=predicted)
    rows: dict[str, list[tuple[int, int, int]]] = defaultdict(list)
    for golds, found in ((set(golds), set(found)) for golds, found in zip(gold, predicted, strict=True)):
        of_label: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
        for column, mentions in enumerate((golds & found, found, golds)):
            for mention in mentions:
                of_label[mention.label][column] += 1
        for label, (right, num_predicted, num_gold) in of_label.items():
            rows[label].append((right, num_predicted, num_gold))
    intervals = {}
    for label in sorted(rows):
        counts = np.zeros((len(gold), 3), dtype=np.int64)  # an example without the label is a row of zeros
        counts[: len(rows[label])] = rows[label]
        intervals[label] = bootstrap_f1(counts, num_bootstrap, seed)
    return intervals


def macro_f1_interval(
    gold: Mentions, predicted: Mentions, *, num_bootstrap: int = 1000, seed: int = 0
) -> tuple[float, float]:
    """Return the 95% bootstrap interval of macro F1, by resampling examples.

    In each resample, macro F1 is the mean over the labels that have gold or predictions in it.

    Args:
        gold: gold mentions of each example.
        predicted: predicted mentions of each example, in the order of `gold`.
        num_bootstrap: number of resamples, at least 1.
        seed: seed of the resampling.

    Returns:
        The 2.5th and the 97.5th percentile of macro F1 over the resamples; (0.0, 0.0) without mentions.

    Raises:
        ValueError: `gold` and `predicted` differ in length.
    """
    check_lengths(gold=gold, predicted=predicted)
    labels = sorted({mention.label for side in (gold, predicted) for mentions in side for mention in mentions})
    if not labels:
        return 0.0, 0.0
    column_of = {label: column for column, label in enumerate(labels)}
    counts_N3L = np.zeros((len(gold), 3, len(labels)), dtype=np.int64)
    for row, (golds, found) in enumerate((set(golds), set(found)) for golds, found in zip(gold, predicted, strict=True)):
        for kind, mentions in enumerate((golds & found, found, golds)):
            for mention in mentions:
                counts_N3L[row, kind, column_of[mention.label]] += 1
    rows_RK, repeats_R = np.unique(counts_N3L.reshape(len(gold), -1), axis=0, return_counts=True)
    rng = np.random.default_rng(seed)
    block = max(1, _MAX_BLOCK_CELLS // max(rows_RK.shape))
    scores = []
    for start in range(0, num_bootstrap, block):
        size = min(block, num_bootstrap - start)
        weights_WR = rng.multinomial(len(gold), repeats_R / len(gold), size=size)
        right_WL, predicted_WL, gold_WL = (weights_WR @ rows_RK).reshape(size, 3, -1).swapaxes(0, 1)
        total_WL = predicted_WL + gold_WL
        num_seen_W = np.maximum((total_WL > 0).sum(axis=1), 1)
        scores.append((2 * right_WL / np.maximum(total_WL, 1)).sum(axis=1) / num_seen_W)
    low, high = np.percentile(np.concatenate(scores), [2.5, 97.5])
    return float(low), float(high)


def wilson_interval(num_right: int, count: int) -> tuple[float, float]:
    """Return the 95% interval of the share of right items.

    Args:
        num_right: number of right items.
        count: number of items.

    Returns:
        The ends of the interval, in [0, 1]; (0.0, 1.0) without items.

    Raises:
        ValueError: a number is negative, or there are more right items than items.

    Source: Wilson, "Probable inference, the law of succession, and statistical inference", 1927.
    """
    if not 0 <= num_right <= count:
        raise ValueError(f"expected 0 <= num_right <= count, got {num_right} of {count}")
    if not count:
        return 0.0, 1.0
    share, z_squared = num_right / count, _Z_95**2
    centre = share + z_squared / (2 * count)
    margin = _Z_95 * math.sqrt(share * (1 - share) / count + z_squared / (4 * count**2))
    scale = 1 + z_squared / count
    return max(0.0, (centre - margin) / scale), min(1.0, (centre + margin) / scale)
