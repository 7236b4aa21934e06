"""The confusion of types as a table."""

from collections import Counter

from spanmatch.apps.report.confusion_grid import Cell, confusion_grid
from spanmatch.entities import Mention
from spanmatch.evaluation.confusion import Pair, count_confusions


def test_keeps_the_types_with_the_most_gold() -> None:
    pairs = count_confusions(
        [[Mention(start=0, end=1, label=label)] for label in "abc"], [[Mention(start=0, end=1, label="b")]] * 3
    )
    grid = confusion_grid(pairs.equal, {"a": 5, "b": 1, "c": 9}, max_types=2)
    assert grid is not None and grid.num_left_out == 1 and grid.columns == ("c", "a")
    assert confusion_grid(count_confusions([], []).equal, {}, max_types=2) is None


def test_shares_are_those_of_the_whole_row() -> None:
    pairs: Counter[Pair] = Counter({("a", "a"): 3, ("a", None): 1, ("a", "b"): 4, ("b", "b"): 2})
    grid = confusion_grid(pairs, {"a": 8, "b": 2}, max_types=1)
    assert grid is not None and grid.columns == ("a", None)
    same, nothing = Cell(count=3, share=3 / 8, is_same=True), Cell(count=1, share=1 / 8, is_same=False)
    assert grid.rows == (("a", (same, nothing)),)


def test_nothing_has_a_row_only_if_there_are_predictions_without_gold() -> None:
    grid = confusion_grid(Counter({("a", "a"): 1, (None, "a"): 2}), {"a": 1}, max_types=9)
    assert grid is not None and grid.columns == ("a",)
    assert [(gold, [cell.count for cell in cells]) for gold, cells in grid.rows] == [("a", [1]), (None, [2])]
