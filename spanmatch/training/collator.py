"""What a training step sees: the types drawn for a text, how they are written, and which texts share a batch."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from spanmatch.batching.batcher import Batcher
from spanmatch.batching.collate import collate_gold
from spanmatch.batching.views import View
from spanmatch.entities import EntityType


@dataclass(frozen=True, kw_only=True)
class TrainingCollator:
    """Views to tensors.

    The columns of a bi-encoder's batch are all types drawn for any of its texts: each text's are negatives of the
    others, as far as those were annotated for them. In a cross-encoder's, each row has its own.
    """

    batcher: Batcher
    num_anchored: int | None = None  # texts that are read apart, to be compared with their anchors; None without anchors

    def __call__(self, windows: Sequence[View]) -> dict[str, Any]:
        """Texts, types, positives and valid cells of a batch."""
        views = self.batcher.passes(windows)
        texts = self.batcher.texts(views)
        if self.batcher.types_stand_behind:
            positives, valid = collate_gold(views, [view.types for view in views], texts)
            batch: dict[str, Any] = {"texts": texts, "types": None, "positives": positives, "valid": valid}
            if self.num_anchored is not None:
                batch |= self._anchored(views, list(dict.fromkeys(text for view in views for text in view.written_types)))
            return batch
        columns: dict[str, tuple[EntityType, str]] = {}
        for view in views:
            for entity_type, text in zip(view.types, view.written_types, strict=True):
                columns.setdefault(entity_type.key, (entity_type, text))
        if not columns:
            # No text has a type: one that none was annotated for trains nothing, and leaves no weight without a gradient.
            columns[""] = EntityType(name="entity"), "entity"
        written = list(columns.values())
        order, types = self.batcher.type_groups([text for _, text in written])
        positives, valid = collate_gold(views, [[written[index][0] for index in order]], texts)
        batch = {"texts": texts, "types": types, "positives": positives, "valid": valid}
        if self.num_anchored is not None:
            batch |= self._anchored(views, [written[index][1] for index in order])
        return batch

    def _anchored(self, views: Sequence[View], type_texts: list[str]) -> dict[str, Any]:
        """All type texts, and those texts that the tower is held on to, as tensors: half types, half phrases.

        Phrases are one to three words from the texts: more kinds of things than any list of types has.
        """
        assert self.num_anchored is not None
        rng = np.random.default_rng([len(type_texts), *(view.tokenized.index for view in views)])
        held = [type_texts[place] for place in rng.permutation(len(type_texts))[: self.num_anchored // 2]]
        for position in rng.integers(len(views), size=self.num_anchored - len(held)):
            example = views[int(position)].tokenized.example
            first = int(rng.integers(len(example.words)))
            last = min(first + int(rng.integers(3)), len(example.words) - 1)
            held.append(example.text[example.words[first][0] : example.words[last][1]])
        order, types = self.batcher.type_groups(held)
        return {"types": types, "type_texts": type_texts, "held_texts": [held[index] for index in order]}


