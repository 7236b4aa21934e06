"""Gold mentions against predicted ones: scores, their uncertainty, and the threshold that serves them best.

Gold and predictions of an example are sets of (start, end, label): a duplicate counts once, and only an exact match is
right. Offsets are half-open, in characters or in tokens, the same unit throughout a call. Scores are in [0, 1].

Legend: R distinct rows of counts, W resamples.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spanmatch.entities import Mention
from spanmatch.error_analysis import ErrorCounts, Mentions, check_lengths, count_errors, is_flat
from spanmatch.error_analysis import flat_recall_ceiling as flat_recall_ceiling
from spanmatch.error_analysis import seqeval_scores as seqeval_scores

ScoredMentions = Sequence[Sequence[tuple[Mention, float]]]
DEFAULT_THRESHOLD = 0.5
_MAX_BLOCK_CELLS = 1 << 20  # 8 MiB of bootstrap weights at a time


@dataclass(frozen=True, kw_only=True)
class Counts:
    """What precision, recall and F1 follow from; a ratio without a denominator is 0.0.

    Raises:
        ValueError: more true positives than predictions or gold mentions, or a negative count.
    """

    true_positives: int
    num_predicted: int
    num_gold: int

    def __post_init__(self) -> None:
        if not 0 <= self.true_positives <= min(self.num_predicted, self.num_gold):
            raise ValueError(f"true positives must be from 0 to the predicted and the gold mentions, got {self}")

    @property
    def precision(self) -> float:
        return self.true_positives / self.num_predicted if self.num_predicted else 0.0

    @property
    def recall(self) -> float:
        return self.true_positives / self.num_gold if self.num_gold else 0.0

    @property
    def f1(self) -> float:
        total = self.num_predicted + self.num_gold
        return 2 * self.true_positives / total if total else 0.0


@dataclass(frozen=True, kw_only=True)
class Metrics:
    """The result of an evaluation.

    `per_type` is sorted by label. `macro_f1` is the mean F1 of the types with gold or predictions. `f1_interval` is the
    95% interval of micro F1. `flat_recall_ceiling` is None unless mentions overlap in the gold and not in the predictions.
    """

    micro: Counts
    macro_f1: float
    per_type: dict[str, Counts]
    f1_interval: tuple[float, float]
    errors: ErrorCounts
    num_examples: int
    flat_recall_ceiling: float | None = None

    @property
    def num_gold(self) -> int:
        return self.micro.num_gold

    def as_dict(self) -> dict[str, Any]:
        """Return what `metrics.json` holds; `recall_ceiling` only where there is one."""
        result: dict[str, Any] = {
            "micro": _ratios(self.micro) | {"f1_interval": list(self.f1_interval)},
            "macro": {"f1": self.macro_f1},
            "per_type": {
                label: _ratios(counts) | {"support": counts.num_gold, "predicted": counts.num_predicted}
                for label, counts in self.per_type.items()
            },
            "num_examples": self.num_examples,
            "num_gold": self.micro.num_gold,
            "num_predicted": self.micro.num_predicted,
            "errors": asdict(self.errors),
        }
        if self.flat_recall_ceiling is not None:
            result["recall_ceiling"] = self.flat_recall_ceiling
        return result

    def table(self) -> str:
        """Return a text table: a row per type ("-" where it has neither gold nor predictions), micro, macro, errors."""
        width = max(map(len, ("micro", *self.per_type)))
        rows = [_row(label, counts, width) for label, counts in self.per_type.items()]
        header = f"{'type':<{width}}  precision  recall      f1  support  predicted"
        low, high = self.f1_interval
        errors = {name: f"{name.replace('_', ' ')} {count}" for name, count in asdict(self.errors).items()}
        in_gold = [errors.pop("missed"), errors.pop("covered_wrongly")]
        lines = [header, *rows, "-" * len(header), _row("micro", self.micro, width)]
        lines.append(f"{'macro':<{width}}  {'':>9}  {'':>6}  {self.macro_f1:6.4f}")
        lines.append(f"micro F1, 95% interval: {low:.4f} to {high:.4f} (bootstrap over {self.num_examples} examples)")
        lines.append(f"wrong predictions: {', '.join(errors.values())}; gold not found: {', '.join(in_gold)}")
        if self.flat_recall_ceiling is not None:
            lines.append(f"recall ceiling of flat predictions on this gold: {self.flat_recall_ceiling:.4f}")
        return "\n".join(lines)


def _ratios(counts: Counts) -> dict[str, Any]:
    return {"precision": counts.precision, "recall": counts.recall, "f1": counts.f1}


def _row(label: str, counts: Counts, width: int) -> str:
    shown = [f"{ratio:.4f}" if counts.num_gold or counts.num_predicted else "-" for ratio in _ratios(counts).values()]
    return f"{label:<{width}}  {shown[0]:>9}  {shown[1]:>6}  {shown[2]:>6}  {counts.num_gold:>7}  {counts.num_predicted:>9}"


def evaluate(gold: Mentions, predicted: Mentions, *, types: Sequence[str], num_bootstrap: int = 1000, seed: int = 0) -> Metrics:
    """Score predictions against gold, example by example; neither the order of examples nor that of mentions matters.

    The inventory is `types` and every label that occurs. The interval of micro F1 is a percentile bootstrap that
    resamples examples (Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13).

    Raises:
        ValueError: `gold` and `predicted` differ in length, or `num_bootstrap` is below 1.
    """
    check_lengths(gold=gold, predicted=predicted)
    if num_bootstrap < 1:
        raise ValueError(f"num_bootstrap must be at least 1, got {num_bootstrap}")
    pairs = [(set(golds), set(found)) for golds, found in zip(gold, predicted, strict=True)]
    right = Counter(mention.label for golds, found in pairs for mention in golds & found)
    support = Counter(mention.label for golds, _ in pairs for mention in golds)
    num_predicted = Counter(mention.label for _, found in pairs for mention in found)
    per_type = {
        label: Counts(true_positives=right[label], num_predicted=num_predicted[label], num_gold=support[label])
        for label in sorted({*types, *support, *num_predicted})
    }
    seen = [counts.f1 for counts in per_type.values() if counts.num_gold or counts.num_predicted]
    rows = np.array([(len(golds & found), len(found), len(golds)) for golds, found in pairs], dtype=np.int64)
    return Metrics(
        micro=Counts(true_positives=right.total(), num_predicted=num_predicted.total(), num_gold=support.total()),
        macro_f1=sum(seen) / len(seen) if seen else 0.0,
        per_type=per_type,
        f1_interval=bootstrap_f1(rows.reshape(-1, 3), num_bootstrap, seed),
        errors=count_errors(gold, predicted),
        num_examples=len(pairs),
        flat_recall_ceiling=flat_recall_ceiling(gold) if is_flat(predicted) else None,
    )


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


@dataclass(frozen=True, kw_only=True)
class BestThreshold:
    """The probability above which (`score > threshold`) predictions have the best micro F1, and what they then score."""

    threshold: float
    f1: float
    precision: float
    recall: float


def best_threshold(scored: ScoredMentions, gold: Mentions, *, floor: float = 0.0) -> BestThreshold:
    """Return the threshold of the best micro F1, in O(n log n).

    A threshold lies halfway, in probability, between the lowest score kept and the highest dropped (below the lowest of
    all: `floor`). Of equal F1 the threshold nearest 0.5 wins, of those the higher. Without a right prediction it is 0.5.

    Args:
        scored: Entities with their probability, overlaps already resolved greedily by score: a higher threshold then
            keeps exactly those above it. Of duplicates the highest score counts.
        floor: The threshold with which `scored` was decoded: nothing is known of what is below.

    Raises:
        ValueError: `scored` and `gold` differ in length, or a score is not in (0, 1].
    """
    num_gold = sum(len(set(mentions)) for mentions in gold)
    found = [item for items in judge_by_label(scored, gold).values() for item in items]
    nothing = BestThreshold(threshold=DEFAULT_THRESHOLD, f1=0.0, precision=0.0, recall=0.0)
    return _sweep(found, num_gold, floor) or nothing


def best_threshold_per_type(
    scored: ScoredMentions, gold: Mentions, *, min_support: int = 10, floor: float = 0.0
) -> dict[str, float]:
    """Return `best_threshold` of each type by itself, sorted by label; arguments and errors as there.

    Types with fewer gold mentions than `min_support`, or without a right prediction, are left out: they take the global one.
    Not exact where overlaps are resolved: what a raised threshold drops may have stood in the way of another type.
    """
    support = Counter(mention.label for mentions in gold for mention in set(mentions))
    by_label = judge_by_label(scored, gold)
    ample = sorted(label for label in by_label if support[label] >= min_support)
    found = {label: _sweep(by_label[label], support[label], floor) for label in ample}
    return {label: best.threshold for label, best in found.items() if best is not None}


def judge_by_label(scored: ScoredMentions, gold: Mentions) -> dict[str, list[tuple[float, bool]]]:
    """Return (score, whether it is right) of every distinct prediction, by label."""
    check_lengths(scored=scored, gold=gold)
    by_label: dict[str, list[tuple[float, bool]]] = defaultdict(list)
    for items, mentions in zip(scored, map(set, gold), strict=True):
        for mention, score in dict(sorted(items, key=lambda item: item[1])).items():
            if not 0 < score <= 1:
                raise ValueError(f"scores must be probabilities in (0, 1], got {score} for {mention}; apply the sigmoid")
            by_label[mention.label].append((score, mention in mentions))
    return by_label


def _sweep(found: list[tuple[float, bool]], num_gold: int, floor: float) -> BestThreshold | None:
    """Compare all ways to cut between distinct scores; None without a right prediction."""
    if not any(is_right for _, is_right in found):
        return None
    found = sorted(found, reverse=True)
    scores = np.array([score for score, _ in found])
    last_of_equals = np.append(scores[:-1] > scores[1:], True)
    num_kept = np.flatnonzero(last_of_equals) + 1
    right = np.cumsum([is_right for _, is_right in found])[last_of_equals]
    kept = scores[last_of_equals]
    dropped = np.append(kept[1:], min(floor, np.nextafter(kept[-1], 0)))
    halfway = dropped + (kept - dropped) / 2
    thresholds = np.where(halfway < kept, halfway, dropped)  # neighbouring floats have nothing between them
    f1 = 2 * right / (num_kept + num_gold)
    ties = np.flatnonzero(f1 == f1.max())
    best = ties[np.argmin(np.abs(thresholds[ties] - DEFAULT_THRESHOLD))]  # the first: the highest of the nearest
    counts = Counts(true_positives=int(right[best]), num_predicted=int(num_kept[best]), num_gold=num_gold)
    return BestThreshold(threshold=float(thresholds[best]), f1=counts.f1, precision=counts.precision, recall=counts.recall)
