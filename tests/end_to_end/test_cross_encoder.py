"""The cross-encoder: types behind the text in one sequence, and what must not depend on how they were cut or batched."""

import json
import logging
import random
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from helpers import (
    EVERYTHING,
    MAX_POSITION,
    TEXTS,
    TYPES,
    Key,
    StubEncoder,
    assert_same,
    collate_alone,
    gold_of,
    make_example,
    make_matcher,
    scores_of,
    token_ids,
    word_spans,
)

from spanmatch.batching.collate import collate_texts
from spanmatch.batching.tokenizer import THRESHOLD_TOKEN, TYPE_MARKER
from spanmatch.batching.views import View
from spanmatch.data.words import split_words
from spanmatch.entities import EntityType
from spanmatch.errors import InputError
from spanmatch.model.model import text_states, type_states_behind
from spanmatch.prediction.matcher import SpanMatcher
from spanmatch.training.arguments import MatcherArguments
from spanmatch.training.dataset import TrainingCollator, TrainingViews

MANY = [f"kind {number}" for number in range(100)]
# For null slots the same, as a margin.
EVERYTHING_ABOVE = {"bce": EVERYTHING, "contrastive": "cls-999"}
LONG = " ".join(["Ada Lovelace moved to New York, Zoë Müller to Montréal; 马云在杭州."] * 4)
# Texts and types that spell our tokens and those of the encoders.
MARKED = "the [TYPE] of [SPAN_THRESHOLD] and [SEP] or </s> [TYPE] Ada"
MARKED_TYPES = ["[TYPE]", "a [SEP] b", "[SPAN_THRESHOLD] [TYPE] city", "</s>"]


@pytest.fixture(scope="session")
def cross_matcher(family: str, encoder_folders: dict[str, Path]) -> SpanMatcher:
    """A cross-encoder around the tiny encoder of the family. Not to be changed."""
    return make_matcher(encoder_folders[family], "cross")


@pytest.fixture(scope="session")
def contrastive_matcher(family: str, encoder_folders: dict[str, Path]) -> SpanMatcher:
    """The same with two null slots. Not to be changed."""
    return make_matcher(encoder_folders[family], "cross", loss="contrastive")


@pytest.fixture
def tiny_cross(tiny_encoder: Path) -> SpanMatcher:
    """A cross-encoder around the tiny BERT, of at most three types a pass; new for each test."""
    return make_matcher(tiny_encoder, "cross", max_types_per_pass=3)


def types_of(names: Sequence[str]) -> tuple[EntityType, ...]:
    return tuple(EntityType(name=name) for name in names)


def passes_of(matcher: SpanMatcher, *texts_and_types: tuple[str, Sequence[str]]) -> list[View]:
    """The views of some texts, each with its types, as they go through the model."""
    examples = [make_example(text, (), types_of(names)) for text, names in texts_and_types]
    return matcher.batcher.passes([view for own in matcher.batcher.windows(examples) for view in own])


def everything(matcher: SpanMatcher, texts: Sequence[str], types: Any = TYPES, batch_size: int = 32) -> list[dict[Key, float]]:
    """The score of every candidate and type of each text."""
    threshold: Any = EVERYTHING_ABOVE[matcher.config.objective]
    predicted = matcher.predict(texts, types, threshold=threshold, overlap="multi-label", batch_size=batch_size)
    return [scores_of(entities) for entities in predicted]


def token(matcher: SpanMatcher, name: str) -> int:
    found = matcher.text_tokenizer.backend_tokenizer.token_to_id(name)
    assert isinstance(found, int) and found != matcher.text_tokenizer.unk_token_id
    return found


