"""Words, tokens in their text, and spans between characters and tokens."""

import pytest
import regex
from helpers import TEXTS
from hypothesis import given
from hypothesis import strategies as st

from spanmatch.data.words import align_tokens, chars_to_tokens, join_tokens, mention_in_units, split_words, tokens_to_chars
from spanmatch.entities import Mention

Texts = st.text(st.characters(codec="utf-8"), max_size=40) | st.sampled_from([*TEXTS.values()])
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
