"""What a recipe for the checkpoints that ship gives, tried on a sample: one row for each, the same sentences for all.

    python benchmarks/recipes.py "two encoders" "adapters, rank 32"    # train and measure these, if that was not done
    python benchmarks/recipes.py --list                                 # the recipes
    python benchmarks/recipes.py --rows                                 # only write the table again

Each is trained on 4,000 sentences of the licensed sets and 3,000 lines of this repository, in one pass, and asked for 150
sentences of each test set, types by name. The threshold is chosen on sets that were left out, as for the checkpoints that
ship. A training that was killed goes on.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from common import RESULTS, machine, write_table
from processes import ROOT
from quality_data import benchmark_sets, sample_by_type, write_training
from quality_scorer import Scores, common_threshold
from quality_shipped import OWN, SHARES, averages, left_out, licensed_pool, own_labels, some
from quality_systems import ask_ours

from spanmatch.model.packaged import MPNET
from spanmatch.prediction.matcher import SpanMatcher

WORK, FILE = ROOT / "models" / "recipes", RESULTS / "recipes.md"
NUM_PUBLIC, NUM_OWN, NUM_ASKED, NUM_LEFT_OUT, SEED = 4000, 3000, 150, 100, 1
USUAL: dict[str, Any] = {
    "format": "tokens", "type_texts": "mixed", "background_weight": 1.0, "dropout": 0, "num_negative_types": 20,
    "per_device_train_batch_size": 16, "num_train_epochs": 1, "max_length": 128, "bf16": True, "use_cpu": True,
    "save_strategy": "steps", "save_steps": 100, "save_total_limit": 1, "seed": SEED, "disable_tqdm": True,
}  # fmt: skip
FROZEN = {"type_encoder": "separate", "type_encoder_learning_rate": 0}
# How often our own sets are drawn from. The first recipes were tried before the inventories were written.
FIRST = {name: times for name, times in OWN.items() if name != "inventories"}
BASE = USUAL | {"text_encoder": MPNET, "head_size": 768, "learning_rate": 1e-4}
LORA = {"lora_dropout": 0, "head_learning_rate": 5e-4}
LORA_32 = LORA | {"lora_rank": 32, "learning_rate": 5e-4}
ADAPTERS = BASE | FROZEN | LORA
MINI = USUAL | {"head_size": 384, "learning_rate": 3e-4, "type_anchor": 10}
TAUGHT = MINI | {"teacher": "spanmatch-base"}
SHARP = TAUGHT | {"teacher_temperature": 0.4}
CROSS = BASE | {"type_texts": "name", "num_negative_types": 10, "max_types_per_pass": 16, "background_weight": 0.6}
RECIPES: dict[str, Mapping[str, Any]] = {
    "two encoders": BASE | FROZEN,
    "one encoder, anchor 10": BASE | {"type_anchor": 10},
    "one encoder, anchor 100": BASE | {"type_anchor": 100},
    **{
        f"adapters, rank {rank}, {rate:g}": ADAPTERS | {"lora_rank": rank, "learning_rate": rate}
        for rank in (8, 16, 32, 64)
        for rate in (5e-4, 1e-3, 2e-3)
    },
    "adapters of attention, rank 64, 0.001": ADAPTERS | {"lora_rank": 64, "learning_rate": 1e-3, "lora_targets": "q,k,v,o"},
    "types by MiniLM": BASE | {"type_encoder": "sentence-transformers/all-MiniLM-L6-v2", "type_encoder_learning_rate": 0},
    "cross-encoder, anchor 10": CROSS | {"type_anchor": 10},
    "cross-encoder, adapters": CROSS | LORA_32,
    "cross-encoder, adapters, types twice": CROSS | FROZEN | LORA_32 | {"background_weight": 1.0},
    "mini": MINI,
    **{f"mini, taught, {share:g}": TAUGHT | {"teacher_weight": share} for share in (0.5, 1.0)},
    **{f"mini, taught, {share:g}, sharp": SHARP | {"teacher_weight": share} for share in (0.5, 0.75)},
    "mini, taught, 0.75, sharp, normalised": SHARP | {"teacher_weight": 0.75, "normalize_types": True},
}
WITHOUT_TITLES = {name: times for name, times in FIRST.items() if name != "titles"}
OTHERS: dict[str, tuple[str, Mapping[str, int]]] = {
    "mini, without titles": ("mini", WITHOUT_TITLES),
    "two encoders, without titles": ("two encoders", WITHOUT_TITLES),
    "mini, with inventories": ("mini", FIRST | {"inventories": 1}),
    "mini, with inventories twice": ("mini", FIRST | {"inventories": 2}),
    "mini, inventories alone": ("mini", {"inventories": 1}),
    **{name: (name, FIRST | {"inventories": 1, "plain": 1}) for name in RECIPES if name.startswith("mini, taught")},
}
NAMES = tuple(dict.fromkeys((*RECIPES, *OTHERS)))


def folder_of(name: str) -> Path:
    """Where the checkpoint of a recipe is."""
    return WORK / name.replace(", ", "_").replace(" ", "_")


def data(datasets: Path, own: Mapping[str, int]) -> list[str]:
    """The files of the sample, half of which is of our own sets; they are made if they are not there."""
    folder = WORK / "data" / "_".join(f"{name}_{times}" for name, times in own.items())
    if not folder.is_dir():
        partial = folder.parent / f"{folder.name}.partial"
        pool = licensed_pool(datasets)
        write_training(partial / "public", pool, sample_by_type(pool, NUM_PUBLIC, SEED, largest=SHARES))
        files = [name for name, times in own.items() for _ in range(times)]
        lines = [line for name in files for line in (ROOT / "data" / name / "train.jsonl").read_text().splitlines()]
        (partial / "own").mkdir()
        chosen = random.Random(SEED).sample(lines, NUM_OWN)
        (partial / "own" / "train.jsonl").write_text("".join(f"{line}\n" for line in chosen), encoding="utf-8")
        described: dict[str, Any] = {}
        for name in files:
            described |= own_labels(name)
        (partial / "own" / "labels.json").write_text(json.dumps(described), encoding="utf-8")
        partial.rename(folder)
    return [str(folder / "public" / "*" / "train.jsonl"), str(folder / "own" / "train.jsonl")]


def row(name: str, datasets: Path) -> None:
    """Train and measure a recipe, as far as that was not done."""
    folder = folder_of(name)
    recipe, own = OTHERS.get(name, (name, FIRST))
    settings = RECIPES[recipe]
    files = data(datasets, own)
    if not (folder / "timings.json").is_file():
        folder.mkdir(parents=True, exist_ok=True)
        config = folder.parent / f"{folder.name}.json"
        config.write_text(json.dumps({**settings, "train_file": files, "output_dir": str(folder)}, indent=1), encoding="utf-8")
        resume = ["--resume_from_checkpoint", "true"] if any(folder.glob("checkpoint-*")) else []
        script = "train_cross_encoder.py" if name.startswith("cross") else "train_bi_encoder.py"
        command = [sys.executable, str(ROOT / script), str(config), *resume]
        subprocess.run(command, check=True, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)})
    started = time.perf_counter()
    matcher = SpanMatcher.from_pretrained(folder)
    tests = [some(test, NUM_LEFT_OUT) for test in left_out(datasets, licensed_pool(datasets), SEED)]
    scored = [Scores.of(ask_ours(matcher, test, described=False), test.gold) for test in tests]
    threshold = common_threshold(scored)
    results: dict[str, dict[str, float]] = {"left out": {"f1": float(np.mean([own.f1(threshold) for own in scored]))}}
    for test in (some(whole, NUM_ASKED) for whole in benchmark_sets(datasets)):
        scores = Scores.of(ask_ours(matcher, test, described=False), test.gold)
        results[test.name] = {"f1": scores.f1(threshold), "best": scores.best()[0]}
        print(test.name, results[test.name], flush=True)
    results |= averages(results)
    timings = json.loads((folder / "timings.json").read_text(encoding="utf-8"))
    content = {"results": results, "threshold": threshold, "asked_s": time.perf_counter() - started}
    content |= {"settings": settings, "own": own, "facts": machine(SEED), "timings": timings}
    (folder / "results.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def write_rows() -> None:
    """Write the table of all recipes that were measured. A row whose checkpoint is not there any more stays, with its commit."""
    rows, facts = rows_of(FILE), machine(SEED)
    columns = ("everyday-3", "dev-9", "CrossNER ai, literature, science", "oa_mine", "conll2003", "left out")
    for name in NAMES:
        file = folder_of(name) / "results.json"
        if file.is_file():
            content = json.loads(file.read_text(encoding="utf-8"))
            figures = [content["results"][column] for column in columns]
            shown = [f"{100 * own['f1']:.1f}" + (f" ({100 * own['best']:.1f})" if "best" in own else "") for own in figures]
            timings = content["timings"]
            weights = f"{timings['trained_parameters'] / 1e6:.1f}"
            last = weights, f"{timings['train_seconds']:,.0f}", content["facts"]["commit"][:7]
            rows[name] = [name, *shown, f"{content['threshold']:.3f}", *last]
    header = ["recipe", *(f"{column} (best)" for column in columns[:-1]), columns[-1], "threshold", "trained, M", "training, s"]
    header.append("commit")
    ordered = [rows[name] for name in NAMES if name in rows]
    write_table(FILE, title="Recipes", doc=str(__doc__), header=header, rows=ordered, facts=facts)


def rows_of(file: Path) -> dict[str, list[str]]:
    """The rows of a table that was written before, by their first cell."""
    lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")]
    return {row[0]: row for row in cells[1:]}


def main() -> None:
    """Train, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="RECIPE", help="recipes to measure")
    parser.add_argument("--datasets", type=Path, default=Path("../shared/datasets"), help="folder of the public data sets")
    parser.add_argument("--list", action="store_true", help="list the recipes")
    parser.add_argument("--rows", action="store_true", help="only write the table again")
    options = parser.parse_args()
    if options.list:
        print("\n".join(NAMES))
        return
    unknown = [name for name in options.names if name not in NAMES]
    if unknown:
        parser.error(f"no such recipe: {unknown[0]}; --list shows them")
    for name in [] if options.rows else options.names:
        row(name, options.datasets)
    write_rows()


if __name__ == "__main__":
    main()
