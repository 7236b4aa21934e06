"""Turn the candidates that passed into entities: choose which of the overlapping ones to keep.

Legend: N candidates that passed.
"""

import math
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Protocol

import numpy as np

from spanmatch.entities import Entity, EntityType
from spanmatch.errors import InputError, nearest


@dataclass(kw_only=True, slots=True)
class Candidates:
    """Holds the candidates of one text whose score passed. All arrays are (N,).

    Attributes:
        start: first character of each candidate.
        end: one past its last character.
        column: place of its type in the inventory of the text.
        logit: its score.
    """

    start: np.ndarray
    end: np.ndarray
    column: np.ndarray
    logit: np.ndarray

    def above(self, limits: np.ndarray) -> "Candidates":
        """Return the candidates whose score exceeds a limit.

        Args:
            limits: a logit for each candidate. Shape: (N,).
        """
        kept = self.logit > limits.astype(np.float32)
        return Candidates(**{item.name: getattr(self, item.name)[kept] for item in fields(self)})


# The candidates of a text in which nothing passed.
NOTHING = Candidates(
    start=np.empty(0, np.int64), end=np.empty(0, np.int64), column=np.empty(0, np.int64), logit=np.empty(0, np.float32)
)


def merge(parts: Sequence[Candidates]) -> Candidates:
    """Join the candidates that the views of one text found. None occurs twice, because one view owns each candidate.

    Args:
        parts: the candidates of each view.
    """
    if len(parts) == 1:
        return parts[0]
    if not parts:
        return NOTHING
    return Candidates(**{item.name: np.concatenate([getattr(part, item.name) for part in parts]) for item in fields(Candidates)})


class _Flat:
    """Keeps entities without any overlap."""

    def __init__(self) -> None:
        # Both sorted: entities that keep apart have their ends in the order of their starts. A search for the place of a
        # new one then finds its neighbours, and these alone decide.
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
    """Keeps entities that may contain each other, but neither cross nor have equal bounds."""

    def __init__(self) -> None:
        # One array that doubles when it is full: a new entity is compared with all kept ones at once.
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
    """Keeps every entity."""

    def admits(self, start: int, end: int) -> bool:
        return True


class Kept(Protocol):
    """Remembers which entities of a text were kept so far."""

    def admits(self, start: int, end: int) -> bool:
        """Keep an entity unless a kept one excludes it, and return whether it was kept.

        Args:
            start: its first character.
            end: one past its last character.
        """


# Which entities exclude each other. Flat: those with any overlap. Nested: those that cross or have equal bounds.
# Multi-label: none.
OVERLAPS: dict[str, Callable[[], Kept]] = {"flat": _Flat, "nested": _Nested, "multi-label": _MultiLabel}


def check_overlap(overlap: str) -> None:
    """Refuse an unknown overlap.

    Args:
        overlap: a name of `OVERLAPS`.

    Raises:
        InputError: there is no such name; the message has the nearest one.
    """
    if overlap not in OVERLAPS:
        raise InputError(f'unknown overlap "{overlap}"; {nearest(overlap, OVERLAPS)}')


def resolve(text: str, found: Candidates, types: Sequence[EntityType], overlap: str = "flat") -> list[Entity]:
    """Choose entities greedily, the highest score first, and return them in the order of the text.

    Args:
        text: the text.
        found: its candidates that passed.
        types: its inventory, which the columns of the candidates refer to.
        overlap: which entities exclude each other, a name of `OVERLAPS`.

    Raises:
        InputError: the overlap is unknown.
    """
    check_overlap(overlap)
    kept = OVERLAPS[overlap]()
    # Of equal scores, the earlier span comes first, then the longer one, then the first type: the same on every machine.
    order = np.lexsort((found.column, -found.end, found.start, -found.logit))
    columns = (part[order].tolist() for part in (found.start, found.end, found.column, found.logit))
    rows = sorted(row for row in zip(*columns, strict=True) if kept.admits(row[0], row[1]))
    # The sigmoid, written so that a very low logit does not overflow.
    return [
        Entity(start=start, end=end, label=types[column].label, text=text[start:end], score=0.5 * (1 + math.tanh(logit / 2)))
        for start, end, column, logit in rows
    ]
