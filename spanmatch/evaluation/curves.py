"""Curves over the score: what a threshold trades between precision and recall, and whether scores are probabilities.

Both look at scored predictions that were decoded flat at a low threshold, the floor: what is below it is unknown to them.

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
    """Counts at every distinct score, from the highest down: of the predictions with at least this score.

    Shape: score_K, num_kept_K, num_right_K (K,).
    """

    score_K: NDArray[np.float64]
    num_kept_K: NDArray[np.int64]
    num_right_K: NDArray[np.int64]
    num_gold: int

    @property
    def precision_K(self) -> NDArray[np.float64]:
        return self.num_right_K / self.num_kept_K

    @property
    def recall_K(self) -> NDArray[np.float64]:
        """Zero where there is no gold."""
        return self.num_right_K / max(self.num_gold, 1)

    @property
    def average_precision(self) -> float:
        """The area under the steps of the curve, up to the recall at the floor."""
        gained = np.diff(self.recall_K, prepend=0.0)
        return float((gained * self.precision_K).sum())

    def at(self, threshold: float) -> Counts:
        """What predictions with a score above the threshold are worth; below the floor, the same as at the floor."""
        num_scores = int((self.score_K > threshold).sum())
        right, kept = (int(counts[num_scores - 1]) if num_scores else 0 for counts in (self.num_right_K, self.num_kept_K))
        return Counts(true_positives=right, num_predicted=kept, num_gold=self.num_gold)


@dataclass(frozen=True, kw_only=True)
class PrecisionRecallCurves:
    """The curve of all types together, and of each label that occurs, sorted by label."""

    micro: PrecisionRecall
    per_type: dict[str, PrecisionRecall]


def precision_recall(scored: ScoredMentions, gold: Mentions) -> PrecisionRecallCurves:
    """Return the curves; of duplicates the highest score counts.

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
    """The predictions whose score is in [low, high), the last bin with its end; `mean_score` is 0 where there is none."""

    low: float
    high: float
    count: int
    num_right: int
    mean_score: float

    @property
    def share_right(self) -> float:
        return self.num_right / self.count if self.count else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """The 95% interval of `share_right`."""
        return wilson_interval(self.num_right, self.count)


@dataclass(frozen=True, kw_only=True)
class Reliability:
    """Scores against the share that is right, in bins of equal width, from low to high, empty ones too."""

    bins: tuple[ReliabilityBin, ...]

    @property
    def num_predictions(self) -> int:
        return sum(item.count for item in self.bins)

    @property
    def expected_calibration_error(self) -> float:
        """The distance of share and mean score, averaged over predictions; 0.0 without any.

        Source: Guo et al., "On Calibration of Modern Neural Networks", 2017, equation 3.
        """
        distances = (item.count * abs(item.share_right - item.mean_score) for item in self.bins)
        return sum(distances) / max(self.num_predictions, 1)


def reliability(scored: ScoredMentions, gold: Mentions, *, num_bins: int = 10) -> Reliability:
    """Compare scores with the share of predictions that is right; of duplicates the highest score counts.

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


