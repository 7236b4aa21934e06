"""One record of a data set, checked: a JSON object becomes an `Example`."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from spanmatch.data.tags import read_tags
from spanmatch.data.words import align_tokens, join_tokens, split_words, tokens_to_chars
from spanmatch.entities import NO_TYPES, Inventory, Mention
from spanmatch.errors import InputError, nearest

KEYS = frozenset({"id", "text", "tokens", "char_spans", "token_spans", "tags", "ner_tags", "labels"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Example:
    """One annotated text. Mentions and words are character offsets, whatever the file had.

    `types` is the inventory: what the text was annotated for; any other type is unknown.
    """

    where: str
    text: str
    words: tuple[tuple[int, int], ...]
    mentions: tuple[Mention, ...]
    types: Inventory = NO_TYPES
    id: str | None = None


def read_record(where: str, row: Any, *, format: str) -> tuple[Example, Sequence[str] | None]:
    """Check one record; returns it without types, and the line's own `labels`.

    Raises:
        InputError: naming `where` and the remedy.
    """
    if isinstance(row, InputError):
        raise row
    if not isinstance(row, dict):
        raise InputError(f"{where}: expected a JSON object, got {type(row).__name__}; write one object per line")
    text, tokens = row.get("text"), row.get("tokens")
    if text is None and tokens is None:
        hint = next((f'; "{key}": {nearest(key, KEYS)}' for key in row if key not in KEYS), "; add one of them")
        raise InputError(f'{where}: neither "text" nor "tokens"{hint}')
    if text is not None and not isinstance(text, str):
        raise InputError(f'{where}: "text" must be a string, got {type(text).__name__}')
    _check_strings(where, "tokens", tokens)
    _check_strings(where, "labels", row.get("labels"))
    try:
        return _build(where, row, text, tokens, format), row.get("labels")
    except InputError:
        raise
    except ValueError as error:
        raise InputError(f"{where}: {error}") from error


def _build(where: str, row: dict[str, Any], text: str | None, tokens: Sequence[str] | None, format: str) -> Example:
    if text is None:
        assert tokens is not None
        text, token_words = join_tokens(tokens)
    elif tokens is not None:
        token_words = align_tokens(text, tokens)
    else:
        token_words = split_words(text)
    by_char = _spans(where, row, "char_spans")
    by_token = _spans(where, row, "token_spans")
    if by_token is None and row.get("tags") is not None:
        _check_strings(where, "tags", row["tags"])
        if len(row["tags"]) != len(token_words):
            raise InputError(f"{where}: {len(row['tags'])} tags for {len(token_words)} tokens; give one tag per token")
        by_token = read_tags(row["tags"])
    if "ner_tags" in row:
        raise InputError(
            f'{where}: "ner_tags" are numbers without names; make the column a ClassLabel, or give "tags" as strings'
        )
    use_chars = by_char is not None and (format == "text" or by_token is None)
    mentions = by_char if use_chars else tokens_to_chars(by_token or (), token_words)
    assert mentions is not None
    for mention in mentions:
        if mention.end > len(text):
            raise InputError(
                f"{where}: span [{mention.start}, {mention.end}) ends beyond the text "
                f"({len(text)} characters); give half-open character offsets"
            )
    labels = row.get("labels")
    if not all(label.strip() for label in (*(mention.label for mention in mentions), *(labels or ()))):
        raise InputError(f'{where}: a label or an entry of "labels" is blank; give every label a name')
    outside = sorted({mention.label for mention in mentions} - set(labels)) if labels is not None else []
    if outside:
        raise InputError(f'{where}: spans of "{outside[0]}", which is not in the line\'s "labels"; add it there')
    words = split_words(text) if format == "text" else token_words
    identity = None if row.get("id") is None else str(row["id"])
    return Example(where=where, text=text, words=words, mentions=tuple(dict.fromkeys(mentions)), id=identity)


def _check_strings(where: str, key: str, value: Any) -> None:
    if value is not None and not (isinstance(value, list) and all(isinstance(item, str) for item in value)):
        raise InputError(
            f'{where}: "{key}" must be a list of strings, got {json.dumps(value, ensure_ascii=False, default=str)[:60]}'
        )


def _spans(where: str, row: dict[str, Any], key: str) -> tuple[Mention, ...] | None:
    if row.get(key) is None:
        return None
    if not isinstance(row[key], list):
        raise InputError(f'{where}: "{key}" must be a list, got {type(row[key]).__name__}')
    found = []
    for span in row[key]:
        shown = json.dumps(span, ensure_ascii=False, default=str)[:80]
        if not isinstance(span, dict) or not {"start", "end", "label"} <= span.keys():
            raise InputError(f'{where}: "{key}" holds {shown}; expected {{"start", "end", "label"}}')
        if (
            type(span["start"]) is not int
            or type(span["end"]) is not int
            or not isinstance(span["label"], str)
            or not span["label"]
        ):
            raise InputError(f'{where}: "{key}" holds {shown}; start and end must be whole numbers, label a name')
        try:
            found.append(Mention(start=span["start"], end=span["end"], label=span["label"]))
        except ValueError as error:
            raise InputError(f'{where}: "{key}" holds {shown}: {error}; ends are half-open') from error
    return tuple(found)


