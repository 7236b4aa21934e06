"""The scoring head: constant dimensions and the bias in them, a start in one space, null slots, and the correction of types."""

import copy
import math
from pathlib import Path

import pytest
import torch
from helpers import EVERYTHING, TEXTS, TYPES, collate_types, excess_by_hand, make_example, make_matcher, scores_of, views_per_text
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from spanmatch.batching.collate import TextBatch, collate_texts
from spanmatch.batching.views import View
from spanmatch.entities import as_entity_types
from spanmatch.model import rivals
from spanmatch.model.head import SpanHead, activate, bias_of, with_bias, without_bias
from spanmatch.model.rivals import affinity
from spanmatch.prediction.matcher import SpanMatcher

LONG = " ".join(["Ada Lovelace moved to New York, Zoë Müller to Montréal; 马云在杭州."] * 6)
SLOTS = {"cls": 0, "label_token": 1}


def head_of(size: int = 16, *, null_slots: bool = False, num_background: int = 0, seed: int = 0) -> SpanHead:
    """A head over states of 24 numbers, of at most three words."""
    torch.manual_seed(seed)
    return SpanHead(24, 24, size, 3, SLOTS if null_slots else None, num_background=num_background)


def words(num_words: int) -> TextBatch:
    """A text of one token per word, two special tokens in front, and all of its candidates of at most three words."""
    places = torch.arange(2, num_words + 2)[None]
    inside = torch.arange(num_words)[:, None] + torch.arange(3) < num_words
    none = torch.zeros((1, 0), dtype=torch.long)
    ids = torch.zeros((1, num_words + 2), dtype=torch.long)
    return TextBatch(
        input_ids=ids,
        attention_mask=torch.ones_like(ids),
        segment_ids=ids,
        first_token=places,
        last_token=places,
        candidates=inside[None],
        type_token=none,
        type_last=none,
    )


class TestSpans:
    @pytest.mark.parametrize("width", [1, 3])
    def test_it_is_a_layer_over_start_end_and_width(self, width: int, encoder_folders: dict[str, Path]) -> None:
        """The split first layer is the explicit one over [start; end; one-hot width], cell by cell."""
        matcher = make_matcher(encoder_folders["BPE"], max_span_width=width)
        head, generator = matcher.model.head, torch.Generator().manual_seed(0)
        torch.nn.init.constant_(head.bias, -1.7)
        views = [
            view
            for own in views_per_text(
                [make_example("Ada Lovelace met Bob"), make_example("in New York")],
                matcher.batcher.text_tokenizer,
                candidates="words",
                max_span_width=width,
            )
            for view in own
        ]
        batch = collate_texts(views, matcher.batcher)
        assert (batch.first_token < batch.last_token).any(), "words of several subwords, or start and end are one"
        states = torch.randn(2, batch.input_ids.shape[1], head.start_proj.in_features, generator=generator)
        types = torch.randn(5, head.type_proj.in_features, generator=generator)
        weight = torch.cat([head.start_proj.weight, head.end_proj.weight, head.width_embedding.weight.T], dim=1)
        with torch.inference_mode():
            scores = head.score_spans(head.represent_spans(states, batch), head.embed_types(types)[None])
            projected = head.type_proj(types)
            cells = batch.candidates.nonzero().tolist()
            assert len(cells) == (4 + 3 if width == 1 else 9 + 6)
            for row, unit, extra in cells:
                start = states[row, batch.first_token[row, unit]]
                end = states[row, batch.last_token[row, unit + extra]]
                one_hot = F.one_hot(torch.tensor(extra), width).float()
                layer = F.linear(torch.cat([start, end, one_hot]), weight, head.start_proj.bias)
                span = torch.where(layer > 0, layer, layer / 2)
                # The last two dimensions only carry the bias.
                expected = (projected[:, :-2] @ span[:-2]) / projected.shape[1] ** 0.5 * head.scale - 1.7
                torch.testing.assert_close(scores[row, unit, extra], expected, rtol=1e-4, atol=1e-5)

    def test_a_cell_begins_as_a_rare_event(self) -> None:
        head = SpanHead(8, 8, 4, 2)
        assert torch.sigmoid(head.bias) < 0.01


