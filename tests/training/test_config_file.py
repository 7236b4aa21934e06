"""The configuration of a training: how it is read, and what is refused, in one line and with nothing written."""

import json
from functools import partial
from pathlib import Path

import pytest
from helpers_bad_input import RECORDS, Place, assert_refused, row, training
from helpers_e2e import NAMES, read_json, train, write_jsonl
from helpers_training import card_config

from spanmatch.training.config_file import read_config


def test_the_command_line_beats_the_file(encoder: Path, data: Path, tmp_path: Path) -> None:
    config = tmp_path / "config.json"
    values = {"train_file": str(data / "train.jsonl"), "text_encoder": str(encoder), "output_dir": str(tmp_path / "out")}
    values |= {"learning_rate": 1e-4, "max_steps": 1, "report_to": "none", "loss": {"name": "bce", "positive_weight": 3.0}}
    config.write_text(json.dumps(values | {"seed": 1, "head_size": 16}), encoding="utf-8")
    result = train(config, "--learning_rate", "5e-4", "--head_size", "24")
    assert result.status == 0, result.err
    shown = card_config(tmp_path / "out")
    assert (shown["learning_rate"], shown["seed"], shown["head_size"]) == (5e-4, 1, 24)
    assert read_json(tmp_path / "out" / "config.json")["head_size"] == 24
    own, _ = read_config([str(config), "--loss", "bce"], "bi")
    assert (own.objective.name, own.objective.options) == ("bce", {})


@pytest.mark.parametrize("name", ["broken JSON", "span beyond the text", "not UTF-8", "empty label"])
@pytest.mark.parametrize("key", ["train_file", "validation_file", "test_file"])
def test_records_in_training(place: Place, key: str, name: str) -> None:
    second, expected = RECORDS[name]
    file = place.file("bad.jsonl", row().encode() + b"\n" + (second.encode() if isinstance(second, str) else second))
    assert_refused(place, train, training(place, **{key: file}), [f"{file}:2: ", *expected])


@pytest.mark.parametrize(
    ("architecture", "flags", "expected"),
    [
        pytest.param(
            "bi",
            {"pretrained_model_name_or_path": "contrastive", "loss": "contrastive"},
            ["contrastive is a cross-encoder", "train_cross_encoder.py"],
            id="a cross-encoder by a bi-encoder's command",
        ),
        pytest.param(
            "cross",
            {"pretrained_model_name_or_path": "checkpoint"},
            ["checkpoint is a bi-encoder", "train_bi_encoder.py"],
            id="a bi-encoder by a cross-encoder's command",
        ),
        pytest.param(
            "bi",
            {"pretrained_model_name_or_path": "checkpoint", "loss": "contrastive"},
            ['"contrastive" does not go on from', 'trained with "bce" and has no null slots', 'use "bce"'],
            id="bce, then contrastive",
        ),
        pytest.param(
            "cross",
            {"pretrained_model_name_or_path": "contrastive", "loss": "focal"},
            ['"focal" does not go on from', 'trained with "contrastive" and scores against null slots', 'use "contrastive"'],
            id="contrastive, then focal",
        ),
        pytest.param(
            "cross",
            {"pretrained_model_name_or_path": "contrastive"},
            ['"bce" does not go on from', 'use "contrastive"'],
            id="contrastive, then the default",
        ),
        pytest.param(
            "cross",
            {"pretrained_model_name_or_path": "contrastive", "loss": "contrastive", "max_types_per_pass": 4},
            ['"max_types_per_pass" has no effect beside pretrained_model_name_or_path', "remove it"],
            id="types of a pass, asked for again",
        ),
    ],
)
def test_going_on(place: Place, architecture: str, flags: dict[str, str], expected: list[str]) -> None:
    named = flags | {"pretrained_model_name_or_path": place.folder / flags["pretrained_model_name_or_path"]}
    arguments = training(place, text_encoder=None, **named)
    assert_refused(place, partial(train, architecture=architecture), arguments, expected)


@pytest.mark.parametrize("null_slots", [["cls"], ["label_token"]])
def test_going_on_with_other_slots(place: Place, null_slots: list[str]) -> None:
    """A checkpoint trains the slots that it has: what is asked for beside them would be without effect."""
    loss = json.dumps({"name": "contrastive", "null_slots": null_slots})
    given = {"text_encoder": None, "pretrained_model_name_or_path": place.contrastive, "loss": loss}
    assert_refused(place, partial(train, architecture="cross"), training(place, **given), ["null_slots", "label_token"])


