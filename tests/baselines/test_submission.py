"""The zip of the assessment: what is in it, and that its pickle holds tensors and nothing else."""

import json
import zipfile
from pathlib import Path

import pytest
import torch
from helpers_baselines import fit
from safetensors.torch import load_file

from spanmatch.baselines.submission import write_submission
from spanmatch.errors import InputError


@pytest.fixture(scope="module")
def model(encoder_folders: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("submission") / "model"
    assert fit("token", folder, model=encoder_folders["WordPiece"], num_train_epochs=1).status == 0
    return folder


def test_what_is_in_it(model: Path, tmp_path: Path) -> None:
    write_submission(tmp_path / "s.zip", model, {"macro_f1_id": 0.5, "notes": "none"})
    with zipfile.ZipFile(tmp_path / "s.zip") as packed:
        names = set(packed.namelist())
        assert json.loads(packed.read("submission/results.json")) == {"macro_f1_id": 0.5, "notes": "none"}
        packed.extractall(tmp_path)
    wanted = {"config.json", "pytorch_model.bin", "tokenizer.json", "tokenizer_config.json"}
    assert {f"submission/model/{name}" for name in wanted} | {"submission/results.json"} <= names
    assert not [name for name in names if name.endswith(".safetensors")]
    read = torch.load(tmp_path / "submission" / "model" / "pytorch_model.bin", weights_only=True)
    weights = load_file(model / "model.safetensors")
    assert read.keys() == weights.keys() and all(torch.equal(read[name], weights[name]) for name in weights)


def test_a_folder_without_weights(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no model.safetensors in it"):
        write_submission(tmp_path / "s.zip", tmp_path, {})
    assert not (tmp_path / "s.zip").exists()
