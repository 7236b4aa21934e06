"""Write and read checkpoint folders: config.json, model.safetensors, tokenizers, thresholds. No pickle, no remote code."""

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch.overrides import TorchFunctionMode

from spanmatch.batching.stored_tokenizer import StoredTokenizer
from spanmatch.config import MODEL_TYPE, MatcherConfig
from spanmatch.errors import InputError, one_line
from spanmatch.model.bert import Bert
from spanmatch.model.encoders import encoder_from_config
from spanmatch.model.model import SpanMatcherModel
from spanmatch.prediction.hub import CARD_FILE
from spanmatch.prediction.matcher_config import read_calibration, read_matcher_config
from spanmatch.prediction.shipped import CONFIG_FILE, INDEX_FILE, TEXT_TOKENIZER, TYPE_TOKENIZER, WEIGHTS_FILE, checkpoint_folder
from spanmatch.prediction.thresholds import THRESHOLDS_FILE, Calibration
from spanmatch.prediction.weight_files import StoredWeights, WeightFiles, not_fitting, write_weights

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


class Checkpoint(NamedTuple):
    """Holds what was read from a checkpoint folder.

    Attributes:
        model: the model, on the CPU.
        text_tokenizer: the tokenizer of its text encoder.
        type_tokenizer: the tokenizer of its type encoder, the same object if one encoder serves both.
        calibration: the calibrated thresholds, None if it was never calibrated.
        stored: the file of its weights.
    """

    model: SpanMatcherModel
    text_tokenizer: StoredTokenizer
    type_tokenizer: StoredTokenizer
    calibration: Calibration | None
    stored: StoredWeights


def save_checkpoint(
    folder: Path,
    model: SpanMatcherModel,
    text_tokenizer: "PreTrainedTokenizerBase | StoredTokenizer",
    type_tokenizer: "PreTrainedTokenizerBase | StoredTokenizer",
    *,
    calibration: Calibration | None = None,
    state: Mapping[str, torch.Tensor] | None = None,
    stored: StoredWeights | None = None,
) -> None:
    """Write a checkpoint. The file of its weights appears complete or not at all.

    Args:
        folder: where to write; it is made if it does not exist.
        model: the model to write.
        text_tokenizer: the tokenizer of its text encoder.
        type_tokenizer: the tokenizer of its type encoder, the same object if one encoder serves both.
        calibration: the calibrated thresholds; by default none.
        state: the weights, if the model itself holds only a shard of them; by default those of the model.
        stored: the file that the weights were read from: those that were not trained since are saved as they are in it.

    Raises:
        InputError: weights are rounded, and the file with those that are not is gone.
    """
    weights = {name: tensor.detach().contiguous() for name, tensor in (state or model.state_dict()).items()}
    unrounded = weights if stored is None else stored.unrounded(weights)
    folder.mkdir(parents=True, exist_ok=True)
    # A folder of links shows the files of another checkpoint, such as one of the hub's cache. Those must not be changed.
    changed = [WEIGHTS_FILE, INDEX_FILE] if unrounded is not None else []
    for name in (CONFIG_FILE, TEXT_TOKENIZER, TYPE_TOKENIZER, THRESHOLDS_FILE, *changed):
        if (folder / name).is_symlink():
            (folder / name).unlink()
    config = {"model_type": MODEL_TYPE} | model.matcher_config.as_dict()
    (folder / CONFIG_FILE).write_text(json.dumps(config, indent=1) + "\n", encoding="utf-8")
    text_tokenizer.save_pretrained(folder / TEXT_TOKENIZER)
    # The folder may hold an earlier checkpoint. Its files that this one does not overwrite would be read as part of this one.
    if type_tokenizer is not text_tokenizer:
        type_tokenizer.save_pretrained(folder / TYPE_TOKENIZER)
    else:
        shutil.rmtree(folder / TYPE_TOKENIZER, ignore_errors=True)
    if calibration is not None:
        calibration.save(folder)
    else:
        (folder / THRESHOLDS_FILE).unlink(missing_ok=True)
    if unrounded is not None:
        write_weights(folder, unrounded)
    elif stored is not None and stored.copy_to(folder):
        # With unchanged weights, what their model card says is still true.
        card = stored.folder / CARD_FILE
        if card.is_file() and not (folder / CARD_FILE).exists():
            shutil.copyfile(card, folder / CARD_FILE)


