"""`SpanTagger`: the way from texts to entities that all matchers share, whatever computes with their weights."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import overload

import numpy as np

from spanmatch.batching.batcher import Batcher, example_buffers
from spanmatch.batching.candidates import Unrepresentable
from spanmatch.config import MatcherConfig
from spanmatch.data.examples import Example
from spanmatch.entities import Entity, EntityType, Inventory, Types, as_entity_types
from spanmatch.errors import InputError
from spanmatch.prediction.backend import Backend
from spanmatch.prediction.decoding import Candidates, check_overlap, merge, resolve
from spanmatch.prediction.processes import gather_all, own_share
from spanmatch.prediction.scoring import passing_candidates
from spanmatch.prediction.tagger import PLAIN_STREAM, StreamOptions, predict_with
from spanmatch.prediction.thresholds import Calibration, Cutoffs, Threshold, cutoffs, default_slot, default_threshold, logit
from spanmatch.prediction.type_columns import TypeColumns
from spanmatch.prediction.type_embeddings import TypeEmbeddings
from spanmatch.prediction.type_encoder import TypeEncoder


class SpanTagger:
    """Tags texts by scoring candidate spans against types: the part of a `Tagger` in which no library of tensors is seen.

    Attributes:
        batcher: cuts texts and types into batches.
        calibration: calibrated thresholds, None if there are none.
    """

    types: tuple[EntityType, ...] | None = None  # any type can be requested

    def __init__(self, batcher: Batcher, calibration: Calibration | None, backend: Backend) -> None:
        """Make a tagger.

        Args:
            batcher: cuts texts and types into batches.
            calibration: calibrated thresholds, if there are any.
            backend: computes with the weights.
        """
        self.batcher, self.calibration = batcher, calibration
        self._use(backend)

    def _use(self, backend: Backend) -> None:
        """Compute with other weights from now on. Types are encoded anew."""
        self._backend, self._types = backend, TypeEncoder(backend, self.batcher)

    @property
    def config(self) -> MatcherConfig:
        """Return the configuration of the model."""
        return self.batcher.config

    @property
    def kind(self) -> str:
        """Return the architecture: "bi-encoder" or "cross-encoder"."""
        return f"{self.config.architecture}-encoder"

    @property
    def null_slot(self) -> str | None:
        """Return the null slot whose score is subtracted from that of a span, None for a model without any."""
        return default_slot(self.config.null_slots)

    @property
    def default_threshold(self) -> Threshold:
        """Return the threshold of a prediction for which none is given."""
        return default_threshold(self.calibration, self.null_slot)

    def encode_types(self, types: Types, *, progress: bool = False) -> TypeEmbeddings:
        """Encode types once, to be passed to `predict` as often as wanted, or saved.

        Args:
            types: names, `{name: description}` or `EntityType`s.
            progress: show a bar.

        Raises:
            InputError: a cross-encoder, which has no embedding of a type apart from a text.
        """
        if self.batcher.is_cross_encoder:
            raise InputError("a cross-encoder reads types with each text, it cannot encode them apart; pass them to predict")
        return self._types.encode(as_entity_types(types), progress=progress)

    def prepare(self, types: Inventory, *, file: str | None = None, progress: bool = False) -> None:
        """Encode types before the first text (see `Tagger.prepare`); a cross-encoder has nothing to prepare.

        Args:
            types: the types that will be requested.
            file: keeps their embeddings (.safetensors): it is read if it is there, else written.
            progress: show a bar.

        Raises:
            InputError: the file is of another model or of other types, or the model is a cross-encoder.
        """
        if self.batcher.is_cross_encoder:
            if file is not None:
                raise InputError("--type_embeddings: a cross-encoder keeps none; leave it out, or take a bi-encoder")
            return
        if file is not None and Path(file).exists():
            embedded = TypeEmbeddings.load(file, framework=self._backend.framework)
            self._types.check_file(embedded, types, file)
        else:
            embedded = self._types.encode(types, progress=progress)
            if file is not None:
                embedded.save(file)
        self._types.prepare(embedded)

    @overload
    def predict(  # type: ignore[overload-overlap]  # a str is an Iterable[str], too
        self, texts: str, types: Types | TypeEmbeddings, *,
        threshold: Threshold | None = ..., overlap: str = ..., line_breaks: str | None = ...,
        batch_size: int | None = ..., progress: bool = ...,
    ) -> list[Entity]: ...  # fmt: skip
    @overload
    def predict(
        self, texts: Iterable[str], types: Types | Iterable[Types] | TypeEmbeddings, *,
        threshold: Threshold | None = ..., overlap: str = ..., line_breaks: str | None = ...,
        batch_size: int | None = ..., progress: bool = ...,
    ) -> list[list[Entity]]: ...  # fmt: skip
    def predict(
        self,
        texts: str | Iterable[str],
        types: Types | Iterable[Types] | TypeEmbeddings,
        *,
        threshold: Threshold | None = None,
        overlap: str = "flat",
        line_breaks: str | None = None,
        batch_size: int | None = None,
        progress: bool = False,
    ) -> list[Entity] | list[list[Entity]]:
        """Tag a text, or several.

        Args:
            texts: one text, or several: a list, an array, a generator.
            types: for all texts, as names, `{name: description}`, `EntityType`s or what `encode_types` gave; or a list
                of lists, one per text.
            threshold: a probability, `{type: probability}`, "calibrated", or a null slot ("cls", "label_token"), also
                with a margin in logits ("cls+0.5"); None takes the calibrated thresholds where the checkpoint has them,
                else a null slot where it has one, else 0.5.
            overlap: "flat", "nested" (containment allowed, crossing not) or "multi-label" (everything that passes).
            line_breaks: which line breaks an entity may cross: "auto" (those that wrap prose, not those of forms and
                lists), "cross" (all) or "never"; by default what the checkpoint was trained with, mostly "auto".
            batch_size: texts (or windows of long texts) at a time; by default as many as fill the device's budget of tokens.
            progress: show a bar; a long text counts by its windows.

        Returns:
            The entities of the text in its order, with character offsets; a list of them per text for several texts.

        Raises:
            InputError: an unknown overlap or value of `line_breaks`, a threshold that the checkpoint cannot answer, something
                that is no text, no type, an empty name, or two names of one type.
        """
        if isinstance(texts, str):
            [found] = self.predict(
                [texts], types, threshold=threshold, overlap=overlap, line_breaks=line_breaks, batch_size=batch_size,
                progress=progress,
            )  # fmt: skip
            return found
        if isinstance(types, TypeEmbeddings):
            self._types.prepare(types)
        return predict_with(
            self.stream, texts, types.types if isinstance(types, TypeEmbeddings) else types, threshold=threshold, overlap=overlap,
            line_breaks=line_breaks, batch_size=batch_size, progress=progress,
        )  # fmt: skip

    def stream(
        self,
        examples: Iterable[Example],
        *,
        threshold: Threshold | None = None,
        overlap: str = "flat",
        options: StreamOptions = PLAIN_STREAM,
    ) -> Iterator[list[Entity]]:
        """Yield the entities of each example, looking for the types of its inventory (see `Tagger.stream`).

        Args:
            examples: texts with their words and types.
            threshold: as in `predict`.
            overlap: as in `predict`.
            options: how to go through the texts.

        Raises:
            InputError: an unknown overlap, or a threshold that the checkpoint cannot answer.
        """
        check_overlap(overlap)
        # Without entities of equal bounds, only the best type of a span can be in the result.
        best_only = overlap != "multi-label"
        for example, found in self._candidates(examples, partial(self.cutoffs, threshold), options, best_only=best_only):
            yield resolve(example.text, found, example.types, overlap)

    def stream_scored(
        self,
        examples: Iterable[Example],
        *,
        floor: float,
        threshold: Threshold | None = None,
        overlap: str = "flat",
        options: StreamOptions = PLAIN_STREAM,
    ) -> Iterator[tuple[list[Entity], list[Entity]]]:
        """Yield what `stream` yields and, from the same pass, what flat decoding finds above a low probability.

        Args:
            examples: texts with their words and types.
            floor: probability that the scores of the second list exceed; from the same null slot as those of the first.
            threshold: as in `predict`, of the first list.
            overlap: as in `predict`, of the first list.
            options: how to go through the texts.

        Raises:
            InputError: an unknown overlap, or a threshold that the checkpoint cannot answer.
        """
        check_overlap(overlap)
        cuts: dict[Inventory, Cutoffs] = {}

        def limits(types: Inventory) -> Cutoffs:
            own = self.cutoffs(threshold, types)
            return Cutoffs(slot=own.slot, limits=np.minimum(own.limits, logit(floor)))

        for example, found in self._candidates(examples, limits, options, best_only=False):
            if example.types not in cuts:
                cuts[example.types] = self.cutoffs(threshold, example.types)
            passed = found.above(cuts[example.types].limits[found.column])
            scored = found.above(np.full(len(found.logit), logit(floor)))
            yield resolve(example.text, passed, example.types, overlap), resolve(example.text, scored, example.types)

    def _candidates(
        self, examples: Iterable[Example], limits: Callable[[Inventory], Cutoffs], options: StreamOptions, *, best_only: bool
    ) -> Iterator[tuple[Example, Candidates]]:
        """Yield each example with its candidates whose scores exceed the limits of their types."""
        advance = options.advance or (lambda _: None)
        columns: TypeColumns | None = None
        max_tokens = self._backend.batch_tokens
        for buffer in example_buffers(examples, options.buffer_size):
            inventories = [example.types for example in buffer]
            # Most corpora have few inventories: their types are embedded once for all buffers.
            if columns is None or not columns.hold(inventories):
                embed = self._types.embed if self.config.reads_types_apart else None
                join = self._backend.join if self._backend.corrects_types else None
                columns = TypeColumns.of(inventories, limits, embed, join=join)
            windows = self.batcher.windows(buffer, line_breaks=options.line_breaks)
            views = self.batcher.passes([view for own in windows for view in own])
            batches = self.batcher.text_batches(views, batch_size=options.batch_size, max_tokens=max_tokens)
            num_views = Counter(view.tokenized.index for view in views)
            if len(num_views) < len(buffer):
                advance(len(buffer) - len(num_views))  # a text without a word has no view
            passed: list[tuple[int, Candidates]] = []
            with self._backend.inference():
                for chosen in own_share(batches) if options.is_shared else batches:
                    found = passing_candidates(self._backend, chosen, columns, best_only=best_only)
                    passed += zip((view.tokenized.index for view in chosen), found, strict=True)
                    # A text of several views is done in parts.
                    advance(sum(1 / num_views[view.tokenized.index] for view in chosen))
            per_example: list[list[Candidates]] = [[] for _ in buffer]
            for index, candidates in gather_all(passed) if options.is_shared else passed:
                per_example[index].append(candidates)
            yield from zip(buffer, map(merge, per_example), strict=True)

    def check_threshold(self, threshold: Threshold | None) -> None:
        """Refuse a threshold that the checkpoint cannot answer.

        Args:
            threshold: as in `predict`.

        Raises:
            InputError: says why, and what to give instead.
        """
        self.cutoffs(threshold, ())

    def unrepresentable(self, examples: Sequence[Example], *, line_breaks: str | None = None) -> Unrepresentable:
        """Count the gold that no candidate represents.

        Args:
            examples: texts with their gold.
            line_breaks: as in `predict`.
        """
        lost = Unrepresentable()
        self.batcher.windows(examples, lost, line_breaks=line_breaks)
        return lost

    def cutoffs(self, threshold: Threshold | None, types: Sequence[EntityType]) -> Cutoffs:
        """Return what the score of each type must exceed (see `thresholds.cutoffs`).

        Args:
            threshold: as in `predict`.
            types: the types to look for.
        """
        config = self.config
        return cutoffs(threshold, types, self.calibration, objective=config.objective, null_slots=config.null_slots)
