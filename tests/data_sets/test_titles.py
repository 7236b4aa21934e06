"""The product titles are sound, whole in their annotation, and the files are what their marks make."""

import random
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from helpers_data_sets import DATA, DATASETS, check_lists_differ, check_on_disk, check_record, read_splits, sets_that_share_a_run
from quality_data import DEV_9, EVERYDAY_3

sys.path.insert(0, str(DATA))

from generators import titles


@pytest.fixture(scope="module")
def splits() -> dict[str, list[dict[str, Any]]]:
    return read_splits("titles")


def test_records_are_sound(splits: dict[str, list[dict[str, Any]]]) -> None:
    labels = titles.labels()
    for record in splits["train"] + splits["validation"]:
        check_record(record, labels)
        assert {span["label"] for span in record["char_spans"]} <= set(record["labels"])
        assert record["labels"] == sorted(set(record["labels"]))


def test_every_kind_is_of_a_type_and_every_type_is_described() -> None:
    assert {kind for kinds, _ in titles.TYPES.values() for kind in kinds} == set(titles.KINDS)
    assert all(entry["description"] != entry["name"] for entry in titles.labels().values())


def test_lists_are_long_and_without_overlap(splits: dict[str, list[dict[str, Any]]]) -> None:
    """No two types of a list share a kind, so that each mention has one answer."""
    sizes: Counter[int] = Counter()
    of_text: Counter[str] = Counter()
    for record in splits["train"]:
        kinds = Counter(kind for name in record["labels"] if name in titles.TYPES for kind in titles.TYPES[name][0])
        assert max(kinds.values()) == 1
        sizes[len(record["labels"])] += 1
        of_text[record["text"]] += 1
    assert set(of_text.values()) == {2}
    assert sum(count for size, count in sizes.items() if size >= 30) > 0.4 * len(splits["train"]) and min(sizes) <= 5


def test_nearly_every_word_belongs_to_something(splits: dict[str, list[dict[str, Any]]]) -> None:
    texts, _ = titles.read(sorted(titles.FOLDER.glob("*.txt")))
    covered = sum(span["end"] - span["start"] for own in texts for span in own.spans)
    assert covered / sum(len(own.text.replace(" ", "")) for own in texts) > 0.8


def test_the_type_of_product_has_the_name_of_its_department(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("# boots: shoe type\n[Arden|brand] [Boots|ptype], [Brown|color]\n# tea: tea type\n[Green Tea|ptype]\n")
    found, problems = titles.read([file])
    assert not problems and [own.heading for own in found] == ["shoe type", "tea type"]
    asked: Counter[str] = Counter()
    for seed in range(300):
        types = titles._drawn_list(random.Random(seed), {"brand", "ptype", "color"}, "shoe type", ["shoe type", "tea type"])
        asked.update(name for name, kinds in types.items() if kinds == ("ptype",))
        assert types.get("tea type", ()) == ()
    assert asked["shoe type"] > 50 and {"product type", "product", "item"} <= asked.keys() and "tea type" not in asked


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        (["# tea: tea type", "[Ada|maker] Tea"], "a.txt:2: unknown kind 'maker'"),
        (["# tea: tea type", "Tea", "Tea"], "a.txt:3: the text is there already"),
        (["# tea", "Green Tea"], "no heading '# department: type of the product' before 'Green Tea'"),
        (["Green Tea"], "no heading '# department: type of the product' before 'Green Tea'"),
    ],
)
def test_what_is_wrong_is_said(lines: list[str], problem: str, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("\n".join(lines))
    assert titles.read([tmp_path / "a.txt"])[1] == [problem]


def test_files_are_what_the_titles_make(splits: dict[str, list[dict[str, Any]]]) -> None:
    made = titles.generate()
    assert made == splits
    check_lists_differ(made.values())
    check_on_disk("titles", made, titles.labels())


@pytest.mark.skipif(not DATASETS.is_dir(), reason="the public data sets are not beside the checkout")
def test_no_title_of_a_benchmark_is_in_it(splits: dict[str, list[dict[str, Any]]]) -> None:
    """Nor a run of ten words of one."""
    assert not sets_that_share_a_run(splits.values(), DATASETS, (*DEV_9, *EVERYDAY_3))
