"""What a matcher forgets of other types when it is trained further, and which recipe keeps what it knew.

    python benchmarks/forgetting.py ../shared/datasets        # CoNLL-2003 and the nine sets of zero-shot types are there

`spanmatch-mini` is trained further on a few sentences of each data set, by each recipe. Its F1 is measured on the test of that
data set, and on nine other sets, of which it saw nothing: at the default threshold, with names and descriptions of types.
"""

import argparse
import json
import random
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from common import RESULTS, machine, write_table
from processes import ROOT
from quality_data import DEV_9

from spanmatch.data.corpus import Corpus, read_corpus
from spanmatch.evaluation.evaluate import evaluate_corpus
from spanmatch.prediction.checkpoint import load_checkpoint
from spanmatch.prediction.matcher import SpanMatcher
from spanmatch.training.interpolation import mix_with_start

START = "spanmatch-mini"
WORK = ROOT / "models" / "forgetting"
NUM_OTHER = 150  # sentences of each of the other sets
SEED = 0


@dataclass(frozen=True, kw_only=True)
class Task:
    """What is learnt: a sample of the sentences of a file, and the test."""

    name: str
    train: str
    test: str
    format: str
    size: int


TASKS = (
    Task(
        name="scheduling", train="data/scheduling/train.jsonl", test="data/scheduling/validation.jsonl", format="text", size=200
    ),
    Task(name="products", train="data/products/train.jsonl", test="data/products/test_id.jsonl", format="text", size=500),
    Task(name="CoNLL-2003", train="{}/conll2003/train.jsonl", test="{}/conll2003/test.jsonl", format="tokens", size=500),
)
# How it is learnt: keys of the training. Each share of the start that is mixed in afterwards is a row of its own.
RECIPES: Mapping[str, Mapping[str, Any]] = {"plain": {}, "type_anchor 10": {"type_anchor": 10}}
SHARES = (0.0, 0.25, 0.5, 0.75)


def sample(task: Task) -> Path:
    """A sample of the sentences, in a file of its own."""
    source, target = ROOT / task.train, WORK / task.name / "train.jsonl"
    target.parent.mkdir(parents=True, exist_ok=True)
    lines = source.read_text(encoding="utf-8").splitlines(keepends=True)
    target.write_text("".join(random.Random(SEED).sample(lines, task.size)), encoding="utf-8")
    (target.parent / "labels.json").write_bytes((source.parent / "labels.json").read_bytes())
    return target


def trained(task: Task, recipe: str) -> Path:
    """The checkpoint of a training, which is run unless that was done."""
    folder = WORK / f"{task.name}_{recipe.replace(' ', '_')}"
    if not (folder / "timings.json").is_file():
        data = sample(task)
        keys = {
            "pretrained_model_name_or_path": START, "type_texts": "mixed", "learning_rate": 1e-4, "num_train_epochs": 5,
            "per_device_train_batch_size": 16, "save_strategy": "no", "report_to": "none", "seed": SEED, "disable_tqdm": True,
            "format": task.format, "output_dir": str(folder), "overwrite_output_dir": True,
        } | RECIPES[recipe]  # fmt: skip
        given = [str(word) for name, value in keys.items() for word in (f"--{name}", value)]
        command = [sys.executable, "train_bi_encoder.py", "--train_file", str(data), *given]
        subprocess.run(command, check=True, cwd=ROOT)
    return folder


def matcher_of(checkpoint: str | Path, share: float = 0.0, start: str = START) -> SpanMatcher:
    """A checkpoint, with a share of the start mixed in."""
    loaded = load_checkpoint(checkpoint, is_trained=True)
    if share:
        mix_with_start(loaded.model, start, share)
    return SpanMatcher(loaded.model, loaded.text_tokenizer, loaded.type_tokenizer)


def matchers(task: Task) -> Iterator[tuple[str, SpanMatcher]]:
    """Each recipe with each share, and what it makes."""
    for recipe in RECIPES:
        folder = trained(task, recipe)
        for share in SHARES:
            yield f"{recipe}, start_share {share:g}" if share else recipe, matcher_of(folder, share)


def f1(matcher: SpanMatcher, corpus: Corpus, format: str) -> float:
    """Micro F1 at the default threshold."""
    return evaluate_corpus(matcher, corpus, format=format, threshold=0.5).metrics.micro.f1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("datasets", type=Path, help="folder of the data sets")
    datasets = parser.parse_args().datasets
    others = {name: read_corpus(str(datasets / name / "test.jsonl"), format="tokens", max_examples=NUM_OTHER) for name in DEV_9}
    start = matcher_of(START)
    before = {name: f1(start, corpus, "tokens") for name, corpus in others.items()}
    rows = []
    where = datasets.resolve()
    for task in (replace(item, train=item.train.format(where), test=item.test.format(where)) for item in TASKS):
        own = read_corpus(str(ROOT / task.test), format=task.format)
        rows.append([task.name, "not trained further", f"{f1(start, own, task.format):.3f}", f"{mean(before):.3f}", "100%"])
        for name, matcher in matchers(task):
            kept = {other: f1(matcher, corpus, "tokens") for other, corpus in others.items()}
            share = mean(kept) / mean(before)
            rows.append([task.name, name, f"{f1(matcher, own, task.format):.3f}", f"{mean(kept):.3f}", f"{share:.0%}"])
            print(json.dumps(rows[-1]), flush=True)
    write_table(
        RESULTS / "forgetting.md",
        title="What is forgotten in a further training",
        doc=str(__doc__),
        header=["trained on", "recipe", "F1 there", "zero-shot F1, mean of nine", "kept"],
        rows=rows,
        facts=machine(SEED) | {
            "trained on": ", ".join(f"{task.size} sentences of {task.name}" for task in TASKS)
            + ", 5 epochs, batches of 16, learning rate 1e-4",
            "nine": f"{', '.join(DEV_9)}, {NUM_OTHER} sentences each",
        },
    )  # fmt: skip


def mean(values: Mapping[str, float]) -> float:
    """The plain average."""
    return float(np.mean(list(values.values())))


if __name__ == "__main__":
    main()
