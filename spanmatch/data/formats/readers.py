"""Other tools' files as records of our own schema: CoNLL columns, GLiNER's JSON, DatasetDict folders, JSONL.

A reader gives each record with its place (`file:line`); what the schema has no room for is counted in a `LeftOut`.
"""

import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from spanmatch.data.dataset_dict import dataset_rows, load_dataset_folder
from spanmatch.data.examples import KEYS
from spanmatch.data.formats.records import LeftOut
from spanmatch.data.jsonl import json_rows
from spanmatch.errors import InputError, nearest

Rows = Iterator[tuple[str, Any]]


DOCUMENT_START = "-DOCSTART-"


_GLINER_KEYS = frozenset({"tokenized_text", "ner", "ner_labels", "ner_negatives"})


def read_conll(path: Path, left_out: LeftOut) -> Rows:
    """Columns, the token first and its tag last; a blank line ends a sentence, `-DOCSTART-` lines are no tokens.

    A line that holds a tab is split at tabs, so that a token may hold spaces; any other at white space.
    """
    tokens: list[str] = []
    tags: list[str] = []
    where, width = "", 0
    for place, line in _text_lines(path):
        is_document_start = line.startswith(DOCUMENT_START)
        if not line.strip() or is_document_start:
            left_out.add("document boundaries", place, is_document_start)
            if tokens:
                yield where, {"tokens": tokens, "tags": tags}
            tokens, tags = [], []
            continue
        columns = line.split("\t") if "\t" in line else line.split()
        width = width or len(columns)
        if len(columns) < 2 or len(columns) != width:
            expected = f"{width}, as on the lines before" if width > 1 else "at least 2, the token first and its tag last"
            raise InputError(
                f"{place}: {_count(len(columns), 'column')}, expected {expected}; tokens with spaces need tabs between columns"
            )
        if not tokens:
            where = place
            left_out.add("sentences with columns between token and tag", place, width > 2)
        if not columns[0]:
            raise InputError(f"{place}: the token is empty; drop the line")
        tokens.append(columns[0])
        tags.append(columns[-1])
    if tokens:
        yield where, {"tokens": tokens, "tags": tags}


def _text_lines(path: Path) -> Iterator[tuple[str, str]]:
    """Lines without their ends. Only a line feed ends one: other separators of Unicode may stand in a token."""
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            try:
                text = line.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError as error:
                raise InputError(
                    f"{path}:{number}: not UTF-8 ({error.reason} at byte {error.start}); save the file as UTF-8"
                ) from error
            yield f"{path}:{number}", text.rstrip("\r\n")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def read_gliner(path: Path, left_out: LeftOut) -> Rows:
    """GLiNER's training data: a JSON list, or a line each, of `{"tokenized_text", "ner": [[first, last, label], ...]}`.

    `ner_labels` and `ner_negatives` are together what a text was annotated for.
    """
    rows = _json_list(path) if starts_with_list(path) else json_rows(path)
    for where, item in rows:
        yield where, item if isinstance(item, InputError) else _gliner_row(where, item, left_out)


def _gliner_row(where: str, item: Any, left_out: LeftOut) -> dict[str, Any]:
    if not isinstance(item, dict) or not isinstance(item.get("tokenized_text"), list) or not isinstance(item.get("ner"), list):
        near = (
            (f'; "{key}": {nearest(key, _GLINER_KEYS)}' for key in item if key not in _GLINER_KEYS)
            if isinstance(item, dict)
            else ()
        )
        hint = next(iter(near), "") if isinstance(item, dict) else f", got {type(item).__name__}"
        raise InputError(f'{where}: expected an object with the lists "tokenized_text" and "ner"{hint}')
    tokens = item["tokenized_text"]
    spans = []
    for span in item["ner"]:
        shown = json.dumps(span, ensure_ascii=False)[:80]
        if not (isinstance(span, list) and len(span) == 3 and [type(part) for part in span] == [int, int, str]):
            raise InputError(f'{where}: "ner" holds {shown}; expected [first token, last token, label]')
        first, last, label = span
        if not 0 <= first <= last < len(tokens):
            raise InputError(
                f'{where}: "ner" holds {shown} for {len(tokens)} tokens; they count from 0, and the end is inclusive'
            )
        spans.append({"start": first, "end": last + 1, "label": label})
    row = {key: value for key, value in item.items() if key in {"id", "text"} or key not in KEYS | _GLINER_KEYS}
    for key in sorted(item.keys() & KEYS - {"id", "text"}):
        left_out.add(f'values of "{key}"', where)
    row |= {"tokens": tokens, "token_spans": spans}
    asked = [item[key] for key in ("ner_labels", "ner_negatives") if item.get(key) is not None]
    if asked:
        if not all(isinstance(names, list) and all(isinstance(name, str) for name in names) for names in asked):
            raise InputError(f'{where}: "ner_labels" and "ner_negatives" must be lists of strings')
        row["labels"] = list(dict.fromkeys([*itertools.chain(*asked), *(span["label"] for span in spans)]))
    return row


