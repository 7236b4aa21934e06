"""What the readers of file formats share."""

from pathlib import Path

import pytest

from spanmatch.data.formats.reading import starts_with_list


@pytest.mark.parametrize(("text", "expected"), [(" \n[]", True), ("\ufeff[", True), ('{"a": []}', False), ("", False)])
def test_a_list_is_told_from_lines(tmp_path: Path, text: str, expected: bool) -> None:
    (tmp_path / "a.json").write_text(text, encoding="utf-8")
    assert starts_with_list(tmp_path / "a.json") is expected
