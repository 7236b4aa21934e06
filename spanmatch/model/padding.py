"""Compute the tokens of a batch, and not its padding: what stands beside long texts would be padding for the most part.

Legend: B batch, T tokens, X all places of a batch in one dimension, N rows that are computed, H hidden.
"""

import torch

# Rows that are computed are a multiple of this: for each number of rows that it met, oneDNN keeps a megabyte.
ROW_STEP = 32


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


def at_places(states_BTH: torch.Tensor, places_N: torch.Tensor) -> torch.Tensor:
    """Return the rows that are computed.

    Args:
        states_BTH: a state for each place.
        places_N: what `token_places` gave.

    Shape: (B, T, H) to (N, H).
    """
    return states_BTH.flatten(0, 1).index_select(0, places_N)


def padded(rows_NH: torch.Tensor, places_N: torch.Tensor, num_sequences: int, length: int) -> torch.Tensor:
    """Put rows back to where they stand in the batch, with zeros at the places that were not computed.

    Args:
        rows_NH: what was computed.
        places_N: what `token_places` gave.
        num_sequences: B.
        length: T.

    Shape: (N, H) to (B, T, H).
    """
    states = rows_NH.new_zeros(num_sequences * length, rows_NH.shape[1])
    return states.index_copy_(0, places_N, rows_NH).unflatten(0, (num_sequences, length))
