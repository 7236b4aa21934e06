"""`PromptedTagger`: asks a chat model for the entities of a text, by a prompt that names and describes the types."""

import hashlib
import json
import logging
import re
import threading
import weakref
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from functools import partial
from pathlib import Path
from typing import Any

from spanmatch.baselines.answers import align, read_entities
from spanmatch.baselines.chat_client import ChatClient, Endpoint, Message, check_trusted
from spanmatch.baselines.plain_tagger import PlainTagger
from spanmatch.batching.candidates import Unrepresentable
from spanmatch.data.corpus import read_corpus
from spanmatch.data.examples import Example
from spanmatch.data.files import home_path, read_json, read_text, write_whole
from spanmatch.data.labels import SIDECAR
from spanmatch.data.line_breaks import hard_breaks
from spanmatch.data.words import is_visible
from spanmatch.entities import Entity, EntityType, Inventory, normalise
from spanmatch.errors import InputError, nearest
from spanmatch.prediction.shipped import CONFIG_FILE, checkpoint_folder
from spanmatch.prediction.thresholds import Calibration

logger = logging.getLogger(__name__)

# What `config.json` says the folder holds, and the files beside it.
PROMPTED = "prompted"
TEMPLATE_FILE, EXAMPLES_FILE = "template.txt", "examples.jsonl"
DEFAULT_TEMPLATE = Path(__file__).parent / "prompts" / "tagging.txt"
TYPES_PLACE = "{types}"

_BROKEN = 'That is not the JSON that was asked for. Answer with {"entities": [{"text": "...", "type": "..."}]} and nothing else.'
# An answer that is no JSON may go on and on. So much of it is shown to the model again.
_MAX_SHOWN = 2000
_SENTENCE_END = re.compile(r"[.!?…]['\"”’)\]]*\s+|[。！？]")


@dataclass(frozen=True, kw_only=True)
class Prompt:
    """Says what a model is told, and how often.

    Attributes:
        template: the instruction, with `{types}` where names and descriptions of the types go.
        examples: annotated texts that are shown with their answers.
        max_chars: characters of a text that are sent at a time; a longer text is sent in parts.
        num_retries: how often to ask again after an answer that is not JSON.

    Raises:
        InputError: the template has no place for the types, or a number is too low.
    """

    template: str = field(default_factory=lambda: read_text(DEFAULT_TEMPLATE))
    examples: Sequence[Example] = ()
    max_chars: int = 4000
    num_retries: int = 2

    def __post_init__(self) -> None:
        if TYPES_PLACE not in self.template:
            raise InputError(f"the template of the prompt has no {TYPES_PLACE}; write it where the types go")
        for name, lowest in (("max_chars", 100), ("num_retries", 0)):
            if getattr(self, name) < lowest:
                raise InputError(f"{name} must be at least {lowest}, got {getattr(self, name)}")

    def messages(self, types: Inventory, text: str) -> list[Message]:
        """Return what is sent: the instruction, the examples that suit the types, the text.

        An example suits if it was annotated for all of the types: of another type, it could have entities that it does not list.

        Args:
            types: the types to look for.
            text: the text.
        """
        keys = {item.key for item in types}
        messages = [{"role": "system", "content": self.template.replace(TYPES_PLACE, listed_types(types)).strip()}]
        for example in self.examples:
            name_of = {item.label: item.name for item in example.types if item.key in keys}
            if len(name_of) == len(keys):
                mentions = [item for item in sorted(example.mentions) if item.label in name_of]
                entities = [{"text": example.text[item.start : item.end], "type": name_of[item.label]} for item in mentions]
                messages.append({"role": "user", "content": example.text})
                messages.append({"role": "assistant", "content": json.dumps({"entities": entities}, ensure_ascii=False)})
        return [*messages, {"role": "user", "content": text}]


