"""Find the thresholds with the best F1 on a development set.

Gold and predictions of an example are sets of (start, end, label): a duplicate counts once, and only an exact match is
right. Offsets are half-open, in characters or in tokens, the same unit throughout a call. Scores are in (0, 1].
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spanmatch.data.corpus import Corpus
from spanmatch.entities import Mention
from spanmatch.errors import InputError
from spanmatch.evaluation.error_classes import Mentions, check_lengths
from spanmatch.evaluation.evaluate import scores_in_units, tag_corpus
from spanmatch.evaluation.metrics import Counts
from spanmatch.prediction.tagger import Tagger
from spanmatch.prediction.thresholds import DEFAULT_THRESHOLD, Calibration, above

ScoredMentions = Sequence[Sequence[tuple[Mention, float]]]
"""Scored mentions of each example, in the order of the examples."""

# No sensible threshold is lower, so predictions with lower scores need not be kept.
CALIBRATION_FLOOR = 0.02


@dataclass(frozen=True, kw_only=True)
class BestThreshold:
    """Holds the threshold with the best micro F1, and the scores of the predictions above it (`score > threshold`).

    Attributes:
        threshold: a probability.
        f1: micro F1, in [0, 1].
        precision: micro precision, in [0, 1].
        recall: micro recall, in [0, 1].
    """

    threshold: float
    f1: float
    precision: float
    recall: float


def best_threshold(scored: ScoredMentions, gold: Mentions, *, floor: float = 0.0) -> BestThreshold:
    """Find the threshold with the best micro F1, in O(n log n).

    The threshold lies halfway between the lowest score that it keeps and the highest score that it drops. If it drops
    none, it lies halfway between the lowest score and `floor`. Of thresholds with equal F1, the one nearest 0.5 is
    returned, and of two equally near ones the higher. Without a right prediction the threshold is 0.5.

    Args:
        scored: predicted mentions of each example with their probabilities in (0, 1]. Overlaps have to be resolved
            already, greedily by score: then a higher threshold keeps exactly the mentions above it. Of duplicates
            the highest score counts.
        gold: gold mentions of each example, in the order of `scored`.
        floor: threshold with which `scored` was decoded; predictions below it are not known.

    Raises:
        ValueError: `scored` and `gold` differ in length, or a score is not in (0, 1].
    """
    num_gold = sum(len(set(mentions)) for mentions in gold)
    found = [item for items in judge_by_label(scored, gold).values() for item in items]
    nothing = BestThreshold(threshold=DEFAULT_THRESHOLD, f1=0.0, precision=0.0, recall=0.0)
    return _sweep(found, num_gold, floor) or nothing


def best_threshold_per_type(
    scored: ScoredMentions, gold: Mentions, *, min_support: int = 10, floor: float = 0.0
) -> dict[str, float]:
    """Find the threshold with the best F1 of each type by itself.

    The result is not exact if overlaps were resolved between types: a mention that a higher threshold drops may have
    suppressed a mention of another type.

    Args:
        scored: as in `best_threshold`.
        gold: as in `best_threshold`.
        min_support: number of gold mentions that a type must have; rarer types should use the threshold of all types.
        floor: as in `best_threshold`.

    Returns:
        Thresholds by label, sorted. Types that are too rare, or have no right prediction, are left out.

    Raises:
        ValueError: `scored` and `gold` differ in length, or a score is not in (0, 1].
    """
    support = Counter(mention.label for mentions in gold for mention in set(mentions))
    by_label = judge_by_label(scored, gold)
    frequent = sorted(label for label in by_label if support[label] >= min_support)
    found = {label: _sweep(by_label[label], support[label], floor) for label in frequent}
    return {label: best.threshold for label, best in found.items() if best is not None}


def judge_by_label(scored: ScoredMentions, gold: Mentions) -> dict[str, list[tuple[float, bool]]]:
    """Compare every distinct prediction with gold.

    Args:
        scored: predicted mentions of each example with their probabilities in (0, 1]; of duplicates the highest counts.
        gold: gold mentions of each example, in the order of `scored`.

    Returns:
        For each predicted label, the score of each prediction and whether the prediction is right.

    Raises:
        ValueError: `scored` and `gold` differ in length, or a score is not in (0, 1].
    """
    check_lengths(scored=scored, gold=gold)
    by_label: dict[str, list[tuple[float, bool]]] = defaultdict(list)
    for items, mentions in zip(scored, map(set, gold), strict=True):
        for mention, score in dict(sorted(items, key=lambda item: item[1])).items():
            if not 0 < score <= 1:
                raise ValueError(f"scores must be probabilities in (0, 1], got {score} for {mention}; apply the sigmoid")
            by_label[mention.label].append((score, mention in mentions))
    return by_label


def _sweep(found: list[tuple[float, bool]], num_gold: int, floor: float) -> BestThreshold | None:
    """Try a threshold between every two neighbouring scores; return the best one, None without a right prediction."""
    if not any(is_right for _, is_right in found):
        return None
    found = sorted(found, reverse=True)
    scores = np.array([score for score, _ in found])
    last_of_equals = np.append(scores[:-1] > scores[1:], True)
    num_kept = np.flatnonzero(last_of_equals) + 1
    right = np.cumsum([is_right for _, is_right in found])[last_of_equals]
    kept = scores[last_of_equals]
    dropped = np.append(kept[1:], min(floor, np.nextafter(kept[-1], 0)))
    halfway = dropped + (kept - dropped) / 2
    thresholds = np.where(halfway < kept, halfway, dropped)  # neighbouring floats have nothing between them
    f1 = 2 * right / (num_kept + num_gold)
    ties = np.flatnonzero(f1 == f1.max())
    best = ties[np.argmin(np.abs(thresholds[ties] - DEFAULT_THRESHOLD))]  # the first: the highest of the nearest
    counts = Counts(true_positives=int(right[best]), num_predicted=int(num_kept[best]), num_gold=num_gold)
    return BestThreshold(threshold=float(thresholds[best]), f1=counts.f1, precision=counts.precision, recall=counts.recall)


def check_gold(corpus: Corpus, source: str) -> None:
    """Refuse a corpus without gold: on it, every threshold is as good as any other.

    Args:
        corpus: what thresholds are to be chosen on.
        source: name of the corpus, for the error.

    Raises:
        InputError: no example has a gold span of a type that is asked for.
    """
    if any(example.mentions for example in corpus.examples):
        return
    if corpus.num_unscored:
        labels = ", ".join(f'"{label}"' for label in sorted(corpus.num_unscored)[:6])
        problem = f"all {corpus.num_unscored.total()} gold spans are of types that are not asked for ({labels})"
        raise InputError(f"{source}: {problem}, so no threshold can be chosen; check --entity_types")
    problem = f"none of its {len(corpus.examples)} texts has a gold span, so no threshold can be chosen"
    raise InputError(f"{source}: {problem}; give annotated texts, and check their keys")


def calibrate(
    tagger: Tagger, corpus: Corpus, *, source: str, format: str = "text", batch_size: int | None = None, progress: bool = False
) -> Calibration:
    """Find the thresholds with the best F1 on a corpus, for all types together and for each type, with flat decoding.

    Args:
        tagger: the tagger to calibrate.
        corpus: examples with their gold.
        source: name of the corpus, to be stored with the thresholds.
        format: "text" or "tokens": the units in which predictions are compared with gold.
        batch_size: number of texts in a batch; by default as many as suit the device.
        progress: show a progress bar.
    """
    scored, gold = _scored_mentions(tagger, corpus, format, batch_size, progress)
    best = best_threshold(scored, gold, floor=CALIBRATION_FLOOR)
    key_of = {item.label: item.key for item in corpus.types}
    per_type = best_threshold_per_type(scored, gold, floor=CALIBRATION_FLOOR)
    return Calibration(
        threshold=best.threshold,
        per_type={key_of[label]: value for label, value in per_type.items()},
        source=source,
        f1=best.f1,
        slot=tagger.null_slot,
    )


def best_f1(tagger: Tagger, corpus: Corpus, *, format: str = "text", batch_size: int | None) -> dict[str, float]:
    """Return the scores of a tagger at the threshold that is best on this corpus, for choosing among checkpoints.

    They are no result to report: the threshold is fitted to the gold that it is scored on.

    Args:
        tagger: the tagger to score.
        corpus: examples with their gold.
        format: "text" or "tokens": the units in which predictions are compared with gold.
        batch_size: number of texts in a batch; None for as many as suit the device.

    Returns:
        Micro "f1", "precision" and "recall", and the "threshold", all in [0, 1].
    """
    best = best_threshold(*_scored_mentions(tagger, corpus, format, batch_size, False), floor=CALIBRATION_FLOOR)
    return {"f1": best.f1, "precision": best.precision, "recall": best.recall, "threshold": best.threshold}


def _scored_mentions(
    tagger: Tagger, corpus: Corpus, format: str, batch_size: int | None, progress: bool
) -> tuple[ScoredMentions, Mentions]:
    floor = above(CALIBRATION_FLOOR, tagger.null_slot)
    predicted = tag_corpus(tagger, corpus, threshold=floor, batch_size=batch_size, progress=progress)
    return scores_in_units(corpus, predicted, format), [example.mentions for example in corpus.examples]
