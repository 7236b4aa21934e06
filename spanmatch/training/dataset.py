"""What a training step sees: windows of texts, the types drawn for them, the tensors of both, and which cells are gold.

Legend: B batch, U units, W widths, C type columns.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset

from spanmatch.batching.batcher import Batcher
from spanmatch.batching.candidates import Unrepresentable
from spanmatch.batching.collate import TextBatch, TypeBatch, collate_texts, collate_types
from spanmatch.batching.views import View
from spanmatch.data.corpus import Corpus
from spanmatch.entities import EntityType, Inventory
from spanmatch.errors import InputError
from spanmatch.training.arguments import MatcherArguments
from spanmatch.training.sampler import BatchPlan
from spanmatch.training.teacher import TeacherViews

logger = logging.getLogger(__name__)


class TrainingViews(Dataset[View]):
    """Gives each training text the types that it is trained with.

    The types are a function of seed, epoch and position: a resumed run is the same run. The texts of a group of the plan
    get the same negative types, except for those that are mentioned in them.
    """

    def __init__(self, views: Sequence[View], arguments: MatcherArguments, seed: int) -> None:
        """Start with epoch 0.

        Args:
            views: the training texts with their whole inventories.
            arguments: say how many types are drawn, and how they are written.
            seed: of the draws.
        """
        self.views = views
        self.arguments = arguments
        self.seed = seed
        self.plan: BatchPlan | None = None
        self._epoch = torch.zeros((), dtype=torch.long)  # a tensor, because processes can share it
        self._grouped_for, self._group_of = -1, np.arange(len(views))

    def __len__(self) -> int:
        return len(self.views)

    @property
    def types(self) -> list[EntityType]:
        """All types of the data."""
        return list(dict.fromkeys(item for types in dict.fromkeys(view.types for view in self.views) for item in types))

    @property
    def epoch(self) -> int:
        """The number of the pass over the data, from 0."""
        return int(self._epoch)

    def share_epoch(self) -> None:
        """Let the workers of a data loader that outlive an epoch learn of the next one. Call it before they start."""
        self._epoch.share_memory_()

    def group(self, batch_size: int) -> BatchPlan:
        """Put texts of one inventory into the same batches.

        Args:
            batch_size: texts of a batch.
        """
        self.plan = BatchPlan.of(self.views, batch_size, self.seed)
        self._grouped_for = -1
        return self.plan

    def set_epoch(self, epoch: int) -> None:
        """Go on to another epoch, with other draws.

        Args:
            epoch: number of the pass over the data, from 0.
        """
        self._epoch.fill_(epoch)

    def _group(self, index: int, epoch: int) -> int:
        """Return the number of a text's group; the groups of an epoch are made when its first text is asked for."""
        if self._grouped_for != epoch:
            for number, group in enumerate(self.plan.groups(epoch) if self.plan is not None else ()):
                self._group_of[group] = number
            self._grouped_for = epoch
        return int(self._group_of[index])

    def __getitem__(self, index: int) -> View:
        epoch = self.epoch
        view, rng = self.views[index], np.random.default_rng((self.seed, epoch, index))
        present = {label for _, _, label in view.tokenized.gold}
        positive = [item for item in view.types if item.label in present]
        shared = np.random.default_rng((self.seed, epoch, self._group(index, epoch), 1))
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


def training_windows(corpus: Corpus, batcher: Batcher) -> list[View]:
    """Return all windows of a corpus, and warn once of the gold that no candidate represents.

    Args:
        corpus: the training examples.
        batcher: the batcher of the model.

    Raises:
        InputError: there is no gold span, or none has a candidate.
    """
    if not any(example.mentions for example in corpus.examples):
        raise _no_span(corpus)
    lost = Unrepresentable()
    windows = [view for own in batcher.windows(corpus.examples, lost) for view in own]
    if lost.num_lost:
        logger.warning("training: %s", lost)
    if not any(view.tokenized.gold for view in windows):
        problem = "the training data has no gold span that a candidate can represent"
        raise InputError(f"{problem}; check format, candidates and max_span_width")
    return windows


def _no_span(corpus: Corpus) -> InputError:
    """Return the error for training data without a span; it says where that comes from."""
    if corpus.num_unscored:
        label, count = corpus.num_unscored.most_common(1)[0]
        problem = f'none of its types is asked for (most often "{label}", {count} spans)'
        return InputError(f"the training data has no gold span: {problem}; add the types to entity_types, or leave it out")
    where, number = corpus.examples[0].where, len(corpus.examples)
    remedy = 'annotate them ("char_spans", "token_spans" or "tags"; spanmatch data stats shows what is read)'
    return InputError(f"the training data has no gold span: {number} texts without an entity, the first is {where}; {remedy}")


