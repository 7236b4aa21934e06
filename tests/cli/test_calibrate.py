"""`spanmatch calibrate` stores thresholds in the checkpoint."""

from pathlib import Path

import pytest
from helpers_e2e import read_json, sentences, spanmatch, trained_checkpoint, write_jsonl, write_tiny_encoder

from spanmatch.evaluation.options import CalibrateOptions


def test_thresholds_are_stored(tmp_path: Path) -> None:
    checkpoint = trained_checkpoint(tmp_path / "model", write_tiny_encoder(tmp_path / "encoder"))
    (checkpoint / "thresholds.json").unlink()
    file = write_jsonl(tmp_path / "validation.jsonl", sentences(40, seed=1))
    result = spanmatch("calibrate", checkpoint, file, "--batch_size", 8)
    assert result.status == 0, result.err
    stored = read_json(checkpoint / "thresholds.json")
    assert stored["source"] == str(file) and 0 < stored["threshold"] < 1
    assert result.out.startswith(f"threshold {stored['threshold']:.4f} (micro-F1 ")


def test_flags_become_options(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[CalibrateOptions] = []
    monkeypatch.setattr("spanmatch.evaluation.run.calibrate_checkpoint", asked.append)
    assert spanmatch("calibrate", "m", "f", "--format", "tokens", "--split", "s", "--entity_types", "t").status == 0
    assert asked == [CalibrateOptions(model="m", file="f", format="tokens", split="s", entity_types="t")]
