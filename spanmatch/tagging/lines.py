"""Writing a tagged text: for a person, or as a line of JSON."""

import base64
import json
import math
from collections.abc import Sequence
from datetime import date, datetime, time
from typing import Any

from spanmatch.entities import Entity


def as_text(text: str, entities: Sequence[Entity]) -> str:
    """Return a text and, below it, one line for each of its entities.

    Args:
        text: the text.
        entities: its entities, with character offsets.
    """
    return "\n".join([text, *(f"  [{item.start}:{item.end}] {item.text}  {item.label}  {item.score:.2f}" for item in entities)])


def as_json(record: dict[str, Any], entities: Sequence[Entity]) -> str:
    """Return a record as one line of JSON, with its entities under the key "entities".

    JSON has no form for NaN and infinity, times, bytes and decimals. They become null, ISO 8601, base64 and text.

    Args:
        record: what was read, with all its keys.
        entities: its entities, with character offsets.
    """
    found = [
        {"start": item.start, "end": item.end, "label": item.label, "text": item.text, "score": round(item.score, 6)}
        for item in entities
    ]
    content = record | {"entities": found}
    try:
        return json.dumps(content, ensure_ascii=False, allow_nan=False, default=_plain)
    except ValueError:  # NaN or infinity
        return json.dumps(_finite(content), ensure_ascii=False, allow_nan=False, default=_plain)


def _plain(value: Any) -> str:
    """Return a value of a Parquet column as a string, where JSON has no form for it."""
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    return base64.b64encode(value).decode() if isinstance(value, bytes) else str(value)


def _finite(value: Any) -> Any:
    """Replace NaN and infinity by None, however deep they are."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
