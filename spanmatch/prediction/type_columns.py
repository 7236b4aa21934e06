"""The types that texts are asked for, as columns: each type once, with its limit and, in a bi-encoder, its embedding.

Legend: C types of a batch, K types of all texts, D head size, N cells.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from spanmatch.entities import Inventory
from spanmatch.prediction.thresholds import Cutoffs


@dataclass(frozen=True, kw_only=True, eq=False)
class TypeColumns:
    """Holds the types of some texts.

    Attributes:
        limits: logit that the score of each type must exceed. Shape: (K,).
        slot: the null slot that scores are counted from, if any.
        embeddings: of each type, None in a cross-encoder. Shape: (K, D).
        columns: the columns of each inventory.
    """

    limits: np.ndarray
    slot: str | None
    embeddings: torch.Tensor | None
    columns: dict[Inventory, np.ndarray]

    @classmethod
    def of(
        cls,
        inventories: Iterable[Inventory],
        cutoffs: Callable[[Inventory], Cutoffs],
        embed: Callable[[Inventory], torch.Tensor] | None,
    ) -> "TypeColumns":
        """The columns of inventories.

        Args:
            cutoffs: what the score of each type must exceed.
            embed: embeddings of types; None in a cross-encoder.
        """
        distinct = list(dict.fromkeys(inventories))
        if len(distinct) == 1:
            [types] = distinct
            columns = {types: np.arange(len(types))}
        else:
            types = Inventory(dict.fromkeys(item for inventory in distinct for item in inventory))
            column_of = {item: column for column, item in enumerate(types)}
            columns = {own: np.array([column_of[item] for item in own], dtype=np.int64) for own in distinct}
        asked = cutoffs(types)
        embeddings = embed(types) if embed is not None and types else None
        return cls(limits=asked.limits, slot=asked.slot, embeddings=embeddings, columns=columns)

    def hold(self, inventories: Iterable[Inventory]) -> bool:
        """Whether these are columns of all of the inventories."""
        return all(inventory in self.columns for inventory in inventories)

    def union(self, inventories: Sequence[Inventory]) -> "AskedTypes":
        """The types of a batch: those of any of its texts."""
        assert self.embeddings is not None, "in a cross-encoder each text has its own"
        distinct = set(inventories)
        if len(distinct) == 1:
            columns = self.columns[inventories[0]]
        else:
            columns = np.unique(np.concatenate([self.columns[inventory] for inventory in distinct]))
        if len(self.columns) == 1:
            return AskedTypes(table=self, columns=columns, embeddings=self.embeddings, limits=self.limits, is_one=True)
        chosen = torch.from_numpy(columns).to(self.embeddings.device)
        return AskedTypes(
            table=self,
            columns=columns,
            embeddings=self.embeddings.index_select(0, chosen),
            limits=self.limits[columns],
            is_one=len(distinct) == 1,
        )


@dataclass(frozen=True, kw_only=True, eq=False, slots=True)
class AskedTypes:
    """The types of a batch, and where they stand in the inventories of its texts."""

    table: TypeColumns
    columns: np.ndarray  # (C,) in the table
    embeddings: torch.Tensor  # (C, D)
    limits: np.ndarray  # (C,)
    is_one: bool  # whether all texts have the same inventory

    def positions(self, inventory: Inventory, column: np.ndarray) -> np.ndarray:
        """Where types stand in an inventory, -1 where it does not have them. Shape: (N,) to (N,)."""
        if self.is_one:
            return column
        own = self.table.columns[inventory]
        if not len(own):
            return np.full(len(column), -1)
        wanted = self.columns[column]
        order = np.argsort(own)
        position = order[np.searchsorted(own, wanted, sorter=order).clip(max=len(own) - 1)]
        return np.where(own[position] == wanted, position, -1)
