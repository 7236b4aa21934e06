"""Evaluate a tagger: tag a corpus, and compare the entities with its gold."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from tqdm.auto import tqdm

from spanmatch.batching.batcher import LAST_BUFFER
from spanmatch.data.corpus import Corpus
from spanmatch.data.words import chars_to_tokens, mention_in_units, tokens_to_chars
from spanmatch.entities import Entity, Mention
from spanmatch.evaluation.metrics import Metrics, compute_metrics
from spanmatch.evaluation.seqeval_scores import seqeval_scores
from spanmatch.prediction.processes import is_main_process
from spanmatch.prediction.tagger import StreamOptions, Tagger
from spanmatch.prediction.thresholds import Threshold

Scored = list[list[tuple[Mention, float]]]
"""Scored mentions of each example, in the order of the examples."""

Item = TypeVar("Item")


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """Holds the predictions of a tagger on a corpus, and their metrics.

    Attributes:
        metrics: the metrics of the predictions.
        predicted: the entities of each example.
        seqeval: scores of seqeval; None in format "text", and if tags cannot represent the gold or the predictions.
        scored: what flat decoding finds above a low probability, in the form that is compared with gold; empty if
            `evaluate_corpus` was given no `floor`.
    """

    metrics: Metrics
    predicted: list[list[Entity]]
    seqeval: dict[str, float] | None
    scored: Scored


def evaluate_corpus(
    tagger: Tagger,
    corpus: Corpus,
    *,
    format: str,
    threshold: Threshold | None,
    overlap: str = "flat",
    line_breaks: str | None = None,
    batch_size: int | None = None,
    floor: float | None = None,
    progress: bool = False,
) -> Evaluation:
    """Tag a corpus once, and score the predictions. Gold that the tagger can never find counts as missed.

    Args:
        tagger: the tagger to evaluate. The processes of a launch share the work, and each gets the whole result.
        corpus: examples with their gold.
        format: "text" compares spans of characters; "tokens" first extends an entity to all tokens that it touches.
        threshold: what a score must exceed (see `thresholds.cutoffs`); None for the tagger's own threshold.
        overlap: which entities may overlap (see `decoding.OVERLAPS`).
        line_breaks: which line breaks an entity may cross, a name of `LINE_BREAKS`; by default what the tagger was configured to.
        batch_size: number of texts in a batch; by default as many as suit the device.
        floor: probability above which `Evaluation.scored` is filled in the same pass; by default it stays empty.
        progress: show a progress bar.
    """
    above_floor: list[list[Entity]] = []
    if floor is None:
        predicted = tag_corpus(
            tagger,
            corpus,
            threshold=threshold,
            overlap=overlap,
            line_breaks=line_breaks,
            batch_size=batch_size,
            progress=progress,
        )
    else:
        options = StreamOptions(batch_size=batch_size, buffer_size=LAST_BUFFER, is_shared=True, line_breaks=line_breaks)
        scored = tagger.stream_scored(corpus.examples, floor=floor, threshold=threshold, overlap=overlap, options=options)
        pairs = list(_with_bar(scored, corpus, progress))
        predicted, above_floor = [entities for entities, _ in pairs], [entities for _, entities in pairs]
    found = [[mention for mention, _ in items] for items in scores_in_units(corpus, predicted, format)]
    gold = [example.mentions for example in corpus.examples]
    metrics = compute_metrics(gold, found, types=[item.label for item in corpus.types])
    seqeval = _seqeval(corpus, predicted) if format == "tokens" else None
    return Evaluation(
        metrics=metrics,
        predicted=predicted,
        seqeval=seqeval,
        scored=scores_in_units(corpus, above_floor, format) if above_floor else [],
    )


def tag_corpus(
    tagger: Tagger,
    corpus: Corpus,
    *,
    threshold: Threshold | None,
    overlap: str = "flat",
    line_breaks: str | None = None,
    batch_size: int | None = None,
    progress: bool = False,
) -> list[list[Entity]]:
    """Tag every example with the types of its inventory.

    Args:
        tagger: the tagger. The processes of a launch share the work, and each gets the whole result.
        corpus: the examples.
        threshold: what a score must exceed (see `thresholds.cutoffs`); None for the tagger's own threshold.
        overlap: which entities may overlap (see `decoding.OVERLAPS`).
        line_breaks: which line breaks an entity may cross, a name of `LINE_BREAKS`; by default what the tagger was configured to.
        batch_size: number of texts in a batch; by default as many as suit the device.
        progress: show a progress bar.

    Returns:
        The entities of each example, with character offsets.
    """
    options = StreamOptions(batch_size=batch_size, buffer_size=LAST_BUFFER, is_shared=True, line_breaks=line_breaks)
    tagged = tagger.stream(corpus.examples, threshold=threshold, overlap=overlap, options=options)
    return list(_with_bar(tagged, corpus, progress))


def _with_bar(tagged: Iterable[Item], corpus: Corpus, progress: bool) -> Iterable[Item]:
    hidden = not (progress and is_main_process())
    bar: Iterable[Item] = tqdm(tagged, total=len(corpus.examples), unit="text", desc="tagging", disable=hidden)
    return bar


def scores_in_units(corpus: Corpus, found: Sequence[Sequence[Entity]], format: str) -> Scored:
    """Return entities in the form that is compared with gold (see `mention_in_units`), with their scores.

    Args:
        corpus: the examples.
        found: the entities of each example, in the order of the corpus.
        format: "text" or "tokens".
    """
    return [
        [(mention_in_units(entity.mention, example.words, format), entity.score) for entity in entities]
        for example, entities in zip(corpus.examples, found, strict=True)
    ]


def _seqeval(corpus: Corpus, predicted: Sequence[Sequence[Entity]]) -> dict[str, float] | None:
    """Return the scores of seqeval; None if gold or predictions overlap, or gold is off the token boundaries."""
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
