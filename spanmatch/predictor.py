"""Tagging: `SpanMatcher` holds a model with its tokenizers and thresholds, and turns texts into entities.

Legend: B batch, U units, W widths, C types, D head size.
"""

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import overload

import torch
from tqdm.auto import tqdm
from transformers import PreTrainedTokenizerBase

from spanmatch.batching import Tokenizing, collate_texts, collate_types, text_views
from spanmatch.checkpoints import load_checkpoint, save_checkpoint
from spanmatch.decoding import Calibration, Candidates, Threshold, check_overlap, cutoffs, merge, resolve
from spanmatch.devices import default_device, named_device, named_dtype, native_dtype
from spanmatch.entities import Entity, EntityType, Types, as_entity_types, types_per_text
from spanmatch.errors import InputError
from spanmatch.matcher import MatcherConfig, SpanMatcherModel
from spanmatch.records import Example
from spanmatch.scoring import passing_candidates
from spanmatch.spans import split_words

# Texts are sorted by length within this many, so that batches need little padding and memory stays flat.
SORTING_WINDOW = 4096
TYPE_BATCH_SIZE = 64


@dataclass(frozen=True, kw_only=True)
class TypeEmbeddings:
    """Types and their embeddings. Shape: embeddings (C, D)."""

    types: tuple[EntityType, ...]
    embeddings: torch.Tensor


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
        self.model = model
        self.text_tokenizing = Tokenizing.of(text_tokenizer, model.matcher_config.max_length)
        self.type_tokenizing = Tokenizing.of(type_tokenizer, model.matcher_config.max_type_length)
        self.calibration = calibration
        self._autocast = autocast

    @property
    def config(self) -> MatcherConfig:
        """The configuration of the model."""
        return self.model.matcher_config

    @property
    def device(self) -> torch.device:
        """Where the model is."""
        return next(self.model.parameters()).device

    @classmethod
    def from_pretrained(cls, name_or_path: str | Path, *, device: str | None = None, dtype: str | None = None) -> "SpanMatcher":
        """Load a checkpoint from a folder, or from the hub.

        Args:
            device: "cpu", "cuda", "mps", ...; by default the accelerator where there is one.
            dtype: "float32", "bfloat16", "float16"; by default what the device computes natively.

        Raises:
            InputError: no such folder, files missing from it, or weights that do not fit its configuration.
        """
        model, text_tokenizer, type_tokenizer, calibration = load_checkpoint(name_or_path)
        target = default_device() if device is None else named_device(device)
        model.to(device=target, dtype=native_dtype(target) if dtype is None else named_dtype(dtype)).eval()
        return cls(model, text_tokenizer, type_tokenizer, calibration=calibration)

    def save_pretrained(self, folder: str | Path) -> None:
        """Write a checkpoint that `from_pretrained` reads: configuration, safetensors, tokenizers, thresholds."""
        save_checkpoint(
            Path(folder), self.model, self.text_tokenizing.tokenizer, self.type_tokenizing.tokenizer, calibration=self.calibration
        )

    def encode_types(self, types: Types) -> TypeEmbeddings:
        """Encode types once, to be passed to `predict` as often as wanted."""
        read = as_entity_types(types)
        return TypeEmbeddings(types=read, embeddings=torch.stack(self._embed(read)))

    def _embed(self, types: Sequence[EntityType]) -> list[torch.Tensor]:
        """One embedding (D,) per type. Equal texts are encoded once, texts of about one length together."""
        texts = sorted(dict.fromkeys(item.text for item in types), key=len)
        rows: dict[str, torch.Tensor] = {}
        with self._inference():
            for start in range(0, len(texts), TYPE_BATCH_SIZE):
                chosen = texts[start : start + TYPE_BATCH_SIZE]
                batch = collate_types(chosen, self.type_tokenizing).to(self.device)
                rows.update(zip(chosen, self.model.encode_types(batch), strict=True))
        return [rows[item.text] for item in types]

    @overload
    def predict(  # type: ignore[overload-overlap]  # a str is a Sequence[str], too
        self, texts: str, types: Types | TypeEmbeddings, *,
        threshold: Threshold | None = ..., overlap: str = ..., batch_size: int = ..., progress: bool = ...
    ) -> list[Entity]: ...  # fmt: skip
    @overload
    def predict(
        self, texts: Sequence[str], types: Types | Sequence[Types] | TypeEmbeddings, *,
        threshold: Threshold | None = ..., overlap: str = ..., batch_size: int = ..., progress: bool = ...
    ) -> list[list[Entity]]: ...  # fmt: skip
    def predict(
        self,
        texts: str | Sequence[str],
        types: Types | Sequence[Types] | TypeEmbeddings,
        *,
        threshold: Threshold | None = None,
        overlap: str = "flat",
        batch_size: int = 32,
        progress: bool = False,
    ) -> list[Entity] | list[list[Entity]]:
        """Tag a text, or several.

        Args:
            types: names, `{name: description}`, `EntityType`s or what `encode_types` gave, for all texts; or a list of
                such, one per text.
            threshold: a probability, `{type: probability}`, or "calibrated"; None takes the calibrated thresholds
                where the checkpoint has them, else 0.5.
            overlap: "flat", "nested" (containment allowed, crossing not) or "multi-label" (everything that passes).

        Returns:
            The entities of the text in its order, with character offsets; a list of them per text for several texts.

        Raises:
            InputError, ValueError: types, threshold or overlap that make no sense.
        """
        if isinstance(texts, str):
            return self.predict([texts], types, threshold=threshold, overlap=overlap)[0]
        per_text = [types.types] * len(texts) if isinstance(types, TypeEmbeddings) else types_per_text(types, len(texts))
        examples = (
            Example(where=str(index), text=text, words=split_words(text), mentions=(), types=own)
            for index, (text, own) in enumerate(zip(texts, per_text, strict=True))
        )
        embedded = types if isinstance(types, TypeEmbeddings) else None
        tagged = self.stream(examples, threshold=threshold, overlap=overlap, batch_size=batch_size, embedded=embedded)
        return list(tqdm(tagged, total=len(texts), unit="text", disable=not progress))

    def stream(
        self,
        examples: Iterable[Example],
        *,
        threshold: Threshold | None = None,
        overlap: str = "flat",
        batch_size: int = 32,
        embedded: TypeEmbeddings | None = None,
    ) -> Iterator[list[Entity]]:
        """Tag examples, each with the types of its inventory, in order and with flat memory."""
        if batch_size < 1:
            raise InputError(f"batch_size must be at least 1, got {batch_size}")
        check_overlap(overlap)
        cache: dict[EntityType, torch.Tensor] = {}
        if embedded is not None:
            cache.update(zip(embedded.types, embedded.embeddings.to(self.device), strict=True))
        iterator = iter(examples)
        while window := list(islice(iterator, SORTING_WINDOW)):
            found = self._find(window, cache, threshold, batch_size)
            yield from (
                resolve(example.text, merge(parts), example.types, overlap) for example, parts in zip(window, found, strict=True)
            )

    def _find(
        self, examples: list[Example], cache: dict[EntityType, torch.Tensor], threshold: Threshold | None, batch_size: int
    ) -> list[list[Candidates]]:
        """What the views of each example found. Views are batched by length; new types are encoded into the cache."""
        inventories = dict.fromkeys(example.types for example in examples)
        types = tuple(dict.fromkeys(item for inventory in inventories for item in inventory))
        limits = dict(zip(types, cutoffs(threshold, types, self.calibration, self.config.objective).tolist(), strict=True))
        missing = [item for item in types if item not in cache]
        if missing:
            cache.update(zip(missing, self._embed(missing), strict=True))
        width = self.config.max_span_width
        per_text = text_views(examples, self.text_tokenizing, candidates=self.config.candidates, max_span_width=width)
        views = [(index, view) for index, own in enumerate(per_text) for view in own]
        views.sort(key=lambda item: -item[1].num_tokens)
        found: list[list[Candidates]] = [[] for _ in examples]
        with self._inference():
            for start in range(0, len(views), batch_size):
                chosen = views[start : start + batch_size]
                batch = collate_texts([view for _, view in chosen], self.text_tokenizing, width).to(self.device)
                passed = passing_candidates(self.model, [view for _, view in chosen], batch, cache, limits)
                for (index, _), candidates in zip(chosen, passed, strict=True):
                    found[index].append(candidates)
        return found

    @contextlib.contextmanager
    def _inference(self) -> Iterator[None]:
        was_training = self.model.training
        self.model.eval()
        mixed = torch.autocast(self.device.type, dtype=self._autocast) if self._autocast else contextlib.nullcontext()
        try:
            with torch.inference_mode(), mixed:
                yield
        finally:
            self.model.train(was_training)
