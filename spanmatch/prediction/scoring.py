"""From views to the candidates that pass: one forward pass, spans against types in blocks, memory bounded.

Exact: every candidate is scored against every type, in half precision where the model computes in it, and what comes
near a limit once more in float32. It is fast since a block of scores never leaves the processor's cache: only the best
score of each span does, and few of these come near.

Legend: B batch, T text tokens, C types, H hidden, D head size, S candidate spans of the batch, N cells that pass; R is B or 1.
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

# Cells (span, type) scored at a time: on a processor what its cache holds, elsewhere 128 MiB in half precision.
MAX_CELLS = {"cpu": 1 << 19}


MAX_CELLS_ELSEWHERE = 1 << 26


# Types of a block; more spans beside them make the product faster than more types do.
MAX_BLOCK_TYPES = 4096


# How near: more than the rounding of a score in half precision.
SLACK = 0.02


@dataclass(kw_only=True, slots=True)
class Passed:
    """Cells whose score exceeds its limit, in the order of the spans. All arrays are (N,)."""

    span: np.ndarray
    column: np.ndarray
    logit: np.ndarray


def passing_candidates(
    model: SpanMatcherModel, views: Sequence[View], batch: TextBatch, types: TypeColumns, *, best_only: bool = False
) -> list[Candidates]:
    """The candidates of each view whose score exceeds the limit of a type that the view asks for.

    Args:
        batch: the views, collated.
        types: of every view, with their limits and, in a bi-encoder, their embeddings.
        best_only: of a span, keep its best type alone, where all views ask for the same types. No other can be in a
            result without entities of equal bounds.

    Raises:
        InputError: numbers beyond the range of float16.
    """
    if not any(len(view.types) for view in views):
        return [NOTHING] * len(views)
    states_BTH = model.encode_texts(batch)
    check_range(states_BTH)
    cells_S3 = batch.candidates.nonzero()
    spans_SD = model.head.represent_cells(states_BTH, batch, cells_S3)
    null_BD = model.head.represent_null(states_BTH, types.slot)
    if null_BD is not None:
        # Span and null slot meet the same types: their difference against a type is the difference of their scores.
        spans_SD = spans_SD.float() - null_BD.float().index_select(0, cells_S3[:, 0])
    cells = cells_S3.cpu().numpy()
    bounds = np.searchsorted(cells[:, 0], np.arange(len(views) + 1))
    if types.embeddings is None:
        behind_BCD = model.head.corrected(model.type_embeddings_behind(states_BTH, batch), model.matcher_config.background_weight)
        parts = [
            passing_cells(spans_SD[start:stop], own_CD[: len(view.types)], limits=types.limits[columns])
            for view, own_CD, columns, (start, stop) in zip(
                views, behind_BCD, _columns(views, types), _pairs(bounds), strict=True
            )
        ]
        return [
            _candidates(view, cells[start:stop][part.span], part.column, part.logit)
            for view, part, (start, stop) in zip(views, parts, _pairs(bounds), strict=True)
        ]
    asked = types.union([view.types for view in views])
    embeddings_CD = asked.embeddings.to(device=spans_SD.device, dtype=model.head.type_proj.weight.dtype)
    passed = passing_cells(spans_SD, embeddings_CD, limits=asked.limits, best_only=best_only and asked.is_one)
    ranges = _pairs(np.searchsorted(passed.span, bounds))
    found = []
    for view, (start, stop) in zip(views, ranges, strict=True):
        position = asked.positions(view.types, passed.column[start:stop])
        own = np.flatnonzero(position >= 0) + start  # scored against the types of other texts of the batch, too
        found.append(_candidates(view, cells[passed.span[own]], position[position >= 0], passed.logit[own]))
    return found


def passing_cells(spans_SD: torch.Tensor, types_CD: torch.Tensor, *, limits: np.ndarray, best_only: bool = False) -> Passed:
    """Cells whose score exceeds the limit of their type. What decides is computed in float32, whatever the types are in.

    Args:
        limits: a logit per type. Shape: (C,).
        best_only: of each span, keep the best of the types that pass, the first of equals.
    """
    best_logit = np.full(len(spans_SD), -np.inf, dtype=np.float32)
    best_column = np.zeros(len(spans_SD), dtype=np.int64)
    found: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    blocks = _Blocks(spans_SD, types_CD)
    for first_type in range(0, len(types_CD), blocks.num_types):
        own_limits = limits[first_type : first_type + blocks.num_types, None].astype(np.float32)
        floor = float(own_limits.min())
        for first_span in range(0, len(spans_SD), blocks.num_spans):
            best = blocks.scores(first_type, first_span).amax(0) + blocks.rounding[first_span : first_span + blocks.num_spans]
            rows = (best > floor - SLACK * (1 + abs(floor))).nonzero()[:, 0] + first_span
            if not len(rows):
                continue
            logits = blocks.exact_scores(first_type, rows).cpu().numpy()
            span, passed = rows.cpu().numpy(), logits > own_limits
            if best_only:
                logits[~passed] = -np.inf
                column = logits.argmax(0)
                logit = logits[column, np.arange(len(span))]
                better = logit > best_logit[span]
                best_logit[span[better]], best_column[span[better]] = logit[better], column[better] + first_type
            else:
                column, position = passed.nonzero()
                found.append((span[position], column + first_type, logits[column, position]))
    if best_only:
        span = np.flatnonzero(best_logit > -np.inf)
        return Passed(span=span, column=best_column[span], logit=best_logit[span])
    nothing = np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32)
    span, column, logit = (np.concatenate(parts) for parts in zip(nothing, *found, strict=True))
    order = np.lexsort((column, span))
    return Passed(span=span[order], column=column[order], logit=logit[order])


class _Blocks:
    """Scores, some types and some spans at a time. A block's are overwritten by those of the next."""

    def __init__(self, spans_SD: torch.Tensor, types_CD: torch.Tensor) -> None:
        max_cells = MAX_CELLS.get(spans_SD.device.type, MAX_CELLS_ELSEWHERE)
        self.num_types = max(1, min(len(types_CD), MAX_BLOCK_TYPES, max_cells))
        self.num_spans = max(1, min(len(spans_SD), max_cells // self.num_types))
        self.spans, self.types = spans_SD, types_CD
        self.rounded_spans = spans_SD.to(types_CD.dtype)
        self.rounding = spans_SD.new_zeros(len(spans_SD))
        if spans_SD.dtype != types_CD.dtype and len(types_CD):
            # Each dimension is off by 1/512 of it at most, so a score by that share of both lengths, and as much again.
            longest = torch.linalg.vector_norm(types_CD, dim=1, dtype=torch.float32).max()
            self.rounding = torch.linalg.vector_norm(spans_SD, dim=1, dtype=torch.float32) * longest / 256
        self.buffer = types_CD.new_empty(self.num_types * self.num_spans)
        self.exact_types: tuple[int, torch.Tensor] | None = None

    def scores(self, first_type: int, first_span: int) -> torch.Tensor:
        """As the types are rounded. Types come first: the best over types is then found eight times as fast. Shape: (C, S)."""
        types = self.types[first_type : first_type + self.num_types]
        spans = self.rounded_spans[first_span : first_span + self.num_spans]
        out = self.buffer[: len(types) * len(spans)].view(len(types), len(spans))
        return torch.mm(types, spans.T, out=out)  # which autocast leaves as it is

    def exact_scores(self, first_type: int, rows: torch.Tensor) -> torch.Tensor:
        """Those of some spans, in float32. Shape: (C, S)."""
        if self.exact_types is None or self.exact_types[0] != first_type:
            self.exact_types = first_type, self.types[first_type : first_type + self.num_types].float()
        with torch.autocast(rows.device.type, enabled=False):
            return self.exact_types[1] @ self.spans.index_select(0, rows).float().T


def _pairs(bounds: np.ndarray) -> list[tuple[int, int]]:
    return list(zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True))


def _columns(views: Sequence[View], types: TypeColumns) -> list[np.ndarray]:
    """The columns of the types of each view: a run of those of its text."""
    return [types.columns[view.tokenized.example.types][view.first_type : view.first_type + len(view.types)] for view in views]


def _candidates(view: View, cells_N3: np.ndarray, position: np.ndarray, logit: np.ndarray) -> Candidates:
    """Cells of one view as spans of its text; `position` is that of their types in the view."""
    units, first = view.tokenized.units, cells_N3[:, 1] + view.start_unit
    return Candidates(
        start=units.start_char[first],
        end=units.end_char[first + cells_N3[:, 2]],
        column=position + view.first_type,
        logit=logit,
    )
