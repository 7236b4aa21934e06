"""Which texts are tagged together, and who is told what."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from spanmatch.apps.server import batching
from spanmatch.apps.server.batching import BatchingTagger, Closed, Overloaded
from spanmatch.data.examples import Example
from spanmatch.data.words import split_words
from spanmatch.entities import Entity, as_entity_types

TYPES = as_entity_types(["person", "city"])


def examples(*texts: str) -> list[Example]:
    return [Example(where="", text=text, words=split_words(text), mentions=(), types=TYPES) for text in texts]


def bounds(found: Sequence[Sequence[Entity]]) -> list[list[tuple[int, int, str]]]:
    """What was found, without the scores: their last digits depend on what is computed together."""
    return [[(entity.start, entity.end, entity.label) for entity in entities] for entities in found]


async def begun(tagger: Any, num_batches: int) -> None:
    while len(tagger.given) < num_batches:
        await asyncio.sleep(0.005)


def ask(server: BatchingTagger, texts: Sequence[str], **given: Any) -> "asyncio.Task[Any]":
    return asyncio.create_task(server.tag(examples(*texts), **({"threshold": 1e-6, "overlap": "flat"} | given)))


def test_each_gets_its_own(held: Any) -> None:
    """What waits is one batch, but for other thresholds; each request is told what was found in its own texts."""

    async def run() -> None:
        server = BatchingTagger(held, max_waiting=10)
        first = ask(server, ["Bob"])
        await begun(held, 1)
        others = [ask(server, texts) for texts in (["Ada left"], ["Bob left", "Ada met Bob"])]
        strict = ask(server, ["Ada left"], threshold=0.999999)
        await asyncio.sleep(0.05)
        held.is_free.set()
        found = await asyncio.gather(first, *others, strict)
        for texts, own in zip((["Bob"], ["Ada left"], ["Bob left", "Ada met Bob"]), found[:3], strict=True):
            assert bounds(own) == bounds(held.matcher.predict(texts, TYPES, threshold=1e-6))
        assert found[3] == [[]] and found[1] != [[]]
        server.close()

    asyncio.run(run())
    assert held.given == [["Bob"], ["Ada left", "Bob left", "Ada met Bob"], ["Ada left"]]


def test_a_long_request_lets_others_pass(held: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batching, "BATCH_CHARS", 6)

    async def run() -> None:
        server = BatchingTagger(held, max_waiting=10)
        long = ask(server, ["a b", "c d", "e f", "g h", "i j"])
        await begun(held, 1)
        short = ask(server, ["x y"])
        await asyncio.sleep(0.05)
        held.is_free.set()
        assert len(await long) == 5 and len(await short) == 1
        server.close()

    asyncio.run(run())
    assert held.given == [["a b", "c d"], ["x y", "e f"], ["g h", "i j"]]


def test_several_threads_share_a_request(held: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batching, "BATCH_CHARS", 1)
    held.is_free.set()
    texts = [f"Ada met Bob {number}" for number in range(40)]

    async def run() -> None:
        server = BatchingTagger(held, max_waiting=10, num_threads=4)
        assert bounds(await ask(server, texts)) == bounds(held.matcher.predict(texts, TYPES, threshold=1e-6))
        server.close()

    asyncio.run(run())


def test_no_thread_has_more_to_do_than_another(held: Any) -> None:
    async def run() -> None:
        server = BatchingTagger(held, max_waiting=10, num_threads=2)
        asked = ask(server, [f"Ada {number}" for number in range(9)])
        await begun(held, 2)
        held.is_free.set()
        await asked
        server.close()

    asyncio.run(run())
    assert [len(texts) for texts in held.given] == [5, 4]


def test_who_was_answered_together_is_tagged_together(held: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batching, "GATHERING", 10)
    monkeypatch.setattr(batching, "PAUSE", 0.3)

    async def run() -> None:
        server = BatchingTagger(held, max_waiting=10)
        first = ask(server, ["Bob"])
        await begun(held, 1)
        others = [ask(server, [text]) for text in "abc"]
        await asyncio.sleep(0.05)
        held.is_free.set()
        await asyncio.gather(first, *others)
        again = []
        for text in "abc":
            again.append(ask(server, [text]))
            await asyncio.sleep(0.02)
        await asyncio.gather(*again)
        server.close()

    asyncio.run(run())
    assert held.given == [["Bob"], ["a", "b", "c"], ["a", "b", "c"]]


def test_what_nobody_waits_for_is_left_out(held: Any) -> None:
    async def run() -> None:
        server = BatchingTagger(held, max_waiting=10)
        first = ask(server, ["a"])
        await begun(held, 1)
        gone, kept = ask(server, ["gone"]), ask(server, ["kept"])
        await asyncio.sleep(0.05)
        gone.cancel()
        await asyncio.sleep(0.05)
        assert server.num_waiting == 2
        held.is_free.set()
        await asyncio.gather(first, kept)
        server.close()

    asyncio.run(run())
    assert held.given == [["a"], ["kept"]]


def test_who_asks_for_the_impossible_fails_alone(matcher: Any) -> None:
    class Fails:
        def stream(self, examples: Any, **given: Any) -> Any:
            if any(example.text == "bad" for example in examples):
                raise ZeroDivisionError
            return matcher.stream(examples, **given)

    async def run() -> None:
        server = BatchingTagger(Fails(), max_waiting=10)  # type: ignore[arg-type]
        found = await asyncio.gather(*(ask(server, [text]) for text in ("Bob", "bad", "Ada")), return_exceptions=True)
        assert isinstance(found[1], ZeroDivisionError)
        for own, text in ((found[0], "Bob"), (found[2], "Ada")):
            assert not isinstance(own, BaseException) and bounds(own) == bounds(matcher.predict([text], TYPES, threshold=1e-6))
        server.close()

    asyncio.run(run())


def test_the_end(held: Any) -> None:
    """What was taken is answered, what comes later is not taken, nor more than may wait."""

    async def run() -> None:
        server = BatchingTagger(held, max_waiting=2)
        first = ask(server, ["Bob"])
        await begun(held, 1)
        second = ask(server, ["Ada"])
        await asyncio.sleep(0.05)
        with pytest.raises(Overloaded):
            await server.tag(examples("x"), threshold=None, overlap="flat")
        closing = asyncio.create_task(asyncio.to_thread(server.close))
        await asyncio.sleep(0.05)
        with pytest.raises(Closed):
            await server.tag(examples("x"), threshold=None, overlap="flat")
        held.is_free.set()
        assert len(await first) == len(await second) == 1
        await closing

    asyncio.run(run())


def test_nothing_is_tagged_at_once(held: Any) -> None:
    async def run() -> None:
        server = BatchingTagger(held, max_waiting=1)
        assert await server.tag([], threshold=None, overlap="flat") == []
        server.close()

    asyncio.run(run())
