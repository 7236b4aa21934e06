"""Thresholds: what a score must exceed for a candidate to pass.

Legend: C types.
"""

import json
import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from spanmatch.data.files import read_json, write_whole
from spanmatch.entities import EntityType, check_text, normalise
from spanmatch.errors import InputError, nearest, one_line

DEFAULT_THRESHOLD = 0.5
# In the order of preference: first the token that was added for this purpose.
NULL_SLOTS = ("label_token", "cls")
THRESHOLDS_FILE = "thresholds.json"

# A probability, "calibrated", a null slot with or without a margin ("cls+0.5"), or a probability for each type.
Threshold = float | str | Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """Holds the thresholds that were found on a development file.

    Attributes:
        threshold: threshold of every type that has none of its own, as a probability.
        per_type: thresholds of the types that had enough gold, by normalised name.
        source: name of the development file.
        f1: micro F1 that `threshold`, alone for all types, reached on it, from 0 to 1.
        slot: name of the null slot whose score is subtracted before a threshold is applied, None without null slots.
    """

    threshold: float
    per_type: Mapping[str, float] = field(default_factory=dict)
    source: str = ""
    f1: float = 0.0
    slot: str | None = None

    def save(self, folder: Path) -> None:
        """Write the thresholds into the folder of a checkpoint.

        Args:
            folder: an existing folder.
        """
        path = folder / THRESHOLDS_FILE
        if path.is_symlink():
            path.unlink()  # the file that it leads to is of another checkpoint
        write_whole(path, json.dumps(asdict(self), indent=1, sort_keys=True) + "\n")

    @classmethod
    def load(cls, folder: Path) -> "Calibration | None":
        """Read the thresholds of a checkpoint; return None if it was never calibrated.

        Args:
            folder: the folder of the checkpoint.

        Raises:
            InputError: the file of thresholds cannot be read, or holds something else.
        """
        file = folder / THRESHOLDS_FILE
        if not file.is_file():
            return None
        remedy = "delete it, and run spanmatch calibrate"
        values = read_json(file, remedy)
        try:
            calibration = cls(**values)
            _check_calibration(values)
            named = _by_name(calibration.per_type)
        except (AttributeError, TypeError, ValueError) as error:
            raise InputError(f"{file}: no thresholds that can be read ({one_line(error)}); {remedy}") from error
        # Somebody may have written names by hand, as they are shown.
        return replace(calibration, per_type={key: value for key, (_, value) in named.items()})


def _check_calibration(values: Mapping[str, Any]) -> None:
    """Raise a `TypeError` or `ValueError` where a value of a file of thresholds is not what it should be."""
    for name, value in {"threshold": values["threshold"], **values.get("per_type", {})}.items():
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            raise TypeError(f'the threshold "{name}" must be a number, got {value!r}')
        logit(value)
    if not isinstance(values.get("source", ""), str) or not isinstance(values.get("f1", 0), (int, float)):
        raise TypeError('"source" must be a string, and "f1" a number')
    slot = values.get("slot")
    if slot is not None and slot not in NULL_SLOTS:
        raise ValueError(f'unknown null slot "{slot}"; {nearest(str(slot), NULL_SLOTS)}')


@dataclass(frozen=True, kw_only=True)
class Cutoffs:
    """Holds what the score of each type must exceed.

    Attributes:
        slot: name of the null slot whose score is subtracted first, None to leave scores as they are.
        limits: logit for each type. Shape: (C,).
    """

    slot: str | None
    limits: np.ndarray


def parse_threshold(threshold: str) -> Threshold:
    """Read a threshold from the command line.

    Args:
        threshold: a number, `calibrated`, a null slot with or without a margin in logits (`cls`, `cls+0.5`), or
            `type=number,...`.

    Raises:
        InputError: the text is none of these, or a number is not in (0, 1).
    """
    if "=" in threshold:
        return _per_type(threshold)
    if threshold == "calibrated" or _slot(threshold) is not None:
        return threshold
    return _number(threshold, threshold)


