"""The files to download: what a program reads, and what a spreadsheet must not compute."""

import csv
import io
import json

import pytest

from spanmatch.apps.demo.downloads import COLUMNS, as_csv, as_jsonl
from spanmatch.entities import Entity

TEXT = "😀 Ada, =SUM(A1) in Zürich"


def entity(part: str, label: str, score: float = 0.5) -> Entity:
    start = TEXT.index(part)
    return Entity(start=start, end=start + len(part), label=label, text=part, score=score)


def rows(table: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(table.removeprefix("\ufeff"))))


def test_jsonl_has_a_line_for_each_record() -> None:
    lines = as_jsonl([{"text": TEXT, "id": 7}, {"text": ""}], [[entity("Zürich", "city", 0.12345678)], []]).splitlines()
    first, second = map(json.loads, lines)
    assert first["id"] == 7 and second == {"text": "", "entities": []}
    [found] = first["entities"]
    assert TEXT[found["start"] : found["end"]] == "Zürich" == found["text"] and found["score"] == 0.123457


def test_csv_has_a_row_for_each_entity() -> None:
    table = as_csv([[], [entity("Ada", "person"), entity("Zürich", "city")]])
    assert table.startswith("\ufeff")
    assert rows(table) == [list(COLUMNS), ["2", "2", "5", "person", "Ada", "0.5"], ["2", "19", "25", "city", "Zürich", "0.5"]]


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =1"])
def test_no_cell_is_a_formula(cell: str) -> None:
    found = Entity(start=0, end=len(cell), label=cell, text=cell, score=0.5)
    [_, row] = rows(as_csv([[found]]))
    assert row[3:5] == [f"'{cell}"] * 2 and row[1:3] == ["0", str(len(cell))]


def test_an_ordinary_cell_stays() -> None:
    assert rows(as_csv([[entity("Ada, =SUM(A1)", "a-b")]]))[1][3:5] == ["a-b", "Ada, =SUM(A1)"]