# A configuration (text, or an object that is merged into a good one), and what the message says.
CONFIGS: dict[str, tuple[str | bytes | dict[str, object], list[str]]] = {
    "broken JSON": ('{\n "train_file": "x",\n}', ["config.json:3: not JSON"]),
    "not UTF-8": (b'{"train_file": "\xe9"}', ["config.json", "UTF-8"]),
    "a list": ("[]", ["config.json: expected a JSON object"]),
    "unknown key": ({"learning_rat": 1e-4}, ["config.json:7: ", '"learning_rat"', 'did you mean "learning_rate"?']),
    "key without effect": (
        {"label_smoothing_factor": 0.1},
        ["config.json:7: ", '"label_smoothing_factor" has no effect', "remove it"],
    ),
    "word for a number": ({"learning_rate": "fast"}, ["config.json:7: ", "learning_rate", "'fast'"]),
    "list for a number": ({"learning_rate": [1, 2]}, ["config.json:7: ", "learning_rate"]),
    "object for a number": ({"learning_rate": {"a": 1}}, ["config.json:7: ", "learning_rate"]),
    "fraction for a count": ({"seed": 1.5}, ["config.json:7: ", "seed", "1.5"]),
    "word for a truth": ({"do_train": "perhaps"}, ["config.json:7: ", "do_train", "perhaps"]),
    "endless number": ({"warmup_steps": float("inf")}, ["config.json:7: ", '"warmup_steps" must be a finite number']),
    "no number": ({"head_learning_rate": float("nan")}, ["config.json:7: ", '"head_learning_rate" must be a finite number']),
    "NUL character": ({"text_encoder": "tiny\0encoder"}, ['"text_encoder" holds a NUL character', "remove it"]),
    "negative seed": ({"seed": -1}, ["seed", "-1"]),
    "negative rate": ({"learning_rate": -1.0}, ["learning_rate", "-1"]),
    "empty batch": ({"per_device_train_batch_size": 0}, ["per_device_train_batch_size", "at least 1", "0"]),
    "empty evaluation batch": ({"per_device_eval_batch_size": 0}, ["per_device_eval_batch_size", "at least 1", "0"]),
    "no accumulation": ({"gradient_accumulation_steps": 0}, ["gradient_accumulation_steps", "at least 1", "0"]),
    "no samples": ({"max_train_samples": 0}, ["max_train_samples", "at least 1", "0"]),
    "negative number of types": ({"num_negative_types": -1}, ["num_negative_types", "-1"]),
    "all types dropped": ({"type_dropout": 1.0}, ["type_dropout must lie in [0, 1)"]),
    "everything dropped": ({"dropout": 1.0}, ["dropout must lie in [0, 1), got 1.0"]),
    "negative dropout": ({"dropout": -0.1}, ["dropout must lie in [0, 1), got -0.1"]),
    "negative anchor": ({"type_anchor": -1}, ["type_anchor must be at least 0, got -1"]),
    "anchor of two towers": (
        {"type_anchor": 1.0, "type_encoder": "separate"},
        ['type_anchor needs type_encoder "shared", got "separate"', "drop one"],
    ),
    "negative background": ({"background_weight": -0.5}, ["background_weight must be at least 0, got -0.5"]),
    "no candidates": ({"max_span_width": 0}, ["max_span_width must be at least 1"]),
    "no patience": ({"early_stopping_patience": 0}, ["early_stopping_patience", "at least 1"]),
    "patience without evaluation": ({"early_stopping_patience": 2}, ["early_stopping_patience", "validation_file"]),
    "types of a pass": (
        {"max_types_per_pass": 8},
        ["config.json:7: ", '"max_types_per_pass" has no effect in a bi-encoder', "remove"],
    ),
    "unknown loss": ({"loss": "bec"}, ['unknown objective "bec"', 'did you mean "bce"?']),
    "unknown nested loss": ({"loss": {"name": "bec"}}, ['unknown objective "bec"', 'did you mean "bce"?']),
    "unknown option of a loss": (
        {"loss": {"name": "bce", "positive_wait": 2}},
        ['"positive_wait"', 'did you mean "positive_weight"?'],
    ),
    "option near one of a loss": ({"loss": {"name": "focal", "gama": 2}}, ['"gama"', 'did you mean "gamma"?']),
    "option out of range": ({"loss": {"name": "focal", "alpha": 1.5}}, ['"alpha"', "[0, 1]", "1.5"]),
    "temperature of zero": ({"loss": {"name": "contrastive", "temperature": 0}}, ['"temperature"', "above 0"]),
    "slots of a loss without": ({"loss": {"name": "bce", "null_slots": ["cls"]}}, ['"bce" has no option "null_slots"']),
    "unknown slot": ({"loss": {"name": "contrastive", "null_slots": ["clss"]}}, ['"null_slots"', "label_token, cls", "clss"]),
    "list for the name of a loss": ({"loss": {"name": ["bce"]}}, ["loss", "unknown objective"]),
    "loss that weighs nothing": ({"loss": {"name": "bce", "span_weight": 0}}, ["nothing would be learnt"]),
    "word for an option of a loss": ({"loss": {"name": "bce", "positive_weight": "big"}}, ["positive_weight", "big"]),
    "loss without a name": ({"loss": {"positive_weight": 2}}, ["loss", "name"]),
    "unknown format": ({"format": "token"}, ['format: unknown value "token"', 'did you mean "tokens"?']),
    "unknown candidates": ({"candidates": "word"}, ['candidates: unknown value "word"', 'did you mean "words"?']),
    "unknown type texts": ({"type_texts": "names"}, ['type_texts: unknown value "names"', 'did you mean "name"?']),
    "unknown pooling": ({"type_pooling": "meen"}, ['type_pooling: unknown value "meen"', 'did you mean "mean"?']),
    "unknown sampling": ({"train_sampling_strategy": "length"}, ["train_sampling_strategy", "length"]),
    "unknown optimizer": ({"optim": "adamm"}, ["adamm"]),
    "unknown schedule": ({"lr_scheduler_type": "lineer"}, ["lr_scheduler_type", "lineer"]),
    "unknown strategy": ({"save_strategy": "sometimes"}, ["sometimes"]),
    "unknown metric": (
        {"metric_for_best_model": "accuracy", "validation_file": "{folder}/good.jsonl"},
        ["metric_for_best_model", "accuracy", "f1"],
    ),
    "unknown reporter": ({"report_to": "carrier-pigeon"}, ["report_to", "carrier-pigeon"]),
    "evaluation without data": ({"do_eval": True}, ["do_eval needs validation_file"]),
    "prediction without data": ({"do_predict": True}, ["do_predict needs test_file"]),
    "no training data": ({"train_file": None}, ['"train_file" is missing', "JSONL file"]),
    "training data not there": ({"train_file": "{folder}/god.jsonl"}, ["god.jsonl: no such file", 'did you mean "good.jsonl"?']),
    "no gold": ({"train_file": "{folder}/bare.jsonl"}, ["no gold span"]),
    "window too long": ({"max_length": 4096}, ["max_length", "64", "4096"]),
    "window too short": ({"max_length": 3}, ["max_length", "8", "3"]),
    "no such encoder": (
        {"text_encoder": "{folder}/nowhere"},
        ['encoder "{folder}/nowhere" cannot be loaded', "give a hub id or a folder"],
    ),
    "no such type encoder": ({"type_encoder": "seperate"}, ['"seperate"', 'did you mean "separate"?']),
    "checkpoint as encoder": (
        {"text_encoder": "{folder}/checkpoint"},
        ["is a spanmatch checkpoint", "pretrained_model_name_or_path"],
    ),
    "built already": (
        {"pretrained_model_name_or_path": "{folder}/checkpoint", "text_encoder": None, "head_size": 64},
        ['"head_size" has no effect', "pretrained_model_name_or_path", "remove"],
    ),
    "background of what was built already": (
        {"pretrained_model_name_or_path": "{folder}/checkpoint", "text_encoder": None, "background_weight": 0.8},
        ['"background_weight" has no effect', "pretrained_model_name_or_path", "remove"],
    ),
    "encoder as checkpoint": (
        {"pretrained_model_name_or_path": "{encoder}", "text_encoder": None},
        ["an encoder, not a spanmatch checkpoint"],
    ),
    "broken encoder": ({"text_encoder": "{folder}/broken"}, ["broken", "config.json"]),
    "resumption from nothing": (
        {"resume_from_checkpoint": "{folder}/checkpoint"},
        ["resume_from_checkpoint", "is no checkpoint of a training", "checkpoint-N"],
    ),
    "output is a file": ({"output_dir": "{folder}/good.jsonl"}, ["good.jsonl", "output_dir"]),
    "output is a training": (
        {"output_dir": "{folder}/checkpoint"},
        ["already holds a training", "--resume_from_checkpoint true", "--overwrite_output_dir true"],
    ),
}


