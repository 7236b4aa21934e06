"""Prodigy's JSON lines are read and written."""

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

TOKENS = [
    {"text": word, "start": start, "end": start + len(word), "id": number, "ws": has_space}
    for number, (start, word, has_space) in enumerate(
        [
            (0, "💩", True),
            (2, "Ada", True),
            (6, "Berg", True),
            (11, "lives", False),
            (16, "\n", False),
            (17, "in", True),
            (20, " ", False),
            (21, "Oslo", False),
        ]
    )
]
PRODIGY_SPANS = [
    {"start": 2, "end": 10, "label": "PER", "token_start": 1, "token_end": 2},
    {"start": 21, "end": 25, "label": "LOC", "token_start": 7, "token_end": 7},
]
TASK = {"text": TEXT, "tokens": TOKENS, "spans": PRODIGY_SPANS, "answer": "accept"}
WORDS = ["💩", "Ada", "Berg", "lives", "in", "Oslo"]
# The published form of "ner_manual" and "spans_manual".
_NUMBER = {"type": "integer", "minimum": 0}
SCHEMA = {
    "type": "object",
    "required": ["text", "tokens", "spans"],
    "properties": {
        "text": {"type": "string"},
        "answer": {"enum": ["accept", "reject", "ignore"]},
        "tokens": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["text", "start", "end", "id"],
                "properties": {"text": {"type": "string", "minLength": 1}, "start": _NUMBER, "end": _NUMBER, "id": _NUMBER}
                | {"ws": {"type": "boolean"}},
            },
        },
        "spans": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["start", "end", "token_start", "token_end", "label"],
                "properties": {
                    "start": _NUMBER,
                    "end": _NUMBER,
                    "token_start": _NUMBER,
                    "token_end": _NUMBER,
                    "label": {"type": "string", "minLength": 1},
                    "score": {"type": "number"},
                },
            },
        },
    },
}


class TestReading:
    def test_an_accepted_text(self, tmp_path: Path) -> None:
        rows, left_out = read_values(tmp_path, [TASK | {"_input_hash": 3, "meta": {"page": 1}}])
        assert rows == [RECORD | {"tokens": WORDS, "_input_hash": 3, "meta": {"page": 1}}] and not left_out.counts

    def test_spans_alone(self, tmp_path: Path) -> None:
        assert read_values(tmp_path, [{"text": TEXT, "spans": SPANS}])[0] == [RECORD]
        assert read_values(tmp_path, [{"text": "a", "spans": []}])[0] == [{"text": "a", "char_spans": []}]

    def test_an_accepted_text_in_which_nothing_was_marked(self, tmp_path: Path) -> None:
        task = {"text": "a", "tokens": [{"text": "a", "start": 0, "end": 1, "id": 0}], "answer": "accept"}
        assert read_values(tmp_path, [task])[0] == [{"text": "a", "tokens": ["a"], "char_spans": []}]

    @pytest.mark.parametrize(
        ("more", "kind"),
        [
            ({"answer": "reject"}, 'texts with the answer "reject"'),
            ({"answer": "ignore"}, 'texts with the answer "ignore"'),
            ({"_is_binary": True}, "yes-or-no answers on single spans"),
            ({"_view_id": "ner"}, "yes-or-no answers on single spans"),
            ({"_is_binary": True, "answer": "reject"}, "yes-or-no answers on single spans"),
        ],
    )
    def test_what_is_not_gold_is_counted(self, tmp_path: Path, more: dict[str, Any], kind: str) -> None:
        rows, left_out = read_values(tmp_path, [TASK, TASK | more])
        assert len(rows) == 1 and left_out.counts == {kind: 1}
        assert left_out.first == {kind: f"{tmp_path}/a.json:1, item 1"}

    def test_a_file_of_rejected_texts_is_not_empty_data(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match=r'a\.json: no annotated text in it \(texts with the answer "reject": 1'):
            read_values(tmp_path, [TASK | {"answer": "reject"}])

    def test_other_kinds_of_annotation_are_counted(self, tmp_path: Path) -> None:
        more = {"relations": [{}], "label": "good", "accept": ["a", "b"], "options": [{}], "_view_id": "blocks"}
        rows, left_out = read_values(tmp_path, [TASK | more])
        assert rows == [RECORD | {"tokens": WORDS, "_view_id": "blocks"}]
        assert left_out.counts == {"relations": 1, "labels of texts": 1, "chosen options": 2}


class TestDetection:
    @pytest.mark.parametrize(
        ("item", "expected"),
        [
            ({"text": "a", "spans": []}, "prodigy"),
            ({"text": "a", "answer": "reject"}, "prodigy"),
            ({"text": "a", "_input_hash": 1, "label": []}, "prodigy"),
            ({"text": "a", "char_spans": [], "spans": []}, "spans"),
            ({"text": "a", "char_spans": [], "answer": "accept"}, "spans"),
            ({"text": "a", "answer": "42"}, "spans"),
            ({"tokens": ["a"], "tags": ["O"], "spans": []}, "tags"),
        ],
    )
    def test_by_content(self, tmp_path: Path, item: dict[str, Any], expected: str) -> None:
        (tmp_path / "a.jsonl").write_text("\ufeff" + json.dumps(item), encoding="utf-8")
        assert find_format(tmp_path / "a.jsonl").name == expected


