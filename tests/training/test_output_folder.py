"""The checkpoints in the output folder of a training."""

from pathlib import Path

import pytest
from helpers_e2e import read_jsonl, snapshot
from helpers_training import run

from spanmatch.training.output_folder import numbered_checkpoints, remove_checkpoints, written_by_training
from spanmatch.training.resume import find_last_checkpoint

NAMES = ["checkpoint-4", "checkpoint-12", "checkpoint-best", "checkpoint-", "checkpoint-old-8", "notes-16"]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Folders that look like checkpoints; one has no Trainer's state, and is somebody's own."""
    for name in [*NAMES, "checkpoint-20"]:
        (tmp_path / name).mkdir()
        (tmp_path / name / ("trainer_state.json" if name in NAMES else "own.txt")).write_text("{}")
    return tmp_path


def test_numbered_checkpoints(out: Path) -> None:
    assert numbered_checkpoints(out) == {number: out / f"checkpoint-{number}" for number in (4, 12, 20)}
    assert numbered_checkpoints(out / "nowhere") == {}


def test_only_checkpoints_are_removed(out: Path) -> None:
    before = snapshot(out)
    remove_checkpoints(out)
    gone = ("checkpoint-4", "checkpoint-12")
    assert snapshot(out) == {name: content for name, content in before.items() if Path(name).parts[0] not in gone}


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_what_a_training_writes_is_never_its_input(encoder: Path, data: Path, tmp_path: Path) -> None:
    """At the second time, its files lie within the glob."""
    for name in ("train.jsonl", "dev.jsonl"):
        (tmp_path / name).write_bytes((data / name).read_bytes())
    given = {"validation_file": f"{tmp_path}/**/*.json*", "max_steps": 2, "save_strategy": "steps", "save_steps": 1}
    for _ in range(2):
        run(encoder, tmp_path / "train.jsonl", tmp_path / "out", **given, overwrite_output_dir=True)
        assert len(read_jsonl(tmp_path / "out" / "validation" / "predictions.jsonl")) == 90
    assert {*(tmp_path / "out").rglob("*.json*")} <= {*written_by_training(tmp_path / "out")}


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_checkpoints_of_what_is_overwritten_are_not_resumed(encoder: Path, data: Path, tmp_path: Path) -> None:
    schedule = {"max_steps": 12, "save_strategy": "steps", "save_steps": 4, "save_total_limit": 5}
    out, kept = tmp_path / "out", tmp_path / "out" / "checkpoint-notes"
    run(encoder, data / "train.jsonl", out, **schedule)
    kept.mkdir()
    again = schedule | {"max_steps": 4, "seed": 1}
    run(encoder, data / "train.jsonl", out, **again, overwrite_output_dir=True)
    assert find_last_checkpoint(out) == str(out / "checkpoint-4") and kept.is_dir()
    assert not (out / "checkpoint-12").exists()
