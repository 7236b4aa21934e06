"""Reading the files that are tagged, record by record with flat memory: text, JSONL, CSV and TSV, also as .gz, and Parquet."""

import glob
import gzip
import json
import os
import zlib
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, cast

from spanmatch.data.examples import json_row
from spanmatch.data.files import find_glob, home_path, matching, not_utf8
from spanmatch.data.tables import SEPARATORS, read_table
from spanmatch.errors import InputError, nearest

JSON_LINES = (".jsonl", ".json")
# The lines of plain files below this size are counted beforehand: a second or two, for a bar that knows its end.
MAX_COUNTED_BYTES = 10**9
PARQUET_ROWS = 1024
# The longest line that is read: the text of two hundred books.
MAX_LINE_BYTES = 1 << 26
# What a blank line gives where it is no record.
_BLANK = object()

# Where a record stands, and the record or what is wrong with it.
ReadRecord = tuple[str, dict[str, Any] | InputError]


def find_files(source: str, leave_out: Collection[Path] = ()) -> list[Path]:
    """Find the file of a name, or the files that a glob matches, sorted.

    Args:
        source: a path or a glob.
        leave_out: files that the command itself writes, which no glob matches; by default none.

    Returns:
        The files; none where the source names no file at all.

    Raises:
        InputError: a folder, a compressed Parquet file, or a glob that matches only what is left out.
    """
    # Unlike the methods of a path, these functions take a long sentence, or one that begins with "~", for no file.
    path = home_path(source)
    if os.path.isdir(path):
        raise InputError(f'{source}: a folder; name a file in it, or a glob such as "{source.rstrip("/")}/*.jsonl"')
    found = [path] if os.path.isfile(path) else []
    if not found and glob.has_magic(source) and matching(source):
        found = [file for file in find_glob(source, leave_out) if file.is_file()]
    for file in found:
        if _is_compressed(file) and Path(file.stem).suffix == ".parquet":
            raise InputError(f"{file}: Parquet is compressed inside and not read through gzip; unpack it (gunzip) first")
    return found


class SourceFiles:
    """Iterates over the records of files, in order, each with its `file:line` (of Parquet, `file:row`)."""

    def __init__(self, paths: Sequence[Path], *, text_column: str = "text") -> None:
        """Look at the sizes of the files.

        Args:
            paths: the files.
            text_column: the key or column that holds the text.
        """
        self.paths, self.text_column = tuple(paths), text_column
        self.sizes = [path.stat().st_size for path in paths]
        self.num_bytes_read = 0

    def __iter__(self) -> Iterator[ReadRecord]:
        done = 0
        for path, size in zip(self.paths, self.sizes, strict=True):
            reader = self._parquet if path.suffix == ".parquet" else self._lines
            for where, row, position in reader(path, size):
                self.num_bytes_read = done + position
                if row is not _BLANK:
                    yield where, _checked(where, row, self.text_column)
            done += size

    def count_records(self) -> int | None:
        """Count the records, and take blank lines of JSONL for such. Return None where counting takes long."""
        plain = [path for path in self.paths if path.suffix != ".parquet"]
        is_unclear = any(_is_compressed(path) or path.suffix in SEPARATORS for path in plain)
        if is_unclear or sum(path.stat().st_size for path in plain) > MAX_COUNTED_BYTES:
            return None
        tables = [path for path in self.paths if path.suffix == ".parquet"]
        return sum(map(_count_lines, plain)) + sum(_open_parquet(path).metadata.num_rows for path in tables)

    def _lines(self, path: Path, size: int) -> Iterator[tuple[str, Any, int]]:
        del size
        rows = self._table if _format(path) in SEPARATORS else self._json_or_text
        number = 0
        with path.open("rb") as raw:
            file = cast(BinaryIO, gzip.GzipFile(fileobj=raw)) if _is_compressed(path) else raw
            try:
                for number, row in rows(path, file):
                    yield f"{path}:{number}", row, raw.tell()
            except (EOFError, gzip.BadGzipFile, zlib.error) as error:
                problem = f"the gzip file is cut off or damaged from here on ({error})"
                raise InputError(f"{path}:{number + 1}: {problem}; copy or pack it again") from error

    def _json_or_text(self, path: Path, file: BinaryIO) -> Iterator[tuple[int, Any]]:
        is_json = _format(path) in JSON_LINES
        if not is_json and self.text_column != "text":
            others = ".jsonl, .csv, .tsv or .parquet"
            raise InputError(f"{path}: a text per line and no columns; leave out --text_column, or give {others}")
        for number, line in enumerate(iter(lambda: file.readline(MAX_LINE_BYTES + 1), b""), 1):
            if len(line) > MAX_LINE_BYTES:  # a few kilobytes of gzip become any number of gigabytes
                problem = f"a line of more than {MAX_LINE_BYTES >> 20} MiB"
                raise InputError(f"{path}:{number}: {problem}; cut it into lines that fit into memory")
            if not is_json:
                yield number, text_record(f"{path}:{number}", line, is_first=number == 1)
            else:
                yield number, json_row(f"{path}:{number}", line) if line.strip() else _BLANK

    def _table(self, path: Path, file: BinaryIO) -> Iterator[tuple[int, Any]]:
        table = read_table(file, path, _format(path))
        if self.text_column not in table.names:
            hint = nearest(self.text_column, table.names)
            raise InputError(f'{table.where}: no column "{self.text_column}"; {hint} (--text_column NAME)')
        for where, row in table.rows:
            number = int(where.rpartition(":")[2])
            yield number, dict(zip(table.names, row, strict=True)) if isinstance(row, list) and row else row or _BLANK

    def _parquet(self, path: Path, size: int) -> Iterator[tuple[str, Any, int]]:
        import pyarrow

        file = _open_parquet(path)
        names = file.schema_arrow.names
        if self.text_column not in names:
            raise InputError(f'{path}: no column "{self.text_column}"; {nearest(self.text_column, names)} (--text_column NAME)')
        num_rows = max(1, file.metadata.num_rows)
        number = 0
        try:
            for batch in file.iter_batches(batch_size=PARQUET_ROWS):
                for row in _rows(batch):
                    number += 1
                    where = f"{path}:{number}"
                    yield where, InputError(f"{where}: {row}") if isinstance(row, str) else row, size * number // num_rows
        except (pyarrow.ArrowException, OSError) as error:
            raise InputError(f"{path}:{number + 1}: Parquet that cannot be read ({_first_line(error)}); write it anew") from error


