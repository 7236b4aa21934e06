"""What tags for the page: a model in this process, or a running `spanmatch serve`."""

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

import httpx
import streamlit as st

from spanmatch.apps.demo.options import is_address
from spanmatch.apps.server.options import API_KEY_VARIABLE
from spanmatch.data.examples import Example
from spanmatch.data.words import split_words
from spanmatch.entities import Entity, EntityType, Inventory
from spanmatch.errors import InputError, one_line
from spanmatch.prediction.tagger import StreamOptions, Tagger, load_tagger
from spanmatch.prediction.thresholds import DEFAULT_THRESHOLD

# The lowest threshold of the page. A model in this process scores a text once, down to here.
FLOOR = 0.01
TEXTS_PER_REQUEST = 32
TIMEOUT_SECONDS = 60


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """Holds what was found in one text.

    Attributes:
        scored: entities above the lowest threshold that was asked for. None overlap, and the best come first where some would:
            so those above a higher threshold are what that threshold alone would give.
        own: entities above the thresholds that the model keeps for each type; None if it keeps none.
    """

    scored: list[Entity]
    own: list[Entity] | None


class Source(Protocol):
    """Tags texts for the page.

    Attributes:
        name: what the page calls it.
        threshold: the threshold that it stores, 0.5 without one.
        per_type: thresholds that it keeps for single types, by normalised name.
        types: the types that it knows, None if any type can be asked for.
        floor: texts are scored down to here at once; None if each threshold is asked for.
    """

    name: str
    threshold: float
    per_type: Mapping[str, float]
    types: tuple[str, ...] | None
    floor: float | None

    def find(self, texts: Sequence[str], types: Inventory, lowest: float) -> list[Found]:
        """Return what is found in each text.

        Args:
            texts: the texts.
            types: the types to look for.
            lowest: what scores have to exceed.
        """


class TaggerSource:
    """Tags with a tagger in this process; a `Source`."""

    floor: float | None = FLOOR

    def __init__(self, name: str, tagger: Tagger) -> None:
        """Wrap a tagger.

        Args:
            name: what the page calls it.
            tagger: the tagger.
        """
        calibration = tagger.calibration
        self.name, self._tagger = name, tagger
        self.threshold = calibration.threshold if calibration is not None else DEFAULT_THRESHOLD
        self.per_type: Mapping[str, float] = calibration.per_type if calibration is not None else {}
        self.types = None if tagger.types is None else tuple(item.name for item in tagger.types)

    def find(self, texts: Sequence[str], types: Inventory, lowest: float) -> list[Found]:
        """Return what is found in each text (see `Source.find`).

        Args:
            texts: the texts.
            types: the types to look for.
            lowest: what scores have to exceed.
        """
        examples = [
            Example(where=f"text {number}", text=text, words=split_words(text), mentions=(), types=types)
            for number, text in enumerate(texts, 1)
        ]
        stream = self._tagger.stream_scored(examples, floor=lowest, threshold=None, overlap="flat", options=StreamOptions())
        return [Found(scored=scored, own=own if self.per_type else None) for own, scored in stream]


class ApiSource:
    """Tags through the HTTP API; a `Source`."""

    floor: float | None = None

    def __init__(self, address: str, api_key: str | None) -> None:
        """Ask an API which model it has.

        Args:
            address: where it listens.
            api_key: the key that it wants, None for none.

        Raises:
            InputError: nothing answers there, or something else than `spanmatch serve`.
        """
        self._address, self._headers = address.rstrip("/"), {} if api_key is None else {"x-api-key": api_key}
        answer = self._ask("GET", "/models")
        try:
            [model] = answer
            self.name = f"{model['name']} at {address}"
            self.threshold = DEFAULT_THRESHOLD if model["threshold"] is None else float(model["threshold"])
            self.types = None if model["types"] is None else tuple(map(str, model["types"]))
        except (KeyError, TypeError, ValueError) as error:
            raise self._other_answer(error) from error
        self.per_type: Mapping[str, float] = {}

    def find(self, texts: Sequence[str], types: Inventory, lowest: float) -> list[Found]:
        """Return what is found in each text (see `Source.find`).

        Args:
            texts: the texts.
            types: the types to look for.
            lowest: what scores have to exceed.
        """
        asked = {item.name: item.description for item in types}
        found: list[Found] = []
        for first in range(0, len(texts), TEXTS_PER_REQUEST):
            part = texts[first : first + TEXTS_PER_REQUEST]
            answers = self._ask("POST", "/predict/", json={"texts": part, "entity_types": asked, "threshold": lowest})
            try:
                found += [
                    Found(scored=[_entity(item, text, asked) for item in answer["entities"]], own=None)
                    for text, answer in zip(part, answers, strict=True)
                ]
            except (KeyError, TypeError, ValueError) as error:
                raise self._other_answer(error) from error
        return found

    def _ask(self, method: str, path: str, **given: Any) -> Any:
        try:
            answer = httpx.request(method, self._address + path, headers=self._headers, timeout=TIMEOUT_SECONDS, **given)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            problem = f"no answer ({one_line(error)})"
            raise InputError(f"{self._address}: {problem}; start spanmatch serve there, or check the address") from error
        if answer.status_code == 401:
            raise InputError(f"{self._address}: the API wants a key; start spanmatch demo with it in {API_KEY_VARIABLE}")
        try:
            content = answer.json()
            if answer.is_success:
                return content
            said = str(content["error"])
        except (KeyError, TypeError, ValueError) as error:
            raise self._other_answer(error) from error
        raise InputError(f"{self._address}: {said}")

    def _other_answer(self, error: Exception) -> InputError:
        return InputError(f"{self._address}: what answers there is not spanmatch serve ({one_line(error)}); check the address")


def _entity(item: Mapping[str, Any], text: str, asked: Collection[str]) -> Entity:
    start, end, label = int(item["start"]), int(item["end"]), item["entity_group"]
    if not 0 <= start < end <= len(text) or label not in asked:
        raise ValueError(f"{label} from {start} to {end} is no entity of the text")
    return Entity(start=start, end=end, label=label, text=text[start:end], score=float(item["score"]))


def open_source(place: str) -> Source:
    """Return what tags.

    Args:
        place: a checkpoint folder, a name that ships, a hub id, or the address of an API.

    Raises:
        InputError: there is no such model, or nothing answers there.
    """
    return open_api(place) if is_address(place) else open_tagger(place)


@cache
def open_tagger(name: str) -> TaggerSource:
    """Load a model, once for all visitors.

    Args:
        name: a checkpoint folder, a name that ships, or a hub id.

    Raises:
        InputError: there is no such model.
    """
    return TaggerSource(name, load_tagger(name))


@st.cache_resource(show_spinner="Asking the API ...", ttl=60)  # another model may be started there
def open_api(address: str) -> ApiSource:
    """Ask an API which model it has.

    Args:
        address: where it listens.

    Raises:
        InputError: nothing answers there.
    """
    return ApiSource(address, os.environ.get(API_KEY_VARIABLE) or None)


def known(source: Source, types: Inventory) -> Inventory:
    """Return the types that a model can be asked for.

    Args:
        source: what tags.
        types: what the user looks for.

    Raises:
        InputError: it knows none of them.
    """
    if source.types is None:
        return types
    keys = {EntityType(name=name).key for name in source.types}
    found = Inventory(item for item in types if item.key in keys)
    if not found:
        raise InputError(f"{source.name} knows no other types than {', '.join(source.types)}; look for one of these")
    return found
