"""A key that a user set and that has no effect is refused, with the reason and what would give it one."""

import json
from pathlib import Path
from typing import Any

import pytest
from helpers_bad_input import Place, assert_refused, training
from helpers_e2e import ROOT, train, trained_checkpoint

from spanmatch.errors import InputError
from spanmatch.training.arguments import MatcherArguments, MatcherTrainingArguments
from spanmatch.training.config_file import read_config
from spanmatch.training.effects import NO_EFFECT, OF_NEW_MODELS, RULES, WITHOUT_TRAINING

TRAIN = {"train_file": "a.jsonl"}
BOTH = TRAIN | {"validation_file": "b.jsonl"}
UNTRAINED = {"do_train": False, "pretrained_model_name_or_path": "model", "test_file": "b.jsonl"}
STEPS = {"save_strategy": "steps", "save_steps": 10}

# What a user sets, and the key that has no effect then.
IN_VAIN: list[tuple[str, dict[str, Any], str]] = [
    ("bi", TRAIN | {"label_smoothing_factor": 0.1}, "label_smoothing_factor"),
    ("bi", TRAIN | {"max_types_per_pass": 4}, "max_types_per_pass"),
    ("cross", TRAIN | {"type_encoder_learning_rate": 0}, "type_encoder_learning_rate"),
    ("cross", TRAIN | {"type_pooling": "cls"}, "type_pooling"),
    ("cross", TRAIN | {"normalize_types": True}, "normalize_types"),
    ("bi", TRAIN | {"pretrained_model_name_or_path": "model", "head_size": 64}, "head_size"),
    ("bi", TRAIN | {"pretrained_model_name_or_path": "model", "background_weight": 0.8}, "background_weight"),
    ("bi", TRAIN | {"start_share": 0.5}, "start_share"),
    ("bi", TRAIN | {"lora_alpha": 8}, "lora_alpha"),
    ("bi", TRAIN | {"teacher_weight": 0.2}, "teacher_weight"),
    ("bi", TRAIN | {"teacher_temperature": 0.5}, "teacher_temperature"),
    ("bi", TRAIN | {"teacher_types": 4}, "teacher_types"),
    ("cross", TRAIN | {"teacher": "model"}, "teacher"),
    ("cross", TRAIN | {"lora_dropout": 0}, "lora_dropout"),
    ("bi", TRAIN | {"type_encoder_learning_rate": 0}, "type_encoder_learning_rate"),
    ("bi", TRAIN | {"type_encoder_learning_rate": 1e-5}, "type_encoder_learning_rate"),
    ("bi", UNTRAINED | {"learning_rate": 1e-3}, "learning_rate"),
    ("bi", UNTRAINED | {"learning_rate": 0}, "learning_rate"),
    ("bi", UNTRAINED | {"train_file": "a.jsonl"}, "train_file"),
    ("bi", UNTRAINED | {"loss": "focal"}, "loss"),
    ("bi", UNTRAINED | {"type_anchor": 1}, "type_anchor"),
    ("bi", UNTRAINED | {"dropout": 0}, "dropout"),
    ("bi", UNTRAINED | {"max_train_samples": 4}, "max_train_samples"),
    ("bi", UNTRAINED | {"resume_from_checkpoint": True}, "resume_from_checkpoint"),
    ("bi", UNTRAINED | {"overwrite_output_dir": True}, "overwrite_output_dir"),
    ("bi", BOTH | {"do_eval": False}, "validation_file"),
    ("bi", TRAIN | {"test_file": "b.jsonl", "do_predict": False}, "test_file"),
    ("bi", TRAIN | {"max_eval_samples": 4}, "max_eval_samples"),
    ("bi", TRAIN | {"per_device_eval_batch_size": 4}, "per_device_eval_batch_size"),
    ("bi", TRAIN | {"early_stopping_patience": 2}, "early_stopping_patience"),
    ("bi", TRAIN | {"eval_strategy": "epoch"}, "eval_strategy"),
    ("bi", TRAIN | {"eval_steps": 4}, "eval_steps"),
    ("bi", TRAIN | {"eval_on_start": True}, "eval_on_start"),
    ("bi", TRAIN | {"metric_for_best_model": "recall"}, "metric_for_best_model"),
    ("bi", TRAIN | {"save_strategy": "best"}, "save_strategy"),
    ("bi", BOTH | {"eval_strategy": "no", "eval_delay": 1}, "eval_delay"),
    ("bi", BOTH | {"eval_strategy": "no", "early_stopping_patience": 1}, "early_stopping_patience"),
    ("bi", BOTH | {"save_strategy": "no", "early_stopping_patience": 1}, "early_stopping_patience"),
    ("bi", BOTH | {"eval_strategy": "steps", "eval_steps": 5, "early_stopping_patience": 1}, "early_stopping_patience"),
    ("bi", BOTH | {"load_best_model_at_end": False, "metric_for_best_model": "recall"}, "metric_for_best_model"),
    ("bi", BOTH | {"eval_steps": 5}, "eval_steps"),
    ("bi", TRAIN | {"save_steps": 5}, "save_steps"),
    ("bi", TRAIN | {"save_strategy": "no", "save_total_limit": 5}, "save_total_limit"),
    ("bi", TRAIN | {"logging_strategy": "epoch", "logging_steps": 5}, "logging_steps"),
    ("bi", TRAIN | {"max_steps": 5, "num_train_epochs": 2}, "num_train_epochs"),
    ("bi", TRAIN | {"lr_scheduler_type": "constant", "warmup_steps": 5}, "warmup_steps"),
    ("bi", TRAIN | {"optim": "sgd", "adam_beta1": 0.8}, "adam_beta1"),
    ("bi", TRAIN | {"optim_args": "momentum=0.9"}, "optim_args"),
    ("bi", TRAIN | {"dataloader_persistent_workers": True}, "dataloader_persistent_workers"),
    ("bi", TRAIN | {"dataloader_prefetch_factor": 4}, "dataloader_prefetch_factor"),
    ("bi", TRAIN | {"dataloader_multiprocessing_context": "spawn"}, "dataloader_multiprocessing_context"),
    ("bi", TRAIN | {"gradient_checkpointing_kwargs": {"use_reentrant": False}}, "gradient_checkpointing_kwargs"),
    ("bi", TRAIN | {"ignore_data_skip": True}, "ignore_data_skip"),
    ("bi", TRAIN | {"hub_model_id": "a/b"}, "hub_model_id"),
    ("bi", TRAIN | {"report_to": "none", "run_name": "x"}, "run_name"),
    ("bi", TRAIN | {"project": "x"}, "project"),
    ("bi", TRAIN | {"fsdp_config": "x.json"}, "fsdp_config"),
]
# What a user may set: it has an effect, or asks for nothing.
IN_EFFECT: list[tuple[str, dict[str, Any]]] = [
    ("bi", TRAIN | {"type_encoder": "separate", "type_encoder_learning_rate": 0}),
    ("bi", TRAIN | {"type_encoder": "separate", "type_anchor": 0}),
    ("bi", TRAIN | {"pretrained_model_name_or_path": "model", "start_share": 0.5}),
    ("bi", TRAIN | {"teacher": "model", "teacher_weight": 1}),
    ("bi", TRAIN | {"lora_rank": 8, "lora_alpha": 8, "lora_dropout": 0, "lora_targets": "query"}),
    ("cross", TRAIN | {"max_types_per_pass": 4, "type_anchor": 1}),
    ("bi", UNTRAINED | {"max_eval_samples": 3, "per_device_eval_batch_size": 2, "format": "tokens", "seed": 3}),
    ("bi", UNTRAINED | {"save_strategy": "no", "report_to": "none"}),
    ("bi", BOTH | {"early_stopping_patience": 2, "metric_for_best_model": "recall"}),
    ("bi", BOTH | STEPS | {"early_stopping_patience": 2}),
    ("bi", BOTH | {"save_strategy": "best", "metric_for_best_model": "recall", "early_stopping_patience": 2}),
    ("bi", BOTH | {"eval_strategy": "steps", "eval_steps": 5}),
    ("bi", TRAIN | {"eval_strategy": "no", "do_eval": False, "test_file": "b.jsonl", "max_eval_samples": 3}),
    ("bi", TRAIN | {"lr_scheduler_type": "constant", "warmup_steps": 0}),
    ("bi", TRAIN | {"optim": "sgd", "optim_args": "momentum=0.9"}),
    ("bi", TRAIN | {"dataloader_num_workers": 1, "dataloader_persistent_workers": True, "dataloader_prefetch_factor": 4}),
    ("bi", TRAIN | {"gradient_checkpointing": True, "gradient_checkpointing_kwargs": {"use_reentrant": False}}),
]


