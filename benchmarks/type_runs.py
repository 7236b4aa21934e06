"""What it changes how many types a cross-encoder reads beside a text, and in which order: F1, agreement, speed.

    python benchmarks/type_runs.py models/objectives/conll2003_cross_contrastive ../shared/datasets/conll2003/test.jsonl

Types of one pass see each other, so that a score depends on its neighbours. Agreement is the F1 of the predictions against
those of the checkpoint's own setting.
"""

import argparse
import random
import time
from dataclasses import replace
from pathlib import Path

from common import RESULTS, machine, write_table

from spanmatch.data.corpus import Corpus, read_corpus
from spanmatch.evaluation.evaluate import evaluate_corpus
from spanmatch.evaluation.metrics import compute_metrics
from spanmatch.prediction.matcher import SpanMatcher


def with_max_types(matcher: SpanMatcher, max_types: int) -> SpanMatcher:
    """The same weights, reading so many types at a time."""
    matcher.model.matcher_config = replace(matcher.config, max_types=max_types)
    return SpanMatcher(matcher.model, matcher.text_tokenizer, matcher.type_tokenizer, calibration=matcher.calibration)


def shuffled(corpus: Corpus, seed: int) -> Corpus:
    """The same texts, their types in another order."""
    examples = []
    for example in corpus.examples:
        types = list(example.types)
        random.Random(seed).shuffle(types)
        examples.append(replace(example, types=tuple(types)))
    return Corpus(examples=examples)


def main() -> None:
    """Read the command line, evaluate, write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("file")
    parser.add_argument("--format", default="tokens", choices=("text", "tokens"))
    parser.add_argument("--max_types", type=int, nargs="+", default=[1, 2, 4, 8, 16])
    parser.add_argument("--seeds", type=int, nargs="*", default=[1, 2], help="of the orders of types that are tried")
    parser.add_argument("--max_samples", type=int)
    options = parser.parse_args()
    matcher = SpanMatcher.from_pretrained(options.model)
    own = matcher.config.max_types
    if own is None:
        raise SystemExit(f"{options.model} is a bi-encoder: its types do not see each other")
    corpus = read_corpus(options.file, format=options.format, max_examples=options.max_samples)
    cases = [(str(own), own, corpus)]
    cases += [(f"{own}, another order ({seed})", own, shuffled(corpus, seed)) for seed in options.seeds]
    cases += [(str(number), number, corpus) for number in options.max_types if number != own]
    rows, reference = [], None
    for name, number, texts in cases:
        start = time.perf_counter()
        found = evaluate_corpus(with_max_types(matcher, number), texts, format=options.format, threshold=None)
        seconds = time.perf_counter() - start
        mentions = [[entity.mention for entity in entities] for entities in found.predicted]
        reference = reference or mentions
        agreement = compute_metrics(reference, mentions, types=[item.label for item in corpus.types]).micro.f1
        micro = found.metrics.micro
        ratios = [f"{value:.4f}" for value in (micro.precision, micro.recall, micro.f1, agreement)]
        rows.append([name, *ratios, f"{len(corpus.examples) / seconds:.0f}"])
    header = ["types of a pass", "precision", "recall", "micro-F1", "agreement with the first row", "texts/s"]
    title = f"Types of a pass: {Path(options.model).name} on {Path(options.file).parent.name}, {len(corpus.types)} types"
    write_table(RESULTS / "type_runs.md", title=title, doc=__doc__ or "", header=header, rows=rows, facts=machine())


if __name__ == "__main__":
    main()
