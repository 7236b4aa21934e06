"""The scoring head: it turns text states and type states into a score for every candidate span and type.

Legend: B batch, T text tokens, U units of a text, W widths in units, C types, S cells, H hidden, D head size, N null slots,
M background mentions, R the rows that are computed. X is B in a cross-encoder, where each text has its own type states, and 1 in
a bi-encoder, where all texts share them. A cell (u, w) is the candidate span of units u to u + w.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F

from spanmatch.batching.collate import TextBatch
from spanmatch.model.padding import token_places
from spanmatch.model.rivals import RIVAL_SHARE, USUAL_SHARE, excess_over_rivals

# The last dimensions of every span, which are always 1. A type holds its bias there, so a score is a single product.
NUM_CONSTANT = 2
# Slope of the activation below zero.
SLOPE = 0.5


@dataclass(kw_only=True, slots=True)
class CellScores:
    """Holds the logits of cells, and those of the null slots for the same types.

    Attributes:
        logits: logit of each cell for each type. Shape: (B, U, W, C).
        nulls: logit of each null slot for each type, None for a model without null slots. Shape: (B, N, C).
    """

    logits: torch.Tensor
    nulls: torch.Tensor | None


@dataclass(kw_only=True, slots=True)
class SpanScores:
    """Holds the scores of candidate spans and what else a training computes a loss from.

    Attributes:
        spans: scores of candidate spans.
        starts: scores of units as starts of spans, with W = 1; None unless requested.
        ends: scores of units as ends of spans, with W = 1; None unless requested.
        type_states: states of the types, None unless a training compares them with anchors. Shape: (C, H).
    """

    spans: CellScores
    starts: CellScores | None = None
    ends: CellScores | None = None
    type_states: torch.Tensor | None = None


class SpanHead(nn.Module):
    """Scores a span against a type: the product of a one-layer span representation and the type, scaled and shifted.

    The first layer over [start; end; width] is the sum of a start term, an end term and a width term. The start and end
    terms are therefore computed once per token, not once per span. The scale is learnable. The bias is learnable, too, and
    starts well below zero, because a positive cell is rare (Zhai et al., "Sigmoid Loss for Language Image Pre-Training",
    ICCV 2023, section 3.2).

    The last dimensions of a span are 1 (`NUM_CONSTANT`). A type holds its bias in these dimensions, so a score is a single
    product. There are two of them because bfloat16 holds a bias to 2^-16 of it in two parts, but only to 2^-8 in one.

    A null slot is a span of one token with its own width embedding. Its last dimensions are 0, so the difference between a
    span and a null slot keeps the bias of the type. A model with null slots needs no bias for all types: its null slots are
    learnt and already say what a score must exceed.

    Attributes:
        null_slots: position of each null slot in the sequence of a text, by name.
        max_span_width: the widest candidate, in units.
        start_proj: start term of the span layer.
        end_proj: end term of the span layer.
        width_embedding: width term of the span layer: a row for each width, then one for each null slot.
        type_proj: projection of type states into the space of spans.
        behind_proj: what a type that was read apart from texts gains from being read behind one, None where it is read once.
        scale: learnable factor of all scores.
        bias: learnable bias of all types, None beside null slots.
        background: mentions that type scores are corrected with, None for a head without correction. Shape: (M, D).
        usual_affinity: mean affinity of the training's types to the background, None for a head without correction.
    """

    def __init__(
        self, text_size: int, type_size: int, head_size: int, max_span_width: int, null_slots: Mapping[str, int] | None = None,
        num_background: int = 0, behind_size: int = 0,
    ) -> None:  # fmt: skip
        """Build a head with random weights.

        Args:
            text_size: size of text states.
            type_size: size of type states.
            head_size: size of the span and type representations that are compared.
            max_span_width: the widest candidate, in units.
            null_slots: position of each null slot in the sequence of a text, by name; by default none.
            num_background: mentions of the background; 0 for a head without correction.
            behind_size: size of the states of types that are read behind texts, too; 0 where types are read once.
        """
        super().__init__()
        self.null_slots = dict(null_slots or {})
        self.max_span_width = max_span_width
        self.start_proj = nn.Linear(text_size, head_size)
        self.end_proj = nn.Linear(text_size, head_size, bias=False)
        self.width_embedding = nn.Embedding(max_span_width + len(self.null_slots), head_size)
        self.type_proj = nn.Linear(type_size, head_size)
        self.behind_proj = nn.Linear(behind_size, head_size, bias=False) if behind_size else None
        if self.behind_proj is not None:  # the first step sees types as they are apart from texts
            nn.init.zeros_(self.behind_proj.weight)
        self.scale = nn.Parameter(torch.tensor(1.0))
        self.bias = None if self.null_slots else nn.Parameter(torch.tensor(-5.0))
        nn.init.normal_(self.width_embedding.weight, std=0.02)
        self.background: torch.Tensor | None
        self.usual_affinity: torch.Tensor
        self.register_buffer("background", torch.zeros(num_background, head_size) if num_background else None)
        self.register_buffer("usual_affinity", torch.tensor(0.0) if num_background else None)
        if text_size == type_size and head_size <= text_size and not self.scale.is_meta:  # without memory there are no weights
            self._align(text_size, head_size)

    @torch.no_grad()
    def _align(self, hidden_size: int, head_size: int) -> None:
        """Initialise all three projections from the same random orthonormal matrix, so that spans and types share a space.

        A sentence encoder places texts of similar meaning close together, so it already knows something about types: for
        gold spans of unseen types, the nearest type is correct two to sixteen times as often as by chance (docs/log.md).
        Different random projections lose this knowledge, and a training on few types never recovers all of it.
        """
        shared_DH = torch.linalg.qr(torch.randn(hidden_size, head_size))[0].T
        self.type_proj.weight.copy_(shared_DH)
        for projection in (self.start_proj, self.end_proj):
            projection.weight.copy_(shared_DH / 2)
        for bias in (self.start_proj.bias, self.type_proj.bias):
            bias.zero_()

    def embed_types(self, type_states_XCH: torch.Tensor) -> torch.Tensor:
        """Project type states into the space of spans, with scale and bias.

        Args:
            type_states_XCH: states of types; the first dimension may be missing.

        Shape: (X, C, H) to (X, C, D).
        """
        projected: torch.Tensor = self.type_proj(type_states_XCH)
        scaled = projected * (self.scale * projected.shape[-1] ** -0.5)
        bias = scaled.new_zeros(()) if self.bias is None else self.bias
        return with_bias(scaled, bias.expand(scaled.shape[:-1]))

    def embed_behind(self, types_BCD: torch.Tensor, behind_BCH: torch.Tensor) -> torch.Tensor:
        """Add to embedded types what reading them behind each text says of them, which may be their bias there, too.

        Args:
            types_BCD: types that were read apart from texts, embedded.
            behind_BCH: states of the same types behind texts.

        Shape: (B, C, D) and (B, C, H) to (B, C, D).
        """
        assert self.behind_proj is not None, "asked for where types are read twice"
        projected: torch.Tensor = self.behind_proj(behind_BCH)
        moved = types_BCD + projected * (self.scale * projected.shape[-1] ** -0.5)
        return with_bias(moved, bias_of(moved))

    def corrected(self, types_CD: torch.Tensor, weight: float) -> torch.Tensor:
        """Correct the bias of the types of a list for how high they score with mentions of all kinds.

        A type that scores high with nearly everything ("person") loses a share of what it has more than its rivals in the
        list ("writer"), and they gain. A smaller share is taken of what it has more than the usual type (see
        `training.background`).

        Args:
            types_CD: embedded types of one list.
            weight: factor of the correction; 0 returns the types unchanged.

        Shape: (C, D) to the same.
        """
        if self.background is None or not weight or not len(types_CD):
            return types_CD
        return self.corrected_by(types_CD, *excess_over_rivals(without_bias(types_CD), self.background), weight)

    def corrected_by(
        self, types_CD: torch.Tensor, excess_C: torch.Tensor, affinity_C: torch.Tensor, weight: float
    ) -> torch.Tensor:
        """Correct the bias of types by what `excess_over_rivals` found of them.

        Args:
            types_CD: embedded types.
            excess_C: what the affinity of each has more than that of its rivals.
            affinity_C: its affinity to the background.
            weight: factor of the correction.

        Shape: (C, D) to the same.
        """
        change_C = RIVAL_SHARE * excess_C + USUAL_SHARE * (affinity_C - self.usual_affinity.float())
        return with_bias(types_CD, bias_of(types_CD) - weight * change_C)

    @torch.no_grad()
    def rescale(self, slope: float, offset: float = 0.0) -> None:
        """Change every score to `slope * score + offset`, in place: spans keep their order and get other probabilities.

        Args:
            slope: factor of the scores, above 0.
            offset: added to the scores; without effect beside null slots.
        """
        assert slope > 0, "a slope of 0 or less would not keep the order of spans"
        self.scale.mul_(slope)
        if self.bias is not None:
            self.bias.mul_(slope).add_(offset)
        if self.background is not None:
            self.usual_affinity.mul_(slope)

    def represent_spans(self, text_states_BTH: torch.Tensor, batch: TextBatch) -> torch.Tensor:
        """Return the representation of every cell, for training.

        Args:
            text_states_BTH: states of text tokens.
            batch: says where the units stand.

        Shape: (B, T, H) to (B, U, W, D).
        """
        num_widths = batch.candidates.shape[2]
        starts_BUD = gather_tokens(self.start_proj(text_states_BTH), batch.first_token)
        ends_BUD = gather_tokens(self.end_proj(text_states_BTH), batch.last_token)
        padded = F.pad(ends_BUD, (0, 0, 0, num_widths - 1))
        # A view, not a copy: cell (u, w) ends in unit u + w. Cells that reach beyond the text are masked by `candidates`.
        ends_BUWD = padded.unfold(1, num_widths, 1).transpose(2, 3)
        return activate(starts_BUD[:, :, None] + ends_BUWD + self.width_embedding.weight[:num_widths])

    def represent_cells(self, text_states_BTH: torch.Tensor, batch: TextBatch, cells_S3: torch.Tensor) -> torch.Tensor:
        """Return the representations of some cells only, for prediction: the rest of the grid costs nothing.

        Args:
            text_states_BTH: states of text tokens.
            batch: says where the units stand.
            cells_S3: the cells, as (row of the text, first unit, width - 1).

        Shape: (S, 3) to (S, D).
        """
        row, unit, width = cells_S3.unbind(1)
        offset = row * text_states_BTH.shape[1]  # of the text among the tokens of the whole batch, which are flattened below
        start = offset + batch.first_token[row, unit]
        end = offset + batch.last_token[row, unit + width]
        states_RH, places_R = text_states_BTH.flatten(0, 1), token_places(batch.attention_mask.bool())
        if places_R is not None:
            row_of_place = places_R.new_zeros(len(states_RH))
            row_of_place[places_R] = torch.arange(len(places_R))
            start, end = row_of_place.index_select(0, start), row_of_place.index_select(0, end)
            states_RH = states_RH.index_select(0, places_R)
        starts_SD = self.start_proj(states_RH).index_select(0, start)
        ends_SD = self.end_proj(states_RH).index_select(0, end)
        return activate(starts_SD + ends_SD + self.width_embedding.weight.index_select(0, width))

    def represent_null(self, text_states_BTH: torch.Tensor, slot: str | None) -> torch.Tensor | None:
        """Return the representation of one null slot of each text, None if no slot is named.

        Args:
            text_states_BTH: states of text tokens.
            slot: name of the null slot.

        Shape: (B, T, H) to (B, D).
        """
        if slot is None:
            return None
        nulls_BND = self.represent_nulls(text_states_BTH)
        assert nulls_BND is not None, "thresholds are checked against the slots of the model"
        return nulls_BND[:, list(self.null_slots).index(slot)]

    def represent_nulls(self, text_states_BTH: torch.Tensor) -> torch.Tensor | None:
        """Return the representations of all null slots of each text, None for a model without null slots.

        Args:
            text_states_BTH: states of text tokens.

        Shape: (B, T, H) to (B, N, D).
        """
        if not self.null_slots:
            return None
        slots_BNH = text_states_BTH[:, list(self.null_slots.values())]
        widths_ND = self.width_embedding.weight[self.max_span_width :]
        return activate(self.start_proj(slots_BNH) + self.end_proj(slots_BNH) + widths_ND, constant=0.0)

    def score(self, spans_BSD: torch.Tensor, types_XCD: torch.Tensor) -> torch.Tensor:
        """Score spans against types.

        Args:
            spans_BSD: representations of spans.
            types_XCD: embedded types.

        Shape: (B, S, D) and (X, C, D) to (B, S, C).
        """
        return spans_BSD @ types_XCD.transpose(1, 2)

    def score_spans(self, spans_BUWD: torch.Tensor, types_XCD: torch.Tensor) -> torch.Tensor:
        """Score a grid of cells against types.

        Args:
            spans_BUWD: what `represent_spans` returned.
            types_XCD: embedded types.

        Shape: (B, U, W, D) and (X, C, D) to (B, U, W, C).
        """
        return self.score(spans_BUWD.flatten(1, 2), types_XCD).unflatten(1, spans_BUWD.shape[1:3])

    def forward(
        self, text_states_BTH: torch.Tensor, types_XCD: torch.Tensor, batch: TextBatch, *, boundaries: bool
    ) -> SpanScores:
        """Score all cells against types, for training.

        Args:
            text_states_BTH: states of text tokens.
            types_XCD: embedded types.
            batch: says where the units stand.
            boundaries: whether to score units as starts and as ends, too.
        """
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
        """Score units as starts (or as ends) alone: only this term of the span layer meets the types."""
        logits_BUC = self.score(activate(gather_tokens(projected_BTD, positions_BU)), types_XCD)
        slots = activate(projected_BTD[:, list(self.null_slots.values())], constant=0.0) if self.null_slots else None
        return CellScores(logits=logits_BUC[:, :, None], nulls=None if slots is None else self.score(slots, types_XCD))


def activate(sums_D: torch.Tensor, *, constant: float = 1.0) -> torch.Tensor:
    """Apply the activation of a span, and set its constant dimensions.

    The activation is a leaky ReLU. A ReLU would set all negative dimensions to zero, and with them much of what spans and
    types have in common before any training (see `SpanHead._align`).

    Args:
        sums_D: sums of the terms of the span layer.
        constant: value of the constant dimensions; 0 for null slots.

    Shape: (..., D) to the same.
    """
    activated = F.leaky_relu(sums_D, SLOPE)
    activated[..., -NUM_CONSTANT:] = constant
    return activated


def with_bias(types_CD: torch.Tensor, bias_C: torch.Tensor) -> torch.Tensor:
    """Return types with a bias in their last dimensions, in two parts: its value in bfloat16, and the rest.

    Args:
        types_CD: embedded types; what they have in these dimensions is replaced.
        bias_C: bias of each type.

    Shape: (..., C, D) and (..., C) to (..., C, D).
    """
    # Detached: the gradient of the bias flows through the rest alone, and so counts once.
    coarse = bias_C.detach().to(torch.bfloat16)
    rest = bias_C - coarse.to(bias_C.dtype)
    ends = torch.stack([coarse.to(types_CD.dtype), rest.to(types_CD.dtype)], dim=-1)
    return torch.cat([types_CD[..., :-NUM_CONSTANT], ends], dim=-1)


def bias_of(types_CD: torch.Tensor) -> torch.Tensor:
    """Return the bias that `with_bias` wrote into types, in float32.

    Args:
        types_CD: embedded types.

    Shape: (..., C, D) to (..., C).
    """
    return types_CD[..., -NUM_CONSTANT:].float().sum(dim=-1)


def without_bias(spans_SD: torch.Tensor) -> torch.Tensor:
    """Return copies of spans, or of types, whose scores do not include the bias of types.

    Args:
        spans_SD: representations of spans, or embedded types.

    Shape: (S, D) to the same.
    """
    bare = spans_SD.clone()
    bare[..., -NUM_CONSTANT:] = 0
    return bare


def gather_tokens(states_BTX: torch.Tensor, positions_BP: torch.Tensor) -> torch.Tensor:
    """Return the states at some tokens of each text.

    Args:
        states_BTX: states of tokens.
        positions_BP: positions of the tokens in their sequence.

    Shape: (B, T, X) and (B, P) to (B, P, X).
    """
    return states_BTX.gather(1, positions_BP[..., None].expand(-1, -1, states_BTX.shape[-1]))
