"""The order of a training: which texts share a batch, as a function of seed and epoch."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from torch.utils.data import Sampler

from spanmatch.batching.views import View

# Texts of one inventory that share a batch are a quarter of it: enough to share types, few enough to mix data sets.
GROUPS_OF_BATCH = 4
# Groups that are sorted by length together.
SORTED_TOGETHER = 50


@dataclass(frozen=True, kw_only=True)
class BatchPlan:
    """Decides which texts share a batch: groups of one inventory and of about one length, several groups to a batch.

    The texts of a group are trained with the same types, so that a batch has few type columns and each is known for many
    texts.

    Attributes:
        lengths: subwords of each text.
        inventories: number of the inventory of each text; equal numbers mean equal types.
        batch_size: texts of a batch.
        seed: of the random order.
    """

    lengths: np.ndarray
    inventories: np.ndarray
    batch_size: int
    seed: int

    @classmethod
    def of(cls, views: Sequence[View], batch_size: int, seed: int) -> "BatchPlan":
        """Make the plan of a data set; inventories are equal if the normalised names of their types are.

        Args:
            views: the training texts.
            batch_size: texts of a batch.
            seed: of the random order.
        """
        number_of: dict[tuple[str, ...], int] = {}
        keys = {types: tuple(item.key for item in types) for types in {view.types for view in views}}
        inventories = np.array([number_of.setdefault(keys[view.types], len(number_of)) for view in views], dtype=np.int64)
        lengths = np.array([view.end_token - view.start_token for view in views], dtype=np.int64)
        return cls(lengths=lengths, inventories=inventories, batch_size=batch_size, seed=seed)

    def groups(self, epoch: int) -> list[list[int]]:
        """Put all texts into groups; texts whose inventory few others share form groups of mixed inventories.

        Args:
            epoch: number of the pass over the data, from 0.

        Returns:
            Places of the texts.
        """
        rng = np.random.default_rng((self.seed, epoch))
        size = max(1, self.batch_size // GROUPS_OF_BATCH)
        order = rng.permutation(len(self.lengths))
        groups: list[list[int]] = []
        rest: list[int] = []
        by_inventory = order[np.argsort(self.inventories[order], kind="stable")]
        starts = np.flatnonzero(np.diff(self.inventories[by_inventory])) + 1
        for members in np.split(by_inventory, starts):
            for block in _blocks(members, SORTED_TOGETHER * size):
                ordered = block[np.argsort(-self.lengths[block], kind="stable")].tolist()
                whole = len(ordered) // size * size
                groups += [ordered[first : first + size] for first in range(0, whole, size)]
                rest += ordered[whole:]
        rest.sort(key=lambda index: -self.lengths[index])
        groups += [rest[first : first + size] for first in range(0, len(rest), size)]
        return [groups[position] for position in rng.permutation(len(groups))]

    def batches(self, epoch: int) -> list[list[int]]:
        """Put all texts into batches, each of groups of about one length; the incomplete batch comes last.

        Args:
            epoch: number of the pass over the data, from 0.

        Returns:
            Places of the texts.
        """
        rng = np.random.default_rng((self.seed, epoch, 1))
        groups = self.groups(epoch)
        order: list[int] = []
        for block in _blocks(np.arange(len(groups)), SORTED_TOGETHER * GROUPS_OF_BATCH):
            longest_first = sorted(block.tolist(), key=lambda position: -self.lengths[groups[position][0]])
            order += [index for position in longest_first for index in groups[position]]
        batches = [order[first : first + self.batch_size] for first in range(0, len(order), self.batch_size)]
        whole = batches[:-1] if len(batches[-1]) < self.batch_size else batches
        return [whole[position] for position in rng.permutation(len(whole))] + batches[len(whole) :]


def _blocks(members: np.ndarray, size: int) -> list[np.ndarray]:
    return [members[first : first + size] for first in range(0, len(members), size)]


class EpochSampler(Sampler[int]):
    """Yields the texts of a plan batch by batch."""

    def __init__(self, plan: BatchPlan) -> None:
        """Start with epoch 0.

        Args:
            plan: decides the batches.
        """
        self.plan = plan
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Go on to another epoch; accelerate calls this.

        Args:
            epoch: number of the pass over the data, from 0.
        """
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self.plan.lengths)

    def __iter__(self) -> Iterator[int]:
        return iter([index for batch in self.plan.batches(self.epoch) for index in batch])
