"""Tagging: `SpanMatcher` holds a model with its tokenizers and thresholds, and turns texts into entities.

Legend: B batch, U units, W widths, C types, D head size.
"""

import contextlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import overload

import torch
from tqdm.auto import tqdm
from transformers import PreTrainedTokenizerBase

from spanmatch.batching.batcher import LAST_WINDOW, Batcher, text_windows
from spanmatch.config import MatcherConfig
from spanmatch.data.examples import Example
from spanmatch.data.words import split_words
from spanmatch.entities import Entity, EntityType, Types, as_entity_types, types_per_text
from spanmatch.errors import InputError
from spanmatch.model.devices import batch_tokens, compile_encoder, default_device, named_device, named_dtype, native_dtype
from spanmatch.model.model import SpanMatcherModel
from spanmatch.prediction.checkpoint import load_checkpoint, save_checkpoint
from spanmatch.prediction.decoding import Candidates, check_overlap, merge, resolve
from spanmatch.prediction.processes import gather_all, own_share
from spanmatch.prediction.scoring import passing_candidates
from spanmatch.prediction.thresholds import Calibration, Cutoffs, Threshold, check_names, cutoffs
from spanmatch.prediction.type_columns import TypeColumns
from spanmatch.prediction.type_embeddings import TypeEmbeddings as TypeEmbeddings
from spanmatch.prediction.type_encoder import TypeEncoding


