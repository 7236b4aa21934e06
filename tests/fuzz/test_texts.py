"""Odd texts: offsets hold, nothing invisible is tagged, and a text's entities depend on that text alone."""

import itertools
import unicodedata
from typing import Any

import pytest
from helpers import EVERYTHING, TYPES, assert_same, scores_of
from helpers_fuzz import Fuzz, is_visible, odd_texts
from hypothesis import strategies as st

from spanmatch.data.examples import read_record
from spanmatch.data.words import mention_in_units
from spanmatch.entities import Entity, as_entity_types
from spanmatch.prediction.matcher import SpanMatcher
from spanmatch.prediction.tagger import StreamOptions

INVENTORY = as_entity_types(TYPES)


def assert_sound(text: str, entities: list[Entity]) -> None:
    """What holds of the entities of any text."""
    for entity in entities:
        assert 0 <= entity.start < entity.end <= len(text)
        assert text[entity.start : entity.end] == entity.text
        assert is_visible(entity.text), ascii(entity.text)
        assert entity.text == entity.text.strip(), ascii(entity.text)
        # A mark belongs to the character before it.
        assert entity.end == len(text) or unicodedata.category(text[entity.end]) not in {"Mn", "Me"}, ascii(
            text[entity.start : entity.end + 1]
        )
        assert 0 < entity.score <= 1


def test_texts(fuzz: Fuzz, family: str, family_matcher: SpanMatcher) -> None:
    def check(texts: list[str]) -> None:
        together = family_matcher.predict(texts, TYPES, threshold=EVERYTHING, overlap="multi-label")
        alone = [family_matcher.predict(text, TYPES, threshold=EVERYTHING, overlap="multi-label") for text in texts]
        backwards = family_matcher.predict(texts[::-1], TYPES, threshold=EVERYTHING, overlap="multi-label")[::-1]
        for text, entities in zip(texts, together, strict=True):
            assert_sound(text, entities)
            if is_visible(text):
                assert entities, "visible, and no candidate"
        assert_same([scores_of(found) for found in together], [scores_of(found) for found in alone])
        assert_same([scores_of(found) for found in together], [scores_of(found) for found in backwards])
        flat = family_matcher.predict(texts, TYPES, threshold=0.5)
        for text, entities in zip(texts, flat, strict=True):
            assert_sound(text, entities)
            assert all(one.end <= other.start for one, other in itertools.pairwise(entities))

    fuzz(f"texts, {family}", check, st.lists(odd_texts, min_size=3, max_size=3), worth=3)


def test_tokens(fuzz: Fuzz, tiny_matcher: SpanMatcher) -> None:
    """In tokens format an entity is whole tokens, and none of them is invisible alone."""

    def check(tokens: list[str]) -> None:
        row: dict[str, Any] = {"tokens": tokens, "tags": ["O"] * len(tokens), "labels": TYPES}
        example, _ = read_record("fuzz:1", row, format="tokens")
        asked = example.__class__(where="fuzz:1", text=example.text, words=example.words, mentions=(), types=INVENTORY)
        [entities] = tiny_matcher.stream([asked], threshold=EVERYTHING, overlap="multi-label", options=StreamOptions())
        starts, ends = {start for start, _ in example.words}, {end for _, end in example.words}
        for entity in entities:
            assert example.text[entity.start : entity.end] == entity.text
            whole = mention_in_units(entity.mention, example.words, "tokens")
            assert whole.start in starts and whole.end in ends
            assert is_visible(example.text[whole.start : whole.end]), ascii(entity.text)

    tokens = st.one_of(odd_texts, st.sampled_from(["Ada", "Oslo", ".", "\u200b", "\ufe0f", "\u0301", "\xad"])).filter(bool)
    fuzz("tokens", check, st.lists(tokens, min_size=1, max_size=8))


@pytest.mark.parametrize("types", [["person"], ["person", "city", "company", "river"]])
def test_types_alone(fuzz: Fuzz, types: list[str], tiny_matcher: SpanMatcher) -> None:
    """Odd names of types next to usual ones leave the scores of these as they are, or are refused."""
    text = "Ada Lovelace moved to New York."
    usual = scores_of(tiny_matcher.predict(text, types, threshold=EVERYTHING, overlap="multi-label"))

    def check(odd: str) -> None:
        try:
            found = tiny_matcher.predict(text, [*types, odd], threshold=EVERYTHING, overlap="multi-label")
        except ValueError as error:
            assert "\n" not in str(error)
            return
        assert_same([usual], [{key: score for key, score in scores_of(found).items() if key[2] in types}])

    fuzz(f"names of types, beside {len(types)}", check, odd_texts)
