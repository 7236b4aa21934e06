"""The configuration of a training: one JSON file, overridden on the command line, checked when it is read.

Keys of `transformers.TrainingArguments` keep their names and meaning; ours stand beside them. The JSON is read as if its
keys had been given on the command line, so that one parser checks both.
"""

import dataclasses
import inspect
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from transformers import HfArgumentParser, TrainingArguments

from spanmatch.devices import cpu_has_bfloat16
from spanmatch.encoders import DEFAULT_ENCODER, POOLINGS
from spanmatch.errors import InputError, nearest
from spanmatch.losses import LOSSES, Loss
from spanmatch.records import FORMATS
from spanmatch.spans import CANDIDATES

TYPE_TEXTS = ("both", "name", "mixed")

# Keys of TrainingArguments that nothing here reads: refused, rather than silently without effect.
NO_EFFECT = {
    "label_smoothing_factor", "label_names", "remove_unused_columns", "prediction_loss_only", "include_for_metrics",
    "batch_eval_metrics", "eval_do_concat_batches", "eval_use_gather_object", "eval_accumulation_steps", "length_column_name",
    "neftune_noise_alpha", "use_cache", "use_liger_kernel", "liger_kernel_config", "include_num_input_tokens_seen",
    "bf16_full_eval", "fp16_full_eval", "average_tokens_across_devices", "data_seed",
}  # fmt: skip


@dataclass(kw_only=True)
class MatcherArguments:
    """What is trained, on what."""

    train_file: list[str] = field(
        default_factory=list, metadata={"help": "JSONL file, list, glob, DatasetDict folder or hub id."}
    )
    validation_file: list[str] = field(default_factory=list, metadata={"help": "The same, for choosing and calibrating."})
    test_file: list[str] = field(default_factory=list, metadata={"help": "The same, for do_predict."})
    format: str = field(default="text", metadata={"help": "How gold is read: text (characters) or tokens (words)."})
    entity_types: str | None = field(
        default=None, metadata={"help": "JSON file {tag: description}: the inventory of every text."}
    )
    skip_invalid: bool = field(default=False, metadata={"help": "Leave out records that cannot be read, and count them."})
    max_train_samples: int | None = field(default=None, metadata={"help": "Read no more than this many training examples."})
    max_eval_samples: int | None = field(default=None, metadata={"help": "Read no more than this many evaluation examples."})

    pretrained_model_name_or_path: str | None = field(default=None, metadata={"help": "Continue from a checkpoint of ours."})
    text_encoder: str = field(default=DEFAULT_ENCODER, metadata={"help": "Hub id or folder of the text encoder."})
    type_encoder: str = field(
        default="shared", metadata={"help": '"shared", "separate" (a copy of the text encoder), hub id or folder.'}
    )
    type_pooling: str | None = field(
        default=None, metadata={"help": "mean or cls; by default what the type encoder was trained with."}
    )
    head_size: int = field(default=128, metadata={"help": "Width of the span and type representations that are compared."})
    candidates: str = field(default="words", metadata={"help": "What candidate spans are made of: words or subwords."})
    max_span_width: int = field(default=12, metadata={"help": "The widest candidate, in words or subwords."})
    max_length: int | None = field(
        default=None, metadata={"help": "Window of the text encoder in subwords; by default all it has."}
    )

    loss: str = field(default="bce", metadata={"help": 'Objective: a name, or {"name": ..., its options}.'})
    type_texts: str = field(default="both", metadata={"help": "both (name: description), name, or mixed (drawn anew each time)."})
    num_negative_types: int = field(default=30, metadata={"help": "Types without a mention drawn per text from its inventory."})
    type_dropout: float = field(default=0.0, metadata={"help": "Share of a text's types left out at random."})
    type_encoder_learning_rate: float | None = field(default=None, metadata={"help": "By default learning_rate."})
    head_learning_rate: float | None = field(default=None, metadata={"help": "By default 5 times learning_rate."})
    early_stopping_patience: int | None = field(
        default=None, metadata={"help": "Stop after this many evaluations without a better F1."}
    )
    overwrite_output_dir: bool = field(default=False, metadata={"help": "Train into a folder that already holds a training."})

    def __post_init__(self) -> None:
        self.loss_name, self.loss_options = _parse_loss(self.loss)
        _one_of("format", self.format, FORMATS)
        _one_of("candidates", self.candidates, CANDIDATES)
        _one_of("type_texts", self.type_texts, TYPE_TEXTS)
        if self.type_pooling is not None:
            _one_of("type_pooling", self.type_pooling, POOLINGS)
        for name in ("head_size", "max_span_width"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} must be at least 1, got {getattr(self, name)}")
        if not 0 <= self.type_dropout < 1:
            raise InputError(f"type_dropout must lie in [0, 1), got {self.type_dropout}")

    @property
    def loss_function(self) -> Loss:
        """The objective with its options."""
        return partial(LOSSES[self.loss_name], **self.loss_options)


