"""What was found, as a file to download: JSON lines as `spanmatch tag` writes them, or a table for spreadsheets."""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from spanmatch.entities import Entity
from spanmatch.tagging.lines import as_json

COLUMNS = ("record", "start", "end", "label", "entity", "score")
# A spreadsheet computes a cell that begins so, and a formula may send what other cells hold elsewhere.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def as_jsonl(records: Sequence[Mapping[str, Any]], found: Sequence[Sequence[Entity]]) -> str:
    """Return a line for each record, with its entities under the key "entities".

    Args:
        records: what was read.
        found: the entities of each record. Offsets are characters of its text.
    """
    return "".join(as_json(dict(record), own) + "\n" for record, own in zip(records, found, strict=True))


def as_csv(found: Sequence[Sequence[Entity]]) -> str:
    """Return a table with an entity a row. A cell that a spreadsheet would take for a formula gets an apostrophe in front.

    Args:
        found: the entities of each record. Offsets are characters of its text; records count from 1.
    """
    written = io.StringIO()
    written.write("\ufeff")  # some spreadsheets take a file for UTF-8 only if it begins so
    table = csv.writer(written)
    table.writerow(COLUMNS)
    for number, entities in enumerate(found, 1):
        for item in entities:
            names = map(_plain, (item.label, item.text))
            table.writerow([number, item.start, item.end, *names, f"{item.score:.6g}"])
    return written.getvalue()


def _plain(cell: str) -> str:
    return f"'{cell}" if cell.lstrip(" ").startswith(_FORMULA) else cell
