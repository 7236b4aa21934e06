"""Compute how a threshold trades precision for recall, and whether scores are probabilities.

Both take scored predictions that were decoded flat at a low threshold, the floor. Predictions below it are not known.

Legend: K distinct scores.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spanmatch.evaluation.calibration import ScoredMentions, judge_by_label
from spanmatch.evaluation.confidence import wilson_interval
from spanmatch.evaluation.error_classes import Mentions
from spanmatch.evaluation.metrics import Counts


@dataclass(frozen=True, kw_only=True, eq=False)
class PrecisionRecall:
    """Holds the precision-recall curve: for each distinct score, the counts of the predictions with at least this score.

    Attributes:
        score_K: the distinct scores, from the highest to the lowest.
        num_kept_K: number of predictions with at least this score.
        num_right_K: number of these predictions that are right.
        num_gold: number of gold mentions.

    Shape: score_K, num_kept_K and num_right_K (K,).
    """

    score_K: NDArray[np.float64]
    num_kept_K: NDArray[np.int64]
    num_right_K: NDArray[np.int64]
    num_gold: int

    @property
    def precision_K(self) -> NDArray[np.float64]:
        """Return the precision at each score."""
        return self.num_right_K / self.num_kept_K

    @property
    def recall_K(self) -> NDArray[np.float64]:
        """Return the recall at each score, 0 without gold."""
        return self.num_right_K / max(self.num_gold, 1)

    @property
    def average_precision(self) -> float:
        """Return the area under the steps of the curve, up to the recall at the floor."""
        gained = np.diff(self.recall_K, prepend=0.0)
        return float((gained * self.precision_K).sum())

    def at(self, threshold: float) -> Counts:
        """Return the counts of the predictions above a threshold.

        Args:
            threshold: a probability; below the floor, the counts are those at the floor.
        """
        num_scores = int((self.score_K > threshold).sum())
        right, kept = (int(counts[num_scores - 1]) if num_scores else 0 for counts in (self.num_right_K, self.num_kept_K))
        return Counts(true_positives=right, num_predicted=kept, num_gold=self.num_gold)


@dataclass(frozen=True, kw_only=True)
class PrecisionRecallCurves:
    """Holds precision-recall curves.

    Attributes:
        micro: the curve of all types together.
        per_type: the curve of each label that occurs, sorted by label.
    """

    micro: PrecisionRecall
    per_type: dict[str, PrecisionRecall]


def precision_recall(scored: ScoredMentions, gold: Mentions) -> PrecisionRecallCurves:
    """Compute the precision-recall curves of scored predictions.

    Args:
        scored: predicted mentions of each example with their probabilities in (0, 1]; of duplicates the highest counts.
        gold: gold mentions of each example, in the order of `scored`.

    Raises:
        ValueError: `scored` and `gold` differ in length, or a score is not in (0, 1].
    """
    judged = judge_by_label(scored, gold)
    support = Counter(mention.label for mentions in gold for mention in set(mentions))
    return PrecisionRecallCurves(
        micro=_curve([item for items in judged.values() for item in items], support.total()),
        per_type={label: _curve(judged.get(label, []), support[label]) for label in sorted({*judged, *support})},
    )


def _curve(judged: Sequence[tuple[float, bool]], num_gold: int) -> PrecisionRecall:
    ordered = sorted(judged, reverse=True)
    scores = np.array([score for score, _ in ordered], dtype=np.float64)
    last_of_equals = np.append(scores[:-1] > scores[1:], True)[: len(scores)]
    return PrecisionRecall(
        score_K=scores[last_of_equals],
        num_kept_K=np.flatnonzero(last_of_equals) + 1,
        num_right_K=np.cumsum([is_right for _, is_right in ordered], dtype=np.int64)[last_of_equals],
        num_gold=num_gold,
    )


@dataclass(frozen=True, kw_only=True)
class ReliabilityBin:
    """Holds the counts of the predictions whose scores are in one bin.

    Attributes:
        low: lowest score of the bin.
        high: end of the bin, which belongs to the next bin, or to this one if it is the last.
        count: number of predictions.
        num_right: number of predictions that are right.
        mean_score: mean score of the predictions; 0.0 without any.
    """

    low: float
    high: float
    count: int
    num_right: int
    mean_score: float

    @property
    def share_right(self) -> float:
        """Return the share of predictions that are right, 0.0 without any."""
        return self.num_right / self.count if self.count else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """Return the ends of the 95% interval of `share_right`."""
        return wilson_interval(self.num_right, self.count)


@dataclass(frozen=True, kw_only=True)
class Reliability:
    """Holds predictions in bins of their scores, for comparing scores with shares of right predictions.

    Attributes:
        bins: bins of equal width, from the lowest scores to the highest, with the empty ones.
    """

    bins: tuple[ReliabilityBin, ...]

    @property
    def num_predictions(self) -> int:
        """Return the number of predictions in all bins."""
        return sum(item.count for item in self.bins)

    @property
    def expected_calibration_error(self) -> float:
        """Return the distance between share of right predictions and mean score, averaged over predictions.

        It is in [0, 1], and 0.0 without predictions.

        Source: Guo et al., "On Calibration of Modern Neural Networks", 2017, equation 3.
        """
        distances = (item.count * abs(item.share_right - item.mean_score) for item in self.bins)
        return sum(distances) / max(self.num_predictions, 1)


def reliability(scored: ScoredMentions, gold: Mentions, *, num_bins: int = 10) -> Reliability:
    """Compare scores with the share of predictions that are right, in bins of equal width.

    Args:
        scored: predicted mentions of each example with their probabilities in (0, 1]; of duplicates the highest counts.
        gold: gold mentions of each example, in the order of `scored`.
        num_bins: number of bins, at least 1.

    Raises:
        ValueError: `num_bins` is below 1, `scored` and `gold` differ in length, or a score is not in (0, 1].
    """
    if num_bins < 1:
        raise ValueError(f"num_bins must be at least 1, got {num_bins}")
    binned: list[list[tuple[float, bool]]] = [[] for _ in range(num_bins)]
    for items in judge_by_label(scored, gold).values():
        for score, is_right in items:
            binned[min(int(score * num_bins), num_bins - 1)].append((score, is_right))
    return Reliability(
        bins=tuple(
            ReliabilityBin(
                low=index / num_bins,
                high=(index + 1) / num_bins,
                count=len(items),
                num_right=sum(is_right for _, is_right in items),
                mean_score=sum(score for score, _ in items) / len(items) if items else 0.0,
            )
            for index, items in enumerate(binned)
        )
    )
