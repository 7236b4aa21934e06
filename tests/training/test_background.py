"""The background of a trained matcher: what it is made of, and how it chooses between types that pass for one span."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers import (
    EVERYTHING,
    HIDDEN,
    TEXTS,
    TYPES,
    Key,
    assert_same,
    by_hand,
    collate_types,
    gold_of,
    make_example,
    make_matcher,
    scores_of,
)
from helpers_e2e import NAMES, sentences, train, write_jsonl, write_tiny_encoder
from safetensors.torch import load_file

from spanmatch.batching.collate import collate_texts
from spanmatch.batching.views import View
from spanmatch.data.words import split_words
from spanmatch.entities import as_entity_types
from spanmatch.errors import InputError
from spanmatch.model.head import NUM_MENTIONS
from spanmatch.prediction.matcher import SpanMatcher
from spanmatch.prediction.type_embeddings import TypeEmbeddings
from spanmatch.training.arguments import MatcherArguments
from spanmatch.training.background import fill_background
from spanmatch.training.dataset import TrainingViews

# Names that stand in a text, and what they are; the last has a mention wider than any candidate.
GOLD: list[tuple[str, dict[str, str]]] = [
    ("Ada Lovelace moved to New York.", {"Ada Lovelace": "person", "New York": "city"}),
    ("We met Bob in London", {"Bob": "person", "London": "city"}),
    ("it rained", {}),
    ("Acme Corp hired Charles Babbage", {"Acme Corp": "company", "Charles Babbage": "person"}),
    ("the name of a place where people live", {"name of a place where": "city"}),
]
INVENTORY = ["person", "city", "company", "animal"]
WEIGHT = 0.5
NUM_SPANS = 6


def windows_of(matcher: SpanMatcher, gold: Sequence[tuple[str, dict[str, str]]] = GOLD) -> list[View]:
    """Texts with their gold and one inventory."""
    types = as_entity_types(INVENTORY)
    return [view for own in matcher.batcher.windows([gold_of(text, names, types) for text, names in gold]) for view in own]


def views_of(matcher: SpanMatcher) -> TrainingViews:
    """The same, as a training has them."""
    return TrainingViews(windows_of(matcher), MatcherArguments(text_encoder="unused"), 0)


def make(encoder: Path, architecture: str = "bi", **options: Any) -> SpanMatcher:
    return make_matcher(encoder, architecture, background_weight=WEIGHT, **options)


@pytest.fixture
def matcher(tiny_encoder: Path) -> SpanMatcher:
    """With an empty background."""
    return make(tiny_encoder)


def mentions(matcher: SpanMatcher, slot: str | None = None) -> torch.Tensor:
    """Each gold span by hand, from the states of its text alone: first and last word, activated, above its null slot."""
    head, spans = matcher.model.head, []
    for text, names in GOLD:
        view = windows_of(matcher, [(text, names)])[0]
        batch = collate_texts([view], matcher.batcher)
        with torch.inference_mode():
            states = matcher.model.encode_texts(batch)
            grid = head.represent_spans(states, batch)[0]
            null = head.represent_null(states, slot)
        words = split_words(text)
        for name in names:
            start, end = text.index(name), text.index(name) + len(name)
            first, last = [word[0] for word in words].index(start), [word[1] for word in words].index(end)
            if last - first < matcher.config.max_span_width:
                spans.append(grid[first, last - first] - (0 if null is None else null[0]))
    return torch.stack(spans)


def same_rows(found: torch.Tensor, expected: torch.Tensor) -> torch.Tensor:
    """Which of the expected each row is; all have to be among them."""
    distances = (found[:, None] - expected).abs().amax(dim=2)
    assert float(distances.amin(dim=1).max()) < 1e-5
    return distances.argmin(dim=1)


class TestFilling:
    @pytest.mark.parametrize("slot", [None, "label_token"])
    def test_it_is_made_of_mentions(self, slot: str | None, tiny_encoder: Path) -> None:
        """Gold spans that are candidates, all about as often, without their constant dimensions; above a null slot, if any."""
        matcher = make(tiny_encoder, loss="contrastive") if slot else make(tiny_encoder)
        head = matcher.model.head
        assert head.background is not None and head.background.shape == (NUM_MENTIONS, matcher.config.head_size)
        assert not head.background.any()
        fill_background(matcher, views_of(matcher), 0)
        assert not head.background[:, -2:].any() and head.background[:, :-2].any(dim=1).all()
        expected = mentions(matcher, slot)
        assert len(expected) == NUM_SPANS
        counts = same_rows(head.background[:, :-2], expected[:, :-2]).bincount(minlength=NUM_SPANS)
        assert int(counts.min()) == NUM_MENTIONS // NUM_SPANS and int(counts.max()) <= NUM_MENTIONS // NUM_SPANS + 1

    def test_what_is_preferred_by_hand(self, matcher: SpanMatcher) -> None:
        """Less each type by a share of its mean over the best fiftieth of the background; types that no training had, too."""
        fill_background(matcher, views_of(matcher), 0)
        head, names = matcher.model.head, [*INVENTORY, "a writer", "a river in Asia"]
        with torch.inference_mode():
            bare = [head.embed_types(states_of(matcher, name)) for name in names]
        best = [(own[:, :-2] @ head.background[:, :-2].T).sort(descending=True).values[0, :41].mean() for own in bare]
        preferences = matcher.encode_types(names).preferences
        torch.testing.assert_close(preferences, -WEIGHT * torch.stack(best), rtol=1e-4, atol=1e-4)
        assert float(preferences.std()) > 0.05

    def test_more_mentions_than_it_holds(self, tiny_encoder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """... are drawn by the seed: as often the same, and others with another."""
        for module in ("model.model", "training.background"):
            monkeypatch.setattr(f"spanmatch.{module}.NUM_MENTIONS", 3)
        drawn = []
        for seed in (0, 0, 1, 2, 3, 4):
            matcher = make(tiny_encoder)
            torch.manual_seed(seed + 100)  # which has no part in it
            fill_background(matcher, views_of(matcher), seed)
            drawn.append(matcher.model.head.background.clone())
            assert len(set(same_rows(drawn[-1][:, :-2], mentions(matcher)[:, :-2]).tolist())) == 3
        assert torch.equal(drawn[0], drawn[1])
        assert len({tuple(sorted(own.sum(dim=1).tolist())) for own in drawn}) > 2

    def test_twice_is_the_same(self, matcher: SpanMatcher) -> None:
        """Whatever was there before, and in whichever mode the model is, which stays."""
        matcher.model.train()
        fill_background(matcher, views_of(matcher), 0)
        first = matcher.model.head.background.clone()
        fill_background(matcher, views_of(matcher), 0)
        assert first.any() and torch.equal(matcher.model.head.background, first)
        assert matcher.model.training

    def test_of_a_cross_encoder(self, tiny_encoder: Path) -> None:
        """Mentions as they are read together with types, in each run of types of a text."""
        matcher = make(tiny_encoder, "cross", max_types_per_pass=2)
        head, dataset = matcher.model.head, views_of(matcher)
        fill_background(matcher, dataset, 0)
        spans = []
        for window in (window for window in map(dataset.__getitem__, range(len(GOLD))) if window.tokenized.gold):
            passes = matcher.batcher.passes([window])
            assert [len(view.types) for view in passes] == [2, 2]
            for view in passes:
                batch = collate_texts([view], matcher.batcher)
                with torch.inference_mode():
                    grid = head.represent_spans(matcher.model.encode_texts(batch), batch)[0]
                spans += [grid[unit, width] for unit, width, _ in view.tokenized.gold]
        assert len(spans) == 2 * NUM_SPANS and not head.background[:, -2:].any()
        counts = same_rows(head.background[:, :-2], torch.stack(spans)[:, :-2]).bincount(minlength=2 * NUM_SPANS)
        assert int(counts.min()) == NUM_MENTIONS // (2 * NUM_SPANS)

    def test_a_matcher_without(self, tiny_matcher: SpanMatcher) -> None:
        """... stays as it is."""
        before = {name: tensor.clone() for name, tensor in tiny_matcher.model.state_dict().items()}
        fill_background(tiny_matcher, views_of(tiny_matcher), 0)
        assert tiny_matcher.model.head.background is None and "head.background" not in before
        assert all(torch.equal(tensor, before[name]) for name, tensor in tiny_matcher.model.state_dict().items())


def states_of(matcher: SpanMatcher, name: str) -> torch.Tensor:
    """The state of a type: the mean over its tokens. Shape: (1, H)."""
    batch = collate_types([name], matcher.batcher.lone_type_tokenizer)
    states: torch.Tensor = matcher.model.encoder_of_types(input_ids=batch.input_ids).last_hidden_state.mean(dim=1)
    assert states.shape == (1, HIDDEN)
    return states


# Texts of which several types pass at many spans, and what is asked for in each.
MIXED: list[tuple[str, list[str]]] = [
    (TEXTS["plain"], [*TYPES, "company", "animal"]),
    (TEXTS["accents"], ["animal", "city", "a writer"]),
    (TEXTS["plain"], ["animal", "company", *TYPES[::-1]]),
    (GOLD[3][0], ["person"]),
    (GOLD[0][0], [*TYPES, "company", "animal"]),
    ("", TYPES),
]
THRESHOLD = 0.2


def filled(encoder: Path, architecture: str, **options: Any) -> SpanMatcher:
    """A matcher whose background decides much: it is of what it finds to be anything, and counts in full."""
    matcher = make_matcher(encoder, architecture, background_weight=1.0, **options)
    fill_background(matcher, views_of(matcher), 0)
    assert matcher.model.head.background is not None and matcher.model.head.background.any()
    return matcher


def predicted(matcher: SpanMatcher, texts: list[str], types: Any, overlap: str, **options: Any) -> list[dict[Key, float]]:
    found = matcher.predict(texts, types, threshold=THRESHOLD, overlap=overlap, **options)
    return [scores_of(entities) for entities in found]


def preferences_of(matcher: SpanMatcher, text: str, names: Sequence[str]) -> dict[str, float]:
    """What each type is preferred by in a text: minus the mean over the best fiftieth of the background."""
    background, found = matcher.model.head.background, {}
    assert background is not None
    if not matcher.batcher.is_cross_encoder:
        runs = [(list(names), matcher.encode_types(names).embeddings)]
    else:
        runs = []
        for view in matcher.batcher.passes(matcher.batcher.windows([make_example(text, (), as_entity_types(names))])[0]):
            batch = collate_texts([view], matcher.batcher)
            with torch.inference_mode():
                types = matcher.model.type_embeddings_behind(matcher.model.encode_texts(batch), batch)[0]
            runs.append(([item.name for item in view.types], types))
    for own, types in runs:
        best = (types[:, :-2] @ background[:, :-2].T).topk(41).values.mean(dim=1)
        found |= dict(zip(own, (-matcher.config.background_weight * best).tolist(), strict=True))
    assert found.keys() == set(names)
    return found


class TestUse:
    def test_types_and_scores_stay(self, matcher: SpanMatcher) -> None:
        """Of two types the one that scores higher with the mentions is less preferred, and that is all that changes."""
        texts = [text for text, _ in GOLD]
        before, scores = matcher.encode_types(INVENTORY), predicted(matcher, texts, INVENTORY, "multi-label")
        assert torch.equal(before.preferences, torch.zeros(4))
        fill_background(matcher, views_of(matcher), 0)
        after = matcher.encode_types(INVENTORY)
        assert torch.equal(before.embeddings, after.embeddings)
        assert predicted(matcher, texts, INVENTORY, "multi-label") == scores and sum(map(len, scores)) > 20
        best = (after.embeddings[:, :-2] @ matcher.model.head.background[:, :-2].T).topk(41).values.mean(dim=1)
        assert after.preferences.argsort().tolist() == best.argsort(descending=True).tolist()
        assert float(after.preferences.std()) > 0.05

    @pytest.mark.parametrize("overlap", ["flat", "nested", "multi-label"])
    @pytest.mark.parametrize("loss", ["bce", "contrastive"])
    @pytest.mark.parametrize("architecture", ["bi", "cross"])
    def test_a_list_of_one_type(self, architecture: str, loss: str, overlap: str, tiny_encoder: Path) -> None:
        """The same entities with the same scores as without a background."""
        with_one = filled(tiny_encoder, architecture, loss=loss)
        without = make_matcher(tiny_encoder, architecture, loss=loss)
        assert without.model.head.background is None
        texts = [text for text, _ in [*MIXED, *GOLD]]
        for name in [*TYPES, "animal"]:
            options: dict[str, Any] = {"threshold": None if loss == "contrastive" else THRESHOLD, "overlap": overlap}
            assert with_one.predict(texts, [name], **options) == without.predict(texts, [name], **options)
        everything = {"threshold": "cls-999" if loss == "contrastive" else EVERYTHING, "overlap": overlap}
        found = with_one.predict(texts, ["person"], **everything)  # type: ignore[call-overload]
        assert found == without.predict(texts, ["person"], **everything)  # type: ignore[call-overload]
        assert sum(map(len, found)) > 20

    @pytest.mark.parametrize("overlap", ["flat", "nested"])
    @pytest.mark.parametrize(
        ("architecture", "options"),
        [("bi", {}), ("cross", {}), ("cross", {"max_types_per_pass": 2})],
        ids=["bi", "cross", "cross, several passes"],
    )
    def test_mixed_inventories(self, architecture: str, options: dict[str, Any], overlap: str, tiny_encoder: Path) -> None:
        """Each text of a batch chooses as by itself, and that is by hand; what is chosen has its own score."""
        matcher = filled(tiny_encoder, architecture, **options)
        texts, types = [text for text, _ in MIXED], [names for _, names in MIXED]
        together = predicted(matcher, texts, types, overlap)
        for batch_size in (1, 2):
            assert_same(predicted(matcher, texts, types, overlap, batch_size=batch_size), together)
        alone = [predicted(matcher, [text], names, overlap)[0] for text, names in MIXED]
        assert_same(together, alone)
        passed = [predicted(matcher, [text], names, "multi-label")[0] for text, names in MIXED]
        preferences = [preferences_of(matcher, text, names) if text else {} for text, names in MIXED]
        pairs = list(zip(passed, preferences, strict=True))
        assert_same(together, [by_hand(own, preferred, overlap) for own, preferred in pairs])
        plain = [by_hand(own, {}, overlap) for own, _ in pairs]
        others = {label for own, other in zip(together, plain, strict=True) for _, _, label in own.keys() - other.keys()}
        assert len(others) > 1, "or preferences would not matter"
        if "max_types_per_pass" in options:
            views = matcher.batcher.passes(matcher.batcher.windows([make_example(MIXED[0][0], (), as_entity_types(types[0]))])[0])
            run_of = {item.name: number for number, view in enumerate(views) for item in view.types}
            assert len(views) == 3 and len({run_of[label] for label in others if label in run_of}) > 1

    @pytest.mark.parametrize("architecture", ["bi", "cross"])
    @pytest.mark.parametrize("overlap", ["flat", "nested", "multi-label"])
    def test_what_does_not_pass_suppresses_nothing(self, overlap: str, architecture: str, tiny_encoder: Path) -> None:
        """Types whose threshold nothing reaches are as good as not asked for, in a bi-encoder; in any, no span is lost."""
        matcher = filled(tiny_encoder, architecture)
        [text, names], low = MIXED[0], {name: THRESHOLD for name in MIXED[0][1]}
        passed = predicted(matcher, [text], names, "multi-label")[0]
        assert len({label for _, _, label in passed}) > 2
        for high in names:
            threshold = low | {high: 1 - 1e-12}
            found = scores_of(matcher.predict(text, names, threshold=threshold, overlap=overlap))
            rest = {key: score for key, score in passed.items() if key[2] != high}
            if overlap == "multi-label":
                assert found == rest
            else:
                assert_same([found], [by_hand(rest, preferences_of(matcher, text, names), overlap)])
            if architecture == "bi":
                others = [name for name in names if name != high]
                assert_same([found], [scores_of(matcher.predict(text, others, threshold=THRESHOLD, overlap=overlap))])

    @pytest.mark.parametrize("architecture", ["bi", "cross"])
    def test_scored_in_one_pass(self, architecture: str, tiny_encoder: Path) -> None:
        """Both lists are what a call with their threshold gives."""
        matcher = filled(tiny_encoder, architecture)
        examples = [make_example(text, (), as_entity_types(names)) for text, names in MIXED]
        differ = 0
        for overlap in ("flat", "nested", "multi-label"):
            both = list(matcher.stream_scored(examples, floor=0.05, threshold=0.7, overlap=overlap))
            for found, options in (
                ([first for first, _ in both], {"threshold": 0.7, "overlap": overlap}),
                ([second for _, second in both], {"threshold": 0.05}),
            ):
                expected: Any = matcher.stream(examples, **options)
                assert_same([scores_of(own) for own in found], [scores_of(own) for own in expected])
            differ += sum(first != [item for item in second if item.score > 0.7] for first, second in both)
        assert differ, "or one choice would do for both"

    def test_what_was_kept_is_forgotten(self, matcher: SpanMatcher) -> None:
        """Types that were encoded before, by the caller or by the matcher, are those of another model."""
        text, names = MIXED[0]
        kept, before = matcher.encode_types(names), predicted(matcher, [text], names, "flat")
        fill_background(matcher, views_of(matcher), 0)
        with torch.no_grad():
            matcher.model.head.background.mul_(3)  # so that another type is chosen
        with pytest.raises(InputError, match="those of another model"):
            matcher.predict(text, kept)
        after = predicted(matcher, [text], names, "flat")
        fresh = SpanMatcher(matcher.model, matcher.text_tokenizer, matcher.type_tokenizer)
        assert after == predicted(fresh, [text], names, "flat") != before
        again = matcher.encode_types(names)
        assert again.digest != kept.digest and predicted(matcher, [text], again, "flat") == after

    @pytest.mark.parametrize("part", ["background", "weight"])
    def test_every_part_is_in_the_digest(self, part: str, matcher: SpanMatcher, tmp_path: Path, tiny_encoder: Path) -> None:
        """Else embeddings of one matcher would be taken for those of another."""
        fill_background(matcher, views_of(matcher), 0)
        kept = matcher.encode_types(TYPES)
        matcher.save_pretrained(tmp_path)
        other = SpanMatcher.from_pretrained(tmp_path, device="cpu", dtype="float32")
        assert other.encode_types(TYPES).digest == kept.digest
        if part == "weight":
            other = make_matcher(tiny_encoder, background_weight=0.25)
            other.model.load_state_dict(matcher.model.state_dict())
        else:
            other = SpanMatcher.from_pretrained(tmp_path, device="cpu", dtype="float32")
            with torch.no_grad():
                getattr(other.model.head, part).mul_(1.5)
        assert other.encode_types(TYPES).digest != kept.digest
        with pytest.raises(InputError, match="those of another model"):
            other.predict(GOLD[0][0], kept)

    def test_saved_is_loaded(self, matcher: SpanMatcher, tmp_path: Path) -> None:
        fill_background(matcher, views_of(matcher), 0)
        matcher.save_pretrained(tmp_path)
        loaded = SpanMatcher.from_pretrained(tmp_path, device="cpu", dtype="float32")
        assert loaded.config.background_weight == WEIGHT
        background = loaded.model.head.background
        assert background is not None and background.any() and torch.equal(background, matcher.model.head.background)
        kept = matcher.encode_types(TYPES).preferences
        assert kept.all() and torch.equal(loaded.encode_types(TYPES).preferences, kept)
        expected = matcher.predict([text for text, _ in GOLD], TYPES, threshold=0.2)
        assert loaded.predict([text for text, _ in GOLD], TYPES, threshold=0.2) == expected and any(expected)

    def test_saved_types_are_preferred_as_the_types(self, tiny_encoder: Path, tmp_path: Path) -> None:
        """Through a file, through `prepare`, and through names alone: one choice."""
        matcher = filled(tiny_encoder, "bi")
        text, names = MIXED[0]
        matcher.encode_types(names).save(tmp_path / "types")
        kept, expected = TypeEmbeddings.load(tmp_path / "types"), predicted(matcher, [text], names, "flat")
        assert kept.preferences.all() and predicted(matcher, [text], kept, "flat") == expected
        zeros = replace(kept, preferences=torch.zeros(len(names)))
        assert predicted(matcher, [text], zeros, "flat") != expected, "or preferences would not be read"
        assert predicted(matcher, [text], zeros, "multi-label") == predicted(matcher, [text], names, "multi-label")


class TestTraining:
    @pytest.fixture(scope="class")
    @staticmethod
    def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
        """A tiny encoder, and sentences to train on."""
        folder = tmp_path_factory.mktemp("background")
        return write_tiny_encoder(folder / "encoder"), write_jsonl(folder / "train.jsonl", sentences(40))

    def arguments(self, files: tuple[Path, Path], out: Path, **flags: object) -> list[str]:
        given: dict[str, object] = {"train_file": files[1], "text_encoder": files[0], "output_dir": out, "max_span_width": 4}
        given |= {"per_device_train_batch_size": 8, "learning_rate": 3e-3, "report_to": "none", "save_strategy": "no"}
        given |= {"disable_tqdm": True, "bf16": False, "use_cpu": True, "num_train_epochs": 2} | flags
        return [str(part) for key, value in given.items() for part in (f"--{key}", value)]

    @pytest.mark.parametrize("architecture", ["bi", "cross"])
    def test_it_ends_with_one(self, architecture: str, files: tuple[Path, Path], tmp_path: Path) -> None:
        """What is written has a background; two runs of one seed are one."""
        for name in ("one", "two"):
            result = train(*self.arguments(files, tmp_path / name, background_weight=0.8), architecture=architecture)
            assert result.status == 0, result.err
        one, two = (load_file(tmp_path / name / "model.safetensors") for name in ("one", "two"))
        assert one["head.background"].any(dim=1).all() and "head.usual_affinity" not in one
        assert one.keys() == two.keys() and all(torch.equal(one[name], two[name]) for name in one)
        loaded = SpanMatcher.from_pretrained(tmp_path / "one", device="cpu", dtype="float32")
        assert loaded.config.background_weight == 0.8
        assert any(loaded.predict([row["text"] for row in sentences(9, 5)], sorted(NAMES), threshold=0.05))
