"""`GenerativeTagger`: tags by what a causal language model writes about a text."""

import hashlib
import json
import logging
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from transformers import GenerationConfig

from spanmatch.baselines.chat_format import (
    INSTRUCTION_PLACE,
    TEXT_PLACE,
    AnswerCounts,
    flat_words,
    is_form,
    prompt_form,
    read_answer,
)
from spanmatch.baselines.chat_prompts import ChatPrompts, Part
from spanmatch.baselines.generation import Written, generate
from spanmatch.baselines.grammar import AnswerGrammar, longest_answer
from spanmatch.baselines.plain_tagger import PlainTagger
from spanmatch.data.examples import Example
from spanmatch.data.files import read_json, write_whole
from spanmatch.data.line_breaks import hard_breaks
from spanmatch.data.tags import OUTSIDE, read_tags
from spanmatch.entities import Entity
from spanmatch.errors import InputError, one_line
from spanmatch.model import devices
from spanmatch.model.lora import load_adapters
from spanmatch.model.pretrained import max_positions, resolve_encoder
from spanmatch.prediction.shipped import CONFIG_FILE, checkpoint_folder
from spanmatch.prediction.tagger import StreamOptions
from spanmatch.prediction.thresholds import Calibration
from spanmatch.prediction.type_embeddings import weights_digest

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

logger = logging.getLogger(__name__)

