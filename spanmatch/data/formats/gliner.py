"""GLiNER's training data: `{"tokenized_text", "ner": [[first, last, label], ...]}`, as a JSON list or one per line."""

import difflib
import itertools
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from spanmatch.data.formats.reading import Reading, Rows, each_record, json_values, starts_with_list
from spanmatch.data.formats.records import LeftOut, Record
from spanmatch.data.formats.writing import Writing, whole_row, write_json
from spanmatch.data.further_keys import KEYS
from spanmatch.errors import InputError, nearest

# What a text was annotated for; the latter two in older files.
_ASKED = ("ner_labels", "ner_negatives", "label", "negative")
_KEYS = frozenset({"tokenized_text", "ner", *_ASKED})


def is_gliner(path: Path, first: Any) -> bool:
    """Say whether a file holds GLiNER's training data; a JSON list does.

    Args:
        path: the file.
        first: its first JSON value, None if it has none.
    """
    return starts_with_list(path) or (isinstance(first, dict) and "tokenized_text" in first)


def read_gliner(path: Path, reading: Reading) -> Rows:
    """Read GLiNER's training data: `{"tokenized_text", "ner": [[first, last, label], ...]}`, as a JSON list or one per line.

    `ner_labels` and `ner_negatives` (in older files `label` and `negative`) together become the `labels`, what a text was
    annotated for.

    Args:
        path: the file.
        reading: counts the values whose keys have another meaning in our schema.

    Yields:
        Each record after its place, or the `InputError` that says how its form differs.

    Raises:
        InputError: the list is no JSON.
    """
    return each_record(json_values(path), lambda where, item: _gliner_row(where, item, reading.left_out))


def _gliner_row(where: str, item: Any, left_out: LeftOut) -> dict[str, Any]:
    expected = f'{where}: expected an object with the lists "tokenized_text" and "ner"'
    if not isinstance(item, dict):
        raise InputError(f"{expected}, got {type(item).__name__}")
    tokens, ner = item.get("tokenized_text"), item.get("ner")
    if not isinstance(tokens, list) or not isinstance(ner, list):
        hint = next((f'; "{key}": {nearest(key, _KEYS)}' for key in item if key not in _KEYS), "")
        raise InputError(expected + hint)
    spans = [_gliner_span(where, span, len(tokens)) for span in ner]
    for key in item.keys() - _KEYS - KEYS:
        if difflib.get_close_matches(key, _KEYS, n=1, cutoff=0.85) and isinstance(item[key], list):
            raise InputError(f'{where}: "{key}": {nearest(key, _KEYS)}')
    row = {key: value for key, value in item.items() if key in {"id", "text"} or key not in KEYS | _KEYS}
    for key in sorted(item.keys() & KEYS - {"id", "text"}):
        left_out.add(f'values of "{key}"', where)
    row |= {"tokens": tokens, "token_spans": spans}
    asked = [item[key] for key in _ASKED if item.get(key) is not None]
    if asked:
        if not all(isinstance(names, list) and all(isinstance(name, str) for name in names) for names in asked):
            raise InputError(f"{where}: {', '.join(_ASKED)} must be lists of strings")
        row["labels"] = list(dict.fromkeys([*itertools.chain(*asked), *(span["label"] for span in spans)]))
    return row


def _gliner_span(where: str, span: Any, num_tokens: int) -> dict[str, Any]:
    shown = json.dumps(span, ensure_ascii=False)[:80]
    if not (isinstance(span, list) and [type(part) for part in span] == [int, int, str]):
        raise InputError(f'{where}: "ner" holds {shown}; expected [first token, last token, label]')
    first, last, label = span
    if not 0 <= first <= last < num_tokens:
        raise InputError(f'{where}: "ner" holds {shown} for {num_tokens} tokens; they count from 0, and the end is inclusive')
    return {"start": first, "end": last + 1, "label": label}


def write_gliner(records: Iterable[Record], path: Path, writing: Writing) -> None:
    """Write records in GLiNER's form: a `.json` is one list, a record per line; any other file has a record per line.

    Args:
        records: the records.
        path: the file to write.
        writing: how to write; it counts what is left out.
    """
    rows = (gliner_row(record, writing) for record in records)
    write_json(rows, path, is_list=writing.suffix == ".json")


def gliner_row(record: Record, writing: Writing) -> dict[str, Any]:
    """Return a record in GLiNER's form.

    The inventory is written twice: GLiNER's uni-encoders read `ner_labels`, its bi-encoders `ner_negatives`.

    Args:
        record: the record to write.
        writing: how to write; it counts what is left out.
    """
    spans = record.token_spans(writing.left_out)
    own: dict[str, Any] = {"tokenized_text": record.tokens, "ner": [[item.start, item.end - 1, item.label] for item in spans]}
    if record.labels is not None:
        there = {item.label for item in spans}
        own["ner_labels"] = list(record.labels)
        own["ner_negatives"] = [label for label in record.labels if label not in there]
    return whole_row(record, own, writing)
