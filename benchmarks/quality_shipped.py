"""What the benchmarks of the checkpoints that ship share: what they are trained on, how they are measured."""

import json
import random
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from processes import ROOT
from quality_data import DEV_9, EVERYDAY_3, HELD_OUT_SETS, PLAIN_3, Pool, TestSet, benchmark_sets, calibration_sets, read_pool
from quality_scorer import Scores
from quality_systems import ask_ours

from spanmatch.data.files import write_whole
from spanmatch.prediction.matcher import SpanMatcher

RESULTS_FILE = "results.json"
# What each set's source states. "Each corpus keeps its own terms" is no licence (AnatEM, CRAFT); that of AnEM is stated, so it
# is trained on rather than held out.
LICENCES = {
    "anem": "CC BY-SA 3.0", "broad_twitter": "CC BY 4.0", "fashion_brands": "MIT", "fewnerd_inter": "CC BY-SA 4.0",
    "food_ingredients": "MIT", "hwu64_slots": "CC BY 4.0", "materials_synthesis": "MIT", "msbot_skills": "MIT",
    "multidogo_airline": "CDLA-Permissive-1.0", "multidogo_fastfood": "CDLA-Permissive-1.0",
    "multidogo_finance": "CDLA-Permissive-1.0", "multidogo_insurance": "CDLA-Permissive-1.0",
    "multidogo_software": "CDLA-Permissive-1.0", "nlupp": "CC BY 4.0", "pii_synth": "MIT", "reddit_drugs": "MIT",
    "restaurant8k": "CC BY 4.0", "sgd_slots": "CC BY-SA 4.0", "skillspan": "MIT", "slurp": "CC BY 4.0 (texts)",
    "stackoverflow_ner": "MIT (texts CC BY-SA)", "wlp": "MIT",
}  # fmt: skip
SOURCES = tuple(LICENCES)
LEFT_OUT = tuple(name for name in HELD_OUT_SETS if name != "anem")
# Encyclopaedia text, of which there is one set, is what most users have; slots of dialogues, of which there are nine, are not.
SHARES = dict.fromkeys(SOURCES, 0.0625) | {"fewnerd_inter": 0.4}
# Written or made for this project, by how often it is read.
OWN = {"mixed": 1, "open_types": 2, "everyday": 1, "titles": 1, "inventories": 1}
WAYS = ("named", "described")  # how types are asked for
AVERAGES = {
    "everyday-3": EVERYDAY_3, "everyday-3 without miscellaneous": PLAIN_3, "dev-9": DEV_9,
    "CrossNER ai, literature, science": tuple(name for name in DEV_9 if name.startswith("crossner")),
}  # fmt: skip
NUM_CALIBRATION = 75  # a quarter of the sentences of each set that is left out


def licensed_pool(datasets: Path) -> Pool:
    """The sets that may be trained on for what is given away."""
    return read_pool(datasets, SOURCES, held_out_sets=LEFT_OUT, held_out_share=0)


def left_out(datasets: Path, pool: Pool, seed: int) -> list[TestSet]:
    """What thresholds are chosen on. Nothing of these sets was trained on: all of their types count."""
    return calibration_sets(datasets, pool, frozenset(), NUM_CALIBRATION, seed)


def some(test: TestSet, most: int | None) -> TestSet:
    """A set, or some of its sentences."""
    chosen = list(test.sentences)
    random.Random(0).shuffle(chosen)
    return test if most is None else replace(test, sentences=chosen[:most])


def averages(results: Mapping[str, Mapping[str, float]]) -> dict[str, dict[str, float]]:
    """Plain averages over sets of what was measured of each."""
    of = {name: [results[test] for test in own] for name, own in AVERAGES.items()}
    return {name: {way: round(float(np.mean([item[way] for item in own])), 4) for way in own[0]} for name, own in of.items()}


def read_jsonl(file: Path) -> list[dict[str, Any]]:
    """The lines of a file."""
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def own_labels(name: str) -> dict[str, Any]:
    """The types of a set of our own by tag; none where its texts are not annotated."""
    file = ROOT / "data" / name / "labels.json"
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}


def measure(
    folder: Path, datasets: Path, threshold: float | None = None, most: int | None = None, kept: Path | None = None
) -> dict[str, Any]:
    """Micro F1 on dev-9 and everyday-3 at a threshold, by default the stored one, with names alone and with descriptions.

    The best in hindsight and the calibration error are those with names alone. `most` sentences of each set, in random
    order, are less work; with all of them, the computation is in float32. What was found of each set is written to the file
    `kept`, and not measured again where it is there.
    """
    matcher = SpanMatcher.from_pretrained(folder, dtype=None if most else "float32")
    assert matcher.calibration is not None, "a checkpoint that ships is calibrated"
    limit = matcher.calibration.threshold if threshold is None else threshold
    results: dict[str, Any] = json.loads(kept.read_text(encoding="utf-8")) if kept is not None and kept.is_file() else {}
    for test in (some(whole, most) for whole in benchmark_sets(datasets)):
        if test.name not in results:
            both = {way: Scores.of(ask_ours(matcher, test, described=way == "described"), test.gold) for way in WAYS}
            found = {way: scores.f1(limit) for way, scores in both.items()}
            found |= {"best": both["named"].best()[0], "calibration_error": both["named"].calibration_error()}
            results[test.name] = {name: round(value, 4) for name, value in found.items()}
            if kept is not None:
                write_whole(kept, json.dumps(results, indent=1) + "\n")
        print(test.name, results[test.name], flush=True)
    for name, values in averages(results).items():
        results[name] = values
        print(name, values)
    return results


def check(folder: Path, datasets: Path, threshold: float | None) -> None:
    """Measure again, and say where it differs from the card by more than half precision on another machine explains."""
    said = json.loads((folder / RESULTS_FILE).read_text(encoding="utf-8"))["results"]
    found = measure(folder, datasets, threshold)
    worst = max(abs(said[name][way] - found[name][way]) for name in said for way in said[name])
    print(f"largest difference from the card: {worst:.4f}")
    if worst > 0.003:
        raise SystemExit("the card's figures are not those of this checkpoint")
