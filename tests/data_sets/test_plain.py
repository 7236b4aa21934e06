"""The texts without annotation are sound, and the file is what the generator makes."""

import sys
from pathlib import Path
from typing import Any

import pytest
from helpers_data_sets import DATA, DATASETS, check_no_duplicates, read_jsonl, sets_that_share_a_run
from quality_data import DEV_9, EVERYDAY_3

from spanmatch.data.corpus import read_corpus

sys.path.insert(0, str(DATA))

from generators import plain

FILE = DATA / "plain" / "train.jsonl"


@pytest.fixture(scope="module")
def records() -> list[dict[str, Any]]:
    return read_jsonl(FILE)


def test_the_file_is_what_the_texts_make(records: list[dict[str, Any]]) -> None:
    assert plain.generate() == {"train": records} and plain.labels() == {}
    assert {path.name for path in FILE.parent.iterdir()} == {"train.jsonl", "README.md"}
    check_no_duplicates([records])


def test_nothing_is_known_of_any_type(records: list[dict[str, Any]]) -> None:
    corpus = read_corpus([str(FILE)])
    assert len(corpus.examples) == len(records) > 1000 and not corpus.types
    assert all(record["labels"] == record["char_spans"] == [] for record in records)


@pytest.mark.parametrize(("line", "problem"), [(" Ur", "empty, or begins"), ("", "empty, or begins"), ("Ob", "is there already")])
def test_what_is_wrong_is_said(line: str, problem: str, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(f"Ob\n{line}\nEk")
    texts, problems = plain.read([tmp_path / "a.txt"])
    assert len(problems) == 1 and problems[0].startswith("a.txt:2: the text") and problem in problems[0]
    assert "Ob" in texts and "Ek" in texts


@pytest.mark.skipif(not DATASETS.is_dir(), reason="the public data sets are not beside the checkout")
def test_no_text_of_a_benchmark_is_in_it(records: list[dict[str, Any]]) -> None:
    """Nor a run of ten words of one."""
    assert not sets_that_share_a_run([records], DATASETS, (*DEV_9, *EVERYDAY_3))
