"""What `spanmatch tag` writes is read as annotated text."""

import json
from pathlib import Path
from typing import Any

import pytest
from helpers_data import read_as, read_one, span, spans_of
from helpers_e2e import write_jsonl

from spanmatch.data.corpus import read_corpus
from spanmatch.entities import Entity
from spanmatch.errors import InputError
from spanmatch.tagging.lines import as_json

TEXT = "Ada Berg left"


def entity(**changes: Any) -> dict[str, Any]:
    return {"start": 0, "end": 8, "label": "PER", "text": "Ada Berg", "score": 0.5} | changes


def test_entities_become_spans(tmp_path: Path) -> None:
    line = as_json({"id": 3, "text": TEXT, "source": "news"}, [Entity(text="Ada Berg", start=0, end=8, label="PER", score=0.5)])
    expected = {"id": 3, "text": TEXT, "source": "news", "char_spans": [span(0, 8, "PER") | {"score": 0.5}]}
    assert read_as(tmp_path, "a.jsonl", line) == [expected]
    assert spans_of(read_one(tmp_path, json.loads(line))) == [(0, 8, "PER")]


def test_gold_comes_before_what_was_found(tmp_path: Path) -> None:
    rows = [{"text": TEXT, "char_spans": [span(0, 3)], "entities": [entity()]}]
    assert spans_of(read_one(tmp_path, rows[0])) == [(0, 3, "x")]
    file = write_jsonl(tmp_path / "a.jsonl", [{"text": TEXT, "entities": []}, *rows])
    assert [spans_of(example) for example in read_corpus(str(file)).examples] == [[], [(0, 3, "x")]]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"text": TEXT}, 'no list "entities" beside a "text"'),
        ({"text": TEXT, "entities": None}, 'no list "entities"'),
        ({"text": TEXT, "entity": [entity()]}, 'no list "entities"'),
        ({"tokens": ["Ada"], "entities": []}, 'no list "entities" beside a "text"'),
        ({"text": TEXT, "entities": [[0, 8, "PER"]]}, 'expected {"start", "end", "label", "text"}'),
        ({"text": TEXT, "entities": [{"start_offset": 0, "end_offset": 8, "label": "PER"}]}, "expected {"),
        ({"text": TEXT, "entities": [entity(end=7)]}, 'its offsets give "Ada Ber"; mend them'),
        ({"text": TEXT, "entities": [entity(start="0")]}, "start and end must be whole numbers"),
        ({"text": TEXT, "entities": [entity(end=90, text=None)]}, "ends beyond the text"),
        ({"text": TEXT, "entities": [entity(label=None)]}, "label a name"),
        ([TEXT], "expected a JSON object, got list"),
    ],
)
def test_broken_records(tmp_path: Path, row: Any, message: str) -> None:
    file = write_jsonl(tmp_path / "a.jsonl", [{"text": TEXT, "entities": [entity()]}, row])
    with pytest.raises(InputError) as caught:
        read_corpus(str(file))
    assert str(caught.value).startswith(f"{file}:2: ") and message in str(caught.value)
