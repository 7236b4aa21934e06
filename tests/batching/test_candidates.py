"""Units of candidates for every tokenizer family, and gold that has no candidate."""

import numpy as np
import pytest
from helpers import TEXTS
from hypothesis import given
from hypothesis import strategies as st

from spanmatch.batching.candidates import CANDIDATES, Units, Unrepresentable, locate, subword_units, word_units
from spanmatch.batching.tokenizer import SequenceTokenizer
from spanmatch.data.words import is_visible, split_words
from spanmatch.entities import Mention
from spanmatch.model.encoders import PretrainedEncoder

Texts = st.text(st.characters(codec="utf-8"), max_size=40) | st.sampled_from([*TEXTS.values()])


def units_in(text: str, encoder: PretrainedEncoder, mode: str) -> tuple[Units, list[tuple[int, int]], list[int]]:
    """Units of a text, with the offsets and the ids of its subwords."""
    [ids], [offsets] = SequenceTokenizer.of(encoder.tokenizer, 64).encode([text])
    return CANDIDATES[mode](text, split_words(text), offsets), offsets, ids


class TestUnits:
    """For every tokenizer family."""

    @pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
    def test_words(self, text: str, family_encoder: PretrainedEncoder) -> None:
        units, offsets, _ = units_in(text, family_encoder, "words")
        assert tuple(zip(units.start_char.tolist(), units.end_char.tolist(), strict=True)) == split_words(text)
        for unit in range(len(units)):
            first, last = int(units.first_token[unit]), int(units.last_token[unit])
            start, end = int(units.start_char[unit]), int(units.end_char[unit])
            assert 0 <= first <= last < len(offsets)
            touching = [token for token, offset in enumerate(offsets) if offset[0] < end and offset[1] > start]
            assert not touching or (first, last) == (touching[0], touching[-1])

    @pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
    def test_subwords(self, text: str, family_encoder: PretrainedEncoder) -> None:
        units, offsets, _ = units_in(text, family_encoder, "subwords")
        starts, ends = units.start_char.tolist(), units.end_char.tolist()
        pieces = [text[start:end] for start, end in zip(starts, ends, strict=True)]
        assert all(piece and piece == piece.strip() for piece in pieces)
        # In order, apart, each of its own subwords; and no character that a subword has and that can be seen is lost.
        assert all(end <= start for end, start in zip(ends, starts[1:], strict=False))
        assert all(last < first for last, first in zip(units.last_token, units.first_token[1:], strict=False))
        covered = {position for start, end in zip(starts, ends, strict=True) for position in range(start, end)}
        wanted = {position for start, end in offsets for position in range(start, end) if is_visible(text[position])}
        assert wanted <= covered

    @given(text=Texts)
    @pytest.mark.parametrize("mode", CANDIDATES)
    def test_any_text(self, mode: str, text: str, family_encoder: PretrainedEncoder) -> None:
        units, offsets, _ = units_in(text, family_encoder, mode)
        if not len(units):
            return
        assert (units.start_char < units.end_char).all() and units.end_char.max() <= len(text)
        assert (units.first_token <= units.last_token).all() and units.last_token.max() < len(offsets)
        for column in (units.first_token, units.last_token, units.start_char, units.end_char):
            assert (np.diff(column) >= 0).all()

    @pytest.mark.parametrize("character", ["é", "中", "𠮷", "🚀", "ก"])
    def test_the_bytes_of_one_character_are_one_unit(self, character: str, family_encoder: PretrainedEncoder) -> None:
        text = f"a {character} b"
        units, _, _ = units_in(text, family_encoder, "subwords")
        spans = list(zip(units.start_char.tolist(), units.end_char.tolist(), strict=True))
        assert spans == [(0, 1), (2, 2 + len(character)), (3 + len(character), 4 + len(character))]

    def test_bytes_of_two_characters_in_one_subword(self) -> None:
        # "ab" of two bytes each, cut a1 | a2 b1 | b2: neither character has subwords of its own.
        units = subword_units("ab c", ((0, 2), (3, 4)), [(0, 1), (0, 2), (1, 2), (2, 4)])
        assert (units.first_token.tolist(), units.last_token.tolist()) == ([0, 3], [2, 3])
        assert (units.start_char.tolist(), units.end_char.tolist()) == ([0, 3], [2, 4])

    def test_one_subword_for_two_words(self) -> None:
        units = word_units("ab", ((0, 1), (1, 2)), [(0, 2)])
        assert (units.first_token.tolist(), units.last_token.tolist()) == ([0, 0], [0, 0])

    def test_a_word_that_the_tokenizer_drops(self) -> None:
        words = ((0, 1), (2, 3), (4, 5))
        assert word_units("a \ufffd b", words, [(0, 1), (4, 5)]).first_token.tolist() == [0, 1, 1]
        assert word_units("a b \ufffd", words, [(0, 1), (2, 3)]).first_token.tolist() == [0, 1, 1]
        assert len(word_units("\ufffd", ((0, 1),), [])) == 0

    @pytest.mark.parametrize("token", ["\u200b", " ", "\u0301", "\ufe0f", "\x07", "\u3164"])
    def test_a_token_that_cannot_be_seen_is_no_unit(self, token: str) -> None:
        """... even if the tokenizer has a subword for it."""
        units = word_units(f"a {token} b", ((0, 1), (2, 3), (4, 5)), [(0, 1), (2, 3), (4, 5)])
        assert (units.start_char.tolist(), units.first_token.tolist()) == ([0, 4], [0, 2])
        assert len(word_units(token, ((0, 1),), [(0, 1)])) == 0

    def test_subwords_that_cannot_be_seen(self) -> None:
        """A mark stays apart on a character and belongs to nothing behind a space; a selector belongs to its character."""
        text = "\u200ba \u0301 b\u0301 ❤\ufe0f\u200b"
        units = subword_units(text, (), [(place, place + 1) for place in range(len(text))])
        spans = list(zip(units.start_char.tolist(), units.end_char.tolist(), strict=True))
        assert [text[start:end] for start, end in spans] == ["a", "b", "\u0301", "❤\ufe0f"]

    @pytest.mark.parametrize("mode", CANDIDATES)
    def test_no_text_no_unit(self, mode: str, family_encoder: PretrainedEncoder) -> None:
        assert [len(units_in(text, family_encoder, mode)[0]) for text in ("", "  \n")] == [0, 0]

    @pytest.mark.parametrize(
        "marker", ["[SEP]", "[CLS]", "[PAD]", "[MASK]", "[UNK]", "<s>", "</s>", "<pad>", "<unk>", "<mask>", "x</s>", "</s></s>"]
    )
    @pytest.mark.parametrize("mode", CANDIDATES)
    def test_a_marker_in_a_text_stays_text(self, mode: str, marker: str, family_encoder: PretrainedEncoder) -> None:
        text = f"Ada {marker} Bob"
        units, offsets, ids = units_in(text, family_encoder, mode)
        starts, ends = units.start_char.tolist(), units.end_char.tolist()
        assert starts[0] == 0 and text.index(marker) in starts and text.index(" Bob") in ends
        assert text.index(" Bob") + 1 in starts and ends[-1] == len(text)
        tokenizer = family_encoder.tokenizer
        markers = set(tokenizer.all_special_ids) - {tokenizer.unk_token_id}
        assert not [(offset, id) for offset, id in zip(offsets, ids, strict=True) if id in markers]


