"""Sort errors into classes, and compute how much flat predictions can find of gold that overlaps.

A mention is correct if it is both gold and predicted. Offsets are half-open, in characters or in tokens, the same unit
throughout a call.
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
    """Check that sequences have the same length, one entry per example.

    Args:
        sequences: the sequences, under the names that an error should use.

    Raises:
        ValueError: the lengths differ.
    """
    lengths = {name: len(sequence) for name, sequence in sequences.items()}
    if len(set(lengths.values())) > 1:
        got = ", ".join(f"{length} of {name}" for name, length in lengths.items())
        raise ValueError(f"expected one entry per example, got {got}; pass an empty list for an example without mentions")


@dataclass(frozen=True, kw_only=True)
class ErrorCounts:
    """Holds the number of errors of each class. Every error has one class.

    A false positive is a predicted mention that is not gold. A false negative is a gold mention that was not predicted.
    Correct mentions are set aside first, then false positives and false negatives are compared with each other. An error
    gets the first class that fits it. The sums of the two sides can differ: two false positives that overlap one false
    negative are two errors on one side and one error on the other.

    Attributes:
        type: false positives that have the span of a false negative with another label.
        boundary: false positives that overlap a false negative of the same label.
        boundary_and_type: false positives that overlap only false negatives of other labels.
        spurious: false positives that overlap no false negative, even if they overlap a correct mention.
        missed: false negatives that overlap no false positive, even if they are nested in a correct mention.
        covered_wrongly: false negatives that overlap a false positive.

    Source: the categories incorrect, partial, missing and spurious of MUC-5 (Chinchor and Sundheim, "MUC-5 Evaluation
    Metrics", 1993), which also sets correct mentions aside. Type and boundary are separated as in SemEval-2013 task 9.1
    (Segura-Bedmar et al., 2013).
    """

    type: int = 0
    boundary: int = 0
    boundary_and_type: int = 0
    spurious: int = 0
    missed: int = 0
    covered_wrongly: int = 0

    @property
    def false_positives(self) -> int:
        """Return the number of predicted mentions that are not gold."""
        return self.type + self.boundary + self.boundary_and_type + self.spurious

    @property
    def false_negatives(self) -> int:
        """Return the number of gold mentions that were not predicted."""
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
    """Count the errors of each class (see `ErrorCounts`), in O(n log n) for n mentions of an example.

    Args:
        gold: gold mentions of each example.
        predicted: predicted mentions of each example, in the order of `gold`.

    Raises:
        ValueError: `gold` and `predicted` differ in their number of examples.
    """
    check_lengths(gold=gold, predicted=predicted)
    classes = (classify_errors(*of_example) for of_example in zip(gold, predicted, strict=True))
    return ErrorCounts(**Counter(name for of_example in classes for name in of_example.values()))


def classify_errors(gold: Collection[Mention], predicted: Collection[Mention]) -> dict[Mention, str]:
    """Return the class of every error of one example.

    Args:
        gold: gold mentions of the example.
        predicted: predicted mentions of the example.

    Returns:
        The name of the class in `ErrorCounts` by mention, in the order of the text.
    """
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
    """Tell whether no two mentions of an example overlap.

    Args:
        mentions: mentions of each example. Duplicates count once; two labels on one span overlap.
    """
    for of_example in mentions:
        ordered = sorted(set(of_example))
        if any(left.end > right.start for left, right in pairwise(ordered)):
            return False
    return True


def flat_recall_ceiling(gold: Mentions) -> float | None:
    """Return the highest recall that predictions without overlaps can have.

    The result is exact: taking the earliest end first keeps the most mentions without overlaps.

    Args:
        gold: gold mentions of each example.

    Returns:
        The recall in [0, 1]; None if the gold has no overlaps, since then nothing is lost.

    Source: Kleinberg and Tardos, "Algorithm Design", 2005, section 4.1 (interval scheduling).
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
