"""Evaluate what a training made: at the tagger's own threshold, with the files of every evaluation."""

from pathlib import Path

from transformers import TrainingArguments

from spanmatch.data.corpus import Corpus
from spanmatch.evaluation.evaluate import evaluate_corpus
from spanmatch.evaluation.metrics import Metrics
from spanmatch.evaluation.results import write_evaluation
from spanmatch.prediction.tagger import Tagger
from spanmatch.training.arguments import DataArguments


def final_scores(
    tagger: Tagger, corpus: Corpus, arguments: DataArguments, training: TrainingArguments, folder: Path
) -> Metrics:
    """Evaluate a tagger. Every process gets the metrics; the first one writes and prints them.

    Args:
        tagger: what was trained.
        corpus: what it is evaluated on.
        arguments: say how gold is read.
        training: says how many texts are read at a time, and which process writes.
        folder: where the files of the evaluation go; its name is printed.
    """
    evaluation = evaluate_corpus(
        tagger,
        corpus,
        format=arguments.format,
        threshold=None,
        batch_size=training.per_device_eval_batch_size,
        progress=not training.disable_tqdm,
    )
    if training.should_save:
        settings = {"threshold": tagger.default_threshold, "overlap": "flat"}
        settings |= {"format": arguments.format, "seed": training.seed}
        write_evaluation(folder, corpus, evaluation, arguments.format, settings)
        print(f"\n{folder.name}\n{evaluation.metrics.table()}")
    return evaluation.metrics
