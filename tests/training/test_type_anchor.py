"""Types as they were known before a training: what is kept of them, and what holds a tower to it."""

from pathlib import Path
from typing import Any

import pytest
import torch
from helpers import HIDDEN, TEXTS, TYPES, collate_types, gold_of, make_matcher, token_ids
from helpers_e2e import NAMES, read_json, sentences, train, write_jsonl, write_tiny_encoder
from safetensors.torch import load_file

from spanmatch.batching.collate import TypeBatch
from spanmatch.batching.tokenizer import SequenceTokenizer
from spanmatch.entities import as_entity_types
from spanmatch.model.encoders import PretrainedEncoder, load_pretrained
from spanmatch.model.model import type_states
from spanmatch.prediction.matcher import SpanMatcher
from spanmatch.training import type_anchor as anchoring
from spanmatch.training.arguments import MatcherArguments
from spanmatch.training.dataset import TrainingCollator, TrainingViews
from spanmatch.training.type_anchor import TypeAnchor, drift

MANY = [*TYPES, "company", "a", "city that is a company"]


def states_of(loaded: PretrainedEncoder, texts: list[str]) -> torch.Tensor:
    """Each type's state, read alone. Shape: (C, H)."""
    tokenizing = SequenceTokenizer.of(loaded.tokenizer, 64)
    ids = [torch.tensor([[*tokenizing.prefix, *own, *tokenizing.suffix]]) for own in token_ids(texts, tokenizing)]
    with torch.inference_mode():
        return torch.cat([loaded.model.eval()(input_ids=own).last_hidden_state.mean(dim=1) for own in ids])


