"""Make a checkpoint that ships: trainings on several samples, their average, a threshold, small weights, a card."""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from common import machine
from processes import ROOT
from quality_data import Pool, Sentence, TestSet, sample_by_type, write_training
from quality_scorer import Scores, common_threshold, logits, platt
from quality_shipped import (
    AVERAGES,
    LEFT_OUT,
    LICENCES,
    RESULTS_FILE,
    SHARES,
    SOURCES,
    check,
    left_out,
    licensed_pool,
    measure,
    own_labels,
    read_jsonl,
)
from quality_systems import ask_ours
from safetensors.torch import load_file

from spanmatch.data.corpus import read_corpus
from spanmatch.entities import normalise
from spanmatch.model.lora import LORA_A, LORA_B
from spanmatch.prediction.matcher import SpanMatcher
from spanmatch.prediction.shipped import WEIGHTS_FILE
from spanmatch.prediction.thresholds import DEFAULT_THRESHOLD, Calibration
from spanmatch.prediction.weight_files import in_rows_of_int8, write_weights
from spanmatch.training.background import fill_background
from spanmatch.training.config_file import read_config
from spanmatch.training.dataset import TrainingViews, training_windows

SEED = 1
SHARD_BYTES = 90_000_000  # what a repository takes as one file is 100 MB


