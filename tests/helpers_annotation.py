"""Annotated texts, and every way to break a JSON value by one step, for the tests of annotation tools' formats."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from spanmatch.data.formats.char_spans import CharSpan, char_spans
from spanmatch.data.formats.formats import FORMATS, find_format
from spanmatch.data.formats.reading import Reading
from spanmatch.data.formats.records import LeftOut, check_record
from spanmatch.data.formats.writing import Writing
from spanmatch.errors import InputError

# An emoji is one character, and two UTF-16 code units.
TEXT = "💩 Ada Berg lives\nin  Oslo"
SPANS = [{"start": 2, "end": 10, "label": "PER"}, {"start": 21, "end": 25, "label": "LOC"}]
RECORD = {"text": TEXT, "char_spans": SPANS}


def read(path: Path, file_format: str | None = None) -> tuple[list[Any], LeftOut]:
    """Read a file, by default in the format that its content says: the rows, or the errors in their places, and the counts."""
    left_out = LeftOut()
    reader = (FORMATS[file_format] if file_format else find_format(path)).read
    assert reader is not None
    return [row for _, row in reader(path, Reading(left_out=left_out))], left_out


def read_values(folder: Path, values: list[Any], file_format: str | None = None) -> tuple[list[Any], LeftOut]:
    """Write JSON values as a list, and read it."""
    (folder / "a.json").write_text(json.dumps(values), encoding="utf-8")
    return read(folder / "a.json", file_format)


def write(path: Path, file_format: str, rows: list[dict[str, Any]], **options: Any) -> LeftOut:
    """Write rows of our schema in a format; returns what was left out."""
    left_out = LeftOut()
    writer = FORMATS[file_format].write
    assert writer is not None
    records = [check_record(f"rows:{number}", row) for number, row in enumerate(rows)]
    writer(iter(records), path, Writing(left_out=left_out, suffix=path.suffix, **options))
    return left_out


def spans_in(row: Any) -> list[CharSpan]:
    """Return the spans of a row in characters, sorted."""
    return sorted(char_spans(check_record("row", row)), key=lambda item: (item.start, item.end, item.label))


def expected_spans(row: dict[str, Any]) -> list[CharSpan]:
    """Return the spans of a row as a format without scores gives them back."""
    keys = {(item["start"], item["end"], item["label"]) for item in row["char_spans"]}
    return [CharSpan(start=start, end=end, label=label) for start, end, label in sorted(keys)]


def broken(value: Any) -> Iterator[tuple[str, Any]]:
    """Break a JSON value by one step: each key dropped or renamed, each value of another type, each number shifted."""
    for path, part in list(_parts(value)):
        for name, other in _others(part):
            yield f"{'.'.join(map(str, path))} {name}", _replaced(value, path, other)
        if path and isinstance(path[-1], str):
            yield f"{'.'.join(map(str, path))} dropped", _replaced(value, path)
            yield f"{'.'.join(map(str, path))} renamed", _replaced(value, path, part, f"{path[-1]}x")


def _parts(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    yield path, value
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in items:
        yield from _parts(part, (*path, key))


def _others(part: Any) -> Iterator[tuple[str, Any]]:
    for other in (None, True, 7, -1, 1.5, "", "zz", [], ["zz"], {}, {"zz": 1}):
        if type(other) is not type(part):
            yield f"is {json.dumps(other)}", other
    if type(part) is int:
        yield "is 99 more", part + 99


def _replaced(value: Any, path: tuple[Any, ...], *new: Any) -> Any:
    """Return the value with another part; without one the part is dropped, and with a name, too, it is renamed."""
    if not path:
        return new[0]
    value = copy.deepcopy(value)
    parent = value
    for key in path[:-1]:
        parent = parent[key]
    if not new:
        del parent[path[-1]]
    elif len(new) == 2:
        del parent[path[-1]]
        parent[new[1]] = new[0]
    else:
        parent[path[-1]] = new[0]
    return value


def assert_nothing_is_lost(folder: Path, value: Any, file_format: str, num_spans: int) -> None:
    """Read a broken value after a good one: an error that names its place, a count of what was left out, or as many spans."""
    (folder / "a.json").write_text(json.dumps([value]), encoding="utf-8")
    try:
        rows, left_out = read(folder / "a.json", file_format)
        for row in rows:
            if isinstance(row, InputError):
                raise row
        found = [spans_in(row) for row in rows]
    except InputError as error:
        assert "a.json" in str(error) or str(error).startswith("row: "), error  # the place of a checked row is the caller's
        assert "\n" not in str(error)
        return
    assert left_out.counts or [len(spans) for spans in found] == [num_spans], value


_CHARS = st.characters(codec="utf-8")


@st.composite
def records(draw: st.DrawFn) -> dict[str, Any]:
    """Texts of any characters, emoji and white space among them, with spans that may overlap."""
    text = draw(
        st.lists(st.sampled_from(["Ada", "💩", " ", "  ", "\n", "\r\n", "\u00a0", "a\u0301", "東京", "."]) | _CHARS).map("".join)
    )
    bounds = st.tuples(st.integers(0, len(text)), st.integers(0, len(text))).map(sorted)
    drawn = draw(st.lists(st.tuples(bounds, st.sampled_from(["PER", "ä b", '"<'])), max_size=5))
    return {
        "text": text,
        "char_spans": [{"start": start, "end": end, "label": label} for (start, end), label in drawn if start < end],
    }
