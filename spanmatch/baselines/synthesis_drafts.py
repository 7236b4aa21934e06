"""Read the annotated texts that a model writes, and check their annotation."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from spanmatch.baselines.answers import align, entities_of
from spanmatch.baselines.prompted import labels_of
from spanmatch.data.tags import OUTSIDE, read_tags
from spanmatch.data.words import align_tokens, is_visible, split_words, tokens_to_chars
from spanmatch.entities import Inventory, Mention, check_text, normalise
from spanmatch.errors import InputError

# Why a text is rejected.
_NOT_THERE, _NOT_READABLE = "texts with a mention that is not in them", "texts with unreadable entities"
_Found = list[tuple[tuple[int, int], str]]


@dataclass(frozen=True, kw_only=True)
class Draft:
    """Holds an annotated text: its spans do not overlap, and are in order."""

    text: str
    mentions: tuple[Mention, ...]


def texts_of(value: Any) -> list[Any] | None:
    """Return the texts of an answer: a list, a list under any key, or one text alone. None for anything else.

    Args:
        value: a value as `json` reads it.
    """
    if isinstance(value, dict) and "text" not in value:
        value = next((item for item in value.values() if isinstance(item, list)), None)
    if isinstance(value, dict):
        return [value]
    return value if isinstance(value, list) and any(isinstance(item, dict) for item in value) else None


def read_drafts(texts: Sequence[Any] | None, types: Inventory, rejected: Counter[str]) -> list[Draft]:
    """Read and check the texts of an answer (see `read_draft`).

    Args:
        texts: what `texts_of` returns.
        types: the types of the entities.
        rejected: counts what is left out.
    """
    if texts is None:
        rejected["broken answers"] += 1
        return []
    return [draft for item in texts if (draft := read_draft(item, types, rejected)) is not None]


def read_draft(item: Any, types: Inventory, rejected: Counter[str]) -> Draft | None:
    """Read and check one text with its entities.

    Its forms are `{"text", "entities": [{"text", "type"}]}` and those of `entities_of`, and the raw form of tagged tokens without
    O: `{"text", "entities" | "tokens": [{"token": "Ada", "tag": "B-person"}, ...]}`, in which O and B-O count as left out.

    Args:
        item: the text as `json` reads it.
        types: the types of the entities. A mention of another type is left out.
        rejected: counts what is left out, and texts that are: one with a mention that is not in the text, as its annotation
            cannot be trusted.

    Returns:
        The draft; None if the text is rejected.
    """
    text = item.get("text") if isinstance(item, dict) else None
    if not isinstance(text, str) or not is_visible(text) or not is_whole(text):
        rejected["unreadable texts"] += 1
        return None
    text, given = text.strip(), item.get("entities", item.get("tokens"))
    found = _tagged(text, given) if _are_tagged_tokens(given) else _listed(text, given)
    if isinstance(found, str):
        rejected[found] += 1
        return None
    labels, words = labels_of(types), split_words(text)
    starts, ends = {start for start, _ in words}, {end for _, end in words}
    kept: list[Mention] = []
    for (start, end), kind in sorted(found, key=lambda pair: (pair[0][0] - pair[0][1], pair[0])):  # the longest first
        if normalise(kind) not in labels:
            rejected["mentions of an unknown type"] += 1
        elif start not in starts or end not in ends:
            rejected["texts with a mention inside a word"] += 1
            return None
        elif any(other.start < end and start < other.end for other in kept):
            rejected["mentions that overlap a longer one"] += 1
        else:
            kept.append(Mention(start=start, end=end, label=labels[normalise(kind)]))
    if not kept:
        rejected["texts without an entity"] += 1
        return None
    return Draft(text=text, mentions=tuple(sorted(kept)))


def is_whole(text: str) -> bool:
    """Return whether a text has no half of a surrogate pair, which nothing can read.

    Args:
        text: any text.
    """
    try:
        check_text(text, "a text")
    except InputError:
        return False
    return True


def _listed(text: str, given: Any) -> _Found | str:
    """Return the offsets and the type of each entity of a list, or why there are none."""
    listed = None if given is None else entities_of(given)
    if listed is None or listed.num_unreadable:
        return _NOT_READABLE
    spans = align(text, [mention for mention, _ in listed.mentions])
    found = [(span, kind) for span, (_, kind) in zip(spans, listed.mentions, strict=True) if span is not None]
    return found if len(found) == len(spans) else _NOT_THERE


def _are_tagged_tokens(given: Any) -> bool:
    return isinstance(given, list) and bool(given) and all(isinstance(item, dict) and "tag" in item for item in given)


def _tagged(text: str, given: list[dict[str, Any]]) -> _Found | str:
    """Return the offsets and the type of each entity of tagged tokens, or why there are none."""
    pairs: list[tuple[Any, Any]] = [(item.get("token", item.get("text")), item["tag"]) for item in given]
    if not all(isinstance(token, str) and token and isinstance(tag, str) for token, tag in pairs):
        return _NOT_READABLE
    try:
        offsets = align_tokens(text, [token for token, _ in pairs])
    except ValueError:
        return _NOT_THERE
    words: list[tuple[int, int]] = []
    tags: list[str] = []
    for (start, end), (_, tag) in zip(offsets, pairs, strict=True):
        if words and text[words[-1][1] : start].strip():  # words of no entity, which the form leaves out, are between the two
            words.append((words[-1][1], start))
            tags.append(OUTSIDE)
        words.append((start, end))
        tags.append(OUTSIDE if tag.strip().upper() in {"O", "B-O", "I-O"} else tag.strip())
    try:
        mentions = tokens_to_chars(read_tags(tags), words)
    except ValueError:
        return _NOT_READABLE
    return [((mention.start, mention.end), mention.label) for mention in mentions]
