"""Lines of output: what a person reads, and JSON for whatever a record holds."""

import datetime
import json
from decimal import Decimal
from pathlib import Path

import pyarrow
import pytest
from helpers_tag import tag
from pyarrow import parquet

from spanmatch.entities import Entity
from spanmatch.tagging.lines import as_json, as_text

ADA = Entity(start=0, end=3, label="person", text="Ada", score=0.98765432)


def test_text() -> None:
    assert as_text("Ada met Bob", [ADA, ADA]) == "Ada met Bob" + "\n  [0:3] Ada  person  0.99" * 2
    assert as_text("", []) == ""


def test_json() -> None:
    line = as_json({"id": 7, "text": "Zoë\nmet", "entities": "of another run"}, [ADA])
    assert "\n" not in line and "Zoë" in line
    found = [{"start": 0, "end": 3, "label": "person", "text": "Ada", "score": 0.987654}]
    assert json.loads(line) == {"id": 7, "text": "Zoë\nmet", "entities": found}


def test_values_that_json_lacks(checkpoint: Path, tmp_path: Path) -> None:
    columns = {
        "text": ["Ada met Bob"],
        "day": [datetime.date(2024, 2, 29)],
        "price": [Decimal("1.50")],
        "raw": [b"\x00\xff"],
        "score": [float("nan")],
        "nested": [{"values": [1.0, float("inf")]}],
    }
    parquet.write_table(pyarrow.table(columns), tmp_path / "a.parquet")
    row = json.loads(tag(checkpoint, tmp_path / "a.parquet").out, parse_constant=pytest.fail)
    del row["entities"]
    assert row == {
        "text": "Ada met Bob",
        "day": "2024-02-29",
        "price": "1.50",
        "raw": "AP8=",
        "score": None,
        "nested": {"values": [1.0, None]},
    }
