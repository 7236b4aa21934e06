"""Label Studio's JSON and JSON-MIN are read, and its tasks are written."""

import json
import xml.etree.ElementTree as ElementTree
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
from hypothesis import given

from spanmatch.data.formats.formats import find_format
from spanmatch.data.formats.label_studio import labeling_config
from spanmatch.errors import InputError


def region(start: int, end: int, text: str | None, *labels: str) -> dict[str, Any]:
    """Return a labelled region of a text."""
    value = {"start": start, "end": end, "labels": list(labels)} | ({"text": text} if text else {})
    return {"id": "x", "from_name": "label", "to_name": "text", "type": "labels", "origin": "manual", "value": value}


REGIONS = [region(2, 10, "Ada Berg", "PER"), region(21, 25, "Oslo", "LOC")]
ANNOTATION = {"id": 9, "completed_by": 1, "result": REGIONS, "was_cancelled": False, "ground_truth": False, "lead_time": 3.5}
TASK = {"id": 4, "data": {"text": TEXT}, "annotations": [ANNOTATION], "predictions": [], "drafts": [], "meta": {}, "project": 1}
# An item of JSON-MIN: results stand under the name of their control, who made them beside the data.
MIN = {
    "id": 4,
    "text": TEXT,
    "label": [item["value"] for item in REGIONS],
    "annotator": 1,
    "annotation_id": 9,
    "created_at": "2024-01-30T02:40:43Z",
    "updated_at": "2024-01-30T02:40:43Z",
    "lead_time": 3.5,
}
READ = RECORD | {"id": 4}
# The published form of a task to import, with annotations or predictions of regions of a text.
_RESULT = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["id", "from_name", "to_name", "type", "value"],
        "properties": {
            "id": {"type": "string", "pattern": "^[A-Za-z0-9_-]+$"},
            "type": {"const": "labels"},
            "from_name": {"type": "string"},
            "to_name": {"type": "string"},
            "value": {
                "type": "object",
                "required": ["start", "end", "labels"],
                "properties": {
                    "start": {"type": "integer", "minimum": 0},
                    "end": {"type": "integer", "minimum": 1},
                    "text": {"type": "string"},
                    "labels": {"type": "array", "items": {"type": "string"}, "minItems": 1},
                    "score": {"type": "number"},
                },
            },
        },
    },
}
SCHEMA = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["data"],
        "properties": {
            "data": {"type": "object", "required": ["text"], "properties": {"text": {"type": "string"}}},
            "annotations": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["result"],
                    "properties": {"result": _RESULT, "was_cancelled": {"type": "boolean"}, "ground_truth": {"type": "boolean"}},
                },
            },
            "predictions": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["result"],
                    "properties": {"result": _RESULT, "model_version": {"type": "string"}, "score": {"type": "number"}},
                },
            },
        },
    },
}


