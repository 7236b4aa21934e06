"""Words, tokens in their text, and spans between characters and tokens."""

import time
import unicodedata

import pytest
import regex
from helpers import TEXTS
from hypothesis import given
from hypothesis import strategies as st

from spanmatch.data.words import (
    align_tokens,
    chars_to_tokens,
    has_letter,
    is_drawn,
    is_seen,
    is_unspaced,
    is_visible,
    join_tokens,
    mention_in_units,
    split_words,
    tokens_to_chars,
    visible_mention,
    without_edges,
)
from spanmatch.entities import Mention

Texts = st.text(st.characters(codec="utf-8"), max_size=40) | st.sampled_from([*TEXTS.values()])
# Soft hyphen, zero-width space, word joiner, BOM, bidi mark and isolate, a control character.
INVISIBLE = ["\u00ad", "\u200b", "\u2060", "\ufeff", "\u200e", "\u2068", "\x02"]
OTHERS = [*"aβ中ก .🎉", "\u200d", "\u0301", "\ufe0f", "\n", "\u3164"]
TextsWithFormatCharacters = st.text(st.sampled_from([*INVISIBLE, *OTHERS]), max_size=20)
Tokens = st.lists(st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "M")), min_size=1, max_size=6), min_size=1)


def words_of(text: str) -> list[str]:
    return [text[start:end] for start, end in split_words(text)]


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
            # Each code point of an emoji sequence that is visible by itself is a word, unless a joiner makes one of them.
            ("a👍🏽b", ["a", "👍", "🏽", "b"]),
            ("👩‍💻", ["👩‍💻"]),
            ("🇫🇷→🇯🇵", ["🇫", "🇷", "→", "🇯", "🇵"]),
            ("❤\ufe0f🎉", ["❤\ufe0f", "🎉"]),
            ("🏴\U000e0067\U000e0062\U000e007f x", ["🏴\U000e0067\U000e0062\U000e007f", "x"]),
            # Format characters and controls belong to a word between its characters, and to none at its ends.
            ("to \u200bParis.", ["to", "Paris", "."]),
            ("Copen\u00adhagen", ["Copen\u00adhagen"]),
            ("Os\u200blo Os\u200dlo Os\u2060lo Os\ufefflo", ["Os\u200blo", "Os\u200dlo", "Os\u2060lo", "Os\ufefflo"]),
            ("\ufeff\u2068Ada Berg\u2069\u200e,", ["Ada", "Berg", ","]),
            ("co\x02operate \x07 \x00", ["co\x02operate"]),
            ("می\u200cخواهم", ["می\u200cخواهم"]),
            # Nothing that can be seen.
            ("\u200b", []),
            ("\u0301 \ufe0f \u2800\u3164", []),
            ("a \u0301\u200b b", ["a", "b"]),
            ("a\u3164b\x1fc", ["a", "b", "c"]),
            # An Arabic sign that counts as a format character, but is drawn.
            ("\u0600\u0661", ["\u0600", "\u0661"]),
        ],
    )
    def test_words(self, text: str, expected: list[str]) -> None:
        assert words_of(text) == expected

    @given(Texts)
    def test_every_visible_character_is_in_one_word(self, text: str) -> None:
        offsets = split_words(text)
        covered = [position for start, end in offsets for position in range(start, end)]
        assert covered == sorted(set(covered))
        assert {position for position, character in enumerate(text) if is_visible(character)} <= set(covered)
        assert not any(regex.match(r"\s", text[position]) for position in covered)

    @given(TextsWithFormatCharacters)
    def test_no_word_is_invisible(self, text: str) -> None:
        for start, end in split_words(text):
            assert is_visible(text, start, end)
            assert unicodedata.category(text[start]) not in {"Cc", "Cf"} and unicodedata.category(text[end - 1]) != "Cc"

    @given(st.text("abčдσ9", min_size=2, max_size=8), st.sampled_from(INVISIBLE), st.data())
    def test_a_format_character_parts_no_word(self, word: str, character: str, data: st.DataObject) -> None:
        place = data.draw(st.integers(1, len(word) - 1))
        written = word[:place] + character + word[place:]
        assert words_of(f"x {written}, y") == ["x", written, ",", "y"]
        assert words_of(f"{character}{word}{character} {character}") == [word]

    @pytest.mark.parametrize("character", [*INVISIBLE, "\u0301", "\ufe0f"])
    def test_time_is_linear(self, character: str) -> None:
        """A run of a hundred thousand is split in milliseconds; if the time were quadratic, it would take a minute."""
        start = time.perf_counter()
        split_words(character * 100_000 + " a" + character * 100_000)
        split_words(f"a{character}" * 50_000)
        assert time.perf_counter() - start < 5

    @given(Texts, Texts)
    def test_a_space_parts_words(self, left: str, right: str) -> None:
        assert words_of(f"{left} {right}") == words_of(left) + words_of(right)


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
            # Whole words first: not the end of "Ada", nor the beginning of "about".
            ("Ada, a poet", ["a", "poet"], ((5, 6), (7, 11))),
            ("Ada about a poet", ["a", "poet"], ((10, 11), (12, 16))),
            ("Anna an an", ["an", "an"], ((5, 7), (8, 10))),
            # A token may begin where the last one ends, and end where the next one begins.
            ("don't", ["do", "n't"], ((0, 2), (2, 5))),
            ("unhappiness un", ["un", "happi", "ness", "un"], ((0, 2), (2, 7), (7, 11), (12, 14))),
            ("gonna na", ["gon", "na", "na"], ((0, 3), (3, 5), (6, 8))),
            # Scripts without spaces have words anywhere.
            ("在马云在", ["马云", "在"], ((1, 3), (3, 4))),
            # Only if all would not be found otherwise, inside a word.
            ("Adalovelace met", ["lovelace", "met"], ((3, 11), (12, 15))),
            ("Bobby Bob", ["Bob", "by", "Bob"], ((0, 3), (3, 5), (6, 9))),
            ("xa b a", ["a", "b"], ((1, 2), (3, 4))),
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

    @given(st.lists(st.text("ab", min_size=1, max_size=3), min_size=1, max_size=12), st.data())
    def test_some_of_the_words_are_found_as_words(self, words: list[str], data: st.DataObject) -> None:
        chosen = data.draw(st.lists(st.integers(0, len(words) - 1), unique=True).map(sorted))
        text, offsets = join_tokens(words)
        found = align_tokens(text, [words[place] for place in chosen])
        assert set(found) <= set(offsets)

    @given(st.lists(st.tuples(st.text("abé中", min_size=1, max_size=3), st.sampled_from(["", " "])), min_size=1, max_size=12))
    def test_pieces_that_cover_a_text_are_found_again(self, pieces: list[tuple[str, str]]) -> None:
        text, offsets = "", []
        for piece, gap in pieces:
            offsets.append((len(text), len(text) + len(piece)))
            text += piece + gap
        assert align_tokens(text, [piece for piece, _ in pieces]) == tuple(offsets)

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


