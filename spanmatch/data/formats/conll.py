"""CoNLL columns: a line per token, a blank line ends a sentence. The token comes first and its tag last, unless the user says so.

Files that number their tokens, that have two columns of tags, or the tag first, are told by their content and refused with the
option that reads them: the wrong column would be read without an error.
"""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spanmatch.data.formats.reading import Reading, Rows, text_lines
from spanmatch.data.formats.records import LeftOut, Record
from spanmatch.data.formats.writing import Writing, count_span_keys, tags_of, write_pieces
from spanmatch.data.further_keys import KEYS
from spanmatch.data.tags import OUTSIDE, TagScheme, is_prefixed
from spanmatch.errors import InputError, nearest

DOCUMENT_START = "-DOCSTART-"

_COLUMN_BREAK = re.compile(r"[\t\r\n]")
_BLANKS = re.compile(r"[ \t]+")
# Comments of CoNLL-U: "# sent_id = 1", "# newdoc".
_COMMENT = re.compile(r"#\s*[^\s=]+\s*=|#\s*(newdoc|newpar)\b")
_COLUMN_NAMES = re.compile(r"#\s*global\.columns\s*=\s*(.*)")
# A line of CoNLL-U for a token of several words ("3-4"), or for one that is not in the text ("3.1").
_NO_TOKEN = re.compile(r"\d+[-.]\d+")
# The phrases of CoNLL-2000 and CoNLL-2003. A column of these is no second column of entities.
_PHRASES = frozenset({"NP", "VP", "PP", "ADVP", "ADJP", "SBAR", "PRT", "CONJP", "INTJ", "LST", "UCP"})

# The columns of a token, after its place.
Token = tuple[str, list[str]]


def is_conll(path: Path, first: Any) -> bool:
    """Say whether a file of one of the suffixes holds columns: all do that are no JSON.

    Args:
        path: the file.
        first: its first JSON value, None if it has none.
    """
    del path
    return not isinstance(first, (dict, list))


@dataclass(kw_only=True, slots=True)
class _Columns:
    """Knows the columns of a file, as far as it is read."""

    reading: Reading
    width: int = 0
    names: Sequence[str] = ()
    scheme: TagScheme = field(default_factory=TagScheme)
    has_outside: bool = False
    num_sentences: int = 0
    num_numbered: int = 0  # sentences of one token whose first column is "1"

    @property
    def left_out(self) -> LeftOut:
        return self.reading.left_out

    def split(self, place: str, line: str) -> list[str]:
        """Cut a line at its tabs if it has one, else at blanks; white space of other kinds may stand in a token."""
        columns = line.split("\t") if "\t" in line else _BLANKS.split(line.strip(" "))
        self.width = self.width or len(columns)
        if len(columns) < 2 or len(columns) != self.width:
            counted = f"{len(columns)} column{'s' if len(columns) > 1 else ''}"
            is_first = self.width < 2
            expected = "at least 2, the token first and its tag last" if is_first else f"{self.width}, as on the lines before"
            raise InputError(f"{place}: {counted}, expected {expected}; tokens with spaces need tabs between columns")
        return columns

    def index(self, flag: str, given: str | None, default: int) -> int:
        """Return the position of a column that the user named or numbered."""
        if given is None:
            return default % self.width
        if given in self.names:
            return list(self.names).index(given) % self.width
        number = int(given) if re.fullmatch(r"-?\d{1,4}", given) else 0
        if not number and self.names:
            raise InputError(f"{flag} {given}: no such column; {nearest(given, self.names)}")
        if not number or abs(number) > self.width:
            raise InputError(
                f"{flag} {given}: there are {self.width} columns; give a number from 1 to {self.width}, -1 is the last"
            )
        return (number - 1 if number > 0 else number) % self.width


def read_conll(path: Path, reading: Reading) -> Rows:
    """Read columns; comment lines of CoNLL-U at the start of a sentence are left out.

    A line that holds a tab is split at tabs, so that a token may hold spaces; any other line is split at blanks.

    Args:
        path: the file.
        reading: which columns to read; counts the `-DOCSTART-` lines, and the sentences that have more columns.

    Yields:
        Each sentence after the place of its first line, or the `InputError` that says which line cannot be read.

    Raises:
        InputError: a line is not UTF-8; or the columns that are read are not those of token and tag.
    """
    columns = _Columns(reading=reading)
    for sentence in _sentences(path, columns):
        place = sentence[0][0]
        try:
            rows = [(where, columns.split(where, line)) for where, line in sentence]
        except InputError as error:
            yield place, error
            continue
        _check_columns(columns, rows)
        try:
            yield place, _record(columns, rows)
        except InputError as error:
            yield place, error
    if columns.num_sentences and columns.num_numbered == columns.num_sentences:
        raise InputError(f"{path}: the first column numbers the tokens; give --token_column 2 (1 if it holds tokens)")
    is_label_alone = columns.scheme.kind and not is_prefixed(columns.scheme.tag)
    if is_label_alone and not columns.has_outside and reading.tag_column is None:
        tag = columns.scheme.tag
        raise InputError(
            f'{columns.scheme.where}: no tag of the file is "O", the first is "{tag}"; name the column (--tag_column N)'
        )


