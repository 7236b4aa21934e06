"""Words, tags, the two formats, the units of candidates, and gold that has none."""

import numpy as np
import pytest
import regex
from helpers import TEXTS
from hypothesis import given
from hypothesis import strategies as st

from spanmatch.batching.candidates import CANDIDATES, Units, Unrepresentable, locate, subword_units, word_units
from spanmatch.batching.tokenizer import Tokenizing
from spanmatch.data.tags import read_tags
from spanmatch.data.words import align_tokens, chars_to_tokens, join_tokens, split_words, tokens_to_chars
from spanmatch.entities import Mention
from spanmatch.model.encoders import PretrainedEncoder

Texts = st.text(st.characters(codec="utf-8"), max_size=40) | st.sampled_from([*TEXTS.values()])
Tokens = st.lists(st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "M")), min_size=1, max_size=6), min_size=1)


def words_of(text: str) -> list[str]:
    return [text[start:end] for start, end in split_words(text)]


def triples(mentions: tuple[Mention, ...]) -> list[tuple[int, int, str]]:
    return [(mention.start, mention.end, mention.label) for mention in mentions]


class TestSplitWords:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("", []),
            (" \t\n\u00a0\u3000", []),
            ("Ada met Bob.", ["Ada", "met", "Bob", "."]),
            ("don't", ["don", "'", "t"]),
            ("Zoë's", ["Zoë", "'", "s"]),
            ("l’Église", ["l", "’", "Église"]),
            ("New-York--based", ["New", "-", "York", "-", "-", "based"]),
            ("snake_case x2", ["snake_case", "x2"]),
            ("3.14%", ["3", ".", "14", "%"]),
            ("https://a.org/b_c?d=e", ["https", ":", "/", "/", "a", ".", "org", "/", "b_c", "?", "d", "=", "e"]),
            ("zoe@a.org", ["zoe", "@", "a", ".", "org"]),
            ("[SEP]", ["[", "SEP", "]"]),
            # Marks belong to their base, also where they are characters of their own.
            ("Zoe\u0308 y", ["Zoe\u0308", "y"]),
            ("दफ़्तर का", ["दफ़्तर", "का"]),
            ("وُلِدَ نجيب", ["وُلِدَ", "نجيب"]),
            # Scripts without spaces: a word per character, or per base with its marks.
            ("马云 in杭州。", ["马", "云", "in", "杭", "州", "。"]),
            ("𠮷野家", ["𠮷", "野", "家"]),
            ("第3回A", ["第", "3", "回", "A"]),
            ("ソニーの", ["ソ", "ニ", "ー", "の"]),
            ("カ\u3099ス", ["カ\u3099", "ス"]),
            ("ที่นี่", ["ที่", "นี่"]),
            ("น้ำ", ["น้", "ำ"]),
            ("한국어 말", ["한국어", "말"]),
            # Each code point of an emoji sequence is visible by itself, modifiers and joiners included.
            ("a👍🏽b", ["a", "👍", "🏽", "b"]),
            ("👩‍💻", ["👩", "\u200d", "💻"]),
            ("🇫🇷→🇯🇵", ["🇫", "🇷", "→", "🇯", "🇵"]),
        ],
    )
    def test_words(self, text: str, expected: list[str]) -> None:
        assert words_of(text) == expected

    @given(Texts)
    def test_every_visible_character_is_in_one_word(self, text: str) -> None:
        offsets = split_words(text)
        covered = [position for start, end in offsets for position in range(start, end)]
        assert covered == [position for position, character in enumerate(text) if not regex.match(r"\s", character)]
        assert all(start < end for start, end in offsets)

    @given(Texts, Texts)
    def test_a_space_parts_words(self, left: str, right: str) -> None:
        assert words_of(f"{left} {right}") == words_of(left) + words_of(right)


