"""Refuse annotation that stands under a key that is not ours, so that it is never taken for "no entity".

Further keys of a record are left alone, whatever they are called, as long as they cannot be annotation: strings, numbers,
metadata. Only a key that is nearly one of ours, or that says annotation, or whose value has the form of annotation, is refused.
"""

import difflib
import re
from collections.abc import Mapping
from typing import Any

from spanmatch.data.tags import OUTSIDE, is_prefixed
from spanmatch.errors import InputError, nearest

# The keys of a record that we read.
KEYS = frozenset({"id", "text", "tokens", "char_spans", "token_spans", "tags", "ner_tags", "labels"})

# Those that hold gold. A record with one of them that is not null is annotated.
GOLD_KEYS = ("char_spans", "token_spans", "tags", "ner_tags")

# What a text and its tokens are called elsewhere.
_TEXT_KEYS = {
    "sentence": "text", "content": "text", "body": "text", "document": "text", "data": "text", "raw": "text", "input": "text",
    "words": "tokens", "token": "tokens", "tokenized_text": "tokens", "tokenized": "tokens",
}  # fmt: skip
# Under these, whatever is not plain counts as annotation.
_GOLD_NAMES = frozenset({
    "annotation", "annotations", "bio", "bio_tags", "entities", "entity", "gold", "iob", "iob_tags", "label", "mention",
    "mentions", "named_entities", "ner", "ners", "span", "spans", "tag",
})  # fmt: skip
# Under these, nothing does.
_METADATA = frozenset({"meta", "metadata", "source", "info", "provenance", "extra"})

_START = re.compile(r"(^|_)(start|begin|from|first|offset)(_|$)")
_END = re.compile(r"(^|_)(end|stop|to|last|length)(_|$)")
_PLACE = frozenset({"span", "spans", "offset", "offsets", "position", "positions", "indices", "idx", "location", "locations"})
_LABEL = frozenset({"label", "labels", "type", "types", "tag", "entity", "entity_type", "entity_group", "category", "class"})
_SURFACE = frozenset({"text", "word", "words", "mention", "surface", "value", "entity", "name", "span"})
_NEARLY = 0.8  # as `difflib` measures it: "char_span", "lables" and "tag" are above, "spans" and "chars" below
_MAX_DEPTH = 4


def check_further_keys(where: str, row: Mapping[str, Any]) -> None:
    """Refuse a record with annotation under a key that is not ours.

    Args:
        where: the place of the record, for the error.
        row: the record.

    Raises:
        InputError: a key is refused; the message names it, and the right name.
    """
    further = [key for key in row if key not in KEYS]
    if not further:
        return
    is_annotated = any(row.get(key) is not None for key in GOLD_KEYS)
    for key in further:
        value, near = row[key], nearly_ours(key)
        if value is None or isinstance(value, (bool, int, float)) or not value or _plain(key) in _METADATA:
            continue
        is_missing = near is not None and row.get(near) is None
        if is_annotated:
            is_refused = is_missing and (near == "labels" or holds_annotation(value, row.get("tokens")))
        else:
            is_named = is_missing or _plain(key) in _GOLD_NAMES
            is_refused = (is_named and not isinstance(value, str)) or holds_annotation(value, row.get("tokens"))
        if is_refused:
            is_list_of_names = isinstance(value, list) and all(isinstance(item, str) for item in value)
            name = near if is_missing and near and (near != "labels" or is_list_of_names) else right_name(value, row)
            otherwise = "rename it" if is_annotated else f'give "{right_name([{}], row)}": [] if there is no entity'
            remedy = f'did you mean "{name}"? Otherwise {otherwise}; another tool\'s file needs --from'
            raise InputError(f'{where}: "{key}" may hold annotation, and is not a key of ours; {remedy}')


def no_text(where: str, row: Mapping[str, Any]) -> InputError:
    """Return the error for a record without text and tokens; it suggests the key that was meant.

    Args:
        where: the place of the record.
        row: the record.
    """
    others = [key for key in row if key not in KEYS]
    known = next((key for key in others if _plain(key) in _TEXT_KEYS), None)
    if known is not None:
        hint = f'; "{known}": did you mean "{_TEXT_KEYS[_plain(known)]}"?'
    else:
        hint = f'; "{others[0]}": {nearest(others[0], KEYS)}' if others else "; add one of them"
    return InputError(f'{where}: neither "text" nor "tokens"{hint}')


