"""The mixed set is sound, its unseen types are unseen, and the files are what the generator makes."""

import re
import sys
from typing import Any

import pytest
from helpers_data_sets import DATA, check_descriptions, check_no_duplicates, check_on_disk, check_record, read_jsonl

sys.path.insert(0, str(DATA))

from generators import mixed

SIZES = {"train": 2400, "validation": 300, "test_unseen": 300}


@pytest.fixture(scope="module")
def splits() -> dict[str, list[dict[str, Any]]]:
    return {split: read_jsonl(DATA / "mixed" / f"{split}.jsonl") for split in SIZES}


def _types(records: list[dict[str, Any]]) -> set[str]:
    return {span["label"] for record in records for span in record["char_spans"]}


@pytest.mark.parametrize("split", SIZES)
def test_records_are_sound(splits: dict[str, list[dict[str, Any]]], split: str) -> None:
    assert len(splits[split]) == SIZES[split]
    for record in splits[split]:
        check_record(record, mixed.labels())
        assert record["labels"] == sorted(set(record["labels"])) and set(record["labels"]) <= set(mixed.labels())
        assert {span["label"] for span in record["char_spans"]} <= set(record["labels"])


def test_types_are_many_and_described() -> None:
    check_descriptions(mixed.labels())
    assert len(mixed.unseen_tags()) >= 12
    assert len(mixed.labels()) - len(mixed.unseen_tags()) >= 48


def test_every_type_occurs_where_it_should(splits: dict[str, list[dict[str, Any]]]) -> None:
    unseen = set(mixed.unseen_tags())
    assert _types(splits["train"]) == set(mixed.labels()) - unseen
    assert _types(splits["validation"]) == set(mixed.labels()) - unseen
    assert unseen <= _types(splits["test_unseen"])


def test_unseen_types_are_unseen(splits: dict[str, list[dict[str, Any]]]) -> None:
    unseen = set(mixed.unseen_tags())
    for split in ("train", "validation"):
        assert not any(unseen & set(record["labels"]) for record in splits[split])
    mentions = {
        record["text"][span["start"] : span["end"]].lower()
        for record in splits["test_unseen"]
        for span in record["char_spans"]
        if span["label"] in unseen
    }
    for split in ("train", "validation"):
        text = "\n".join(record["text"].lower() for record in splits[split])
        found = [mention for mention in sorted(mentions) if re.search(rf"(?<!\w){re.escape(mention)}(?!\w)", text)]
        assert not found, (split, found)


@pytest.mark.parametrize("domain", mixed.DOMAINS)
def test_patterns_are_many_and_apart(domain: str) -> None:
    module = mixed.DOMAINS[domain]
    groups = [set(module.PATTERNS), set(module.HELD_OUT_PATTERNS), set(module.UNSEEN_PATTERNS)]
    assert len(groups[0]) >= 45 and len(groups[2]) >= 12
    assert len(set.union(*groups)) == sum(len(group) for group in groups)


def test_files_are_what_the_generator_makes(splits: dict[str, list[dict[str, Any]]]) -> None:
    made = mixed.generate()
    assert made == splits
    check_no_duplicates(made.values())
    check_on_disk("mixed", made, mixed.labels())
    assert sum((DATA / "mixed" / f"{split}.jsonl").stat().st_size for split in SIZES) < 1_500_000
