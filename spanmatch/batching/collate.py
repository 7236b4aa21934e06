"""Make tensors of views and types. Everything before this module works without torch.

Legend: B batch, T text tokens, U units of a text, W widest candidate in units, C types, L tokens of a type.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch

from spanmatch.batching.batcher import Batcher, text_arrays
from spanmatch.batching.tokenizer import SequenceTokenizer
from spanmatch.batching.views import View


@dataclass(kw_only=True, slots=True)
class TextBatch:
    """Holds texts and their candidate grid: cell (u, w) is the span of units u to u + w.

    In a cross-encoder, the types of each text follow it in the same sequence.

    Attributes:
        input_ids: token ids. Shape: (B, T).
        attention_mask: 1 at tokens, 0 at padding. Shape: (B, T).
        segment_ids: 1 where types stand, 0 elsewhere. Shape: (B, T).
        first_token: position of the first subword of each unit. Shape: (B, U).
        last_token: position of the last subword of each unit. Shape: (B, U).
        candidates: whether a cell is a span of the text that this window owns. Shape: (B, U, W) bool.
        type_token: position of the marker of each type, 0 where a text has fewer. Shape: (B, C), (B, 0) in a bi-encoder.
        type_last: position of the last token of each type, the same shape.
    """

    input_ids: torch.Tensor
    attention_mask: torch.Tensor
    segment_ids: torch.Tensor
    first_token: torch.Tensor
    last_token: torch.Tensor
    candidates: torch.Tensor
    type_token: torch.Tensor
    type_last: torch.Tensor

    def to(self, device: torch.device | str) -> "TextBatch":
        """Return the batch on a device.

        Args:
            device: where to copy it.
        """
        return TextBatch(**{item.name: getattr(self, item.name).to(device, non_blocking=True) for item in fields(self)})


@dataclass(kw_only=True, slots=True)
class TypeBatch:
    """Holds type texts that are encoded apart from texts.

    Attributes:
        input_ids: token ids. Shape: (C, L).
        attention_mask: 1 at tokens, 0 at padding. Shape: (C, L).
    """

    input_ids: torch.Tensor
    attention_mask: torch.Tensor

    def to(self, device: torch.device | str) -> "TypeBatch":
        """Return the batch on a device.

        Args:
            device: where to copy it.
        """
        return TypeBatch(input_ids=self.input_ids.to(device), attention_mask=self.attention_mask.to(device))


def collate_texts(views: Sequence[View], batcher: Batcher) -> TextBatch:
    """Pad views to one batch of tensors.

    Args:
        views: what `Batcher.passes` gave; at least one.
        batcher: the batcher that gave them.
    """
    types_after = batcher.type_tokenizer if batcher.is_cross_encoder else None
    arrays = text_arrays(views, batcher.text_tokenizer, batcher.config.max_span_width, types_after)
    return TextBatch(**{name: torch.from_numpy(array) for name, array in arrays.items()})


def collate_types(sequences: Sequence[np.ndarray], tokenizer: SequenceTokenizer) -> TypeBatch:
    """Pad the token ids of type texts to one batch of tensors.

    Args:
        sequences: token ids of each type text.
        tokenizer: the tokenizer that gave them.
    """
    input_ids, attention_mask = map(torch.from_numpy, tokenizer.pad(sequences))
    return TypeBatch(input_ids=input_ids, attention_mask=attention_mask)
