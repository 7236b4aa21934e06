"""Evaluating a tagger: tag a corpus, compare with its gold in the units of a format, and count."""

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
from spanmatch.prediction.tagger import Tagger
from spanmatch.prediction.thresholds import Threshold

# Mentions of each example with their scores.
Scored = list[list[tuple[Mention, float]]]
Item = TypeVar("Item")


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """Holds a tagged corpus and its metrics.

    Attributes:
        metrics: counts and what follows from them.
        predicted: the entities of each example.
        seqeval: scores of seqeval; None in text format and where spans overlap.
        scored: what flat decoding finds above a low probability, in the units of the gold; empty where it was not asked for.
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
    batch_size: int | None = None,
    floor: float | None = None,
    progress: bool = False,
) -> Evaluation:
    """Tag and score a corpus. Gold that the tagger can never find stays in as a miss.

    Args:
        tagger: what to evaluate. The processes of a launch share the work, each has the result.
        corpus: examples with their gold.
        format: "text" compares characters, "tokens" all of the tokens that an entity touches.
        threshold: what a score must exceed; by default the tagger's own.
        overlap: which entities may overlap.
        batch_size: texts at a time; by default as many as suit the device.
        floor: probability above which `Evaluation.scored` is wanted, too; it comes from the same pass.
        progress: show a bar.
    """
    options = {"threshold": threshold, "overlap": overlap, "batch_size": batch_size}
    above_floor: list[list[Entity]] = []
    if floor is None:
        predicted = tag_corpus(tagger, corpus, progress=progress, **options)  # type: ignore[arg-type]
    else:
        scored = tagger.stream_scored(corpus.examples, floor=floor, shared=True, buffer_size=LAST_BUFFER, **options)  # type: ignore[arg-type]
        pairs = list(_with_bar(scored, corpus, progress))
        predicted, above_floor = [entities for entities, _ in pairs], [entities for _, entities in pairs]
    found = [
        [mention_in_units(entity.mention, example.words, format) for entity in entities]
        for example, entities in zip(corpus.examples, predicted, strict=True)
    ]
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
    batch_size: int | None = None,
    progress: bool = False,
) -> list[list[Entity]]:
    """Tag every example with the types of its inventory.

    Args:
        tagger: what to tag with. The processes of a launch share the work, each has the result.
        corpus: the examples.
        threshold: what a score must exceed; by default the tagger's own.
        overlap: which entities may overlap.
        batch_size: texts at a time; by default as many as suit the device.
        progress: show a bar.
    """
    tagged = tagger.stream(
        corpus.examples, threshold=threshold, overlap=overlap, batch_size=batch_size, shared=True, buffer_size=LAST_BUFFER
    )
    return list(_with_bar(tagged, corpus, progress))


def _with_bar(tagged: Iterable[Item], corpus: Corpus, progress: bool) -> Iterable[Item]:
    hidden = not (progress and is_main_process())
    bar: Iterable[Item] = tqdm(tagged, total=len(corpus.examples), unit="text", desc="tagging", disable=hidden)
    return bar


def scores_in_units(corpus: Corpus, found: Sequence[Sequence[Entity]], format: str) -> Scored:
    """Return entities with their scores in the units in which they are compared with gold.

    Args:
        corpus: the examples.
        found: the entities of each example.
        format: "text" or "tokens".
    """
    return [
        [(mention_in_units(entity.mention, example.words, format), entity.score) for entity in entities]
        for example, entities in zip(corpus.examples, found, strict=True)
    ]


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