class TestCells:
    """What is computed for the candidates of a view alone is what is computed for its whole grid."""

    @pytest.fixture(params=[{}, {"candidates": "subwords"}, {"loss": "contrastive"}], ids=["words", "subwords", "null slots"])
    def matcher(self, request: pytest.FixtureRequest, tiny_encoder: Path) -> SpanMatcher:
        return make_matcher(tiny_encoder, **request.param)

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
    def test_above_a_null_slot(self, slot: str, tiny_encoder: Path) -> None:
        """The score of a difference is the difference of the scores."""
        matcher = make_matcher(tiny_encoder, loss="contrastive")
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


class TestConstants:
    def test_table(self) -> None:
        """Half of what is below zero, and the last two dimensions 1, or 0 for null slots; what is given is left as it was."""
        given = torch.tensor([[-2.0, 0.0, 3.0, 7.0, -7.0]])
        assert activate(given).tolist() == [[-1.0, 0.0, 3.0, 1.0, 1.0]]
        assert activate(given, constant=0.0).tolist() == [[-1.0, 0.0, 3.0, 0.0, 0.0]]
        assert given.tolist() == [[-2.0, 0.0, 3.0, 7.0, -7.0]]

    def test_they_do_not_learn(self) -> None:
        sums = torch.tensor([[-2.0, 3.0, 7.0, -7.0]], requires_grad=True)
        activate(sums).sum().backward()
        assert sums.grad is not None and sums.grad.tolist() == [[0.5, 1.0, 0.0, 0.0]]

    def test_every_way_to_a_span_has_them(self) -> None:
        """... and no way to a null slot."""
        head, batch = head_of(null_slots=True), words(5)
        states = torch.randn(1, 7, 24)
        cells = batch.candidates.nonzero()
        with torch.inference_mode():
            spans, some = head.represent_spans(states, batch), head.represent_cells(states, batch, cells)
            nulls = head.represent_nulls(states)
        assert nulls is not None and nulls.shape == (1, 2, 16) and not nulls[..., -2:].any() and nulls[..., :-2].all()
        assert spans.shape == (1, 5, 3, 16) and bool((spans[..., -2:] == 1).all()) and bool((some[..., -2:] == 1).all())

    def test_also_of_starts_and_ends(self) -> None:
        """A bias of a type is that of its starts and ends, and of none of their null slots."""
        head, batch, states = head_of(null_slots=True), words(5), torch.randn(1, 7, 24)
        types = head.embed_types(torch.randn(1, 4, 24))
        bias = torch.tensor([[3.0, -1.0, 0.5, 20.0]])
        with torch.inference_mode():
            before = head(states, types, batch, boundaries=True)
            after = head(states, with_bias(types, bias), batch, boundaries=True)
        for name in ("spans", "starts", "ends"):
            one, other = getattr(before, name), getattr(after, name)
            torch.testing.assert_close(other.logits - one.logits, bias[:, None, None].expand_as(one.logits), rtol=0, atol=1e-4)
            assert torch.equal(other.nulls, one.nulls)


