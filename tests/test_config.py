"""The configuration of a model: what JSON gives back is what was written."""

import json
from dataclasses import FrozenInstanceError, replace
from typing import Any

import pytest

from spanmatch.config import MatcherConfig

VALUES: dict[str, Any] = {
    "architecture": "bi",
    "text_encoder": {"model_type": "bert", "hidden_size": 32},
    "type_encoder": None,
    "type_pooling": "mean",
    "head_size": 16,
    "candidates": "words",
    "max_span_width": 4,
    "max_length": 64,
    "max_type_length": 64,
    "objective": "contrastive",
    "null_slots": {"cls": 0, "label_token": 1},
}


def test_json_gives_it_back() -> None:
    config = MatcherConfig(**VALUES)
    assert MatcherConfig(**json.loads(json.dumps(config.as_dict()))) == config
    changed = replace(config, type_norm=6.5, type_prompt="a kind of thing: ", background_weight=0.8)
    assert MatcherConfig(**json.loads(json.dumps(changed.as_dict()))) == changed != config


def test_it_cannot_be_changed() -> None:
    """Tokenizers, batches and weights were made for it."""
    with pytest.raises(FrozenInstanceError):
        MatcherConfig(**VALUES).max_length = 3  # type: ignore[misc]
