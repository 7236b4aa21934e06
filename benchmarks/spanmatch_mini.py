"""The checkpoint that comes with the package: made, and checked.

    python benchmarks/spanmatch_mini.py --check           # what its card says, measured again
    python benchmarks/spanmatch_mini.py --check --threshold 0.5     # the same, because the stored threshold is 0.5
    python benchmarks/spanmatch_mini.py                   # made anew: four hours on a laptop, it resumes

One tower, trained on sets whose licence lets the result be given away and on those of this repository: four times, from the same
start on four samples, and the weights averaged (Wortsman et al., "Model soups", ICML 2022, section 2). The threshold is chosen
on sets that were not trained on; scores are then shifted so that it stands at 0.5, which is what people type.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from common import machine
from processes import ROOT
from quality_data import Sentence, sample_by_type, write_training
from quality_scorer import Scores, common_threshold, logits, platt
from quality_shipped import LEFT_OUT, LICENCES, RESULTS_FILE, SHARES, SOURCES, check, left_out, licensed_pool, measure, read_jsonl
from quality_systems import ask_ours

from spanmatch.data.corpus import read_corpus
from spanmatch.entities import normalise
from spanmatch.prediction.matcher import SpanMatcher
from spanmatch.prediction.shipped import DEFAULT_MODEL
from spanmatch.prediction.thresholds import DEFAULT_THRESHOLD, Calibration
from spanmatch.training.background import fill_background
from spanmatch.training.config_file import read_config
from spanmatch.training.dataset import TrainingViews, training_windows

FOLDER = ROOT / "models" / DEFAULT_MODEL
WORK = ROOT / "models" / "mini"
CARD = Path(__file__).parent / "spanmatch_mini_card.md"  # with places for what was measured
CONFIG = ROOT / "configs" / "spanmatch_mini.json"
SAMPLES = (1, 2, 3, 4)  # the seeds of what is trained on; weights and everything else start from SEED
NUM_EXAMPLES = 28_000  # of each sample
# Of those that the configuration names.
OWN_FILES = ("data/mixed/train.jsonl", "data/open_types/train.jsonl", "data/everyday/train.jsonl")
SEED = 1


def make(datasets: Path) -> None:
    """Data, trainings, average, threshold, half precision, results."""
    pool = licensed_pool(datasets)
    samples = {seed: sample_by_type(pool, NUM_EXAMPLES, seed, largest=SHARES) for seed in SAMPLES}
    for seed, sample in samples.items():
        if not (WORK / f"training_{seed}").is_dir():
            write_training(WORK / f"training_{seed}", pool, sample)
        train(seed)
    matcher = average([WORK / f"trained_{seed}" for seed in SAMPLES])
    tests = left_out(datasets, pool, SEED)
    scored = [Scores.of(ask_ours(matcher, test, described=False), test.gold) for test in tests]
    chosen = common_threshold(scored)
    held_out = float(np.mean([item.f1(chosen) for item in scored]))
    slope, _ = platt(scored)
    offset = -slope * float(logits(np.array([chosen]))[0])  # the chosen threshold becomes 0.5
    matcher.model.head.rescale(slope, offset)
    source = "sets that were not trained on: " + ", ".join(test.name for test in tests)
    matcher.calibration = Calibration(threshold=DEFAULT_THRESHOLD, source=source, f1=held_out)
    write_half(matcher, FOLDER)
    results = measure(FOLDER, datasets)
    own = [item for file in OWN_FILES for item in read_jsonl(ROOT / file)]
    trained: set[Sentence] = set().union(*samples.values())
    inventories = [*(item.names for item in trained), *(record["labels"] for record in own)]
    names = {normalise(name) for inventory in inventories for name in inventory}
    timings = [json.loads((WORK / f"trained_{seed}" / "timings.json").read_text(encoding="utf-8")) for seed in SAMPLES]
    # A training that was resumed has timed its last part, so its speed counts, and the examples of one that was not.
    number = max(own["train_seconds"] * own["train_examples_per_second"] for own in timings)
    facts = machine(SEED) | {"train_seconds": sum(number / own["train_examples_per_second"] for own in timings)}
    content = {"results": results, "chosen_threshold": chosen, "held_out_f1": held_out, "facts": facts}
    content |= {"num_examples": len(trained), "num_trainings": len(SAMPLES)}
    content |= {"sets": {name: sum(item.source == name for item in trained) for name in SOURCES}, "num_types": len(names)}
    content |= {"scaling": [slope, offset], "num_written": len(own)}
    (FOLDER / RESULTS_FILE).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    (FOLDER / "README.md").write_text(card(content), encoding="utf-8")


def files_of(seed: int) -> list[str]:
    """What the configuration trains on, with the sample of a seed."""
    given: list[str] = json.loads(CONFIG.read_text(encoding="utf-8"))["train_file"]
    return [file.replace(f"training_{SAMPLES[0]}", f"training_{seed}") for file in given]


def train(seed: int) -> None:
    """Train on one sample, unless that was done."""
    folder = WORK / f"trained_{seed}"
    if (folder / "timings.json").is_file():
        return
    resume = ["--resume_from_checkpoint", "true"] if any(folder.glob("checkpoint-*")) else []
    given = ["--train_file", *files_of(seed), "--output_dir", str(folder.relative_to(ROOT)), *resume]
    command = [sys.executable, str(ROOT / "train_bi_encoder.py"), str(CONFIG.relative_to(ROOT)), *given]
    subprocess.run(command, check=True, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)})


def average(folders: list[Path]) -> SpanMatcher:
    """The mean of the weights of trainings that started alike, with the background that the mean makes of the first sample."""
    matchers = [SpanMatcher.from_pretrained(folder, dtype="float32") for folder in folders]
    states = [matcher.model.state_dict() for matcher in matchers]
    mean = {name: torch.stack([state[name] for state in states]).mean(dim=0) for name in states[0]}
    matcher = matchers[0]
    matcher.model.load_state_dict(mean)
    files = [str(ROOT / file) for file in files_of(SAMPLES[0])]
    arguments, _ = read_config([str(CONFIG), "--train_file", *files], "bi")
    views = training_windows(read_corpus(files, format=arguments.format), matcher.batcher)
    fill_background(matcher, TrainingViews(views, arguments, SEED), SEED)
    return matcher


def card(content: dict[str, Any]) -> str:
    """The model card, from what was measured."""
    results, facts = content["results"], content["facts"]
    rows = [
        f"| {name.replace('_', ' ')} | {100 * own['named']:.1f} | {100 * own['best']:.1f} | {100 * own['described']:.1f} | "
        f"{own['calibration_error']:.2f} |"
        for name, own in results.items()
    ]
    sets = [f"| {name} | {LICENCES[name]} | {number:,} |" for name, number in content["sets"].items()]
    return CARD.read_text(encoding="utf-8").format(
        rows="\n".join(rows), sets="\n".join(sets), chosen=f"{content['chosen_threshold']:.3f}",
        num_sample=f"{NUM_EXAMPLES:,}", num_examples=f"{content['num_examples']:,}", num_written=f"{content['num_written']:,}",
        num_trainings=content["num_trainings"], num_types=content["num_types"], seed=SEED, commit=facts["commit"],
        versions=facts["versions"], machine=facts["machine"], minutes=round(facts["train_seconds"] / 60),
        left_out=", ".join(LEFT_OUT), held_out=f"{100 * content['held_out_f1']:.1f}",
    )  # fmt: skip


def write_half(matcher: SpanMatcher, folder: Path) -> None:
    """Write a checkpoint in float16, without the files of its training."""
    matcher.model.half()
    matcher.save_pretrained(folder)


def main() -> None:
    """Make it, check it, or write its card again."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--datasets", type=Path, default=Path("../shared/datasets"), help="folder of the public data sets")
    parser.add_argument("--check", action="store_true", help="measure again what the card says")
    parser.add_argument("--card", action="store_true", help="only write the card again, from what was measured")
    parser.add_argument("--threshold", type=float, help="with --check: by default the stored one")
    options = parser.parse_args()
    if options.threshold is not None and not options.check:
        parser.error("--threshold is for --check")
    if options.card:
        content = json.loads((FOLDER / RESULTS_FILE).read_text(encoding="utf-8"))
        (FOLDER / "README.md").write_text(card(content), encoding="utf-8")
    elif options.check:
        check(FOLDER, options.datasets, options.threshold)
    else:
        make(options.datasets)


if __name__ == "__main__":
    main()
