"""The hints of errors: the nearest valid name, and a library's message as one line."""

import pytest

from spanmatch.errors import nearest, one_line, printable

VALID = ["label_token", "calibrated", "cls"]


@pytest.mark.parametrize(
    ("got", "otherwise", "expected"),
    [
        ("Calibratd", None, 'did you mean "calibrated"?'),
        ("Calibratd", "train first", 'did you mean "calibrated"?'),
        ("xyz", None, "valid: calibrated, cls, label_token"),
        ("xyz", "train first", "train first"),
    ],
)
def test_nearest(got: str, otherwise: str | None, expected: str) -> None:
    assert nearest(got, VALID, otherwise=otherwise) == expected


def test_nearest_of_many_and_of_none() -> None:
    assert nearest("xyz", map(str, range(100, 120))).endswith("110, 111, ...")
    assert nearest("xyz", []) == "there are none"


def test_one_line() -> None:
    assert one_line(OSError("a\n  b\tc")) == "a b c"
    assert one_line(ValueError("x" * 300), 200) == "x" * 200
    assert one_line(KeyError()) == "KeyError"


def test_printable() -> None:
    assert printable('no file "a\nb\x1b[1m\ud800\u2028é 東京"') == 'no file "a\\nb\\x1b[1m\\ud800\\u2028é 東京"'
