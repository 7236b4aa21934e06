"""Tokenising and padding: the only place where text becomes tensors.

Text and types are tokenised once each; special tokens are put around them here, so that offsets never move.

Legend: B batch, T text tokens, U units of a text, W widest candidate in units, C types, L tokens of a type.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch

from spanmatch.batching.tokenizer import Tokenizing, encode_types
from spanmatch.batching.views import View, owned_candidates, token_range, written
from spanmatch.entities import EntityType


@dataclass(kw_only=True, slots=True)
class TextBatch:
    """Texts and their candidate grid: cell (u, w) is the span of units u to u + w.

    In a cross-encoder's, the types of each text stand behind it: `type_token` has the place of each one's marker, and
    `type_last` that of its last token.
    """

    input_ids: torch.Tensor  # (B, T)
    attention_mask: torch.Tensor  # (B, T)
    segment_ids: torch.Tensor  # (B, T) 0, and 1 where types stand
    first_token: torch.Tensor  # (B, U) position of each unit's first subword
    last_token: torch.Tensor  # (B, U)
    candidates: torch.Tensor  # (B, U, W) bool: cells that are spans of the text and owned by this view
    type_token: torch.Tensor  # (B, C) in a cross-encoder, else (B, 0)
    type_last: torch.Tensor  # the same; where a text has fewer types, both are 0

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


def collate_texts(
    views: Sequence[View], tokenizing: Tokenizing, max_span_width: int, types_after: Tokenizing | None = None
) -> TextBatch:
    """Pad views to one batch. Only as many units and widths as the longest view has.

    Args:
        types_after: of a cross-encoder, how the types behind a text are tokenised.
    """
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
    type_token = type_last = np.zeros((len(views), 0), dtype=np.int64)
    if types_after is not None:
        sequences, type_token, type_last = _append_types(views, sequences, tokenizing, types_after)
    input_ids, attention_mask = tokenizing.pad(sequences)
    segment_ids = np.zeros(input_ids.shape, dtype=np.int64)
    for row, view in enumerate(views if types_after is not None else ()):
        if view.types:
            segment_ids[row, type_token[row, 0] :] = 1
    return TextBatch(
        input_ids=input_ids,
        attention_mask=attention_mask,
        segment_ids=torch.from_numpy(segment_ids),
        first_token=torch.from_numpy(first_token),
        last_token=torch.from_numpy(last_token),
        candidates=torch.from_numpy(candidates),
        type_token=torch.from_numpy(type_token),
        type_last=torch.from_numpy(type_last),
    )


def _append_types(
    views: Sequence[View], sequences: Sequence[np.ndarray], tokenizing: Tokenizing, types_after: Tokenizing
) -> tuple[list[np.ndarray], np.ndarray, np.ndarray]:
    """Each text with its types behind it, and where their markers and their last tokens then stand. Shape: both (B, C)."""
    runs: dict[tuple[int, int], tuple[np.ndarray, np.ndarray]] = {}
    for view in views:
        if written(view) not in runs:
            marked = [np.array([*types_after.prefix, *ids]) for ids in encode_types(view.written_types, types_after)]
            bounds = np.cumsum([0, *map(len, marked)])
            runs[written(view)] = bounds, np.concatenate([tokenizing.middle, *marked]).astype(np.int64)
    type_token = np.zeros((len(views), max(len(view.types) for view in views)), dtype=np.int64)
    type_last = np.zeros_like(type_token)
    joined = []
    for row, (view, ids) in enumerate(zip(views, sequences, strict=True)):
        bounds, behind = runs[written(view)]
        before = len(tokenizing.prefix) + len(ids) + len(tokenizing.middle)
        type_token[row, : len(bounds) - 1] = before + bounds[:-1]
        type_last[row, : len(bounds) - 1] = before + bounds[1:] - 1
        joined.append(np.concatenate([ids, behind]))
    return joined, type_token, type_last


def collate_types(texts: Sequence[str], tokenizing: Tokenizing) -> TypeBatch:
    """Pad type texts to one batch, for an encoder of types."""
    return pad_types(encode_types(texts, tokenizing), tokenizing)


def pad_types(sequences: Sequence[np.ndarray], tokenizing: Tokenizing) -> TypeBatch:
    """Pad types that are token ids already."""
    input_ids, attention_mask = tokenizing.pad(sequences)
    return TypeBatch(input_ids=input_ids, attention_mask=attention_mask)


def collate_gold(
    views: Sequence[View], columns: Sequence[Sequence[EntityType]], batch: TextBatch
) -> tuple[torch.Tensor, torch.Tensor]:
    """The gold of a batch over its type columns.

    A column is valid for a text that was annotated for a type of that key. Where a column is another name (an alias) of
    one of the text's gold types, only its positives are: a negative must not contradict a positive.

    Args:
        columns: the types of each view's columns, which differ in `key`; one list for all views, or one per view.

    Shape: positives and valid, both (B, U, W, C) bool.
    """
    num_views, num_units, num_widths = batch.candidates.shape
    num_columns = max(map(len, columns), default=0)
    positives = np.zeros((num_views, num_units, num_widths, num_columns), dtype=bool)
    known = np.zeros((num_views, num_columns), dtype=bool)
    per_view = columns if len(columns) == num_views else [columns[0]] * num_views
    for row, (view, own) in enumerate(zip(views, per_view, strict=True)):
        types = {item.label: item for item in view.tokenized.example.types}
        column_of_key = {entity_type.key: column for column, entity_type in enumerate(own)}
        for item in types.values():
            if item.key in column_of_key:
                known[row, column_of_key[item.key]] = True
        for first, width, label in view.tokenized.gold:
            unit, gold_type = first - view.start_unit, types[label]
            if unit < 0 or unit + width >= view.num_units:
                continue
            if gold_type.key in column_of_key:
                positives[row, unit, width, column_of_key[gold_type.key]] = True
            for column, other in enumerate(own):
                if other.key in gold_type.alias_keys or gold_type.key in other.alias_keys:
                    known[row, column] = False
    valid = batch.candidates.numpy()[..., None] & (known[:, None, None, :] | positives)
    return torch.from_numpy(positives & valid), torch.from_numpy(valid)


