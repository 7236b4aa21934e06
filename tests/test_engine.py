"""The engine of predictions against the plain way: one text a pass, every cell scored, the best taken first.

However texts are cut, sorted, batched and scored, and whether types were kept or not: the same entities.
"""

import copy
import math
import os
import random
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from helpers import (
    CORPUS,
    EVERYTHING,
    HIDDEN,
    MAX_POSITION,
    TEXTS,
    TYPES,
    Key,
    assert_same,
    collate_types,
    make_example,
    make_matcher,
    scores_of,
)
from hypothesis import given
from hypothesis import strategies as st
from transformers import BertConfig, BertModel, BertTokenizer

from spanmatch.batching import batcher
from spanmatch.batching.collate import collate_texts
from spanmatch.batching.views import View
from spanmatch.data.examples import Example
from spanmatch.entities import Entity, EntityType, as_entity_types
from spanmatch.errors import InputError
from spanmatch.model import devices
from spanmatch.prediction import scoring
from spanmatch.prediction.decoding import Candidates, resolve
from spanmatch.prediction.matcher import SpanMatcher
from spanmatch.prediction.scoring import passing_cells

LONG = " ".join(["Ada Lovelace moved to New York, Zoë Müller to Montréal; 马云在杭州."] * 6)
SHORT = ["Bob", "Ada met Bob", "", "We met in London, and they wrote to Michael Faraday."]
ALL_TEXTS = [*TEXTS.values(), LONG, "   \n", *SHORT]
MORE_TYPES = [*TYPES, "company", "a person or a company"]
# Architecture, objective, candidates.
ENGINES: dict[str, dict[str, Any]] = {
    "bi": {},
    "bi, subwords": {"candidates": "subwords"},
    "bi, null slots": {"loss": "contrastive"},
    "cross": {"architecture": "cross", "max_types_per_pass": 2},
    "cross, null slots, subwords": {
        "architecture": "cross",
        "max_types_per_pass": 2,
        "loss": "contrastive",
        "candidates": "subwords",
    },
}
BI_ENGINES = [name for name in ENGINES if name.startswith("bi")]


class Engine:
    """A matcher, and how it is asked: for every score, or for entities."""

    def __init__(self, matcher: SpanMatcher) -> None:
        self.matcher = matcher
        slots = bool(matcher.config.null_slots)
        self.all_scores: dict[str, Any] = {"threshold": "cls-500" if slots else EVERYTHING, "overlap": "multi-label"}
        self.flat: dict[str, Any] = {"threshold": "label_token" if slots else 0.5}
        self.nested: dict[str, Any] = {"threshold": "cls-0.5" if slots else 0.4, "overlap": "nested"}

    @cached_property
    def expected(self) -> list[list[dict[Key, float]]]:
        """What is found as a user asks, with nothing given but the texts and the names of types."""
        return self.found()

    def found(
        self, texts: Sequence[str] = ALL_TEXTS, types: Any = MORE_TYPES, matcher: SpanMatcher | None = None, **options: Any
    ) -> list[list[dict[Key, float]]]:
        """What is found of each text when asked in each of the three ways."""
        asked = matcher or self.matcher
        ways = (self.all_scores, self.flat, self.nested)
        return [[scores_of(entities) for entities in asked.predict(texts, types, **way, **options)] for way in ways]

    def streamed(self, examples: Sequence[Example], **options: Any) -> list[list[dict[Key, float]]]:
        """The same of examples."""
        ways = (self.all_scores, self.flat, self.nested)
        return [[scores_of(found) for found in self.matcher.stream(iter(examples), **way, **options)] for way in ways]


