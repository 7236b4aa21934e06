"""Evaluate one row of a comparison in a process of its own: `python -m spanmatch.baselines.compare_row JOB.json RESULT.json`.

So the memory that is measured is that of this row, and a row that fails takes no other with it.
"""

import json
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from spanmatch.baselines.token_classifier import TokenClassifier
from spanmatch.data.corpus import Corpus, read_corpus
from spanmatch.data.examples import Example
from spanmatch.data.files import read_json, write_whole
from spanmatch.evaluation.breakdown import Seen
from spanmatch.evaluation.comparison import kept_scores
from spanmatch.evaluation.evaluate import evaluate_corpus
from spanmatch.evaluation.speed import LATENCY_TEXTS, EncoderAlone, in_turn, share, text_encoder_alone
from spanmatch.prediction.matcher import SpanMatcher
from spanmatch.prediction.processes import quiet_libraries
from spanmatch.prediction.tagger import PLAIN_STREAM, Tagger, load_tagger

# Texts and runs with which the share of the encoder is measured; the median of the runs counts.
SHARE_TEXTS, SHARE_RUNS = 200, 5
# A tagger that takes seconds for a text is measured on fewer texts: on so many as take this long, and on a few at least.
MAX_SECONDS, MIN_TEXTS = 30.0, 8


def evaluate_row(job: Mapping[str, Any]) -> dict[str, Any]:
    """Evaluate a tagger on all test files; return the scores, and the costs of tagging as `Costs` names them.

    Args:
        job: "model", a folder; "train_file", what it was trained on; "tests", the test files by their names; "format".

    Raises:
        InputError: the model or a file cannot be read.
    """
    tagger = load_tagger(job["model"])
    training = read_corpus(job["train_file"], format=job["format"], split="train")
    seen, num_train = Seen.of(training), len(training.examples)
    del training
    tests, examples = {}, None
    for name, file in job["tests"].items():
        corpus = read_corpus(file, format=job["format"])
        start = time.perf_counter()
        evaluation = evaluate_corpus(tagger, corpus, format=job["format"], threshold=None)
        tests[name] = kept_scores(corpus, evaluation, job["format"], seen, time.perf_counter() - start)
        examples = examples or corpus.examples
    assert examples, "a comparison has a test file, and a file an example"
    return {"num_train": num_train, "tests": tests, "costs": tagging_costs(tagger, examples)}


def tagging_costs(tagger: Tagger, examples: Sequence[Example]) -> dict[str, float | None]:
    """Measure a tagger that has tagged before; return costs as `Costs` names them.

    Args:
        tagger: what to measure.
        examples: texts with their types.
    """
    singles = [example for example in examples if example.words][:LATENCY_TEXTS]
    model = getattr(tagger, "model", None)
    is_own = isinstance(model, torch.nn.Module)
    if not singles:
        return {}
    sample = list(examples[:SHARE_TEXTS])
    latencies: list[float] = []
    for example in singles:
        latencies.append(_seconds(tagger, [example]))
        if sum(latencies) > MAX_SECONDS and len(latencies) >= MIN_TEXTS:
            break
    latency = statistics.median(latencies)
    measured = examples[: max(MIN_TEXTS, int(MAX_SECONDS / latency))]
    return {
        "latency_seconds": latency,
        "texts_per_second": len(measured) / _seconds(tagger, measured),
        "parameters": sum(parameter.numel() for parameter in model.parameters()) if is_own else None,  # type: ignore[union-attr]
        "encoder_share": encoder_share(tagger, sample),
    }


def _seconds(tagger: Tagger, examples: Sequence[Example]) -> float:
    start = time.perf_counter()
    for _ in tagger.stream(examples, threshold=None, overlap="flat", options=PLAIN_STREAM):
        pass
    return time.perf_counter() - start


def encoder_share(tagger: Tagger, examples: Sequence[Example]) -> float | None:
    """Return the seconds of the encoder alone as a share of all seconds of tagging; None where no encoder can be told apart.

    The encoder alone tokenises the same texts and computes the same batches, without anything else.

    Args:
        tagger: what to measure.
        examples: texts with their types, which have to be those of the first text.
    """
    works: dict[str, Callable[[], Any]]
    corpus = Corpus(examples=list(examples))
    texts, types = [example.text for example in corpus.examples], corpus.types
    if isinstance(tagger, SpanMatcher):
        matcher = tagger
        asked = matcher.encode_types(list(types)) if matcher.config.architecture == "bi" else types
        alone = text_encoder_alone(matcher, texts, asked)
        works = {"alone": alone, "all": lambda: matcher.predict(texts, asked)}
        device = matcher.device
    elif isinstance(tagger, TokenClassifier):
        classifier = tagger

        def tag() -> Any:
            return classifier.predict(texts, types)

        encoder = classifier.model.base_model
        works = {"alone": EncoderAlone.of(encoder, classifier.sequences, texts, tag), "all": tag}
        device = classifier.model.device
    else:
        return None
    seconds = in_turn(works, SHARE_RUNS, device)
    return share(seconds["alone"], seconds["all"])


def main(job_file: str, result_file: str) -> None:
    """Evaluate the row that a file describes, and write the result to another.

    Args:
        job_file: JSON of the `job` of `evaluate_row`.
        result_file: where its result goes.
    """
    quiet_libraries()
    result = evaluate_row(read_json(Path(job_file)))
    write_whole(Path(result_file), json.dumps(result, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