def write_type(entity_type: EntityType, mode: str, rng: np.random.Generator) -> str:
    """Return what the type encoder reads of a type.

    Args:
        entity_type: the type.
        mode: "both" (name and description), "name", or "mixed": half of the time the name, which costs least and is what
            most users give, else a random one of name and description, description, aliases.
        rng: of the draw.
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


@dataclass(frozen=True, kw_only=True)
class FurtherTypes:
    """Draws types of the whole training data for a batch, for a teacher to say where its texts mention them.

    Attributes:
        types: what is drawn from.
        number: how many are drawn.
        type_texts: how they are written (see `write_type`).
        seed: of the draws.
    """

    types: Sequence[EntityType]
    number: int
    type_texts: str
    seed: int

    def drawn(self, batch: Sequence[int]) -> list[tuple[EntityType, str]]:
        """Return the types of a batch and what the type encoder reads of them.

        Args:
            batch: numbers of its texts, of which the draw is a function.
        """
        rng = np.random.default_rng((self.seed, *batch))
        places = rng.choice(len(self.types), size=min(self.number, len(self.types)), replace=False)
        return [(self.types[place], write_type(self.types[place], self.type_texts, rng)) for place in places]


@dataclass(frozen=True, kw_only=True)
class TrainingCollator:
    """Turns views into the tensors of a step.

    The columns of a bi-encoder's batch are all types drawn for any of its texts: each text's types are negatives of the
    other texts, if those were annotated for them. In a cross-encoder's batch, each row has its own columns.

    Attributes:
        batcher: the batcher of the model.
        num_anchored: texts that are encoded apart, to be compared with their anchors; None without anchors.
        teacher: collates the texts for a teacher; None without one.
        further: draws types of which no text of the batch has to be annotated, but which a teacher knows; None for none.
    """

    batcher: Batcher
    num_anchored: int | None = None
    teacher: TeacherViews | None = None
    further: "FurtherTypes | None" = None

    def __call__(self, windows: Sequence[View]) -> dict[str, Any]:
        """Return the texts, types, positives and valid cells of a batch.

        Args:
            windows: items of `TrainingViews`.
        """
        views = self.batcher.passes(windows)
        texts = collate_texts(views, self.batcher)
        if self.batcher.is_cross_encoder:
            batch: dict[str, Any] = {"texts": texts, "types": None} | _targets(views, [view.types for view in views], texts)
            type_texts, places = apart(views)
            if self.num_anchored is not None:
                batch |= self._anchored(views, type_texts)
            elif self.batcher.config.reads_types_apart:
                order, batch["types"] = self._type_groups(type_texts)
                places = torch.from_numpy(np.argsort(order))[places]
            return batch | ({"type_places": places} if self.batcher.config.reads_types_apart else {})
        columns: dict[str, tuple[EntityType, str]] = {}
        for view in views:
            for entity_type, text in zip(view.types, view.type_texts or view.types.texts, strict=True):
                columns.setdefault(entity_type.key, (entity_type, text))
        if self.further is not None:
            for entity_type, text in self.further.drawn([view.tokenized.index for view in views]):
                columns.setdefault(entity_type.key, (entity_type, text))
        if not columns:
            # No text has a type: one that none was annotated for trains nothing, and leaves no weight without a gradient.
            columns[""] = EntityType(name="entity"), "entity"
        written = list(columns.values())
        order, types = self._type_groups([text for _, text in written])
        batch = {"texts": texts, "types": types} | _targets(views, [[written[place][0] for place in order]], texts)
        if self.num_anchored is not None:
            batch |= self._anchored(views, [written[place][1] for place in order])
        if self.teacher is not None:
            batch |= self.teacher(views) | {"type_texts": [written[place][1] for place in order]}
        return batch

    def _type_groups(self, texts: list[str]) -> tuple[list[int], list[TypeBatch]]:
        """Return type texts in batches of about one length, and the order that they then have."""
        groups = self.batcher.type_groups(texts)
        order = [place for places, _ in groups for place in places]
        return order, [collate_types(sequences, self.batcher.lone_type_tokenizer) for _, sequences in groups]

    def _anchored(self, views: Sequence[View], type_texts: list[str]) -> dict[str, Any]:
        """Return all type texts, and some texts to be compared with their anchors: half types, half phrases.

        A phrase is one to three words of a text. Phrases name more kinds of things than any list of types does.
        """
        assert self.num_anchored is not None
        rng = np.random.default_rng([len(type_texts), *(view.tokenized.index for view in views)])
        anchored = [type_texts[place] for place in rng.permutation(len(type_texts))[: self.num_anchored // 2]]
        for position in rng.integers(len(views), size=self.num_anchored - len(anchored)):
            example = views[int(position)].tokenized.example
            first = int(rng.integers(len(example.words)))
            last = min(first + int(rng.integers(3)), len(example.words) - 1)
            anchored.append(example.text[example.words[first][0] : example.words[last][1]])
        order, types = self._type_groups(anchored)
        return {"types": types, "type_texts": type_texts, "anchored_texts": [anchored[place] for place in order]}


def apart(views: Sequence[View]) -> tuple[list[str], torch.Tensor]:
    """Return the texts of all types behind some texts, each once, and where those of each view are among them.

    Args:
        views: views of a cross-encoder.

    Returns:
        The type texts, and their places. Shape: (B, C), 0 where a view has fewer types.
    """
    place_of: dict[str, int] = {}
    rows = [torch.tensor([place_of.setdefault(text, len(place_of)) for text in view.type_texts]) for view in views]
    # Where no text has a type, something has to be read all the same.
    return list(place_of) or ["entity"], torch.nn.utils.rnn.pad_sequence(rows, batch_first=True).long()


def _targets(views: Sequence[View], columns: Sequence[Sequence[EntityType]], batch: TextBatch) -> dict[str, torch.Tensor]:
    """Return what the loss compares scores with: `collate_gold` and `gold_bounds`, by name."""
    positives, valid = collate_gold(views, columns, batch)
    starts, ends = gold_bounds(views, columns, batch)
    return {"positives": positives, "valid": valid, "gold_starts": starts, "gold_ends": ends}


def gold_bounds(
    views: Sequence[View], columns: Sequence[Sequence[EntityType]], batch: TextBatch
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the units at which gold of each type starts, and those at which it ends.

    All gold of the text counts, also what is no target of this window: gold that another window owns, that is too wide,
    that goes beyond the window.

    Args:
        views: the rows of the batch.
        columns: as for `collate_gold`.
        batch: the views, collated.

    Returns:
        Starts and ends. Shape: both (B, U, C) bool.
    """
    num_views, num_units, _ = batch.candidates.shape
    found = np.zeros((2, num_views, num_units, max(map(len, columns), default=0)), dtype=bool)
    per_view = columns if len(columns) == num_views else [columns[0]] * num_views
    for row, (view, own) in enumerate(zip(views, per_view, strict=True)):
        if not view.tokenized.example.mentions:
            continue
        key_of_label = {item.label: item.key for item in view.tokenized.example.types}
        column_of_key = {item.key: column for column, item in enumerate(own)}
        for bounds, marked in zip(view.tokenized.gold_bounds(), found, strict=True):
            for unit, label in bounds:
                column = column_of_key.get(key_of_label[label])
                if column is not None and view.start_unit <= unit < view.end_unit:
                    marked[row, unit - view.start_unit, column] = True
    return torch.from_numpy(found[0]), torch.from_numpy(found[1])