def assert_all_same(left: Sequence[Sequence[dict[Key, float]]], right: Sequence[Sequence[dict[Key, float]]]) -> None:
    """In each of the ways of asking."""
    for one, other in zip(left, right, strict=True):
        assert_same(one, other)


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny BERT that is the same in every run and knows every letter.

    Vocabularies that are trained differ from run to run, and spans of unknown words are alike: which of two nearly equal
    spans is the best would be decided by rounding.
    """
    folder = tmp_path_factory.mktemp("encoder")
    words = sorted({word for text in CORPUS for word in text.split() if word.isalpha()})
    letters = sorted({letter for text in (*CORPUS, *ALL_TEXTS, *MORE_TYPES) for letter in text if not letter.isspace()})
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *(f"##{letter}" for letter in letters), *words]
    vocab = {piece: number for number, piece in enumerate(dict.fromkeys(pieces))}
    BertTokenizer(vocab=vocab, do_lower_case=False, model_max_length=MAX_POSITION).save_pretrained(folder)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(vocab),
        hidden_size=HIDDEN,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=2 * HIDDEN,
        max_position_embeddings=MAX_POSITION,
    )
    BertModel(config, add_pooling_layer=False).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def engines(encoder: Path) -> dict[str, Engine]:
    """A matcher of each kind. Not to be changed."""
    return {name: Engine(make_matcher(encoder, **arguments)) for name, arguments in ENGINES.items()}


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest, engines: dict[str, Engine]) -> Engine:
    """Each in turn."""
    return engines[request.param]


@pytest.fixture(params=BI_ENGINES)
def bi_engine(request: pytest.FixtureRequest, engines: dict[str, Engine]) -> Engine:
    """Each with types apart from texts."""
    return engines[request.param]


def plain_logits(matcher: SpanMatcher, text: str, types: Sequence[str], slot: str | None) -> dict[Key, float]:
    """The score of every candidate: one view a pass, as a training scores it."""
    found: dict[Key, float] = {}
    [windows] = matcher.batcher.windows([make_example(text, (), as_entity_types(types))])
    for view in matcher.batcher.passes(windows):
        batch = collate_texts([view], matcher.batcher)
        own_types = (
            None if matcher.batcher.is_cross_encoder else [collate_types(view.types.texts, matcher.batcher.lone_type_tokenizer)]
        )
        with torch.inference_mode():
            scores = matcher.model(batch, own_types).spans
        logits = scores.logits[0]
        if slot is not None:
            logits = logits - scores.nulls[0, list(matcher.config.null_slots).index(slot)]
        units = view.tokenized.units
        for _, unit, extra in batch.candidates.nonzero().tolist():
            first = unit + view.start_unit
            for item, logit in zip(view.types, logits[unit, extra].tolist(), strict=True):
                key = (int(units.start_char[first]), int(units.end_char[first + extra]), item.label)
                assert key not in found
                found[key] = logit
    return found


def plain_choice(logits: dict[Key, float], limit: float, types: Sequence[str], *, nested: bool) -> dict[Key, float]:
    """Greedily by score, ties to the earlier, then the longer, then the first type."""
    kept: list[Key] = []
    rank = {name: number for number, name in enumerate(types)}
    passed = [key for key, logit in logits.items() if logit > limit]
    for key in sorted(passed, key=lambda key: (-logits[key], key[0], -key[1], rank[key[2]])):
        start, end, _ = key
        apart = all(end <= other or stop <= start for other, stop, _ in kept)
        inside = all(
            (start, end) != (other, stop)
            and (end <= other or stop <= start or (other <= start and end <= stop) or (start <= other and stop <= end))
            for other, stop, _ in kept
        )
        if inside if nested else apart:
            kept.append(key)
    return {key: sigmoid(logits[key]) for key in kept}


def sigmoid(logit: float) -> float:
    return 1 / (1 + math.exp(-logit))


class TestThePlainWay:
    def test_engine_is_plain(self, engine: Engine) -> None:
        """Also: what is compared below is no empty list, and neither is everything taken."""
        slots = bool(engine.matcher.config.null_slots)
        expected: list[list[dict[Key, float]]] = [[], [], []]
        for text in ALL_TEXTS:
            by_cls = plain_logits(engine.matcher, text, MORE_TYPES, "cls" if slots else None)
            by_token = plain_logits(engine.matcher, text, MORE_TYPES, "label_token" if slots else None)
            expected[0].append({key: sigmoid(logit) for key, logit in by_cls.items()})
            expected[1].append(plain_choice(by_token, 0.0, MORE_TYPES, nested=False))
            limit = -0.5 if slots else math.log(0.4 / 0.6)
            expected[2].append(plain_choice(by_cls, limit, MORE_TYPES, nested=True))
        assert_all_same(engine.expected, expected)
        [scores, flat, nested] = expected
        assert sum(map(len, flat)) > 50 and sum(map(len, nested)) > sum(map(len, flat))
        assert sum(score > 0.5 for own in scores for score in own.values()) < 0.9 * sum(map(len, scores))
        assert len({label for own in flat for _, _, label in own}) > 1

    def test_each_way_is_another(self, engine: Engine) -> None:
        [scores, flat, nested] = engine.expected
        assert scores != flat != nested


class TestWays:
    """Two ways to the same entities."""

    @pytest.mark.parametrize("batch_size", [1, 3])
    def test_batches_of_any_size(self, batch_size: int, engine: Engine) -> None:
        assert_all_same(engine.found(batch_size=batch_size), engine.expected)

    def test_batches_of_any_number_of_tokens(self, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
        expected = engine.expected
        for module in ("prediction.matcher", "prediction.type_encoder"):
            monkeypatch.setattr(f"spanmatch.{module}.batch_tokens", lambda device: 100)
        new = SpanMatcher(engine.matcher.model, engine.matcher.text_tokenizer, engine.matcher.type_tokenizer)
        assert_all_same(engine.found(matcher=new), expected)

    def test_alone(self, engine: Engine) -> None:
        together = engine.expected
        for index, text in enumerate(ALL_TEXTS):
            assert_all_same(engine.found([text]), [[way[index]] for way in together])

    def test_shuffled_is_ordered(self, engine: Engine) -> None:
        order = list(range(len(ALL_TEXTS)))
        random.Random(0).shuffle(order)
        shuffled = engine.found([ALL_TEXTS[index] for index in order])
        assert_all_same(shuffled, [[way[index] for index in order] for way in engine.expected])

    def test_cached_is_fresh(self, bi_engine: Engine) -> None:
        """Types encoded before, types by name, and by name to a matcher that never saw one."""
        matcher = bi_engine.matcher
        fresh = SpanMatcher(matcher.model, matcher.text_tokenizer, matcher.type_tokenizer)
        named = bi_engine.expected
        assert_all_same(bi_engine.found(types=matcher.encode_types(MORE_TYPES)), named)
        assert_all_same(bi_engine.found(matcher=fresh), named)

    def test_types_in_another_order(self, bi_engine: Engine) -> None:
        assert_all_same(bi_engine.found(types=MORE_TYPES[::-1]), bi_engine.expected)
        assert_all_same(bi_engine.found(types=MORE_TYPES[2:] + MORE_TYPES[:2]), bi_engine.expected)

    def test_inventories_together(self, engine: Engine) -> None:
        """Each text its own types, in orders of its own, some of them shared: as each alone, whatever shares its batch."""
        rng = random.Random(0)
        inventories = [rng.sample(MORE_TYPES, rng.randint(1, len(MORE_TYPES))) for _ in ALL_TEXTS]
        assert len({tuple(own) for own in inventories}) > 10
        together = engine.found(types=inventories)
        for index, (text, own) in enumerate(zip(ALL_TEXTS, inventories, strict=True)):
            assert_all_same(engine.found([text], own), [[way[index]] for way in together])

    def test_thresholds_per_type(self, bi_engine: Engine) -> None:
        """The limit of a type is its own, wherever it stands in the inventory of a text."""
        if bi_engine.matcher.config.null_slots:
            return  # a number is no threshold of theirs
        threshold = {"person": 0.3, "city": 0.9, "company": 0.6}
        [scores, *_] = bi_engine.expected
        for types in (MORE_TYPES, [MORE_TYPES[index % 5 :] + MORE_TYPES[: index % 5] for index in range(len(ALL_TEXTS))]):
            found = bi_engine.matcher.predict(ALL_TEXTS, types, threshold=threshold, overlap="multi-label")
            expected = [{key: score for key, score in own.items() if score > threshold.get(key[2], 0.5)} for own in scores]
            assert_same([scores_of(entities) for entities in found], expected)
            assert 0 < sum(map(len, expected)) < sum(map(len, scores))

    @pytest.mark.parametrize(("first", "last", "max_chars"), [(1, 1, 1 << 21), (1, 4, 1 << 21), (3, 5, 1 << 21), (64, 64, 40)])
    def test_windows_of_any_size(
        self, first: int, last: int, max_chars: int, engine: Engine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        expected = engine.expected
        types = as_entity_types(MORE_TYPES)
        examples = [make_example(text, (), types) for text in ALL_TEXTS]
        monkeypatch.setattr(batcher, "FIRST_BUFFER", first)
        monkeypatch.setattr(batcher, "LAST_BUFFER", last)
        monkeypatch.setattr(batcher, "MAX_BUFFER_CHARS", max_chars)
        assert len(list(batcher.example_buffers(examples))) > 3
        assert_all_same(engine.streamed(examples), expected)

    def test_inventories_that_change_between_windows(self, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(batcher, "FIRST_BUFFER", 2)
        monkeypatch.setattr(batcher, "LAST_BUFFER", 2)
        one, other = as_entity_types(MORE_TYPES[:3]), as_entity_types(MORE_TYPES[:1:-1])
        kinds = [one, one, other, one, other, other, (), one, one, one, (), ()]
        texts = [*TEXTS.values(), LONG][: len(kinds)]
        found = engine.streamed([make_example(text, (), own) for text, own in zip(texts, kinds, strict=True)])
        for index, (text, own) in enumerate(zip(texts, kinds, strict=True)):
            expected = engine.found([text], own) if own else [[{}]] * 3
            assert_all_same([[way[index]] for way in found], expected)

    @pytest.mark.parametrize(("max_cells", "max_types"), [(40, 1), (13, 2), (1 << 19, 3)])
    def test_blocks_of_any_size(self, max_cells: int, max_types: int, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
        expected = engine.expected
        monkeypatch.setattr(scoring, "MAX_CELLS", {"cpu": max_cells})
        monkeypatch.setattr(scoring, "MAX_BLOCK_TYPES", max_types)
        assert_all_same(engine.found(batch_size=5), expected)

    @pytest.mark.parametrize("overlap", ["flat", "nested"])
    def test_more_types_than_a_block_has(self, overlap: str, engines: dict[str, Engine]) -> None:
        matcher = engines["bi"].matcher
        names = [
            f"{first} {second} {third}"
            for first in "abcdefghijklmnopqrs"
            for second in "tuvwxyzabcde"
            for third in "fghijklmnopqrstuvw"
        ]
        assert len(names) > scoring.MAX_BLOCK_TYPES
        logits = plain_logits(matcher, TEXTS["plain"], names, None)
        expected = plain_choice(logits, math.log(4), names, nested=overlap == "nested")
        found = matcher.predict(TEXTS["plain"], names, threshold=0.8, overlap=overlap)
        assert_same([scores_of(found)], [expected])
        assert len(expected) >= 2


class TestStream:
    def examples(self, count: int, taken: list[int]) -> Iterator[Example]:
        types = as_entity_types(TYPES)
        for number in range(count):
            taken.append(number)
            yield make_example(ALL_TEXTS[number % len(ALL_TEXTS)], (), types)

    def test_it_reads_as_it_goes(self, engines: dict[str, Engine], monkeypatch: pytest.MonkeyPatch) -> None:
        """No more than a window is taken before something is given."""
        monkeypatch.setattr(batcher, "FIRST_BUFFER", 4)
        monkeypatch.setattr(batcher, "LAST_BUFFER", 8)
        taken: list[int] = []
        stream = engines["bi"].matcher.stream(self.examples(30, taken))
        assert not taken
        seen = []
        for _ in stream:
            seen.append(len(taken))
        assert seen == [4] * 4 + [12] * 8 + [20] * 8 + [28] * 8 + [30] * 2

    def test_a_window_of_its_own_size(self, engines: dict[str, Engine]) -> None:
        taken: list[int] = []
        stream = engines["bi"].matcher.stream(self.examples(7, taken), buffer_size=3)
        assert [len(taken) for _ in stream] == [3, 3, 3, 6, 6, 6, 7]

    def test_without_end(self, engines: dict[str, Engine]) -> None:
        taken: list[int] = []
        stream = engines["bi"].matcher.stream(self.examples(10**9, taken))
        next(stream)
        assert len(taken) <= batcher.FIRST_BUFFER

    def test_nothing(self, engine: Engine) -> None:
        for way in (engine.all_scores, engine.flat, engine.nested):
            told: list[float] = []
            assert list(engine.matcher.stream([], **way, advance=told.append)) == [] and not told
            assert engine.matcher.predict([], TYPES, **way) == []
            assert engine.matcher.predict("", TYPES, **way) == engine.matcher.predict(" \n\t\u3000", TYPES, **way) == []
            assert engine.matcher.predict(["", "  ", ""], TYPES, **way) == [[], [], []]
            examples = [make_example(text, (), as_entity_types(TYPES)) for text in ("", "Bob", " ")]
            [first, second, third] = engine.matcher.stream(examples, **way, advance=told.append)
            assert not first and not third and all(item.text in "Bob" for item in second)
            assert second or way is not engine.all_scores
            assert sum(told) == pytest.approx(3)
            bare = [make_example("Ada met Bob"), make_example("")]
            assert list(engine.matcher.stream(bare, **way)) == [[], []]

    def test_the_types_of_no_text(self, engine: Engine) -> None:
        """A text that is asked for nothing shares its batch with others."""
        types = as_entity_types(TYPES)
        examples = [make_example("Ada met Bob", (), own) for own in ((), types, ())]
        [bare, full, last] = engine.matcher.stream(examples, **engine.all_scores)
        assert not bare and not last
        assert_same([scores_of(full)], engine.found(["Ada met Bob"], TYPES)[0])

    def test_progress_of_a_long_text(self, engine: Engine) -> None:
        """Told in parts, whose sum is the number of texts; a text with several windows (or runs of types) is several parts."""
        told: list[float] = []
        types = as_entity_types(MORE_TYPES)
        examples = [make_example(text, (), types) for text in (LONG, "", "Bob", LONG)]
        found = list(engine.matcher.stream(examples, **engine.flat, batch_size=1, advance=told.append))
        assert sum(told) == pytest.approx(4)
        views = engine.matcher.batcher.passes([view for own in engine.matcher.batcher.windows(examples) for view in own])
        assert len(told) == 1 + len(views) > 5
        assert all(part > 0 for part in told) and found[0] == found[3] != []

    @pytest.mark.parametrize("progress", [True, False])
    def test_a_bar(self, progress: bool, engines: dict[str, Engine], capsys: pytest.CaptureFixture[str]) -> None:
        expected = engines["bi"].matcher.predict([LONG, "", "Bob"], TYPES)
        capsys.readouterr()
        assert engines["bi"].matcher.predict([LONG, "", "Bob"], TYPES, progress=progress) == expected
        assert ("tagging: 100%" in capsys.readouterr().err) is progress


def brute_force(spans: torch.Tensor, types: torch.Tensor, limits: np.ndarray) -> dict[tuple[int, int], float]:
    """Cells above their limit, in float32."""
    logits = spans.float() @ types.float().T
    return {
        (span, column): float(logits[span, column])
        for span in range(len(spans))
        for column in range(len(types))
        if float(logits[span, column]) > float(np.float32(limits[column]))
    }


def best_of(cells: dict[tuple[int, int], float]) -> dict[tuple[int, int], float]:
    """Of each span the best, the first of equals."""
    best: dict[int, tuple[float, int]] = {}
    for (span, column), logit in sorted(cells.items()):
        if span not in best or logit > best[span][0]:
            best[span] = logit, column
    return {(span, column): logit for span, (logit, column) in best.items()}


def passed_cells(*arguments: Any, **options: Any) -> dict[tuple[int, int], float]:
    passed = passing_cells(*arguments, **options)
    cells = list(zip(passed.span.tolist(), passed.column.tolist(), strict=True))
    assert cells == sorted(set(cells)), "in the order of the spans, each once"
    return dict(zip(cells, passed.logit.tolist(), strict=True))


class TestPassingCells:
    @given(
        seed=st.integers(0, 1 << 30),
        num_spans=st.integers(0, 12),
        num_types=st.integers(0, 12),
        size=st.integers(1, 5),
        dtype=st.sampled_from([torch.float32, torch.bfloat16]),
        best_only=st.booleans(),
        max_cells=st.sampled_from([1, 5, 12, 1 << 19]),
        max_types=st.sampled_from([1, 3, 4096]),
    )
    def test_it_is_brute_force(
        self,
        seed: int,
        num_spans: int,
        num_types: int,
        size: int,
        dtype: torch.dtype,
        best_only: bool,
        max_cells: int,
        max_types: int,
    ) -> None:
        """Whole numbers: sums are exact, many are equal to each other and to their limit."""
        rng = np.random.default_rng(seed)
        spans = torch.from_numpy(rng.integers(-3, 4, (num_spans, size))).float()
        types = torch.from_numpy(rng.integers(-2, 3, (num_types, size))).to(dtype)
        limits = rng.choice([-np.inf, -6.0, -1.0, 0.0, 0.5, 3.0, np.inf], num_types)
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(scoring, "MAX_CELLS", {"cpu": max_cells})
            patched.setattr(scoring, "MAX_BLOCK_TYPES", max_types)
            found = passed_cells(spans, types, limits=limits, best_only=best_only)
        expected = brute_force(spans, types, limits)
        assert found == (best_of(expected) if best_only else expected)

    @pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
    @pytest.mark.parametrize("best_only", [False, True])
    def test_real_numbers(self, best_only: bool, dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch) -> None:
        """Cells that are neither just above nor just below their limit, and scores as they are in float32."""
        generator, rng = torch.Generator().manual_seed(0), np.random.default_rng(0)
        monkeypatch.setattr(scoring, "MAX_CELLS", {"cpu": 500})
        monkeypatch.setattr(scoring, "MAX_BLOCK_TYPES", 16)
        spans = torch.randn(90, 24, generator=generator).to(dtype)
        types = (torch.randn(50, 24, generator=generator) * 1.5).to(dtype)
        limits = rng.normal(8.0, 2.0, 50)
        limits[::7] = np.inf
        found = passed_cells(spans, types, limits=limits, best_only=best_only)
        loose = brute_force(spans, types, limits - 1e-4)
        strict = brute_force(spans, types, limits + 1e-4)
        if best_only:
            loose, strict = best_of(loose), best_of(strict)
        assert strict.keys() <= found.keys() <= loose.keys() and len(strict) > 40
        assert [found[key] for key in found] == pytest.approx([loose[key] for key in found], rel=0, abs=1e-4)

    def test_ties_fall_to_the_first_type(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """... within a block and across blocks."""
        spans, types = torch.tensor([[1.0], [2.0]]), torch.tensor([[1.0], [3.0], [3.0], [2.0], [3.0]])
        options: dict[str, Any] = {"best_only": True}
        for max_types in (1, 2, 3, 5):
            monkeypatch.setattr(scoring, "MAX_BLOCK_TYPES", max_types)
            assert passed_cells(spans, types, limits=np.zeros(5), **options) == {(0, 1): 3.0, (1, 1): 6.0}
            # What does not pass is no best.
            limits = np.array([0.0, 9.0, 3.0, 0.0, 0.0])
            assert passed_cells(spans, types, limits=limits, **options) == {(0, 4): 3.0, (1, 2): 6.0}

    @given(
        seed=st.integers(0, 1 << 30),
        num_types=st.integers(1, 6),
        max_types=st.sampled_from([1, 2, 4096]),
        overlap=st.sampled_from(["flat", "nested"]),
    )
    def test_the_best_of_each_span_is_enough(self, seed: int, num_types: int, max_types: int, overlap: str) -> None:
        """Without entities of equal bounds, the others are in no result."""
        rng = np.random.default_rng(seed)
        bounds = np.array([(start, start + width) for start in range(6) for width in range(1, 5)])
        bounds = bounds[rng.permutation(len(bounds))]
        spans = torch.from_numpy(rng.integers(-2, 3, (len(bounds), 3))).float()
        types = torch.from_numpy(rng.integers(-2, 3, (num_types, 3))).float()
        limits = rng.choice([-2.0, 0.0, 1.0, 3.0], num_types)
        names = tuple(EntityType(name=f"kind {number}") for number in range(num_types))

        def entities(best_only: bool) -> list[Entity]:
            passed = passing_cells(spans, types, limits=limits, best_only=best_only)
            start, end = bounds[passed.span].T
            candidates = Candidates(start=start, end=end, column=passed.column, logit=passed.logit)
            return resolve("x" * 12, candidates, names, overlap)

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(scoring, "MAX_BLOCK_TYPES", max_types)
            assert entities(best_only=True) == entities(best_only=False)


class TestHalfPrecision:
    """Scores are looked through in half precision and decided upon in float32: none above its limit may be overlooked."""

    @pytest.mark.parametrize("size", [4, 128])
    @pytest.mark.parametrize("spread", [0.3, 3.0, 12.0])
    def test_just_above_the_limit(self, size: int, spread: float, monkeypatch: pytest.MonkeyPatch) -> None:
        """A limit a hair below the score of some span, for each type by itself; scores up to 30 and more."""
        monkeypatch.setattr(scoring, "MAX_BLOCK_TYPES", 1)
        generator = torch.Generator().manual_seed(0)
        spans = torch.randn(400, size, generator=generator).bfloat16()
        types = (torch.randn(60, size, generator=generator) * (spread / size**0.5)).bfloat16()
        logits = (spans.float() @ types.float().T).numpy()
        rng = np.random.default_rng(0)
        chosen = logits[rng.integers(0, 400, 60), np.arange(60)].astype(np.float64)
        if spread > 10:
            assert np.abs(chosen).max() > 25
        limits = chosen - 1e-4 - 1e-5 * np.abs(chosen)
        found = passed_cells(spans, types, limits=limits)
        margin = 1e-5 + 1e-6 * np.abs(logits)
        surely = {tuple(cell) for cell in np.argwhere(logits > limits + margin).tolist()}
        perhaps = {tuple(cell) for cell in np.argwhere(logits > limits - margin).tolist()}
        assert surely <= found.keys() <= perhaps
        assert len(surely) >= 60

    @pytest.mark.parametrize("sign", [1, -1])
    @pytest.mark.parametrize("score", [0.01, 0.3, 1.0, 7.0, 30.0])
    def test_a_score_that_is_rounded_down(self, score: float, sign: int) -> None:
        """By as much as bfloat16 does: half of its last place."""
        wanted = sign * score * 1.1
        exponent = math.floor(math.log2(score * 1.1))
        # A hair less (more, below zero) than the middle of two neighbours, as the sum of two that bfloat16 has.
        step = 2.0 ** (exponent - 7)
        floor = math.floor(wanted / step) * step
        parts = [floor, step * (0.5 - 2**-7)]
        spans = torch.tensor([parts]).bfloat16()
        types = torch.ones(1, 2).bfloat16()
        exact = float(spans.float().sum())
        assert float(spans.sum()) < exact
        found = passed_cells(spans, types, limits=np.array([exact - 1e-5 * score]))
        assert found == {(0, 0): pytest.approx(exact)}

    def test_spans_that_are_rounded(self) -> None:
        """Above a null slot, spans are differences in float32: what rounding costs grows with their size, not their score.

        What counts for the type is rounded down, what counts against it up, each by half a place of bfloat16.
        """
        half, place = 64, 2.0**-7
        spans = torch.tensor([[1 + 0.49 * place] * half + [1 + 0.51 * place] * half])
        types = torch.tensor([[1.0] * half + [-1.0] * half]).bfloat16()
        exact = -0.02 * half * place
        found = passed_cells(spans, types, limits=np.array([exact - 0.001]))
        assert found == {(0, 0): pytest.approx(exact, abs=1e-4)}

    def test_spans_that_are_rounded_at_random(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The same of spans of no particular kind, with scores of a usual size."""
        monkeypatch.setattr(scoring, "MAX_BLOCK_TYPES", 1)
        generator = torch.Generator().manual_seed(0)
        spans = torch.randn(5000, 128, generator=generator)
        types = (torch.randn(40, 128, generator=generator) * (10 / 128**0.5)).bfloat16()
        logits = (spans @ types.float().T).numpy()
        found = passed_cells(spans, types, limits=np.zeros(40))
        lost = {tuple(cell) for cell in np.argwhere(logits > 1e-4).tolist()} - found.keys()
        assert not lost, max(logits[cell] for cell in lost)

    @pytest.mark.parametrize("name", ENGINES)
    def test_entities_agree(self, name: str, engines: dict[str, Engine], tmp_path: Path) -> None:
        """bfloat16 against float32: probabilities within 0.03, and the same entities but for those that near their limit."""
        whole = quieter(engines[name].matcher)
        whole.save_pretrained(tmp_path)
        half = SpanMatcher.from_pretrained(tmp_path, device="cpu", dtype="bfloat16")
        assert {weight.dtype for weight in half.model.parameters()} == {torch.bfloat16}
        check_agreement(half, whole, at_least=1e-4)

    @pytest.mark.parametrize("name", ENGINES)
    def test_entities_agree_during_a_training(self, name: str, engines: dict[str, Engine]) -> None:
        """... of which the weights are in float32, and encoders are computed in bfloat16."""
        whole = quieter(engines[name].matcher)
        mixed = SpanMatcher(whole.model, whole.text_tokenizer, whole.type_tokenizer, autocast=torch.bfloat16)
        check_agreement(mixed, whole, at_least=1e-4)


