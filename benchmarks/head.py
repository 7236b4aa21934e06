"""Which head: width, layers, start and end scores, pruning by them. F1 and speed, in one table.

    python benchmarks/head.py quality --train_file ... --validation_file ... --test_file ...   (half an hour on two cores)
    python benchmarks/head.py speed --test_file ...                                            (a quiet machine, two minutes)

`quality` trains each head on the same batches (token format, one seed) and scores the test file at the threshold of the
best F1 on the validation file. `speed` times encoder and head on the test file, batches sorted by length, for several
numbers of types. Both add to `benchmarks/results/head.json` and write `head.md` from it.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
from common import RESULTS, machine, write_table
from torch import nn
from torch.nn import functional as F

from spanmatch.batching.collate import TextBatch, collate_texts
from spanmatch.data.corpus import read_corpus
from spanmatch.evaluation.calibration import calibrate
from spanmatch.evaluation.evaluate import evaluate_corpus
from spanmatch.evaluation.provenance import provenance
from spanmatch.model.head import SpanHead, activate, gather_tokens
from spanmatch.model.model import text_states
from spanmatch.prediction.matcher import SpanMatcher
from spanmatch.training.arguments import MatcherArguments, MatcherTrainingArguments
from spanmatch.training.build import build_matcher
from spanmatch.training.dataset import TrainingViews, training_windows
from spanmatch.training.trainer import MatcherTrainer

NUM_TYPES = (4, 25, 1000)
KEPT_PER_UNIT = 2  # candidates that pruning keeps, per unit of text


class TwoLayerHead(SpanHead):
    """A second layer behind the split one."""

    def __init__(self, text_size: int, type_size: int, head_size: int, max_span_width: int) -> None:
        super().__init__(text_size, type_size, head_size, max_span_width)
        self.second = nn.Linear(head_size, head_size)

    def represent_spans(self, text_states_BTH: torch.Tensor, batch: TextBatch) -> torch.Tensor:
        """As the head in use, then the second layer."""
        return activate(self.second(super().represent_spans(text_states_BTH, batch)))


class StartEndHead(SpanHead):
    """Adds a score of the start token and one of the end token against each type (Zhang et al., Binder, ICLR 2023)."""

    def __init__(self, text_size: int, type_size: int, head_size: int, max_span_width: int) -> None:
        super().__init__(text_size, type_size, head_size, max_span_width)
        self.head_size = head_size
        self.start_text, self.end_text = nn.Linear(text_size, head_size, bias=False), nn.Linear(text_size, head_size, bias=False)
        self.start_type, self.end_type = nn.Linear(type_size, head_size), nn.Linear(type_size, head_size)

    def embed_types(self, type_states_CH: torch.Tensor) -> torch.Tensor:
        """Span, start and end embeddings side by side. Shape: (C, 3 D)."""
        scale = self.head_size**-0.5
        parts = [
            super().embed_types(type_states_CH),
            self.start_type(type_states_CH) * scale,
            self.end_type(type_states_CH) * scale,
        ]
        return torch.cat(parts, dim=-1)

    def represent_spans(self, text_states_BTH: torch.Tensor, batch: TextBatch) -> torch.Tensor:
        """The span with the start and end that it consists of. Shape: (B, U, W, 3 D)."""
        spans_BUWD = super().represent_spans(text_states_BTH, batch)
        num_widths = batch.candidates.shape[2]
        starts_BUD = gather_tokens(self.start_text(text_states_BTH), batch.first_token)
        ends_BUD = gather_tokens(self.end_text(text_states_BTH), batch.last_token)
        ends_BUWD = F.pad(ends_BUD, (0, 0, 0, num_widths - 1)).unfold(1, num_widths, 1).transpose(2, 3)
        return torch.cat([spans_BUWD, starts_BUD[:, :, None].expand_as(spans_BUWD), ends_BUWD], dim=-1)


def score_pruned(head: StartEndHead, states_BTH: torch.Tensor, types_CE: torch.Tensor, batch: TextBatch) -> torch.Tensor:
    """Score only the candidates with the best start + end of any type. Shape: (B, K, C)."""
    span_CD, start_CD, end_CD = types_CE.chunk(3, dim=-1)
    _, num_units, num_widths = batch.candidates.shape
    starts_BUC = gather_tokens(head.start_text(states_BTH), batch.first_token) @ start_CD.T
    ends_BUC = gather_tokens(head.end_text(states_BTH), batch.last_token) @ end_CD.T
    best_start, best_end = starts_BUC.amax(-1), ends_BUC.amax(-1)
    pairs_BUW = best_start[:, :, None] + F.pad(best_end, (0, num_widths - 1)).unfold(1, num_widths, 1)
    pairs_BUW = pairs_BUW.masked_fill(~batch.candidates, -1e4)
    kept = pairs_BUW.flatten(1).topk(min(KEPT_PER_UNIT * num_units, num_units * num_widths)).indices
    unit, width = kept // num_widths, kept % num_widths
    last = (unit + width).clamp(max=num_units - 1)
    first_token, last_token = batch.first_token.gather(1, unit), batch.last_token.gather(1, last)
    spans_BKD = gather_tokens(head.start_proj(states_BTH), first_token) + gather_tokens(head.end_proj(states_BTH), last_token)
    spans_BKD = activate(spans_BKD + head.width_embedding.weight[width])
    return spans_BKD @ span_CD.T + gather_tokens(starts_BUC, unit) + gather_tokens(ends_BUC, last)


HEADS: dict[str, tuple[type[SpanHead], int]] = {
    "1 layer, 64": (SpanHead, 64),
    "1 layer, 128": (SpanHead, 128),
    "1 layer, 256": (SpanHead, 256),
    "1 layer, 384": (SpanHead, 384),
    "2 layers, 128": (TwoLayerHead, 128),
    "start + end + span, 128": (StartEndHead, 128),
}


def matcher_with(name: str, training: MatcherTrainingArguments, arguments: MatcherArguments) -> SpanMatcher:
    """A new matcher with the head of this name."""
    torch.manual_seed(training.seed)
    head_class, head_size = HEADS[name]
    matcher = build_matcher(arguments, "bi", training)
    size = matcher.model.text_encoder.config.hidden_size
    matcher.model.head = head_class(size, size, head_size, matcher.config.max_span_width)
    return matcher


def quality(options: argparse.Namespace) -> None:
    """Train every head and score it."""
    corpora = {name: read_corpus(getattr(options, f"{name}_file"), format="tokens") for name in ("train", "validation", "test")}
    for name in options.heads or HEADS:
        arguments = MatcherArguments(format="tokens")
        training = MatcherTrainingArguments(
            output_dir="models/benchmark_head", learning_rate=options.learning_rate, save_strategy="no", report_to="none",
            max_steps=options.steps, seed=options.seed, do_eval=False, do_predict=False,
        )  # fmt: skip
        matcher = matcher_with(name, training, arguments)
        views = training_windows(corpora["train"], matcher.batcher)
        dataset = TrainingViews(views, arguments, training.seed)
        MatcherTrainer(matcher=matcher, arguments=arguments, args=training, train_dataset=dataset, validation=None).train()
        matcher.calibration = calibrate(matcher, corpora["validation"], source="validation")
        scored = evaluate_corpus(matcher, corpora["test"], format="tokens", threshold=matcher.calibration.threshold)
        save(
            name,
            {"f1": scored.metrics.micro.f1, "steps": options.steps, "seed": options.seed, "learning_rate": options.learning_rate},
        )


@torch.inference_mode()
def speed(options: argparse.Namespace) -> None:
    """Time encoder and heads on the same batches, in turn."""
    training = MatcherTrainingArguments(output_dir="models/benchmark_head", do_eval=False, do_predict=False, report_to="none")
    matchers = {name: matcher_with(name, training, MatcherArguments(format="tokens")) for name in HEADS}
    corpus = read_corpus(options.test_file, format="tokens", max_examples=options.texts)
    any_matcher = next(iter(matchers.values()))
    per_text = any_matcher.batcher.windows(corpus.examples)
    views = sorted((view for own in per_text for view in own), key=lambda view: -view.end_token - view.start_token)
    batches = [collate_texts(views[start : start + 32], any_matcher.batcher) for start in range(0, len(views), 32)]
    encoder = any_matcher.model.text_encoder.to(options.dtype).eval()
    states = [text_states(encoder, batch) for batch in batches]
    encoder_seconds = []
    runs: dict[tuple[str, int], list[float]] = {}
    for repeat in range(options.repeats + 1):
        seconds = timed(lambda: [text_states(encoder, batch) for batch in batches])
        encoder_seconds += [seconds] if repeat else []
        for name, matcher in matchers.items():
            head = matcher.model.head.to(options.dtype)
            for num_types in NUM_TYPES:
                types = head.embed_types(torch.randn(1, num_types, encoder.config.hidden_size, dtype=options.dtype))

                def full(head: SpanHead = head, types: torch.Tensor = types) -> None:
                    for state, batch in zip(states, batches, strict=True):
                        head.score_spans(head.represent_spans(state, batch), types)

                def pruned(head: Any = head, types: torch.Tensor = types) -> None:
                    for state, batch in zip(states, batches, strict=True):
                        score_pruned(head, state, types[0], batch)

                ways: dict[str, Callable[[], None]] = {name: full}
                if isinstance(head, StartEndHead):
                    ways[f"{name}, pruned"] = pruned
                for way, work in ways.items():
                    seconds = timed(work)
                    runs.setdefault((way, num_types), []).extend([seconds] if repeat else [])
    base = statistics.median(encoder_seconds)
    for way in dict.fromkeys(name for name, _ in runs):
        shares = {str(count): base / (base + statistics.median(runs[way, count])) for count in NUM_TYPES}
        save(way, {"encoder_share": shares, "texts": len(corpus.examples), "encoder_seconds": base})


def timed(work: Callable[[], Any]) -> float:
    """Seconds that a piece of work takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def save(name: str, figures: dict[str, Any]) -> None:
    """Add figures to `head.json` and write the table anew."""
    file = RESULTS / "head.json"
    results: dict[str, Any] = json.loads(file.read_text()) if file.is_file() else {}
    results.setdefault(name, {}).update(figures | {"commit": provenance(0)["commit"]})
    RESULTS.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(results, indent=1) + "\n")
    rows = []
    for head, row in results.items():
        shares = [f"{row['encoder_share'][str(count)]:.1%}" if "encoder_share" in row else "-" for count in NUM_TYPES]
        rows.append([head, f"{row['f1']:.4f}" if "f1" in row else "-", *shares])
    header = ["head", "test micro-F1", *(f"encoder's share of scoring, {count} types" for count in NUM_TYPES)]
    write_table(RESULTS / "head.md", title="Heads compared", doc=__doc__ or "", header=header, rows=rows, facts=machine())


def main() -> None:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=("quality", "speed"))
    parser.add_argument("--train_file", default="../shared/datasets/conll2003/train.jsonl")
    parser.add_argument("--validation_file", default="../shared/datasets/conll2003/dev.jsonl")
    parser.add_argument("--test_file", default="../shared/datasets/conll2003/test.jsonl")
    parser.add_argument("--heads", nargs="*", choices=tuple(HEADS))
    parser.add_argument("--steps", type=int, default=440)
    parser.add_argument("--learning_rate", type=float, default=2e-4)
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--texts", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--dtype", type=lambda name: getattr(torch, name), default=torch.bfloat16)
    options = parser.parse_args()
    quality(options) if options.part == "quality" else speed(options)


if __name__ == "__main__":
    main()
