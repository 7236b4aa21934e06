"""Cut texts and types into views: what one forward pass sees, and which window owns which candidate span.

A text that fits the encoder is one view. A longer text becomes overlapping windows of whole units. Each candidate
belongs to the window that shows most context around it. The other windows mask it, in the loss and in decoding alike.
A view of a bi-encoder has all types. A view of a cross-encoder has a run of them, cut by the same rule in training and tagging.

Legend: U units of the window, W widest candidate in units.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

import numpy as np

from spanmatch.batching.candidates import TokenizedText, Units
from spanmatch.entities import NO_TYPES, Inventory


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    """Holds the units of a text that one forward pass sees, and the types to find in them.

    Attributes:
        tokenized: the text.
        start_unit: first unit of the window, counted in the text.
        end_unit: one past its last unit.
        start_token: first subword of the window, counted in the text; special tokens do not count.
        end_token: one past its last subword.
        is_owned: which candidates this window owns, None where it is the only one. Shape: (U, W) bool.
        types: the types to find.
        type_texts: what the model reads for each type. Empty where types are encoded apart from texts.
        first_type: place of the first type among those of the text.
    """

    tokenized: TokenizedText
    start_unit: int
    end_unit: int
    start_token: int
    end_token: int
    is_owned: np.ndarray | None = None
    types: Inventory = NO_TYPES
    type_texts: tuple[str, ...] = ()
    first_type: int = 0


def token_range(units: Units, start_unit: int, end_unit: int) -> tuple[int, int]:
    """Return the half-open range of subwords that units `[start_unit, end_unit)` touch.

    Args:
        units: the units of a text.
        start_unit: the first unit.
        end_unit: one past the last unit.
    """
    if start_unit == end_unit:
        return 0, 0
    return int(units.first_token[start_unit]), int(units.last_token[end_unit - 1]) + 1


def split_windows(units: Units, max_tokens: int, max_span_width: int) -> list[tuple[int, int]]:
    """Cut units into windows that overlap by about the widest candidate.

    The overlap is the widest candidate, or a quarter of the window where that is more, so that no candidate
    stands at an edge. It is at most half of the window, because words of dozens of subwords (a base64 block) would
    otherwise give a window each: every candidate of at most half of a window's subwords is in a window.
    A unit that alone exceeds `max_tokens` is a window of its own (see `batcher.text_arrays`). A window has at most
    `max_tokens` units, too, where many of them share a subword, as the unknown one of a run of emoji.

    Args:
        units: the units of a text.
        max_tokens: most subwords of a window.
        max_span_width: the widest candidate, in units.

    Returns:
        Half-open ranges of units.
    """
    num_units = len(units)
    num_tokens = token_range(units, 0, num_units)[1] - int(units.first_token[0]) if num_units else 0
    if max(num_tokens, num_units) <= max_tokens:
        return [(0, num_units)]
    windows: list[tuple[int, int]] = []
    start = 0
    while True:
        limit = int(units.first_token[start]) + max_tokens
        end = min(max(int(np.searchsorted(units.last_token, limit, side="left")), start + 1), start + max_tokens)
        windows.append((start, end))
        if end >= num_units:
            return windows
        quarter, half = (
            min(int(np.searchsorted(units.first_token, limit - share, side="left")), start + max_tokens - share, end)
            for share in (max_tokens // 4, max_tokens // 2)
        )
        # Always at least one unit ahead, also where the widest candidate does not fit into a window.
        start = max(start + 1, half, min(end - max_span_width, quarter))


def owned_candidates(windows: Sequence[tuple[int, int]], position: int, max_span_width: int) -> np.ndarray:
    """Say which candidates a window owns.

    The context of a candidate in a window is the number of units to the nearer edge at which text was cut off.
    The window with most context owns the candidate, the earliest of equals.

    Args:
        windows: all windows of a text, as ranges of units.
        position: place of the window in them.
        max_span_width: the widest candidate, in units.

    Returns:
        Whether the span of units u to u + w is owned. Shape: (U, W) bool.
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
    """Return the positions of the other windows that share units with the one at `position`."""
    start, end = windows[position]
    before, after = position, position + 1
    while before > 0 and windows[before - 1][1] > start:
        before -= 1
    while after < len(windows) and windows[after][0] < end:
        after += 1
    return [other for other in range(before, after) if other != position]


def _context(windows: Sequence[tuple[int, int]], position: int, firsts: np.ndarray, lasts: np.ndarray) -> np.ndarray:
    """Return the number of units between each candidate and the nearer cut edge, -1 if the window lacks the candidate."""
    start, end = windows[position]
    uncut = 1 << 30
    left = firsts - start if position > 0 else np.full_like(firsts, uncut)
    right = end - 1 - lasts if position < len(windows) - 1 else np.full_like(lasts, uncut)
    return np.where((firsts >= start) & (lasts < end), np.minimum(left, right), -1)


def type_runs(num_tokens: Sequence[int], *, max_types: int, max_tokens: int) -> list[tuple[int, int]]:
    """Cut a list of types into the fewest runs of about equal length that fit a pass, in their order.

    Args:
        num_tokens: subwords of each type as it is written, its marker included.
        max_types: most types of a run.
        max_tokens: most subwords of a run; a type that alone exceeds it is a run of its own.

    Returns:
        Half-open ranges of places in the list.
    """
    count, sums = len(num_tokens), [0, *accumulate(num_tokens)]
    if count <= max_types and sums[-1] <= max_tokens:
        return [(0, count)]
    needed = sum(min(length, max_tokens) for length in num_tokens)
    for num_runs in range(max(-(-count // max_types), -(-needed // max_tokens)), count + 1):
        runs = list(pairwise(run * count // num_runs for run in range(num_runs + 1)))
        if all(stop - start == 1 or sums[stop] - sums[start] <= max_tokens for start, stop in runs):
            break
    return runs