def load_checkpoint(name_or_path: str | Path, *, is_trained: bool = False, dtype: torch.dtype = torch.float32) -> Checkpoint:
    """Read a checkpoint, on the CPU.

    Args:
        name_or_path: a folder, a name that ships, or a hub id.
        is_trained: whether the model may be trained.
        dtype: precision of the weights in memory.

    Raises:
        InputError: there is no such folder, files are missing from it, or its weights do not fit its configuration.
    """
    folder = checkpoint_folder(name_or_path)
    config = read_matcher_config(folder)
    model = _without_weights(folder, config, is_trained=is_trained)
    weights = _read_weights(folder, dtype)
    if all(isinstance(encoder, Bert) for encoder in (model.text_encoder, model.encoder_of_types)):
        model.load_state_dict(weights, strict=True, assign=True)
    else:  # an encoder of transformers may have buffers that no file holds, so it is built once more, with memory
        model = _build(folder, config, is_trained=is_trained).to(dtype)
        model.load_state_dict(weights, strict=True)
    text_tokenizer = _read_tokenizer(folder / TEXT_TOKENIZER, model.text_encoder)
    separate = folder / TYPE_TOKENIZER
    type_tokenizer = _read_tokenizer(separate, model.encoder_of_types) if separate.is_dir() else text_tokenizer
    calibration = read_calibration(folder, config)
    return Checkpoint(model, text_tokenizer, type_tokenizer, calibration, StoredWeights.of(folder))


def _without_weights(folder: Path, config: MatcherConfig, *, is_trained: bool) -> SpanMatcherModel:
    """Build a model on the device "meta", after comparing its shapes with those of the weights, before any memory is taken.

    A wrong number in the configuration may ask for more memory than there is, or for layers without end.
    """
    with WeightFiles(folder) as files:
        shapes, file = files.shapes, files.file
    for encoder in (config.text_encoder, config.type_encoder or {}):
        for key, value in encoder.items():
            if "layer" in key and type(value) is int and value > len(shapes):
                raise not_fitting(file, ValueError(f'"{key}" is {str(value)[:20]}, for {len(shapes)} weights'))
    with torch.device("meta"), _WithoutRandomNumbers():
        model = _build(folder, config, is_trained=is_trained)
    wanted = {name: list(weight.shape) for name, weight in model.state_dict().items()}
    for name in sorted(shapes.keys() | wanted.keys()):
        # A sharded training (FSDP) stores a number as a vector of one, which torch takes, too.
        if shapes.get(name) != wanted.get(name) and (shapes.get(name), wanted.get(name)) != ([1], []):
            given, expected = shapes.get(name, "missing"), wanted.get(name, "no such weight")
            raise not_fitting(file, ValueError(f'"{name}" is {given}, expected {expected}'))
    return model


class _WithoutRandomNumbers(TorchFunctionMode):
    """Leaves out what `torch.nn.init` does: for the device "meta", torch would import its compiler, which takes a second."""

    def __torch_function__(self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None) -> Any:
        given = kwargs or {}
        if getattr(func, "__module__", None) == torch.nn.init.__name__:
            return given["tensor"] if "tensor" in given else args[0]
        return func(*args, **given)


def _build(folder: Path, config: MatcherConfig, *, is_trained: bool) -> SpanMatcherModel:
    try:
        text, types = (
            None if described is None else encoder_from_config(described, is_trained=is_trained)
            for described in (config.text_encoder, config.type_encoder)
        )
        return SpanMatcherModel(config, text, types)
    except Exception as error:  # of a wrong value, the libraries raise many kinds
        reason = one_line(error, 200)
        raise InputError(f"{folder / CONFIG_FILE}: describes no model ({reason}); copy or train the checkpoint again") from error


def _read_weights(folder: Path, dtype: torch.dtype) -> dict[str, torch.Tensor]:
    """Read weights one by one, so that memory never holds all of them in the precision of the file, too."""
    weights: dict[str, torch.Tensor] = {}
    broken: list[str] = []
    with WeightFiles(folder) as files:
        for name in files:
            weight = files.read(name)
            # The lowest and the highest element are numbers only if all are, and are found faster than all are tested.
            if weight.numel() and not bool(torch.stack(torch.aminmax(weight)).isfinite().all()):
                broken.append(name)
            weights[name] = weight.to(dtype, copy=True)  # else it would change with the file
    if broken:
        problem = f'{len(broken)} weights such as "{broken[0]}" are infinite or NaN, because the training diverged'
        raise InputError(f"{files.file}: {problem}; train again with a lower learning_rate")
    return weights


def _read_tokenizer(folder: Path, encoder: "PreTrainedModel | Bert") -> StoredTokenizer:
    try:
        if not folder.is_dir():
            raise FileNotFoundError("no such folder")
        tokenizer = StoredTokenizer.load(folder)
    except Exception as error:  # the library raises a bare Exception for a file that it cannot parse
        reason = one_line(error, 200)
        raise InputError(f"{folder}: no tokenizer that can be read ({reason}); copy or train the checkpoint again") from error
    embeddings: Any = encoder.get_input_embeddings()
    last, size = max(tokenizer.backend_tokenizer.get_vocab().values(), default=0), embeddings.num_embeddings
    if last >= size:
        problem = f"a tokenizer with token ids up to {last}, but the encoder has {size} embeddings"
        raise InputError(f"{folder}: {problem}; copy or train the checkpoint again")
    return tokenizer
