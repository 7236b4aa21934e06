"""Gold mentions against predicted ones: scores, their uncertainty, and the threshold that serves them best.

Gold and predictions of an example are sets of (start, end, label): a duplicate counts once, and only an exact match is
right. Offsets are half-open, in characters or in tokens, the same unit throughout a call. Scores are in [0, 1].

Legend: R distinct rows of counts, W resamples.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from spanmatch.evaluation.confidence import bootstrap_f1
from spanmatch.evaluation.error_classes import ErrorCounts, Mentions, check_lengths, count_errors, is_flat
from spanmatch.evaluation.error_classes import flat_recall_ceiling as flat_recall_ceiling
from spanmatch.evaluation.tables import text_table


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