def text_record(where: str, line: bytes, *, is_first: bool = False) -> dict[str, Any] | InputError:
    """Make a record of a line of text.

    Args:
        where: where the line stands.
        line: the line. Its end is cut off.
        is_first: the line may begin with a byte order mark, which is cut off, too.

    Returns:
        The record, or what is wrong with the line.
    """
    try:
        return {"text": line.decode("utf-8-sig" if is_first else "utf-8").rstrip("\r\n")}
    except UnicodeDecodeError as error:
        return not_utf8(where, error, "text")


def _checked(where: str, row: Any, text_column: str) -> dict[str, Any] | InputError:
    if isinstance(row, InputError):
        return row
    if not isinstance(row, dict):
        wanted = f'expected a JSON object with a string "{text_column}", got {_json_name(row)}'
        return InputError(f"{where}: {wanted}; write one object per line")
    if text_column not in row:
        hint = nearest(text_column, row, otherwise=f"it has {', '.join(map(repr, row))[:120] or 'nothing'}")
        return InputError(f'{where}: no "{text_column}"; {hint} (--text_column NAME)')
    if not isinstance(row[text_column], str):
        return InputError(f'{where}: "{text_column}" must be a string, got {_json_name(row[text_column])}; write a string')
    return row


def _json_name(value: Any) -> str:
    if isinstance(value, (bool, int, float)):
        return "a number" if not isinstance(value, bool) else json.dumps(value)
    return {"NoneType": "null", "dict": "an object", "list": "a list"}.get(type(value).__name__, type(value).__name__)


def _format(path: Path) -> str:
    return Path(path.stem).suffix if _is_compressed(path) else path.suffix


def _is_compressed(path: Path) -> bool:
    return path.suffix == ".gz"


def _count_lines(path: Path) -> int:
    num_lines, last = 0, b""
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            num_lines += block.count(b"\n")
            last = block[-1:]
    return num_lines + (last not in {b"", b"\n"})


def _open_parquet(path: Path) -> Any:
    import pyarrow
    from pyarrow import parquet

    try:
        return parquet.ParquetFile(path)
    except (pyarrow.ArrowException, OSError) as error:
        raise InputError(f"{path}: no Parquet file that can be read ({_first_line(error)}); write or copy it anew") from error


def _rows(batch: Any) -> Iterator[dict[str, Any] | str]:
    """Yield the rows of a batch; for a row that cannot be read, what is wrong with it."""
    try:
        yield from batch.to_pylist()
    except UnicodeDecodeError:
        for index in range(batch.num_rows):
            try:
                row = batch.slice(index, 1).to_pylist()[0]
            except UnicodeDecodeError as error:
                row = f"not UTF-8 ({error.reason} at byte {error.start}); write the column as UTF-8"
            yield row


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:160]
