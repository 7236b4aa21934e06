"""From scores to entities, with scores made by hand; and cells in blocks against all cells, in half and in full precision."""

import math
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from helpers import make_example, units_of
from hypothesis import given
from hypothesis import strategies as st

from spanmatch.batching.collate import TextBatch
from spanmatch.batching.views import TokenizedText, View
from spanmatch.entities import Entity, EntityType, Inventory
from spanmatch.model.head import SpanHead
from spanmatch.prediction import scoring
from spanmatch.prediction.decoding import Candidates, resolve
from spanmatch.prediction.scoring import passing_candidates, passing_cells
from spanmatch.prediction.thresholds import Calibration, Cutoffs, Threshold, cutoffs
from spanmatch.prediction.torch_backend import TorchBackend, TorchBlocks
from spanmatch.prediction.type_columns import TypeColumns

PERSON, CITY, COMPANY = (EntityType(name=name) for name in ("person", "city", "company"))
ALL = (PERSON, CITY, COMPANY)
SLOTS = {"cls": 0, "label_token": 1}
Cells = Mapping[tuple[int, int], Mapping[EntityType, float]]  # (unit, width - 1) -> type -> logit
# What a cell has that a test does not set.
LOW = -50.0


class HandMade(SpanHead):
    """The head of a matcher, whose spans and null slots are the logits themselves: a type is a unit vector."""

    def __init__(self, spans: torch.Tensor, nulls: torch.Tensor | None) -> None:
        size = spans.shape[-1]
        super().__init__(size, size, size, spans.shape[2], SLOTS if nulls is not None else None)
        self.spans, self.nulls = spans, nulls

    def represent_cells(self, text_states_BTH: torch.Tensor, batch: TextBatch, cells_S3: torch.Tensor) -> torch.Tensor:
        return self.spans[tuple(cells_S3.unbind(1))]

    def represent_nulls(self, text_states_BTH: torch.Tensor) -> torch.Tensor | None:
        return self.nulls


def views_of(inventories: Sequence[tuple[EntityType, ...]], num_units: int) -> list[View]:
    """Texts "a b c ...", each with its types."""
    text = " ".join("abcdefgh"[:num_units])
    return [
        View(
            tokenized=TokenizedText(
                example=make_example(text, (), types), token_ids=np.arange(num_units), units=units_of([1] * num_units)
            ),
            start_unit=0,
            end_unit=num_units,
            start_token=0,
            end_token=num_units,
            types=Inventory(types),
        )
        for types in inventories
    ]


def found(
    texts: Sequence[tuple[tuple[EntityType, ...], Cells, Mapping[str, Mapping[EntityType, float]] | None]],
    threshold: Threshold | None,
    *,
    behind: bool,
    calibration: Calibration | None = None,
    num_units: int = 3,
    width: int = 2,
) -> list[dict[tuple[str, str], float]]:
    """Which entities (text, label) of each text, with their scores.

    Args:
        texts: the types of each, the logits of its cells, and those of its null slots.
        behind: whether types have embeddings per text, as in a cross-encoder, rather than one for all.
    """
    everything = list(dict.fromkeys(item for types, _, _ in texts for item in types))
    spans = torch.full((len(texts), num_units, width, len(everything)), LOW)
    has_nulls = any(nulls is not None for _, _, nulls in texts)
    slots = torch.zeros((len(texts), len(SLOTS), len(everything)))
    for row, (_, cells, nulls) in enumerate(texts):
        for (unit, extra), logits in cells.items():
            for item, value in logits.items():
                spans[row, unit, extra, everything.index(item)] = value
        for name, logits in (nulls or {}).items():
            for item, value in logits.items():
                slots[row, SLOTS[name], everything.index(item)] = value
    views = views_of([types for types, _, _ in texts], num_units)
    inside = torch.arange(num_units)[:, None] + torch.arange(width) < num_units
    batch: Any = SimpleNamespace(candidates=inside.expand(len(texts), -1, -1), to=lambda device: batch)
    unit_vectors = torch.eye(len(everything))
    most = max(len(types) for types, _, _ in texts)
    # Where a text has fewer types than another, the place of the first token stands for the missing: anything.
    rows = [
        torch.stack(
            [unit_vectors[everything.index(item)] for item in types] + [torch.full((len(everything),), 9.0)] * (most - len(types))
        )
        for types, _, _ in texts
    ]
    model: Any = SimpleNamespace(
        head=HandMade(spans, slots if has_nulls else None),
        encode_texts=lambda batch: torch.zeros(len(texts), 1, 1),
        type_embeddings_behind=lambda states, batch, apart: torch.stack(rows),
        corrected=lambda types: types,
    )

    def limits(asked: Sequence[EntityType]) -> Cutoffs:
        objective, null_slots = ("contrastive", SLOTS) if has_nulls else ("bce", {})
        return cutoffs(threshold, asked, calibration, objective=objective, null_slots=null_slots)

    def embed(asked: Sequence[EntityType]) -> torch.Tensor:
        return unit_vectors[[everything.index(item) for item in asked]]

    columns = TypeColumns.of([types for types, _, _ in texts], limits, None if behind else embed)
    backend = TorchBackend(model, batcher=SimpleNamespace(is_cross_encoder=behind), inference=torch.inference_mode)  # type: ignore[arg-type]
    with pytest.MonkeyPatch.context() as patched, torch.inference_mode():
        patched.setattr("spanmatch.prediction.torch_backend.collate_texts", lambda views, batcher: batch)
        passed = passing_candidates(backend, views, columns)
    return [
        {
            (entity.text, entity.label): entity.score
            for entity in resolve(view.tokenized.example.text, candidates, view.types, "multi-label")
        }
        for view, candidates in zip(views, passed, strict=True)
    ]


