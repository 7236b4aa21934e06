"""What types usually score: the background of a trained matcher, what it is made of, and what it does to types."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers import EVERYTHING, HIDDEN, TYPES, collate_types, gold_of, make_matcher, scores_of
from helpers_e2e import NAMES, sentences, train, write_jsonl, write_tiny_encoder
from safetensors.torch import load_file

from spanmatch.batching.collate import collate_texts
from spanmatch.batching.views import View
from spanmatch.data.words import split_words
from spanmatch.entities import as_entity_types
from spanmatch.errors import InputError
from spanmatch.model.head import bias_of
from spanmatch.model.rivals import NUM_MENTIONS
from spanmatch.prediction.matcher import SpanMatcher
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
        assert not head.background.any() and not head.usual_affinity.any()
        fill_background(matcher, views_of(matcher), 0)
        assert not head.background[:, -2:].any() and head.background[:, :-2].any(dim=1).all()
        expected = mentions(matcher, slot)
        assert len(expected) == NUM_SPANS
        counts = same_rows(head.background[:, :-2], expected[:, :-2]).bincount(minlength=NUM_SPANS)
        assert int(counts.min()) == NUM_MENTIONS // NUM_SPANS and int(counts.max()) <= NUM_MENTIONS // NUM_SPANS + 1

    def test_what_is_usual_by_hand(self, matcher: SpanMatcher) -> None:
        """The mean over the types of the training of their mean over the best fiftieth of the background."""
        fill_background(matcher, views_of(matcher), 0)
        head = matcher.model.head
        with torch.inference_mode():
            bare = [head.embed_types(states_of(matcher, name)) for name in INVENTORY]
        best = [(own[:, :-2] @ head.background[:, :-2].T).sort(descending=True).values[0, :41].mean() for own in bare]
        torch.testing.assert_close(head.usual_affinity, torch.stack(best).mean(), rtol=1e-4, atol=1e-4)
        assert float(torch.stack(best).std()) > 0.1

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
        first = matcher.model.head.background.clone(), matcher.model.head.usual_affinity.clone()
        fill_background(matcher, views_of(matcher), 0)
        assert torch.equal(matcher.model.head.background, first[0]) and torch.equal(matcher.model.head.usual_affinity, first[1])
        assert matcher.model.training

    def test_of_a_cross_encoder(self, tiny_encoder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Mentions and types as they are read together, in each run of types of a text."""
        matcher = make(tiny_encoder, "cross", max_types_per_pass=2)
        head, dataset = matcher.model.head, views_of(matcher)
        monkeypatch.setattr("spanmatch.training.background.NUM_TYPES", 12)  # as many as there are: each counts once
        fill_background(matcher, dataset, 0)
        spans, affinities = [], []
        for window in (window for window in map(dataset.__getitem__, range(len(GOLD))) if window.tokenized.gold):
            passes = matcher.batcher.passes([window])
            assert [len(view.types) for view in passes] == [2, 2]
            for view in passes:
                batch = collate_texts([view], matcher.batcher)
                with torch.inference_mode():
                    states = matcher.model.encode_texts(batch)
                    grid, types = head.represent_spans(states, batch)[0], matcher.model.type_embeddings_behind(states, batch)[0]
                spans += [grid[unit, width] for unit, width, _ in view.tokenized.gold]
                affinities += (types[:, :-2] @ head.background[:, :-2].T).topk(41).values.mean(dim=1).tolist()
        assert len(spans) == 2 * NUM_SPANS and len(affinities) == 12
        counts = same_rows(head.background[:, :-2], torch.stack(spans)[:, :-2]).bincount(minlength=2 * NUM_SPANS)
        assert int(counts.min()) == NUM_MENTIONS // (2 * NUM_SPANS)
        assert float(head.usual_affinity) == pytest.approx(sum(affinities) / len(affinities), rel=1e-4)

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