def names(case: Any) -> str:
    return str(case) if isinstance(case, str) else "+".join(sorted(case.keys() - UNTRAINED.keys() - TRAIN.keys()))


def on_command_line(given: dict[str, Any]) -> list[str]:
    return [f"--{key}={json.dumps(value) if isinstance(value, dict) else value}" for key, value in given.items()]


def in_file(folder: Path, given: dict[str, Any]) -> list[str]:
    (folder / "config.json").write_text(json.dumps(given, indent=1), encoding="utf-8")
    return [str(folder / "config.json")]


@pytest.mark.parametrize(("architecture", "given", "key"), IN_VAIN, ids=names)
def test_in_vain(architecture: str, given: dict[str, Any], key: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=rf'^"{key}" has no effect .*remove it$'):
        read_config(on_command_line(given), architecture)
    line = list(given).index(key) + 2
    with pytest.raises(InputError, match=rf'^{tmp_path}/config\.json:{line}: "{key}" has no effect .*remove it$'):
        read_config(in_file(tmp_path, given), architecture)


@pytest.mark.parametrize(("architecture", "given"), IN_EFFECT, ids=names)
def test_in_effect(architecture: str, given: dict[str, Any], tmp_path: Path) -> None:
    read_config(on_command_line(given), architecture)
    read_config(in_file(tmp_path, given), architecture)


