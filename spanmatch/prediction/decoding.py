"""From candidates that passed to entities: which of overlapping ones stay.

Legend: N candidates that passed.
"""

import math
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from spanmatch.entities import Entity, EntityType
from spanmatch.errors import InputError, nearest


@dataclass(kw_only=True, slots=True)
class Candidates:
    """Holds the candidates of one text whose score passed. All arrays are (N,).

    Attributes:
        start: first character.
        end: one past the last character.
        column: place of the type in the inventory of the text.
        logit: the score.
    """

    start: np.ndarray
    end: np.ndarray
    column: np.ndarray
    logit: np.ndarray

    def above(self, limits: np.ndarray) -> "Candidates":
        """Keep the candidates whose score exceeds a limit.

        Args:
            limits: a logit for each candidate. Shape: (N,).
        """
        kept = self.logit > limits.astype(np.float32)
        return Candidates(start=self.start[kept], end=self.end[kept], column=self.column[kept], logit=self.logit[kept])


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


class _Flat:
    """Entities that keep apart: the neighbours of a place tell whether it is free."""

    def __init__(self) -> None:
        self.starts: list[int] = []
        self.ends: list[int] = []

    def admits(self, start: int, end: int) -> bool:
        place = bisect_left(self.ends, start + 1)
        free = place == len(self.starts) or self.starts[place] >= end
        if free:
            self.starts.insert(place, start)
            self.ends.insert(place, end)
        return free


class _Nested:
    """Entities that may hold each other, but neither cross nor have equal bounds."""

    def __init__(self) -> None:
        self.kept = np.empty((64, 2), np.int64)
        self.count = 0

    def admits(self, start: int, end: int) -> bool:
        starts, ends = self.kept[: self.count].T
        first = (start < starts) & (starts < end) & (end < ends)
        second = (starts < start) & (start < ends) & (ends < end)
        if (first | second | ((start == starts) & (end == ends))).any():
            return False
        if self.count == len(self.kept):
            self.kept = np.concatenate([self.kept, np.empty_like(self.kept)])
        self.kept[self.count] = start, end
        self.count += 1
        return True


class _MultiLabel:
    """Everything that passes."""

    def admits(self, start: int, end: int) -> bool:
        return True


class Kept(Protocol):
    """The entities of a text that were kept so far."""

    def admits(self, start: int, end: int) -> bool:
        """Keep one more, unless one that is kept excludes it."""


# Which entities exclude each other: those with any overlap; only those that cross or have equal bounds; none.
OVERLAPS: dict[str, Callable[[], Kept]] = {"flat": _Flat, "nested": _Nested, "multi-label": _MultiLabel}


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
    kept = OVERLAPS[overlap]()
    # Ties fall to the earlier, then the longer span, then the first type: the same on every machine.
    order = np.lexsort((found.column, -found.end, found.start, -found.logit))
    columns = (part[order].tolist() for part in (found.start, found.end, found.column, found.logit))
    rows = sorted(row for row in zip(*columns, strict=True) if kept.admits(row[0], row[1]))
    return [
        Entity(start=start, end=end, label=types[column].label, text=text[start:end], score=0.5 * (1 + math.tanh(logit / 2)))
        for start, end, column, logit in rows
    ]
