"""Views: what one forward pass sees of a text and of the types asked for, and which view owns which candidate span.

A text that fits the encoder is one view. A longer one becomes overlapping windows of whole units; each candidate
belongs to the window that shows most context around it, and the others mask it, in loss and in decoding alike.
A bi-encoder's view has all types; a cross-encoder's a run of them, cut by one rule in training and in tagging.

Legend: U units of the window, W widest candidate in units.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise

import numpy as np

from spanmatch.batching.candidates import CANDIDATES, Units, Unrepresentable, locate
from spanmatch.batching.tokenizer import Tokenizing, encode_types
from spanmatch.data.examples import Example
from spanmatch.entities import EntityType


@dataclass(frozen=True, kw_only=True, slots=True)
class TokenizedText:
    """A text as subwords, without special tokens, its units, and the candidates that are gold.

    `gold` rows are (first unit, width - 1, label), `index` is the place among the texts that were tokenised together.
    """

    example: Example
    token_ids: np.ndarray
    units: Units
    gold: tuple[tuple[int, int, str], ...] = ()
    index: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    """Units `[start_unit, end_unit)` of a text, and the types asked for.

    `windows` are all windows of the text, this one at `position`: they decide who owns a candidate.
    `type_texts` says how each type is written, where it is not by its own text. `first_type` is the place of the first
    of them among those of the text.
    """

    tokenized: TokenizedText
    windows: Sequence[tuple[int, int]]
    position: int
    types: tuple[EntityType, ...] = ()
    type_texts: tuple[str, ...] | None = None
    first_type: int = 0

    @property
    def written_types(self) -> tuple[str, ...]:
        """What the model reads for each type."""
        return tuple(item.text for item in self.types) if self.type_texts is None else self.type_texts

    @property
    def start_unit(self) -> int:
        """The first unit of the window, counted in the text."""
        return self.windows[self.position][0]

    @property
    def end_unit(self) -> int:
        """One past the last unit of the window, counted in the text."""
        return self.windows[self.position][1]

    @property
    def num_units(self) -> int:
        """Units in the window."""
        return self.end_unit - self.start_unit

    @property
    def num_tokens(self) -> int:
        """Subwords in the window, without special tokens."""
        first, last = token_range(self.tokenized.units, self.start_unit, self.end_unit)
        return last - first


def token_range(units: Units, start_unit: int, end_unit: int) -> tuple[int, int]:
    """The half-open range of subwords that units `[start_unit, end_unit)` touch."""
    if start_unit == end_unit:
        return 0, 0
    return int(units.first_token[start_unit]), int(units.last_token[end_unit - 1]) + 1


def split_windows(units: Units, max_tokens: int, max_span_width: int) -> list[tuple[int, int]]:
    """Cut units into windows of at most `max_tokens` subwords that overlap by at least the widest candidate.

    The overlap is the widest candidate, or a quarter of the window where that is more, so that no candidate
    stands at an edge. A unit that alone exceeds `max_tokens` is a window of its own (see `batching`).
    """
    num_units = len(units)
    if num_units == 0 or token_range(units, 0, num_units)[1] - int(units.first_token[0]) <= max_tokens:
        return [(0, num_units)]
    windows: list[tuple[int, int]] = []
    start = 0
    while True:
        limit = int(units.first_token[start]) + max_tokens
        end = max(int(np.searchsorted(units.last_token, limit, side="left")), start + 1)
        windows.append((start, end))
        if end >= num_units:
            return windows
        quarter = int(np.searchsorted(units.first_token, limit - max_tokens // 4, side="left"))
        # Always at least one unit ahead, also where the widest candidate does not fit into a window.
        start = max(start + 1, min(end - max_span_width, quarter))


def owned_candidates(windows: Sequence[tuple[int, int]], position: int, max_span_width: int) -> np.ndarray:
    """Which candidates the window at `position` owns.

    The context of a candidate in a window is the number of units to the nearer edge at which text was cut off;
    the window with most owns it, the earliest of equals.

    Shape: (U, W) bool.
    """
    start, end = windows[position]
    firsts = np.arange(start, end)[:, None]
    lasts = firsts + np.arange(max_span_width)[None, :]
    own = _context(windows, position, firsts, lasts)
    owned = own >= 0
    for other in _neighbours(windows, position):
        theirs = _context(windows, other, firsts, lasts)
        owned &= own > theirs if other < position else own >= theirs
    return owned


def _neighbours(windows: Sequence[tuple[int, int]], position: int) -> list[int]:
    """The windows that share units with the one at `position`: those around it, however many the text has."""
    start, end = windows[position]
    before, after = position, position + 1
    while before > 0 and windows[before - 1][1] > start:
        before -= 1
    while after < len(windows) and windows[after][0] < end:
        after += 1
    return [other for other in range(before, after) if other != position]


def _context(windows: Sequence[tuple[int, int]], position: int, firsts: np.ndarray, lasts: np.ndarray) -> np.ndarray:
    """Units between a candidate and the nearer cut edge; -1 where the window does not hold the candidate."""
    start, end = windows[position]
    uncut = 1 << 30
    left = firsts - start if position > 0 else np.full_like(firsts, uncut)
    right = end - 1 - lasts if position < len(windows) - 1 else np.full_like(lasts, uncut)
    return np.where((firsts >= start) & (lasts < end), np.minimum(left, right), -1)


def make_views(
    tokenized: TokenizedText, *, max_tokens: int, max_span_width: int, types: tuple[EntityType, ...] = ()
) -> list[View]:
    """All views of a text. A text without a unit has none: there is nothing to find in it."""
    if len(tokenized.units) == 0:
        return []
    windows = split_windows(tokenized.units, max_tokens, max_span_width)
    return [View(tokenized=tokenized, windows=windows, position=position, types=types) for position in range(len(windows))]


def split_types(view: View, num_tokens: Sequence[int], *, max_types: int, max_tokens: int) -> list[View]:
    """Cut the types of a view into the fewest runs of about equal length that fit a pass, in their order.

    Args:
        num_tokens: subwords of each type as it is written, its marker included.
        max_types: of a run.
        max_tokens: of the types of a run together; a type that alone exceeds it is a run of its own.
    """
    count, sums = len(num_tokens), [0, *accumulate(num_tokens)]
    if count <= max_types and sums[-1] <= max_tokens:
        return [view]
    needed = sum(min(length, max_tokens) for length in num_tokens)
    for num_runs in range(max(-(-count // max_types), -(-needed // max_tokens)), count + 1):
        bounds = [run * count // num_runs for run in range(num_runs + 1)]
        runs = list(pairwise(bounds))
        if all(stop - start == 1 or sums[stop] - sums[start] <= max_tokens for start, stop in runs):
            break
    types, texts = view.types, view.written_types
    return [replace(view, types=types[start:stop], type_texts=texts[start:stop], first_type=start) for start, stop in runs]


def tokenize_texts(
    examples: Sequence[Example],
    tokenizing: Tokenizing,
    *,
    candidates: str,
    max_span_width: int,
    lost: Unrepresentable | None = None,
) -> list[TokenizedText]:
    """Tokenise texts, find their units and the candidates that are gold; gold without a candidate is counted in `lost`."""
    if not examples:
        return []
    lost = Unrepresentable() if lost is None else lost
    encoded = tokenizing.encode([example.text for example in examples], offsets=True)
    tokenized = []
    rows = zip(examples, encoded["input_ids"], encoded["offset_mapping"], strict=True)
    for index, (example, ids, offsets) in enumerate(rows):
        units = CANDIDATES[candidates](example.text, example.words, offsets)
        gold = locate(example.mentions, units, max_span_width, lost)
        token_ids = np.asarray(ids, dtype=np.int64)
        tokenized.append(TokenizedText(index=index, example=example, token_ids=token_ids, units=units, gold=tuple(gold)))
    return tokenized


def text_views(
    examples: Sequence[Example],
    tokenizing: Tokenizing,
    *,
    candidates: str,
    max_span_width: int,
    lost: Unrepresentable | None = None,
) -> list[list[View]]:
    """The views of each text, with the types of its inventory; none for a text without words."""
    tokenized = tokenize_texts(examples, tokenizing, candidates=candidates, max_span_width=max_span_width, lost=lost)
    return [
        make_views(text, max_tokens=tokenizing.max_tokens, max_span_width=max_span_width, types=text.example.types)
        for text in tokenized
    ]


def with_type_runs(views: Sequence[View], tokenizing: Tokenizing, max_types: int) -> list[View]:
    """The views of a cross-encoder: each with a run of its types that fits one pass (see `views.split_types`)."""
    runs: dict[tuple[int, int], list[View]] = {}
    for view in views:
        if written(view) not in runs:
            lengths = [len(tokenizing.prefix) + len(ids) for ids in encode_types(view.written_types, tokenizing)]
            runs[written(view)] = split_types(view, lengths, max_types=max_types, max_tokens=tokenizing.max_tokens + 1)
    return [
        replace(view, types=run.types, type_texts=run.type_texts, first_type=run.first_type)
        for view in views
        for run in runs[written(view)]
    ]


def written(view: View) -> tuple[int, int]:
    """What is the same for views that ask for the same types, written in the same way: most of a corpus."""
    return id(view.types), id(view.type_texts)
