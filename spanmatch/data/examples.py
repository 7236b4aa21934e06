"""Read annotated texts: a line of JSON becomes a record, a record that is checked becomes an `Example`."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spanmatch.data.files import not_utf8
from spanmatch.data.labels import unnamed_type
from spanmatch.data.tags import read_tags
from spanmatch.data.words import Offsets, align_tokens, join_tokens, split_words, tokens_to_chars
from spanmatch.entities import NO_TYPES, EntityType, Inventory, Mention, is_blank
from spanmatch.errors import InputError, nearest

# The keys of a record that we read; `ner_tags` only as the ClassLabel column of a DatasetDict.
KEYS = frozenset({"id", "text", "tokens", "char_spans", "token_spans", "tags", "ner_tags", "labels"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Example:
    """Holds one annotated text. All offsets are half-open, in characters, whatever the file had.

    Attributes:
        where: its place, `file:line` or `source[split]:index`.
        text: the text; tokens without a text are joined by one space.
        words: the character offsets of the words, or of the tokens in the format "tokens".
        mentions: the gold spans, none twice, in the order of the file.
        types: the inventory, the types that the text was annotated for. Any other type is unknown.
        id: the id of the record, if it has one.
    """

    where: str
    text: str
    words: tuple[tuple[int, int], ...]
    mentions: tuple[Mention, ...]
    types: Inventory = NO_TYPES
    id: str | None = None


def json_rows(path: Path) -> Iterator[tuple[str, Any]]:
    """Read a JSONL file line by line; blank lines are skipped, but counted.

    Args:
        path: the file.

    Yields:
        `file:line` and the value of that line, or the `InputError` that says why it cannot be read. So a caller may skip
        bad lines.
    """
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if line.strip():
                where = f"{path}:{number}"
                yield where, json_row(where, line)


def json_row(where: str, line: bytes) -> Any:
    """Return the value of one JSON line, or the `InputError` that says why it cannot be read.

    Args:
        where: the place of the line for the error, `file:line`.
        line: the line, with or without its end.
    """
    try:
        row = json.loads(line)
        if b"\\u" in line or b"\xed" in line:  # only these can hold half a surrogate pair, which no tokenizer reads
            json.dumps(row, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        return lone_surrogate(where, error)
    except UnicodeDecodeError as error:
        return not_utf8(where, error)
    except json.JSONDecodeError as error:
        return InputError(f"{where}: not JSON ({error.msg} at column {error.colno}); write one JSON object per line")
    except (ValueError, RecursionError) as error:  # a number of thousands of digits, thousands of brackets
        return InputError(f"{where}: not JSON that can be read ({error}); write one JSON object per line")
    return row


def lone_surrogate(where: str, error: UnicodeEncodeError) -> InputError:
    """Return the error for half of a surrogate pair, which JSON can spell but no text can hold.

    Args:
        where: the place of the value, `file:line`.
        error: what encoding the value raised; it knows the character.
    """
    half = error.object[error.start].encode("ascii", "backslashreplace").decode()
    return InputError(f"{where}: holds a lone surrogate ({half}), half a character; write it whole, or drop it")


def read_record(
    where: str, row: Any, *, format: str, resolve: Callable[[str], EntityType] = unnamed_type
) -> tuple[Example, Sequence[str] | None]:
    """Check one record and read it as an example, which has no types yet.

    Args:
        where: the place of the record, for the error.
        row: the record; an `InputError` in its place is raised.
        format: "text" reads character spans first, "tokens" reads token spans or tags first.
        resolve: finds the type of a label; by default what the label says by itself.

    Returns:
        The example, and the `labels` of the record, None if it has none.

    Raises:
        InputError: the record is invalid; the message names `where` and the remedy.
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
        return _example(where, row, format, resolve), row.get("labels")
    except InputError:
        raise
    except ValueError as error:
        raise InputError(f"{where}: {error}") from error