def check_agreement(half: SpanMatcher, whole: SpanMatcher, *, at_least: float) -> None:
    """The tolerance that is promised; and that something was computed in half precision at all."""
    engine = Engine(whole)
    [exact, *_], [rounded, *_] = engine.expected, engine.found(matcher=half)
    differences = []
    for one, other in zip(rounded, exact, strict=True):
        assert one.keys() == other.keys()
        differences += [abs(score - other[key]) for key, score in one.items()]
    assert at_least < max(differences) < 0.03
    threshold: Any = "cls" if whole.config.null_slots else 0.5
    chosen = half.predict(ALL_TEXTS, MORE_TYPES, threshold=threshold, overlap="multi-label")
    for entities, other in zip(chosen, exact, strict=True):
        found = set(scores_of(entities))
        assert {key for key, score in other.items() if score > 0.53} <= found
        assert found <= {key for key, score in other.items() if score > 0.47}
    scores = [score for own in exact for score in own.values()]
    assert sum(score > 0.53 for score in scores) > 50 and sum(score < 0.47 for score in scores) > 50


def quieter(matcher: SpanMatcher) -> SpanMatcher:
    """The same with scores that a training would give, rather than ones that are as loud as can be."""
    model = copy.deepcopy(matcher.model)
    with torch.no_grad():
        model.head.scale.fill_(3.0)
    return SpanMatcher(model, matcher.text_tokenizer, matcher.type_tokenizer)


