"""The splits of a source: files, and folders with a file per split."""

from pathlib import Path
from typing import Any

import pytest
from datasets import load_from_disk
from helpers_data import write_labels
from helpers_e2e import write_jsonl

from spanmatch.data.formats.convert import convert
from spanmatch.data.formats.reading import Reading
from spanmatch.data.formats.records import LeftOut
from spanmatch.data.formats.splits import open_splits


@pytest.mark.parametrize(("name", "split", "expected"), [("dev", None, "dev"), ("a-b.c", None, "a_b_c"), ("a", "test", "test")])
def test_the_split_of_a_file(tmp_path: Path, name: str, split: str | None, expected: str) -> None:
    source = write_jsonl(tmp_path / f"{name}.jsonl", [{"tokens": ["a"]}])
    convert(str(source), str(tmp_path / "set"), target_format="datasetdict", split=split)
    assert list(load_from_disk(str(tmp_path / "set"))) == [expected]


@pytest.mark.parametrize(
    ("name", "line", "expected"),
    [
        ("a.txt", "a O", [{"tokens": ["a"], "tags": ["O"]}]),
        ("a.json", "[]", []),
        ("a.jsonl", '{"tokenized_text": ["a"], "ner": []}', [{"tokens": ["a"], "token_spans": []}]),
        ("a.jsonl", '{"tokens": ["a"], "tags": ["O"]}', [{"tokens": ["a"], "tags": ["O"]}]),
        ("a.jsonl", '{"text": "a"}', [{"text": "a"}]),
    ],
)
def test_the_format_is_found_out(tmp_path: Path, name: str, line: str, expected: list[dict[str, Any]]) -> None:
    (tmp_path / name).write_text(line, encoding="utf-8")
    [split] = open_splits(tmp_path / name, None, None, Reading(left_out=LeftOut()))
    assert split.name == "a" and [row for _, row in split.rows] == expected


def test_a_sidecar_belongs_to_all_files_of_its_folder(tmp_path: Path) -> None:
    labels = write_labels(tmp_path, {"x": "a letter"})
    for name, line in (("a.jsonl", '{"text": "a"}'), ("b.conll", "a O")):
        (tmp_path / name).write_text(line, encoding="utf-8")
    reading = Reading(left_out=LeftOut())
    assert [split.sidecar for split in open_splits(tmp_path, None, None, reading)] == [labels, labels]
