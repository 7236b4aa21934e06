"""Find the candidates whose score passes: one forward pass, then spans against types in blocks of bounded memory.

The result is exact. Every candidate is scored against every type, in half precision if the model computes in it. The spans
whose best score is near or above a limit are then scored again in float32, and this score decides. It is fast because a
block of scores fits the cache of a CPU: only the best score of each span leaves it, and few spans are near a limit.

Legend: B batch, T text tokens, C types, H hidden, D head size, S candidate spans of the batch, N cells that pass.
A cell is a candidate span with a type.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from spanmatch.batching.collate import TextBatch
from spanmatch.batching.views import View
from spanmatch.model.devices import check_range
from spanmatch.model.model import SpanMatcherModel
from spanmatch.prediction.decoding import NOTHING, Candidates
from spanmatch.prediction.type_columns import TypeColumns

# Cells of a block: on a CPU what its cache holds, elsewhere 128 MiB in half precision.
MAX_CELLS = {"cpu": 1 << 19}
MAX_CELLS_ELSEWHERE = 1 << 26
# Most types of a block: a block of few types and many spans is multiplied faster than one of many types and few spans.
MAX_BLOCK_TYPES = 4096
# How near a limit a score in half precision has to be to be computed again, relative to 1 + |limit|. This is more than the
# rounding of a score.
SLACK = 0.02


@dataclass(kw_only=True, slots=True)
class Passed:
    """Holds the cells whose score exceeds the limit of their type, in the order of the spans. All arrays are (N,).

    Attributes:
        span: place of the span among those that were scored.
        column: place of the type among those that were scored.
        logit: the score, in float32.
    """

    span: np.ndarray
    column: np.ndarray
    logit: np.ndarray


def passing_candidates(
    model: SpanMatcherModel, views: Sequence[View], batch: TextBatch, types: TypeColumns, *, best_only: bool = False
) -> list[Candidates]:
    """Return the candidates of each view whose score exceeds the limit of one of the view's types.

    Args:
        model: the model.
        views: what `Batcher.passes` returned.
        batch: the same views, collated.
        types: the types of the views, with their limits and, in a bi-encoder, their embeddings.
        best_only: keep only the best type of each span, if all views have the same types. The others cannot be in a result
            that has no two entities of equal bounds.

    Raises:
        InputError: the encoder leaves the range of float16.
    """
    if not any(len(view.types) for view in views):
        return [NOTHING] * len(views)
    states_BTH = model.encode_texts(batch)
    if states_BTH.dtype == torch.float16:
        check_range(states_BTH)
    cells_S3 = batch.candidates.nonzero()
    spans_SD = model.head.represent_cells(states_BTH, batch, cells_S3)
    null_BD = model.head.represent_null(states_BTH, types.slot)
    if null_BD is not None:
        # A score is a product, so (span - null slot) times a type is the score of the span minus that of the null slot.
        spans_SD = spans_SD.float() - null_BD.float().index_select(0, cells_S3[:, 0])
    cells = cells_S3.cpu().numpy()
    # Cells are sorted by view: those of view i are bounds[i] to bounds[i + 1].
    bounds = np.searchsorted(cells[:, 0], np.arange(len(views) + 1))
    if types.embeddings is None:
        # A cross-encoder: each view has its own type embeddings, so its cells are scored by themselves.
        behind_BCD = model.type_embeddings_behind(states_BTH, batch)
        parts = [
            passing_cells(spans_SD[start:stop], model.corrected(own_CD[: len(view.types)]), limits=types.limits[columns])
            for view, own_CD, columns, (start, stop) in zip(
                views, behind_BCD, _columns(views, types), _pairs(bounds), strict=True
            )
        ]
        return [
            _candidates(view, cells[start:stop][part.span], part.column, part.logit)
            for view, part, (start, stop) in zip(views, parts, _pairs(bounds), strict=True)
        ]
    # A bi-encoder: all spans are scored against all types of the batch in one product.
    asked = types.union([view.types for view in views])
    embeddings_CD = asked.embeddings.to(device=spans_SD.device, dtype=model.head.type_proj.weight.dtype)
    passed = passing_cells(spans_SD, embeddings_CD, limits=asked.limits, best_only=best_only and asked.is_one)
    ranges = _pairs(np.searchsorted(passed.span, bounds))
    found = []
    for view, (start, stop) in zip(views, ranges, strict=True):
        position = asked.positions(view.types, passed.column[start:stop])
        own = np.flatnonzero(position >= 0) + start  # without the cells for types of other texts of the batch
        found.append(_candidates(view, cells[passed.span[own]], position[position >= 0], passed.logit[own]))
    return found


def passing_cells(spans_SD: torch.Tensor, types_CD: torch.Tensor, *, limits: np.ndarray, best_only: bool = False) -> Passed:
    """Return the cells whose score exceeds the limit of their type. The scores that decide are computed in float32.

    Args:
        spans_SD: representations of spans.
        types_CD: embedded types, in the precision that is searched in.
        limits: logit that the score of each type must exceed. Shape: (C,).
        best_only: keep only the best of the types that pass for each span, the first of equals.
    """
    best_logit = np.full(len(spans_SD), -np.inf, dtype=np.float32)
    best_column = np.zeros(len(spans_SD), dtype=np.int64)
    found: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    blocks = _Blocks(spans_SD, types_CD)
    for first_type in range(0, len(types_CD), blocks.num_types):
        own_limits = limits[first_type : first_type + blocks.num_types, None].astype(np.float32)
        floor = float(own_limits.min())  # a span whose best score is below the lowest limit passes for no type
        for first_span in range(0, len(spans_SD), blocks.num_spans):
            best = blocks.scores(first_type, first_span).amax(0) + blocks.rounding[first_span : first_span + blocks.num_spans]
            rows = (best > floor - SLACK * (1 + abs(floor))).nonzero()[:, 0] + first_span
            if not len(rows):
                continue
            # From here on few spans are left, and everything is exact.
            logits = blocks.exact_scores(first_type, rows).cpu().numpy()
            span, passed = rows.cpu().numpy(), logits > own_limits
            if best_only:
                logits[~passed] = -np.inf
                column = logits.argmax(0)
                logit = logits[column, np.arange(len(span))]
                better = logit > best_logit[span]  # not >=: of equals, the type of an earlier block stays
                best_logit[span[better]], best_column[span[better]] = logit[better], column[better] + first_type
            else:
                column, position = passed.nonzero()
                found.append((span[position], column + first_type, logits[column, position]))
    if best_only:
        span = np.flatnonzero(best_logit > -np.inf)
        return Passed(span=span, column=best_column[span], logit=best_logit[span])
    # Concatenating nothing is an error, so there is always one empty part.
    nothing = np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32)
    span, column, logit = (np.concatenate(parts) for parts in zip(nothing, *found, strict=True))
    order = np.lexsort((column, span))
    return Passed(span=span[order], column=column[order], logit=logit[order])


class _Blocks:
    """Computes scores, some types and some spans at a time. All blocks share one buffer, so the next one overwrites the last."""

    def __init__(self, spans_SD: torch.Tensor, types_CD: torch.Tensor) -> None:
        max_cells = MAX_CELLS.get(spans_SD.device.type, MAX_CELLS_ELSEWHERE)
        self.num_types = max(1, min(len(types_CD), MAX_BLOCK_TYPES, max_cells))
        self.num_spans = max(1, min(len(spans_SD), max_cells // self.num_types))
        self.spans, self.types = spans_SD, types_CD
        self.rounded_spans = spans_SD.to(types_CD.dtype)
        self.rounding = spans_SD.new_zeros(len(spans_SD))
        if spans_SD.dtype != types_CD.dtype and len(types_CD):
            # Spans above a null slot are differences in float32, which are rounded to the precision of the types. bfloat16
            # is off by at most 1/256 of a number, so a score is off by at most 1/256 of |span| |type| (Cauchy-Schwarz).
            longest = torch.linalg.vector_norm(types_CD, dim=1, dtype=torch.float32).max()
            self.rounding = torch.linalg.vector_norm(spans_SD, dim=1, dtype=torch.float32) * longest / 256
        self.buffer = types_CD.new_empty(self.num_types * self.num_spans)
        self.exact_types: tuple[int, torch.Tensor] | None = None

    def scores(self, first_type: int, first_span: int) -> torch.Tensor:
        """Return the scores of one block in the precision of the types. Shape: (C, S)."""
        # Types are the first dimension, because the maximum over the first dimension is found eight times as fast.
        types = self.types[first_type : first_type + self.num_types]
        spans = self.rounded_spans[first_span : first_span + self.num_spans]
        out = self.buffer[: len(types) * len(spans)].view(len(types), len(spans))
        return torch.mm(types, spans.T, out=out)  # autocast does not change a product with `out`

    def exact_scores(self, first_type: int, rows: torch.Tensor) -> torch.Tensor:
        """Return the scores of some spans against the types of a block, in float32. Shape: (C, S)."""
        if self.exact_types is None or self.exact_types[0] != first_type:
            self.exact_types = first_type, self.types[first_type : first_type + self.num_types].float()
        with torch.autocast(rows.device.type, enabled=False):
            return self.exact_types[1] @ self.spans.index_select(0, rows).float().T


def _pairs(bounds: np.ndarray) -> list[tuple[int, int]]:
    return list(zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True))


def _columns(views: Sequence[View], types: TypeColumns) -> list[np.ndarray]:
    """Return the columns of each view's types. A view of a cross-encoder has a run of the types of its text."""
    return [types.columns[view.tokenized.example.types][view.first_type : view.first_type + len(view.types)] for view in views]


def _candidates(view: View, cells_N3: np.ndarray, position: np.ndarray, logit: np.ndarray) -> Candidates:
    """Convert cells of a view to candidates of its text. `position` is the place of each cell's type in the view."""
    units, first = view.tokenized.units, cells_N3[:, 1] + view.start_unit
    return Candidates(
        start=units.start_char[first], end=units.end_char[first + cells_N3[:, 2]], column=position + view.first_type, logit=logit
    )
