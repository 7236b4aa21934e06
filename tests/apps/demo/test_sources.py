"""What tags for the page: a model in this process and the API find the same, and what goes wrong there is a sentence."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from helpers import make_matcher

from spanmatch.apps.demo import sources
from spanmatch.apps.demo.sources import FLOOR, ApiSource, TaggerSource, known, open_source
from spanmatch.apps.server.app import create_app
from spanmatch.apps.server.options import ServeOptions
from spanmatch.apps.server.serve import USUAL_TYPES
from spanmatch.entities import EntityType, as_entity_types
from spanmatch.errors import InputError
from spanmatch.prediction.matcher import SpanMatcher
from spanmatch.prediction.thresholds import Calibration

TEXTS = ["Ada Lovelace moved to New York.", "", "It rained in Paris \U0001f327 again."]
TYPES = as_entity_types([EntityType(name="person", description="names of people"), EntityType(name="city")])
ADDRESS = "http://server"


@pytest.fixture(scope="module")
def matcher(tiny_encoder: Path) -> SpanMatcher:
    """A matcher with random weights and thresholds of its own, which some scores exceed."""
    matcher = make_matcher(tiny_encoder)
    [found] = matcher.predict([TEXTS[0]], TYPES, threshold=1e-6)
    middle = sorted(item.score for item in found)[len(found) // 2]
    matcher.calibration = Calibration(threshold=middle, per_type={"city": middle / 2})
    return matcher


@pytest.fixture
def served(matcher: SpanMatcher, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[httpx.Request]]:
    """Have requests answered by an application in this process; return what is asked of it."""

    def serve(*, key: str | None = None, **limits: Any) -> list[httpx.Request]:
        app = create_app(matcher, USUAL_TYPES, ServeOptions(**limits), api_key=key)
        asked: list[httpx.Request] = []

        def request(method: str, url: str, **given: Any) -> httpx.Response:
            async def sent() -> httpx.Response:
                client = httpx.AsyncClient(transport=httpx.ASGITransport(app))
                async with app.router.lifespan_context(app), client:
                    return await client.request(method, url, **given)

            answer = asyncio.run(sent())
            asked.append(answer.request)
            return answer

        monkeypatch.setattr(httpx, "request", request)
        return asked

    return serve


def answered(monkeypatch: pytest.MonkeyPatch, *answers: Any) -> None:
    """Have requests answered one by one, each with a status and a body."""
    left = list(answers)

    def request(method: str, url: str, **given: Any) -> httpx.Response:
        status, body = left.pop(0)
        return httpx.Response(status, text=body if isinstance(body, str) else json.dumps(body))

    monkeypatch.setattr(httpx, "request", request)


def test_a_model_is_scored_once_down_to_the_floor(matcher: SpanMatcher) -> None:
    """A higher threshold is a part of what was found, and what the model finds by itself comes from the same pass."""
    source = TaggerSource("tiny", matcher)
    floor = 1e-6
    found = source.find(TEXTS, TYPES, floor)
    scores = sorted(item.score for own in found for item in own.scored)
    assert len(scores) > 3
    for threshold in (scores[0] / 2, scores[len(scores) // 2] * 1.0001, scores[-1] * 1.0001):
        expected = matcher.predict(TEXTS, TYPES, threshold=threshold)
        assert [[item for item in own.scored if item.score > threshold] for own in found] == expected
    assert [own.own for own in found] == matcher.predict(TEXTS, TYPES)


def test_what_a_model_stores(matcher: SpanMatcher, tiny_encoder: Path) -> None:
    source = TaggerSource("tiny", matcher)
    assert matcher.calibration is not None
    assert source.threshold == matcher.calibration.threshold and source.per_type == matcher.calibration.per_type
    assert source.types is None and source.floor == FLOOR
    plain = TaggerSource("tiny", make_matcher(tiny_encoder))
    assert plain.threshold == 0.5 and plain.per_type == {}
    assert plain.find(["Ada"], TYPES, FLOOR)[0].own is None


def test_the_api_finds_what_the_model_finds(served: Callable[..., list[httpx.Request]], matcher: SpanMatcher) -> None:
    asked = served(key="secret")
    source = ApiSource(f"{ADDRESS}/", "secret")
    assert matcher.calibration is not None
    assert source.name == f"spanmatch-mini at {ADDRESS}/" and source.threshold == matcher.calibration.threshold
    threshold = 1e-6
    found = source.find(TEXTS, TYPES, threshold)
    expected = matcher.predict(TEXTS, TYPES, threshold=threshold)
    assert any(expected)
    assert [[replace(item, score=round(item.score, 6)) for item in own] for own in expected] == [own.scored for own in found]
    assert [request.url.path for request in asked] == ["/models", "/predict/"]
    assert json.loads(asked[1].content)["threshold"] == threshold


def test_many_texts_are_several_requests(served: Callable[..., list[httpx.Request]]) -> None:
    asked = served()
    assert len(ApiSource(ADDRESS, None).find(["Ada"] * 70, TYPES, 0.5)) == 70
    assert [len(json.loads(request.content)["texts"]) for request in asked[1:]] == [32, 32, 6]


def test_the_api_wants_a_key(served: Callable[..., list[httpx.Request]]) -> None:
    served(key="secret")
    with pytest.raises(InputError, match="wants a key; start spanmatch demo with it in SPANMATCH_API_KEY"):
        ApiSource(ADDRESS, None)


def test_what_the_api_refuses_is_told(served: Callable[..., list[httpx.Request]]) -> None:
    served(max_text_chars=10)
    with pytest.raises(InputError, match=rf"^{ADDRESS}: a text may have 10 characters, got 31$"):
        ApiSource(ADDRESS, None).find(TEXTS, TYPES, 0.5)


def test_nothing_listens() -> None:
    with pytest.raises(InputError, match=r"^http://127.0.0.1:9: no answer \(.+\); start spanmatch serve there, or check"):
        ApiSource("http://127.0.0.1:9", None)


MODEL = [{"name": "m", "threshold": None, "types": ["person"]}]
ENTITY = {"start": 0, "end": 3, "entity_group": "person", "score": 0.5, "word": "Ada"}


@pytest.mark.parametrize(
    "answer", [(200, "<html>"), (200, {}), (200, []), (200, [{}]), (200, [{"name": 1}]), (404, "no"), (500, {"detail": "no"})]
)
def test_what_is_no_api(answer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    answered(monkeypatch, answer)
    with pytest.raises(InputError, match="what answers there is not spanmatch serve"):
        ApiSource(ADDRESS, None)


@pytest.mark.parametrize(
    "answer", [{}, [], [1], [{"entities": [ENTITY | {"end": 4}]}], [{"entities": [ENTITY | {"entity_group": "x"}]}]]
)
def test_entities_that_are_none(answer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    answered(monkeypatch, (200, MODEL), (200, [{"entities": [ENTITY]}]), (200, answer))
    source = ApiSource(ADDRESS, None)
    [found] = source.find(["Ada"], TYPES, 0.1)
    assert [item.text for item in found.scored] == ["Ada"]
    with pytest.raises(InputError, match="what answers there is not spanmatch serve"):
        source.find(["Ada"], TYPES, 0.1)


def test_a_model_of_closed_types(monkeypatch: pytest.MonkeyPatch) -> None:
    answered(monkeypatch, (200, MODEL))
    source = ApiSource(ADDRESS, None)
    assert source.types == ("person",) and source.threshold == 0.5
    assert [item.name for item in known(source, TYPES)] == ["person"]
    with pytest.raises(InputError, match="knows no other types than person"):
        known(source, as_entity_types(["city"]))


def test_the_place_says_which(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPANMATCH_API_KEY", "secret")
    monkeypatch.setattr(sources, "ApiSource", lambda address, key: (address, key))
    assert open_source("http://elsewhere") == ("http://elsewhere", "secret")
    with pytest.raises(InputError, match="no such folder"):
        open_source("no/such/model")
    source = open_source("spanmatch-mini")
    assert isinstance(source, TaggerSource) and source is open_source("spanmatch-mini")
