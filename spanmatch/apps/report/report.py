"""Write the report of an evaluation as one HTML file, which needs neither a network nor a script.

The same evaluation gives the same bytes. Texts, labels and settings come from the user: the template escapes all of them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from spanmatch.apps.report.confusion_grid import confusion_grid
from spanmatch.apps.report.error_examples import ErrorExample, error_examples
from spanmatch.apps.report.figures import DASHES, MAX_SERIES, precision_recall_figure, reliability_figure
from spanmatch.data.corpus import Corpus
from spanmatch.data.examples import Example
from spanmatch.data.files import write_whole
from spanmatch.entities import Mention
from spanmatch.evaluation.calibration import ScoredMentions, best_threshold
from spanmatch.evaluation.confidence import f1_intervals
from spanmatch.evaluation.confusion import count_confusions, largest_confusions
from spanmatch.evaluation.curves import PrecisionRecallCurves, precision_recall, reliability
from spanmatch.evaluation.evaluate import Evaluation, scores_in_units
from spanmatch.evaluation.metrics import Counts, Metrics
from spanmatch.evaluation.tables import in_words

_TEMPLATE = "report.html"
_MAX_TYPES_SHOWN = 30  # the other types are folded away
MAX_TYPES_CONFUSED = 25
_MAX_PAIRS = 20
_THRESHOLDS = tuple(step / 10 for step in range(1, 10))
_CLASSES = {
    "type": ("Wrong type", "A prediction with the span of a gold mention that has another type."),
    "boundary": ("Wrong boundary", "A prediction that overlaps a gold mention of its type."),
    "boundary_and_type": ("Wrong boundary and type", "A prediction that overlaps gold mentions, all of other types."),
    "spurious": ("Spurious", "A wrong prediction that overlaps no gold mention, or only ones that were found."),
    "missed": ("Missed", "A gold mention that was not found and that no wrong prediction overlaps."),
    "covered_wrongly": ("Covered wrongly", "A gold mention that was not found, and that one of the first three overlaps."),
}


@dataclass(frozen=True, kw_only=True)
class _TypeRow:
    label: str
    counts: Counts
    interval: tuple[float, float] | None  # None where the type has neither gold nor predictions


@dataclass(frozen=True, kw_only=True)
class ErrorClass:
    """Holds a class of errors as a report shows it.

    Attributes:
        title: its heading.
        explanation: which errors are in it.
        count: number of errors.
        examples: some of them, in their texts.
    """

    title: str
    explanation: str
    count: int
    examples: Sequence[ErrorExample]


def write_report(
    path: Path,
    *,
    corpus: Corpus,
    evaluation: Evaluation,
    format: str,
    floor: float,
    settings: Mapping[str, Any],
    max_examples: int = 6,
) -> None:
    """Write the report of an evaluation.

    Args:
        path: the HTML file to write; its folder is made if need be.
        corpus: the examples with their gold.
        evaluation: metrics, predictions and, for the curves, scored predictions (see `evaluate_corpus`, `floor`).
        format: "text" or "tokens": the units in which predictions were compared with gold.
        floor: probability above which predictions are in `evaluation.scored`.
        settings: what the result depends on, shown as it is: model, file, threshold, overlap, versions, commit, seed.
        max_examples: number of examples to show of each class of error, at most.

    Raises:
        ValueError: `evaluation.scored` has not one entry per example.
        OSError: the file cannot be written.
    """
    in_units = scores_in_units(corpus, evaluation.predicted, format)
    # Two predictions can grow to the same tokens: the higher score comes last and stays.
    found = [dict(sorted(items, key=lambda item: item[1])) for items in in_units]
    gold = [example.mentions for example in corpus.examples]
    metrics, scored = evaluation.metrics, evaluation.scored
    curves = precision_recall(scored, gold)
    confusion = count_confusions(gold, found)
    support = {label: counts.num_gold for label, counts in metrics.per_type.items()}
    context = {
        "settings": {name: in_words(value) for name, value in settings.items()},
        "metrics": metrics,
        "seqeval": evaluation.seqeval,
        "types": _type_rows(metrics, f1_intervals(gold, found)),
        "max_types_shown": _MAX_TYPES_SHOWN,
        "floor": floor,
        "curves": curves,
        "precision_recall": _precision_recall(curves, metrics, scored, gold, floor),
        "reliability": _reliability(scored, gold),
        "equal": confusion_grid(confusion.equal, support, max_types=MAX_TYPES_CONFUSED),
        "overlapping": confusion_grid(confusion.overlapping, support, max_types=MAX_TYPES_CONFUSED),
        "largest": largest_confusions(confusion.equal + confusion.overlapping, _MAX_PAIRS),
        "errors": error_classes(asdict(metrics.errors), corpus.examples, found, max_examples),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, environment().get_template(_TEMPLATE).render(context))


def environment() -> Environment:
    """Return what fills the templates of this folder in. It escapes every text."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["ratio"] = lambda value: f"{value:.4f}"
    environment.filters["percent"] = lambda value: f"{100 * value:.1f}%"
    environment.filters["count"] = lambda value: f"{value:,}"
    return environment