def sigmoid(value: float) -> float:
    return 1 / (1 + float(np.exp(-value)))


@pytest.mark.parametrize("behind", [False, True], ids=["one embedding for all", "one per text"])
class TestNullSlots:
    # "a" is 2 above the slot cls for a person, "b c" 1 for a city; for label_token it is the other way round.
    TEXT = (
        (PERSON, CITY),
        {(0, 0): {PERSON: 3.0, CITY: -1.0}, (1, 1): {PERSON: 0.0, CITY: -4.0}},
        {"cls": {PERSON: 1.0, CITY: -5.0}, "label_token": {PERSON: 4.0, CITY: -6.0}},
    )

    @pytest.mark.parametrize(
        ("threshold", "expected"),
        [
            ("cls", {("a", "person"): 2.0, ("a", "city"): 4.0, ("b c", "city"): 1.0}),
            ("label_token", {("a", "city"): 5.0, ("b c", "city"): 2.0}),
            (None, {("a", "city"): 5.0, ("b c", "city"): 2.0}),
            # A margin: above the slot by so much and more; what is equal does not pass.
            ("cls+1", {("a", "person"): 2.0, ("a", "city"): 4.0}),
            ("cls+1.9", {("a", "person"): 2.0, ("a", "city"): 4.0}),
            ("cls+2", {("a", "city"): 4.0}),
            ("cls+4", {}),
            ("label_token-1.5", {("a", "person"): -1.0, ("a", "city"): 5.0, ("b c", "city"): 2.0}),
            (
                "cls-1.5",
                {("a", "person"): 2.0, ("a", "city"): 4.0, ("b c", "city"): 1.0, ("b c", "person"): -1.0},
            ),
        ],
    )
    def test_table(self, threshold: Threshold | None, expected: dict[tuple[str, str], float], behind: bool) -> None:
        """The score that is reported is the sigmoid of what a span has above the slot."""
        [entities] = found([self.TEXT], threshold, behind=behind)
        assert entities == {key: pytest.approx(sigmoid(value)) for key, value in expected.items()}

    @pytest.mark.parametrize(
        ("calibration", "threshold", "expected"),
        [
            (Calibration(threshold=0.8, slot="cls"), None, {("a", "person"), ("a", "city")}),
            (Calibration(threshold=0.8, slot="label_token"), None, {("a", "city"), ("b c", "city")}),
            (Calibration(threshold=0.8, per_type={"city": 0.99}, slot="cls"), None, {("a", "person")}),
            (Calibration(threshold=0.99, slot="cls"), 0.7, {("a", "person"), ("a", "city"), ("b c", "city")}),
            (Calibration(threshold=0.99, slot="cls"), {"person": 0.85}, {("a", "person")}),
            (Calibration(threshold=0.99, slot="cls"), "label_token", {("a", "city"), ("b c", "city")}),
        ],
    )
    def test_calibrated(
        self, calibration: Calibration, threshold: Threshold | None, expected: set[tuple[str, str]], behind: bool
    ) -> None:
        """A calibrated number counts from the slot that was calibrated."""
        [entities] = found([self.TEXT], threshold, behind=behind, calibration=calibration)
        assert entities.keys() == expected

    def test_each_text_has_its_own_slots_and_types(self, behind: bool) -> None:
        """Several inventories in one batch, in other orders: no text is asked for the types of another."""
        texts = [
            ((PERSON, CITY), {(0, 0): {PERSON: 1.0, CITY: 1.0}}, {"cls": {PERSON: 0.0, CITY: 2.0}}),
            ((CITY, PERSON), {(0, 0): {PERSON: 1.0, CITY: 1.0, COMPANY: 9.0}}, {"cls": {PERSON: 2.0, CITY: 0.0}}),
            ((COMPANY,), {(0, 0): {PERSON: 9.0, COMPANY: 1.0}, (2, 0): {COMPANY: 3.0}}, {"cls": {COMPANY: 2.5}}),
            (ALL, {(0, 1): dict.fromkeys(ALL, 1.0)}, {"cls": {PERSON: 1.5, CITY: 0.5, COMPANY: -1.0}}),
            ((), {(0, 0): dict.fromkeys(ALL, 9.0)}, {}),
        ]
        assert found(texts, "cls", behind=behind) == [
            {("a", "person"): pytest.approx(sigmoid(1))},
            {("a", "city"): pytest.approx(sigmoid(1))},
            {("c", "company"): pytest.approx(sigmoid(0.5))},
            {("a b", "city"): pytest.approx(sigmoid(0.5)), ("a b", "company"): pytest.approx(sigmoid(2))},
            {},
        ]

    def test_without_slots_a_score_is_its_own(self, behind: bool) -> None:
        texts = [((PERSON, CITY), {(0, 0): {PERSON: 1.0, CITY: -1.0}, (1, 1): {CITY: 0.5}}, None)]
        assert found(texts, None, behind=behind) == [
            {("a", "person"): pytest.approx(sigmoid(1)), ("b c", "city"): pytest.approx(sigmoid(0.5))}
        ]
        assert found(texts, {"person": 0.9, "city": 0.2}, behind=behind) == [
            {("a", "city"): pytest.approx(sigmoid(-1)), ("b c", "city"): pytest.approx(sigmoid(0.5))}
        ]

    def test_beyond_the_text_is_no_candidate(self, behind: bool) -> None:
        everywhere = {(unit, extra): {PERSON: 5.0} for unit in range(3) for extra in range(2)}
        [entities] = found([((PERSON,), everywhere, {"cls": {PERSON: 0.0}})], "cls", behind=behind)
        assert set(entities) == {(text, "person") for text in ("a", "a b", "b", "b c", "c")}

    @pytest.mark.parametrize("max_cells", [1, 7, 20])
    def test_in_blocks_of_types(self, max_cells: int, behind: bool, monkeypatch: pytest.MonkeyPatch) -> None:
        """Memory is bounded by scoring some types at a time: each with its own limit and its own null slot."""
        rng = np.random.default_rng(0)
        types = tuple(EntityType(name=f"kind {number}") for number in range(9))

        def draw(own: Sequence[EntityType]) -> dict[EntityType, float]:
            return dict(zip(own, rng.normal(size=len(own)).tolist(), strict=True))

        texts = []
        for own in (types, types[3:7], types[::-1]):
            cells = {(unit, extra): draw(own) for unit in range(3) for extra in range(2)}
            texts.append((own, cells, {"cls": draw(own)}))
        calibration = Calibration(threshold=0.5, per_type={"kind 4": 0.3, "kind 8": 0.7}, slot="cls")
        whole = found(texts, None, behind=behind, calibration=calibration)
        assert all(whole)
        monkeypatch.setattr(scoring, "MAX_CELLS", {"cpu": max_cells})
        assert found(texts, None, behind=behind, calibration=calibration) == whole


