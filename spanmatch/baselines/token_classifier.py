"""`TokenClassifier`: tags by a label for each word, with a model of `AutoModelForTokenClassification`.

Legend: B batch, T subwords, L labels, W words of a text.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from spanmatch.baselines.plain_tagger import PlainTagger
from spanmatch.baselines.word_windows import WordWindow, word_windows
from spanmatch.batching.batcher import length_batches
from spanmatch.batching.tokenizer import SequenceTokenizer
from spanmatch.data.examples import Example
from spanmatch.data.labels import unnamed_type
from spanmatch.data.line_breaks import hard_breaks
from spanmatch.data.tags import OUTSIDE, is_prefixed, read_tags
from spanmatch.entities import Entity, EntityType, Inventory, normalise
from spanmatch.errors import InputError, one_line
from spanmatch.model import devices
from spanmatch.model.pretrained import max_positions
from spanmatch.prediction.shipped import checkpoint_folder
from spanmatch.prediction.thresholds import Calibration
from spanmatch.prediction.type_embeddings import weights_digest

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

# What `config.json` says the folder holds, and the names and descriptions of the types there.
TOKEN_CLASSIFIER, TYPES_KEY = "token-classifier", "entity_types"
# Windows of long texts, in subwords: a longer one gains little and costs much.
MAX_LENGTH = 512


class TokenClassifier(PlainTagger):
    """Tags texts with the types that it was trained on. Its folder also loads in `transformers.pipeline("ner")`.

    >>> tagger = TokenClassifier.from_pretrained("models/token_classifier")
    >>> tagger.predict("Ada Lovelace met Charles Babbage in London.")
    """

    # They are split into batches of windows by the number of tokens that the device takes at once.
    batch_size = 1024

    def __init__(
        self,
        model: Any,
        tokenizer: "PreTrainedTokenizerBase",
        *,
        calibration: Calibration | None = None,
        max_length: int | None = None,
    ) -> None:
        """Make a tagger of a model and its tokenizer.

        Args:
            model: a token classifier of transformers, with tags of one kind as labels (`B-PER`, or `PER`).
            tokenizer: its fast tokenizer.
            calibration: calibrated thresholds, if there are any.
            max_length: the window, in subwords; by default as the encoder allows, at most `MAX_LENGTH`.

        Raises:
            InputError: its labels are no tags.
        """
        super().__init__(calibration)
        self.model, self.tokenizer = model, tokenizer
        length = min(max_length or MAX_LENGTH, max_positions(model.config, tokenizer))
        self.sequences = SequenceTokenizer.of(tokenizer, length)
        self.labels = Labels.of_config(model.config)
        self.types = self.labels.types

    @property
    def kind(self) -> str:
        """Return "token classifier"."""
        return "token classifier"

    @classmethod
    def from_pretrained(
        cls, name_or_path: str | Path, *, device: str | None = None, dtype: str | torch.dtype | None = None, compile: bool = False
    ) -> "TokenClassifier":
        """Load a token classifier that `spanmatch fit token` wrote, or any other of transformers.

        Args:
            name_or_path: a folder, or a hub id.
            device: "cpu", "cuda", "mps", ...; by default the accelerator where there is one.
            dtype: "float32", "bfloat16", "float16"; by default what the device computes natively.
            compile: compile the model (torch.compile).

        Raises:
            InputError: no such folder, weights that are missing or broken, or labels that are no tags.
        """
        target = devices.default_device() if device is None else devices.named_device(device)
        precision = devices.native_dtype(target) if dtype is None else devices.named_dtype(dtype)
        folder = checkpoint_folder(name_or_path)
        model, tokenizer = cls.load(folder, target, precision)
        if compile:
            devices.compile_encoder(model)
        return cls(model, tokenizer, calibration=Calibration.load(folder))

    @classmethod
    def load(cls, folder: Path, device: torch.device, dtype: torch.dtype) -> tuple[Any, "PreTrainedTokenizerBase"]:
        """Return the model of a folder, ready to compute, and its tokenizer.

        Args:
            folder: the folder.
            device: where the model computes.
            dtype: what it computes in.

        Raises:
            InputError: it cannot be loaded.
        """
        model, tokenizer = load_model(str(folder))
        return model.to(device=device, dtype=dtype).eval(), tokenizer

    def save_pretrained(self, folder: str | Path) -> None:
        """Write a folder that `from_pretrained` reads, and `transformers.pipeline("ner")`.

        Args:
            folder: made if it is not there.
        """
        self.model.save_pretrained(folder)
        self.tokenizer.save_pretrained(folder)
        if self.calibration is not None:
            self.calibration.save(Path(folder))

    def fingerprint(self) -> dict[str, str]:
        """Return what the output depends on: a digest of weights, labels and calibration, the device, the dtype."""
        found = self.calibration
        settings = json.dumps([self.model.config.id2label, found and [found.threshold, dict(found.per_type)]], sort_keys=True)
        digest = hashlib.sha256((settings + weights_digest(self.model.state_dict().items())).encode()).hexdigest()
        dtype = str(self.model.dtype).removeprefix("torch.")
        return {"model": f"SHA-256 {digest[:12]}", "device": self.model.device.type, "dtype": dtype}

    def list_entities(self, examples: Sequence[Example], *, line_breaks: str | None = None) -> list[list[Entity]]:
        """List the entities of each example, among its types (see `PlainTagger.list_entities`).

        Args:
            examples: the texts of a batch, with their words and types.
            line_breaks: as in `StreamOptions`; by default "auto".
        """
        windows = word_windows(examples, self.tokenizer, self.sequences.max_tokens)
        words: list[list[int]] = [[] for _ in examples]
        parts: list[list[np.ndarray]] = [[] for _ in examples]
        for window, probabilities in zip(windows, self._probabilities(windows), strict=True):
            words[window.text] += window.words
            parts[window.text].append(probabilities)
        return [
            self.labels.entities(example, own, np.concatenate(found), line_breaks or "auto") if own else []
            for example, own, found in zip(examples, words, parts, strict=True)
        ]

    def _probabilities(self, windows: Sequence[WordWindow]) -> list[np.ndarray]:
        """Return the probability of each label for the words of each window. Shape: (words, L) each."""
        found: list[np.ndarray] = [np.empty(0)] * len(windows)
        lengths, most = [len(window.ids) for window in windows], devices.batch_tokens(self.model.device)
        devices.use_no_lost_threads()
        with torch.inference_mode():
            for chosen in length_batches(lengths, batch_size=None, max_tokens=most):
                own = [windows[index] for index in chosen]
                ids, mask = self.sequences.pad([np.asarray(window.ids, dtype=np.int64) for window in own])
                inputs = {"input_ids": torch.from_numpy(ids), "attention_mask": torch.from_numpy(mask)}
                logits_BTL = self.model(**{name: tensor.to(self.model.device) for name, tensor in inputs.items()}).logits
                shares_BTL = logits_BTL.float().softmax(dim=-1).cpu().numpy()
                shift = len(self.sequences.prefix)
                for index, window, row_TL in zip(chosen, own, shares_BTL, strict=True):
                    found[index] = row_TL[[shift + first for first in window.firsts]]
        return found


@dataclass(frozen=True, kw_only=True)
class Labels:
    """Knows what the labels of a token classifier mean.

    Attributes:
        tags: the tag of each label: "O", "B-PER", "I-PER".
        types: the types of these tags.
    """

    tags: tuple[str, ...]
    types: tuple[EntityType, ...]

    @classmethod
    def of_types(cls, types: Sequence[EntityType]) -> "Labels":
        """Return the labels of types: "O", then B and I of each.

        Args:
            types: the types; their own labels become those of the tags.
        """
        tags = [OUTSIDE, *(f"{prefix}-{item.label}" for item in types for prefix in "BI")]
        return cls(tags=tuple(tags), types=tuple(types))

    @classmethod
    def of_config(cls, config: Any) -> "Labels":
        """Read the labels of a model.

        Args:
            config: its configuration, as transformers has it.

        Raises:
            InputError: it has no tags as labels.
        """
        tags = [str(config.id2label[index]) for index in range(len(config.id2label))]
        named = getattr(config, TYPES_KEY, None) or {}
        try:
            read_tags(tags)
            labels = list(dict.fromkeys(_label_of(tag) for tag in tags if tag != OUTSIDE))
            if OUTSIDE not in tags or not labels:
                raise ValueError(f"got {', '.join(tags[:6])}")
            types = [_described(label, named.get(label)) for label in labels]
        except (ValueError, AttributeError, TypeError) as error:
            problem = f'its labels are no tags such as "O", "B-PER", "I-PER" ({one_line(error)})'
            raise InputError(f"{config.name_or_path or 'the model'}: {problem}; give a model that tags words") from error
        return cls(tags=tuple(tags), types=tuple(types))

    def for_config(self) -> dict[str, Any]:
        """Return what the configuration of a model has to hold, for `of_config`, `load_tagger` and transformers."""
        return {
            "id2label": dict(enumerate(self.tags)),
            "label2id": {tag: index for index, tag in enumerate(self.tags)},
            "tagger": TOKEN_CLASSIFIER,
            TYPES_KEY: {item.label: {"name": item.name, "description": item.description} for item in self.types},
        }

    # What is looked up for each text is put together once.
    @cached_property
    def _by_name(self) -> dict[str, str]:
        return {item.key: item.label for item in self.types}

    @cached_property
    def _by_label(self) -> dict[str, str]:
        return {normalise(item.label): item.label for item in self.types}

    @cached_property
    def _columns(self) -> dict[str, list[int]]:
        """Return the columns of the tags of each label."""
        return {item.label: [index for index, tag in enumerate(self.tags) if _label_of(tag) == item.label] for item in self.types}

    @cached_property
    def _index_of(self) -> dict[str, int]:
        return {tag: index for index, tag in enumerate(self.tags)}

    def of_words(self, example: Example) -> list[int]:
        """Return the label of each word of an annotated text. Of gold that overlaps, the longest is kept.

        A word belongs to a gold span if it touches it.

        Args:
            example: the text with its gold.
        """
        known = self.known(example.types)
        index_of = self._index_of
        found = [index_of[OUTSIDE]] * len(example.words)
        for mention in sorted(example.mentions, key=lambda item: (item.start - item.end, item.start)):
            own = known.get(mention.label)
            touched = [place for place, (start, end) in enumerate(example.words) if start < mention.end and end > mention.start]
            if own is None or any(found[place] != index_of[OUTSIDE] for place in touched):
                continue
            for place in touched:
                found[place] = index_of[f"I-{own}"]
            for place in touched[:1]:
                found[place] = index_of[f"B-{own}"]
        return found

    def known(self, types: Inventory) -> dict[str, str]:
        """Return which types of a text the classifier knows: the label in its tags, by the label in the text.

        Args:
            types: the types of a text. One is known if its name is that of a type, or else if its label is.
        """
        found = {item.label: self._by_name.get(item.key) or self._by_label.get(normalise(item.label)) for item in types}
        return {label: own for label, own in found.items() if own is not None}

    def entities(self, example: Example, words: Sequence[int], probabilities_WL: np.ndarray, line_breaks: str) -> list[Entity]:
        """Return the entities of a text from the probabilities of its words. Each word has its most probable label.

        Args:
            example: the text.
            words: the words that the model has read, in order.
            probabilities_WL: the probability of each label for each of them. Shape: (W, L).
            line_breaks: which line breaks an entity may cross, a name of `LINE_BREAKS`.
        """
        tags = [self.tags[index] for index in probabilities_WL.argmax(axis=1)]
        breaks = hard_breaks(example.text, line_breaks)
        for place in range(1, len(words)):
            before, after = example.words[words[place - 1]][1], example.words[words[place]][0]
            if is_prefixed(tags[place]) and any(before <= at < after for at in breaks):
                tags[place] = f"B{tags[place][1:]}"
        asked = {own: label for label, own in self.known(example.types).items()}
        found = []
        for span in read_tags(tags):
            if span.label not in asked:
                continue
            start, end = example.words[words[span.start]][0], example.words[words[span.end - 1]][1]
            score = float(probabilities_WL[span.start : span.end, self._columns[span.label]].sum(axis=1).mean())
            text = example.text[start:end]
            found.append(Entity(start=start, end=end, label=asked[span.label], text=text, score=score))
        return found


def _label_of(tag: str) -> str:
    return tag[2:] if is_prefixed(tag) else tag


def _described(label: str, entry: Mapping[str, str] | None) -> EntityType:
    if entry is None:
        return unnamed_type(label)
    return EntityType(name=entry["name"], description=entry.get("description", ""), label=label)


def load_model(
    name_or_path: str, config: Mapping[str, Any] | None = None, **loading: Any
) -> tuple[Any, "PreTrainedTokenizerBase"]:
    """Load a token classifier in float32, and its tokenizer, without remote code.

    Args:
        name_or_path: a folder, or a hub id.
        config: keys of its configuration to set. With them, the head of another set of labels is replaced by a new one.
        loading: further arguments of `from_pretrained`.

    Raises:
        InputError: it cannot be loaded, or it has no head and no labels are given.
    """
    from transformers import AutoConfig, AutoModelForTokenClassification, AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(name_or_path, trust_remote_code=False)
        own = AutoConfig.from_pretrained(name_or_path, trust_remote_code=False)
        own.update(dict(config or {}))
        _register_class(type(own))
        model, loaded = AutoModelForTokenClassification.from_pretrained(
            name_or_path,
            config=own,
            trust_remote_code=False,
            use_safetensors=True,
            dtype=torch.float32,
            ignore_mismatched_sizes=config is not None,
            output_loading_info=True,
            **loading,
        )
    except Exception as error:  # of a broken file, the libraries raise many kinds
        hint = "give a hub id or a folder with config.json and model.safetensors"
        raise InputError(f'model "{name_or_path}" cannot be loaded ({one_line(error, 200)}); {hint}') from error
    missing = sorted(loaded["missing_keys"])
    if missing and config is None:
        raise InputError(f"{name_or_path}: no weights for {', '.join(missing[:3])}; give a model that was trained to tag words")
    if not tokenizer.is_fast:
        raise InputError(f"{name_or_path}: its tokenizer is not a fast one; take another model")
    return model, tokenizer


def _register_class(config_class: Any) -> None:
    """Tell transformers how to build a token classifier of a decoder for which it has none, such as Gemma 3: as it does others.

    Args:
        config_class: the class of its configuration.
    """
    from transformers import MODEL_FOR_TOKEN_CLASSIFICATION_MAPPING, MODEL_MAPPING, AutoModelForTokenClassification
    from transformers.modeling_layers import GenericForTokenClassification

    if config_class in MODEL_FOR_TOKEN_CLASSIFICATION_MAPPING or config_class not in MODEL_MAPPING:
        return
    encoder: Any = MODEL_MAPPING[config_class]
    name = config_class.__name__.removesuffix("Config") + "ForTokenClassification"
    made = type(name, (GenericForTokenClassification, encoder.__base__), {"config_class": config_class})
    AutoModelForTokenClassification.register(config_class, made, exist_ok=True)  # without it, nothing is done for its own classes
