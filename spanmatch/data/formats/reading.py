"""What readers of file formats share: the options of reading, the lines of a text file, the values of a JSON file.

A reader yields each record after its place (`file:line`). It counts in a `LeftOut` what our schema cannot hold.
"""

import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spanmatch.data.examples import json_rows, lone_surrogate
from spanmatch.data.files import not_utf8, read_text
from spanmatch.data.formats.records import LeftOut
from spanmatch.errors import InputError

# Each record, or the `InputError` in its place, after its place.
Rows = Iterator[tuple[str, Any]]

# What may stand between the values of a JSON file; `str.isspace` knows more.
_JSON_SPACES = frozenset(" \t\n\r")


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """Says how to read, and counts what is left out.

    Attributes:
        left_out: counts what our schema cannot hold.
        text_column: name of the column that holds the text, in a table; by default as its reader finds it.
        token_column: name or number of the column that holds the tokens; numbers count from 1, and -1 is the last.
        tag_column: name or number of the column that holds the tags.
    """

    left_out: LeftOut
    text_column: str | None = None
    token_column: str | None = None
    tag_column: str | None = None


def text_lines(path: Path) -> Iterator[tuple[str, str]]:
    """Read lines, without their ends. Only a line feed ends a line: other separators of Unicode may stand in a token.

    Args:
        path: the file.

    Yields:
        Each line after its place, `file:line`.

    Raises:
        InputError: a line is not UTF-8.
    """
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            try:
                text = line.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError as error:
                raise not_utf8(f"{path}:{number}", error) from error
            yield f"{path}:{number}", text.rstrip("\r\n")


def json_values(path: Path) -> Rows:
    """Read the values of a JSON file: the items of its one list, or a value per line.

    Args:
        path: the file.

    Yields:
        `file:line` and the value; a line that cannot be read gives the `InputError` that says why.

    Raises:
        InputError: the list is no JSON.
    """
    return _json_list(path) if starts_with_list(path) else json_rows(path)


def each_record(rows: Rows, record: Callable[[str, Any], Any]) -> Rows:
    """Turn values into records of our schema. A value that cannot be read gives its error in its place, so it may be skipped.

    Args:
        rows: each value, or the `InputError` in its place, after its place.
        record: returns the record of a place and a value, None to leave it out; it raises an `InputError` for another form.

    Yields:
        Each record after its place.
    """
    for where, value in rows:
        try:
            found = value if isinstance(value, InputError) else record(where, value)
        except InputError as error:
            found = error
        if found is not None:
            yield where, found


def starts_with_list(path: Path) -> bool:
    """Say whether a JSON file is one list, rather than an object per line.

    Args:
        path: the file.
    """
    with path.open("rb") as content:
        return content.read(4096).removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"["


def _json_list(path: Path) -> Rows:
    """Read the items of a JSON list, each with the line on which it starts: `json.loads` would not tell the lines."""
    text = read_text(path)
    decoder, line, counted = json.JSONDecoder(), 1, 0
    position = _after_space(text, _after_space(text, 0) + 1)
    for index in itertools.count():
        line, counted = line + text.count("\n", counted, position), position
        where = f"{path}:{line}, item {index}"
        if index == 0 and text[position : position + 1] == "]":
            break
        try:
            item, position = decoder.raw_decode(text, position)
            if "\\u" in text[counted:position]:  # only an escape can spell half a character
                json.dumps(item, ensure_ascii=False).encode()
        except json.JSONDecodeError as error:
            place = f"{path}:{error.lineno}"
            raise InputError(f"{place}: not JSON ({error.msg} at column {error.colno}); mend item {index}") from error
        except UnicodeEncodeError as error:
            raise lone_surrogate(where, error) from error
        except (ValueError, RecursionError) as error:
            raise InputError(f"{where}: not JSON that can be read ({error}); mend it") from error
        yield where, item
        position = _after_space(text, position)
        if text[position : position + 1] == "]":
            break
        if text[position : position + 1] != ",":
            raise InputError(f'{where}: not JSON (expected "," or "]" after it); is the file whole?')
        position = _after_space(text, position + 1)
    if text[position + 1 :].strip(" \t\n\r"):
        raise InputError(f"{path}: something follows the list; give one list, or one object per line")


def _after_space(text: str, position: int) -> int:
    while text[position : position + 1] in _JSON_SPACES:
        position += 1
    return position
