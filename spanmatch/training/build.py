"""Build the matcher that a training starts from, around pretrained encoders or from a checkpoint."""

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from spanmatch.batching.tokenizer import THRESHOLD_TOKEN, TYPE_MARKER, SequenceTokenizer
from spanmatch.config import MatcherConfig
from spanmatch.data.corpus import Corpus
from spanmatch.errors import InputError
from spanmatch.model.encoders import PretrainedEncoder, add_tokens, load_pretrained, load_type_encoder
from spanmatch.model.model import SpanMatcherModel
from spanmatch.model.pretrained import max_positions
from spanmatch.prediction.checkpoint import load_checkpoint
from spanmatch.prediction.matcher import SpanMatcher
from spanmatch.prediction.matcher_config import read_matcher_config
from spanmatch.prediction.shipped import TEXT_TOKENIZER, checkpoint_folder, is_checkpoint, shipped
from spanmatch.prediction.thresholds import NULL_SLOTS
from spanmatch.training.arguments import MatcherArguments, MatcherTrainingArguments
from spanmatch.training.effects import check_towers
from spanmatch.training.objective import Objective
from spanmatch.training.start import set_start

# The smallest window that is chosen for the text encoder, in subwords.
MIN_WINDOW = 64
# Types of a pass of a cross-encoder, and their subwords, if nothing else limits them.
MAX_TYPES = 32
MAX_TYPE_TOKENS = 512
# Texts that the window is chosen from.
NUM_MEASURED_TEXTS = 10_000


def build_matcher(
    arguments: MatcherArguments,
    architecture: str,
    training: MatcherTrainingArguments,
    corpus: Corpus | None = None,
    resume: Path | None = None,
) -> SpanMatcher:
    """Build a matcher to train.

    Args:
        arguments: say what it is built from.
        architecture: "bi" or "cross".
        training: says in which precision it computes.
        corpus: what it will be trained on; it decides the window and the types of a pass if the configuration does not, and
            the factors that the states of encoders are multiplied with.
        resume: checkpoint of a training that is continued: the factors are those of its start.

    Raises:
        InputError: the encoder or the checkpoint does not fit the architecture, the objective or the lengths.
    """
    autocast = torch.bfloat16 if training.bf16 else None
    if arguments.pretrained_model_name_or_path:
        return _from_checkpoint(arguments, architecture, autocast, is_trained=training.do_train)
    text = _encoder_of("text_encoder", arguments.text_encoder, architecture) or load_pretrained(arguments.text_encoder)
    separate = {"shared": None, "separate": arguments.text_encoder}.get(arguments.type_encoder, arguments.type_encoder)
    types = text if separate is None else _encoder_of("type_encoder", separate, architecture) or load_type_encoder(separate)
    is_cross_encoder = architecture == "cross"
    added = [TYPE_MARKER] * is_cross_encoder + [THRESHOLD_TOKEN] * ("label_token" in arguments.objective.null_slots)
    if added:
        add_tokens(text.model, text.tokenizer, added)
    positions = max_positions(text.model.config, text.tokenizer)
    # In a cross-encoder, types get at least half of the sequence.
    limit = positions // 2 if is_cross_encoder else positions
    texts = [example.text for example in corpus.examples] if corpus is not None else []
    max_length = _window(arguments.max_length, limit, text.tokenizer, texts)
    room = max_positions(types.model.config, types.tokenizer)
    if is_cross_encoder:
        room = min(positions - max_length - len(SequenceTokenizer.of(text.tokenizer, 8).middle), MAX_TYPE_TOKENS)
    is_read_behind_only = is_cross_encoder and separate is None
    pooling = "mean" if is_read_behind_only else arguments.type_pooling or types.pooling or "mean"
    config = MatcherConfig(
        architecture=architecture,
        text_encoder=_description(text.model),
        type_encoder=None if separate is None else _description(types.model),
        type_pooling=pooling,
        head_size=arguments.head_size,
        candidates=arguments.candidates,
        max_span_width=arguments.max_span_width,
        line_breaks=arguments.line_breaks,
        max_length=max_length,
        max_type_length=room,
        objective=arguments.objective.name,
        max_types=_types_of_a_pass(arguments, corpus) if is_cross_encoder else None,
        null_slots=_null_slots(arguments.objective.null_slots, text.tokenizer),
        background_weight=arguments.background_weight,
        # `set_start` brings them to the usual size.
        type_norm=1.0 if types.normalises or arguments.normalize_types else None,
        type_prompt=types.prompt,
    )
    model = SpanMatcherModel(config, text.model, None if separate is None else types.model)
    if resume is None:
        set_start(SpanMatcher(model, text.tokenizer, types.tokenizer), arguments, corpus, training.seed)
    else:
        stored = read_matcher_config(resume)
        model.matcher_config = replace(
            config, text_state_scale=stored.text_state_scale, type_state_scale=stored.type_state_scale
        )
    return SpanMatcher(model, text.tokenizer, types.tokenizer, autocast=autocast)


