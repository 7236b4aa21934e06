"""The matcher: batches, windows, and entities of texts in many scripts."""

import copy
import json
import os
import pickle
import random
import sys
import unicodedata
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from helpers import (
    EVERYTHING,
    TEXTS,
    TYPES,
    Key,
    assert_same,
    gold_of,
    make_example,
    make_matcher,
    scores_of,
    views_per_text,
    word_spans,
)
from helpers_e2e import end_in_time, offline_environment

from spanmatch.batching import tokenizer as tokenizing
from spanmatch.data.examples import Example
from spanmatch.data.words import is_visible, join_tokens
from spanmatch.entities import EntityType, as_entity_types
from spanmatch.errors import InputError
from spanmatch.prediction.matcher import SpanMatcher
from spanmatch.prediction.tagger import StreamOptions
from spanmatch.prediction.thresholds import Calibration

FORK = """
import os, sys
from spanmatch import SpanMatcher

matcher = SpanMatcher.from_pretrained("spanmatch-mini", device="cpu")
child = os.fork()
if not child:
    found = matcher.predict(["Ada Lovelace met Charles Babbage in London."] * 20, ["person", "city"])
    print([entity.label for entity in found[19]], flush=True)
    os._exit(0)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
LONG = " ".join(["Ada Lovelace moved to New York, Zoë Müller to Montréal; 马云在杭州."] * 12)


def everything(matcher: SpanMatcher, texts: Sequence[str], batch_size: int = 32) -> list[dict[Key, float]]:
    """The score of every candidate and type of each text."""
    predicted = matcher.predict(texts, TYPES, threshold=EVERYTHING, overlap="multi-label", batch_size=batch_size)
    return [scores_of(entities) for entities in predicted]


class TestDifferences:
    """Two ways to the same scores: whatever the batch, the order, or what was kept."""

    @pytest.fixture
    def texts(self) -> list[str]:
        return [*TEXTS.values(), LONG, "Bob", "", "   "]

    @pytest.mark.parametrize("batch_size", [1, 3])
    def test_batch_of_one_is_batch_of_many(self, batch_size: int, family_matcher: SpanMatcher, texts: list[str]) -> None:
        assert_same(everything(family_matcher, texts, batch_size), everything(family_matcher, texts, 64))

    def test_one_text_is_one_of_many(self, family_matcher: SpanMatcher, texts: list[str]) -> None:
        alone = [scores_of(family_matcher.predict(text, TYPES, threshold=EVERYTHING, overlap="multi-label")) for text in texts]
        assert_same(alone, everything(family_matcher, texts))

    def test_shuffled_is_ordered(self, family_matcher: SpanMatcher, texts: list[str]) -> None:
        order = list(range(len(texts)))
        random.Random(0).shuffle(order)
        shuffled = everything(family_matcher, [texts[index] for index in order], 4)
        ordered = everything(family_matcher, texts, 4)
        assert_same(shuffled, [ordered[index] for index in order])

    def test_twice_is_the_same(self, family_matcher: SpanMatcher, texts: list[str]) -> None:
        assert everything(family_matcher, texts) == everything(family_matcher, texts)

    def test_the_order_of_types_has_no_influence(self, family_matcher: SpanMatcher, texts: list[str]) -> None:
        """... on a bi-encoder."""
        options: dict[str, Any] = {"threshold": EVERYTHING, "overlap": "multi-label"}
        reversed_types = [scores_of(entities) for entities in family_matcher.predict(texts, TYPES[::-1], **options)]
        assert_same(reversed_types, everything(family_matcher, texts))

    def test_types_per_text_are_calls_of_their_own(self, tiny_matcher: SpanMatcher) -> None:
        texts = [TEXTS["plain"], TEXTS["accents"], TEXTS["plain"], LONG]
        types = [["person"], ["company", "city"], {"city": "a place where people live", "person": ""}, ["city", "person"]]
        together = tiny_matcher.predict(texts, types, threshold=EVERYTHING, overlap="multi-label")
        alone = [
            tiny_matcher.predict(text, own, threshold=EVERYTHING, overlap="multi-label")
            for text, own in zip(texts, types, strict=True)
        ]
        assert [{entity.label for entity in found} for found in together] == [set(own) for own in types]
        assert_same([scores_of(found) for found in together], [scores_of(found) for found in alone])

    def test_types_encoded_before_are_types_encoded_now(self, tiny_matcher: SpanMatcher, texts: list[str]) -> None:
        kept = tiny_matcher.encode_types(TYPES)
        assert kept.embeddings.shape == (3, tiny_matcher.config.head_size)
        found = tiny_matcher.predict(texts, kept, threshold=EVERYTHING, overlap="multi-label")
        # Not to the last bit: a type may have been encoded before, among others.
        assert_same([scores_of(entities) for entities in found], everything(tiny_matcher, texts))

    def test_a_type_does_not_depend_on_the_others(self, tiny_matcher: SpanMatcher) -> None:
        together = tiny_matcher.encode_types([*TYPES, *(f"kind {number}" for number in range(70))]).embeddings
        for row, name in enumerate(TYPES):
            torch.testing.assert_close(together[row], tiny_matcher.encode_types([name]).embeddings[0], rtol=0, atol=1e-5)

    def test_examples_are_texts_with_types(self, tiny_matcher: SpanMatcher) -> None:
        types = tuple(EntityType(name=name) for name in TYPES)
        examples = [gold_of(TEXTS["plain"], {"Ada": "person"}, types), make_example(LONG, (), types)]
        streamed = tiny_matcher.stream(
            iter(examples), threshold=EVERYTHING, overlap="multi-label", options=StreamOptions(batch_size=2)
        )
        assert_same([scores_of(found) for found in streamed], everything(tiny_matcher, [TEXTS["plain"], LONG]))

    def test_training_mode_is_left_as_it_was(self, tiny_matcher: SpanMatcher) -> None:
        expected = everything(tiny_matcher, [TEXTS["plain"]])
        tiny_matcher.model.train()
        assert everything(tiny_matcher, [TEXTS["plain"]]) == expected
        assert tiny_matcher.model.training


class TestPredict:
    def test_line_breaks(self, tiny_matcher: SpanMatcher) -> None:
        text = "Name Ada\nCity Bob"

        def crossing(**options: Any) -> bool:
            found = tiny_matcher.predict(text, TYPES, threshold=EVERYTHING, overlap="multi-label", **options)
            return any("\n" in entity.text for entity in found)

        assert not crossing() and not crossing(line_breaks="auto") and not crossing(line_breaks="never")
        assert crossing(line_breaks="cross")
        tiny_matcher.model.matcher_config = replace(tiny_matcher.config, line_breaks="cross")
        tiny_matcher.batcher = replace(tiny_matcher.batcher, config=tiny_matcher.config)
        assert crossing() and not crossing(line_breaks="auto")
        with pytest.raises(InputError, match='unknown line_breaks "cros"; did you mean "cross"'):
            crossing(line_breaks="cros")

    @pytest.mark.parametrize("candidates", ["words", "subwords"])
    def test_nothing_invisible_is_an_entity(self, candidates: str, family: str, encoder_folders: dict[str, Path]) -> None:
        matcher = make_matcher(encoder_folders[family], candidates=candidates)
        text = "\u200bAda\u200b \u200b \u0301 \ufe0f met\u200e Copen\u00adhagen\u2069 \x07\u3164"
        for entity in matcher.predict(text, TYPES, threshold=EVERYTHING, overlap="multi-label"):
            assert is_visible(entity.text) or entity.text == "\u0301"
            assert is_visible(entity.text[0]) or entity.text[0] in "\u0301\ufe0f"
            assert unicodedata.category(entity.text[-1]) not in {"Cf", "Cc", "Zs"}

    def test_tokens_that_cannot_be_seen(self, family_matcher: SpanMatcher) -> None:
        tokens = ["Ada", "\u200b", " ", "met", "\u0301", "Bob", "\ufe0f"]
        text, words = join_tokens(tokens)
        example = Example(where="test:1", text=text, words=words, mentions=(), types=as_entity_types(TYPES))
        [found] = family_matcher.stream([example], threshold=EVERYTHING, overlap="multi-label")
        starts, ends = {entity.start for entity in found}, {entity.end for entity in found}
        visible = [words[0], words[3], words[5]]
        assert starts == {start for start, _ in visible} and ends == {end for _, end in visible}

    @pytest.mark.parametrize("candidates", ["words", "subwords"])
    @pytest.mark.parametrize("overlap", ["flat", "nested", "multi-label"])
    def test_an_entity_is_its_stretch_of_the_text(
        self, overlap: str, candidates: str, family: str, encoder_folders: dict[str, Path]
    ) -> None:
        matcher = make_matcher(encoder_folders[family], candidates=candidates)
        texts = [*TEXTS.values(), LONG]
        for text, entities in zip(texts, matcher.predict(texts, TYPES, threshold=0.01, overlap=overlap), strict=True):
            assert entities
            for entity in entities:
                assert entity.text == text[entity.start : entity.end] == entity.text.strip() != ""
                assert entity.label in TYPES and 0.01 < entity.score <= 1
            assert entities == sorted(entities, key=lambda item: (item.start, item.end))
            if overlap == "flat":
                ends = [entity.end for entity in entities]
                assert all(end <= entity.start for end, entity in zip(ends, entities[1:], strict=False))

    @pytest.mark.parametrize("name", TEXTS)
    def test_every_span_of_words_is_a_candidate(self, name: str, family_matcher: SpanMatcher) -> None:
        [found] = everything(family_matcher, [TEXTS[name]])
        expected = word_spans(TEXTS[name], family_matcher.config.max_span_width)
        # One of the texts has a blank line, which no candidate crosses.
        inside = [(start, end) for start, end in expected if "\n\n" not in TEXTS[name][start:end]]
        assert set(found) == {(start, end, label) for start, end in inside for label in TYPES}

    def test_a_long_text_is_tagged_to_its_end(self, family_matcher: SpanMatcher) -> None:
        """In windows, and every candidate once."""
        example = make_example(LONG)
        [views] = views_per_text([example], family_matcher.batcher.text_tokenizer, candidates="words", max_span_width=4)
        assert len(views) > 4
        [found] = everything(family_matcher, [LONG], batch_size=3)
        assert set(found) == {(start, end, label) for start, end in word_spans(LONG, 4) for label in TYPES}

    def test_a_word_longer_than_the_encoder(self, family_matcher: SpanMatcher) -> None:
        text = f"Ada {'xq7' * 80} Bob"
        [found] = everything(family_matcher, [text])
        assert {(0, 3, "person"), (4, 244, "person"), (245, 248, "person")} <= set(found)

    def test_the_threshold_decides(self, tiny_matcher: SpanMatcher) -> None:
        [scores] = everything(tiny_matcher, [LONG])
        for threshold in (0.3, 0.5, {"person": 0.3, "city": 0.9}):
            limits = threshold if isinstance(threshold, dict) else dict.fromkeys(TYPES, threshold)
            expected = {key for key, score in scores.items() if score > limits.get(key[2], 0.5)}
            found = tiny_matcher.predict(LONG, TYPES, threshold=threshold, overlap="multi-label")
            assert 0 < len(expected) < len(scores)
            assert set(scores_of(found)) == expected

    def test_calibrated_thresholds_are_the_default(self, tiny_matcher: SpanMatcher) -> None:
        half = tiny_matcher.predict(LONG, TYPES)
        assert half == tiny_matcher.predict(LONG, TYPES, threshold=0.5)
        tiny_matcher.calibration = Calibration(threshold=0.9, per_type={"person": 0.2})
        calibrated = tiny_matcher.predict(LONG, TYPES)
        assert calibrated == tiny_matcher.predict(LONG, TYPES, threshold="calibrated") != half
        by_hand = {"person": 0.2, "city": 0.9, TYPES[2]: 0.9}
        assert calibrated == tiny_matcher.predict(LONG, TYPES, threshold=by_hand)

    def test_labels_are_those_of_the_types(self, tiny_matcher: SpanMatcher) -> None:
        described = EntityType(name="person", description="a human being", label="PER")
        named = tiny_matcher.predict(TEXTS["plain"], {"person": "a human being"}, threshold=EVERYTHING, overlap="multi-label")
        found = tiny_matcher.predict(TEXTS["plain"], [described], threshold=EVERYTHING, overlap="multi-label")
        assert {entity.label for entity in found} == {"PER"}
        assert [(entity.start, entity.score) for entity in found] == [(entity.start, entity.score) for entity in named]

    def test_nothing_to_tag(self, tiny_matcher: SpanMatcher) -> None:
        assert tiny_matcher.predict([], TYPES) == []
        assert tiny_matcher.predict("", TYPES) == []
        assert tiny_matcher.predict(["", " \n"], TYPES, threshold=EVERYTHING) == [[], []]

    @pytest.mark.parametrize(
        ("types", "options", "message"),
        [
            ([], {}, "no entity types given"),
            ("person", {}, r'got the text "person"; write \["person"\]'),
            (["person", "person"], {}, "given more than once: person"),
            (["person", " "], {}, "an entity type needs a name"),
            ([["person"], ["city"]], {}, "2 lists of types for 1 texts"),
            (TYPES, {"threshold": 1.5}, "between 0 and 1"),
            (TYPES, {"threshold": 0}, "give a number above 0 and below 1"),
            (TYPES, {"threshold": True}, "must be a number"),
            (TYPES, {"threshold": {"person": 0.1, "Person": 0.9}}, "are one type; remove one of them"),
            (["person", "Person"], {}, '"person" and "Person" are one type'),
            (TYPES, {"overlap": None}, 'unknown overlap "None"'),
            (TYPES, {"threshold": "cls"}, "needs a null slot"),
            (TYPES, {"threshold": {"persn": 0.5}}, 'did you mean "person"'),
            (TYPES, {"overlap": "flatt"}, 'did you mean "flat"'),
            (TYPES, {"batch_size": 0}, "batch_size must be at least 1"),
            (TYPES, {"batch_size": 1.5}, "a whole number, got 1.5"),
            (TYPES, {"batch_size": "8"}, "a whole number, got '8'"),
        ],
    )
    def test_refused(self, types: object, options: dict[str, object], message: str, tiny_matcher: SpanMatcher) -> None:
        with pytest.raises(ValueError, match=message):
            tiny_matcher.predict(["Ada met Bob"], types, **options)  # type: ignore[call-overload]

    @pytest.mark.parametrize("text", [None, float("nan"), 3, ["Ada", "Berg"], b"Ada", "A\ud800da"])
    def test_what_is_no_text(self, text: Any, tiny_matcher: SpanMatcher) -> None:
        """The message has its index."""
        with pytest.raises(InputError, match=r"^texts\[1\] "):
            tiny_matcher.predict(["Ada met Bob", text], TYPES)

    def test_texts_and_types_of_any_kind(self, tiny_matcher: SpanMatcher) -> None:
        texts, options = ["Ada met Bob", "We met in London"], {"threshold": EVERYTHING, "overlap": "multi-label"}
        expected = tiny_matcher.predict(texts, TYPES, **options)  # type: ignore[call-overload]
        kinds: list[Callable[[list[str]], Any]] = [iter, tuple, np.array, lambda items: dict.fromkeys(items).keys()]
        for kind in kinds:
            assert tiny_matcher.predict(kind(texts), kind(TYPES), **options) == expected
        alone = tiny_matcher.predict(texts[0], TYPES, **options)  # type: ignore[call-overload]
        assert tiny_matcher.predict(texts[0], iter(TYPES), **options) == alone  # type: ignore[call-overload]
        assert tiny_matcher.encode_types(iter(TYPES)).types == as_entity_types(TYPES)

    @pytest.mark.parametrize(
        ("examples", "options", "message"),
        [
            ([make_example("Ada", (), as_entity_types(TYPES)), "Ada"], {}, "examples[1] is str, not an Example"),
            ([make_example("Ada", (), as_entity_types(TYPES))], {"threshold": 0}, "above 0 and below 1"),
            ([make_example("Ada", (), as_entity_types(TYPES))], {"threshold": {"city": 0.1, "City": 0.9}}, "are one type"),
        ],
    )
    def test_refused_in_a_stream(
        self, examples: list[Any], options: dict[str, Any], message: str, tiny_matcher: SpanMatcher
    ) -> None:
        with pytest.raises(InputError) as caught:
            list(tiny_matcher.stream(examples, **options))
        assert message in str(caught.value)
        with pytest.raises(InputError) as caught:
            list(tiny_matcher.stream_scored(examples, floor=0.1, **options))
        assert message in str(caught.value)


def test_an_entity_is_json(family_matcher: SpanMatcher) -> None:
    """Its numbers are those of Python, not of NumPy or torch."""
    [entity, *_] = family_matcher.predict(TEXTS["plain"], TYPES, threshold=EVERYTHING)
    assert [type(value) for value in asdict(entity).values()] == [int, int, str, str, float]
    assert json.loads(json.dumps(asdict(entity))) == asdict(entity)


class TestThreadsAndProcesses:
    """A matcher in a web server, in a worker that was forked, and in one that it was sent to."""

    def together(self, matcher: SpanMatcher, inventories: Sequence[Any]) -> None:
        """Ask one matcher for several inventories from several threads; each must get what it gets alone."""
        options: dict[str, Any] = {"threshold": EVERYTHING, "overlap": "multi-label"}
        alone = [scores_of(matcher.predict(TEXTS["plain"], types, **options)) for types in inventories]

        def ask(number: int) -> None:
            for place in random.Random(number).choices(range(len(inventories)), k=20):
                assert_same([scores_of(matcher.predict(TEXTS["plain"], inventories[place], **options))], [alone[place]])

        before = sys.getswitchinterval()
        sys.setswitchinterval(1e-5)
        try:
            with ThreadPoolExecutor(4) as threads:
                list(threads.map(ask, range(4)))
        finally:
            sys.setswitchinterval(before)

    def test_more_types_than_are_kept(self, tiny_matcher: SpanMatcher, monkeypatch: pytest.MonkeyPatch) -> None:
        """... by the cache of embeddings and by the tokenizer."""
        tiny_matcher._types._cache.max_types = 4
        monkeypatch.setattr(tokenizing, "MAX_KEPT", 4)
        self.together(tiny_matcher, [[f"type {number}" for number in range(first, first + 3)] for first in range(10)])

    def test_embeddings_of_several_inventories(self, tiny_matcher: SpanMatcher) -> None:
        inventories = [TYPES, TYPES[::-1], TYPES[:1]]
        self.together(tiny_matcher, [*map(tiny_matcher.encode_types, inventories), *inventories])

    def test_during_a_training(self, tiny_matcher: SpanMatcher) -> None:
        tiny_matcher.model.train()
        self.together(tiny_matcher, [TYPES, TYPES[:1]])
        assert tiny_matcher.model.training

    @pytest.mark.parametrize("copied", [copy.deepcopy, lambda matcher: pickle.loads(pickle.dumps(matcher))])
    def test_a_copy_is_one_of_its_own(self, copied: Callable[[SpanMatcher], SpanMatcher], tiny_matcher: SpanMatcher) -> None:
        texts = list(TEXTS.values())
        expected = everything(tiny_matcher, texts)
        other = copied(tiny_matcher)
        assert_same(everything(other, texts), expected)
        with torch.no_grad():
            for weight in other.model.parameters():
                weight.mul_(0.5)
        assert everything(other, texts) != expected
        assert everything(tiny_matcher, texts) == expected

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
    def test_in_a_forked_process(self) -> None:
        """A fork has none of the threads that OpenMP started before it."""
        environment = offline_environment() | {"OMP_NUM_THREADS": "2"}
        result = end_in_time([sys.executable, "-c", FORK], environment, 100)
        assert (result.status, result.out) == (0, "['person', 'person', 'city']\n"), result.err
        assert "a forked process computes with one thread" in result.err
