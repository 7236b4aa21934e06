"""From views to the candidates that pass: one forward pass, types in blocks, memory bounded.

Legend: B batch, T text tokens, U units, W widths, C types, H hidden, D head size, N candidates that pass; R, X are B or 1.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import torch

from spanmatch.batching import TextBatch
from spanmatch.decoding import NOTHING, Candidates
from spanmatch.entities import EntityType
from spanmatch.matcher import SpanMatcherModel
from spanmatch.views import View

# Cells (span, type) scored at a time, whatever the number of types: 64 MiB of float32.
MAX_CELLS = 1 << 24


def passing_candidates(
    model: SpanMatcherModel,
    views: Sequence[View],
    batch: TextBatch,
    *,
    limits: Mapping[EntityType, float],
    slot: str | None,
    embeddings: Mapping[EntityType, torch.Tensor] | None,
) -> list[Candidates]:
    """The candidates of each view whose score exceeds the limit of a type that the view asks for.

    Args:
        batch: the views, collated.
        limits: a logit for every type of every view.
        slot: the null slot whose score for the type a score is counted from, if any.
        embeddings: of every type of every view, (D,) each; None where the types stand behind the texts.
    """
    if embeddings is None:
        columns_per_view = [view.types for view in views]
    else:
        columns_per_view = [tuple(dict.fromkeys(item for types in dict.fromkeys(view.types for view in views) for item in types))]
    if not any(columns_per_view):
        return [NOTHING] * len(views)
    states_BTH = model.encode_texts(batch)
    if embeddings is None:
        types_XCD = model.types_behind(states_BTH, batch)
    else:
        types_XCD = torch.stack([embeddings[item] for item in columns_per_view[0]])[None]
    limits_RC = torch.from_numpy(_limits(views, columns_per_view, limits)).to(states_BTH.device)
    index, logit = _passing(model, states_BTH, batch, types_XCD, limits_RC, slot)
    bounds = np.searchsorted(index[:, 0], np.arange(len(views) + 1))
    positions: dict[int, dict[EntityType, int]] = {}
    found = []
    for row, view in enumerate(views):
        inventory, part = view.tokenized.example.types, slice(bounds[row], bounds[row + 1])
        if id(inventory) not in positions:
            positions[id(inventory)] = {item: column for column, item in enumerate(inventory)}
        columns = columns_per_view[row if embeddings is None else 0]
        found.append(_candidates(view, index[part], logit[part], columns, positions[id(inventory)]))
    return found


def _passing(
    model: SpanMatcherModel,
    states_BTH: torch.Tensor,
    batch: TextBatch,
    types_XCD: torch.Tensor,
    limits_RC: torch.Tensor,
    slot: str | None,
) -> tuple[np.ndarray, np.ndarray]:
    """Cells whose score exceeds its limit, in the order of the views. Shape: indices (N, 4), logits (N,)."""
    spans_BUWD = model.head.represent_spans(states_BTH, batch)
    nulls_BND = model.head.represent_nulls(states_BTH)
    null_B1D = None
    if slot is not None:
        assert nulls_BND is not None, "thresholds are checked against the slots of the model"
        position = list(model.head.null_slots).index(slot)
        null_B1D = nulls_BND[:, position : position + 1]
    block = max(1, MAX_CELLS // batch.candidates.numel())
    rows, logits = [], []
    for first in range(0, limits_RC.shape[1], block):
        types = types_XCD[:, first : first + block]
        scores = model.head.score_spans(spans_BUWD, types).float()
        if null_B1D is not None:
            scores -= model.head.score(null_B1D, types).float()[:, :, None]
        passed = (scores > limits_RC[:, None, None, first : first + block]) & batch.candidates[..., None]
        indices_N4 = passed.nonzero()
        indices_N4[:, 3] += first
        rows.append(indices_N4)
        logits.append(scores[passed])
    index, logit = torch.cat(rows).cpu().numpy(), torch.cat(logits).cpu().numpy()
    order = np.argsort(index[:, 0], kind="stable")
    return index[order], logit[order]


def _limits(
    views: Sequence[View], columns_per_view: Sequence[Sequence[EntityType]], limits: Mapping[EntityType, float]
) -> np.ndarray:
    """The limit of each cell's type, infinite where a view does not ask for it. Shape: (R, C)."""
    num_columns = max(map(len, columns_per_view))
    if len(columns_per_view) == len(views):
        rows = [[limits[item] for item in columns] for columns in columns_per_view]
        return np.array([row + [np.inf] * (num_columns - len(row)) for row in rows], dtype=np.float32)
    column_of = {item: column for column, item in enumerate(columns_per_view[0])}
    per_inventory = {}
    for types in dict.fromkeys(view.types for view in views):
        per_inventory[types] = np.full(num_columns, np.inf, dtype=np.float32)
        per_inventory[types][[column_of[item] for item in types]] = [limits[item] for item in types]
    if len(per_inventory) == 1:
        return np.stack(list(per_inventory.values()))
    return np.stack([per_inventory[view.types] for view in views])


def _candidates(
    view: View, index: np.ndarray, logit: np.ndarray, columns: Sequence[EntityType], position: Mapping[EntityType, int]
) -> Candidates:
    """Cells of one view (rows of `index`) as spans of its text, columns counted in the text's inventory."""
    units = view.tokenized.units
    first = index[:, 1] + view.start_unit
    own = np.array([position[columns[column]] for column in index[:, 3]], dtype=np.int64)
    return Candidates(start=units.start_char[first], end=units.end_char[first + index[:, 2]], column=own, logit=logit)
