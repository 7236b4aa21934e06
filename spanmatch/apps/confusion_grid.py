"""The confusion of types as a table to show: the largest types, and for each how its gold was predicted."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from spanmatch.evaluation.confusion import Pair


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """How often a gold type was predicted as a type; `share` is that of its row."""

    count: int
    share: float
    is_same: bool


@dataclass(frozen=True, kw_only=True)
class ConfusionGrid:
    """Rows are gold types, columns predicted ones, with None for nothing, last; `num_left_out` types are not shown."""

    columns: tuple[str | None, ...]
    rows: tuple[tuple[str | None, tuple[Cell, ...]], ...]
    num_left_out: int


def confusion_grid(pairs: Counter[Pair], support: Mapping[str, int], *, max_types: int) -> ConfusionGrid | None:
    """Arrange pairs, the types with the most gold first; None where there is no pair."""
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
