"""A comparison from its configuration to its report: rows that resume, rows that fail, learning curves."""

from pathlib import Path
from typing import Any

import pytest
from helpers_compare import Steps, steps, write_config
from helpers_e2e import Result, read_json, read_jsonl, spanmatch, write_jsonl

from spanmatch.evaluation.comparison import RowResult
from spanmatch.prediction.tagger import load_tagger

__all__ = ["steps"]  # a fixture


def rows_of(encoder: Path) -> list[dict[str, Any]]:
    return [
        {"name": "Token classifier", "method": "token", "model": str(encoder)},
        {"name": "Bi-encoder", "method": "bi", "text_encoder": str(encoder), "max_span_width": 4, "sizes": []},
        {"name": "ships", "method": "folder", "model": "spanmatch-mini"},
    ]


@pytest.fixture
def config(tiny_encoder: Path, tmp_path: Path) -> Path:
    return write_config(tmp_path, rows_of(tiny_encoder), sizes=[5], min_steps=3)


@pytest.fixture
def two_rows(tiny_encoder: Path, tmp_path: Path) -> Path:
    """... without a learning curve and without the model that ships, which is larger."""
    return write_config(tmp_path, rows_of(tiny_encoder)[:2])


def run(config: Path, *flags: object) -> Result:
    return spanmatch("compare", config, *flags)


def test_three_rows_from_end_to_end(config: Path, steps: Steps, tmp_path: Path) -> None:
    result = run(config)
    assert result.status == 0, result.err
    assert steps.done == [
        "token token-classifier", "evaluate token-classifier", "bi bi-encoder", "evaluate bi-encoder", "evaluate ships",
        "token token-classifier-5", "evaluate token-classifier-5",
    ]  # fmt: skip
    out = tmp_path / "out"
    token = RowResult.load(out / "rows" / "token-classifier.json")
    scores = token.tests["test"]
    assert scores["micro"]["f1"] > 0.5 and scores["micro"]["f1_interval"][0] < scores["micro"]["f1"]
    assert (token.num_train, scores["num_examples"], len(scores["predicted"])) == (80, 20, 20)
    costs = token.costs
    assert costs.trained_parameters == costs.parameters and (costs.train_seconds or 0) > 0
    assert (costs.train_memory_bytes, costs.memory_bytes) == (1 << 21, 1 << 20)
    assert 0 < (costs.latency_seconds or 0) < 1 and 0 < (costs.encoder_share or 0) < 1.5
    assert (RowResult.load(out / "rows" / "bi-encoder.json").costs.trained_parameters or 0) > 1000
    ships = RowResult.load(out / "rows" / "ships.json")
    assert ships.num_train is None and ships.costs.train_seconds is None
    assert RowResult.load(out / "rows" / "token-classifier-5.json").num_train == 5
    assert load_tagger(out / "models" / "token-classifier").kind == "token classifier"
    assert not (out / "models" / "token-classifier-5").exists()
    report = (out / "report.md").read_text(encoding="utf-8")
    assert "\n- machine: " in report and "\n- commit: " in report
    for title in ("Scores", "F1 by type", "Known and new", "Errors", "Learning curves"):
        assert f"## {title} on test" in report
    assert "## Costs" in report and "| ships |" in report
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "Confusion of types" in page and "Wrong boundary" in page and 'id="learning-curve-' in page
    assert "http://" not in page and "https://" not in page and "<script" not in page


def test_what_is_there_is_not_run_again(two_rows: Path, steps: Steps) -> None:
    assert run(two_rows).status == 0
    steps.done.clear()
    again = run(two_rows)
    assert again.status == 0 and steps.done == []
    assert "Token classifier: F1 on test" in again.out
    content = two_rows.read_text(encoding="utf-8")
    two_rows.write_text(content.replace('"max_span_width": 4', '"max_span_width": 3'), encoding="utf-8")
    assert run(two_rows).status == 0
    assert steps.done == ["bi bi-encoder", "evaluate bi-encoder"]
    steps.done.clear()
    assert run(two_rows, "--fresh", "--row", "Token classifier").status == 0
    assert steps.done == ["token token-classifier", "evaluate token-classifier"]


