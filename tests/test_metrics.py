"""Metrics by hand, against brute force, and against seqeval."""

import json
import math
import random
from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spanmatch.entities import Mention
from spanmatch.evaluation import confidence as metrics_module
from spanmatch.evaluation.calibration import best_threshold, best_threshold_per_type
from spanmatch.evaluation.error_classes import ErrorCounts, count_errors, flat_recall_ceiling, is_flat
from spanmatch.evaluation.metrics import Counts, Metrics, compute_metrics
from spanmatch.evaluation.seqeval_scores import seqeval_scores

no_deadline = settings(deadline=None)  # the first call imports, and the cores are shared
LABELS = ["a", "a-", "-a", "B-loc-city", "two words", "O"]


def m(start: int, end: int, label: str) -> Mention:
    return Mention(start=start, end=end, label=label)


def overlap(left: Mention, right: Mention) -> bool:
    return max(left.start, right.start) < min(left.end, right.end)


# Few positions and labels, so that overlaps, duplicates and exact matches are common.
mention = st.builds(
    lambda start, width, label: m(start, start + width, label), st.integers(0, 6), st.integers(1, 4), st.sampled_from("xyz")
)
mentions = st.lists(mention, max_size=6)
example_pairs = st.lists(st.tuples(mentions, mentions), max_size=6)

CASES = [
    # name, gold, predicted, (true positives, predicted, gold), macro F1
    ("exact", [[m(0, 2, "x")]], [[m(0, 2, "x")]], (1, 1, 1), 1.0),
    ("nested gold, both found", [[m(0, 5, "x"), m(1, 2, "x")]], [[m(1, 2, "x"), m(0, 5, "x")]], (2, 2, 2), 1.0),
    ("nested gold, inner missed", [[m(0, 5, "x"), m(1, 2, "y")]], [[m(0, 5, "x")]], (1, 1, 2), 0.5),
    ("two labels on one span", [[m(0, 2, "x"), m(0, 2, "y")]], [[m(0, 2, "x"), m(0, 2, "y")]], (2, 2, 2), 1.0),
    ("duplicates count once", [[m(0, 2, "x")] * 2], [[m(0, 2, "x")] * 3], (1, 1, 1), 1.0),
    ("type confusion", [[m(0, 2, "x")]], [[m(0, 2, "y")]], (0, 1, 1), 0.0),
    ("boundary", [[m(0, 2, "x")]], [[m(0, 3, "x")]], (0, 1, 1), 0.0),
    ("same span in another example", [[m(0, 2, "x")], []], [[], [m(0, 2, "x")]], (0, 1, 1), 0.0),
    ("no gold", [[], []], [[m(0, 2, "x")], []], (0, 1, 0), 0.0),
    ("no prediction", [[m(0, 2, "x")]], [[]], (0, 0, 1), 0.0),
    ("empty examples", [[], []], [[], []], (0, 0, 0), 0.0),
    ("no example", [], [], (0, 0, 0), 0.0),
    # x: F1 2/3, y: F1 1 -> macro 5/6; z is in the inventory only and stays out of macro.
    ("macro", [[m(0, 1, "x"), m(3, 4, "y")]], [[m(0, 1, "x"), m(1, 2, "x"), m(3, 4, "y")]], (2, 3, 2), 5 / 6),
]


@pytest.mark.parametrize(("gold", "predicted", "counts", "macro_f1"), [case[1:] for case in CASES], ids=[c[0] for c in CASES])
def test_evaluate_by_hand(
    gold: list[list[Mention]], predicted: list[list[Mention]], counts: tuple[int, int, int], macro_f1: float
) -> None:
    result = compute_metrics(gold, predicted, types=["z"], num_bootstrap=5)
    assert (result.micro.true_positives, result.micro.num_predicted, result.micro.num_gold) == counts
    assert result.macro_f1 == pytest.approx(macro_f1)
    assert result.num_examples == len(gold)
    assert result.num_gold == counts[2]


