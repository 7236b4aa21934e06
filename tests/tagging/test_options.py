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
        ({"output_format": "docano"}, 'unknown --output_format "docano"; did you mean "doccano"?'),
        ({"overlap": "nestd"}, 'unknown overlap "nestd"; did you mean "nested"?'),
        ({"output_format": "spacy"}, "--output_format spacy is no text that can be printed; name a file"),
        ({"output_format": "conll", "overlap": "nested"}, "a token of conll has one tag, .* leave out --overlap, or"),
        ({"output": "o.conll", "source": "f", "overlap": "multi-label"}, "a token of conll has one tag"),
        ({"num_workers": 2, "device": "cuda:0"}, "--num_workers 2: processes share the cores of a CPU"),
        ({"output_format": "parquet"}, "--output_format parquet is no text that can be printed; name a file"),
        ({"engine": "ray", "source": "f"}, "--engine ray prints .* results need a file; name one"),
        ({"engine": "ray", "output": "o"}, "--output resumes by reading again"),
        ({"ray_address": "auto"}, "--ray_address names a Ray cluster; give --engine ray, too"),
    ],
)
def test_that_exclude_each_other(given: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        TagOptions(model="m", **given)


@pytest.mark.parametrize(
    "given",
    [
        {"output_format": "doccano", "overlap": "nested"},
        {"output": "o.spacy", "source": "f", "overlap": "nested"},
        {},
        {"output": "o", "source": "f", "overwrite": True},
        {"num_workers": 2},
        {"num_workers": 2, "device": "cpu"},
        {"num_workers": 2, "device": "cuda", "engine": "ray", "ray_address": "auto", "source": "f", "output": "o"},
        {"output": "o.parquet", "source": "f", "overlap": "nested"},
    ],
)
def test_that_go_together(given: dict[str, Any]) -> None:
    TagOptions(model="m", **given)


@pytest.mark.parametrize(
    ("output", "named", "expected"),
    [
        ("o.jsonl", None, None),
        ("o.json", None, None),
        ("o.txt", None, None),
        ("o.tsv", None, None),
        ("o.parquet", None, None),
        ("o.conll", None, "conll"),
        ("o.spacy", None, "spacy"),
        ("o.conll", "jsonl", None),
        ("o.json", "label-studio", "label-studio"),
        (None, "doccano", "doccano"),
        (None, "text", None),
    ],
)
def test_the_format_by_name_or_suffix(output: str | None, named: str | None, expected: str | None) -> None:
    assert TagOptions(model="m", source="f", output=output, output_format=named).tool_format == expected
