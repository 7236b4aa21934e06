"""brat standoff: a folder with a text `NAME.txt` and its annotation `NAME.ann` for each document.

A document is one record, with its line breaks. A line of the annotation, `T1 <tab> PER 0 8 <tab> Ada Berg`, has the offsets in
characters and the text that they cover. brat cannot cover a line break: a span that crosses one is written in pieces,
`0 3;4 8`, one a line, and pieces with nothing but white space between them are read as one span.
(Format: brat.nlplab.org/standoff.html.)
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from spanmatch.data.files import read_text
from spanmatch.data.formats.char_spans import char_spans, further_keys
from spanmatch.data.formats.reading import Reading, Rows, text_lines
from spanmatch.data.formats.records import LeftOut, Record
from spanmatch.data.formats.writing import Writing
from spanmatch.errors import InputError

# What lines that are no span are, by the first character of their id.
OTHER_LINES = {
    "E": "events",
    "R": "relations",
    "A": "attributes",
    "M": "attributes",
    "N": "normalizations",
    "#": "notes",
    "*": "equivalences",
}
# The tool asks for its settings beside the documents: the labels that may be given.
SETTINGS = "annotation.conf"

_OFFSETS = re.compile(r"(\S+) (\d{1,18} \d{1,18}(?:;\d{1,18} \d{1,18})*)", re.ASCII)
_FORM = 'expected "T1<tab>LABEL START END<tab>TEXT"'
_LINE_BREAK = re.compile(r"\r\n|\r|\n")
_FILE_NAME = re.compile(r"\w[\w.-]{0,59}")
_ID = re.compile(r"T\d+\S*", re.ASCII)
_OTHER_ID = re.compile(r"[ERAMN#]\d+\S*|\*", re.ASCII)

# The place of a line, its id, its label, the offsets of its pieces, and the text that it shows.
_Line = tuple[str, str, str, list[tuple[int, int]], str]


def is_brat(path: Path, first: Any) -> bool:
    """Say whether a folder holds annotations of brat, or a file is one or the text of one.

    Args:
        path: the folder or file.
        first: the first JSON value of the file, which does not matter.
    """
    del first
    return any(path.glob("*.ann")) if path.is_dir() else path.with_suffix(".ann").is_file()


def read_brat(path: Path, reading: Reading) -> Rows:
    """Read documents, each as one record whose id is the name of its files.

    Args:
        path: a folder, or one of the two files of a document.
        reading: counts spans of several pieces with other text between them, and the lines that are no spans.

    Raises:
        InputError: a file of a document is missing, or a line has another form, or the text that it shows is not the text that
            its offsets cover.
    """
    files = [file for file in path.iterdir() if file.suffix in {".ann", ".txt"}] if path.is_dir() else [path]
    for stem in sorted({file.with_suffix("") for file in files}):
        text_file, annotation = (stem.with_name(stem.name + suffix) for suffix in (".txt", ".ann"))
        if not text_file.is_file():
            raise InputError(f"{annotation}: its text, {text_file.name}, is not beside it; copy it there")
        if not annotation.is_file():
            raise InputError(f"{text_file}: its annotation, {annotation.name}, is not beside it; an empty one says no entity")
        yield f"{annotation}:1", {"id": stem.name} | _document(text_file, annotation, reading.left_out)


def _document(text_file: Path, annotation: Path, left_out: LeftOut) -> dict[str, Any]:
    lines = [found for where, line in text_lines(annotation) if (found := _parsed(where, line, left_out))]
    seen: set[str] = set()
    for where, name, *_ in lines:
        if name in seen:
            raise InputError(f"{where}: the id {name} is there twice; give each line its own")
        seen.add(name)
    reason = None
    for text, shift in _readings(text_file):
        try:
            return {"text": text[shift:], "char_spans": list(_spans(text, shift, lines, left_out))}
        except _Disagreement as error:
            reason = reason or error
    assert reason is not None
    raise InputError(str(reason)) from reason


class _Disagreement(ValueError):
    """Says that offsets do not cover what a line shows."""


def _readings(text_file: Path) -> list[tuple[str, int]]:
    """Return what the offsets may count in: the text as it is; with each line break as one character, as brat reads it; and
    each of these with the byte order mark, which some tools count as a character.
    """
    text = read_text(text_file)
    texts = list(dict.fromkeys([text, _LINE_BREAK.sub("\n", text)]))
    has_mark = text_file.read_bytes().startswith(b"\xef\xbb\xbf")
    return [(item, 0) for item in texts] + [("\ufeff" + item, 1) for item in texts if has_mark]


def _parsed(where: str, line: str, left_out: LeftOut) -> _Line | None:
    """Read a line; None if it is no span."""
    if not line.strip():
        return None
    name, *columns = line.split("\t", 2)
    if columns and _OTHER_ID.fullmatch(name):
        left_out.add(OTHER_LINES[name[0]], where)
        return None
    matched = _OFFSETS.fullmatch(columns[0].rstrip()) if len(columns) == 2 else None
    if matched is None or not _ID.fullmatch(name):
        raise InputError(f"{where}: {_FORM}, got {line[:80]!r}")
    pieces = [(int(start), int(end)) for start, end in (piece.split() for piece in matched[2].split(";"))]
    is_ordered = all(one[1] <= other[0] for one, other in pairwise(pieces))
    if not is_ordered or not all(start < end for start, end in pieces):
        raise InputError(f"{where}: the span {matched[2]} is empty or out of order; each end must be behind its start")
    return where, name, matched[1], pieces, columns[1]


def _spans(text: str, shift: int, lines: Sequence[_Line], left_out: LeftOut) -> Iterator[dict[str, Any]]:
    """Yield spans. Those of several pieces are counted only once all lines agree with the text."""
    apart = []
    for where, _, label, pieces, shown in lines:
        covered = " ".join(text[start:end] for start, end in pieces)
        comment = shown[len(covered) :]
        if pieces[-1][1] > len(text) or not shown.startswith(covered) or (comment and comment[0] != "\t"):
            told = f"the offsets cover {covered[:60]!r}, the line shows {shown[:60]!r}"
            raise _Disagreement(f"{where}: {told}; offsets count characters (not bytes) from 0, and the end is exclusive")
        if any(text[one[1] : other[0]].strip() for one, other in pairwise(pieces)):
            apart.append(where)
            continue
        yield {"start": pieces[0][0] - shift, "end": pieces[-1][1] - shift, "label": label}
    for where in apart:
        left_out.add("spans in several pieces", where)


def write_brat(records: Iterable[Record], path: Path, writing: Writing) -> None:
    """Write records as documents, and the labels that occur to `annotation.conf`, which the tool needs.

    A document is called as its record's id where that can be the name of a file, else it gets a number.

    Args:
        records: the records.
        path: the folder to make.
        writing: counts what is left out.
    """
    path.mkdir()
    labels: set[str] = set()
    names: set[str] = set()
    for number, record in enumerate(records, 1):
        name = str(record.row.get("id"))
        if record.row.get("id") is None or not _FILE_NAME.fullmatch(name) or name.casefold() in names:
            writing.left_out.add('values of "id" (documents get numbers)', record.example.where, record.row.get("id") is not None)
            name = next(item for item in _numbered(number) if item not in names)
        names.add(name.casefold())
        for key in further_keys(record, (), writing).keys() - {"id"}:
            writing.left_out.add(f'values of "{key}"', record.example.where, record.row[key] is not None)
        writing.left_out.add("scores", record.example.where, sum(span.score is not None for span in char_spans(record)))
        text, lines = _written(record, writing.left_out)
        labels |= {label for label, _ in lines}
        content = "".join(f"T{index}\t{label} {rest}\n" for index, (label, rest) in enumerate(lines, 1))
        for suffix, written in ((".txt", text), (".ann", content)):
            (path / f"{name}{suffix}").write_text(written, encoding="utf-8", newline="")
    settings = ["[entities]", *sorted(labels), "", "[relations]", "", "[events]", "", "[attributes]", ""]
    (path / SETTINGS).write_text("\n".join(settings), encoding="utf-8", newline="")


def _numbered(number: int) -> Iterator[str]:
    yield f"{number:06d}"
    yield from (f"{number:06d}_{again}" for again in range(2, 1 << 30))


def _written(record: Record, left_out: LeftOut) -> tuple[str, list[tuple[str, str]]]:
    """Return the text with line feeds alone, as brat counts, and each span as its label and the rest of its line."""
    where, text = record.example.where, record.example.text
    left_out.add("line breaks with a carriage return (written as line feeds)", where, text.count("\r"))
    left_out.add("byte order marks before a text", where, text.startswith("\ufeff"))
    # How many characters less stand before each character.
    before = [0]
    for index, character in enumerate(text):
        before.append(before[-1] + (character == "\r" and text[index + 1 : index + 2] == "\n"))
    plain = _LINE_BREAK.sub("\n", text)
    lines = []
    for mention in char_spans(record):
        start, end = mention.start - before[mention.start], mention.end - before[mention.end]
        pieces = [(start + found.start(), start + found.end()) for found in re.finditer(r"[^\n]+", plain[start:end])]
        pieces = [(first, last) for first, last in pieces if plain[first:last].strip()] if len(pieces) > 1 else pieces
        if not pieces:
            left_out.add("spans of line breaks alone", where)
            continue
        left_out.add("line breaks at an end of a span", where, (pieces[0][0], pieces[-1][1]) != (start, end))
        label = re.sub(r"\s+", "_", mention.label.strip())
        left_out.add('white space in labels (written as "_")', where, label != mention.label)
        offsets = ";".join(f"{first} {last}" for first, last in pieces)
        lines.append((label, f"{offsets}\t{' '.join(plain[first:last] for first, last in pieces)}"))
    return plain, lines
