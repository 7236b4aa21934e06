"""What a few sentences of a new data set give each checkpoint that ships, and what it keeps of other types.

    python benchmarks/few_shot.py ../shared/datasets                              # both, it resumes
    python benchmarks/few_shot.py ../shared/datasets --start spanmatch-mini       # one of them
    python benchmarks/few_shot.py ../shared/datasets --task mit_restaurant        # one of the data sets

Each checkpoint is trained further on 5, 20 and 100 sentences, 60 steps each, and half of what it was is mixed in. F1 is measured
on the test of that data set, and on the other ones of nine, of which it saw nothing: at the stored threshold, types by name.
"""

import argparse
import json
import random
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from common import RESULTS, machine, write_table
from forgetting import matcher_of
from processes import ROOT
from quality_data import DEV_9, TestSet, benchmark_sets
from quality_scorer import Scores
from quality_shipped import some
from quality_systems import ask_ours

from spanmatch.prediction.matcher import SpanMatcher

WORK = ROOT / "models" / "few_shot"
# A full training of the small encoder; adapters in the large one, beside which its types stay where they are.
STARTS: Mapping[str, Mapping[str, Any]] = {
    "spanmatch-mini": {"learning_rate": 1e-4},
    "spanmatch-base": {"learning_rate": 1e-4, "lora_rank": 16, "lora_dropout": 0},
}
TASKS = ("conll2003", "mit_restaurant", "ncbi_disease")
SIZES = (5, 20, 100)
SHARES = (0.0, 0.5)
NUM_TEST, NUM_OTHER, SEED = 500, 100, 0


def sample(datasets: Path, task: str, size: int) -> Path:
    """Sentences of a training file that have mentions, in a file of their own; smaller samples are parts of larger ones."""
    source, target = datasets / task, WORK / "data" / f"{task}_{size}" / "train.jsonl"
    lines = (source / "train.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    mentioning = [line for line in lines if json.loads(line)["token_spans"]]
    random.Random(SEED).shuffle(mentioning)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text("".join(mentioning[:size]), encoding="utf-8")
    (target.parent / "labels.json").write_bytes((source / "labels.json").read_bytes())
    return target


def trained(start: str, datasets: Path, task: str, size: int) -> Path:
    """The checkpoint of a training, which is run unless that was done."""
    folder = WORK / f"{start}_{task}_{size}"
    if not (folder / "timings.json").is_file():
        keys = {
            "pretrained_model_name_or_path": start, "train_file": sample(datasets, task, size), "type_texts": "mixed",
            "per_device_train_batch_size": min(16, size), "max_steps": 60, "save_strategy": "no", "report_to": "none",
            "seed": SEED, "disable_tqdm": True, "format": "tokens", "bf16": True, "use_cpu": True, "output_dir": folder,
            "overwrite_output_dir": True,
        } | STARTS[start]  # fmt: skip
        given = [str(word) for name, value in keys.items() for word in (f"--{name}", value)]
        subprocess.run([sys.executable, "train_bi_encoder.py", *given], check=True, cwd=ROOT)
    return folder


def f1(matcher: SpanMatcher, test: TestSet) -> float:
    """Micro F1 at the threshold of the checkpoints that ship."""
    return Scores.of(ask_ours(matcher, test, described=False), test.gold).f1(0.5)


def results_of(start: str, datasets: Path, task: str, size: int) -> list[dict[str, Any]]:
    """What each share of the start gives; measured once."""
    file = WORK / f"{start}_{task}_{size}.json"
    if not file.is_file():
        sets = {test.name: test for test in benchmark_sets(datasets)}
        others = [some(sets[name], NUM_OTHER) for name in DEV_9 if name != task]
        rows: list[dict[str, Any]] = []
        folder = trained(start, datasets, task, size) if size else start
        for share in SHARES if size else (0.0,):
            matcher = matcher_of(folder, share, start)
            kept = float(np.mean([f1(matcher, other) for other in others]))
            rows.append({"share": share, "f1": f1(matcher, some(sets[task], NUM_TEST)), "others": kept})
            print(start, task, size, rows[-1], flush=True)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(rows) + "\n", encoding="utf-8")
    found: list[dict[str, Any]] = json.loads(file.read_text(encoding="utf-8"))
    return found


def main() -> None:
    """Train, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("datasets", type=Path, help="folder of the data sets")
    parser.add_argument("--start", choices=STARTS, action="append", help="train this checkpoint further, by default all")
    parser.add_argument("--task", choices=TASKS, action="append", help="a data set to train on, by default all")
    options = parser.parse_args()
    datasets = options.datasets.resolve()
    for task in options.task or TASKS:
        for start in options.start or STARTS:
            for size in (0, *SIZES):
                results_of(start, datasets, task, size)
    rows = []
    for task in TASKS:
        for start in STARTS:
            if not (WORK / f"{start}_{task}_{SIZES[-1]}.json").is_file():
                continue
            before = results_of(start, datasets, task, 0)[0]["others"]
            for size in (0, *SIZES):
                for own in results_of(start, datasets, task, size):
                    recipe = f"{size} sentences" + (f", start_share {own['share']:g}" if own["share"] else "") if size else "none"
                    figures = f"{100 * own['f1']:.1f}", f"{100 * own['others']:.1f}", f"{own['others'] / before:.0%}"
                    rows.append([task, start, recipe, *figures])
    write_table(
        RESULTS / "few_shot.md",
        title="A few sentences",
        doc=str(__doc__),
        header=["data set", "checkpoint", "trained further on", "F1 there", "zero-shot F1 elsewhere", "kept"],
        rows=rows,
        facts=machine(SEED) | {"sentences": f"{NUM_TEST} of the test file, {NUM_OTHER} of each other one"},
    )


if __name__ == "__main__":
    main()
