"""Read the configuration of a training: one JSON file, whose keys the command line overrides.

The keys of the file are read as if they had been given on the command line, so that one parser checks both.
"""

import dataclasses
import json
import math
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from transformers import HfArgumentParser

from spanmatch.data.files import read_json, read_text
from spanmatch.errors import InputError, nearest
from spanmatch.training.arguments import MatcherArguments, MatcherTrainingArguments
from spanmatch.training.effects import NO_EFFECT, refuse_without_effect


def read_config(arguments: Sequence[str], architecture: str) -> tuple[MatcherArguments, MatcherTrainingArguments]:
    """Read the configuration of a training from `CONFIG.json --key value ...`; the command line wins.

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
    groups: Any = (MatcherArguments, MatcherTrainingArguments)
    parser = _Parser(groups, description=f"Train a spanmatch {architecture}-encoder.", allow_abbrev=False)
    given = list(arguments)
    _check_keys(given)
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
    refuse_without_effect(vars(own), architecture, parser.places, _keys_of(arguments))
    if own.do_train and not own.train_file:
        raise InputError('"train_file" is missing; give a JSONL file, a glob or a DatasetDict folder')
    try:
        matcher, training = parser.parse_args_into_dataclasses(given, look_for_args_file=False)
    except (ValueError, ImportError, TypeError) as error:
        message = " ".join(str(error).split())
        key = message.partition(" ")[0].rstrip(":")  # our messages start with the key
        is_overridden = any(item.partition("=")[0] == f"--{key}" for item in arguments)
        where = "" if is_overridden else parser.places.get(key, "")
        raise InputError(where + message if where or isinstance(error, InputError) else f"configuration: {message}") from error
    return matcher, training


class _Parser(HfArgumentParser):
    """Parses the keys of a configuration, and raises errors that say where a key stands.

    Attributes:
        places: `file:line: ` of each key of the JSON file.
        where: what an error message starts with: the place of the key that is parsed now.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.places: dict[str, str] = {}
        self.where = "configuration: "

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


def _valid_keys() -> Collection[str]:
    groups = (MatcherArguments, MatcherTrainingArguments)
    return {item.name for group in groups for item in dataclasses.fields(group) if item.init}


def _json_arguments(path: Path, parser: _Parser) -> list[str]:
    """Return the keys and values of a JSON file as command-line arguments, and tell the parser where they stand."""
    valid = _valid_keys()
    values = read_json(path, "give a JSON object of keys and values")
    if not isinstance(values, dict):
        raise InputError(f"{path}: expected a JSON object of keys and values, got {type(values).__name__}")
    lines = read_text(path).splitlines()
    arguments: list[str] = []
    for key, value in values.items():
        line = next((number for number, content in enumerate(lines, 1) if f'"{key}"' in content), 1)
        where = f"{path}:{line}: "
        if key not in valid:
            raise InputError(f'{where}unknown key "{key}"; {nearest(key, valid)}')
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


def _check_keys(arguments: Sequence[str]) -> None:
    """Raise an error if the command line has a key that does not exist, or has no effect."""
    valid = _valid_keys()
    for key, argument in _keys_of(arguments).items():
        if key not in valid and key != "help":
            raise InputError(f"unknown argument {argument}; {nearest(key, valid)}")
        _refuse_without_effect(key, "")


def _keys_of(arguments: Sequence[str]) -> dict[str, str]:
    """Return the keys of a command line, each with the argument that gives it; `--no_key` gives `key`."""
    valid = _valid_keys()
    given = {item[2:].partition("=")[0].replace("-", "_"): item for item in arguments if item.startswith("--")}
    return {key if key in valid else key.removeprefix("no_"): item for key, item in given.items()}


def _refuse_without_effect(key: str, where: str) -> None:
    if key in NO_EFFECT:
        raise InputError(f'{where}"{key}" has no effect here; remove it')
