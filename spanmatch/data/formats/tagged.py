"""What `spanmatch tag` writes, a text per line: `{"text", "entities": [{"start", "end", "label", "text", "score"}, ...]}`."""

import json
from pathlib import Path
from typing import Any

from spanmatch.data.examples import json_rows
from spanmatch.data.formats.reading import Reading, Rows, each_record
from spanmatch.data.further_keys import GOLD_KEYS
from spanmatch.errors import InputError

_SPAN_KEYS = frozenset({"start", "end", "label"})


def is_tagged(path: Path, first: Any) -> bool:
    """Say whether a file was written by `spanmatch tag`. A line that has gold of ours, too, is read by its gold.

    Args:
        path: the file.
        first: its first JSON value, None if it has none.
    """
    del path
    if not isinstance(first, dict) or any(first.get(key) is not None for key in GOLD_KEYS):
        return False
    entities = first.get("entities")
    if not entities and first.keys() & {"relations", "Comments"}:  # doccano's, whose first text has no entity
        return False
    is_ours = isinstance(entities, list) and all(isinstance(item, dict) and item.keys() >= _SPAN_KEYS for item in entities)
    return is_ours and isinstance(first.get("text"), str)


def read_tagged(path: Path, reading: Reading) -> Rows:
    """Read tagged texts as annotated ones: the entities become the character spans, with their scores.

    Args:
        path: the file.
        reading: stays as it is; our schema can hold everything.

    Yields:
        Each record after its place, or the `InputError` that says how its form differs.
    """
    del reading
    return each_record(json_rows(path), _row)


def _row(where: str, row: Any) -> Any:
    if not isinstance(row, dict) or any(row.get(key) is not None for key in GOLD_KEYS):
        return row
    entities, text = row.get("entities"), row.get("text")
    if not isinstance(entities, list) or not isinstance(text, str):
        raise InputError(f'{where}: no list "entities" beside a "text", as the lines before have; a file has one format')
    spans = []
    for item in entities:
        shown = json.dumps(item, ensure_ascii=False)[:80]
        if not isinstance(item, dict) or not item.keys() >= _SPAN_KEYS:
            raise InputError(f'{where}: "entities" holds {shown}; expected {{"start", "end", "label", "text"}}')
        said = item.get("text")
        if said is not None and all(type(item[key]) is int for key in ("start", "end")):
            found = text[item["start"] : item["end"]]
            if found != said:
                raise InputError(f'{where}: "entities" holds {shown}, but its offsets give {json.dumps(found)[:40]}; mend them')
        spans.append({key: value for key, value in item.items() if key != "text"})
    return {key: value for key, value in row.items() if key != "entities"} | {"char_spans": spans}
