"""What a user does wrong is one line on standard error and exit status 2; nothing is written, no traceback is shown."""

import importlib.util
import io
import json
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import datasets
import pytest
from helpers_bad_input import RECORDS, Place, assert_refused, evaluating, row, span, spans
from helpers_e2e import ROOT, evaluate, run_subprocess, spanmatch, trained_checkpoint


@pytest.mark.parametrize(("second", "expected"), RECORDS.values(), ids=list(RECORDS))
class TestRecords:
    def test_evaluation(self, place: Place, second: str | bytes, expected: list[str]) -> None:
        content = second.encode() if isinstance(second, str) else second
        file = place.file("bad.jsonl", row().encode() + b"\n" + content + b"\n")
        assert_refused(place, evaluate, evaluating(place, file), [f"{file}:2: ", *expected])

    def test_skipped_where_asked(self, place: Place, second: str | bytes, expected: list[str]) -> None:
        content = second.encode() if isinstance(second, str) else second
        file = place.file("bad.jsonl", row().encode() + b"\n" + content + b"\n")
        result = evaluate(*evaluating(place, file), "--skip_invalid")
        assert result.status == 0, result.err
        metrics = json.loads((place.out / "metrics.json").read_text(encoding="utf-8"))
        assert (metrics["num_examples"], metrics["num_skipped"]) == (1, 1)


def dataset(place: Place, columns: dict[str, Any], split: str = "validation") -> Path:
    """A DatasetDict folder of one split."""
    folder = place.folder / "dataset"
    datasets.disable_progress_bars()
    datasets.DatasetDict({split: datasets.Dataset.from_dict(columns)}).save_to_disk(str(folder))
    return folder


TOKENS = {"tokens": [["Ada", "met"], ["Bob"]]}
# Where the data are, and what the message says.
SOURCES: dict[str, tuple[Callable[[Place], object], dict[str, object], list[str]]] = {
    "empty file": (lambda place: place.file("empty.jsonl", "\n"), {}, ["empty.jsonl: no example in it", "at least one line"]),
    "glob without match": (lambda place: place.folder / "no*.jsonl", {}, ["no*.jsonl: no file matches", "check the pattern"]),
    "missing file": (lambda place: place.folder / "god.jsonl", {}, ["god.jsonl: no such file", 'did you mean "good.jsonl"?']),
    "missing folder": (lambda place: place.folder / "nowhere" / "good.jsonl", {}, ["no such file", "there is no folder"]),
    "folder of other things": (lambda place: place.encoder, {}, ["no DatasetDict", "*.jsonl"]),
    "unknown split": (
        lambda place: dataset(place, TOKENS),
        {"split": "valdation"},
        ["no split valdation", 'did you mean "validation"?'],
    ),
    "no usual split": (
        lambda place: dataset(place, TOKENS, "train"),
        {},
        ["no split test or dev or validation", "train", "--split"],
    ),
    "numbers without names": (
        lambda place: dataset(place, TOKENS | {"ner_tags": [[1, 0], [0]]}),
        {},
        ["dataset[validation]:0: ", '"ner_tags" are numbers without names', "ClassLabel"],
    ),
    "no column of text": (
        lambda place: dataset(place, {"sentence": ["Ada"]}),
        {},
        ["['sentence']", 'neither "text" nor "tokens"'],
    ),
    "row of a data set": (
        lambda place: dataset(place, TOKENS | {"tags": [["O", "O"], ["O", "O"]]}),
        {},
        ["dataset[validation]:1: ", "2 tags for 1 tokens"],
    ),
    "half a data set": (lambda place: place.file("dataset/dataset_dict.json", '{"splits": ["test"]}').parent, {}, ["dataset: "]),
    "no samples": (lambda place: place.good, {"max_samples": 0}, ["max_samples", "at least 1", "0"]),
    "negative samples": (lambda place: place.good, {"max_samples": -3}, ["max_samples", "at least 1", "-3"]),
    "samples are no number": (lambda place: place.good, {"max_samples": "all"}, ["--max_samples", "'all'"]),
    "broken labels.json": (
        lambda place: place.file("labels.json", '{\n"person": }') and place.good,
        {},
        ["labels.json:2: not JSON"],
    ),
    "labels.json not UTF-8": (
        lambda place: place.file("labels.json", b'{"a": "\xe9"}') and place.good,
        {},
        ["labels.json: not UTF-8", "save the file as UTF-8"],
    ),
    "labels.json with a blank name": (
        lambda place: place.file("labels.json", '{"person": {"name": " "}}') and place.good,
        {},
        ["labels.json: person: ", "name"],
    ),
    "entity types missing": (lambda place: place.good, {"entity_types": "nowhere.json"}, ["nowhere.json: no such file"]),
    "entity types near": (
        lambda place: place.file("types.json", "{}") and place.good,
        {"entity_types": "{folder}/type.json"},
        ["type.json: no such file", 'did you mean "types.json"?'],
    ),
    "entity types are a folder": (lambda place: place.good, {"entity_types": "{folder}"}, ["{folder}: "]),
    "entity types are a list": (
        lambda place: place.file("types.json", '["person"]') and place.good,
        {"entity_types": "{folder}/types.json"},
        ["types.json: expected a JSON object"],
    ),
    "entity types are empty": (
        lambda place: place.file("types.json", "{}") and place.good,
        {"entity_types": "{folder}/types.json"},
        ["types.json: expected a JSON object", "at least one tag"],
    ),
    "entity type is a number": (
        lambda place: place.file("types.json", '{"person": 3}') and place.good,
        {"entity_types": "{folder}/types.json"},
        ["types.json: person: expected a description", "got 3"],
    ),
    "entity type without a name": (
        lambda place: place.file("types.json", '{"": "nothing"}') and place.good,
        {"entity_types": "{folder}/types.json"},
        ["types.json: ", "name"],
    ),
}


