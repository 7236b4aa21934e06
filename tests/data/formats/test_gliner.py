"""GLiNER's JSON is read into our schema."""

import json
from pathlib import Path
from typing import Any

import pytest
from helpers_data import SPANS, TOKENS, read_as, span

from spanmatch.data.corpus import read_corpus
from spanmatch.data.formats.gliner import read_gliner
from spanmatch.data.formats.reading import Reading
from spanmatch.data.formats.records import LeftOut
from spanmatch.errors import InputError


class TestReading:
    @pytest.mark.parametrize(
        ("item", "expected"),
        [
            ({"ner": [[0, 1, "PER"], [3, 3, "PER"]]}, {"token_spans": SPANS}),
            ({"ner": []}, {"token_spans": []}),
            # Both are types that the text was annotated for, with those that occur.
            ({"ner": [], "ner_labels": ["a"], "ner_negatives": ["b", "a"]}, {"token_spans": [], "labels": ["a", "b"]}),
            ({"ner": [[0, 1, "PER"]], "ner_negatives": ["b"]}, {"token_spans": SPANS[:1], "labels": ["b", "PER"]}),
            # In older files, the types are called "label", and "negative".
            ({"ner": [[0, 1, "PER"]], "label": ["PER", "b"]}, {"token_spans": SPANS[:1], "labels": ["PER", "b"]}),
            ({"ner": [], "label": ["a"], "negative": ["b"]}, {"token_spans": [], "labels": ["a", "b"]}),
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


def test_an_error_says_the_line_of_a_list_item(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('[\n{"tokenized_text": ["a"], "ner": []},\n\n"\\ud800"]', encoding="utf-8")
    rows = read_gliner(tmp_path / "a.json", Reading(left_out=LeftOut()))
    assert next(rows)[0] == f"{tmp_path}/a.json:2, item 0"
    with pytest.raises(InputError, match=r"a\.json:4, item 1: holds a lone surrogate \(\\ud800\)"):
        next(rows)


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ({"tokenized_text": TOKENS}, 'expected an object with the lists "tokenized_text" and "ner"'),
        ({"tokenized_text": TOKENS, "ner": None}, "expected an object with the lists"),
        ({"tokenized_text": TOKENS, "entities": [[0, 1, "PER"]]}, "expected an object with the lists"),
        ({"tokenized_text": "Ada met", "ner": []}, "expected an object with the lists"),
        ({"tokenized_text": TOKENS, "ner": [[0, 4, "PER"]]}, "they count from 0, and the end is inclusive"),
        ({"tokenized_text": TOKENS, "ner": [["0", "1", "PER"]]}, "expected [first token, last token, label]"),
        ({"tokenized_text": TOKENS, "ner": [{"start": 0, "end": 1, "label": "PER"}]}, "expected [first token, last token"),
        ({"tokenized_text": TOKENS, "ner": [[0, 1, ["PER"]]]}, "expected [first token, last token, label]"),
        ({"tokenized_text": TOKENS, "ner": [], "label": "PER"}, "must be lists of strings"),
        ({"tokenized_text": TOKENS, "ner": [], "ner_label": ["PER"]}, '"ner_label": did you mean "ner_labels"?'),
        ({"tokenized_text": ["Ada", ""], "ner": []}, "token 1 is empty"),
        ({"text": "Ada met", "char_spans": []}, "expected an object with the lists"),
        (["Ada"], "expected an object with the lists"),
    ],
)
def test_broken_records(tmp_path: Path, item: Any, message: str) -> None:
    good = {"tokenized_text": TOKENS, "ner": [[0, 1, "PER"]]}
    (tmp_path / "a.jsonl").write_text(f"{json.dumps(good)}\n{json.dumps(item)}\n", encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_corpus(str(tmp_path / "a.jsonl"))
    assert str(caught.value).startswith(f"{tmp_path}/a.jsonl:2: ") and message in str(caught.value)
    assert len(read_corpus(str(tmp_path / "a.jsonl"), skip_invalid=True).examples) == 1
