"""Make up evaluations for the tests of the report: gold of a file, and predictions with the usual errors and scores."""

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from spanmatch.apps.report.report import write_report
from spanmatch.data.corpus import Corpus
from spanmatch.data.examples import Example
from spanmatch.data.words import split_words
from spanmatch.entities import Entity, EntityType, Mention
from spanmatch.evaluation.evaluate import Evaluation
from spanmatch.evaluation.metrics import compute_metrics

FLOOR = 0.02
Scored = list[tuple[Mention, float]]


def mention(text: str, surface: str, label: str) -> Mention:
    """Make a mention of the first occurrence of a surface."""
    start = text.index(surface)
    return Mention(start=start, end=start + len(surface), label=label)


def make_corpus(rows: Sequence[tuple[str, Sequence[Mention]]], types: Sequence[str] = ()) -> Corpus:
    """Make a corpus of texts and their gold."""
    labels = sorted({*types, *(mention.label for _, mentions in rows for mention in mentions)})
    inventory = tuple(EntityType(name=label) for label in labels)
    return Corpus(
        examples=[
            Example(where=f"made.jsonl:{number}", text=text, words=split_words(text), mentions=tuple(mentions), types=inventory)
            for number, (text, mentions) in enumerate(rows, start=1)
        ]
    )


def evaluation_of(corpus: Corpus, scored: Sequence[Scored], threshold: float = 0.5) -> Evaluation:
    """Return the evaluation of scored predictions, flat and in text format."""
    predicted = [
        [
            Entity(
                start=mention.start,
                end=mention.end,
                label=mention.label,
                text=example.text[mention.start : mention.end],
                score=score,
            )
            for mention, score in sorted(found)
            if score > threshold
        ]
        for example, found in zip(corpus.examples, scored, strict=True)
    ]
    found = [[entity.mention for entity in entities] for entities in predicted]
    gold = [example.mentions for example in corpus.examples]
    metrics = compute_metrics(gold, found, types=[item.label for item in corpus.types])
    return Evaluation(metrics=metrics, predicted=predicted, seqeval=None, scored=[list(items) for items in scored])


def noisy(corpus: Corpus, seed: int = 0) -> list[Scored]:
    """Predict gold, with some of it missed, cut or given another type, and some other words; all flat, each with a score."""
    rng = random.Random(seed)
    labels = [item.label for item in corpus.types]
    found: list[Scored] = []
    for example in corpus.examples:
        scored: Scored = []
        for mention in example.mentions:
            start, end, label, high = mention.start, mention.end, mention.label, 0.97
            inside = [word for word in example.words if start <= word[0] and word[1] <= end]
            kind = rng.random()
            if kind < 0.1:
                continue
            if kind < 0.2 and len(inside) > 1:
                start, high = inside[1][0], 0.8
            elif kind < 0.32:
                # Neighbours in the list are confused more often than others.
                label, high = labels[(labels.index(label) + rng.choice([1, 1, 1, 2])) % len(labels)], 0.85
            scored.append((Mention(start=start, end=end, label=label), high * rng.betavariate(4, 1.2)))
        for start, end in example.words:
            taken = any(start < mention.end and mention.start < end for mention in [*example.mentions, *(m for m, _ in scored)])
            if not taken and labels and rng.random() < 0.12:
                scored.append((Mention(start=start, end=end, label=rng.choice(labels)), rng.betavariate(1.2, 2.5)))
        found.append([(mention, max(FLOOR + 0.001, min(score, 0.999))) for mention, score in scored])
    return found


def report(path: Path, corpus: Corpus, scored: Sequence[Scored], **options: Any) -> str:
    """Write the report of scored predictions, and return its HTML."""
    settings = {"model": "models/made", "file": "made.jsonl", "threshold": 0.5, "overlap": "flat", "commit": None, "seed": 0}
    given = {"settings": settings, "format": "text", "floor": FLOOR} | options
    write_report(path, corpus=corpus, evaluation=evaluation_of(corpus, scored), **given)
    return path.read_text(encoding="utf-8")