@pytest.mark.parametrize(
    ("text", "words", "span", "expected"),
    [
        ("\ufeffAda\u200b met", None, (0, 5), (1, 4)),
        ("\ufeffAda\u200b met", None, (1, 4), (1, 4)),
        # White space at an end is a fault of the data, and stays one; so is a span of nothing.
        ("Ada met", None, (0, 4), (0, 4)),
        ("Ada \u200b met", None, (4, 5), (4, 5)),
        # Inside a word.
        ("\u200bAda", None, (0, 2), (1, 2)),
        ("Zoe\u0308 met", None, (0, 4), (0, 4)),
        # Tokens of the data: one that cannot be seen falls away, one that ends with a format character stays whole.
        ("Ada \u200b met", ((0, 3), (4, 5), (6, 9)), (0, 5), (0, 3)),
        ("Ada\u200b met", ((0, 4), (5, 8)), (0, 4), (0, 4)),
    ],
)
def test_gold_without_format_characters(
    text: str, words: tuple[tuple[int, int], ...] | None, span: tuple[int, int], expected: tuple[int, int]
) -> None:
    found = visible_mention(Mention(start=span[0], end=span[1], label="x"), text, words or split_words(text))
    assert (found.start, found.end) == expected


def test_characters() -> None:
    assert is_visible("a") and is_visible(" \u200b中") and not is_visible(" \u200b\u0301\x07") and not is_visible("ab \n", 2)
    assert is_seen("e\u0301", 1, 2) and not is_seen("e \u0301", 2, 3) and not is_seen("e\ufe0f", 1, 2) and is_seen(" a", 1, 2)
    assert is_drawn("\u0301", 0, 1) and not is_drawn("\ufe0f\u200b ", 0, 3)
    assert without_edges(" \u200bab\u0301\u200b\n", 0, 7) == (2, 5)
    assert without_edges(" \n", 0, 2)[0] == without_edges(" \n", 0, 2)[1]
    assert has_letter("a", 0, 1) and has_letter("中", 0, 1) and has_letter("7", 0, 1) and not has_letter("🎉'", 0, 2)
    assert is_unspaced("中a", 0) and not is_unspaced("中a", 1)


@pytest.mark.parametrize(
    ("start", "end", "in_tokens"),
    [
        (0, 3, (0, 3)),
        (1, 2, (0, 3)),  # within a token
        (2, 5, (0, 7)),  # across two
        (3, 8, (4, 7)),  # white space at both ends
    ],
)
def test_a_prediction_grows_to_whole_tokens(start: int, end: int, in_tokens: tuple[int, int]) -> None:
    mention, words = Mention(start=start, end=end, label="x"), ((0, 3), (4, 7), (8, 11))
    assert mention_in_units(mention, words, "text") == mention
    assert mention_in_units(mention, words, "tokens") == Mention(start=in_tokens[0], end=in_tokens[1], label="x")
