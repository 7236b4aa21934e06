"""What writers of file formats share: the options of writing, spans as tags, and JSON records that keep what they can.

What a format cannot hold is counted in a `LeftOut`, never lost silently.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spanmatch.data.formats.records import LeftOut, Record
from spanmatch.data.further_keys import KEYS
from spanmatch.data.tags import write_tags
from spanmatch.entities import Mention
from spanmatch.errors import InputError

SCHEMES = ("bio", "iobes")

ON_OVERLAP = ("error", "longest")


@dataclass(frozen=True, kw_only=True, slots=True)
class Writing:
    """Says how to write, and counts what is left out.

    Attributes:
        left_out: counts what the format cannot hold.
        scheme: of tags, one of `SCHEMES`: "bio" is IOB2.
        on_overlap: what happens to overlapping spans in a format with one tag per token, one of `ON_OVERLAP`: "error"
            raises, "longest" keeps the longest.
        as_predictions: whether the spans are what a model found, for a person to correct, rather than gold.
        model_version: which model found them.
        suffix: of the file that is written, such as ".json"; the path that a writer gets has another name until it is whole.
    """

    left_out: LeftOut
    scheme: str = "bio"
    on_overlap: str = "error"
    as_predictions: bool = False
    model_version: str = "spanmatch"
    suffix: str = ""


def write_pieces(pieces: Iterable[str], path: Path) -> None:
    """Write a text file as UTF-8, piece by piece, with line feeds as they are.

    Args:
        pieces: the content.
        path: the file to write.
    """
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(pieces)


def write_json(rows: Iterable[Any], path: Path, *, is_list: bool = False) -> None:
    """Write JSON values, one per line.

    Args:
        rows: the values.
        path: the file to write.
        is_list: whether the lines together are one JSON list.
    """
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write("[\n" if is_list else "")
        for index, row in enumerate(rows):
            separator = ",\n" if is_list and index else ""
            file.write(separator + json.dumps(row, ensure_ascii=False) + ("" if is_list else "\n"))
        file.write("\n]\n" if is_list else "")


def tags_of(record: Record, writing: Writing) -> list[str]:
    """Return one tag per token.

    Args:
        record: the record.
        writing: the scheme, and what happens to spans that overlap; it counts what is left out.

    Raises:
        InputError: spans overlap, and that is an error.
    """
    return write_tags(flat_spans(record, writing), len(record.example.words), writing.scheme)


def flat_spans(record: Record, writing: Writing) -> list[Mention]:
    """Return token spans that do not overlap; of those that do, the longest is kept, then the earliest.

    Args:
        record: the record.
        writing: how to write; it counts what is left out.

    Raises:
        InputError: spans overlap, and that is an error.
    """
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


def whole_row(record: Record, own: dict[str, Any], writing: Writing) -> dict[str, Any]:
    """Return a JSON record with all that JSON can keep, and count what tokens cannot say of its spans.

    It has the id, the text if that is not the tokens joined by one space, `own`, and the keys that our schema does not know.

    Args:
        record: the record.
        own: the keys of the format, which hold its tokens and spans.
        writing: counts what is left out.
    """
    row: dict[str, Any] = {"id": record.row["id"]} if record.row.get("id") is not None else {}
    if record.example.text != " ".join(record.tokens):
        row["text"] = record.example.text
    row |= own
    count_span_keys(record, writing)
    for key, value in record.row.items():
        if key in KEYS:
            continue
        if key in row:
            writing.left_out.add(f'values of "{key}"', record.example.where)
        else:
            row[key] = value
    return row


def count_span_keys(record: Record, writing: Writing) -> None:
    """Count further keys of spans, and character spans that the token spans do not say.

    Args:
        record: the record.
        writing: counts what is left out.
    """
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
    own: dict[str, Any] = {"tokens": record.tokens, "tags": tags_of(record, writing)}
    if record.labels is not None:
        own["labels"] = list(record.labels)
    return whole_row(record, own, writing)
