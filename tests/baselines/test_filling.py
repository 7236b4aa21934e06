"""Filling patterns: slots, articles, capitals, and where the entities stand. That data/ stays the same, tests/data_sets shows."""

import random
from typing import Any

import pytest

from spanmatch.baselines.filling import fill, is_drawn_without_list, label_in_capitals, sample

LISTS = {"CITY": ["Lyon"], "day": ["monday"], "thing": ["an {AREA} map", "uniform"], "AREA": ["old town"], "the": ["the Louvre"]}


def filled(pattern: str, **given: Any) -> tuple[str, list[tuple[str, str]]]:
    record = fill(pattern, LISTS, random.Random(0), **given)
    return record["text"], [(record["text"][item["start"] : item["end"]], item["label"]) for item in record["char_spans"]]


@pytest.mark.parametrize(
    ("pattern", "text", "entities"),
    [
        ("Off to {CITY}!", "Off to Lyon!", [("Lyon", "CITY")]),
        ("{day} it is", "Monday it is", []),  # a name in lower case is no label; a sentence begins with a capital
        ("{DATE:day} it is", "Monday it is", [("Monday", "DATE")]),
        ("lc|{DATE:day} in {CITY}", "monday in lyon", [("monday", "DATE"), ("lyon", "CITY")]),
        ("in {CITY=New York}.", "in New York.", [("New York", "CITY")]),
        ("see {SIGHT:the}", "see the Louvre", [("Louvre", "SIGHT")]),  # the article stays outside
        ("a(n) {CITY=Oslo} and a(n) {CITY=Unity}", "an Oslo and a Unity", [("Oslo", "CITY"), ("Unity", "CITY")]),
        ("{AREA}", "Old town", [("Old town", "AREA")]),
        ("{1-1} {2-2}", "1 2", []),
    ],
)
def test_patterns(pattern: str, text: str, entities: list[tuple[str, str]]) -> None:
    assert filled(pattern) == (text, entities)


def test_the_caller_says_what_is_a_label() -> None:
    assert filled("{day} in {CITY}", label_of=lambda name: "date" if name == "day" else "") == (
        "Monday in Lyon",
        [("Monday", "date")],
    )
    assert [label_in_capitals(name) for name in ("CITY", "city")] == ["CITY", ""]


@pytest.mark.parametrize(
    ("name", "is_one"), [("3-40", True), ("40-3", False), ("d4", True), ("d0", False), ("city", False), ("x3", False)]
)
def test_what_needs_no_list(name: str, is_one: bool) -> None:
    assert is_drawn_without_list(name) is is_one


def test_random_letters() -> None:
    text, _ = filled("{d3}-{h4}-{u2}")
    digits, hexadecimal, capitals = text.split("-")
    assert len(digits) == 3 and digits.isdecimal() and digits[0] != "0"
    assert len(hexadecimal) == 4 and int(hexadecimal, 16) >= 0 and len(capitals) == 2 and capitals.isupper()


def test_a_slot_without_a_list() -> None:
    with pytest.raises(ValueError, match="no lexicon named 'town'"):
        filled("{town}")


class TestSample:
    def test_texts_are_new_and_patterns_take_turns(self) -> None:
        seen = {"1 a"}
        rows = list(sample(["{1-9} a", "{1-9} b"], {}, 10, random.Random(0), seen))
        texts = [row["text"] for row in rows]
        assert len(set(texts)) == 10 and "1 a" not in texts and seen == {"1 a", *texts}
        assert sum(text.endswith("b") for text in texts) == 5

    def test_what_counts_as_the_same(self) -> None:
        rows = list(sample(["{w}"], {"w": ["a", "A", "b", "B"]}, 2, random.Random(0), set(), same_as=str.lower))
        assert {row["text"].lower() for row in rows} == {"a", "b"}

    def test_there_are_not_so_many(self) -> None:
        with pytest.raises(ValueError, match="only 9 of 10 different texts in 501 attempts"):
            list(sample(["{1-9}"], {}, 10, random.Random(0), set()))