def nearly_ours(key: str) -> str | None:
    """Return which of our keys for gold, tokens or labels a key nearly is; None if it is near none.

    Args:
        key: the key.
    """
    names = [*GOLD_KEYS, "labels", "tokens"]
    near = difflib.get_close_matches(_plain(key), names, n=1, cutoff=_NEARLY)
    return near[0] if near else None


def _plain(key: str) -> str:
    return key.strip().lower().replace("-", "_").replace(" ", "_")


def right_name(value: Any, row: Mapping[str, Any]) -> str:
    """Return the key under which annotation is read.

    Args:
        value: the annotation.
        row: its record.
    """
    if are_tags(value, None) or (isinstance(value, list) and all(isinstance(item, (str, int)) for item in value)):
        return "tags" if row.get("tokens") is not None else "labels"
    return "char_spans" if row.get("text") is not None else "token_spans"


def holds_annotation(value: Any, tokens: Any = None) -> bool:
    """Say whether a value has the form of annotation: spans, somewhere in it, or a tag per token.

    Args:
        value: the value of a key.
        tokens: the tokens of the record, if it has any.
    """
    num_tokens = len(tokens) if isinstance(tokens, list) else None
    return are_tags(value, num_tokens) or _holds_span(value, _MAX_DEPTH)


def are_tags(value: Any, num_tokens: int | None) -> bool:
    """Say whether a value is a list of tags, or a string of them with spaces between.

    Args:
        value: the value.
        num_tokens: the number of tokens of the text, if it is known.
    """
    items = value.split() if isinstance(value, str) else value
    if not isinstance(items, list) or not items or not all(isinstance(item, str) for item in items):
        return False
    if num_tokens is not None and len(items) != num_tokens:
        return False
    has_prefix = any(item != OUTSIDE for item in items)
    return all(item == OUTSIDE or is_prefixed(item) for item in items) and (
        has_prefix or (num_tokens is not None and isinstance(value, list))
    )


def _holds_span(value: Any, depth: int) -> bool:
    if depth == 0:
        return False
    if isinstance(value, str):
        return value.lstrip()[:2] in {"[[", "[{"}  # JSON inside a string
    if isinstance(value, dict):
        if _is_span_object(value):
            return True
        return any(_holds_span(item, depth - 1) for key, item in value.items() if _plain(str(key)) not in _METADATA)
    if not isinstance(value, (list, tuple)):
        return False
    return _is_span_list(value) or any(_holds_span(item, depth - 1) for item in value if isinstance(item, (list, dict)))


def _is_span_object(value: Mapping[Any, Any]) -> bool:
    """Say whether an object has a start and an end, a place, or a label and a text."""
    keys = {re.sub(r"(?<=[a-z])(?=[A-Z])", "_", str(key)).lower(): item for key, item in value.items()}
    starts = [key for key, item in keys.items() if _START.search(key) and _is_number(item)]
    ends = [key for key, item in keys.items() if _END.search(key) and _is_number(item)]
    if starts and ends:
        return True
    if any(key in _PLACE and isinstance(item, list) and item for key, item in keys.items()):
        return True
    labels = {key for key, item in keys.items() if key in _LABEL and isinstance(item, str)}
    surfaces = {key for key, item in keys.items() if key in _SURFACE and isinstance(item, str)}
    return bool(labels and surfaces) and len(labels | surfaces) > 1


def _is_span_list(value: Any) -> bool:
    """Say whether a list is a span by position: two numbers, or a list of two, and a label."""
    has_label = any(isinstance(item, str) and item for item in value)
    numbers = sum(_is_number(item) for item in value)
    pairs = any(isinstance(item, list) and len(item) == 2 and all(map(_is_number, item)) for item in value)
    return has_label and len(value) <= 6 and (numbers >= 2 or pairs)


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
