"""Read other tools' files as records of our own schema: CoNLL columns, GLiNER's JSON, DatasetDict folders, JSONL.

A reader yields each record after its place (`file:line`). It counts in a `LeftOut` what our schema cannot hold.
"""

import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from spanmatch.data.dataset_dict import dataset_rows, load_dataset_folder
from spanmatch.data.examples import KEYS, json_rows, lone_surrogate
from spanmatch.data.files import not_utf8, read_text
from spanmatch.data.formats.records import LeftOut
from spanmatch.errors import InputError, nearest

# Each record, or the `InputError` in its place, after its place.
Rows = Iterator[tuple[str, Any]]

DOCUMENT_START = "-DOCSTART-"

_GLINER_KEYS = frozenset({"tokenized_text", "ner", "ner_labels", "ner_negatives"})


def read_conll(path: Path, left_out: LeftOut) -> Rows:
    """Read columns, the token first and its tag last; a blank line ends a sentence.

    A line that holds a tab is split at tabs, so that a token may hold spaces; any other line is split at white space.

    Args:
        path: the file.
        left_out: counts the `-DOCSTART-` lines, and the sentences that have more columns.

    Raises:
        InputError: a line has too few or too many columns, an empty token, or is not UTF-8.
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
            counted = f"{len(columns)} column{'s' if len(columns) > 1 else ''}"
            expected = f"{width}, as on the lines before" if width > 1 else "at least 2, the token first and its tag last"
            raise InputError(f"{place}: {counted}, expected {expected}; tokens with spaces need tabs between columns")
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
    """Read lines, without their ends. Only a line feed ends a line: other separators of Unicode may stand in a token."""
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            try:
                text = line.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError as error:
                raise not_utf8(f"{path}:{number}", error) from error
            yield f"{path}:{number}", text.rstrip("\r\n")


def read_gliner(path: Path, left_out: LeftOut) -> Rows:
    """Read GLiNER's training data: `{"tokenized_text", "ner": [[first, last, label], ...]}`, as a JSON list or one per line.

    `ner_labels` and `ner_negatives` together become the `labels`, what a text was annotated for.

    Args:
        path: the file.
        left_out: counts the values whose keys have another meaning in our schema.

    Raises:
        InputError: a record has another form, or the list is no JSON.
    """
    rows = _json_list(path) if starts_with_list(path) else json_rows(path)
    for where, item in rows:
        yield where, item if isinstance(item, InputError) else _gliner_row(where, item, left_out)


def _gliner_row(where: str, item: Any, left_out: LeftOut) -> dict[str, Any]:
    expected = f'{where}: expected an object with the lists "tokenized_text" and "ner"'
    if not isinstance(item, dict):
        raise InputError(f"{expected}, got {type(item).__name__}")
    tokens, ner = item.get("tokenized_text"), item.get("ner")
    if not isinstance(tokens, list) or not isinstance(ner, list):
        hint = next((f'; "{key}": {nearest(key, _GLINER_KEYS)}' for key in item if key not in _GLINER_KEYS), "")
        raise InputError(expected + hint)
    spans = [_gliner_span(where, span, len(tokens)) for span in ner]
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


def _gliner_span(where: str, span: Any, num_tokens: int) -> dict[str, Any]:
    shown = json.dumps(span, ensure_ascii=False)[:80]
    if not (isinstance(span, list) and [type(part) for part in span] == [int, int, str]):
        raise InputError(f'{where}: "ner" holds {shown}; expected [first token, last token, label]')
    first, last, label = span
    if not 0 <= first <= last < num_tokens:
        raise InputError(f'{where}: "ner" holds {shown} for {num_tokens} tokens; they count from 0, and the end is inclusive')
    return {"start": first, "end": last + 1, "label": label}


def starts_with_list(path: Path) -> bool:
    """Say whether a JSON file is one list, rather than an object per line.

    Args:
        path: the file.
    """
    with path.open("rb") as content:
        return content.read(4096).removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"["


def _json_list(path: Path) -> Rows:
    """Read the items of a JSON list, each with the line on which it starts: `json.loads` would not tell the lines."""
    text = read_text(path)
    decoder, line, counted = json.JSONDecoder(), 1, 0
    position = _after_space(text, _after_space(text, 0) + 1)
    for index in itertools.count():
        line, counted = line + text.count("\n", counted, position), position
        where = f"{path}:{line}, item {index}"
        if index == 0 and text[position : position + 1] == "]":
            break
        try:
            item, position = decoder.raw_decode(text, position)
            if "\\u" in text[counted:position]:  # only an escape can spell half a character
                json.dumps(item, ensure_ascii=False).encode()
        except json.JSONDecodeError as error:
            place = f"{path}:{error.lineno}"
            raise InputError(f"{place}: not JSON ({error.msg} at column {error.colno}); mend item {index}") from error
        except UnicodeEncodeError as error:
            raise lone_surrogate(where, error) from error
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
    """Read our own JSONL, in any of its forms.

    Args:
        path: the file.
        left_out: stays as it is; our schema can hold everything.
    """
    del left_out
    return json_rows(path)


def read_tags_jsonl(path: Path, left_out: LeftOut) -> Rows:
    """Read our own JSONL, where every line has tags.

    Args:
        path: the file.
        left_out: stays as it is; our schema can hold everything.

    Raises:
        InputError: a line has no tags.
    """
    for where, row in read_jsonl(path, left_out):
        if isinstance(row, dict) and row.get("tags") is None:
            raise InputError(f'{where}: no "tags"; give one per token, or read the file with --from spans')
        yield where, row


# The reader of each file format; a DatasetDict is a folder, and has `read_dataset`.
READERS: dict[str, Callable[[Path, LeftOut], Rows]] = {
    "conll": read_conll,
    "gliner": read_gliner,
    "spans": read_jsonl,
    "tags": read_tags_jsonl,
}


def dataset_splits(path: Path) -> dict[str, Any]:
    """Load the splits of a DatasetDict folder, by name; one Dataset alone has the name that it carries, else "train".

    Args:
        path: the folder.

    Raises:
        InputError: the folder holds no data set, or one that cannot be read.
    """
    loaded = load_dataset_folder(path)
    return dict(loaded) if isinstance(loaded, Mapping) else {str(loaded.split or "train"): loaded}


def read_dataset(source: Path, split: str, dataset: Any, left_out: LeftOut) -> Rows:
    """Read the records of one split.

    A split was annotated for all names of its ClassLabel. If some of them do not occur in it, each record gets the names
    as `labels`, because a file of records alone would not tell.

    Args:
        source: the folder.
        split: the name of the split.
        dataset: its `datasets.Dataset`.
        left_out: counts the values of columns that our schema does not have.

    Raises:
        InputError: the split has neither a column "text" nor "tokens".
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
