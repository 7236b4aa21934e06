"""`spanmatch serve` on the command line; the server itself is tested in tests/apps/server."""

import os
from typing import Any

import pytest
from helpers_e2e import spanmatch

from spanmatch.apps import extras


def test_help_names_the_limits() -> None:
    result = spanmatch("serve", "--help")
    assert result.status == 0
    assert all(flag in result.out for flag in ("[MODEL]", "--types", "--workers", "--max_text_chars", "--max_waiting", "--port"))


def test_without_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extras, "missing_modules", lambda *names: [name for name in names if name == "fastapi"])
    result = spanmatch("serve")
    assert (result.status, result.err) == (2, "error: spanmatch serve needs fastapi; pip install 'spanmatch[serve]'\n")


@pytest.mark.parametrize(
    "given, said",
    [
        (["--port", "x"], "--port: expected a whole number"),
        (["--overlap", "nestd"], 'did you mean "nested"?'),
        (["--threads", "1"], 'did you mean "--num_threads"?'),
        (["no/such/folder", "--port", 0], "no/such/folder"),
        (["--types", "person,Person", "--port", 0], "Person"),
        (["--host", "256.0.0.1"], "give another --host or --port"),
    ],
)
def test_what_is_wrong_is_one_line(given: list[Any], said: str) -> None:
    before = os.environ.get("OMP_NUM_THREADS")
    result = spanmatch("serve", *given)
    assert (result.status, result.err.count("\n")) == (2, 1), result.err
    assert said in result.err
    assert os.environ.get("OMP_NUM_THREADS") == before
