"""The scripts that train: those of the contrastive loss refuse any other."""

import json
from pathlib import Path

import pytest
from helpers_e2e import ROOT, run_in_process, run_subprocess, sentences, snapshot, write_jsonl, write_tiny_encoder

from spanmatch.cli.main import train_command


def config(folder: Path, **changes: object) -> Path:
    """A configuration of one step."""
    values = {
        "train_file": str(write_jsonl(folder / "train.jsonl", sentences(6))),
        "text_encoder": str(write_tiny_encoder(folder / "encoder")),
        "output_dir": str(folder / "out"),
        "max_steps": 1,
        "report_to": "none",
    }
    path = folder / "config.json"
    path.write_text(json.dumps(values | changes))
    return path


@pytest.mark.parametrize("architecture", ["bi", "cross"])
@pytest.mark.parametrize("given", [{}, {"loss": "focal"}, {"loss": {"name": "bce"}}], ids=["default", "focal", "bce"])
def test_another_loss_is_refused(architecture: str, given: dict[str, object], tmp_path: Path) -> None:
    path = config(tmp_path, **given)
    before = snapshot(tmp_path)
    result = run_in_process(lambda: train_command(architecture, "contrastive"), "x", path)
    assert (result.status, result.out, result.err.count("\n")) == (2, "", 1)
    assert 'this script trains with "contrastive"' in result.err and f"train_{architecture}_encoder.py" in result.err
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize("architecture", ["bi", "cross"])
def test_the_scripts(architecture: str, tmp_path: Path) -> None:
    result = run_subprocess(ROOT / f"train_{architecture}_encoder_contrastive.py", config(tmp_path, loss="focal"))
    assert (result.status, result.err.count("\n")) == (2, 1)
    assert result.err.startswith('error: "loss" is "focal"')
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("architecture", ["bi", "cross"])
def test_the_loss_is_trained(architecture: str, tmp_path: Path) -> None:
    path = config(tmp_path, loss="bce", disable_tqdm=True)
    command = ["x", path, "--loss", "contrastive"]  # the command line wins
    result = run_in_process(lambda: train_command(architecture, "contrastive"), *map(str, command))
    assert result.status == 0, result.err
    written = json.loads((tmp_path / "out" / "config.json").read_text())
    assert (written["objective"], written["architecture"]) == ("contrastive", architecture)


def test_the_shipped_configurations_fit_their_scripts() -> None:
    for architecture in ("bi", "cross"):
        shipped = json.loads((ROOT / "configs" / f"{architecture}_encoder_contrastive.json").read_text())
        assert shipped["loss"]["name"] == "contrastive"
