"""Compute precision, recall and F1 of predicted mentions against gold, with their uncertainty and classes of errors.

Gold and predictions of an example are sets of (start, end, label): a duplicate counts once, and only an exact match is
right. Offsets are half-open, in characters or in tokens, the same unit throughout a call.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from spanmatch.evaluation.confidence import bootstrap_f1
from spanmatch.evaluation.error_classes import ErrorCounts, Mentions, check_lengths, count_errors, flat_recall_ceiling, is_flat
from spanmatch.evaluation.tables import text_table


@dataclass(frozen=True, kw_only=True)
class Counts:
    """Holds the counts from which precision, recall and F1 follow. A ratio whose denominator is 0 is 0.0.

    Attributes:
        true_positives: number of predicted mentions that are gold.
        num_predicted: number of predicted mentions.
        num_gold: number of gold mentions.

    Raises:
        ValueError: a count is negative, or there are more true positives than predicted or gold mentions.
    """

    true_positives: int
    num_predicted: int
    num_gold: int

    def __post_init__(self) -> None:
        if not 0 <= self.true_positives <= min(self.num_predicted, self.num_gold):
            raise ValueError(f"true positives must be at least 0, at most all predicted and all gold mentions; got {self}")

    @property
    def precision(self) -> float:
        """Return the share of predicted mentions that are gold, in [0, 1]."""
        return self.true_positives / self.num_predicted if self.num_predicted else 0.0

    @property
    def recall(self) -> float:
        """Return the share of gold mentions that were predicted, in [0, 1]."""
        return self.true_positives / self.num_gold if self.num_gold else 0.0

    @property
    def f1(self) -> float:
        """Return the harmonic mean of precision and recall, in [0, 1]."""
        total = self.num_predicted + self.num_gold
        return 2 * self.true_positives / total if total else 0.0


@dataclass(frozen=True, kw_only=True)
class Metrics:
    """Holds the metrics of an evaluation.

    Attributes:
        micro: counts of all types together.
        macro_f1: mean F1 of the types that have gold or predictions; 0.0 if there are none.
        per_type: counts of each label, sorted by label.
        f1_interval: ends of the 95% bootstrap interval of micro F1.
        errors: number of errors of each class.
        num_examples: number of examples.
        flat_recall_ceiling: highest recall that flat predictions can have on this gold; None unless mentions overlap in
            the gold and not in the predictions.
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
        """Return the number of gold mentions of all types."""
        return self.micro.num_gold

    def as_dict(self) -> dict[str, Any]:
        """Return the metrics as `metrics.json` stores them, without `recall_ceiling` if there is none."""
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
        rows = [_row(label, counts) for label, counts in [*self.per_type.items(), ("micro", self.micro)]]
        macro = ["macro", "", "", f"{self.macro_f1:.4f}", "", ""]
        header = ["type", "precision", "recall", "f1", "support", "predicted"]
        lines = text_table(header, [*rows, macro]).split("\n")
        lines.insert(-2, "-" * len(lines[0]))
        low, high = self.f1_interval
        errors = {name: f"{name.replace('_', ' ')} {count}" for name, count in asdict(self.errors).items()}
        in_gold = [errors.pop("missed"), errors.pop("covered_wrongly")]
        lines.append(f"micro F1, 95% interval: {low:.4f} to {high:.4f} (bootstrap over {self.num_examples} examples)")
        lines.append(f"wrong predictions: {', '.join(errors.values())}; gold not found: {', '.join(in_gold)}")
        if self.flat_recall_ceiling is not None:
            lines.append(f"recall ceiling of flat predictions on this gold: {self.flat_recall_ceiling:.4f}")
        return "\n".join(lines)


def _ratios(counts: Counts) -> dict[str, Any]:
    return {"precision": counts.precision, "recall": counts.recall, "f1": counts.f1}


def _row(label: str, counts: Counts) -> list[str]:
    shown = [f"{ratio:.4f}" if counts.num_gold or counts.num_predicted else "-" for ratio in _ratios(counts).values()]
    return [label, *shown, str(counts.num_gold), str(counts.num_predicted)]


def compute_metrics(
    gold: Mentions, predicted: Mentions, *, types: Sequence[str], num_bootstrap: int = 1000, seed: int = 0
) -> Metrics:
    """Score predictions against gold. The order of examples and of mentions does not matter.

    Args:
        gold: gold mentions of each example.
        predicted: predicted mentions of each example, in the order of `gold`.
        types: labels to report even if they do not occur; labels that occur are always reported.
        num_bootstrap: number of resamples behind the interval of micro F1, at least 1.
        seed: seed of the resampling.

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
