"""Read annotated texts: a line of JSON becomes a record, a record that is checked becomes an `Example`."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spanmatch.data.files import not_utf8
from spanmatch.data.further_keys import GOLD_KEYS, are_tags, check_further_keys, holds_annotation, no_text
from spanmatch.data.labels import unnamed_type
from spanmatch.data.tags import ONLY_LABEL, TagScheme, read_tags
from spanmatch.data.words import Offsets, align_tokens, join_tokens, split_words, tokens_to_chars
from spanmatch.entities import NO_TYPES, EntityType, Inventory, Mention, is_blank
from spanmatch.errors import InputError


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
    where: str,
    row: Any,
    *,
    format: str,
    resolve: Callable[[str], EntityType] = unnamed_type,
    scheme: TagScheme | None = None,
) -> tuple[Example, Sequence[str] | None]:
    """Check one record and read it as an example, which has no types yet.

    Args:
        where: the place of the record, for the error.
        row: the record; an `InputError` in its place is raised.
        format: "text" reads character spans first, "tokens" reads token spans or tags first.
        resolve: finds the type of a label; by default what the label says by itself.
        scheme: the kind of tags that the file has so far.

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
        raise no_text(where, row)
    if text is not None and not isinstance(text, str):
        raise InputError(f'{where}: "text" must be a string, got {type(text).__name__}')
    if isinstance(row.get("id"), (list, dict)):
        raise InputError(f'{where}: "id" must be a text or a number, got {type(row["id"]).__name__}; rename the key')
    _check_strings(where, "tokens", tokens)
    _check_labels(where, row)
    _check_gold_keys(where, row)
    check_further_keys(where, row)
    try:
        example = _example(where, row, format, scheme or TagScheme())
        _check_label_names(where, example.mentions, row.get("labels"), resolve)
        return example, row.get("labels")
    except InputError:
        raise
    except ValueError as error:
        raise InputError(f"{where}: {error}") from error


def _check_labels(where: str, row: dict[str, Any]) -> None:
    """Check that `labels` are names of types, and neither spans nor tags."""
    labels = row.get("labels")
    is_annotated = any(row.get(key) is not None for key in GOLD_KEYS)
    if holds_annotation(labels) and not are_tags(labels, None):
        remedy = 'write "char_spans": [{"start", "end", "label"}]; another tool\'s file needs --from'
        raise InputError(f'{where}: "labels" holds spans, but is the list of types; {remedy}')
    _check_strings(where, "labels", labels)
    if labels and not is_annotated and row.get("tokens") is not None and are_tags(labels, len(row["tokens"])):
        raise InputError(f'{where}: "labels" holds a tag per token, but is the list of types; call it "tags"')


def _check_gold_keys(where: str, row: dict[str, Any]) -> None:
    """Refuse a record that says it is not annotated: all of its keys for gold are null."""
    present = [key for key in GOLD_KEYS if key in row]
    if present and all(row[key] is None for key in present):
        raise InputError(
            f'{where}: "{present[0]}" is null, so the text is not annotated; give [] if it has no entity, or drop it'
        )


def _example(where: str, row: dict[str, Any], format: str, scheme: TagScheme) -> Example:
    text, tokens = row.get("text"), row.get("tokens")
    if tokens is not None and "" in tokens:
        raise InputError(f"{where}: token {tokens.index('')} is empty; drop it, and its tag")
    if text is None:
        text, token_words = join_tokens(tokens or ())
    else:
        token_words = split_words(text) if tokens is None else align_tokens(text, tokens)
    if tokens == [] and text.strip() and split_words(text):
        raise InputError(f'{where}: "tokens" is empty and "text" is not; give all tokens, or drop the key')
    mentions = _mentions(where, row, token_words, format, scheme)
    _check_mentions(where, mentions, len(text))
    words = split_words(text) if format == "text" else token_words
    identity = None if row.get("id") is None else str(row["id"])
    return Example(where=where, text=text, words=words, mentions=tuple(dict.fromkeys(mentions)), id=identity)


def _mentions(where: str, row: dict[str, Any], token_words: Offsets, format: str, scheme: TagScheme) -> tuple[Mention, ...]:
    """Read the gold spans in characters: those of the format if there are any, else the others."""
    by_char = _spans(where, row, "char_spans")
    by_token = _spans(where, row, "token_spans")
    tags = _tags(where, row, len(token_words))
    if tags is not None:
        scheme.check(tags, where)
    if by_token is None and tags is not None:
        labels = row.get("labels") or []
        by_token = read_tags(tags, label=labels[0] if len(labels) == 1 else ONLY_LABEL)
    if by_char is not None and (format == "text" or by_token is None):
        return by_char
    return tokens_to_chars(by_token or (), token_words)


def _tags(where: str, row: dict[str, Any], num_tokens: int) -> Sequence[str] | None:
    """Return the tags of a record, which are called "tags" or "ner_tags"; None if it has none."""
    given = {key: row[key] for key in ("tags", "ner_tags") if row.get(key) is not None}
    for key, tags in given.items():
        if isinstance(tags, list) and any(type(tag) is int for tag in tags) and key == "ner_tags":
            remedy = "make the column a ClassLabel of a DatasetDict, or give the tags as strings"
            raise InputError(f'{where}: "ner_tags" are numbers without names; {remedy}')
        _check_strings(where, key, tags)
        if len(tags) != num_tokens:
            raise InputError(f"{where}: {len(tags)} tags for {num_tokens} tokens; give one tag per token")
    if len(given) == 2 and given["tags"] != given["ner_tags"]:
        raise InputError(f'{where}: "tags" and "ner_tags" differ; keep one of them')
    return next(iter(given.values()), None)


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
