"""Measure what an encoder's states are like, so that a training starts with scores of the usual size, whatever the encoder.

The states of some encoders are many times as long as those of others: with one factor, the first scores of all-mpnet-base-v2
spread by less than a quarter of what those of all-MiniLM-L6-v2 do, and it learns nothing in the steps in which the other one
learns most. So two things are measured on a few texts of the training, before the first step:

- the size of states. They are multiplied by a constant that brings them to `STATE_SIZE`. Optimisers such as Adam change a
  weight by about the learning rate, whatever it is multiplied with; only with states of one size is that one speed.
- the spread of scores that these states give. The learnable scale of the head starts where the spread is `SCORE_SPREAD`.

Legend: B batch, T text tokens, C types, H hidden.
"""

from collections.abc import Sequence
from dataclasses import replace

import torch

from spanmatch.batching.collate import TextBatch
from spanmatch.data.corpus import Corpus
from spanmatch.data.examples import Example
from spanmatch.data.labels import USUAL_NAMES
from spanmatch.data.words import split_words
from spanmatch.entities import EntityType, Inventory
from spanmatch.prediction.matcher import SpanMatcher
from spanmatch.training.arguments import MatcherArguments
from spanmatch.training.dataset import TrainingCollator, TrainingViews

# Root mean square of the elements of a state. It is that of all-MiniLM-L6-v2, which learning rates were chosen with.
STATE_SIZE = 0.36
# Standard deviation of the scores of candidates before the first step. Of the values tried, the best (docs/log.md).
SCORE_SPREAD = 0.35
# Texts that are looked at, and how many of them at a time.
NUM_TEXTS, BATCH_SIZE = 64, 16
# States or scores that are (nearly) all alike have no size to bring to another: their factor stays 1.
_LEAST = 1e-6


@torch.no_grad()
def set_start(matcher: SpanMatcher, arguments: MatcherArguments, corpus: Corpus | None, seed: int) -> None:
    """Set the factors of states and the scale of scores of a model that was not trained yet, by measurement.

    Args:
        matcher: a matcher around the model, which is changed in place. Its batcher does not know the factors.
        arguments: say how many types a text of the training gets, and how they are written.
        corpus: what it will be trained on; without one, the usual types are measured.
        seed: of the types that are drawn.
    """
    model = matcher.model
    sources = (_examples(corpus), _examples(None))  # the second for texts without a word, which have no window
    windows = next(filter(None, ([view for own in matcher.batcher.windows(texts) for view in own] for texts in sources)))
    views = TrainingViews(windows[:NUM_TEXTS], arguments, seed)
    collator = TrainingCollator(batcher=matcher.batcher)
    runs = torch.arange(len(views)).split(BATCH_SIZE)
    batches = [collator([views[place] for place in places.tolist()]) for places in runs]
    with matcher.inference():
        text_size = _size([_text_states(model.encode_texts(batch["texts"]), batch["texts"]) for batch in batches])
        groups = [group for batch in batches for group in batch["types"] or ()]
        type_size = _size([model.type_states(group) for group in groups]) if groups else text_size
        model.matcher_config = replace(
            model.matcher_config,
            text_state_scale=_factor(STATE_SIZE, text_size),
            type_state_scale=_factor(STATE_SIZE, type_size),
        )
        scores = []
        for batch in batches:
            logits = model(batch["texts"], batch["types"], places_BC=batch.get("type_places")).spans.logits.float()
            scores.append(logits[batch["texts"].candidates].flatten())
        model.head.scale.mul_(_factor(SCORE_SPREAD, float(torch.cat(scores).std())))


def _examples(corpus: Corpus | None) -> Sequence[Example]:
    """Return texts from all over a corpus; without one, the usual types stand for texts, too."""
    if corpus is not None and corpus.examples:
        step = max(1, len(corpus.examples) // NUM_TEXTS)
        return corpus.examples[::step][:NUM_TEXTS]
    types = Inventory(EntityType(name=name) for name in sorted(set(USUAL_NAMES.values())))
    return [
        Example(where=item.name, text=item.name, words=split_words(item.name), mentions=(), types=types) for item in types
    ]


def _text_states(states_BTH: torch.Tensor, texts: TextBatch) -> torch.Tensor:
    """Return the states of the tokens that are no padding. Shape: (B, T, H) to (N, H)."""
    return states_BTH[texts.attention_mask.bool()]


def _size(states: Sequence[torch.Tensor]) -> float:
    """Return the root mean square of the elements of states."""
    return float(torch.cat([item.float().flatten() for item in states]).square().mean().sqrt())


def _factor(wanted: float, found: float) -> float:
    """Return what brings a size to another, with few digits: the last ones differ between machines."""
    return float(f"{wanted / found:.5g}") if found > _LEAST else 1.0
