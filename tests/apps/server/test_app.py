"""The HTTP API: what it answers, and what it refuses with which status."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from spanmatch.apps.server.app import create_app
from spanmatch.apps.server.options import ServeOptions
from spanmatch.apps.server.serve import USUAL_TYPES
from spanmatch.prediction.matcher import SpanMatcher

TEXT = "Ada Lovelace moved to New York."
LOW = 1e-6  # of which a tiny matcher's scores exceed some


Asked = Callable[..., httpx.Response]


@asynccontextmanager
async def connected(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an application that is started and ended around it."""
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://server")
    async with app.router.lifespan_context(app), client:
        yield client


@pytest.fixture
def ask(matcher: SpanMatcher) -> Asked:
    """Send a request to an application with these options."""

    def send(method: str, path: str, *, key: str | None = None, limits: Any = None, **given: Any) -> httpx.Response:
        app = create_app(matcher, USUAL_TYPES, ServeOptions(**(limits or {})), api_key=key)

        async def sent() -> httpx.Response:
            async with connected(app) as client:
                return await client.request(method, path, **given)

        return asyncio.run(sent())

    return send


def test_what_predict_finds(ask: Asked, matcher: SpanMatcher) -> None:
    """Of one text an object, of several a list, with the default types or those that are asked for."""
    expected = matcher.predict(TEXT, USUAL_TYPES, threshold=LOW)
    assert expected
    answer = ask("POST", "/predict/", json={"text": TEXT, "threshold": LOW})
    assert answer.status_code == 200
    found = answer.json()["entities"]
    assert [(item["start"], item["end"], item["entity_group"], item["word"]) for item in found] == [
        (entity.start, entity.end, entity.label, entity.text) for entity in expected
    ]
    assert {item["entity_group"] for item in found} <= {"PER", "ORG", "LOC"}
    for types in (["town"], {"town": "a place"}):
        answer = ask("POST", "/predict", json={"texts": [TEXT, ""], "threshold": LOW, "entity_types": types, "overlap": "nested"})
        first, second = answer.json()
        assert {item["entity_group"] for item in first["entities"]} == {"town"} and second == {"entities": []}


@pytest.mark.parametrize(
    "body, said",
    [
        ({}, 'give either "text" or "texts"'),
        ({"text": "a", "texts": ["a"]}, 'give either "text" or "texts"'),
        ({"text": 1}, "text: Input should be a valid string"),
        ({"text": "a", "thresold": 0.5}, "thresold: Extra inputs are not permitted"),
        ({"text": "a", "threshold": 2.0}, "threshold"),
        ({"text": "a", "threshold": "cls"}, "null slot"),
        ({"text": "a", "overlap": "flatt"}, 'did you mean "flat"?'),
        ({"text": "a", "entity_types": []}, "no entity types given"),
        ({"text": "a", "entity_types": ["b", "B"]}, "B"),
        ({"text": "a", "entity_types": ["b"] * 4}, "a request may ask for 3 types, got 4"),
        ({"texts": ["a"] * 3}, "a request may have 2 texts, got 3"),
    ],
)
def test_what_is_wrong_is_422(body: dict[str, Any], said: str, ask: Asked) -> None:
    answer = ask("POST", "/predict/", json=body, limits={"max_types": 3, "max_texts": 2})
    assert answer.status_code == 422 and said in answer.json()["error"], answer.text
    assert answer.json()["request_id"] == answer.headers["x-request-id"]


@pytest.mark.parametrize("body", [b"", b"{", b'{"text": "\xff"}', b"[" * 100_000, b"null"])
def test_what_is_no_json_is_422(body: bytes, ask: Asked) -> None:
    answer = ask("POST", "/predict/", content=body)
    assert answer.status_code == 422 and answer.json()["error"]


def test_what_is_too_long_is_413(ask: Asked) -> None:
    limits = {"max_body_bytes": 100, "max_text_chars": 20}
    assert ask("POST", "/predict/", json={"text": "a" * 21}, limits=limits).status_code == 413
    assert ask("POST", "/predict/", json={"text": "a" * 200}, limits=limits).status_code == 413
    assert ask("POST", "/predict/", json={"text": "a" * 20}, limits=limits).status_code == 200


def test_the_key(ask: Asked) -> None:
    body = {"json": {"text": "a"}}
    assert ask("POST", "/predict/", key="secret", **body).status_code == 401
    assert ask("POST", "/predict/", key="secret", headers={"x-api-key": "secreT"}, **body).status_code == 401
    assert ask("POST", "/predict/", key="secret", headers={"x-api-key": "secret"}, **body).status_code == 200
    assert ask("POST", "/predict/", key="secret", headers={"authorization": "Bearer secret"}, **body).status_code == 200
    assert ask("GET", "/health", key="secret").json() == {"status": "ok"}
    assert ask("GET", "/metrics", key="secret").status_code == 401


def test_the_log_has_no_text(ask: Asked, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", logger="spanmatch.server")
    ask("POST", "/predict/", json={"text": "Zanzibar", "entity_types": ["confidential"]}, headers={"x-request-id": "mine-1"})
    [line] = [json.loads(record.message) for record in caplog.records if record.name == "spanmatch.server"]
    assert line["request_id"] == "mine-1" and line["status"] == 200 and line["texts"] == 1 and line["path"] == "/predict/"
    assert "Zanzibar" not in caplog.text and "confidential" not in caplog.text


def test_what_it_says_of_itself(ask: Asked) -> None:
    assert ask("GET", "/ready").json() == {"status": "ready"}
    [model] = ask("GET", "/models").json()
    assert model["name"] == "spanmatch-mini" and model["default_types"]["PER"] == "person"
    assert "spanmatch_waiting_requests 0.0" in ask("GET", "/metrics").text
    assert "/predict/" in ask("GET", "/openapi.json").json()["paths"]


def run_together(held: Any, options: ServeOptions, talk: Callable[[httpx.AsyncClient], Coroutine[Any, Any, None]]) -> None:
    app = create_app(held, USUAL_TYPES, options)

    async def run() -> None:
        async with connected(app) as client:
            await talk(client)
            held.is_free.set()

    try:
        asyncio.run(run())
    finally:
        held.is_free.set()


def test_requests_that_wait_are_tagged_together(held: Any) -> None:
    """... but those with other thresholds apart; each gets its own answer. Further ones than may wait are refused."""

    async def talk(client: httpx.AsyncClient) -> None:
        first = asyncio.create_task(client.post("/predict/", json={"text": TEXT}))
        while not held.given:
            await asyncio.sleep(0.01)
        waiting = [asyncio.create_task(client.post("/predict/", json={"texts": [TEXT] * place})) for place in (1, 2, 3)]
        await asyncio.sleep(0.1)
        refused = await client.post("/predict/", json={"text": TEXT})
        assert refused.status_code == 429 and refused.headers["retry-after"] == "1"
        assert (await client.get("/ready")).status_code == 503
        held.is_free.set()
        answers = [task.json() for task in await asyncio.gather(*waiting)]
        assert list(map(len, answers)) == [1, 2, 3] and (await first).status_code == 200

    run_together(held, ServeOptions(max_waiting=4, num_threads=1), talk)
    assert list(map(len, held.given)) == [1, 6]


def test_a_request_that_takes_too_long_is_504(held: Any) -> None:
    async def talk(client: httpx.AsyncClient) -> None:
        assert (await client.post("/predict/", json={"text": TEXT})).status_code == 504

    run_together(held, ServeOptions(timeout=1), talk)
