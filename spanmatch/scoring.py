"""From views to the candidates that pass: one forward pass, types in blocks, memory bounded.

Legend: B batch, U units, W widths, C types, D head size, N candidates that pass.
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
    embeddings: Mapping[EntityType, torch.Tensor],
    limits: Mapping[EntityType, float],
) -> list[Candidates]:
    """The candidates of each view whose score exceeds the limit of a type that the view asks for.

    Args:
        batch: the views, collated.
        embeddings: of every type of every view, (D,) each.
        limits: a logit for every type of every view.
    """
    inventories = list(dict.fromkeys(view.types for view in views))
    columns = tuple(dict.fromkeys(item for types in inventories for item in types))
    if not columns:
        return [NOTHING] * len(views)
    limits_C = torch.tensor([limits[item] for item in columns], device=batch.input_ids.device)
    types_CD = torch.stack([embeddings[item] for item in columns])
    spans_BUWD = model.represent_spans(batch)
    block = max(1, MAX_CELLS // batch.candidates.numel())
    rows, logits = [], []
    for first in range(0, len(columns), block):
        scores = model.head.score_spans(spans_BUWD, types_CD[first : first + block]).float()
        passed = (scores > limits_C[first : first + block]) & batch.candidates[..., None]
        indices_N4 = passed.nonzero()
        indices_N4[:, 3] += first
        rows.append(indices_N4)
        logits.append(scores[passed])
    index, logit = torch.cat(rows).cpu().numpy(), torch.cat(logits).cpu().numpy()
    if len(inventories) > 1:
        asked = {types: np.isin(np.arange(len(columns)), [columns.index(item) for item in types]) for types in inventories}
        keep = np.array([asked[view.types] for view in views])[index[:, 0], index[:, 3]]
        index, logit = index[keep], logit[keep]
    order = np.argsort(index[:, 0], kind="stable")
    index, logit = index[order], logit[order]
    bounds = np.searchsorted(index[:, 0], np.arange(len(views) + 1))
    return [
        _candidates(view, index[bounds[row] : bounds[row + 1]], logit[bounds[row] : bounds[row + 1]], columns)
        for row, view in enumerate(views)
    ]


def _candidates(view: View, index: np.ndarray, logit: np.ndarray, columns: Sequence[EntityType]) -> Candidates:
    """Cells of one view (rows of `index`) as spans of its text, columns counted in the view's own types."""
    units, position = view.tokenized.units, {item: column for column, item in enumerate(view.types)}
    first = index[:, 1] + view.start_unit
    own = np.array([position[columns[column]] for column in index[:, 3]], dtype=np.int64)
    return Candidates(start=units.start_char[first], end=units.end_char[first + index[:, 2]], column=own, logit=logit)
