"""Measure what types usually score, for a correction of hubness: some types score high with nearly every mention.

A type that was trained often, such as "person", scores high with mentions of every type; one that was never trained, such as
"writer", scores low. Asked for both, a matcher calls every writer a person. So the head keeps a background: a sample of the
mentions of the training, of all types. The affinity of a type is the mean of its highest scores on the background. Types of
one list are rivals where they are alike and one scores higher than the other even with the mentions that speak most for that
one. A share of what a type has more than its rivals is subtracted from all of its scores, and what it has less is added. So a
list without such pairs, or of one type, gives nearly what it gives without the correction: a smaller share is taken in
comparison with the mean affinity of the training's types, so that types that were never trained pass one threshold with
those that were (`SpanHead.corrected`).

Source: the hubness correction CSLS of Conneau et al., "Word Translation Without Parallel Data", ICLR 2018, section 2.3. Here
the neighbours are mentions, and only types are corrected, once, when they are encoded.

Legend: C types, D head size, M background mentions.
"""

from collections.abc import Sequence

import numpy as np
import torch

from spanmatch.batching.collate import TextBatch, collate_texts, collate_types
from spanmatch.batching.views import View
from spanmatch.model.devices import batch_tokens
from spanmatch.model.head import without_bias
from spanmatch.model.model import SpanMatcherModel
from spanmatch.model.rivals import NUM_MENTIONS, affinity
from spanmatch.prediction.matcher import SpanMatcher
from spanmatch.prediction.thresholds import default_slot
from spanmatch.training.dataset import TrainingViews

# Number of types whose mean affinity is taken for the usual one.
NUM_TYPES = 1024


def fill_background(matcher: SpanMatcher, views: TrainingViews, seed: int) -> None:
    """Fill the background of a trained model: mentions of the training texts, and the usual affinity of types with them.

    A model without a background (`background_weight` is 0) stays as it is.

    Args:
        matcher: the matcher; its head is changed in place.
        views: the texts that it was trained on.
        seed: seed of the choice of mentions and types.
    """
    model, batcher = matcher.model, matcher.batcher
    head = model.head
    if head.background is None:
        return
    rng = np.random.default_rng(seed)
    with_gold = np.flatnonzero([bool(view.tokenized.gold) for view in views.views])
    chosen = [views[int(place)] for place in rng.permutation(with_gold)[:NUM_MENTIONS]]
    mentions: list[torch.Tensor] = []
    types: list[torch.Tensor] = []
    with matcher.inference():
        for own in batcher.text_batches(batcher.passes(chosen), batch_size=None, max_tokens=batch_tokens(matcher.device)):
            batch = collate_texts(own, batcher).to(matcher.device)
            states_BTH = model.encode_texts(batch)
            mentions.append(_mentions(model, own, batch, states_BTH))
            if not batcher.config.reads_types_apart:
                there = [(row, column) for row, view in enumerate(own) for column in range(len(view.types))]
                row, column = torch.tensor(there, device=matcher.device).reshape(-1, 2).unbind(1)
                types.append(model.type_embeddings_behind(states_BTH, batch)[row, column])
        if batcher.config.reads_types_apart:
            names = sorted({item.name for view in views.views for item in view.types})
            for _, sequences in batcher.type_batches(names, max_tokens=batch_tokens(matcher.device)):
                group = collate_types(sequences, batcher.lone_type_tokenizer).to(matcher.device)
                types.append(head.embed_types(model.type_states(group)))
        head.background.copy_(_drawn(torch.cat(mentions), NUM_MENTIONS, rng))
        head.usual_affinity.copy_(affinity(_drawn(torch.cat(types), NUM_TYPES, rng), head.background).mean())


def _drawn(rows: torch.Tensor, number: int, rng: np.random.Generator) -> torch.Tensor:
    """Return rows in random order, repeated if there are fewer than asked for. Shape: (N, D) to (number, D)."""
    places = rng.permutation(len(rows))[np.arange(number) % len(rows)]
    return rows.index_select(0, torch.from_numpy(places).to(rows.device))


def _mentions(model: SpanMatcherModel, views: Sequence[View], batch: TextBatch, states_BTH: torch.Tensor) -> torch.Tensor:
    """Return the gold spans of views, less their null slot if there is one, without the bias. Shape: (S, D)."""
    cells = [
        (row, unit - view.start_unit, width)
        for row, view in enumerate(views)
        for unit, width, _ in view.tokenized.gold
        if unit >= view.start_unit and unit + width < view.end_unit
    ]
    cells_S3 = torch.tensor(cells, dtype=torch.long, device=states_BTH.device).reshape(-1, 3)
    spans_SD = model.head.represent_cells(states_BTH, batch, cells_S3).float()
    null_BD = model.head.represent_null(states_BTH, default_slot(model.head.null_slots))
    return without_bias(spans_SD if null_BD is None else spans_SD - null_BD.float().index_select(0, cells_S3[:, 0]))
