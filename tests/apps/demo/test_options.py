"""The options of `spanmatch demo`: which model or API, and what is refused before anything starts."""

from typing import Any

import pytest

from spanmatch.apps.demo.options import DemoOptions, is_address
from spanmatch.errors import InputError


@pytest.mark.parametrize(
    ("given", "places"),
    [
        ({}, ("spanmatch-mini",)),
        ({"model": "models/mine"}, ("models/mine",)),
        ({"api": "http://127.0.0.1:8000"}, ("http://127.0.0.1:8000",)),
        ({"compare": "models/mine"}, ("spanmatch-mini", "models/mine")),
        ({"api": "https://a.example", "compare": "HTTP://b:80"}, ("https://a.example", "HTTP://b:80")),
    ],
)
def test_what_tags(given: dict[str, Any], places: tuple[str, ...]) -> None:
    assert DemoOptions(**given).places == places


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"model": "a", "api": "http://b"}, "leave one out"),
        ({"api": "localhost:8000"}, '--api "localhost:8000" is no address; write http://HOST:PORT'),
        ({"api": "http://:8000"}, "is no address of an API"),
        ({"api": "http://a:b"}, "is no address of an API"),
        ({"compare": "http://[::1"}, "is no address of an API"),
        ({"compare": "spanmatch-mini"}, "name another model"),
        ({"port": 70000}, "ports end at 65535"),
    ],
)
def test_what_is_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=r".+") as raised:
        DemoOptions(**given)
    assert said in str(raised.value)


def test_a_folder_is_no_address() -> None:
    assert is_address("https://a") and not is_address("models/http") and not is_address("httpx")
