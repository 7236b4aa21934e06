"""Tokenising and padding: the only place where text becomes tensors.

Text and types are tokenised once each; special tokens are put around them here, so that offsets never move.

Legend: B batch, T text tokens, U units of a text, W widest candidate in units, C types, L tokens of a type.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import torch
from transformers import PreTrainedTokenizerBase

from spanmatch.entities import EntityType
from spanmatch.records import Example
from spanmatch.spans import CANDIDATES, Unrepresentable, locate
from spanmatch.views import TokenizedText, View, make_views, owned_candidates, token_range

logger = logging.getLogger(__name__)


@dataclass(kw_only=True, slots=True)
class TextBatch:
    """Texts and their candidate grid: cell (u, w) is the span of units u to u + w."""

    input_ids: torch.Tensor  # (B, T)
    attention_mask: torch.Tensor  # (B, T)
    first_token: torch.Tensor  # (B, U) position of each unit's first subword
    last_token: torch.Tensor  # (B, U)
    candidates: torch.Tensor  # (B, U, W) bool: cells that are spans of the text and owned by this view

    def to(self, device: torch.device | str) -> "TextBatch":
        """The batch on a device."""
        return TextBatch(**{item.name: getattr(self, item.name).to(device, non_blocking=True) for item in fields(self)})


@dataclass(kw_only=True, slots=True)
class TypeBatch:
    """Type texts."""

    input_ids: torch.Tensor  # (C, L)
    attention_mask: torch.Tensor  # (C, L)

    def to(self, device: torch.device | str) -> "TypeBatch":
        """The batch on a device."""
        return TypeBatch(input_ids=self.input_ids.to(device), attention_mask=self.attention_mask.to(device))


@dataclass(frozen=True, kw_only=True)
class Tokenizing:
    """A tokenizer with what has to be known about it: the ids around a sequence, padding, and the room within."""

    tokenizer: PreTrainedTokenizerBase
    prefix: tuple[int, ...]
    suffix: tuple[int, ...]
    pad_id: int
    max_tokens: int

    @classmethod
    def of(cls, tokenizer: PreTrainedTokenizerBase, max_length: int) -> "Tokenizing":
        """Learn the special tokens of a sequence from the tokenizer itself.

        Raises:
            ValueError: not a fast tokenizer (offsets are needed), or no room for text.
        """
        if not tokenizer.is_fast:
            raise ValueError(f"{type(tokenizer).__name__} gives no character offsets; use an encoder with a fast tokenizer")
        bare = tokenizer("a", add_special_tokens=False)["input_ids"]
        full = tokenizer("a", add_special_tokens=True)["input_ids"]
        at = next(start for start in range(len(full)) if full[start : start + len(bare)] == bare)
        prefix, suffix = tuple(full[:at]), tuple(full[at + len(bare) :])
        room = max_length - len(prefix) - len(suffix)
        if room < 1:
            raise ValueError(f"max_length {max_length} leaves no room for text; use at least {max_length - room + 1}")
        pad_id = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else 0
        return cls(tokenizer=tokenizer, prefix=prefix, suffix=suffix, pad_id=pad_id, max_tokens=room)

    def encode(self, texts: Sequence[str], *, offsets: bool = False) -> Any:
        """Token ids (and character offsets) without special tokens; a literal "[SEP]" in a text stays text.

        Unigram models hold their special tokens as ordinary pieces, too, and find them in a text: these become unknown.
        """
        encoded = self.tokenizer(
            list(texts),
            add_special_tokens=False,
            split_special_tokens=True,
            return_attention_mask=False,
            return_token_type_ids=False,
            return_offsets_mapping=offsets,
            truncation=False,
            padding=False,
            verbose=False,
        )
        unknown = self.tokenizer.unk_token_id
        special = frozenset(self.tokenizer.all_special_ids) - {unknown}
        if unknown is not None:
            encoded["input_ids"] = [
                ids if special.isdisjoint(ids) else [unknown if item in special else item for item in ids]
                for ids in encoded["input_ids"]
            ]
        return encoded

    def pad(self, sequences: Sequence[np.ndarray]) -> tuple[torch.Tensor, torch.Tensor]:
        """Put special tokens around sequences and pad them to the longest. Shape: ids and mask, both (N, L)."""
        extra = len(self.prefix) + len(self.suffix)
        longest = max((len(sequence) for sequence in sequences), default=0) + extra
        ids = np.full((len(sequences), longest), self.pad_id, dtype=np.int64)
        mask = np.zeros((len(sequences), longest), dtype=np.int64)
        for row, sequence in enumerate(sequences):
            stop = len(self.prefix) + len(sequence)
            ids[row, : len(self.prefix)] = self.prefix
            ids[row, len(self.prefix) : stop] = sequence
            ids[row, stop : stop + len(self.suffix)] = self.suffix
            mask[row, : stop + len(self.suffix)] = 1
        return torch.from_numpy(ids), torch.from_numpy(mask)


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
    for example, ids, offsets in zip(examples, encoded["input_ids"], encoded["offset_mapping"], strict=True):
        units = CANDIDATES[candidates](example.text, example.words, offsets)
        gold = locate(example.mentions, units, max_span_width, lost)
        tokenized.append(TokenizedText(example=example, token_ids=np.asarray(ids, dtype=np.int64), units=units, gold=tuple(gold)))
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


def collate_texts(views: Sequence[View], tokenizing: Tokenizing, max_span_width: int) -> TextBatch:
    """Pad views to one batch. Only as many units and widths as the longest view has."""
    longest = max(view.num_units for view in views)
    widest = min(max_span_width, longest)
    sequences: list[np.ndarray] = []
    first_token = np.zeros((len(views), longest), dtype=np.int64)
    last_token = np.zeros((len(views), longest), dtype=np.int64)
    candidates = np.zeros((len(views), longest, widest), dtype=bool)
    shift = len(tokenizing.prefix)
    inside = np.arange(longest)[:, None] + np.arange(widest)[None, :]
    for row, view in enumerate(views):
        units, count = view.tokenized.units, view.num_units
        start, stop = token_range(units, view.start_unit, view.end_unit)
        ids = view.tokenized.token_ids[start:stop]
        firsts = units.first_token[view.start_unit : view.end_unit] - start
        lasts = units.last_token[view.start_unit : view.end_unit] - start
        if len(ids) > tokenizing.max_tokens:
            # One word longer than the encoder (a base64 block): its beginning and its end are what a span is made of.
            assert count == 1, "a window of several units fits by construction"
            half = tokenizing.max_tokens // 2
            ids = np.concatenate([ids[: tokenizing.max_tokens - half], ids[len(ids) - half :]])
            lasts = np.array([len(ids) - 1])
        sequences.append(ids)
        first_token[row, :count] = firsts + shift
        last_token[row, :count] = lasts + shift
        candidates[row] = inside < count
        if len(view.windows) > 1:
            candidates[row, :count] &= owned_candidates(view.windows, view.position, widest)
    input_ids, attention_mask = tokenizing.pad(sequences)
    return TextBatch(
        input_ids=input_ids,
        attention_mask=attention_mask,
        first_token=torch.from_numpy(first_token),
        last_token=torch.from_numpy(last_token),
        candidates=torch.from_numpy(candidates),
    )


def collate_types(texts: Sequence[str], tokenizing: Tokenizing) -> TypeBatch:
    """Pad type texts to one batch. A description beyond the encoder's length is cut, and a warning says so."""
    sequences = [np.asarray(ids, dtype=np.int64) for ids in tokenizing.encode(texts)["input_ids"]]
    for text, ids in zip(texts, sequences, strict=True):
        if len(ids) > tokenizing.max_tokens:
            logger.warning('the type text "%.60s..." has %d tokens; only %d are read', text, len(ids), tokenizing.max_tokens)
    input_ids, attention_mask = tokenizing.pad([ids[: tokenizing.max_tokens] for ids in sequences])
    return TypeBatch(input_ids=input_ids, attention_mask=attention_mask)


