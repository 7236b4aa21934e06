"""Lines of JSON with their places; a bad line is an error in its place."""

from pathlib import Path

import pytest

from spanmatch.data.jsonl import json_row, json_rows
from spanmatch.errors import InputError


def test_rows_have_their_places(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_bytes('\ufeff{"a": "é"}\r\n\n{\n \n"😀"'.encode())
    [first, bad, last] = json_rows(file)
    assert first == (f"{file}:1", {"a": "é"}) and last == (f"{file}:5", "😀")
    assert bad[0] == f"{file}:3" and isinstance(bad[1], InputError)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"{", "not JSON (Expecting property name enclosed in double quotes at column 2); write one JSON object per line"),
        (b'"\xff"', "not UTF-8 (invalid start byte at byte 1); save the file as UTF-8"),
        (b'"\\ud83d"', "holds a lone surrogate (\\ud83d), half a character; write it whole, or drop it"),
        (b'"\xed\xa0\xbd"', "holds a lone surrogate (\\ud83d), half a character; write it whole, or drop it"),
    ],
)
def test_bad_lines(line: bytes, message: str) -> None:
    assert str(json_row("a.jsonl:3", line)) == f"a.jsonl:3: {message}"


@pytest.mark.parametrize("line", [b"[" * 100_000, b"9" * 5_000])
def test_what_json_cannot_hold(line: bytes) -> None:
    assert str(json_row("a.jsonl:3", line)).startswith("a.jsonl:3: not JSON that can be read (")


def test_whole_pairs_are_characters() -> None:
    assert json_row("a.jsonl:1", b'"\\ud83d\\ude00"') == "\U0001f600"