def _from_checkpoint(
    arguments: MatcherArguments, architecture: str, autocast: torch.dtype | None, *, is_trained: bool
) -> SpanMatcher:
    name = arguments.pretrained_model_name_or_path
    assert name is not None
    loaded = load_checkpoint(name, is_trained=True)
    config = loaded.model.matcher_config
    if config.architecture != architecture:
        raise InputError(f"{name} is a {config.architecture}-encoder; use train_{config.architecture}_encoder.py")
    if is_trained:  # else it stays what it is, and nothing asks for another objective
        check_towers(arguments, name, is_shared=config.type_encoder is None)
        _check_objective(arguments.objective, name, config)
        loaded.model.matcher_config = replace(config, objective=arguments.objective.name)
    return SpanMatcher(
        loaded.model, loaded.text_tokenizer, loaded.type_tokenizer, calibration=loaded.calibration, autocast=autocast
    )


def _encoder_of(key: str, name: str, architecture: str) -> PretrainedEncoder | None:
    """Return the text encoder of a matcher of the other architecture, to begin one of this; None if the name is of no matcher.

    What its head and its thresholds know does not fit, and is left out.
    """
    if not is_checkpoint(Path(name)) and shipped(name) is None:
        return None
    loaded = load_checkpoint(name, is_trained=True)
    config = loaded.model.matcher_config
    if config.architecture == architecture:
        raise InputError(f"{key}: {name} is a spanmatch checkpoint; give it as pretrained_model_name_or_path")
    tokenizer = AutoTokenizer.from_pretrained(checkpoint_folder(name) / TEXT_TOKENIZER, trust_remote_code=False)
    assert isinstance(loaded.model.text_encoder, PreTrainedModel), "a model to train is one of transformers"
    return PretrainedEncoder(model=loaded.model.text_encoder, tokenizer=tokenizer, pooling=config.type_pooling)


def _check_objective(objective: Objective, name: str, config: MatcherConfig) -> None:
    """Raise an error unless a checkpoint has what an objective trains."""
    if bool(config.null_slots) != bool(objective.null_slots):
        lacks = "has no null slots" if objective.null_slots else "scores against null slots"
        problem = f'"{objective.name}" does not go on from {name}, which was trained with "{config.objective}" and {lacks}'
        raise InputError(f'loss: {problem}; use "{config.objective}", or start from an encoder')
    if set(objective.null_slots) not in (set(NULL_SLOTS), set(config.null_slots), set()):
        problem = f"{name} has the null slots {', '.join(config.null_slots)}, which cannot be changed any more"
        raise InputError(f'loss: {problem}; leave "null_slots" out, or start from an encoder')


def _description(encoder: PreTrainedModel) -> dict[str, Any]:
    """Return the configuration that an encoder is built from again, with keys and values as JSON gives them back."""
    described: dict[str, Any] = json.loads(encoder.config.to_json_string())
    return described | {"model_type": encoder.config.model_type}


def _null_slots(wanted: Sequence[str], tokenizer: PreTrainedTokenizerBase) -> dict[str, int]:
    """Return the places of the null slots: the threshold token ends the prefix, `cls` is in it if the encoder has one.

    Raises:
        InputError: the encoder has none of the slots.
    """
    bare = SequenceTokenizer.of(tokenizer, 8)
    slots = {}
    if "cls" in wanted and tokenizer.cls_token_id in bare.prefix:
        slots["cls"] = bare.prefix.index(tokenizer.cls_token_id)
    if "label_token" in wanted:
        slots["label_token"] = len(bare.prefix)
    if wanted and not slots:
        raise InputError('loss: this encoder has no cls_token for the null slot "cls"; use "null_slots": ["label_token"]')
    return slots


def _types_of_a_pass(arguments: MatcherArguments, corpus: Corpus | None) -> int:
    """Return how many types a cross-encoder sees beside a text: by default as many as the training texts have, at most 32.

    A matcher that was trained with four types beside a text does badly with thirty.
    """
    if arguments.max_types_per_pass is not None:
        return arguments.max_types_per_pass
    if corpus is None:
        return MAX_TYPES
    return max(1, min(MAX_TYPES, max(len(example.types) for example in corpus.examples)))


def _window(asked: int | None, limit: int, tokenizer: PreTrainedTokenizerBase, texts: Sequence[str]) -> int:
    """Return the window of the text encoder: by default the power of two that holds 99% of the training texts, in subwords.

    A matcher that was trained on sentences does badly in a window that is ten times as long: it never saw such positions.
    """
    if asked is not None and not 8 <= asked <= limit:
        raise InputError(f"max_length must lie between 8 and the encoder's {limit}, got {asked}")
    if asked is not None or not texts:
        return asked or limit
    encoded = tokenizer(list(texts[:NUM_MEASURED_TEXTS]), verbose=False)["input_ids"]
    needed = float(np.quantile([len(ids) for ids in encoded], 0.99))
    return min(limit, max(MIN_WINDOW, 1 << math.ceil(math.log2(max(needed, 1)))))
