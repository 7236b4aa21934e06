"""What the formats of annotation tools share: character spans with scores, a record per JSON value, and texts in tokens."""

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from spanmatch.data.formats.reading import Reading, Rows, each_record, json_values
from spanmatch.data.formats.records import LeftOut, Record
from spanmatch.data.formats.writing import Writing
from spanmatch.data.further_keys import KEYS, holds_annotation
from spanmatch.data.words import Offsets, split_words
from spanmatch.entities import Mention
from spanmatch.errors import InputError


@dataclass(frozen=True, kw_only=True, slots=True)
class CharSpan:
    """Holds a span in characters, with the score that a record may have for it.

    Attributes:
        start: its first character.
        end: the character after its last.
        label: the label of its entity type.
        score: how sure a model is, in (0, 1]; None if the record does not say.
    """

    start: int
    end: int
    label: str
    score: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Piece:
    """Holds a token of a text of which nothing may be lost.

    Attributes:
        start: its first character.
        end: the character after its last.
        has_space: whether one space follows, which belongs to no token.
    """

    start: int
    end: int
    has_space: bool = False


def read_values(
    path: Path, reading: Reading, read_one: Callable[[str, Any], dict[str, Any] | None], values: Rows | None = None
) -> Rows:
    """Read a JSON list, or a JSON value per line, and turn each value into a record.

    Args:
        path: the file.
        reading: counts what is left out.
        read_one: gets the place and the value; returns the record, or None where it leaves the value out. Its `InputError`
            takes the place of the record.
        values: the values of the file after their places; by default as `json_values` reads them.

    Raises:
        InputError: the list is no JSON, or everything was left out.
    """

    def checked(where: str, item: Any) -> dict[str, Any] | None:
        row = read_one(where, item)
        if row is not None:
            _check_hidden(where, row)
        return row

    num_rows = 0
    for num_rows, found in enumerate(each_record(values or json_values(path), checked), 1):  # noqa: B007 (used behind it)
        yield found
    check_any_left(path, num_rows, reading.left_out)


def _check_hidden(where: str, row: Mapping[str, Any]) -> None:
    """Refuse a text without a span that has some under a key that its format does not know, such as a misspelt one."""
    if row["char_spans"]:
        return
    hidden = next((key for key in row.keys() - KEYS - {"meta"} if holds_annotation({key: row[key]})), None)
    if hidden is not None:
        raise InputError(f'{where}: no span, but "{hidden}" may hold some, under a key that its format does not have; rename it')


def check_any_left(path: Path, num_rows: int, left_out: LeftOut) -> None:
    """Refuse a file of which everything was left out.

    Args:
        path: the file.
        num_rows: how many records it gave.
        left_out: what was left out.

    Raises:
        InputError: it gave no record; the message says what was left out.
    """
    if not num_rows and left_out.counts:
        raise InputError(f"{path}: no annotated text in it ({left_out}); annotate and export at least one")


def as_object(where: str, item: Any, expected: str) -> dict[str, Any]:
    """Return a JSON value that must be an object.

    Args:
        where: its place, for the error.
        item: the value.
        expected: what the object is, such as "a task of Label Studio".

    Raises:
        InputError: it is no object.
    """
    if not isinstance(item, dict):
        raise InputError(f"{where}: expected {expected}, an object, got {shown(item)}")
    return item


def as_text(where: str, item: Mapping[str, Any], key: str = "text") -> str:
    """Return the text of a JSON object.

    Args:
        where: the place of the object, for the error.
        item: the object.
        key: where it has its text.

    Raises:
        InputError: there is none, or it is no string.
    """
    text = item.get(key)
    if not isinstance(text, str):
        got = f"got {shown(text)}" if key in item else f"the keys are {', '.join(sorted(map(str, item))) or 'none'}"
        raise InputError(f'{where}: "{key}" must be the text, a string; {got}')
    return text


def as_list(where: str, name: str, value: Any) -> list[Any]:
    """Return a JSON value that must be a list.

    Args:
        where: its place, for the error.
        name: its key.
        value: the value.

    Raises:
        InputError: it is no list.
    """
    if not isinstance(value, list):
        raise InputError(f'{where}: "{name}" must be a list, got {shown(value)}')
    return value


def span_of(where: str, item: Any, text: str, start: Any, end: Any, label: Any) -> dict[str, Any]:
    """Check a span in characters, and return it in our schema.

    Args:
        where: its place, for the error.
        item: the span as it stands in the file, for the error.
        text: the text.
        start: its first character.
        end: the character after its last.
        label: the label of its entity type.

    Raises:
        InputError: an offset is no whole number or lies outside of the text, the span is empty, or the label is no name.
    """
    # `type(...) is int`, because a truth value is an instance of int.
    if type(start) is not int or type(end) is not int:
        raise InputError(f"{where}: the span {shown(item)} needs whole numbers, the first character and the one after the last")
    if not 0 <= start < end <= len(text):
        within = f"of a text of {len(text)} characters; a span needs 0 <= start < end <= {len(text)}, its end is not included"
        raise InputError(f"{where}: the span {shown(item)} is not one {within}")
    if not isinstance(label, str) or not label.strip():
        raise InputError(f"{where}: the span {shown(item)} needs a label, a string that is not blank")
    return {"start": start, "end": end, "label": label}


