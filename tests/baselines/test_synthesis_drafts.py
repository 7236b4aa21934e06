"""Reading what a model writes: every form, every rejection, and anything else without a crash."""

import random
from collections import Counter
from typing import Any

import pytest
from helpers_chat import random_answer

from spanmatch.baselines.answers import json_values
from spanmatch.baselines.synthesis_drafts import is_whole, read_draft, read_drafts, texts_of
from spanmatch.data.words import split_words
from spanmatch.entities import EntityType, as_entity_types

TYPES = as_entity_types([EntityType(name="person", description="who has a name", label="PER"), EntityType(name="city")])


def read(item: Any) -> tuple[list[tuple[str, str]] | None, dict[str, int]]:
    """The mentions of a text, None if it is rejected, and what was rejected."""
    rejected: Counter[str] = Counter()
    draft = read_draft(item, TYPES, rejected)
    return (None if draft is None else [(draft.text[item.start : item.end], item.label) for item in draft.mentions]), dict(
        rejected
    )


ADA = [("Ada Lovelace", "PER"), ("Lima", "city")]


@pytest.mark.parametrize(
    "entities",
    [
        [{"text": "Ada Lovelace", "type": "person"}, {"text": "Lima", "type": "City"}],
        [["Lima", "city"], ["Ada Lovelace", "PER"]],
        {"person": ["Ada Lovelace"], "city": ["Lima"]},
    ],
)
def test_forms_of_entities(entities: Any) -> None:
    assert read({"text": " Ada Lovelace left Lima.\n", "entities": entities}) == (ADA, {})


@pytest.mark.parametrize("key", ["entities", "tokens"])
@pytest.mark.parametrize(
    ("tagged", "mentions"),
    [
        ([("Ada", "B-person"), ("Lovelace", "I-person"), ("Lima", "B-city")], ADA),
        ([("Ada", "B-PER"), ("Lovelace", "I-PER"), ("left", "O"), ("Lima", "B-city"), (".", "B-O")], ADA),
        ([("Ada", "B-person"), ("Lovelace", "B-person")], [("Ada", "PER"), ("Lovelace", "PER")]),
        ([("Ada", "I-person"), ("Lima", "I-city")], [("Ada", "PER"), ("Lima", "city")]),
        ([("Ada", "B-person"), ("Lima", "I-person")], [("Ada", "PER"), ("Lima", "PER")]),  # words without a tag are between them
        ([("Ada", "S-person"), ("Lima", "S-city")], [("Ada", "PER"), ("Lima", "city")]),
        ([("Ada", "person"), ("Lovelace", "person"), ("Lima", "city")], ADA),
    ],
)
def test_tagged_tokens_without_o(tagged: list[tuple[str, str]], mentions: list[tuple[str, str]], key: str) -> None:
    item = {"text": "Ada Lovelace left Lima.", key: [{"token": token, "tag": tag} for token, tag in tagged]}
    assert read(item) == (mentions, {})


def test_repeated_tokens_are_found_in_order() -> None:
    tagged = [{"token": token, "tag": "B-person"} for token in ("Ada", "Ada")]
    rejected: Counter[str] = Counter()
    draft = read_draft({"text": "Ada and Adam and Ada", "entities": tagged}, TYPES, rejected)
    assert draft is not None and [(item.start, item.end) for item in draft.mentions] == [(0, 3), (17, 20)]


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        ("Ada", "unreadable texts"),
        ({"entities": []}, "unreadable texts"),
        ({"text": "  ", "entities": []}, "unreadable texts"),
        ({"text": "a\ud800", "entities": []}, "unreadable texts"),
        ({"text": "Ada"}, "texts with unreadable entities"),
        ({"text": "Ada", "entities": "Ada"}, "texts with unreadable entities"),
        ({"text": "Ada", "entities": [["Ada", "person"], 3]}, "texts with unreadable entities"),
        ({"text": "Ada", "entities": [{"token": "Ada", "tag": "q-person"}]}, "texts with unreadable entities"),
        ({"text": "Ada", "entities": [{"token": "", "tag": "B-person"}]}, "texts with unreadable entities"),
        ({"text": "Ada", "entities": [["Bob", "person"]]}, "texts with a mention that is not in them"),
        ({"text": "Ada", "entities": [["Ada", "person"], ["Ada", "person"]]}, "texts with a mention that is not in them"),
        ({"text": "Ada", "entities": [{"token": "Bob", "tag": "B-person"}]}, "texts with a mention that is not in them"),
        ({"text": "Adagio", "entities": [["Ada", "person"]]}, "texts with a mention inside a word"),
        ({"text": "Ada", "entities": []}, "texts without an entity"),
    ],
)
def test_texts_that_are_rejected(item: Any, reason: str) -> None:
    assert read(item) == (None, {reason: 1})


def test_mentions_that_are_left_out() -> None:
    found = [["Ada of Lima", "person"], ["Lima", "city"], ["Bob", "animal"]]
    assert read({"text": "Ada of Lima met Bob", "entities": found}) == (
        [("Ada of Lima", "PER")],
        {"mentions that overlap a longer one": 1, "mentions of an unknown type": 1},
    )


@pytest.mark.parametrize(
    ("value", "num"),
    [
        ({"texts": [{"text": "a"}, {"text": "b"}]}, 2),
        ({"data": [{"text": "a"}]}, 1),
        ([{"text": "a"}, 3], 2),
        ({"text": "a", "entities": []}, 1),
        ({"texts": []}, None),
        ({}, None),
        ([1], None),
        ("a", None),
    ],
)
def test_texts_of(value: Any, num: int | None) -> None:
    found = texts_of(value)
    assert (None if found is None else len(found)) == num


def test_a_thousand_fuzzed_answers() -> None:
    """Whatever is kept stands in its text, at the edges of words, and does not overlap."""
    rng, num_kept = random.Random(2), 0
    rejected: Counter[str] = Counter()
    good = {"texts": [{"text": "Ada met é👩‍🚀 person, Ada.", "entities": [["Ada", "person"], ["Ada", "city"]]}]}
    for _ in range(1000):
        answer = random_answer(rng, good)
        for value in json_values(answer):
            for draft in read_drafts(texts_of(value), TYPES, rejected):
                words, ends = split_words(draft.text), [item.end for item in draft.mentions]
                assert {item.start for item in draft.mentions} <= {start for start, _ in words}
                assert all(end <= item.start for end, item in zip(ends, draft.mentions[1:], strict=False))
                num_kept += 1
    assert num_kept > 50 and len(rejected) >= 4


def test_is_whole() -> None:
    assert is_whole("é👩‍🚀") and not is_whole("a\ud83d")
