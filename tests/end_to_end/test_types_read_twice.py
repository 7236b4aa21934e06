"""A cross-encoder that reads types apart from texts, too, and adds what it reads of them behind each text."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from helpers import EVERYTHING, TYPES, assert_same, gold_of, make_matcher, scores_of
from helpers_e2e import ROOT, read_json, train

from spanmatch.batching.collate import collate_texts
from spanmatch.entities import NO_TYPES, as_entity_types
from spanmatch.model.head import bias_of
from spanmatch.model.rivals import affinity
from spanmatch.prediction.matcher import SpanMatcher
from spanmatch.training.arguments import MatcherArguments
from spanmatch.training.background import fill_background
from spanmatch.training.dataset import TrainingCollator, TrainingViews
from spanmatch.training.type_anchor import TypeAnchor

TEXTS = ["Ada Lovelace met Bob in New York .", "Bob", "Zoë Müller moved from Paris to Montréal and on to Rome ."]
GOLD = {"Ada Lovelace": "person", "New York": "city"}
DATA = ROOT / "data" / "scheduling" / "train.jsonl"


@pytest.fixture
def matcher(tiny_encoder: Path) -> SpanMatcher:
    """Of at most two types a pass, with a change of types that is no zero."""
    made = make_matcher(tiny_encoder, "cross", type_encoder="separate", max_types_per_pass=2, background_weight=0.5)
    assert made.model.head.behind_proj is not None
    torch.nn.init.normal_(made.model.head.behind_proj.weight, std=0.1, generator=torch.Generator().manual_seed(1))
    return made


def everything(matcher: SpanMatcher, text: str, types: list[str]) -> dict[tuple[int, int, str], float]:
    return scores_of(matcher.predict(text, types, threshold=EVERYTHING, overlap="multi-label"))


def views_of(matcher: SpanMatcher, num_negative_types: int = 3) -> TrainingViews:
    examples = [gold_of(text, GOLD if "Ada" in text else {}, as_entity_types(TYPES)) for text in TEXTS]
    arguments = MatcherArguments(text_encoder="unused", num_negative_types=num_negative_types)
    return TrainingViews([view for own in matcher.batcher.windows(examples) for view in own], arguments, 1)


def test_it_starts_with_types_as_they_are_apart(matcher: SpanMatcher, tiny_encoder: Path) -> None:
    """Whatever the text, until the change is trained; then a text changes types and their bias."""
    head = matcher.model.head
    assert head.behind_proj is not None
    apart_CD = torch.randn(1, 3, 16, generator=torch.Generator().manual_seed(0))
    behind_CH = torch.randn(1, 3, 32, generator=torch.Generator().manual_seed(2))
    moved = head.embed_behind(apart_CD, behind_CH)
    by_hand = apart_CD + behind_CH @ head.behind_proj.weight.T * head.scale / 4
    torch.testing.assert_close(moved[..., :-2], by_hand[..., :-2])
    torch.testing.assert_close(bias_of(moved), by_hand[..., -2:].sum(-1))
    torch.nn.init.zeros_(head.behind_proj.weight)
    torch.testing.assert_close(head.embed_behind(apart_CD, behind_CH)[..., :-2], apart_CD[..., :-2])
    fresh = make_matcher(tiny_encoder, "cross", type_encoder="separate")
    assert fresh.model.head.behind_proj is not None and not fresh.model.head.behind_proj.weight.any()


def test_a_score_by_hand(matcher: SpanMatcher) -> None:
    """Of a text with two types: the types apart, their correction, what the text changes of them, the product with the span."""
    model, types = matcher.model, as_entity_types(TYPES[:2])
    [view] = matcher.batcher.passes(matcher.batcher.windows([gold_of(TEXTS[0], {}, types)])[0])
    batch = collate_texts([view], matcher.batcher)
    with matcher.inference():
        [(order, sequences)] = [group for group in matcher.batcher.type_batches(TYPES[:2], max_tokens=999)]
        apart_CD = matcher._backend.embed_types(sequences)[[order.index(place) for place in range(2)]]
        states = model.encode_texts(batch)
        types_CD = model.type_embeddings_behind(states, batch, model.corrected(apart_CD)[None])[0]
        logits = model.head.score_spans(model.head.represent_spans(states, batch), types_CD[None])[0]
    found = everything(matcher, TEXTS[0], TYPES[:2])
    units = view.tokenized.units
    for (start, end, label), score in found.items():
        first, last = list(units.start_char).index(start), list(units.end_char).index(end)
        assert score == pytest.approx(float(logits[first, last - first, TYPES.index(label)].sigmoid()), abs=1e-5)
    assert len(found) == 2 * int(batch.candidates.sum())


def test_texts_together_and_alone(matcher: SpanMatcher) -> None:
    """... give the same, each with its own list, cut into passes of two types."""
    lists = [TYPES, TYPES[:1], [*TYPES[::-1], "dog", "company"]]
    together = matcher.predict(TEXTS, lists, threshold=EVERYTHING, overlap="multi-label")
    assert_same(list(map(scores_of, together)), [everything(matcher, *item) for item in zip(TEXTS, lists, strict=True)])
    assert matcher.predict(["", " "], [TYPES, TYPES[:1]], threshold=EVERYTHING) == [[], []]


def test_training_scores_what_is_tagged(matcher: SpanMatcher) -> None:
    """With types encoded in the step, and with anchors, which are what a frozen encoder gives."""
    matcher.model.matcher_config = replace(matcher.config, background_weight=0.0)
    views, model = views_of(matcher), matcher.model
    chosen = [views[place] for place in range(len(TEXTS))]
    step = TrainingCollator(batcher=matcher.batcher)(chosen)
    anchored = TrainingCollator(batcher=matcher.batcher, num_anchored=0)(chosen)
    assert not anchored["types"]
    anchors = TypeAnchor(model, matcher.batcher).states(anchored["type_texts"])
    with matcher.inference():
        logits = model(step["texts"], step["types"], places_BC=step["type_places"]).spans.logits
        again = model(
            anchored["texts"], anchored["types"], anchors_CH=anchors, places_BC=anchored["type_places"]
        ).spans.logits  # fmt: skip
        rows = matcher.batcher.passes(chosen)
        for row, view in enumerate(rows):
            own = logits[row][..., : len(view.types)][step["texts"].candidates[row]]
            torch.testing.assert_close(again[row][..., : len(view.types)][anchored["texts"].candidates[row]], own)
            apart_CD = torch.cat([matcher._types._encode([text], False)[0] for text in view.type_texts])
            found = matcher._backend.embed_spans([view], None, [apart_CD])
            assert found.types_behind is not None
            torch.testing.assert_close((found.spans @ found.types_behind[0].T).flatten(), own.flatten(), rtol=1e-4, atol=1e-4)


def test_no_type_at_all(matcher: SpanMatcher) -> None:
    """A batch of texts that nothing is asked of goes through the model."""
    views = [replace(view, types=NO_TYPES, type_texts=()) for view in views_of(matcher).views]
    step = TrainingCollator(batcher=matcher.batcher)(views)
    scores = matcher.model(step["texts"], step["types"], places_BC=step["type_places"])
    assert scores.spans.logits.shape[-1] == 0


def test_its_background(matcher: SpanMatcher) -> None:
    """Types count as they are apart from texts, and so a list has one correction, however it is cut into passes."""
    head = matcher.model.head
    fill_background(matcher, views_of(matcher), 0)
    apart_CD = torch.cat(matcher._types._encode(sorted(TYPES), False))
    assert head.background is not None and head.behind_proj is not None
    expected = float(affinity(apart_CD, head.background).mean())
    assert float(head.usual_affinity) == pytest.approx(expected, rel=0.02)  # types are repeated until they are 1,024
    corrected = everything(matcher, TEXTS[0], TYPES)
    asked_CD = torch.cat(matcher._types._encode(TYPES, False))
    moved = (bias_of(matcher.model.corrected(asked_CD)) - bias_of(asked_CD)).tolist()
    assert max(map(abs, moved)) > 0.01
    head.background.zero_()
    head.usual_affinity.zero_()
    plain = everything(matcher, TEXTS[0], TYPES)
    assert plain.keys() == corrected.keys()
    for (start, end, label), score in plain.items():
        change = torch.tensor([corrected[start, end, label], score], dtype=torch.float64).logit()
        assert float(change[0] - change[1]) == pytest.approx(moved[TYPES.index(label)], abs=1e-3)


def test_a_training(tiny_encoder: Path, tmp_path: Path) -> None:
    """A frozen type encoder stays what it was, the change is trained, and the checkpoint tags as before it was saved."""
    settings: list[object] = ["--train_file", DATA, "--output_dir", tmp_path / "out", "--text_encoder", tiny_encoder]
    settings += ["--max_steps", 3]
    settings += ["--max_train_samples", 16, "--use_cpu", True, "--bf16", False, "--disable_tqdm", True]
    result = train(*settings, "--type_encoder", "separate", "--type_encoder_learning_rate", 0, architecture="cross")
    assert result.status == 0, result.err
    loaded = SpanMatcher.from_pretrained(tmp_path / "out", dtype="float32", device="cpu")
    fresh = make_matcher(tiny_encoder, "cross", type_encoder="separate").model
    assert loaded.config.reads_types_twice and read_json(tmp_path / "out" / "config.json")["type_encoder"]
    assert loaded.model.head.behind_proj is not None and loaded.model.head.behind_proj.weight.any()
    trained, before = loaded.model.type_encoder, fresh.type_encoder
    assert trained is not None and before is not None
    state = before.state_dict()
    assert all(torch.equal(weight, state[name]) for name, weight in trained.state_dict().items())
    loaded.save_pretrained(tmp_path / "again")
    again = SpanMatcher.from_pretrained(tmp_path / "again", dtype="float32", device="cpu")
    assert_same([everything(loaded, TEXTS[0], TYPES)], [everything(again, TEXTS[0], TYPES)])
