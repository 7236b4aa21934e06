"""The matcher: text states and type states in, a score for every candidate span and type out. Tensors only.

Legend: B batch, T text tokens, U units, W widths, C types, H hidden, D head size, N null slots; X is B or 1: a
cross-encoder has type states per text, a bi-encoder the same for all.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F
from transformers import PreTrainedModel

from spanmatch.batching import TextBatch, TypeBatch
from spanmatch.encoders import encoder_from_config, gather_tokens, marker_states, text_states, type_states


@dataclass(frozen=True, kw_only=True)
class MatcherConfig:
    """What a checkpoint has to know to be built and used again.

    `text_encoder` and `type_encoder` are the configurations of their Hugging Face models; without a
    `type_encoder` one tower serves both. `max_span_width` counts candidate units (words or subwords),
    `max_length` and `max_type_length` subwords with special tokens: of a text, and of a type. In a cross-encoder
    `max_type_length` is the room for all types of a pass, `max_types` their number.
    `null_slots` are the tokens whose score is a threshold, by name, with their place in a text's sequence.
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
    max_types: int | None = None
    null_slots: Mapping[str, int] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """The configuration as JSON holds it."""
        return asdict(self)


@dataclass(kw_only=True, slots=True)
class CellScores:
    """Logits of cells, and those of the null slots for the same types.

    Shape: logits (B, U, W, C), nulls (B, N, C) or None without null slots.
    """

    logits: torch.Tensor
    nulls: torch.Tensor | None


@dataclass(kw_only=True, slots=True)
class SpanScores:
    """Scores of candidate spans, and of units as starts and as ends of spans (W is 1) where a training asks for them."""

    spans: CellScores
    starts: CellScores | None = None
    ends: CellScores | None = None


