"""`spanmatch demo`: the command line, and what is said where the extra is missing."""

from typing import Any

import pytest
from helpers_e2e import spanmatch

from spanmatch.apps import extras
from spanmatch.apps.demo import start as starting
from spanmatch.apps.demo.options import DemoOptions


@pytest.mark.parametrize(
    ("words", "options"),
    [
        ([], DemoOptions()),
        (["models/mine", "--host", "0.0.0.0", "--port", "80"], DemoOptions(model="models/mine", host="0.0.0.0", port=80)),
        (["--api", "http://a", "--compare", "b"], DemoOptions(api="http://a", compare="b")),
    ],
)
def test_the_command_line(words: list[str], options: DemoOptions, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[Any] = []
    monkeypatch.setattr(starting, "start", started.append)
    assert spanmatch("demo", *words).status == 0
    assert started == [options]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["a", "--api", "http://b"], 'got the model "a" and --api'),
        (["--port", "0"], "expected a whole number, at least 1"),
        (["--prot", "1"], 'did you mean "--port"?'),
    ],
)
def test_what_is_wrong_is_one_line(words: list[str], said: str) -> None:
    result = spanmatch("demo", *words)
    assert result.status == 2 and result.out == "" and result.err.count("\n") == 1 and said in result.err


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extras.importlib.util, "find_spec", lambda name: None)
    result = spanmatch("demo")
    assert result.status == 2
    assert result.err == "error: spanmatch demo needs streamlit and httpx; pip install 'spanmatch[demo]'\n"
