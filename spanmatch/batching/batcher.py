"""Turn texts and types into padded arrays: windows, passes, batches of about one length. NumPy only.

Legend: B batch, T text tokens, U units of a text, W widest candidate in units, C types.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from spanmatch.batching.candidates import TokenizedText, Unrepresentable, tokenize_texts
from spanmatch.batching.stored_tokenizer import StoredTokenizer
from spanmatch.batching.tokenizer import SequenceTokenizer
from spanmatch.batching.views import View, owned_candidates, split_windows, token_range, type_runs
from spanmatch.config import MatcherConfig
from spanmatch.data.examples import Example
from spanmatch.entities import Inventory
from spanmatch.errors import InputError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

# Texts are sorted by length within a buffer, so that batches need little padding and memory stays flat. The first
# buffers are small: somebody may wait for the first result.
FIRST_BUFFER, LAST_BUFFER = 64, 4096
MAX_BUFFER_CHARS = 1 << 21
# Special tokens of a sequence, about: they count when short ones are put together.
NUM_SPECIAL = 2
# Types share a batch in training down to this share of the longest one's length.
SHORTEST_OF_GROUP = 0.6

# Some places of a list of texts, and the token ids of those texts.
Sequences = tuple[list[int], list[np.ndarray]]


@dataclass(frozen=True, kw_only=True)
class Batcher:
    """Tokenises texts and types, cuts them into views, and puts views of about one length together.

    Attributes:
        config: the configuration of the model.
        text_tokenizer: the tokenizer of texts.
        type_tokenizer: the tokenizer of types: of their own sequences or, in a cross-encoder, of types that follow a text.
        lone_type_tokenizer: the tokenizer of types in their own sequences.
    """

    config: MatcherConfig
    text_tokenizer: SequenceTokenizer
    type_tokenizer: SequenceTokenizer
    lone_type_tokenizer: SequenceTokenizer

    @classmethod
    def of(
        cls,
        config: MatcherConfig,
        text_tokenizer: "PreTrainedTokenizerBase | StoredTokenizer",
        type_tokenizer: "PreTrainedTokenizerBase | StoredTokenizer",
    ) -> "Batcher":
        """Make the batcher of a model.

        Args:
            config: the configuration of the model.
            text_tokenizer: the tokenizer of its text encoder.
            type_tokenizer: the tokenizer of its type encoder.
        """
        texts = SequenceTokenizer.of(text_tokenizer, config.max_length, has_threshold_token="label_token" in config.null_slots)
        if config.architecture == "cross":
            types = texts.after_text(config.max_type_length)
            lone = SequenceTokenizer.of(type_tokenizer, config.max_length, prompt=config.type_prompt)
        else:
            types = lone = SequenceTokenizer.of(type_tokenizer, config.max_type_length, prompt=config.type_prompt)
        return cls(config=config, text_tokenizer=texts, type_tokenizer=types, lone_type_tokenizer=lone)

    @property
    def is_cross_encoder(self) -> bool:
        """Return whether types are read together with each text."""
        return self.config.architecture == "cross"

    def windows(
        self, examples: Sequence[Example], lost: Unrepresentable | None = None, *, line_breaks: str | None = None
    ) -> list[list[View]]:
        """Return the windows of each text, with all types of its inventory; no window for a text without words.

        Args:
            examples: texts with their words, gold and types.
            lost: counts the gold that no candidate represents; by default nothing counts it.
            line_breaks: which line breaks candidates cross, a name of `LINE_BREAKS`; by default what the model is
                configured to.
        """
        lost = Unrepresentable() if lost is None else lost
        max_span_width, max_tokens = self.config.max_span_width, self.text_tokenizer.max_tokens
        texts = tokenize_texts(
            examples,
            self.text_tokenizer,
            candidates=self.config.candidates,
            max_span_width=max_span_width,
            line_breaks=line_breaks or self.config.line_breaks,
            lost=lost,
        )
        return [text_windows(text, max_tokens=max_tokens, max_span_width=max_span_width, lost=lost) for text in texts]

    def passes(self, windows: Sequence[View]) -> list[View]:
        """Return what single forward passes see: a window with all types or, in a cross-encoder, with a run of them.

        Args:
            windows: windows with their types.
        """
        if not self.is_cross_encoder:
            return list(windows)
        assert self.config.max_types is not None
        runs: dict[tuple[Inventory, tuple[str, ...]], list[tuple[Inventory, tuple[str, ...], int]]] = {}
        found = []
        for window in windows:
            key = types, texts = window.types, window.type_texts or window.types.texts
            if key not in runs:
                lengths = [len(self.type_tokenizer.prefix) + len(ids) for ids in self.type_tokenizer.tokenize_types(texts)]
                bounds = type_runs(lengths, max_types=self.config.max_types, max_tokens=self.type_tokenizer.max_tokens + 1)
                runs[key] = [(Inventory(types[start:stop]), texts[start:stop], start) for start, stop in bounds]
            found += [replace(window, types=own, type_texts=written, first_type=first) for own, written, first in runs[key]]
        return found

    def text_batches(self, views: Sequence[View], *, batch_size: int | None, max_tokens: int) -> list[list[View]]:
        """Put views into batches of about one length, the longest first (see `length_batches`).

        Args:
            views: what `passes` gave.
            batch_size: views of a batch, None for as many as fit `max_tokens`.
            max_tokens: tokens of a batch, padding included.
        """
        # Units count, too, because many of them may share a subword: the grid of candidates has a row for each.
        lengths = [max(view.end_token - view.start_token, view.end_unit - view.start_unit) for view in views]
        if self.is_cross_encoder:
            num_following = {
                texts: sum(1 + len(ids) for ids in self.type_tokenizer.tokenize_types(texts))
                for texts in dict.fromkeys(view.type_texts for view in views)
            }
            lengths = [length + num_following[view.type_texts] for view, length in zip(views, lengths, strict=True)]
        batches = length_batches(lengths, batch_size=batch_size, max_tokens=max_tokens)
        return [[views[index] for index in batch] for batch in batches]

    def type_batches(self, texts: Sequence[str], *, max_tokens: int) -> Iterator[Sequences]:
        """Put type texts into batches of about one length, the longest first.

        Args:
            texts: the type texts.
            max_tokens: tokens of a batch, padding included.
        """
        sequences = self.lone_type_tokenizer.tokenize_types(texts)
        for places in length_batches([len(ids) for ids in sequences], batch_size=None, max_tokens=max_tokens):
            yield places, [sequences[place] for place in places]

    def type_groups(self, texts: Sequence[str]) -> list[Sequences]:
        """Put type texts, the longest first, into few groups that need little padding.

        Names have two tokens, descriptions sixty: padded to one length, nearly all of the work of a step would be padding.

        Args:
            texts: the type texts.
        """
        sequences = self.lone_type_tokenizer.tokenize_types(texts)
        groups: list[Sequences] = []
        for place in sorted(range(len(texts)), key=lambda place: -len(sequences[place])):
            ids = sequences[place]
            longest = len(groups[-1][1][0]) if groups else 0
            if not groups or len(ids) + NUM_SPECIAL < SHORTEST_OF_GROUP * (longest + NUM_SPECIAL):
                groups.append(([], []))
            groups[-1][0].append(place)
            groups[-1][1].append(ids)
        return groups


def text_windows(
    text: TokenizedText, *, max_tokens: int, max_span_width: int, lost: Unrepresentable | None = None
) -> list[View]:
    """Cut a text into windows that fit the encoder; no window for a text without a unit.

    Args:
        text: the tokenised text.
        max_tokens: most subwords of a window, and most units.
        max_span_width: the widest candidate, in units.
        lost: counts the gold that no window holds; by default nothing counts it.
    """
    units, types = text.units, text.example.types
    if not len(units):
        return []
    first, last = int(units.first_token[0]), int(units.last_token[-1]) + 1
    if max(last - first, len(units)) <= max_tokens:
        return [View(tokenized=text, start_unit=0, end_unit=len(units), start_token=first, end_token=last, types=types)]
    windows, views = split_windows(units, max_tokens, max_span_width), []
    held = tuple(item for item in text.gold if any(start <= item[0] and item[0] + item[1] < end for start, end in windows))
    if len(held) < len(text.gold):
        if lost is not None:
            lost.in_no_window += len(text.gold) - len(held)
        text = replace(text, gold=held)
    for position, (start, end) in enumerate(windows):
        first, last = token_range(units, start, end)
        owned = owned_candidates(windows, position, max_span_width) if len(windows) > 1 else None
        views.append(
            View(tokenized=text, start_unit=start, end_unit=end, start_token=first, end_token=last, is_owned=owned, types=types)
        )
    return views


def length_batches(lengths: Sequence[int], *, batch_size: int | None, max_tokens: int) -> list[list[int]]:
    """Put sequences into batches of about one length, the longest first.

    Such batches need little padding, and if memory does not suffice, the first batch already shows it.

    Args:
        lengths: tokens of each sequence.
        batch_size: sequences of a batch; None for as many as have `max_tokens` together.
        max_tokens: tokens of a batch, padding and special tokens included.

    Returns:
        Places of the sequences.
    """
    order = sorted(range(len(lengths)), key=lambda index: -lengths[index])
    batches, first = [], 0
    while first < len(order):
        size = batch_size or max(1, max_tokens // (lengths[order[first]] + NUM_SPECIAL))
        batches.append(order[first : first + size])
        first += size
    return batches


def example_buffers(examples: Iterable[Example], size: int | None = None) -> Iterator[list[Example]]:
    """Yield runs of examples that are sorted and batched together, none of more characters than fit memory.

    Args:
        examples: any number of examples.
        size: examples of a run; by default few at first and then more.

    Raises:
        InputError: something is no `Example`.
    """
    buffer: list[Example] = []
    limit, num_chars = size or FIRST_BUFFER, 0
    for index, example in enumerate(examples):
        if not isinstance(example, Example):
            raise InputError(f"examples[{index}] is {type(example).__name__}, not an Example; texts are for predict")
        buffer.append(example)
        num_chars += len(example.text)
        if len(buffer) >= limit or num_chars >= MAX_BUFFER_CHARS:
            yield buffer
            buffer, num_chars, limit = [], 0, size or min(2 * limit, LAST_BUFFER)
    if buffer:
        yield buffer


def text_arrays(
    views: Sequence[View], tokenizer: SequenceTokenizer, max_span_width: int, types_after: SequenceTokenizer | None = None
) -> dict[str, np.ndarray]:
    """Pad views to one batch, with only as many units and widths as the longest view has.

    Args:
        views: at least one view.
        tokenizer: the tokenizer of texts.
        max_span_width: the widest candidate, in units.
        types_after: the tokenizer of the types that follow a text, in a cross-encoder; by default texts stand alone.

    Returns:
        The fields of a `collate.TextBatch`, by name.
    """
    longest = max(view.end_unit - view.start_unit for view in views)
    widest = min(max_span_width, longest)
    sequences: list[np.ndarray] = []
    first_token = np.zeros((len(views), longest), dtype=np.int64)
    last_token = np.zeros((len(views), longest), dtype=np.int64)
    candidates = np.zeros((len(views), longest, widest), dtype=bool)
    shift = len(tokenizer.prefix)
    inside = np.arange(longest)[:, None] + np.arange(widest)[None, :]  # the last unit of cell (u, w)
    for row, view in enumerate(views):
        units, count, start = view.tokenized.units, view.end_unit - view.start_unit, view.start_token
        ids = view.tokenized.token_ids[start : view.end_token]
        firsts = units.first_token[view.start_unit : view.end_unit] - start
        lasts = units.last_token[view.start_unit : view.end_unit] - start
        if len(ids) > tokenizer.max_tokens:
            # One word that exceeds the encoder, such as a base64 block: its beginning and its end are kept, because a span
            # is represented by its first and its last subword.
            assert count == 1, "a window of several units fits by construction"
            half = tokenizer.max_tokens // 2
            ids = np.concatenate([ids[: tokenizer.max_tokens - half], ids[len(ids) - half :]])
            lasts = np.array([len(ids) - 1])
        sequences.append(ids)
        first_token[row, :count] = firsts + shift
        last_token[row, :count] = lasts + shift
        candidates[row] = inside < count
        if view.is_owned is not None:
            candidates[row, :count] &= view.is_owned[:, :widest]
        if view.tokenized.blocks is not None:
            blocks = view.tokenized.blocks[view.start_unit : view.end_unit]
            candidates[row, :count] &= blocks[inside[:count].clip(max=count - 1)] == blocks[:, None]
    type_token = type_last = np.zeros((len(views), 0), dtype=np.int64)
    if types_after is not None:
        sequences, type_token, type_last = _append_types(views, sequences, tokenizer, types_after)
    input_ids, attention_mask = tokenizer.pad(sequences)
    segment_ids = np.zeros(input_ids.shape, dtype=np.int64)
    for row, view in enumerate(views if types_after is not None else ()):
        if view.types:
            segment_ids[row, type_token[row, 0] :] = 1
    return {
        "input_ids": input_ids,
        "attention_mask": attention_mask,
        "segment_ids": segment_ids,
        "first_token": first_token,
        "last_token": last_token,
        "candidates": candidates,
        "type_token": type_token,
        "type_last": type_last,
    }


def _append_types(
    views: Sequence[View], sequences: Sequence[np.ndarray], tokenizer: SequenceTokenizer, types_after: SequenceTokenizer
) -> tuple[list[np.ndarray], np.ndarray, np.ndarray]:
    """Append the types of each text to its sequence.

    Returns:
        The longer sequences, and the positions of each type's marker and last token. Shape: both positions (B, C).
    """
    runs: dict[tuple[str, ...], tuple[np.ndarray, np.ndarray]] = {}
    for texts in dict.fromkeys(view.type_texts for view in views):
        marked = [np.array([*types_after.prefix, *ids]) for ids in types_after.tokenize_types(texts)]
        bounds = np.cumsum([0, *map(len, marked)])
        runs[texts] = bounds, np.concatenate([tokenizer.middle, *marked]).astype(np.int64)
    type_token = np.zeros((len(views), max(len(view.types) for view in views)), dtype=np.int64)
    type_last = np.zeros_like(type_token)
    joined = []
    for row, (view, ids) in enumerate(zip(views, sequences, strict=True)):
        bounds, following = runs[view.type_texts]
        before = len(tokenizer.prefix) + len(ids) + len(tokenizer.middle)
        type_token[row, : len(bounds) - 1] = before + bounds[:-1]
        type_last[row, : len(bounds) - 1] = before + bounds[1:] - 1
        joined.append(np.concatenate([ids, following]))
    return joined, type_token, type_last