class TestSequence:
    @pytest.mark.parametrize("objective", ["bce", "contrastive"])
    def test_markers_stand_where_they_are_said_to(
        self, objective: str, cross_matcher: SpanMatcher, contrastive_matcher: SpanMatcher
    ) -> None:
        """... and nowhere else, whatever a text or a type spells; behind each one stands its type."""
        matcher = {"bce": cross_matcher, "contrastive": contrastive_matcher}[objective]
        views = passes_of(
            matcher,
            *((text, TYPES[:count]) for text, count in zip(TEXTS.values(), [1, 2, 3] * 4, strict=False)),
            (MARKED, MARKED_TYPES),
            (LONG, MARKED_TYPES + TYPES),
            ("Bob", []),
        )
        batch = collate_texts(views, matcher.batcher)
        marker, suffix = token(matcher, TYPE_MARKER), matcher.batcher.text_tokenizer.suffix
        for row, view in enumerate(views):
            expected = (batch.input_ids[row] == marker).nonzero().flatten().tolist()
            assert batch.type_token[row, : len(view.types)].tolist() == expected
            length = int(batch.attention_mask[row].sum())
            bounds = [*expected, length - len(suffix)]
            assert batch.type_last[row, : len(view.types)].tolist() == [stop - 1 for stop in bounds[1:]]
            assert not batch.type_token[row, len(view.types) :].any() and not batch.type_last[row, len(view.types) :].any()
            written = [batch.input_ids[row, start + 1 : stop].tolist() for start, stop in pairwise(bounds)]
            alone = [token_ids([text], matcher.batcher.text_tokenizer)[0] for text in view.type_texts]
            assert written == alone
            assert tuple(batch.input_ids[row, length - len(suffix) : length].tolist()) == suffix

    def test_text_and_types_are_apart(self, cross_matcher: SpanMatcher) -> None:
        """As a pair of sequences, the way that the encoder has learnt: what stands between is the tokenizer's own."""
        [view] = passes_of(cross_matcher, ("Ada met Bob", ["person"]))
        batch = collate_texts([view], cross_matcher.batcher)
        tokenizer, marker = cross_matcher.text_tokenizer, token(cross_matcher, TYPE_MARKER)
        pair = tokenizer("Ada met Bob", "person")["input_ids"]
        own = batch.input_ids[0].tolist()
        at = own.index(marker)
        assert own[:at] + own[at + 1 :] == pair
        segments = [int(place >= at) for place in range(len(own))]
        assert batch.segment_ids.tolist() == [segments]

    def test_a_type_is_the_mean_over_its_tokens(self, cross_matcher: SpanMatcher) -> None:
        """Without its marker, by hand; where a text has fewer types, what stands for the missing is a number all the same."""
        views = passes_of(
            cross_matcher, ("Ada met Bob", ["city", "a person"]), ("Bob", ["city"]), ("Ada met Bob in New York", [])
        )
        batch = collate_texts(views, cross_matcher.batcher)
        states = torch.randn(*batch.input_ids.shape, 5, generator=torch.Generator().manual_seed(0))
        found = type_states_behind(states, batch)
        assert found.shape == (3, 2, 5) and found.isfinite().all()
        marker, suffix = token(cross_matcher, TYPE_MARKER), len(cross_matcher.batcher.text_tokenizer.suffix)
        for row, view in enumerate(views):
            starts = (batch.input_ids[row] == marker).nonzero().flatten().tolist()
            bounds = [*starts, int(batch.attention_mask[row].sum()) - suffix]
            assert len(starts) == len(view.types)
            for column, (start, stop) in enumerate(pairwise(bounds)):
                torch.testing.assert_close(found[row, column], states[row, start + 1 : stop].mean(dim=0))

    def test_segments(self, cross_matcher: SpanMatcher) -> None:
        """1 from the first type on, in every row of its own; a text without types is a text from end to end."""
        views = passes_of(cross_matcher, ("Ada met Bob", TYPES), ("Bob", ["city"]), ("Ada met Bob in New York", []))
        batch = collate_texts(views, cross_matcher.batcher)
        for row, view in enumerate(views):
            first = batch.type_token[row, 0].item() if view.types else batch.input_ids.shape[1]
            length = int(batch.attention_mask[row].sum())
            assert batch.segment_ids[row, :length].tolist() == [int(place >= first) for place in range(length)]

    def test_segments_reach_an_encoder_that_has_them(self, tiny_cross: SpanMatcher) -> None:
        batch = collate_texts(passes_of(tiny_cross, ("Ada met Bob", TYPES)), tiny_cross.batcher)
        with torch.inference_mode():
            before = tiny_cross.model.encode_texts(batch)
            without = text_states(StubEncoder(len(tiny_cross.text_tokenizer)), batch)  # takes no others than ids and mask
            batch.segment_ids.zero_()
            assert not torch.equal(before, tiny_cross.model.encode_texts(batch))
        assert without.shape[:2] == batch.input_ids.shape

    @pytest.mark.parametrize("name", TEXTS)
    def test_offsets_do_not_move(self, name: str, contrastive_matcher: SpanMatcher) -> None:
        """Whatever types stand behind: units, candidates and the tokens of the text are as without any."""
        batcher = contrastive_matcher.batcher
        bare = None
        for types in ([], ["person"], MARKED_TYPES, TYPES):
            views = passes_of(contrastive_matcher, (TEXTS[name], types))
            for view in views:
                batch = collate_texts([view], batcher)
                alone = collate_alone([view], batcher.text_tokenizer, batcher.config.max_span_width)
                stop = len(batcher.text_tokenizer.prefix) + view.end_token - view.start_token
                own = (batch.first_token, batch.last_token, batch.candidates, batch.input_ids[:, :stop])
                for tensor, same in zip(
                    own, (alone.first_token, alone.last_token, alone.candidates, alone.input_ids), strict=True
                ):
                    assert torch.equal(tensor, same[:, :stop] if same is alone.input_ids else same)
                if view.is_owned is None:
                    bare = own if bare is None else bare
                    assert all(torch.equal(tensor, same) for tensor, same in zip(own, bare, strict=True))

    def test_slots_stand_in_front(self, contrastive_matcher: SpanMatcher) -> None:
        [view] = passes_of(contrastive_matcher, ("[SPAN_THRESHOLD] [CLS] <s>", ["[CLS]"]))
        ids = collate_texts([view], contrastive_matcher.batcher).input_ids[0]
        slots = {"cls": contrastive_matcher.text_tokenizer.cls_token, "label_token": THRESHOLD_TOKEN}
        assert contrastive_matcher.config.null_slots == {"cls": 0, "label_token": 1}
        for slot, name in slots.items():
            assert (ids == token(contrastive_matcher, name)).nonzero().flatten().tolist() == [
                contrastive_matcher.config.null_slots[slot]
            ]

    def test_literal_tokens_stay_text(self, contrastive_matcher: SpanMatcher, tmp_path: Path) -> None:
        """In a matcher that was saved and loaded, too: each can be found as a span of its own."""
        contrastive_matcher.save_pretrained(tmp_path)
        loaded = SpanMatcher.from_pretrained(tmp_path, device="cpu", dtype="float32")
        [found] = everything(contrastive_matcher, [MARKED], MARKED_TYPES)
        assert set(found) == {(*span, name) for span in word_spans(MARKED, 4) for name in MARKED_TYPES}
        assert_same(everything(loaded, [MARKED], MARKED_TYPES), [found])
        views = passes_of(loaded, (MARKED, MARKED_TYPES))
        batch, marker = collate_texts(views, loaded.batcher), token(loaded, TYPE_MARKER)
        assert (batch.input_ids == marker).sum() == sum(len(view.types) for view in views)

    @pytest.mark.parametrize("max_length", [8, 20, 32])
    def test_no_sequence_is_too_long(self, max_length: int, family: str, encoder_folders: dict[str, Path]) -> None:
        matcher = make_matcher(encoder_folders[family], "cross", max_length=max_length, loss="contrastive")
        views = passes_of(matcher, (LONG, [*MANY, "a " * 100, "word " * 30]), ("x" * 200, TYPES))
        lengths = collate_texts(views, matcher.batcher).attention_mask.sum(dim=1)
        assert lengths.max() <= MAX_POSITION
        # The room is used: some run of types fills it but for less than another type.
        assert lengths.max() > MAX_POSITION - 12

    def test_a_type_too_long_is_cut_and_told(self, cross_matcher: SpanMatcher, caplog: pytest.LogCaptureFixture) -> None:
        long = "a " * 100 + "b"
        with caplog.at_level(logging.WARNING):
            [first, second, third] = views = passes_of(cross_matcher, ("Ada met Bob", ["person", long, "city"]))
        assert [[item.name for item in view.types] for view in (first, second, third)] == [["person"], [long], ["city"]]
        room = cross_matcher.batcher.type_tokenizer.max_tokens
        assert f"only {room} are read" in caplog.text
        batch = collate_texts(views, cross_matcher.batcher)
        assert int(batch.attention_mask[1].sum() - batch.type_token[1, 0]) == 1 + room + len(
            cross_matcher.batcher.text_tokenizer.suffix
        )


