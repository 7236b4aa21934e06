"""Mark mentions in the text around an error.

The focus is the mention that is the error. All offsets are half-open, in characters.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from spanmatch.entities import Mention

_CONTEXT_CHARS = 90  # length of the text before and after the focus
_MAX_FOCUS_CHARS = 400  # only the beginning of a longer focus is shown
_MAX_SNAP_CHARS = 30  # how far a cut may move to fall between words


@dataclass(frozen=True, kw_only=True, slots=True)
class Mark:
    """Holds a mention to mark.

    Attributes:
        mention: the mention.
        role: "gold", or for a prediction "right" or "wrong".
        is_focus: whether the mention is the error.
        score: score of a prediction in (0, 1]; None for gold.
    """

    mention: Mention
    role: str
    is_focus: bool = False
    score: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Piece:
    """Holds a piece of a text, marked or not.

    Attributes:
        text: the characters.
        mark: the mention that the piece shows; None for text between mentions.
        continues: whether the mention is longer than the piece.
    """

    text: str
    mark: Mark | None = None
    continues: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """Holds a part of a text with mentions marked in it.

    Attributes:
        pieces: the pieces of the part, in order; joined, they are its text.
        is_cut_before: whether the text begins earlier.
        is_cut_after: whether the text ends later.
        num_hidden: number of mentions that are not marked because they overlap a marked one.
    """

    pieces: tuple[Piece, ...]
    is_cut_before: bool
    is_cut_after: bool
    num_hidden: int


def bounds_around(focus: Mention, text: str, words: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """Choose the part of a text to show around a mention, cut between words if a word ends nearby.

    Args:
        focus: the mention.
        text: the whole text.
        words: half-open character offsets of its words, in order.

    Returns:
        Start and end of the part.
    """
    low = focus.start - _CONTEXT_CHARS
    high = min(focus.end, focus.start + _MAX_FOCUS_CHARS) + _CONTEXT_CHARS
    if low <= 0:
        low = 0
    else:
        low = min((start for start, _ in words if low <= start <= min(low + _MAX_SNAP_CHARS, focus.start)), default=low)
    if high >= len(text):
        high = len(text)
    else:
        nearest = max(high - _MAX_SNAP_CHARS, focus.end if focus.end <= high else 0)
        high = max((end for _, end in words if nearest <= end <= high), default=high)
    return low, high


def mark_text(text: str, bounds: tuple[int, int], marks: Iterable[Mark], focus: Mention) -> Line:
    """Mark mentions in a part of a text.

    Of mentions that overlap each other only one is marked. The focus comes first, then mentions that overlap it, then the
    others; among equals the longest one comes first.

    Args:
        text: the whole text.
        bounds: start and end of the part.
        marks: the mentions to mark; those outside the part are left out.
        focus: the mention that is the error, marked or not.
    """
    low, high = bounds
    inside = [mark for mark in marks if mark.mention.start < high and mark.mention.end > low]
    shown: list[Mark] = []
    for mark in sorted(inside, key=lambda mark: _rank(mark, focus)):
        if not any(_overlap(mark.mention, other.mention) for other in shown):
            shown.append(mark)
    pieces: list[Piece] = []
    cursor = low
    for mark in sorted(shown, key=lambda mark: mark.mention.start):
        start, end = max(mark.mention.start, low), min(mark.mention.end, high)
        if start > cursor:
            pieces.append(Piece(text=text[cursor:start]))
        pieces.append(Piece(text=text[start:end], mark=mark, continues=mark.mention.end > high or mark.mention.start < low))
        cursor = end
    if cursor < high:
        pieces.append(Piece(text=text[cursor:high]))
    return Line(pieces=tuple(pieces), is_cut_before=low > 0, is_cut_after=high < len(text), num_hidden=len(inside) - len(shown))


def _rank(mark: Mark, focus: Mention) -> tuple[bool, bool, int, Mention]:
    mention = mark.mention
    return not mark.is_focus, not _overlap(mention, focus), mention.start - mention.end, mention


def _overlap(left: Mention, right: Mention) -> bool:
    return left.start < right.end and right.start < left.end