# What `config.json` says the folder holds, and where the settings are.
GENERATIVE, SETTINGS_KEY = "generative", "generative"
# Instruction, text and answer together, in tokens, unless the user says otherwise.
MAX_LENGTH = 1024
# A probability below this would have no finite logit after rounding.
_LEAST_SCORE = 1e-9


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Says how a model is asked.

    Attributes:
        prompt: what it reads before it answers (see `chat_format.prompt_form`).
        max_length: tokens of instruction, text and answer together; longer texts are cut into parts.
        constrained: whether it may write nothing but answers that can be read.
        base: hub id or folder of the model that the adapters belong to, None if the folder holds a whole model.

    Raises:
        ValueError: the prompt has no places for instruction and text.
    """

    prompt: str
    max_length: int = MAX_LENGTH
    constrained: bool = False
    base: str | None = None

    def __post_init__(self) -> None:
        if not is_form(self.prompt):
            raise ValueError(f"expected a prompt with {INSTRUCTION_PLACE} and {TEXT_PLACE}, got {self.prompt[:60]!r}")


class GenerativeTagger(PlainTagger):
    """Tags texts with any types, by generation. It is best at those that it was trained on.

    >>> tagger = GenerativeTagger.from_pretrained("models/generative")
    >>> tagger.predict("Ada Lovelace met Charles Babbage in London.", ["person", "city"])

    Attributes:
        counts: what became of all answers so far.
    """

    batch_size = 16

    def __init__(
        self, model: Any, tokenizer: "PreTrainedTokenizerBase", settings: Settings, *, calibration: Calibration | None = None
    ) -> None:
        """Make a tagger of a model and its tokenizer.

        Args:
            model: a causal language model of transformers, or one with adapters of PEFT.
            tokenizer: its fast tokenizer.
            settings: how it is asked.
            calibration: calibrated thresholds, if there are any.

        Raises:
            InputError: the tokenizer is not a fast one, or has no end token; or XGrammar is needed and missing.
        """
        super().__init__(calibration)
        if not tokenizer.is_fast:
            raise InputError(f"{tokenizer.name_or_path}: its tokenizer is not a fast one; take another model")
        if tokenizer.pad_token is None:
            if tokenizer.eos_token is None:
                raise InputError(f"{tokenizer.name_or_path}: its tokenizer has no token that ends a text; take another model")
            tokenizer.pad_token = tokenizer.eos_token
        tokenizer.padding_side = "left"
        self.model, self.tokenizer, self.settings = model, tokenizer, settings
        self.prompts = ChatPrompts(tokenizer, settings.prompt, settings.max_length)
        self.counts = AnswerCounts()
        self._was_told = False
        self._grammar = AnswerGrammar(tokenizer, len(model.get_output_embeddings().weight)) if settings.constrained else None
        # Sampling and penalties that a model's authors recommend for chats are not for answers of a fixed form.
        model.generation_config = GenerationConfig(
            do_sample=False, pad_token_id=tokenizer.pad_token_id, eos_token_id=tokenizer.eos_token_id
        )
        if settings.base is None:
            model.config.update({"tagger": GENERATIVE, SETTINGS_KEY: asdict(settings)})

    @property
    def kind(self) -> str:
        """Return "generative model"."""
        return "generative model"

    @classmethod
    def from_pretrained(
        cls,
        name_or_path: str | Path,
        *,
        constrained: bool | None = None,
        device: str | None = None,
        dtype: str | torch.dtype | None = None,
        compile: bool = False,
    ) -> "GenerativeTagger":
        """Load what `spanmatch fit generative` wrote.

        Args:
            name_or_path: a folder, or a hub id.
            constrained: let it write nothing but answers that can be read; by default as its configuration says.
            device: "cpu", "cuda", "mps", ...; by default the accelerator where there is one.
            dtype: "float32", "bfloat16", "float16"; by default what the device computes natively.
            compile: must be False.

        Raises:
            InputError: no such folder, weights that are missing or broken, or adapters whose model is not found.
        """
        if compile:
            raise InputError("a generative model is not compiled; leave compile out")
        target = devices.default_device() if device is None else devices.named_device(device)
        precision = devices.native_dtype(target) if dtype is None else devices.named_dtype(dtype)
        folder = checkpoint_folder(name_or_path)
        settings = _read_settings(folder, constrained)
        model, tokenizer = load_model(resolve_encoder(settings.base) if settings.base else str(folder), str(folder))
        if settings.base is not None:
            model = load_adapters(model, folder)
        return cls(merged(model).to(device=target, dtype=precision), tokenizer, settings, calibration=Calibration.load(folder))

    def save_pretrained(self, folder: str | Path) -> None:
        """Write a folder that `from_pretrained` reads: the adapters alone where there are some, else the whole model.

        Args:
            folder: made if it is not there.
        """
        if self.settings.base is None:
            self.model.save_pretrained(folder)
        else:
            self.model.active_peft_config.base_model_name_or_path = self.settings.base
            # It would ask the hub whether the base model has as many tokens.
            self.model.save_pretrained(folder, save_embedding_layers=False)
            config = {"tagger": GENERATIVE, SETTINGS_KEY: asdict(self.settings)}
            write_whole(Path(folder) / CONFIG_FILE, json.dumps(config, indent=1, ensure_ascii=False) + "\n")
        self.tokenizer.save_pretrained(folder)
        if self.calibration is not None:
            self.calibration.save(Path(folder))

    def fingerprint(self) -> dict[str, str]:
        """Return what the output depends on: a digest of weights, settings and calibration, the device, the dtype."""
        found = self.calibration
        thresholds = found and [found.threshold, dict(found.per_type)]
        settings = json.dumps([asdict(self.settings), thresholds], sort_keys=True)
        digest = hashlib.sha256((settings + weights_digest(self.model.state_dict().items())).encode()).hexdigest()
        dtype = str(self.model.dtype).removeprefix("torch.")
        return {"model": f"SHA-256 {digest[:12]}", "device": self.model.device.type, "dtype": dtype}

    def _listed(self, examples: Iterable[Example], options: StreamOptions) -> Iterator[tuple[Example, list[Entity]]]:
        """Yield each example with all entities that are listed for it; tell once what could not be used."""
        yield from super()._listed(examples, options)
        lost = self.counts.lost()
        if lost and not self._was_told:
            self._was_told = True
            logger.warning("what the model wrote: %s", lost)

    def list_entities(self, examples: Sequence[Example], *, line_breaks: str | None = None) -> list[list[Entity]]:
        """List the entities of each example, among its types (see `PlainTagger.list_entities`).

        Args:
            examples: the texts of a batch, with their words and types.
            line_breaks: as in `StreamOptions`; by default "auto".
        """
        words = [flat_words(example) for example in examples]
        parts = self.prompts.parts(examples)
        asked = sum(len(example.words) for example in examples if example.types)
        self.counts.words_too_long += asked - sum(len(part.words) for part in parts)
        labels = [[0] * len(own) for own in words]
        log_probabilities: list[dict[int, list[float]]] = [{} for _ in examples]
        for part, written in self._answers(parts, examples, words):
            read = read_answer(written.text, _of_part(words, part), examples[part.text].types)
            self.counts.add(read.counts)
            for item in read.words:
                place = part.words[item.word]
                labels[part.text][place] = item.label
                log_probabilities[part.text][place] = written.between(item.start, item.end + 1)  # with the end of the line
        return [_entities(*one, line_breaks or "auto") for one in zip(examples, labels, log_probabilities, strict=True)]

    def _answers(
        self, parts: Sequence[Part], examples: Sequence[Example], words: Sequence[Sequence[str]]
    ) -> Iterator[tuple[Part, Written]]:
        """Yield parts, the longest first, with what the model writes about each."""
        self.model.eval()
        devices.use_no_lost_threads()
        order = sorted(parts, key=lambda part: -len(part.ids))
        for first in range(0, len(order), self.batch_size):
            batch = order[first : first + self.batch_size]
            limit, constraint = max(part.max_answer for part in batch), None
            if self._grammar is not None:
                asked = [(_of_part(words, part), examples[part.text].types) for part in batch]
                constraint = self._grammar.logits_processor(asked)
                limit = max(longest_answer(*own) for own in asked)  # in bytes: it has no more tokens than these
            prompts = [part.ids for part in batch]
            written = generate(self.model, self.tokenizer, prompts, max_new_tokens=limit, constraint=constraint)
            yield from zip(batch, written, strict=True)


def _of_part(words: Sequence[Sequence[str]], part: Part) -> Sequence[str]:
    """Return the words of a part of a text."""
    return words[part.text][part.words.start : part.words.stop]


def _entities(
    example: Example, labels: Sequence[int], log_probabilities: dict[int, list[float]], line_breaks: str
) -> list[Entity]:
    """Return the entities of a text from the labels of its words, and from the tokens of the line of each."""
    tags = [f"{'IB'[label % 2]}-{(label - 1) // 2}" if label else OUTSIDE for label in labels]
    breaks = hard_breaks(example.text, line_breaks)
    for word in range(1, len(tags)):
        before, after = example.words[word - 1][1], example.words[word][0]
        if tags[word] != OUTSIDE and any(before <= at < after for at in breaks):
            tags[word] = f"B{tags[word][1:]}"
    found = []
    for span in read_tags(tags):
        start, end = example.words[span.start][0], example.words[span.end - 1][1]
        values = [value for word in range(span.start, span.end) for value in log_probabilities[word]]
        score = max(math.exp(sum(values) / len(values)), _LEAST_SCORE)
        label = example.types[int(span.label)].label
        found.append(Entity(start=start, end=end, label=label, text=example.text[start:end], score=score))
    return found


def load_model(name_or_path: str, tokenizer_path: str) -> tuple[Any, "PreTrainedTokenizerBase"]:
    """Load a causal language model in float32, and a tokenizer, without remote code.

    Args:
        name_or_path: hub id or folder of the model.
        tokenizer_path: that of the tokenizer.

    Raises:
        InputError: it cannot be loaded, or it has no weights to generate with.
    """
    from transformers import AutoModelForCausalLM, AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(tokenizer_path, trust_remote_code=False)
        found: Any = AutoModelForCausalLM.from_pretrained(
            name_or_path, trust_remote_code=False, use_safetensors=True, dtype=torch.float32, output_loading_info=True
        )
    except Exception as error:  # of a broken file, the libraries raise many kinds
        hint = "give a hub id or a folder with config.json and model.safetensors"
        raise InputError(f'model "{name_or_path}" cannot be loaded ({one_line(error, 200)}); {hint}') from error
    model, loaded = found
    missing = sorted(loaded["missing_keys"])
    if missing:
        raise InputError(f"{name_or_path}: no weights for {', '.join(missing[:3])}; give a causal language model")
    return model, tokenizer


def new_settings(model: Any, tokenizer: Any, *, max_length: int | None, constrained: bool, base: str | None) -> Settings:
    """Return the settings of a model that was not trained to tag yet.

    Args:
        model: the model.
        tokenizer: its tokenizer, with or without a chat template.
        max_length: see `Settings`; None: as the model allows, at most `MAX_LENGTH`.
        constrained: see `Settings`.
        base: see `Settings`.

    Raises:
        InputError: its chat template cannot be used.
    """
    length = min(max_length or MAX_LENGTH, max_positions(model.config, tokenizer))
    return Settings(prompt=prompt_form(tokenizer), max_length=length, constrained=constrained, base=base)


def merged(model: Any) -> Any:
    """Return a model that generates as fast as without adapters: they are added to the weights, and can be taken out again.

    Args:
        model: a model, changed in place if it has adapters.
    """
    if hasattr(model, "merge_adapter"):
        model.merge_adapter()
    return model


def _read_settings(folder: Path, constrained: bool | None) -> Settings:
    """Read the settings of a folder, and change whether it decodes with constraints if that is given."""
    file = folder / CONFIG_FILE
    values: Any = read_json(file, "give the folder that spanmatch fit generative wrote").get(SETTINGS_KEY)
    try:
        settings = Settings(**values)
    except (TypeError, ValueError) as error:
        raise InputError(f'{file}: "{SETTINGS_KEY}" cannot be read ({one_line(error)}); copy the folder again') from error
    return settings if constrained is None else replace(settings, constrained=constrained)
