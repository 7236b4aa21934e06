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
from transformers import BertConfig, BertModel, BertTokenizer

from spanmatch.batching import batcher
from spanmatch.batching.collate import collate_texts
from spanmatch.data.examples import Example
from spanmatch.entities import as_entity_types
from spanmatch.errors import InputError
from spanmatch.prediction import scoring
from spanmatch.prediction.matcher import SpanMatcher
from spanmatch.prediction.tagger import StreamOptions
from spanmatch.prediction.thresholds import Calibration

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
        monkeypatch.setattr("spanmatch.prediction.torch_backend.batch_tokens", lambda device: 100)
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
        matcher = bi_engine.matcher
        if matcher.config.null_slots:
            with pytest.raises(InputError, match="a number is no threshold of this checkpoint"):
                matcher.predict(ALL_TEXTS, MORE_TYPES, threshold={"person": 0.3})
            # Calibrated, a number counts from the slot that was calibrated: here that of `all_scores`.
            calibration = Calibration(threshold=0.5, slot="cls")
            matcher = SpanMatcher(matcher.model, matcher.text_tokenizer, matcher.type_tokenizer, calibration=calibration)
        threshold = {"person": 0.3, "city": 0.9, "company": 0.6}
        [scores, *_] = bi_engine.expected
        for types in (MORE_TYPES, [MORE_TYPES[index % 5 :] + MORE_TYPES[: index % 5] for index in range(len(ALL_TEXTS))]):
            found = matcher.predict(ALL_TEXTS, types, threshold=threshold, overlap="multi-label")
            expected = [{key: score for key, score in own.items() if score > threshold.get(key[2], 0.5)} for own in scores]
            assert_same([scores_of(entities) for entities in found], expected)
            assert 0 < sum(map(len, expected)) < sum(map(len, scores))

    @pytest.mark.parametrize(("first", "last", "max_chars"), [(1, 1, 1 << 21), (1, 4, 1 << 21), (3, 5, 1 << 21), (64, 64, 40)])
    def test_buffers_of_any_size(
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

    def test_inventories_that_change_between_buffers(self, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
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
        """No more than a buffer is taken before something is given."""
        monkeypatch.setattr(batcher, "FIRST_BUFFER", 4)
        monkeypatch.setattr(batcher, "LAST_BUFFER", 8)
        taken: list[int] = []
        stream = engines["bi"].matcher.stream(self.examples(30, taken))
        assert not taken
        seen = []
        for _ in stream:
            seen.append(len(taken))
        assert seen == [4] * 4 + [12] * 8 + [20] * 8 + [28] * 8 + [30] * 2

    def test_a_buffer_of_its_own_size(self, engines: dict[str, Engine]) -> None:
        taken: list[int] = []
        stream = engines["bi"].matcher.stream(self.examples(7, taken), options=StreamOptions(buffer_size=3))
        assert [len(taken) for _ in stream] == [3, 3, 3, 6, 6, 6, 7]

    def test_without_end(self, engines: dict[str, Engine]) -> None:
        taken: list[int] = []
        stream = engines["bi"].matcher.stream(self.examples(10**9, taken))
        next(stream)
        assert len(taken) <= batcher.FIRST_BUFFER

    def test_nothing(self, engine: Engine) -> None:
        for way in (engine.all_scores, engine.flat, engine.nested):
            told: list[float] = []
            assert list(engine.matcher.stream([], **way, options=StreamOptions(advance=told.append))) == [] and not told
            assert engine.matcher.predict([], TYPES, **way) == []
            assert engine.matcher.predict("", TYPES, **way) == engine.matcher.predict(" \n\t\u3000", TYPES, **way) == []
            assert engine.matcher.predict(["", "  ", ""], TYPES, **way) == [[], [], []]
            examples = [make_example(text, (), as_entity_types(TYPES)) for text in ("", "Bob", " ")]
            [first, second, third] = engine.matcher.stream(examples, **way, options=StreamOptions(advance=told.append))
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
        found = list(engine.matcher.stream(examples, **engine.flat, options=StreamOptions(batch_size=1, advance=told.append)))
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


class TestHalfPrecision:
    """Scores are looked through in half precision and decided upon in float32: none above its limit may be overlooked."""

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


class TestCompile:
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
