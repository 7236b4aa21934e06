"""The configuration of a training: what there is to set, its defaults, and which values make sense.

Keys of `transformers.TrainingArguments` keep their names and meaning; ours stand beside them.
"""

from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from transformers import TrainingArguments
from transformers.integrations.integration_utils import INTEGRATION_TO_CALLBACK, get_available_reporting_integrations

from spanmatch.batching.candidates import CANDIDATES
from spanmatch.data.words import FORMATS
from spanmatch.errors import InputError, nearest
from spanmatch.model.devices import cpu_has_bfloat16
from spanmatch.model.encoders import POOLINGS
from spanmatch.model.pretrained import DEFAULT_ENCODER
from spanmatch.training.objective import Objective

TYPE_TEXTS = ("both", "name", "mixed")


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
        default=None,
        metadata={"help": "Window of the text encoder in subwords; by default what holds 99 percent of the training texts."},
    )

    max_types_per_pass: int | None = field(
        default=None, metadata={"help": "Cross-encoder: types read beside a text; by default as many as the training texts have."}
    )

    loss: str = field(default="bce", metadata={"help": 'Objective: a name, or {"name": ..., its options}.'})
    type_texts: str = field(default="both", metadata={"help": "both (name: description), name, or mixed (drawn anew each time)."})
    num_negative_types: int = field(default=30, metadata={"help": "Types without a mention drawn per text from its inventory."})
    type_dropout: float = field(default=0.0, metadata={"help": "Share of a text's types left out at random."})
    type_anchor: float = field(
        default=0.0,
        metadata={"help": "Above 0, hold an encoder to what it knew of types, with this weight; a shared one matches with that."},
    )
    background_weight: float = field(
        default=0.0,
        metadata={"help": "Share of what a type usually scores that is corrected for; types never trained: 0.8 (cross: 0.6)."},
    )
    dropout: float | None = field(default=None, metadata={"help": "Of the encoders; by default what they were trained with."})
    type_encoder_learning_rate: float | None = field(
        default=None, metadata={"help": "By default learning_rate; 0 leaves a separate type encoder as it is, which is fastest."}
    )
    head_learning_rate: float | None = field(default=None, metadata={"help": "By default 5 times learning_rate."})
    early_stopping_patience: int | None = field(
        default=None, metadata={"help": "Stop after this many evaluations without a better F1."}
    )
    overwrite_output_dir: bool = field(default=False, metadata={"help": "Train into a folder that already holds a training."})

    def __post_init__(self) -> None:
        self.objective = Objective.parse(self.loss)
        _one_of("format", self.format, FORMATS)
        _one_of("candidates", self.candidates, CANDIDATES)
        _one_of("type_texts", self.type_texts, TYPE_TEXTS)
        if self.type_pooling is not None:
            _one_of("type_pooling", self.type_pooling, POOLINGS)
        _at_least(self, 3, "head_size")  # two are constants
        _at_least(self, 1, "max_span_width", "max_train_samples", "max_eval_samples", "early_stopping_patience")
        _at_least(self, 1, "max_types_per_pass")
        _at_least(
            self, 0, "num_negative_types", "type_encoder_learning_rate", "head_learning_rate", "type_anchor", "background_weight"
        )
        meant = nearest(self.type_encoder, ("shared", "separate"), otherwise="")
        if self.type_encoder not in {"shared", "separate"} and meant and not Path(self.type_encoder).exists():
            raise InputError(f'type_encoder: unknown value "{self.type_encoder}"; {meant}')
        if self.type_anchor and self.type_encoder != "shared":
            raise InputError(f'type_anchor holds one tower for texts and types, not type_encoder "{self.type_encoder}"; drop one')
        for name in ("type_dropout", "dropout"):
            if not 0 <= (getattr(self, name) or 0) < 1:
                raise InputError(f"{name} must lie in [0, 1), got {getattr(self, name)}")


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
    ddp_find_unused_parameters: bool | None = field(default=False)  # every weight that is built is used
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
        if self.disable_tqdm is None:
            self.disable_tqdm = False  # else transformers hides the progress bar with its own messages
        if self.report_to is None:
            self.report_to = "tensorboard" if find_spec("tensorboard") else "none"
        _one_of("report_to", self.report_to, ["all", "none", *INTEGRATION_TO_CALLBACK])
        if self.report_to not in {"all", "none", *get_available_reporting_integrations()}:
            raise InputError(f'report_to: "{self.report_to}" is not installed; install it, or give "none"')
        _one_of("train_sampling_strategy", self.train_sampling_strategy, ("random", "sequential", "group_by_length"))
        _one_of("metric_for_best_model", str(self.metric_for_best_model).removeprefix("eval_"), ("f1", "precision", "recall"))
        _at_least(self, 1, "per_device_train_batch_size", "per_device_eval_batch_size", "gradient_accumulation_steps")
        _at_least(self, 0, "learning_rate", "num_train_epochs", "seed", "weight_decay", "warmup_steps")
        super().__post_init__()


def _one_of(name: str, value: str, valid: Any) -> None:
    if value not in valid:
        raise InputError(f'{name}: unknown value "{value}"; {nearest(value, valid)}')


def _at_least(group: Any, lowest: int, *names: str) -> None:
    for name in names:
        value = getattr(group, name)
        if value is not None and not value >= lowest:
            raise InputError(f"{name} must be at least {lowest}, got {value}")