@pytest.mark.parametrize(("given", "expected"), CONFIGS.values(), ids=list(CONFIGS))
def test_configs(place: Place, given: str | bytes | dict[str, object], expected: list[str]) -> None:
    place.file("broken/config.json", "{")
    write_jsonl(place.folder / "bare.jsonl", [{"text": "Nobody was there .", "labels": sorted(NAMES)}])
    content: str | bytes
    if isinstance(given, dict):
        good = {"train_file": str(place.good), "text_encoder": str(place.encoder), "output_dir": str(place.out)}
        values = good | {"max_steps": 1, "report_to": "none"}  # the braces and these five: what is given starts in line 7
        values = {key: value for key, value in (values | given).items() if value is not None}
        content = json.dumps(values, indent=1).replace("{folder}", str(place.folder)).replace("{encoder}", str(place.encoder))
    else:
        content = given
    config = place.file("config.json", content)
    named = [part.replace("{folder}", str(place.folder)).replace("{encoder}", str(place.encoder)) for part in expected]
    assert_refused(place, train, [config], named)


# Keys of a cross-encoder's configuration, and what the message says.
CROSS_CONFIGS: dict[str, tuple[dict[str, object], list[str]]] = {
    "teacher": ({"teacher": "model"}, ['config.json:7: "teacher" has no effect in a cross-encoder', "remove it"]),
    "type pooling": (
        {"type_pooling": "mean"},
        ['config.json:7: "type_pooling" has no effect in a cross-encoder that reads types behind texts only', "separate"],
    ),
    "rate of the type encoder": (
        {"type_encoder_learning_rate": 1e-4},
        ['config.json:7: "type_encoder_learning_rate" has no effect where texts and types share an encoder'],
    ),
    "negative anchor": ({"type_anchor": -1}, ["type_anchor must be at least 0, got -1"]),
    "no types of a pass": ({"max_types_per_pass": 0}, ["max_types_per_pass must be at least 1, got 0"]),
    "window without room for types": ({"max_length": 60}, ["max_length", "8", "32", "60"]),
}


