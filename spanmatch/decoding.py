"""From scores to entities: which scores pass, and which of overlapping candidates stay.

Legend: C types, N candidates that passed.
"""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from spanmatch.entities import Entity, EntityType, normalise
from spanmatch.errors import InputError, nearest

DEFAULT_THRESHOLD = 0.5
NULL_SLOTS = ("cls", "label_token")
THRESHOLDS_FILE = "thresholds.json"

Threshold = float | str | Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """Thresholds found on a development file: one for all types, and per type (by normalised name) where it had enough gold."""

    threshold: float
    per_type: Mapping[str, float] = field(default_factory=dict)
    source: str = ""
    f1: float = 0.0

    def save(self, folder: Path) -> None:
        """Write it beside the weights."""
        (folder / THRESHOLDS_FILE).write_text(json.dumps(asdict(self), indent=1, sort_keys=True) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> "Calibration | None":
        """Read it from a checkpoint; None where it was never calibrated."""
        file = folder / THRESHOLDS_FILE
        if not file.is_file():
            return None
        try:
            return cls(**json.loads(file.read_text(encoding="utf-8")))
        except (TypeError, ValueError) as error:
            raise InputError(f"{file}: cannot be read ({error}); delete it, and run spanmatch calibrate") from error


def parse_threshold(threshold: str) -> Threshold:
    """Read a threshold from the command line: a number, `calibrated`, or the name of a null slot."""
    try:
        return float(threshold)
    except ValueError:
        if threshold not in {"calibrated", *NULL_SLOTS}:
            raise InputError(f'threshold "{threshold}" is neither a number in (0, 1) nor "calibrated"') from None
        return threshold


def cutoffs(
    threshold: Threshold | None, types: Sequence[EntityType], calibration: Calibration | None, objective: str
) -> np.ndarray:
    """The logit that a score of each type must exceed. Shape: (C,).

    Args:
        threshold: a probability, one per type name (a type without one takes `calibration`'s or 0.5), "calibrated",
            or None for "calibrated" where the checkpoint is, else 0.5.

    Raises:
        InputError: not a probability, a type that is not asked for, or a threshold that the checkpoint cannot answer.
    """
    if isinstance(threshold, str):
        if threshold in NULL_SLOTS:
            raise InputError(
                f'threshold "{threshold}" needs a null slot, and this checkpoint, trained with "{objective}", has none; '
                "give a number or calibrate"
            )
        if threshold != "calibrated":
            raise InputError(f'unknown threshold "{threshold}"; {nearest(threshold, ["calibrated", *NULL_SLOTS])}')
        if calibration is None:
            raise InputError('threshold "calibrated", but the checkpoint is not; run "spanmatch calibrate" or give a number')
        threshold = None
    if threshold is not None and not isinstance(threshold, Mapping):
        return np.full(len(types), _logit(float(threshold)))
    base = calibration or Calibration(threshold=DEFAULT_THRESHOLD)
    per_type = dict(base.per_type)
    if threshold is not None:
        asked = {key for item in types for key in (item.key, normalise(item.label))}
        for name, value in threshold.items():
            if normalise(name) not in asked:
                raise InputError(
                    f'threshold for "{name}", which is not asked for; {nearest(name, [item.name for item in types])}'
                )
            per_type[normalise(name)] = value
    return np.array([_logit(per_type.get(normalise(item.label), per_type.get(item.key, base.threshold))) for item in types])


def _logit(probability: float) -> float:
    if not 0 < probability < 1:
        raise InputError(f"a threshold must lie between 0 and 1, got {probability}")
    return math.log(probability / (1 - probability))


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
        if not any(excludes(start, end, other[0], other[1]) for other in kept):
            kept.append((start, end, int(found.column[index]), float(found.logit[index])))
    return [
        Entity(start=start, end=end, label=types[column].label, text=text[start:end], score=1 / (1 + math.exp(-logit)))
        for start, end, column, logit in sorted(kept)
    ]
