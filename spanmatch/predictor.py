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

from spanmatch.batcher import Batcher
from spanmatch.checkpoints import load_checkpoint, save_checkpoint
from spanmatch.decoding import Candidates, check_overlap, merge, resolve
from spanmatch.devices import default_device, named_device, named_dtype, native_dtype
from spanmatch.entities import Entity, EntityType, Types, as_entity_types, types_per_text
from spanmatch.errors import InputError
from spanmatch.matcher import MatcherConfig, SpanMatcherModel
from spanmatch.records import Example
from spanmatch.scoring import passing_candidates
from spanmatch.sharing import gather_all, own_share
from spanmatch.spans import split_words
from spanmatch.thresholds import Calibration, Cutoffs, Threshold, check_names, cutoffs

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
        self.batcher = Batcher.of(model.matcher_config, text_tokenizer, type_tokenizer)
        self.text_tokenizer, self.type_tokenizer = text_tokenizer, type_tokenizer
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
        save_checkpoint(Path(folder), self.model, self.text_tokenizer, self.type_tokenizer, calibration=self.calibration)

    def encode_types(self, types: Types) -> TypeEmbeddings:
        """Encode types once, to be passed to `predict` as often as wanted.

        Raises:
            InputError: a cross-encoder, which has no embedding of a type apart from a text.
        """
        if self.batcher.types_stand_behind:
            raise InputError("a cross-encoder reads types with each text, it cannot encode them apart; pass them to predict")
        read = as_entity_types(types)
        return TypeEmbeddings(types=read, embeddings=torch.stack(self._embed(read)))

    def _embed(self, types: Sequence[EntityType]) -> list[torch.Tensor]:
        """One embedding (D,) per type. Equal texts are encoded once, texts of about one length together."""
        texts = sorted(dict.fromkeys(item.text for item in types), key=len)
        rows: dict[str, torch.Tensor] = {}
        with self._inference():
            for start in range(0, len(texts), TYPE_BATCH_SIZE):
                chosen = texts[start : start + TYPE_BATCH_SIZE]
                batch = self.batcher.types(chosen).to(self.device)
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
            threshold: a probability, `{type: probability}`, "calibrated", or a null slot ("cls", "label_token"), also
                with a margin in logits ("cls+0.5"); None takes the calibrated thresholds where the checkpoint has them,
                else a null slot where it has one, else 0.5.
            overlap: "flat", "nested" (containment allowed, crossing not) or "multi-label" (everything that passes).

        Returns:
            The entities of the text in its order, with character offsets; a list of them per text for several texts.

        Raises:
            InputError, ValueError: types, threshold or overlap that make no sense.
        """
        if isinstance(texts, str):
            return self.predict([texts], types, threshold=threshold, overlap=overlap)[0]
        per_text = [types.types] * len(texts) if isinstance(types, TypeEmbeddings) else types_per_text(types, len(texts))
        check_names(threshold, [item for own in dict.fromkeys(per_text) for item in own])
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
        shared: bool = False,
    ) -> Iterator[list[Entity]]:
        """Tag examples, each with the types of its inventory, in order and with flat memory.

        Args:
            shared: share the batches out among the processes of a launch, each of which gets all entities. All of them
                have to ask for the same.
        """
        if batch_size < 1:
            raise InputError(f"batch_size must be at least 1, got {batch_size}")
        check_overlap(overlap)
        cache: dict[EntityType, torch.Tensor] = {}
        if embedded is not None:
            cache.update(zip(embedded.types, embedded.embeddings.to(self.device), strict=True))
        iterator = iter(examples)
        while window := list(islice(iterator, SORTING_WINDOW)):
            found = self._find(window, cache, threshold, batch_size, shared)
            yield from (
                resolve(example.text, merge(parts), example.types, overlap) for example, parts in zip(window, found, strict=True)
            )

    def _find(
        self,
        examples: list[Example],
        cache: dict[EntityType, torch.Tensor],
        threshold: Threshold | None,
        batch_size: int,
        shared: bool,
    ) -> list[list[Candidates]]:
        """What the views of each example found. Views are batched by length; new types are encoded into the cache."""
        inventories = dict.fromkeys(example.types for example in examples)
        types = tuple(dict.fromkeys(item for inventory in inventories for item in inventory))
        asked = self.cutoffs(threshold, types)
        limits = dict(zip(types, asked.limits.tolist(), strict=True))
        behind = self.batcher.types_stand_behind
        missing = [item for item in types if item not in cache and not behind]
        if missing:
            cache.update(zip(missing, self._embed(missing), strict=True))
        views = self.batcher.passes([view for own in self.batcher.windows(examples) for view in own])
        views.sort(key=lambda view: -view.num_tokens)
        batches = [views[start : start + batch_size] for start in range(0, len(views), batch_size)]
        found: list[tuple[int, Candidates]] = []
        with self._inference():
            for chosen in own_share(batches) if shared else batches:
                batch = self.batcher.texts(chosen).to(self.device)
                passed = passing_candidates(
                    self.model, chosen, batch, limits=limits, slot=asked.slot, embeddings=None if behind else cache
                )
                found += zip((view.tokenized.index for view in chosen), passed, strict=True)
        per_example: list[list[Candidates]] = [[] for _ in examples]
        for index, candidates in gather_all(found) if shared else found:
            per_example[index].append(candidates)
        return per_example

    def cutoffs(self, threshold: Threshold | None, types: Sequence[EntityType]) -> Cutoffs:
        """What the score of each type must exceed (see `thresholds.cutoffs`)."""
        config = self.config
        return cutoffs(threshold, types, self.calibration, objective=config.objective, null_slots=config.null_slots)

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
