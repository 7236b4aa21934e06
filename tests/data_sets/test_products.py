"""The product data: well-formed spans, counts, no text twice, an out-of-distribution test that is one, and files up to date."""

import json
import re
import subprocess
import sys
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PRODUCTS = ROOT / "data" / "products"
NUM_RECORDS = {"train": 4500, "validation": 500, "test_id": 1000, "test_ood": 1000}
ID_SPLITS = ("train", "validation", "test_id")
LABELS = {"BRAND", "COLOR", "TYPE", "SIZE", "MATERIAL", "GENDER"}


@cache
def read_split(split: str) -> list[dict[str, Any]]:
    """Read a split's records."""
    return [json.loads(line) for line in (PRODUCTS / f"{split}.jsonl").read_text(encoding="utf-8").splitlines()]


def surfaces(split: str, label: str | None = None) -> Counter[str]:
    """Count the lower-cased texts of a split's spans, of one label or of all."""
    return Counter(
        record["text"][span["start"] : span["end"]].lower()
        for record in read_split(split)
        for span in record["char_spans"]
        if label in (None, span["label"])
    )


@pytest.mark.parametrize("split", NUM_RECORDS)
def test_spans_are_sorted_whole_words_and_do_not_overlap(split: str) -> None:
    for record in read_split(split):
        text = record["text"]
        words = [match.span() for match in re.finditer(r"\w+|[^\w\s]", text)]
        starts, ends = {start for start, _ in words}, {end for _, end in words}
        end_before = 0
        assert set(record) == {"text", "char_spans"}
        assert text and text == text.strip() and "  " not in text, text
        for span in record["char_spans"]:
            piece = text[span["start"] : span["end"]]
            assert set(span) == {"start", "end", "label"} and span["label"] in LABELS
            assert piece and piece == piece.strip(), (text, span)
            assert span["start"] in starts and span["end"] in ends, (text, span)
            assert span["start"] >= end_before, (text, span)
            end_before = span["end"]


@pytest.mark.parametrize(("split", "num_records"), NUM_RECORDS.items())
def test_counts(split: str, num_records: int) -> None:
    records = read_split(split)
    assert len(records) == num_records
    assert {span["label"] for record in records for span in record["char_spans"]} == LABELS
    num_empty = sum(not record["char_spans"] for record in records)
    assert 0 < num_empty < 0.06 * num_records


def test_no_text_occurs_twice_in_any_case() -> None:
    texts = Counter(record["text"].casefold() for split in NUM_RECORDS for record in read_split(split))
    assert [text for text, count in texts.items() if count > 1] == []


@pytest.mark.parametrize("label", ["BRAND", "TYPE", "COLOR"])
def test_out_of_distribution_surfaces_are_new(label: str) -> None:
    known = {surface for split in ID_SPLITS for surface in surfaces(split)}
    assert known and not known & set(surfaces("test_ood", label))


@pytest.mark.parametrize(("label", "num_id", "num_ood"), [("BRAND", 150, 80), ("TYPE", 250, 120), ("COLOR", 60, 40)])
def test_variety(label: str, num_id: int, num_ood: int) -> None:
    assert len({surface for split in ID_SPLITS for surface in surfaces(split, label)}) >= num_id
    assert len(surfaces("test_ood", label)) >= num_ood


def test_labels_are_described() -> None:
    labels = json.loads((PRODUCTS / "labels.json").read_text(encoding="utf-8"))
    assert set(labels) == LABELS
    assert all(set(entry) == {"name", "description"} for entry in labels.values())
    assert all(10 <= len(entry["description"].split()) <= 20 for entry in labels.values())


def test_data_is_small() -> None:
    assert sum(path.stat().st_size for path in PRODUCTS.iterdir()) < 1_500_000


def test_files_are_what_the_generator_writes() -> None:
    command = [sys.executable, str(ROOT / "data" / "generate.py"), "--only", "products", "--check"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
