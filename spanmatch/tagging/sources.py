"""The `spanmatch tag` command: texts in, entities out, as a person or as a program reads them."""

import glob
import os
import select
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from spanmatch.errors import InputError, nearest
from spanmatch.tagging.chunks import CHUNK_TEXTS, Chunks
from spanmatch.tagging.files import CorpusFiles, Read, find_files, text_row
from spanmatch.tagging.options import STANDARD_INPUT


def open_files(source: str, text_column: str = "text") -> CorpusFiles | None:
    """The files of that name or glob; None where standard input is meant, or a sentence.

    Raises:
        InputError: no such file.
    """
    if source == STANDARD_INPUT:
        return None
    paths = find_files(source)
    if paths:
        return CorpusFiles(paths, text_column=text_column)
    if glob.has_magic(source) and not any(map(str.isspace, source)):
        raise InputError(f"{source}: no file matches; check the pattern and the folder ({Path.cwd()})")
    if any(map(str.isspace, source)):
        return None
    path = Path(source)
    siblings = [item.name for item in path.parent.iterdir()] if path.parent.is_dir() else []
    hint = nearest(path.name, siblings, otherwise="give a file, a sentence of several words, or - for standard input")
    raise InputError(f"{source}: no such file; {hint}")


def read_input(source: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Records with a "text" each, and where they stand: of files, of standard input, or the argument itself.

    Raises:
        InputError: no such file, or a record that is invalid.
    """
    for chunk in _chunks(source, open_files(source)):
        for (where, _), record in zip(chunk.texts, chunk.records, strict=True):
            yield where, record


def _chunks(source: str, files: CorpusFiles | None, *, text_column: str = "text", skip_invalid: bool = False) -> Chunks:
    if files is not None:
        return Chunks(
            files,
            size=CHUNK_TEXTS,
            text_column=text_column,
            skip_invalid=skip_invalid,
            position=lambda: files.num_bytes_read,
        )
    if source != STANDARD_INPUT:
        return Chunks([("argument:1", {"text": source})], size=1)
    # What a person types is tagged line by line; of what a program writes, the first results come at once.
    lines = arriving_texts("standard input", sys.stdin.buffer)
    return Chunks(lines, first_size=1, size=1 if sys.stdin.isatty() else CHUNK_TEXTS, skip_invalid=skip_invalid)


# A producer that is silent for so long gets what it wrote so far tagged.
PAUSE_SECONDS = 0.2


def arriving_texts(name: str, stream: BinaryIO) -> Iterator[Read | None]:
    """The lines of a stream as they arrive; None where no more has come for a while."""
    number = 0
    for line in _arriving_lines(stream):
        if line is None:
            yield None
            continue
        number += 1
        where = f"{name}:{number}"
        yield where, text_row(where, line, is_first=number == 1)


def _arriving_lines(stream: BinaryIO) -> Iterator[bytes | None]:
    try:
        file = stream.fileno()
    except OSError:  # not of the system, but made by a program
        yield from stream
        return
    held: list[bytes] = []
    while True:
        if not _has_more(file):
            yield None
        piece = os.read(file, 1 << 16)
        if not piece:
            break
        *whole, rest = piece.split(b"\n")
        if whole:
            yield b"".join([*held, whole[0]])
            yield from whole[1:]
            held = []
        held.append(rest)
    if any(held):
        yield b"".join(held)


def _has_more(file: int) -> bool:
    try:
        return bool(select.select([file], [], [], PAUSE_SECONDS)[0])
    except (OSError, ValueError):  # Windows asks sockets only
        return True


