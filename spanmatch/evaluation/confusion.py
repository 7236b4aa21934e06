"""Count which type is confused with which, as pairs of a gold and a predicted type."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from spanmatch.entities import Mention
from spanmatch.evaluation.error_classes import Mentions, check_lengths

Pair = tuple[str | None, str | None]
"""A gold label and a predicted label. None stands for no gold, or for no prediction."""


@dataclass(frozen=True, kw_only=True)
class Confusion:
    """Holds how often each pair of gold label and predicted label occurs in a corpus.

    Correct mentions are set aside first, as in `ErrorCounts`: beyond them, errors are paired with errors only.

    Attributes:
        equal: pairs of mentions with the same span. (a, a) is a correct mention. (a, b) is a false negative whose span was
            predicted with another label. (a, None) is a false negative whose span has no false positive. (None, b) is a
            false positive whose span has no false negative.
        overlapping: pairs of a false negative and a false positive that overlap and have different spans. (a, a) is a
            wrong boundary. A mention that overlaps several others counts with each. None does not occur.
    """

    equal: Counter[Pair]
    overlapping: Counter[Pair]


def count_confusions(gold: Mentions, predicted: Mentions) -> Confusion:
    """Count the pairs of gold and predicted labels in all examples.

    Args:
        gold: gold mentions of each example.
        predicted: predicted mentions of each example, in the order of `gold`.

    Raises:
        ValueError: `gold` and `predicted` differ in length.
    """
    check_lengths(gold=gold, predicted=predicted)
    equal: Counter[Pair] = Counter()
    overlapping: Counter[Pair] = Counter()
    for golds, found in ((set(golds), set(found)) for golds, found in zip(gold, predicted, strict=True)):
        equal.update((mention.label, mention.label) for mention in golds & found)
        missed, wrong = sorted(golds - found), sorted(found - golds)
        equal.update(_pairs_of_one_span(missed, wrong))
        overlapping.update(_pairs_that_overlap(missed, wrong))
    return Confusion(equal=equal, overlapping=overlapping)


def _pairs_of_one_span(missed: Sequence[Mention], wrong: Sequence[Mention]) -> list[Pair]:
    pairs: list[Pair] = []
    spans_missed = {(item.start, item.end) for item in missed}
    labels_at: dict[tuple[int, int], list[str]] = {}
    for item in wrong:
        labels_at.setdefault((item.start, item.end), []).append(item.label)
        if (item.start, item.end) not in spans_missed:
            pairs.append((None, item.label))
    for item in missed:
        others = labels_at.get((item.start, item.end))
        pairs += [(item.label, other) for other in others] if others else [(item.label, None)]
    return pairs


def _pairs_that_overlap(missed: Sequence[Mention], wrong: Sequence[Mention]) -> list[Pair]:
    """Pair errors that overlap, both lists sorted. The time is quadratic in the errors of one example, which are few."""
    pairs: list[Pair] = []
    for item in missed:
        for other in wrong:
            if other.start >= item.end:
                break
            if other.end > item.start and (other.start, other.end) != (item.start, item.end):
                pairs.append((item.label, other.label))
    return pairs


def largest_confusions(pairs: Counter[Pair], limit: int) -> list[tuple[str, str, int]]:
    """Return the most frequent pairs of two different labels.

    Args:
        pairs: counts of (gold label, predicted label); pairs with None are left out.
        limit: number of pairs to return at most.

    Returns:
        Gold label, predicted label and count of each pair, the highest counts first, ties by label.
    """
    found = [
        (gold, other, count) for (gold, other), count in pairs.items() if gold is not None and other is not None and gold != other
    ]
    return sorted(found, key=lambda item: (-item[2], item[0], item[1]))[:limit]