class TestReadTags:
    @pytest.mark.parametrize(
        ("tags", "expected"),
        [
            ("", []),
            ("O O", []),
            # IOB2
            ("B-x I-x O B-y", [(0, 2, "x"), (3, 4, "y")]),
            ("B-x B-x I-x", [(0, 1, "x"), (1, 3, "x")]),
            # IOB1: B only where a span touches one of its type
            ("I-x I-x O I-y", [(0, 2, "x"), (3, 4, "y")]),
            ("I-x B-x I-x", [(0, 1, "x"), (1, 3, "x")]),
            # I after O, and at the start
            ("O I-x I-x", [(1, 3, "x")]),
            # change of type within a span
            ("B-x I-y I-y", [(0, 1, "x"), (1, 3, "y")]),
            ("I-x I-y I-x", [(0, 1, "x"), (1, 2, "y"), (2, 3, "x")]),
            # IOBES, BILOU
            ("S-x B-x I-x E-x S-y", [(0, 1, "x"), (1, 4, "x"), (4, 5, "y")]),
            ("U-x B-x I-x L-x U-x", [(0, 1, "x"), (1, 4, "x"), (4, 5, "x")]),
            ("B-x E-x I-x", [(0, 2, "x"), (2, 3, "x")]),
            ("B-x L-x L-x", [(0, 2, "x"), (2, 3, "x")]),
            ("E-x E-x", [(0, 1, "x"), (1, 2, "x")]),
            ("B-x E-y", [(0, 1, "x"), (1, 2, "y")]),
            ("B-x U-x I-x", [(0, 1, "x"), (1, 2, "x"), (2, 3, "x")]),
            ("S-x I-x", [(0, 1, "x"), (1, 2, "x")]),
            ("B-x S-x I-x", [(0, 1, "x"), (1, 2, "x"), (2, 3, "x")]),
            # a label may hold a hyphen
            ("B-x-y I-x-y I-x", [(0, 2, "x-y"), (2, 3, "x")]),
        ],
    )
    def test_as_conlleval(self, tags: str, expected: list[tuple[int, int, str]]) -> None:
        assert triples(read_tags(tags.split())) == expected

    @pytest.mark.parametrize("bad", ["X-per", "B", "B-", "-per", "o", "", "per", "B_per", "O-per", "b-per"])
    def test_bad_tags(self, bad: str) -> None:
        with pytest.raises(ValueError, match=f'tag 1 is "{bad}"; expected "O" or a prefix'):
            read_tags(["O", bad, "O"])

    @given(st.lists(st.tuples(st.integers(0, 2), st.integers(1, 3), st.sampled_from("xy"))))
    def test_schemes_agree(self, pieces: list[tuple[int, int, str]]) -> None:
        schemes: dict[str, list[str]] = {"IOB2": [], "IOBES": [], "BILOU": []}
        expected, position = [], 0
        for gap, length, label in pieces:
            inner = [f"I-{label}"] * (length - 2)
            bounds = {"IOB2": "BIB", "IOBES": "BES", "BILOU": "BLU"}
            for scheme, (begin, end, single) in bounds.items():
                span = [f"{single}-{label}"] if length == 1 else [f"{begin}-{label}", *inner, f"{end}-{label}"]
                schemes[scheme] += ["O"] * gap + span
            expected.append((position + gap, position + gap + length, label))
            position += gap + length
        for scheme, tags in schemes.items():
            assert triples(read_tags(tags)) == expected, scheme