class TestLocate:
    UNITS = word_units("aa bb cc dd ee", split_words("aa bb cc dd ee"), split_words("aa bb cc dd ee"))

    def find(self, width: int, *spans: tuple[int, int]) -> tuple[list[tuple[int, int, str]], Unrepresentable]:
        lost = Unrepresentable()
        mentions = [Mention(start=start, end=end, label="x") for start, end in spans]
        return locate(mentions, self.UNITS, width, lost), lost

    def test_the_widest_candidate_is_a_candidate(self) -> None:
        found, lost = self.find(3, (0, 8), (6, 14), (3, 5))
        assert found == [(0, 2, "x"), (2, 2, "x"), (1, 0, "x")]
        assert (lost.num_gold, lost.num_lost) == (3, 0)

    def test_too_wide(self) -> None:
        found, lost = self.find(2, (0, 8), (3, 11), (0, 14), (0, 5))
        assert found == [(0, 1, "x")]
        assert lost.too_wide == {3: 2, 5: 1} and lost.off_boundary == 0 and lost.num_lost == 3
        assert str(lost) == "3 of 4 gold spans have no candidate (0 off a boundary, 3 too wide: 3 units: 2, 5 units: 1)"

    @pytest.mark.parametrize("span", [(1, 2), (0, 1), (1, 5), (0, 4), (2, 5), (0, 3), (0, 15)])
    def test_off_a_boundary(self, span: tuple[int, int]) -> None:
        found, lost = self.find(5, span)
        assert found == [] and lost.off_boundary == 1 and lost.num_lost == 1
        assert str(lost) == "1 of 1 gold spans have no candidate (1 off a boundary, 0 too wide)"

    def test_counts_add_up(self) -> None:
        lost = Unrepresentable()
        for _ in range(3):
            locate([Mention(start=0, end=2, label="x"), Mention(start=1, end=2, label="x")], self.UNITS, 1, lost)
        assert (lost.num_gold, lost.num_lost) == (6, 3)

    def test_no_units(self) -> None:
        lost = Unrepresentable()
        assert locate([Mention(start=0, end=1, label="x")], word_units("", (), []), 3, lost) == []
        assert lost.off_boundary == 1

    def test_across_lines(self) -> None:
        lost = Unrepresentable()
        mentions = [Mention(start=0, end=5, label="x"), Mention(start=3, end=8, label="x"), Mention(start=6, end=11, label="x")]
        found = locate(mentions, self.UNITS, 3, lost, np.array([0, 0, 1, 1, 1]))
        assert found == [(0, 1, "x"), (2, 1, "x")]
        assert (lost.across_lines, lost.num_lost) == (1, 1)
        assert str(lost) == "1 of 3 gold spans have no candidate (0 off a boundary, 0 too wide, 1 across a line break)"

    @given(st.integers(0, 4), st.integers(1, 5), st.integers(1, 6))
    def test_every_run_of_units(self, first: int, length: int, width: int) -> None:
        last = min(first + length, 5) - 1
        found, lost = self.find(width, (first * 3, last * 3 + 2))
        assert found == ([(first, last - first, "x")] if last - first < width else [])
        assert lost.num_lost == (0 if found else 1)
