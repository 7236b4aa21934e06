"""Write records in other tools' formats: CoNLL columns, GLiNER's JSON, DatasetDict folders, JSONL.

What a format cannot hold is counted in a `LeftOut`, never lost silently.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spanmatch.data.examples import KEYS
from spanmatch.data.formats.readers import DOCUMENT_START
from spanmatch.data.formats.records import LeftOut, Record
from spanmatch.data.tags import write_tags
from spanmatch.entities import Mention
from spanmatch.errors import InputError

SCHEMES = ("bio", "iobes")

ON_OVERLAP = ("error", "longest")

_COLUMN_BREAK = re.compile(r"[\t\r\n]")


@dataclass(frozen=True, kw_only=True, slots=True)
class Writing:
    """Says how to write, and counts what is left out.

    Attributes:
        left_out: counts what the format cannot hold.
        scheme: of tags, one of `SCHEMES`: "bio" is IOB2.
        on_overlap: what happens to overlapping spans in a format with one tag per token, one of `ON_OVERLAP`: "error"
            raises, "longest" keeps the longest.
    """

    left_out: LeftOut
    scheme: str = "bio"
    on_overlap: str = "error"


def _tags(record: Record, writing: Writing) -> list[str]:
    return write_tags(_flat_spans(record, writing), len(record.example.words), writing.scheme)


def _flat_spans(record: Record, writing: Writing) -> list[Mention]:
    """Return token spans that do not overlap; of those that do, the longest is kept, then the earliest."""
    kept: list[Mention] = []
    for span in sorted(record.token_spans(writing.left_out), key=lambda item: (item.start - item.end, item)):
        other = next((item for item in kept if item.start < span.end and span.start < item.end), None)
        if other is None:
            kept.append(span)
        elif writing.on_overlap == "error":
            raise InputError(
                f'{record.example.where}: the token spans [{other.start}, {other.end}) "{other.label}" and '
                f'[{span.start}, {span.end}) "{span.label}" overlap, and a token has one tag; '
                "keep the longest (--on_overlap longest), or convert to gliner or spans"
            )
        else:
            writing.left_out.add("spans that overlap a longer one", record.example.where)
    return sorted(kept)


def _whole_row(record: Record, own: dict[str, Any], writing: Writing) -> dict[str, Any]:
    """Return a JSON record with all that JSON can keep, and count what tokens cannot say of its spans.

    It has the id, the text if that is not the tokens joined by one space, `own`, and the keys that our schema does not know.
    """
    row: dict[str, Any] = {"id": record.row["id"]} if record.row.get("id") is not None else {}
    if record.example.text != " ".join(record.tokens):
        row["text"] = record.example.text
    row |= own
    _count_span_keys(record, writing)
    for key, value in record.row.items():
        if key in KEYS:
            continue
        if key in row:
            writing.left_out.add(f'values of "{key}"', record.example.where)
        else:
            row[key] = value
    return row


def _count_span_keys(record: Record, writing: Writing) -> None:
    """Count further keys of spans, and character spans that the token spans do not say."""
    lists = [record.row.get(key) or [] for key in ("char_spans", "token_spans")]
    more = sum(not span.keys() <= {"start", "end", "label"} for spans in lists for span in spans)
    writing.left_out.add('spans with keys besides "start", "end" and "label"', record.example.where, more)
    if all(record.row.get(key) is not None for key in ("char_spans", "token_spans")) or (lists[0] and "tags" in record.row):
        by_token = {(item.start, item.end, item.label) for item in record.example.mentions}
        apart = sum((span["start"], span["end"], span["label"]) not in by_token for span in lists[0])
        writing.left_out.add("character spans that are not among the token spans", record.example.where, apart)


def tags_row(record: Record, writing: Writing) -> dict[str, Any]:
    """Return a record as `{"tokens", "tags"}`, with its other keys.

    Args:
        record: the record to write.
        writing: how to write; it counts what is left out.

    Raises:
        InputError: spans overlap, and that is an error.
    """
    own: dict[str, Any] = {"tokens": record.tokens, "tags": _tags(record, writing)}
    if record.labels is not None:
        own["labels"] = list(record.labels)
    return _whole_row(record, own, writing)


def spans_row(record: Record, writing: Writing) -> dict[str, Any]:
    """Return a record as it is, but with token spans in place of its tags.

    Args:
        record: the record to write.
        writing: how to write; it counts what is left out.
    """
    row = {key: value for key, value in record.row.items() if key != "tags" and value is not None}
    if "tags" in record.row and "token_spans" not in row:
        position = list(row).index("tokens" if "tokens" in row else "text") + 1
        spans = [{"start": item.start, "end": item.end, "label": item.label} for item in record.token_spans(writing.left_out)]
        items = list(row.items())
        row = dict([*items[:position], ("token_spans", spans), *items[position:]])
    return row


def gliner_row(record: Record, writing: Writing) -> dict[str, Any]:
    """Return a record in GLiNER's form.

    The inventory is written twice: GLiNER's uni-encoders read `ner_labels`, its bi-encoders `ner_negatives`.

    Args:
        record: the record to write.
        writing: how to write; it counts what is left out.
    """
    spans = record.token_spans(writing.left_out)
    own: dict[str, Any] = {"tokenized_text": record.tokens, "ner": [[item.start, item.end - 1, item.label] for item in spans]}
    if record.labels is not None:
        there = {item.label for item in spans}
        own["ner_labels"] = list(record.labels)
        own["ner_negatives"] = [label for label in record.labels if label not in there]
    return _whole_row(record, own, writing)


def conll_lines(record: Record, writing: Writing) -> str:
    """Return a record as a sentence: a line per token, token and tag with a tab between them, and a blank line.

    Args:
        record: the record to write.
        writing: how to write; it counts what is left out.

    Raises:
        InputError: spans overlap, and that is an error; or a label holds a tab or a line break.
    """
    where, left_out, tokens = record.example.where, writing.left_out, record.tokens
    tags = _tags(record, writing)
    _count_span_keys(record, writing)
    if not tokens:
        left_out.add("texts without a token", where)
        return ""
    left_out.add("texts whose white space is not one space between tokens", where, record.example.text != " ".join(tokens))
    left_out.add('values of "labels"', where, record.labels is not None)
    for key in record.row.keys() - (KEYS - {"id"}):
        left_out.add(f'values of "{key}"', where, record.row[key] is not None)
    left_out.add(f"tokens that read as {DOCUMENT_START} lines", where, sum(token.startswith(DOCUMENT_START) for token in tokens))
    bad = next((tag for tag in tags if _COLUMN_BREAK.search(tag)), None)
    if bad is not None:
        raise InputError(f"{where}: the label {json.dumps(bad[2:])} holds a tab or a line break, which columns cannot; rename it")
    left_out.add("tabs and line breaks in tokens (written as spaces)", where, len(_COLUMN_BREAK.findall("".join(tokens))))
    return "".join(f"{_COLUMN_BREAK.sub(' ', token)}\t{tag}\n" for token, tag in zip(tokens, tags, strict=True)) + "\n"


# What writes one record of each file format that is JSON.
ROWS: dict[str, Callable[[Record, Writing], dict[str, Any]]] = {"gliner": gliner_row, "spans": spans_row, "tags": tags_row}


def file_content(records: Iterable[Record], path: Path, file_format: str, writing: Writing) -> Iterator[str]:
    """Write the content of a file, piece by piece; GLiNER's `.json` is one list, a record per line.

    Args:
        records: the records.
        path: the file; only its suffix counts.
        file_format: the format of the file.
        writing: how to write; it counts what is left out.

    Raises:
        InputError: the format cannot hold a record.
    """
    if file_format == "conll":
        yield from (conll_lines(record, writing) for record in records)
        return
    is_list = file_format == "gliner" and path.suffix == ".json"
    yield "[\n" if is_list else ""
    for index, record in enumerate(records):
        line = json.dumps(ROWS[file_format](record, writing), ensure_ascii=False)
        yield (",\n" if is_list and index else "") + line + ("" if is_list else "\n")
    yield "\n]\n" if is_list else ""


def save_dataset(splits: Mapping[str, Sequence[dict[str, Any]]], folder: Path, scheme: str) -> None:
    """Save rows as a DatasetDict. All splits share one ClassLabel for `ner_tags`.

    Args:
        splits: rows of `dataset_row`, by the name of their split.
        folder: where to save.
        scheme: the scheme of the tags, one of `SCHEMES`: the ClassLabel names all its prefixes for every label.
    """
    import datasets  # imported late: it takes a second

    prefixes = "BI" if scheme == "bio" else "BIES"
    labels = sorted({tag[2:] for rows in splits.values() for row in rows for tag in row["tags"] if tag != "O"})
    names = ["O", *(f"{prefix}-{label}" for label in labels for prefix in prefixes)]
    numbers = {name: number for number, name in enumerate(names)}
    text, texts = datasets.Value("string"), datasets.List(datasets.Value("string"))
    columns: dict[str, Any] = {"id": text, "text": text, "tokens": texts, "labels": texts}
    used = {key for rows in splits.values() for row in rows for key in row}
    features: dict[str, Any] = {key: feature for key, feature in columns.items() if key in used | {"tokens"}}
    features["ner_tags"] = datasets.List(datasets.ClassLabel(names=names))
    saved = {
        name: datasets.Dataset.from_dict(
            {key: [row.get(key) for row in rows] for key in features if key != "ner_tags"}
            | {"ner_tags": [[numbers[tag] for tag in row["tags"]] for row in rows]},
            features=datasets.Features(features),
        )
        for name, rows in splits.items()
    }
    was_disabled = datasets.are_progress_bars_disabled()
    datasets.disable_progress_bars()
    try:
        datasets.DatasetDict(saved).save_to_disk(str(folder))
    finally:
        if not was_disabled:
            datasets.enable_progress_bars()


def dataset_row(record: Record, writing: Writing) -> dict[str, Any]:
    """Return a record as a row for `save_dataset`.

    Args:
        record: the record that becomes the row.
        writing: how to write; it counts what is left out, such as keys for which a DatasetDict of ours has no column.

    Raises:
        InputError: spans overlap, and that is an error.
    """
    row = tags_row(record, writing)
    for key in row.keys() - KEYS:
        writing.left_out.add(f'values of "{key}"', record.example.where)
        del row[key]
    return row | ({"id": str(row["id"])} if "id" in row else {})