def disturb(model: torch.nn.Module, share: float) -> None:
    """Move every weight, as a training does."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weight in model.parameters():
            weight += share * weight.std(correction=0) * torch.randn(weight.shape, generator=generator)


class TestAnchor:
    def test_states_are_those_of_the_original(self, tiny_encoder: Path) -> None:
        """... however the tower moves, also in a training's mode, where it has dropout."""
        matcher = make_matcher(tiny_encoder)
        anchor = TypeAnchor(matcher.model, matcher.batcher)
        disturb(matcher.model, 0.5)
        matcher.model.train()
        found = anchor.states(MANY)
        assert found.dtype == torch.float32 and not found.requires_grad
        expected = states_of(load_pretrained(str(tiny_encoder)), MANY)
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)
        assert torch.equal(anchor.states(MANY[::-1] + MANY[:2]), torch.cat([found.flip(0), found[:2]]))
        assert all(weight.requires_grad for weight in matcher.model.parameters())

    def test_they_may_have_one_length(self, tiny_encoder: Path) -> None:
        """... the direction of a state, and of the anchor as of what the tower gives."""
        matcher = make_matcher(tiny_encoder, normalize_types=True)
        anchor = TypeAnchor(matcher.model, matcher.batcher)
        found, expected = anchor.states(MANY), states_of(load_pretrained(str(tiny_encoder)), MANY)
        torch.testing.assert_close(found, torch.nn.functional.normalize(expected, dim=-1), rtol=0, atol=1e-5)
        given = matcher.model.type_states(collate_types(MANY, matcher.batcher.lone_type_tokenizer))
        torch.testing.assert_close(given.detach(), found, rtol=0, atol=1e-5)

    @pytest.mark.parametrize("max_kept", [1 << 17, 4])
    def test_each_is_encoded_once(self, max_kept: int, tiny_encoder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """... unless more are asked for than are kept; then they are right all the same."""
        matcher = make_matcher(tiny_encoder)
        anchor, encoded = TypeAnchor(matcher.model, matcher.batcher), []

        def counting(encoder: Any, batch: TypeBatch, pooling: str, **options: Any) -> torch.Tensor:
            encoded.append(len(batch.input_ids))
            return type_states(encoder, batch, pooling, **options)

        monkeypatch.setattr(anchoring, "type_states", counting)
        monkeypatch.setattr(anchoring, "MAX_KEPT", max_kept)
        expected = states_of(load_pretrained(str(tiny_encoder)), MANY)
        for places in ([0, 1, 0], [1, 2], [2, 0, 1], [3, 4], [0, 3, 5, 4, 1, 2]):
            found = anchor.states([MANY[place] for place in places])
            torch.testing.assert_close(found, expected[places], rtol=0, atol=1e-5)
        assert sum(encoded) == (6 if max_kept > 4 else 2 + 1 + 0 + 2 + 6)

    def test_a_separate_encoder_is_frozen(self, tiny_encoder: Path) -> None:
        matcher = make_matcher(tiny_encoder, type_encoder="separate")
        anchor = TypeAnchor(matcher.model, matcher.batcher)
        for encoder in (matcher.model.type_encoder, anchor.encoder):
            assert encoder is not None and not any(weight.requires_grad for weight in encoder.parameters())
        assert all(weight.requires_grad for weight in matcher.model.text_encoder.parameters())


class TestDrift:
    def test_by_hand(self) -> None:
        """Squared distance over squared length: (1 + 4) / (9 + 16)."""
        assert float(drift(torch.tensor([[4.0, 0.0], [0.0, 2.0]]), torch.tensor([[3.0, 0.0], [0.0, 4.0]]))) == pytest.approx(0.2)

    def test_it_grows_as_a_tower_moves(self, tiny_encoder: Path) -> None:
        matcher = make_matcher(tiny_encoder)
        anchor = TypeAnchor(matcher.model, matcher.batcher)

        def now() -> float:
            states = type_states(matcher.model.text_encoder, collate_types(MANY, matcher.batcher.lone_type_tokenizer), "mean")
            return float(drift(states.detach(), anchor.states(MANY)))

        seen = [now()]
        for _ in range(3):
            disturb(matcher.model.text_encoder, 0.05)
            seen.append(now())
        assert seen[0] < 1e-10 < 1e-3 < seen[1] < seen[2] < seen[3]


class TestSteps:
    """What a step of an anchored training sees."""

    TEXT = TEXTS["plain"]

    def step(self, matcher: SpanMatcher, num_anchored: int) -> dict[str, Any]:
        types = as_entity_types([*TYPES, "company", *(f"kind {number}" for number in range(9))])
        examples = [gold_of(self.TEXT, {"Ada Lovelace": "person", "New York": "city"}, types), gold_of("Bob", {}, types)]
        windows = [view for own in matcher.batcher.windows(examples) for view in own]
        dataset = TrainingViews(windows, MatcherArguments(text_encoder="unused"), 0)
        return TrainingCollator(batcher=matcher.batcher, num_anchored=num_anchored)([dataset[0], dataset[1]])

    def test_types_stand_in_the_order_of_the_columns(self, tiny_matcher: SpanMatcher) -> None:
        step = self.step(tiny_matcher, 8)
        assert len(step["type_texts"]) == step["positives"].shape[3] == 13
        cells = step["positives"].nonzero().tolist()
        found = {(row, unit, width, step["type_texts"][column]) for row, unit, width, column in cells}
        assert found == {(0, 0, 1, "person"), (0, 4, 1, "city")}

    def test_half_is_types_and_half_is_phrases(self, tiny_matcher: SpanMatcher) -> None:
        """As the tensors have them, in that order; phrases are up to three words of the texts."""
        step, tokenizing = self.step(tiny_matcher, 12), tiny_matcher.batcher.type_tokenizer
        held = step["anchored_texts"]
        ids = [
            row[mask.bool()].tolist()[1:-1]
            for own in step["types"]
            for row, mask in zip(own.input_ids, own.attention_mask, strict=True)
        ]
        assert ids == token_ids(held, tokenizing)
        phrases = [text for text in held if text not in step["type_texts"]]
        assert len(held) == 12 and len(phrases) == 6
        assert all(text in self.TEXT or text == "Bob" for text in phrases)
        assert {len(text.split()) for text in phrases} <= {1, 2, 3}
        assert len({text for text in held if text in step["type_texts"]}) == 6

    def test_none_is_held_where_nothing_moves(self, tiny_matcher: SpanMatcher) -> None:
        step = self.step(tiny_matcher, 0)
        assert step["types"] == [] and step["anchored_texts"] == [] and len(step["type_texts"]) == 13
        outputs = tiny_matcher.model(step["texts"], [], anchors_CH=torch.randn(13, HIDDEN))
        assert outputs.type_states is None and outputs.spans.logits.shape == step["positives"].shape

    def test_scores_are_those_of_the_anchors(self, tiny_matcher: SpanMatcher) -> None:
        """What the tower makes of types now has no part in them; it is handed on, to be compared."""
        model, step = tiny_matcher.model, self.step(tiny_matcher, 8)
        anchor = TypeAnchor(model, tiny_matcher.batcher)
        types = collate_types(step["type_texts"], tiny_matcher.batcher.lone_type_tokenizer)
        expected = model(step["texts"], [types]).spans.logits
        anchors = anchor.states(step["type_texts"])
        scores = model(step["texts"], step["types"], anchors_CH=anchors)
        torch.testing.assert_close(scores.spans.logits, expected, rtol=1e-4, atol=1e-4)
        assert scores.type_states is not None and drift(scores.type_states, anchor.states(step["anchored_texts"])).item() < 1e-10
        moved = model(step["texts"], step["types"], anchors_CH=2 * anchors)
        assert not torch.allclose(moved.spans.logits, scores.spans.logits, atol=0.1)

    def test_every_weight_learns(self, tiny_matcher: SpanMatcher) -> None:
        """A weight without a gradient breaks data-parallel training."""
        model, step = tiny_matcher.model, self.step(tiny_matcher, 8)
        anchor = TypeAnchor(model, tiny_matcher.batcher)
        scores = model(step["texts"], step["types"], anchors_CH=anchor.states(step["type_texts"]))
        (scores.spans.logits.sum() + drift(scores.type_states, anchor.states(step["anchored_texts"]) + 1)).backward()
        assert not [name for name, weight in model.named_parameters() if weight.grad is None]
        assert not [name for name, weight in anchor.encoder.named_parameters() if weight.grad is not None]

    def test_types_of_a_cross_encoder_are_scored_as_ever_and_compared_apart(self, tiny_encoder: Path) -> None:
        """What is held are types and phrases read alone, without a marker, as the encoder knew them."""
        matcher = make_matcher(tiny_encoder, "cross")
        step = self.step(matcher, 12)
        expected = matcher.model(step["texts"], None)
        assert expected.type_states is None
        scores = matcher.model(step["texts"], step["types"])
        torch.testing.assert_close(scores.spans.logits, expected.spans.logits)
        held = TypeAnchor(matcher.model, matcher.batcher).states(step["anchored_texts"])
        torch.testing.assert_close(held, states_of(load_pretrained(str(tiny_encoder)), step["anchored_texts"]), rtol=0, atol=1e-5)
        assert scores.type_states is not None and drift(scores.type_states, held).item() < 1e-10
        disturb(matcher.model, 0.1)
        moved = matcher.model(step["texts"], step["types"])
        assert drift(moved.type_states, held).item() > 1e-3


class TestTraining:
    @pytest.fixture(scope="class")
    @staticmethod
    def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
        """A tiny encoder, and sentences to train on."""
        folder = tmp_path_factory.mktemp("anchoring")
        return write_tiny_encoder(folder / "encoder"), write_jsonl(folder / "train.jsonl", sentences(64))

    def run(self, files: tuple[Path, Path], out: Path, architecture: str = "bi", **flags: object) -> dict[str, torch.Tensor]:
        given: dict[str, object] = {"train_file": files[1], "text_encoder": files[0], "output_dir": out, "max_span_width": 4}
        given |= {"per_device_train_batch_size": 8, "learning_rate": 3e-3, "report_to": "none", "save_strategy": "no"}
        given |= {"disable_tqdm": True, "bf16": False, "use_cpu": True, "num_train_epochs": 4} | flags
        result = train(*(str(part) for key, value in given.items() for part in (f"--{key}", value)), architecture=architecture)
        assert result.status == 0, result.err
        return load_file(out / "model.safetensors")

    @pytest.mark.parametrize("architecture", ["bi", "cross"])
    def test_types_stay_nearer(self, architecture: str, files: tuple[Path, Path], tmp_path: Path) -> None:
        """... also those that the training lacks; and it learns."""
        asked = [*NAMES, "office of nobody", "moved to"]
        original = states_of(load_pretrained(str(files[0])), asked)
        far = {}
        for weight in (0.0, 5.0):
            self.run(files, tmp_path / str(weight), architecture, type_anchor=weight)
            loaded = SpanMatcher.from_pretrained(tmp_path / str(weight), device="cpu", dtype="float32")
            now = PretrainedEncoder(model=loaded.model.text_encoder, tokenizer=loaded.text_tokenizer, pooling=None)
            far[weight] = float(drift(states_of(now, asked), original))
            assert any(loaded.predict([row["text"] for row in sentences(9, 5)], sorted(NAMES), threshold=0.2))
        assert far[5.0] < far[0.0] / 3

    def test_an_anchored_tower_learns(self, files: tuple[Path, Path], tmp_path: Path) -> None:
        flags = {"type_anchor": 1.0, "validation_file": files[1], "eval_strategy": "no", "num_train_epochs": 8}
        self.run(files, tmp_path / "out", **flags)
        assert read_json(tmp_path / "out" / "validation" / "metrics.json")["micro"]["f1"] > 0.8

    @pytest.mark.parametrize("bf16", [False, True])
    def test_a_frozen_encoder_of_types_stays_to_the_bit(self, bf16: bool, files: tuple[Path, Path], tmp_path: Path) -> None:
        """The rest learns."""
        frozen = {"type_encoder": "separate", "type_encoder_learning_rate": 0, "weight_decay": 0.1, "bf16": bf16}
        after = self.run(files, tmp_path / "out", **frozen)
        before = load_file(files[0] / "model.safetensors")
        own = {name.removeprefix("type_encoder."): tensor for name, tensor in after.items() if name.startswith("type_encoder.")}
        assert own.keys() == before.keys() and all(torch.equal(own[name], before[name]) for name in before)
        assert max(float((after[f"text_encoder.{name}"] - before[name]).abs().max()) for name in before) > 1e-2

    def test_frozen_is_a_rate_of_zero(self, files: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """States that are kept are those that the encoder would give: what is learnt is the same."""
        flags: dict[str, object] = {"type_encoder": "separate", "type_encoder_learning_rate": 0, "dropout": 0}
        # AdamW makes much of the least difference, and a norm of gradients has those of what is not frozen.
        flags |= {"optim": "sgd", "learning_rate": 0.05, "max_grad_norm": 0, "num_train_epochs": 0.75}
        kept = self.run(files, tmp_path / "kept", **flags)
        monkeypatch.setattr("spanmatch.training.trainer._num_anchored", lambda model, arguments: None)
        plain = self.run(files, tmp_path / "plain", **flags)
        for name, tensor in kept.items():
            torch.testing.assert_close(tensor, plain[name], rtol=1e-4, atol=1e-5)
        start = load_file(files[0] / "model.safetensors")
        assert max(float((kept[f"text_encoder.{name}"] - start[name]).abs().max()) for name in start) > 1e-3
