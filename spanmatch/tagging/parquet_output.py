"""Writing what was tagged as a Parquet file, of which the columns are the keys of the lines of JSON.

A column has one type, and a key of JSON may have any. Where the values of a key have no common type that Parquet holds, they are
written as text, which is their JSON. Lines are read twice, so that the memory stays flat: for the types, then for the values.
"""

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

ROW_GROUP_LINES = 8192


def write_parquet(lines: Path, target: Path) -> None:
    """Write the lines that `lines.as_json` made as a Parquet file.

    Args:
        lines: the file of the lines.
        target: the file to write.
    """
    kinds = _kinds(lines)
    while (unfit := _write(lines, target, kinds)) is not None:
        kinds[unfit] = None


def _kinds(lines: Path) -> dict[str, Any]:
    """Return the type of each key, None where it becomes text."""
    import pyarrow

    kinds: dict[str, Any] = {}
    for rows in _groups(lines):
        for key in dict.fromkeys(key for row in rows for key in row):
            kinds[key] = _common(kinds.get(key, pyarrow.null()), _kind([row.get(key) for row in rows]))
    return kinds | {"entities": _entities()}


def _write(lines: Path, target: Path, kinds: dict[str, Any]) -> str | None:
    """Write the file, and return None; or a key with a value that its type does not hold, such as a large integer as a float."""
    import pyarrow
    from pyarrow import parquet

    schema = pyarrow.schema([(key, pyarrow.string() if kind is None else kind) for key, kind in kinds.items()])
    with parquet.ParquetWriter(target, schema) as writer:
        for rows in _groups(lines):
            columns = {}
            for key, kind in kinds.items():
                try:
                    columns[key] = _values([row.get(key) for row in rows], kind)
                except pyarrow.ArrowException:
                    return key
            writer.write_table(pyarrow.table(columns, schema=schema))
    return None


def _groups(lines: Path) -> Iterator[list[dict[str, Any]]]:
    with lines.open("rb") as file:
        while rows := [json.loads(line) for line in islice(file, ROW_GROUP_LINES)]:
            yield rows


def _entities() -> Any:
    """Return the type of the entities, which is the same where there are none."""
    import pyarrow

    fields = {"start": pyarrow.int64(), "end": pyarrow.int64(), "label": pyarrow.string(), "text": pyarrow.string()}
    return pyarrow.list_(pyarrow.struct([*fields.items(), ("score", pyarrow.float64())]))


def _kind(values: list[Any]) -> Any:
    """Return the type of values, None if they have none in common."""
    import pyarrow

    try:
        return pyarrow.array(values).type
    except (pyarrow.ArrowException, OverflowError):
        return None


def _common(kind: Any, other: Any) -> Any:
    """Return the type that holds the values of both, None if there is none, or Parquet does not have it."""
    import pyarrow

    if kind is None or other is None:
        return None
    try:
        schemas = [pyarrow.schema([("value", item)]) for item in (kind, other)]
        common = pyarrow.unify_schemas(schemas, promote_options="permissive").field("value").type
    except pyarrow.ArrowException:
        return None
    return None if "struct<>" in str(common) else common


def _values(values: list[Any], kind: Any) -> Any:
    import pyarrow

    if kind is None:
        return pyarrow.array(
            [None if value is None else json.dumps(value, ensure_ascii=False) for value in values], pyarrow.string()
        )
    return pyarrow.array(values, kind)
