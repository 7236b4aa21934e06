"""The scheduling set is sound, and the files are what the generator makes."""

import sys
from collections import Counter

import pytest
from helpers_data_sets import DATA, check_descriptions, check_no_duplicates, check_on_disk, check_record, read_jsonl

sys.path.insert(0, str(DATA))

from generators import scheduling, scheduling_patterns


@pytest.mark.parametrize(("split", "num_records"), [("train", 200), ("validation", 50)])
def test_records_are_sound(split: str, num_records: int) -> None:
    records = read_jsonl(DATA / "scheduling" / f"{split}.jsonl")
    assert len(records) == num_records
    for record in records:
        check_record(record, scheduling.labels())
    counts = Counter(span["label"] for record in records for span in record["char_spans"])
    assert set(counts) == set(scheduling.labels()) and min(counts.values()) >= 8, counts
    assert any(not record["char_spans"] for record in records)


def test_files_are_what_the_generator_makes() -> None:
    splits = scheduling.generate()
    check_no_duplicates(splits.values())
    check_on_disk("scheduling", splits, scheduling.labels())
    assert scheduling.generate() == splits
    assert scheduling.generate(seed=1) != splits


def test_labels_are_described() -> None:
    check_descriptions(scheduling.labels())


def test_patterns_are_many_and_half_of_validation_is_new() -> None:
    train, held_out = set(scheduling_patterns.PATTERNS), set(scheduling_patterns.HELD_OUT_PATTERNS)
    assert len(train | held_out) >= 110 and not train & held_out
    assert len(held_out) >= scheduling.NUM_VALIDATION / 2


def test_emails_use_reserved_domains() -> None:
    reserved = ("example.com", "example.org", "example.net", ".example", ".test")
    for split in ("train", "validation"):
        for record in read_jsonl(DATA / "scheduling" / f"{split}.jsonl"):
            for span in record["char_spans"]:
                surface = record["text"][span["start"] : span["end"]].lower()
                assert (span["label"] == "EMAIL") == ("@" in surface), surface
                assert "@" not in surface or surface.endswith(reserved), surface
