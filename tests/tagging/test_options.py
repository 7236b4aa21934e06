"""Options of `spanmatch tag` that exclude each other."""

from typing import Any

import pytest

from spanmatch.errors import InputError
from spanmatch.tagging.options import TagOptions


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"output": "o", "output_format": "text", "source": "f"}, "--output writes JSONL, --output_format text is for reading"),
        ({"output": "o"}, "--output resumes by reading again"),
        ({"overwrite": True}, "--overwrite replaces a file of --output"),
        ({"num_workers": 2, "device": "cuda:0"}, "--num_workers 2: processes share the cores of a CPU"),
    ],
)
def test_that_exclude_each_other(given: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        TagOptions(model="m", **given)


@pytest.mark.parametrize(
    "given",
    [{}, {"output": "o", "source": "f", "overwrite": True}, {"num_workers": 2}, {"num_workers": 2, "device": "cpu"}],
)
def test_that_go_together(given: dict[str, Any]) -> None:
    TagOptions(model="m", **given)