def shown(value: Any) -> str:
    """Return a JSON value as it is quoted in an error: at most 80 characters.

    Args:
        value: the value.
    """
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 80 else f"{text[:77]}..."


def kept_keys(where: str, item: Mapping[str, Any], own: Collection[str], left_out: LeftOut) -> dict[str, Any]:
    """Return the further keys of a JSON object, which a record keeps as they are.

    Args:
        where: the place of the object.
        item: the object.
        own: the keys that its format gives a meaning.
        left_out: counts the keys that have another meaning in our schema.
    """
    for key in sorted(item.keys() & KEYS - {"id"} - set(own)):
        left_out.add(f'values of "{key}"', where)
    return {key: value for key, value in item.items() if key not in own and (key == "id" or key not in KEYS)}


def count_filled(where: str, item: Mapping[str, Any], keys: Mapping[str, str], left_out: LeftOut) -> None:
    """Count values of other kinds of annotation, which our schema cannot hold.

    Args:
        where: the place of the object that has them.
        item: the object.
        keys: what the value of each key is, in words for the user; of a list every item is counted.
        left_out: counts them.
    """
    for key, kind in keys.items():
        value = item.get(key)
        left_out.add(kind, where, len(value) if isinstance(value, list) else int(value not in (None, "", {})))


def char_spans(record: Record) -> list[CharSpan]:
    """Return the spans of a record in characters, in the order of the record, none twice.

    Its `char_spans` count where it has them; their items may have a "score".

    Args:
        record: the record.
    """
    given = record.row.get("char_spans")
    if given is None:
        return [CharSpan(start=item.start, end=item.end, label=item.label) for item in record.example.mentions]
    found: dict[tuple[int, int, str], CharSpan] = {}
    for item in given:
        score = item.get("score")
        score = float(score) if isinstance(score, (int, float)) and not isinstance(score, bool) else None
        span = CharSpan(start=item["start"], end=item["end"], label=item["label"], score=score)
        found.setdefault((span.start, span.end, span.label), span)
    return list(found.values())


def further_keys(record: Record, own: Collection[str], writing: Writing, *, keeps_tokens: bool = False) -> dict[str, Any]:
    """Return the keys of a record besides text and spans, and count what a tool that knows texts and spans cannot hold.

    Args:
        record: the record.
        own: the keys that the target format gives a meaning; values of these names are left out.
        writing: counts what is left out.
        keeps_tokens: whether the target format has tokens.
    """
    where, row = record.example.where, record.row
    if not keeps_tokens and row.get("tokens") is not None:
        is_other = record.example.words != split_words(record.example.text)
        writing.left_out.add("texts whose tokens are not the words that we split", where, is_other)
    writing.left_out.add('values of "labels"', where, record.labels is not None)
    items = [span for key in ("char_spans", "token_spans") for span in row.get(key) or []]
    more = sum(not span.keys() <= {"start", "end", "label", "score"} for span in items)
    writing.left_out.add('spans with keys besides "start", "end", "label" and "score"', where, more)
    kept = {}
    for key, value in row.items():
        if key in own:
            writing.left_out.add(f'values of "{key}"', where, key not in KEYS)
        elif key not in KEYS or (key == "id" and value is not None):
            kept[key] = value
    return kept


def tokens_of(record: Record, spans: Iterable[CharSpan], writing: Writing) -> list[Piece]:
    """Return the tokens of a record as spaCy and Prodigy want them: they cover its text, and each span consists of tokens.

    Args:
        record: the record.
        spans: its spans.
        writing: counts the tokens of the record that had to be divided.
    """
    text, words = record.example.text, record.example.words
    pieces = cut_text(text, words, spans)
    if record.row.get("tokens") is not None:
        bounds = {offset for piece in pieces for offset in (piece.start, piece.end)}
        divided = sum(any(start < bound < end for bound in bounds) for start, end in words)
        writing.left_out.add("tokens that a span divides", record.example.where, divided)
    return pieces


def visible(tokens: Iterable[str]) -> list[str]:
    """Return the tokens that have a word: spaCy makes tokens of white space, too, and ours have none.

    Args:
        tokens: the tokens.
    """
    return [token for token in tokens if split_words(token)]


def cut_text(text: str, words: Offsets, spans: Iterable[CharSpan | Mention]) -> list[Piece]:
    """Cut a text into tokens as spaCy and Prodigy have them: the whole text is covered, and each span consists of tokens.

    A space after a token belongs to none, unless a span starts with it or ends behind it. All other white space becomes tokens.

    Args:
        text: the text.
        words: its words or tokens, in characters; a span that starts or ends within one divides it.
        spans: its spans, in characters.
    """
    spans = list(spans)
    starts, ends = {span.start for span in spans}, {span.end for span in spans}
    bounds = {0, len(text), *starts, *ends, *(offset for word in words for offset in word)}
    pieces: list[Piece] = []
    for start, end in pairwise(sorted(bounds)):
        is_after = bool(pieces) and pieces[-1].end == start
        if is_after and text[start] == " " and start not in starts and start + 1 not in ends:
            pieces[-1] = Piece(start=pieces[-1].start, end=start, has_space=True)
            start += 1
        if start < end:
            pieces.append(Piece(start=start, end=end))
    return pieces