def test_counts_ratios() -> None:
    counts = Counts(true_positives=1, num_predicted=2, num_gold=4)
    assert (counts.precision, counts.recall) == (0.5, 0.25)
    assert counts.f1 == pytest.approx(1 / 3)
    empty = Counts(true_positives=0, num_predicted=0, num_gold=0)
    assert (empty.precision, empty.recall, empty.f1) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize("triple", [(2, 1, 3), (2, 3, 1), (-1, 1, 1)])
def test_counts_refuses_impossible_numbers(triple: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="true positives must be"):
        Counts(true_positives=triple[0], num_predicted=triple[1], num_gold=triple[2])


def test_inventory_is_sorted_and_complete() -> None:
    result = compute_metrics([[m(0, 1, "gold only")]], [[m(2, 3, "a predicted one")]], types=["unseen", "given"], num_bootstrap=5)
    assert list(result.per_type) == ["a predicted one", "given", "gold only", "unseen"]
    assert result.per_type["gold only"] == Counts(true_positives=0, num_predicted=0, num_gold=1)
    assert result.per_type["a predicted one"] == Counts(true_positives=0, num_predicted=1, num_gold=0)


def test_lengths_must_agree() -> None:
    with pytest.raises(ValueError, match="got 2 of gold, 1 of predicted"):
        compute_metrics([[], []], [[]], types=[])
    with pytest.raises(ValueError, match="got 1 of gold, 0 of predicted"):
        count_errors([[]], [])
    with pytest.raises(ValueError, match="num_bootstrap must be at least 1, got 0"):
        compute_metrics([], [], types=[], num_bootstrap=0)


@no_deadline
@given(example_pairs, st.randoms(use_true_random=False))
def test_order_of_examples_and_mentions_does_not_matter(
    pairs: list[tuple[list[Mention], list[Mention]]], order: random.Random
) -> None:
    shuffled = [(golds[::-1], found[::-1]) for golds, found in order.sample(pairs, len(pairs))]
    before, after = (
        compute_metrics([golds for golds, _ in some], [found for _, found in some], types=["x"], num_bootstrap=20)
        for some in (pairs, shuffled)
    )
    assert before == after


@no_deadline
@given(example_pairs)
def test_numbers_add_up(pairs: list[tuple[list[Mention], list[Mention]]]) -> None:
    result = compute_metrics([golds for golds, _ in pairs], [found for _, found in pairs], types=["x"], num_bootstrap=20)
    micro, per_type, errors = result.micro, result.per_type.values(), result.errors
    assert micro.true_positives == sum(len({*golds} & {*found}) for golds, found in pairs)
    assert micro.true_positives == sum(counts.true_positives for counts in per_type)
    assert micro.num_predicted == sum(counts.num_predicted for counts in per_type)
    assert micro.num_gold == sum(counts.num_gold for counts in per_type)
    assert errors.type + errors.boundary + errors.boundary_and_type + errors.spurious == errors.false_positives
    assert errors.false_positives == micro.num_predicted - micro.true_positives
    assert errors.missed + errors.covered_wrongly == errors.false_negatives == micro.num_gold - micro.true_positives
    low, high = result.f1_interval
    assert 0 <= low <= high <= 1
    assert all(0 <= score <= 1 for score in (micro.f1, result.macro_f1, *(counts.f1 for counts in per_type)))
    if micro.precision + micro.recall:
        assert micro.f1 == pytest.approx(2 * micro.precision * micro.recall / (micro.precision + micro.recall))


def _pairs_with_f1(num_examples: int, seed: int) -> tuple[list[list[Mention]], list[list[Mention]]]:
    """Every example has two gold mentions; about 70% are found, and about 30% have a spurious one."""
    rng = random.Random(seed)
    gold = [[m(0, 1, "x"), m(2, 3, "x")] for _ in range(num_examples)]
    predicted = [
        [item for item in items if rng.random() < 0.7] + ([m(5, 6, "x")] if rng.random() < 0.3 else []) for items in gold
    ]
    return gold, predicted