class TestTokens:
    def test_join(self) -> None:
        assert join_tokens(["Ada", "met", "Bob"]) == ("Ada met Bob", ((0, 3), (4, 7), (8, 11)))
        assert join_tokens([]) == ("", ())

    @pytest.mark.parametrize(
        ("text", "tokens", "expected"),
        [
            ("Ada met Bob.", ["Ada", "met", "Bob", "."], ((0, 3), (4, 7), (8, 11), (11, 12))),
            ("a  a\na", ["a", "a", "a"], ((0, 1), (3, 4), (5, 6))),
            ("马云在", ["马云", "在"], ((0, 2), (2, 3))),
            ("nothing", [], ()),
        ],
    )
    def test_align(self, text: str, tokens: list[str], expected: tuple[tuple[int, int], ...]) -> None:
        assert align_tokens(text, tokens) == expected

    @pytest.mark.parametrize(
        ("text", "tokens", "message"),
        [
            ("Ada met Bob", ["Ada", "Bob", "met"], 'token 2 ("met") is not in the text after character 11'),
            ("Ada", ["Ada", "Ada"], 'token 1 ("Ada") is not in the text after character 3'),
            ("Ada met", ["Ada", ""], 'token 1 ("")'),
            ("Zoë", ["Zoe\u0308"], "token 0"),
        ],
    )
    def test_align_refuses(self, text: str, tokens: list[str], message: str) -> None:
        with pytest.raises(ValueError) as caught:
            align_tokens(text, tokens)
        assert message in str(caught.value)
        assert 'drop "text" or mend "tokens"' in str(caught.value)

    @given(Tokens)
    def test_joined_tokens_are_found_again(self, tokens: list[str]) -> None:
        text, offsets = join_tokens(tokens)
        assert [text[start:end] for start, end in offsets] == tokens
        assert align_tokens(text, tokens) == offsets

    @given(Tokens, st.data())
    def test_there_and_back(self, tokens: list[str], data: st.DataObject) -> None:
        _, offsets = join_tokens(tokens)
        start = data.draw(st.integers(0, len(tokens) - 1))
        end = data.draw(st.integers(start + 1, len(tokens)))
        mention = Mention(start=start, end=end, label="x")
        [chars] = tokens_to_chars([mention], offsets)
        assert chars.start == offsets[start][0] and chars.end == offsets[end - 1][1] and chars.label == "x"
        assert chars_to_tokens(chars, offsets) == mention

    @pytest.mark.parametrize(
        ("start", "end", "expected"),
        [
            (0, 3, (0, 1)),  # on boundaries
            (1, 2, (0, 1)),  # within a token
            (2, 5, (0, 2)),  # across two
            (0, 11, (0, 3)),
            (3, 8, (1, 2)),  # white space at both ends
            (3, 4, (1, 2)),  # nothing but white space: the nearest, by its start
            (11, 12, (2, 3)),
        ],
    )
    def test_characters_touch_tokens(self, start: int, end: int, expected: tuple[int, int]) -> None:
        found = chars_to_tokens(Mention(start=start, end=end, label="x"), ((0, 3), (4, 7), (8, 11)))
        assert (found.start, found.end) == expected

    def test_a_span_beyond_the_tokens(self) -> None:
        with pytest.raises(ValueError, match=r"token span \[0, 3\) ends beyond the 2 tokens"):
            tokens_to_chars([Mention(start=0, end=3, label="x")], ((0, 1), (2, 3)))

    @pytest.mark.parametrize(("start", "end"), [(-1, 2), (2, 2), (3, 2)])
    def test_no_empty_span(self, start: int, end: int) -> None:
        with pytest.raises(ValueError, match="0 <= start < end"):
            Mention(start=start, end=end, label="x")


def units_in(text: str, encoder: PretrainedEncoder, mode: str) -> tuple[Units, list[tuple[int, int]], list[int]]:
    """Units of a text, with the offsets and the ids of its subwords."""
    encoded = Tokenizing.of(encoder.tokenizer, 64).encode([text], offsets=True)
    offsets, ids = encoded["offset_mapping"][0], encoded["input_ids"][0]
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
        # In order, apart, each of its own subwords; and no visible character that a subword has is lost.
        assert all(end <= start for end, start in zip(ends, starts[1:], strict=False))
        assert all(last < first for last, first in zip(units.last_token, units.first_token[1:], strict=False))
        covered = {position for start, end in zip(starts, ends, strict=True) for position in range(start, end)}
        wanted = {position for start, end in offsets for position in range(start, end) if not text[position].isspace()}
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
        assert word_units("a \x07 b", words, [(0, 1), (4, 5)]).first_token.tolist() == [0, 1, 1]
        assert word_units("a b \x07", words, [(0, 1), (2, 3)]).first_token.tolist() == [0, 1, 1]
        assert len(word_units("\x07", ((0, 1),), [])) == 0

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

    @given(st.integers(0, 4), st.integers(1, 5), st.integers(1, 6))
    def test_every_run_of_units(self, first: int, length: int, width: int) -> None:
        last = min(first + length, 5) - 1
        found, lost = self.find(width, (first * 3, last * 3 + 2))
        assert found == ([(first, last - first, "x")] if last - first < width else [])
        assert lost.num_lost == (0 if found else 1)