class TestRefusals:
    @pytest.mark.parametrize(
        ("more", "message"),
        [
            ({"answer": "acept"}, '"answer" is "acept"; did you mean "accept"'),
            ({"answer": 3}, '"answer" is 3; give accept, reject or ignore'),
            ({"spans": None, "answer": None}, 'no "spans"; give a list'),
            ({"spans": None, "tokens": None}, 'no "spans"; give a list'),
            ({"spans": {"start": 0}}, '"spans" must be a list'),
            ({"spans": [{"start": 0, "end": 1}]}, 'expected {"start", "end", "label"}'),
            ({"spans": [{"start": 2, "end": 99, "label": "x"}]}, "is not one of a text of 25 characters"),
            ({"spans": [PRODIGY_SPANS[0] | {"start": 3}]}, 'does not go from token "token_start" to token "token_end"'),
            ({"spans": [PRODIGY_SPANS[0] | {"token_end": 3}]}, 'does not go from token "token_start" to token "token_end"'),
            ({"spans": [PRODIGY_SPANS[0] | {"token_end": 99}]}, 'does not go from token "token_start" to token "token_end"'),
            ({"spans": [SPANS[0] | {"text": "Bob"}]}, 'is "Ada Berg" in the text; were the offsets of another text?'),
            ({"tokens": [TOKENS[0] | {"text": "b"}]}, "of a part of the text"),
            ({"tokens": [TOKENS[1], TOKENS[0]]}, "order the tokens"),
            ({"tokens": ["Ada"]}, "of a part of the text"),
            ({"tokens": "Ada"}, '"tokens" must be a list'),
            ({"text": None}, '"text" must be the text'),
        ],
    )
    def test_place_and_remedy(self, tmp_path: Path, more: dict[str, Any], message: str) -> None:
        (tmp_path / "a.jsonl").write_text(f"{json.dumps(TASK)}\n\n{json.dumps(TASK | more)}\n", encoding="utf-8")
        rows, _ = read(tmp_path / "a.jsonl")
        assert isinstance(rows[1], InputError) and str(rows[1]).startswith(f"{tmp_path}/a.jsonl:3: ")
        with pytest.raises(InputError, match=message):
            raise rows[1]

    def test_nothing_is_lost_of_a_broken_task(self, tmp_path: Path) -> None:
        for name, value in broken(TASK):
            if name not in {"spans is []", "spans dropped", "spans is null"}:  # accepted as it is, without an entity
                assert_nothing_is_lost(tmp_path, value, "prodigy", len(SPANS))

    def test_spans_that_are_gone_are_refused_where_no_answer_says_that_there_are_none(self, tmp_path: Path) -> None:
        rows, _ = read_values(tmp_path, [{"text": TEXT, "tokens": TOKENS}], "prodigy")
        assert isinstance(rows[0], InputError)

    @pytest.mark.parametrize("key", ["span", "spansx", "Spans", "entities"])
    def test_spans_under_another_key_are_refused(self, tmp_path: Path, key: str) -> None:
        task = {"text": TEXT, "tokens": TOKENS, "answer": "accept", "meta": {"span": PRODIGY_SPANS}}
        assert read_values(tmp_path, [task], "prodigy")[0][0]["char_spans"] == []
        rows, _ = read_values(tmp_path, [task | {key: PRODIGY_SPANS}], "prodigy")
        assert f'no span, but "{key}" may hold some' in str(rows[0])


class TestWriting:
    def test_gold_is_accepted(self, tmp_path: Path) -> None:
        left_out = write(tmp_path / "a.jsonl", "prodigy", [RECORD | {"id": 3, "meta": {"page": 1}, "answer": "reject"}])
        assert read_lines(tmp_path / "a.jsonl") == [TASK | {"id": 3, "meta": {"page": 1}}]
        assert left_out.counts == {'values of "answer"': 1}

    def test_predictions_have_scores_and_no_answer(self, tmp_path: Path) -> None:
        row = {"text": TEXT, "char_spans": [span | {"score": 0.5} for span in SPANS]}
        assert not write(tmp_path / "a.jsonl", "prodigy", [row], as_predictions=True).counts
        [task] = read_lines(tmp_path / "a.jsonl")
        assert task == {"text": TEXT, "tokens": TOKENS, "spans": [span | {"score": 0.5} for span in PRODIGY_SPANS]}

    def test_a_token_that_a_span_divides(self, tmp_path: Path) -> None:
        row = {"text": "New York", "tokens": ["New York"], "char_spans": [{"start": 0, "end": 3, "label": "x"}]}
        assert write(tmp_path / "a.jsonl", "prodigy", [row]).counts == {"tokens that a span divides": 1}

    @given(records())
    def test_there_and_back(self, tmp_path_factory: pytest.TempPathFactory, row: dict[str, Any]) -> None:
        path = tmp_path_factory.mktemp("a") / "a.jsonl"
        write(path, "prodigy", [row])
        [task] = read_lines(path)
        jsonschema.validate(task, SCHEMA)
        text, tokens = task["text"], task["tokens"]
        assert "".join(token["text"] + " " * token["ws"] for token in tokens) == text
        for item in task["spans"]:
            assert tokens[item["token_start"]]["start"] == item["start"] and tokens[item["token_end"]]["end"] == item["end"]
        [back], left_out = read(path)
        assert back["text"] == row["text"] and spans_in(back) == expected_spans(row) and not left_out.counts