class SpanMatcher:
    """A trained matcher, ready to tag.

    >>> matcher = SpanMatcher.from_pretrained("models/quickstart")
    >>> matcher.predict("Ada Lovelace met Charles Babbage in London.", ["person", "city"])
    """

    def __init__(
        self,
        model: SpanMatcherModel,
        text_tokenizer: PreTrainedTokenizerBase,
        type_tokenizer: PreTrainedTokenizerBase,
        *,
        calibration: Calibration | None = None,
        autocast: torch.dtype | None = None,
    ) -> None:
        self.batcher = Batcher.of(model.matcher_config, text_tokenizer, type_tokenizer)
        self.text_tokenizer, self.type_tokenizer = text_tokenizer, type_tokenizer
        self.calibration = calibration
        self._autocast = autocast
        self.model = model

    @property
    def model(self) -> SpanMatcherModel:
        """The model. Types are encoded anew where it is replaced."""
        return self._model

    @model.setter
    def model(self, model: SpanMatcherModel) -> None:
        self._model, self._types = model, TypeEncoding(model, self.batcher, self.inference)

    @property
    def config(self) -> MatcherConfig:
        """The configuration of the model."""
        return self.model.matcher_config

    @property
    def device(self) -> torch.device:
        """Where the model is."""
        return next(self.model.parameters()).device

    @classmethod
    def from_pretrained(
        cls, name_or_path: str | Path, *, device: str | None = None, dtype: str | None = None, compile: bool = False
    ) -> "SpanMatcher":
        """Load a checkpoint from a folder, or from the hub.

        Args:
            device: "cpu", "cuda", "mps", ...; by default the accelerator where there is one.
            dtype: "float32", "bfloat16", "float16"; by default what the device computes natively.
            compile: compile the encoder (torch.compile): half a minute at the first text, faster from then on.

        Raises:
            InputError: no such folder, files missing from it, or weights that do not fit its configuration.
        """
        model, text_tokenizer, type_tokenizer, calibration = load_checkpoint(name_or_path)
        target = default_device() if device is None else named_device(device)
        model.to(device=target, dtype=native_dtype(target) if dtype is None else named_dtype(dtype)).eval()
        if compile:
            compile_encoder(model.text_encoder)
        return cls(model, text_tokenizer, type_tokenizer, calibration=calibration)

    def save_pretrained(self, folder: str | Path) -> None:
        """Write a checkpoint that `from_pretrained` reads: configuration, safetensors, tokenizers, thresholds."""
        save_checkpoint(Path(folder), self.model, self.text_tokenizer, self.type_tokenizer, calibration=self.calibration)

    def encode_types(self, types: Types, *, progress: bool = False) -> TypeEmbeddings:
        """Encode types once, to be passed to `predict` as often as wanted, or saved.

        Raises:
            InputError: a cross-encoder, which has no embedding of a type apart from a text.
        """
        if self.batcher.types_stand_behind:
            raise InputError("a cross-encoder reads types with each text, it cannot encode them apart; pass them to predict")
        return self._types.encode(as_entity_types(types), progress=progress)

    @overload
    def predict(  # type: ignore[overload-overlap]  # a str is a Sequence[str], too
        self, texts: str, types: Types | TypeEmbeddings, *,
        threshold: Threshold | None = ..., overlap: str = ..., batch_size: int | None = ..., progress: bool = ...
    ) -> list[Entity]: ...  # fmt: skip
    @overload
    def predict(
        self, texts: Sequence[str], types: Types | Sequence[Types] | TypeEmbeddings, *,
        threshold: Threshold | None = ..., overlap: str = ..., batch_size: int | None = ..., progress: bool = ...
    ) -> list[list[Entity]]: ...  # fmt: skip
    def predict(
        self,
        texts: str | Sequence[str],
        types: Types | Sequence[Types] | TypeEmbeddings,
        *,
        threshold: Threshold | None = None,
        overlap: str = "flat",
        batch_size: int | None = None,
        progress: bool = False,
    ) -> list[Entity] | list[list[Entity]]:
        """Tag a text, or several.

        Args:
            types: for all texts, as names, `{name: description}`, `EntityType`s or what `encode_types` gave; or a list
                of lists, one per text.
            threshold: a probability, `{type: probability}`, "calibrated", or a null slot ("cls", "label_token"), also
                with a margin in logits ("cls+0.5"); None takes the calibrated thresholds where the checkpoint has them,
                else a null slot where it has one, else 0.5.
            overlap: "flat", "nested" (containment allowed, crossing not) or "multi-label" (everything that passes).
            batch_size: texts (or windows of long texts) at a time; by default as many as fill the device's budget of tokens.
            progress: show a bar; a long text counts by its windows.

        Returns:
            The entities of the text in its order, with character offsets; a list of them per text for several texts.

        Raises:
            InputError, ValueError: types, threshold or overlap that make no sense.
        """
        if isinstance(texts, str):
            options = {"threshold": threshold, "overlap": overlap, "batch_size": batch_size, "progress": progress}
            return self.predict([texts], types, **options)[0]  # type: ignore[call-overload]
        per_text = [types.types] * len(texts) if isinstance(types, TypeEmbeddings) else types_per_text(types, len(texts))
        distinct = {id(own): own for own in per_text}
        if isinstance(threshold, Mapping):
            check_names(threshold, [item for own in distinct.values() for item in own])
        examples = (
            Example(where=str(index), text=text, words=split_words(text), mentions=(), types=own)
            for index, (text, own) in enumerate(zip(texts, per_text, strict=True))
        )
        embedded = types if isinstance(types, TypeEmbeddings) else None
        with tqdm(total=len(texts), unit="text", unit_scale=True, desc="tagging", disable=not progress) as bar:
            options = {"overlap": overlap, "batch_size": batch_size, "window_size": LAST_WINDOW, "advance": bar.update}
            return list(self.stream(examples, threshold=threshold, embedded=embedded, **options))  # type: ignore[arg-type]

    def stream(
        self,
        examples: Iterable[Example],
        *,
        threshold: Threshold | None = None,
        overlap: str = "flat",
        batch_size: int | None = None,
        embedded: TypeEmbeddings | None = None,
        shared: bool = False,
        window_size: int | None = None,
        advance: Callable[[float], object] | None = None,
    ) -> Iterator[list[Entity]]:
        """Tag examples, each with the types of its inventory, in order and with flat memory.

        Args:
            embedded: what `encode_types` gave for these very types, the inventory of every example.
            shared: share the batches out among the processes of a launch, each of which gets all entities. All of them
                have to ask for the same.
            window_size: texts that are sorted by length together; by default few at first, so that a result comes soon.
            advance: told how many texts were done since, in parts where a text has several windows.

        Raises:
            InputError: an overlap or batch size that makes no sense, or embeddings of another model.
        """
        if batch_size is not None and batch_size < 1:
            raise InputError(f"batch_size must be at least 1, got {batch_size}")
        check_overlap(overlap)
        embed = None if self.batcher.types_stand_behind else self._types.embed
        if embedded is not None:
            self._types.check(embedded)
            embed = embedded.of
        columns: TypeColumns | None = None
        for window in text_windows(examples, window_size):
            inventories = [example.types for example in window]
            if columns is None or not columns.hold(inventories):
                columns = TypeColumns.of(inventories, partial(self.cutoffs, threshold), embed)
            found = self._find(window, columns, overlap, batch_size, shared, advance)
            yield from (
                resolve(example.text, merge(parts), example.types, overlap) for example, parts in zip(window, found, strict=True)
            )

    def _find(
        self,
        examples: Sequence[Example],
        types: TypeColumns,
        overlap: str,
        batch_size: int | None,
        shared: bool,
        advance: Callable[[float], object] | None,
    ) -> list[list[Candidates]]:
        """What the views of each example found. Views are batched by length."""
        views = self.batcher.passes([view for own in self.batcher.windows(examples) for view in own])
        batches = self.batcher.text_batches(views, batch_size=batch_size, max_tokens=batch_tokens(self.device))
        num_views = Counter(view.tokenized.index for view in views)
        if advance is not None and len(num_views) < len(examples):
            advance(len(examples) - len(num_views))
        found: list[tuple[int, Candidates]] = []
        with self.inference():
            for chosen in own_share(batches) if shared else batches:
                batch = self.batcher.texts(chosen).to(self.device)
                passed = passing_candidates(self.model, chosen, batch, types, best_only=overlap != "multi-label")
                found += zip((view.tokenized.index for view in chosen), passed, strict=True)
                if advance is not None:
                    advance(sum(1 / num_views[view.tokenized.index] for view in chosen))
        per_example: list[list[Candidates]] = [[] for _ in examples]
        for index, candidates in gather_all(found) if shared else found:
            per_example[index].append(candidates)
        return per_example

    def cutoffs(self, threshold: Threshold | None, types: Sequence[EntityType]) -> Cutoffs:
        """What the score of each type must exceed (see `thresholds.cutoffs`)."""
        config = self.config
        return cutoffs(threshold, types, self.calibration, objective=config.objective, null_slots=config.null_slots)

    @contextlib.contextmanager
    def inference(self) -> Iterator[None]:
        """Without gradients and dropout."""
        was_training = self.model.training
        if was_training:
            self.model.eval()
        mixed = torch.autocast(self.device.type, dtype=self._autocast) if self._autocast else contextlib.nullcontext()
        try:
            with torch.inference_mode(), mixed:
                yield
        finally:
            if was_training:
                self.model.train()


