"""Reading answers: every form that models write, and anything else without a crash."""

import json
import random

import pytest
from helpers_chat import random_answer

from spanmatch.baselines.answers import Listed, align, json_values, read_entities

ADA = [("Ada", "person")]


@pytest.mark.parametrize(
    ("answer", "mentions"),
    [
        ('{"entities": [{"text": "Ada", "type": "person"}]}', ADA),
        ('```json\n{"entities": [{"text": "Ada", "type": "person"}]}\n```', ADA),
        ('Here is [1] what {you} asked for:\n{"entities": [{"text": "Ada", "type": "person"}]}\nAnything else?', ADA),
        ('[{"text": "Ada", "type": "person"}]', ADA),
        ('[["Ada", "person"]]', ADA),
        ('{"text": "Ada", "type": "person"}', ADA),
        ('{"entities": [{"mention": "Ada", "label": "person", "score": 0.9}]}', ADA),
        ('{"person": ["Ada", "Bob"], "city": [], "date": null}', [*ADA, ("Bob", "person")]),
        ('{"person": "Ada"}', ADA),
        ('{"entities": {"person": ["Ada"]}}', ADA),
        ('[{"person": "Ada"}]', ADA),
        ('<think>{"person": ["Bob"]}?</think>{"person": ["Ada"]}', ADA),
        ('{"entities": [{"text": 1984, "type": "year"}]}', [("1984", "year")]),
        ('{"entities": [{"text": "Z\\u00fcrich", "type": "city"}]}', [("Zürich", "city")]),
        ('{"entities": []}', []),
        ('{"entities": null}', []),
        ("[]", []),
        ("{}", []),
    ],
)
def test_forms(answer: str, mentions: list[tuple[str, str]]) -> None:
    assert read_entities(answer) == Listed(mentions=mentions)


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "There are no entities.",
        "null",
        '"Ada"',
        "[1, 2]",
        '["Ada", "person"]',
        "{'entities': [{'text': 'Ada'}]}",
        '{"entities": "Ada"}',
        '{"entities": [{"text": "Ada", "type": "person"}, {"te',  # cut off: the first would be taken for all
        '{"person": [], "city": ["Li',
        '{"person": [], "city": ["Lima"',
        '{"texts": [{"text": "a", "entities": []}]}',
        "[" * 100_000,
        '{"a": ' * 5000,
        "[" + "9" * 5000 + "]",
    ],
)
def test_what_is_broken(answer: str) -> None:
    assert read_entities(answer) is None


def test_items_that_are_no_entity_are_counted() -> None:
    items = [{"text": "Ada", "type": "person"}, 3, {"text": True, "type": "x"}, ["a", "b", "c"], {"text": ["a"], "type": {}}]
    assert read_entities(json.dumps({"entities": items})) == Listed(mentions=ADA, num_unreadable=4)


def test_values_follow_each_other() -> None:
    assert list(json_values('{"a": 1} then [2] and {3} {"b": []}')) == [{"a": 1}, [2], {"b": []}]


def test_a_thousand_fuzzed_answers() -> None:
    """Whatever is read is text of both kinds, and what is found stands in the text."""
    rng, num_read = random.Random(0), 0
    text = "Ada met é👩‍🚀 person, Ada. -1 is true."
    for _ in range(1000):
        listed = read_entities(random_answer(rng))
        if listed is None:
            continue
        num_read += bool(listed.mentions)
        assert all(isinstance(mention, str) and isinstance(kind, str) for mention, kind in listed.mentions)
        mentions = [mention for mention, _ in listed.mentions]
        spans = [span for span in align(text, mentions) if span is not None]
        assert len(set(spans)) == len(spans) and all(0 <= start < end <= len(text) for start, end in spans)
    assert 100 < num_read < 900


@pytest.mark.parametrize(
    ("text", "mentions", "found"),
    [
        ("Ada met Bob.", ["Ada", "Bob"], [(0, 3), (8, 11)]),
        ("Ada met Bob.", ["Bob", "Ada"], [(8, 11), (0, 3)]),
        ("Ada met Ada.", ["Ada", "Ada"], [(0, 3), (8, 11)]),  # one occurrence after the other
        ("Ada met Ada.", ["Ada", "Ada", "Ada"], [(0, 3), (8, 11), None]),  # each at most once
        ("An Adage of Ada", ["Ada"], [(12, 15)]),  # whole words first
        ("An adage", ["ada"], [(3, 6)]),  # else a part of one
        ("New York or York", ["York", "New York"], [(12, 16), (0, 8)]),  # not where a longer mention is
        ("University of Lima", ["University of Lima", "Lima"], [(0, 18), (14, 18)]),  # unless it stands nowhere else
        ("New\n  York", ["New York"], [(0, 10)]),
        ("apple fell", ["Apple"], [(0, 5)]),
        ("Apple or apple", ["apple"], [(9, 14)]),
        ("Ada", ["Bob", "", "  "], [None, None, None]),
        ("C++ (a.b)*", ["C++", "(a.b)*"], [(0, 3), (4, 10)]),
        ("北京大学在北京", ["北京", "北京大学"], [(5, 7), (0, 4)]),
        ("Grüße aus Zürich 👩‍🚀", ["Zürich", "👩‍🚀"], [(10, 16), (17, 20)]),
    ],
)
def test_align(text: str, mentions: list[str], found: list[tuple[int, int] | None]) -> None:
    assert align(text, mentions) == found
