"""The inventories are sound, each text is annotated for a whole one, and the files are what the marks make."""

import sys
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pytest
from helpers_data_sets import DATA, DATASETS, check_lists_differ, check_on_disk, check_record, read_splits, sets_that_share_a_run
from quality_data import DEV_9, EVERYDAY_3

sys.path.insert(0, str(DATA))

from generators import inventories

ONE = ["= town: a town", "= river: a river", "= king: a king", "= saint: a saint"]


@pytest.fixture(scope="module")
def splits() -> dict[str, list[dict[str, Any]]]:
    return read_splits("inventories")


def test_records_are_sound(splits: dict[str, list[dict[str, Any]]]) -> None:
    labels = inventories.labels()
    for record in splits["train"] + splits["validation"]:
        check_record(record, labels)
        assert {span["label"] for span in record["char_spans"]} <= set(record["labels"])
        assert record["labels"] == sorted(set(record["labels"]))


def test_each_text_has_its_whole_inventory_and_a_part_of_it(splits: dict[str, list[dict[str, Any]]]) -> None:
    whole: dict[str, set[str]] = defaultdict(set)
    for tag in inventories.labels():
        whole[tag.partition(":")[0]].add(tag)
    lists: dict[str, list[set[str]]] = defaultdict(list)
    for record in splits["train"]:
        lists[record["text"]].append(set(record["labels"]))
    for small, large in (sorted(own, key=len) for own in lists.values()):
        assert small < large and large == whole[min(large).partition(":")[0]]


def test_an_inventory_has_many_types_and_says_what_each_means() -> None:
    labels = inventories.labels()
    sizes = Counter(tag.partition(":")[0] for tag in labels)
    assert min(sizes.values()) >= 4 and sum(sizes.values()) > 9 * len(sizes)
    assert all(len(entry["description"].split()) >= 2 for entry in labels.values())


def test_a_name_means_what_its_inventory_says(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("\n".join([*ONE, "[Ur|town]", "= town: any place", *ONE[1:], "[Ur|Town] and [Ob|town]"]))
    texts, problems = inventories.read([tmp_path / "a.txt"])
    assert not problems
    assert [own.inventory for own in texts] == ["a 1", "a 2"] and texts[1].types["town"] == "any place"
    record = inventories.record_of(texts[1], ["town", "king"])
    assert record["labels"] == ["a 2: king", "a 2: town"]
    assert [span["label"] for span in record["char_spans"]] == ["a 2: town", "a 2: town"]


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ([*ONE, "[Ada|queen]"], "a.txt:5: 'queen' is not in the inventory"),
        ([*ONE, "Ur", "Ur"], "a.txt:6: the text is there already"),
        ([*ONE, "= town: again", "Ur"], "a.txt:5: 'town' is in the inventory already"),
        ([*ONE, "= market", "Ur"], "a.txt:5: a type is '= name: what it means'"),
        (["= town: a town", "Ur"], "a.txt:2: the inventory has fewer than 4 types"),
    ],
)
def test_what_is_wrong_is_said(lines: list[str], problem: str, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("\n".join(lines))
    assert inventories.read([tmp_path / "a.txt"])[1] == [problem]


def test_files_are_what_the_marks_make(splits: dict[str, list[dict[str, Any]]]) -> None:
    made = inventories.generate()
    assert made == splits
    check_lists_differ(made.values())
    check_on_disk("inventories", made, inventories.labels())


@pytest.mark.skipif(not DATASETS.is_dir(), reason="the public data sets are not beside the checkout")
def test_no_text_of_a_benchmark_is_in_it(splits: dict[str, list[dict[str, Any]]]) -> None:
    """Nor a run of ten words of one."""
    assert not sets_that_share_a_run(splits.values(), DATASETS, (*DEV_9, *EVERYDAY_3))