class TestBias:
    @given(st.floats(2**-10, 1e4, width=32), st.sampled_from([torch.bfloat16, torch.float32]))
    def test_half_precision_keeps_it(self, value: float, dtype: torch.dtype) -> None:
        """To 2^-16 of it; one number of bfloat16 would be off by up to 2^-8."""
        types = torch.randn(3, 8).to(dtype)
        given = torch.tensor([value, -value, 0.0])
        held = with_bias(types, given)
        assert held.dtype == dtype and torch.equal(held[:, :-2], types[:, :-2])
        difference = (bias_of(held) - given).abs()
        assert bool((difference <= given.abs() * 2**-16).all()) and bias_of(held).dtype == torch.float32
        if dtype == torch.float32:
            assert not difference.any()

    @pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32])
    def test_a_score_keeps_it(self, dtype: torch.dtype) -> None:
        """A span without a state scores the bias, as the sum of two products that the precision has exactly."""
        spans = activate(torch.zeros(1, 8)).to(dtype)
        types = with_bias(torch.zeros(4, 8, dtype=dtype), torch.tensor([-5.0, -4.9821, 3.3333, 0.017]))
        scores = (spans.float() @ types.float().T)[0]
        torch.testing.assert_close(scores, torch.tensor([-5.0, -4.9821, 3.3333, 0.017]), rtol=2**-16, atol=0)

    def test_it_is_that_of_the_head(self) -> None:
        head = head_of()
        torch.nn.init.constant_(head.bias, -3.4567)
        types = head.embed_types(torch.randn(5, 24))
        torch.testing.assert_close(bias_of(types), torch.full((5,), -3.4567))
        assert not bias_of(head_of(null_slots=True).embed_types(torch.randn(5, 24))).any()

    def test_it_learns(self) -> None:
        """As much as the cells that it is in together: also the part of it that half precision rounds off."""
        head, batch = head_of(), words(5)
        types = head.embed_types(torch.randn(1, 4, 24))
        head(torch.randn(1, 7, 24), types, batch, boundaries=False).spans.logits.sum().backward()
        assert head.bias is not None and head.bias.grad is not None and head.bias.grad.item() == 5 * 3 * 4

    @pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
    def test_it_moves_every_score(self, dtype: str, tiny_encoder: Path, tmp_path: Path) -> None:
        """In a prediction, too: all logits by as much."""
        matcher = make_matcher(tiny_encoder)
        logits = []
        for bias in (0.0, -1.37):
            torch.nn.init.constant_(matcher.model.head.bias, bias)
            torch.nn.init.constant_(matcher.model.head.scale, 3.0)
            matcher.save_pretrained(tmp_path)
            loaded = SpanMatcher.from_pretrained(tmp_path, device="cpu", dtype=dtype)
            found = scores_of(loaded.predict(TEXTS["plain"], TYPES, threshold=EVERYTHING, overlap="multi-label"))
            logits.append({key: math.log(score / (1 - score)) for key, score in found.items()})
        assert logits[0].keys() == logits[1].keys() and len(logits[0]) > 40
        moved = [logits[1][key] - logits[0][key] for key in logits[0]]
        # bfloat16 has -1.3671875 for a head's bias, and a score's own rounding is the same in both.
        assert moved == pytest.approx([-1.37] * len(moved), rel=0, abs=1e-3 if dtype == "float32" else 5e-3)

    def test_without(self) -> None:
        """Spans whose scores leave the bias out; the spans themselves keep it."""
        spans, types = activate(torch.randn(6, 8)), torch.randn(3, 8)
        scores = without_bias(spans) @ with_bias(types, torch.tensor([9.0, -9.0, 1.0])).T
        torch.testing.assert_close(scores, spans[:, :-2] @ types[:, :-2].T)
        assert bool((spans[:, -2:] == 1).all())


class TestNullSlots:
    def test_what_exceeds_a_slot_keeps_the_bias(self) -> None:
        """The slot of a text has no part in it, else a correction of types would cancel out."""
        head, batch, states = head_of(null_slots=True), words(5), torch.randn(1, 7, 24)
        bare = head.embed_types(torch.randn(4, 24))
        bias = torch.tensor([2.0, -1.0, 0.0, 7.5])
        with torch.inference_mode():
            spans = head.represent_cells(states, batch, batch.candidates.nonzero())
            for slot in SLOTS:
                null = head.represent_null(states, slot)
                assert null is not None
                above = spans - null
                torch.testing.assert_close(above @ with_bias(bare, bias).T - above @ bare.T, bias.expand(len(spans), 4))

    def test_a_slot_is_cancelled_by_itself(self) -> None:
        """A span that has the state of a slot, and its width, exceeds it by the bias alone."""
        head, batch, states = head_of(null_slots=True), words(2), torch.randn(1, 4, 24)
        states[0, 2] = states[0, SLOTS["label_token"]]
        with torch.no_grad():
            head.width_embedding.weight[0] = head.width_embedding.weight[head.max_span_width + 1]
            span = head.represent_cells(states, batch, torch.tensor([[0, 0, 0]]))
            null = head.represent_null(states, "label_token")
            types = with_bias(head.embed_types(torch.randn(4, 24)), torch.tensor([2.0, -1.0, 0.0, 7.5]))
        assert null is not None
        torch.testing.assert_close((span - null) @ types.T, torch.tensor([[2.0, -1.0, 0.0, 7.5]]))


