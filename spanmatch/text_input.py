"""Texts to tag: a JSONL file, the lines of a text file or of standard input, or a sentence."""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from spanmatch.data import json_rows
from spanmatch.errors import InputError


def read_input(source: str) -> Iterable[tuple[str, dict[str, Any]]]:
    """Records with a "text" each: from a JSONL file, the lines of a text file or standard input, or the argument itself."""
    path = Path(source)
    if source == "-":
        return ((f"standard input:{number}", {"text": line.rstrip("\r\n")}) for number, line in enumerate(sys.stdin, 1))
    if path.is_file():
        return _jsonl_lines(path) if path.suffix in {".jsonl", ".json"} else _text_lines(path)
    if any(character.isspace() for character in source):
        return [("argument:1", {"text": source})]
    raise InputError(f"{source}: no such file; give a file, a sentence of several words, or - for standard input")


def _text_lines(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    try:
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                yield f"{path}:{number}", {"text": line.rstrip("\r\n")}
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 ({error.reason} at byte {error.start}); save the file as UTF-8") from error


def _jsonl_lines(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for where, row in json_rows(path):
        if isinstance(row, InputError):
            raise row
        if not isinstance(row, dict) or not isinstance(row.get("text"), str):
            raise InputError(f'{where}: expected a JSON object with a string "text"')
        yield where, row
