"""Read the annotation that one cell of a table holds: spans or tags, as JSON, as Python prints them, or as tags with blanks."""

import ast
import io
import json
import re
import tokenize
from itertools import pairwise
from typing import Any

from spanmatch.data.examples import lone_surrogate
from spanmatch.data.formats.records import LeftOut
from spanmatch.data.tags import OUTSIDE, is_prefixed
from spanmatch.errors import InputError, nearest

_BLANKS = re.compile(r"[ \t\r\n]+")
_SPAN_FORM = '{"start", "end", "label"} or [start, end, label]'


def read_annotation(where: str, name: str, cell: str, text: str, left_out: LeftOut) -> dict[str, Any]:
    """Read a cell as `char_spans` or as `tags`; return it under that key.

    Args:
        where: the place of the row, for the error.
        name: the name of the column.
        cell: its content.
        text: the text of the row.
        left_out: counts keys of spans that our schema does not have.

    Raises:
        InputError: the cell is empty, holds numbers, or is neither spans nor tags.
    """
    if not cell.strip():
        raise InputError(f'{where}: "{name}" is empty; write [] where there is no entity, or drop a row that nobody annotated')
    if cell.strip()[0] not in "[{(":
        tags = split_blanks(cell)
        other = next((tag for tag in tags if tag != OUTSIDE and not is_prefixed(tag)), None)
        if other is not None:  # such as the label of a whole text
            raise InputError(f'{where}: "{name}" holds {other[:60]!r}; expected tags such as "B-PER O", or a JSON list')
        return {"tags": tags}
    value = read_value(where, name, cell)
    if isinstance(value, dict) and value.keys() == {"entities"}:
        value = value["entities"]
    if not isinstance(value, (list, tuple)):
        raise InputError(f'{where}: "{name}" holds {cell[:60]!r}; expected a list of {_SPAN_FORM}, or of tags')
    if value and all(isinstance(item, str) for item in value):
        return {"tags": list(value)}
    if value and all(type(item) is int for item in value):
        raise InputError(f'{where}: "{name}" holds numbers of tags without their names; write the names of the tags')
    return {"char_spans": [span for item in value for span in _spans(where, name, item, text, left_out)]}


def split_blanks(text: str) -> list[str]:
    """Split a text at blanks, tabs and line breaks, but not at white space that may stand within a token, as U+00A0.

    Args:
        text: tokens or tags.
    """
    return [part for part in _BLANKS.split(text) if part]


def read_value(where: str, name: str, cell: str) -> Any:
    """Read a cell as JSON, or as Python prints the value: pandas writes lists so.

    Args:
        where: the place of the row, for the error.
        name: the name of the column.
        cell: its content.

    Raises:
        InputError: it is neither.
    """
    try:
        value = json.loads(cell)
    except (ValueError, RecursionError):
        value = _literal(where, name, cell)
    try:
        json.dumps(value, ensure_ascii=False, default=str).encode()
    except UnicodeEncodeError as error:
        raise lone_surrogate(where, error) from error
    except (ValueError, TypeError, RecursionError) as error:
        raise InputError(f'{where}: "{name}" is not JSON that can be read ({error}); write a JSON list') from error
    return value


def _literal(where: str, name: str, cell: str) -> Any:
    unreadable = f'{where}: "{name}" is neither JSON nor a list of Python'
    try:
        kinds = [token.type for token in tokenize.generate_tokens(io.StringIO(cell.strip()).readline)]
        # Python joins strings without a comma between them, and would make one token of all.
        if (tokenize.STRING, tokenize.STRING) in pairwise(kinds):
            raise InputError(f"{unreadable} (no commas in it, as NumPy prints arrays); write a JSON list")
        return ast.literal_eval(cell.strip())
    except InputError:
        raise
    except (ValueError, SyntaxError, TypeError, tokenize.TokenError, RecursionError, MemoryError) as error:
        raise InputError(f"{unreadable} ({cell[:60]!r}); write a JSON list of spans or tags") from error


def _spans(where: str, name: str, item: Any, text: str, left_out: LeftOut) -> list[dict[str, Any]]:
    """Return a span of a list, once for each label that it has."""
    shown = json.dumps(item, ensure_ascii=False, default=str)[:80]
    wrong = f'{where}: "{name}" holds {shown}'
    if isinstance(item, (list, tuple)) and len(item) == 3:
        item = dict(zip(("start", "end", "label"), item, strict=True))
    if not isinstance(item, dict):
        raise InputError(f"{wrong}; expected {_SPAN_FORM}")
    # Label Studio gives a list, for several labels of one span.
    labels = item["labels"] if isinstance(item.get("labels"), list) and "label" not in item else [item.get("label")]
    start, end = item.get("start"), item.get("end")
    if type(start) is not int or type(end) is not int or not labels or not all(isinstance(label, str) for label in labels):
        known = ("start", "end", "label", "labels", "text")
        hint = next((f'; "{key}": {nearest(str(key), known)}' for key in item if key not in known), "")
        raise InputError(f"{wrong}; expected {_SPAN_FORM}, start and end whole numbers{hint}")
    check_covered(where, text, start, end, item.get("text"))
    more = item.keys() - {"start", "end", "label", "labels", "text"}
    left_out.add('spans with keys besides "start", "end" and "label"', where, bool(more))
    return [{"start": start, "end": end, "label": label} for label in labels]


def check_covered(where: str, text: str, start: int, end: int, told: Any) -> None:
    """Check that offsets cover what stands beside them as the text of the span.

    Args:
        where: the place, for the error.
        text: the text.
        start: the first character.
        end: the character after the last.
        told: the text of the span as the data has it; None if it has none.

    Raises:
        InputError: the span is not in the text, or covers something else.
    """
    if not 0 <= start < end <= len(text):
        beyond = f"is empty or not within the text ({len(text)} characters)"
        raise InputError(f"{where}: span [{start}, {end}) {beyond}; give half-open character offsets")
    if told is not None and told != text[start:end]:
        covers = f"covers {text[start:end][:60]!r}, but {str(told)[:60]!r} stands beside it"
        raise InputError(f"{where}: span [{start}, {end}) {covers}; mend one of the two")