class TestCells:
    """What is computed for the candidates of a view alone is what is computed for its whole grid."""

    @pytest.fixture(params=["bi", "bi, subwords", "bi, null slots"])
    def matcher(self, request: pytest.FixtureRequest, engines: dict[str, Engine]) -> SpanMatcher:
        return engines[request.param].matcher

    def views(self, matcher: SpanMatcher) -> list[View]:
        examples = [make_example(text, (), as_entity_types(TYPES)) for text in (LONG, "Bob", "Ada met Bob in New York", LONG[5:])]
        return [view for own in matcher.batcher.windows(examples) for view in own]

    def test_spans(self, matcher: SpanMatcher) -> None:
        views = self.views(matcher)
        batch, head = collate_texts(views, matcher.batcher), matcher.model.head
        owned = [int(row.sum()) for row in batch.candidates]
        width = matcher.config.max_span_width
        inside = [
            sum(min(width, view.end_unit - view.start_unit - unit) for unit in range(view.end_unit - view.start_unit))
            for view in views
        ]
        assert sum(own < whole for own, whole in zip(owned, inside, strict=True)) >= 4, "windows own some of their cells"
        with torch.inference_mode():
            states = matcher.model.encode_texts(batch)
            cells = batch.candidates.nonzero()
            found = head.represent_cells(states, batch, cells)
            expected = head.represent_spans(states, batch)[tuple(cells.unbind(1))]
            shuffled = cells[torch.randperm(len(cells), generator=torch.Generator().manual_seed(0))][:40]
            some = head.represent_cells(states, batch, shuffled)
            some_expected = head.represent_spans(states, batch)[tuple(shuffled.unbind(1))]
            none = head.represent_cells(states, batch, cells[:0])
        assert len(cells) == sum(owned) and expected.std() > 0.1
        torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)
        torch.testing.assert_close(some, some_expected, rtol=1e-5, atol=1e-5)
        assert none.shape == (0, matcher.config.head_size)

    @pytest.mark.parametrize("slot", ["cls", "label_token"])
    def test_above_a_null_slot(self, slot: str, engines: dict[str, Engine]) -> None:
        """The score of a difference is the difference of the scores."""
        matcher = engines["bi, null slots"].matcher
        head, batch = matcher.model.head, collate_texts(self.views(matcher), matcher.batcher)
        with torch.inference_mode():
            states, cells = matcher.model.encode_texts(batch), batch.candidates.nonzero()
            types = matcher.model.type_embeddings(collate_types(TYPES, matcher.batcher.lone_type_tokenizer))
            spans, null = head.represent_cells(states, batch, cells), head.represent_null(states, slot)
            assert null is not None and null.shape == (len(batch.input_ids), matcher.config.head_size)
            together = (spans - null[cells[:, 0]]) @ types.T
            full = matcher.model(batch, [collate_types(TYPES, matcher.batcher.lone_type_tokenizer)]).spans
            place = list(matcher.config.null_slots).index(slot)
            apart = full.logits[tuple(cells.unbind(1))] - full.nulls[:, place][cells[:, 0]]
            assert head.represent_null(states, None) is None
        torch.testing.assert_close(together, apart, rtol=1e-4, atol=1e-4)
        assert apart.std() > 0.5


