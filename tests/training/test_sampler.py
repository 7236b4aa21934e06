"""Which texts share a batch, in which order."""

import numpy as np
import pytest
from helpers import make_example

from spanmatch.entities import EntityType
from spanmatch.prediction.matcher import SpanMatcher
from spanmatch.training.sampler import BatchPlan, EpochSampler


def plan(lengths: list[int], inventories: list[int], *, batch_size: int = 8, seed: int = 0) -> BatchPlan:
    return BatchPlan(lengths=np.array(lengths), inventories=np.array(inventories), batch_size=batch_size, seed=seed)


def test_an_epoch_holds_every_text_once() -> None:
    lengths = [3 + index % 17 for index in range(61)]

    def sampler_of(seed: int) -> EpochSampler:
        return EpochSampler(plan(lengths, [index % 3 for index in range(61)], seed=seed))

    sampler = sampler_of(5)
    orders = []
    for epoch in range(3):
        sampler.set_epoch(epoch)
        orders.append(list(sampler))
        assert sorted(orders[-1]) == list(range(61)) and len(sampler) == 61
    assert orders[0] != orders[1] != orders[2]
    again, reseeded = sampler_of(5), sampler_of(6)
    again.set_epoch(2)
    reseeded.set_epoch(2)
    assert list(again) == orders[2] != list(reseeded)


def test_batches_are_of_about_one_length() -> None:
    lengths = [(index * 37) % 400 for index in range(400)]
    order = list(EpochSampler(plan(lengths, [0] * 400)))
    batches = [order[start : start + 8] for start in range(0, 400, 8)]
    spread = [max(lengths[index] for index in batch) - min(lengths[index] for index in batch) for batch in batches]
    # Eight neighbours among the hundred texts that are sorted together span 33 of 400; eight at random 310.
    assert sum(spread) / len(spread) < 60


def test_texts_of_a_group_have_one_inventory() -> None:
    """All but the few that are left over of each."""
    inventories = [index % 5 for index in range(200)] + list(range(5, 25))
    groups = plan([10] * 220, inventories).groups(0)
    assert sorted(index for group in groups for index in group) == list(range(220))
    shared = [group for group in groups if len({inventories[index] for index in group}) == 1]
    assert len(groups) == 110 and len(shared) == 100  # twenty texts are alone with their inventory


def test_the_plan_of_a_data_set(tiny_matcher: SpanMatcher) -> None:
    """Inventories are equal if their types are called the same; lengths are those of the windows."""
    inventories = [("person", "city"), ("Person", "city"), ("city",), ("person", "city")]
    texts = ["Ada", "Ada met Bob in London", "Bob", "Ada met Bob"]
    examples = [
        make_example(text, types=[EntityType(name=name) for name in names])
        for text, names in zip(texts, inventories, strict=True)
    ]
    views = [view for own in tiny_matcher.batcher.windows(examples) for view in own]
    found = BatchPlan.of(views, 8, 3)
    assert found.inventories.tolist() == [0, 0, 1, 0] and (found.batch_size, found.seed) == (8, 3)
    assert np.argsort(found.lengths, kind="stable").tolist() == [0, 2, 3, 1] and found.lengths[0] == found.lengths[2]


@pytest.mark.parametrize("size", [1, 3, 8])
def test_batches_are_full_but_the_last(size: int) -> None:
    found = plan([5 + index % 7 for index in range(61)], [index % 3 for index in range(61)], batch_size=size).batches(2)
    assert [len(batch) for batch in found[:-1]] == [size] * (60 // size if 61 % size else 60)
    assert len(found[-1]) == (61 % size or size) and sorted(index for batch in found for index in batch) == list(range(61))
