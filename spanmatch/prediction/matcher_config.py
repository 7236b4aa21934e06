"""Read the configuration and the thresholds of a matcher from its folder. Nothing here imports torch."""

import dataclasses
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from spanmatch.batching.candidates import CANDIDATES
from spanmatch.config import ARCHITECTURES, POOLINGS, MatcherConfig
from spanmatch.data.files import read_json
from spanmatch.data.line_breaks import LINE_BREAKS
from spanmatch.errors import InputError, nearest
from spanmatch.prediction.shipped import CONFIG_FILE
from spanmatch.prediction.thresholds import NULL_SLOTS, THRESHOLDS_FILE, Calibration


def read_calibration(folder: Path, config: MatcherConfig) -> Calibration | None:
    """Read the calibrated thresholds of a matcher; return None if it was never calibrated.

    Args:
        folder: the folder of the matcher.
        config: its configuration.

    Raises:
        InputError: the file of thresholds cannot be read, or is of another matcher.
    """
    calibration = Calibration.load(folder)
    if calibration is not None and calibration.slot not in {None, *config.null_slots}:
        problem = f'thresholds above the null slot "{calibration.slot}", which this checkpoint has not'
        raise InputError(f"{folder / THRESHOLDS_FILE}: {problem}; delete it, and run spanmatch calibrate")
    return calibration


def read_matcher_config(folder: Path, *, further: Collection[str] = ()) -> MatcherConfig:
    """Read the configuration of a checkpoint.

    Args:
        folder: the folder of the checkpoint.
        further: keys that the file may have beside those of a configuration.

    Raises:
        InputError: there is no configuration, or it is none of a matcher.
    """
    path = folder / CONFIG_FILE
    values = read_json(path, "copy the checkpoint again")
    known = {item.name for item in dataclasses.fields(MatcherConfig)}
    if not isinstance(values, dict) or "text_encoder" not in values:
        raise InputError(f"{path}: an encoder, not a spanmatch checkpoint; give the folder that a training wrote")
    # Some checkpoints are older than these keys, which have defaults.
    needed = known - {"type_norm", "type_prompt", "line_breaks", "text_state_scale", "type_state_scale"}
    unknown, missing = sorted(values.keys() - known - {"tagger", *further}), sorted(needed - values.keys())
    if unknown or missing:
        raise InputError(f"{path}: unknown keys {unknown}, missing keys {missing}; another version of spanmatch wrote it")
    if values["architecture"] not in ARCHITECTURES:
        given = str(values["architecture"])
        raise InputError(f'{path}: unknown architecture "{given}"; {nearest(given, ARCHITECTURES)}')
    _check_values(path, values)
    return MatcherConfig(**{key: values[key] for key in values.keys() & known})


def _check_values(path: Path, values: Mapping[str, Any]) -> None:
    """Refuse values that the model would be built with and not used: they are read far from here, in the first text."""
    for key in ("text_encoder", "type_encoder"):
        if not isinstance(values[key], dict) and not (values[key] is None and key == "type_encoder"):
            raise InputError(f'{path}: "{key}" must be the configuration of an encoder, an object; copy the file again')
    for key in ("head_size", "max_span_width", "max_length", "max_type_length", "max_types"):
        if values[key] is None and key == "max_types":
            continue
        if type(values[key]) is not int or not 0 < values[key] < 1 << 31:
            raise InputError(f'{path}: "{key}" must be a whole number above 0, got {str(values[key])[:40]}; copy the file again')
    for key, valid in (("candidates", CANDIDATES), ("type_pooling", POOLINGS), ("line_breaks", LINE_BREAKS)):
        given = values.get(key, "auto")
        if given not in tuple(valid):
            raise InputError(f'{path}: unknown {key} "{str(given)[:40]}"; {nearest(str(given), valid)}')
    for key in ("background_weight", "type_norm"):
        given = values.get(key, 0)
        if given is None and key == "type_norm":
            continue
        if type(given) not in {int, float} or not 0 <= given < 1e6:
            raise InputError(f'{path}: "{key}" must be a number, at least 0, got {str(given)[:40]}; copy the file again')
    for key in ("text_state_scale", "type_state_scale"):
        given = values.get(key, 1)
        if type(given) not in {int, float} or not 0 < given < 1e6:
            raise InputError(f'{path}: "{key}" must be a number above 0, got {str(given)[:40]}; copy the file again')
    slots = values["null_slots"]
    if not isinstance(slots, dict) or not set(slots) <= set(NULL_SLOTS) or not all(type(item) is int for item in slots.values()):
        raise InputError(f'{path}: "null_slots" must be {{name: place}} of {", ".join(NULL_SLOTS)}; copy the file again')
    if not isinstance(values.get("type_prompt", ""), str) or not isinstance(values["objective"], str):
        raise InputError(f'{path}: "objective" and "type_prompt" must be texts; copy the file again')
