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

# Scripts written without spaces.
_UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
# What parts words: white space, and characters that look like it (the blank of Braille, two fillers of Hangul, the
# separators of ASCII).
_BLANK = r"\s\u2800\u3164\uffa0\x1c-\x1f"
# Format characters and controls, such as the zero-width space, the soft hyphen and bidi marks. Some are marks, too. A few
# signs of Arabic and Kaithi are counted among them, but are drawn.
_DRAWN = r"\u0600-\u0605\u06dd\u0890\u0891\u08e2\U000110bd\U000110cd"
_INVISIBLE = rf"[[\p{{Cf}}\p{{Cc}}\p{{DI}}]--[{_BLANK}{_DRAWN}]]"
# What stays at the edge of a word: marks, variation selectors, and the tags that make an emoji a flag. The other invisible
# characters belong to a word only between its visible ones.
_MARK = r"[\p{M}\U000e0020-\U000e007f]"
INVISIBLE_INSIDE = rf"[{_INVISIBLE}--{_MARK}]"
"""A character class of the package `regex`: what belongs to a word only between its visible characters."""
_LETTER = rf"[\w--[{_UNSPACED}{_BLANK}{_INVISIBLE}\p{{M}}]]"

# How far behind its first occurrence a token is looked for as a whole word.
_ALIGN_AHEAD = 1000

# A word is a run of letters and digits with their marks, or one other visible character (several, where the zero-width
# joiner makes one emoji of them). Scripts written without spaces give one word per character (Chinese, Japanese) or per
# cluster of base and marks (Thai, Lao, Khmer, Burmese). The group is what belongs to no word.
_WORD = regex.compile(
    rf"[\p{{M}}--{_INVISIBLE}]*+"
    rf"(?:[[{_UNSPACED}]--[{_INVISIBLE}\p{{M}}]](?:{INVISIBLE_INSIDE}*+{_MARK})*+"
    rf"|{_LETTER}[{_LETTER}{_MARK}]*+(?:{INVISIBLE_INSIDE}++[{_LETTER}{_MARK}]++)*+"
    rf"|[^{_BLANK}\w\p{{M}}{_INVISIBLE}]{_MARK}*+(?:\u200d[^{_BLANK}\w\p{{M}}{_INVISIBLE}]{_MARK}*+)*+)"
    rf"|([{_INVISIBLE}\p{{M}}]++)",
    regex.V1,
)
_VISIBLE = regex.compile(rf"[^{_BLANK}\p{{M}}{_INVISIBLE}]", regex.V1)
_UNSEEN = regex.compile(rf"[{_INVISIBLE}\p{{M}}]", regex.V1)
_DRAWABLE = regex.compile(rf"[^{_BLANK}{_INVISIBLE}]", regex.V1)
_WITH_LETTER = regex.compile(_LETTER + rf"|[{_UNSPACED}]", regex.V1)
_UNSPACED_CHARACTER = regex.compile(rf"[{_UNSPACED}]", regex.V1)
_EDGE = regex.compile(rf"[{_BLANK}{INVISIBLE_INSIDE}]", regex.V1)
_ALNUM = regex.compile(r"[\p{L}\p{N}\p{M}]", regex.V1)


def split_words(text: str) -> tuple[tuple[int, int], ...]:
    """Split a text into words. A word has a visible character; one that is invisible is at neither end of it.

    Args:
        text: any text.

    Returns:
        The half-open character offsets of each word, in order.
    """
    return tuple(match.span() for match in _WORD.finditer(text) if match.lastindex is None)


def is_visible(text: str, start: int = 0, end: int | None = None) -> bool:
    """Return whether a part of a text has a character that can be seen by itself, which no entity is without.

    White space, format characters, controls and lone combining marks cannot be seen.

    Args:
        text: the text.
        start: the first character of the part.
        end: one past its last character; by default the end of the text.
    """
    return _VISIBLE.search(text, start, len(text) if end is None else end) is not None


def is_seen(text: str, start: int, end: int) -> bool:
    """Return whether a word, or a token of the data, can be seen where it stands: a mark is seen on the character before it.

    Args:
        text: the text.
        start: the first character of the word.
        end: one past its last character.
    """
    return is_visible(text, start, end) or (start > 0 and is_drawn(text, start, end) and is_drawn(text, start - 1, start))


def is_drawn(text: str, start: int, end: int) -> bool:
    """Return whether a part of a text has a character that can be seen, by itself or, as a mark, on another.

    Args:
        text: the text.
        start: the first character of the part.
        end: one past its last character.
    """
    return _DRAWABLE.search(text, start, end) is not None


