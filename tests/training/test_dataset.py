"""What a training step sees: the types drawn for a text, and each gold span once."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from helpers import make_example
from helpers_training import arguments

from spanmatch.data.corpus import read_corpus
from spanmatch.entities import EntityType
from spanmatch.errors import InputError
from spanmatch.prediction.matcher import SpanMatcher
from spanmatch.training.arguments import MatcherArguments
from spanmatch.training.build import build_matcher
from spanmatch.training.config_file import read_config
from spanmatch.training.dataset import TrainingCollator, TrainingViews, training_windows, write_type


class TestTypesOfAText:
    @pytest.fixture
    def views(self, encoder: Path, data: Path, tmp_path: Path) -> Iterator[Any]:
        flags = {"num_negative_types": 1, "type_dropout": 0.3, "type_texts": "mixed"}
        given, training = read_config(arguments(encoder, data / "train.jsonl", tmp_path / "out", **flags), "bi")
        matcher = build_matcher(given, "bi", training)
        views = training_windows(read_corpus(str(data / "train.jsonl")), matcher.batcher)
        yield lambda seed: TrainingViews(views, given, seed)

    @staticmethod
    def drawn(dataset: TrainingViews, order: Any) -> dict[int, Any]:
        return {index: (dataset[index].types, dataset[index].type_texts) for index in order}

    def test_a_function_of_seed_epoch_and_index(self, views: Any) -> None:
        one, other = views(3), views(3)
        for epoch in (0, 1):
            one.set_epoch(epoch)
            other.set_epoch(epoch)
            assert self.drawn(one, range(60)) == self.drawn(other, reversed(range(60)))
        first = self.drawn(one, range(60))
        one.set_epoch(2)
        assert self.drawn(one, range(60)) != first
        reseeded = views(4)
        reseeded.set_epoch(1)
        assert self.drawn(reseeded, range(60)) != first

    def test_global_randomness_has_no_part(self, views: Any) -> None:
        torch.manual_seed(1)
        first = self.drawn(views(3), range(60))
        torch.manual_seed(2)
        assert self.drawn(views(3), range(60)) == first

    def test_a_group_shares_its_negatives(self, tiny_matcher: SpanMatcher) -> None:
        """As far as they are not mentioned: a batch has few type columns, and each is known for many texts."""
        types = tuple(EntityType(name=f"type {index}") for index in range(40))
        examples = [make_example("Ada met Bob", [(0, 3, f"type {index % 4}")], types) for index in range(64)]
        views = [view for own in tiny_matcher.batcher.windows(examples) for view in own]
        dataset = TrainingViews(views, MatcherArguments(text_encoder="unused", num_negative_types=6), 0)
        for group in dataset.group(16).groups(0):
            drawn = {item.key for index in group for item in dataset[index].types}
            assert all(len(dataset[index].types) == 7 for index in group) and len(drawn) <= 10
        assert len({item.key for view in dataset for item in view.types}) > 35


def test_how_a_type_is_written() -> None:
    rng = np.random.default_rng(0)
    described = EntityType(name="city", description="a large town", aliases=("town",))
    assert write_type(described, "name", rng) == "city"
    assert write_type(described, "both", rng) == "city: a large town"
    assert {write_type(described, "mixed", rng) for _ in range(100)} == {
        "city",
        "city: a large town",
        "town",
        "a large town",
    }


def test_every_gold_span_is_trained_once(encoder: Path, long: Path, tmp_path: Path) -> None:
    given, training = read_config(arguments(encoder, long, tmp_path / "out"), "bi")
    matcher = build_matcher(given, "bi", training)
    views = training_windows(read_corpus(str(long)), matcher.batcher)
    assert len(views) > 4
    collator = TrainingCollator(batcher=matcher.batcher)
    dataset = TrainingViews(views, given, 0)
    batch = collator([dataset[index] for index in range(len(views))])
    assert batch["positives"].sum().item() == 40
    assert not (batch["positives"] & ~batch["valid"]).any()
    words = len(read_corpus(str(long)).examples[0].words)
    candidates = sum(words - width for width in range(4))
    assert batch["texts"].candidates.sum().item() == candidates  # each owned by one window
    assert batch["texts"].input_ids.shape[1] <= 64


class TestNoSpan:
    """A training on texts without an entity says so, and why."""

    def test_texts_without_an_entity(self, tiny_matcher: SpanMatcher, tmp_path: Path) -> None:
        file = tmp_path / "a.jsonl"
        file.write_text('{"text": "Ada met Bob"}\n{"text": "Bob", "char_spans": []}\n', encoding="utf-8")
        message = rf"no gold span: 2 texts without an entity, the first is {file}:1; annotate them"
        with pytest.raises(InputError, match=message):
            training_windows(read_corpus(str(file)), tiny_matcher.batcher)

    def test_types_that_are_not_asked_for(self, tiny_matcher: SpanMatcher, tmp_path: Path) -> None:
        file, types = tmp_path / "a.jsonl", tmp_path / "types.json"
        file.write_text('{"text": "Ada met Bob", "char_spans": [{"start": 0, "end": 3, "label": "who"}]}\n', encoding="utf-8")
        types.write_text('{"city": "a town"}', encoding="utf-8")
        message = r'none of its types is asked for \(most often "who", 1 spans\); add the types to entity_types'
        with pytest.raises(InputError, match=message):
            training_windows(read_corpus(str(file), entity_types=str(types)), tiny_matcher.batcher)
