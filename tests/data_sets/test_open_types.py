"""The set with types named at will is sound, and the files are what its sentences make."""

import sys
from pathlib import Path
from typing import Any

import pytest
from gallery import EVERYDAY, SENTENCES
from gallery import read as read_gallery
from helpers_data_sets import DATA, DATASETS, check_lists_differ, check_on_disk, check_record, read_splits, sets_that_share_a_run
from quality_data import DEV_9, EVERYDAY_3

sys.path.insert(0, str(DATA))

from generators import open_types


@pytest.fixture(scope="module")
def splits() -> dict[str, list[dict[str, Any]]]:
    return read_splits("open_types")


def test_records_are_sound(splits: dict[str, list[dict[str, Any]]]) -> None:
    labels = open_types.labels()
    for record in splits["train"] + splits["validation"]:
        check_record(record, labels)
        assert {span["label"] for span in record["char_spans"]} < set(record["labels"])  # some are absent
        assert record["labels"] == sorted(set(record["labels"]))


def test_types_are_many_and_most_are_described(splits: dict[str, list[dict[str, Any]]]) -> None:
    labels = open_types.labels()
    assert len(splits["train"]) >= 1_000 and len(labels) >= 1_500
    described = [entry for entry in labels.values() if entry["description"]]
    assert len(described) >= 0.8 * len(labels)
    assert len({span["label"] for record in splits["train"] for span in record["char_spans"]}) >= 1_000


def test_the_gallery_is_not_in_it(splits: dict[str, list[dict[str, Any]]]) -> None:
    """What the model that ships is shown on must not have been trained on."""
    texts = "\n".join(record["text"].lower() for own in splits.values() for record in own)
    for _, _, marked in (*SENTENCES, *EVERYDAY):
        assert read_gallery(marked)[0].lower() not in texts


def test_files_are_what_the_sentences_make(splits: dict[str, list[dict[str, Any]]]) -> None:
    made = open_types.generate()
    assert made == splits
    check_lists_differ(made.values())
    check_on_disk("open_types", made, open_types.labels())


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("[Ada|person] met Bo.", "no ' -- '"),
        ("[Ada|person] met Bo. -- person", "'person' is mentioned and said to be absent"),
        ("[Ada |person]met Bo. -- city", "begins or ends with a space"),
        ("[Ada|person] met [Bo. -- city", "a bracket or bar is left over"),
        ("[Ad|person]a met Bo. -- city", "inside a word: 'Ad'"),
        ("[Ada|person] met Bo. -- ,", "name at least one absent type"),
        (" [Ada|person] met Bo. -- city", "the text begins or ends with a space"),
        ("= person", "a description is"),
        ("[Ada|writer] met Bo. -- city == person = poet", "'person' is said to have the mentions of 'poet', which has none"),
        ("[Ada|writer] met Bo. -- city == person = writer; name = writer", "'writer' is in two general types"),
        ("[Ada|writer] met [Bo|person]. -- city == person = writer", "'person' is a type by itself and a general one of others"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(tmp_path: Path, line: str, problem: str) -> None:
    file = tmp_path / "a.txt"
    file.write_text(f"# domain\n= city: a town\n{line}\n", encoding="utf-8")
    problems = open_types.read([file]).problems
    assert any(own.startswith("a.txt:3: ") and problem in own for own in problems), problems


def test_a_sentence_is_annotated_for_what_it_mentions_and_what_it_is_said_to_lack(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("= City: a town\n[Ada|Person] met [Bo|person] in [Rome|city]. -- river, Sea\n", encoding="utf-8")
    reading = open_types.read([file])
    assert not reading.problems and reading.descriptions == {"city": "a town"}
    [[record]] = reading.records
    assert record["text"] == "Ada met Bo in Rome." and record["labels"] == ["city", "person", "river", "sea"]
    mentions = [(record["text"][span["start"] : span["end"]], span["label"]) for span in record["char_spans"]]
    assert mentions == [("Ada", "person"), ("Bo", "person"), ("Rome", "city")]


def test_general_types_stand_in_the_place_of_special_ones(tmp_path: Path) -> None:
    """What is absent joins the list of the sentence, what is present makes a second line."""
    file = tmp_path / "a.txt"
    line = "[Ada|writer] met [Bo|painter] in [Rome|host city] with [wine|gift]. -- river"
    file.write_text(f"{line} == person = writer + painter; location = host city; organization = -\n", encoding="utf-8")
    [[special, general]] = open_types.read([file]).records
    assert special["labels"] == ["gift", "host city", "organization", "painter", "river", "writer"]
    assert general["labels"] == ["gift", "location", "organization", "person", "river"]
    assert [span["label"] for span in general["char_spans"]] == ["person", "person", "location", "gift"]
    assert [span["label"] for span in special["char_spans"]] == ["writer", "painter", "host city", "gift"]
    same = "[Ada|person] met Bo. -- river == person = person; location = -"
    file.write_text(same + "\n", encoding="utf-8")
    [[only]] = open_types.read([file]).records
    assert only["labels"] == ["location", "person", "river"]


@pytest.mark.skipif(not DATASETS.is_dir(), reason="the public data sets are not beside the checkout")
def test_no_sentence_of_a_benchmark_is_in_it(splits: dict[str, list[dict[str, Any]]]) -> None:
    """Nor a run of ten words of one; eight are the name of an association."""
    assert not sets_that_share_a_run(splits.values(), DATASETS, (*DEV_9, *EVERYDAY_3))
