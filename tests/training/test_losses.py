"""Objectives: values by hand and by brute force, and what must have no influence."""

import math
from functools import partial
from typing import Any

import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st

from spanmatch.model.head import CellScores, SpanScores
from spanmatch.training.losses import (
    LOSSES,
    NEED_NULL_SLOTS,
    Loss,
    binary_cross_entropy,
    contrastive,
    ending,
    focal,
    matching_loss,
    starting,
)

SHAPE = (2, 3, 2, 2)
NUM_SLOTS = 2
Batch = tuple[CellScores, torch.Tensor, torch.Tensor]


def softplus(value: float) -> float:
    """-log(1 - sigmoid(value)): what a negative of this logit costs; a positive costs softplus(-value)."""
    return math.log1p(math.exp(value))


def cells(*values: object, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    """Values as the cells of one text of one width and one type. Shape: (1, U, 1, 1)."""
    return torch.tensor(values, dtype=dtype)[None, :, None, None]


def batch_of(logits: list[float], positives: list[int], valid: list[int], *nulls: float) -> Batch:
    """One text, one width, one type, and the logits of its null slots."""
    slots = torch.tensor(nulls)[None, :, None] if nulls else None
    scores = CellScores(logits=cells(*logits), nulls=slots)
    return scores, cells(*positives, dtype=torch.bool), cells(*valid, dtype=torch.bool)


def random_batch(seed: int = 0, shape: tuple[int, ...] = SHAPE) -> Batch:
    """Cells of every kind, and two null slots."""
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(shape, generator=generator)
    valid = torch.rand(shape, generator=generator) < 0.7
    positives = valid & (torch.rand(shape, generator=generator) < 0.4)
    nulls = torch.randn((shape[0], NUM_SLOTS, shape[3]), generator=generator)
    assert positives.any() and not valid.all() and (valid & ~positives).any()
    return CellScores(logits=logits, nulls=nulls), positives, valid


def with_gradients(scores: CellScores) -> CellScores:
    assert scores.nulls is not None
    return CellScores(logits=scores.logits.clone().requires_grad_(), nulls=scores.nulls.clone().requires_grad_())


def gradients(scores: CellScores) -> tuple[torch.Tensor, torch.Tensor]:
    """Of cells and of null slots; a loss that does not read the slots gives them none, which is zero."""
    assert scores.nulls is not None and scores.logits.grad is not None
    return scores.logits.grad, torch.zeros_like(scores.nulls) if scores.nulls.grad is None else scores.nulls.grad


class TestBinaryCrossEntropy:
    @pytest.mark.parametrize(
        ("logits", "positives", "valid", "weight", "expected"),
        [
            ([0.0], [1], [1], 1.0, math.log(2)),
            ([0.0], [0], [1], 1.0, math.log(2)),
            ([2.0], [1], [1], 1.0, softplus(-2)),
            ([2.0], [0], [1], 1.0, softplus(2)),
            # The sum over valid cells, per positive.
            ([1.0, -1.0, 3.0], [1, 0, 0], [1, 1, 1], 1.0, softplus(-1) + softplus(-1) + softplus(3)),
            ([1.0, 2.0, -3.0], [1, 1, 0], [1, 1, 1], 1.0, (softplus(-1) + softplus(-2) + softplus(-3)) / 2),
            ([1.0, -1.0, 3.0], [1, 0, 0], [1, 1, 0], 1.0, softplus(-1) + softplus(-1)),
            # No positive counts as one.
            ([1.0, 2.0], [0, 0], [1, 1], 1.0, softplus(1) + softplus(2)),
            # The weight is that of positives alone.
            ([1.0, 2.0], [1, 0], [1, 1], 3.0, 3 * softplus(-1) + softplus(2)),
            ([1.0, 2.0], [1, 0], [1, 1], 0.5, softplus(-1) / 2 + softplus(2)),
            ([1.0, 2.0], [0, 0], [1, 1], 3.0, softplus(1) + softplus(2)),
            # Extreme logits do not overflow.
            ([80.0, -80.0], [0, 1], [1, 1], 1.0, 160.0),
            ([80.0, -80.0], [1, 0], [1, 1], 1.0, 0.0),
        ],
    )
    def test_by_hand(self, logits: list[float], positives: list[int], valid: list[int], weight: float, expected: float) -> None:
        loss = binary_cross_entropy(*batch_of(logits, positives, valid), positive_weight=weight)
        assert loss.shape == ()
        assert loss.item() == pytest.approx(expected, rel=1e-6, abs=1e-6)

    def test_a_golden_value(self) -> None:
        """As a loop over the cells has it."""
        scores, positives, valid = random_batch()
        total = sum(
            softplus(-score if positive else score) * (2.5 if positive else 1)
            for score, positive, is_valid in zip(
                scores.logits.flatten().tolist(), positives.flatten().tolist(), valid.flatten().tolist(), strict=True
            )
            if is_valid
        )
        loss = binary_cross_entropy(scores, positives, valid, positive_weight=2.5)
        assert loss.item() == pytest.approx(total / positives.sum().item(), rel=1e-5)

    def test_by_default_nothing_is_weighted(self) -> None:
        batch = random_batch()
        assert torch.equal(LOSSES["bce"](*batch), binary_cross_entropy(*batch, positive_weight=1.0))


def sigmoid(value: float) -> float:
    return 1 / (1 + math.exp(-value))


class TestFocal:
    @pytest.mark.parametrize(
        ("logits", "positives", "valid", "gamma", "alpha", "expected"),
        [
            pytest.param([0.0], [1], [1], 2, 0.5, 0.5 * 0.5**2 * math.log(2), id="a positive at one half"),
            pytest.param([0.0], [0], [1], 2, 0.5, 0.5 * 0.5**2 * math.log(2), id="a negative at one half"),
            pytest.param([2.0], [1], [1], 2, 0.5, 0.5 * sigmoid(-2) ** 2 * softplus(-2), id="right counts less"),
            pytest.param([2.0], [0], [1], 2, 0.5, 0.5 * sigmoid(2) ** 2 * softplus(2), id="wrong counts more"),
            pytest.param([2.0], [1], [1], 1, 0.25, 0.25 * sigmoid(-2) * softplus(-2), id="alpha is of positives"),
            pytest.param([2.0], [0], [1], 1, 0.25, 0.75 * sigmoid(2) * softplus(2), id="the rest of negatives"),
            pytest.param([1.0, 2.0], [1, 0], [1, 1], 0, 1.0, softplus(-1), id="alpha 1: no negatives"),
            pytest.param([1.0, 2.0], [1, 0], [1, 1], 0, 0.0, softplus(2), id="alpha 0: no positives"),
            pytest.param([1.0, 2.0], [1, 0], [1, 0], 0.5, 0.5, 0.5 * sigmoid(-1) ** 0.5 * softplus(-1), id="invalid"),
            pytest.param([1.0, 1.0], [1, 1], [1, 1], 0, 0.5, 0.5 * softplus(-1), id="per positive"),
            pytest.param([1.0, 1.0], [0, 0], [1, 1], 0, 0.5, softplus(1), id="no positive counts as one"),
            # Certain and wrong: the whole cross-entropy; certain and right: nothing.
            pytest.param([200.0, -200.0], [0, 1], [1, 1], 2, 0.5, 200.0, id="extreme and wrong"),
            pytest.param([200.0, -200.0], [1, 0], [1, 1], 2, 0.5, 0.0, id="extreme and right"),
        ],
    )
    def test_by_hand(
        self, logits: list[float], positives: list[int], valid: list[int], gamma: float, alpha: float, expected: float
    ) -> None:
        loss = focal(*batch_of(logits, positives, valid), gamma=gamma, alpha=alpha)
        assert loss.shape == () and loss.item() == pytest.approx(expected, rel=1e-5, abs=1e-7)

    def test_without_focus_it_is_half_the_cross_entropy(self) -> None:
        batch = random_batch()
        torch.testing.assert_close(focal(*batch, gamma=0.0, alpha=0.5), binary_cross_entropy(*batch) / 2)

    def test_defaults(self) -> None:
        batch = random_batch()
        assert torch.equal(LOSSES["focal"](*batch), focal(*batch, gamma=1.0, alpha=0.5))


def contrast(score: float, rivals: list[float]) -> float:
    """-log(exp(score) / (exp(score) + the sum of exp(rival)))."""
    return -math.log(math.exp(score) / (math.exp(score) + sum(math.exp(rival) for rival in rivals)))


def contrastive_by_hand(batch: Batch, temperature: float, entity_weight: float, threshold_weight: float) -> float:
    """The objective as its papers write it, cell by cell."""
    scores, positives, valid = batch
    assert scores.nulls is not None
    logits, nulls = (tensor.double().tolist() for tensor in (scores.logits, scores.nulls))
    is_positive, is_valid = positives.tolist(), valid.tolist()
    num_texts, num_units, num_widths, num_types = scores.logits.shape
    entity, threshold = [], []
    for text in range(num_texts):
        for column in range(num_types):
            found, others = [], []
            for unit in range(num_units):
                for width in range(num_widths):
                    score = logits[text][unit][width][column] / temperature
                    if is_positive[text][unit][width][column]:
                        found.append(score)
                    elif is_valid[text][unit][width][column]:
                        others.append(score)
            for slot in nulls[text]:
                null = slot[column] / temperature
                entity += [contrast(score, [null, *others]) for score in found]
                threshold += [contrast(null, others)] if found or others else []
    means = [sum(terms) / len(terms) if terms else 0.0 for terms in (entity, threshold)]
    return entity_weight * means[0] + threshold_weight * means[1]


@st.composite
def batches(draw: st.DrawFn) -> Batch:
    """Small batches with cells of any kind; a kind can be missing, in one type or in all."""
    texts, units, widths, types, slots = (draw(st.integers(1, most)) for most in (2, 3, 2, 2, 2))
    count = texts * units * widths * types
    # 0 invalid, 1 negative, 2 positive
    kinds = draw(
        st.lists(st.sampled_from(draw(st.sampled_from(["012", "01", "02", "12", "0", "1", "2"]))), min_size=count, max_size=count)
    )
    number = st.floats(-20, 20, width=32)
    logits = draw(st.lists(number, min_size=count, max_size=count))
    nulls = draw(st.lists(number, min_size=texts * slots * types, max_size=texts * slots * types))
    kind = torch.tensor(list(map(int, kinds))).view(texts, units, widths, types)
    scores = CellScores(
        logits=torch.tensor(logits).view(texts, units, widths, types), nulls=torch.tensor(nulls).view(texts, slots, types)
    )
    return scores, kind == 2, kind > 0


class TestContrastive:
    @pytest.mark.parametrize(
        ("batch", "entity", "threshold"),
        [
            pytest.param(batch_of([1.0], [1], [1], 0.0), softplus(-1), 0.0, id="a positive against the slot"),
            pytest.param(batch_of([1.0], [0], [1], 0.0), 0.0, softplus(1), id="the slot against a negative"),
            pytest.param(
                batch_of([1.0, 2.0], [1, 0], [1, 1], 0.0),
                -math.log(math.e / (math.e + 1 + math.e**2)),
                softplus(2),
                id="a positive against slot and negative",
            ),
            pytest.param(batch_of([1.0, 2.0], [1, 0], [1, 0], 0.0), softplus(-1), 0.0, id="an invalid negative"),
            # Gold of the type is no rival of gold of the type.
            pytest.param(batch_of([1.0, 3.0], [1, 1], [1, 1], 0.0), (softplus(-1) + softplus(-3)) / 2, 0.0, id="two positives"),
            # Each slot by itself, then their mean.
            pytest.param(batch_of([1.0], [1], [1], 0.0, 3.0), (softplus(-1) + softplus(2)) / 2, 0.0, id="two slots, a positive"),
            pytest.param(batch_of([1.0], [0], [1], 0.0, 3.0), 0.0, (softplus(1) + softplus(-2)) / 2, id="two slots, a negative"),
            pytest.param(batch_of([1.0], [0], [0], 0.0), 0.0, 0.0, id="nothing valid"),
        ],
    )
    def test_by_hand(self, batch: Batch, entity: float, threshold: float) -> None:
        loss = contrastive(*batch)
        assert loss.shape == () and loss.item() == pytest.approx((entity + threshold) / 2, rel=1e-6, abs=1e-7)
        assert contrastive(*batch, threshold_weight=0.0, entity_weight=1.0).item() == pytest.approx(entity, rel=1e-6, abs=1e-7)
        assert contrastive(*batch, entity_weight=0.0, threshold_weight=3.0).item() == pytest.approx(3 * threshold, rel=1e-6)

    @given(batch=batches(), temperature=st.sampled_from([1.0, 0.5, 2.0]), entity=st.floats(0, 2), threshold=st.floats(0, 2))
    @example(batch=random_batch(), temperature=0.7, entity=0.25, threshold=1.5)
    def test_by_brute_force(self, batch: Batch, temperature: float, entity: float, threshold: float) -> None:
        options = {"temperature": temperature, "entity_weight": entity, "threshold_weight": threshold}
        loss = contrastive(*batch, **options)
        assert loss.item() == pytest.approx(contrastive_by_hand(batch, **options), rel=1e-4, abs=1e-5)

    def test_other_gold_is_in_no_denominator(self) -> None:
        """A second gold span of the type pulls nothing down: its gradient is that of its own terms alone."""
        scores, positives, valid = batch_of([1.0, 2.0, 0.5], [1, 1, 0], [1, 1, 1], 0.0)
        logits = scores.logits.clone().requires_grad_()
        contrastive(CellScores(logits=logits, nulls=scores.nulls), positives, valid).backward()
        assert logits.grad is not None
        first, second = logits.grad[0, :2, 0, 0].tolist()
        for own, score in ((first, 1.0), (second, 2.0)):
            rivals = 1 + math.exp(0.5)
            assert own == pytest.approx(-0.5 * 0.5 * rivals / (rivals + math.exp(score)), rel=1e-5)

    def test_each_slot_meets_its_own_null(self) -> None:
        """Two slots are the mean of one slot each, not a sum of both in one denominator."""
        scores, positives, valid = random_batch()
        assert scores.nulls is not None
        alone = [
            contrastive(CellScores(logits=scores.logits, nulls=scores.nulls[:, slot : slot + 1]), positives, valid)
            for slot in range(NUM_SLOTS)
        ]
        torch.testing.assert_close(contrastive(scores, positives, valid), torch.stack(alone).mean())
        assert not torch.isclose(*alone)

    def test_an_empty_type_pulls_no_slot(self) -> None:
        """A type that a text was not annotated for leaves its null slots alone; any other type moves them."""
        scores, positives, valid = random_batch()
        valid[0, ..., 1] = positives[0, ..., 1] = False
        scores = with_gradients(scores)
        contrastive(scores, positives, valid).backward()
        _, nulls = gradients(scores)
        assert not nulls[0, :, 1].any()
        assert (nulls[0, :, 0] != 0).all() and (nulls[1] != 0).all()

    def test_defaults(self) -> None:
        batch = random_batch()
        assert torch.equal(
            LOSSES["contrastive"](*batch), contrastive(*batch, temperature=1.0, entity_weight=0.5, threshold_weight=0.5)
        )
        assert frozenset({"contrastive"}) == NEED_NULL_SLOTS


@pytest.mark.parametrize("name", LOSSES)
class TestEveryObjective:
    def test_padding_has_no_influence(self, name: str) -> None:
        """More texts, units, widths and types than there are, of whatever scores."""
        scores, positives, valid = random_batch()
        assert scores.nulls is not None
        plain = LOSSES[name](scores, positives, valid)
        bigger = tuple(extent + 2 for extent in SHAPE)
        grown = []
        for tensor, fill in ((scores.logits, 1e4), (positives, False), (valid, False)):
            padded = torch.full(bigger, fill, dtype=tensor.dtype)
            padded[: SHAPE[0], : SHAPE[1], : SHAPE[2], : SHAPE[3]] = tensor
            grown.append(padded)
        nulls = torch.full((bigger[0], NUM_SLOTS, bigger[3]), -1e4)
        nulls[: SHAPE[0], :, : SHAPE[3]] = scores.nulls
        padded_scores = with_gradients(CellScores(logits=grown[0], nulls=nulls))
        loss = LOSSES[name](padded_scores, grown[1], grown[2])
        torch.testing.assert_close(loss.detach(), plain)
        loss.backward()
        cells, slots = gradients(padded_scores)
        assert not cells[~grown[2]].any() and not slots[SHAPE[0] :].any() and not slots[..., SHAPE[3] :].any()

    def test_invalid_cells_have_no_influence(self, name: str) -> None:
        scores, positives, valid = random_batch()
        scores = with_gradients(scores)
        loss = LOSSES[name](scores, positives, valid)
        loss.backward()
        cells, slots = gradients(scores)
        assert not cells[~valid].any() and (cells[valid] != 0).all()
        assert slots.any() == (name in NEED_NULL_SLOTS)
        other = torch.where(valid, scores.logits.detach(), torch.full(SHAPE, 50.0))
        assert torch.equal(LOSSES[name](CellScores(logits=other, nulls=scores.nulls), positives, valid).detach(), loss.detach())

    def test_nothing_valid(self, name: str) -> None:
        """An empty batch costs nothing, and a step on it is a step of zero."""
        scores = with_gradients(random_batch()[0])
        nothing = torch.zeros(SHAPE, dtype=torch.bool)
        loss = LOSSES[name](scores, nothing, nothing)
        loss.backward()
        assert loss.item() == 0
        assert not any(gradient.any() for gradient in gradients(scores))

    @pytest.mark.parametrize("shape", [(0, 3, 2, 2), (2, 3, 2, 0)])
    def test_no_cells(self, name: str, shape: tuple[int, ...]) -> None:
        nothing = torch.zeros(shape, dtype=torch.bool)
        scores = CellScores(logits=torch.zeros(shape), nulls=torch.zeros(shape[0], NUM_SLOTS, shape[3]))
        assert LOSSES[name](scores, nothing, nothing).item() == 0

    def test_it_pulls_where_it_should(self, name: str) -> None:
        scores, positives, valid = random_batch()
        scores = with_gradients(scores)
        LOSSES[name](scores, positives, valid).backward()
        cells, _ = gradients(scores)
        assert (cells[positives] < 0).all() and (cells[valid & ~positives] > 0).all()

    def test_sums_are_of_full_precision(self, name: str) -> None:
        """Scores of half the bits are the numbers that they are; nothing is rounded on the way to the loss."""
        scores, positives, valid = random_batch()
        assert scores.nulls is not None
        half = CellScores(logits=scores.logits.bfloat16(), nulls=scores.nulls.bfloat16())
        assert half.nulls is not None
        same = CellScores(logits=half.logits.float(), nulls=half.nulls.float())
        assert torch.equal(LOSSES[name](half, positives, valid), LOSSES[name](same, positives, valid))

    @pytest.mark.parametrize("size", [50.0, 200.0])
    @pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32])
    def test_extreme_logits(self, name: str, dtype: torch.dtype, size: float) -> None:
        """Right or wrong beyond doubt, in whatever precision scores come: finite, and so is what it teaches."""
        for sign in (1, -1):
            scores, positives, valid = random_batch()
            assert scores.nulls is not None
            logits = torch.where(positives, sign * size, -sign * size).to(dtype)
            scores = with_gradients(CellScores(logits=logits, nulls=(scores.nulls.sign() * size).to(dtype)))
            loss = LOSSES[name](scores, positives, valid)
            loss.backward()
            assert loss.dtype == torch.float32 and math.isfinite(loss.item())
            assert (loss.item() > size / 4) or sign == 1
            assert all(gradient.isfinite().all() for gradient in gradients(scores))
            assert sign == 1 or gradients(scores)[0][positives].any()


