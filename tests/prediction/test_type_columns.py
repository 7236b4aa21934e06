"""Columns of types: each type once, and found again in the inventory of every text."""

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from spanmatch.entities import EntityType, Inventory
from spanmatch.prediction.thresholds import Cutoffs
from spanmatch.prediction.type_columns import TypeColumns

KINDS = [EntityType(name=f"kind {number}") for number in range(6)]


def inventory(*numbers: int) -> Inventory:
    return Inventory(KINDS[number] for number in numbers)


def table_of(inventories: Sequence[Inventory]) -> tuple[TypeColumns, list[Inventory]]:
    """A table whose limits and embeddings are the numbers of the types, and what it asked to embed."""
    asked: list[Inventory] = []

    def cutoffs(types: Inventory) -> Cutoffs:
        return Cutoffs(slot="cls", limits=np.array([float(KINDS.index(item)) for item in types]))

    def embed(types: Inventory) -> torch.Tensor:
        asked.append(types)
        return torch.tensor([[float(KINDS.index(item))] for item in types])

    return TypeColumns.of(inventories, cutoffs, embed), asked


@given(st.lists(st.lists(st.integers(0, 5), unique=True, max_size=6), min_size=1, max_size=6), st.data())
def test_every_type_is_found_again(chosen: list[list[int]], data: st.DataObject) -> None:
    """Whatever the inventories, and whichever texts share a batch: embeddings, limits and places belong together."""
    inventories = [inventory(*numbers) for numbers in chosen]
    table, _ = table_of(inventories)
    assert table.hold(inventories) and table.slot == "cls"
    batch = data.draw(st.lists(st.sampled_from(inventories), min_size=1))
    if table.embeddings is None:
        assert not any(inventories)
        return
    asked = table.union(batch)
    numbers = [int(value) for value in asked.limits]
    assert asked.embeddings[:, 0].tolist() == asked.limits.tolist()
    assert sorted(numbers) == sorted({KINDS.index(item) for own in batch for item in own})
    assert asked.is_one == (len(set(batch)) == 1)
    for own in batch:
        found = asked.positions(own, np.arange(len(numbers))).tolist()
        assert found == [own.index(KINDS[number]) if KINDS[number] in own else -1 for number in numbers]


def test_each_type_is_embedded_once() -> None:
    _, asked = table_of([inventory(0, 1), inventory(1, 2), inventory(0, 1)])
    assert asked == [inventory(0, 1, 2)]


def test_other_inventories_are_not_held() -> None:
    """An inventory is one with its order, also where the table has all of its types."""
    table, _ = table_of([inventory(0, 1)])
    assert table.hold([inventory(0, 1)]) and table.hold([])
    assert not table.hold([inventory(1, 0)]) and not table.hold([inventory(0, 1), inventory(2)])


def test_a_cross_encoder_has_no_embeddings() -> None:
    table = TypeColumns.of([inventory(0)], lambda types: Cutoffs(slot=None, limits=np.zeros(len(types))), None)
    assert table.embeddings is None and table.columns[inventory(0)].tolist() == [0]
    with pytest.raises(AssertionError):
        table.union([inventory(0)])


def test_a_type_of_two_lists_has_two_columns_where_its_embedding_depends_on_the_list() -> None:
    """Each list has what was computed for it; one column for each type otherwise."""
    lists = [inventory(0, 1), inventory(1, 2, 0), inventory(0, 1), inventory()]
    asked: list[int] = []

    def embed(types: Inventory) -> torch.Tensor:
        asked.append(len(types))
        return torch.tensor([[float(len(types)), float(place)] for place in range(len(types))])

    def limits(types: Sequence[EntityType]) -> Cutoffs:
        return Cutoffs(slot=None, limits=np.full(len(types), float(len(types))))

    table = TypeColumns.of(lists, limits, embed, join=lambda parts: torch.cat(list(parts)))
    assert asked == [2, 3] and table.embeddings is not None and table.limits.tolist() == [2.0, 2.0, 3.0, 3.0, 3.0]
    assert [table.columns[own].tolist() for own in lists] == [[0, 1], [2, 3, 4], [0, 1], []]
    both = table.union(lists[:2])
    assert both.limits.tolist() == table.limits.tolist() and both.embeddings.tolist() == table.embeddings.tolist()
    assert both.positions(lists[1], np.arange(5)).tolist() == [-1, -1, 0, 1, 2]
    assert both.positions(lists[0], np.arange(5)).tolist() == [0, 1, -1, -1, -1]
    assert len(TypeColumns.of(lists, limits, embed).limits) == 3
