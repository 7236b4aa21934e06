"""A cell of a table holds the annotation of its text."""

from typing import Any

import pytest
from helpers_data import span

from spanmatch.data.formats.cells import check_covered, read_annotation, split_blanks
from spanmatch.data.formats.records import LeftOut
from spanmatch.errors import InputError

TEXT = "Ada met Bo"


def read(cell: str, left_out: LeftOut | None = None) -> dict[str, Any]:
    return read_annotation("a.csv:2", "entities", cell, TEXT, left_out or LeftOut())


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ('[{"start": 0, "end": 3, "label": "x"}]', {"char_spans": [span(0, 3)]}),
        ('[[0, 3, "x"], [8, 10, "y"]]', {"char_spans": [span(0, 3), span(8, 10, "y")]}),
        ("[]", {"char_spans": []}),
        # As pandas writes lists of Python, as spaCy keeps them, and as Label Studio exports them.
        ("[(0, 3, 'x')]", {"char_spans": [span(0, 3)]}),
        ("[{'start': 0, 'end': 3, 'label': 'x'}]", {"char_spans": [span(0, 3)]}),
        ("{'entities': [(0, 3, 'x')]}", {"char_spans": [span(0, 3)]}),
        ('[{"start":0,"end":3,"text":"Ada","labels":["x","y"]}]', {"char_spans": [span(0, 3), span(0, 3, "y")]}),
        ("B-x O O", {"tags": ["B-x", "O", "O"]}),
        ('["B-x", "O", "O"]', {"tags": ["B-x", "O", "O"]}),
        ("['B-x', 'O', 'O']", {"tags": ["B-x", "O", "O"]}),
    ],
)
def test_forms(cell: str, expected: dict[str, Any]) -> None:
    assert read(cell) == expected


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("", r'"entities" is empty; write \[\] where there is no entity'),
        ("  ", "is empty"),
        ("[1, 0, 0]", "numbers of tags without their names"),
        ("positive", "holds 'positive'; expected tags such as \"B-PER O\""),
        # NumPy prints arrays without commas, and Python would join the strings.
        ("['B-x' 'O' 'O']", "no commas in it, as NumPy prints arrays"),
        ("[0 1 0]", "neither JSON nor a list of Python"),
        ("[(0, 3, 'x')", "neither JSON nor a list of Python"),
        ("[open('x')]", "neither JSON nor a list of Python"),
        ("[" * 100_000, "neither JSON nor a list of Python"),
        ('{"start": 0}', "expected a list of"),
        ('["O", 1]', 'holds "O"; expected'),
        ("[[0, 3]]", r"holds \[0, 3\]; expected"),
        ('[["Ada", 0, 3]]', "start and end whole numbers"),
        ('[{"start": "0", "end": 3, "label": "x"}]', "start and end whole numbers"),
        ('[{"start": true, "end": 3, "label": "x"}]', "start and end whole numbers"),
        ('[{"start": 0, "end": 3}]', "start and end whole numbers"),
        ('[{"start": 0, "end": 3, "labels": []}]', "start and end whole numbers"),
        ('[{"strat": 0, "end": 3, "label": "x"}]', 'whole numbers; "strat": did you mean "start"\\?'),
        ('[{"start": 0, "end": 11, "label": "x"}]', r"\[0, 11\) is empty or not within the text \(10 characters\)"),
        ('[{"start": 3, "end": 3, "label": "x"}]', r"\[3, 3\) is empty"),
        ('[{"start": -3, "end": 3, "label": "x"}]', r"\[-3, 3\) is empty or not within"),
        ('[{"start": 1, "end": 4, "label": "x", "text": "Ada"}]', r"covers 'da ', but 'Ada' stands beside it"),
        (r'[{"start": 0, "end": 3, "label": "\ud800"}]', "lone surrogate"),
    ],
)
def test_a_cell_that_is_no_annotation(cell: str, expected: str) -> None:
    with pytest.raises(InputError, match=rf"^a\.csv:2: .*{expected}"):
        read(cell)


def test_further_keys_of_spans_are_counted() -> None:
    left_out = LeftOut()
    read('[{"start": 0, "end": 3, "label": "x", "score": 0.5}]', left_out)
    assert str(left_out).startswith('spans with keys besides "start", "end" and "label": 1')


def test_only_blanks_divide_tokens() -> None:
    assert split_blanks(" 10\u00a0000  euros\t.\n") == ["10\u00a0000", "euros", "."]


def test_offsets_cover_the_text_beside_them() -> None:
    check_covered("a", TEXT, 0, 3, "Ada")
    check_covered("a", TEXT, 0, 3, None)
