"""The matcher: text states and type states in, a score for every candidate span and type out. Tensors only.

Legend: B batch, T text tokens, U units, W widths, C types, H hidden, D head size.
"""

from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F
from transformers import PreTrainedModel

from spanmatch.batching import TextBatch, TypeBatch
from spanmatch.encoders import encoder_from_config, text_states, type_states


@dataclass(frozen=True, kw_only=True)
class MatcherConfig:
    """What a checkpoint has to know to be built and used again.

    `text_encoder` and `type_encoder` are the configurations of their Hugging Face models; without a
    `type_encoder` one tower serves both. `max_span_width` counts candidate units (words or subwords),
    `max_length` and `max_type_length` subwords with special tokens.
    """

    architecture: str
    text_encoder: dict[str, Any]
    type_encoder: dict[str, Any] | None
    type_pooling: str
    head_size: int
    candidates: str
    max_span_width: int
    max_length: int
    max_type_length: int
    objective: str

    def as_dict(self) -> dict[str, Any]:
        """The configuration as JSON holds it."""
        return asdict(self)


@dataclass(kw_only=True, slots=True)
class SpanScores:
    """Logits of every cell, and which cells are candidates of this view.

    Shape: logits (B, U, W, C), candidates (B, U, W) bool.
    """

    logits: torch.Tensor
    candidates: torch.Tensor


class SpanHead(nn.Module):
    """Scores a span against a type: a one-layer span representation, times the type, scaled and shifted.

    The first layer of a network over [start; end; width] splits exactly into a term of the start, one of the
    end and one of the width, so that everything that is per token is computed once per token. The learnable
    scale and, from a start well below zero, bias let a cell begin as the rare event that it is
    (Zhai et al., "Sigmoid Loss for Language Image Pre-Training", ICCV 2023, section 3.2).
    """

    def __init__(self, text_size: int, type_size: int, head_size: int, max_span_width: int) -> None:
        super().__init__()
        self.start_proj = nn.Linear(text_size, head_size)
        self.end_proj = nn.Linear(text_size, head_size, bias=False)
        self.width_embedding = nn.Embedding(max_span_width, head_size)
        self.type_proj = nn.Linear(type_size, head_size)
        self.scale = nn.Parameter(torch.tensor(1.0))
        self.bias = nn.Parameter(torch.tensor(-5.0))
        nn.init.normal_(self.width_embedding.weight, std=0.02)

    def embed_types(self, type_states_CH: torch.Tensor) -> torch.Tensor:
        """Type states to the space of spans, scale included. Shape: (C, H) to (C, D)."""
        embedded: torch.Tensor = self.type_proj(type_states_CH)
        return embedded * (self.scale * embedded.shape[-1] ** -0.5)

    def represent_spans(self, text_states_BTH: torch.Tensor, batch: TextBatch) -> torch.Tensor:
        """Text states to candidate spans. Shape: (B, T, H) to (B, U, W, D)."""
        num_widths = batch.candidates.shape[2]
        starts_BUD = _gather(self.start_proj(text_states_BTH), batch.first_token)
        ends_BUD = _gather(self.end_proj(text_states_BTH), batch.last_token)
        padded = F.pad(ends_BUD, (0, 0, 0, num_widths - 1))
        ends_BUWD = padded.unfold(1, num_widths, 1).transpose(2, 3)  # a view: the end of cell (u, w) is unit u + w
        return F.gelu(starts_BUD[:, :, None] + ends_BUWD + self.width_embedding.weight[:num_widths])

    def score_spans(self, spans_BUWD: torch.Tensor, types_CD: torch.Tensor) -> torch.Tensor:
        """Shape: (B, U, W, D) and (C, D) to (B, U, W, C)."""
        return spans_BUWD @ types_CD.T + self.bias


def _gather(states_BTD: torch.Tensor, positions_BU: torch.Tensor) -> torch.Tensor:
    return states_BTD.gather(1, positions_BU[..., None].expand(-1, -1, states_BTD.shape[-1]))


class SpanMatcherModel(nn.Module):
    """A bi-encoder: text and types are encoded apart and meet in the head."""

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
        self.head = SpanHead(text_size, type_size, config.head_size, config.max_span_width)

    def encode_types(self, types: TypeBatch) -> torch.Tensor:
        """Type embeddings, ready to be scored against any text. Shape: (C, D)."""
        encoder = self.text_encoder if self.type_encoder is None else self.type_encoder
        return self.head.embed_types(type_states(encoder, types, self.matcher_config.type_pooling))

    def represent_spans(self, texts: TextBatch) -> torch.Tensor:
        """The candidate spans of the texts. Shape: (B, U, W, D)."""
        return self.head.represent_spans(text_states(self.text_encoder, texts), texts)

    def forward(self, texts: TextBatch, types: TypeBatch) -> SpanScores:
        """Encode and score, for training."""
        logits = self.head.score_spans(self.represent_spans(texts), self.encode_types(types))
        return SpanScores(logits=logits, candidates=texts.candidates)

    def gradient_checkpointing_enable(self, gradient_checkpointing_kwargs: dict[str, Any] | None = None) -> None:
        """Trade compute for memory in the encoders; the Trainer calls it."""
        for encoder in (self.text_encoder, self.type_encoder):
            if encoder is not None:
                encoder.gradient_checkpointing_enable(gradient_checkpointing_kwargs)
