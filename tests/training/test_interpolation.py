"""The mean of the weights before and after a further training."""

from pathlib import Path
from typing import Any

import pytest
import torch
from helpers import make_matcher
from helpers_e2e import sentences, train, write_jsonl

from spanmatch.prediction.checkpoint import load_checkpoint
from spanmatch.prediction.matcher import SpanMatcher
from spanmatch.training.interpolation import mix_with_start


@pytest.fixture
def start(tiny_encoder: Path, tmp_path: Path) -> Path:
    make_matcher(tiny_encoder).save_pretrained(tmp_path / "start")
    return tmp_path / "start"


def weights_of(folder: Path) -> dict[str, torch.Tensor]:
    return SpanMatcher.from_pretrained(folder, dtype="float32").model.state_dict()


def trained_further(start: Path, folder: Path, **keys: Any) -> dict[str, torch.Tensor]:
    """The weights after some steps with all that has a seed alike."""
    data = write_jsonl(folder.parent / "train.jsonl", sentences(16))
    given = {
        "pretrained_model_name_or_path": start, "train_file": data, "output_dir": folder, "max_steps": 3, "learning_rate": 1e-2,
        "report_to": "none", "save_strategy": "no", "bf16": False, "use_cpu": True, "disable_tqdm": True,
    }  # fmt: skip
    result = train(*(part for name, value in (given | keys).items() for part in (f"--{name}", value)))
    assert result.status == 0, result.err
    return weights_of(folder)


def test_weights_are_mixed_in_place(start: Path) -> None:
    model = load_checkpoint(start, is_trained=True).model
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(1.0)
    mix_with_start(model, str(start), 0.25)
    for name, parameter in model.named_parameters():
        torch.testing.assert_close(parameter, before[name] + 0.75, msg=name)


def test_a_training_writes_the_mean(start: Path, tmp_path: Path) -> None:
    before, after = weights_of(start), trained_further(start, tmp_path / "after")
    mean = trained_further(start, tmp_path / "mean", start_share=0.5)
    moved = 0
    for name in (name for name, tensor in before.items() if tensor.is_floating_point()):
        torch.testing.assert_close(mean[name], (before[name] + after[name]) / 2, msg=name)
        moved += not torch.equal(before[name], after[name])
    assert moved > 5


def test_adapters(start: Path, tmp_path: Path) -> None:
    given = {"lora_rank": 2, "lora_dropout": 0}
    before, after = weights_of(start), trained_further(start, tmp_path / "after", **given)
    mean = trained_further(start, tmp_path / "mean", start_share=0.5, **given)
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    assert any(name.startswith("text_encoder") for name in moved) and not any("norm" in name.lower() for name in moved)
    for name in (name for name, tensor in before.items() if tensor.is_floating_point()):
        torch.testing.assert_close(mean[name], (before[name] + after[name]) / 2, msg=name)


def test_it_needs_a_checkpoint(tiny_encoder: Path, tmp_path: Path) -> None:
    data = write_jsonl(tmp_path / "train.jsonl", sentences(4))
    given = ["--text_encoder", tiny_encoder, "--train_file", data, "--output_dir", tmp_path / "out"]
    result = train(*given, "--start_share", 0.5)
    assert result.status == 2
    assert '"start_share" has no effect without pretrained_model_name_or_path; give a checkpoint to train further' in result.err
