"""Read what chat models answer: the JSON in it, the entities that it lists, and where these stand in the text."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from spanmatch.data.words import split_words

# What a model says to itself before it answers.
_THINKING = re.compile(r"<think(?:ing)?>.*?</think(?:ing)?>", re.DOTALL)
_OPENS = re.compile(r"[{\[]")
_ENTITIES, _TEXT, _TYPE = "entities", ("text", "mention", "entity"), ("type", "label")


@dataclass(kw_only=True)
class Listed:
    """Holds what an answer lists.

    Attributes:
        mentions: the text and the type of each entity, as the model writes them.
        num_unreadable: items of the list that are no entity.
    """

    mentions: list[tuple[str, str]] = field(default_factory=list)
    num_unreadable: int = 0


def json_values(answer: str) -> Iterator[Any]:
    """Yield the JSON objects and lists that stand in an answer, whatever stands around them, such as code fences.

    Of an answer that was cut off, the inner values are not yielded: they would be taken for the whole.

    Args:
        answer: what the model wrote.
    """
    text = _THINKING.sub("", answer).rstrip()
    decoder, position = json.JSONDecoder(), 0
    while (opened := _OPENS.search(text, position)) is not None:
        try:
            value, position = decoder.raw_decode(text, opened.start())
        except json.JSONDecodeError as error:
            if error.pos >= len(text) or error.msg.startswith("Unterminated"):
                return
            position = opened.end()
        except (ValueError, RecursionError):  # a number of thousands of digits, thousands of brackets
            return
        else:
            yield value


def read_entities(answer: str) -> Listed | None:
    """Read the entities of an answer.

    The form is `{"entities": [{"text", "type"}]}`. Also taken are the list alone, pairs `["Ada", "person"]` in it, and
    `{"person": ["Ada"]}`.

    Args:
        answer: what the model wrote.

    Returns:
        The entities; None if the answer has none of these forms.
    """
    return next((listed for value in json_values(answer) if (listed := entities_of(value)) is not None), None)


def entities_of(value: Any) -> Listed | None:
    """Read the entities of a JSON value (see `read_entities`).

    Args:
        value: a value as `json` reads it.
    """
    if isinstance(value, dict) and _ENTITIES in value:
        value = value[_ENTITIES] or []
    listed = Listed()
    for item in value if isinstance(value, list) else [value]:
        found = _mentions_of(item)
        listed.mentions += found or []
        listed.num_unreadable += found is None
    return None if listed.num_unreadable and not listed.mentions else listed


def _mentions_of(item: Any) -> list[tuple[str, str]] | None:
    """Return the entities of one item of a list, None if it is no entity."""
    if isinstance(item, list) and len(item) == 2 and all(map(_is_text, item)):
        return [(str(item[0]), str(item[1]))]
    if not isinstance(item, dict):
        return None
    text, kind = (next((item[key] for key in keys if _is_text(item.get(key))), None) for keys in (_TEXT, _TYPE))
    if text is not None and kind is not None:
        return [(str(text), str(kind))]
    by_type = {name: value if isinstance(value, list) else [] if value is None else [value] for name, value in item.items()}
    if not all(_is_text(mention) for mentions in by_type.values() for mention in mentions):
        return None
    return [(str(mention), name) for name, mentions in by_type.items() for mention in mentions]


def _is_text(value: Any) -> bool:
    """Return whether a value is a text, or a number, which some models write without quotes."""
    return isinstance(value, (str, int, float)) and not isinstance(value, bool)


def align(text: str, mentions: Sequence[str]) -> list[tuple[int, int] | None]:
    """Find mentions in their text.

    A mention that is listed several times takes one occurrence after the other, each at most once. Whole words come before parts
    of words, and occurrences that no longer mention has taken before others ("York" is not found in "New York" if it also
    stands alone). White space may differ, as where a line was wrapped, and case, if the mention occurs in no other way.

    Args:
        text: the text.
        mentions: its mentions, as the model lists them.

    Returns:
        The half-open offsets of each mention; None where there is no occurrence, or none is left.
    """
    words = split_words(text)
    starts, ends = {start for start, _ in words}, {end for _, end in words}
    places: dict[str, list[int]] = {}
    for place, mention in enumerate(mentions):
        places.setdefault(" ".join(mention.split()), []).append(place)
    found: list[tuple[int, int] | None] = [None] * len(mentions)
    taken: list[tuple[int, int]] = []

    def rank(span: tuple[int, int]) -> tuple[bool, bool, int]:
        is_part = span[0] not in starts or span[1] not in ends
        return is_part, any(start < span[1] and span[0] < end for start, end in taken), span[0]

    for mention in sorted(places, key=len, reverse=True):
        free = [span for span in _occurrences(text, mention) if span not in taken]
        chosen = sorted(sorted(free, key=rank)[: len(places[mention])])
        taken += chosen
        for place, span in zip(places[mention], chosen, strict=False):
            found[place] = span
    return found


def _occurrences(text: str, mention: str) -> list[tuple[int, int]]:
    if not mention:
        return []
    pattern = r"\s+".join(map(re.escape, mention.split()))
    exact = [match.span() for match in re.finditer(pattern, text)]
    return exact or [match.span() for match in re.finditer(pattern, text, re.IGNORECASE)]
