"""What a type usually scores: a correction for types that come too easily, and for those that hardly come at all.

A matcher has seen a person a thousand times and a writer never. Asked for both, it calls every writer a person: all scores
of a type that it knows well are high. So a type is compared with a background of mentions, of all types of the training:
what its best scores there exceed those of the usual type by is taken off, in part, and what they lack is given.

Source: the correction for neighbours of everything, Conneau et al., "Word Translation Without Parallel Data", ICLR 2018,
section 2.3 (CSLS), with mentions for neighbours and taken off the types alone, once, when they are encoded.

Legend: C types, D head size, M background mentions.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import torch

from spanmatch.batcher import Batcher
from spanmatch.devices import batch_tokens
from spanmatch.encoders import type_states
from spanmatch.head import NUM_MENTIONS, affinity, without_bias
from spanmatch.matcher import SpanMatcherModel
from spanmatch.predictor import SpanMatcher
from spanmatch.thresholds import default_slot
from spanmatch.views import View

# Types that say what is usual.
NUM_TYPES = 1024


def fill_background(matcher: SpanMatcher, views: Sequence[View], seed: int) -> None:
    """Give a trained model its background: mentions of the training texts, and what its types usually score with them."""
    head = matcher.model.head
    if head.background is None:
        return
    rng = np.random.default_rng(seed)
    with matcher.inference():
        mentions_SD = torch.cat(list(_mentions(matcher.model, matcher.batcher, views, rng)))
        places = torch.from_numpy(rng.permutation(len(mentions_SD))[np.arange(NUM_MENTIONS) % len(mentions_SD)])
        head.background.copy_(without_bias(mentions_SD[places.to(mentions_SD.device)]))
        names = sorted({item.name for view in views for item in view.types})
        chosen = [names[place] for place in rng.permutation(len(names))[:NUM_TYPES]]
        head.usual_affinity.copy_(torch.cat(list(_affinities(matcher.model, matcher.batcher, chosen))).mean())


def _mentions(
    model: SpanMatcherModel, batcher: Batcher, views: Sequence[View], rng: np.random.Generator
) -> Iterator[torch.Tensor]:
    """Gold spans of views drawn at random, above their null slot where there is one. Shape: (S, D) each."""
    with_gold = [view for view in views if view.tokenized.gold]
    chosen = [with_gold[place] for place in rng.permutation(len(with_gold))[:NUM_MENTIONS]]
    device = model.head.scale.device
    for own in batcher.text_batches(chosen, batch_size=None, max_tokens=batch_tokens(device)):
        cells = [
            (row, unit - view.start_unit, width)
            for row, view in enumerate(own)
            for unit, width, _ in view.tokenized.gold
            if unit >= view.start_unit and unit + width < view.end_unit
        ]
        if not cells:
            continue
        batch, cells_S3 = batcher.texts(own).to(device), torch.tensor(cells, device=device)
        states_BTH = model.encode_texts(batch)
        spans_SD = model.head.represent_cells(states_BTH, batch, cells_S3).float()
        null_BD = model.head.represent_null(states_BTH, default_slot(model.head.null_slots))
        yield spans_SD if null_BD is None else spans_SD - null_BD.float().index_select(0, cells_S3[:, 0])


def _affinities(model: SpanMatcherModel, batcher: Batcher, names: Sequence[str]) -> Iterator[torch.Tensor]:
    """Of types, as they are written by name. Shape: (C,) each."""
    assert model.head.background is not None
    device, pooling = model.head.scale.device, model.matcher_config.type_pooling
    for _, batch in batcher.type_batches(names, max_tokens=batch_tokens(device)):
        types_CD = model.head.embed_types(type_states(model.encoder_of_types, batch.to(device), pooling))
        yield affinity(types_CD, model.head.background)
