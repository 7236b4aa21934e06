"""The tables of a comparison, by hand."""

from typing import Any

from spanmatch.evaluation.comparison import Costs, RowResult
from spanmatch.evaluation.comparison_tables import Table, comparison_tables, learning_curves, markdown

ERRORS = {"type": 1, "boundary": 0, "boundary_and_type": 0, "spurious": 2, "missed": 3, "covered_wrongly": 1}


def scores(micro: float, macro: float, per_type: dict[str, tuple[float, int]]) -> dict[str, Any]:
    part = {"f1": micro, "support": 10, "predicted": 8}
    return {
        "num_examples": 1000,
        "accuracy": 0.9,
        "micro": {"precision": 0.8, "recall": 0.6, "f1": micro, "f1_interval": [0.1, 0.9]},
        "macro": {"f1": macro, "f1_interval": [0.2, 0.8]},
        "per_type": {label: {"f1": f1, "support": support, "predicted": 1} for label, (f1, support) in per_type.items()},
        "breakdown": {
            "seen_texts": part, "new_texts": part, "seen_types": part, "new_types": {"f1": 0.0, "support": 0, "predicted": 0},
        },
        "errors": ERRORS,
    }  # fmt: skip


def row(name: str, num_train: int | None, micro: float, **given: Any) -> RowResult:
    tests = {"ood": scores(micro, micro / 2, {"A": (0.5, 3), "B": (0.25, 7)})}
    return RowResult(name=name, method="token", settings={}, num_train=num_train, tests=tests, **given)


COSTS = Costs(
    train_seconds=12.4, train_memory_bytes=2 << 30, trained_parameters=1234567, latency_seconds=0.0123,
    texts_per_second=0.246, encoder_share=0.51
)
RESULTS = [
    row("one", 4500, 0.7, costs=COSTS),
    row("one", 5, 0.2, size=5),
    row("two", None, 0.6),
    RowResult(name="three", method="llm", settings={}, error="a | b"),
    RowResult(name="one", method="token", settings={}, size=20, error="no memory"),
]


def by_title(tables: list[Table]) -> dict[str, Table]:
    return {table.title: table for table in tables}


def test_scores() -> None:
    tables = by_title(comparison_tables(RESULTS))
    assert tables["Scores on ood"].rows == [
        ["one", "4,500", "1,000", "0.9000", "0.8000", "0.6000", "0.7000", "0.100 to 0.900", "0.3500", "0.200 to 0.800"],
        ["two", "–", "1,000", "0.9000", "0.8000", "0.6000", "0.6000", "0.100 to 0.900", "0.3000", "0.200 to 0.800"],
    ]
    assert tables["F1 by type on ood"].header == ["row", "B (7)", "A (3)"]
    assert tables["F1 by type on ood"].rows[0] == ["one", "0.2500", "0.5000"]
    assert tables["Known and new on ood"].rows[0] == ["one", "0.7000 (10)", "0.7000 (10)", "0.7000 (10)", "–"]
    assert tables["Errors on ood"].rows[1] == ["two", "1", "0", "0", "2", "3", "1"]


def test_seqeval_has_a_column_where_a_row_has_it() -> None:
    tests = {"ood": RESULTS[0].tests["ood"] | {"seqeval": {"f1": 0.65}}}
    rows = [RowResult(name="tags", method="token", settings={}, tests=tests), RESULTS[2]]
    table = by_title(comparison_tables(rows))["Scores on ood"]
    assert table.header[-1] == "seqeval F1" and [cells[-1] for cells in table.rows] == ["0.6500", "–"]


def test_costs() -> None:
    costs = by_title(comparison_tables(RESULTS))["Costs"]
    assert costs.rows[0] == ["one", "1,234,567", "–", "12", "2,048", "–", "12.3", "0.25", "51%"]
    assert costs.rows[1] == ["two", *["–"] * 8]


def test_learning_curves() -> None:
    assert learning_curves(RESULTS, "ood") == {"one": {5: (0.2, 0.1), 4500: (0.7, 0.35)}}
    curves = by_title(comparison_tables(RESULTS))["Learning curves on ood"]
    assert curves.header == ["row", "5", "4,500"] and curves.rows == [["one", "0.2000 / 0.1000", "0.7000 / 0.3500"]]
    assert "Learning curves on ood" not in by_title(comparison_tables(RESULTS[2:]))


def test_what_failed() -> None:
    failed = by_title(comparison_tables(RESULTS))["Rows that failed"]
    assert failed.rows == [["three", "a | b"], ["one, 20 sentences", "no memory"]]


def test_markdown() -> None:
    text = markdown("Title", comparison_tables(RESULTS), {"seed": 0, "test_file": ("a", "b"), "versions": {"x": "1", "y": "2"}})
    assert text.startswith("# Title\n\n## Scores on ood\n\n")
    assert text.endswith('\n\n- seed: 0\n- test file: ["a", "b"]\n- versions: x 1, y 2\n')
    assert "| three | a \\| b |" in text
    table = [line for line in text.splitlines() if line.startswith("|")]
    assert {line.replace("\\|", "").count("|") for line in table[:4]} == {11}