class TestStart:
    @pytest.mark.parametrize("size", [16, 24])
    def test_one_random_projection(self, size: int) -> None:
        """Orthonormal, and half of it for a start and for an end; three weights that learn apart."""
        head = head_of(size)
        weight = head.type_proj.weight
        torch.testing.assert_close(weight @ weight.T, torch.eye(size))
        assert torch.equal(head.start_proj.weight, weight / 2) and torch.equal(head.end_proj.weight, weight / 2)
        assert not head.type_proj.bias.any() and not head.start_proj.bias.any()
        assert len({part.weight.data_ptr() for part in (head.start_proj, head.end_proj, head.type_proj)}) == 3
        assert not torch.equal(weight, head_of(size, seed=1).type_proj.weight)

    @pytest.mark.parametrize("null_slots", [False, True])
    @pytest.mark.parametrize("seed", range(3))
    def test_a_span_ranks_the_type_of_its_state_first(self, seed: int, null_slots: bool) -> None:
        """... before anything was trained: of eight words each is nearest to the type with its own state."""
        head, batch = head_of(24, null_slots=null_slots, seed=seed), words(8)
        types = torch.nn.functional.normalize(torch.randn(8, 24), dim=1) * 24**0.5
        order = torch.randperm(8)
        states = torch.cat([torch.randn(2, 24), types[order]])[None]
        with torch.inference_mode():
            logits = head(states, head.embed_types(types)[None], batch, boundaries=False).spans.logits[0, :, 0]
        assert logits.argmax(dim=1).tolist() == order.tolist()

    @pytest.mark.parametrize(("type_size", "head_size"), [(20, 16), (24, 32)])
    def test_where_there_is_no_such_projection(self, type_size: int, head_size: int) -> None:
        """States of two sizes, or a head that is larger than they are: each projection is one of its own."""
        head = SpanHead(24, type_size, head_size, 3)
        assert head.embed_types(torch.randn(2, type_size)).shape == (2, head_size)
        assert head.start_proj.weight.shape == head.end_proj.weight.shape == (head_size, 24)
        assert not torch.equal(head.start_proj.weight, head.end_proj.weight)