def collate_gold(views: Sequence[View], columns: Sequence[EntityType], batch: TextBatch) -> tuple[torch.Tensor, torch.Tensor]:
    """The gold of a batch over its type columns, which differ in `key`.

    A column is valid for a text that was annotated for a type of that key. Where a column is another name (an alias) of
    one of the text's gold types, only its positives are: a negative must not contradict a positive.

    Shape: positives and valid, both (B, U, W, C) bool.
    """
    num_views, num_units, num_widths = batch.candidates.shape
    positives = np.zeros((num_views, num_units, num_widths, len(columns)), dtype=bool)
    known = np.zeros((num_views, len(columns)), dtype=bool)
    column_of_key = {entity_type.key: column for column, entity_type in enumerate(columns)}
    for row, view in enumerate(views):
        types = {item.label: item for item in view.tokenized.example.types}
        for item in types.values():
            if item.key in column_of_key:
                known[row, column_of_key[item.key]] = True
        for first, width, label in view.tokenized.gold:
            unit, gold_type = first - view.start_unit, types[label]
            if unit < 0 or unit + width >= view.num_units:
                continue
            if gold_type.key in column_of_key:
                positives[row, unit, width, column_of_key[gold_type.key]] = True
            for column, other in enumerate(columns):
                if other.key in gold_type.alias_keys or gold_type.key in other.alias_keys:
                    known[row, column] = False
    valid = batch.candidates.numpy()[..., None] & (known[:, None, None, :] | positives)
    return torch.from_numpy(positives & valid), torch.from_numpy(valid)
