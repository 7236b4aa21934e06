"""A tiny matcher, and taggers whose work a test holds up."""

import threading
from typing import Any

import pytest
from helpers import make_matcher

from spanmatch.prediction.matcher import SpanMatcher


@pytest.fixture(scope="module")
def matcher(tiny_encoder: Any) -> SpanMatcher:
    return make_matcher(tiny_encoder)


class Held:
    """A tagger that waits until it is let go, and notes what it is given at a time."""

    def __init__(self, matcher: SpanMatcher) -> None:
        self.matcher, self.is_free, self.given = matcher, threading.Event(), list[list[str]]()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.matcher, name)

    def stream(self, examples: Any, **given: Any) -> Any:
        self.given.append([example.text for example in examples])
        assert self.is_free.wait(20)
        return self.matcher.stream(examples, **given)


@pytest.fixture
def held(matcher: SpanMatcher) -> Any:
    tagger = Held(matcher)
    yield tagger
    tagger.is_free.set()
