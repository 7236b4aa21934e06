"""The way from texts to entities with a backend that knows every score. Matchers of torch are in test_matcher.py."""

from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers import make_example, make_matcher

from spanmatch.batching.views import View
from spanmatch.entities import as_entity_types
from spanmatch.errors import InputError
from spanmatch.integrations.onnx import NumpyBlocks
from spanmatch.prediction.backend import SpanEmbeddings
from spanmatch.prediction.span_tagger import SpanTagger

# The logit of each word, for the type of its number of letters.
WORDS = {"Ada": 2.0, "Bob": 1.0, "Oslo": 3.0, "Lima": -1.0}
TYPES = ("aaa", "aaaa")


class Known:
    """A backend whose spans and types say every score: a word scores for the type that is as long as it is."""

    batch_tokens, framework, corrects_types, reads_types_behind = 64, "np", False, False
    inference = nullcontext

    def __init__(self) -> None:
        self.num_batches = 0

    def version(self) -> object:
        return None

    def type_digest(self) -> str:
        return "known"

    def blocks(self, spans_SD: np.ndarray, types_CD: np.ndarray) -> NumpyBlocks:
        return NumpyBlocks(spans_SD, types_CD)

    def join(self, parts: Sequence[np.ndarray]) -> np.ndarray:
        return np.concatenate(parts)

    def corrected(self, types_CD: np.ndarray) -> np.ndarray:
        return types_CD

    def embed_types(self, sequences: Sequence[np.ndarray]) -> np.ndarray:
        return np.stack([self.embed(self.names[tuple(ids)]) for ids in map(tuple, sequences)])

    def embed(self, word: str, here: float = 1.0, elsewhere: float = 0.0) -> np.ndarray:
        return np.array([here if len(word) == length else elsewhere for length in (3, 4)], np.float32)

    def embed_spans(self, views: Sequence[View], slot: str | None, types_apart: object = None) -> SpanEmbeddings:
        self.num_batches += 1
        cells, spans = [], []
        for row, view in enumerate(views):
            units, text = view.tokenized.units, view.tokenized.example.text
            for unit in range(view.end_unit - view.start_unit):
                word = text[units.start_char[view.start_unit + unit] : units.end_char[view.start_unit + unit]]
                cells.append((row, unit, 0))
                spans.append(self.embed(word, WORDS.get(word, -9.0), -9.0))
        return SpanEmbeddings(cells=np.array(cells), spans=np.stack(spans), types_behind=None)


@pytest.fixture
def tagger(tiny_encoder: Path) -> SpanTagger:
    backend: Any = Known()
    batcher = make_matcher(tiny_encoder).batcher
    backend.names = {tuple(batcher.lone_type_tokenizer.tokenize_types([name])[0]): name for name in TYPES}
    return SpanTagger(batcher, None, backend)


def found(entities: Sequence[Any]) -> list[tuple[str, str, float]]:
    return [(item.text, item.label, round(item.score, 4)) for item in entities]


def test_texts_become_entities(tagger: SpanTagger) -> None:
    """Those whose probability exceeds the threshold, with it."""
    texts = ["Ada met Bob in Oslo", "", "Lima"]
    first, second, third = tagger.predict(texts, TYPES)
    assert found(first) == [("Ada", "aaa", 0.8808), ("Bob", "aaa", 0.7311), ("Oslo", "aaaa", 0.9526)]
    assert second == third == []
    assert found(tagger.predict("Ada met Bob in Lima", TYPES, threshold={"aaa": 0.8, "aaaa": 0.2})) == [
        ("Ada", "aaa", 0.8808), ("Lima", "aaaa", 0.2689)
    ]  # fmt: skip


def test_each_text_has_its_own_types(tagger: SpanTagger) -> None:
    per_text = tagger.predict(["Ada in Oslo"] * 2, [["aaa"], ["aaaa"]])
    assert [[item.text for item in own] for own in per_text] == [["Ada"], ["Oslo"]]


def test_a_long_text_is_read_in_windows(tagger: SpanTagger) -> None:
    """... and nothing is found twice."""
    [entities] = tagger.predict(["Ada met Bob in Oslo , " * 30], TYPES)
    assert len(entities) == 90 and len({item.start for item in entities}) == 90
    assert tagger._backend.num_batches > 1  # type: ignore[attr-defined]


def test_scores_above_a_floor(tagger: SpanTagger) -> None:
    example = make_example("Ada in Lima", (), as_entity_types(list(TYPES)))
    [(passed, scored)] = tagger.stream_scored([example], floor=0.1)
    assert [item.text for item in passed] == ["Ada"] and [item.text for item in scored] == ["Ada", "Lima"]


def test_what_it_is(tagger: SpanTagger) -> None:
    assert (tagger.kind, tagger.null_slot, tagger.types) == ("bi-encoder", None, None)
    with pytest.raises(InputError, match='"calibrated", but the checkpoint is not'):
        tagger.check_threshold("calibrated")
