"""Pairs of gold and predicted types by hand, and their agreement with the metrics and the error classes."""

from collections import Counter

import pytest
from helpers_evaluation import m, mentions
from hypothesis import given
from hypothesis import strategies as st

from spanmatch.entities import Mention
from spanmatch.evaluation.confusion import Pair, count_confusions, largest_confusions
from spanmatch.evaluation.metrics import compute_metrics

CASES = [
    # name, gold, predicted, equal, overlapping
    ("found", [m(0, 2, "a")], [m(0, 2, "a")], {("a", "a"): 1}, {}),
    ("another type", [m(0, 2, "a")], [m(0, 2, "b")], {("a", "b"): 1}, {}),
    ("missed", [m(0, 2, "a")], [], {("a", None): 1}, {}),
    ("spurious", [], [m(0, 2, "a")], {(None, "a"): 1}, {}),
    ("boundary", [m(0, 2, "a")], [m(1, 2, "a")], {("a", None): 1, (None, "a"): 1}, {("a", "a"): 1}),
    ("boundary and type", [m(0, 2, "a")], [m(1, 3, "b")], {("a", None): 1, (None, "b"): 1}, {("a", "b"): 1}),
    ("neighbours do not overlap", [m(0, 2, "a")], [m(2, 3, "a")], {("a", None): 1, (None, "a"): 1}, {}),
    # What was found answers for nothing more: the other label of its span is a mistake of its own.
    ("found and another", [m(0, 2, "a")], [m(0, 2, "a"), m(0, 2, "b")], {("a", "a"): 1, (None, "b"): 1}, {}),
    ("nested, inner missed", [m(0, 5, "a"), m(1, 2, "b")], [m(0, 5, "a")], {("a", "a"): 1, ("b", None): 1}, {}),
    ("two labels for one", [m(0, 2, "a")], [m(0, 2, "b"), m(0, 2, "c")], {("a", "b"): 1, ("a", "c"): 1}, {}),
    ("one over two", [m(0, 2, "a"), m(2, 4, "b")], [m(0, 4, "a")], {("a", None): 1, ("b", None): 1, (None, "a"): 1},
     {("a", "a"): 1, ("b", "a"): 1}),
    ("duplicates count once", [m(0, 2, "a")] * 2, [m(0, 2, "a")] * 3, {("a", "a"): 1}, {}),
]  # fmt: skip


@pytest.mark.parametrize(("gold", "predicted", "equal", "overlapping"), [case[1:] for case in CASES], ids=[c[0] for c in CASES])
def test_by_hand(gold: list[Mention], predicted: list[Mention], equal: dict[Pair, int], overlapping: dict[Pair, int]) -> None:
    found = count_confusions([[], gold], [[], predicted])
    assert (found.equal, found.overlapping) == (equal, overlapping)


def test_other_examples_do_not_meet() -> None:
    assert count_confusions([[m(0, 2, "a")], []], [[], [m(0, 2, "a")]]).equal == {("a", None): 1, (None, "a"): 1}


def test_examples_must_be_as_many() -> None:
    with pytest.raises(ValueError, match="one entry per example"):
        count_confusions([[]], [])


@given(st.lists(st.tuples(mentions, mentions), max_size=4))
def test_agrees_with_metrics_and_errors(examples: list[tuple[list[Mention], list[Mention]]]) -> None:
    gold, predicted = [golds for golds, _ in examples], [found for _, found in examples]
    metrics, confusion = compute_metrics(gold, predicted, types=[], num_bootstrap=1), count_confusions(gold, predicted)
    same = Counter({label: count for (label, other), count in confusion.equal.items() if label == other})
    assert same == Counter({label: counts.true_positives for label, counts in metrics.per_type.items()})
    # Every gold mention and every prediction is in some pair of equal spans.
    for label, counts in metrics.per_type.items():
        assert sum(count for (first, _), count in confusion.equal.items() if first == label) >= counts.num_gold
        assert sum(count for (_, second), count in confusion.equal.items() if second == label) >= counts.num_predicted
    errors = metrics.errors
    has_overlap = any(confusion.overlapping.values())
    has_confusion = any(None not in pair and pair[0] != pair[1] for pair in confusion.equal)
    assert has_confusion == (errors.type > 0)
    assert has_overlap >= (errors.boundary + errors.boundary_and_type > 0)


def test_largest_confusions() -> None:
    pairs: Counter[Pair] = Counter({("a", "a"): 9, ("a", None): 8, (None, "b"): 7, ("b", "a"): 2, ("a", "c"): 2, ("c", "a"): 3})
    assert largest_confusions(pairs, 2) == [("c", "a", 3), ("a", "c", 2)]
