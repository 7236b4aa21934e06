"""Small records, and short ways to read and convert them, for the tests of data and file formats."""

import json
from pathlib import Path
from typing import Any

from datasets import load_from_disk
from helpers_e2e import write_jsonl

from spanmatch.data.corpus import Corpus, read_corpus
from spanmatch.data.examples import Example
from spanmatch.data.formats.convert import convert

# A text of four words, with gold in characters and in tokens.
TEXT = "Ada met Bob."
CHARS = [{"start": 0, "end": 3, "label": "person"}]
NESTED_CHARS = [*CHARS, {"start": 0, "end": 7, "label": "person"}]
WORDS = ["Ada", "met", "Bob", "."]
TOKEN_SPANS = [{"start": 2, "end": 3, "label": "person"}]

# The name of a target in each file format.
FILE_FORMATS = {"conll": "a.conll", "datasetdict": "a", "gliner": "a.json", "spans": "a.jsonl", "tags": "a.jsonl"}

# A text of four tokens, with the same gold as spans and as tags.
TOKENS = ["Ada", "Lovelace", "met", "Bo"]
SPANS = [{"start": 0, "end": 2, "label": "PER"}, {"start": 3, "end": 4, "label": "PER"}]
TAGS = ["B-PER", "I-PER", "O", "B-PER"]


def spans_of(example: Example) -> list[tuple[int, int, str]]:
    """Return the gold spans of an example."""
    return [(mention.start, mention.end, mention.label) for mention in example.mentions]


def labels_of(example: Example) -> list[str]:
    """Return the labels of the inventory of an example."""
    return [item.label for item in example.types]


def texts_of(corpus: Corpus) -> list[str]:
    """Return the texts of a corpus."""
    return [example.text for example in corpus.examples]


def read_one(tmp_path: Path, row: dict[str, Any], **options: Any) -> Example:
    """Write one record to a JSONL file and read it again; the options are those of `read_corpus`."""
    [example] = read_corpus(str(write_jsonl(tmp_path / "one.jsonl", [row])), **options).examples
    return example


def write_labels(folder: Path, content: Any, name: str = "labels.json") -> Path:
    """Write a file of names and descriptions."""
    (folder / name).write_text(json.dumps(content), encoding="utf-8")
    return folder / name


def span(start: int, end: int, label: str = "x") -> dict[str, Any]:
    """Return a span as a record holds it."""
    return {"start": start, "end": end, "label": label}


# A record whose spans overlap.
OVERLAPPING = {"tokens": TOKENS, "token_spans": [*SPANS, span(0, 1, "NAME"), span(1, 4)]}


def content(path: Path) -> Any:
    """Return what a target holds, whatever its format."""
    if path.is_dir():
        return {name: [strip(row) for row in split] for name, split in load_from_disk(str(path)).items()}
    if path.suffix == ".json":
        return json.loads(path.read_text(encoding="utf-8"))
    return read_lines(path) if path.suffix == ".jsonl" else path.read_bytes().decode()


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Read JSONL by line feed alone, because tokens hold other separators."""
    with path.open("rb") as lines:
        return [json.loads(line) for line in lines]


def strip(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row without the keys that have no value."""
    return {key: value for key, value in row.items() if value is not None}


def converted(tmp_path: Path, rows: list[Any], to: str, **options: Any) -> Any:
    """Convert rows of our JSONL to a format, and return what the target holds."""
    source = write_jsonl(tmp_path / "train.jsonl", rows)
    target = tmp_path / "out" / FILE_FORMATS[to]
    target.parent.mkdir()
    convert(str(source), str(target), target_format=to, **options)
    return content(target)


def read_as(tmp_path: Path, name: str, text: str, **options: Any) -> list[dict[str, Any]]:
    """Convert a file to our JSONL, and return its rows."""
    (tmp_path / name).write_bytes(text.encode())
    convert(str(tmp_path / name), str(tmp_path / "read.jsonl"), **options)
    return read_lines(tmp_path / "read.jsonl")


Facts = list[tuple[str, Any, Any, Any, Any]]


def facts(source: Path, **options: Any) -> Facts:
    """Return all that our reader finds in a data set: text, words, spans, inventory, id, in both gold formats."""
    corpora = [read_corpus(str(source), format=format, **options).examples for format in ("text", "tokens")]
    return [
        (item.text, item.words, sorted(item.mentions), sorted(kind.label for kind in item.types), item.id)
        for examples in corpora
        for item in examples
    ]
