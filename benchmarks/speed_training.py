"""Training speed: our Trainer against GLiNER's own, on the same sentences, batch size, precision and encoder.

    python benchmarks/speed_training.py [--steps 30] [--repeats 3]                    (a quiet machine, ten minutes)

Ours is `MatcherTrainer` with its defaults, as `train_bi_encoder.py` runs it; theirs is the Trainer of the `gliner` package
with the arguments that its `create_training_args` gives. Both train in bfloat16 on CoNLL-2003, neither evaluates nor saves.
Blocks of steps alternate, each after a warm-up; while one trains, the others wait.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from common import RESULTS, machine, write_table
from processes import ROOT, Worker, versions
from speed_report import public
from speed_systems import BI, BI_GLINER, GLINER, UNI_GLINER, Place, training_worker
from training import WARM_UP_STEPS, Batch, Bench, training_arguments
from transformers import set_seed

from spanmatch.data.corpus import read_corpus
from spanmatch.training.arguments import MatcherArguments
from spanmatch.training.build import build_matcher
from spanmatch.training.dataset import training_windows

Figures = dict[str, Any]


def our_bench(options: argparse.Namespace, folder: str) -> tuple[Bench, list[Batch]]:
    """Our training, and the batches that it will see."""
    arguments, training = MatcherArguments(format="tokens"), training_arguments(options, folder)
    set_seed(options.seed)
    matcher = build_matcher(arguments, "bi", training)
    views = training_windows(read_corpus(str(options.train_file), format="tokens"), matcher.batcher)
    weights = {name: tensor.clone() for name, tensor in matcher.model.state_dict().items()}
    bench = Bench(options=options, folder=folder, matcher=matcher, arguments=arguments, weights=weights, views=views)
    return bench, list(islice(bench.trainer().get_train_dataloader(), WARM_UP_STEPS + options.steps))


def measure(options: argparse.Namespace) -> Figures:
    """Seconds of the timed steps of each, in turn."""
    place = Place(
        environments=options.environments, models=Path(), datasets=options.train_file.parent.parent, threads=options.threads
    )
    seconds: dict[str, list[float]] = {name: [] for name in (BI, "encoder", UNI_GLINER, BI_GLINER)}
    peers = {name: training_worker(place, is_bi=name == BI_GLINER) for name in (UNI_GLINER, BI_GLINER)}
    with tempfile.TemporaryDirectory() as folder:
        bench, batches = our_bench(options, folder)
        blocks: dict[str, Callable[[], float]] = {
            BI: lambda: bench.ours(batches)[0],
            "encoder": lambda: bench.encoder(batches),
            UNI_GLINER: lambda: _block(peers[UNI_GLINER], options),
            BI_GLINER: lambda: _block(peers[BI_GLINER], options),
        }
        for _ in range(options.repeats):
            for name, block in blocks.items():
                seconds[name].append(block())
                print(f"{name}: {seconds[name][-1]:.1f} s", flush=True)
    for worker in peers.values():
        worker.close()
    num_sentences = sum(len(batch["texts"].input_ids) for batch in batches[WARM_UP_STEPS:])
    return {
        "seconds": seconds,
        "num_sentences": dict.fromkeys((BI, "encoder"), num_sentences)
        | dict.fromkeys((UNI_GLINER, BI_GLINER), options.steps * options.batch_size),
        "settings": {name: getattr(options, name) for name in ("steps", "repeats", "batch_size", "seed", "threads")},
        "environment of gliner": versions(place.python(GLINER), ("gliner", "torch", "transformers")),
    }


def _block(worker: Worker, options: argparse.Namespace) -> float:
    taken = worker.ask("block", steps=options.steps, warm_up=WARM_UP_STEPS, batch_size=options.batch_size, learning_rate=1e-4)
    return float(taken["seconds"])


def rates(figures: Figures) -> dict[str, dict[str, float]]:
    """Sentences per second: smallest, median, largest."""
    per_second = {
        name: sorted(figures["num_sentences"][name] / value for value in values) for name, values in figures["seconds"].items()
    }
    return {
        name: {"min": values[0], "median": statistics.median(values), "max": values[-1]} for name, values in per_second.items()
    }


def report(output: Path, figures: Figures) -> None:
    """Write the figures as JSON, and as a table beside it."""
    settings, found = figures["settings"], rates(figures)
    facts = machine(settings["seed"]) | {"environment of gliner": figures["environment of gliner"]}
    output.parent.mkdir(parents=True, exist_ok=True)
    content = {"sentences_per_second": found} | figures | {"facts": facts}
    output.with_suffix(".json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    rows = [
        [name, f"{found[name]['median']:.1f}", f"{found[name]['min']:.1f} to {found[name]['max']:.1f}",
         f"{found[BI]['median'] / found[name]['median']:.2f}x" if name != BI else "-"]
        for name in (BI, UNI_GLINER, BI_GLINER)
    ]  # fmt: skip
    share = statistics.median(
        alone / whole for alone, whole in zip(figures["seconds"]["encoder"], figures["seconds"][BI], strict=True)
    )
    worst = found[BI]["median"] / max(found[UNI_GLINER]["median"], found[BI_GLINER]["median"])
    facts |= {
        "encoder forward and backward": f"{share:.1%} of our step",
        "target": f"at least 2x the sentences per second of GLiNER's trainer: {worst:.2f}x, {'met' if worst >= 2 else 'not met'}",
    }
    doc = (
        f"Medians of {settings['repeats']} alternating blocks of {settings['steps']} steps of {settings['batch_size']} "
        f"sentences, after {WARM_UP_STEPS} steps of warm-up each; bfloat16, MiniLM-L6, {settings['threads']} threads."
    )
    header = ["", "sentences/s", "smallest to largest", "ours to it"]
    sys.argv[1:] = public(sys.argv[1:])
    write_table(output, title="Training speed, with GLiNER's trainer", doc=doc, header=header, rows=rows, facts=facts)


def main() -> None:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train_file", type=Path, default=Path("../shared/datasets/conll2003/train.jsonl"))
    parser.add_argument("--environments", type=Path, default=ROOT / "build" / "peers", help="where the peers are installed")
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--batch_size", type=int, default=32)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--output", type=Path, default=RESULTS / "speed_training.md")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    report(options.output, measure(options))


if __name__ == "__main__":
    main()