@pytest.mark.parametrize("step", ["evaluate token-classifier", "bi bi-encoder"])
def test_a_killed_comparison_goes_on_where_it_stopped(two_rows: Path, steps: Steps, step: str) -> None:
    steps.stop_before = step
    assert run(two_rows).status == 130
    done, steps.done, steps.stop_before = steps.done, [], None
    assert run(two_rows).status == 0
    assert sorted({*done, *steps.done}) == sorted([*done, *steps.done])  # nothing was done twice
    assert len([*done, *steps.done]) == 4


def test_a_row_that_fails_is_shown_and_the_others_go_on(tiny_encoder: Path, steps: Steps, tmp_path: Path) -> None:
    rows = [
        {"name": "wrong key", "method": "token", "los": "focal"},
        {"name": "nowhere", "method": "folder", "model": str(tmp_path / "nowhere")},
        {"name": "right", "method": "token", "model": str(tiny_encoder)},
    ]
    config = write_config(tmp_path, rows)
    result = run(config)
    assert result.status == 1 and "2 of the rows failed" in result.err
    report = (tmp_path / "out" / "report.md").read_text(encoding="utf-8")
    assert 'unknown key "los"; did you mean "loss"?' in report and "no such folder" in report
    assert "| right | 80 | 20 |" in report
    assert "unknown key" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    steps.done.clear()
    assert run(config).status == 1
    assert steps.done == ["token wrong-key", "evaluate nowhere"]  # they are tried again


def test_processes_of_their_own(tmp_path: Path) -> None:
    """... without the stand-in of the other tests: a row that works and one that does not."""
    rows = [
        {"name": "works", "method": "folder", "model": "spanmatch-mini"},
        {"name": "fails", "method": "cross", "lerning_rate": 1e-3},
    ]
    result = run(write_config(tmp_path, rows))
    assert result.status == 1
    works, fails = (RowResult.load(tmp_path / "out" / "rows" / f"{name}.json") for name in ("works", "fails"))
    assert works.error is None and (works.costs.memory_bytes or 0) > 50 << 20
    assert 'unknown key "lerning_rate"; did you mean "learning_rate"?' in str(fails.error)
    assert "error: " in (tmp_path / "out" / "logs" / "fails.train.log").read_text(encoding="utf-8")


def test_restricted(config: Path, steps: Steps, tmp_path: Path) -> None:
    assert run(config, "--row", "Token classifier", "--max_train_samples", 30, "--max_eval_samples", 7).status == 0
    row = RowResult.load(tmp_path / "out" / "rows" / "token-classifier.json")
    assert (row.num_train, row.tests["test"]["num_examples"]) == (30, 7)
    few = read_jsonl(tmp_path / "out" / "samples" / "train" / "5.jsonl")
    more = read_jsonl(tmp_path / "out" / "samples" / "train" / "30.jsonl")
    assert len(few) == 5 and all(line in more for line in few)


def test_types_that_are_left_out(tiny_encoder: Path, steps: Steps, tmp_path: Path) -> None:
    config = write_config(tmp_path, rows_of(tiny_encoder)[:1], leave_out_types=["city"], test_file=str(tmp_path / "test.jsonl"))
    assert run(config).status == 0
    scores = RowResult.load(tmp_path / "out" / "rows" / "token-classifier.json").tests["test"]
    assert scores["per_type"]["city"]["f1"] == 0 and scores["per_type"]["city"]["support"] > 0
    assert scores["breakdown"]["new_types"] == {"f1": 0.0, "support": scores["per_type"]["city"]["support"], "predicted": 0}
    assert scores["breakdown"]["seen_types"]["f1"] > 0.5


def test_each_test_file_has_its_scores(tiny_encoder: Path, steps: Steps, tmp_path: Path) -> None:
    other = write_jsonl(tmp_path / "other.jsonl", [{"text": "Bob moved to Lima .", "char_spans": []}])
    tests = [str(tmp_path / "test.jsonl"), str(other)]
    assert run(write_config(tmp_path, rows_of(tiny_encoder)[:1], test_file=tests)).status == 0
    assert set(read_json(tmp_path / "out" / "rows" / "token-classifier.json")["tests"]) == {"test", "other"}


def test_bad_data_are_refused_before_anything_is_written(config: Path, steps: Steps, tmp_path: Path) -> None:
    (tmp_path / "test.jsonl").write_text('{"text": 3}\n', encoding="utf-8")
    result = run(config)
    assert result.status == 2 and "test.jsonl:1" in result.err
    assert steps.done == [] and not (tmp_path / "out").exists()
