"""The HTML report of a comparison: complete, self-contained, and everything in it escaped."""

from pathlib import Path
from typing import Any

import pytest
from helpers_e2e import write_jsonl
from helpers_report import evaluation_of, mention

from spanmatch.apps.report.comparison import write_comparison
from spanmatch.data.corpus import read_corpus
from spanmatch.evaluation.breakdown import Seen
from spanmatch.evaluation.comparison import Costs, RowResult, kept_scores
from spanmatch.evaluation.comparison_tables import comparison_tables

TEXT = "Ada <b>met</b> Bob in Lima"


def row(folder: Path, name: str, found: list[Any], size: int | None = None, num_train: int = 40) -> RowResult:
    file = folder / "test.jsonl"
    if not file.exists():
        write_jsonl(file, [{"text": TEXT, "char_spans": [{"start": 0, "end": 3, "label": "<i>"}], "labels": ["<i>", "PER"]}])
    corpus = read_corpus(str(file))
    evaluation = evaluation_of(corpus, [found])
    scores = kept_scores(corpus, evaluation, "text", Seen(labels=frozenset({"PER"}), texts=frozenset({"bob"})), 1.0)
    return RowResult(
        name=name, method="token", settings={"tests": {"test": str(file)}}, size=size, num_train=num_train,
        tests={"test": scores}, costs=Costs(latency_seconds=0.01),
    )  # fmt: skip


@pytest.fixture
def page(tmp_path: Path) -> str:
    right, wrong = (mention(TEXT, "Ada", "<i>"), 0.9), (mention(TEXT, "Bob", "PER"), 0.8)
    results = [
        row(tmp_path, "<script>", [right, wrong]),
        row(tmp_path, "<script>", [right], size=5, num_train=5),
        RowResult(name="broken", method="llm", settings={}, error="no <memory>"),
    ]
    tables = comparison_tables(results)
    write_comparison(tmp_path / "r.html", title="A & B", format="text", results=results, tables=tables, facts={"seed": 0})
    return (tmp_path / "r.html").read_text(encoding="utf-8")


def test_it_has_everything(page: str) -> None:
    for title in ("Scores on test", "F1 by type on test", "Known and new on test", "Errors on test", "Learning curves on test"):
        assert title in page
    assert "Costs" in page and "Rows that failed" in page and "Spurious (1)" in page
    assert page.count("<svg role=") == 1 and "training sentences" in page


def test_everything_is_escaped(page: str) -> None:
    assert "<script" not in page and "<b>met" not in page and "<memory>" not in page and "<i></" not in page
    assert "&lt;script&gt;" in page and "no &lt;memory&gt;" in page and "A &amp; B" in page


def test_it_needs_no_network(page: str) -> None:
    assert "default-src 'none'" in page and "http:" not in page and "https:" not in page
    assert "{{" not in page and "{%" not in page


def test_without_curves_and_results(tmp_path: Path) -> None:
    failed = [RowResult(name="broken", method="llm", settings={}, error="why")]
    write_comparison(
        tmp_path / "r.html", title="T", format="text", results=failed, tables=comparison_tables(failed), facts={"seed": 0}
    )
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "Rows that failed" in page and "<svg" not in page and "Learning curves" not in page

