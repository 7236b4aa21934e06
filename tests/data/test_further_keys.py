"""Annotation under a key that is not ours is refused; other keys are left alone."""

import logging
from pathlib import Path
from typing import Any

import pytest
from helpers_data import read_one, texts_of
from helpers_e2e import write_jsonl

from spanmatch.data.corpus import read_corpus
from spanmatch.data.further_keys import check_further_keys
from spanmatch.errors import InputError

TEXT = {"text": "Ada Berg left"}
TOKENS = {"tokens": ["Ada", "Berg", "left"]}
GOLD = TEXT | {"char_spans": [{"start": 0, "end": 8, "label": "PER"}]}

# What is there besides the text, and the name that is suggested.
REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "doccano": (TEXT | {"label": [[0, 8, "PER"]]}, "char_spans"),
    "doccano without a span": (TEXT | {"label": ["PER"]}, "labels"),
    "doccano, newer": (TEXT | {"entities": [{"id": 1, "start_offset": 0, "end_offset": 8, "label": "PER"}]}, "char_spans"),
    "spanmatch tag": (
        TEXT | {"entities": [{"start": 0, "end": 8, "label": "PER", "text": "Ada Berg", "score": 0.5}]},
        "char_spans",
    ),
    "Prodigy": (TEXT | {"spans": [{"start": 0, "end": 8, "label": "PER"}], "answer": "reject"}, "char_spans"),
    "Label Studio": (TEXT | {"annotations": [{"result": [{"value": {"start": 0, "end": 8, "labels": ["PER"]}}]}]}, "char_spans"),
    "spaCy": (TEXT | {"entities": [[0, 8, "PER"]]}, "char_spans"),
    "CLUENER": (TEXT | {"label": {"name": {"Ada Berg": [[0, 7]]}}}, "char_spans"),
    "by type": (TEXT | {"entities": {"person": ["Ada Berg"]}}, "char_spans"),
    "names and types": (TEXT | {"found": [{"name": "Ada Berg", "type": "person"}]}, "char_spans"),
    "camel case": (TEXT | {"found": [{"startOffset": 0, "endOffset": 8}]}, "char_spans"),
    "a list under any name": (TEXT | {"gold_2": [["PER", 0, 8]]}, "char_spans"),
    "an object under any name": (TEXT | {"x": {"y": [{"from": 0, "to": 8, "cat": "PER"}]}}, "char_spans"),
    "pairs under any name": (TEXT | {"x": [["Ada", [0, 3]]]}, "char_spans"),
    "JSON in a string": (TEXT | {"entities": '[{"start": 0, "end": 8}]'}, "char_spans"),
    "a typo": (TEXT | {"char_span": [{"start": 0, "end": 8, "label": "PER"}]}, "char_spans"),
    "another case": (TEXT | {"Char-Spans": [{"start": 0, "end": 8, "label": "PER"}]}, "char_spans"),
    "a typo beside gold": (GOLD | {"token_span": [{"start": 0, "end": 1, "label": "PER"}]}, "token_spans"),
    "a misspelt list of types": (GOLD | {"lables": ["PER", "LOC"]}, "labels"),
    "tags": (TOKENS | {"tag": ["B-PER", "I-PER", "O"]}, "tags"),
    "tags as a word list": (TOKENS | {"ner": ["B-PER", "I-PER", "O"]}, "tags"),
    "numbers of tags": (TOKENS | {"ner": [1, 2, 0]}, "tags"),
    "tags in a string": (TOKENS | {"ner": "B-PER I-PER O"}, "tags"),
    "tags under any name": (TOKENS | {"x": ["B-PER", "I-PER", "O"]}, "tags"),
    "O under any name": (TOKENS | {"x": ["O", "O", "O"]}, "tags"),
    "GLiNER's spans beside tokens": (TOKENS | {"ner": [[0, 1, "PER"]]}, "token_spans"),
}

ALLOWED: dict[str, dict[str, Any]] = {
    "strings and numbers": TEXT | {"source": "news", "score": 0.5, "label": "positive", "rank": 3, "is_test": True, "ner": 1},
    "nothing": TEXT | {"entities": [], "spans": None, "label": "", "ner": {}},
    "metadata": TEXT | {"meta": {"spans": [[0, 3, "x"]], "start": 1, "end": 2}, "source": [{"start": 1, "end": 2}]},
    "words": TEXT | {"topics": ["news", "sport"], "authors": [{"name": "Ada", "age": 30}], "pages": [1, 2]},
    "other tags of tokens": TOKENS | {"pos": ["NNP", "NNP", "VBD"], "lemmas": ["Ada", "Berg", "leave"], "heads": [1, 2, 0]},
    "predictions beside gold": GOLD | {"entities": [{"start": 0, "end": 3, "label": "PER"}]},
    "another layer beside tags": TOKENS | {"tags": ["O", "O", "O"], "chunk_tags": ["B-NP", "I-NP", "B-VP"]},
    "gold that is said to be empty": TEXT | {"char_spans": [], "relations": [[0, 3, "knows"]]},
}  # fmt: skip


@pytest.mark.parametrize(("row", "name"), REFUSED.values(), ids=REFUSED)
class TestRefused:
    def test_with_the_right_name(self, row: dict[str, Any], name: str) -> None:
        with pytest.raises(InputError, match=rf'^a.jsonl:3: ".*" may hold annotation, .* did you mean "{name}"\? Otherwise'):
            check_further_keys("a.jsonl:3", row)

    def test_among_good_lines(self, tmp_path: Path, row: dict[str, Any], name: str, caplog: pytest.LogCaptureFixture) -> None:
        file = write_jsonl(tmp_path / "a.jsonl", [GOLD, row, GOLD])
        with pytest.raises(InputError, match=r"a\.jsonl:2: "):
            read_corpus(str(file))
        with caplog.at_level(logging.WARNING):
            assert texts_of(read_corpus(str(file), skip_invalid=True)) == ["Ada Berg left"] * 2


@pytest.mark.parametrize("row", ALLOWED.values(), ids=ALLOWED)
def test_allowed(tmp_path: Path, row: dict[str, Any]) -> None:
    assert read_one(tmp_path, row).text == "Ada Berg left"


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (TEXT | {"labels": [[0, 8, "PER"]]}, '"labels" holds spans, but is the list of types; write "char_spans"'),
        (TEXT | {"labels": [{"start": 0, "end": 8, "label": "PER"}]}, '"labels" holds spans'),
        (
            TOKENS | {"labels": ["B-PER", "I-PER", "O"]},
            '"labels" holds a tag per token, but is the list of types; call it "tags"',
        ),
        (TEXT | {"char_spans": None}, '"char_spans" is null, so the text is not annotated; give [] if it has no entity'),
        (TOKENS | {"tags": None, "token_spans": None}, '"token_spans" is null'),
        (TOKENS | {"ner_tags": None}, '"ner_tags" is null'),
        (TOKENS | {"tags": ["O"] * 3, "ner_tags": ["B-x", "O", "O"]}, '"tags" and "ner_tags" differ'),
        ({"sentence": "Ada"}, '"sentence": did you mean "text"?'),
        ({"words": ["Ada"]}, '"words": did you mean "tokens"?'),
        ({"char_spans": []}, "add one of them"),
    ],
)
def test_our_keys_with_other_values(tmp_path: Path, row: dict[str, Any], message: str) -> None:
    file = write_jsonl(tmp_path / "a.jsonl", [GOLD, row])
    with pytest.raises(InputError) as caught:
        read_corpus(str(file))
    assert str(caught.value).startswith(f"{file}:2: ") and message in str(caught.value)
