"""Split texts into words, and convert spans between characters and tokens, the two gold formats.

A *word* comes from our splitter, a *token* from the data. Both are given by the characters that they cover.
"""

from collections.abc import Iterable, Sequence

import regex

from spanmatch.entities import Mention

# The gold formats: in what units gold is read and results are given.
FORMATS = ("text", "tokens")

# Half-open character offsets, one pair per word or token, in order.
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
    """Split a text into words.

    Args:
        text: any text.

    Returns:
        The half-open character offsets of each word, in order.
    """
    return tuple(match.span() for match in _WORD.finditer(text))


def join_tokens(tokens: Sequence[str]) -> tuple[str, tuple[tuple[int, int], ...]]:
    """Join tokens by one space.

    Args:
        tokens: the tokens of one text.

    Returns:
        The text, and the half-open character offsets of each token in it.
    """
    offsets, start = [], 0
    for token in tokens:
        offsets.append((start, start + len(token)))
        start += len(token) + 1
    return " ".join(tokens), tuple(offsets)


def align_tokens(text: str, tokens: Sequence[str]) -> tuple[tuple[int, int], ...]:
    """Find tokens in their text, one after the other.

    Args:
        text: the text.
        tokens: its tokens, in order; between them anything may stand.

    Returns:
        The half-open character offsets of each token.

    Raises:
        ValueError: a token is empty or does not follow in the text.
    """
    offsets, cursor = [], 0
    for position, token in enumerate(tokens):
        start = text.find(token, cursor)
        if start < 0 or not token:
            where = f"is not in the text after character {cursor}"
            raise ValueError(f'token {position} ("{token}") {where}; drop "text" or mend "tokens"')
        cursor = start + len(token)
        offsets.append((start, cursor))
    return tuple(offsets)


def tokens_to_chars(mentions: Iterable[Mention], words: Offsets) -> tuple[Mention, ...]:
    """Convert spans of tokens to spans of characters.

    Args:
        mentions: start and end in tokens.
        words: the character offsets of the tokens.

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
    """Convert a span of characters to the smallest span of tokens that covers it.

    A span that touches no token (of white space alone) becomes the nearest token.

    Args:
        mention: start and end in characters.
        words: the character offsets of the tokens.
    """
    touched = [index for index, (start, end) in enumerate(words) if start < mention.end and end > mention.start]
    if not touched:
        nearest = min(range(len(words)), key=lambda index: abs(words[index][0] - mention.start), default=0)
        touched = [nearest]
    return Mention(start=touched[0], end=touched[-1] + 1, label=mention.label)


def mention_in_units(mention: Mention, words: Offsets, format: str) -> Mention:
    """Return a predicted mention in the form in which it is compared with gold, in characters.

    In format "tokens" a prediction grows to all of the tokens that it touches. Gold does not grow: gold that is off the
    token boundaries matches no prediction, and counts as a miss.

    Args:
        mention: start and end in characters.
        words: the character offsets of the words of its text.
        format: "text" or "tokens".
    """
    return mention if format == "text" else tokens_to_chars([chars_to_tokens(mention, words)], words)[0]