def test_bootstrap_is_a_function_of_the_seed() -> None:
    gold, predicted = _pairs_with_f1(60, seed=1)
    intervals = [compute_metrics(gold, predicted, types=[], seed=seed).f1_interval for seed in (0, 0, 1)]
    assert intervals[0] == intervals[1] != intervals[2]


def test_bootstrap_interval_contains_the_estimate_and_narrows() -> None:
    widths = []
    for num_examples in (50, 800):
        result = compute_metrics(*_pairs_with_f1(num_examples, seed=2), types=[])
        low, high = result.f1_interval
        assert low < result.micro.f1 < high
        widths.append(high - low)
    assert widths[1] < widths[0] / 2.5  # the square root of 16 is 4


def test_bootstrap_agrees_with_resampling_one_example_at_a_time() -> None:
    gold, predicted = _pairs_with_f1(20, seed=3)
    rows = np.array([(len({*g} & {*p}), len(p), len(g)) for g, p in zip(gold, predicted, strict=True)])
    rng = np.random.default_rng(7)
    sums = [rows[rng.integers(0, len(rows), len(rows))].sum(axis=0) for _ in range(4000)]
    expected = np.percentile([2 * right / (found + golds) for right, found, golds in sums], [2.5, 97.5])
    assert compute_metrics(gold, predicted, types=[], num_bootstrap=4000).f1_interval == pytest.approx(tuple(expected), abs=0.01)


def test_bootstrap_blocks_do_not_change_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    gold, predicted = _pairs_with_f1(60, seed=4)
    whole = compute_metrics(gold, predicted, types=[], num_bootstrap=50)
    monkeypatch.setattr(metrics_module, "_MAX_BLOCK_CELLS", 25)
    assert compute_metrics(gold, predicted, types=[], num_bootstrap=50) == whole


ERROR_CASES = [
    ("nothing wrong", [m(0, 2, "x")], [m(0, 2, "x")], ErrorCounts()),
    ("type", [m(0, 2, "x")], [m(0, 2, "y")], ErrorCounts(type=1, covered_wrongly=1)),
    ("boundary", [m(0, 2, "x")], [m(1, 3, "x")], ErrorCounts(boundary=1, covered_wrongly=1)),
    ("boundary and type", [m(0, 2, "x")], [m(1, 3, "y")], ErrorCounts(boundary_and_type=1, covered_wrongly=1)),
    ("touching is no overlap", [m(0, 2, "x")], [m(2, 3, "x")], ErrorCounts(spurious=1, missed=1)),
    ("spurious", [], [m(2, 3, "x")], ErrorCounts(spurious=1)),
    ("missed", [m(2, 3, "x")], [], ErrorCounts(missed=1)),
    ("type before boundary", [m(0, 2, "y"), m(1, 4, "x")], [m(0, 2, "x")], ErrorCounts(type=1, covered_wrongly=2)),
    ("boundary before both", [m(0, 2, "y"), m(2, 4, "x")], [m(1, 3, "x")], ErrorCounts(boundary=1, covered_wrongly=2)),
    ("a long mention under a short one", [m(0, 9, "x"), m(1, 2, "x")], [m(5, 6, "x")],
     ErrorCounts(boundary=1, missed=1, covered_wrongly=1)),
    ("two over one mention", [m(0, 4, "x")], [m(0, 2, "x"), m(2, 4, "y")],
     ErrorCounts(boundary=1, boundary_and_type=1, covered_wrongly=1)),
    ("a found mention answers for nothing more", [m(0, 2, "x")], [m(0, 2, "x"), m(0, 3, "x"), m(0, 2, "y")],
     ErrorCounts(spurious=2)),
    ("nested in a found mention is missed", [m(0, 5, "x"), m(1, 2, "y")], [m(0, 5, "x")], ErrorCounts(missed=1)),
]  # fmt: skip


