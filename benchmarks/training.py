"""Training speed of our Trainer against a bare loop over the same batches.

    python benchmarks/training.py [--train_file ../shared/datasets/conll2003/train.jsonl]   (a quiet machine, minutes)

Ours is `MatcherTrainer` with its defaults: it draws, collates, logs, shows progress; it neither evaluates nor saves. Bare
is forward, loss, backward, clip, fused AdamW and zero_grad over batches that were collated before. Both start from the
same weights and take the same batches in the same order, with the same precision; the blocks of both alternate. The
encoder's share is the time of its forward and backward pass alone, over texts and types of the same batches.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from common import RESULTS, machine, write_table
from transformers import TrainerCallback, set_seed

from spanmatch.batching.views import View
from spanmatch.data.corpus import read_corpus
from spanmatch.model.model import text_states, type_states
from spanmatch.prediction.matcher import SpanMatcher
from spanmatch.training.arguments import MatcherArguments, MatcherTrainingArguments
from spanmatch.training.build import build_matcher
from spanmatch.training.dataset import TrainingViews, training_windows
from spanmatch.training.trainer import MatcherTrainer

WARM_UP_STEPS = 10
Batch = dict[str, Any]


@dataclass
class TimedCollator:
    """A collator that notes how long each batch takes it, and what is in the batch."""

    collate: Callable[[Sequence[View]], Batch]
    seconds: list[float] = field(default_factory=list)
    contents: list[int] = field(default_factory=list)

    def __call__(self, items: Sequence[View]) -> Batch:
        """Collate."""
        start = time.perf_counter()
        batch = self.collate(items)
        self.seconds.append(time.perf_counter() - start)
        self.contents.append(contents(batch))
        return batch


class Clock(TrainerCallback):
    """Seconds from the end of the warm-up to the end of the last step."""

    def __init__(self, device: torch.device, num_steps: int) -> None:
        self.device = device
        self.last_step = WARM_UP_STEPS + num_steps
        self.start = self.seconds = 0.0

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Called after each optimizer step."""
        if state.global_step == WARM_UP_STEPS:
            self.start = now(self.device)
        elif state.global_step == self.last_step:
            self.seconds = now(self.device) - self.start


def contents(batch: Batch) -> int:
    """A number that tells batches apart."""
    ids = batch["texts"].input_ids
    types = sum(group.input_ids.sum() for group in batch["types"])
    return int((ids * torch.arange(1, ids.numel() + 1).view_as(ids)).sum() + batch["positives"].sum() + types)


def now(device: torch.device) -> float:
    """The time when all that was asked of the device is done."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


@dataclass(frozen=True, kw_only=True)
class Bench:
    """What both loops train: a matcher, its first weights, and the views of the training file."""

    options: argparse.Namespace
    folder: str
    matcher: SpanMatcher
    arguments: MatcherArguments
    weights: dict[str, torch.Tensor]
    views: list[View]

    def trainer(self) -> MatcherTrainer:
        """A new Trainer around the first weights."""
        set_seed(self.options.seed)
        self.matcher.model.load_state_dict(self.weights)
        training = training_arguments(self.options, self.folder)
        dataset = TrainingViews(self.views, self.arguments, training.seed)
        trainer = MatcherTrainer(
            matcher=self.matcher, arguments=self.arguments, args=training, train_dataset=dataset, validation=None
        )
        trainer.data_collator = TimedCollator(trainer.data_collator)
        return trainer

    def ours(self, batches: Sequence[Batch]) -> tuple[float, list[float]]:
        """Seconds of the timed steps of our Trainer, and of each collation."""
        trainer = self.trainer()
        clock = Clock(trainer.args.device, self.options.steps)
        trainer.add_callback(clock)
        trainer.train()
        collator: Any = trainer.data_collator
        assert collator.contents[: len(batches)] == [contents(batch) for batch in batches], "both must see the same batches"
        return clock.seconds, collator.seconds[WARM_UP_STEPS : len(batches)]

    def bare(self, batches: Sequence[Batch]) -> float:
        """Seconds of the timed steps of a bare loop."""
        args = self.trainer().args
        model, parameters = self.matcher.model.train(), list(self.matcher.model.parameters())
        loss = self.arguments.objective.loss
        optimizer = torch.optim.AdamW(parameters, lr=args.learning_rate, weight_decay=args.weight_decay, fused=True)

        def step(batch: Batch) -> None:
            with torch.autocast(args.device.type, dtype=torch.bfloat16, enabled=bool(args.bf16)):
                scores = model(batch["texts"].to(args.device), [group.to(args.device) for group in batch["types"]])
            positives, valid = batch["positives"].to(args.device), batch["valid"].to(args.device)
            loss(scores, positives, valid).backward()
            torch.nn.utils.clip_grad_norm_(parameters, args.max_grad_norm)
            optimizer.step()
            optimizer.zero_grad()

        return timed(step, batches, args.device)

    def encoder(self, batches: Sequence[Batch]) -> float:
        """Seconds of the encoder's passes over the texts and types of the timed steps."""
        args = self.trainer().args
        model = self.matcher.model.train()

        def step(batch: Batch) -> None:
            with torch.autocast(args.device.type, dtype=torch.bfloat16, enabled=bool(args.bf16)):
                texts = text_states(model.text_encoder, batch["texts"].to(args.device))
                pooling = model.matcher_config.type_pooling
                types = torch.cat([type_states(model.text_encoder, group.to(args.device), pooling) for group in batch["types"]])
            (texts.float().mean() + types.float().mean()).backward()
            model.zero_grad()

        return timed(step, batches, args.device)