def boundary_by_hand(cells: torch.Tensor, edge: str) -> list[list[list[bool]]]:
    """Whether a span of these cells starts (ends) at a unit, text by text, unit by unit, type by type."""
    num_texts, num_units, _, num_types = cells.shape
    found = [[[False] * num_types for _ in range(num_units)] for _ in range(num_texts)]
    for text, unit, width, column in cells.nonzero().tolist():
        found[text][unit if edge == "start" else unit + width][column] = True
    return found


def grid(seed: int, shape: tuple[int, ...]) -> torch.Tensor:
    """Random cells, of spans that end within their text."""
    chosen = torch.rand(shape, generator=torch.Generator().manual_seed(seed)) < 0.2
    inside = torch.arange(shape[1])[:, None] + torch.arange(shape[2]) < shape[1]
    return chosen & inside[None, :, :, None]


class TestBoundaries:
    @given(seed=st.integers(0, 1000), shape=st.tuples(st.integers(1, 3), st.integers(1, 6), st.integers(1, 6), st.integers(1, 3)))
    def test_by_brute_force(self, seed: int, shape: tuple[int, ...]) -> None:
        shape = (shape[0], shape[1], min(shape[2], shape[1]), shape[3])
        chosen = grid(seed, shape)
        before = chosen.clone()
        for function, edge in ((starting, "start"), (ending, "end")):
            found = function(chosen)
            assert found.shape == (shape[0], shape[1], 1, shape[3]) and found.dtype == torch.bool
            assert found[:, :, 0].tolist() == boundary_by_hand(chosen, edge)
        assert torch.equal(chosen, before)

    def scores(self, nulls: bool) -> tuple[SpanScores, torch.Tensor, torch.Tensor]:
        valid = grid(1, (2, 5, 3, 2)) | grid(2, (2, 5, 3, 2))
        positives = valid & grid(2, (2, 5, 3, 2))
        generator = torch.Generator().manual_seed(0)

        def cells(width: int) -> CellScores:
            logits = torch.randn((2, 5, width, 2), generator=generator)
            return CellScores(logits=logits, nulls=torch.randn((2, NUM_SLOTS, 2), generator=generator) if nulls else None)

        return SpanScores(spans=cells(3), starts=cells(1), ends=cells(1)), positives, valid

    @pytest.mark.parametrize("name", LOSSES)
    def test_weights_are_linear(self, name: str) -> None:
        loss: Loss = LOSSES[name]
        scores, positives, valid = self.scores(name in NEED_NULL_SLOTS)
        assert scores.starts is not None and scores.ends is not None
        parts = [
            loss(scores.spans, positives, valid),
            loss(scores.starts, torch.tensor(boundary_by_hand(positives, "start"))[:, :, None], starting(valid)),
            loss(scores.ends, torch.tensor(boundary_by_hand(positives, "end"))[:, :, None], ending(valid)),
        ]
        assert len({round(part.item(), 4) for part in parts}) == 3
        for weights in ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0), (1.0, 0.5, 0.25), (2.0, 3.0, 5.0)):
            named: dict[str, Any] = dict(zip(("span_weight", "start_weight", "end_weight"), weights, strict=True))
            total = sum(weight * part for weight, part in zip(weights, parts, strict=True))
            torch.testing.assert_close(matching_loss(loss, scores, positives, valid, **named), total)
        torch.testing.assert_close(matching_loss(loss, scores, positives, valid), parts[0])

    @pytest.mark.parametrize("name", LOSSES)
    @pytest.mark.parametrize("bound", ["start", "end"])
    def test_gold_that_is_no_target_is_no_negative(self, bound: str, name: str) -> None:
        """Gold starts at unit 1, and only a shorter candidate there is a target: the score of that start has no influence."""
        scores, _, valid = self.scores(name in NEED_NULL_SLOTS)
        positives, gold = torch.zeros_like(valid), torch.zeros((2, 5, 2), dtype=torch.bool)
        valid[0, 1, 0, 0] = valid[0, 2, 0, 0] = positives[0, 2, 0, 0] = True
        gold[0, 1, 0] = gold[0, 2, 0] = True
        part = scores.starts if bound == "start" else scores.ends
        assert part is not None
        part.logits.requires_grad_()
        options: dict[str, Any] = {"span_weight": 0.0, f"{bound}_weight": 1.0}
        for bounds, is_target in ((None, True), (gold, False)):
            part.logits.grad = None
            matching_loss(LOSSES[name], scores, positives, valid, **options, **{f"gold_{bound}s": bounds}).backward()
            assert part.logits.grad is not None
            assert bool(part.logits.grad[0, 1, 0, 0]) == is_target and bool(part.logits.grad[0, 2, 0, 0])

    def test_options_of_the_loss_hold_for_all_parts(self) -> None:
        scores, positives, valid = self.scores(False)
        zero = partial(focal, alpha=0.0)
        everywhere = torch.ones_like(valid)
        weights = {"span_weight": 1.0, "start_weight": 1.0, "end_weight": 1.0}
        assert matching_loss(zero, scores, everywhere, everywhere, **weights).item() == 0
        assert matching_loss(zero, scores, positives, valid, **weights).item() > 0
