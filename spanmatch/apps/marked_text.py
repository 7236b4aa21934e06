"""A piece of text with mentions marked in it: what surrounds an error, gold and predicted each on a line of its own."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from spanmatch.entities import Mention

_CONTEXT_CHARS = 90  # shown before and after the mention
_MAX_FOCUS_CHARS = 400  # of a mention longer than this the beginning is shown
_MAX_SNAP_CHARS = 30  # how far a cut may move to fall between words


@dataclass(frozen=True, kw_only=True, slots=True)
class Mark:
    """A mention to mark; `role` is gold, right or wrong, `score` is a prediction's, `is_focus` says that it is the error."""

    mention: Mention
    role: str
    is_focus: bool = False
    score: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Piece:
    """A stretch of text, marked or not; `continues` says that the mention goes on beyond what is shown."""

    text: str
    mark: Mark | None = None
    continues: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """The pieces of a stretch of text in order, whether it was cut off, and how many mentions are hidden by others."""

    pieces: tuple[Piece, ...]
    is_cut_before: bool
    is_cut_after: bool
    num_hidden: int


def bounds_around(focus: Mention, text: str, words: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """The stretch of text to show around a mention, in characters, cut between words where one is near."""
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
    """Mark mentions in a stretch of text.

    Of mentions that overlap one is shown: the focus before those that it overlaps, these before others, the longer first.
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