@pytest.mark.parametrize(("source", "flags", "expected"), SOURCES.values(), ids=list(SOURCES))
def test_sources(
    place: Place,
    source: Callable[[Place], object],
    flags: dict[str, object],
    expected: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(place.folder)
    file = source(place)
    named = {key: str(value).replace("{folder}", str(place.folder)) for key, value in flags.items()}
    parts = [part.replace("{folder}", str(place.folder)) for part in expected]
    assert_refused(place, evaluate, evaluating(place, file, **named), parts)


def edit_config(place: Place, **changes: object) -> None:
    path = place.checkpoint / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | changes), encoding="utf-8")


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:1000])


def drop_key(place: Place, key: str) -> None:
    path = place.checkpoint / "config.json"
    values = json.loads(path.read_text(encoding="utf-8"))
    del values[key]
    path.write_text(json.dumps(values), encoding="utf-8")


# What is done to the checkpoint, and what the message says.
CHECKPOINTS: dict[str, tuple[Callable[[Place], object], list[str]]] = {
    "no config": (lambda place: (place.checkpoint / "config.json").unlink(), ["no config.json in it", "that a training wrote"]),
    "no weights": (
        lambda place: (place.checkpoint / "model.safetensors").unlink(),
        ["no model.safetensors in it", "that a training wrote"],
    ),
    "an encoder": (
        lambda place: shutil.rmtree(place.checkpoint) or shutil.copytree(place.encoder, place.checkpoint),
        ["config.json: an encoder, not a spanmatch checkpoint", "the folder that a training wrote"],
    ),
    "other weights": (lambda place: edit_config(place, head_size=7), ["model.safetensors: does not fit config.json", "head."]),
    "corrupt weights": (lambda place: truncate(place.checkpoint / "model.safetensors"), ["model.safetensors: ", "again"]),
    "text for weights": (
        lambda place: place.file("checkpoint/model.safetensors", "git-lfs pointer"),
        ["model.safetensors: ", "again"],
    ),
    "broken config": (lambda place: place.file("checkpoint/config.json", '{\n"a" 1}'), ["config.json:2: not JSON", "again"]),
    "config is a list": (lambda place: place.file("checkpoint/config.json", "[]"), ["config.json: "]),
    "unknown key": (lambda place: edit_config(place, colour="red"), ["unknown keys ['colour']", "another version"]),
    "unknown architecture": (lambda place: edit_config(place, architecture="tri"), ['unknown architecture "tri"', "bi"]),
    "missing key": (lambda place: drop_key(place, "head_size"), ["missing keys ['head_size']", "another version"]),
    "unknown model": (lambda place: edit_config(place, text_encoder={"model_type": "nonsense"}), ["config.json: ", "nonsense"]),
    "no tokenizer": (lambda place: shutil.rmtree(place.checkpoint / "tokenizer"), ["tokenizer: ", "no such folder", "again"]),
    "broken tokenizer": (lambda place: place.file("checkpoint/tokenizer/tokenizer.json", "{"), ["tokenizer", "again"]),
    "broken thresholds": (lambda place: place.file("checkpoint/thresholds.json", "{"), ["thresholds.json", "calibrate"]),
    "other thresholds": (lambda place: place.file("checkpoint/thresholds.json", '{"x": 1}'), ["thresholds.json", "calibrate"]),
    "the wrong name": (
        lambda place: place.checkpoint.rename(place.folder / "checkpoints"),
        ["checkpoint: no such folder", 'did you mean "checkpoints"?'],
    ),
}


