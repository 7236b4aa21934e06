"""Second looks at an evaluation: how predictions go wrong, what no flat prediction could get right, what seqeval says.

Offsets are half-open, in characters or in tokens, the same unit throughout a call.
"""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from spanmatch.entities import Mention

Mentions = Sequence[Collection[Mention]]
"""Mentions of each example, in the order of the examples."""


def check_lengths(**sequences: Sequence[object]) -> None:
    """Raise a `ValueError` that names the lengths, unless all sequences have one entry per example."""
    lengths = {name: len(sequence) for name, sequence in sequences.items()}
    if len(set(lengths.values())) > 1:
        got = ", ".join(f"{length} of {name}" for name, length in lengths.items())
        raise ValueError(f"one entry per example expected, got {got}; pass an empty list for an example without mentions")


@dataclass(frozen=True, kw_only=True)
class ErrorCounts:
    """Every error once: `type` to `spurious` count false positives, `missed` and `covered_wrongly` false negatives.

    A false positive is a prediction that is no gold mention, a false negative a gold mention that was not predicted.
    Only these are compared with each other: each error goes into the first class of its side that fits.

    False positives, counted from the predictions:
        type: same span as a false negative, which has another label.
        boundary: overlaps a false negative of the same label.
        boundary_and_type: overlaps false negatives, all of other labels.
        spurious: overlaps no false negative. A wrong prediction over a mention that was also found lands here.
    False negatives, counted from the gold:
        missed: overlaps no false positive, even where it is nested in an entity that was rightly found.
        covered_wrongly: overlaps a false positive.

    Two wrong predictions over one mention are two errors of their side and one of the other: the sides add up each
    for itself, not to each other.

    Source: the categories incorrect, partial, missing and spurious of MUC-5 (Chinchor and Sundheim, "MUC-5 Evaluation
    Metrics", 1993, where a found mention answers for nothing more), with type and boundary told apart as in
    SemEval-2013 task 9.1 (Segura-Bedmar et al., 2013).
    """

    type: int = 0
    boundary: int = 0
    boundary_and_type: int = 0
    spurious: int = 0
    missed: int = 0
    covered_wrongly: int = 0

    @property
    def false_positives(self) -> int:
        """Predictions that are no gold mention."""
        return self.type + self.boundary + self.boundary_and_type + self.spurious

    @property
    def false_negatives(self) -> int:
        """Gold mentions that were not predicted."""
        return self.missed + self.covered_wrongly


class _OverlapIndex:
    """Says in O(log n) whether a span overlaps any of n mentions."""

    def __init__(self, mentions: Iterable[Mention]) -> None:
        spans = sorted((mention.start, mention.end) for mention in mentions)
        self._starts = [start for start, _ in spans]
        self._furthest_ends = list(accumulate((end for _, end in spans), max))

    def overlaps(self, mention: Mention) -> bool:
        num_before = bisect_left(self._starts, mention.end)
        return num_before > 0 and self._furthest_ends[num_before - 1] > mention.start


def count_errors(gold: Mentions, predicted: Mentions) -> ErrorCounts:
    """Put every error into one class (see `ErrorCounts`); O(n log n) in the mentions of an example.

    Raises:
        ValueError: `gold` and `predicted` differ in their number of examples.
    """
    check_lengths(gold=gold, predicted=predicted)
    classes = (classify_errors(*of_example) for of_example in zip(gold, predicted, strict=True))
    return ErrorCounts(**Counter(name for of_example in classes for name in of_example.values()))


def classify_errors(gold: Collection[Mention], predicted: Collection[Mention]) -> dict[Mention, str]:
    """The class of every error of one example, by its name in `ErrorCounts`, in the order of the text."""
    false_positives = set(predicted) - set(gold)
    false_negatives = set(gold) - set(predicted)
    classes = dict(_classify_false_positives(false_positives, false_negatives))
    wrong = _OverlapIndex(false_positives)
    classes |= {mention: "covered_wrongly" if wrong.overlaps(mention) else "missed" for mention in false_negatives}
    return {mention: classes[mention] for mention in sorted(classes)}


def _classify_false_positives(false_positives: set[Mention], false_negatives: set[Mention]) -> Iterable[tuple[Mention, str]]:
    spans = {(mention.start, mention.end) for mention in false_negatives}
    by_label: dict[str, list[Mention]] = defaultdict(list)
    for mention in false_negatives:
        by_label[mention.label].append(mention)
    of_label = {label: _OverlapIndex(mentions) for label, mentions in by_label.items()}
    of_any = _OverlapIndex(false_negatives)
    for mention in false_positives:
        if (mention.start, mention.end) in spans:
            yield mention, "type"
        elif mention.label in of_label and of_label[mention.label].overlaps(mention):
            yield mention, "boundary"
        elif of_any.overlaps(mention):
            yield mention, "boundary_and_type"
        else:
            yield mention, "spurious"


def is_flat(mentions: Mentions) -> bool:
    """Whether no two mentions of an example overlap; one span with two labels overlaps itself, a duplicate does not."""
    for of_example in mentions:
        ordered = sorted(set(of_example))
        if any(left.end > right.start for left, right in pairwise(ordered)):
            return False
    return True


def flat_recall_ceiling(gold: Mentions) -> float | None:
    """Return the highest recall, in [0, 1], that flat predictions can reach: a span may overlap no other.

    Exact: the most mentions without overlap, by the greedy rule of interval scheduling (earliest end first;
    Kleinberg and Tardos, "Algorithm Design", section 4.1). None where the gold itself is flat, so that nothing is lost.
    """
    if is_flat(gold):
        return None
    num_kept = 0
    num_gold = 0
    for mentions in gold:
        distinct = set(mentions)
        num_gold += len(distinct)
        last_end = 0
        for mention in sorted(distinct, key=lambda mention: mention.end):
            if mention.start >= last_end:
                num_kept += 1
                last_end = mention.end
    return num_kept / num_gold