@dataclass(frozen=True, kw_only=True)
class ShippedModel:
    """How a checkpoint is made.

    Attributes:
        name: its name, that of its folder in `models`, of its configuration and of its card.
        samples: the seeds of what is trained on; weights and everything else start from `SEED`.
        num_examples: public sentences of each sample.
        in_int8: whether matrices become rows of int8; all else is in half precision.
    """

    name: str
    samples: Sequence[int]
    num_examples: int
    in_int8: bool

    @property
    def folder(self) -> Path:
        """The folder of the checkpoint."""
        return ROOT / "models" / self.name

    @property
    def work(self) -> Path:
        """The folder of samples and trainings."""
        return ROOT / "models" / f"{self.name}-training"

    @property
    def config(self) -> Path:
        """The configuration of the trainings, for the first sample."""
        return ROOT / "configs" / f"{self.name.replace('-', '_')}.json"

    @property
    def card(self) -> Path:
        """The card, with places for what was measured."""
        return Path(__file__).parent / f"{self.name.replace('-', '_')}_card.md"

    def files(self, seed: int) -> list[str]:
        """What the configuration trains on, with the sample of a seed."""
        given: list[str] = json.loads(self.config.read_text(encoding="utf-8"))["train_file"]
        return [file.replace(f"sample_{self.samples[0]}", f"sample_{seed}") for file in given]

    def make(self, datasets: Path) -> None:
        """Data, trainings, average, threshold, weights, results. What is in the folder `work` is not done again."""
        pool = licensed_pool(datasets)
        samples = {seed: self.write_sample(seed, pool) for seed in self.samples}
        for seed in samples:
            self.train(seed)
        whole = self.work / "averaged"
        content: dict[str, Any] = once(self.work / "average.json", lambda: self.average(whole, left_out(datasets, pool, SEED)))
        self.write_small(whole)
        if self.in_int8:
            content["float32"] = measure(whole, datasets, kept=self.work / "float32.json")
        content["results"] = measure(self.folder, datasets, kept=self.work / "small.json")
        files = [ROOT / file for file in self.files(SEED) if file.startswith("data/")]
        trained: set[Sentence] = set().union(*samples.values())
        names = {normalise(name) for item in trained for name in item.names}
        for file in files:
            names |= {normalise(entry["name"]) for entry in own_labels(file.parent.name).values()}
        timings = [json.loads((self.trained(seed) / "timings.json").read_text(encoding="utf-8")) for seed in self.samples]
        # A training that was resumed has timed its last part, so its speed counts, and the examples of one that was not.
        number = max(own["train_seconds"] * own["train_examples_per_second"] for own in timings)
        facts = machine(SEED) | {"train_seconds": sum(number / own["train_examples_per_second"] for own in timings)}
        content |= {"facts": facts, "num_examples": len(trained), "num_trainings": len(samples)}
        content |= {"num_written": sum(len(read_jsonl(file)) for file in files)}
        content |= {"sets": {name: sum(item.source == name for item in trained) for name in SOURCES}, "num_types": len(names)}
        (self.folder / RESULTS_FILE).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
        self.write_card(content)

    def trained(self, seed: int) -> Path:
        """The folder of the training on a sample."""
        return self.work / f"trained_{seed}"

    def train(self, seed: int) -> None:
        """Train on one sample, unless that was done."""
        folder = self.trained(seed)
        if (folder / "timings.json").is_file():
            return
        resume = ["--resume_from_checkpoint", "true"] if any(folder.glob("checkpoint-*")) else []
        given = ["--train_file", *self.files(seed), "--output_dir", str(folder.relative_to(ROOT)), *resume]
        command = [sys.executable, str(ROOT / "train_bi_encoder.py"), str(self.config.relative_to(ROOT)), *given]
        subprocess.run(command, check=True, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)})

    def average(self, folder: Path, tests: Sequence[TestSet]) -> dict[str, Any]:
        """Write the average of the trainings, calibrated: the threshold of sets that were left out becomes 0.5."""
        matcher = SpanMatcher.from_pretrained(self.trained(self.samples[0]), dtype="float32")
        matcher.save_pretrained(folder)
        write_weights(folder, averaged([load_file(self.trained(seed) / WEIGHTS_FILE) for seed in self.samples]))
        matcher = SpanMatcher.from_pretrained(folder, dtype="float32")
        files = [str(ROOT / file) for file in self.files(self.samples[0])]
        arguments, _ = read_config([str(self.config), "--train_file", *files], "bi")
        views = training_windows(read_corpus(files, format=arguments.format), matcher.batcher)
        fill_background(matcher, TrainingViews(views, arguments, SEED), SEED)
        scored = [Scores.of(ask_ours(matcher, test, described=False), test.gold) for test in tests]
        chosen = common_threshold(scored)
        held_out = float(np.mean([item.f1(chosen) for item in scored]))
        slope, _ = platt(scored)
        matcher.model.head.rescale(slope, -slope * float(logits(np.array([chosen]))[0]))
        source = "sets that were not trained on: " + ", ".join(test.name for test in tests)
        Calibration(threshold=DEFAULT_THRESHOLD, source=source, f1=held_out).save(folder)
        head = {f"head.{name}": weight.detach() for name, weight in matcher.model.head.state_dict().items()}
        write_weights(folder, load_file(folder / WEIGHTS_FILE) | head)
        return {"chosen_threshold": chosen, "held_out_f1": held_out, "slope": slope}

    def write_small(self, whole: Path) -> None:
        """Write the checkpoint of an average, with weights that take little room."""
        SpanMatcher.from_pretrained(whole, dtype="float32").save_pretrained(self.folder)
        weights = load_file(whole / WEIGHTS_FILE)
        large = {name: weight for name, weight in weights.items() if self.in_int8 and not name.startswith("head.")}
        rows = in_rows_of_int8(large)
        half = {name: weight.half() for name, weight in weights.items() if name not in rows}
        write_weights(self.folder, rows | half, shard_bytes=SHARD_BYTES)

    def write_card(self, content: dict[str, Any]) -> None:
        """Write the model card, from what was measured."""
        results, facts = content["results"], content["facts"]
        rows = [
            f"| {name.replace('_', ' ')} | {100 * own['named']:.1f} | {100 * own['best']:.1f} | {100 * own['described']:.1f} | "
            f"{own['calibration_error']:.2f} |"
            for name, own in results.items()
        ]
        sets = [f"| {name} | {LICENCES[name]} | {number:,} |" for name, number in content["sets"].items()]
        whole = content.get("float32", results)  # half precision changes nothing that can be seen
        changed = {name: abs(own["named"] - results[name]["named"]) for name, own in whole.items()}
        lost, lost_on_average = max(changed.values()), max(changed[name] for name in AVERAGES)
        filled = self.card.read_text(encoding="utf-8").format(
            rows="\n".join(rows), sets="\n".join(sets), chosen=f"{content['chosen_threshold']:.3f}", lost=f"{100 * lost:.2f}",
            lost_on_average=f"{100 * lost_on_average:.2f}",
            num_sample=f"{self.num_examples:,}", num_examples=f"{content['num_examples']:,}",
            num_written=f"{content['num_written']:,}", num_trainings=content["num_trainings"], num_types=content["num_types"],
            seed=SEED, commit=facts["commit"], versions=facts["versions"], machine=facts["machine"],
            minutes=round(facts["train_seconds"] / 60), left_out=", ".join(LEFT_OUT),
            held_out=f"{100 * content['held_out_f1']:.1f}",
        )  # fmt: skip
        (self.folder / "README.md").write_text(filled, encoding="utf-8")

    def main(self, doc: str) -> None:
        """Make it, check it, or write its card again."""
        parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
        parser.add_argument("--datasets", type=Path, default=Path("../shared/datasets"), help="folder of the public data sets")
        parser.add_argument("--check", action="store_true", help="measure again what the card says")
        parser.add_argument("--card", action="store_true", help="only write the card again, from what was measured")
        parser.add_argument("--sample", type=int, choices=self.samples, help="only train on this sample, beside others")
        parser.add_argument("--threshold", type=float, help="with --check: by default the stored one")
        options = parser.parse_args()
        if options.threshold is not None and not options.check:
            parser.error("--threshold is for --check")
        if options.card:
            self.write_card(json.loads((self.folder / RESULTS_FILE).read_text(encoding="utf-8")))
        elif options.check:
            check(self.folder, options.datasets, options.threshold)
        elif options.sample is not None:
            self.write_sample(options.sample, licensed_pool(options.datasets))
            self.train(options.sample)
        else:
            self.make(options.datasets)

    def write_sample(self, seed: int, pool: Pool) -> list[Sentence]:
        """Draw a sample and write it, unless it is there."""
        sample = sample_by_type(pool, self.num_examples, seed, largest=SHARES)
        if not (self.work / f"sample_{seed}").is_dir():
            partial = self.work / f"sample_{seed}.partial"
            write_training(partial, pool, sample)
            partial.rename(self.work / f"sample_{seed}")
        return sample


def once(file: Path, made: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What a file says, which is made unless it is there: hours of work go on where they were interrupted."""
    if not file.is_file():
        partial = file.with_suffix(".partial")
        partial.write_text(json.dumps(made(), indent=1) + "\n", encoding="utf-8")
        partial.rename(file)
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found


def averaged(trained: Sequence[dict[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
    """The mean of the weights of trainings that started alike. A mean of changes of low rank has the ranks of all."""
    mean = {}
    for name in trained[0]:
        own = [weights[name].float() for weights in trained]
        if name.endswith(LORA_A):
            mean[name] = torch.cat(own)
        elif name.endswith(LORA_B):
            mean[name] = torch.cat(own, dim=1) / len(own)
        else:
            mean[name] = torch.stack(own).mean(dim=0)
    return mean
