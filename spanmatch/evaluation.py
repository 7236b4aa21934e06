"""Gold against predicted: tag a corpus, in the units of its format, and count."""

from collections.abc import Sequence
from dataclasses import dataclass

from tqdm.auto import tqdm

from spanmatch.batcher import LAST_WINDOW
from spanmatch.data import Corpus
from spanmatch.entities import Entity, Mention
from spanmatch.metrics import Metrics, best_threshold, best_threshold_per_type, evaluate, seqeval_scores
from spanmatch.predictor import SpanMatcher
from spanmatch.records import Example
from spanmatch.sharing import is_main_process
from spanmatch.spans import Unrepresentable, chars_to_tokens, tokens_to_chars
from spanmatch.thresholds import Calibration, Threshold, above, default_slot

# Scores below are never worth keeping; what is above is enough to find any sensible threshold.
CALIBRATION_FLOOR = 0.02


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """A tagged corpus and its metrics; `seqeval` is None in text format and where spans overlap."""

    metrics: Metrics
    predicted: list[list[Entity]]
    seqeval: dict[str, float] | None


def unrepresentable(matcher: SpanMatcher, corpus: Corpus) -> Unrepresentable:
    """The gold that no candidate of this matcher can represent."""
    lost = Unrepresentable()
    matcher.batcher.windows(corpus.examples, lost)
    return lost


def tag_corpus(
    matcher: SpanMatcher,
    corpus: Corpus,
    *,
    threshold: Threshold | None,
    overlap: str,
    batch_size: int | None,
    progress: bool = False,
) -> list[list[Entity]]:
    """Tag every example with the types of its inventory; the processes of a launch share the work, each has the result."""
    tagged = matcher.stream(
        corpus.examples, threshold=threshold, overlap=overlap, batch_size=batch_size, shared=True, window_size=LAST_WINDOW
    )
    hidden = not (progress and is_main_process())
    return list(tqdm(tagged, total=len(corpus.examples), unit="text", desc="tagging", disable=hidden))


def evaluate_corpus(
    matcher: SpanMatcher,
    corpus: Corpus,
    *,
    format: str,
    threshold: Threshold | None,
    overlap: str = "flat",
    batch_size: int | None = None,
    progress: bool = False,
) -> Evaluation:
    """Tag and score a corpus. Gold that no candidate can represent stays in as a miss."""
    predicted = tag_corpus(matcher, corpus, threshold=threshold, overlap=overlap, batch_size=batch_size, progress=progress)
    found = [
        [mention_in_units(entity.mention, example, format) for entity in entities]
        for example, entities in zip(corpus.examples, predicted, strict=True)
    ]
    metrics = evaluate([example.mentions for example in corpus.examples], found, types=[item.label for item in corpus.types])
    return Evaluation(metrics=metrics, predicted=predicted, seqeval=_seqeval(corpus, predicted) if format == "tokens" else None)


def calibrate(
    matcher: SpanMatcher,
    corpus: Corpus,
    *,
    source: str,
    format: str = "text",
    batch_size: int | None = None,
    progress: bool = False,
) -> Calibration:
    """Find the thresholds of the best micro F1 on a corpus, for all types and per type. Flat decoding."""
    scored, gold = scored_mentions(matcher, corpus, format, batch_size, progress)
    best = best_threshold(scored, gold, floor=CALIBRATION_FLOOR)
    key_of = {item.label: item.key for item in corpus.types}
    per_type = best_threshold_per_type(scored, gold, floor=CALIBRATION_FLOOR)
    return Calibration(
        threshold=best.threshold,
        per_type={key_of[label]: value for label, value in per_type.items()},
        source=source,
        f1=best.f1,
        slot=default_slot(matcher.config.null_slots),
    )


def best_f1(matcher: SpanMatcher, corpus: Corpus, *, format: str = "text", batch_size: int | None) -> dict[str, float]:
    """Micro F1 at the best single threshold of this very corpus, for choosing a checkpoint: not a result to report."""
    best = best_threshold(*scored_mentions(matcher, corpus, format, batch_size, False), floor=CALIBRATION_FLOOR)
    return {"f1": best.f1, "precision": best.precision, "recall": best.recall, "threshold": best.threshold}


def scored_mentions(
    matcher: SpanMatcher, corpus: Corpus, format: str, batch_size: int | None, progress: bool
) -> tuple[list[list[tuple[Mention, float]]], list[tuple[Mention, ...]]]:
    floor = above(CALIBRATION_FLOOR, matcher.config.null_slots)
    predicted = tag_corpus(matcher, corpus, threshold=floor, overlap="flat", batch_size=batch_size, progress=progress)
    scored = [
        [(mention_in_units(entity.mention, example, format), entity.score) for entity in entities]
        for example, entities in zip(corpus.examples, predicted, strict=True)
    ]
    return scored, [example.mentions for example in corpus.examples]


def mention_in_units(mention: Mention, example: Example, format: str) -> Mention:
    """A mention as it is compared with gold: in characters also for tokens, but then all of the tokens that it touches.

    Gold off the token boundaries then matches nothing, as it should.
    """
    return mention if format == "text" else tokens_to_chars([chars_to_tokens(mention, example.words)], example.words)[0]


def _seqeval(corpus: Corpus, predicted: Sequence[Sequence[Entity]]) -> dict[str, float] | None:
    gold_chars = [example.mentions for example in corpus.examples]
    gold = [[chars_to_tokens(mention, example.words) for mention in example.mentions] for example in corpus.examples]
    if any(
        tokens_to_chars(tokens, example.words) != chars
        for tokens, chars, example in zip(gold, gold_chars, corpus.examples, strict=True)
    ):
        return None
    found = [
        [chars_to_tokens(entity.mention, example.words) for entity in entities]
        for example, entities in zip(corpus.examples, predicted, strict=True)
    ]
    return seqeval_scores(gold, found, [len(example.words) for example in corpus.examples])
