"""Records in each file format; what a format cannot hold is counted."""

import json
import logging
from pathlib import Path
from typing import Any

import pytest
from datasets import load_from_disk
from helpers_data import FILE_FORMATS, OVERLAPPING, SPANS, TAGS, TOKENS, content, converted, read_as, read_lines, span
from helpers_e2e import write_jsonl

from spanmatch.data.formats.convert import convert
from spanmatch.errors import InputError


class TestWriting:
    @pytest.mark.parametrize(
        ("to", "expected"),
        [
            ("conll", "Ada\tB-PER\nLovelace\tI-PER\nmet\tO\nBo\tB-PER\n\n"),
            ("gliner", [{"tokenized_text": TOKENS, "ner": [[0, 1, "PER"], [3, 3, "PER"]]}]),
            ("tags", [{"tokens": TOKENS, "tags": TAGS}]),
            ("spans", [{"tokens": TOKENS, "token_spans": SPANS}]),
            ("datasetdict", {"train": [{"tokens": TOKENS, "ner_tags": [1, 2, 0, 1]}]}),
        ],
    )
    @pytest.mark.parametrize("row", [{"tokens": TOKENS, "token_spans": SPANS}, {"tokens": TOKENS, "tags": TAGS}])
    def test_formats(self, tmp_path: Path, row: dict[str, Any], to: str, expected: Any, caplog: pytest.LogCaptureFixture) -> None:
        assert converted(tmp_path, [row], to) == expected
        assert caplog.text == ""

    def test_iobes(self, tmp_path: Path) -> None:
        row = {"tokens": TOKENS, "token_spans": SPANS}
        assert converted(tmp_path, [row], "conll", scheme="iobes") == "Ada\tB-PER\nLovelace\tE-PER\nmet\tO\nBo\tS-PER\n\n"

    def test_class_label_names(self, tmp_path: Path) -> None:
        rows = [{"tokens": ["a", "b"], "tags": ["B-z", "B-y"]}, {"tokens": ["a"], "tags": ["O"]}]
        for scheme, names in (("bio", "O B-y I-y B-z I-z"), ("iobes", "O B-y I-y E-y S-y B-z I-z E-z S-z")):
            source = write_jsonl(tmp_path / "train.jsonl", rows)
            convert(str(source), str(tmp_path / scheme), target_format="datasetdict", scheme=scheme)
            assert load_from_disk(str(tmp_path / scheme))["train"].features["ner_tags"].feature.names == names.split()

    def test_text_is_split_into_words(self, tmp_path: Path) -> None:
        row = {"text": "Ada met Bo.", "char_spans": [span(8, 10, "PER")]}
        words = ["Ada", "met", "Bo", "."]
        # The text is kept where it is not its tokens joined by one space.
        expected = [{"text": "Ada met Bo.", "tokenized_text": words, "ner": [[2, 2, "PER"]]}]
        assert converted(tmp_path, [row], "gliner") == expected

    def test_json_keeps_what_it_can(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        row = {"id": 7, "tokens": TOKENS, "token_spans": SPANS, "labels": ["city", "PER"], "meta": {"lang": "en"}}
        rest = {"labels": ["city", "PER"], "meta": {"lang": "en"}}
        assert converted(tmp_path, [row], "tags") == [{"id": 7, "tokens": TOKENS, "tags": TAGS} | rest]
        assert read_as(tmp_path, "b.jsonl", json.dumps(row))[0] == row
        target = tmp_path / "b.json"
        convert(str(tmp_path / "train.jsonl"), str(target))
        [item] = content(target)
        assert (item["ner_labels"], item["ner_negatives"]) == (["city", "PER"], ["city"])
        assert (item["id"], item["meta"]) == (7, {"lang": "en"})
        assert caplog.text == ""

    def test_dataset_keeps_id_text_and_labels(self, tmp_path: Path) -> None:
        rows = [{"id": 7, "text": "a b.", "labels": ["x"], "char_spans": [span(0, 1)]}, {"tokens": ["a"], "labels": []}]
        first = {"id": "7", "text": "a b.", "tokens": ["a", "b", "."], "labels": ["x"], "ner_tags": [1, 0, 0]}
        found = converted(tmp_path, rows, "datasetdict")
        assert found == {"train": [first, {"tokens": ["a"], "labels": [], "ner_tags": [0]}]}

    def test_gliner_as_lines(self, tmp_path: Path) -> None:
        source = write_jsonl(tmp_path / "a.jsonl", [{"tokens": ["a"]}, {"tokens": ["b"]}])
        convert(str(source), str(tmp_path / "b.jsonl"), target_format="gliner")
        assert read_lines(tmp_path / "b.jsonl") == [{"tokenized_text": ["a"], "ner": []}, {"tokenized_text": ["b"], "ner": []}]


class TestWhatDoesNotFit:
    """Counted and reported in one line, with the place of the first."""

    @pytest.mark.parametrize(
        ("row", "to", "expected", "message"),
        [
            ({"text": "10mg", "char_spans": [span(0, 2), span(0, 4)]}, "conll", "10mg\tB-x\n\n", "spans off a token boundary: 1"),
            (
                {"text": "10mg", "char_spans": [span(0, 2)]},
                "gliner",
                [{"tokenized_text": ["10mg"], "ner": []}],
                "token boundary: 1",
            ),
            ({"tokens": ["a\tb\n", "c"]}, "conll", "a b \tO\nc\tO\n\n", "tabs and line breaks in tokens (written as spaces): 2"),
            ({"tokens": ["a"], "id": "1"}, "conll", "a\tO\n\n", 'values of "id": 1'),
            ({"tokens": ["a"], "labels": []}, "conll", "a\tO\n\n", 'values of "labels": 1'),
            ({"tokens": ["a"], "meta": 1}, "conll", "a\tO\n\n", 'values of "meta": 1'),
            ({"tokens": ["a"], "meta": 1}, "datasetdict", {"train": [{"tokens": ["a"], "ner_tags": [0]}]}, 'values of "meta": 1'),
            ({"text": "a."}, "conll", "a\tO\n.\tO\n\n", "texts whose white space is not one space between tokens: 1"),
            ({"tokens": []}, "conll", "", "texts without a token: 1"),
            ({"tokens": ["-DOCSTART-"]}, "conll", "-DOCSTART-\tO\n\n", "tokens that read as -DOCSTART- lines: 1"),
            ({"tokens": ["a"], "ner": 1}, "gliner", [{"tokenized_text": ["a"], "ner": []}], 'values of "ner": 1'),
            (
                {"tokens": ["a"], "token_spans": [span(0, 1) | {"score": 1}]},
                "tags",
                [{"tokens": ["a"], "tags": ["B-x"]}],
                'spans with keys besides "start", "end" and "label": 1',
            ),
            (
                {"tokens": ["ab"], "token_spans": [], "char_spans": [span(0, 1)]},
                "tags",
                [{"tokens": ["ab"], "tags": ["O"]}],
                "character spans that are not among the token spans: 1",
            ),
        ],
    )
    def test_counted(
        self, tmp_path: Path, row: dict[str, Any], to: str, expected: Any, message: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        with caplog.at_level(logging.WARNING):
            assert converted(tmp_path, [row], to) == expected
        [record] = caplog.records
        assert message in record.getMessage() and f"(first: {tmp_path}/train.jsonl:1)" in record.getMessage()
        assert "\n" not in record.getMessage()

    def test_the_first_place_and_the_sum(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        rows = [{"tokens": ["a"]}, {"tokens": ["b"], "id": 1}, {"text": "c.", "id": 2}]
        converted(tmp_path, rows, "conll")
        assert f'values of "id": 2 (first: {tmp_path}/train.jsonl:2)' in caplog.text
        assert f"between tokens: 1 (first: {tmp_path}/train.jsonl:3)" in caplog.text

    @pytest.mark.parametrize("to", ["conll", "datasetdict", "tags"])
    def test_overlapping_spans(self, tmp_path: Path, to: str, caplog: pytest.LogCaptureFixture) -> None:
        source = write_jsonl(tmp_path / "train.jsonl", [OVERLAPPING])
        target = tmp_path / FILE_FORMATS[to]
        with pytest.raises(
            InputError, match=r"train\.jsonl:1: the token spans \[1, 4\) \"x\" and .* overlap.*--on_overlap longest"
        ):
            convert(str(source), str(target), target_format=to)
        assert sorted(path.name for path in tmp_path.iterdir()) == ["train.jsonl"]
        convert(str(source), str(target), target_format=to, on_overlap="longest")
        assert "spans that overlap a longer one: 2" in caplog.text
        split = {"split": "train"} if to == "datasetdict" else {}
        convert(str(target), str(tmp_path / "back.jsonl"), source_format=to, **split)
        assert read_lines(tmp_path / "back.jsonl")[0]["token_spans"] == [span(0, 1, "NAME"), span(1, 4)]

    def test_gliner_holds_overlapping_spans(self, tmp_path: Path) -> None:
        found = converted(tmp_path, [OVERLAPPING], "gliner")
        assert found[0]["ner"] == [[0, 0, "NAME"], [0, 1, "PER"], [1, 3, "x"], [3, 3, "PER"]]

    def test_spans_are_kept_as_they_are(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        row = {
            "b": 1,
            "text": "ab c",
            "tokens": ["ab", "c"],
            "char_spans": [span(0, 1) | {"score": 2}],
            "token_spans": [],
            "id": 3,
        }
        assert converted(tmp_path, [row], "spans") == [row]
        assert caplog.text == ""