def _type_rows(metrics: Metrics, intervals: Mapping[str, tuple[float, float]]) -> list[_TypeRow]:
    """Return a row per type, the types with the most gold first."""
    ordered = sorted(metrics.per_type.items(), key=lambda item: (-item[1].num_gold, -item[1].num_predicted, item[0]))
    return [_TypeRow(label=label, counts=counts, interval=intervals.get(label)) for label, counts in ordered]


def _precision_recall(
    curves: PrecisionRecallCurves, metrics: Metrics, scored: ScoredMentions, gold: Sequence[Sequence[Mention]], floor: float
) -> dict[str, Any] | None:
    """Return the figure, its legend and the curve as a table; None without gold or predictions."""
    if not (metrics.num_gold and len(curves.micro.score_K)):
        return None
    best = best_threshold(scored, gold, floor=floor)
    at_best = curves.micro.at(best.threshold)
    with_curve = [label for label, curve in curves.per_type.items() if curve.num_gold and len(curve.score_K)]
    largest = sorted(with_curve, key=lambda label: (-curves.per_type[label].num_gold, label))[:MAX_SERIES]
    # The curve of a single type is that of all types, which the thick line shows already.
    shown = [curves.per_type[label] for label in largest] if len(curves.per_type) > 1 else []
    alt = (
        f"Precision against recall. The evaluation has precision {metrics.micro.precision:.3f} at recall "
        f"{metrics.micro.recall:.3f}; the best F1 is {best.f1:.3f}, at threshold {best.threshold:.3f}. Numbers are in the table."
    )
    return {
        "figure": precision_recall_figure(curves.micro, shown, operating=metrics.micro, best=at_best, alt=alt),
        "series": list(zip(largest, shown, DASHES, strict=False)),
        "best": best,
        "rows": [(threshold, curves.micro.at(threshold)) for threshold in _THRESHOLDS],
    }


def _reliability(scored: ScoredMentions, gold: Sequence[Sequence[Mention]]) -> dict[str, Any] | None:
    result = reliability(scored, gold)
    if not result.num_predictions:
        return None
    error = result.expected_calibration_error
    alt = (
        f"Share of right predictions against their score, with counts; expected calibration error {error:.3f}. "
        "Numbers are in the table."
    )
    figure: Markup = reliability_figure(result, alt=alt)
    return {"figure": figure, "result": result}


def error_classes(
    counts: Mapping[str, int], examples: Sequence[Example], found: Sequence[Mapping[Mention, float]], max_examples: int
) -> list[ErrorClass]:
    """Return the classes of errors, with examples of each.

    Args:
        counts: number of errors by class, named as in `ErrorCounts`.
        examples: texts with their gold.
        found: predicted mentions of each example with their scores, in the units of the gold.
        max_examples: number of examples to show of each class, at most.
    """
    shown = error_examples(examples, found, max_per_class=max_examples)
    return [
        ErrorClass(title=title, explanation=explanation, count=counts[name], examples=shown.get(name, []))
        for name, (title, explanation) in _CLASSES.items()
    ]
