"""Compute the tokens of a batch, and not its padding: what stands beside long texts would be padding for the most part.

Legend: B batch, T tokens, X all places of a batch in one dimension, N rows that are computed, H hidden.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch

# Rows that are computed are a multiple of this: for each number of rows that it met, oneDNN keeps a megabyte.
ROW_STEP = 32
# How long the shortest sequence of a run is, compared with the longest.
SHORTEST_OF_RUN = 0.6


def token_places(is_token_BT: torch.Tensor) -> torch.Tensor | None:
    """Return where the rows that are computed stand in the flattened batch: all tokens, and little padding.

    Args:
        is_token_BT: whether a token stands at a place.

    Returns:
        The places, tokens first; None for all places. An accelerator computes all, since it would have to wait for the
        places, and so does compiled code, whose sizes may not depend on values.

    Shape: (B, T) bool to (N,).
    """
    if is_token_BT.device.type != "cpu" or torch.compiler.is_compiling():
        return None
    is_token_X = is_token_BT.flatten()
    num_rows = -int(is_token_X.sum()) // ROW_STEP * -ROW_STEP
    if num_rows >= len(is_token_X):
        return None
    return is_token_X.argsort(descending=True, stable=True)[:num_rows]


class Run(NamedTuple):
    """Names sequences that follow each other and have about one length.

    Attributes:
        rows: where their rows stand among those that are computed.
        places: where these rows stand among the places of the sequences, cut to the longest.
        is_token: whether a token stands at a place. Shape: (sequences, places).
    """

    rows: slice
    places: torch.Tensor
    is_token: torch.Tensor


def runs_of_length(is_token_BT: torch.Tensor) -> list[Run]:
    """Return runs of sequences that need little padding among themselves. There are few if sequences are sorted by length.

    Args:
        is_token_BT: whether a token stands at a place.

    Shape: (B, T) bool.
    """
    found, first_row = [], 0
    ends = (is_token_BT * torch.arange(1, is_token_BT.shape[1] + 1)).amax(1).tolist()  # tokens need not be without gaps
    for start, stop in _runs(ends):
        is_token = is_token_BT[start:stop, : max(ends[start:stop])]
        places = is_token.flatten().nonzero()[:, 0]
        found.append(Run(slice(first_row, first_row + len(places)), places, is_token))
        first_row += len(places)
    return found


def _runs(lengths: Sequence[int]) -> list[tuple[int, int]]:
    """Return the bounds of runs in which no length is much shorter, or at all longer, than the first."""
    starts = [0]
    for index, length in enumerate(lengths):
        if not SHORTEST_OF_RUN * lengths[starts[-1]] <= length <= lengths[starts[-1]]:
            starts.append(index)
    return list(zip(starts, [*starts[1:], len(lengths)], strict=True))


def padded(rows_NH: torch.Tensor, places_N: torch.Tensor, is_token_BT: torch.Tensor) -> torch.Tensor:
    """Put rows back to where they stand, with zeros at the places that were not computed.

    Args:
        rows_NH: what was computed.
        places_N: what `token_places` gave, or the places of a run.
        is_token_BT: whether a token stands at a place.

    Shape: (N, H), (N,) and (B, T) to (B, T, H).
    """
    states = rows_NH.new_zeros(is_token_BT.numel(), rows_NH.shape[1])
    return states.index_copy_(0, places_N, rows_NH).unflatten(0, is_token_BT.shape)
