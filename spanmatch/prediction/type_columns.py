"""Number the types of many texts as columns of one table: each type once, with its limit and its embedding, if it has one.

Texts may have different inventories, in different orders. The table is computed once, and each inventory is a list of its
columns. Scores are computed against the columns of a whole batch; `AskedTypes.positions` then finds, for each text, the
place of a column in the inventory of that text.

Legend: K types of all texts (the columns of the table), C types of a batch, D head size, N cells.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from spanmatch.entities import Inventory
from spanmatch.prediction.backend import Array
from spanmatch.prediction.thresholds import Cutoffs


@dataclass(frozen=True, kw_only=True, eq=False)
class TypeColumns:
    """Holds the types of some texts. Each is there once, or once for each list that it is in.

    Attributes:
        limits: logit that the score of each type must exceed. Shape: (K,).
        slot: name of the null slot whose score is subtracted from every score, None to leave scores as they are.
        embeddings: embedding of each type, None where types are not read apart from texts, or if there is no type. Shape: (K, D).
        columns: the columns of each inventory, in its order.
    """

    limits: np.ndarray
    slot: str | None
    embeddings: Array | None
    columns: dict[Inventory, np.ndarray]

    @classmethod
    def of(
        cls,
        inventories: Iterable[Inventory],
        cutoffs: Callable[[Inventory], Cutoffs],
        embed: Callable[[Inventory], Array] | None,
        *,
        join: Callable[[Sequence[Array]], Array] | None = None,
    ) -> "TypeColumns":
        """Make the table of the types of some texts.

        Args:
            inventories: the inventory of each text; repetitions cost next to nothing.
            cutoffs: returns what the score of each of some types must exceed.
            embed: returns the embeddings of some types; None where they are not read apart from texts.
            join: joins embeddings, if that of a type depends on its inventory: then a type that is in two of them has two
                columns.
        """
        distinct = list(dict.fromkeys(inventories))
        if len(distinct) == 1:
            # The usual case: all texts share one inventory, which is the table itself.
            [types] = distinct
            columns = {types: np.arange(len(types))}
        elif join is not None:
            ends = np.cumsum([len(own) for own in distinct])
            columns = {own: np.arange(end - len(own), end) for own, end in zip(distinct, ends, strict=True)}
            limits = [cutoffs(own) for own in distinct]
            return cls(
                limits=np.concatenate([own.limits for own in limits]),
                slot=limits[0].slot,
                embeddings=join([embed(own) for own in distinct if own]) if embed is not None and ends[-1] else None,
                columns=columns,
            )
        else:
            types = Inventory(dict.fromkeys(item for inventory in distinct for item in inventory))
            column_of = {item: column for column, item in enumerate(types)}
            columns = {own: np.array([column_of[item] for item in own], dtype=np.int64) for own in distinct}
        asked = cutoffs(types)
        embeddings = embed(types) if embed is not None and types else None
        return cls(limits=asked.limits, slot=asked.slot, embeddings=embeddings, columns=columns)

    def hold(self, inventories: Iterable[Inventory]) -> bool:
        """Return whether the table has the types of all of these inventories.

        Args:
            inventories: the inventory of each text.
        """
        return all(inventory in self.columns for inventory in inventories)

    def union(self, inventories: Sequence[Inventory]) -> "AskedTypes":
        """Return the types of a batch: those that at least one of its texts has.

        Args:
            inventories: the inventory of each text of the batch, all of them in the table.
        """
        assert self.embeddings is not None, "in a cross-encoder each text has its own embeddings of types"
        distinct = set(inventories)
        if len(distinct) == 1:
            columns = self.columns[inventories[0]]
        else:
            columns = np.unique(np.concatenate([self.columns[inventory] for inventory in distinct]))
        embeddings, limits = self.embeddings, self.limits
        if len(self.columns) > 1:  # else the batch has all types of the table, and nothing needs to be copied
            embeddings = embeddings[columns]
            limits = limits[columns]
        return AskedTypes(table=self, columns=columns, embeddings=embeddings, limits=limits, is_one=len(distinct) == 1)


@dataclass(frozen=True, kw_only=True, eq=False, slots=True)
class AskedTypes:
    """Holds the types of a batch, and finds their places in the inventories of its texts.

    Attributes:
        table: the table that the types are from.
        columns: the column of each type in the table. Shape: (C,).
        embeddings: embedding of each type. Shape: (C, D).
        limits: logit that the score of each type must exceed. Shape: (C,).
        is_one: whether all texts of the batch have the same inventory.
    """

    table: TypeColumns
    columns: np.ndarray
    embeddings: Array
    limits: np.ndarray
    is_one: bool

    def positions(self, inventory: Inventory, column: np.ndarray) -> np.ndarray:
        """Return the place of types in an inventory, -1 for a type that it does not have.

        Args:
            inventory: the inventory of a text of the batch.
            column: types, by their place among those of the batch.

        Shape: (N,) to (N,).
        """
        if self.is_one:
            return column  # the types of the batch are the inventory, in its order
        own = self.table.columns[inventory]
        if not len(own):
            return np.full(len(column), -1)
        # A binary search: `own` is in the order of the inventory, so it is searched through its sorted order. The clip keeps
        # the place of a column beyond the last one valid; the comparison then finds that it is another column.
        wanted = self.columns[column]
        order = np.argsort(own)
        position = order[np.searchsorted(own, wanted, sorter=order).clip(max=len(own) - 1)]
        return np.where(own[position] == wanted, position, -1)
