"""Lines of JSON as a Parquet file: the same values, whatever kinds a key has, and in groups of rows."""

import json
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from helpers_e2e import read_jsonl, write_jsonl
from helpers_tag import TEXTS, refused, tag, tagged, write_source
from pyarrow import parquet

from spanmatch.tagging import parquet_output
from spanmatch.tagging.parquet_output import write_parquet

ENTITY = {"start": 0, "end": 3, "label": "person", "text": "Ada", "score": 0.5}


def written(folder: Path, rows: list[dict[str, Any]]) -> pyarrow.Table:
    write_parquet(write_jsonl(folder / "lines", rows), folder / "out.parquet")
    return parquet.read_table(folder / "out.parquet")


@pytest.mark.parametrize("source", ["texts.jsonl", "texts.parquet"])
def test_what_is_tagged_is_the_same(checkpoint: Path, tmp_path: Path, source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet_output, "ROW_GROUP_LINES", 5)
    file = write_source(tmp_path / source, [{"id": n, "text": text, "tags": ["a"] * n} for n, text in enumerate(TEXTS)])
    tagged(checkpoint, file, tmp_path / "out.jsonl")
    tagged(checkpoint, file, tmp_path / "out.parquet")
    rows = read_jsonl(tmp_path / "out.jsonl")
    assert sum(len(row["entities"]) for row in rows) > 20
    assert parquet.read_table(tmp_path / "out.parquet").to_pylist() == rows
    assert parquet.ParquetFile(tmp_path / "out.parquet").metadata.num_row_groups == -(-len(TEXTS) // 5)


def test_it_is_no_text_to_print(checkpoint: Path, tmp_path: Path) -> None:
    file = write_source(tmp_path / "texts.txt", [{"text": "Ada met Bob"}])
    refused(tag(checkpoint, file, "--output_format", "parquet"), "--output_format parquet is no text", "--output FILE")


def test_no_line_and_no_entity(tmp_path: Path) -> None:
    assert written(tmp_path, []).to_pylist() == []
    table = written(tmp_path, [{"text": "Ada", "entities": []}])
    assert table.to_pylist() == [{"text": "Ada", "entities": []}]
    assert table.schema.field("entities").type.value_type.field("score").type == pyarrow.float64()


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1, 2.5], [1.0, 2.5]),
        ([1, None], [1, None]),
        ([None, None], [None, None]),
        ([["a"], []], [["a"], []]),
        ([1, "one"], ["1", '"one"']),
        ([1, [2]], ["1", "[2]"]),
        ([{}, {}], ["{}", "{}"]),
        ([10**30, 1], [str(10**30), "1"]),
        ([2**60 + 1, 2.5], [str(2**60 + 1), "2.5"]),
        ([{"a": 1}, {"b": "é"}], [{"a": 1, "b": None}, {"a": None, "b": "é"}]),
        ([{"a": 1}, {"a": "é"}], ['{"a": 1}', '{"a": "é"}']),
    ],
)
@pytest.mark.parametrize("lines_of_a_group", [1, 2])
def test_values(
    tmp_path: Path, values: list[Any], expected: list[Any], lines_of_a_group: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet_output, "ROW_GROUP_LINES", lines_of_a_group)
    table = written(tmp_path, [{"text": "Ada", "value": value, "entities": [ENTITY]} for value in values])
    assert table.column("value").to_pylist() == expected
    assert table.column("entities").to_pylist() == [[ENTITY]] * len(values)


def test_a_key_that_some_lines_have(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [{"text": "Ada", "entities": []}, {"text": "Bob", "id": "7", "entities": []}]
    assert json.loads(json.dumps(written(tmp_path, rows).column("id").to_pylist())) == [None, "7"]
