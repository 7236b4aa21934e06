"""Tables: columns two spaces apart, aligned as a terminal shows them."""

import pytest

from spanmatch.evaluation.tables import text_table


def test_columns() -> None:
    rows = [("a", "1", "x"), ("long", "1000", "")]
    assert text_table(("name", "n", "note"), rows).splitlines() == [
        "name     n  note",
        "a        1     x",
        "long  1000",
    ]  # fmt: skip


def test_columns_to_the_left() -> None:
    rows = [("a", "b", "1"), ("aa", "bbb", "22")]
    assert text_table(("", "", "n"), rows, num_left=2).splitlines() == ["          n", "a   b     1", "aa  bbb  22"]


def test_without_rows_there_is_the_header() -> None:
    assert text_table(("name", "n"), []) == "name  n"


@pytest.mark.parametrize(
    ("cell", "columns"),
    [("abc", 3), ("東京", 4), ("e\u0301", 1), ("a\u200bb", 2), ("한국", 4), ("👩\u200d👩\u200d👧", 2), ("नमस्ते", 4)],
    ids=["Latin", "Chinese", "combining mark", "zero-width space", "Korean", "joined emoji", "Devanagari"],
)
def test_characters_of_any_width(cell: str, columns: int) -> None:
    lines = text_table(("name", "n"), [(cell, "1"), ("longest", "2")]).split("\n")
    assert lines[1] == cell + " " * (len("longest") - columns) + "  1"


def test_rows_of_another_length_are_a_mistake() -> None:
    with pytest.raises(ValueError):
        text_table(("a", "b"), [("1",)])
