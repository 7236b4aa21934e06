"""Arrange the confusion of types as a table: which type was predicted for the gold of each type."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from spanmatch.evaluation.confusion import Pair


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """Holds how often a gold type was predicted as another type, or as itself.

    Attributes:
        count: number of pairs.
        share: share of the pairs of its row, in [0, 1].
        is_same: whether the gold type is the predicted type.
    """

    count: int
    share: float
    is_same: bool


@dataclass(frozen=True, kw_only=True)
class ConfusionGrid:
    """Holds a table with a row per gold type and a column per predicted type.

    Attributes:
        columns: predicted types. None, the last one if it is there, stands for no prediction.
        rows: gold types, each with a cell per column. None, the last one if it is there, stands for no gold.
        num_left_out: number of types that the table does not show.
    """

    columns: tuple[str | None, ...]
    rows: tuple[tuple[str | None, tuple[Cell, ...]], ...]
    num_left_out: int


def confusion_grid(pairs: Counter[Pair], support: Mapping[str, int], *, max_types: int) -> ConfusionGrid | None:
    """Arrange pairs of types as a table, the types with the most gold first.

    Args:
        pairs: counts of (gold label, predicted label), as `count_confusions` returns them.
        support: number of gold mentions of each label; a label that is not there has 0.
        max_types: number of types to show at most.

    Returns:
        The table, None if there are no pairs.
    """
    seen = {label for pair in pairs for label in pair if label is not None}
    if not seen:
        return None
    ordered: list[str | None] = [*sorted(seen, key=lambda label: (-support.get(label, 0), label))]
    labels = ordered[:max_types]
    row_sums: dict[str | None, int] = defaultdict(int)
    column_sums: dict[str | None, int] = defaultdict(int)
    for (gold, predicted), count in pairs.items():
        row_sums[gold] += count
        column_sums[predicted] += count
    rows = [*labels, None] if row_sums[None] else labels
    columns = [*labels, None] if column_sums[None] else labels

    def cell(gold: str | None, predicted: str | None) -> Cell:
        count = pairs[gold, predicted]
        return Cell(count=count, share=count / row_sums[gold] if count else 0.0, is_same=gold == predicted)

    return ConfusionGrid(
        columns=tuple(columns),
        rows=tuple((gold, tuple(cell(gold, predicted) for predicted in columns)) for gold in rows),
        num_left_out=len(ordered) - len(labels),
    )
