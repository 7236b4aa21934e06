"""Read tables of text, CSV and TSV: find the separator and the quotes, and name the line of every row.

A cell between quotes may hold separators, line breaks and quotes (doubled). A tab-separated file may also be without quotes,
so that a quote is a character like any other, as in columns of tokens. What a file does, its content says.
"""

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from spanmatch.data.files import not_utf8
from spanmatch.errors import InputError

# By the suffix of a file: what may stand between its cells. The one that gives most columns is taken, the first of several.
SEPARATORS = {".csv": (",", ";", "\t", "|"), ".tsv": ("\t",)}

# A quote that is never closed would take the rest of a file, however large, for one cell.
MAX_CELL_CHARS = 1 << 27

# A cell that follows the rules of quotes, and one that only quotes without rules explain.
_IN_QUOTES = re.compile(r'"(?:[^"]|"")*"')

# A row after its place (`file:line`), an empty one for a blank line, or what is wrong with it.
Rows = Iterator[tuple[str, list[str] | InputError]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """Holds the header of a table, and reads its rows.

    Attributes:
        where: the place of the header, `file:line`.
        names: the names of the columns; a column without a name is called "column N".
        rows: each row has as many cells as there are names.
    """

    where: str
    names: tuple[str, ...]
    rows: Rows


def read_table(file: BinaryIO, path: Path, suffix: str) -> Table:
    """Read a table whose first row names the columns.

    Args:
        file: the open file, which can be rewound. Its rows are read when they are iterated over.
        path: its name, for messages.
        suffix: ".csv" or ".tsv".

    Raises:
        InputError: there is no header, or two columns have one name.
    """
    csv.field_size_limit(max(csv.field_size_limit(), MAX_CELL_CHARS))  # a text may be longer than the default, 131,072
    found = [(separator, _header(file, path, separator)) for separator in SEPARATORS[suffix]]
    separator, (where, header) = max(found, key=lambda item: len(item[1][1]))
    names = tuple(name.strip() or f"column {number}" for number, name in enumerate(header, 1))
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InputError(f'{where}: two columns are called "{twice}"; rename one')
    has_quotes = separator != "\t" or _has_quotes(file, path, len(names))
    rows = _rows(file, path, separator, has_quotes=has_quotes)
    return Table(where=where, names=names, rows=_checked(rows, len(names), separator))


def table_line(cells: Sequence[str], separator: str = ",") -> str:
    """Write a row, with quotes around the cells that need them.

    Args:
        cells: the cells.
        separator: what stands between them.
    """
    if list(cells) == [""]:
        return '""\n'  # without the quotes it were a blank line
    special = {separator, '"', "\r", "\n"}
    quoted = ('"' + cell.replace('"', '""') + '"' if special & set(cell) else cell for cell in cells)
    return separator.join(quoted) + "\n"


def _header(file: BinaryIO, path: Path, separator: str) -> tuple[str, list[str]]:
    for where, row in _rows(file, path, separator, has_quotes=True):
        if isinstance(row, InputError):
            raise row
        if row:
            return where, row
    raise InputError(f"{path}: no header in it; name the columns in the first row")


def _checked(rows: Rows, width: int, separator: str) -> Rows:
    """Yield the rows below the header; a row of another width is an error."""
    is_header = True
    for where, row in rows:
        if is_header:
            is_header = not row
            continue
        if isinstance(row, list) and width > 1 and len(row) == 1 and not row[0].strip():
            row = []  # a line of white space is blank, too, unless it is a cell
        if isinstance(row, list) and row and len(row) != width:
            counted = f"{len(row)} cell{'' if len(row) == 1 else 's'}, but the header names {width}"
            shown = {"\t": "a tab"}.get(separator, f'"{separator}"')
            row = InputError(f"{where}: {counted}; put cells that hold {shown} in quotes")
        yield where, row


def _rows(file: BinaryIO, path: Path, separator: str, *, has_quotes: bool) -> Rows:
    file.seek(0)
    lines = _Lines(file, path)
    reader = csv.reader(lines, delimiter=separator, quoting=csv.QUOTE_MINIMAL if has_quotes else csv.QUOTE_NONE, strict=True)
    while True:
        where = f"{path}:{reader.line_num + 1}"
        try:
            row: list[str] | InputError = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            row = InputError(f"{where}: a row that cannot be read ({error}); close each quote, double those within a cell")
        yield where, lines.take_error() or row


class _Lines:
    """Decodes lines. The error of a line that is not UTF-8 is kept for the row that the line is of."""

    def __init__(self, file: Iterable[bytes], path: Path) -> None:
        self._lines, self._path = enumerate(file, 1), path
        self._error: InputError | None = None

    def take_error(self) -> InputError | None:
        """Return what was wrong with the lines since the last call."""
        error, self._error = self._error, None
        return error

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        number, line = next(self._lines)
        encoding = "utf-8-sig" if number == 1 else "utf-8"
        try:
            return line.decode(encoding)
        except UnicodeDecodeError as error:
            self._error = self._error or not_utf8(f"{self._path}:{number}", error, "table")
            return line.decode(encoding, "replace")


def _has_quotes(file: BinaryIO, path: Path, width: int) -> bool:
    """Say whether a tab-separated file puts cells in quotes; where both can be, whether each cell keeps the rules for that."""

    def is_whole(has_quotes: bool) -> bool:
        rows = _rows(file, path, "\t", has_quotes=has_quotes)
        return all(not isinstance(row, InputError) and len(row) in {0, width} for _, row in rows)

    if not is_whole(has_quotes=False):
        return is_whole(has_quotes=True)
    cells = (cell for _, row in _rows(file, path, "\t", has_quotes=False) if isinstance(row, list) for cell in row)
    return all(_IN_QUOTES.fullmatch(cell) for cell in cells if cell.startswith('"'))
