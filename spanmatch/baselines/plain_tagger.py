"""`PlainTagger`: what all taggers share that list the entities of a text, and score no other spans."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any, overload

import numpy as np

from spanmatch.batching.batcher import example_buffers
from spanmatch.batching.candidates import Unrepresentable
from spanmatch.data.examples import Example
from spanmatch.entities import Entity, EntityType, Inventory, Types
from spanmatch.errors import InputError
from spanmatch.prediction.decoding import Candidates, check_overlap, resolve
from spanmatch.prediction.processes import gather_all, own_share
from spanmatch.prediction.tagger import PLAIN_STREAM, StreamOptions, predict_with
from spanmatch.prediction.thresholds import Calibration, Threshold, cutoffs, logit

# A score is a probability, and may be 1 after rounding. As a logit it has to be finite.
_NEAREST_TO_ONE = 1 - 1e-9


class PlainTagger(ABC):
    """Finds entities by a method that lists them. A subclass lists those of a batch; the rest of a `Tagger` is here.

    Without a threshold, and without a calibration, everything that is listed is found.

    Attributes:
        calibration: calibrated thresholds, None if there are none.
        types: the types that it knows, None if any type can be requested.
        batch_size: texts at a time, unless the caller says otherwise.
    """

    null_slot: str | None = None
    types: tuple[EntityType, ...] | None = None
    batch_size = 32

    def __init__(self, calibration: Calibration | None = None) -> None:
        """Make a tagger.

        Args:
            calibration: calibrated thresholds, if there are any.
        """
        self.calibration = calibration

    @property
    @abstractmethod
    def kind(self) -> str:
        """Return what it is, in a word or two."""

    @property
    def default_threshold(self) -> Threshold | None:
        """Return the threshold of a prediction for which none is given; None if then everything counts that it lists."""
        return None if self.calibration is None else "calibrated"

    @abstractmethod
    def fingerprint(self) -> dict[str, str]:
        """Return what its output depends on (see `Tagger.fingerprint`)."""

    @abstractmethod
    def list_entities(self, examples: Sequence[Example], *, line_breaks: str | None = None) -> list[list[Entity]]:
        """List the entities of each example, whatever their scores, with the labels of its own types.

        Args:
            examples: the texts of a batch, with their words and types.
            line_breaks: as in `StreamOptions`.
        """

    @overload
    def predict(self, texts: str, types: Types | None = ..., **options: Any) -> list[Entity]: ...
    @overload
    def predict(
        self, texts: Iterable[str], types: Types | Iterable[Types] | None = ..., **options: Any
    ) -> list[list[Entity]]: ...
    def predict(  # type: ignore[misc]  # `options` above are the keywords below
        self, texts: str | Iterable[str], types: Types | Iterable[Types] | None = None, *,
        threshold: Threshold | None = None, overlap: str = "flat", line_breaks: str | None = None,
        batch_size: int | None = None, progress: bool = False,
    ) -> list[Entity] | list[list[Entity]]:  # fmt: skip
        """Tag a text, or several.

        Args:
            texts: one text, or several.
            types: for all texts, or a list of them for each; by default all that the tagger knows.
            threshold: a probability, `{type: probability}` or "calibrated"; by default the calibrated thresholds where there
                are any, else none: everything that is listed counts.
            overlap: which entities may overlap (see `decoding.OVERLAPS`).
            line_breaks: which line breaks an entity may cross (see `LINE_BREAKS`).
            batch_size: texts at a time.
            progress: show a bar.

        Returns:
            The entities of the text, in its order and with character offsets; a list of them per text for several texts.

        Raises:
            InputError: no types are given and it knows none, or something is no text, type, threshold or overlap.
        """
        if types is None and self.types is None:
            raise InputError("no entity types given; name at least one")
        found = predict_with(
            self.stream,
            [texts] if isinstance(texts, str) else texts,
            Inventory(self.types or ()) if types is None else types,
            threshold=threshold, overlap=overlap, line_breaks=line_breaks, batch_size=batch_size, progress=progress,
        )  # fmt: skip
        return found[0] if isinstance(texts, str) else found

    def stream(
        self, examples: Iterable[Example], *, threshold: Threshold | None = None, overlap: str = "flat",
        options: StreamOptions = PLAIN_STREAM,
    ) -> Iterator[list[Entity]]:  # fmt: skip
        """Yield the entities of each example (see `Tagger.stream`).

        Args:
            examples: texts with their words and types.
            threshold: as in `predict`.
            overlap: as in `predict`.
            options: how to go through the texts.

        Raises:
            InputError: an unknown overlap, or a threshold that cannot be answered.
        """
        check_overlap(overlap)
        limits = self._limits_by_types(threshold)
        for example, listed in self._listed(examples, options):
            yield _kept(example, listed, limits(example.types), overlap)

    def stream_scored(
        self, examples: Iterable[Example], *, floor: float, threshold: Threshold | None = None, overlap: str = "flat",
        options: StreamOptions = PLAIN_STREAM,
    ) -> Iterator[tuple[list[Entity], list[Entity]]]:  # fmt: skip
        """Yield what `stream` yields and, from the same pass, what is listed above a low probability.

        Args:
            examples: texts with their words and types.
            floor: probability that the scores of the second list exceed.
            threshold: as in `predict`, of the first list.
            overlap: as in `predict`, of the first list.
            options: how to go through the texts.

        Raises:
            InputError: an unknown overlap, or a threshold that cannot be answered.
        """
        check_overlap(overlap)
        limits, low = self._limits_by_types(threshold), self._limits_by_types(floor)
        for example, listed in self._listed(examples, options):
            yield (_kept(example, listed, limits(example.types), overlap), _kept(example, listed, low(example.types), "flat"))

    def _listed(self, examples: Iterable[Example], options: StreamOptions) -> Iterator[tuple[Example, list[Entity]]]:
        """Yield each example with all entities that are listed for it."""
        size = options.batch_size or self.batch_size
        advance = options.advance or (lambda _: None)
        for buffer in example_buffers(examples, options.buffer_size):
            order = sorted(range(len(buffer)), key=lambda index: -len(buffer[index].text))
            batches = [order[first : first + size] for first in range(0, len(order), size)]
            found: list[tuple[int, list[Entity]]] = []
            for chosen in own_share(batches) if options.is_shared else batches:
                listed = self.list_entities([buffer[index] for index in chosen], line_breaks=options.line_breaks)
                found += zip(chosen, listed, strict=True)
                advance(len(chosen))
            per_example = dict(gather_all(found) if options.is_shared else found)
            yield from ((example, per_example[index]) for index, example in enumerate(buffer))

    def _limits_by_types(self, threshold: Threshold | None) -> Callable[[Inventory], np.ndarray | None]:
        """Return `_limits` of a threshold, which remembers what it returned: texts mostly share their types."""
        return lru_cache(maxsize=256)(lambda types: self._limits(threshold, types))

    def _limits(self, threshold: Threshold | None, types: Inventory) -> np.ndarray | None:
        """Return the logit that the score of each type must exceed, None where everything counts. Shape: (C,)."""
        if threshold is None and self.calibration is None:
            return None
        return cutoffs(threshold, types, self.calibration, objective=self.kind).limits

    def prepare(self, types: Inventory, *, file: str | None = None, progress: bool = False) -> None:
        """Do nothing: there is nothing to prepare for types.

        Args:
            types: the types that will be requested.
            file: must be None.
            progress: not used.

        Raises:
            InputError: a file is given.
        """
        del types, progress
        if file is not None:
            raise InputError(f"--type_embeddings: a {self.kind} keeps none; leave it out, or take a bi-encoder")

    def check_threshold(self, threshold: Threshold | None) -> None:
        """Refuse a threshold that cannot be answered.

        Args:
            threshold: as in `predict`.

        Raises:
            InputError: says why, and what to give instead.
        """
        self._limits(threshold, Inventory())

    def unrepresentable(self, examples: Sequence[Example], *, line_breaks: str | None = None) -> Unrepresentable:
        """Count the gold that does not start and end with a word, which is never listed.

        Args:
            examples: texts with their gold.
            line_breaks: not used.
        """
        del line_breaks
        lost = Unrepresentable()
        for example in examples:
            starts, ends = {start for start, _ in example.words}, {end for _, end in example.words}
            lost.num_gold += len(example.mentions)
            lost.off_boundary += sum(item.start not in starts or item.end not in ends for item in example.mentions)
        return lost


def _kept(example: Example, listed: Sequence[Entity], limits: np.ndarray | None, overlap: str) -> list[Entity]:
    """Return the entities whose logits exceed the limits of their types, and of overlapping ones those that are kept."""
    column_of = {item.label: column for column, item in enumerate(example.types)}
    candidates = Candidates(
        start=np.array([item.start for item in listed], dtype=np.int64),
        end=np.array([item.end for item in listed], dtype=np.int64),
        column=np.array([column_of[item.label] for item in listed], dtype=np.int64),
        logit=np.array([logit(min(item.score, _NEAREST_TO_ONE)) for item in listed], dtype=np.float32),
    )
    if limits is not None:
        candidates = candidates.above(limits[candidates.column])
    return resolve(example.text, candidates, example.types, overlap)