def _sentences(path: Path, columns: _Columns) -> Iterator[list[tuple[str, str]]]:
    """Yield the lines of each sentence, without comments; each line after its place."""
    lines: list[tuple[str, str]] = []
    for place, line in text_lines(path):
        is_document_start = line.startswith(DOCUMENT_START)
        if line.strip() and not is_document_start:
            if lines or not _is_comment(line, columns):
                lines.append((place, line))
            continue
        columns.left_out.add("document boundaries", place, is_document_start)
        if lines:
            yield lines
        lines = []
    if lines:
        yield lines


def _is_comment(line: str, columns: _Columns) -> bool:
    """Say whether a line before the first token of a sentence is a comment; `#` with a tag behind it is a token."""
    if not line.startswith("#"):
        return False
    names = _COLUMN_NAMES.match(line)
    if names:
        columns.names = names.group(1).split()
    if _COMMENT.match(line):
        return True
    parts = line.split("\t") if "\t" in line else _BLANKS.split(line.strip(" "))
    return len(parts) != columns.width if columns.width else len(parts) < 2


def _check_columns(columns: _Columns, rows: Sequence[Token]) -> None:
    """Refuse a file that has its tokens and tags elsewhere than in the columns that are read.

    Raises:
        InputError: the tokens are numbered, the tag stands first, or there are two columns of tags.
    """
    place, width, reading = rows[0][0], columns.width, columns.reading
    token, tag = columns.index("--token_column", reading.token_column, 0), columns.index("--tag_column", reading.tag_column, -1)
    tagged = [index for index in range(width) if all(_is_tag(row[index]) for _, row in rows)]
    tagged = [index for index in tagged if any(row[index] != OUTSIDE for _, row in rows)]
    columns.num_sentences += 1
    if reading.token_column is None and width > 2:
        numbers = [row[0] for _, row in rows if not _NO_TOKEN.fullmatch(row[0])]
        if numbers in [[str(index + start) for index in range(len(numbers))] for start in (0, 1)]:
            if len(numbers) > 1:
                where = f" and --tag_column {tagged[0] + 1}" if tagged else " and, if the tag is not last, --tag_column N"
                raise InputError(f"{place}: the first column numbers the tokens; give --token_column 2{where}")
            columns.num_numbered += 1
    if reading.token_column is None and reading.tag_column is None and token in tagged and tag not in tagged:
        raise InputError(f"{place}: the first column holds the tags; give --token_column {width} --tag_column 1")
    if reading.tag_column is None:
        for index in tagged:
            if index in {token, tag}:
                continue
            labels = {row[index][2:] for _, row in rows if row[index] != OUTSIDE and row[index] != row[token]}
            if labels - _PHRASES:
                which = f"--tag_column {index + 1} or --tag_column {width}"
                raise InputError(f"{place}: columns {index + 1} and {width} may both hold the tags; say which ({which})")


def _record(columns: _Columns, rows: Sequence[Token]) -> dict[str, Any]:
    """Return tokens and tags of a sentence; an error names the line of the token."""
    reading, left_out = columns.reading, columns.left_out
    token, tag = columns.index("--token_column", reading.token_column, 0), columns.index("--tag_column", reading.tag_column, -1)
    if token == tag:
        raise InputError(f"{rows[0][0]}: token and tag are read from one column; give --token_column or --tag_column another")
    kept = rows if token == 0 else [item for item in rows if not _NO_TOKEN.fullmatch(item[1][0])]
    left_out.add("lines of tokens that are several words, or none (3-4, 3.1)", rows[0][0], len(rows) - len(kept))
    left_out.add("sentences with columns between token and tag", rows[0][0], columns.width > 2)
    for place, row in kept:
        if not row[token].strip(" "):
            raise InputError(f"{place}: the token is empty; drop the line")
        try:
            columns.scheme.check_tag(row[tag], place)
        except ValueError as error:
            others = [
                index + 1 for index in range(columns.width) if index != tag and all(_is_tag(item[index]) for _, item in rows)
            ]
            hint = f" (or --tag_column {others[0]})" if others else ""
            raise InputError(f'{place}: the tag is "{row[tag]}"; {error}{hint}') from error
        columns.has_outside |= row[tag] == OUTSIDE
    return {"tokens": [row[token] for _, row in kept], "tags": [row[tag] for _, row in kept]}


def _is_tag(text: str) -> bool:
    return text == OUTSIDE or is_prefixed(text)


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
