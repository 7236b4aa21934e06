"""The scoring head: text states and type states in, a score for every candidate span and type out.

Legend: B batch, T text tokens, U units, W widths, C types, S cells, H hidden, D head size, N null slots; X is B or 1: a
cross-encoder has type states per text, a bi-encoder the same for all.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F

from spanmatch.batching.collate import TextBatch

# Dimensions of a span that are 1, where types have their bias.
NUM_CONSTANT = 2


SLOPE = 0.5  # below zero


# Of the background, the mentions that a type scores highest with: those that would be taken for it.
NUM_MENTIONS, TOP_SHARE = 2048, 0.02


@dataclass(kw_only=True, slots=True)
class CellScores:
    """Logits of cells, and those of the null slots for the same types.

    Shape: logits (B, U, W, C), nulls (B, N, C) or None without null slots.
    """

    logits: torch.Tensor
    nulls: torch.Tensor | None


@dataclass(kw_only=True, slots=True)
class SpanScores:
    """Scores of candidate spans, and of units as starts and as ends of spans (W is 1) where a training asks for them.

    `type_states` are (C, H), where a training compares them with anchors.
    """

    spans: CellScores
    starts: CellScores | None = None
    ends: CellScores | None = None
    type_states: torch.Tensor | None = None


class SpanHead(nn.Module):
    """Scores a span against a type: a one-layer span representation, times the type, scaled and shifted.

    The first layer of a network over [start; end; width] splits exactly into a term of the start, one of the
    end and one of the width, so that everything that is per token is computed once per token. The learnable
    scale and, from a start well below zero, bias let a cell begin as the rare event that it is
    (Zhai et al., "Sigmoid Loss for Language Image Pre-Training", ICCV 2023, section 3.2).

    The last dimensions of a span are 1 (`NUM_CONSTANT`): what a type has there is its bias, so that a score is a product and
    nothing else. There are two of them since half precision holds a bias in two parts exactly, in one only roughly.

    A null slot is a span of one token with a width of its own; its last dimensions are 0, so that what scores exceed it by
    keeps the bias of a type. Beside null slots a bias for all types would be without effect.
    """

    def __init__(
        self, text_size: int, type_size: int, head_size: int, max_span_width: int, null_slots: Mapping[str, int] | None = None,
        num_background: int = 0,
    ) -> None:  # fmt: skip
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
        self.background: torch.Tensor | None
        self.usual_affinity: torch.Tensor
        self.register_buffer("background", torch.zeros(num_background, head_size) if num_background else None)
        self.register_buffer("usual_affinity", torch.tensor(0.0) if num_background else None)
        if text_size == type_size and head_size <= text_size:
            self._align(text_size, head_size)

    @torch.no_grad()
    def _align(self, hidden_size: int, head_size: int) -> None:
        """Start with spans and types in one space: all three projections are one, random and orthonormal.

        An encoder that was trained to place texts of one meaning together knows something of which words are which type:
        of gold spans of types that it was never taught, the nearest type is the right one two to sixteen times as often as by
        chance (docs/log.md). Projections that differ throw that away, and a training on few types never finds all of it again.
        """
        shared_DH = torch.linalg.qr(torch.randn(hidden_size, head_size))[0].T
        self.type_proj.weight.copy_(shared_DH)
        for projection in (self.start_proj, self.end_proj):
            projection.weight.copy_(shared_DH / 2)
        for bias in (self.start_proj.bias, self.type_proj.bias):
            bias.zero_()

    def embed_types(self, type_states_XCH: torch.Tensor) -> torch.Tensor:
        """Type states to the space of spans, scale and bias included. Shape: (X, C, H) to (X, C, D), or without X."""
        projected: torch.Tensor = self.type_proj(type_states_XCH)
        scaled = projected * (self.scale * projected.shape[-1] ** -0.5)
        bias = scaled.new_zeros(()) if self.bias is None else self.bias
        return with_bias(scaled, bias.expand(scaled.shape[:-1]))

    def corrected(self, types_CD: torch.Tensor, weight: float) -> torch.Tensor:
        """Types with what their affinity to the background exceeds the usual one by taken off, in part (see `background`).

        Shape: (..., C, D), the same.
        """
        if self.background is None or not weight:
            return types_CD
        excess_C = affinity(types_CD, self.background) - self.usual_affinity.float()
        return with_bias(types_CD, bias_of(types_CD) - weight * excess_C)

    @torch.no_grad()
    def rescale(self, slope: float, offset: float = 0.0) -> None:
        """Have every score times a slope above 0, plus an offset: spans keep their order and get other probabilities."""
        assert slope > 0, "a slope that turns the order of spans around is none"
        self.scale.mul_(slope)
        if self.bias is not None:
            self.bias.mul_(slope).add_(offset)
        if self.background is not None:
            self.usual_affinity.mul_(slope)

    def represent_spans(self, text_states_BTH: torch.Tensor, batch: TextBatch) -> torch.Tensor:
        """Text states to candidate spans. Shape: (B, T, H) to (B, U, W, D)."""
        num_widths = batch.candidates.shape[2]
        starts_BUD = gather_tokens(self.start_proj(text_states_BTH), batch.first_token)
        ends_BUD = gather_tokens(self.end_proj(text_states_BTH), batch.last_token)
        padded = F.pad(ends_BUD, (0, 0, 0, num_widths - 1))
        ends_BUWD = padded.unfold(1, num_widths, 1).transpose(2, 3)  # a view: the end of cell (u, w) is unit u + w
        return activate(starts_BUD[:, :, None] + ends_BUWD + self.width_embedding.weight[:num_widths])

    def represent_cells(self, text_states_BTH: torch.Tensor, batch: TextBatch, cells_S3: torch.Tensor) -> torch.Tensor:
        """What `represent_spans` has in some cells (text, unit, width - 1), and no more. Shape: (S, 3) to (S, D)."""
        row, unit, width = cells_S3.unbind(1)
        offset = row * text_states_BTH.shape[1]
        start = offset + batch.first_token[row, unit]
        end = offset + batch.last_token[row, unit + width]
        starts_SD = self.start_proj(text_states_BTH).flatten(0, 1).index_select(0, start)
        ends_SD = self.end_proj(text_states_BTH).flatten(0, 1).index_select(0, end)
        return activate(starts_SD + ends_SD + self.width_embedding.weight.index_select(0, width))

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
        return activate(self.start_proj(slots_BNH) + self.end_proj(slots_BNH) + widths_ND, constant=0.0)

    def score(self, spans_BSD: torch.Tensor, types_XCD: torch.Tensor) -> torch.Tensor:
        """Shape: (B, S, D) and (X, C, D) to (B, S, C)."""
        return spans_BSD @ types_XCD.transpose(1, 2)

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
        logits_BUC = self.score(activate(gather_tokens(projected_BTD, positions_BU)), types_XCD)
        slots = activate(projected_BTD[:, list(self.null_slots.values())], constant=0.0) if self.null_slots else None
        return CellScores(logits=logits_BUC[:, :, None], nulls=None if slots is None else self.score(slots, types_XCD))


def activate(sums_D: torch.Tensor, *, constant: float = 1.0) -> torch.Tensor:
    """The non-linearity of a span, and its constant dimensions. Shape: (..., D), the same.

    Of slope 1, and less below zero: a span keeps its place in the space of types, which a harder one would fold away.
    """
    activated = F.leaky_relu(sums_D, SLOPE)
    activated[..., -NUM_CONSTANT:] = constant
    return activated


def with_bias(types_CD: torch.Tensor, bias_C: torch.Tensor) -> torch.Tensor:
    """Types with a bias: what half precision holds of it, and the rest. Shape: (..., C, D) and (..., C) to (..., C, D)."""
    coarse = bias_C.detach().to(torch.bfloat16)
    rest = bias_C - coarse.to(bias_C.dtype)
    ends = torch.stack([coarse.to(types_CD.dtype), rest.to(types_CD.dtype)], dim=-1)
    return torch.cat([types_CD[..., :-NUM_CONSTANT], ends], dim=-1)


def bias_of(types_CD: torch.Tensor) -> torch.Tensor:
    """What `with_bias` was given. Shape: (..., C, D) to (..., C), float32."""
    return types_CD[..., -NUM_CONSTANT:].float().sum(dim=-1)


def without_bias(spans_SD: torch.Tensor) -> torch.Tensor:
    """Spans whose scores leave the bias of types out. Shape: (S, D), the same."""
    bare = spans_SD.clone()
    bare[..., -NUM_CONSTANT:] = 0
    return bare


def affinity(types_CD: torch.Tensor, background_MD: torch.Tensor) -> torch.Tensor:
    """The mean of the highest scores of each type with the background. Shape: (..., C, D) and (M, D) to (..., C), float32."""
    highest = max(1, round(TOP_SHARE * len(background_MD)))
    scores_CM = types_CD.to(background_MD.dtype) @ background_MD.T
    return scores_CM.float().topk(highest, dim=-1).values.mean(dim=-1)


def gather_tokens(states_BTX: torch.Tensor, positions_BP: torch.Tensor) -> torch.Tensor:
    """Return the states at some tokens of each text.

    Args:
        states_BTX: states of tokens.
        positions_BP: places of tokens.

    Shape: (B, T, X) and (B, P) to (B, P, X).
    """
    return states_BTX.gather(1, positions_BP[..., None].expand(-1, -1, states_BTX.shape[-1]))