def starts_with_list(path: Path) -> bool:
    """Whether a JSON file is one list, and not an object per line."""
    with path.open("rb") as content:
        return content.read(4096).removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"["


def _json_list(path: Path) -> Rows:
    """The items of a JSON list, each with the line that it starts on."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 ({error.reason} at byte {error.start}); save the file as UTF-8") from error
    decoder, line, counted = json.JSONDecoder(), 1, 0
    position = _after_space(text, _after_space(text, 0) + 1)
    for index in itertools.count():
        line, counted = line + text.count("\n", counted, position), position
        where = f"{path}:{line}, item {index}"
        if index == 0 and text[position : position + 1] == "]":
            break
        try:
            item, position = decoder.raw_decode(text, position)
            if "\\u" in text[counted:position]:
                json.dumps(item, ensure_ascii=False).encode()
        except json.JSONDecodeError as error:
            raise InputError(
                f"{path}:{error.lineno}: not JSON ({error.msg} at column {error.colno}); mend item {index}"
            ) from error
        except UnicodeEncodeError as error:
            raise InputError(f"{where}: holds a lone surrogate, half a character; write it whole, or drop it") from error
        except (ValueError, RecursionError) as error:
            raise InputError(f"{where}: not JSON that can be read ({error}); mend it") from error
        yield where, item
        position = _after_space(text, position)
        if text[position : position + 1] == "]":
            break
        if text[position : position + 1] != ",":
            raise InputError(f'{where}: not JSON (expected "," or "]" after it); is the file whole?')
        position = _after_space(text, position + 1)
    if text[position + 1 :].strip():
        raise InputError(f"{path}: something follows the list; give one list, or one object per line")


def _after_space(text: str, position: int) -> int:
    while text[position : position + 1].isspace():
        position += 1
    return position


def read_jsonl(path: Path, left_out: LeftOut) -> Rows:
    """Our own JSONL: any of its forms."""
    del left_out
    return json_rows(path)


def read_tags_jsonl(path: Path, left_out: LeftOut) -> Rows:
    """Our own JSONL, where every line has tags."""
    del left_out
    for where, row in json_rows(path):
        if isinstance(row, dict) and row.get("tags") is None:
            raise InputError(f'{where}: no "tags"; give one per token, or read the file with --from spans')
        yield where, row


READERS: dict[str, Callable[[Path, LeftOut], Rows]] = {
    "conll": read_conll,
    "gliner": read_gliner,
    "spans": read_jsonl,
    "tags": read_tags_jsonl,
}


def dataset_splits(path: Path) -> dict[str, Any]:
    """The splits of a DatasetDict folder; one Dataset alone goes by the name that it carries."""
    loaded = load_dataset_folder(path)
    return dict(loaded) if isinstance(loaded, Mapping) else {str(loaded.split or "train"): loaded}


def read_dataset(source: Path, split: str, dataset: Any, left_out: LeftOut) -> Rows:
    """The records of one split.

    The names of a ClassLabel are what its split was annotated for. Where some do not occur in it, each record says so:
    a file of records would not.
    """
    rows, labels = dataset_rows(str(source), split, dataset)
    for name in sorted(set(dataset.column_names) - KEYS):
        left_out.add(f'values of "{name}"', f"{source}[{split}]:0", len(dataset))
    if labels:
        names = dataset.features["ner_tags"].feature.names
        used: set[int | None] = {tag for tags in dataset["ner_tags"] for tag in tags or ()}
        occurring = {names[tag].partition("-")[2] for tag in used if tag is not None and 0 <= tag < len(names)}
        if set(labels) - occurring:
            rows = ((where, {"labels": list(labels)} | row if isinstance(row, dict) else row) for where, row in rows)
    return rows


