"""F1 of the fast path (half precision, blocks, batches by tokens) against the plain one: float32, every cell, one text at a time.

    python benchmarks/precision.py --models models/objectives/conll2003_bi_bce ...      (some minutes per model)

The plain path is written out here: the text and its types through the model in float32, the whole grid of scores, the
threshold, then the same greedy choice. Both take the threshold of the checkpoint.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from common import RESULTS, machine, write_table
from tqdm import tqdm

from spanmatch.batching.collate import collate_texts
from spanmatch.batching.views import View
from spanmatch.data.corpus import Corpus, read_corpus
from spanmatch.data.examples import Example
from spanmatch.entities import Entity
from spanmatch.evaluation.evaluate import tag_corpus
from spanmatch.evaluation.metrics import compute_metrics
from spanmatch.prediction.decoding import Candidates, merge, resolve
from spanmatch.prediction.matcher import SpanMatcher


@torch.inference_mode()
def plain(matcher: SpanMatcher, example: Example, types_CD: torch.Tensor | None) -> list[Entity]:
    """The entities of one text, by the plain path."""
    asked = matcher.cutoffs(None, example.types)
    views = matcher.batcher.passes([view for own in matcher.batcher.windows([example]) for view in own])
    return resolve(
        example.text, merge([_of_view(matcher, view, types_CD, asked.limits, asked.slot) for view in views]), example.types
    )


def _of_view(matcher: SpanMatcher, view: View, types_CD: torch.Tensor | None, limits: np.ndarray, slot: str | None) -> Candidates:
    model, batch = matcher.model, collate_texts([view], matcher.batcher)
    states = model.encode_texts(batch)
    types_XCD = model.type_embeddings_behind(states, batch) if types_CD is None else types_CD[None]
    scores = model.head.score_spans(model.head.represent_spans(states, batch), types_XCD)[0].numpy()
    if slot is not None:
        nulls = model.head.represent_nulls(states)
        assert nulls is not None, "a threshold of a null slot needs one"
        scores = scores - model.head.score(nulls, types_XCD)[0, list(model.head.null_slots).index(slot)].numpy()
    own = limits[view.first_type : view.first_type + len(view.types)]
    unit, width, column = np.nonzero((scores > own) & batch.candidates[0].numpy()[..., None])
    units, first = view.tokenized.units, unit + view.start_unit
    return Candidates(
        start=units.start_char[first],
        end=units.end_char[first + width],
        column=column + view.first_type,
        logit=scores[unit, width, column],
    )


def compare(folder: Path, corpus: Corpus, dtypes: list[str], compiled: bool) -> list[list[str]]:
    """Rows of the table for one checkpoint."""
    matcher = SpanMatcher.from_pretrained(folder, dtype="float32", device="cpu")
    gold, labels = [example.mentions for example in corpus.examples], [item.label for item in corpus.types]
    [types] = {example.types for example in corpus.examples}
    types_CD = None if matcher.batcher.is_cross_encoder else matcher.encode_types(types).embeddings
    reference = [plain(matcher, example, types_CD) for example in tqdm(corpus.examples, desc=f"{folder.name}, plain")]
    f1 = compute_metrics(gold, [[item.mention for item in own] for own in reference], types=labels).micro.f1
    rows = [[folder.name, "plain, float32", f"{f1:.4f}", "", "", ""]]
    ways = [(dtype, False) for dtype in dtypes] + ([(dtypes[-1], True)] if compiled else [])
    for dtype, compile in ways:
        fast = SpanMatcher.from_pretrained(folder, dtype=dtype, device="cpu", compile=compile)
        found = tag_corpus(fast, corpus, threshold=None, overlap="flat", batch_size=None, progress=True)
        own_f1 = compute_metrics(gold, [[item.mention for item in own] for own in found], types=labels).micro.f1
        same, either, difference = agreement(reference, found)
        name = f"fast, {dtype}{', compiled' if compile else ''}"
        rows.append(
            [folder.name, name, f"{own_f1:.4f}", f"{own_f1 - f1:+.4f}", f"{same / max(either, 1):.4f}", f"{difference:.1e}"]
        )
    return rows


def agreement(one: list[list[Entity]], other: list[list[Entity]]) -> tuple[int, int, float]:
    """Entities that both have, that either has, and the largest difference of a score that both have."""
    first = {(index, item.mention): item.score for index, own in enumerate(one) for item in own}
    second = {(index, item.mention): item.score for index, own in enumerate(other) for item in own}
    both = first.keys() & second.keys()
    return len(both), len(first.keys() | second.keys()), max((abs(first[key] - second[key]) for key in both), default=0.0)


def main() -> None:
    """Compare and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", type=Path, required=True, metavar="DIR")
    parser.add_argument("--test_file", default="../shared/datasets/conll2003/test.jsonl")
    parser.add_argument("--max_samples", type=int)
    parser.add_argument("--dtypes", nargs="+", default=["float32", "bfloat16"])
    parser.add_argument("--compiled", action="store_true", help="also with the encoder compiled")
    options = parser.parse_args()
    corpus = read_corpus(options.test_file, format="tokens", max_examples=options.max_samples)
    rows = [row for folder in options.models for row in compare(folder, corpus, options.dtypes, options.compiled)]
    write_table(
        RESULTS / "precision.md",
        title=f"The fast path against the plain one, {len(corpus.examples)} texts",
        doc=__doc__ or "",
        header=["checkpoint", "path", "micro-F1", "difference", "entities that agree", "largest difference of a score"],
        rows=rows,
        facts=machine(),
    )


if __name__ == "__main__":
    main()