@pytest.mark.parametrize(("spoil", "expected"), CHECKPOINTS.values(), ids=list(CHECKPOINTS))
def test_checkpoints(place: Place, spoil: Callable[[Place], object], expected: list[str]) -> None:
    spoil(place)
    assert_refused(place, evaluate, evaluating(place), expected)


# Flags of an evaluation, and what the message says. The checkpoint is calibrated for none of them.
FLAGS: dict[str, tuple[dict[str, object], list[str]]] = {
    "threshold too high": ({"threshold": 1.5}, ["threshold", "between 0 and 1", "1.5"]),
    "threshold of zero": ({"threshold": 0}, ["threshold", "between 0 and 1"]),
    "negative threshold": ({"threshold": -0.5}, ["threshold", "between 0 and 1", "-0.5"]),
    "threshold is not a number": ({"threshold": "nan"}, ["threshold", "between 0 and 1"]),
    "unknown threshold": ({"threshold": "foo"}, ['threshold "foo"', "number in (0, 1)"]),
    "empty threshold": ({"threshold": ""}, ["threshold"]),
    "threshold near": ({"threshold": "calibratd"}, ['"calibratd"', '"calibrated"']),
    "threshold per type": ({"threshold": "person=0.4,citty=0.2"}, ['"citty"', "not asked for", 'did you mean "city"?']),
    "threshold per type too high": ({"threshold": "person=2"}, ["threshold", "between 0 and 1", "2"]),
    "threshold per type is no number": ({"threshold": "person=high"}, ['threshold "person=high"', "type=number"]),
    "threshold for no type": ({"threshold": "=0.3"}, ['threshold "=0.3"']),
    "threshold of a type twice": ({"threshold": "person=0.3,person=0.4"}, ['threshold "person=0.3,person=0.4"']),
    "half a threshold per type": ({"threshold": "person=0.4,city"}, ['threshold "person=0.4,city"', "type=number"]),
    "margin is no number": ({"threshold": "cls+much"}, ['threshold "cls+much"', "the margin is no number", "cls+0.5"]),
    "infinite margin": ({"threshold": "cls-inf"}, ['threshold "cls-inf"', "the margin is no number"]),
    "no margin": ({"threshold": "cls+"}, ['threshold "cls+"']),
    "slot with margin": ({"threshold": "label_token-0.5"}, ['"label_token" needs a null slot', '"bce"', "calibrate"]),
    "null slot cls": ({"threshold": "cls"}, ['"cls" needs a null slot', '"bce"', "calibrate"]),
    "null slot label_token": ({"threshold": "label_token"}, ['"label_token" needs a null slot', '"bce"', "calibrate"]),
    "not calibrated": ({"threshold": "calibrated"}, ['"calibrated"', "spanmatch calibrate"]),
    "unknown overlap": ({"overlap": "nestde"}, ['overlap "nestde"', 'did you mean "nested"?']),
    "unknown device": ({"device": "cuda:99"}, ['device "cuda:99" cannot be used here', "try"]),
    "nonsense device": ({"device": "toaster"}, ['device "toaster" cannot be used here', "try"]),
    "unknown dtype": ({"dtype": "float3"}, ['unknown dtype "float3"', 'did you mean "float32"?']),
    "unknown format": ({"evaluation_format": "token"}, ["--evaluation_format", "tokens"]),
    "batch of none": ({"batch_size": 0}, ["--batch_size", "at least 1", "'0'"]),
    "negative batch": ({"batch_size": -4}, ["--batch_size", "at least 1", "'-4'"]),
    "output is a file": ({"output_dir": "{folder}/good.jsonl"}, ["good.jsonl", "output_dir"]),
    "unknown flag": ({"treshold": 0.5}, ["--treshold", 'did you mean "--threshold"?']),
}


