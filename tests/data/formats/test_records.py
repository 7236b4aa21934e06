"""A checked record, and the count of what is left out."""

from typing import Any

import pytest
from helpers_data import span

from spanmatch.data.formats.records import LeftOut, check_record
from spanmatch.entities import Mention
from spanmatch.errors import InputError


def test_left_out_names_the_first_place_of_each_kind() -> None:
    left_out = LeftOut()
    for kind, where, count in (("ids", "a:1", 0), ("ids", "a:2", 1), ("spans", "a:2", 3), ("ids", "a:3", 2)):
        left_out.add(kind, where, count)
    assert str(left_out) == "ids: 3 (first: a:2); spans: 3 (first: a:2)"
    assert str(LeftOut()) == ""


def test_spans_in_tokens() -> None:
    record = check_record("a:1", {"text": "10mg of it", "char_spans": [span(5, 10, "b"), span(0, 2, "a"), span(0, 4, "a")]})
    left_out = LeftOut()
    assert record.tokens == ["10mg", "of", "it"] and record.labels is None
    assert record.token_spans(left_out) == [Mention(start=0, end=1, label="a"), Mention(start=1, end=3, label="b")]
    assert str(left_out) == "spans off a token boundary: 1 (first: a:1)"


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"tokens": ["a", ""]}, "a:1: token 1 is empty; drop it, and its tag"),
        # The token spans count, but the character spans are kept, and must be valid, too.
        ({"tokens": ["a"], "token_spans": [], "char_spans": [span(0, 9)]}, "span [0, 9) ends beyond the text"),
        (InputError("a:1: not JSON"), "a:1: not JSON"),
    ],
)
def test_refused(row: Any, message: str) -> None:
    with pytest.raises(InputError) as caught:
        check_record("a:1", row)
    assert message in str(caught.value)
