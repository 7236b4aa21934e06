"""From candidates that passed to entities: which of overlapping ones stay.

Legend: N candidates that passed.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from spanmatch.entities import Entity, EntityType
from spanmatch.errors import InputError, nearest


@dataclass(kw_only=True, slots=True)
class Candidates:
    """Candidates of one text whose score passed; offsets in characters, `column` is the type. All arrays are (N,)."""

    start: np.ndarray
    end: np.ndarray
    column: np.ndarray
    logit: np.ndarray


NOTHING = Candidates(
    start=np.empty(0, np.int64), end=np.empty(0, np.int64), column=np.empty(0, np.int64), logit=np.empty(0, np.float32)
)


def merge(parts: Sequence[Candidates]) -> Candidates:
    """Join what the views of one text found, whatever made them several: each candidate is owned by one of them."""
    if len(parts) == 1:
        return parts[0]
    if not parts:
        return NOTHING
    return Candidates(
        start=np.concatenate([part.start for part in parts]),
        end=np.concatenate([part.end for part in parts]),
        column=np.concatenate([part.column for part in parts]),
        logit=np.concatenate([part.logit for part in parts]),
    )


def _flat(start: int, end: int, other_start: int, other_end: int) -> bool:
    return start < other_end and other_start < end


def _nested(start: int, end: int, other_start: int, other_end: int) -> bool:
    crossing = start < other_start < end < other_end or other_start < start < other_end < end
    return crossing or (start == other_start and end == other_end)


def _multi_label(start: int, end: int, other_start: int, other_end: int) -> bool:
    return False


# Whether two entities exclude each other: any overlap; only crossing or equal spans; never.
OVERLAPS: dict[str, Callable[[int, int, int, int], bool]] = {"flat": _flat, "nested": _nested, "multi-label": _multi_label}


def check_overlap(overlap: str) -> None:
    """Raise an `InputError` for an unknown overlap."""
    if overlap not in OVERLAPS:
        raise InputError(f'unknown overlap "{overlap}"; {nearest(overlap, OVERLAPS)}')


def resolve(text: str, found: Candidates, types: Sequence[EntityType], overlap: str = "flat") -> list[Entity]:
    """Choose greedily by score among candidates that exclude each other; returns entities in the order of the text.

    Raises:
        InputError: an unknown overlap.
    """
    check_overlap(overlap)
    excludes = OVERLAPS[overlap]
    # Ties fall to the earlier, then the longer span, then the first type: the same on every machine.
    order = np.lexsort((found.column, -found.end, found.start, -found.logit))
    kept: list[tuple[int, int, int, float]] = []
    for index in order.tolist():
        start, end = int(found.start[index]), int(found.end[index])
        if excludes is _multi_label or not any(excludes(start, end, other[0], other[1]) for other in kept):
            kept.append((start, end, int(found.column[index]), float(found.logit[index])))
    return [
        Entity(start=start, end=end, label=types[column].label, text=text[start:end], score=1 / (1 + math.exp(-logit)))
        for start, end, column, logit in sorted(kept)
    ]