def annotated(*results: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    """Return a task with one annotation for each result."""
    return TASK | {"annotations": [ANNOTATION | {"id": number, "result": result} for number, result in enumerate(results)]} | more


class TestReading:
    @pytest.mark.parametrize("item", [TASK, MIN])
    @pytest.mark.parametrize("layout", ["list", "pretty", "lines"])
    def test_json_and_json_min(self, tmp_path: Path, item: dict[str, Any], layout: str) -> None:
        text = {"list": json.dumps([item]), "pretty": json.dumps([item], indent=2), "lines": json.dumps(item)}[layout]
        (tmp_path / "a.json").write_text("\ufeff" + text, encoding="utf-8")
        rows, left_out = read(tmp_path / "a.json")
        assert rows == [READ] and not left_out.counts

    def test_older_releases_say_completions(self, tmp_path: Path) -> None:
        task = {"id": 4, "data": {"text": TEXT}, "completions": [{"result": REGIONS, "skipped": False}]}
        assert read_values(tmp_path, [task])[0] == [READ]

    @pytest.mark.parametrize("key", ["review", "text_1"])
    def test_the_text_under_another_key(self, tmp_path: Path, key: str) -> None:
        assert read_values(tmp_path, [TASK | {"data": {key: TEXT, "page": 3}}])[0] == [READ | {"page": 3}]
        item = {name: value for name, value in MIN.items() if name != "text"} | {key: TEXT, "page": 3}
        assert read_values(tmp_path, [item])[0] == [READ | {"page": 3}]

    def test_a_region_with_two_labels_is_two_spans(self, tmp_path: Path) -> None:
        [row], _ = read_values(tmp_path, [annotated([region(2, 5, "Ada", "PER", "NAME")])])
        assert row["char_spans"] == [{"start": 2, "end": 5, "label": "PER"}, {"start": 2, "end": 5, "label": "NAME"}]

    def test_a_text_without_an_entity_is_gold(self, tmp_path: Path) -> None:
        rows, _ = read_values(tmp_path, [TASK, annotated([])])
        assert rows[1] == {"id": 4, "text": TEXT, "char_spans": []}
        rows, _ = read_values(tmp_path, [MIN, {key: value for key, value in MIN.items() if key != "label"} | {"id": 5}])
        assert rows[1] == {"id": 5, "text": TEXT, "char_spans": []}


class TestOffsets:
    @pytest.mark.parametrize(
        ("start", "end", "quoted"),
        [
            (2, 10, "Ada Berg"),
            (3, 11, "Ada Berg"),  # UTF-16 code units, as old releases count
            (2, 10, None),
            (2, 10, "Ada  Berg"),  # white space is shown in other ways
        ],
    )
    def test_characters_and_code_units(self, tmp_path: Path, start: int, end: int, quoted: str | None) -> None:
        [row], _ = read_values(tmp_path, [annotated([region(start, end, quoted, "PER")])])
        assert row["char_spans"] == [SPANS[0]]

    def test_an_emoji_within_the_region(self, tmp_path: Path) -> None:
        # In characters, [0, 6) is this text and the space after it.
        [row], _ = read_values(tmp_path, [annotated([region(0, 6, "💩 Ada", "x")])])
        assert row["char_spans"] == [{"start": 0, "end": 5, "label": "x"}]

    def test_a_line_break_is_quoted_with_a_backslash(self, tmp_path: Path) -> None:
        [row], _ = read_values(tmp_path, [annotated([region(11, 19, "lives\\nin", "x")])])
        assert row["char_spans"] == [{"start": 11, "end": 19, "label": "x"}]

    @pytest.mark.parametrize(("start", "end"), [(4, 12), (1, 9), (20, 99), (-1, 7)])
    def test_a_shifted_region_is_refused(self, tmp_path: Path, start: int, end: int) -> None:
        rows, _ = read_values(tmp_path, [annotated([region(start, end, "Ada Berg", "PER")])])
        assert "neither in characters nor in UTF-16 code units; was the text changed?" in str(rows[0])


class TestLeftOut:
    @pytest.mark.parametrize(
        ("task", "kind", "count"),
        [
            (annotated(REGIONS, predictions=[{"result": REGIONS}, {"result": []}]), "predictions", 2),
            (annotated(REGIONS, drafts=[{"result": []}]), "drafts", 1),
            (annotated([*REGIONS, {"type": "choices", "value": {"choices": ["a"]}}]), 'results of type "choices"', 1),
            (annotated([*REGIONS, {"type": "relation", "from_id": "x", "to_id": "y"}]), 'results of type "relation"', 1),
            (annotated([*REGIONS, region(0, 1, "💩")]), "regions without a label", 1),
            (TASK | {"annotations": [ANNOTATION, {"was_cancelled": True, "result": []}]}, "cancelled annotations", 1),
            (annotated(REGIONS, REGIONS[::-1]), "further annotations of a task", 1),
        ],
    )
    def test_what_is_not_gold_is_counted(self, tmp_path: Path, task: dict[str, Any], kind: str, count: int) -> None:
        rows, left_out = read_values(tmp_path, [task])
        assert rows == [READ] and left_out.counts == {kind: count}

    @pytest.mark.parametrize(
        ("item", "kinds"),
        [
            (TASK | {"annotations": []}, {"tasks without an annotation"}),
            ({"data": {"text": "a"}, "predictions": [{"result": []}]}, {"predictions", "tasks without an annotation"}),
            (
                TASK | {"annotations": [ANNOTATION | {"was_cancelled": True}]},
                {"cancelled annotations", "tasks without an annotation"},
            ),
            (MIN | {"id": 5, "annotation_id": None}, {"tasks without an annotation"}),
            (MIN, {"further annotations of a task"}),
            (MIN | {"id": 5, "box": [{"x": 1}]}, {'results "box"'}),
        ],
    )
    def test_what_is_not_annotated_is_no_negative(self, tmp_path: Path, item: dict[str, Any], kinds: set[str]) -> None:
        rows, left_out = read_values(tmp_path, [MIN, item])
        assert rows == [READ, *([READ | {"id": 5}] if "box" in item else [])] and left_out.counts.keys() == kinds

    def test_a_file_without_an_annotation_is_not_empty_data(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match=r"no annotated text in it \(tasks without an annotation: 1"):
            read_values(tmp_path, [TASK | {"annotations": []}])

    @pytest.mark.parametrize("kind", ["choices", "hypertextlabels", "rectanglelabels"])
    def test_a_file_of_other_annotation_is_not_empty_data(self, tmp_path: Path, kind: str) -> None:
        with pytest.raises(InputError, match=f'no region of type "labels" in it, only results of type {kind}'):
            read_values(tmp_path, [annotated([{"type": kind, "value": {}}])])
        with pytest.raises(InputError, match="no labelled region in any task"):
            read_values(tmp_path, [{key: value for key, value in MIN.items() if key != "label"} | {"mood": "good"}])


class TestSeveralAnnotations:
    def test_the_ground_truth_counts(self, tmp_path: Path) -> None:
        task = annotated([], REGIONS, REGIONS[:1])
        task["annotations"][1] |= {"ground_truth": True}
        rows, left_out = read_values(tmp_path, [task])
        assert rows == [READ] and left_out.counts == {"further annotations of a task": 2}

    def test_those_that_differ_are_refused(self, tmp_path: Path) -> None:
        rows, _ = read_values(tmp_path, [annotated(REGIONS, REGIONS[:1])])
        assert "2 annotations that differ (0, 1); mark one as ground truth in Label Studio" in str(rows[0])
        rows, _ = read_values(tmp_path, [MIN, MIN | {"annotation_id": 10, "label": MIN["label"][:1]}])
        assert rows[0] == READ and "item 1: another annotation of task 4 that differs" in str(rows[1])


class TestDetection:
    @pytest.mark.parametrize(
        ("name", "item", "expected"),
        [
            ("a.json", [{"data": {"text": "a"}}], "label-studio"),
            ("a.json", [MIN], "label-studio"),
            ("a.jsonl", TASK, "label-studio"),
            ("a.jsonl", {"data": "a", "label": []}, "doccano"),
            ("a.jsonl", {"text": "a", "data": 3, "char_spans": []}, "spans"),
        ],
    )
    def test_by_content(self, tmp_path: Path, name: str, item: Any, expected: str) -> None:
        (tmp_path / name).write_text(json.dumps(item), encoding="utf-8")
        assert find_format(tmp_path / name).name == expected


class TestRefusals:
    @pytest.mark.parametrize(
        ("item", "message"),
        [
            (3, r"expected a task of Label Studio, an object, got 3"),
            ({"text": "a"}, 'neither "data" nor "annotation_id" and "annotator"'),
            (TASK | {"data": []}, 'expected the "data" of a task, an object'),
            (TASK | {"data": {"image": 3}}, '"text" must be the text, a string; the keys are image'),
            (TASK | {"data": {"title": "a", "body": "b"}}, "the keys are body, title"),
            (TASK | {"annotations": {}}, '"annotations" must be a list'),
            (TASK | {"annotations": [9]}, "the annotation 9 is no object; export complete annotations, not ids"),
            (TASK | {"annotations": [{}]}, '"result" must be a list, got null'),
            (annotated(["PER"]), r'"result" holds "PER"; expected an object'),  # type: ignore[list-item]
            (annotated([{"type": "labels"}]), r'a region of type "labels" has the value null'),
            (annotated([{"type": "labels", "value": {"start": 0, "labels": ["x"]}}]), r'expected {"start", "end", "labels"}'),
            (annotated([{"type": "labels", "value": {"start": 0.5, "end": 2.5, "labels": ["x"]}}]), "needs whole numbers"),
            (annotated([{"type": "labels", "value": {"start": 0, "end": 99, "labels": ["x"]}}]), "of a text of 25 characters"),
            (annotated([region(0, 1, None, " ")]), "needs a label"),
            (annotated([region(0, 1, None, "x") | {"value": {"start": 0, "end": 1, "labels": "x"}}]), '"labels" must be a list'),
            (annotated([*REGIONS, REGIONS[0] | {"to_name": "title"}]), r"regions of several objects \(text and title\)"),
        ],
    )
    def test_place_and_remedy(self, tmp_path: Path, item: Any, message: str) -> None:
        (tmp_path / "a.json").write_text(f"[{json.dumps(TASK)},\n{json.dumps(item)}]", encoding="utf-8")
        rows, _ = read(tmp_path / "a.json")
        assert isinstance(rows[1], InputError) and str(rows[1]).startswith(f"{tmp_path}/a.json:2, item 1: ")
        with pytest.raises(InputError, match=message):
            raise rows[1]

    @pytest.mark.parametrize("item", [TASK, MIN])
    def test_nothing_is_lost_of_a_broken_task(self, tmp_path: Path, item: dict[str, Any]) -> None:
        for name, value in broken(item):
            if name not in {"annotations.0.result is []", "label is []"}:  # a text without an entity
                assert_nothing_is_lost(tmp_path, value, "label-studio", len(SPANS))


class TestWriting:
    def test_gold_becomes_annotations(self, tmp_path: Path) -> None:
        left_out = write(tmp_path / "a.json", "label-studio", [RECORD | {"id": "a", "labels": ["PER", "LOC"], "page": 3}])
        [task] = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))
        assert task["data"] == {"text": TEXT, "id": "a", "page": 3} and "predictions" not in task
        assert [item["value"] for item in task["annotations"][0]["result"]] == [item["value"] for item in REGIONS]
        assert left_out.counts == {'values of "labels"': 1}

    def test_predictions_have_scores_and_a_model(self, tmp_path: Path) -> None:
        scored = [SPANS[0] | {"score": 0.9}, SPANS[1] | {"score": 0.5}]
        rows = [{"text": TEXT, "char_spans": scored}, {"text": "a", "char_spans": []}]
        left_out = write(tmp_path / "a.json", "label-studio", rows, as_predictions=True, model_version="mini 3")
        tasks = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))
        jsonschema.validate(tasks, SCHEMA)
        [prediction] = tasks[0]["predictions"]
        assert prediction["model_version"] == "mini 3" and prediction["score"] == 0.5 and "annotations" not in tasks[0]
        assert [item["value"]["score"] for item in prediction["result"]] == [0.9, 0.5]
        assert tasks[1]["predictions"] == [{"model_version": "mini 3", "result": []}] and not left_out.counts

    def test_every_result_has_an_id_of_its_own(self, tmp_path: Path) -> None:
        write(tmp_path / "a.json", "label-studio", [RECORD, RECORD])
        tasks = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))
        names = [item["id"] for task in tasks for item in task["annotations"][0]["result"]]
        assert len(set(names)) == len(names) == 4

    @given(records())
    def test_there_and_back(self, tmp_path_factory: pytest.TempPathFactory, row: dict[str, Any]) -> None:
        path = tmp_path_factory.mktemp("a") / "a.json"
        write(path, "label-studio", [row])
        jsonschema.validate(json.loads(path.read_text(encoding="utf-8")), SCHEMA)
        [back], left_out = read(path)
        assert back["text"] == row["text"] and spans_in(back) == expected_spans(row) and not left_out.counts


def test_the_labelling_configuration_names_what_the_tasks_use(tmp_path: Path) -> None:
    labels = ["PER", 'a "b" <c> & d', "PER"]
    write(tmp_path / "a.json", "label-studio", [RECORD])
    [task] = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))
    result = task["annotations"][0]["result"][0]
    view = ElementTree.fromstring(labeling_config(labels))
    control, shown = view.find("Labels"), view.find("Text")
    assert control is not None and shown is not None
    assert control.attrib == {"name": result["from_name"], "toName": result["to_name"]}
    assert shown.attrib == {"name": result["to_name"], "value": "$text"}
    assert [item.get("value") for item in control] == labels[:2]
