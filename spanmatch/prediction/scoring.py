"""Find the candidates whose score passes: one forward pass, then spans against types in blocks of bounded memory.

The result is exact. Every candidate is scored against every type, in half precision if the backend computes in it. The spans
whose best score is near or above a limit are then scored again in float32, and this score decides. It is fast because a
block of scores fits the cache of a CPU: only the best score of each span leaves it, and few spans are near a limit.

Legend: B batch, C types, D head size, S candidate spans of the batch, N cells that pass. A cell is a candidate span with a type.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spanmatch.batching.views import View
from spanmatch.prediction.backend import Backend, Blocks
from spanmatch.prediction.decoding import NOTHING, Candidates
from spanmatch.prediction.type_columns import TypeColumns

# Cells of a block: on a CPU what its cache holds, elsewhere 128 MiB in half precision.
MAX_CELLS = {"cpu": 1 << 19}
MAX_CELLS_ELSEWHERE = 1 << 26
# Most types of a block: a block of few types and many spans is multiplied faster than one of many types and few spans.
MAX_BLOCK_TYPES = 4096


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


def block_sizes(num_types: int, num_spans: int, device: str = "cpu") -> tuple[int, int]:
    """Return how many types and how many spans a block has.

    Args:
        num_types: number of all types.
        num_spans: number of all spans.
        device: where the block is computed, such as "cpu" or "cuda".
    """
    max_cells = MAX_CELLS.get(device, MAX_CELLS_ELSEWHERE)
    types_at_once = max(1, min(num_types, MAX_BLOCK_TYPES, max_cells))
    return types_at_once, max(1, min(num_spans, max_cells // types_at_once))


def passing_candidates(
    backend: Backend, views: Sequence[View], types: TypeColumns, *, best_only: bool = False
) -> list[Candidates]:
    """Return the candidates of each view whose score exceeds the limit of one of the view's types.

    Args:
        backend: computes with the weights.
        views: what `Batcher.passes` returned.
        types: the types of the views, with their limits and, where they are read apart from texts, their embeddings.
        best_only: keep only the best type of each span, if all views have the same types. The others cannot be in a result
            that has no two entities of equal bounds.

    Raises:
        InputError: the encoder leaves the range of float16.
    """
    if not any(len(view.types) for view in views):
        return [NOTHING] * len(views)
    columns = _columns(views, types) if backend.reads_types_behind else []
    apart = [types.embeddings[own] for own in columns] if columns and types.embeddings is not None else None
    found = backend.embed_spans(views, types.slot, apart)
    # Cells are sorted by view: those of view i are bounds[i] to bounds[i + 1].
    bounds = np.searchsorted(found.cells[:, 0], np.arange(len(views) + 1))
    if found.types_behind is not None:
        # A cross-encoder: each view has its own type embeddings, so its cells are scored by themselves. Types that were read
        # apart from texts, too, were corrected there, for all of their list.
        correct = backend.corrected if apart is None else lambda types_CD: types_CD
        parts = [
            passing_cells(backend.blocks(found.spans[start:stop], correct(own_CD[: len(view.types)])), limits=types.limits[own])
            for view, own_CD, own, (start, stop) in zip(views, found.types_behind, columns, _pairs(bounds), strict=True)
        ]
        return [
            _candidates(view, found.cells[start:stop][part.span], part.column, part.logit)
            for view, part, (start, stop) in zip(views, parts, _pairs(bounds), strict=True)
        ]
    # A bi-encoder: all spans are scored against all types of the batch in one product.
    asked = types.union([view.types for view in views])
    blocks = backend.blocks(found.spans, asked.embeddings)
    passed = passing_cells(blocks, limits=asked.limits, best_only=best_only and asked.is_one)
    ranges = _pairs(np.searchsorted(passed.span, bounds))
    per_view = []
    for view, (start, stop) in zip(views, ranges, strict=True):
        position = asked.positions(view.types, passed.column[start:stop])
        own = np.flatnonzero(position >= 0) + start  # without the cells for types of other texts of the batch
        per_view.append(_candidates(view, found.cells[passed.span[own]], position[position >= 0], passed.logit[own]))
    return per_view


def passing_cells(blocks: Blocks, *, limits: np.ndarray, best_only: bool = False) -> Passed:
    """Return the cells whose score exceeds the limit of their type. The scores that decide are computed in float32.

    Args:
        blocks: spans and types.
        limits: logit that the score of each type must exceed. Shape: (C,).
        best_only: keep only the best of the types that pass for each span, the first of equals.
    """
    best_logit = np.full(blocks.num_spans, -np.inf, dtype=np.float32)
    best_column = np.zeros(blocks.num_spans, dtype=np.int64)
    found: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    for first_type in range(0, blocks.num_types, blocks.types_at_once):
        own_limits = limits[first_type : first_type + blocks.types_at_once, None].astype(np.float32)
        floor = float(own_limits.min())  # a span whose best score is below the lowest limit passes for no type
        for first_span in range(0, blocks.num_spans, blocks.spans_at_once):
            span, logits = blocks.near(first_type, first_span, floor)
            if not len(span):
                continue
            # From here on few spans are left, and everything is exact.
            passed = logits > own_limits
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
