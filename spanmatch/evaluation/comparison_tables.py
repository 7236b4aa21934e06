"""Put the results of a comparison into tables, and write them as Markdown."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from spanmatch.evaluation.comparison import RowResult
from spanmatch.evaluation.tables import in_words

NOTHING = "–"
_BREAKDOWN = {
    "seen_texts": "mentions whose text is in training",
    "new_texts": "mentions whose text is new",
    "seen_types": "types in training",
    "new_types": "types that are new",
}


@dataclass(frozen=True, kw_only=True)
class Table:
    """Holds a table of a report.

    Attributes:
        title: its heading.
        note: what it shows, in a sentence or two.
        header: names of the columns.
        rows: the cells; the first one names the row.
    """

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""


def comparison_tables(results: Sequence[RowResult]) -> list[Table]:
    """Return all tables of a comparison: for each test file the scores, then what the rows cost, then what failed.

    Args:
        results: the rows and the points of their learning curves, in the order of the configuration.
    """
    rows = [result for result in results if result.size is None and result.error is None]
    tests = list(dict.fromkeys(name for result in results for name in result.tests))
    tables = [table for name in tests for table in _of_test(name, rows, results)]
    tables += [_costs(rows)] if rows else []
    failed = [result for result in results if result.error is not None]
    if failed:
        shown = [[_full_name(result), str(result.error)] for result in failed]
        tables.append(Table(title="Rows that failed", header=["row", "error"], rows=shown))
    return tables


def markdown(title: str, tables: Sequence[Table], facts: Mapping[str, Any]) -> str:
    """Return a report as Markdown.

    Args:
        title: its heading.
        tables: its tables.
        facts: what the results depend on, listed at the end.
    """
    parts = [f"# {title}"]
    for table in tables:
        lines = [table.header, ["---"] * len(table.header), *table.rows]
        shown = "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
        parts += [f"## {table.title}", *([table.note] if table.note else []), shown]
    listed = (f"- {name.replace('_', ' ')}: {in_words(value)}" for name, value in facts.items())
    return "\n\n".join([*parts, "\n".join(listed)]) + "\n"


def _full_name(result: RowResult) -> str:
    return result.name if result.size is None else f"{result.name}, {result.size} sentences"


def _of_test(test: str, rows: Sequence[RowResult], results: Sequence[RowResult]) -> list[Table]:
    """Return the tables of one test file."""
    shown = [(result, result.tests[test]) for result in rows if test in result.tests]
    has_seqeval = any("seqeval" in scores for _, scores in shown)
    tables = [
        Table(
            title=f"Scores on {test}",
            note="Accuracy is that of words, most of which are no entity. Intervals: 95%, bootstrap over the texts.",
            header=["row", "trained on", "tested on", "accuracy", "precision", "recall", "micro F1", "interval", "macro F1",
                    "interval", *(["seqeval F1"] if has_seqeval else [])],
            rows=[_scores(result, scores, has_seqeval) for result, scores in shown],
        ),
        _per_type(test, shown),
        Table(
            title=f"Known and new on {test}",
            note=f"Micro F1 of each part, with its gold mentions. {NOTHING}: there are none. Of the text of a mention, case does "
            "not count. Precision counts the predictions of the same part.",
            header=["row", *_BREAKDOWN.values()],
            rows=[[result.name, *(_part(scores["breakdown"][name]) for name in _BREAKDOWN)] for result, scores in shown],
        ),
        _errors(test, shown),
    ]  # fmt: skip
    curve = learning_curves(results, test)
    return [*(table for table in tables if table.rows), *([_curves(test, curve)] if curve else [])]


def _scores(result: RowResult, scores: Mapping[str, Any], has_seqeval: bool) -> list[str]:
    micro, macro = scores["micro"], scores["macro"]
    rates = [scores["accuracy"], micro["precision"], micro["recall"]]
    trained = NOTHING if result.num_train is None else f"{result.num_train:,}"
    f1s = [cell for part in (micro, macro) for cell in (f"{part['f1']:.4f}", _interval(part["f1_interval"]))]
    seqeval = [f"{scores['seqeval']['f1']:.4f}" if "seqeval" in scores else NOTHING] if has_seqeval else []
    return [result.name, trained, f"{scores['num_examples']:,}", *(f"{rate:.4f}" for rate in rates), *f1s, *seqeval]


def _interval(ends: Sequence[float]) -> str:
    return f"{ends[0]:.3f} to {ends[1]:.3f}"


def _part(part: Mapping[str, Any]) -> str:
    if not part["support"]:
        return NOTHING if not part["predicted"] else f"{NOTHING} (0; {part['predicted']:,} predicted)"
    return f"{part['f1']:.4f} ({part['support']:,})"


def _per_type(test: str, shown: Sequence[tuple[RowResult, Mapping[str, Any]]]) -> Table:
    support: dict[str, int] = {}
    for _, scores in shown:  # a row that was tested on fewer texts has less
        for label, part in scores["per_type"].items():
            support[label] = max(support.get(label, 0), part["support"])
    labels = sorted(support, key=lambda label: (-support[label], label))

    def cells(scores: Mapping[str, Any]) -> list[str]:
        own = scores["per_type"]
        return [f"{own[label]['f1']:.4f}" if label in own and (support[label] or own[label]["predicted"]) else NOTHING
                for label in labels]  # fmt: skip

    return Table(
        title=f"F1 by type on {test}",
        note="In brackets, gold mentions in the whole file that was tested on.",
        header=["row", *(f"{label} ({support[label]:,})" for label in labels)],
        rows=[[result.name, *cells(scores)] for result, scores in shown],
    )


def _errors(test: str, shown: Sequence[tuple[RowResult, Mapping[str, Any]]]) -> Table:
    names = list(dict.fromkeys(name for _, scores in shown for name in scores["errors"]))
    return Table(
        title=f"Errors on {test}",
        note="The first four are wrong predictions, the last two gold that was not found.",
        header=["row", *(name.replace("_", " ") for name in names)],
        rows=[[result.name, *(f"{scores['errors'][name]:,}" for name in names)] for result, scores in shown],
    )


def learning_curves(results: Sequence[RowResult], test: str) -> dict[str, dict[int, tuple[float, float]]]:
    """Return micro and macro F1 by the number of training sentences, for each row that was trained on several numbers.

    Args:
        results: the rows and the points of their learning curves.
        test: name of the test file.
    """
    curves: dict[str, dict[int, tuple[float, float]]] = {}
    for result in results:
        if result.error is None and result.num_train is not None and test in result.tests:
            scores = result.tests[test]
            curves.setdefault(result.name, {})[result.num_train] = (scores["micro"]["f1"], scores["macro"]["f1"])
    return {name: dict(sorted(points.items())) for name, points in curves.items() if len(points) > 1}


def _curves(test: str, curves: Mapping[str, Mapping[int, tuple[float, float]]]) -> Table:
    sizes = sorted({size for points in curves.values() for size in points})
    return Table(
        title=f"Learning curves on {test}",
        note="Micro F1 / macro F1 by the number of training sentences. All rows get the same sentences, and each number has "
        "those of the smaller ones.",
        header=["row", *(f"{size:,}" for size in sizes)],
        rows=[
            [name, *("{:.4f} / {:.4f}".format(*points[size]) if size in points else NOTHING for size in sizes)]
            for name, points in curves.items()
        ],
    )


def _costs(rows: Sequence[RowResult]) -> Table:
    def count(value: float) -> str:
        return f"{value:,.0f}"

    def rate(value: float) -> str:
        return count(value) if value >= 10 else f"{value:.2g}"  # a generator takes seconds for a text

    def mebibytes(value: float) -> str:
        return f"{value / 2**20:,.0f}"

    columns: dict[str, tuple[str, Callable[[float], str]]] = {
        "trained parameters": ("trained_parameters", count),
        "parameters": ("parameters", count),
        "training, s": ("train_seconds", count),
        "memory of training, MiB": ("train_memory_bytes", mebibytes),
        "memory of tagging, MiB": ("memory_bytes", mebibytes),
        "a single text, ms": ("latency_seconds", lambda value: f"{1000 * value:.1f}"),
        "texts/s": ("texts_per_second", rate),
        "share of the encoder": ("encoder_share", lambda value: f"{value:.0%}"),
    }
    shown = []
    for result in rows:
        values = [(getattr(result.costs, name), show) for name, show in columns.values()]
        shown.append([result.name, *(NOTHING if value is None else show(value) for value, show in values)])
    note = (
        "Memory is the most that the process held (resident). A single text: the median of texts that are tagged one by one. "
        "The share of the encoder: its own seconds over the same texts, of all seconds of tagging."
    )
    return Table(title="Costs", note=note, header=["row", *columns], rows=shown)
