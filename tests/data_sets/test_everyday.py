"""The everyday texts are sound, whole in their annotation, and the files are what their sentences make."""

import sys
from collections import Counter
from typing import Any

import pytest
from gallery import EVERYDAY, SENTENCES
from gallery import read as read_gallery
from helpers_data_sets import DATA, DATASETS, check_lists_differ, check_on_disk, check_record, read_splits, sets_that_share_a_run
from quality_data import DEV_9, EVERYDAY_3

sys.path.insert(0, str(DATA))

from generators import everyday, kinds


@pytest.fixture(scope="module")
def splits() -> dict[str, list[dict[str, Any]]]:
    return read_splits("everyday")


def test_records_are_sound(splits: dict[str, list[dict[str, Any]]]) -> None:
    labels = everyday.labels()
    for record in splits["train"] + splits["validation"]:
        check_record(record, labels)
        assert {span["label"] for span in record["char_spans"]} <= set(record["labels"])
        assert record["labels"] == sorted(set(record["labels"]))


def test_every_kind_is_of_a_type_and_every_type_is_described() -> None:
    assert {kind for kinds, _ in everyday.TYPES.values() for kind in kinds} == set(everyday.KINDS)
    assert all(entry["description"] != entry["name"] for entry in everyday.labels().values())


def test_lists_are_usual_and_drawn(splits: dict[str, list[dict[str, Any]]]) -> None:
    """Each sentence has one of both; no two types of a list share a kind, so that each mention has one answer."""
    usual = {tuple(sorted(names)) for names in everyday.USUAL_LISTS}
    lists: dict[str, list[tuple[str, ...]]] = {}
    for record in splits["train"]:
        lists.setdefault(record["text"], []).append(tuple(record["labels"]))
        covered = Counter(kind for name in record["labels"] for kind in everyday.TYPES[name][0])
        assert max(covered.values()) == 1
    assert all(len(own) == 2 and usual & set(own) for own in lists.values())
    sizes = Counter(len(names) for own in lists.values() for names in own if names not in usual)
    assert sizes[1] > 600 and max(sizes) == 12


def test_one_sentence_for_several_lists() -> None:
    """The same mention is a city, a place, or nothing that is asked for."""
    [sentence], problems = kinds.read_lines(["[Ada|per] left [Acme|com] in [Rome|city]."], "a.txt", everyday.KINDS)
    assert not problems
    for names, expected in (
        (("person", "organization", "location"), {"Ada": "person", "Acme": "organization", "Rome": "location"}),
        (("company", "town"), {"Acme": "company", "Rome": "town"}),
        (("language",), {}),
    ):
        record = everyday.record_of(sentence.text, sentence.spans, names)
        text = record["text"]
        assert {text[span["start"] : span["end"]]: span["label"] for span in record["char_spans"]} == expected
        assert record["labels"] == sorted(names)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("[Ada|person] met Bo.", "unknown kind 'person'"),
        ("[Ad|per]a met Bo.", "inside a word: 'Ad'"),
        ("[Ada|per] met [Bo.", "a bracket or bar is left over"),
        ("Bo slept.", "the text is there already"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(line: str, problem: str) -> None:
    _, problems = kinds.read_lines(["# domain", "Bo slept.", line], "a.txt", everyday.KINDS)
    assert any(own.startswith("a.txt:3: ") and problem in own for own in problems), problems


def test_the_galleries_are_not_in_it(splits: dict[str, list[dict[str, Any]]]) -> None:
    """What the model that ships is shown on must not have been trained on."""
    texts = "\n".join(record["text"].lower() for own in splits.values() for record in own)
    for _, _, marked in (*SENTENCES, *EVERYDAY):
        assert read_gallery(marked)[0].lower() not in texts


def test_files_are_what_the_sentences_make(splits: dict[str, list[dict[str, Any]]]) -> None:
    made = everyday.generate()
    assert made == splits
    check_lists_differ(made.values())
    check_on_disk("everyday", made, everyday.labels())


@pytest.mark.skipif(not DATASETS.is_dir(), reason="the public data sets are not beside the checkout")
def test_no_sentence_of_a_benchmark_is_in_it(splits: dict[str, list[dict[str, Any]]]) -> None:
    """Nor a run of ten words of one."""
    assert not sets_that_share_a_run(splits.values(), DATASETS, (*DEV_9, *EVERYDAY_3))
