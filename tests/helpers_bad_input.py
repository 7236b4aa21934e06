"""What the tests of bad input share: a folder of good files and checkpoints, and what it means that input is refused."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from helpers_e2e import Result, snapshot

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
    "tag of no scheme": (
        row(text=None, char_spans=None, tokens=["Ada", "met"], tags=["b-PER", "O"]),
        ['tag 0 is "b-PER"', "a hyphen and a label"],
    ),
    "tags of two kinds": (
        row(text=None, char_spans=None, tokens=["Ada", "met"], tags=["PER", "B-PER"]),
        ['tag 1 is "B-PER"', "a label alone"],
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