def test_nothing_is_asked_for() -> None:
    """Not even the encoder is run."""
    backend: Any = SimpleNamespace()
    views: Any = views_of([(), ()], 2)
    columns = TypeColumns(limits=np.empty(0), slot=None, embeddings=None, columns={})
    found = passing_candidates(backend, views, columns)
    assert [len(item.start) for item in found] == [0, 0]


def brute_force(spans: torch.Tensor, types: torch.Tensor, limits: np.ndarray) -> dict[tuple[int, int], float]:
    """Cells above their limit, in float32."""
    logits = spans.float() @ types.float().T
    return {
        (span, column): float(logits[span, column])
        for span in range(len(spans))
        for column in range(len(types))
        if float(logits[span, column]) > float(np.float32(limits[column]))
    }


def best_of(cells: dict[tuple[int, int], float]) -> dict[tuple[int, int], float]:
    """Of each span the best, the first of equals."""
    best: dict[int, tuple[float, int]] = {}
    for (span, column), logit in sorted(cells.items()):
        if span not in best or logit > best[span][0]:
            best[span] = logit, column
    return {(span, column): logit for span, (logit, column) in best.items()}


def passed_cells(*arguments: Any, **options: Any) -> dict[tuple[int, int], float]:
    passed = passing_cells(TorchBlocks(*arguments), **options)
    cells = list(zip(passed.span.tolist(), passed.column.tolist(), strict=True))
    assert cells == sorted(set(cells)), "in the order of the spans, each once"
    return dict(zip(cells, passed.logit.tolist(), strict=True))


