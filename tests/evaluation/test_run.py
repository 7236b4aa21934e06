"""The commands that evaluate and calibrate: what they print, write and refuse."""

from pathlib import Path

import pytest
from helpers_e2e import evaluate, read_json, read_jsonl, sentences, snapshot, spanmatch, trained_checkpoint, write_jsonl
from helpers_e2e import write_tiny_encoder as write_encoder


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    return trained_checkpoint(folder / "checkpoint", write_encoder(folder / "encoder"))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_jsonl(tmp_path / "dev.jsonl", sentences(20, seed=3))


def test_what_is_printed_and_written(checkpoint: Path, data: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    given = ["--pretrained_model_name_or_path", checkpoint, "--evaluation_file", data, "--output_dir", out]
    result = evaluate(*given, "--threshold", "calibrated")
    assert result.status == 0, result.err
    metrics, lines = read_json(out / "metrics.json"), read_jsonl(out / "predictions.jsonl")
    assert metrics["micro"]["f1"] > 0.9 and f"{metrics['micro']['f1']:.4f}" in result.out
    assert [line["index"] for line in lines] == list(range(20)) and any(line["predicted"] for line in lines)
    settings = ("model", "file", "format", "threshold", "overlap", "dtype")
    expected = (str(checkpoint), str(data), "text", "calibrated", "flat")
    assert tuple(metrics[name] for name in settings)[:5] == expected and metrics["dtype"] in {"float32", "bfloat16"}
    assert read_json(out / "timings.json")["seconds"] > 0


def test_an_error_comes_before_anything_is_written(checkpoint: Path, data: Path, tmp_path: Path) -> None:
    given = ["--pretrained_model_name_or_path", checkpoint, "--evaluation_file", data, "--output_dir", tmp_path / "out"]
    before = snapshot(tmp_path)
    for wrong in (["--threshold", "cls"], ["--overlap", "nestd"], ["--threshold", "persn=0.4"]):
        result = evaluate(*given, *wrong)
        assert result.status == 2 and result.err.count("\n") == 1, result.err
    assert snapshot(tmp_path) == before


def test_what_an_evaluation_writes_is_never_its_input(checkpoint: Path, data: Path, tmp_path: Path) -> None:
    """Neither under another name, nor at the second time, when it is there already."""
    (tmp_path / "link").symlink_to(tmp_path)
    given = ["evaluate", checkpoint, f"{tmp_path}/*.jsonl", "--output_dir", tmp_path / "link"]
    printed = [spanmatch(*given).out.rpartition(" texts in ")[0] for _ in range(2)]
    assert printed[0] == printed[1] and printed[0].endswith("\n20") and len(read_jsonl(tmp_path / "predictions.jsonl")) == 20
    before = snapshot(tmp_path)
    for wrong in (
        ["evaluate", checkpoint, tmp_path / "predictions.jsonl", "--output_dir", tmp_path],
        ["evaluate", checkpoint, data, "--report", tmp_path / "link" / "dev.jsonl"],
        ["evaluate", checkpoint, data, "--entity_types", tmp_path / "metrics.json", "--output_dir", tmp_path],
    ):
        result = spanmatch(*wrong)
        assert result.status == 2 and "is an input, too; name another output\n" in result.err and result.err.count("\n") == 1
    assert snapshot(tmp_path) == before


def test_a_place_that_cannot_be_written_is_refused_first(checkpoint: Path, data: Path, tmp_path: Path) -> None:
    before = snapshot(tmp_path)
    for wrong in (["--output_dir", data / "out"], ["--report", tmp_path / ("n" * 250)], ["--report", "/dev/full"]):
        result = spanmatch("evaluate", checkpoint, data, *wrong)
        assert result.status == 2 and result.err.count("\n") == 1 and result.out == "", result.err
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize("report", ["out", "out/x/..", "out/metrics.json", "out/timings.json/page.html", "."])
def test_report_and_results_are_apart(checkpoint: Path, data: Path, tmp_path: Path, report: str) -> None:
    before = snapshot(tmp_path)
    result = spanmatch("evaluate", checkpoint, data, "--output_dir", tmp_path / "out", "--report", tmp_path / report)
    assert result.status == 2 and result.err.count("\n") == 1 and result.out == "", result.err
    assert snapshot(tmp_path) == before


def test_the_other_architecture_is_named(checkpoint: Path, data: Path) -> None:
    given = ["--pretrained_model_name_or_path", checkpoint, "--evaluation_file", data]
    result = evaluate(*given, architecture="cross")
    assert result.status == 2 and "is a bi-encoder; use evaluate_bi_encoder.py" in result.err


def test_calibration_is_stored_in_the_checkpoint(checkpoint: Path, data: Path) -> None:
    before = (checkpoint / "thresholds.json").read_bytes()
    result = spanmatch("calibrate", checkpoint, data)
    stored = read_json(checkpoint / "thresholds.json")
    (checkpoint / "thresholds.json").write_bytes(before)
    assert result.status == 0, result.err
    assert stored["source"] == str(data) and 0 < stored["threshold"] < 1
    assert f"threshold {stored['threshold']:.4f}" in result.out


def test_thresholds_cannot_be_stored_on_the_hub(data: Path) -> None:
    result = spanmatch("calibrate", "spanmatch-mini", data)
    assert result.status == 2 and "copy the checkpoint to a folder first" in result.err
