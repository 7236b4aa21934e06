"""CoNLL columns: a line per token, the token first and its tag last; a blank line ends a sentence."""

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from spanmatch.data.examples import KEYS
from spanmatch.data.formats.reading import Reading, Rows, text_lines
from spanmatch.data.formats.records import Record
from spanmatch.data.formats.writing import Writing, count_span_keys, tags_of, write_pieces
from spanmatch.errors import InputError

DOCUMENT_START = "-DOCSTART-"

_COLUMN_BREAK = re.compile(r"[\t\r\n]")


def is_conll(path: Path, first: Any) -> bool:
    """Say whether a file of one of the suffixes holds columns: all do that are no JSON.

    Args:
        path: the file.
        first: its first JSON value, None if it has none.
    """
    del path
    return not isinstance(first, (dict, list))


def read_conll(path: Path, reading: Reading) -> Rows:
    """Read columns, the token first and its tag last; a blank line ends a sentence.

    A line that holds a tab is split at tabs, so that a token may hold spaces; any other line is split at white space.

    Args:
        path: the file.
        reading: counts the `-DOCSTART-` lines, and the sentences that have more columns.

    Raises:
        InputError: a line has too few or too many columns, an empty token, or is not UTF-8.
    """
    left_out = reading.left_out
    tokens: list[str] = []
    tags: list[str] = []
    where, width = "", 0
    for place, line in text_lines(path):
        is_document_start = line.startswith(DOCUMENT_START)
        if not line.strip() or is_document_start:
            left_out.add("document boundaries", place, is_document_start)
            if tokens:
                yield where, {"tokens": tokens, "tags": tags}
            tokens, tags = [], []
            continue
        columns = line.split("\t") if "\t" in line else line.split()
        width = width or len(columns)
        if len(columns) < 2 or len(columns) != width:
            counted = f"{len(columns)} column{'s' if len(columns) > 1 else ''}"
            expected = f"{width}, as on the lines before" if width > 1 else "at least 2, the token first and its tag last"
            raise InputError(f"{place}: {counted}, expected {expected}; tokens with spaces need tabs between columns")
        if not tokens:
            where = place
            left_out.add("sentences with columns between token and tag", place, width > 2)
        if not columns[0]:
            raise InputError(f"{place}: the token is empty; drop the line")
        tokens.append(columns[0])
        tags.append(columns[-1])
    if tokens:
        yield where, {"tokens": tokens, "tags": tags}


def write_conll(records: Iterable[Record], path: Path, writing: Writing) -> None:
    """Write records as columns, token and tag.

    Args:
        records: the records.
        path: the file to write.
        writing: how to write; it counts what is left out.
    """
    write_pieces((conll_lines(record, writing) for record in records), path)


def conll_lines(record: Record, writing: Writing) -> str:
    """Return a record as a sentence: a line per token, token and tag with a tab between them, and a blank line.

    Args:
        record: the record to write.
        writing: how to write; it counts what is left out.

    Raises:
        InputError: spans overlap, and that is an error; or a label holds a tab or a line break.
    """
    where, left_out, tokens = record.example.where, writing.left_out, record.tokens
    tags = tags_of(record, writing)
    count_span_keys(record, writing)
    if not tokens:
        left_out.add("texts without a token", where)
        return ""
    left_out.add("texts whose white space is not one space between tokens", where, record.example.text != " ".join(tokens))
    left_out.add('values of "labels"', where, record.labels is not None)
    for key in record.row.keys() - (KEYS - {"id"}):
        left_out.add(f'values of "{key}"', where, record.row[key] is not None)
    left_out.add(f"tokens that read as {DOCUMENT_START} lines", where, sum(token.startswith(DOCUMENT_START) for token in tokens))
    bad = next((tag for tag in tags if _COLUMN_BREAK.search(tag)), None)
    if bad is not None:
        raise InputError(f"{where}: the label {json.dumps(bad[2:])} holds a tab or a line break, which columns cannot; rename it")
    left_out.add("tabs and line breaks in tokens (written as spaces)", where, len(_COLUMN_BREAK.findall("".join(tokens))))
    return "".join(f"{_COLUMN_BREAK.sub(' ', token)}\t{tag}\n" for token, tag in zip(tokens, tags, strict=True)) + "\n"
