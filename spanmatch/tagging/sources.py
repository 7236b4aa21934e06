"""Finding what is tagged: files, standard input, or a sentence on the command line; and cutting it into chunks."""

import glob
import os
import select
import sys
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from spanmatch.data.files import no_such_file
from spanmatch.errors import InputError
from spanmatch.tagging.chunks import CHUNK_TEXTS, Chunks
from spanmatch.tagging.files import ReadRecord, SourceFiles, find_files, text_record
from spanmatch.tagging.options import STANDARD_INPUT

# After a producer has been silent for so long, what it wrote is tagged.
PAUSE_SECONDS = 0.2


def open_files(source: str, text_column: str = "text", leave_out: Collection[Path] = ()) -> SourceFiles | None:
    """Open the files that a source names.

    Args:
        source: a path, a glob, "-" for standard input, or a sentence.
        text_column: the key or column that holds the text.
        leave_out: files that the command itself writes, which no glob matches; by default none.

    Returns:
        The files, None for standard input and for a sentence.

    Raises:
        InputError: no such file.
    """
    if source == STANDARD_INPUT:
        return None
    paths = find_files(source, leave_out)
    if paths:
        return SourceFiles(paths, text_column=text_column)
    if any(map(str.isspace, source)):
        return None
    if glob.has_magic(source):
        raise InputError(f"{source}: no file matches; check the pattern and the folder ({Path.cwd()})")
    raise no_such_file(Path(source), otherwise="give a file, a sentence of several words, or - for standard input")


def read_input(source: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the records of a source, each with the place where it stands. Their text is under the key "text".

    Args:
        source: as in `open_files`.

    Raises:
        InputError: no such file, or an invalid record.
    """
    for chunk in source_chunks(source, open_files(source)):
        for (where, _), record in zip(chunk.texts, chunk.records, strict=True):
            yield where, record


def source_chunks(source: str, files: SourceFiles | None, *, text_column: str = "text", skip_invalid: bool = False) -> Chunks:
    """Cut a source into chunks.

    Args:
        source: as in `open_files`.
        files: what `open_files` returned for it.
        text_column: the key or column that holds the text.
        skip_invalid: leave invalid records out, with a warning for each.
    """
    if files is not None:
        return Chunks(
            files, size=CHUNK_TEXTS, text_column=text_column, skip_invalid=skip_invalid, position=lambda: files.num_bytes_read
        )
    if source != STANDARD_INPUT:
        return Chunks([("argument:1", {"text": source})], size=1)
    # What a person types is tagged line by line; of what a program writes, the first results come at once.
    lines = arriving_texts("standard input", sys.stdin.buffer)
    return Chunks(lines, first_size=1, size=1 if sys.stdin.isatty() else CHUNK_TEXTS, skip_invalid=skip_invalid)


def arriving_texts(name: str, stream: BinaryIO) -> Iterator[ReadRecord | None]:
    """Yield the lines of a stream as they arrive, and None whenever no more has come for a while.

    Args:
        name: what the stream is called in messages.
        stream: bytes of UTF-8.
    """
    number = 0
    for line in _arriving_lines(stream):
        if line is None:
            yield None
            continue
        number += 1
        where = f"{name}:{number}"
        yield where, text_record(where, line, is_first=number == 1)


def _arriving_lines(stream: BinaryIO) -> Iterator[bytes | None]:
    try:
        file = stream.fileno()
    except OSError:  # made by a program, without a file of the system
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
    except (OSError, ValueError):  # Windows can ask sockets only
        return True
