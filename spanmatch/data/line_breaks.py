"""Say which line breaks no entity may cross: those behind form fields, list items and verse, not those of wrapped prose."""

from itertools import groupby

import regex

# How line breaks are read: "auto" (below), "cross" (an entity may cross any), "never" (an entity crosses none).
LINE_BREAKS = ("auto", "cross", "never")

_BREAK = regex.compile(r"\r\n|[\n\r\v\f\x85\u2028\u2029]")
# These never come from wrapping: somebody or some program put them there (a page, a paragraph, a line of its own).
_ALWAYS_HARD = frozenset("\v\f\u2028\u2029")
# What begins an item of a list, a quoted line, a row of a table.
_ITEM = regex.compile(r"\s*(?:[-*+•‣◦·–—>|#]|\(?(?:\d{1,3}|\p{L})[.)])(?:\s|$)")
_WIDE = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\u3000-\u303f\uff01-\uff60]")
_FIRST_LETTER = regex.compile(r"[\p{L}\p{N}]")
# The widths to which prose is wrapped, in columns. Verse and forms are narrower; a line that is longer is a paragraph.
_NARROWEST, _WIDEST = 50, 140
# A line is full if the first word of the next one would have made it longer than this share of the longest line.
_FULL = 0.9
# From so many lines on, a paragraph whose lines all begin with a capital or a digit is a list or verse.
_FEWEST_ITEMS = 3


def hard_breaks(text: str, line_breaks: str = "auto") -> list[int]:
    """Return the line breaks that no entity may cross.

    In mode "auto", a break is soft, so that an entity may cross it, if it comes from wrapping prose. This is taken to be so
    if its line is full (the first word of the next line would not have fitted into about the longest line of the
    paragraph), most lines of the paragraph are full, and the longest has 50 to 140 columns. All other breaks are hard: blank
    lines, short lines, starts of list items, pages, U+2028 and U+2029, and a paragraph of which every line begins with a
    capital or a digit. The rule is about the look of a text and knows no language.

    Args:
        text: any text.
        line_breaks: a name of `LINE_BREAKS`.

    Returns:
        The place of the first character of each hard break, in order.
    """
    if line_breaks == "cross" or text.isprintable():  # no line break is printable
        return []
    found = list(_BREAK.finditer(text))
    if line_breaks == "never" or not found:
        return [match.start() for match in found]
    starts = [0, *(match.end() for match in found)]
    ends = [*(match.start() for match in found), len(text)]
    lines = [text[start:end].rstrip() for start, end in zip(starts, ends, strict=True)]
    hard = [
        match.group() in _ALWAYS_HARD or not before or not after or _ITEM.match(after) is not None
        for match, before, after in zip(found, lines, lines[1:], strict=False)
    ]
    first = 0
    for is_hard, run in groupby(hard):
        length = len(list(run))
        if not is_hard:
            soft = _soft(lines[first : first + length + 1])
            hard[first : first + length] = [not one for one in soft]
        first += length
    return [match.start() for match, is_hard in zip(found, hard, strict=True) if is_hard]


def _soft(lines: list[str]) -> list[bool]:
    """Return for each line break of a paragraph whether it comes from wrapping."""
    following = lines[1:]
    widths = [_columns(line) for line in lines]
    # A line of one word may be as long as an address of the web is: it says nothing about the others.
    longest = max((width for line, width in zip(lines, widths, strict=True) if _first_word(line) != line.strip()), default=0)
    if not _NARROWEST <= longest <= _WIDEST:
        return [False] * len(following)
    if len(following) >= _FEWEST_ITEMS and all(map(_begins_item, following)):
        return [False] * len(following)
    full = [width + 1 + _columns(_first_word(after)) > _FULL * longest for width, after in zip(widths, following, strict=False)]
    return full if 2 * sum(full) > len(full) else [False] * len(full)


def _columns(line: str) -> int:
    """Return how many columns a line takes: two for a character of Chinese, Japanese or Korean."""
    return len(line) if line.isascii() else len(line) + len(_WIDE.findall(line))


def _first_word(line: str) -> str:
    """Return what wrapping would move to the line before: a word, or one character where no space parts words."""
    stripped = line.lstrip()
    return stripped[0] if _WIDE.match(stripped) else stripped.partition(" ")[0]


def _begins_item(line: str) -> bool:
    """Return whether the first letter or digit of a line is no small letter (and of no script without capitals)."""
    first = _FIRST_LETTER.search(line)
    return first is None or first.group().isupper() or first.group().istitle() or not first.group().isalpha()
