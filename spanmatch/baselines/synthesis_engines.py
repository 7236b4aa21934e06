"""What makes annotated texts: a chat model, patterns that are filled, or a file of what a model once answered.

An engine gives drafts: texts with the offsets of their entities. It counts what it rejects.
"""

import hashlib
import json
import random
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from spanmatch.baselines.answers import json_values
from spanmatch.baselines.chat_client import ChatClient
from spanmatch.baselines.filling import SLOT, is_drawn_without_list, sample
from spanmatch.baselines.prompted import labels_of, listed_types
from spanmatch.baselines.synthesis_drafts import Draft, is_whole, read_drafts, texts_of
from spanmatch.baselines.synthesis_options import GenerateOptions
from spanmatch.data.files import read_json, read_text
from spanmatch.data.formats.reading import json_values as file_values
from spanmatch.data.words import is_visible
from spanmatch.entities import EntityType, Inventory, Mention, normalise
from spanmatch.errors import InputError, nearest

DEFAULT_PROMPT = Path(__file__).parent / "prompts" / "synthesis.txt"
_PLACES = ("{num_texts}", "{types}")
_STYLES = (
    "One sentence each.",
    "Two or three sentences each.",
    "A paragraph each, of four to six sentences.",
    "Informal, as in messages and chats: some in lower case, some with typing errors.",
    "Formal, as in reports, contracts and letters.",
    "Headlines, notes, questions and requests.",
)


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Says what an engine should make next.

    Attributes:
        num: how many texts are missing.
        focus: the types that have the fewest mentions so far.
        request: a name of this request; it is the same if a run that was killed comes here again.
        seen: the texts that there are, as `same_as` returns them.
        same_as: returns what two texts have in common that count as one.
    """

    num: int
    focus: Sequence[EntityType]
    request: str
    seen: Collection[str]
    same_as: Callable[[str], str]


class Engine(Protocol):
    """Makes annotated texts.

    Attributes:
        rejected: what was left out, by the reason.
        asked: what the texts depend on, by names that a user knows.
    """

    rejected: Counter[str]
    asked: Mapping[str, str]

    def drafts(self, wanted: Wanted) -> list[Draft]:
        """Return new drafts; there may be more or fewer than are wanted.

        Args:
            wanted: what is missing.

        Raises:
            InputError: the engine can give no more.
        """

    def summary(self) -> str:
        """Return what was used, as a part of a sentence; empty if that is nothing."""


class ChatEngine:
    """Asks a chat model for several texts at a time."""

    def __init__(self, options: GenerateOptions, types: Inventory) -> None:
        """Read the prompt; nothing is sent yet.

        Args:
            options: which model is asked, and for what.
            types: the types of the entities.

        Raises:
            InputError: the prompt cannot be read, or has no place for something.
        """
        file = DEFAULT_PROMPT if options.prompt is None else Path(options.prompt)
        self._prompt = read_text(file)
        missing = [place for place in _PLACES if place not in self._prompt]
        if missing:
            raise InputError(f"{file}: has no {missing[0]}; write it where that goes")
        self.rejected: Counter[str] = Counter()
        self._options, self._types, self._client = options, types, ChatClient(options.chat)
        self.asked: Mapping[str, str] = {
            "domain": options.domain or "none",
            "endpoint": options.endpoint,
            "model": options.model,
            "temperature": options.temperature,
            "batch": str(options.batch),
            "prompt": digest(self._prompt),
        }

    def drafts(self, wanted: Wanted) -> list[Draft]:
        """Ask as many times at once as the endpoint allows, and read the answers.

        Args:
            wanted: what is missing.

        Raises:
            InputError: the endpoint gives no answers.
        """
        num_requests = min(self._client.endpoint.concurrency, -(-wanted.num // self._options.batch))
        prompts = [self._message(wanted, f"{wanted.request}-{index}") for index in range(num_requests)]
        answers = self._client.map(lambda prompt: self._client.ask([{"role": "user", "content": prompt}]), prompts)
        drafts: list[Draft] = []
        for answer in answers:
            if answer is not None:  # else it was refused, and the client has counted it
                found = next((own for value in json_values(answer) if (own := texts_of(value)) is not None), None)
                drafts += read_drafts(found, self._types, self.rejected)
        return drafts

    def _message(self, wanted: Wanted, request: str) -> str:
        num, domain = self._options.batch, self._options.domain
        values = {
            "num_texts": str(num),
            "domain": f"They are about: {domain}\n" if domain else "They are of many kinds, from many fields.\n",
            "types": listed_types(self._types),
            "focus": ", ".join(item.name for item in wanted.focus),
            "style": random.Random(request).choice(_STYLES),
            "request": request,
        }
        return re.sub(rf"\{{({'|'.join(values)})\}}", lambda place: values[place[1]], self._prompt).strip()

    def summary(self) -> str:
        """Return requests, tokens and cost."""
        return self._client.summary()


class TemplateEngine:
    """Fills the patterns that a user gives in a file: `{"patterns": ["{person} left {city}."], "values": {"person": [...]}}`."""

    def __init__(self, options: GenerateOptions, types: Inventory) -> None:
        """Read and check the file.

        Args:
            options: the file, and the seed.
            types: the types of the entities. Slots of other names are filled, and not annotated.

        Raises:
            InputError: the file is of another form, a slot has no values, or a type no slot.
        """
        self.file = str(options.patterns)
        content = read_json(Path(self.file), 'give {"patterns": [...], "values": {name: [...]}}')
        self.rejected: Counter[str] = Counter()
        self.asked: Mapping[str, str] = {"patterns": digest(json.dumps(content))}
        self._labels, self._seed = labels_of(types), options.seed
        self._patterns, self._values = _patterns_of(self.file, content)
        slots = [SLOT.findall(pattern) for pattern in self._patterns]
        labels = {slot.partition("=")[0].partition(":")[0] for own in slots for slot in own}
        for item in types:
            if item.label not in map(self._label_of, labels):
                raise InputError(f'{self.file}: no pattern has a slot "{{{item.name}}}"; {nearest(item.name, labels)}')

    def _label_of(self, slot: str) -> str:
        return self._labels.get(normalise(slot), "")

    def drafts(self, wanted: Wanted) -> list[Draft]:
        """Return as many new texts as are wanted.

        Args:
            wanted: what is missing.

        Raises:
            InputError: there are not so many different texts.
        """
        rng, seen = random.Random(f"{self._seed} {wanted.request}"), set(wanted.seen)
        given: dict[str, Any] = {"label_of": self._label_of, "same_as": wanted.same_as}
        try:
            rows = list(sample(self._patterns, self._values, wanted.num, rng, seen, **given))
        except ValueError as error:
            raise InputError(f"{self.file}: {error}, or ask for fewer (--n)") from error
        return [Draft(text=row["text"], mentions=tuple(Mention(**span) for span in row["char_spans"])) for row in rows]

    def summary(self) -> str:
        """Return nothing: nothing is used up."""
        return ""


class FileEngine:
    """Reads texts that a model wrote elsewhere: a JSON list or JSON lines, in any form that `read_draft` knows."""

    def __init__(self, options: GenerateOptions, types: Inventory) -> None:
        """Remember the file.

        Args:
            options: the file.
            types: the types of the entities.
        """
        self.file, self._types = Path(str(options.answers)), types
        self.rejected: Counter[str] = Counter()
        self.asked: Mapping[str, str] = {"answers": digest(read_text(self.file))}

    def drafts(self, wanted: Wanted) -> list[Draft]:
        """Return all texts of the file.

        Args:
            wanted: not used.

        Raises:
            InputError: a line is no JSON.
        """
        del wanted
        drafts: list[Draft] = []
        for _, value in file_values(self.file):
            if isinstance(value, InputError):
                raise value
            drafts += read_drafts(texts_of(value), self._types, self.rejected)
        return drafts

    def summary(self) -> str:
        """Return nothing: nothing is used up."""
        return ""


def digest(text: str) -> str:
    """Return a short digest of a text, for a user to compare.

    Args:
        text: any text.
    """
    return f"SHA-256 {hashlib.sha256(text.encode()).hexdigest()[:12]}"


def _patterns_of(file: str, content: Any) -> tuple[list[str], dict[str, list[str]]]:
    """Check the content of a file of patterns; return the patterns, and the lists of values.

    Raises:
        InputError: it is of another form, or a slot has no values.
    """
    given = content if isinstance(content, dict) else {}
    patterns: Any = given.get("patterns")
    values: Any = given.get("values")
    if not (_are_texts(patterns) and isinstance(values, dict) and all(map(_are_texts, values.values()))):
        form = '{"patterns": ["{person} left {city}."], "values": {"person": ["Ada", ...], ...}}'
        raise InputError(f"{file}: expected {form}, with at least one text in each list")
    for place, texts in {"patterns": patterns, **values}.items():
        for slot in (found for text in texts for found in SLOT.findall(text)):
            if place == "patterns" and slot.partition("=")[2].strip():
                continue  # a fixed text
            name = slot.partition(":")[2] or slot if place == "patterns" else slot
            if name not in values and not is_drawn_without_list(name):
                raise InputError(f'{file}: "{place}" has a slot "{{{slot}}}", but no values for it; {nearest(name, values)}')
    _check_circles(file, values)
    return patterns, {name: [text.strip() for text in own] for name, own in values.items()}


def _are_texts(value: Any) -> bool:
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(item, str) and is_visible(item) and is_whole(item) for item in value)
    )


def _check_circles(file: str, values: Mapping[str, Sequence[str]]) -> None:
    """Refuse values that hold themselves, by whatever way."""

    def below(name: str) -> Iterator[str]:
        return (slot for text in values.get(name, ()) for slot in SLOT.findall(text))

    for name in values:
        reached, todo = set[str](), [*below(name)]
        while todo:
            if (slot := todo.pop()) not in reached:
                reached.add(slot)
                todo += below(slot)
        if name in reached:
            raise InputError(f'{file}: the values of "{name}" hold themselves; take the slot out of one')


ENGINES: Mapping[str, Callable[[GenerateOptions, Inventory], Engine]] = {
    "llm": ChatEngine,
    "templates": TemplateEngine,
    "file": FileEngine,
}
