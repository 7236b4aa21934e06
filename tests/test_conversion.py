"""Conversions: each format read and written, what is wrong with a file, what a format cannot hold, and the way back."""

import json
import logging
import random
import re
import tempfile
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from datasets import ClassLabel, Dataset, DatasetDict, Features, List, Value, load_from_disk
from helpers_e2e import ROOT, Result, snapshot, spanmatch, write_jsonl
from hypothesis import given, settings
from hypothesis import strategies as st

from spanmatch.data.corpus import read_corpus
from spanmatch.data.formats.convert import convert
from spanmatch.data.tags import read_tags, write_tags
from spanmatch.entities import Mention
from spanmatch.errors import InputError

FORMATS = {"conll": "a.conll", "datasetdict": "a", "gliner": "a.json", "spans": "a.jsonl", "tags": "a.jsonl"}
TOKENS = ["Ada", "Lovelace", "met", "Bo"]
SPANS = [{"start": 0, "end": 2, "label": "PER"}, {"start": 3, "end": 4, "label": "PER"}]
TAGS = ["B-PER", "I-PER", "O", "B-PER"]


def span(start: int, end: int, label: str = "x") -> dict[str, Any]:
    return {"start": start, "end": end, "label": label}


def content(path: Path) -> Any:
    """What a target holds, whatever its format."""
    if path.is_dir():
        return {name: [strip(row) for row in split] for name, split in load_from_disk(str(path)).items()}
    if path.suffix == ".json":
        return json.loads(path.read_text(encoding="utf-8"))
    return read_lines(path) if path.suffix == ".jsonl" else path.read_bytes().decode()


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Read JSONL by line feed alone: tokens hold other separators."""
    with path.open("rb") as lines:
        return [json.loads(line) for line in lines]


def strip(row: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if value is not None}


def converted(tmp_path: Path, rows: list[Any], to: str, **options: Any) -> Any:
    """What our JSONL becomes in a format."""
    source = write_jsonl(tmp_path / "train.jsonl", rows)
    target = tmp_path / "out" / FORMATS[to]
    target.parent.mkdir()
    convert(str(source), str(target), target_format=to, **options)
    return content(target)


def read_as(tmp_path: Path, name: str, text: str, **options: Any) -> list[dict[str, Any]]:
    """What a file becomes in our JSONL."""
    (tmp_path / name).write_bytes(text.encode())
    convert(str(tmp_path / name), str(tmp_path / "read.jsonl"), **options)
    return read_lines(tmp_path / "read.jsonl")


class TestTags:
    @pytest.mark.parametrize(
        ("spans", "bio", "iobes"),
        [
            ([], "O O O O", "O O O O"),
            ([(0, 1, "a")], "B-a O O O", "S-a O O O"),
            ([(0, 2, "a")], "B-a I-a O O", "B-a E-a O O"),
            ([(1, 4, "a")], "O B-a I-a I-a", "O B-a I-a E-a"),
            ([(0, 2, "a"), (2, 4, "a")], "B-a I-a B-a I-a", "B-a E-a B-a E-a"),
            ([(0, 1, "a"), (1, 2, "b-c")], "B-a B-b-c O O", "S-a S-b-c O O"),
        ],
    )
    def test_schemes(self, spans: list[tuple[int, int, str]], bio: str, iobes: str) -> None:
        mentions = [Mention(start=start, end=end, label=label) for start, end, label in spans]
        for scheme, expected in (("bio", bio), ("iobes", iobes)):
            assert write_tags(mentions, 4, scheme) == expected.split()
            assert list(read_tags(expected.split())) == mentions


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


class TestReading:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("Ada B-PER\nmet O\n\nBo I-PER\n", [(["Ada", "met"], [(0, 1)]), (["Bo"], [(0, 1)])]),
            ("Ada\tB-PER\nmet\tO", [(["Ada", "met"], [(0, 1)])]),
            ("\n\nAda B-PER\n\n \t\n\nBo O\n\n", [(["Ada"], [(0, 1)]), (["Bo"], [])]),
            ("Ada B-PER\r\nmet O\r\n\r\n", [(["Ada", "met"], [(0, 1)])]),
            ("\ufeffAda B-PER\n", [(["Ada"], [(0, 1)])]),
            ("Ada   B-PER\nmet O\n", [(["Ada", "met"], [(0, 1)])]),
            # A tab separates alone: a token may hold spaces, and other line separators of Unicode.
            ("2 1/2\tB-PER\n\u2028\x85\tI-PER\n", [(["2 1/2", "\u2028\x85"], [(0, 2)])]),
            # IOB1, IOBES and BILOU are read as conlleval does.
            ("a I-PER\nb I-PER\nc B-PER\n", [(["a", "b", "c"], [(0, 2), (2, 3)])]),
            ("a B-PER\nb E-PER\nc S-PER\n", [(["a", "b", "c"], [(0, 2), (2, 3)])]),
            ("a B-PER\nb L-PER\nc U-PER\n", [(["a", "b", "c"], [(0, 2), (2, 3)])]),
        ],
    )
    def test_conll(self, tmp_path: Path, text: str, expected: list[tuple[list[str], list[tuple[int, int]]]]) -> None:
        rows = [{"tokens": tokens, "token_spans": [span(*found, "PER") for found in spans]} for tokens, spans in expected]
        assert read_as(tmp_path, "a.conll", text) == rows

    def test_conll_2003(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        text = "-DOCSTART- -X- -X- O\n\nEU NNP B-NP B-ORG\nrejects VBZ B-VP O\n\n-DOCSTART- -X- -X- O\nPeter NNP B-NP B-PER\n"
        assert read_as(tmp_path, "eng.txt", text) == [
            {"tokens": ["EU", "rejects"], "token_spans": [span(0, 1, "ORG")]},
            {"tokens": ["Peter"], "token_spans": [span(0, 1, "PER")]},
        ]
        assert f"document boundaries: 2 (first: {tmp_path}/eng.txt:1)" in caplog.text
        assert f"sentences with columns between token and tag: 2 (first: {tmp_path}/eng.txt:3)" in caplog.text

    @pytest.mark.parametrize(
        ("item", "expected"),
        [
            ({"ner": [[0, 1, "PER"], [3, 3, "PER"]]}, {"token_spans": SPANS}),
            ({"ner": []}, {"token_spans": []}),
            # Both are types that the text was annotated for, with those that occur.
            ({"ner": [], "ner_labels": ["a"], "ner_negatives": ["b", "a"]}, {"token_spans": [], "labels": ["a", "b"]}),
            ({"ner": [[0, 1, "PER"]], "ner_negatives": ["b"]}, {"token_spans": SPANS[:1], "labels": ["b", "PER"]}),
            ({"ner": [], "ner_labels": []}, {"token_spans": [], "labels": []}),
            ({"ner": [], "id": 3, "relations": [1]}, {"token_spans": [], "id": 3, "relations": [1]}),
            ({"ner": [], "text": "Ada  Lovelace met Bo"}, {"token_spans": [], "text": "Ada  Lovelace met Bo"}),
        ],
    )
    @pytest.mark.parametrize("layout", ["list", "lines", "pretty"])
    def test_gliner(self, tmp_path: Path, item: dict[str, Any], expected: dict[str, Any], layout: str) -> None:
        items = [{"tokenized_text": TOKENS} | item] * 2
        lines = "\n".join(map(json.dumps, items))
        text = {"list": json.dumps(items), "lines": lines, "pretty": json.dumps(items, indent=1) + "\n"}[layout]
        assert read_as(tmp_path, "a.json", text) == [{"tokens": TOKENS} | expected] * 2

    def test_gliner_lines_are_told_by_their_keys(self, tmp_path: Path) -> None:
        assert read_as(tmp_path, "a.jsonl", '{"tokenized_text": ["a"], "ner": [[0, 0, "x"]]}')[0]["token_spans"] == [span(0, 1)]

    def test_a_foreign_key_of_our_name_is_counted(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        text = json.dumps([{"tokenized_text": ["a"], "ner": [], "tags": ["news"]}])
        assert read_as(tmp_path, "a.json", text) == [{"tokens": ["a"], "token_spans": []}]
        assert 'values of "tags": 1' in caplog.text


class TestDatasets:
    @staticmethod
    def save(folder: Path, **splits: dict[str, list[Any]]) -> Path:
        tags = List(ClassLabel(names=["O", "B-PER", "I-PER", "B-ORG", "I-ORG"]))
        features = Features({"tokens": List(Value("string")), "ner_tags": tags, "pos": List(Value("string"))})
        DatasetDict({name: Dataset.from_dict(columns, features=features) for name, columns in splits.items()}).save_to_disk(
            folder
        )
        return folder

    def test_a_file_per_split(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        train = {"tokens": [TOKENS], "ner_tags": [[1, 2, 0, 3]], "pos": [["N"] * 4]}
        test = {"tokens": [["Bo"], ["x"]], "ner_tags": [[1], [0]], "pos": [["N"], ["N"]]}
        folder = self.save(tmp_path / "set", train=train, test=test)
        convert(str(folder), str(tmp_path / "out"), target_format="tags")
        assert read_lines(tmp_path / "out" / "train.jsonl") == [{"tokens": TOKENS, "tags": ["B-PER", "I-PER", "O", "B-ORG"]}]
        # This split was annotated for ORG, too, which a file without one would not say.
        rows = read_lines(tmp_path / "out" / "test.jsonl")
        labels = ["ORG", "PER"]
        assert rows == [
            {"tokens": ["Bo"], "tags": ["B-PER"], "labels": labels},
            {"tokens": ["x"], "tags": ["O"], "labels": labels},
        ]
        assert 'values of "pos": 3' in caplog.text
        convert(str(folder), str(tmp_path / "one.conll"), split="test")
        assert content(tmp_path / "one.conll") == "Bo\tB-PER\n\nx\tO\n\n"

    def test_and_back(self, tmp_path: Path) -> None:
        train = {"tokens": [TOKENS, []], "ner_tags": [[1, 2, 0, 3], []], "pos": [[], []]}
        test = {"tokens": [["Bo"]], "ner_tags": [[1]], "pos": [[]]}
        folder = self.save(tmp_path / "set", train=train, test=test)
        for format in ("tags", "spans", "gliner"):
            convert(str(folder), str(tmp_path / format), target_format=format)
            convert(str(tmp_path / format), str(tmp_path / f"{format}_set"), source_format=format, target_format="datasetdict")
            for split in ("train", "test"):
                assert facts(folder, split=split) == facts(tmp_path / f"{format}_set", split=split)

    def test_one_dataset_alone(self, tmp_path: Path) -> None:
        Dataset.from_dict({"tokens": [["a"]], "token_spans": [[span(0, 1)]]}).save_to_disk(str(tmp_path / "one"))
        convert(str(tmp_path / "one"), str(tmp_path / "a.conll"))
        assert content(tmp_path / "a.conll") == "a\tB-x\n\n"

    @pytest.mark.parametrize(
        ("name", "split", "expected"), [("dev", None, "dev"), ("a-b.c", None, "a_b_c"), ("a", "test", "test")]
    )
    def test_the_split_of_a_file(self, tmp_path: Path, name: str, split: str | None, expected: str) -> None:
        source = write_jsonl(tmp_path / f"{name}.jsonl", [{"tokens": ["a"]}])
        convert(str(source), str(tmp_path / "set"), target_format="datasetdict", split=split)
        assert list(load_from_disk(str(tmp_path / "set"))) == [expected]


class TestNamesAndDescriptions:
    def test_go_along_into_a_folder_of_its_own(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        (tmp_path / "labels.json").write_text('{"x": "a letter"}')
        source = write_jsonl(tmp_path / "train.jsonl", [{"tokens": ["a"], "tags": ["B-x"]}])
        for folder, to in (("set", "datasetdict"), ("files", "spans")):
            convert(str(source), str(tmp_path / folder), target_format=to)
            assert (tmp_path / folder / "labels.json").read_text() == '{"x": "a letter"}'
        convert(str(source), str(tmp_path / "beside.jsonl"))
        assert caplog.text == ""
        convert(str(tmp_path / "set"), str(tmp_path / "a.conll"))
        assert f"names and descriptions of types: 1 (first: {tmp_path}/set/labels.json)" in caplog.text

    def test_elsewhere_are_counted(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        (tmp_path / "labels.json").write_text('{"x": "a letter"}')
        source = write_jsonl(tmp_path / "train.jsonl", [{"tokens": ["a"], "tags": ["B-x"]}])
        (tmp_path / "other").mkdir()
        convert(str(source), str(tmp_path / "other" / "a.jsonl"))
        assert "names and descriptions of types (copy labels.json beside it): 1" in caplog.text
        assert sorted(path.name for path in (tmp_path / "other").iterdir()) == ["a.jsonl"]


NESTED = {"tokens": TOKENS, "token_spans": [*SPANS, span(0, 1, "NAME"), span(1, 4)]}


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
        source = write_jsonl(tmp_path / "train.jsonl", [NESTED])
        target = tmp_path / FORMATS[to]
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
        found = converted(tmp_path, [NESTED], "gliner")
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


BAD_FILES: dict[str, tuple[str, str, str]] = {
    "a tag of no scheme": ("a.conll", "a O\nb PER\n", 'a.conll:1: tag 1 is "PER"'),
    "too few columns": ("a.conll", "a N O\n\nb O\n", "a.conll:3: 2 columns, expected 3, as on the lines before"),
    "too many columns": ("a.conll", "a O\n2 1/2 O\n", "a.conll:2: 3 columns, expected 2"),
    "one column": ("a.conll", "a\n", "a.conll:1: 1 column, expected at least 2, the token first and its tag last"),
    "an empty column": ("a.conll", "\tO\n", "a.conll:1: the token is empty"),
    "no UTF-8": ("a.conll", "a O\n\udcff O\n", "a.conll:2: not UTF-8"),
    "no sentence": ("a.conll", "\n\n", "a.conll: no example in it"),
    "end beyond the tokens": (
        "a.json",
        '[\n{"tokenized_text": ["a"], "ner": [[0, 0, "x"]]},\n{"tokenized_text": ["a"], "ner": [[0, 1, "x"]]}]',
        'a.json:3, item 1: "ner" holds [0, 1, "x"] for 1 tokens; they count from 0, and the end is inclusive',
    ),
    "a negative start": ("a.json", '[{"tokenized_text": ["a"], "ner": [[-1, 0, "x"]]}]', 'a.json:1, item 0: "ner" holds [-1, 0'),
    "an end before the start": ("a.json", '[{"tokenized_text": ["a", "b"], "ner": [[1, 0, "x"]]}]', "[1, 0"),
    "a span of two": ("a.json", '[{"tokenized_text": ["a"], "ner": [[0, 0]]}]', "expected [first token, last token, label]"),
    "a span that is an object": ("a.json", '[{"tokenized_text": ["a"], "ner": [{"start": 0}]}]', "expected [first token"),
    "a truth value": ("a.json", '[{"tokenized_text": ["a"], "ner": [[false, 0, "x"]]}]', "expected [first token"),
    "a label that is a number": ("a.json", '[{"tokenized_text": ["a"], "ner": [[0, 0, 3]]}]', "expected [first token"),
    "a blank label": ("a.json", '[{"tokenized_text": ["a"], "ner": [[0, 0, " "]]}]', "is blank"),
    "no spans": ("a.json", '[{"tokenized_text": ["a"]}]', 'expected an object with the lists "tokenized_text" and "ner"'),
    "a key nearby": ("a.json", '[{"tokenised_text": ["a"], "ner": []}]', '"tokenised_text": did you mean "tokenized_text"?'),
    "spans are no list": (
        "a.json",
        '[{"tokenized_text": ["a"], "ner": {}}]',
        "a.json:1, item 0: expected an object with the lists",
    ),
    "an item that is no object": ("a.json", "[3]", "a.json:1, item 0: expected an object"),
    "labels are no list": ("a.json", '[{"tokenized_text": ["a"], "ner": [], "ner_labels": "x"}]', "must be lists of strings"),
    "tokens are no strings": ("a.json", '[{"tokenized_text": [1], "ner": []}]', '"tokens" must be a list of strings'),
    "an object alone": ("a.json", '{"train": []}', 'a.json:1: neither "text" nor "tokens"'),
    "a broken list": ("a.json", '[\n{"tokenized_text": ["a"], "ner": []},\n{"tok', "a.json:3: not JSON"),
    "a list without an end": (
        "a.json",
        '[{"tokenized_text": ["a"], "ner": []}',
        'item 0: not JSON (expected "," or "]" after it)',
    ),
    "an empty list": ("a.json", "[ ]", "a.json: no example in it"),
    "something after the list": ("a.json", '[{"tokenized_text": ["a"], "ner": []}] 3', "something follows the list"),
    "half a character": ("a.json", '[{"tokenized_text": ["\\ud800"], "ner": []}]', "lone surrogate"),
    "an empty token": ("a.jsonl", '{"tokens": ["a", ""], "tags": ["O", "O"]}', "a.jsonl:1: token 1 is empty"),
    "an unknown line": ("a.jsonl", '{"tokns": ["a"]}', 'did you mean "tokens"?'),
    "tags for other tokens": ("a.jsonl", '{"tokens": ["a"], "tags": []}', "0 tags for 1 tokens"),
    "no tags": ("a.jsonl", '{"tokens": ["a"], "tags": ["O"]}\n{"tokens": ["a"]}', 'a.jsonl:2: no "tags"; give one per token'),
    "not JSON": ("a.jsonl", "{", "a.jsonl:1: not JSON"),
    "empty": ("a.jsonl", "", "a.jsonl: no example in it"),
    "a label with a tab": ("a.jsonl", '{"tokens": ["a"], "tags": ["B-x\\ty"]}', 'the label "x\\ty" holds a tab or a line break'),
    "a suffix that says nothing": ("a.xml", "a O\n", "the name does not say the format; give --from"),
}


def refused(folder: Path, *arguments: object) -> str:
    """The one line of a conversion that is refused and leaves everything as it was."""
    before = snapshot(folder)
    result: Result = spanmatch("convert", *arguments)
    assert result.status == 2, result
    [line] = result.err.splitlines()
    assert line.startswith("error: ") and snapshot(folder) == before
    return line


class TestRefusals:
    @pytest.mark.parametrize(("name", "text", "message"), BAD_FILES.values(), ids=BAD_FILES)
    @pytest.mark.parametrize("target", ["out.conll", "out"])
    def test_bad_files(self, tmp_path: Path, name: str, text: str, message: str, target: str) -> None:
        (tmp_path / name).write_bytes(text.encode(errors="surrogateescape"))
        assert message in refused(tmp_path, tmp_path / name, tmp_path / target, "--to", "conll")

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["god.jsonl", "b.conll"], 'god.jsonl: no such file or folder; did you mean "good.jsonl"?'),
            (["good.jsonl", "there.conll"], "there.conll: is already there; name another target, or --overwrite"),
            (["good.jsonl", "full", "--to", "conll"], "full/good.conll: is already there"),
            (["good.jsonl", "full", "--to", "datasetdict", "--overwrite"], "a folder that --overwrite does not replace"),
            (["good.jsonl", "dir.conll", "--overwrite"], "dir.conll: a folder that --overwrite does not replace"),
            (["good.jsonl", "plain", "--to", "conll", "--overwrite"], "plain: a file, but what is written is a folder"),
            (["good.jsonl", "plain", "--to", "datasetdict", "--overwrite"], "plain: a file, but what is written is a folder"),
            (["good.jsonl", "none/b.conll"], "there is no folder"),
            (["good.jsonl", "good.jsonl", "--overwrite"], "source and target are the same"),
            (["good.jsonl", "b.conll", "--to", "conl"], '--to: unknown name "conl"; did you mean "conll"?'),
            (["good.jsonl", "b.conll", "--from", "span"], '--from: unknown name "span"; did you mean "spans"?'),
            (["good.jsonl", "b.conll", "--from", "datasetdict"], "a file, and a DatasetDict is a folder"),
            (["good.jsonl", "b.conll", "--scheme", "iob2"], '--scheme: unknown name "iob2"'),
            (["good.jsonl", "b.conll", "--on_overlap", "long"], 'did you mean "longest"?'),
            (["good.jsonl", "b.conll", "--split", "train"], "--split train: from one file to another there are no splits"),
            (["good.jsonl", "b"], "the name does not say the format; give --to"),
            (["set", "b.conll"], "one file for 2 splits (train, test); name a folder, or one split (--split)"),
            (["set", "b", "--to", "conll", "--split", "tset"], 'no split tset; did you mean "test"? (--split)'),
            (["empty", "b.conll"], "empty: neither a DatasetDict nor a folder with files"),
            (["empty", "b.conll", "--from", "datasetdict"], "no DatasetDict on disk"),
            (["twice", "b", "--to", "conll"], 'a.json and a.jsonl are both a split "a"'),
            (["good.jsonl", "b.conll", "--schema", "bio"], 'did you mean "--scheme"?'),
        ],
    )
    def test_arguments(self, tmp_path: Path, arguments: list[str], message: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        write_jsonl(tmp_path / "good.jsonl", [{"tokens": ["a"]}])
        DatasetDict({name: Dataset.from_dict({"tokens": [["a"]]}) for name in ("train", "test")}).save_to_disk("set")
        for name in (
            "there.conll",
            "full/good.conll",
            "plain",
            "dir.conll/file",
            "empty/labels.json",
            "twice/a.json",
            "twice/a.jsonl",
        ):
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text("")
        assert message in refused(tmp_path, *arguments)

    def test_a_source_within_what_is_replaced(self, tmp_path: Path) -> None:
        source = write_jsonl(tmp_path / "a.jsonl", [{"tokens": ["a"]}])
        convert(str(source), str(tmp_path / "set"), target_format="datasetdict")
        inside = write_jsonl(tmp_path / "set" / "a.jsonl", [{"tokens": ["a"]}])
        assert "does not replace" in refused(tmp_path, inside, tmp_path / "set", "--to", "datasetdict", "--overwrite")


class TestCommand:
    def test_says_what_it_did(self, tmp_path: Path) -> None:
        source = write_jsonl(tmp_path / "a.jsonl", [{"tokens": TOKENS, "token_spans": SPANS}] * 2)
        result = spanmatch("convert", source, tmp_path / "a.json")
        assert (result.status, result.out) == (0, f"2 texts with 4 spans -> {tmp_path}/a.json\n")

    @pytest.mark.parametrize("to", FORMATS)
    def test_overwrites_where_asked(self, tmp_path: Path, to: str) -> None:
        target = tmp_path / "out" / FORMATS[to]
        target.parent.mkdir()
        for number in range(2):
            source = write_jsonl(tmp_path / "a.jsonl", [{"tokens": [f"t{number}"]}])
            assert spanmatch("convert", source, target, "--to", to, "--overwrite").status == 0
        split = ["--split", "a"] if to == "datasetdict" else []
        assert spanmatch("convert", target, tmp_path / "back.jsonl", "--from", to, *split).status == 0
        assert read_lines(tmp_path / "back.jsonl")[0]["tokens"] == ["t1"]
        assert [path.name for path in target.parent.iterdir()] == [target.name]

    def test_help(self) -> None:
        result = spanmatch("convert", "--help")
        assert result.status == 0 and all(format in result.out for format in FORMATS)


class TestDocumentation:
    """The conversions of docs/migrate.md run as they stand there, one after the other."""

    def test_commands(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        rows = [{"tokens": TOKENS, "token_spans": SPANS}]
        convert(str(write_jsonl(tmp_path / "a.jsonl", rows)), "gliner_train.json")
        convert("a.jsonl", "eng.train.txt")
        write_jsonl(tmp_path / "nested.jsonl", [NESTED])
        DatasetDict(
            {name: Dataset.from_dict({"tokens": [TOKENS], "token_spans": [SPANS]}) for name in ("train", "test")}
        ).save_to_disk("my_dataset")
        text = (ROOT / "docs" / "migrate.md").read_text(encoding="utf-8")
        commands = re.findall(r"^spanmatch (convert .*)$", text, flags=re.MULTILINE)
        assert len(commands) >= 10
        for command in commands:
            overwrite = ["--overwrite"] if command.endswith("eng.train.txt train.jsonl") else []
            result = spanmatch(*command.split(), *overwrite)
            assert result.status == 0, (command, result.err)
        assert read_lines(tmp_path / "train.jsonl") == rows and read_lines(tmp_path / "my_files" / "test.jsonl") == rows
        assert content(tmp_path / "columns.conll") == "Ada\tB-PER\nLovelace\tE-PER\nmet\tO\nBo\tS-PER\n\n"


Facts = list[tuple[str, Any, Any, Any, Any]]


def facts(source: Path, **options: Any) -> Facts:
    """All that our reader finds in a data set: text, words, spans, inventory, id, in both formats."""
    corpora = [read_corpus(str(source), format=format, **options).examples for format in ("text", "tokens")]
    return [
        (item.text, item.words, sorted(item.mentions), sorted(kind.label for kind in item.types), item.id)
        for examples in corpora
        for item in examples
    ]


def through(folder: Path, source: Path, format: str) -> Path:
    """Our JSONL to a format and back."""
    there, back = folder / format / FORMATS[format], folder / format / "back.jsonl"
    there.parent.mkdir()
    convert(str(source), str(there), target_format=format, split="train" if format == "datasetdict" else None)
    convert(str(there), str(back), source_format=format, target_format="spans")
    return back


LABELS = ["a", "B-c", "d e", "f ", "-", "O", "\u00e9\u4eba"]


@st.composite
def records(draw: st.DrawFn, is_flat: bool) -> dict[str, Any]:
    """A record with tokens, or a text alone, with spans on tokens."""
    alphabet = st.characters(codec="utf-8", categories=("L", "N", "P", "S", "M", "Z"))
    tokens = draw(st.lists(st.text(alphabet, min_size=1, max_size=4).filter(lambda token: token.strip()), min_size=1, max_size=7))
    if is_flat:
        cuts = sorted(draw(st.lists(st.integers(0, len(tokens)), max_size=6)))
        pairs = [(start, end) for start, end in pairwise(cuts) if start < end and draw(st.booleans())]
    else:
        ends = st.integers(1, len(tokens)).flatmap(lambda end: st.tuples(st.integers(0, end - 1), st.just(end)))
        pairs = draw(st.lists(ends, max_size=5))
    spans = [span(start, end, draw(st.sampled_from(LABELS))) for start, end in pairs]
    row: dict[str, Any] = {"tokens": tokens, "token_spans": spans}
    if draw(st.booleans()):
        row["text"] = draw(st.sampled_from(["", " ", "\n"])).join(tokens) + draw(st.sampled_from(["", " \n"]))
    if draw(st.booleans()):
        row["labels"] = sorted({"z", *(item["label"] for item in spans)})
    if draw(st.booleans()):
        row["id"] = draw(st.text(alphabet, min_size=1, max_size=3))
    return row


@settings(max_examples=30)
@given(st.lists(records(is_flat=True), min_size=1, max_size=8))
@pytest.mark.parametrize("format", sorted(FORMATS))
def test_flat_spans_come_back(format: str, rows: list[dict[str, Any]]) -> None:
    if format == "conll":  # columns hold tokens and tags alone
        rows = [{"tokens": row["tokens"], "token_spans": row["token_spans"]} for row in rows]
    with tempfile.TemporaryDirectory() as folder:
        source = write_jsonl(Path(folder) / "train.jsonl", rows)
        assert facts(through(Path(folder), source, format)) == facts(source)


@settings(max_examples=30)
@given(st.lists(records(is_flat=False), min_size=1, max_size=8))
@pytest.mark.parametrize("format", ["gliner", "spans"])
def test_overlapping_spans_come_back(format: str, rows: list[dict[str, Any]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        source = write_jsonl(Path(folder) / "train.jsonl", rows)
        assert facts(through(Path(folder), source, format)) == facts(source)


def generated(count: int, seed: int) -> Iterator[dict[str, Any]]:
    """Random tokens of many scripts, some with a space inside; flat spans, adjacent ones of one type among them."""
    rng = random.Random(seed)
    letters = "abcXYZ019.,-'\"\\/#[]{}äßéñŁжюαωשלعربहिन्दी日本語한국어ไทย🙂👩‍🚀\u00a0\u2028\u200b\ufeff"
    labels = ["PER", "LOC", "product name", "B-x", "O", "名"]
    for index in range(count):
        tokens = ["".join(rng.choices(letters, k=rng.randint(1, 7))) for _ in range(rng.randint(1, 25))]
        tokens = [token if token.strip() else "x" for token in tokens]
        if rng.random() < 0.2:
            tokens[rng.randrange(len(tokens))] = "2 1/2"
        spans, start, label = [], 0, "PER"
        while start < len(tokens):
            end = min(len(tokens), start + rng.randint(1, 4))
            label = label if rng.random() < 0.5 else rng.choice(labels)
            if rng.random() < 0.4:
                spans.append(span(start, end, label))
            start = end
        yield {"id": f"{seed}-{index}", "tokens": tokens, "token_spans": spans, "labels": labels[: rng.randint(0, 6)]}


@pytest.mark.parametrize("second", sorted(FORMATS))
@pytest.mark.parametrize("first", sorted(FORMATS))
@pytest.mark.parametrize("scheme", ["bio", "iobes"])
def test_every_pair(first: str, second: str, scheme: str, tmp_path: Path) -> None:
    """From each format to each, and back to ours."""
    rows = [{"tokens": row["tokens"], "token_spans": row["token_spans"]} for row in generated(100, seed=3)]
    write_jsonl(tmp_path / "train.jsonl", rows)
    source, given = tmp_path / "train.jsonl", "spans"
    for number, format in enumerate((first, second, "spans")):
        folder = tmp_path / str(number)
        folder.mkdir()
        convert(str(source), str(folder / FORMATS[format]), source_format=given, target_format=format, scheme=scheme)
        source, given = folder / FORMATS[format], format
    assert read_lines(source) == rows


def test_ten_thousand_examples_come_back_without_a_difference(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    rows = list(generated(10_000, seed=7))
    for row in rows:
        row["labels"] = list(dict.fromkeys([*row["labels"], *(item["label"] for item in row["token_spans"])]))
    assert (
        sum(
            one["end"] == two["start"] and one["label"] == two["label"]
            for row in rows
            for one, two in pairwise(row["token_spans"])
        )
        > 1_000
    )
    bare = [{"tokens": row["tokens"], "token_spans": row["token_spans"]} for row in rows]
    whole, plain = write_jsonl(tmp_path / "whole.jsonl", rows), write_jsonl(tmp_path / "plain.jsonl", bare)
    for format in sorted(FORMATS):
        back = through(tmp_path, plain if format == "conll" else whole, format)
        for found, expected in zip(read_lines(back), bare if format == "conll" else rows, strict=True):
            assert found == expected, format
    assert caplog.text == ""
