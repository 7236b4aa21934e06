"""The matcher: texts and types in, a score for every candidate span and type out. Tensors only.

Legend: B batch, T text tokens, C types, H hidden, D head size.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import nn
from transformers import PreTrainedModel

from spanmatch.batching.collate import TextBatch, TypeBatch
from spanmatch.config import MatcherConfig
from spanmatch.model.encoders import encoder_from_config, text_states, type_states, type_states_behind
from spanmatch.model.head import NUM_MENTIONS, SpanHead, SpanScores


class SpanMatcherModel(nn.Module):
    """Encoders and the head in which texts and types meet.

    The architectures differ in how type states are reached: a bi-encoder encodes types apart from texts, a
    cross-encoder with each text, in one sequence.
    """

    def __init__(
        self, config: MatcherConfig, text_encoder: PreTrainedModel | None = None, type_encoder: PreTrainedModel | None = None
    ) -> None:
        super().__init__()
        # Not `config`: the Trainer would take it for that of a transformers model, and write to it.
        self.matcher_config = config
        self.text_encoder = text_encoder or encoder_from_config(config.text_encoder)
        # One tower is registered once; None, not the tower again, says that it is shared.
        self.type_encoder = type_encoder or (encoder_from_config(config.type_encoder) if config.type_encoder else None)
        text_size = self.text_encoder.config.hidden_size
        type_size = (self.type_encoder or self.text_encoder).config.hidden_size
        num_background = NUM_MENTIONS if config.background_weight else 0
        self.head = SpanHead(
            text_size, type_size, config.head_size, config.max_span_width, config.null_slots, num_background=num_background
        )

    @property
    def encoder_of_types(self) -> PreTrainedModel:
        """The tower that reads types, which may be that of texts."""
        return self.text_encoder if self.type_encoder is None else self.type_encoder

    def encode_types(self, types: TypeBatch) -> torch.Tensor:
        """Type embeddings of a bi-encoder, ready to be scored against any text. Shape: (C, D)."""
        embedded_CD = self.head.embed_types(type_states(self.encoder_of_types, types, self.matcher_config.type_pooling))
        return self.head.corrected(embedded_CD, self.matcher_config.background_weight)

    def type_weights(self) -> dict[str, torch.Tensor]:
        """What type embeddings are computed with, by name."""
        own = ("type_proj.weight", "type_proj.bias", "scale", "bias", "background", "usual_affinity")
        head = {name: tensor for name, tensor in self.head.state_dict().items() if name in own}
        return {**dict(self.encoder_of_types.named_parameters()), **head}

    def encode_texts(self, texts: TextBatch) -> torch.Tensor:
        """States of the tokens. Shape: (B, T, H)."""
        return text_states(self.text_encoder, texts)

    def types_behind(self, text_states_BTH: torch.Tensor, texts: TextBatch) -> torch.Tensor:
        """Type embeddings of a cross-encoder, as each text has them behind it. Shape: (B, T, H) to (B, C, D)."""
        return self.head.embed_types(type_states_behind(text_states_BTH, texts))

    def forward(
        self,
        texts: TextBatch,
        types: Sequence[TypeBatch] | None,
        *,
        boundaries: bool = False,
        anchors_CH: torch.Tensor | None = None,
    ) -> SpanScores:
        """Encode and score, for training. Types come in groups of about one length; a cross-encoder's are in `texts`.

        Args:
            types: beside the types of a cross-encoder, or beside anchors, they are not scored: their states are handed on, in
                the scores, to be compared with what they were.
            anchors_CH: states of types to score with instead.
        """
        states = self.encode_texts(texts)
        pooling = self.matcher_config.type_pooling
        own = [type_states(self.encoder_of_types, group, pooling) for group in types or ()]
        are_behind = self.matcher_config.architecture == "cross"
        if are_behind:
            types_XCD = self.types_behind(states, texts)
        else:
            types_XCD = self.head.embed_types(torch.cat(own) if anchors_CH is None else anchors_CH)[None]
        scores: SpanScores = self.head(states, types_XCD, texts, boundaries=boundaries)
        return replace(scores, type_states=torch.cat(own)) if own and (are_behind or anchors_CH is not None) else scores

    def activation_checkpointing_enable(
        self, activation_checkpointing_kwargs: dict[str, Any] | None = None, **options: Any
    ) -> None:
        """Trade compute for memory in the encoders; the Trainer calls it."""
        # Re-entrant checkpoints mark a tower that is used twice as ready twice, which data-parallel training refuses.
        given = {"use_reentrant": False} | (activation_checkpointing_kwargs or {})
        for encoder in (self.text_encoder, self.type_encoder):
            if encoder is not None:
                enable = getattr(encoder, "activation_checkpointing_enable", encoder.gradient_checkpointing_enable)
                enable(given, **options)

    def gradient_checkpointing_enable(self, gradient_checkpointing_kwargs: dict[str, Any] | None = None) -> None:
        """What earlier versions of transformers call it."""
        self.activation_checkpointing_enable(gradient_checkpointing_kwargs)


