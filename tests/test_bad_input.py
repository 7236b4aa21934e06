"""What a user does wrong is one line on standard error and exit status 2; nothing is written, no traceback is shown."""

import importlib.util
import io
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import datasets
import pytest
from helpers_e2e import (
    NAMES,
    ROOT,
    Result,
    evaluate,
    run_subprocess,
    sentences,
    snapshot,
    spanmatch,
    train,
    trained_checkpoint,
    write_jsonl,
    write_tiny_encoder,
)

GOOD = {"text": "Ada met Bob .", "char_spans": [{"start": 0, "end": 3, "label": "person"}]}


@dataclass(frozen=True, kw_only=True)
class Place:
    """A folder to run in: `good.jsonl`, trained checkpoints, the tiny `encoder`, and `out`, which must not come to be.

    `checkpoint` is a bi-encoder trained with the binary cross-entropy, and calibrated; `contrastive` is a cross-encoder with
    null slots, and is not.
    """

    folder: Path
    encoder: Path

    @property
    def out(self) -> Path:
        return self.folder / "out"

    @property
    def checkpoint(self) -> Path:
        return self.folder / "checkpoint"

    @property
    def contrastive(self) -> Path:
        return self.folder / "contrastive"

    @property
    def good(self) -> Path:
        return self.folder / "good.jsonl"

    def file(self, name: str, content: str | bytes) -> Path:
        """Write a file of the folder."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    """An encoder and two checkpoints, to be copied."""
    folder = tmp_path_factory.mktemp("parts")
    encoder = write_tiny_encoder(folder / "encoder")
    other = ["--loss", "contrastive", "--max_steps", 1]
    contrastive = trained_checkpoint(folder / "contrastive", encoder, *other, architecture="cross")
    (contrastive / "thresholds.json").unlink()
    return encoder, trained_checkpoint(folder / "checkpoint", encoder), contrastive


@pytest.fixture
def place(tmp_path: Path, parts: tuple[Path, Path, Path]) -> Place:
    encoder, checkpoint, contrastive = parts
    shutil.copytree(checkpoint, tmp_path / "checkpoint")
    shutil.copytree(contrastive, tmp_path / "contrastive")
    write_jsonl(tmp_path / "good.jsonl", sentences(6))
    return Place(folder=tmp_path, encoder=encoder)


def evaluating(place: Place, file: object = None, **flags: object) -> list[object]:
    """Arguments of an evaluation that would succeed, but for what is given."""
    given = {"pretrained_model_name_or_path": place.checkpoint, "evaluation_file": file or place.good, "output_dir": place.out}
    return [part for key, value in (given | flags).items() for part in (f"--{key}", value)]


def training(place: Place, **flags: object) -> list[object]:
    """Arguments of a training that would succeed, but for what is given."""
    given: dict[str, object] = {"train_file": place.good, "text_encoder": place.encoder, "output_dir": place.out, "max_steps": 1}
    return [
        part
        for key, value in (given | {"report_to": "none"} | flags).items()
        if value is not None
        for part in (f"--{key}", value)
    ]


def assert_refused(place: Place, command: Callable[..., Result], arguments: Sequence[object], expected: Sequence[str]) -> None:
    before = snapshot(place.folder)
    result = command(*arguments)
    assert result.status == 2, result
    lines = result.err.splitlines()
    assert len(lines) == 1 and lines[0].startswith("error: "), result.err
    assert "Traceback" not in result.err
    for part in expected:
        assert part in lines[0], (part, lines[0])
    assert snapshot(place.folder) == before
    assert not place.out.exists()


def row(**changes: object) -> str:
    """A good record with changes; None drops a key."""
    return json.dumps({key: value for key, value in (GOOD | changes).items() if value is not None})


def spans(*found: object) -> str:
    return row(char_spans=list(found))


def span(start: object, end: object, label: object = "person") -> dict[str, object]:
    return {"start": start, "end": end, "label": label}


# The second line of a file, and what the message says besides file and line.
RECORDS: dict[str, tuple[str | bytes, list[str]]] = {
    "broken JSON": ('{"text": "a', ["not JSON", "column", "write one JSON object per line"]),
    "deeply nested JSON": ("[" * 100_000, ["not JSON"]),
    "endless number": ('{"text": "a", "id": ' + "9" * 5000 + "}", ["not JSON"]),
    "array": ("[1, 2]", ["expected a JSON object, got list", "write one object per line"]),
    "string": ('"Ada"', ["expected a JSON object, got str"]),
    "span beyond the text": (spans(span(8, 90)), ["[8, 90) ends beyond the text (13 characters)", "half-open"]),
    "start is end": (spans(span(3, 3)), ['"char_spans"', "start < end", "half-open"]),
    "start after end": (spans(span(5, 3)), ['"char_spans"', "[5, 3)"]),
    "negative start": (spans(span(-1, 3)), ['"char_spans"', "0 <= start"]),
    "float offset": (spans(span(0.0, 3)), ['"char_spans"', "whole numbers"]),
    "text offset": (spans(span("0", 3)), ['"char_spans"', "whole numbers"]),
    "boolean offset": (spans(span(False, 3)), ['"char_spans"', "whole numbers"]),
    "empty label": (spans(span(0, 3, "")), ['"char_spans"', "label a name"]),
    "blank label": (spans(span(0, 3, "  ")), ["blank", "every label a name"]),
    "label is a number": (spans(span(0, 3, 7)), ['"char_spans"', "label a name"]),
    "span without end": (spans({"start": 0, "label": "person"}), ['"char_spans"', '"start", "end", "label"']),
    "span is a list": (spans([0, 3, "person"]), ['"char_spans"', '"start", "end", "label"']),
    "spans are an object": (row(char_spans={"start": 0}), ['"char_spans" must be a list, got dict']),
    "text is a number": (row(text=7), ['"text" must be a string, got int']),
    "lone surrogate": ('{"text": "Ada \\ud800 met Bob"}', ["lone surrogate", "\\ud800", "drop it"]),
    "lone surrogate in a token": ('{"tokens": ["Ada", "\\ud800"]}', ["lone surrogate", "\\ud800"]),
    "neither text nor tokens": ('{"txt": "Ada met Bob ."}', ['neither "text" nor "tokens"', 'did you mean "text"?']),
    "tokens are a string": (row(text=None, char_spans=None, tokens="Ada met"), ['"tokens" must be a list of strings']),
    "tokens hold a number": (row(text=None, char_spans=None, tokens=["Ada", 1]), ['"tokens" must be a list of strings']),
    "too few tags": (
        row(text=None, char_spans=None, tokens=["Ada", "met"], tags=["O"]),
        ["1 tags for 2 tokens", "one tag per token"],
    ),
    "tag without prefix": (
        row(text=None, char_spans=None, tokens=["Ada", "met"], tags=["PER", "O"]),
        ['tag 0 is "PER"', "a hyphen and a label"],
    ),
    "tags are numbers": (
        row(text=None, char_spans=None, tokens=["Ada", "met"], tags=[1, 0]),
        ['"tags" must be a list of strings'],
    ),
    "tags are null": (row(text=None, char_spans=None, tokens=["Ada", "met"]).replace("]}", '], "tags": 5}'), ['"tags" must be']),
    "token span beyond the tokens": (
        row(text=None, char_spans=None, tokens=["Ada", "met"], token_spans=[span(0, 3)]),
        ["token span [0, 3)", "2 tokens"],
    ),
    "tokens not in the text": (
        row(char_spans=None, tokens=["Ada", "Eve"]),
        ['token 1 ("Eve") is not in the text', 'drop "text"'],
    ),
    "label outside the line's labels": (row(labels=["city"]), ['"person"', '"labels"', "add it there"]),
    "blank name in labels": (row(labels=["person", " "]), ["blank", '"labels"']),
    "blank label of a tag": (row(text=None, char_spans=None, tokens=["Ada"], tags=["B- "]), ["blank", "every label a name"]),
    "labels are a string": (row(labels="person"), ['"labels" must be a list of strings']),
    "ner_tags without names": (
        row(text=None, char_spans=None, tokens=["Ada", "met"], ner_tags=[1, 0]),
        ['"ner_tags" are numbers without names', "ClassLabel"],
    ),
    "not UTF-8": ('{"text": "Ada mét Bob"}'.encode("latin-1"), ["not UTF-8", "save the file as UTF-8"]),
}


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


@pytest.mark.parametrize("name", ["broken JSON", "span beyond the text", "not UTF-8", "empty label"])
@pytest.mark.parametrize("key", ["train_file", "validation_file", "test_file"])
def test_records_in_training(place: Place, key: str, name: str) -> None:
    second, expected = RECORDS[name]
    file = place.file("bad.jsonl", row().encode() + b"\n" + (second.encode() if isinstance(second, str) else second))
    assert_refused(place, train, training(place, **{key: file}), [f"{file}:2: ", *expected])


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
        ["config.json: an encoder, not a spanmatch checkpoint", "train one first"],
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


@pytest.mark.parametrize("module", ["matplotlib", "jinja2"])
def test_a_report_without_its_extra(place: Place, module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Said before the evaluation, not after it."""
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name == module else find(name, *rest))
    expected = [f"--report needs {module}", "pip install 'spanmatch[report]'"]
    assert_refused(place, evaluate, evaluating(place, report=place.folder / "report.html"), expected)


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
    "type encoder": (
        {"type_encoder": "separate"},
        ['config.json:7: "type_encoder" has no effect in a cross-encoder', "remove it"],
    ),
    "type pooling": ({"type_pooling": "mean"}, ['config.json:7: "type_pooling" has no effect in a cross-encoder']),
    "rate of the type encoder": (
        {"type_encoder_learning_rate": 1e-4},
        ['config.json:7: "type_encoder_learning_rate" has no effect in a cross-encoder'],
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


@pytest.mark.parametrize(
    ("architecture", "flag"), [("bi", "max_types_per_pass"), ("cross", "type_pooling"), ("cross", "type_encoder")]
)
def test_arguments_of_the_other_architecture(place: Place, architecture: str, flag: str) -> None:
    value = {"max_types_per_pass": 3, "type_pooling": "mean", "type_encoder": "separate"}[flag]
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


# Arguments of `spanmatch`, and what the message says.
COMMANDS: dict[str, tuple[list[str], list[str]]] = {
    "no command": ([], ["COMMAND"]),
    "unknown command": (["tga"], ["tga", "tag"]),
    "unknown flag": (
        ["tag", "{folder}/checkpoint", "a b", "--type", "x", "--treshold", "1"],
        ["--treshold", 'did you mean "--threshold"?'],
    ),
    "no types": (["tag", "{folder}/checkpoint", "Ada met Bob"], ["no entity types", "--types"]),
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
        assert_refused(
            place, lambda *arguments: run_subprocess("-m", "spanmatch", "tag", *arguments), arguments, ["calibratd"]
        )