def _example(where: str, row: dict[str, Any], format: str, resolve: Callable[[str], EntityType]) -> Example:
    text, tokens = row.get("text"), row.get("tokens")
    if text is None:
        text, token_words = join_tokens(tokens or ())
    else:
        token_words = split_words(text) if tokens is None else align_tokens(text, tokens)
    mentions = _mentions(where, row, token_words, format)
    _check_mentions(where, mentions, len(text))
    _check_label_names(where, mentions, row.get("labels"), resolve)
    words = split_words(text) if format == "text" else token_words
    identity = None if row.get("id") is None else str(row["id"])
    return Example(where=where, text=text, words=words, mentions=tuple(dict.fromkeys(mentions)), id=identity)


def _mentions(where: str, row: dict[str, Any], token_words: Offsets, format: str) -> tuple[Mention, ...]:
    """Read the gold spans in characters: those of the format if there are any, else the others."""
    by_char = _spans(where, row, "char_spans")
    by_token = _spans(where, row, "token_spans")
    if by_token is None and row.get("tags") is not None:
        _check_strings(where, "tags", row["tags"])
        if len(row["tags"]) != len(token_words):
            raise InputError(f"{where}: {len(row['tags'])} tags for {len(token_words)} tokens; give one tag per token")
        by_token = read_tags(row["tags"])
    if "ner_tags" in row:
        remedy = 'make the column a ClassLabel, or give "tags" as strings'
        raise InputError(f'{where}: "ner_tags" are numbers without names; {remedy}')
    if by_char is not None and (format == "text" or by_token is None):
        return by_char
    return tokens_to_chars(by_token or (), token_words)


def _check_mentions(where: str, mentions: Sequence[Mention], num_chars: int) -> None:
    """Check that each span ends within the text."""
    for mention in mentions:
        if mention.end > num_chars:
            beyond = f"ends beyond the text ({num_chars} characters)"
            raise InputError(f"{where}: span [{mention.start}, {mention.end}) {beyond}; give half-open character offsets")


def _check_label_names(
    where: str, mentions: Sequence[Mention], labels: Sequence[str] | None, resolve: Callable[[str], EntityType]
) -> None:
    """Check that no label is blank, and that the type of each span is in `labels`, if those are given."""
    if any(map(is_blank, {*(mention.label for mention in mentions), *(labels or ())})):
        raise InputError(f'{where}: a label or an entry of "labels" is blank; give every label a name')
    outside = sorted({mention.label for mention in mentions} - set(labels)) if labels is not None else []
    if outside:
        known = {resolve(label).key for label in labels or ()}
        unknown = next((label for label in outside if resolve(label).key not in known), None)
        if unknown is not None:
            raise InputError(f'{where}: spans of "{unknown}", which is not in the line\'s "labels"; add it there')


def _check_strings(where: str, key: str, value: Any) -> None:
    if value is not None and not (isinstance(value, list) and all(isinstance(item, str) for item in value)):
        shown = json.dumps(value, ensure_ascii=False, default=str)[:60]
        raise InputError(f'{where}: "{key}" must be a list of strings, got {shown}')


def _spans(where: str, row: dict[str, Any], key: str) -> tuple[Mention, ...] | None:
    """Read a list of `{"start", "end", "label"}`; None if the record has none."""
    if row.get(key) is None:
        return None
    if not isinstance(row[key], list):
        raise InputError(f'{where}: "{key}" must be a list, got {type(row[key]).__name__}')
    found = []
    for span in row[key]:
        shown = json.dumps(span, ensure_ascii=False, default=str)[:80]
        if not isinstance(span, dict) or not {"start", "end", "label"} <= span.keys():
            raise InputError(f'{where}: "{key}" holds {shown}; expected {{"start", "end", "label"}}')
        start, end, label = span["start"], span["end"], span["label"]
        # `type(...) is int`, because a truth value is an instance of int.
        if type(start) is not int or type(end) is not int or not isinstance(label, str) or not label:
            raise InputError(f'{where}: "{key}" holds {shown}; start and end must be whole numbers, label a name')
        try:
            found.append(Mention(start=start, end=end, label=label))
        except ValueError as error:
            raise InputError(f'{where}: "{key}" holds {shown}: {error}; ends are half-open') from error
    return tuple(found)
