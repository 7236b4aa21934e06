"""`spanmatch evaluate` is the same as the scripts, and takes either architecture."""

from pathlib import Path

import pytest
from helpers_e2e import evaluate, read_json, sentences, spanmatch, trained_checkpoint, write_jsonl, write_tiny_encoder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of each architecture, and a file."""
    folder = tmp_path_factory.mktemp("evaluate")
    encoder = write_tiny_encoder(folder / "encoder")
    for architecture in ("bi", "cross"):
        trained_checkpoint(folder / architecture, encoder, "--max_steps", 2, architecture=architecture)
    write_jsonl(folder / "file.jsonl", sentences(6, seed=1))
    return folder


@pytest.mark.parametrize("architecture", ["bi", "cross"])
def test_the_command_is_the_script(folder: Path, architecture: str, tmp_path: Path) -> None:
    model, file = folder / architecture, folder / "file.jsonl"
    flags = ["--threshold", 0.4, "--overlap", "nested", "--max_samples", 5, "--batch_size", 2]
    command = spanmatch("evaluate", model, file, *flags, "--output_dir", tmp_path / "command")
    places = ["--pretrained_model_name_or_path", model, "--evaluation_file", file]
    script = evaluate(*places, *flags, "--output_dir", tmp_path / "script", architecture=architecture)
    assert (command.status, script.status) == (0, 0), command.err + script.err
    metrics = read_json(tmp_path / "command" / "metrics.json")
    assert metrics == read_json(tmp_path / "script" / "metrics.json")
    assert (metrics["threshold"], metrics["overlap"], metrics["num_examples"]) == (0.4, "nested", 5)
    table = command.out.splitlines()[:-1]  # the last line is a time
    assert table == script.out.splitlines()[:-1] and table[0].startswith("type ")
    predictions = [tmp_path / name / "predictions.jsonl" for name in ("command", "script")]
    assert predictions[0].read_bytes() == predictions[1].read_bytes()


def test_places_are_required() -> None:
    result = spanmatch("evaluate", "model")
    assert result.status == 2 and "the following arguments are required: FILE" in result.err


def test_a_report_is_refused_before_anything_is_loaded(folder: Path, tmp_path: Path) -> None:
    result = spanmatch("evaluate", tmp_path / "nowhere", folder / "file.jsonl", "--report", tmp_path)
    assert result.status == 2 and "--report is a folder" in result.err
