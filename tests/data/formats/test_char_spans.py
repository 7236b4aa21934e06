"""Texts are cut into tokens that lose nothing, and spans are checked in one place."""

from typing import Any

import pytest
from helpers_annotation import records
from hypothesis import given

from spanmatch.data.formats.char_spans import CharSpan, char_spans, cut_text, kept_keys, span_of
from spanmatch.data.formats.records import LeftOut, check_record
from spanmatch.data.words import split_words
from spanmatch.errors import InputError


class TestCutText:
    @pytest.mark.parametrize(
        ("text", "spans", "expected"),
        [
            ("Ada met Bo.", [], ["Ada_", "met_", "Bo", "."]),
            (" Ada", [], [" ", "Ada"]),
            ("a  b\nc ", [], ["a_", " ", "b", "\n", "c_"]),
            ("", [], []),
            ("  ", [], ["  "]),
            # A span that is half a word, one that ends with a space, and one that starts with it.
            ("New York", [(0, 2), (4, 6)], ["Ne", "w_", "Yo", "rk"]),
            ("Ada met", [(0, 4)], ["Ada", " ", "met"]),
            ("Ada met", [(3, 7)], ["Ada", " ", "met"]),
        ],
    )
    def test_table(self, text: str, spans: list[tuple[int, int]], expected: list[str]) -> None:
        pieces = cut_text(text, split_words(text), [CharSpan(start=start, end=end, label="x") for start, end in spans])
        assert [text[piece.start : piece.end] + "_" * piece.has_space for piece in pieces] == expected

    @given(records())
    def test_nothing_is_lost_and_every_span_consists_of_tokens(self, row: dict[str, Any]) -> None:
        record = check_record("here", row)
        text, spans = record.example.text, char_spans(record)
        pieces = cut_text(text, record.example.words, spans)
        assert "".join(text[piece.start : piece.end] + " " * piece.has_space for piece in pieces) == text
        assert {span.start for span in spans} <= {piece.start for piece in pieces}
        assert {span.end for span in spans} <= {piece.end for piece in pieces}


class TestSpanOf:
    def test_a_span_of_our_schema(self) -> None:
        assert span_of("here", None, "Ada", 0, 3, "PER") == {"start": 0, "end": 3, "label": "PER"}

    @pytest.mark.parametrize(
        ("start", "end", "label", "message"),
        [
            (0, 4, "x", "a text of 3 characters"),
            (-1, 2, "x", "needs 0 <= start < end <= 3"),
            (2, 2, "x", "needs 0 <= start < end <= 3"),
            ("0", 2, "x", "needs whole numbers"),
            (False, 2, "x", "needs whole numbers"),
            (0.0, 2, "x", "needs whole numbers"),
            (0, None, "x", "needs whole numbers"),
            (0, 2, " ", "needs a label"),
            (0, 2, 3, "needs a label"),
            (0, 2, None, "needs a label"),
        ],
    )
    def test_refused(self, start: Any, end: Any, label: Any, message: str) -> None:
        with pytest.raises(InputError, match=rf'^a\.jsonl:3: the span "as it stands".*{message}'):
            span_of("a.jsonl:3", "as it stands", "Ada", start, end, label)


def test_a_key_of_our_name_that_means_something_else_is_counted() -> None:
    left_out = LeftOut()
    kept = kept_keys("here", {"id": 1, "text": "a", "tags": ["news"], "meta": 2}, {"text"}, left_out)
    assert kept == {"id": 1, "meta": 2} and left_out.counts == {'values of "tags"': 1}


def test_scores_are_read_and_no_span_is_twice() -> None:
    spans = [
        {"start": 0, "end": 1, "label": "x", "score": 0.5},
        {"start": 0, "end": 1, "label": "x"},
        {"start": 0, "end": 1, "label": "y", "score": "high"},
    ]
    found = char_spans(check_record("here", {"text": "a", "char_spans": spans}))
    assert [(span.label, span.score) for span in found] == [("x", 0.5), ("y", None)]
