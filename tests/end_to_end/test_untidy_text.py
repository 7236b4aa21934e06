"""Untidy text, tagged by the model that ships: format characters, emoji, forms, base64."""

import base64
import random
import resource
import textwrap

import pytest

from spanmatch.data.examples import Example
from spanmatch.data.words import split_words
from spanmatch.entities import Entity
from spanmatch.prediction.matcher import SpanMatcher

TYPES = ["person", "city"]


@pytest.fixture(scope="module")
def mini() -> SpanMatcher:
    return SpanMatcher.from_pretrained("spanmatch-mini", device="cpu", dtype="float32")


def named(entities: list[Entity]) -> list[tuple[str, str]]:
    return [(entity.text, entity.label) for entity in entities]



@pytest.mark.parametrize("character", ["\u00ad", "\u200b", "\u200d", "\u2060", "\ufeff"])
@pytest.mark.parametrize("city", ["Copenhagen", "Oslo"])
def test_a_format_character_in_a_name(city: str, character: str, mini: SpanMatcher) -> None:
    [plain] = mini.predict(f"She flew to {city} yesterday.", TYPES)
    [inside] = mini.predict(f"She flew to {city[:2]}{character}{city[2:]} yesterday.", TYPES)
    assert (inside.start, inside.end) == (plain.start, plain.end + 1)
    [before] = mini.predict(f"She flew to {character}{city} yesterday.", TYPES)
    assert (before.start, before.text) == (plain.start + 1, city)
    assert inside.score == pytest.approx(plain.score, abs=1e-5) and before.score == pytest.approx(plain.score, abs=1e-5)


def test_an_emoji_at_a_name(mini: SpanMatcher) -> None:
    found = mini.predict("Happy birthday Anna Berg🎉 from Oslo🇳🇴", TYPES)
    assert named(found) == [("Anna Berg", "person"), ("Oslo", "city")]


@pytest.mark.parametrize(
    "text", ["Ada\nBerg left Oslo\nParis is next.", "Name: Ada Berg\nCity: Oslo", "Anna Berg\nOslo\nParis", "Oslo\n\nParis"]
)
def test_lines_that_stand_alone(text: str, mini: SpanMatcher) -> None:
    # A low threshold: the model has many chances to go on over a line's end.
    found = mini.predict(text, TYPES, threshold=0.01, overlap="multi-label")
    assert found and not any("\n" in entity.text for entity in found)
    crossing = mini.predict(text, TYPES, threshold=0.01, overlap="multi-label", line_breaks="cross")
    assert any("\n" in entity.text for entity in crossing)


def test_wrapped_prose_keeps_its_names(mini: SpanMatcher) -> None:
    prose = "Everybody in the village knew that the young doctor from the north, Anna Berg, had left for the city of Oslo."
    assert ("Anna Berg", "person") in named(mini.predict(prose, TYPES))
    wrapped = textwrap.fill(prose, prose.index(" Berg"))
    assert "Anna\nBerg" in wrapped
    assert ("Anna\nBerg", "person") in named(mini.predict(wrapped, TYPES))
    assert ("Anna\nBerg", "person") not in named(mini.predict(wrapped, TYPES, line_breaks="never"))


def test_a_base64_block_costs_about_its_subwords(mini: SpanMatcher) -> None:
    block = base64.b64encode(random.Random(0).randbytes(6000)).decode()
    example = Example(where="test:1", text=block, words=split_words(block), mentions=())
    [views] = mini.batcher.windows([example])
    assert len(views) < 2.2 * len(views[0].tokenized.token_ids) / mini.batcher.text_tokenizer.max_tokens


def test_emoji_runs_need_no_memory(mini: SpanMatcher) -> None:
    """They needed 90 MB for each thousand characters, in one grid."""
    mini.predict(["Ada met Bob in Oslo. " * 50] * 10, TYPES)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = mini.predict(["Anna Berg " + "🎉" * 1000 + " left for Oslo"] * 10, TYPES)
    grown_mb = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert grown_mb < 300 and len(found) == 10
