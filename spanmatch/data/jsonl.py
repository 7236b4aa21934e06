"""Reading annotated text: JSONL files, DatasetDict folders and hub data sets become one `Corpus`."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from spanmatch.errors import InputError


def json_rows(path: Path) -> Iterator[tuple[str, Any]]:
    """Each line of a JSONL file with its `file:line`; a line that cannot be read is an `InputError` in its place."""
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if line.strip():
                where = f"{path}:{number}"
                yield where, json_row(where, line)


def json_row(where: str, line: bytes) -> Any:
    """The value of one line, or the `InputError` that says why it cannot be read."""
    try:
        row = json.loads(line)
        if b"\\u" in line or b"\xed" in line:  # only these can hold half a surrogate pair, which no tokenizer reads
            json.dumps(row, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        half = error.object[error.start].encode("ascii", "backslashreplace").decode()
        return InputError(f"{where}: holds a lone surrogate ({half}), half a character; write it whole, or drop it")
    except UnicodeDecodeError as error:
        return InputError(f"{where}: not UTF-8 ({error.reason} at byte {error.start}); save the file as UTF-8")
    except json.JSONDecodeError as error:
        return InputError(f"{where}: not JSON ({error.msg} at column {error.colno}); write one JSON object per line")
    except (ValueError, RecursionError) as error:  # a number of thousands of digits, thousands of brackets
        return InputError(f"{where}: not JSON that can be read ({error}); write one JSON object per line")
    return row


