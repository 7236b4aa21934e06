"""Read the configuration of a training: one JSON file, whose keys the command line overrides.

The keys of the file are read as if they had been given on the command line, so that one parser checks both.
"""

import json
import math
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from transformers import HfArgumentParser, TrainingArguments

from spanmatch.data.files import read_json, read_text
from spanmatch.errors import InputError, nearest
from spanmatch.training.arguments import DataArguments, MatcherArguments, MatcherTrainingArguments
from spanmatch.training.effects import NO_EFFECT, RULES, Rule, defaults_of, refuse_without_effect

Own = TypeVar("Own", bound=DataArguments)
Training = TypeVar("Training", bound=TrainingArguments)


def read_config(arguments: Sequence[str], architecture: str) -> tuple[MatcherArguments, MatcherTrainingArguments]:
    """Read the configuration of a matcher's training from `CONFIG.json --key value ...`; the command line wins.

    Args:
        arguments: the command line without the program's name. The configuration file is optional.
        architecture: "bi" or "cross".

    Returns:
        Our arguments, and those of the Trainer.

    Raises:
        InputError: a key or a value is wrong, missing or without effect. The message names key, remedy, and file and line
            if the key is in the file.
        SystemExit: help was asked for, and has been printed.
    """
    what = f"Train a spanmatch {architecture}-encoder."
    groups = (MatcherArguments, MatcherTrainingArguments)
    return read_arguments(arguments, *groups, what=what, rules=RULES, further={"architecture": architecture})


def read_arguments(
    arguments: Sequence[str],
    own_group: type[Own],
    training_group: type[Training],
    *,
    what: str,
    rules: Sequence[Rule],
    further: Mapping[str, Any] | None = None,
) -> tuple[Own, Training]:
    """Read the configuration of any training from `CONFIG.json --key value ...`; the command line wins.

    Args:
        arguments: the command line without the program's name. The configuration file is optional.
        own_group: dataclass of our keys.
        training_group: dataclass of the Trainer's keys.
        what: says in the help what the training does.
        rules: say when keys have no effect.
        further: what the rules look at besides the keys.

    Returns:
        Our arguments, and those of the Trainer.

    Raises:
        InputError: as for `read_config`.
        SystemExit: help was asked for, and has been printed.
    """
    groups: Any = (own_group, training_group)
    parser = _Parser(groups, description=what, allow_abbrev=False)
    given = list(arguments)
    _check_keys(given, parser.valid)
    if given and not given[0].startswith("-"):
        given = _json_arguments(Path(given[0]), parser) + given[1:]
    if any(item in {"-h", "--help"} for item in given):
        parser.print_help()
        raise SystemExit(0)
    own, _ = parser.parse_known_args(given)
    _check_values(vars(own), parser)
    for step, key in (("do_eval", "validation_file"), ("do_predict", "test_file")):
        if getattr(own, step) is None:
            setattr(own, step, bool(getattr(own, key)))
            given += [f"--{step}", str(getattr(own, step))]
        elif getattr(own, step) and not getattr(own, key):
            raise InputError(f"{step} needs {key}; give one, or drop {step}")
    of_command_line = _keys_of(arguments, parser.valid)
    refuse_without_effect(vars(own) | dict(further or {}), rules, parser.defaults, parser.places, of_command_line)
    if own.do_train and not own.train_file:
        raise InputError('"train_file" is missing; give a JSONL file, a glob or a DatasetDict folder')
    try:
        read, training = parser.parse_args_into_dataclasses(given, look_for_args_file=False)
    except (ValueError, ImportError, TypeError) as error:
        message = " ".join(str(error).split())
        key = message.partition(" ")[0].rstrip(":")  # our messages start with the key
        is_overridden = any(item.partition("=")[0] == f"--{key}" for item in arguments)
        where = "" if is_overridden else parser.places.get(key, "")
        raise InputError(where + message if where or isinstance(error, InputError) else f"configuration: {message}") from error
    return read, training


class _Parser(HfArgumentParser):
    """Parses the keys of a configuration, and raises errors that say where a key stands.

    Attributes:
        places: `file:line: ` of each key of the JSON file.
        where: what an error message starts with: the place of the key that is parsed now.
        defaults: all keys, with their defaults.
    """

    def __init__(self, groups: Any, **options: Any) -> None:
        super().__init__(groups, **options)
        self.defaults = defaults_of(groups)
        self.places: dict[str, str] = {}
        self.where = "configuration: "

    @property
    def valid(self) -> Collection[str]:
        """Return the names of all keys."""
        return self.defaults.keys()

    def error(self, message: str) -> Any:
        """Raise an error for the user; argparse calls this, and would print its usage and exit.

        Args:
            message: what argparse says is wrong.

        Raises:
            InputError: always.
        """
        raise InputError(f"{self.where}{message.replace('argument --', '')}")


def _check_values(values: Mapping[str, Any], parser: _Parser) -> None:
    """Raise an error for a value that its type allows and nothing can use: infinity, NaN, a text with a NUL character."""
    for key, value in values.items():
        where = parser.places.get(key, "configuration: ")
        if isinstance(value, float) and not math.isfinite(value):
            raise InputError(f'{where}"{key}" must be a finite number, got {value}')
        for text in value if isinstance(value, list) else [value]:
            if isinstance(text, str) and "\0" in text:
                raise InputError(f'{where}"{key}" holds a NUL character, which no name may have; remove it')


def _json_arguments(path: Path, parser: _Parser) -> list[str]:
    """Return the keys and values of a JSON file as command-line arguments, and tell the parser where they stand."""
    values = read_json(path, "give a JSON object of keys and values")
    if not isinstance(values, dict):
        raise InputError(f"{path}: expected a JSON object of keys and values, got {type(values).__name__}")
    lines = read_text(path).splitlines()
    arguments: list[str] = []
    for key, value in values.items():
        line = next((number for number, content in enumerate(lines, 1) if f'"{key}"' in content), 1)
        where = f"{path}:{line}: "
        if key not in parser.valid:
            raise InputError(f'{where}unknown key "{key}"; {nearest(key, parser.valid)}')
        _refuse_without_effect(key, where)
        if value is None:
            continue
        if isinstance(value, list):
            own = [f"--{key}", *map(str, value)]
        else:
            own = [f"--{key}={json.dumps(value) if isinstance(value, dict) else value}"]
        parser.where = parser.places[key] = where
        if parser.parse_known_args(own)[1]:
            raise InputError(f'{where}"{key}" takes one value, got {json.dumps(value)[:60]}')
        arguments += own
    parser.where = "configuration: "
    return arguments


def _check_keys(arguments: Sequence[str], valid: Collection[str]) -> None:
    """Raise an error if the command line has a key that does not exist, or has no effect."""
    for key, argument in _keys_of(arguments, valid).items():
        if key not in valid and key != "help":
            raise InputError(f"unknown argument {argument}; {nearest(key, valid)}")
        _refuse_without_effect(key, "")


def _keys_of(arguments: Sequence[str], valid: Collection[str]) -> dict[str, str]:
    """Return the keys of a command line, each with the argument that gives it; `--no_key` gives `key`."""
    given = {item[2:].partition("=")[0].replace("-", "_"): item for item in arguments if item.startswith("--")}
    return {key if key in valid else key.removeprefix("no_"): item for key, item in given.items()}


def _refuse_without_effect(key: str, where: str) -> None:
    if key in NO_EFFECT:
        raise InputError(f'{where}"{key}" has no effect here; remove it')
