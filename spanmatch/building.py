"""What a training starts from: a matcher around its encoders, and the views of the training texts."""

import logging
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from transformers import PreTrainedTokenizerBase

from spanmatch.batching import Tokenizing, text_views
from spanmatch.checkpoints import is_checkpoint, load_checkpoint
from spanmatch.config import MatcherArguments, MatcherTrainingArguments
from spanmatch.data import Corpus
from spanmatch.encoders import load_pretrained, max_positions
from spanmatch.errors import InputError
from spanmatch.matcher import MatcherConfig, SpanMatcherModel
from spanmatch.predictor import SpanMatcher
from spanmatch.spans import Unrepresentable
from spanmatch.views import View

logger = logging.getLogger(__name__)

MIN_WINDOW = 64
NUM_MEASURED_TEXTS = 10_000


def build_matcher(
    arguments: MatcherArguments, architecture: str, training: MatcherTrainingArguments, texts: Sequence[str] = ()
) -> SpanMatcher:
    """A matcher to train: from a checkpoint of ours, or around pretrained encoders.

    Args:
        texts: those it will be trained on; they set its window where the configuration does not.
    """
    autocast = torch.bfloat16 if training.bf16 else None
    if arguments.pretrained_model_name_or_path:
        loaded = load_checkpoint(arguments.pretrained_model_name_or_path)
        return SpanMatcher(loaded.model, loaded.text_tokenizer, loaded.type_tokenizer, autocast=autocast)
    if is_checkpoint(Path(arguments.text_encoder)):
        raise InputError(
            f"text_encoder: {arguments.text_encoder} is a spanmatch checkpoint; give it as pretrained_model_name_or_path"
        )
    text = load_pretrained(arguments.text_encoder)
    shared = arguments.type_encoder == "shared"
    types = (
        text
        if shared
        else load_pretrained(arguments.text_encoder if arguments.type_encoder == "separate" else arguments.type_encoder)
    )
    config = MatcherConfig(
        architecture=architecture,
        text_encoder=text.model.config.to_diff_dict() | {"model_type": text.model.config.model_type},
        type_encoder=None if shared else types.model.config.to_diff_dict() | {"model_type": types.model.config.model_type},
        type_pooling=arguments.type_pooling or types.pooling or "mean",
        head_size=arguments.head_size,
        candidates=arguments.candidates,
        max_span_width=arguments.max_span_width,
        max_length=_window(arguments.max_length, max_positions(text.model.config, text.tokenizer), text.tokenizer, texts),
        max_type_length=max_positions(types.model.config, types.tokenizer),
        objective=arguments.loss_name,
    )
    model = SpanMatcherModel(config, text.model, None if shared else types.model)
    return SpanMatcher(model, text.tokenizer, types.tokenizer, autocast=autocast)


def _window(asked: int | None, limit: int, tokenizer: PreTrainedTokenizerBase, texts: Sequence[str]) -> int:
    """Subwords that the text encoder sees at a time: as asked, else the power of two that holds 99% of the training texts.

    A matcher trained on sentences fails in the middle of a window that is ten times as long: it was never there.
    """
    if asked is not None and not 8 <= asked <= limit:
        raise InputError(f"max_length must lie between 8 and the encoder's {limit}, got {asked}")
    if asked is not None or not texts:
        return asked or limit
    encoded = tokenizer(list(texts[:NUM_MEASURED_TEXTS]), verbose=False)["input_ids"]
    needed = float(np.quantile([len(ids) for ids in encoded], 0.99))
    return min(limit, max(MIN_WINDOW, 1 << math.ceil(math.log2(max(needed, 1)))))


def training_views(corpus: Corpus, tokenizing: Tokenizing, config: MatcherConfig) -> list[View]:
    """All views of a corpus; says once how much gold no candidate can represent."""
    lost = Unrepresentable()
    per_text = text_views(
        corpus.examples, tokenizing, candidates=config.candidates, max_span_width=config.max_span_width, lost=lost
    )
    views = [view for own in per_text for view in own]
    if lost.num_lost:
        logger.warning("training: %s", lost)
    if not any(view.tokenized.gold for view in views):
        raise InputError(
            "the training data has no gold span that a candidate can represent; check format, candidates and max_span_width"
        )
    return views