def without_edges(text: str, start: int, end: int) -> tuple[int, int]:
    """Return a part of a text without white space and format characters at its ends; empty if nothing is left.

    Marks stay, even where nothing else is left: they may belong to what stands before.

    Args:
        text: the text.
        start: the first character of the part.
        end: one past its last character.
    """
    while start < end and _EDGE.match(text, start):
        start += 1
    while end > start and _EDGE.match(text, end - 1):
        end -= 1
    return start, end


def has_letter(text: str, start: int, end: int) -> bool:
    """Return whether a word has a letter or a digit.

    Args:
        text: the text.
        start: the first character of the word.
        end: one past its last character.
    """
    return _WITH_LETTER.search(text, start, end) is not None


def is_unspaced(text: str, position: int) -> bool:
    """Return whether a character is of a script that is written without spaces.

    Args:
        text: the text.
        position: place of the character.
    """
    return _UNSPACED_CHARACTER.match(text, position) is not None


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

    A token is looked for as a whole word first: "a" is not the end of "Ada". A token may begin or end inside a word if
    the one before it ends, or the one after it begins, at that place, as "n't" in "don't". Only if the tokens cannot all
    be found so is each taken where it occurs first.

    Args:
        text: the text.
        tokens: its tokens, in order; between them anything may stand.

    Returns:
        The half-open character offsets of each token.

    Raises:
        ValueError: a token is empty or does not follow in the text.
    """
    offsets = _aligned(text, tokens, whole=True)
    if len(offsets) < len(tokens):
        offsets = _aligned(text, tokens, whole=False)
    if len(offsets) < len(tokens):
        position, cursor = len(offsets), offsets[-1][1] if offsets else 0
        where = f"is not in the text after character {cursor}"
        raise ValueError(f'token {position} ("{tokens[position]}") {where}; drop "text" or mend "tokens"')
    return tuple(offsets)


def _aligned(text: str, tokens: Sequence[str], *, whole: bool) -> list[tuple[int, int]]:
    """Return the offsets of the tokens up to the first that is not found; `whole` looks for whole words first."""
    offsets: list[tuple[int, int]] = []
    for position, token in enumerate(tokens):
        cursor = offsets[-1][1] if offsets else 0
        following = tokens[position + 1] if position + 1 < len(tokens) else ""
        start = text.find(token, cursor) if token else -1
        if whole and start >= 0 and not _stands_alone(text, start, start + len(token), cursor, following):
            start = _whole_word(text, token, start, cursor, following)
        if start < 0:
            return offsets
        offsets.append((start, start + len(token)))
    return offsets


def _whole_word(text: str, token: str, first: int, cursor: int, following: str) -> int:
    """Return where a token, which occurs first at `first`, occurs as a whole word; else where it begins a word."""
    begins, start = -1, first
    while 0 <= start < first + _ALIGN_AHEAD:
        if _stands_alone(text, start, start + len(token), cursor, following):
            return start
        if begins < 0 and (_starts_word(text, start) or 0 < start == cursor):
            begins = start
        start = text.find(token, start + 1)
    return begins if begins >= 0 else first


def _stands_alone(text: str, start: int, end: int, cursor: int, following: str) -> bool:
    """Return whether an occurrence of a token starts and ends at a word's edge, or where its neighbours end and start."""
    starts = 0 < start == cursor or _starts_word(text, start)
    return starts and (_starts_word(text, end) or (following != "" and text.startswith(following, end)))


def _starts_word(text: str, position: int) -> bool:
    """Return whether a place is not between two letters or digits of a script with spaces."""
    if not 0 < position < len(text):
        return True
    before, after = text[position - 1], text[position]
    if not (_ALNUM.match(before) and _ALNUM.match(after)):
        return True
    return _UNSPACED_CHARACTER.match(before) is not None or _UNSPACED_CHARACTER.match(after) is not None


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


def visible_mention(mention: Mention, text: str, words: Offsets) -> Mention:
    """Return a gold span without the format characters that it has at its ends, because no candidate has any there.

    White space at an end stays, and so does a span of nothing visible: they are faults of the data.

    Args:
        mention: start and end in characters.
        text: its text.
        words: the character offsets of the words, or of the tokens.
    """
    if not (_UNSEEN.match(text, mention.start) or _UNSEEN.match(text, mention.end - 1)):
        return mention
    touched = [
        (start, end)
        for start, end in words
        if start < mention.end and end > mention.start and is_seen(text, start, end)
    ]
    if not touched:
        return mention
    start, end = max(mention.start, touched[0][0]), min(mention.end, touched[-1][1])
    return Mention(
        start=start if _UNSEEN.search(text, mention.start, start) else mention.start,
        end=end if _UNSEEN.search(text, end, mention.end) else mention.end,
        label=mention.label,
    )


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
