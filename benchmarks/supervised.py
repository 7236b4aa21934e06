"""Supervised quality: train on a data set, calibrate on its development file, score its test files; several seeds, one table.

    python benchmarks/supervised.py conll2003 --seeds 1 2 3
    python benchmarks/supervised.py wnut17                   # also ncbi_disease, fewnerd_inter, panx_en, products

Runs the commands that a user would run. A seed whose results are there already is not run again (`--fresh` does).
"""

import argparse
import json
import random
import statistics
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from common import RESULTS, machine, write_table

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True, kw_only=True)
class Preset:
    """A data set, and how it is trained on: one pass unless `epochs` says otherwise."""

    train: str
    validation: str
    tests: tuple[tuple[str, str, str], ...]  # file, split, format
    format: str
    epochs: int = 1


def _of_three(folder: str, epochs: int) -> Preset:
    """A folder with train, dev and test files, read by words."""
    return Preset(
        train=f"{folder}/train.jsonl",
        validation=f"{folder}/dev.jsonl",
        tests=((f"{folder}/test.jsonl", "", "tokens"),),
        format="tokens",
        epochs=epochs,
    )


PRESETS = {
    "conll2003": _of_three("{datasets}/conll2003", epochs=1),
    "panx_en": Preset(
        train="{datasets}/panx_hf/en",
        validation="{datasets}/panx_hf/en",
        tests=(("{datasets}/panx_hf/en", "test", "tokens"), ("{datasets}/panx_hf/en", "test", "text")),
        format="tokens",
    ),
    "products": Preset(
        train="data/products/train.jsonl",
        validation="data/products/validation.jsonl",
        tests=(("data/products/test_id.jsonl", "", "text"), ("data/products/test_ood.jsonl", "", "text")),
        format="text",
        epochs=3,
    ),
    "wnut17": _of_three("{datasets}/wnut17", epochs=3),
    "ncbi_disease": _of_three("{datasets}/ncbi_disease", epochs=3),
    # Few-NERD's own files for development and testing have other types: its training file is cut in three.
    "fewnerd_inter": _of_three("{models}/fewnerd_inter_split", epochs=1),
}


def split_fewnerd(datasets: Path, folder: Path) -> None:
    """The training file of Few-NERD inter, 36 types, as three: 2,000 sentences for development and for testing each."""
    lines = (datasets / "fewnerd_inter" / "train.jsonl").read_text(encoding="utf-8").splitlines()
    random.Random(0).shuffle(lines)
    folder.mkdir(parents=True, exist_ok=True)
    parts = {"test": lines[:2000], "dev": lines[2000:4000], "train": lines[4000:]}
    for name, own in parts.items():
        (folder / f"{name}.jsonl").write_text("\n".join(own) + "\n", encoding="utf-8")
    (folder / "labels.json").write_bytes((datasets / "fewnerd_inter" / "labels.json").read_bytes())


def places(options: argparse.Namespace) -> dict[str, str]:
    """What stands in the paths of a preset."""
    return {"datasets": str(options.datasets), "models": str(options.models)}


def train(name: str, preset: Preset, seed: int, folder: Path, options: argparse.Namespace) -> None:
    """Train one seed with the project's own command; the development file calibrates, nothing is chosen on it."""
    command = [
        sys.executable, "train_bi_encoder.py",
        "--train_file", preset.train.format(**places(options)),
        "--validation_file", preset.validation.format(**places(options)),
        "--format", preset.format, "--num_train_epochs", str(preset.epochs), "--seed", str(seed),
        "--learning_rate", str(options.learning_rate), "--eval_strategy", "no", "--save_strategy", "no",
        "--output_dir", str(folder), "--overwrite_output_dir", "true", *options.extra,
    ]  # fmt: skip
    subprocess.run(command, check=True, cwd=ROOT)


def evaluate(model: Path, file: str, split: str, format: str, output: Path) -> None:
    """Evaluate with the project's own command, at the calibrated thresholds."""
    command = [
        sys.executable, "evaluate_bi_encoder.py", "--pretrained_model_name_or_path", str(model), "--evaluation_file", file,
        "--evaluation_format", format, "--threshold", "calibrated", "--output_dir", str(output),
        *(["--split", split] if split else []),
    ]  # fmt: skip
    subprocess.run(command, check=True, cwd=ROOT)


def main() -> None:
    """Read the command line, run what is missing, write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("preset", choices=tuple(PRESETS))
    parser.add_argument("--datasets", default="../shared/datasets", help="folder of the public data sets")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--learning_rate", type=float, default=2e-4)
    parser.add_argument("--models", type=Path, default=ROOT / "models" / "supervised", help="where checkpoints go")
    parser.add_argument("--fresh", action="store_true", help="run again what is there")
    options, options.extra = parser.parse_known_args()
    preset = PRESETS[options.preset]
    if options.preset == "fewnerd_inter":
        split_fewnerd(Path(options.datasets), options.models / "fewnerd_inter_split")
    rows: list[list[str]] = []
    scores: dict[str, list[float]] = {}
    for seed in options.seeds:
        folder = options.models / f"{options.preset}_{seed}"
        if options.fresh or not (folder / "model.safetensors").is_file():
            train(options.preset, preset, seed, folder, options)
        trained = json.loads((folder / "timings.json").read_text())
        for template, split, format in preset.tests:
            file = template.format(**places(options))
            what = f"{Path(file).stem}{f' {split}' if split else ''}, {format}"
            output = folder / what.replace(", ", "_").replace(" ", "_")
            if options.fresh or not (output / "metrics.json").is_file():
                evaluate(folder, file, split, format, output)
            metrics, timings = (
                json.loads((output / "metrics.json").read_text()),
                json.loads((output / "timings.json").read_text()),
            )
            micro = metrics["micro"]
            scores.setdefault(what, []).append(micro["f1"])
            interval = "{:.4f} to {:.4f}".format(*micro["f1_interval"])
            speeds = [
                f"{trained['train_seconds']:.0f}",
                f"{trained['train_examples_per_second']:.0f}",
                f"{timings['texts_per_second']:.0f}",
            ]
            ratios = [f"{micro[key]:.4f}" for key in ("precision", "recall", "f1")]
            rows.append([what, str(seed), *ratios, interval, f"{metrics['macro']['f1']:.4f}", *speeds])
    for what, values in scores.items():
        spread = f"± {statistics.stdev(values):.4f}" if len(values) > 1 else ""
        rows.append([what, f"mean of {len(values)}", "", "", f"**{statistics.mean(values):.4f}** {spread}", "", "", "", "", ""])
    header = [
        "test",
        "seed",
        "precision",
        "recall",
        "micro-F1",
        "95% interval",
        "macro-F1",
        "training, s",
        "training, examples/s",
        "tagging, texts/s",
    ]
    write_table(
        RESULTS / f"{options.preset}.md",
        title=options.preset,
        doc=__doc__ or "",
        header=header,
        rows=rows,
        facts=machine() | {"seed": ", ".join(map(str, options.seeds))},
    )


if __name__ == "__main__":
    main()