@pytest.mark.parametrize(("gold", "predicted", "expected"), [c[1:] for c in ERROR_CASES], ids=[c[0] for c in ERROR_CASES])
def test_error_classes_by_hand(gold: list[Mention], predicted: list[Mention], expected: ErrorCounts) -> None:
    assert count_errors([gold], [predicted]) == expected


@no_deadline
@given(mentions, mentions)
def test_error_classes_against_all_pairs(gold: list[Mention], predicted: list[Mention]) -> None:
    false_positives, false_negatives = {*predicted} - {*gold}, {*gold} - {*predicted}
    expected = dict.fromkeys(("type", "boundary", "boundary_and_type", "spurious", "missed", "covered_wrongly"), 0)
    for wrong in false_positives:
        over = [item for item in false_negatives if overlap(item, wrong)]
        if any((item.start, item.end) == (wrong.start, wrong.end) for item in over):
            expected["type"] += 1
        elif any(item.label == wrong.label for item in over):
            expected["boundary"] += 1
        else:
            expected["boundary_and_type" if over else "spurious"] += 1
    for lost in false_negatives:
        expected["covered_wrongly" if any(overlap(lost, item) for item in false_positives) else "missed"] += 1
    assert count_errors([gold], [predicted]) == ErrorCounts(**expected)


CEILINGS = [
    ("no gold", [[]], None),
    ("flat", [[m(0, 2, "x"), m(2, 3, "x")], [m(0, 2, "x")]], None),
    ("a duplicate is flat", [[m(0, 2, "x")] * 2], None),
    ("two labels on one span", [[m(0, 2, "x"), m(0, 2, "y")]], 1 / 2),
    ("two inside one", [[m(0, 5, "x"), m(0, 2, "x"), m(3, 5, "x")]], 2 / 3),
    ("long one first, ends matter", [[m(0, 9, "x"), m(1, 2, "x"), m(2, 3, "x"), m(3, 9, "x")], [m(0, 1, "x")]], 4 / 5),
]


@pytest.mark.parametrize(("gold", "expected"), [case[1:] for case in CEILINGS], ids=[case[0] for case in CEILINGS])
def test_flat_recall_ceiling_by_hand(gold: list[list[Mention]], expected: float | None) -> None:
    assert flat_recall_ceiling(gold) == expected


@no_deadline
@given(st.lists(mentions, max_size=3))
def test_flat_recall_ceiling_against_all_subsets(gold: list[list[Mention]]) -> None:
    def most_kept(items: set[Mention]) -> int:
        sizes = range(len(items), -1, -1)
        subsets = (subset for size in sizes for subset in combinations(items, size))
        return next(len(s) for s in subsets if not any(overlap(left, right) for left, right in combinations(s, 2)))

    kept, total = sum(most_kept({*items}) for items in gold), sum(len({*items}) for items in gold)
    assert flat_recall_ceiling(gold) == (None if kept == total else kept / total)


def test_ceiling_is_given_for_flat_predictions_on_nested_gold_only() -> None:
    nested, flat = [[m(0, 5, "x"), m(1, 2, "x")]], [[m(0, 5, "x")]]
    assert compute_metrics(nested, flat, types=[], num_bootstrap=5).flat_recall_ceiling == 0.5
    assert compute_metrics(nested, nested, types=[], num_bootstrap=5).flat_recall_ceiling is None
    assert compute_metrics(flat, flat, types=[], num_bootstrap=5).flat_recall_ceiling is None


def _example_result() -> Metrics:
    gold = [[m(0, 5, "person"), m(1, 2, "person"), m(6, 8, "organisation")], [m(0, 1, "person")]]
    predicted = [[m(0, 5, "person"), m(6, 7, "organisation")], []]
    return compute_metrics(gold, predicted, types=["date"], num_bootstrap=5)