def collate_gold(
    views: Sequence[View], columns: Sequence[Sequence[EntityType]], batch: TextBatch
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return which cells of a batch are gold, and which are valid targets.

    A column is valid for a text that was annotated for a type of that key. Where a column is another name (an alias) of
    a gold type of the text, only the column's positives are valid: a negative must not contradict a positive.

    Args:
        views: the rows of the batch.
        columns: the types of the columns, which differ in `key`; one list for all views, or one per view.
        batch: the views, collated.

    Returns:
        Positives and valid cells. Shape: both (B, U, W, C) bool.
    """
    num_views, num_units, num_widths = batch.candidates.shape
    num_columns = max(map(len, columns), default=0)
    positives = np.zeros((num_views, num_units, num_widths, num_columns), dtype=bool)
    known = np.zeros((num_views, num_columns), dtype=bool)
    per_view = columns if len(columns) == num_views else [columns[0]] * num_views
    for row, (view, own) in enumerate(zip(views, per_view, strict=True)):
        types = {item.label: item for item in view.tokenized.example.types}
        column_of_key = {entity_type.key: column for column, entity_type in enumerate(own)}
        for item in types.values():
            if item.key in column_of_key:
                known[row, column_of_key[item.key]] = True
        for first, width, label in view.tokenized.gold:
            unit, gold_type = first - view.start_unit, types[label]
            if unit < 0 or first + width >= view.end_unit:
                continue
            if gold_type.key in column_of_key:
                positives[row, unit, width, column_of_key[gold_type.key]] = True
            for column, other in enumerate(own):
                if other.key in gold_type.alias_keys or gold_type.key in other.alias_keys:
                    known[row, column] = False
    valid = batch.candidates.numpy()[..., None] & (known[:, None, None, :] | positives)
    return torch.from_numpy(positives & valid), torch.from_numpy(valid)
