"""Define the configuration of a training: its keys, their defaults, and the check of their values.

Keys of `transformers.TrainingArguments` keep their names and meaning.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from importlib.util import find_spec
from multiprocessing import get_all_start_methods
from pathlib import Path
from typing import Any

import torch
from transformers import TrainingArguments
from transformers.integrations.integration_utils import INTEGRATION_TO_CALLBACK, get_available_reporting_integrations

from spanmatch.batching.candidates import CANDIDATES
from spanmatch.config import POOLINGS
from spanmatch.data.line_breaks import LINE_BREAKS
from spanmatch.data.words import FORMATS
from spanmatch.errors import InputError, nearest
from spanmatch.model.devices import cpu_has_bfloat16
from spanmatch.model.pretrained import DEFAULT_ENCODER
from spanmatch.training.objective import Objective

TYPE_TEXTS = ("both", "name", "mixed")


def key(default: Any, text: str) -> Any:
    """Return a field of a configuration.

    Args:
        default: its default.
        text: its help text, which `--help` prints.
    """
    return field(default=default, metadata={"help": text})


@dataclass(kw_only=True)
class DataArguments:
    """Holds what every training is about: the data, and the folder that it writes to.

    The help text of each field says what it means.

    Raises:
        InputError: a value is not valid.
    """

    train_file: list[str] = field(
        default_factory=list,
        metadata={"help": "Data to train on: a JSONL file, several, a glob, a DatasetDict folder or a hub id."},
    )
    validation_file: list[str] = field(
        default_factory=list, metadata={"help": "As train_file: data to choose the best checkpoint and the thresholds with."}
    )
    test_file: list[str] = field(default_factory=list, metadata={"help": "As train_file: data that do_predict evaluates on."})
    format: str = key("text", "How gold spans are read: text (offsets of characters) or tokens (offsets of words).")
    text_column: str | None = key(None, "Column of the text, where the files are tables (CSV, TSV).")
    token_column: str | None = key(None, "Column of the tokens, in a table or in columns: a name or a number (-1: last).")
    tag_column: str | None = key(None, "Column of the tags, there or in a DatasetDict.")
    entity_types: str | None = key(None, "JSON file {label: description} with the types that every text is annotated for.")
    skip_invalid: bool = key(False, "Skip records that cannot be read, and report how many.")
    max_train_samples: int | None = key(None, "Read at most this many training examples; None: all.")
    max_eval_samples: int | None = key(None, "Read at most this many examples of validation_file and of test_file; None: all.")

    early_stopping_patience: int | None = key(None, "Stop after this many evaluations without a better F1; None: never.")
    overwrite_output_dir: bool = key(False, "Train into a folder that already holds a training, and replace it.")

    def __post_init__(self) -> None:
        check_choice("format", self.format, FORMATS)
        check_at_least(self, 1, "max_train_samples", "max_eval_samples", "early_stopping_patience")


@dataclass(kw_only=True)
class LoraArguments(DataArguments):
    """Adds adapters of low rank (LoRA).

    The help text of each field says what it means.

    Raises:
        InputError: a value is not valid.
    """

    lora_rank: int = key(0, "Train adapters of this rank instead of all weights (LoRA, pip install 'spanmatch[lora]'); 0: all.")
    lora_alpha: float | None = key(None, "LoRA: scale of the adapters; None: twice the rank.")
    lora_dropout: float = key(0.05, "LoRA: dropout before the adapters, in [0, 1).")
    lora_targets: str = key("all-linear", "LoRA: names of the layers that get an adapter, with commas between them.")

    def __post_init__(self) -> None:
        super().__post_init__()
        check_at_least(self, 0, "lora_rank", "lora_dropout")
        if self.lora_dropout >= 1:
            raise InputError(f"lora_dropout must lie in [0, 1), got {self.lora_dropout}")

    @property
    def adapters(self) -> dict[str, Any]:
        """Return what `model.lora` makes adapters of."""
        return {name: getattr(self, f"lora_{name}") for name in ("rank", "alpha", "dropout", "targets")}


@dataclass(kw_only=True)
class MatcherArguments(LoraArguments):
    """Holds what a training is about: the data, the model and the objective.

    The help text of each field says what it means; `train_bi_encoder.py --help` prints them all.

    Attributes:
        objective: the objective, as read from `loss`.

    Raises:
        InputError: a value is not valid.
    """

    pretrained_model_name_or_path: str | None = key(None, "Spanmatch checkpoint to train further, instead of a new model.")
    text_encoder: str = key(
        DEFAULT_ENCODER,
        "Hub id or folder of the encoder that reads texts; or a checkpoint of the other architecture, whose encoder is taken.",
    )
    type_encoder: str = key("shared", "Encoder of types: shared (the text encoder), separate (a copy of it), hub id or folder.")
    type_pooling: str | None = key(None, "How a type's tokens become one vector: mean or cls; None: as the encoder was trained.")
    normalize_types: bool = key(
        False, "Give all types vectors of one length, whether named or described; separate encoders that learned it always do."
    )
    head_size: int = key(128, "Number of dimensions in which spans and types are compared.")
    candidates: str = key("words", "Unit of which candidate spans are made: words or subwords.")
    max_span_width: int = key(12, "Width of the widest candidate span, in words or subwords.")
    line_breaks: str = key("auto", "Line breaks that candidate spans cross: auto (those that wrap prose), cross (all), never.")
    max_length: int | None = key(
        None, "Window of the text encoder in subwords; None: one that holds 99 percent of the training texts."
    )
    max_types_per_pass: int | None = key(
        None, "Cross-encoder: most types read with a text in one pass; None: as many as a training text has, at most 32."
    )

    loss: str = key("bce", 'Objective: bce, focal or contrastive, or JSON {"name": ..., option: value}.')
    type_texts: str = key("both", "How types are shown: both (name: description), name, or mixed (drawn anew for each text).")
    num_negative_types: int = key(30, "Number of types without a mention that are drawn for each text.")
    type_dropout: float = key(0.0, "Share of the types of a text that is left out at random, in [0, 1).")
    type_anchor: float = key(
        0.0,
        "Weight of a penalty that keeps the encoding of types near what it was before the training; 0: no penalty. "
        "Above 0, a bi-encoder matches texts with the types as they were encoded before the training.",
    )
    background_weight: float = key(
        0.0,
        "Strength of the hubness correction, which lowers a general type (person) beside a special one of its list (writer) that "
        "it would win over; 0: none. For types never trained, 1 is good in a bi-encoder.",
    )
    start_share: float = key(
        0.0,
        "Share of the checkpoint that is trained further in the mean of its weights before and after the training, in [0, 1): "
        "keeps what it knew of other types.",
    )
    teacher: str | None = key(None, "Bi-encoder whose scores of all types in all texts are targets, too; None: none.")
    teacher_weight: float = key(0.5, "Share of the teacher's targets in the loss, in (0, 1]; the rest is that of the annotation.")
    teacher_temperature: float = key(
        1.0, "What the teacher's logits are divided by: below 1, its scores are nearer to 0 and 1."
    )
    teacher_types: int = key(32, "Types of the whole data that are drawn for each batch, for the teacher to say where they are.")
    dropout: float | None = key(None, "Dropout of the encoders, in [0, 1); None: as they were trained.")
    type_encoder_learning_rate: float | None = key(
        None, "Learning rate of a separate type encoder; 0 freezes it, which is fastest; None: learning_rate, 0 beside adapters."
    )
    head_learning_rate: float | None = key(None, "Learning rate of the scoring head; None: 5 times learning_rate.")
    lora_rank: int = key(
        0, "Train adapters of this rank in the text encoder instead of its weights (LoRA, pip install 'spanmatch[lora]'); 0: all."
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        self.objective = Objective.parse(self.loss)
        check_choice("candidates", self.candidates, CANDIDATES)
        check_choice("line_breaks", self.line_breaks, LINE_BREAKS)
        check_choice("type_texts", self.type_texts, TYPE_TEXTS)
        if self.type_pooling is not None:
            check_choice("type_pooling", self.type_pooling, POOLINGS)
        check_at_least(self, 3, "head_size")  # two dimensions are constants, see `model.head`
        check_at_least(self, 1, "max_span_width", "max_types_per_pass")
        check_at_least(self, 0, "num_negative_types", "type_encoder_learning_rate", "head_learning_rate")
        check_at_least(self, 0, "type_anchor", "background_weight", "teacher_types")
        meant = nearest(self.type_encoder, ("shared", "separate"), otherwise="")
        if self.type_encoder not in {"shared", "separate"} and meant and not Path(self.type_encoder).exists():
            raise InputError(f'type_encoder: unknown value "{self.type_encoder}"; {meant}')
        if self.type_anchor and self.type_encoder != "shared":
            raise InputError(f'type_anchor needs type_encoder "shared", got "{self.type_encoder}"; drop one of the two')
        if self.teacher and self.objective.null_slots:
            raise InputError(f'teacher: "{self.objective.name}" learns no probabilities, so none can be taught; use "bce"')
        if not 0 < self.teacher_weight <= 1:
            raise InputError(f"teacher_weight must lie in (0, 1], got {self.teacher_weight}")
        if not 0 < self.teacher_temperature < float("inf"):
            raise InputError(f"teacher_temperature must be above 0, got {self.teacher_temperature}")
        for name in ("type_dropout", "dropout", "start_share"):
            if not 0 <= (getattr(self, name) or 0) < 1:
                raise InputError(f"{name} must lie in [0, 1), got {getattr(self, name)}")

    @property
    def type_rate(self) -> float | None:
        """Return the learning rate of a separate type encoder, None for that of the text encoder.

        The high rate of adapters would spoil weights: a separate type encoder beside them is frozen, unless a rate is given.
        """
        return 0 if self.type_encoder_learning_rate is None and self.lora_rank else self.type_encoder_learning_rate


@dataclass(kw_only=True)
class MatcherTrainingArguments(TrainingArguments):
    """Holds `transformers.TrainingArguments`, with defaults that suit a span matcher.

    Raises:
        InputError: a value is not valid.
    """

    output_dir: str | None = key("models/matcher", "Folder of the checkpoints and of the final model.")
    per_device_train_batch_size: int = key(32, "Texts of a training batch, for each process.")
    per_device_eval_batch_size: int = key(32, "Texts of an evaluation batch, for each process.")
    learning_rate: float = key(1e-4, "Learning rate of the text encoder.")
    num_train_epochs: float = key(1.0, "Number of passes over the training data.")
    warmup_steps: float = key(0.1, "Steps in which the learning rate rises from 0; below 1: their share of all steps.")
    weight_decay: float = key(0.01, "Weight decay, for all weights but biases and normalisation.")
    optim: str = key("adamw_torch_fused", "Optimizer.")
    train_sampling_strategy: str = key("group_by_length", "Order of the texts: random, sequential or group_by_length.")
    logging_steps: float = key(20, "Log the loss every so many steps; below 1: this share of all steps.")
    logging_nan_inf_filter: bool = key(False, "Log a loss that is NaN as the average of the losses before it.")
    save_total_limit: int | None = key(2, "Number of checkpoints to keep; the best one is always kept.")
    # False, because every weight that is built is used: the search for unused ones would cost time.
    ddp_find_unused_parameters: bool | None = key(False, "Search for weights without a gradient in each step.")
    bf16: bool | None = key(None, "Mixed precision; None: where the machine computes it natively.")  # type: ignore[assignment]
    do_train: bool = key(True, "Train.")
    do_eval: bool | None = key(None, "Evaluate and calibrate on validation_file; None: if it is given.")  # type: ignore[assignment]
    do_predict: bool | None = key(None, "Evaluate on test_file; None: if it is given.")  # type: ignore[assignment]
    eval_strategy: str | None = key(None, "When to evaluate: no, steps or epoch; None: as save_strategy.")  # type: ignore[assignment]
    save_strategy: str = key("epoch", "When to save a checkpoint: no, steps, epoch or best.")
    load_best_model_at_end: bool | None = key(None, "Keep the best checkpoint; None: if evaluated.")  # type: ignore[assignment]
    metric_for_best_model: str | None = key("f1", "What makes a checkpoint the best: f1, precision or recall.")
    greater_is_better: bool | None = key(True, "The highest metric is the best.")
    report_to: str | None = key(None, "Where to log: tensorboard, wandb, ..., none; None: tensorboard, if installed.")

    def __post_init__(self) -> None:
        if self.bf16 is None:
            native = torch.cuda.is_bf16_supported(including_emulation=False) if torch.cuda.is_available() else cpu_has_bfloat16()
            self.bf16 = bool(native and not self.fp16)
        if not torch.cuda.is_available() and not torch.backends.mps.is_available():
            self.use_cpu = True  # TrainingArguments refuses bf16 on a CPU without it
        settle_evaluation(self)
        if self.disable_tqdm is None:
            self.disable_tqdm = False  # by default, transformers hides the bar when its messages are hidden
        if self.report_to is None:
            self.report_to = "tensorboard" if find_spec("tensorboard") else "none"
        check_choice("report_to", self.report_to, ["all", "none", *INTEGRATION_TO_CALLBACK])
        if self.report_to not in {"all", "none", *get_available_reporting_integrations()}:
            raise InputError(f'report_to: "{self.report_to}" is not installed; install it, or give "none"')
        check_choice("train_sampling_strategy", self.train_sampling_strategy, ("random", "sequential", "group_by_length"))
        check_choice(
            "metric_for_best_model", str(self.metric_for_best_model).removeprefix("eval_"), ("f1", "precision", "recall")
        )
        check_at_least(self, 1, "per_device_train_batch_size", "per_device_eval_batch_size", "gradient_accumulation_steps")
        check_at_least(self, 0, "learning_rate", "num_train_epochs", "seed", "weight_decay", "warmup_steps")
        check_at_least(self, 0, "dataloader_num_workers")
        if self.dataloader_multiprocessing_context is not None:
            check_choice("dataloader_multiprocessing_context", self.dataloader_multiprocessing_context, get_all_start_methods())
        super().__post_init__()


def settle_evaluation(given: Any) -> None:
    """Decide in place when a training evaluates, and whether it keeps the best checkpoint, where the configuration does not.

    Args:
        given: has the keys of `MatcherTrainingArguments`.
    """
    if given.eval_strategy is None:
        saves = "epoch" if given.save_strategy == "best" else given.save_strategy
        given.eval_strategy = saves if given.do_eval else "no"
        given.eval_steps = given.eval_steps or (given.save_steps if given.eval_strategy == "steps" else None)
    if given.load_best_model_at_end is None:
        keeps_best = given.save_strategy in {"best", given.eval_strategy}
        given.load_best_model_at_end = keeps_best and given.eval_strategy != "no"


def check_choice(name: str, value: str, valid: Collection[str]) -> None:
    """Raise an error that names the key unless its value is one of the valid ones.

    Args:
        name: the key.
        value: its value.
        valid: the valid ones.

    Raises:
        InputError: it is none of them; the message has the nearest.
    """
    if value not in valid:
        raise InputError(f'{name}: unknown value "{value}"; {nearest(value, valid)}')


def check_at_least(group: Any, lowest: int, *names: str) -> None:
    """Raise an error that names the key unless each of these fields is None or at least as high as asked.

    Args:
        group: has the fields.
        lowest: the lowest value.
        names: the fields.

    Raises:
        InputError: one is lower.
    """
    for name in names:
        value = getattr(group, name)
        if value is not None and not value >= lowest:
            raise InputError(f"{name} must be at least {lowest}, got {value}")
