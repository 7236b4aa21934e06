"""How far a measured F1 or share can be trusted: 95% intervals."""

import math
from collections import defaultdict

import numpy as np
from numpy.typing import NDArray

from spanmatch.evaluation.error_classes import Mentions, check_lengths

_MAX_BLOCK_CELLS = 1 << 20  # 8 MiB of bootstrap weights at a time


def bootstrap_f1(counts: NDArray[np.int64], num_bootstrap: int, seed: int) -> tuple[float, float]:
    """Return the 2.5th and 97.5th percentile of micro F1 over resampled examples, (0.0, 0.0) without examples.

    Equal rows are drawn together, in sorted order: the same distribution, no dependence on the order of the examples.

    Shape: counts (examples, 3): true positives, predicted, gold.
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


_Z_95 = 1.959963984540054  # the normal distribution has 95% of its mass within this many standard deviations


def f1_intervals(
    gold: Mentions, predicted: Mentions, *, num_bootstrap: int = 1000, seed: int = 0
) -> dict[str, tuple[float, float]]:
    """Return the 95% bootstrap interval of F1 of each label that occurs, sorted by label.

    Examples are resampled, as for micro F1 in `spanmatch.metrics.evaluate`; a resample without a mention of the label
    counts as F1 0, so that a rare label has a wide interval.

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


def wilson_interval(num_right: int, count: int) -> tuple[float, float]:
    """Return the 95% interval of a share, (0.0, 1.0) where nothing was counted.

    Source: Wilson, "Probable inference, the law of succession, and statistical inference", 1927.

    Raises:
        ValueError: more right than counted, or a negative number.
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


