"""What computes with the weights of a matcher: torch, or another library. All else of a prediction is NumPy and shared.

Legend: B batch, C types, D head size, S candidate spans of the batch.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from spanmatch.batching.views import View

# An array of the backend: a tensor of torch, or a NumPy array. Both are indexed with NumPy arrays.
Array = Any


@dataclass(frozen=True, kw_only=True, slots=True)
class SpanEmbeddings:
    """Holds the candidate spans of a batch as a backend computed them.

    Attributes:
        cells: each candidate as (row of its view, first unit, width - 1), sorted. Shape: (S, 3).
        spans: its representation, minus that of the null slot if one is asked for. Shape: (S, D).
        types_behind: embeddings of the types that follow each text, None in a bi-encoder. Shape: (B, C, D).
    """

    cells: np.ndarray
    spans: Array
    types_behind: Array | None


class Blocks(Protocol):
    """Scores spans against types, a block of some types and some spans at a time.

    Attributes:
        num_types: number of all types.
        num_spans: number of all spans.
        types_at_once: types of a block.
        spans_at_once: spans of a block.
    """

    num_types: int
    num_spans: int
    types_at_once: int
    spans_at_once: int

    def near(self, first_type: int, first_span: int, floor: float) -> tuple[np.ndarray, np.ndarray]:
        """Return the spans of a block that may score above a floor, and all their scores in the block, in float32.

        Args:
            first_type: the first type of the block.
            first_span: the first span of the block.
            floor: a logit.

        Shape: (N,) places of spans, and (types of the block, N).
        """


class Backend(Protocol):
    """Computes what depends on weights. Several threads may use it at the same time.

    Attributes:
        framework: how safetensors calls its arrays: "pt" for tensors of torch, "np" for arrays of NumPy.
    """

    framework: str

    @property
    def batch_tokens(self) -> int:
        """Return how many tokens a batch should have, padding included."""

    @property
    def reads_types_behind(self) -> bool:
        """Return whether types are read behind each text, as in a cross-encoder."""

    @property
    def corrects_types(self) -> bool:
        """Return whether the embedding of a type depends on what else is asked for."""

    def inference(self) -> AbstractContextManager[None]:
        """Return the context that everything is computed in."""

    def version(self) -> object:
        """Return a value that changes when the weights change."""

    def type_digest(self) -> str:
        """Return the SHA-256 of the weights that type embeddings are computed with."""

    def join(self, parts: Sequence[Array]) -> Array:
        """Join arrays along their first dimension.

        Args:
            parts: at least one.
        """

    def embed_types(self, sequences: Sequence[np.ndarray]) -> Array:
        """Return the embeddings of types, not corrected yet for the list that they are asked in.

        Args:
            sequences: token ids of each type, without special tokens.

        Raises:
            InputError: the embeddings leave the range of the precision that is computed in.

        Shape: (C, D).
        """

    def corrected(self, types_CD: Array) -> Array:
        """Return the embeddings of the types of one list, corrected for each other (see `model.rivals`).

        Args:
            types_CD: embedded types.

        Shape: (C, D) to the same.
        """

    def embed_spans(
        self, views: Sequence[View], slot: str | None, types_apart: Sequence[Array] | None = None
    ) -> SpanEmbeddings:
        """Return the candidate spans of a batch.

        Args:
            views: what `Batcher.passes` returned.
            slot: name of the null slot that is subtracted, None for none.
            types_apart: embedded types of each view, of a cross-encoder that reads types apart from texts, too. Shape: (C, D).

        Raises:
            InputError: the states leave the range of the precision that is computed in.
        """

    def blocks(self, spans_SD: Array, types_CD: Array) -> Blocks:
        """Return what scores spans against types.

        Args:
            spans_SD: representations of spans.
            types_CD: embedded types.
        """
