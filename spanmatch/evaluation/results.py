"""Write the files of an evaluation: `metrics.json`, `predictions.jsonl` and `timings.json`."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from spanmatch.data.corpus import Corpus
from spanmatch.data.files import write_whole
from spanmatch.data.words import Offsets, chars_to_tokens, mention_in_units
from spanmatch.entities import Entity, Mention
from spanmatch.evaluation.evaluate import Evaluation
from spanmatch.evaluation.provenance import provenance


def written_files(folder: Path) -> list[Path]:
    """Return the files that `write_evaluation` writes.

    Args:
        folder: the folder that it writes to.
    """
    return [folder / name for name in ("metrics.json", "predictions.jsonl", "timings.json")]


def write_evaluation(
    folder: Path,
    corpus: Corpus,
    evaluation: Evaluation,
    format: str,
    settings: dict[str, Any],
    timings: dict[str, float] | None = None,
) -> None:
    """Write `metrics.json`, `predictions.jsonl` and `timings.json` into a folder.

    Timings have a file of their own because they differ from run to run: the other two files do not.

    Args:
        folder: where to write; it is made if need be.
        corpus: the examples with their gold.
        evaluation: metrics and predictions.
        format: "text" or "tokens": the units of the offsets in `predictions.jsonl`.
        settings: what the result depends on; stored in `metrics.json` with versions and commit.
        timings: the content of `timings.json`; by default the file is not written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    metrics_file, predictions_file, timings_file = written_files(folder)
    metrics = evaluation.metrics.as_dict() | settings | provenance(int(settings.get("seed", 0)))
    if evaluation.seqeval is not None:
        metrics["seqeval"] = evaluation.seqeval
    write_whole(metrics_file, json.dumps(metrics, indent=1, ensure_ascii=False) + "\n")
    lines = prediction_lines(corpus, evaluation.predicted, format)
    write_whole(predictions_file, "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))
    if timings is not None:
        write_whole(timings_file, json.dumps(timings, indent=1) + "\n")


def prediction_lines(corpus: Corpus, predicted: Sequence[Sequence[Entity]], format: str) -> list[dict[str, Any]]:
    """Return the lines of `predictions.jsonl`, one per example.

    Args:
        corpus: the examples with their gold.
        predicted: the entities of each example.
        format: "text" or "tokens": the units of the offsets.

    Returns:
        Mappings of "index", "gold" and "predicted", in the order of the examples.
    """
    return [
        {
            "index": index,
            "gold": [_record(mention, example.words, format) for mention in sorted(example.mentions)],
            "predicted": [
                _record(entity.mention, example.words, format) | {"score": round(entity.score, 6)} for entity in entities
            ],
        }
        for index, (example, entities) in enumerate(zip(corpus.examples, predicted, strict=True))
    ]


def _record(mention: Mention, words: Offsets, format: str) -> dict[str, Any]:
    shown = mention if format == "text" else chars_to_tokens(mention, words)
    record = {"start": shown.start, "end": shown.end, "label": shown.label}
    # Gold that does not end at token boundaries says so: a prediction of the same tokens is not right.
    return record if mention_in_units(mention, words, format) == mention else record | {"off_boundary": True}