def test_every_rule_is_tried() -> None:
    tried = {key for _, _, key in IN_VAIN}
    assert [rule for rule in RULES if not tried & set(rule.keys)] == []


def test_every_key_is_one() -> None:
    known = MatcherArguments.__dataclass_fields__.keys() | MatcherTrainingArguments.__dataclass_fields__.keys()
    named = {key for rule in RULES for key in [*rule.keys, *rule.causes]} | NO_EFFECT | OF_NEW_MODELS | WITHOUT_TRAINING
    assert named <= known


OF_OTHERS = ("token_classifier", "compare", "generative", "prompted")
OF_MATCHERS = [path for path in sorted((ROOT / "configs").glob("*.json")) if not path.stem.startswith(OF_OTHERS)]


@pytest.mark.parametrize("file", OF_MATCHERS, ids=lambda path: path.stem)
@pytest.mark.parametrize(
    "flags",
    [[], ["--max_steps=1"], ["--eval_strategy=no"], ["--save_strategy=no"], ["--do_train=false"], ["--optim=sgd"]],
    ids=lambda flags: "".join(flags) or "as it is",
)
def test_configurations_that_ship(file: Path, flags: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A key of the file that one of the command line makes pointless is overridden, as by its own name."""
    monkeypatch.chdir(ROOT)
    read_config([str(file), *flags], "cross" if "cross" in file.name else "bi")


def test_both_on_the_command_line(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match=r'^"num_train_epochs" has no effect beside max_steps'):
        read_config([str(ROOT / "configs" / "bi_encoder.json"), "--max_steps=1", "--num_train_epochs=4"], "bi")


def test_what_the_encoders_of_a_checkpoint_leave_without_effect(place: Place) -> None:
    """The configuration alone does not say whether a checkpoint has one encoder or two."""
    two = trained_checkpoint(place.folder / "two", place.encoder, "--type_encoder", "separate", "--max_steps", 1)
    given = {"text_encoder": None, "pretrained_model_name_or_path": place.folder / "checkpoint", "type_encoder_learning_rate": 0}
    assert_refused(place, train, training(place, **given), ['"type_encoder_learning_rate" has no effect', "share an encoder"])
    given = {"text_encoder": None, "pretrained_model_name_or_path": two, "type_anchor": 1.0}
    expected = ['"type_anchor" needs an encoder that texts and types share', '"type_encoder_learning_rate": 0']
    assert_refused(place, train, training(place, **given), expected)
