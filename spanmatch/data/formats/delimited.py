"""CSV and TSV with a header, in the forms in which people keep annotated text in tables.

- A token a row: columns "word" (or "token") and "tag", and one that numbers the sentences ("Sentence #", "sentence_id"); without
  that one, blank lines end sentences.
- A text a row, and its annotation in one cell: spans or tags as JSON, or as Python prints them, or tags with blanks between.
- An entity a row: columns "text", "start", "end" and "label", and "entity" with the text of the entity. A text without entities
  has one row in which these are empty. Rows are of one text if they have the same number in the column "record", or without
  that column the same text, wherever they stand: a sheet that was sorted is read alike, in the order of the numbers. This form
  is what is written.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spanmatch.data.formats.cells import check_covered, read_annotation, read_value, split_blanks
from spanmatch.data.formats.char_spans import CharSpan, char_spans, further_keys
from spanmatch.data.formats.reading import Reading, Rows, each_record
from spanmatch.data.formats.records import LeftOut, Record
from spanmatch.data.formats.writing import Writing, write_pieces
from spanmatch.data.further_keys import KEYS
from spanmatch.data.tables import Table, read_table, table_line
from spanmatch.errors import InputError, nearest

# Names of columns, without case, blanks and signs.
TOKEN = frozenset({"word", "token"})
TOKENS = frozenset({"words", "tokens"})
SENTENCE = frozenset({"sentence", "sentenceid", "sentenceidx", "sentencenumber", "sentid", "sent"})
ANNOTATION = frozenset(
    {"tag", "tags", "ner", "nertag", "nertags", "iob", "bio", "label", "labels", "entities", "spans", "annotations", "charspans"}
)
START, END, LABEL = frozenset({"start", "begin"}), frozenset({"end", "stop"}), frozenset({"label", "type", "tag"})
ENTITY = frozenset({"entity"})

# Some spreadsheets take a file for UTF-8 only if it begins so.
BYTE_ORDER_MARK = "\ufeff"

_OFFSET = re.compile(r"(\d{1,18})(?:\.0+)?", re.ASCII)


def is_delimited(path: Path, first: Any) -> bool:
    """Say whether a file is a table: a `.csv` is one, a `.tsv` only if its header names columns that are read.

    Args:
        path: the file.
        first: its first JSON value, which does not matter.
    """
    del first
    if path.suffix != ".tsv":
        return True
    try:
        with path.open("rb") as file:
            names = set(map(_plain, read_table(file, path, ".tsv").names))
    except InputError:
        return False
    return "text" in names or bool(TOKEN & names and ANNOTATION & names)


def read_delimited(path: Path, reading: Reading) -> Rows:
    """Read a table, in the form that its header says.

    Args:
        path: the file.
        reading: says which column is the text; counts the values of columns that our schema cannot hold.

    Raises:
        InputError: the header names no text or no annotation, or a row has another form.
    """
    with path.open("rb") as file:
        table = read_table(file, path, ".tsv" if path.suffix == ".tsv" else ".csv")
        names = set(map(_plain, table.names))
        wanted = reading.text_column or "text"
        text = next((name for name in table.names if _plain(name) == _plain(wanted)), None)
        is_token = TOKEN & names or reading.token_column is not None
        if text is None and reading.text_column is None and is_token:
            yield from _sentences(table, reading)
        elif text is None:
            hint = nearest(wanted, table.names)
            raise InputError(f'{table.where}: no column "{wanted}"; {hint} (--text_column NAME)')
        elif LABEL & names and (ENTITY & names or (START & names and END & names)):
            yield from _gathered(table, text, reading.left_out)
        else:
            yield from _texts(table, text, reading)


def _plain(name: str) -> str:
    return "".join(character for character in name.casefold() if character.isalnum())


def _column(table: Table, wanted: frozenset[str], *but: str | None, asked: str | None = None, flag: str = "") -> str | None:
    """Return the name of the one column that has one of some names; or of the one that the user asks for, by name or number."""
    if asked is not None:
        numbers = {str(number): name for number, name in enumerate(table.names, 1)} | {"-1": table.names[-1]}
        if asked not in table.names and asked not in numbers:
            raise InputError(f'{table.where}: no column "{asked}"; {nearest(asked, table.names)} ({flag})')
        return asked if asked in table.names else numbers[asked]
    found = [name for name in table.names if _plain(name) in wanted and name not in but]
    if len(found) > 1:
        shown = " and ".join(f'"{name}"' for name in found)
        raise InputError(f"{table.where}: the columns {shown} may each be meant; rename or drop all but one")
    return found[0] if found else None


def _cells(table: Table) -> Iterator[tuple[str, dict[str, str] | InputError]]:
    """Yield the cells of each row by the names of their columns, none for a blank line; or what is wrong with the row."""
    for where, row in table.rows:
        if isinstance(row, InputError):
            yield where, row
        else:
            yield where, dict(zip(table.names, row, strict=True)) if row else {}


def _no_annotation(table: Table, remedy: str) -> InputError:
    shown = ", ".join(f'"{name}"' for name in table.names)[:200]
    return InputError(f"{table.where}: none of the columns {shown} is known as annotation; {remedy}")


def _sentences(table: Table, reading: Reading) -> Rows:
    """Read a token a row."""
    left_out = reading.left_out
    token = _column(table, TOKEN, asked=reading.token_column, flag="--token_column")
    tag = _column(table, ANNOTATION, token, asked=reading.tag_column, flag="--tag_column")
    sentence = _column(table, SENTENCE, token, tag)
    assert token is not None
    if tag is None:
        raise _no_annotation(table, 'call the column with a tag for each token "tag"')
    held = _Sentence()
    current, has_end = "", False
    for where, cells in _cells(table):
        filled = cells if isinstance(cells, dict) else {}
        is_blank = filled is cells and not any(cell.strip() for cell in filled.values())
        number = filled[sentence].strip() if sentence is not None and filled else ""
        if held.where and (is_blank or (number and number != current)):
            yield held.where, held.record()
            held, has_end = _Sentence(), True
        current = number or current
        if not is_blank:
            held.add(where, cells, token, tag)
        for name in filled.keys() - {token, tag, sentence}:
            left_out.add(f'values of "{name}"', where, bool(filled[name].strip()))
    if held.where and sentence is None and not has_end:
        remedy = 'number the sentences in a column "sentence", or put a blank line behind each'
        raise InputError(f"{table.where}: nothing says where a sentence ends; {remedy}")
    if held.where:
        yield held.where, held.record()


@dataclass(kw_only=True, slots=True)
class _Sentence:
    """Holds the tokens of a sentence, its place, and the first thing that is wrong with it."""

    where: str = ""
    tokens: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    error: InputError | None = None

    def add(self, where: str, cells: dict[str, str] | InputError, token: str, tag: str) -> None:
        self.where = self.where or where
        if isinstance(cells, InputError):
            self.error = self.error or cells
            return
        empty = next((name for name in (token, tag) if not cells[name].strip()), None)
        if empty is not None and self.error is None:
            remedy = 'give each token a tag, and "O" where it is no entity'
            self.error = InputError(f'{where}: "{empty}" is empty; {remedy}')
        self.tokens.append(cells[token])
        self.tags.append(cells[tag].strip())

    def record(self) -> dict[str, Any] | InputError:
        return self.error or {"tokens": self.tokens, "tags": self.tags}


def _texts(table: Table, text: str, reading: Reading) -> Rows:
    """Read a text a row, with its annotation in one cell."""
    left_out = reading.left_out
    tokens = _column(table, TOKENS, text, asked=reading.token_column, flag="--token_column")
    annotation = _column(table, ANNOTATION, text, tokens, asked=reading.tag_column, flag="--tag_column")
    if annotation is None:
        remedy = 'give columns "start", "end" and "label", or a column "entities" with a JSON list of {"start", "end", "label"}'
        raise _no_annotation(table, remedy)

    def record(where: str, cells: dict[str, str]) -> dict[str, Any] | None:
        if not cells:
            return None
        found = read_annotation(where, annotation, cells[annotation], cells[text], left_out)
        if tokens is not None:
            is_list = cells[tokens].lstrip()[:1] == "["
            found["tokens"] = read_value(where, tokens, cells[tokens]) if is_list else split_blanks(cells[tokens])
        elif "tags" in found:
            found["tokens"] = split_blanks(cells[text])
        return {"text": cells[text]} | found | _others(where, cells, {text, tokens, annotation}, left_out)

    yield from each_record(_cells(table), record)


def _others(where: str, cells: Mapping[str, str], used: set[str | None], left_out: LeftOut) -> dict[str, str]:
    """Return the cells that a record keeps beside text and annotation."""
    kept = {}
    for name, cell in cells.items():
        if name in used or not cell:
            continue
        if name == "id" or (name not in KEYS and _plain(name) not in ANNOTATION):
            kept[name] = cell
        else:
            left_out.add(f'values of "{name}"', where)
    return kept


@dataclass(kw_only=True, slots=True)
class _Gathered:
    """Holds a text and what its rows say so far."""

    where: str
    text: str
    others: dict[str, str]
    spans: list[dict[str, Any]] = field(default_factory=list)


def _gathered(table: Table, text: str, left_out: LeftOut) -> Rows:
    """Read an entity a row."""
    start, end = _column(table, START, text), _column(table, END, text)
    label, entity = _column(table, LABEL, text), _column(table, ENTITY, text)
    record, score = (_column(table, frozenset({name}), text) for name in ("record", "score"))
    used = {text, start, end, label, entity, record, score}
    texts: dict[str, _Gathered] = {}
    for where, cells in _cells(table):
        if isinstance(cells, InputError):  # of which text it is, cannot be known
            raise cells
        if not cells:
            continue
        if record is not None and not cells[record].strip():
            raise InputError(f'{where}: "{record}" is empty; give the number that the other rows of the text have, or a new one')
        others = _others(where, cells, used, left_out)
        key = cells[text] if record is None else cells[record].strip()
        gathered = texts.setdefault(key, _Gathered(where=where, text=cells[text], others=others))
        if gathered.text != cells[text]:
            problem = f'the same "{record}" as {gathered.where}, but another text'
            raise InputError(f"{where}: {problem}; mend the text or the number")
        for name in others.keys() | gathered.others.keys():
            is_other = others.get(name) != gathered.others.get(name)
            left_out.add(f'values of "{name}" that differ between rows of a text', where, is_other)
        left_out.add('values of "score"', where, score is not None and bool(cells[score]))
        assert label is not None
        given = [cells[name] if name is not None else "" for name in (start, end, entity)]
        if cells[label].strip() or any(map(str.strip, given)):
            found, until = _span(where, cells[text], *given)
            gathered.spans.append({"start": found, "end": until, "label": cells[label].strip()})
            if not cells[label].strip():
                raise InputError(f'{where}: "{label}" is empty; give the entity a label, or drop the row')
    if record is not None and all(re.fullmatch(r"\d{1,18}", key, re.ASCII) for key in texts):
        texts = dict(sorted(texts.items(), key=lambda item: int(item[0])))
    for gathered in texts.values():
        yield gathered.where, {"text": gathered.text, "char_spans": gathered.spans} | gathered.others


def _span(where: str, text: str, start: str, end: str, entity: str) -> tuple[int, int]:
    """Return the offsets of an entity: as given, else where its text stands in the whole text, if only once."""
    if not start.strip() and not end.strip():
        count = text.count(entity) if entity else 0
        if count != 1:
            told = f"{entity[:60]!r} stands {count} times in the text" if entity else "no start, no end and no entity"
            raise InputError(f"{where}: {told}; give start and end")
        return text.index(entity), text.index(entity) + len(entity)
    matched = [_OFFSET.fullmatch(cell.strip()) for cell in (start, end)]
    if matched[0] is None or matched[1] is None:
        raise InputError(f"{where}: start {start!r} and end {end!r}; expected two whole numbers, half-open character offsets")
    first, last = int(matched[0][1]), int(matched[1][1])
    check_covered(where, text, first, last, entity or None)
    return first, last


def write_delimited(records: Iterable[Record], path: Path, writing: Writing) -> None:
    """Write records as a table with an entity a row; with tabs if the target is called `.tsv`.

    Args:
        records: the records.
        path: the file to write.
        writing: counts what is left out.
    """
    found = [(item.example.text, char_spans(item), further_keys(item, (), writing)) for item in records]
    own = ["record", "text", "start", "end", "label", "entity"]
    if any(span.score is not None for _, spans, _ in found for span in spans):
        own.append("score")
    separator = "\t" if writing.suffix == ".tsv" else ","
    others = list(dict.fromkeys(key for _, _, values in found for key in values))  # the header needs the keys of all
    renamed = [f"{name} (input)" if _plain(name) in {*own, "tag", "type", "begin", "stop"} else name for name in others]

    def lines() -> Iterator[str]:
        yield BYTE_ORDER_MARK + table_line([*own, *renamed], separator)
        for number, (text, spans, values) in enumerate(found, 1):
            rows = [_span_cells(span, text) for span in spans] or [[""] * 5]
            for cells in rows:
                own_cells = [str(number), text, *cells][: len(own)]
                yield table_line([*own_cells, *(_cell(values.get(name)) for name in others)], separator)

    write_pieces(lines(), path)


def _span_cells(span: CharSpan, text: str) -> list[str]:
    score = "" if span.score is None else f"{span.score:.6g}"
    return [str(span.start), str(span.end), span.label, text[span.start : span.end], score]


def _cell(value: Any) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value, ensure_ascii=False, default=str)