class TestCorrection:
    @pytest.fixture
    def head(self) -> SpanHead:
        """With a background of a hundred mentions, and a usual affinity that some types exceed and others lack."""
        head = head_of(num_background=100)
        with torch.no_grad():
            head.background.copy_(without_bias(activate(torch.randn(100, 16))))
            head.usual_affinity.fill_(1.25)
        return head

    @pytest.mark.parametrize("weight", [0.3, 1.0])
    @pytest.mark.parametrize("compared", [8192, 40, 13])
    def test_by_hand(self, compared: int, weight: float, head: SpanHead, monkeypatch: pytest.MonkeyPatch) -> None:
        """A type that comes too easily is lowered, one that hardly comes is raised, and nothing else of a type changes.

        Of a list that is too long, every third or fourth type stands for the others.
        """
        monkeypatch.setattr(rivals, "MAX_COMPARED", compared)
        monkeypatch.setattr(rivals, "COMPARED_TOGETHER", 7)
        types = with_bias(torch.randn(40, 16) * torch.linspace(0.05, 1, 40)[:, None], torch.linspace(-9, 9, 40))
        corrected = head.corrected(types, weight)
        assert torch.equal(corrected[:, :-2], types[:, :-2])
        moved = bias_of(corrected) - bias_of(types)
        # The background has no constant dimensions: the bias that a type had before plays no part.
        highest = (types[:, :-2] @ head.background[:, :-2].T).sort(dim=1).values[:, -2:].mean(dim=1)
        others = range(0, 40, {8192: 1, 40: 1, 13: 4}[compared])
        expected = [
            weight * (0.6 * excess_by_hand(types, head.background, place, others) + 0.2 * (float(highest[place]) - 1.25))
            for place in range(40)
        ]
        assert (-moved).tolist() == pytest.approx(expected, rel=1e-3, abs=1e-4)
        assert 5 < int((moved < 0).sum()) < 35

    def test_only_types_that_are_alike_move_each_other(self, head: SpanHead) -> None:
        """Beside a type of another direction, a type is corrected as if it stood alone; beside one of its own, it is not."""
        person, writer, river = torch.eye(16)[:3]
        writer = 0.9 * person + 0.1 * writer
        pair = with_bias(torch.stack([2 * person, writer]), torch.zeros(2))
        apart = with_bias(torch.stack([2 * person, river]), torch.zeros(2))
        alone = bias_of(head.corrected(pair[:1], 1.0))
        torch.testing.assert_close(bias_of(head.corrected(apart, 1.0))[:1], alone, rtol=0, atol=0.05)
        highest = affinity(pair, head.background)
        assert highest[0] > highest[1] + 0.3, "the first comes more easily"
        apart = torch.cat([head.corrected(own[None], 1.0) for own in pair])
        lowered, raised = bias_of(head.corrected(pair, 1.0)) - bias_of(apart)
        assert lowered < -0.2 and raised > 0.2
        assert float(lowered + raised) == pytest.approx(0, abs=1e-4)

    def test_nothing_to_correct(self, head: SpanHead) -> None:
        types = torch.randn(5, 16)
        assert torch.equal(head.corrected(types, 0.0), types)
        assert torch.equal(head_of().corrected(types, 0.8), types), "without a background"
        assert torch.equal(head.corrected(types[:0], 0.8), types[:0])

    def test_before_it_is_filled(self) -> None:
        """A background of zeros, as a training starts with it, changes no score."""
        types = with_bias(torch.randn(5, 16), torch.tensor(-5.0).expand(5))
        assert torch.equal(head_of(num_background=100).corrected(types, 0.8), types)

    def test_half_precision_is_near(self, head: SpanHead) -> None:
        types = with_bias(torch.randn(40, 16), torch.linspace(-9, 9, 40))
        half = copy.deepcopy(head).bfloat16()
        assert half.background is not None and half.background.dtype == torch.bfloat16
        corrected = half.corrected(types.bfloat16(), 0.8)
        assert corrected.dtype == torch.bfloat16
        difference = bias_of(corrected) - bias_of(head.corrected(types, 0.8))
        assert 0 < float(difference.abs().max()) < 0.1
        moved = bias_of(head.corrected(types, 0.8)) - bias_of(types)
        assert float(moved.abs().max()) > 1, "or the above would say nothing"

    def test_it_is_saved(self, head: SpanHead) -> None:
        fresh = head_of(num_background=100, seed=1)
        fresh.load_state_dict(copy.deepcopy(head.state_dict()))
        assert head.background is not None and torch.equal(fresh.background, head.background)
        assert float(fresh.usual_affinity) == 1.25
        assert not {"background", "usual_affinity"} & head_of().state_dict().keys()

    def test_a_matcher_asks_for_it(self, tiny_encoder: Path) -> None:
        """... for the types of each list, which are encoded once."""
        matcher = make_matcher(tiny_encoder, background_weight=0.5)
        batch = collate_types(TYPES, matcher.batcher.lone_type_tokenizer)
        [windows] = matcher.batcher.windows([make_example(TEXTS["plain"])])
        texts = collate_texts(windows, matcher.batcher)
        with torch.inference_mode():
            types = matcher.model.type_embeddings(batch)
            before = matcher.encode_types(TYPES).embeddings
            states = matcher.model.encode_texts(texts)
            spans = matcher.model.head.represent_cells(states, texts, texts.candidates.nonzero())
            matcher.model.head.background.copy_(without_bias(spans[torch.arange(2048) % len(spans)]))
            matcher.model.head.usual_affinity.fill_(2.0)
            assert torch.equal(matcher.model.type_embeddings(batch), types), "as they are encoded"
            background = matcher.model.head.background
            own = affinity(types, background)
        torch.testing.assert_close(before, types)
        for names in (TYPES, TYPES[:2], TYPES[1:2]):
            places = [TYPES.index(name) for name in names]
            moved = bias_of(matcher.encode_types(names).embeddings) - bias_of(types)[places]
            excess = [excess_by_hand(types[places], background, place, range(len(places))) for place in range(len(places))]
            expected = [0.5 * (0.2 * (2.0 - float(own[at])) - 0.6 * more) for at, more in zip(places, excess, strict=True)]
            assert moved.tolist() == pytest.approx(expected, rel=1e-3, abs=1e-3)
        assert float(own.std()) > 0.1


@pytest.mark.parametrize("num_background", [0, 12])
def test_rescaled_scores_are_the_same_with_a_slope_and_an_offset(num_background: int) -> None:
    head, batch = head_of(num_background=num_background), words(5)
    with torch.no_grad():
        if head.background is not None:
            head.background.copy_(without_bias(torch.randn(num_background, 16)))
            head.usual_affinity.fill_(0.7)
    states, type_states = torch.randn(1, 7, 24), torch.randn(4, 24)

    def scores() -> torch.Tensor:
        types = head.corrected(head.embed_types(type_states), 0.8)
        return head.score_spans(head.represent_spans(states, batch), types[None])

    with torch.no_grad():
        before = scores()
        head.rescale(0.63, 0.2)
        torch.testing.assert_close(scores(), 0.63 * before + 0.2, rtol=1e-4, atol=1e-4)


def test_the_order_of_scores_is_not_turned_around() -> None:
    with pytest.raises(AssertionError):
        head_of().rescale(-1.0)
