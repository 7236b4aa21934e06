"""Tagging: `SpanMatcher` holds a model with its tokenizers and thresholds, and turns texts into entities.

Legend: B batch, U units, W widths, C types, D head size.
"""

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import overload

import numpy as np
import torch
from tqdm.auto import tqdm
from transformers import PreTrainedTokenizerBase

from spanmatch.batching import Tokenizing, collate_texts, collate_types, tokenize_texts
from spanmatch.checkpoints import load_checkpoint, save_checkpoint
from spanmatch.decoding import NOTHING, Calibration, Candidates, Threshold, cutoffs, merge, resolve
from spanmatch.devices import default_device, named_device, named_dtype, native_dtype
from spanmatch.entities import Entity, EntityType, Types, as_entity_types
from spanmatch.errors import InputError
from spanmatch.matcher import MatcherConfig, SpanMatcherModel
from spanmatch.records import Example
from spanmatch.spans import Unrepresentable, split_words
from spanmatch.views import View, make_views

# Texts are sorted by length within this many, so that batches need little padding and memory stays flat.
SORTING_WINDOW = 4096
# Cells (span, type) scored at a time, whatever the number of types.
MAX_CELLS = 1 << 24


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
        self.lost = Unrepresentable()
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

    def encode_types(self, types: Types, *, batch_size: int = 64) -> TypeEmbeddings:
        """Encode types once, to be passed to `predict` as often as wanted."""
        read = as_entity_types(types)
        texts = list(dict.fromkeys(item.text for item in read))
        order = sorted(range(len(texts)), key=lambda index: len(texts[index]))
        rows: list[torch.Tensor] = [torch.empty(0)] * len(texts)
        with self._inference():
            for start in range(0, len(order), batch_size):
                chosen = order[start : start + batch_size]
                batch = collate_types([texts[index] for index in chosen], self.type_tokenizing).to(self.device)
                for index, row in zip(chosen, self.model.encode_types(batch), strict=True):
                    rows[index] = row
        row_of = {text: row for text, row in zip(texts, rows, strict=True)}
        return TypeEmbeddings(types=read, embeddings=torch.stack([row_of[item.text] for item in read]))

    @overload
    def predict(  # type: ignore[overload-overlap]  # a str is a Sequence[str], too
        self,
        texts: str,
        types: Types | TypeEmbeddings,
        *,
        threshold: Threshold | None = None,
        overlap: str = "flat",
        batch_size: int = 32,
        progress: bool = False,
    ) -> list[Entity]: ...
    @overload
    def predict(
        self,
        texts: Sequence[str],
        types: Types | Sequence[Types] | TypeEmbeddings,
        *,
        threshold: Threshold | None = None,
        overlap: str = "flat",
        batch_size: int = 32,
        progress: bool = False,
    ) -> list[list[Entity]]: ...
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
        per_text = _types_per_text(types, len(texts))
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
        cache: dict[EntityType, torch.Tensor] = {}
        if embedded is not None:
            cache.update(zip(embedded.types, embedded.embeddings.to(self.device), strict=True))
        iterator = iter(examples)
        while window := list(islice(iterator, SORTING_WINDOW)):
            yield from self._tag_window(window, cache, threshold, overlap, batch_size)

    def _tag_window(
        self,
        examples: list[Example],
        cache: dict[EntityType, torch.Tensor],
        threshold: Threshold | None,
        overlap: str,
        batch_size: int,
    ) -> list[list[Entity]]:
        new = dict.fromkeys(item for types in dict.fromkeys(example.types for example in examples) for item in types)
        missing = [item for item in new if item not in cache]
        if missing:
            # Labels may repeat across inventories; texts are what is encoded.
            unique = [replace(item, label=f"{position}") for position, item in enumerate(missing)]
            cache.update(zip(missing, self.encode_types(unique).embeddings, strict=True))
        tokenized = tokenize_texts(
            examples,
            self.text_tokenizing,
            candidates=self.config.candidates,
            max_span_width=self.config.max_span_width,
            lost=self.lost,
        )
        views = [
            (index, view)
            for index, text in enumerate(tokenized)
            for view in make_views(
                text,
                max_tokens=self.text_tokenizing.max_tokens,
                max_span_width=self.config.max_span_width,
                types=examples[index].types,
            )
        ]
        views.sort(key=lambda item: -item[1].num_tokens)
        found: list[list[Candidates]] = [[] for _ in examples]
        with self._inference():
            for start in range(0, len(views), batch_size):
                chosen = views[start : start + batch_size]
                for (index, _), candidates in zip(
                    chosen, self._score([view for _, view in chosen], cache, threshold), strict=True
                ):
                    found[index].append(candidates)
        return [
            resolve(example.text, merge(parts), example.types, overlap) for example, parts in zip(examples, found, strict=True)
        ]

    def _score(self, views: list[View], cache: dict[EntityType, torch.Tensor], threshold: Threshold | None) -> list[Candidates]:
        """The candidates of each view that pass the threshold, their columns counted in the view's own types."""
        inventories = list(dict.fromkeys(view.types for view in views))
        columns = tuple(dict.fromkeys(item for types in inventories for item in types))
        if not columns:
            return [NOTHING] * len(views)
        limits = torch.from_numpy(cutoffs(threshold, columns, self.calibration, self.config.objective)).to(
            self.device, torch.float32
        )
        batch = collate_texts(views, self.text_tokenizing, self.config.max_span_width).to(self.device)
        spans_BUWD = self.model.represent_spans(batch)
        block = max(1, MAX_CELLS // max(1, batch.candidates.numel()))
        rows, logits = [], []
        for first in range(0, len(columns), block):
            types_CD = torch.stack([cache[item] for item in columns[first : first + block]])
            scores = self.model.head.score_spans(spans_BUWD, types_CD).float()
            passed = (scores > limits[first : first + block]) & batch.candidates[..., None]
            indices = passed.nonzero()
            indices[:, 3] += first
            rows.append(indices)
            logits.append(scores[passed])
        index, logit = torch.cat(rows).cpu().numpy(), torch.cat(logits).cpu().numpy()
        if len(inventories) > 1:
            asked = {types: np.array([item in set(types) for item in columns]) for types in inventories}
            keep = np.array([asked[view.types] for view in views])[index[:, 0], index[:, 3]]
            index, logit = index[keep], logit[keep]
        order = np.argsort(index[:, 0], kind="stable")
        index, logit = index[order], logit[order]
        bounds = np.searchsorted(index[:, 0], np.arange(len(views) + 1))
        return [
            _candidates(view, index[bounds[row] : bounds[row + 1]], logit[bounds[row] : bounds[row + 1]], columns)
            for row, view in enumerate(views)
        ]

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


def _candidates(view: View, index: np.ndarray, logit: np.ndarray, columns: Sequence[EntityType]) -> Candidates:
    """Cells of one view (rows of `index`) as spans of its text, columns counted in the view's own types."""
    units, position = view.tokenized.units, {item: column for column, item in enumerate(view.types)}
    first = index[:, 1] + view.start_unit
    own = np.array([position[columns[column]] for column in index[:, 3]], dtype=np.int64)
    return Candidates(start=units.start_char[first], end=units.end_char[first + index[:, 2]], column=own, logit=logit)


def _types_per_text(types: Types | Sequence[Types] | TypeEmbeddings, num_texts: int) -> list[tuple[EntityType, ...]]:
    if isinstance(types, TypeEmbeddings):
        return [types.types] * num_texts
    is_one = isinstance(types, (str, Mapping)) or all(isinstance(item, (str, EntityType)) for item in types)
    if is_one:
        return [as_entity_types(types)] * num_texts  # type: ignore[arg-type]
    if len(types) != num_texts:
        raise InputError(f"{len(types)} lists of types for {num_texts} texts; give one list for all, or one per text")
    return [as_entity_types(own) for own in types]  # type: ignore[arg-type]