def listed_types(types: Sequence[EntityType]) -> str:
    """Return the types as a prompt has them: a line for each, with its description.

    Args:
        types: the types.
    """
    return "\n".join(f"- {item.text}" for item in types)


class PromptedTagger(PlainTagger):
    """Tags texts with any types, by asking a chat model. Nothing is trained.

    >>> tagger = PromptedTagger(Endpoint(base_url="http://localhost:11434/v1", model="qwen3:4b"))
    >>> tagger.predict("Ada Lovelace met Charles Babbage in London.", ["person", "city"])

    Attributes:
        client: what asks; it counts requests and tokens.
        prompt: what is asked.
        counts: what has been asked and found since the tagger was made, `client.counts` included.
    """

    def __init__(self, endpoint: Endpoint, prompt: Prompt | None = None, *, calibration: Calibration | None = None) -> None:
        """Make a tagger; nothing is sent yet.

        Args:
            endpoint: which model is asked, and how.
            prompt: what is asked; by default the template of the package, without examples.
            calibration: calibrated thresholds, if there are any.

        Raises:
            InputError: the package openai is not installed, or the cache cannot be opened.
        """
        super().__init__(calibration)
        self.client, self.prompt = ChatClient(endpoint), prompt or Prompt()
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()  # a server asks in several threads
        self.batch_size = 8 * endpoint.concurrency  # one text that takes long does not keep the others waiting
        weakref.finalize(self, _tell, self.client, self._counts)

    @property
    def kind(self) -> str:
        """Return "prompted model"."""
        return "prompted model"

    @property
    def counts(self) -> Counter[str]:
        """Return what has been asked and found so far.

        Besides the counts of `ChatClient`: `broken_answers` that were asked for again, answers that `stayed_broken`, `mentions`
        found, mentions that are `not_in_text`, of an `unknown_type`, or `unreadable`; `texts_in_parts`.
        """
        return self._counts + self.client.counts

    @property
    def cost(self) -> float:
        """Return what the requests so far cost, by the prices of the endpoint."""
        return self.client.endpoint.cost(self.client.counts)

    @classmethod
    def from_pretrained(
        cls, name_or_path: str | Path, *, device: str | None = None, dtype: str | None = None, compile: bool = False
    ) -> "PromptedTagger":
        """Load what `spanmatch fit prompted` wrote.

        Args:
            name_or_path: a folder, or a hub id.
            device: must be None: the model runs elsewhere.
            dtype: must be None.
            compile: must be False.

        Raises:
            InputError: no such folder, or a file in it is wrong; the user's key would go to an unknown address.
        """
        for name, value in (("device", device), ("dtype", dtype), ("compile", compile)):
            if value:
                raise InputError(f"{name} has no effect on a prompted model, which runs at its endpoint; leave it out")
        folder = checkpoint_folder(name_or_path)
        config, where = read_json(folder / CONFIG_FILE), folder / CONFIG_FILE
        config = config if isinstance(config, dict) else {}
        endpoint = _read_settings(config.get("endpoint"), Endpoint, f"{where}: endpoint")
        if endpoint.cache_file is not None:
            endpoint = replace(endpoint, cache_file=str(folder / home_path(endpoint.cache_file)))
        check_trusted(endpoint, where)
        settings = _read_settings(config.get("prompt"), Prompt, f"{where}: prompt", without=("template", "examples"))
        examples = read_corpus(str(folder / EXAMPLES_FILE)).examples if (folder / EXAMPLES_FILE).is_file() else []
        prompt = replace(settings, template=read_text(folder / TEMPLATE_FILE), examples=examples)
        return cls(endpoint, prompt, calibration=Calibration.load(folder))

    def save_pretrained(self, folder: str | Path) -> None:
        """Write a folder that `from_pretrained` reads: settings, template and examples. It has no key.

        Args:
            folder: made if it is not there.
        """
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        prompt = {"max_chars": self.prompt.max_chars, "num_retries": self.prompt.num_retries}
        config = {"tagger": PROMPTED, "endpoint": asdict(self.client.endpoint), "prompt": prompt}
        write_whole(folder / CONFIG_FILE, json.dumps(config, indent=1, ensure_ascii=False) + "\n")
        write_whole(folder / TEMPLATE_FILE, self.prompt.template)
        types = {item.label: {"name": item.name, "description": item.description, "aliases": list(item.aliases)}
                 for example in self.prompt.examples for item in example.types}  # fmt: skip
        (folder / EXAMPLES_FILE).unlink(missing_ok=True)
        if types:
            rows = [json.dumps(_row(example), ensure_ascii=False) + "\n" for example in self.prompt.examples]
            write_whole(folder / SIDECAR, json.dumps(types, indent=1, ensure_ascii=False) + "\n")
            write_whole(folder / EXAMPLES_FILE, "".join(rows))
        if self.calibration is not None:
            self.calibration.save(folder)

    def fingerprint(self) -> dict[str, str]:
        """Return what the output depends on: the model's name with a digest of the prompt, and the endpoint."""
        endpoint, prompt = self.client.endpoint, self.prompt
        found = self.calibration
        examples = [_row(example) | {"types": [item.text for item in example.types]} for example in prompt.examples]
        settings: list[Any] = [endpoint.temperature, endpoint.max_tokens, endpoint.json_mode, prompt.template, examples]
        settings += [prompt.max_chars, prompt.num_retries, found and [found.threshold, dict(found.per_type)]]
        digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()
        return {
            "model": f"{endpoint.model}, prompt SHA-256 {digest[:12]}",
            "device": endpoint.base_url,
            "dtype": "the endpoint's",
        }

    def unrepresentable(self, examples: Sequence[Example], *, line_breaks: str | None = None) -> Unrepresentable:
        """Count the gold; none of it is out of reach, because a model may list any part of a text.

        Args:
            examples: texts with their gold.
            line_breaks: not used.
        """
        del line_breaks
        return Unrepresentable(num_gold=sum(len(example.mentions) for example in examples))

    def list_entities(self, examples: Sequence[Example], *, line_breaks: str | None = None) -> list[list[Entity]]:
        """List the entities of each example, asking for several at a time (see `PlainTagger.list_entities`).

        Args:
            examples: the texts of a batch, with their words and types.
            line_breaks: as in `StreamOptions`; by default an entity may cross all.

        Raises:
            InputError: the endpoint cannot be reached, or gives no answers.
        """
        listed = []
        for entities, counts in self.client.map(partial(self._read, line_breaks=line_breaks or "cross"), examples):
            with self._lock:
                self._counts.update(counts)
            listed.append(entities)
        return listed

    def _read(self, example: Example, *, line_breaks: str) -> tuple[list[Entity], Counter[str]]:
        """Return the entities of a text, and what happened on the way. Called in several threads."""
        counts: Counter[str] = Counter()
        parts = text_parts(example.text, self.prompt.max_chars)
        counts["texts_in_parts"] += len(parts) > 1
        breaks = hard_breaks(example.text, line_breaks)
        found: dict[tuple[int, int, str], Entity] = {}
        for start, end in parts:
            part = example.text[start:end]
            for (first, last), label in self._ask(part, example.types, counts) if is_visible(part) else ():
                first, last = start + first, start + last
                if not any(first < place < last for place in breaks):
                    text = example.text[first:last]
                    found[first, last, label] = Entity(start=first, end=last, label=label, text=text, score=1.0)
        counts["mentions"] += len(found)
        return list(found.values()), counts

    def _ask(self, text: str, types: Inventory, counts: Counter[str]) -> list[tuple[tuple[int, int], str]]:
        """Return offsets and label of each entity that the model finds in a part of a text."""
        messages = self.prompt.messages(types, text)
        for attempt in range(self.prompt.num_retries + 1):
            answer = self.client.ask(messages)
            if answer is None:
                return []
            if (listed := read_entities(answer)) is not None:
                break
            counts["broken_answers" if attempt < self.prompt.num_retries else "stayed_broken"] += 1
            shown = {"role": "assistant", "content": answer[:_MAX_SHOWN].strip() or "(no answer)"}
            messages = [*messages, shown, {"role": "user", "content": _BROKEN}]
        else:
            return []
        counts["unreadable"] += listed.num_unreadable
        labels = labels_of(types)
        known = [(mention, labels[normalise(kind)]) for mention, kind in listed.mentions if normalise(kind) in labels]
        counts["unknown_type"] += len(listed.mentions) - len(known)
        spans = align(text, [mention for mention, _ in known])
        counts["not_in_text"] += spans.count(None)
        return [(span, label) for span, (_, label) in zip(spans, known, strict=True) if span is not None]