class TestRuns:
    def test_every_cell_is_scored_once(self, cross_matcher: SpanMatcher) -> None:
        """Windows times runs: `scores_of` refuses a cell that is there twice."""
        views = passes_of(cross_matcher, (LONG, MANY[:12]))
        num_windows = len(cross_matcher.batcher.windows([make_example(LONG)])[0])
        assert num_windows > 2 and len(views) >= 2 * num_windows
        [found] = everything(cross_matcher, [LONG], MANY[:12], batch_size=5)
        assert set(found) == {(*span, name) for span in word_spans(LONG, 4) for name in MANY[:12]}

    def test_a_hundred_types(self, cross_matcher: SpanMatcher) -> None:
        [found] = everything(cross_matcher, ["Ada met Bob"], MANY)
        assert set(found) == {(*span, name) for span in word_spans("Ada met Bob", 4) for name in MANY}
        views = passes_of(cross_matcher, ("Ada met Bob", MANY))
        assert all(len(view.types) <= (cross_matcher.config.max_types or 0) for view in views)

    def test_a_run_is_scored_as_a_call_of_its_own(self, tiny_cross: SpanMatcher) -> None:
        """What a type scores depends on its run alone, not on the other runs."""
        names = MANY[:8]
        [whole] = everything(tiny_cross, [LONG], names)
        runs = [[item.name for item in view.types] for view in passes_of(tiny_cross, ("Bob", names))]
        assert [len(run) for run in runs] == [2, 3, 3]
        parts: dict[Key, float] = {}
        for run in runs:
            parts |= everything(tiny_cross, [LONG], run)[0]
        assert_same([parts], [whole])
        # ... and it does depend on it, or this would not be a cross-encoder.
        [alone] = everything(tiny_cross, [LONG], names[:1])
        assert any(abs(score - whole[key]) > 1e-3 for key, score in alone.items())


