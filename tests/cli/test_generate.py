"""`spanmatch generate` as a user starts it."""

import json
from pathlib import Path

import pytest
from helpers_e2e import read_jsonl, spanmatch


@pytest.fixture
def patterns(tmp_path: Path) -> Path:
    content = {"patterns": ["{person} is in {city}."], "values": {"person": ["Ada", "Bob", "Eve"], "city": ["Lima", "Oslo"]}}
    (tmp_path / "patterns.json").write_text(json.dumps(content))
    return tmp_path / "patterns.json"


def test_from_patterns(patterns: Path) -> None:
    made = patterns.with_name("made.jsonl")
    result = spanmatch(
        "generate", "--types", "person,city", "--engine", "templates", "--patterns", patterns, "--n", 5, "--output", made
    )
    assert result.status == 0, result.err
    assert result.out == f"{made}: 5 texts, 10 mentions (person 5, city 5)\n"
    assert len(read_jsonl(made)) == 5 and "generating" in result.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "the following arguments are required: --output"),
        (("--output", "made.jsonl"), "no entity types given; name at least one"),
        (("--output", "made.jsonl", "--types", "person", "--engine", "llms"), "invalid choice: 'llms'"),
        (("--output", "made.jsonl", "--types", "person", "--n", "0"), "--n: expected a whole number, at least 1, got '0'"),
        (("--output", "nowhere/made.jsonl", "--types", "person"), "nowhere/made.jsonl: there is no folder nowhere"),
        (("--output", "made.jsonl", "--types", "person", "--endpoint", "localhost"), "endpoint: expected an address"),
        (
            ("--output", "made.jsonl", "--types", "person", "--endpoint", "http://127.0.0.1:9/v1", "--max_retries", "0"),
            "http://127.0.0.1:9/v1: cannot be reached, after 0 retries",
        ),
    ],
)
def test_refused(arguments: tuple[str, ...], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = spanmatch("generate", *arguments)
    assert result.status == 2 and message in result.err.splitlines()[-1] and "Traceback" not in result.err
    assert list(tmp_path.iterdir()) == []
