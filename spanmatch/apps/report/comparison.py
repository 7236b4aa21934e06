"""Write the report of a comparison as one HTML file, which needs neither a network nor a script."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup

from spanmatch.apps.report.confusion_grid import ConfusionGrid, confusion_grid
from spanmatch.apps.report.figures import learning_curve_figure, look_of
from spanmatch.apps.report.report import MAX_TYPES_CONFUSED, ErrorClass, environment, error_classes
from spanmatch.data.corpus import Corpus, read_corpus
from spanmatch.data.files import write_whole
from spanmatch.evaluation.comparison import RowResult, stored_mentions
from spanmatch.evaluation.comparison_tables import Table, learning_curves
from spanmatch.evaluation.confusion import count_confusions
from spanmatch.evaluation.tables import in_words

_TEMPLATE = "comparison.html"


@dataclass(frozen=True, kw_only=True)
class _Curves:
    """Holds the learning curves on a test file: the figure, and each row's name with its look."""

    test: str
    figure: Markup
    legend: Sequence[tuple[str, int, str]]


@dataclass(frozen=True, kw_only=True)
class _Detail:
    """Holds what a row confused on a test file."""

    name: str
    test: str
    confusion: ConfusionGrid | None
    errors: Sequence[ErrorClass]


def write_comparison(
    path: Path,
    *,
    title: str,
    format: str,
    results: Sequence[RowResult],
    tables: Sequence[Table],
    facts: Mapping[str, Any],
    max_examples: int = 3,
) -> None:
    """Write the report of a comparison.

    Args:
        path: the HTML file to write.
        title: its heading.
        format: "text" or "tokens": how the test files are read.
        results: the rows and the points of their learning curves.
        tables: the tables of the results.
        facts: what the results depend on, shown as they are.
        max_examples: number of examples to show of each class of error, at most.

    Raises:
        InputError: a test file cannot be read any more.
    """
    corpora: dict[str, Corpus] = {}
    details = []
    for result in results:
        if result.size is None and result.error is None:
            for test, file in result.settings["tests"].items():
                if file not in corpora:
                    corpora[file] = read_corpus(file, format=format)
                details.append(_detail(result, test, corpora[file], max_examples))
    tests = list(dict.fromkeys(name for result in results for name in result.tests))
    context = {
        "title": title,
        "tables": tables,
        "curves": [curves for test in tests if (curves := _curves(results, test)) is not None],
        "details": details,
        "facts": {name: in_words(value) for name, value in facts.items()},
    }
    write_whole(path, environment().get_template(_TEMPLATE).render(context))


def _detail(result: RowResult, test: str, corpus: Corpus, max_examples: int) -> _Detail:
    scores = result.tests[test]
    found = stored_mentions(scores)
    confusion = count_confusions([example.mentions for example in corpus.examples], found)
    support = {label: part["support"] for label, part in scores["per_type"].items()}
    return _Detail(
        name=result.name,
        test=test,
        confusion=confusion_grid(Counter(confusion.equal), support, max_types=MAX_TYPES_CONFUSED),
        errors=error_classes(scores["errors"], corpus.examples, found, max_examples),
    )


def _curves(results: Sequence[RowResult], test: str) -> _Curves | None:
    curves = learning_curves(results, test)
    if not curves:
        return None
    micro = [{size: f1 for size, (f1, _) in points.items()} for points in curves.values()]
    ends = (f"{name} {list(points.values())[-1]:.3f}" for name, points in zip(curves, micro, strict=True))
    alt = (
        f"Micro F1 on {test} against the number of training sentences; at the last: {', '.join(ends)}. Numbers are in the table."
    )
    return _Curves(
        test=test,
        figure=learning_curve_figure(micro, alt=alt),
        legend=[(name, *look_of(index)) for index, name in enumerate(curves)],
    )
