"""Each file format is read into our schema."""

import json
from pathlib import Path
from typing import Any

import pytest
from helpers_data import SPANS, TOKENS, read_as, span

from spanmatch.data.formats.readers import read_gliner, starts_with_list
from spanmatch.data.formats.records import LeftOut
from spanmatch.errors import InputError


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


@pytest.mark.parametrize(("text", "expected"), [(" \n[]", True), ("\ufeff[", True), ('{"a": []}', False), ("", False)])
def test_a_list_is_told_from_lines(tmp_path: Path, text: str, expected: bool) -> None:
    (tmp_path / "a.json").write_text(text, encoding="utf-8")
    assert starts_with_list(tmp_path / "a.json") is expected


def test_an_error_says_the_line_of_a_list_item(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('[\n{"tokenized_text": ["a"], "ner": []},\n\n"\\ud800"]', encoding="utf-8")
    rows = read_gliner(tmp_path / "a.json", LeftOut())
    assert next(rows)[0] == f"{tmp_path}/a.json:2, item 0"
    with pytest.raises(InputError, match=r"a\.json:4, item 1: holds a lone surrogate \(\\ud800\)"):
        next(rows)
