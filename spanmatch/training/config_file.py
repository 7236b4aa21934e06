"""Reading the configuration of a training: one JSON file, overridden on the command line.

The JSON is read as if its keys had been given on the command line, so that one parser checks both.
"""

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from transformers import HfArgumentParser

from spanmatch.errors import InputError, nearest
from spanmatch.training.arguments import MatcherArguments, MatcherTrainingArguments

# Keys of TrainingArguments that nothing here reads: refused, rather than silently without effect.
NO_EFFECT = {
    "label_smoothing_factor", "label_names", "remove_unused_columns", "prediction_loss_only", "include_for_metrics",
    "batch_eval_metrics", "eval_do_concat_batches", "eval_use_gather_object", "eval_accumulation_steps", "length_column_name",
    "neftune_noise_alpha", "use_cache", "use_liger_kernel", "liger_kernel_config", "include_num_input_tokens_seen",
    "bf16_full_eval", "fp16_full_eval", "average_tokens_across_devices", "data_seed",
}  # fmt: skip


# What a new matcher is built from, and a checkpoint already has.
BUILT = {
    "text_encoder", "type_encoder", "type_pooling", "head_size", "candidates", "max_span_width", "max_length",
    "max_types_per_pass", "background_weight",
}  # fmt: skip


# What the other architecture alone reads.
FOREIGN = {
    "bi": {"max_types_per_pass"},
    "cross": {"type_encoder", "type_pooling", "type_encoder_learning_rate"},
}


def read_config(arguments: Sequence[str], architecture: str) -> tuple[MatcherArguments, MatcherTrainingArguments]:
    """Read `CONFIG.json --key value ...`; the command line wins.

    Raises:
        InputError: naming file, line, key and remedy.
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
    _refuse(FOREIGN[architecture], f"in a {architecture}-encoder", given, parser)
    own, _ = parser.parse_known_args(given)
    files = {"do_eval": own.validation_file, "do_predict": own.test_file}
    for step, file in files.items():
        if getattr(own, step) is None:
            given += [f"--{step}", str(bool(file))]
        elif getattr(own, step) and not file:
            raise InputError(f"{step} needs {'validation_file' if step == 'do_eval' else 'test_file'}; give one, or drop {step}")
    if own.pretrained_model_name_or_path:
        # What a checkpoint was built with cannot be asked for again.
        _refuse(BUILT, "beside pretrained_model_name_or_path", given, parser)
    if own.do_train and not own.train_file:
        raise InputError('"train_file" is missing; give a JSONL file, a glob or a DatasetDict folder')
    try:
        matcher, training = parser.parse_args_into_dataclasses(given, look_for_args_file=False)
    except (ValueError, ImportError, TypeError) as error:
        message = " ".join(str(error).split())
        key = message.partition(" ")[0].rstrip(":")
        in_json = not any(item.partition("=")[0] == f"--{key}" for item in arguments)
        where = parser.places.get(key, "") if in_json else ""
        raise InputError(where + message if where or isinstance(error, InputError) else f"configuration: {message}") from error
    return matcher, training


class _Parser(HfArgumentParser):
    """`places` says of each key of the JSON file where it stands, `where` what is being parsed."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.places: dict[str, str] = {}
        self.where = "configuration: "

    def error(self, message: str) -> Any:
        raise InputError(f"{self.where}{message.replace('argument --', '')}")


def _refuse(keys: set[str], where_not: str, given: Sequence[str], parser: _Parser) -> None:
    for key in sorted({item[2:].partition("=")[0] for item in given if item.startswith("--")} & keys):
        where = parser.places.get(key, "")
        raise InputError(f'{where}"{key}" has no effect {where_not}; remove it')


def _fields() -> dict[str, Any]:
    return {
        item.name: item
        for group in (MatcherArguments, MatcherTrainingArguments)
        for item in dataclasses.fields(group)
        if item.init
    }


def _json_arguments(path: Path, parser: _Parser) -> list[str]:
    """A JSON configuration as command-line arguments."""
    valid = _fields()
    try:
        text = path.read_text(encoding="utf-8")
        values = json.loads(text)
    except OSError as error:
        siblings = [item.name for item in path.parent.glob("*.json")] if path.parent.is_dir() else []
        raise InputError(
            f"{path}: cannot be read ({error.strerror}); {nearest(path.name, siblings, otherwise='check the path')}"
        ) from error
    except json.JSONDecodeError as error:
        raise InputError(f"{path}:{error.lineno}: not JSON ({error.msg} at column {error.colno})") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 ({error.reason} at byte {error.start}); save the file as UTF-8") from error
    if not isinstance(values, dict):
        raise InputError(f"{path}: expected a JSON object of keys and values")
    arguments: list[str] = []
    for key, value in values.items():
        line = next((number for number, content in enumerate(text.splitlines(), 1) if f'"{key}"' in content), 1)
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
    valid = _fields()
    for argument in arguments:
        if argument.startswith("--"):
            key = argument[2:].partition("=")[0].replace("-", "_")
            if key not in valid and key.removeprefix("no_") not in valid and key != "help":
                raise InputError(f"unknown argument {argument}; {nearest(key, valid)}")
            _refuse_without_effect(key, "")


def _refuse_without_effect(key: str, where: str) -> None:
    if key in NO_EFFECT:
        raise InputError(f'{where}"{key}" has no effect here; remove it')


