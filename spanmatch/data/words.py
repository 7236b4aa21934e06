"""Spans: words, tags, the two gold formats, and the candidate spans of a text.

A *unit* is what candidate spans are made of: a word or a subword. A candidate is a run of at most
`max_span_width` units, written (first unit, width - 1).

Legend: U units of a text, W widest candidate in units.
"""

from collections.abc import Iterable, Sequence

import regex

from spanmatch.entities import Mention

Offsets = Sequence[tuple[int, int]]


# A word is a run of letters, digits and marks, or one other visible character. Scripts written without spaces
# give one word per character (Chinese, Japanese) or per cluster of base and marks (Thai, Lao, Khmer, Burmese).
_WORD = regex.compile(
    r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]\p{M}*"
    r"|[[\w\p{M}]--[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]]+"
    r"|[^\s\w]",
    regex.V1,
)


def split_words(text: str) -> tuple[tuple[int, int], ...]:
    """Split a text into words; returns their half-open character offsets."""
    return tuple(match.span() for match in _WORD.finditer(text))


def join_tokens(tokens: Sequence[str]) -> tuple[str, tuple[tuple[int, int], ...]]:
    """Join tokens by one space; returns the text and each token's character offsets."""
    offsets, start = [], 0
    for token in tokens:
        offsets.append((start, start + len(token)))
        start += len(token) + 1
    return " ".join(tokens), tuple(offsets)


def align_tokens(text: str, tokens: Sequence[str]) -> tuple[tuple[int, int], ...]:
    """Find tokens in their text, in order.

    Raises:
        ValueError: a token is empty or does not follow in the text.
    """
    offsets, cursor = [], 0
    for position, token in enumerate(tokens):
        start = text.find(token, cursor)
        if start < 0 or not token:
            raise ValueError(
                f'token {position} ("{token}") is not in the text after character {cursor}; drop "text" or mend "tokens"'
            )
        cursor = start + len(token)
        offsets.append((start, cursor))
    return tuple(offsets)


def tokens_to_chars(mentions: Iterable[Mention], words: Offsets) -> tuple[Mention, ...]:
    """Token spans to character spans.

    Raises:
        ValueError: a span ends beyond the last token.
    """
    found = []
    for mention in mentions:
        if mention.end > len(words):
            raise ValueError(f"token span [{mention.start}, {mention.end}) ends beyond the {len(words)} tokens")
        found.append(Mention(start=words[mention.start][0], end=words[mention.end - 1][1], label=mention.label))
    return tuple(found)


def chars_to_tokens(mention: Mention, words: Offsets) -> Mention:
    """A character span as the span of the tokens that it touches (all of it, where it is on token boundaries)."""
    touched = [index for index, (start, end) in enumerate(words) if start < mention.end and end > mention.start]
    if not touched:
        nearest = min(range(len(words)), key=lambda index: abs(words[index][0] - mention.start), default=0)
        touched = [nearest]
    return Mention(start=touched[0], end=touched[-1] + 1, label=mention.label)


FORMATS = ("text", "tokens")


def mention_in_units(mention: Mention, words: Offsets, format: str) -> Mention:
    """Return a mention as it is compared with gold: in characters also for tokens, but then all of the tokens that it touches.

    Gold off the token boundaries then matches nothing, as it should.

    Args:
        mention: in characters.
        words: the character offsets of the words of its text.
        format: "text" or "tokens".
    """
    return mention if format == "text" else tokens_to_chars([chars_to_tokens(mention, words)], words)[0]
