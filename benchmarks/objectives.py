"""Architectures and objectives side by side: trained on the same examples, scored on the same files, one table.

    python benchmarks/objectives.py conll2003                # supervised
    python benchmarks/objectives.py zero_shot                # a few thousand mixed sentences, types of other data sets
    python benchmarks/objectives.py speed                    # after conll2003, with nothing else to do: 60 steps, 1,000 texts

Runs the commands that a user would run. A run whose results are there already is not run again (`--fresh` does).
"""

import argparse
import json
import random
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common import RESULTS, machine, write_table

ROOT = Path(__file__).parent.parent
# Sets with many types or other texts than the rest; none of them is tested on.
MIXED = (
    "anem", "attacker", "broad_twitter", "craft", "few_tk", "fewnerd_inter", "gum", "materials_synthesis", "pile_ner_subset",
    "re3d", "scierc", "sgd_slots", "snips_slots", "stackoverflow_ner", "skillspan", "wlp",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Run:
    """One training, and the thresholds that its checkpoint is asked with."""

    architecture: str
    loss: dict[str, Any]
    thresholds: tuple[str, ...] = ("calibrated",)

    @property
    def name(self) -> str:
        return f"{self.architecture}_{self.loss['name']}"


NULLS = ("label_token", "cls", "calibrated")
RUNS = (
    Run(architecture="bi", loss={"name": "bce"}),
    Run(architecture="bi", loss={"name": "focal"}),
    Run(architecture="bi", loss={"name": "contrastive"}, thresholds=NULLS),
    Run(architecture="cross", loss={"name": "bce"}),
    Run(architecture="cross", loss={"name": "focal"}),
    Run(architecture="cross", loss={"name": "contrastive"}, thresholds=NULLS),
)


@dataclass(frozen=True, kw_only=True)
class Preset:
    """What is trained on, for how long, and what is tested on."""

    train: str
    validation: str
    tests: tuple[str, ...]
    format: str
    epochs: int
    cross_epochs: int
    max_samples: int | None = None
    settings: tuple[str, ...] = ()
    cross_settings: tuple[str, ...] = ()
    runs: tuple[str, ...] = ()


PRESETS = {
    "conll2003": Preset(
        train="{datasets}/conll2003/train.jsonl",
        validation="{datasets}/conll2003/dev.jsonl",
        tests=("{datasets}/conll2003/test.jsonl",),
        format="tokens",
        epochs=1,
        cross_epochs=2,  # it learns more slowly: its types are read anew with every text
    ),
    "speed": Preset(
        train="{datasets}/conll2003/train.jsonl",
        validation="",
        tests=("{datasets}/conll2003/test.jsonl",),
        format="tokens",
        epochs=1,
        cross_epochs=1,
        max_samples=1000,
        settings=("--max_steps", "60", "--logging_steps", "20"),
    ),
    "zero_shot": Preset(
        train="{work}/mixed/*/train.jsonl",
        validation="{work}/mixed/*/dev.jsonl",
        tests=("{datasets}/crossner_ai/test.jsonl", "{datasets}/wnut17/test.jsonl"),
        format="tokens",
        epochs=1,
        cross_epochs=1,
        settings=(
            "--type_texts",
            "mixed",
            "--num_negative_types",
            "8",
            "--per_device_train_batch_size",
            "16",
            "--learning_rate",
            "4e-4",
        ),
        cross_settings=("--max_types_per_pass", "16"),
        runs=("bi_bce", "bi_contrastive", "cross_bce", "cross_contrastive"),
    ),
}


def write_mixed(datasets: Path, folder: Path, num_train: int, num_dev: int, seed: int = 0) -> None:
    """A sample of each mixed set, types described as there; what is not for training calibrates."""
    for name in MIXED:
        lines = (datasets / name / "train.jsonl").read_text(encoding="utf-8").splitlines()
        random.Random(f"{seed} {name}").shuffle(lines)
        (folder / name).mkdir(parents=True, exist_ok=True)
        parts = {"train": lines[:num_train], "dev": lines[num_train : num_train + num_dev]}
        for part, chosen in parts.items():
            (folder / name / f"{part}.jsonl").write_text("\n".join(chosen) + "\n", encoding="utf-8")
        (folder / name / "labels.json").write_bytes((datasets / name / "labels.json").read_bytes())


def train(run: Run, preset: Preset, folder: Path, options: argparse.Namespace) -> None:
    """Train with the project's own command; the development file calibrates, nothing is chosen on it."""
    places = {"datasets": options.datasets, "work": options.models}
    epochs = preset.cross_epochs if run.architecture == "cross" else preset.epochs
    settings = preset.settings + (preset.cross_settings if run.architecture == "cross" else ())
    length = [] if "--max_steps" in settings else ["--num_train_epochs", str(epochs)]
    command = [
        sys.executable, f"train_{run.architecture}_encoder.py", "--loss", json.dumps(run.loss),
        "--train_file", preset.train.format(**places),
        *(["--validation_file", preset.validation.format(**places)] if preset.validation else []),
        "--format", preset.format, *length, "--seed", str(options.seed),
        "--learning_rate", str(options.learning_rate), "--eval_strategy", "no", "--save_strategy", "no",
        "--output_dir", str(folder), "--overwrite_output_dir", "true", *settings, *options.extra,
    ]  # fmt: skip
    subprocess.run(command, check=True, cwd=ROOT)


def evaluate(run: Run, model: Path, file: str, threshold: str, preset: Preset, output: Path) -> None:
    """Evaluate with the project's own command."""
    command = [
        sys.executable, f"evaluate_{run.architecture}_encoder.py", "--pretrained_model_name_or_path", str(model),
        "--evaluation_file", file, "--evaluation_format", preset.format, "--threshold", threshold, "--output_dir", str(output),
        *(["--max_samples", str(preset.max_samples)] if preset.max_samples else []),
    ]  # fmt: skip
    subprocess.run(command, check=True, cwd=ROOT)


def rows_of(run: Run, preset: Preset, folder: Path, options: argparse.Namespace, commits: set[str]) -> list[list[str]]:
    """Run what is missing of one training and its evaluations; a row per test file and threshold."""
    if options.fresh or not (folder / "model.safetensors").is_file():
        train(run, preset, folder, options)
    trained = json.loads((folder / "timings.json").read_text())
    rows = []
    for template in preset.tests:
        file = template.format(datasets=options.datasets)
        name = Path(file).parent.name
        for threshold in run.thresholds if preset.validation else run.thresholds[:1]:
            output = folder / f"{name}_{threshold}"
            if options.fresh or not (output / "metrics.json").is_file():
                # Sixty steps make no model worth tagging with: its speed would be that of another number of entities.
                model = options.models / f"conll2003_{run.name}" if options.preset == "speed" else folder
                evaluate(run, model, file, threshold, preset, output)
            metrics = json.loads((output / "metrics.json").read_text())
            commits.add(str(metrics["commit"]))
            micro, timings = metrics["micro"], json.loads((output / "timings.json").read_text())
            seconds, rate = trained["train_seconds"], trained["train_examples_per_second"]
            trained_at = [f"{seconds * rate:.0f}", f"{seconds:.0f}", f"{rate:.0f}"]
            interval = "{:.4f} to {:.4f}".format(*micro["f1_interval"])
            scores = [*(f"{micro[key]:.4f}" for key in ("precision", "recall")), f"**{micro['f1']:.4f}**", interval]
            head = [f"{run.architecture}-encoder", run.loss["name"], threshold, name]
            rows.append([*head, *scores, *trained_at, f"{timings['texts_per_second']:.0f}"])
    return rows


def main() -> None:
    """Read the command line, run what is missing, write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("preset", choices=tuple(PRESETS))
    parser.add_argument("--datasets", default="../shared/datasets", help="folder of the public data sets")
    parser.add_argument("--runs", nargs="+", choices=[run.name for run in RUNS], help="these trainings only")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--learning_rate", type=float, default=2e-4)
    parser.add_argument("--num_per_set", type=int, default=250, help="zero_shot: training sentences of each of 16 sets")
    parser.add_argument("--models", type=Path, default=ROOT / "models" / "objectives", help="where checkpoints go")
    parser.add_argument("--fresh", action="store_true", help="run again what is there")
    parser.add_argument("--note", help="what a reader of the table has to know of the machine")
    options, options.extra = parser.parse_known_args()
    preset = PRESETS[options.preset]
    if options.preset == "zero_shot":
        write_mixed(Path(options.datasets), options.models / "mixed", options.num_per_set, 30)
    rows: list[list[str]] = []
    commits: set[str] = set()
    for run in RUNS:
        if run.name in (options.runs or preset.runs or [run.name for run in RUNS]):
            rows += rows_of(run, preset, options.models / f"{options.preset}_{run.name}", options, commits)
    header = [
        "architecture", "objective", "threshold", "test", "precision", "recall", "micro-F1", "95% interval", "examples seen",
        "training, s", "training, examples/s", "tagging, texts/s",
    ]  # fmt: skip
    facts = machine(options.seed) | {"commit": ", ".join(sorted(commits))}
    facts |= {"note": options.note} if options.note else {}
    path = RESULTS / f"objectives_{options.preset}.md"
    write_table(path, title=f"Objectives: {options.preset}", doc=__doc__ or "", header=header, rows=rows, facts=facts)


if __name__ == "__main__":
    main()
