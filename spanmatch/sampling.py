"""What a training step sees: the types drawn for a text, how they are written, and which texts share a batch."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset, Sampler
from transformers.trainer_pt_utils import LengthGroupedSampler

from spanmatch.batcher import Batcher
from spanmatch.batching import collate_gold
from spanmatch.config import MatcherArguments
from spanmatch.entities import EntityType
from spanmatch.views import View


class TrainingViews(Dataset[View]):
    """Views of the training texts, each with the types drawn for it.

    What is drawn is a function of seed, epoch and position: a resumed run is the same run.
    """

    def __init__(self, views: Sequence[View], arguments: MatcherArguments, seed: int) -> None:
        self.views = views
        self.arguments = arguments
        self.seed = seed
        self.epoch = 0

    def __len__(self) -> int:
        return len(self.views)

    def set_epoch(self, epoch: int) -> None:
        """Called at the start of each epoch."""
        self.epoch = epoch

    def __getitem__(self, index: int) -> View:
        view, rng = self.views[index], np.random.default_rng((self.seed, self.epoch, index))
        present = {label for _, _, label in view.tokenized.gold}
        positive = [item for item in view.types if item.label in present]
        negative = [item for item in view.types if item.label not in present]
        if len(negative) > self.arguments.num_negative_types:
            chosen = rng.choice(len(negative), self.arguments.num_negative_types, replace=False)
            negative = [negative[position] for position in sorted(chosen.tolist())]
        types = positive + negative
        if self.arguments.type_dropout:
            kept = rng.random(len(types)) >= self.arguments.type_dropout
            types = [item for item, keep in zip(types, kept, strict=True) if keep] or types[:1]
        # A cross-encoder must not learn that present types come first.
        types = [types[position] for position in rng.permutation(len(types))]
        texts = tuple(write_type(item, self.arguments.type_texts, rng) for item in types)
        return replace(view, types=tuple(types), type_texts=texts)


def write_type(entity_type: EntityType, mode: str, rng: np.random.Generator) -> str:
    """How a type is shown to the type encoder: "both" name and description, "name", or "mixed": a draw of the ways there are."""
    if mode == "name":
        return entity_type.name
    if mode == "both":
        return entity_type.text
    ways = [entity_type.name, entity_type.text, *entity_type.aliases]
    if entity_type.description:
        ways.append(entity_type.description)
    return ways[int(rng.integers(len(ways)))]


@dataclass(frozen=True, kw_only=True)
class TrainingCollator:
    """Views to tensors.

    The columns of a bi-encoder's batch are all types drawn for any of its texts: each text's are negatives of the
    others, as far as those were annotated for them. In a cross-encoder's, each row has its own.
    """

    batcher: Batcher

    def __call__(self, windows: Sequence[View]) -> dict[str, Any]:
        """Texts, types, positives and valid cells of a batch."""
        views = self.batcher.passes(windows)
        texts = self.batcher.texts(views)
        if self.batcher.types_stand_behind:
            positives, valid = collate_gold(views, [view.types for view in views], texts)
            return {"texts": texts, "types": None, "positives": positives, "valid": valid}
        columns: dict[str, tuple[EntityType, str]] = {}
        for view in views:
            for entity_type, text in zip(view.types, view.written_types, strict=True):
                columns.setdefault(entity_type.key, (entity_type, text))
        if not columns:
            # No text has a type: one that none was annotated for trains nothing, and leaves no weight without a gradient.
            columns[""] = EntityType(name="entity"), "entity"
        positives, valid = collate_gold(views, [[entity_type for entity_type, _ in columns.values()]], texts)
        types = self.batcher.types([text for _, text in columns.values()])
        return {"texts": texts, "types": types, "positives": positives, "valid": valid}


class EpochSampler(Sampler[int]):
    """Batches of texts of about one length, in an order that is a function of seed and epoch."""

    def __init__(self, lengths: Sequence[int], batch_size: int, seed: int) -> None:
        self.generator = torch.Generator()
        self.grouped = LengthGroupedSampler(batch_size, lengths=list(lengths), generator=self.generator)
        self.batch_size = batch_size
        self.seed = seed
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Called at the start of each epoch."""
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self.grouped)

    def __iter__(self) -> Iterator[int]:
        self.generator.manual_seed(self.seed * 1_000_003 + self.epoch)
        indices = list(self.grouped)
        # The library's order runs from long to short within each of its large groups: shuffle the batches.
        batches = [indices[start : start + self.batch_size] for start in range(0, len(indices), self.batch_size)]
        whole = batches[:-1] if len(batches[-1]) < self.batch_size else batches
        order = torch.randperm(len(whole), generator=self.generator).tolist()
        shuffled = [whole[position] for position in order] + batches[len(whole) :]
        return iter(index for batch in shuffled for index in batch)
