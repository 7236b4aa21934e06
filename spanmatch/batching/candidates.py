"""Divide texts into the units that candidate spans are made of, and find the candidates that are gold.

A *unit* is a word or a subword. A candidate is a run of at most `max_span_width` units, written (first unit, width - 1).

Legend: U units of a text.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from spanmatch.batching.text_tokens import encode_texts
from spanmatch.batching.tokenizer import SequenceTokenizer
from spanmatch.data.examples import Example
from spanmatch.data.line_breaks import hard_breaks
from spanmatch.data.words import Offsets, is_drawn, is_seen, is_visible, without_edges
from spanmatch.entities import Mention


@dataclass(frozen=True, kw_only=True, slots=True)
class Units:
    """Holds the units of one text, in order. All arrays are (U,).

    Attributes:
        first_token: first subword of each unit.
        last_token: last subword of each unit, inclusive.
        start_char: first character of each unit.
        end_char: one past the last character of each unit.
    """

    first_token: np.ndarray
    last_token: np.ndarray
    start_char: np.ndarray
    end_char: np.ndarray

    def __len__(self) -> int:
        return len(self.first_token)


def _units(rows: Sequence[tuple[int, int, int, int]]) -> Units:
    columns = np.array(rows, dtype=np.int64).reshape(-1, 4).T
    return Units(first_token=columns[0], last_token=columns[1], start_char=columns[2], end_char=columns[3])


def word_units(text: str, words: Offsets, token_offsets: Offsets) -> Units:
    """Return the words of a text as units, each with the subwords that touch it. A word that cannot be seen is no unit.

    Args:
        text: the text.
        words: half-open character offsets of the words, in order.
        token_offsets: half-open character offsets of the subwords, in order.
    """
    rows, first, num_tokens = [], 0, len(token_offsets)
    for start, end in words:
        # A token of the data can be white space or a lone format character. The first two questions are the faster ones.
        word = text[start:end]
        if not (word.isascii() and word.isalnum()) and not is_seen(text, start, end):
            continue
        while first < num_tokens and token_offsets[first][1] <= start:
            first += 1
        last = first
        while last < num_tokens and token_offsets[last][0] < end:
            last += 1
        if last > first:
            rows.append((first, last - 1, start, end))
            # A subword may reach into the next word: that word may need it, too.
            first = last - 1
        elif num_tokens:
            # The tokenizer drops some characters. A word of these alone gets the subword of its neighbour, so that spans
            # that start or end on it have a candidate.
            neighbour = min(first, num_tokens - 1)
            rows.append((neighbour, neighbour, start, end))
    return _units(rows)


def subword_units(text: str, words: Offsets, token_offsets: Offsets) -> Units:
    """Return the subwords of a text as units, without the white space that some tokenizers count as part of them.

    Subwords that share a character, such as the bytes of one character, are one unit. A variation selector belongs to the
    unit that it follows. A mark that follows nothing visible is no unit.

    Args:
        text: the text.
        words: not read; the functions of `CANDIDATES` have the same parameters.
        token_offsets: half-open character offsets of the subwords, in order.
    """
    del words
    rows: list[tuple[int, int, int, int]] = []
    for token, (token_start, token_end) in enumerate(token_offsets):
        start, end = without_edges(text, token_start, token_end)
        if start == end:
            continue
        is_mark = not is_visible(text, start, end)
        if is_mark and not (rows and start <= rows[-1][3]):
            continue
        if rows and (start < rows[-1][3] or not is_drawn(text, start, end)):
            rows[-1] = (rows[-1][0], token, rows[-1][2], max(end, rows[-1][3]))
        else:
            rows.append((token, token, start, end))
    return _units(rows)


# What makes the units of a text, by the name of the candidate mode.
CANDIDATES: dict[str, Callable[[str, Offsets, Offsets], Units]] = {"words": word_units, "subwords": subword_units}


@dataclass(kw_only=True, slots=True)
class Unrepresentable:
    """Counts the gold spans that no candidate represents. They stay in the evaluation as misses.

    Attributes:
        num_gold: gold spans that were looked at.
        too_wide: gold spans wider than the widest candidate, by their width in units.
        off_boundary: gold spans that start or end inside a unit.
        across_lines: gold spans that cross a line break that no candidate crosses.
        in_no_window: gold spans of a long text that no window shows whole.
    """

    num_gold: int = 0
    too_wide: Counter[int] = field(default_factory=Counter)
    off_boundary: int = 0
    across_lines: int = 0
    in_no_window: int = 0

    @property
    def num_lost(self) -> int:
        """Return how many gold spans have no candidate."""
        return sum(self.too_wide.values()) + self.off_boundary + self.across_lines + self.in_no_window

    def __str__(self) -> str:
        histogram = ", ".join(f"{width} units: {count}" for width, count in sorted(self.too_wide.items()))
        too_wide = f"{sum(self.too_wide.values())} too wide{': ' + histogram if histogram else ''}"
        reasons = [f"{self.off_boundary} off a boundary", too_wide]
        reasons += [f"{self.across_lines} across a line break"] if self.across_lines else []
        reasons += [f"{self.in_no_window} in no window"] if self.in_no_window else []
        return f"{self.num_lost} of {self.num_gold} gold spans have no candidate ({', '.join(reasons)})"


def locate(
    mentions: Iterable[Mention], units: Units, max_span_width: int, lost: Unrepresentable, blocks: np.ndarray | None = None
) -> list[tuple[int, int, str]]:
    """Return the candidate of each mention, as (first unit, width - 1, label). Mentions without a candidate are left out.

    Args:
        mentions: gold spans, in characters.
        units: the units of the text.
        max_span_width: the widest candidate, in units.
        lost: counts the mentions, and those without a candidate.
        blocks: the block of each unit: no candidate goes from one block to another. By default there is one. Shape: (U,).
    """
    starts, ends = _unit_bounds(units)
    found = []
    for mention in mentions:
        lost.num_gold += 1
        first, last = starts.get(mention.start), ends.get(mention.end)
        if first is None or last is None or last < first:
            lost.off_boundary += 1
        elif last - first >= max_span_width:
            lost.too_wide[last - first + 1] += 1
        elif blocks is not None and blocks[first] != blocks[last]:
            lost.across_lines += 1
        else:
            found.append((first, last - first, mention.label))
    return found


def _unit_bounds(units: Units) -> tuple[dict[int, int], dict[int, int]]:
    """Return the unit that starts at a character, and the one that ends there."""
    starts = {start: unit for unit, start in enumerate(units.start_char.tolist())}
    ends = {end: unit for unit, end in enumerate(units.end_char.tolist())}
    return starts, ends


@dataclass(frozen=True, kw_only=True, slots=True)
class TokenizedText:
    """Holds a text as subwords, without special tokens, its units, and the candidates that are gold.

    Attributes:
        example: the text with its gold.
        token_ids: ids of all subwords.
        units: what candidate spans are made of.
        gold: (first unit, width - 1, label) of each gold span that a candidate represents.
        blocks: the block of each unit: no candidate goes from one block to another. None if there is one. Shape: (U,).
        index: place among the texts that were tokenised together.
    """

    example: Example
    token_ids: np.ndarray
    units: Units
    gold: tuple[tuple[int, int, str], ...] = ()
    blocks: np.ndarray | None = None
    index: int = 0

    def gold_bounds(self) -> tuple[list[tuple[int, str]], list[tuple[int, str]]]:
        """Return the unit and the label of each gold span's start, and of each one's end, whether a candidate has it or not."""
        starts, ends = _unit_bounds(self.units) if self.example.mentions else ({}, {})
        return (
            [(starts[item.start], item.label) for item in self.example.mentions if item.start in starts],
            [(ends[item.end], item.label) for item in self.example.mentions if item.end in ends],
        )


def tokenize_texts(
    examples: Sequence[Example],
    tokenizer: SequenceTokenizer,
    *,
    candidates: str,
    max_span_width: int,
    line_breaks: str = "auto",
    lost: Unrepresentable | None = None,
) -> list[TokenizedText]:
    """Tokenise texts, and find their units and the candidates that are gold.

    Args:
        examples: texts with their words and gold.
        tokenizer: the tokenizer of texts.
        candidates: a name of `CANDIDATES`.
        max_span_width: the widest candidate, in units.
        line_breaks: which line breaks candidates cross, a name of `line_breaks.LINE_BREAKS`.
        lost: counts the gold that no candidate represents; by default nothing counts it.
    """
    if not examples:
        return []
    lost = Unrepresentable() if lost is None else lost
    tokenized = []
    encoded = encode_texts([example.text for example in examples], [example.words for example in examples], tokenizer)
    for index, (example, (ids, offsets)) in enumerate(zip(examples, encoded, strict=True)):
        units = CANDIDATES[candidates](example.text, example.words, offsets)
        breaks = hard_breaks(example.text, line_breaks)
        blocks = np.searchsorted(breaks, units.start_char) if breaks else None
        gold = tuple(locate(example.mentions, units, max_span_width, lost, blocks))
        token_ids = np.asarray(ids, dtype=np.int64)
        tokenized.append(
            TokenizedText(index=index, example=example, token_ids=token_ids, units=units, gold=gold, blocks=blocks)
        )
    return tokenized