def labels_of(types: Sequence[EntityType]) -> dict[str, str]:
    """Return the label of each type by what a model may call it: name, label or alias, normalised. A name comes first.

    Args:
        types: the types that were asked for.
    """
    found = {key: item.label for item in reversed(types) for key in item.alias_keys}
    found |= {normalise(item.label): item.label for item in reversed(types)}
    return found | {item.key: item.label for item in types}


def text_parts(text: str, max_chars: int) -> list[tuple[int, int]]:
    """Cut a text where it is longer than a prompt may be: behind a line, else a sentence, else a word, else anywhere.

    Args:
        text: any text.
        max_chars: the most characters of a part.

    Returns:
        The half-open offsets of the parts, which together are the text.
    """
    parts, start = [], 0
    while len(text) - start > max_chars:
        half, limit = start + max(1, max_chars // 2), start + max_chars
        sentence = max((match.end() for match in _SENTENCE_END.finditer(text, half, limit)), default=0)
        space = max((place + 1 for place in range(half, limit) if text[place].isspace()), default=0)
        end = text.rfind("\n", half, limit) + 1 or sentence or space or limit
        parts.append((start, end))
        start = end
    return [*parts, (start, len(text))]


def _row(example: Example) -> dict[str, Any]:
    """Return an example as a line of JSON of our schema."""
    spans = [{"start": item.start, "end": item.end, "label": item.label} for item in example.mentions]
    return {"text": example.text, "char_spans": spans, "labels": [item.label for item in example.types]}


def _read_settings(values: Any, kind: Any, where: str, without: Sequence[str] = ()) -> Any:
    """Return a dataclass of settings that a file holds.

    Raises:
        InputError: a key or a value is wrong.
    """
    valid = [item.name for item in fields(kind) if item.name not in without]
    unknown = [key for key in values if key not in valid] if isinstance(values, Mapping) else []
    if not isinstance(values, Mapping) or unknown:
        problem = f'unknown key "{unknown[0]}"; {nearest(unknown[0], valid)}' if unknown else "missing; fit it again"
        raise InputError(f"{where}: {problem}")
    try:
        return kind(**values)
    except (TypeError, AttributeError) as error:
        raise InputError(f"{where}: a value is of the wrong kind ({error}); fit it again") from error


def _tell(client: ChatClient, counts: Counter[str]) -> None:
    """Log once, when the tagger is not needed any more, what was asked and what went wrong."""
    named = {
        "mentions": "mentions",
        "texts_in_parts": "texts sent in parts",
        "broken_answers": "broken answers asked for again",
        "stayed_broken": "answers that stayed broken",
        "not_in_text": "mentions that are not in the text",
        "unknown_type": "mentions of an unknown type",
        "unreadable": "unreadable mentions",
    }
    if client.counts:
        found = [f"{what} {counts[key]:,}" for key, what in named.items() if counts[key] or key == "mentions"]
        logger.warning("%s: %s; %s", client.endpoint.model, client.summary(), ", ".join(found))
