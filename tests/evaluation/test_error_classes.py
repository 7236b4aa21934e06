"""Error classes and the recall of flat predictions, by hand and against brute force."""

from collections import Counter
from itertools import combinations

import pytest
from helpers_evaluation import m, mentions, overlap
from hypothesis import given
from hypothesis import strategies as st

from spanmatch.entities import Mention
from spanmatch.evaluation.error_classes import ErrorCounts, classify_errors, count_errors, flat_recall_ceiling, is_flat

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


@given(st.lists(st.tuples(mentions, mentions), max_size=4))
def test_classes_of_single_errors_add_up(examples: list[tuple[list[Mention], list[Mention]]]) -> None:
    names: Counter[str] = Counter()
    for gold, predicted in examples:
        classes = classify_errors(gold, predicted)
        assert list(classes) == sorted({*gold} ^ {*predicted})
        assert {mention for mention, name in classes.items() if name in {"missed", "covered_wrongly"}} == {*gold} - {*predicted}
        names.update(classes.values())
    counts = count_errors([gold for gold, _ in examples], [predicted for _, predicted in examples])
    assert names == Counter({name: getattr(counts, name) for name in vars(counts)})


def test_examples_must_be_as_many() -> None:
    with pytest.raises(ValueError, match="expected one entry per example, got 1 of gold, 0 of predicted; pass an empty list"):
        count_errors([[]], [])


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


@given(st.lists(mentions, max_size=3))
def test_flat_recall_ceiling_against_all_subsets(gold: list[list[Mention]]) -> None:
    def most_kept(items: set[Mention]) -> int:
        sizes = range(len(items), -1, -1)
        subsets = (subset for size in sizes for subset in combinations(items, size))
        return next(len(s) for s in subsets if not any(overlap(left, right) for left, right in combinations(s, 2)))

    kept, total = sum(most_kept({*items}) for items in gold), sum(len({*items}) for items in gold)
    assert flat_recall_ceiling(gold) == (None if kept == total else kept / total)


@given(mentions)
def test_flat_means_that_no_two_mentions_overlap(items: list[Mention]) -> None:
    assert is_flat([items]) == (not any(overlap(left, right) for left, right in combinations({*items}, 2)))
