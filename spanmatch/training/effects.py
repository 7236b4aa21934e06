"""Know which keys of a training have an effect, and refuse a key that a user set in vain.

Keys that only a launch of several processes reads (`ddp_...`, `fsdp...`) are not here: one configuration serves both.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from itertools import chain
from types import SimpleNamespace
from typing import Any

from spanmatch.errors import InputError
from spanmatch.training.arguments import MatcherArguments, MatcherTrainingArguments, settle_evaluation

# Keys of TrainingArguments that no code here reads.
NO_EFFECT = {
    "label_smoothing_factor", "label_names", "remove_unused_columns", "prediction_loss_only", "include_for_metrics",
    "batch_eval_metrics", "eval_do_concat_batches", "eval_use_gather_object", "eval_accumulation_steps", "length_column_name",
    "neftune_noise_alpha", "use_cache", "use_liger_kernel", "liger_kernel_config", "include_num_input_tokens_seen",
    "bf16_full_eval", "fp16_full_eval", "average_tokens_across_devices", "data_seed",
}  # fmt: skip
# Keys that say how a new model is built. A checkpoint has been built already, so they cannot go with one.
OF_NEW_MODELS = {
    "text_encoder", "type_encoder", "type_pooling", "normalize_types", "head_size", "candidates", "max_span_width", "line_breaks",
    "max_length", "max_types_per_pass", "background_weight",
}  # fmt: skip
# Keys that are read where nothing is trained. All others then have no effect.
WITHOUT_TRAINING = OF_NEW_MODELS - {"background_weight"} | {
    "pretrained_model_name_or_path", "validation_file", "test_file", "format", "text_column", "token_column", "tag_column",
    "entity_types", "skip_invalid", "max_eval_samples", "per_device_eval_batch_size", "loss", "output_dir", "do_train",
    "do_eval", "do_predict", "seed", "bf16", "fp16", "tf32", "use_cpu", "disable_tqdm", "report_to", "local_rank",
    "ddp_backend", "ddp_timeout", "accelerator_config",
}  # fmt: skip
OF_BEST = ("metric_for_best_model", "greater_is_better")
OF_EVALUATIONS = ("eval_strategy", "eval_steps", "eval_delay", "early_stopping_patience", "load_best_model_at_end")
OF_ADAM = ("adam_beta1", "adam_beta2", "adam_epsilon")
# A value that asks for nothing, so nobody believes in its effect.
ASKS_NOTHING: tuple[Any, ...] = (None, False, 0, "no", "none", "", [])


@dataclass(frozen=True, kw_only=True)
class Rule:
    """Says when keys have no effect.

    Attributes:
        keys: the keys.
        when: returns whether they have none in a configuration.
        why: the end of "has no effect ...".
        remedy: what gives them an effect; None if they can only be removed.
        causes: keys of the same configuration that decide it. If one of them is on the command line, a key of the file is
            not refused: it is overridden, as by a key of its own name.
        even_zero: whether a value of 0 asks for something.
    """

    keys: Collection[str]
    when: Callable[[Any], bool]
    why: str
    remedy: str | None = None
    causes: Sequence[str] = ()
    even_zero: bool = False


_ALL_KEYS = {item.name for item in chain(fields(MatcherArguments), fields(MatcherTrainingArguments))}

# `given` has all keys of a configuration, with their defaults where the user did not set them.
# The first ones are of every training.
TRAINER_RULES = (
    Rule(
        keys=["validation_file"],
        when=lambda given: given.do_eval is False,
        why="where do_eval is false",
        causes=["do_eval"],
    ),
    Rule(
        keys=["test_file"],
        when=lambda given: given.do_predict is False,
        why="where do_predict is false",
        causes=["do_predict"],
    ),
    Rule(
        keys=["max_eval_samples", "per_device_eval_batch_size"],
        when=lambda given: not given.do_eval and not given.do_predict,
        why="where nothing is evaluated",
        remedy="give a validation_file or a test_file",
        causes=["do_eval", "do_predict"],
    ),
    Rule(
        keys=[*OF_EVALUATIONS, *OF_BEST, "eval_on_start"],
        when=lambda given: not given.do_eval,
        why="without data to evaluate on",
        remedy="give a validation_file",
        causes=["do_eval"],
    ),
    Rule(
        keys=["eval_delay", "early_stopping_patience", "load_best_model_at_end"],
        when=lambda given: given.eval_strategy == "no",
        why="without evaluation during the training",
        remedy="give an eval_strategy beside the validation_file",
        causes=["eval_strategy", "save_strategy"],
    ),
    Rule(
        keys=["eval_steps"],
        when=lambda given: given.eval_strategy != "steps",
        why='unless "eval_strategy" is "steps"',
        remedy='give "eval_strategy": "steps"',
        causes=["eval_strategy", "save_strategy"],
    ),
    Rule(
        keys=["early_stopping_patience", *OF_BEST],
        when=lambda given: not given.load_best_model_at_end and given.save_strategy != "best",
        why="where no best checkpoint is kept",
        remedy="give eval_strategy and save_strategy the same value",
        causes=["eval_strategy", "save_strategy", "load_best_model_at_end"],
    ),
    Rule(
        keys=["save_steps"],
        when=lambda given: given.save_strategy != "steps",
        why='unless "save_strategy" is "steps"',
        remedy='give "save_strategy": "steps"',
        causes=["save_strategy"],
    ),
    Rule(
        keys=["save_strategy"],
        when=lambda given: given.save_strategy == "best" and given.eval_strategy == "no",
        why='as "best" without evaluation during the training',
        remedy="give a validation_file",
        causes=["eval_strategy"],
    ),
    Rule(
        keys=["save_total_limit", "save_only_model", "save_on_each_node"],
        when=lambda given: given.save_strategy == "no",
        why="where no checkpoint is saved",
        remedy="give a save_strategy",
        causes=["save_strategy"],
    ),
    Rule(
        keys=["logging_steps"],
        when=lambda given: given.logging_strategy != "steps",
        why='unless "logging_strategy" is "steps"',
        causes=["logging_strategy"],
    ),
    Rule(
        keys=["num_train_epochs"],
        when=lambda given: given.max_steps > 0,
        why="beside max_steps, which counts",
        causes=["max_steps"],
        even_zero=True,
    ),
    Rule(
        keys=["warmup_steps", "lr_scheduler_kwargs"],
        when=lambda given: given.lr_scheduler_type == "constant",
        why="on a constant learning rate",
        remedy='give another lr_scheduler_type, such as "constant_with_warmup"',
        causes=["lr_scheduler_type"],
    ),
    Rule(
        keys=OF_ADAM,
        when=lambda given: given.optim in {"sgd", "adagrad", "rmsprop", "adafactor", "lomo", "adalomo", "schedule_free_sgd"},
        why="on an optimizer that is no Adam",
        causes=["optim"],
        even_zero=True,
    ),
    Rule(
        keys=["optim_args", "optim_target_modules"],
        when=lambda given: given.optim in {"adamw_torch", "adamw_torch_fused", "adafactor"},
        why="on this optimizer",
        remedy="give an optim that has further options",
        causes=["optim"],
    ),
    Rule(
        keys=["dataloader_persistent_workers", "dataloader_prefetch_factor", "dataloader_multiprocessing_context"],
        when=lambda given: not given.dataloader_num_workers,
        why="without workers that load data",
        remedy="give dataloader_num_workers",
        causes=["dataloader_num_workers"],
    ),
    Rule(
        keys=["gradient_checkpointing_kwargs", "activation_checkpointing_kwargs"],
        when=lambda given: not (given.gradient_checkpointing or given.activation_checkpointing),
        why="without gradient_checkpointing",
        remedy="switch it on",
        causes=["gradient_checkpointing", "activation_checkpointing"],
    ),
    Rule(
        keys=["ignore_data_skip", "restore_callback_states_from_checkpoint"],
        when=lambda given: str(given.resume_from_checkpoint or "false").lower() in {"false", "0", "no"},
        why="where no training is resumed",
        remedy="give resume_from_checkpoint",
    ),
    Rule(
        keys=["hub_model_id", "hub_strategy", "hub_private_repo", "hub_always_push", "hub_revision", "hub_token"],
        when=lambda given: not given.push_to_hub,
        why="without push_to_hub",
        remedy="switch it on",
        causes=["push_to_hub"],
    ),
    Rule(
        keys=["run_name"],
        when=lambda given: given.report_to in ("none", [], ["none"]),
        why="where nothing is reported",
        remedy="give report_to",
        causes=["report_to"],
    ),
    Rule(
        keys=["project", "trackio_space_id", "trackio_bucket_id", "trackio_static_space_id"],
        when=lambda given: "trackio" not in (given.report_to or ()) and given.report_to != "all",
        why="without the reporter that reads it",
        remedy='give "report_to": "trackio"',
        causes=["report_to"],
    ),
    Rule(
        keys=["fsdp_config"],
        when=lambda given: not given.fsdp,
        why="without fsdp",
        remedy="give fsdp",
        causes=["fsdp"],
    ),
)

LORA_RULE = Rule(
    keys=["lora_alpha", "lora_dropout", "lora_targets"],
    when=lambda given: not given.lora_rank,
    why="where no adapters are trained",
    remedy="give lora_rank",
    causes=["lora_rank"],
    even_zero=True,
)

OF_TEACHERS = ("teacher", "teacher_weight", "teacher_temperature", "teacher_types")

# Those of matchers, for which `given` has the architecture, too.
RULES = (
    Rule(keys=["max_types_per_pass"], when=lambda given: given.architecture == "bi", why="in a bi-encoder"),
    Rule(
        keys=["type_pooling", "normalize_types"],
        when=lambda given: given.architecture == "cross" and given.type_encoder == "shared",
        why="in a cross-encoder that reads types behind texts only",
        remedy='give "type_encoder": "separate"',
    ),
    Rule(keys=OF_TEACHERS, when=lambda given: given.architecture == "cross", why="in a cross-encoder", even_zero=True),
    Rule(
        keys=OF_NEW_MODELS,
        when=lambda given: bool(given.pretrained_model_name_or_path),
        why="beside pretrained_model_name_or_path",
        even_zero=True,
    ),
    Rule(
        keys=["start_share"],
        when=lambda given: not given.pretrained_model_name_or_path,
        why="without pretrained_model_name_or_path",
        remedy="give a checkpoint to train further",
        causes=["pretrained_model_name_or_path"],
    ),
    Rule(
        keys=_ALL_KEYS - WITHOUT_TRAINING,
        when=lambda given: not given.do_train,
        why="where do_train is false",
        remedy="train",
        causes=["do_train"],
        even_zero=True,
    ),
    Rule(
        keys=["loss"],
        when=lambda given: not given.do_train and bool(given.pretrained_model_name_or_path),
        why="on a checkpoint that is not trained further",
        causes=["do_train", "pretrained_model_name_or_path"],
    ),
    Rule(
        keys=["type_encoder_learning_rate"],
        when=lambda given: given.type_encoder == "shared" and not given.pretrained_model_name_or_path,
        why="where texts and types share an encoder",
        remedy='give "type_encoder": "separate"',
        even_zero=True,
    ),
    Rule(
        keys=OF_TEACHERS[1:],
        when=lambda given: not given.teacher,
        why="without a teacher",
        remedy="give a teacher",
        causes=["teacher"],
    ),
    LORA_RULE,
    *TRAINER_RULES,
)


def refuse_without_effect(
    values: Mapping[str, Any],
    rules: Sequence[Rule],
    defaults: Mapping[str, Any],
    of_file: Mapping[str, str],
    of_command_line: Collection[str],
) -> None:
    """Raise an error for the first key that the user set and that has no effect.

    Args:
        values: all keys of the configuration with their values, and whatever else the rules look at.
        rules: say when keys have no effect.
        defaults: all keys, with their defaults.
        of_file: the keys that the configuration file sets, with their places (`file:line: `).
        of_command_line: the keys that the command line sets; they win.

    Raises:
        InputError: a key has no effect; the message says why, and what would give it one.
    """
    given = SimpleNamespace(**values)
    settle_evaluation(given)
    for rule in rules:
        if not rule.when(given):
            continue
        for key in sorted({*of_file, *of_command_line} & set(rule.keys)):
            if _is_unchanged(values[key], defaults[key], rule):
                continue
            if key not in of_command_line and set(rule.causes) & set(of_command_line):
                continue
            where = "" if key in of_command_line else of_file[key]
            remedy = f"{rule.remedy}, or remove it" if rule.remedy else "remove it"
            raise InputError(f'{where}"{key}" has no effect {rule.why}; {remedy}')


def check_towers(arguments: MatcherArguments, checkpoint: str, *, is_shared: bool) -> None:
    """Refuse keys of a training that the encoders of a checkpoint leave without effect.

    Args:
        arguments: the configuration.
        checkpoint: name of the checkpoint that the training starts from.
        is_shared: whether texts and types share an encoder in it.

    Raises:
        InputError: a key suits encoders of the other kind.
    """
    if is_shared and arguments.type_encoder_learning_rate is not None:
        why = "where texts and types share an encoder, as they do in"
        raise InputError(f'"type_encoder_learning_rate" has no effect {why} {checkpoint}; remove it')
    if not is_shared and arguments.type_anchor:
        remedy = 'remove it; "type_encoder_learning_rate": 0 keeps the type encoder as it is'
        raise InputError(f'"type_anchor" needs an encoder that texts and types share, {checkpoint} has two; {remedy}')


def _is_unchanged(value: Any, default: Any, rule: Rule) -> bool:
    """Return whether a value is the default, or asks for nothing. (0 equals False, so it has to be told apart.)"""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return value == default or (value in ASKS_NOTHING and not (rule.even_zero and is_number))


def defaults_of(groups: Sequence[type]) -> dict[str, Any]:
    """Return the keys of a configuration, with their defaults.

    Args:
        groups: the dataclasses that define them.
    """
    return {
        item.name: item.default_factory() if item.default_factory is not MISSING else item.default
        for group in groups
        for item in fields(group)
        if item.init
    }
