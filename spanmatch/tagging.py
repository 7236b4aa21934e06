"""The `spanmatch tag` command: texts in, entities out, as a person or as a program reads them."""

import json
import sys
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from tqdm.auto import tqdm

from spanmatch.data import json_rows
from spanmatch.entities import Entity, EntityType, as_entity_types
from spanmatch.entity_types import read_entity_types
from spanmatch.errors import InputError, nearest
from spanmatch.predictor import SpanMatcher
from spanmatch.records import Example
from spanmatch.spans import split_words
from spanmatch.thresholds import Threshold, check_names


def tag(
    model: str,
    source: str,
    *,
    types: Sequence[str],
    entity_types: str | None,
    threshold: Threshold | None,
    overlap: str,
    output_format: str | None,
    device: str | None,
    dtype: str | None,
    batch_size: int,
) -> None:
    """Tag what `source` names and print it: a text and its entities, or a JSON line per text."""
    asked = asked_types(types, entity_types)
    lines = read_input(source)
    check_names(threshold, asked)
    matcher = SpanMatcher.from_pretrained(model, device=device, dtype=dtype)
    write = as_text if (output_format or ("text" if sys.stdout.isatty() else "jsonl")) == "text" else as_json
    waiting: deque[dict[str, Any]] = deque()

    def examples() -> Iterator[Example]:
        for where, record in lines:
            waiting.append(record)
            yield Example(where=where, text=record["text"], words=split_words(record["text"]), mentions=(), types=asked)

    tagged = matcher.stream(examples(), threshold=threshold, overlap=overlap, batch_size=batch_size)
    for entities in tqdm(tagged, unit="text", desc="tagging", disable=not sys.stderr.isatty()):
        print(write(waiting.popleft(), entities))


def asked_types(types: Sequence[str], entity_types: str | None) -> tuple[EntityType, ...]:
    """Types named on the command line, separated by commas, and those of a file.

    Raises:
        InputError: none, or one twice.
    """
    named = [name.strip() for item in types for name in item.split(",") if name.strip()]
    described = read_entity_types(Path(entity_types), is_inventory=True).inventory if entity_types else ()
    try:
        return as_entity_types([*(EntityType(name=name) for name in named), *described])
    except ValueError as error:
        raise InputError(f'{error} (--types "person,city" or --entity_types FILE)') from error


def as_text(record: dict[str, Any], entities: Sequence[Entity]) -> str:
    """A text, and below it a line per entity."""
    return "\n".join(
        [record["text"], *(f"  [{item.start}:{item.end}] {item.text}  {item.label}  {item.score:.2f}" for item in entities)]
    )


def as_json(record: dict[str, Any], entities: Sequence[Entity]) -> str:
    """The record with its entities, in one line."""
    found = [
        {"start": item.start, "end": item.end, "label": item.label, "text": item.text, "score": round(item.score, 6)}
        for item in entities
    ]
    return json.dumps(record | {"entities": found}, ensure_ascii=False)


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
