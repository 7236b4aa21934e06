"""doccano's JSON lines are read and written."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from helpers_annotation import (
    RECORD,
    SPANS,
    TEXT,
    assert_nothing_is_lost,
    broken,
    expected_spans,
    read,
    read_values,
    records,
    spans_in,
    write,
)
from helpers_data import read_lines
from hypothesis import given

from spanmatch.data.formats.formats import find_format
from spanmatch.errors import InputError

TUPLES = [[2, 10, "PER"], [21, 25, "LOC"]]
OBJECTS = [
    {"id": number, "start_offset": start, "end_offset": end, "label": label} for number, (start, end, label) in enumerate(TUPLES)
]
# What doccano's importer takes into a project of sequence labelling: text, spans under "label", and further keys as meta data.
SCHEMA = {
    "type": "object",
    "required": ["text", "label"],
    "properties": {
        "text": {"type": "string"},
        "label": {
            "type": "array",
            "items": {
                "type": "array",
                "prefixItems": [
                    {"type": "integer", "minimum": 0},
                    {"type": "integer", "minimum": 1},
                    {"type": "string", "minLength": 1},
                ],
                "items": False,
                "minItems": 3,
            },
        },
    },
}


class TestReading:
    @pytest.mark.parametrize(
        ("item", "kept"),
        [
            ({"id": 7, "label": TUPLES, "Comments": []}, {"id": 7}),
            ({"labels": TUPLES, "meta": {"page": 1}}, {"meta": {"page": 1}}),
            ({"entities": OBJECTS, "relations": []}, {}),
            ({"entities": TUPLES, "cats": []}, {}),
            ({"label": [], "entities": OBJECTS}, {}),
        ],
    )
    def test_each_release(self, tmp_path: Path, item: dict[str, Any], kept: dict[str, Any]) -> None:
        rows, left_out = read_values(tmp_path, [{"text": TEXT} | item])
        assert rows == [RECORD | kept] and not left_out.counts

    def test_the_text_under_data(self, tmp_path: Path) -> None:
        assert read_values(tmp_path, [{"data": TEXT, "label": TUPLES}])[0] == [RECORD]

    def test_a_text_without_an_entity_is_gold(self, tmp_path: Path) -> None:
        assert read_values(tmp_path, [{"text": "a", "label": []}])[0] == [{"text": "a", "char_spans": []}]

    def test_what_our_schema_does_not_hold_is_counted(self, tmp_path: Path) -> None:
        item = {"text": TEXT, "entities": OBJECTS, "relations": [{}, {}], "cats": ["a"], "Comments": ["why?"], "tags": ["news"]}
        rows, left_out = read_values(tmp_path, [item], "doccano")
        assert rows == [RECORD]
        assert left_out.counts == {"relations": 2, "categories of texts": 1, "comments": 1, 'values of "tags"': 1}


class TestDetection:
    @pytest.mark.parametrize(
        ("item", "expected"),
        [
            ({"text": "a", "label": [[0, 1, "x"]]}, "doccano"),
            ({"text": "a", "label": []}, "doccano"),
            ({"data": "a", "label": []}, "doccano"),
            ({"text": "a", "labels": [[0, 1, "x"]]}, "doccano"),
            ({"text": "a", "entities": [[0, 1, "x"]]}, "doccano"),
            ({"text": "a", "entities": [{"start_offset": 0, "end_offset": 1, "label": "x"}]}, "doccano"),
            ({"text": "a", "entities": [], "relations": []}, "doccano"),
            # Ours, and what `spanmatch tag` writes.
            ({"text": "a", "char_spans": [], "label": []}, "spans"),
            ({"text": "a", "labels": ["x"]}, "spans"),
            ({"text": "a", "labels": []}, "spans"),
            ({"tokens": ["a"], "tags": ["O"], "label": []}, "tags"),
        ],
    )
    def test_by_content(self, tmp_path: Path, item: dict[str, Any], expected: str) -> None:
        (tmp_path / "a.jsonl").write_text(json.dumps(item), encoding="utf-8")
        assert find_format(tmp_path / "a.jsonl").name == expected

    @pytest.mark.parametrize("entities", [[], [{"start": 0, "end": 1, "label": "x", "text": "a", "score": 0.5}], [7]])
    def test_tagged_texts_are_not_taken(self, tmp_path: Path, entities: list[Any]) -> None:
        (tmp_path / "a.jsonl").write_text(json.dumps({"text": "a", "entities": entities}), encoding="utf-8")
        assert find_format(tmp_path / "a.jsonl").name != "doccano"


class TestRefusals:
    @pytest.mark.parametrize(
        ("item", "message"),
        [
            ({"text": "a", "label": [[0, 2, "x"]]}, r"the span \[0, 2, \"x\"\] is not one of a text of 1 characters"),
            ({"text": "a", "label": [[1, 1, "x"]]}, "needs 0 <= start < end"),
            ({"text": "a", "label": [["0", 1, "x"]]}, "needs whole numbers"),
            ({"text": "a", "label": [[0, 1, ""]]}, "needs a label"),
            ({"text": "a", "label": [[0, 1]]}, r'"label" holds \[0, 1\]; expected \[start, end, label\]'),
            ({"text": "a", "label": ["good"]}, "labels of whole texts are no spans"),
            ({"text": "a", "label": {"x": 1}}, '"label" must be a list'),
            ({"text": "a", "label": "good"}, '"label" must be a list'),
            ({"text": "a", "entities": [{"start": 0, "end": 1, "label": "x"}]}, "expected .*start_offset"),
            ({"text": "a", "label": [[0, 1, "x"]], "entities": [[0, 1, "x"]]}, 'under both "label" and "entities"'),
            ({"text": "a"}, 'no "label" with spans'),
            ({"text": "a", "label": None}, 'no "label" with spans'),
            ({"text": "a", "annotations": [{"label": 3, "start_offset": 0}]}, "name labels by numbers"),
            ({"text": 3, "label": []}, '"text" must be the text, a string; got 3'),
            ({"txt": "a", "label": []}, '"text" must be the text, a string; the keys are label, txt'),
            (["a"], r"expected a text of doccano, an object, got \[\"a\"\]"),
        ],
    )
    def test_place_and_remedy(self, tmp_path: Path, item: Any, message: str) -> None:
        rows, _ = read_values(tmp_path, [{"text": "a", "label": []}, item], "doccano")
        assert isinstance(rows[1], InputError) and str(rows[1]).startswith(f"{tmp_path}/a.json:1, item 1: ")
        with pytest.raises(InputError, match=message):
            raise rows[1]

    def test_the_line_of_jsonl(self, tmp_path: Path) -> None:
        (tmp_path / "a.jsonl").write_text('{"text": "a", "label": []}\n\n{"text": "b"}\n', encoding="utf-8")
        rows, _ = read(tmp_path / "a.jsonl")
        assert rows[0] == {"text": "a", "char_spans": []} and str(rows[1]).startswith(f"{tmp_path}/a.jsonl:3: ")

    @pytest.mark.parametrize("item", [{"text": TEXT, "label": TUPLES}, {"text": TEXT, "entities": OBJECTS, "relations": []}])
    def test_nothing_is_lost_of_a_broken_record(self, tmp_path: Path, item: dict[str, Any]) -> None:
        for name, value in broken(item):
            if not name.startswith(("label is []", "entities is []")):  # a text without an entity
                assert_nothing_is_lost(tmp_path, value, "doccano", len(SPANS))


class TestWriting:
    def test_a_record(self, tmp_path: Path) -> None:
        scored = [SPANS[0] | {"score": 0.5}, SPANS[1] | {"note": "?"}]
        row = {
            "id": "a",
            "tokens": TEXT.split(),
            "labels": ["PER", "LOC"],
            "meta": 1,
            "entities": 2,
            "char_spans": scored,
            "text": TEXT,
        }
        left_out = write(tmp_path / "a.jsonl", "doccano", [row])
        assert read_lines(tmp_path / "a.jsonl") == [{"text": TEXT, "label": TUPLES, "id": "a", "meta": 1}]
        assert left_out.counts == {
            "scores": 1,
            'values of "labels"': 1,
            'values of "entities"': 1,
            'spans with keys besides "start", "end", "label" and "score"': 1,
        }

    def test_other_tokens_are_counted(self, tmp_path: Path) -> None:
        left_out = write(tmp_path / "a.jsonl", "doccano", [{"text": "don't", "tokens": ["do", "n't"]}])
        assert left_out.counts == {"texts whose tokens are not the words that we split": 1}

    @given(records())
    def test_there_and_back(self, tmp_path_factory: pytest.TempPathFactory, row: dict[str, Any]) -> None:
        path = tmp_path_factory.mktemp("a") / "a.jsonl"
        write(path, "doccano", [row])
        [line] = read_lines(path)
        jsonschema.validate(line, SCHEMA)
        [back], left_out = read(path)
        assert back["text"] == row["text"] and spans_in(back) == expected_spans(row) and not left_out.counts
