"""doccano's JSON lines: `{"text", "label": [[start, end, label], ...]}`, or `"entities"` with `"relations"`.

Source: the exporter and the importer of doccano 1.8 (github.com/doccano/doccano, `backend/data_export/pipeline`,
`backend/data_import/pipeline/label.py`) and its tutorial. Offsets count code points, as Python does. Where a project counts
grapheme clusters as one character, doccano's offsets are others; the file does not say so.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from spanmatch.data.formats.char_spans import (
    as_list,
    as_object,
    as_text,
    char_spans,
    count_filled,
    further_keys,
    kept_keys,
    read_values,
    shown,
    span_of,
)
from spanmatch.data.formats.reading import Reading, Rows
from spanmatch.data.formats.records import LeftOut, Record
from spanmatch.data.formats.writing import Writing, write_json
from spanmatch.errors import InputError

# Where releases of doccano have the spans: "label" for a project of sequence labelling, "labels" before 1.0, "entities"
# where a project has relations or intents.
_SPAN_KEYS = ("label", "labels", "entities")
_OTHER_KINDS = {"relations": "relations", "cats": "categories of texts", "Comments": "comments", "comments": "comments"}
_OURS = frozenset({"char_spans", "token_spans", "tags", "tokens", "ner_tags"})


def is_doccano(path: Path, first: Any) -> bool:
    """Say whether a file is an export of doccano.

    Our own files may have "labels", a list of names, and "entities" with "start" and "end"; these are not doccano's.

    Args:
        path: the file.
        first: its first JSON value, None if it has none.
    """
    del path
    if not isinstance(first, dict) or first.keys() & _OURS or not first.keys() & {"text", "data"}:
        return False
    if isinstance(first.get("label"), list):
        return True
    if isinstance(first.get("labels"), list) and first["labels"]:
        return isinstance(first["labels"][0], list)
    entities = first.get("entities")
    if not isinstance(entities, list):
        return False
    if not entities:
        return bool(first.keys() & _OTHER_KINDS.keys())
    return isinstance(entities[0], list) or (isinstance(entities[0], dict) and "start_offset" in entities[0])


def read_doccano(path: Path, reading: Reading) -> Rows:
    """Read doccano's JSON lines, or a list of such objects.

    Args:
        path: the file.
        reading: counts relations, categories and comments.

    Raises:
        InputError: the list is no JSON, or everything was left out. A record of another form is an `InputError` in its place.
    """
    return read_values(path, reading, lambda where, item: _row(where, item, reading.left_out))


def _row(where: str, item: Any, left_out: LeftOut) -> dict[str, Any]:
    item = as_object(where, item, "a text of doccano")
    text_key = "data" if "data" in item and "text" not in item else "text"  # 1.3 to 1.5 called it "data"
    text = as_text(where, item, text_key)
    filled = [key for key in _SPAN_KEYS if item.get(key) is not None]
    if not filled:
        if isinstance(item.get("annotations"), list):
            raise InputError(f'{where}: "annotations" name labels by numbers; export as JSONL with the labels\' texts')
        raise InputError(f'{where}: no "label" with spans; a text without an entity has an empty list, or drop the line')
    with_spans = [key for key in filled if item[key] != []]
    if len(with_spans) > 1:
        raise InputError(f'{where}: spans under both "{with_spans[0]}" and "{with_spans[1]}"; give one of them')
    key = (with_spans or filled)[0]
    spans = [_span(where, key, span, text) for span in as_list(where, key, item[key])]
    count_filled(where, item, _OTHER_KINDS, left_out)
    kept = kept_keys(where, item, {text_key, *_SPAN_KEYS, *_OTHER_KINDS}, left_out)
    return {"text": text, "char_spans": spans} | kept


def _span(where: str, key: str, span: Any, text: str) -> dict[str, Any]:
    if isinstance(span, list) and len(span) == 3:
        return span_of(where, span, text, *span)
    if isinstance(span, dict) and {"start_offset", "end_offset", "label"} <= span.keys():
        return span_of(where, span, text, span["start_offset"], span["end_offset"], span["label"])
    hint = "; labels of whole texts are no spans" if isinstance(span, str) else ""
    forms = '[start, end, label] or {"start_offset", "end_offset", "label"}'
    raise InputError(f'{where}: "{key}" holds {shown(span)}; expected {forms}{hint}')


def write_doccano(records: Iterable[Record], path: Path, writing: Writing) -> None:
    """Write records as JSON lines that doccano imports into a project of sequence labelling, spans under "label".

    doccano keeps overlapping spans only where the project allows them. It has no place for scores.

    Args:
        records: the records.
        path: the file to write.
        writing: counts what is left out.
    """
    write_json((_line(record, writing) for record in records), path)


def _line(record: Record, writing: Writing) -> dict[str, Any]:
    spans = char_spans(record)
    writing.left_out.add("scores", record.example.where, sum(span.score is not None for span in spans))
    own: dict[str, Any] = {"text": record.example.text, "label": [[span.start, span.end, span.label] for span in spans]}
    return own | further_keys(record, {"text", "label", "labels", "entities", "relations"}, writing)
