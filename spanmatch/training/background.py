"""What a type usually scores: a correction for types that come too easily, and for those that hardly come at all.

A matcher has seen a person a thousand times and a writer never. Asked for both, it calls every writer a person: all scores
of a type that it knows well are high. So a type is compared with a background of mentions, of all types of the training:
what its best scores there exceed those of the usual type by is taken off, in part, and what they lack is given.

Source: the correction for neighbours of everything, Conneau et al., "Word Translation Without Parallel Data", ICLR 2018,
section 2.3 (CSLS), with mentions for neighbours and taken off the types alone, once, when they are encoded.

Legend: C types, D head size, M background mentions.
"""

from collections.abc import Sequence

import numpy as np
import torch

from spanmatch.batching.collate import TextBatch, collate_texts, collate_types
from spanmatch.batching.views import View
from spanmatch.model.devices import batch_tokens
from spanmatch.model.head import NUM_MENTIONS, affinity, without_bias
from spanmatch.model.model import SpanMatcherModel, type_states
from spanmatch.prediction.matcher import SpanMatcher
from spanmatch.prediction.thresholds import default_slot
from spanmatch.training.dataset import TrainingViews

# Types that say what is usual.
NUM_TYPES = 1024


def fill_background(matcher: SpanMatcher, views: TrainingViews, seed: int) -> None:
    """Give a trained model its background: mentions of the training texts, and what its types usually score with them."""
    model, batcher, config = matcher.model, matcher.batcher, matcher.config
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
            if batcher.is_cross_encoder:
                there = [(row, column) for row, view in enumerate(own) for column in range(len(view.types))]
                row, column = torch.tensor(there, device=matcher.device).reshape(-1, 2).unbind(1)
                types.append(model.type_embeddings_behind(states_BTH, batch)[row, column])
        if not batcher.is_cross_encoder:
            names = sorted({item.name for view in views.views for item in view.types})
            for _, sequences in batcher.type_batches(names, max_tokens=batch_tokens(matcher.device)):
                group = collate_types(sequences, batcher.lone_type_tokenizer).to(matcher.device)
                states_CH = type_states(model.encoder_of_types, group, config.type_pooling, config.type_norm)
                types.append(head.embed_types(states_CH))
        head.background.copy_(_drawn(torch.cat(mentions), NUM_MENTIONS, rng))
        head.usual_affinity.copy_(affinity(_drawn(torch.cat(types), NUM_TYPES, rng), head.background).mean())


def _drawn(rows: torch.Tensor, number: int, rng: np.random.Generator) -> torch.Tensor:
    """So many rows at random, again and again where there are fewer. Shape: (N, D) to (number, D)."""
    places = rng.permutation(len(rows))[np.arange(number) % len(rows)]
    return rows.index_select(0, torch.from_numpy(places).to(rows.device))


def _mentions(model: SpanMatcherModel, views: Sequence[View], batch: TextBatch, states_BTH: torch.Tensor) -> torch.Tensor:
    """The gold spans of views, above their null slot where there is one, and without the bias of types. Shape: (S, D)."""
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