class SpanHead(nn.Module):
    """Scores a span against a type: a one-layer span representation, times the type, scaled and shifted.

    The first layer of a network over [start; end; width] splits exactly into a term of the start, one of the
    end and one of the width, so that everything that is per token is computed once per token. The learnable
    scale and, from a start well below zero, bias let a cell begin as the rare event that it is
    (Zhai et al., "Sigmoid Loss for Language Image Pre-Training", ICCV 2023, section 3.2).

    A null slot is a span of one token with a width of its own. Scores are compared with those of the slots where
    there are any; a bias, the same in both, would then be without effect.
    """

    def __init__(
        self, text_size: int, type_size: int, head_size: int, max_span_width: int, null_slots: Mapping[str, int] | None = None
    ) -> None:
        super().__init__()
        self.null_slots = dict(null_slots or {})
        self.max_span_width = max_span_width
        self.start_proj = nn.Linear(text_size, head_size)
        self.end_proj = nn.Linear(text_size, head_size, bias=False)
        self.width_embedding = nn.Embedding(max_span_width + len(self.null_slots), head_size)
        self.type_proj = nn.Linear(type_size, head_size)
        self.scale = nn.Parameter(torch.tensor(1.0))
        self.bias = None if self.null_slots else nn.Parameter(torch.tensor(-5.0))
        nn.init.normal_(self.width_embedding.weight, std=0.02)

    def embed_types(self, type_states_XCH: torch.Tensor) -> torch.Tensor:
        """Type states to the space of spans, scale included. Shape: (X, C, H) to (X, C, D), or without X."""
        embedded: torch.Tensor = self.type_proj(type_states_XCH)
        return embedded * (self.scale * embedded.shape[-1] ** -0.5)

    def represent_spans(self, text_states_BTH: torch.Tensor, batch: TextBatch) -> torch.Tensor:
        """Text states to candidate spans. Shape: (B, T, H) to (B, U, W, D)."""
        num_widths = batch.candidates.shape[2]
        starts_BUD = gather_tokens(self.start_proj(text_states_BTH), batch.first_token)
        ends_BUD = gather_tokens(self.end_proj(text_states_BTH), batch.last_token)
        padded = F.pad(ends_BUD, (0, 0, 0, num_widths - 1))
        ends_BUWD = padded.unfold(1, num_widths, 1).transpose(2, 3)  # a view: the end of cell (u, w) is unit u + w
        return F.gelu(starts_BUD[:, :, None] + ends_BUWD + self.width_embedding.weight[:num_widths])

    def represent_cells(self, text_states_BTH: torch.Tensor, batch: TextBatch, cells_S3: torch.Tensor) -> torch.Tensor:
        """What `represent_spans` has in some cells (text, unit, width - 1), and no more. Shape: (S, 3) to (S, D)."""
        row, unit, width = cells_S3.unbind(1)
        offset = row * text_states_BTH.shape[1]
        start = offset + batch.first_token[row, unit]
        end = offset + batch.last_token[row, unit + width]
        starts_SD = self.start_proj(text_states_BTH).flatten(0, 1).index_select(0, start)
        ends_SD = self.end_proj(text_states_BTH).flatten(0, 1).index_select(0, end)
        return F.gelu(starts_SD + ends_SD + self.width_embedding.weight.index_select(0, width))

    def represent_null(self, text_states_BTH: torch.Tensor, slot: str | None) -> torch.Tensor | None:
        """One null slot of each text, None without a slot. Shape: (B, T, H) to (B, D)."""
        if slot is None:
            return None
        nulls_BND = self.represent_nulls(text_states_BTH)
        assert nulls_BND is not None, "thresholds are checked against the slots of the model"
        return nulls_BND[:, list(self.null_slots).index(slot)]

    def represent_nulls(self, text_states_BTH: torch.Tensor) -> torch.Tensor | None:
        """Text states to null slots, None without any. Shape: (B, T, H) to (B, N, D)."""
        if not self.null_slots:
            return None
        slots_BNH = text_states_BTH[:, list(self.null_slots.values())]
        widths_ND = self.width_embedding.weight[self.max_span_width :]
        return F.gelu(self.start_proj(slots_BNH) + self.end_proj(slots_BNH) + widths_ND)

    def score(self, spans_BSD: torch.Tensor, types_XCD: torch.Tensor) -> torch.Tensor:
        """Shape: (B, S, D) and (X, C, D) to (B, S, C)."""
        logits = spans_BSD @ types_XCD.transpose(1, 2)
        return logits if self.bias is None else logits + self.bias

    def score_spans(self, spans_BUWD: torch.Tensor, types_XCD: torch.Tensor) -> torch.Tensor:
        """Shape: (B, U, W, D) and (X, C, D) to (B, U, W, C)."""
        return self.score(spans_BUWD.flatten(1, 2), types_XCD).unflatten(1, spans_BUWD.shape[1:3])

    def forward(
        self, text_states_BTH: torch.Tensor, types_XCD: torch.Tensor, batch: TextBatch, *, boundaries: bool
    ) -> SpanScores:
        """Score all cells, for training; with `boundaries` also units as starts and as ends."""
        nulls = self.represent_nulls(text_states_BTH)
        spans = CellScores(
            logits=self.score_spans(self.represent_spans(text_states_BTH, batch), types_XCD),
            nulls=None if nulls is None else self.score(nulls, types_XCD),
        )
        if not boundaries:
            return SpanScores(spans=spans)
        starts, ends = (
            self._boundaries(projection(text_states_BTH), positions, types_XCD)
            for projection, positions in ((self.start_proj, batch.first_token), (self.end_proj, batch.last_token))
        )
        return SpanScores(spans=spans, starts=starts, ends=ends)

    def _boundaries(self, projected_BTD: torch.Tensor, positions_BU: torch.Tensor, types_XCD: torch.Tensor) -> CellScores:
        """A span's first layer has a term of its start and one of its end: each by itself against the types."""
        logits_BUC = self.score(F.gelu(gather_tokens(projected_BTD, positions_BU)), types_XCD)
        slots = F.gelu(projected_BTD[:, list(self.null_slots.values())]) if self.null_slots else None
        return CellScores(logits=logits_BUC[:, :, None], nulls=None if slots is None else self.score(slots, types_XCD))


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
        self.head = SpanHead(text_size, type_size, config.head_size, config.max_span_width, config.null_slots)

    @property
    def encoder_of_types(self) -> PreTrainedModel:
        """The tower that reads types, which may be that of texts."""
        return self.text_encoder if self.type_encoder is None else self.type_encoder

    def encode_types(self, types: TypeBatch) -> torch.Tensor:
        """Type embeddings of a bi-encoder, ready to be scored against any text. Shape: (C, D)."""
        return self.head.embed_types(type_states(self.encoder_of_types, types, self.matcher_config.type_pooling))

    def type_weights(self) -> dict[str, torch.Tensor]:
        """What type embeddings are computed with, by name."""
        head = dict(self.head.type_proj.named_parameters()) | {"scale": self.head.scale}
        return {**dict(self.encoder_of_types.named_parameters()), **head}

    def encode_texts(self, texts: TextBatch) -> torch.Tensor:
        """States of the tokens. Shape: (B, T, H)."""
        return text_states(self.text_encoder, texts)

    def types_behind(self, text_states_BTH: torch.Tensor, texts: TextBatch) -> torch.Tensor:
        """Type embeddings of a cross-encoder, as each text has them behind it. Shape: (B, T, H) to (B, C, D)."""
        return self.head.embed_types(marker_states(text_states_BTH, texts))

    def forward(self, texts: TextBatch, types: TypeBatch | None, *, boundaries: bool = False) -> SpanScores:
        """Encode and score, for training. A cross-encoder's types are in `texts`."""
        states = self.encode_texts(texts)
        types_XCD = self.types_behind(states, texts) if types is None else self.encode_types(types)[None]
        scores: SpanScores = self.head(states, types_XCD, texts, boundaries=boundaries)
        return scores

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
