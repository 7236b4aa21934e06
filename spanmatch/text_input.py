"""Texts to tag: a JSONL file, the lines of a text file or of standard input, or a sentence."""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from spanmatch.data import json_rows
from spanmatch.errors import InputError, nearest


def read_input(source: str) -> Iterable[tuple[str, dict[str, Any]]]:
    """Records with a "text" each: from a JSONL file, the lines of a text file or standard input, or the argument itself."""
    path = Path(source)
    if source == "-":
        return _text_lines("standard input", sys.stdin)
    if path.is_file():
        return _jsonl_lines(path) if path.suffix in {".jsonl", ".json"} else _file_lines(path)
    if any(character.isspace() for character in source):
        return [("argument:1", {"text": source})]
    siblings = [item.name for item in path.parent.iterdir()] if path.parent.is_dir() else []
    hint = nearest(path.name, siblings, otherwise="give a file, a sentence of several words, or - for standard input")
    raise InputError(f"{source}: no such file; {hint}")


def _file_lines(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    with path.open(encoding="utf-8") as lines:
        yield from _text_lines(str(path), lines)


def _text_lines(name: str, lines: Iterable[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    try:
        for number, line in enumerate(lines, 1):
            yield f"{name}:{number}", {"text": line.rstrip("\r\n")}
    except UnicodeDecodeError as error:
        raise InputError(f"{name}: not UTF-8 ({error.reason} at byte {error.start}); save the text as UTF-8") from error


def _jsonl_lines(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for where, row in json_rows(path):
        if isinstance(row, InputError):
            raise row
        if not isinstance(row, dict) or not isinstance(row.get("text"), str):
            raise InputError(f'{where}: expected a JSON object with a string "text"')
        yield where, row