@pytest.mark.parametrize(("given", "expected"), CROSS_CONFIGS.values(), ids=list(CROSS_CONFIGS))
def test_cross_configs(place: Place, given: dict[str, object], expected: list[str]) -> None:
    values = {"train_file": str(place.good), "text_encoder": str(place.encoder), "output_dir": str(place.out)}
    content = json.dumps(values | {"max_steps": 1, "report_to": "none"} | given, indent=1)
    config = place.file("config.json", content)
    assert_refused(place, partial(train, architecture="cross"), [config], expected)


@pytest.mark.parametrize(("architecture", "flag"), [("bi", "max_types_per_pass"), ("cross", "teacher")])
def test_arguments_of_the_other_architecture(place: Place, architecture: str, flag: str) -> None:
    value = {"max_types_per_pass": 3, "teacher": "model"}[flag]
    expected = [f'"{flag}" has no effect in a {architecture}-encoder; remove it']
    for arguments in ([*training(place), f"--{flag}", value], [*training(place), f"--{flag}={value}"]):
        assert_refused(place, partial(train, architecture=architecture), arguments, expected)


# Arguments of a training on the command line, and what the message says.
ARGUMENTS: dict[str, tuple[dict[str, object], list[str]]] = {
    "unknown flag": ({"learning_rat": 1}, ["unknown argument --learning_rat", 'did you mean "learning_rate"?']),
    "flag without effect": ({"label_smoothing_factor": 0.1}, ['"label_smoothing_factor" has no effect', "remove it"]),
    "word for a number": ({"learning_rate": "fast"}, ["learning_rate", "'fast'"]),
    "no training data": ({"train_file": None}, ['"train_file" is missing', "JSONL file"]),
    "broken loss": ({"loss": '{"name": "bce"'}, ["loss: not JSON"]),
}


@pytest.mark.parametrize(("flags", "expected"), ARGUMENTS.values(), ids=list(ARGUMENTS))
def test_arguments(place: Place, flags: dict[str, object], expected: list[str]) -> None:
    assert_refused(place, train, training(place, **flags), expected)


def test_missing_config(place: Place) -> None:
    place.file("bi_encoder.json", "{}")
    missing = place.folder / "bi_encodr.json"
    assert_refused(place, train, [missing], [f"{missing}: no such file", 'did you mean "bi_encoder.json"?'])


def test_config_is_a_folder(place: Place) -> None:
    assert_refused(place, train, [place.folder], [f"{place.folder}: cannot be read"])
