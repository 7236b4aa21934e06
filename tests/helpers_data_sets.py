"""Checks that every shipped data set has to pass; shared by the tests of the single sets."""

import json
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

DATA = Path(__file__).resolve().parent.parent / "data"
# Public data sets, which are not part of the repository.
DATASETS = Path(os.environ.get("SPANMATCH_DATASETS") or DATA.parent.parent / "shared" / "datasets")
_WORD = re.compile(r"\w+|[^\w\s]")


def read_jsonl(path: Path) -> list[dict[str, Any]]:
    """Read one JSON object per line."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def read_splits(name: str) -> dict[str, list[dict[str, Any]]]:
    """Read the two files of data set `name`."""
    return {split: read_jsonl(DATA / name / f"{split}.jsonl") for split in ("train", "validation")}


def check_record(record: Mapping[str, Any], labels: Mapping[str, Any]) -> None:
    """Assert that a record's spans are sorted, apart, stripped, on word boundaries and of known labels."""
    text, spans = record["text"], record["char_spans"]
    words = list(_WORD.finditer(text))
    starts, ends = {word.start() for word in words}, {word.end() for word in words}
    assert text and text == text.strip(), text
    previous_end = 0
    for span in spans:
        surface = text[span["start"] : span["end"]]
        assert previous_end <= span["start"] < span["end"] <= len(text), (text, span)
        assert surface == surface.strip(), (text, surface)
        assert span["start"] in starts and span["end"] in ends, (text, surface)
        assert span["label"] in labels, span
        previous_end = span["end"]


def check_descriptions(labels: Mapping[str, Mapping[str, str]]) -> None:
    """Assert that every type has a distinct name and a distinct description of 10 to 20 words."""
    for tag, entry in labels.items():
        assert entry["name"] == entry["name"].strip() and entry["name"], tag
        assert 10 <= len(entry["description"].split()) <= 20, (tag, len(entry["description"].split()))
    for field in ("name", "description"):
        assert len({entry[field].lower() for entry in labels.values()}) == len(labels)


def check_no_duplicates(splits: Iterable[Iterable[Mapping[str, Any]]]) -> None:
    """Assert that no text occurs twice, whether in one split or in two."""
    texts = [record["text"] for split in splits for record in split]
    assert len(texts) == len(set(texts))


def check_lists_differ(splits: Iterable[Iterable[Mapping[str, Any]]]) -> None:
    """Assert that a text that occurs twice is in one split and asks for two lists of types."""
    records = [(number, record) for number, split in enumerate(splits) for record in split]
    asked = [(record["text"], tuple(record["labels"])) for _, record in records]
    assert len(asked) == len(set(asked))
    assert len({(number, record["text"]) for number, record in records}) == len({record["text"] for _, record in records})


def sets_that_share_a_run(splits: Iterable[Iterable[Mapping[str, Any]]], datasets: Path, sources: Iterable[str]) -> set[str]:
    """Return the data sets of whose test files a sentence, or a run of ten words of one, is in a shipped data set."""

    def runs(text: str) -> set[tuple[str, ...]]:
        words = re.findall(r"\w+", text.lower())
        return {tuple(words[first : first + 10]) for first in range(len(words) - 9)}

    own = {run for records in splits for record in records for run in runs(record["text"])}
    return {
        source
        for source in sources
        for line in (datasets / source / "test.jsonl").read_text(encoding="utf-8").splitlines()
        if not own.isdisjoint(runs(" ".join(json.loads(line)["tokens"])))
    }


def check_on_disk(name: str, splits: Mapping[str, list[dict[str, Any]]], labels: Mapping[str, Any]) -> None:
    """Assert that the files of data set `name` are, byte for byte, what its generator makes."""
    folder = DATA / name
    for split, records in splits.items():
        lines = [json.dumps(record, ensure_ascii=False, separators=(",", ":")) for record in records]
        assert (folder / f"{split}.jsonl").read_text(encoding="utf-8") == "".join(line + "\n" for line in lines), split
    assert json.loads((folder / "labels.json").read_text(encoding="utf-8")) == labels