class TestDifferences:
    """Two ways to the same scores: whatever the batch, the order, or what was kept."""

    @pytest.fixture
    @staticmethod
    def texts() -> list[str]:
        return [*TEXTS.values(), LONG, MARKED, "Bob", "", "   "]

    @pytest.fixture(params=["bce", "contrastive"])
    def matcher(
        self, request: pytest.FixtureRequest, cross_matcher: SpanMatcher, contrastive_matcher: SpanMatcher
    ) -> SpanMatcher:
        return {"bce": cross_matcher, "contrastive": contrastive_matcher}[request.param]

    @pytest.mark.parametrize("batch_size", [1, 3])
    def test_batch_of_one_is_batch_of_many(self, batch_size: int, matcher: SpanMatcher, texts: list[str]) -> None:
        assert_same(everything(matcher, texts, MANY[:7], batch_size), everything(matcher, texts, MANY[:7], 64))

    def test_shuffled_is_ordered(self, matcher: SpanMatcher, texts: list[str]) -> None:
        order = list(range(len(texts)))
        random.Random(0).shuffle(order)
        shuffled = everything(matcher, [texts[index] for index in order], batch_size=4)
        ordered = everything(matcher, texts, batch_size=4)
        assert_same(shuffled, [ordered[index] for index in order])

    def test_twice_is_the_same(self, matcher: SpanMatcher, texts: list[str]) -> None:
        assert everything(matcher, texts) == everything(matcher, texts)

    def test_saved_is_loaded(self, matcher: SpanMatcher, texts: list[str], tmp_path: Path) -> None:
        matcher.save_pretrained(tmp_path)
        loaded = SpanMatcher.from_pretrained(tmp_path, device="cpu", dtype="float32")
        assert loaded.config == matcher.config
        assert_same(everything(loaded, texts, MANY[:7]), everything(matcher, texts, MANY[:7]))
        assert_same(*(list(map(scores_of, either.predict(texts, TYPES))) for either in (loaded, matcher)))
        assert json.loads((tmp_path / "config.json").read_text(encoding="utf-8"))["architecture"] == "cross"
        assert not (tmp_path / "type_tokenizer").exists()

    def test_types_per_text_are_calls_of_their_own(self, matcher: SpanMatcher) -> None:
        texts = [TEXTS["plain"], TEXTS["accents"], TEXTS["plain"], LONG, "Bob"]
        types: list[Any] = [
            ["person"],
            ["company", "city"],
            {"city": "a place where people live", "person": ""},
            MANY[:8],
            TYPES,
        ]
        together = everything(matcher, texts, types)
        assert [{label for _, _, label in found} for found in together] == [set(own) for own in types]
        assert_same(together, [everything(matcher, [text], own)[0] for text, own in zip(texts, types, strict=True)])

    def test_a_text_without_types_is_not_tagged(self, matcher: SpanMatcher) -> None:
        """An example that was annotated for nothing: alone, and beside one that was."""
        bare, full = make_example("Ada met Bob"), make_example("Ada met Bob", (), types_of(TYPES))
        threshold: Any = EVERYTHING_ABOVE[matcher.config.objective]
        assert list(matcher.stream([bare], threshold=threshold)) == [[]]
        found = list(matcher.stream([bare, full, bare], threshold=threshold, overlap="multi-label"))
        assert [len(entities) for entities in found] == [0, 6 * 3, 0]
        assert_same([scores_of(found[1])], everything(matcher, ["Ada met Bob"]))

    def test_the_slots_differ(self, contrastive_matcher: SpanMatcher) -> None:
        found = {
            slot: scores_of(contrastive_matcher.predict(LONG, TYPES, threshold=slot, overlap="multi-label"))
            for slot in ("cls", "label_token")
        }
        assert found["cls"] != found["label_token"] and any(found.values())
        assert all(score > 0.5 for entities in found.values() for score in entities.values())

    def test_types_cannot_be_encoded_apart(self, cross_matcher: SpanMatcher) -> None:
        with pytest.raises(InputError, match="a cross-encoder reads types with each text"):
            cross_matcher.encode_types(TYPES)


