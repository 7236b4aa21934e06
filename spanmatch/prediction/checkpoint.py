"""Checkpoint folders: config.json, model.safetensors, tokenizers, thresholds. No pickle, no remote code."""

import dataclasses
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import torch
from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from spanmatch.config import MatcherConfig
from spanmatch.errors import InputError, nearest
from spanmatch.model.encoders import ARCHITECTURES
from spanmatch.model.model import SpanMatcherModel
from spanmatch.prediction.shipped import CONFIG_FILE, WEIGHTS_FILE, shipped
from spanmatch.prediction.thresholds import THRESHOLDS_FILE, Calibration

TEXT_TOKENIZER, TYPE_TOKENIZER = "tokenizer", "type_tokenizer"


class Checkpoint(NamedTuple):
    """What a checkpoint folder holds."""

    model: SpanMatcherModel
    text_tokenizer: PreTrainedTokenizerBase
    type_tokenizer: PreTrainedTokenizerBase
    calibration: Calibration | None


def save_checkpoint(
    folder: Path,
    model: SpanMatcherModel,
    text_tokenizer: PreTrainedTokenizerBase,
    type_tokenizer: PreTrainedTokenizerBase,
    *,
    calibration: Calibration | None = None,
    state: Mapping[str, torch.Tensor] | None = None,
) -> None:
    """Write a checkpoint. The weights appear whole or not at all; `state` has them where the model has but a shard."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / CONFIG_FILE).write_text(json.dumps(model.matcher_config.as_dict(), indent=1) + "\n", encoding="utf-8")
    text_tokenizer.save_pretrained(folder / TEXT_TOKENIZER)
    # What an earlier checkpoint left here and this one does not have would be read as part of it.
    if type_tokenizer is not text_tokenizer:
        type_tokenizer.save_pretrained(folder / TYPE_TOKENIZER)
    else:
        shutil.rmtree(folder / TYPE_TOKENIZER, ignore_errors=True)
    if calibration is not None:
        calibration.save(folder)
    else:
        (folder / THRESHOLDS_FILE).unlink(missing_ok=True)
    partial = folder / f"{WEIGHTS_FILE}.partial"
    weights = {name: tensor.detach().contiguous() for name, tensor in (state or model.state_dict()).items()}
    save_file(weights, partial, metadata={"format": "pt"})
    os.replace(partial, folder / WEIGHTS_FILE)


def load_checkpoint(name_or_path: str | Path) -> Checkpoint:
    """Read a checkpoint from a folder or the hub, in float32 on the CPU.

    Raises:
        InputError: no such folder, files missing from it, or weights that do not fit its configuration.
    """
    folder = _folder(name_or_path)
    config = _read_config(folder / CONFIG_FILE)
    try:
        model = SpanMatcherModel(config)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"{folder / CONFIG_FILE}: describes no model ({reason}); copy or train the checkpoint again") from error
    try:
        model.load_state_dict(load_file(folder / WEIGHTS_FILE), strict=True)
    except (RuntimeError, SafetensorError) as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(
            f"{folder / WEIGHTS_FILE}: does not fit {CONFIG_FILE} ({reason}); copy or train the checkpoint again"
        ) from error
    text_tokenizer = _read_tokenizer(folder / TEXT_TOKENIZER)
    separate = folder / TYPE_TOKENIZER
    type_tokenizer = _read_tokenizer(separate) if separate.is_dir() else text_tokenizer
    return Checkpoint(model.to(torch.float32), text_tokenizer, type_tokenizer, Calibration.load(folder))


def _folder(name_or_path: str | Path) -> Path:
    folder = Path(name_or_path).expanduser()
    if not folder.exists():
        folder = shipped(str(name_or_path)) or folder
    if not folder.exists() and str(name_or_path).count("/") == 1 and not folder.parent.is_dir():
        try:
            folder = Path(
                snapshot_download(str(name_or_path), allow_patterns=["*.json", "*.safetensors", "*.txt", "*.model", "README.md"])
            )
        except (OSError, HfHubHTTPError, HFValidationError, LocalEntryNotFoundError) as error:
            reason = " ".join(str(error).split())[:160]
            raise InputError(
                f"{name_or_path}: neither a local folder nor a hub model that can be read ({reason}); check the path"
            ) from error
    if not folder.is_dir():
        siblings = [item.name for item in folder.parent.iterdir()] if folder.parent.is_dir() else []
        raise InputError(
            f"{folder}: no such folder; {nearest(folder.name, siblings, otherwise='give the folder that a training wrote')}"
        )
    for name in (CONFIG_FILE, WEIGHTS_FILE):
        if not (folder / name).is_file():
            raise InputError(
                f"{folder}: no {name} in it; give the folder that a training wrote, or one of its checkpoint-N folders"
            )
    return folder


def _read_tokenizer(folder: Path) -> PreTrainedTokenizerBase:
    try:
        if not folder.is_dir():
            raise FileNotFoundError("no such folder")
        tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(folder)
    except Exception as error:  # the library raises a bare Exception for a file that it cannot parse
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"{folder}: no tokenizer that can be read ({reason}); copy or train the checkpoint again") from error
    return tokenizer


def _read_config(path: Path) -> MatcherConfig:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise InputError(f"{path}:{error.lineno}: not JSON ({error.msg}); copy the checkpoint again") from error
    known = {item.name for item in dataclasses.fields(MatcherConfig)}
    if not isinstance(values, dict) or "text_encoder" not in values:
        raise InputError(
            f"{path}: an encoder, not a spanmatch checkpoint; train one first, or give the folder that a training wrote"
        )
    unknown, missing = sorted(values.keys() - known), sorted(known - values.keys())
    if unknown or missing:
        raise InputError(
            f"{path}: unknown keys {unknown}, missing keys {missing}; the checkpoint is of another version of spanmatch"
        )
    if values["architecture"] not in ARCHITECTURES:
        raise InputError(
            f'{path}: unknown architecture "{values["architecture"]}"; {nearest(str(values["architecture"]), ARCHITECTURES)}'
        )
    return MatcherConfig(**values)


