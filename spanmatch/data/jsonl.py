"""Read JSON Lines: one JSON object per line, each with its place for error messages."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from spanmatch.data.files import not_utf8
from spanmatch.errors import InputError


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
