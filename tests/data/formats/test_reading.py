"""What the readers of file formats share."""

from pathlib import Path

import pytest

from spanmatch.data.formats.reading import json_values, starts_with_list
from spanmatch.errors import InputError


@pytest.mark.parametrize(("text", "expected"), [(" \n[]", True), ("\ufeff[", True), ('{"a": []}', False), ("", False)])
def test_a_list_is_told_from_lines(tmp_path: Path, text: str, expected: bool) -> None:
    (tmp_path / "a.json").write_text(text, encoding="utf-8")
    assert starts_with_list(tmp_path / "a.json") is expected


@pytest.mark.parametrize("text", ["[\u00a01]", "[1\u00a0]", "[1]\u2003", "[1, \u00a02]"])
def test_only_white_space_of_json_stands_in_a_list(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.json").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"a\.json"):
        list(json_values(tmp_path / "a.json"))
