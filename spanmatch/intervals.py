"""How far a measured F1 or share can be trusted: 95% intervals."""

import math
from collections import defaultdict

import numpy as np

from spanmatch.error_analysis import Mentions, check_lengths
from spanmatch.metrics import bootstrap_f1

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