@pytest.mark.parametrize(("flags", "expected"), FLAGS.values(), ids=list(FLAGS))
def test_flags(place: Place, flags: dict[str, object], expected: list[str]) -> None:
    (place.checkpoint / "thresholds.json").unlink()
    named = {key: str(value).replace("{folder}", str(place.folder)) for key, value in flags.items()}
    assert_refused(place, evaluate, evaluating(place, **named), expected)


def test_missing_flag(place: Place) -> None:
    assert_refused(place, evaluate, ["--evaluation_file", place.good], ["--pretrained_model_name_or_path"])


# Flags of an evaluation of a checkpoint with null slots that was not calibrated, and what the message says.
CONTRASTIVE_FLAGS: dict[str, tuple[dict[str, object], list[str]]] = {
    "a number": ({"threshold": 0.5}, ["a number is no threshold", '"contrastive"', 'use "label_token"', "spanmatch calibrate"]),
    "numbers per type": ({"threshold": "person=0.4"}, ["a number is no threshold", 'use "label_token"']),
    "not calibrated": ({"threshold": "calibrated"}, ['"calibrated"', "spanmatch calibrate"]),
    "margin is no number": ({"threshold": "cls+x"}, ['"cls+x"', "the margin is no number"]),
    "near a slot": ({"threshold": "lable_token"}, ['threshold "lable_token"', "label_token"]),
}


@pytest.mark.parametrize(("flags", "expected"), CONTRASTIVE_FLAGS.values(), ids=list(CONTRASTIVE_FLAGS))
def test_flags_of_a_contrastive_checkpoint(place: Place, flags: dict[str, object], expected: list[str]) -> None:
    arguments = evaluating(place, **flags, pretrained_model_name_or_path=place.contrastive)
    assert_refused(place, partial(evaluate, architecture="cross"), arguments, expected)


def test_a_slot_that_was_not_trained(place: Place) -> None:
    path = place.contrastive / "config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    shutil.rmtree(place.contrastive)
    other = ["--loss", '{"name": "contrastive", "null_slots": ["label_token"]}', "--max_steps", 1]
    trained_checkpoint(place.contrastive, place.encoder, *other, architecture="cross")
    assert config["null_slots"].keys() == {"cls", "label_token"}
    arguments = evaluating(place, threshold="cls", pretrained_model_name_or_path=place.contrastive)
    expected = ['threshold "cls"', "no such null slot", 'use "label_token"']
    assert_refused(place, partial(evaluate, architecture="cross"), arguments, expected)