@dataclass(kw_only=True)
class MatcherTrainingArguments(TrainingArguments):
    """`transformers.TrainingArguments` with defaults that suit a span matcher."""

    output_dir: str | None = field(default="models/matcher", metadata={"help": "Where checkpoints and the final model go."})
    per_device_train_batch_size: int = field(default=32)
    per_device_eval_batch_size: int = field(default=32)
    learning_rate: float = field(default=1e-4, metadata={"help": "Of the text encoder."})
    num_train_epochs: float = field(default=1.0)
    warmup_steps: float = field(default=0.1, metadata={"help": "Steps, or below 1 their share of the training."})
    weight_decay: float = field(default=0.01)
    optim: str = field(default="adamw_torch_fused")
    train_sampling_strategy: str = field(default="group_by_length", metadata={"help": "random, sequential or group_by_length."})
    logging_steps: float = field(default=20)
    save_total_limit: int | None = field(default=2)
    bf16: bool | None = field(
        default=None, metadata={"help": "Mixed precision; by default where the machine computes it natively."}
    )  # type: ignore[assignment]
    do_train: bool = field(default=True)
    do_eval: bool | None = field(
        default=None, metadata={"help": "Evaluate and calibrate on validation_file; by default if given."}
    )  # type: ignore[assignment]
    do_predict: bool | None = field(default=None, metadata={"help": "Evaluate on test_file; by default if given."})  # type: ignore[assignment]
    eval_strategy: str | None = field(default=None, metadata={"help": "no, steps or epoch; by default as save_strategy."})  # type: ignore[assignment]
    save_strategy: str = field(default="epoch")
    load_best_model_at_end: bool | None = field(default=None, metadata={"help": "By default where there is a validation_file."})  # type: ignore[assignment]
    metric_for_best_model: str | None = field(default="f1")
    greater_is_better: bool | None = field(default=True)
    report_to: str | None = field(
        default=None, metadata={"help": "tensorboard, wandb, ...; by default tensorboard where installed."}
    )

    def __post_init__(self) -> None:
        if self.bf16 is None:
            native = torch.cuda.is_bf16_supported(including_emulation=False) if torch.cuda.is_available() else cpu_has_bfloat16()
            self.bf16 = bool(native and not self.fp16)
        if not torch.cuda.is_available() and not torch.backends.mps.is_available():
            self.use_cpu = True  # bf16 on a CPU is refused without it
        if self.eval_strategy is None:
            self.eval_strategy = self.save_strategy if self.do_eval else "no"
            self.eval_steps = self.eval_steps or (self.save_steps if self.eval_strategy == "steps" else None)
        if self.load_best_model_at_end is None:
            self.load_best_model_at_end = self.eval_strategy == self.save_strategy != "no"
        if self.report_to is None:
            self.report_to = "tensorboard" if find_spec("tensorboard") else "none"
        super().__post_init__()


def read_config(arguments: Sequence[str], description: str) -> tuple[MatcherArguments, MatcherTrainingArguments]:
    """Read `CONFIG.json --key value ...`; the command line wins.

    Raises:
        InputError: naming file, line, key and remedy.
    """
    groups: Any = (MatcherArguments, MatcherTrainingArguments)
    parser = _Parser(groups, description=description, allow_abbrev=False)
    given = list(arguments)
    if given and not given[0].startswith("-"):
        given = _json_arguments(Path(given[0]), _fields()) + given[1:]
    _check_keys(given)
    if any(item in {"-h", "--help"} for item in given):
        parser.print_help()
        raise SystemExit(0)
    own, _ = parser.parse_known_args(given)
    files = {"do_eval": own.validation_file, "do_predict": own.test_file}
    for step, file in files.items():
        if getattr(own, step) is None:
            given += [f"--{step}", str(bool(file))]
        elif getattr(own, step) and not file:
            raise InputError(f"{step} needs {'validation_file' if step == 'do_eval' else 'test_file'}; give one, or drop {step}")
    if own.do_train and not own.train_file:
        raise InputError('"train_file" is missing; give a JSONL file, a glob or a DatasetDict folder')
    try:
        matcher, training = parser.parse_args_into_dataclasses(given, look_for_args_file=False)
    except (ValueError, ImportError, TypeError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"configuration: {' '.join(str(error).split())}") from error
    return matcher, training


class _Parser(HfArgumentParser):
    def error(self, message: str) -> Any:
        raise InputError(f"configuration: {message.replace('argument --', '')}")


def _fields() -> dict[str, Any]:
    return {
        item.name: item
        for group in (MatcherArguments, MatcherTrainingArguments)
        for item in dataclasses.fields(group)
        if item.init
    }


def _json_arguments(path: Path, valid: dict[str, Any]) -> list[str]:
    """A JSON configuration as command-line arguments."""
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
            arguments += [f"--{key}", *map(str, value)]
        else:
            arguments += [f"--{key}", json.dumps(value) if isinstance(value, dict) else str(value)]
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


def _one_of(name: str, value: str, valid: Any) -> None:
    if value not in valid:
        raise InputError(f'{name}: unknown value "{value}"; {nearest(value, valid)}')


def _parse_loss(loss: str) -> tuple[str, dict[str, Any]]:
    try:
        options = json.loads(loss) if loss.lstrip().startswith("{") else {"name": loss}
    except json.JSONDecodeError as error:
        raise InputError(f"loss: not JSON ({error.msg}): {loss}") from error
    name = options.pop("name", None)
    if name not in LOSSES:
        raise InputError(f'loss: unknown objective "{name}"; {nearest(str(name), LOSSES)}')
    valid = [item.name for item in inspect.signature(LOSSES[name]).parameters.values() if item.kind is item.KEYWORD_ONLY]
    for option in options:
        if option not in valid:
            raise InputError(f'loss: "{name}" has no option "{option}"; {nearest(option, valid)}')
    return name, options
