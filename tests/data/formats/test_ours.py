"""Our own JSONL, as spans and as tags."""

from pathlib import Path

import pytest
from helpers_data import read_as

from spanmatch.errors import InputError


def test_every_line_has_tags(tmp_path: Path) -> None:
    lines = '{"tokens": ["a"], "tags": ["O"]}\n{"tokens": ["a"]}'
    with pytest.raises(InputError, match=r'a\.jsonl:2: no "tags"; give one per token, or read the file with --from spans'):
        read_as(tmp_path, "a.jsonl", lines)
    assert read_as(tmp_path, "a.jsonl", lines, source_format="spans")[1] == {"tokens": ["a"]}
