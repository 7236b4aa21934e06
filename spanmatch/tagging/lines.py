"""How a tagged text is written: for a person, or as a line of JSON."""

import base64
import json
import math
from collections.abc import Sequence
from datetime import date, datetime, time
from typing import Any

from spanmatch.entities import Entity


def as_text(text: str, entities: Sequence[Entity]) -> str:
    """A text, and below it a line per entity."""
    return "\n".join([text, *(f"  [{item.start}:{item.end}] {item.text}  {item.label}  {item.score:.2f}" for item in entities)])


def as_json(record: dict[str, Any], entities: Sequence[Entity]) -> str:
    """The record with its entities, in one line."""
    found = [
        {"start": item.start, "end": item.end, "label": item.label, "text": item.text, "score": round(item.score, 6)}
        for item in entities
    ]
    content = record | {"entities": found}
    try:
        return json.dumps(content, ensure_ascii=False, allow_nan=False, default=_plain)
    except ValueError:  # JSON knows neither NaN nor infinity
        return json.dumps(_finite(content), ensure_ascii=False, allow_nan=False, default=_plain)


def _plain(value: Any) -> str:
    """A value of a Parquet column that JSON has no form for: times in ISO 8601, bytes in base64, the rest as text."""
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    return base64.b64encode(value).decode() if isinstance(value, bytes) else str(value)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


