"""What the tests of training share: running a small training, and reading what it wrote."""

import json
import re
from pathlib import Path
from typing import Any

import torch
from helpers_e2e import Result, train
from safetensors.torch import load_file


def arguments(encoder: Path, file: Path, output_dir: Path, **flags: object) -> list[str]:
    """The arguments of a small training; None drops a flag."""
    given: dict[str, object] = {
        "train_file": file,
        "text_encoder": encoder,
        "output_dir": output_dir,
        "per_device_train_batch_size": 8,
        "learning_rate": 3e-3,
        "max_span_width": 4,
        "report_to": "none",
        "save_strategy": "no",
        "disable_tqdm": True,
        "bf16": False,
        "use_cpu": True,
    }
    return [str(part) for key, value in (given | flags).items() if value is not None for part in (f"--{key}", value)]


def run(encoder: Path, file: Path, output_dir: Path, *, architecture: str = "bi", **flags: object) -> Result:
    result = train(*arguments(encoder, file, output_dir, **flags), architecture=architecture)
    assert result.status == 0, result.err
    return result


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "model.safetensors")


def difference(left: Path, right: Path) -> float:
    """The largest difference of any weight of two checkpoints."""
    one, other = weights(left), weights(right)
    assert one.keys() == other.keys()
    return max((one[name] - other[name]).abs().max().item() for name in one)


def card(folder: Path) -> str:
    return (folder / "README.md").read_text(encoding="utf-8")


def card_config(folder: Path) -> dict[str, Any]:
    """The configuration that the model card shows."""
    found = re.search(r"```json\n(.*?)```", card(folder), flags=re.DOTALL)
    assert found is not None
    config: dict[str, Any] = json.loads(found.group(1))
    return config
