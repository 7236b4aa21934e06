"""What a training step sees: the types drawn for a text, how they are written, and which texts share a batch."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np
from torch.utils.data import Dataset, Sampler

from spanmatch.batching.views import View
from spanmatch.entities import EntityType, Inventory
from spanmatch.training.arguments import MatcherArguments

# Texts of one inventory that share a batch are a quarter of it: enough to share types, few enough to mix data sets.
GROUPS_OF_BATCH = 4


# Groups that are sorted by length together.
SORTED_TOGETHER = 50


@dataclass(frozen=True, kw_only=True)
class BatchPlan:
    """Which texts share a batch: groups of one inventory and of about one length, several of them to a batch.

    The texts of a group are asked for the same types, so that a batch has few type columns and each is known for many texts.
    What is drawn is a function of seed and epoch.
    """

    lengths: np.ndarray
    inventories: np.ndarray
    batch_size: int
    seed: int

    @classmethod
    def of(cls, views: Sequence[View], batch_size: int, seed: int) -> "BatchPlan":
        """The plan of a data set; texts of one inventory are told by the names of their types."""
        number_of: dict[tuple[str, ...], int] = {}
        keys = {types: tuple(item.key for item in types) for types in {view.types for view in views}}
        inventories = np.array([number_of.setdefault(keys[view.types], len(number_of)) for view in views], dtype=np.int64)
        lengths = np.array([view.end_token - view.start_token for view in views], dtype=np.int64)
        return cls(lengths=lengths, inventories=inventories, batch_size=batch_size, seed=seed)

    def groups(self, epoch: int) -> list[list[int]]:
        """All texts in groups; those whose inventory few others have are a group of mixed inventories."""
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
        """All texts in batches, each of groups of about one length; the incomplete one comes last."""
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


class TrainingViews(Dataset[View]):
    """Views of the training texts, each with the types drawn for it.

    What is drawn is a function of seed, epoch and position: a resumed run is the same run. The texts of a group of the
    plan get the same negatives, as far as those are not mentioned in them.
    """

    def __init__(self, views: Sequence[View], arguments: MatcherArguments, seed: int) -> None:
        self.views = views
        self.arguments = arguments
        self.seed = seed
        self.plan: BatchPlan | None = None
        self.set_epoch(0)

    def __len__(self) -> int:
        return len(self.views)

    def group(self, batch_size: int) -> BatchPlan:
        """Put texts that are asked for the same types into the same batches."""
        self.plan = BatchPlan.of(self.views, batch_size, self.seed)
        self.set_epoch(self.epoch)
        return self.plan

    def set_epoch(self, epoch: int) -> None:
        """Called at the start of each epoch."""
        self.epoch = epoch
        self.group_of = np.arange(len(self.views))
        for number, group in enumerate(self.plan.groups(epoch) if self.plan is not None else ()):
            self.group_of[group] = number

    def __getitem__(self, index: int) -> View:
        view, rng = self.views[index], np.random.default_rng((self.seed, self.epoch, index))
        present = {label for _, _, label in view.tokenized.gold}
        positive = [item for item in view.types if item.label in present]
        shared = np.random.default_rng((self.seed, self.epoch, int(self.group_of[index]), 1))
        drawn = (view.types[position] for position in shared.permutation(len(view.types)))
        negative = list(islice((item for item in drawn if item.label not in present), self.arguments.num_negative_types))
        types = positive + negative
        if self.arguments.type_dropout:
            kept = rng.random(len(types)) >= self.arguments.type_dropout
            types = [item for item, keep in zip(types, kept, strict=True) if keep] or types[:1]
        # A cross-encoder must not learn that present types come first.
        types = [types[position] for position in rng.permutation(len(types))]
        texts = tuple(write_type(item, self.arguments.type_texts, rng) for item in types)
        return replace(view, types=Inventory(types), type_texts=texts)


def write_type(entity_type: EntityType, mode: str, rng: np.random.Generator) -> str:
    """How a type is shown to the type encoder: "both" name and description, "name", or "mixed".

    Mixed is the name half of the time, which costs least and is what most users give, else a draw of the other ways there are.
    """
    if mode == "name":
        return entity_type.name
    if mode == "both":
        return entity_type.text
    described = [entity_type.text, entity_type.description] if entity_type.description else []
    others = [*described, *entity_type.aliases]
    if not others or rng.random() < 0.5:
        return entity_type.name
    return others[int(rng.integers(len(others)))]


class EpochSampler(Sampler[int]):
    """The batches of a plan, one after another."""

    def __init__(self, plan: BatchPlan) -> None:
        self.plan = plan
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Called at the start of each epoch."""
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self.plan.lengths)

    def __iter__(self) -> Iterator[int]:
        return iter([index for batch in self.plan.batches(self.epoch) for index in batch])