def _per_type(threshold: str) -> dict[str, float]:
    found: dict[str, float] = {}
    for item in threshold.split(","):
        name, _, value = (part.strip() for part in item.rpartition("="))
        if not name:
            raise InputError(f'threshold "{threshold}": "{item.strip()}" names no type; write type=number,...')
        if normalise(name) in {normalise(other) for other in found}:
            raise InputError(f'threshold "{threshold}": "{name}" is given twice; remove one of them')
        found[name] = _number(value, threshold)
    return found


def _number(value: str, threshold: str) -> float:
    try:
        number = float(value)
    except ValueError:
        forms = 'a number in (0, 1), type=number,..., "calibrated", nor a null slot ("cls", "label_token", "cls+0.5")'
        raise InputError(f'threshold "{threshold}" is neither {forms}') from None
    logit(number)  # refuses what is not a probability
    return number


def _slot(threshold: str) -> tuple[str, float] | None:
    """Read a null slot and its margin in logits from "cls", "cls+0.5" or "label_token-1"; return None for anything else."""
    found = re.fullmatch(rf"({'|'.join(NULL_SLOTS)})([+-].+)?", threshold.strip())
    if found is None:
        return None
    try:
        margin = float(found[2] or 0)
    except ValueError:
        margin = math.nan
    if not math.isfinite(margin):
        raise InputError(f'threshold "{threshold}": the margin is no number; write "{found[1]}+0.5"')
    return found[1], margin


def default_slot(null_slots: Collection[str]) -> str | None:
    """Return the null slot that a checkpoint uses if none is named, None for a checkpoint without null slots.

    Args:
        null_slots: the null slots of the checkpoint.
    """
    return next((slot for slot in NULL_SLOTS if slot in null_slots), None)


def default_threshold(calibration: Calibration | None, null_slot: str | None) -> Threshold:
    """Return the threshold of a prediction for which none is given.

    Args:
        calibration: the calibrated thresholds of the checkpoint, None if it has none.
        null_slot: its default null slot, None if it has none.
    """
    return "calibrated" if calibration is not None else null_slot or DEFAULT_THRESHOLD


def above(probability: float, null_slot: str | None) -> Threshold:
    """Return the threshold that keeps every score above a probability, whatever the calibration of a checkpoint.

    Args:
        probability: a number in (0, 1).
        null_slot: the default null slot of the checkpoint, None if it has none.
    """
    return probability if null_slot is None else f"{null_slot}{logit(probability):+.6f}"


def cutoffs(
    threshold: Threshold | None,
    types: Sequence[EntityType],
    calibration: Calibration | None,
    *,
    objective: str,
    null_slots: Collection[str] = (),
) -> Cutoffs:
    """Return what the score of each type must exceed.

    Args:
        threshold: a probability; a probability for each type, by name or label (other types get their calibrated threshold
            or 0.5); "calibrated"; or a null slot, also with a margin in logits ("cls+0.5"). None stands for "calibrated"
            if the checkpoint is calibrated, else for its default null slot, else for 0.5.
        types: the types.
        calibration: the calibrated thresholds of the checkpoint, None if it has none.
        objective: name of the loss that the checkpoint was trained with, for error messages.
        null_slots: the null slots of the checkpoint; by default none.

    Raises:
        InputError: a number is not a probability, or the checkpoint cannot answer the threshold.
    """
    slot = default_slot(null_slots)
    threshold = default_threshold(calibration, slot) if threshold is None else threshold
    named = _slot(threshold) if isinstance(threshold, str) else None
    if named is not None:
        _check_slot(named[0], objective, null_slots)
        return Cutoffs(slot=named[0], limits=np.full(len(types), named[1]))
    if isinstance(threshold, str):
        if threshold != "calibrated":
            raise InputError(f'unknown threshold "{threshold}"; {_instead_of_text(threshold)}')
        if calibration is None:
            instead = "give a number" if slot is None else f'use "{slot}"'
            raise InputError(f'threshold "calibrated", but the checkpoint is not; run "spanmatch calibrate" or {instead}')
        threshold = None
    # Without a calibration, nobody knows which difference to a null slot corresponds to a probability.
    if calibration is None and slot is not None:
        problem = f'a number is no threshold of this checkpoint, trained with "{objective}" and not calibrated'
        raise InputError(f'{problem}: use "{slot}", or run spanmatch calibrate')
    base = calibration or Calibration(threshold=DEFAULT_THRESHOLD)
    if threshold is not None and not isinstance(threshold, Mapping):
        return Cutoffs(slot=base.slot, limits=np.full(len(types), logit(threshold)))
    by_name = _by_name(threshold or {})
    if not by_name and not base.per_type:
        return Cutoffs(slot=base.slot, limits=np.full(len(types), logit(base.threshold)))
    keys = {item.key for item in types}
    given = [_value_of(item, by_name, keys) for item in types]
    calibrated = [base.per_type.get(item.key, base.threshold) for item in types]
    limits = [logit(other if own is None else own) for own, other in zip(given, calibrated, strict=True)]
    return Cutoffs(slot=base.slot, limits=np.array(limits, dtype=np.float64))