def above_half(layer: torch.Tensor) -> torch.Tensor:
    """What is below zero counts half."""
    return torch.where(layer > 0, layer, layer / 2)


class TestTraining:
    """What a step sees is what a prediction sees."""

    TEXT = "Ada Lovelace met Bob in New York"

    def windows(self, matcher: SpanMatcher, names: Sequence[str]) -> list[View]:
        example = gold_of(self.TEXT, {"Ada Lovelace": "kind 0", "New York": "kind 4"}, types_of(names))
        [windows] = matcher.batcher.windows([example])
        return windows

    def test_runs_are_those_of_a_prediction(self, tiny_cross: SpanMatcher) -> None:
        """The same list of types is cut the same way, to the same tensors and the same scores."""
        names = MANY[:8]
        windows = self.windows(tiny_cross, names)
        step = TrainingCollator(batcher=tiny_cross.batcher)(windows)
        assert step["types"] is None and step["positives"].shape == step["valid"].shape == (3, 7, 4, 3)
        texts = collate_texts(passes_of(tiny_cross, (self.TEXT, names)), tiny_cross.batcher)
        assert torch.equal(step["texts"].input_ids, texts.input_ids)
        assert torch.equal(step["texts"].type_token, texts.type_token)
        with torch.inference_mode():
            logits = tiny_cross.model(step["texts"], None).spans.logits
        [predicted] = everything(tiny_cross, [self.TEXT], names)
        words, seen = split_words(self.TEXT), {}
        views = tiny_cross.batcher.passes(windows)
        for row, unit, extra, column in step["valid"].nonzero().tolist():
            key = (words[unit][0], words[unit + extra][1], views[row].types[column].label)
            assert key not in seen
            seen[key] = torch.sigmoid(logits[row, unit, extra, column]).item()
        assert_same([seen], [predicted])

    def test_gold_stands_in_the_run_of_its_type(self, tiny_cross: SpanMatcher) -> None:
        windows = self.windows(tiny_cross, MANY[:8])
        step, views = TrainingCollator(batcher=tiny_cross.batcher)(windows), tiny_cross.batcher.passes(windows)
        found = {
            (views[row].types[column].label, unit, extra) for row, unit, extra, column in step["positives"].nonzero().tolist()
        }
        assert found == {("kind 0", 0, 1), ("kind 4", 5, 1)} and step["positives"].sum() == 2
        # Types that only pad a row are no types.
        assert [int(row.any(dim=(0, 1)).sum()) for row in step["valid"]] == [len(view.types) for view in views] == [2, 3, 3]

    def test_texts_with_and_without_types(self, tiny_cross: SpanMatcher) -> None:
        """A step on a text that was annotated for nothing teaches nothing of it, and goes through."""
        examples = [make_example(self.TEXT), gold_of(self.TEXT, {"Bob": "person"}, types_of(TYPES))]
        windows = [view for own in tiny_cross.batcher.windows(examples) for view in own]
        for chosen in (windows, windows[:1]):
            step = TrainingCollator(batcher=tiny_cross.batcher)(chosen)
            scores = tiny_cross.model(step["texts"], None)
            assert not step["valid"][0].any()
            assert scores.spans.logits.shape == step["valid"].shape and scores.spans.logits.isfinite().all()

    def test_the_order_of_types_is_drawn(self, tiny_cross: SpanMatcher) -> None:
        """By seed, epoch and position alone; what is present does not come first."""
        windows = self.windows(tiny_cross, MANY[:8]) * 60
        arguments = MatcherArguments(text_encoder="unused", num_negative_types=5)

        def orders(seed: int, epoch: int = 0) -> list[list[str]]:
            dataset = TrainingViews(windows, arguments, seed)
            dataset.set_epoch(epoch)
            return [[item.label for item in dataset[index].types] for index in range(len(windows))]

        first = orders(1)
        torch.manual_seed(7)
        np.random.seed(7)
        random.seed(7)
        assert orders(1) == first
        assert orders(2) != first and orders(1, epoch=1) != first
        assert all(len(order) == 7 and {"kind 0", "kind 4"} <= set(order) for order in first)
        places = [order.index("kind 0") for order in first]
        assert set(places) == set(range(7)) and max(map(places.count, places)) < 20

    @pytest.mark.parametrize("architecture", ["bi", "cross"])
    def test_slots_and_boundaries_by_hand(self, architecture: str, tiny_encoder: Path) -> None:
        """A slot is a span of one token with a width of its own; a start (an end) is that term of the first layer alone."""
        matcher = make_matcher(tiny_encoder, architecture, loss="contrastive")
        model, head = matcher.model, matcher.model.head
        step = TrainingCollator(batcher=matcher.batcher)(self.windows(matcher, MANY[:5]))
        texts, types = step["texts"], step["types"]
        with torch.inference_mode():
            scores = model(texts, types, boundaries=True)
            states = model.encode_texts(texts)
            columns = (
                model.type_embeddings_behind(states, texts)[0]
                if types is None
                else torch.cat([model.type_embeddings(own) for own in types])
            )
            # The last two dimensions of a type are a bias, which null slots leave out: here zero.
            assert not columns[:, -2:].any()
            starts, ends = (above_half(projection(states[0])) for projection in (head.start_proj, head.end_proj))
            slots = [
                above_half(
                    head.start_proj(states[0, place]) + head.end_proj(states[0, place]) + head.width_embedding.weight[-2 + slot]
                )
                for slot, place in enumerate(matcher.config.null_slots.values())
            ]
            expected = {
                "spans": torch.stack(slots) @ columns.T,
                "starts": starts[:2] @ columns.T,
                "ends": ends[:2] @ columns.T,
            }
            for name, nulls in expected.items():
                torch.testing.assert_close(getattr(scores, name).nulls[0], nulls, rtol=1e-4, atol=1e-5)
            for found, part, places in ((scores.starts, starts, texts.first_token), (scores.ends, ends, texts.last_token)):
                assert found is not None and found.logits.shape == (1, 7, 1, 5)
                torch.testing.assert_close(found.logits[0, :, 0], part[places[0]] @ columns.T, rtol=1e-4, atol=1e-5)

    def test_every_weight_learns(self, contrastive_matcher: SpanMatcher, cross_matcher: SpanMatcher) -> None:
        """A weight without a gradient breaks data-parallel training."""
        for matcher, boundaries in ((cross_matcher, False), (contrastive_matcher, False), (contrastive_matcher, True)):
            model = matcher.model
            step = TrainingCollator(batcher=matcher.batcher)(self.windows(matcher, MANY[:8]))
            model.zero_grad(set_to_none=True)
            scores = model(step["texts"], None, boundaries=boundaries)
            parts = [scores.spans, *([scores.starts, scores.ends] if boundaries else [])]
            total = sum(part.logits.sum() + (0 if part.nulls is None else part.nulls.sum()) for part in parts)
            total.backward()
            assert not [name for name, weight in model.named_parameters() if weight.grad is None]
            model.zero_grad(set_to_none=True)