def timed(step: Callable[[Batch], None], batches: Sequence[Batch], device: torch.device) -> float:
    """Seconds of all steps but those of the warm-up."""
    for batch in batches[:WARM_UP_STEPS]:
        step(batch)
    start = now(device)
    for batch in batches[WARM_UP_STEPS:]:
        step(batch)
    return now(device) - start


def training_arguments(options: argparse.Namespace, folder: str) -> MatcherTrainingArguments:
    """Our defaults, but for what this benchmark leaves out."""
    return MatcherTrainingArguments(
        output_dir=folder, per_device_train_batch_size=options.batch_size, max_steps=WARM_UP_STEPS + options.steps,
        seed=options.seed, save_strategy="no", do_eval=False, do_predict=False,
    )  # fmt: skip


def measure(options: argparse.Namespace, folder: str) -> dict[str, Any]:
    """Run both loops in turn; returns the figures of `training.json`."""
    arguments, training = MatcherArguments(format="tokens"), training_arguments(options, folder)
    set_seed(options.seed)
    matcher = build_matcher(arguments, "bi", training)
    views = training_windows(read_corpus(options.train_file, format="tokens"), matcher.batcher)
    weights = {name: tensor.clone() for name, tensor in matcher.model.state_dict().items()}
    bench = Bench(options=options, folder=folder, matcher=matcher, arguments=arguments, weights=weights, views=views)
    batches = list(islice(bench.trainer().get_train_dataloader(), WARM_UP_STEPS + options.steps))
    if len(batches) < WARM_UP_STEPS + options.steps:
        raise SystemExit(f"{options.train_file} has only {len(batches)} batches; lower --steps")
    seconds: dict[str, list[float]] = {"ours": [], "bare": [], "encoder": [], "collation": []}
    for repeat in range(options.repeats):
        # Whoever is first in one repetition is last in the next.
        for name in ("ours", "bare") if repeat % 2 == 0 else ("bare", "ours"):
            if name == "bare":
                seconds["bare"].append(bench.bare(batches))
            else:
                own, collation = bench.ours(batches)
                seconds["ours"].append(own)
                seconds["collation"].append(sum(collation))
        seconds["encoder"].append(bench.encoder(batches))
    num_texts = sum(len(batch["texts"].input_ids) for batch in batches[WARM_UP_STEPS:])
    middle = {name: statistics.median(values) for name, values in seconds.items()}
    ratios = [own / bare for own, bare in zip(seconds["bare"], seconds["ours"], strict=True)]
    return {
        "sentences_per_second": {name: num_texts / middle[name] for name in ("ours", "bare")},
        "ours_to_bare": statistics.median(ratios),
        "ours_to_bare_range": [min(ratios), max(ratios)],
        "step_ms": {name: 1000 * middle[name] / options.steps for name in ("ours", "bare", "encoder", "collation")},
        "share_of_our_step": {name: middle[name] / middle["ours"] for name in ("encoder", "collation")},
        "encoder_share_of_bare_step": middle["encoder"] / middle["bare"],
        "seconds": seconds,
        "num_texts": num_texts,
        "dtype": "bfloat16 autocast" if training.bf16 else "float32",
        "device": str(training.device),
        "settings": {name: getattr(options, name) for name in ("steps", "repeats", "batch_size", "train_file", "seed")},
    }


def report(output: Path, figures: dict[str, Any]) -> None:
    """Write the figures as JSON, and as a table beside it."""
    facts = machine(figures["settings"]["seed"]) | {"device, precision": f"{figures['device']}, {figures['dtype']}"}
    output.parent.mkdir(parents=True, exist_ok=True)
    output.with_suffix(".json").write_text(json.dumps(figures | {"facts": facts}, indent=1) + "\n", encoding="utf-8")
    settings, step_ms, low_high = figures["settings"], figures["step_ms"], figures["ours_to_bare_range"]
    rows = [
        [name, f"{figures['sentences_per_second'][key]:.1f}", f"{step_ms[key]:.1f}", f"{step_ms['encoder'] / step_ms[key]:.1%}"]
        for name, key in (("MatcherTrainer", "ours"), ("bare loop", "bare"))
    ]
    facts |= {
        "ours to bare": f"{figures['ours_to_bare']:.3f} of its speed (median of the repetitions; "
        f"{low_high[0]:.3f} to {low_high[1]:.3f})",
        "collation": f"{step_ms['collation']:.1f} ms a step, {figures['share_of_our_step']['collation']:.1%} of ours",
    }
    doc = (
        f"Medians of {settings['repeats']} alternating blocks of {settings['steps']} steps "
        f"of {settings['batch_size']} sentences, after {WARM_UP_STEPS} steps of warm-up each."
    )
    header = ["", "sentences/s", "ms a step", "of which the encoder's passes"]
    write_table(output, title="Training speed", doc=doc, header=header, rows=rows, facts=facts)


def main() -> None:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train_file", default="../shared/datasets/conll2003/train.jsonl")
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--batch_size", type=int, default=32)
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--output", type=Path, default=RESULTS / "training.md")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = measure(options, folder)
    report(options.output, figures)


if __name__ == "__main__":
    main()