def test_as_dict_is_what_metrics_json_holds() -> None:
    result = _example_result()
    low, high = result.f1_interval
    assert json.loads(json.dumps(result.as_dict())) == {
        "micro": {"precision": 0.5, "recall": 0.25, "f1": pytest.approx(1 / 3), "f1_interval": [low, high]},
        "macro": {"f1": 0.25},
        "per_type": {
            "date": {"precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 0, "predicted": 0},
            "organisation": {"precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 1, "predicted": 1},
            "person": {"precision": 1.0, "recall": pytest.approx(1 / 3), "f1": 0.5, "support": 3, "predicted": 1},
        },
        "num_examples": 2,
        "num_gold": 4,
        "num_predicted": 2,
        "errors": {"type": 0, "boundary": 1, "boundary_and_type": 0, "spurious": 0, "missed": 2, "covered_wrongly": 1},
        "recall_ceiling": 0.75,
    }
    assert "recall_ceiling" not in compute_metrics([[]], [[]], types=[], num_bootstrap=5).as_dict()


def test_table() -> None:
    result = _example_result()
    low, high = result.f1_interval
    assert result.table().splitlines() == [
        "type          precision  recall      f1  support  predicted",
        "date                  -       -       -        0          0",
        "organisation     0.0000  0.0000  0.0000        1          1",
        "person           1.0000  0.3333  0.5000        3          1",
        "-----------------------------------------------------------",
        "micro            0.5000  0.2500  0.3333        4          2",
        "macro                            0.2500",
        f"micro F1, 95% interval: {low:.4f} to {high:.4f} (bootstrap over 2 examples)",
        "wrong predictions: type 0, boundary 1, boundary and type 0, spurious 0; gold not found: missed 2, covered wrongly 1",
        "recall ceiling of flat predictions on this gold: 0.7500",
    ]


def test_table_aligns_wide_labels() -> None:
    result = compute_metrics([[m(0, 1, "東京の会社")]], [[m(0, 1, "東京の会社")]], types=["org"], num_bootstrap=5)
    assert result.table().splitlines()[:3] == [
        "type        precision  recall      f1  support  predicted",
        "org                 -       -       -        0          0",
        "東京の会社     1.0000  1.0000  1.0000        1          1",
    ]


@st.composite
def flat_examples(draw: st.DrawFn) -> tuple[list[Mention], list[Mention], int]:
    """Gold and predictions of one example, each without overlap, and its number of tokens."""
    num_tokens = draw(st.integers(0, 8))

    def flat_mentions() -> list[Mention]:
        ends = sorted(draw(st.sets(st.integers(0, num_tokens), max_size=6)))
        pieces = [m(start, end, draw(st.sampled_from(LABELS))) for start, end in pairwise(ends)]
        return [piece for piece in pieces if draw(st.booleans())]

    gold = flat_mentions()
    kept = [item for item in gold if draw(st.booleans())]
    return gold, draw(st.sampled_from([kept, flat_mentions()])), num_tokens


@no_deadline
@given(st.lists(flat_examples(), max_size=5))
def test_seqeval_agrees_with_micro_on_flat_tokens(examples: list[tuple[list[Mention], list[Mention], int]]) -> None:
    gold, predicted, num_tokens = ([example[part] for example in examples] for part in range(3))
    micro = compute_metrics(gold, predicted, types=[], num_bootstrap=1).micro  # type: ignore[arg-type]
    scores = seqeval_scores(gold, predicted, num_tokens)  # type: ignore[arg-type]
    assert scores == pytest.approx({"precision": micro.precision, "recall": micro.recall, "f1": micro.f1})


def test_seqeval_by_hand() -> None:
    gold = [[m(0, 2, "a"), m(2, 3, "a-"), m(4, 6, "two words")], []]
    predicted = [[m(0, 2, "a"), m(2, 3, "a"), m(4, 5, "two words")], [m(0, 1, "a")]]
    assert seqeval_scores(gold, predicted, [6, 1]) == {
        "precision": 0.25,
        "recall": pytest.approx(1 / 3),
        "f1": pytest.approx(2 / 7),
    }


def test_seqeval_is_for_flat_mentions_inside_their_tokens() -> None:
    nested, flat = [[m(0, 2, "a"), m(0, 1, "a")]], [[m(0, 2, "a")]]
    assert seqeval_scores(nested, flat, [2]) is None
    assert seqeval_scores(flat, nested, [2]) is None
    with pytest.raises(ValueError, match="ends after its example's 1 tokens"):
        seqeval_scores(flat, flat, [1])
    with pytest.raises(ValueError, match="got 1 of gold, 1 of predicted, 2 of num_tokens_per_example"):
        seqeval_scores(flat, flat, [2, 2])


RIGHT, WRONG = m(0, 1, "x"), m(1, 2, "x")
TWO_GOLD = [[m(0, 1, "x"), m(3, 4, "x")]]


def ranked(*scores: float) -> list[tuple[Mention, float]]:
    """Give scores to mentions at 0, 1, 2, ..."""
    return [(m(start, start + 1, "x"), score) for start, score in enumerate(scores)]


THRESHOLDS = [
    # name, scored, gold, floor, threshold, F1
    ("cut between right and wrong", [[(RIGHT, 0.8), (WRONG, 0.4)]], [[RIGHT]], 0.0, 0.6, 1.0),
    ("keep all: half of the lowest", [[(RIGHT, 0.8)]], [[RIGHT]], 0.0, 0.4, 1.0),
    ("keep all: never below the floor", [[(RIGHT, 0.8)]], [[RIGHT]], 0.6, 0.7, 1.0),
    ("equal scores are not split", [[(WRONG, 0.8), (RIGHT, 0.8)]], [[RIGHT]], 0.0, 0.4, 2 / 3),
    # Right, wrong, wrong, right: with two gold mentions, keeping one and keeping four have the same F1.
    ("a tie goes to the nearest to 0.5, above", [ranked(0.9, 0.6, 0.5, 0.3)], TWO_GOLD, 0.0, 0.75, 2 / 3),
    ("a tie goes to the nearest to 0.5, below", [ranked(0.95, 0.85, 0.8, 0.7)], TWO_GOLD, 0.0, 0.35, 2 / 3),
    ("a tie at one distance goes to the higher", [ranked(0.875, 0.625, 0.5625, 0.5)], TWO_GOLD, 0.0, 0.75, 2 / 3),
    ("of duplicates the highest counts", [[(RIGHT, 0.2), (RIGHT, 0.9), (RIGHT, 0.25), (WRONG, 0.3)]], [[RIGHT]], 0.0, 0.6, 1.0),
    ("duplicate gold counts once", [[(RIGHT, 0.9)]], [[RIGHT, RIGHT]], 0.0, 0.45, 1.0),
    ("found in its own example only", [[(RIGHT, 0.9)], [(RIGHT, 0.7)]], [[], [RIGHT]], 0.0, 0.35, 2 / 3),
    ("no gold", [[(RIGHT, 0.8)]], [[]], 0.0, 0.5, 0.0),
    ("no prediction", [[]], [[RIGHT]], 0.0, 0.5, 0.0),
    ("nothing right", [[(WRONG, 0.8)]], [[RIGHT]], 0.0, 0.5, 0.0),
    ("no example", [], [], 0.0, 0.5, 0.0),
]  # fmt: skip


@pytest.mark.parametrize(
    ("scored", "gold", "floor", "threshold", "f1"), [case[1:] for case in THRESHOLDS], ids=[case[0] for case in THRESHOLDS]
)
def test_best_threshold_by_hand(
    scored: list[list[tuple[Mention, float]]], gold: list[list[Mention]], floor: float, threshold: float, f1: float
) -> None:
    best = best_threshold(scored, gold, floor=floor)
    assert best.threshold == pytest.approx(threshold)
    assert best.f1 == pytest.approx(f1)


scored_mentions = st.lists(st.tuples(mention, st.sampled_from([0.05, 0.1, 0.25, 0.5, 0.6, 0.75, 0.9, 1.0])), max_size=8)


@no_deadline
@given(st.lists(st.tuples(scored_mentions, mentions), max_size=3))
def test_best_threshold_against_all_cuts(examples: list[tuple[list[tuple[Mention, float]], list[Mention]]]) -> None:
    def counts_at(threshold: float) -> Counts:
        kept = [{item for item, score in items if score > threshold} for items, _ in examples]
        return compute_metrics([golds for _, golds in examples], kept, types=[], num_bootstrap=1).micro

    best = best_threshold([items for items, _ in examples], [golds for _, golds in examples])
    at_best = counts_at(best.threshold)
    assert (best.f1, best.precision, best.recall) == (at_best.f1, at_best.precision, at_best.recall)
    highest: dict[tuple[int, Mention], float] = {}
    for index, (items, _) in enumerate(examples):
        for item, score in items:
            highest[index, item] = max(score, highest.get((index, item), 0.0))
    steps = [0.0, *sorted({*highest.values()})]
    halfway = [(low + high) / 2 for low, high in pairwise(steps)]
    f1s = [counts_at(threshold).f1 for threshold in halfway]
    assert best.f1 == max(f1s, default=0.0)
    if best.f1:
        ties = [threshold for threshold, f1 in zip(halfway, f1s, strict=True) if f1 == best.f1]
        assert abs(best.threshold - 0.5) == pytest.approx(min(abs(threshold - 0.5) for threshold in ties))


@pytest.mark.parametrize("floor", [0.0, math.nextafter(0.9, 0), 0.95])
@pytest.mark.parametrize("high", [0.9, math.nextafter(0.9, 1)])  # what lies halfway is rounded down for one, up for the other
def test_threshold_falls_between_neighbouring_floats(high: float, floor: float) -> None:
    low = math.nextafter(high, 0)
    assert low <= best_threshold([[(RIGHT, high), (WRONG, low)]], [[RIGHT]], floor=floor).threshold < high
    assert min(floor, low) <= best_threshold([[(RIGHT, high)]], [[RIGHT]], floor=floor).threshold < high


@pytest.mark.parametrize("score", [0.0, -0.1, 1.5, math.nan])
def test_scores_must_be_probabilities(score: float) -> None:
    with pytest.raises(ValueError, match="scores must be probabilities"):
        best_threshold([[(RIGHT, score)]], [[RIGHT]])


def test_best_threshold_per_type() -> None:
    spans = [(start, start + 1) for start in range(10)]
    gold = [[m(start, end, label) for start, end in spans for label in ("sure", "unsure", "never found")] + [m(0, 1, "rare")]]
    scored = [
        [(m(start, end, "sure"), 0.9) for start, end in spans]
        + [(m(start, end, "unsure"), 0.3) for start, end in spans]
        + [(m(20, 21, "sure"), 0.7), (m(20, 21, "unsure"), 0.1), (m(0, 1, "rare"), 0.9), (m(20, 21, "never found"), 0.9)]
    ]
    assert best_threshold_per_type(scored, gold) == {"sure": pytest.approx(0.8), "unsure": pytest.approx(0.2)}
    assert list(best_threshold_per_type(scored, gold, min_support=1)) == ["rare", "sure", "unsure"]
    assert best_threshold_per_type(scored, [[*gold[0], *gold[0]]], min_support=11) == {}
    assert best_threshold_per_type(scored, gold, min_support=1, floor=0.8)["rare"] == pytest.approx(0.85)


@no_deadline
@given(scored_mentions, mentions)
def test_per_type_is_the_global_one_of_that_type_alone(scored: list[tuple[Mention, float]], gold: list[Mention]) -> None:
    found = best_threshold_per_type([scored], [gold], min_support=1)
    alone = {
        label: best_threshold(
            [[(item, score) for item, score in scored if item.label == label]], [[item for item in gold if item.label == label]]
        )
        for label in "xyz"
    }
    assert found == {label: best.threshold for label, best in alone.items() if best.f1}


@no_deadline
@given(mentions)
def test_flat_means_that_no_two_mentions_overlap(items: list[Mention]) -> None:
    assert is_flat([items]) == (not any(overlap(left, right) for left, right in combinations({*items}, 2)))