class TestPassingCells:
    @given(
        seed=st.integers(0, 1 << 30),
        num_spans=st.integers(0, 12),
        num_types=st.integers(0, 12),
        size=st.integers(1, 5),
        dtype=st.sampled_from([torch.float32, torch.bfloat16]),
        best_only=st.booleans(),
        max_cells=st.sampled_from([1, 5, 12, 1 << 19]),
        max_types=st.sampled_from([1, 3, 4096]),
    )
    def test_it_is_brute_force(
        self,
        seed: int,
        num_spans: int,
        num_types: int,
        size: int,
        dtype: torch.dtype,
        best_only: bool,
        max_cells: int,
        max_types: int,
    ) -> None:
        """Whole numbers: sums are exact, many are equal to each other and to their limit."""
        rng = np.random.default_rng(seed)
        spans = torch.from_numpy(rng.integers(-3, 4, (num_spans, size))).float()
        types = torch.from_numpy(rng.integers(-2, 3, (num_types, size))).to(dtype)
        limits = rng.choice([-np.inf, -6.0, -1.0, 0.0, 0.5, 3.0, np.inf], num_types)
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(scoring, "MAX_CELLS", {"cpu": max_cells})
            patched.setattr(scoring, "MAX_BLOCK_TYPES", max_types)
            found = passed_cells(spans, types, limits=limits, best_only=best_only)
        expected = brute_force(spans, types, limits)
        assert found == (best_of(expected) if best_only else expected)

    @pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
    @pytest.mark.parametrize("best_only", [False, True])
    def test_real_numbers(self, best_only: bool, dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch) -> None:
        """Cells that are neither just above nor just below their limit, and scores as they are in float32."""
        generator, rng = torch.Generator().manual_seed(0), np.random.default_rng(0)
        monkeypatch.setattr(scoring, "MAX_CELLS", {"cpu": 500})
        monkeypatch.setattr(scoring, "MAX_BLOCK_TYPES", 16)
        spans = torch.randn(90, 24, generator=generator).to(dtype)
        types = (torch.randn(50, 24, generator=generator) * 1.5).to(dtype)
        limits = rng.normal(8.0, 2.0, 50)
        limits[::7] = np.inf
        found = passed_cells(spans, types, limits=limits, best_only=best_only)
        loose = brute_force(spans, types, limits - 1e-4)
        strict = brute_force(spans, types, limits + 1e-4)
        if best_only:
            loose, strict = best_of(loose), best_of(strict)
        assert strict.keys() <= found.keys() <= loose.keys() and len(strict) > 40
        assert [found[key] for key in found] == pytest.approx([loose[key] for key in found], rel=0, abs=1e-4)

    def test_ties_fall_to_the_first_type(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """... within a block and across blocks."""
        spans, types = torch.tensor([[1.0], [2.0]]), torch.tensor([[1.0], [3.0], [3.0], [2.0], [3.0]])
        options: dict[str, Any] = {"best_only": True}
        for max_types in (1, 2, 3, 5):
            monkeypatch.setattr(scoring, "MAX_BLOCK_TYPES", max_types)
            assert passed_cells(spans, types, limits=np.zeros(5), **options) == {(0, 1): 3.0, (1, 1): 6.0}
            # What does not pass is no best.
            limits = np.array([0.0, 9.0, 3.0, 0.0, 0.0])
            assert passed_cells(spans, types, limits=limits, **options) == {(0, 4): 3.0, (1, 2): 6.0}

    @given(
        seed=st.integers(0, 1 << 30),
        num_types=st.integers(1, 6),
        max_types=st.sampled_from([1, 2, 4096]),
        overlap=st.sampled_from(["flat", "nested"]),
    )
    def test_the_best_of_each_span_is_enough(self, seed: int, num_types: int, max_types: int, overlap: str) -> None:
        """Without entities of equal bounds, the others are in no result."""
        rng = np.random.default_rng(seed)
        bounds = np.array([(start, start + width) for start in range(6) for width in range(1, 5)])
        bounds = bounds[rng.permutation(len(bounds))]
        spans = torch.from_numpy(rng.integers(-2, 3, (len(bounds), 3))).float()
        types = torch.from_numpy(rng.integers(-2, 3, (num_types, 3))).float()
        limits = rng.choice([-2.0, 0.0, 1.0, 3.0], num_types)
        names = tuple(EntityType(name=f"kind {number}") for number in range(num_types))

        def entities(best_only: bool) -> list[Entity]:
            passed = passing_cells(TorchBlocks(spans, types), limits=limits, best_only=best_only)
            start, end = bounds[passed.span].T
            candidates = Candidates(start=start, end=end, column=passed.column, logit=passed.logit)
            return resolve("x" * 12, candidates, names, overlap)

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(scoring, "MAX_BLOCK_TYPES", max_types)
            assert entities(best_only=True) == entities(best_only=False)


class TestHalfPrecision:
    """Scores are looked through in half precision and decided upon in float32: none above its limit may be overlooked."""

    @pytest.mark.parametrize("size", [4, 128])
    @pytest.mark.parametrize("spread", [0.3, 3.0, 12.0])
    def test_just_above_the_limit(self, size: int, spread: float, monkeypatch: pytest.MonkeyPatch) -> None:
        """A limit a hair below the score of some span, for each type by itself; scores up to 30 and more."""
        monkeypatch.setattr(scoring, "MAX_BLOCK_TYPES", 1)
        generator = torch.Generator().manual_seed(0)
        spans = torch.randn(400, size, generator=generator).bfloat16()
        types = (torch.randn(60, size, generator=generator) * (spread / size**0.5)).bfloat16()
        logits = (spans.float() @ types.float().T).numpy()
        rng = np.random.default_rng(0)
        chosen = logits[rng.integers(0, 400, 60), np.arange(60)].astype(np.float64)
        if spread > 10:
            assert np.abs(chosen).max() > 25
        limits = chosen - 1e-4 - 1e-5 * np.abs(chosen)
        found = passed_cells(spans, types, limits=limits)
        margin = 1e-5 + 1e-6 * np.abs(logits)
        surely = {tuple(cell) for cell in np.argwhere(logits > limits + margin).tolist()}
        perhaps = {tuple(cell) for cell in np.argwhere(logits > limits - margin).tolist()}
        assert surely <= found.keys() <= perhaps
        assert len(surely) >= 60

    @pytest.mark.parametrize("sign", [1, -1])
    @pytest.mark.parametrize("score", [0.01, 0.3, 1.0, 7.0, 30.0])
    def test_a_score_that_is_rounded_down(self, score: float, sign: int) -> None:
        """By as much as bfloat16 does: half of its last place."""
        wanted = sign * score * 1.1
        exponent = math.floor(math.log2(score * 1.1))
        # A hair less (more, below zero) than the middle of two neighbours, as the sum of two that bfloat16 has.
        step = 2.0 ** (exponent - 7)
        floor = math.floor(wanted / step) * step
        parts = [floor, step * (0.5 - 2**-7)]
        spans = torch.tensor([parts]).bfloat16()
        types = torch.ones(1, 2).bfloat16()
        exact = float(spans.float().sum())
        assert float(spans.sum()) < exact
        found = passed_cells(spans, types, limits=np.array([exact - 1e-5 * score]))
        assert found == {(0, 0): pytest.approx(exact)}

    def test_spans_that_are_rounded(self) -> None:
        """Above a null slot, spans are differences in float32: what rounding costs grows with their size, not their score.

        What counts for the type is rounded down, what counts against it up, each by half a place of bfloat16.
        """
        half, place = 64, 2.0**-7
        spans = torch.tensor([[1 + 0.49 * place] * half + [1 + 0.51 * place] * half])
        types = torch.tensor([[1.0] * half + [-1.0] * half]).bfloat16()
        exact = -0.02 * half * place
        found = passed_cells(spans, types, limits=np.array([exact - 0.001]))
        assert found == {(0, 0): pytest.approx(exact, abs=1e-4)}

    def test_spans_that_are_rounded_at_random(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The same of spans of no particular kind, with scores of a usual size."""
        monkeypatch.setattr(scoring, "MAX_BLOCK_TYPES", 1)
        generator = torch.Generator().manual_seed(0)
        spans = torch.randn(5000, 128, generator=generator)
        types = (torch.randn(40, 128, generator=generator) * (10 / 128**0.5)).bfloat16()
        logits = (spans @ types.float().T).numpy()
        found = passed_cells(spans, types, limits=np.zeros(40))
        lost = {tuple(cell) for cell in np.argwhere(logits > 1e-4).tolist()} - found.keys()
        assert not lost, max(logits[cell] for cell in lost)
