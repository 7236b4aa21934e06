"""Chunks: where they begin, what they count, and what an invalid record does."""

import logging
from collections.abc import Iterable

import pytest

from spanmatch.errors import InputError
from spanmatch.tagging import chunks
from spanmatch.tagging.chunks import Chunk, Chunks
from spanmatch.tagging.files import ReadRecord


def records(texts: Iterable[str]) -> list[ReadRecord]:
    return [(f"test:{number}", {"text": text}) for number, text in enumerate(texts)]


def sizes(found: Iterable[Chunk]) -> list[int]:
    return [len(chunk.texts) for chunk in found]


def test_every_record_once_and_in_order() -> None:
    texts = [f"text {number}" for number in range(10)]
    read = records(texts)
    found = list(Chunks(read, size=4))
    assert sizes(found) == [4, 4, 2]
    assert [record for chunk in found for record in chunk.records] == [record for _, record in read]
    assert [item for chunk in found for item in chunk.texts] == [(f"test:{number}", text) for number, text in enumerate(texts)]
    assert [(chunk.number, chunk.num_before, chunk.num_until) for chunk in found] == [(0, 0, 4), (1, 4, 8), (2, 8, 10)]
    assert sizes(Chunks([], size=4)) == []


def test_first_ones_are_small() -> None:
    assert sizes(Chunks(records("x" * 30), size=8, first_size=1)) == [1, 2, 4, 8, 8, 7]


def test_a_pause_ends_a_chunk() -> None:
    one, two, three = records("abc")
    assert sizes(Chunks([None, one, None, None, two, three], size=8)) == [1, 2]


def test_long_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "CHUNK_CHARS", 10)
    assert sizes(Chunks(records(["x" * 25, "x" * 5, "x" * 4, "x", "", "x"]), size=8)) == [1, 3, 2]


def test_another_column_and_the_position() -> None:
    place = iter([10, 20])
    found = list(Chunks([("a:1", {"body": "Ada", "text": 3})] * 2, size=1, text_column="body", position=lambda: next(place)))
    assert [chunk.texts for chunk in found] == [[("a:1", "Ada")]] * 2
    assert [chunk.num_bytes for chunk in found] == [10, 20]


class TestInvalid:
    READ: list[ReadRecord] = [("a:1", {"text": "Ada"}), ("a:2", InputError("a:2: broken")), ("a:3", {"text": "Bob"})]

    def test_ends_it(self) -> None:
        found: list[Chunk] = []
        with pytest.raises(InputError, match=r"^a:2: broken, or leave such records out \(--skip_invalid\)$"):
            found.extend(Chunks(self.READ, size=1))
        assert sizes(found) == [1]

    def test_is_left_out_and_counted(self, caplog: pytest.LogCaptureFixture) -> None:
        read = Chunks(self.READ, size=1, skip_invalid=True)
        assert [chunk.texts for chunk in read] == [[("a:1", "Ada")], [("a:3", "Bob")]]
        assert read.num_skipped == 1
        assert caplog.record_tuples == [("spanmatch.tagging.chunks", logging.WARNING, "skipped: a:2: broken")]