@pytest.mark.parametrize(
    ("command", "checkpoint", "expected"),
    [
        ("cross", "checkpoint", ["checkpoint is a bi-encoder", "evaluate_bi_encoder.py"]),
        ("bi", "contrastive", ["contrastive is a cross-encoder", "evaluate_cross_encoder.py"]),
    ],
)
def test_the_wrong_architecture(place: Place, command: str, checkpoint: str, expected: list[str]) -> None:
    arguments = evaluating(place, pretrained_model_name_or_path=place.folder / checkpoint)
    assert_refused(place, partial(evaluate, architecture=command), arguments, expected)


@pytest.mark.parametrize("module", ["matplotlib", "jinja2"])
def test_a_report_without_its_extra(place: Place, module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Said before the evaluation, not after it."""
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name == module else find(name, *rest))
    expected = [f"--report needs {module}", "pip install 'spanmatch[report]'"]
    assert_refused(place, evaluate, evaluating(place, report=place.folder / "report.html"), expected)


# Arguments of `spanmatch`, and what the message says.
COMMANDS: dict[str, tuple[list[str], list[str]]] = {
    "no command": ([], ["COMMAND"]),
    "unknown command": (["tga"], ["tga", "tag"]),
    "unknown flag": (
        ["tag", "{folder}/checkpoint", "a b", "--type", "x", "--treshold", "1"],
        ["--treshold", 'did you mean "--threshold"?'],
    ),
    "empty types": (["tag", "{folder}/checkpoint", "Ada met Bob", "--types", " , "], ["no entity types", "--types"]),
    "type given twice": (
        ["tag", "{folder}/checkpoint", "Ada met Bob", "--types", "person", "--types", "person"],
        ["more than once: person"],
    ),
    "type given twice in one": (
        ["tag", "{folder}/checkpoint", "Ada met Bob", "--types", "person,city,person"],
        ["more than once: person"],
    ),
    "no such file": (
        ["tag", "{folder}/checkpoint", "{folder}/god.jsonl", "--types", "x"],
        ["god.jsonl: no such file", 'did you mean "good.jsonl"?'],
    ),
    "a folder": (["tag", "{folder}/checkpoint", "{folder}", "--types", "x"], ["{folder}: "]),
    "JSONL without text": (
        ["tag", "{folder}/checkpoint", "{folder}/no_text.jsonl", "--types", "x"],
        ["no_text.jsonl:2: ", '"text"'],
    ),
    "broken JSONL": (["tag", "{folder}/checkpoint", "{folder}/broken.jsonl", "--types", "x"], ["broken.jsonl:2: not JSON"]),
    "surrogate in JSONL": (
        ["tag", "{folder}/checkpoint", "{folder}/surrogate.jsonl", "--types", "x"],
        ["surrogate.jsonl:1: ", "surrogate"],
    ),
    "text not UTF-8": (
        ["tag", "{folder}/checkpoint", "{folder}/latin.txt", "--types", "x"],
        ["latin.txt", "not UTF-8", "as UTF-8"],
    ),
    "threshold": (["tag", "{folder}/checkpoint", "Ada met Bob", "--types", "x", "--threshold", "2"], ["between 0 and 1"]),
    "threshold for another type": (
        ["tag", "{folder}/checkpoint", "Ada met Bob", "--types", "city", "--threshold", "citty=0.3"],
        ['threshold for "citty"', 'did you mean "city"?'],
    ),
    "slot of a checkpoint without": (
        ["tag", "{folder}/checkpoint", "Ada met Bob", "--types", "x", "--threshold", "cls+1"],
        ['"cls" needs a null slot', '"bce"'],
    ),
    "number for a checkpoint with slots": (
        ["tag", "{folder}/contrastive", "Ada met Bob", "--types", "x", "--threshold", "0.5"],
        ["a number is no threshold", 'use "label_token"'],
    ),
    "overlap": (["tag", "{folder}/checkpoint", "Ada met Bob", "--types", "x", "--overlap", "flt"], ['did you mean "flat"?']),
    "batch of none": (
        ["tag", "{folder}/checkpoint", "Ada met Bob", "--types", "x", "--batch_size", "0"],
        ["--batch_size", "at least 1"],
    ),
    "output format": (
        ["tag", "{folder}/checkpoint", "Ada met Bob", "--types", "x", "--output_format", "xml"],
        ["--output_format", "jsonl"],
    ),
    "missing checkpoint": (
        ["tag", "{folder}/chekpoint", "Ada met Bob", "--types", "x"],
        ["no such folder", 'did you mean "checkpoint"?'],
    ),
    "evaluate: missing file": (["evaluate", "{folder}/checkpoint", "{folder}/god.jsonl"], ['did you mean "good.jsonl"?']),
    "evaluate: missing checkpoint": (["evaluate", "{folder}/chekpoint", "{folder}/good.jsonl"], ['did you mean "checkpoint"?']),
    "evaluate: unknown flag": (
        ["evaluate", "{folder}/checkpoint", "{folder}/good.jsonl", "--overlp", "flat"],
        ["--overlp", 'did you mean "--overlap"?'],
    ),
    "evaluate: threshold": (
        ["evaluate", "{folder}/checkpoint", "{folder}/good.jsonl", "--threshold", "calibratd"],
        ['"calibratd"', '"calibrated"'],
    ),
    "calibrate: missing file": (["calibrate", "{folder}/checkpoint", "{folder}/god.jsonl"], ['did you mean "good.jsonl"?']),
    "calibrate: missing checkpoint": (["calibrate", "{folder}/chekpoint", "{folder}/good.jsonl"], ['did you mean "checkpoint"?']),
    "calibrate: broken line": (["calibrate", "{folder}/checkpoint", "{folder}/broken.jsonl"], ["broken.jsonl:2: not JSON"]),
    "calibrate: batch of none": (
        ["calibrate", "{folder}/checkpoint", "{folder}/good.jsonl", "--batch_size", "0"],
        ["--batch_size", "at least 1"],
    ),
}


@pytest.mark.parametrize(("arguments", "expected"), COMMANDS.values(), ids=list(COMMANDS))
def test_commands(place: Place, arguments: list[str], expected: list[str]) -> None:
    place.file("broken.jsonl", row() + "\n{\n")
    place.file("no_text.jsonl", row() + '\n{"tokens": ["Ada"]}\n')
    place.file("surrogate.jsonl", '{"text": "\\ud800"}\n')
    place.file("latin.txt", "Adá\n".encode("latin-1"))
    named = [part.replace("{folder}", str(place.folder)) for part in arguments]
    assert_refused(place, spanmatch, named, [part.replace("{folder}", str(place.folder)) for part in expected])


def test_standard_input_not_utf8(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO("Ada\nAdá\n".encode("latin-1")), encoding="utf-8"))
    assert_refused(place, spanmatch, ["tag", place.checkpoint, "--types", "person"], ["standard input:2: not UTF-8", "as UTF-8"])


class TestProcesses:
    """The scripts themselves: what a user's shell sees, warnings of libraries included."""

    def test_training(self, place: Place) -> None:
        config = place.file("config.json", json.dumps({"train_file": str(place.good), "learning_rat": 1}, indent=1))
        expected = [f"{config}:3: ", 'did you mean "learning_rate"?']
        assert_refused(place, lambda *arguments: run_subprocess(ROOT / "train_bi_encoder.py", *arguments), [config], expected)

    def test_evaluation(self, place: Place) -> None:
        file = place.file("bad.jsonl", row() + "\n" + spans(span(8, 90)))
        arguments = evaluating(place, file)
        assert_refused(
            place, lambda *arguments: run_subprocess(ROOT / "evaluate_bi_encoder.py", *arguments), arguments, [f"{file}:2: "]
        )

    def test_tagging(self, place: Place) -> None:
        arguments = [place.checkpoint, "Ada met Bob", "--types", "person", "--threshold", "calibratd"]
        assert_refused(place, lambda *arguments: run_subprocess("-m", "spanmatch", "tag", *arguments), arguments, ["calibratd"])
