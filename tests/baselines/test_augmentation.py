"""Augmentation: the offsets of what it makes are right, and it changes what it says."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanmatch.baselines.assess_options import AUGMENTATIONS
from spanmatch.baselines.augmentation import KINDS, augment, change_case, change_order, joined, pieces_of, swap
from spanmatch.data.examples import Example
from spanmatch.data.words import split_words
from spanmatch.entities import Mention


def example(*parts: tuple[str, str | None]) -> Example:
    """A text of parts, which are mentions if they have a label."""
    text, mentions = "", []
    for part, label in parts:
        if label is not None:
            mentions.append(Mention(start=len(text), end=len(text) + len(part), label=label))
        text += part
    return Example(where="here:1", text=text, words=split_words(text), mentions=tuple(mentions))


SHOE = example(
    ("red", "COLOR"), (" ", None), ("leather", "MATERIAL"), (" ", None), ("boots", "TYPE"), (" for ", None), ("men", "GENDER")
)
CUP = example(("Straße & Co", "BRAND"), (" ", None), ("cup", "TYPE"), (", ", None), ("blue", "COLOR"))

parts = st.lists(st.tuples(st.text("aBß -é", min_size=1, max_size=6), st.sampled_from([None, "X", "Y"])), min_size=1, max_size=8)


@given(
    texts=st.lists(parts, min_size=1, max_size=4),
    kinds=st.lists(st.sampled_from(AUGMENTATIONS), max_size=4),
    seed=st.integers(0, 9),
)
def test_offsets_are_right(texts: list[list[tuple[str, str | None]]], kinds: list[str], seed: int) -> None:
    """What stands at the offsets of a copy is a value of that type, but for its case."""
    originals = [example(*own) for own in texts]
    values: dict[str, set[str]] = {}
    for own in originals:
        for mention in own.mentions:
            values.setdefault(mention.label, set()).add(own.text[mention.start : mention.end].upper())
    made = augment(originals, kinds, seed)
    assert made[: len(originals)] == originals and made == augment(originals, kinds, seed)
    for copy in made[len(originals) :]:
        assert copy.words == split_words(copy.text)
        for mention in copy.mentions:
            assert copy.text[mention.start : mention.end].upper() in values[mention.label]


@given(own=parts)
def test_pieces_join_to_what_they_were_cut_from(own: list[tuple[str, str | None]]) -> None:
    before = example(*own)
    pieces = pieces_of(before)
    assert pieces is not None and joined(before, pieces) == before


def test_swap_takes_values_of_the_type() -> None:
    made = [copy for seed in range(300) for copy in augment([SHOE, CUP], ["swap"], seed)[2:]]
    assert {copy.text.split()[0] for copy in made} == {"red", "blue", "Straße"}
    assert any(copy.text == "blue leather cup for men" for copy in made)
    assert not any("Straße & Co leather" in copy.text for copy in made)  # a brand is no color


def test_case_changes_the_whole_text() -> None:
    pieces = pieces_of(CUP)
    assert pieces is not None
    made = {joined(CUP, change_case(pieces, {}, random.Random(seed))) for seed in range(20)}
    assert {copy.text for copy in made} == {"straße & co cup, blue", "STRASSE & CO CUP, BLUE", "Straße & Co Cup, Blue"}
    for copy in made:  # "ß" becomes two letters, which moves what follows
        assert [copy.text[m.start : m.end].lower() for m in copy.mentions][1:] == ["cup", "blue"]


def test_order_changes_where_only_white_space_is_between() -> None:
    pieces = pieces_of(SHOE)
    assert pieces is not None
    made = {joined(SHOE, change_order(pieces, {}, random.Random(seed))) for seed in range(60)}
    assert len(made) == 6 and all(copy.text.endswith(" for men") for copy in made)
    labels = {copy.text: [m.label for m in copy.mentions] for copy in made}
    assert labels["boots red leather for men"] == ["TYPE", "COLOR", "MATERIAL", "GENDER"]


def test_mentions_that_overlap_are_left_alone() -> None:
    nested = Example(
        where="here:1", text="red boots", words=split_words("red boots"),
        mentions=(Mention(start=0, end=9, label="A"), Mention(start=0, end=3, label="B")),
    )  # fmt: skip
    assert pieces_of(nested) is None and augment([nested], AUGMENTATIONS, 0) == [nested]


def test_swap_of_nothing_changes_nothing() -> None:
    plain = example(("just text", None))
    assert augment([plain], ["swap", "order"], 0) == [plain]
    assert swap([], {}, random.Random(0)) == []


@pytest.mark.parametrize("kind", AUGMENTATIONS)
def test_every_option_has_its_function(kind: str) -> None:
    assert kind in KINDS and len(KINDS) == len(AUGMENTATIONS)