class TestDevices:
    @pytest.mark.parametrize(
        ("device", "cpu_has", "cuda_has", "expected"),
        [
            ("cpu", True, False, torch.bfloat16),
            ("cpu", False, True, torch.float32),
            ("cuda", False, True, torch.bfloat16),
            ("mps", True, True, torch.float32),
        ],
    )
    def test_native_dtype(
        self, device: str, cpu_has: bool, cuda_has: bool, expected: torch.dtype, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(devices, "cpu_has_bfloat16", lambda: cpu_has)
        monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation=True: cuda_has or including_emulation)
        assert devices.native_dtype(torch.device(device)) == expected

    def test_it_is_the_default(self, engines: dict[str, Engine], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        engines["bi"].matcher.save_pretrained(tmp_path)
        for dtype in (torch.float32, torch.bfloat16):
            monkeypatch.setattr("spanmatch.prediction.matcher.native_dtype", lambda device, own=dtype: own)
            loaded = SpanMatcher.from_pretrained(tmp_path, device="cpu")
            assert {weight.dtype for weight in loaded.model.parameters()} == {dtype}
        assert (
            next(SpanMatcher.from_pretrained(tmp_path, device="cpu", dtype="float32").model.parameters()).dtype == torch.float32
        )

    def test_what_float16_cannot_hold(self, engines: dict[str, Engine], tmp_path: Path) -> None:
        """... is an error, rather than no entities: of texts as of types."""
        for part in ("text", "type"):
            matcher = make_loud(engines["bi"].matcher, part)
            with pytest.raises(InputError, match='leaves the range of float16; use dtype "float32" or "bfloat16"'):
                matcher.predict("Ada met Bob", TYPES)

    def test_batches_fit_the_device(self, engines: dict[str, Engine], monkeypatch: pytest.MonkeyPatch) -> None:
        assert devices.batch_tokens(torch.device("cpu")) < devices.batch_tokens(torch.device("cuda"))
        matcher = engines["bi"].matcher
        sizes: list[int] = []
        encode = matcher.model.encode_texts

        def counting(batch: Any) -> torch.Tensor:
            sizes.append(batch.input_ids.numel())
            return encode(batch)

        monkeypatch.setattr(matcher.model, "encode_texts", counting)
        matcher.predict([LONG] * 30, TYPES)
        assert len(sizes) > 3 and max(sizes) <= devices.batch_tokens(torch.device("cpu"))
        assert min(sizes[:-1]) > devices.batch_tokens(torch.device("cpu")) / 2


class TestCompile:
    def test_without_a_compiler(self, engines: dict[str, Engine], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        engines["bi"].matcher.save_pretrained(tmp_path)
        monkeypatch.setattr(devices, "which", lambda name: None)
        with pytest.raises(InputError, match=r"compile needs a C\+\+ compiler, and there is none; install g\+\+, or leave"):
            SpanMatcher.from_pretrained(tmp_path, device="cpu", compile=True)
        assert SpanMatcher.from_pretrained(tmp_path, device="cpu").predict("Ada met Bob", TYPES) is not None

    @pytest.mark.parametrize("compiler", ["g++", "clang++", "own"])
    def test_with_any_compiler(self, compiler: str, engines: dict[str, Engine], monkeypatch: pytest.MonkeyPatch) -> None:
        """It is looked for before anything is compiled; that begins with the first text."""
        if compiler == "own":
            monkeypatch.setenv("CXX", "own")
        else:
            monkeypatch.delenv("CXX", raising=False)
        monkeypatch.setattr(devices, "which", lambda name: name if name == compiler else None)
        encoder = copy.deepcopy(engines["bi"].matcher.model.text_encoder)
        asked: list[dict[str, Any]] = []
        monkeypatch.setattr(type(encoder), "compile", lambda self, **options: asked.append(options))
        devices.compile_encoder(encoder)
        assert asked == [{"dynamic": True, "options": {"freezing": True}}]

    @pytest.mark.skipif(
        not os.environ.get("SPANMATCH_SLOW_TESTS"), reason="half a minute of compiling; set SPANMATCH_SLOW_TESTS=1"
    )
    def test_compiled_is_not(self, engines: dict[str, Engine], tmp_path: Path) -> None:
        engine = engines["bi"]
        engine.matcher.save_pretrained(tmp_path)
        compiled = SpanMatcher.from_pretrained(tmp_path, device="cpu", dtype="float32", compile=True)
        assert_all_same(engine.found(matcher=compiled), engine.expected)
        types = compiled.encode_types(MORE_TYPES)
        assert_all_same(engine.found(types=types, matcher=compiled, batch_size=3), engine.expected)


def make_loud(matcher: SpanMatcher, part: str) -> SpanMatcher:
    """In float16, with states of texts or embeddings of types beyond its range."""
    model = copy.deepcopy(matcher.model).to(torch.float16)
    with torch.no_grad():
        if part == "text":
            dict(model.text_encoder.named_parameters())["encoder.layer.1.output.LayerNorm.bias"].fill_(math.inf)
        else:
            model.head.scale.fill_(60000.0)
            model.head.type_proj.bias.fill_(60000.0)
    return SpanMatcher(model, matcher.text_tokenizer, matcher.type_tokenizer)
