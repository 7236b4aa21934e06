"""The files of an evaluation: `metrics.json`, `predictions.jsonl` and `timings.json`."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from spanmatch.data.corpus import Corpus
from spanmatch.data.examples import Example
from spanmatch.data.files import write_whole
from spanmatch.data.words import chars_to_tokens, tokens_to_chars
from spanmatch.entities import Entity, Mention
from spanmatch.evaluation.evaluate import Evaluation
from spanmatch.evaluation.provenance import provenance


def write_evaluation(
    folder: Path,
    corpus: Corpus,
    evaluation: Evaluation,
    format: str,
    settings: dict[str, Any],
    timings: dict[str, float] | None = None,
) -> None:
    """Write `metrics.json`, `predictions.jsonl` and, apart because they differ from run to run, `timings.json`."""
    folder.mkdir(parents=True, exist_ok=True)
    metrics = evaluation.metrics.as_dict() | settings | provenance(int(settings.get("seed", 0)))
    if evaluation.seqeval is not None:
        metrics["seqeval"] = evaluation.seqeval
    write_whole(folder / "metrics.json", json.dumps(metrics, indent=1, ensure_ascii=False) + "\n")
    lines = prediction_lines(corpus, evaluation.predicted, format)
    write_whole(folder / "predictions.jsonl", "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))
    if timings is not None:
        write_whole(folder / "timings.json", json.dumps(timings, indent=1) + "\n")


def prediction_lines(corpus: Corpus, predicted: Sequence[Sequence[Entity]], format: str) -> list[dict[str, Any]]:
    """One record per example, in order: index, gold and predicted, in the units of the format."""
    return [
        {
            "index": index,
            "gold": [_in_units(mention, example, format) for mention in sorted(example.mentions)],
            "predicted": [_in_units(entity.mention, example, format) | {"score": round(entity.score, 6)} for entity in entities],
        }
        for index, (example, entities) in enumerate(zip(corpus.examples, predicted, strict=True))
    ]


def _in_units(mention: Mention, example: Example, format: str) -> dict[str, Any]:
    if format == "text":
        return {"start": mention.start, "end": mention.end, "label": mention.label}
    tokens = chars_to_tokens(mention, example.words)
    record = {"start": tokens.start, "end": tokens.end, "label": tokens.label}
    # Gold that is no run of whole tokens: a prediction of the tokens it touches is not a hit.
    return record if tokens_to_chars([tokens], example.words)[0] == mention else record | {"off_boundary": True}


