"""Metrics by hand, against brute force, and as `metrics.json` and the table give them."""

import json
import random

import pytest
from helpers_evaluation import example_pairs, m
from hypothesis import given
from hypothesis import strategies as st

from spanmatch.entities import Mention
from spanmatch.evaluation.metrics import Counts, Metrics, compute_metrics

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
    with pytest.raises(ValueError, match="num_bootstrap must be at least 1, got 0"):
        compute_metrics([], [], types=[], num_bootstrap=0)


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
