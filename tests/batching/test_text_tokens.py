"""Subwords of words that a tokenizer would glue together, of format characters, and of what it drops."""

from itertools import pairwise

import pytest
from helpers import TEXTS
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers

from spanmatch.batching.candidates import word_units
from spanmatch.batching.text_tokens import encode_texts
from spanmatch.batching.tokenizer import SequenceTokenizer
from spanmatch.data.words import has_letter, split_words
from spanmatch.model.encoders import PretrainedEncoder

Texts = st.text(st.sampled_from([*"ab .中ก'", "🎉", "🇳", "\u200b", "\u00ad", "\ufffd", "\ue000", "é"]), max_size=24)


@pytest.fixture(scope="session")
def tokenizer(family_encoder: PretrainedEncoder) -> SequenceTokenizer:
    return SequenceTokenizer.of(family_encoder.tokenizer, 64)


def encode(text: str, tokenizer: SequenceTokenizer) -> tuple[list[int], list[tuple[int, int]]]:
    [found] = encode_texts([text], [split_words(text)], tokenizer)
    return found


def subwords_of(word: str, text: str, tokenizer: SequenceTokenizer) -> tuple[list[int], list[str]]:
    """Ids of the subwords that touch a word of the text, and the characters that these cover."""
    ids, offsets = encode(text, tokenizer)
    start = text.index(word)
    touching = [place for place, own in enumerate(offsets) if own[0] < start + len(word) and own[1] > start]
    return [ids[place] for place in touching], [text[offsets[place][0] : offsets[place][1]].strip() for place in touching]


# In the others, a subword of a tiny vocabulary is unknown and goes beyond a word, or there is a format character.
@pytest.mark.parametrize("name", [name for name in TEXTS if name not in {"control", "emoji", "rare", "Thai", "markers"}])
def test_ordinary_text_is_as_before(name: str, tokenizer: SequenceTokenizer) -> None:
    text = TEXTS[name]
    [ids], [offsets] = tokenizer.encode([text])
    assert encode(text, tokenizer) == (ids, offsets)


@pytest.mark.parametrize("text", ["Anna Berg🎉 from Oslo🇳🇴", "Berg🎉🎉🎉, Oslo", "🎉Berg from Oslo🎉", "Berg\u200b🎉 Oslo🎉"])
def test_an_emoji_hides_no_word(text: str, tokenizer: SequenceTokenizer) -> None:
    for word in ("Berg", "Oslo"):
        ids, covered = subwords_of(word, text, tokenizer)
        assert all(piece in word for piece in covered)
        alone, _ = subwords_of(word, f"x {word} y", tokenizer)
        # Behind an emoji, a tokenizer that marks spaces sees none.
        assert ids[1:] == alone[1:] and (ids[0] == alone[0] or tokenizer.unknown_id not in ids)


@given(text=Texts)
def test_no_unknown_subword_hides_a_word(text: str, tokenizer: SequenceTokenizer) -> None:
    words = split_words(text)
    ids, offsets = encode(text, tokenizer)
    for token, (start, end) in zip(ids, offsets, strict=True):
        touched = [word for word in words if word[0] < end and word[1] > start]
        if len(touched) > 1 and token == tokenizer.unknown_id:
            assert not any(has_letter(text, *word) for word in touched), (text, touched)


@given(text=Texts)
def test_offsets_are_in_order_and_in_the_text(text: str, tokenizer: SequenceTokenizer) -> None:
    ids, offsets = encode(text, tokenizer)
    assert len(ids) == len(offsets)
    assert all(0 <= start <= end <= len(text) for start, end in offsets)
    assert all(before[0] <= after[0] for before, after in pairwise(offsets))


@given(text=Texts)
def test_every_word_has_a_subword(text: str, tokenizer: SequenceTokenizer) -> None:
    words = split_words(text)
    ids, offsets = encode(text, tokenizer)
    for start, end in words:
        assert tokenizer.unknown_id is None or any(own[0] < end and own[1] > start for own in offsets), (text, start)
    assert len(word_units(text, words, offsets)) == len(words) or not ids


@pytest.mark.parametrize("character", ["\u00ad", "\u200b", "\u200d", "\u2060", "\ufeff", "\u200e", "\x02", "\u034f"])
def test_a_format_character_changes_no_subword(character: str, tokenizer: SequenceTokenizer) -> None:
    text = f"She left Copen{character}hagen, then"
    ids, offsets = encode(text, tokenizer)
    plain_ids, plain_offsets = encode("She left Copenhagen, then", tokenizer)
    assert ids == plain_ids
    moved = [(start + (start >= 14), end + (end > 14)) for start, end in plain_offsets]
    assert offsets == moved


def test_joiners_that_shape_letters_stay(tokenizer: SequenceTokenizer) -> None:
    text = "می\u200cخواهم 👩\u200d💻"
    [ids], [offsets] = tokenizer.encode([text])
    assert encode(text, tokenizer) == (ids, offsets)


def test_several_texts_are_as_each_alone(tokenizer: SequenceTokenizer) -> None:
    texts = [*TEXTS.values(), "Berg🎉 a", "Copen\u00adhagen🎉", "", "\u200b"]
    assert encode_texts(texts, [split_words(text) for text in texts], tokenizer) == [encode(text, tokenizer) for text in texts]


def simple_tokenizer(vocabulary: dict[str, int], split: pre_tokenizers.PreTokenizer) -> SequenceTokenizer:
    backend = Tokenizer(models.WordLevel(vocabulary | {"[UNK]": 0}, unk_token="[UNK]"))
    backend.pre_tokenizer = split
    return SequenceTokenizer(
        backend=backend, prefix=(), middle=(), suffix=(), pad_id=0, max_tokens=64, special_ids=frozenset(), unknown_id=0
    )


def test_a_known_subword_that_holds_two_words_is_cut() -> None:
    """Some vocabularies have "New York" as one subword."""
    tokenizer = simple_tokenizer({"New York": 1, "New": 2, " York": 3}, pre_tokenizers.Split("|", "removed"))
    assert encode("New York", tokenizer) == ([2, 3], [(0, 3), (3, 8)])


@pytest.mark.parametrize("text", ["'s", "),", "中国"])
def test_a_known_subword_that_hides_nothing_stays(text: str) -> None:
    """Possessives, punctuation and characters without spaces share subwords in many vocabularies."""
    tokenizer = simple_tokenizer({text: 1}, pre_tokenizers.WhitespaceSplit())
    assert encode(text, tokenizer) == ([1], [(0, len(text))])


def test_a_run_of_unknown_symbols_stays_one_subword() -> None:
    tokenizer = simple_tokenizer({"a": 1, "b": 2}, pre_tokenizers.WhitespaceSplit())
    ids, offsets = encode("a" + "🎉" * 1000 + "b", tokenizer)
    assert ids == [1, 0, 2] and offsets == [(0, 1), (1, 1001), (1001, 1002)]


def test_a_visible_word_that_is_dropped_is_unknown() -> None:
    """It does not get the score of its neighbour."""
    tokenizer = simple_tokenizer({"a": 1, "b": 2}, pre_tokenizers.Split("\ufffd", "removed"))
    assert encode("a\ufffd\ufffdb\ufffd", tokenizer) == ([1, 0, 2, 0], [(0, 1), (1, 3), (3, 4), (4, 5)])