class TestUse:
    def test_types_that_come_too_easily_are_lowered(self, matcher: SpanMatcher) -> None:
        """Of types that are alike, as they are here, the one that scores higher with the mentions loses more, or gains less."""
        before = matcher.encode_types(INVENTORY).embeddings
        fill_background(matcher, views_of(matcher), 0)
        after = matcher.encode_types(INVENTORY).embeddings
        assert torch.equal(before[:, :-2], after[:, :-2])
        moved = bias_of(after) - bias_of(before)
        best = (before[:, :-2] @ matcher.model.head.background[:, :-2].T).topk(41).values.mean(dim=1)
        expected = matcher.model.head.corrected(before, WEIGHT)
        torch.testing.assert_close(after, expected, rtol=1e-4, atol=1e-4)
        assert moved.argsort()[0] == best.argmax() and moved[best.argmax()] < -0.1 and moved.max() > 0.1

    def test_what_was_kept_is_forgotten(self, matcher: SpanMatcher) -> None:
        """Types that were encoded before, by the caller or by the matcher, are those of another model."""
        text = GOLD[0][0]
        kept, before = matcher.encode_types(TYPES), matcher.predict(text, TYPES, threshold=1e-9, overlap="multi-label")
        fill_background(matcher, views_of(matcher), 0)
        with pytest.raises(InputError, match="those of another model"):
            matcher.predict(text, kept)
        after = matcher.predict(text, TYPES, threshold=1e-9, overlap="multi-label")
        fresh = SpanMatcher(matcher.model, matcher.text_tokenizer, matcher.type_tokenizer)
        assert after == fresh.predict(text, TYPES, threshold=1e-9, overlap="multi-label") != before
        assert matcher.encode_types(TYPES).digest != kept.digest

    @pytest.mark.parametrize("part", ["background", "usual_affinity", "weight"])
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

    def test_types_behind_a_text(self, tiny_encoder: Path) -> None:
        """Each is corrected as that text has it: all of its scores there move by as much."""
        matcher = make(tiny_encoder, "cross")
        head, text = matcher.model.head, GOLD[0][0]
        torch.nn.init.constant_(head.scale, 3.0)

        def logits() -> dict[tuple[int, int, str], float]:
            found = scores_of(matcher.predict(text, TYPES, threshold=EVERYTHING, overlap="multi-label"))
            return {key: math.log(score / (1 - score)) for key, score in found.items()}

        before = logits()
        fill_background(matcher, views_of(matcher), 0)
        after = logits()
        [view] = matcher.batcher.passes(matcher.batcher.windows([gold_of(text, {}, as_entity_types(TYPES))])[0])
        batch = collate_texts([view], matcher.batcher)
        with torch.inference_mode():
            types = matcher.model.type_embeddings_behind(matcher.model.encode_texts(batch), batch)[0]
            moved = bias_of(head.corrected(types, WEIGHT)) - bias_of(types)
        expected = dict(zip(TYPES, moved.tolist(), strict=True))
        assert before.keys() == after.keys() and {label for _, _, label in after} == set(TYPES)
        for key in before:
            assert after[key] - before[key] == pytest.approx(expected[key[2]], abs=1e-3)
        assert max(map(abs, expected.values())) > 0.05

    @pytest.mark.parametrize("architecture", ["bi", "cross"])
    def test_each_text_has_its_own_list(self, architecture: str, tiny_encoder: Path) -> None:
        """A type is corrected by its neighbours in the list of its text, whatever other texts of the batch ask for."""
        matcher = make(tiny_encoder, architecture, max_types_per_pass=2) if architecture == "cross" else make(tiny_encoder)
        fill_background(matcher, views_of(matcher), 0)
        texts = [text for text, _ in GOLD] * 3
        lists = [INVENTORY, INVENTORY[:1], INVENTORY[1:3], INVENTORY[::-1], INVENTORY[2:]] * 3
        options: dict[str, Any] = {"threshold": EVERYTHING, "overlap": "multi-label"}
        together = matcher.predict(texts, lists, **options)
        for text, own, found in zip(texts, lists, together, strict=True):
            alone = matcher.predict(text, own, **options)
            assert scores_of(found) == pytest.approx(scores_of(alone), abs=1e-4) and found
        first, second = (scores_of(matcher.predict(texts[0], own, **options)) for own in (INVENTORY, INVENTORY[:1]))
        shared = first.keys() & second.keys()
        if architecture == "bi":
            assert max(abs(first[key] - second[key]) for key in shared) > 1e-3, "or lists would make no difference here"

    def test_a_list_of_one_type_is_compared_with_the_usual_type_alone(self, matcher: SpanMatcher) -> None:
        before = bias_of(matcher.encode_types(INVENTORY[:1]).embeddings)
        fill_background(matcher, views_of(matcher), 0)
        head = matcher.model.head
        after = matcher.encode_types(INVENTORY[:1]).embeddings
        own = (after[:, :-2] @ head.background[:, :-2].T).topk(41).values.mean(dim=1)
        torch.testing.assert_close(bias_of(after) - before, WEIGHT * 0.2 * (head.usual_affinity - own), rtol=1e-3, atol=1e-4)

    def test_embeddings_of_a_list_are_used_for_that_list_only(self, matcher: SpanMatcher) -> None:
        fill_background(matcher, views_of(matcher), 0)
        text, options = GOLD[0][0], {"threshold": EVERYTHING, "overlap": "multi-label"}
        plain = scores_of(matcher.predict(text, INVENTORY[:2], **options))  # type: ignore[arg-type]
        embedded = matcher.encode_types(INVENTORY)
        whole = scores_of(matcher.predict(text, embedded, **options))  # type: ignore[arg-type]
        assert whole == pytest.approx(scores_of(matcher.predict(text, INVENTORY, **options)), abs=1e-5)  # type: ignore[arg-type]
        assert scores_of(matcher.predict(text, INVENTORY[:2], **options)) == plain  # type: ignore[arg-type]

    def test_saved_is_loaded(self, matcher: SpanMatcher, tmp_path: Path) -> None:
        fill_background(matcher, views_of(matcher), 0)
        matcher.save_pretrained(tmp_path)
        loaded = SpanMatcher.from_pretrained(tmp_path, device="cpu", dtype="float32")
        assert loaded.config.background_weight == WEIGHT
        for name in ("background", "usual_affinity"):
            tensor = getattr(loaded.model.head, name)
            assert tensor.any() and torch.equal(tensor, getattr(matcher.model.head, name))
        expected = matcher.predict([text for text, _ in GOLD], TYPES, threshold=0.2)
        assert loaded.predict([text for text, _ in GOLD], TYPES, threshold=0.2) == expected and any(expected)


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
        assert one["head.background"].any(dim=1).all() and one["head.usual_affinity"].any()
        assert one.keys() == two.keys() and all(torch.equal(one[name], two[name]) for name in one)
        loaded = SpanMatcher.from_pretrained(tmp_path / "one", device="cpu", dtype="float32")
        assert loaded.config.background_weight == 0.8
        assert any(loaded.predict([row["text"] for row in sentences(9, 5)], sorted(NAMES), threshold=0.05))