def _instead_of_text(threshold: str) -> str:
    try:
        return f"it is a text; give the number {float(threshold)}"
    except ValueError:
        return nearest(threshold, ["calibrated", *NULL_SLOTS])


def _by_name(threshold: Mapping[str, float]) -> dict[str, tuple[str, float]]:
    """Return each name as it is written and its threshold, by the normalised name.

    Raises:
        InputError: a name is no text, two names are one, or a threshold is not in (0, 1).
    """
    found: dict[str, tuple[str, float]] = {}
    for name, value in threshold.items():
        check_text(name, "a type that a threshold is given for")
        other, _ = found.setdefault(normalise(name), (name, value))
        if other is not name:
            raise InputError(f'thresholds for "{other}" and "{name}", which are one type; remove one of them')
        logit(value)  # also for a type that is not among those asked for
    return found


def _value_of(item: EntityType, named: Mapping[str, tuple[str, float]], keys: Collection[str]) -> float | None:
    """Return the threshold that is given for a type: by its name or, unless that is the name of another type, by its label.

    Raises:
        InputError: there is one for its name and one for its label.
    """
    if not named:
        return None
    label = normalise(item.label)
    spelled = dict.fromkeys([item.key] if label in keys else [item.key, label])
    found = [named[key] for key in spelled if key in named]
    if len(found) > 1:
        (one, _), (other, _) = found
        raise InputError(f'thresholds for "{one}" and "{other}", which are one type; remove one of them')
    return found[0][1] if found else None


def check_names(threshold: Threshold | None, types: Sequence[EntityType]) -> None:
    """Refuse a threshold for a type that is not requested, and two for one type.

    Args:
        threshold: any threshold; only one for each type has names.
        types: the requested types.

    Raises:
        InputError: a name is none of theirs, then the message has the nearest type; or two names are one type.
    """
    if not isinstance(threshold, Mapping):
        return
    named, keys = _by_name(threshold), {item.key for item in types}
    for item in types:
        _value_of(item, named, keys)
    known = keys | {normalise(item.label) for item in types}
    for key, (name, _) in named.items():
        if key not in known:
            raise InputError(f'threshold for "{name}", which is not asked for; {nearest(name, [item.name for item in types])}')


def _check_slot(slot: str, objective: str, null_slots: Collection[str]) -> None:
    if not null_slots:
        problem = f'needs a null slot, and this checkpoint, trained with "{objective}", has none'
        raise InputError(f'threshold "{slot}" {problem}; give a number or calibrate')
    if slot not in null_slots:
        raise InputError(f'threshold "{slot}": this checkpoint has no such null slot; use "{default_slot(null_slots)}"')


def logit(probability: Any) -> float:
    """Return the logit of a probability.

    Args:
        probability: a number in (0, 1).

    Raises:
        InputError: it is no number, or not in (0, 1).
    """
    remedy = "give a number above 0 and below 1"
    if isinstance(probability, (bool, np.bool_, str, bytes)) or not hasattr(probability, "__float__"):
        raise InputError(f"a threshold must be a number, got {str(probability)[:40]!r} ({type(probability).__name__}); {remedy}")
    try:
        value = float(probability)
    except OverflowError:  # a whole number of hundreds of digits
        value = math.inf
    if not 0 < value < 1:
        raise InputError(f"a threshold must lie between 0 and 1, got {probability}; {remedy}")
    return math.log(value / (1 - value))
