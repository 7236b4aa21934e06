"""Our own JSONL, in two forms: "spans" has any of our keys, "tags" has tokens and tags on every line."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from spanmatch.data.examples import json_rows
from spanmatch.data.formats.reading import Reading, Rows, each_record
from spanmatch.data.formats.records import Record
from spanmatch.data.formats.writing import Writing, tags_row, write_json
from spanmatch.errors import InputError


def is_tags(path: Path, first: Any) -> bool:
    """Say whether a file is our JSONL with tags. A line with tags and token spans is read by its spans.

    Args:
        path: the file.
        first: its first JSON value, None if it has none.
    """
    del path
    return isinstance(first, dict) and "tags" in first and "token_spans" not in first


def is_spans(path: Path, first: Any) -> bool:
    """Say whether a file is JSONL; which of our keys it has, the reader of records says.

    Args:
        path: the file.
        first: its first JSON value, None if it has none.
    """
    del path, first
    return True


def read_spans(path: Path, reading: Reading) -> Rows:
    """Read our own JSONL, in any of its forms.

    Args:
        path: the file.
        reading: stays as it is; our schema can hold everything.
    """
    del reading
    return json_rows(path)


def read_tags(path: Path, reading: Reading) -> Rows:
    """Read our own JSONL, where every line has tags.

    Args:
        path: the file.
        reading: stays as it is; our schema can hold everything.

    Yields:
        Each record after its place, or the `InputError` that says that a line has no tags.
    """
    return each_record(read_spans(path, reading), _with_tags)


def _with_tags(where: str, row: Any) -> Any:
    if isinstance(row, dict) and row.get("tags") is None:
        raise InputError(f'{where}: no "tags"; give one per token, or read the file with --from spans')
    return row


def write_spans(records: Iterable[Record], path: Path, writing: Writing) -> None:
    """Write records as JSONL as they are, but with token spans in place of tags.

    Args:
        records: the records.
        path: the file to write.
        writing: how to write; it counts what is left out.
    """
    write_json((spans_row(record, writing) for record in records), path)


def write_tags(records: Iterable[Record], path: Path, writing: Writing) -> None:
    """Write records as JSONL with tokens and tags.

    Args:
        records: the records.
        path: the file to write.
        writing: how to write; it counts what is left out.

    Raises:
        InputError: spans overlap, and that is an error.
    """
    write_json((tags_row(record, writing) for record in records), path)


def spans_row(record: Record, writing: Writing) -> dict[str, Any]:
    """Return a record as it is, but with token spans in place of its tags.

    Args:
        record: the record to write.
        writing: how to write; it counts what is left out.
    """
    row = {key: value for key, value in record.row.items() if key != "tags" and value is not None}
    if "tags" in record.row and "token_spans" not in row:
        position = list(row).index("tokens" if "tokens" in row else "text") + 1
        spans = [{"start": item.start, "end": item.end, "label": item.label} for item in record.token_spans(writing.left_out)]
        items = list(row.items())
        row = dict([*items[:position], ("token_spans", spans), *items[position:]])
    return row
