"""`spanmatch data stats` counts as `corpus_stats` does, and prints tables or JSON."""

import json
from pathlib import Path

import pytest
from helpers_e2e import spanmatch, write_jsonl

from spanmatch.evaluation.data_stats import corpus_stats
from spanmatch.evaluation.options import StatsOptions

ROW = {"text": "Ada met Bob .", "char_spans": [{"start": 0, "end": 3, "label": "person"}]}


@pytest.fixture
def file(tmp_path: Path) -> str:
    """A file of two texts."""
    return str(write_jsonl(tmp_path / "file.jsonl", [ROW, ROW | {"text": "Ada left ."}]))


def test_defaults_reach_the_function(file: str) -> None:
    result = spanmatch("data", "stats", file, "--json")
    assert result.status == 0, result.err
    assert json.loads(result.out) == corpus_stats(StatsOptions(files=[file]))


def test_flags_reach_the_function(file: str, tmp_path: Path) -> None:
    types = tmp_path / "types.json"
    types.write_text('{"city": "a town"}')
    result = spanmatch(
        "data", "stats", file, file, "--json", "--max_span_width", 3, "--entity_types", types, "--format", "tokens"
    )
    assert result.status == 0, result.err
    stats = json.loads(result.out)
    assert (len(stats["sources"]), stats["max_span_width"], stats["format"]) == (2, 3, "tokens")
    assert stats["total"]["num_unscored_spans"] == 4


def test_tables(file: str) -> None:
    result = spanmatch("data", "stats", file)
    assert result.status == 0, result.err
    assert "\nGold spans by width in words\n----" in result.out


def test_a_width_below_one_is_refused(file: str) -> None:
    result = spanmatch("data", "stats", file, "--max_span_width", 0)
    assert result.status == 2 and "--max_span_width: expected a whole number, at least 1" in result.err
