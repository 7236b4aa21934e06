"""Tables are read row by row, and each row knows its line."""

import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanmatch.data.tables import read_table, table_line
from spanmatch.errors import InputError

PATH = Path("a.csv")


def rows_of(content: str | bytes, suffix: str = ".csv") -> list[tuple[str, list[str]]]:
    """The names and rows of a table, each after the number of its line."""
    table = read_table(io.BytesIO(content if isinstance(content, bytes) else content.encode()), PATH, suffix)
    found = [(table.where, list(table.names))]
    for where, row in table.rows:
        if isinstance(row, InputError):
            raise row
        found.append((where, row))
    return [(where.removeprefix("a.csv:"), row) for where, row in found]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("a,b\n1,2\n", [("1", ["a", "b"]), ("2", ["1", "2"])]),
        ("\ufeffa,b\r\n1,2\r\n", [("1", ["a", "b"]), ("2", ["1", "2"])]),
        # Other separators, and a header of one column.
        ("a;b\n1,5;2\n", [("1", ["a", "b"]), ("2", ["1,5", "2"])]),
        ("a\tb\n1,5\t2", [("1", ["a", "b"]), ("2", ["1,5", "2"])]),
        ("a|b\n1|2", [("1", ["a", "b"]), ("2", ["1", "2"])]),
        ("text\nAda left.\n \n", [("1", ["text"]), ("2", ["Ada left."]), ("3", [" "])]),
        # Quotes hold separators, line breaks and quotes; a row has the number of its first line.
        ('a,b\n"x,\ny","say ""no"""\n\n1,2\n', [("1", ["a", "b"]), ("2", ["x,\ny", 'say "no"']), ("4", []), ("5", ["1", "2"])]),
        ('a,b\n5" disk,\u2028\x0b\x85\x00\n', [("1", ["a", "b"]), ("2", ['5" disk', "\u2028\x0b\x85\x00"])]),
        # pandas leaves the column of row numbers without a name.
        (",a, b \n0,x,y\n", [("1", ["column 1", "a", "b"]), ("2", ["0", "x", "y"])]),
        ("\n\na,b\n1,2\n", [("3", ["a", "b"]), ("4", ["1", "2"])]),
    ],
)
def test_rows(content: str, expected: list[tuple[str, list[str]]]) -> None:
    assert rows_of(content) == expected


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        # Tokens of columns are often quotes, and nothing quotes them.
        ('word\ttag\n"\tO\nAda\tB\n"\tO\n', [['"', "O"], ["Ada", "B"], ['"', "O"]]),
        ('word\ttag\n"Ada\tB\nleft"\tO\n', [['"Ada', "B"], ['left"', "O"]]),
        # pandas quotes them.
        ('word\ttag\n""""\tO\nAda\tB\n', [['"', "O"], ["Ada", "B"]]),
        ('text\ttag\n"a\tb"\tO\n"c\nd"\tO\n', [["a\tb", "O"], ["c\nd", "O"]]),
        ('text\ttag\n"say ""no"""\tO\n', [['say "no"', "O"]]),
    ],
)
def test_tabs_with_and_without_quotes(content: str, expected: list[list[str]]) -> None:
    assert [row for _, row in rows_of(content, ".tsv")][1:] == expected


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("", r"a\.csv: no header in it; name the columns"),
        ("\n\n", r"a\.csv: no header in it"),
        ("a,b,a\n", r'a\.csv:1: two columns are called "a"; rename one'),
        ("a,b\n1,2\n1\n", r"a\.csv:3: 1 cell, but the header names 2"),
        ("a,b\n1,2,3\n", r'a\.csv:2: 3 cells, but the header names 2; put cells that hold "," in quotes'),
        ('a,b\n\n"x" y,2\n', r"a\.csv:3: a row that cannot be read \('?,'? expected after '\"'\); close each quote"),
        ('a,b\n1,2\n"x,2\n3,4\n', r"a\.csv:3: a row that cannot be read \(unexpected end of data\)"),
        ("a,b\n1\r2,3\n", r"a\.csv:2: a row that cannot be read"),
        (b"a,b\n1,2\n\xff,2\n", r"a\.csv:3: not UTF-8 \(invalid start byte at byte 0\); save the table as UTF-8"),
        (b'a,b\n"1\n\xe9",2\n', r"a\.csv:3: not UTF-8"),
        ("a,b\n1,2".encode("utf-16"), r"a\.csv:1: UTF-16, not text in UTF-8; save it as UTF-8"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(content: str | bytes, expected: str) -> None:
    with pytest.raises(InputError, match=expected):
        rows_of(content)


def test_a_bad_row_does_not_end_the_table() -> None:
    table = read_table(io.BytesIO(b"a,b\n1\n\xff,2\n5,6\n"), PATH, ".csv")
    kinds = [row if isinstance(row, list) else type(row).__name__ for _, row in table.rows]
    assert kinds == ["InputError", "InputError", ["5", "6"]]


def test_a_cell_may_be_long() -> None:
    text = "x" * 200_000
    assert rows_of(f"text,b\n{text},1\n")[1] == ("2", [text, "1"])


@given(
    width=st.integers(1, 2),
    cells=st.lists(st.lists(st.text(alphabet=st.characters(codec="utf-8")), min_size=2, max_size=2), max_size=4),
    suffix=st.sampled_from([".csv", ".tsv"]),
)
def test_what_is_written_is_read(width: int, cells: list[list[str]], suffix: str) -> None:
    rows = [row[:width] for row in cells]
    separator = {".csv": ",", ".tsv": "\t"}[suffix]
    content = "".join(table_line(row, separator) for row in [["a", "b"][:width], *rows])
    assert [row for _, row in rows_of(content, suffix)][1:] == rows
