"""Zero-shot quality, ours and GLiNER's: the same encoder, sentences and scorer, on types and sets that nobody was trained on.

    python benchmarks/quality.py                          # all systems on 20,000 sentences: hours on a laptop, it resumes
    python benchmarks/quality.py --systems bi gliner_bi   # these only
    python benchmarks/quality.py --rows                   # only write the tables again
    python benchmarks/quality.py --left_out --num_examples 5000 --work models/rates --systems "gliner_bi, MPNet"   # to choose by
    python benchmarks/quality.py --systems bi "bi, names" --num_examples 200000 --name quality_whole_pool --work models/whole_pool

Thresholds are chosen on sets that were left out of the training whole, on types that were not trained and on everyday ones
(gum, hipe_en), once per system, never on the benchmarks. A row is written as soon as its system is done. Rows without figures for
everyday-3 are older: gum and hipe_en were in their training, and not among the sets that thresholds were chosen on.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from common import RESULTS, machine, write_table
from processes import ROOT
from quality_data import (
    DEV_9,
    EVERYDAY_3,
    PLAIN_3,
    POOL,
    TestSet,
    benchmark_sets,
    calibration_sets,
    read_pool,
    sample_by_type,
    write_training,
)  # fmt: skip
from quality_scorer import Scored, Scores, bootstrap, common_threshold, platt
from quality_systems import Place, System, predictions, train

from spanmatch.entities import normalise
from spanmatch.model.packaged import MPNET

# What was worked out, by measurement: docs/log.md.
OURS = {
    "type_texts": "mixed", "per_device_train_batch_size": 16, "learning_rate": 3e-4, "num_negative_types": 20, "head_size": 384,
    "dropout": 0, "background_weight": 1.0, "max_length": 128,
}  # fmt: skip
FROZEN = {"type_encoder": "separate", "type_encoder_learning_rate": 0}
# Descriptions behind each text would take three times as long, and a pass has about as many types in tagging as in training.
# Of 0.2 to 0.8 the correction that is best on the sets left out.
CROSS = {
    "type_texts": "name", "num_negative_types": 10, "max_types_per_pass": 16, "background_weight": 0.6, "type_anchor": 10,
}  # fmt: skip
# Of the rates and losses tried on 5,000 sentences (1e-4 and 3e-4, focal and BCE), the best on the sets left out.
GLINER = {
    "batch_size": 16, "learning_rate": 3e-4, "head_learning_rate": 3e-4, "num_negatives": 3, "focal": True,
}  # fmt: skip
LOWER = {"learning_rate": 1e-4, "head_learning_rate": 1e-4}
CONTRASTIVE = System(name="bi, contrastive, label_token", kind="bi", settings=OURS | FROZEN | {"loss": {"name": "contrastive"}})
SYSTEMS: tuple[System, ...] = (
    System(name="bi", kind="bi", settings=OURS | FROZEN),
    System(name="bi, names", kind="bi", trained_as="bi", described=False),
    System(name="bi, one tower", kind="bi", settings=OURS | {"type_anchor": 10}),
    replace(CONTRASTIVE, slot="label_token"),
    replace(CONTRASTIVE, name="bi, contrastive, cls", trained_as=CONTRASTIVE.name, slot="cls"),
    System(name="cross, names", kind="cross", settings=OURS | CROSS, described=False),
    System(name="gliner_bi", kind="gliner_bi", settings=GLINER, described=False),
    System(name="gliner_uni", kind="gliner_uni", settings=GLINER | LOWER, described=False),
)
# The same with a larger encoder for everybody. Our rates are those of benchmarks/recipes.py; GLiNER's is the best of three on
# 5,000 sentences, on the sets left out. With the higher ones it finds next to nothing.
LARGER = {
    "head_size": 768, "lora_rank": 32, "lora_dropout": 0, "learning_rate": 5e-4, "head_learning_rate": 5e-4,
}  # fmt: skip
LOWEST = {"learning_rate": 3e-5}
# A cross-encoder that reads types apart, too, is corrected like a bi-encoder, and its types need no anchor.
TWICE = {"type_anchor": 0, "background_weight": OURS["background_weight"]}
# The null slot is also the threshold of types that nobody trained, whose mentions score lower. Of 0.1, 0.2 and 0.5 as the weight
# of the term that raises it, 0.2 has the best F1 with no margin on the sets left out (4,000 sentences, MiniLM).
LOW_SLOT = {"loss": {"name": "contrastive", "entity_weight": 0.8, "threshold_weight": 0.2}}
SYSTEMS += (
    System(name="bi, MPNet", kind="bi", settings=OURS | FROZEN | LARGER, described=False, encoder=MPNET),
    System(
        name="cross, names, MPNet", kind="cross", settings=OURS | CROSS | FROZEN | LARGER | TWICE, described=False, encoder=MPNET
    ),
    System(
        name="bi, contrastive, cls, MPNet",
        kind="bi",
        slot="cls",
        settings=OURS | FROZEN | LARGER | LOW_SLOT,
        described=False,
        encoder=MPNET,
    ),
    System(name="gliner_bi, MPNet", kind="gliner_bi", settings=GLINER | LOWEST, described=False, encoder=MPNET),
    System(name="gliner_bi, MPNet, 1e-4", kind="gliner_bi", settings=GLINER | LOWER, described=False, encoder=MPNET),
    System(name="gliner_bi, MPNet, 3e-4", kind="gliner_bi", settings=GLINER, described=False, encoder=MPNET),
)
NUM_CALIBRATION = 100  # sentences of each set, four times as many of those left out whole


def scores_of(kind: str, test: TestSet, found: Mapping[str, list[list[Scored]]]) -> Scores:
    """What was found in a test set, against its gold; of a calibration set only the types that were not trained."""
    return Scores.of(found[f"{kind}/{test.name}"], test.gold, test.counted if kind == "calibration" else None)


def result_of(
    system: System, tests: Sequence[tuple[str, TestSet]], found: Mapping[str, Any], trained: frozenset[str]
) -> dict[str, Any]:
    """Everything that the tables say of one system, per set; `counts` are what the bootstrap draws from."""
    untrained = [(scores_of(kind, test, found), test.is_new) for kind, test in tests if kind == "calibration"]
    calibration = [scores for scores, is_new in untrained if is_new]
    threshold = threshold_of(system, calibration)
    result: dict[str, Any] = {"system": system.name, "threshold": threshold, "sets": {}, "counts": {}}
    scaling = platt([scores for scores, _ in untrained])
    result["scaling"] = scaling
    result["held_out"] = float(np.mean([item.f1(threshold) for item in calibration]))
    for kind, test in tests:
        if kind != "benchmark":
            continue
        scores = scores_of(kind, test, found)
        names = frozenset(map(normalise, test.types))
        parts = {"seen": names & trained, "unseen": names - trained}
        result["sets"][test.name] = {
            "f1": scores.f1(threshold),
            "best": scores.best()[0],
            "calibration_error": scores.calibration_error(),
            "fitted_error": scores.rescaled(scaling).calibration_error(),
        } | {part: Scores.of(found[f"{kind}/{test.name}"], test.gold, own).f1(threshold) for part, own in parts.items() if own}
        result["counts"][test.name] = scores.counts(threshold)
    return result


def threshold_of(system: System, calibration: Sequence[Scores]) -> float:
    """One for all sets: chosen on those left out, or the null slot, where what exceeds it has a probability above a half."""
    return common_threshold(calibration) if system.slot is None else 0.5


def left_out_f1(system: System, tests: Sequence[TestSet], found: Mapping[str, Any]) -> tuple[float, float]:
    """What settings are chosen by: F1 on the sets left out of the training, at one threshold for all, and at the best of each."""
    scores = [scores_of("calibration", test, found) for test in tests]
    threshold = threshold_of(system, scores)
    return float(np.mean([own.f1(threshold) for own in scores])), float(np.mean([own.best()[0] for own in scores]))


def average(result: Mapping[str, Any], value: str, names: Sequence[str] = DEV_9) -> float:
    """The plain average over those of the sets that have a value; NaN if none has."""
    found = [result["sets"][name][value] for name in names if value in result["sets"].get(name, {})]
    return float(np.mean(found)) if found else float("nan")


def percent(value: float) -> str:
    """A share as the tables have it, nothing for one that was not measured."""
    return "" if np.isnan(value) else f"{100 * value:.1f}"


def row_of(result: Mapping[str, Any]) -> list[str]:
    """A system's row of the table."""
    values = [average(result, value) for value in ("f1", "best", "seen", "unseen")]
    everyday = [average(result, "f1", (name,)) for name in EVERYDAY_3]
    everyday += [average(result, "f1", EVERYDAY_3), average(result, "best", EVERYDAY_3), average(result, "f1", PLAIN_3)]
    fitted = f"{average(result, 'fitted_error'):.3f}" if "scaling" in result else ""
    return [
        result["system"],
        *(f"{100 * result['sets'][name]['f1']:.1f}" for name in DEV_9),
        f"**{100 * values[0]:.1f}**",
        *map(percent, values[1:]),
        *map(percent, everyday),
        f"{average(result, 'calibration_error'):.3f}",
        fitted,
        f"{result['threshold']:.3f}",
        result["commit"],
    ]


def differences(results: Sequence[Mapping[str, Any]], commit: str) -> list[dict[str, Any]]:
    """Every system against every one below it, with the interval of a paired bootstrap over sentences."""
    ordered = sorted(results, key=lambda item: -average(item, "f1"))
    found = []
    for place, upper in enumerate(ordered):
        for lower in ordered[place + 1 :]:
            ours, theirs = ([item["counts"][name] for name in DEV_9] for item in (upper, lower))
            mean, low, high = bootstrap(ours, theirs)
            found.append({"system": upper["system"], "against": lower["system"], "mean": mean, "low": low, "high": high})
    return [own | {"commit": commit} for own in found]


def write_tables(results: Sequence[Mapping[str, Any]], facts: dict[str, str], name: str) -> None:
    """The table of F1 and the table of differences, and the figures behind them.

    What the figures have of systems whose predictions are not there any more stays, with the commit that it was measured at.
    """
    file = RESULTS / f"{name}.json"
    before = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {"results": [], "differences": []}
    now = {result["system"] for result in results}
    plain = [{key: value for key, value in result.items() if key != "counts"} for result in results]
    plain += [result for result in before["results"] if result["system"] not in now]
    compared = differences(results, facts["commit"][:7])
    compared += [own for own in before["differences"] if not {own["system"], own["against"]} <= now]
    header = [
        "system", *(source.replace("_", " ") for source in DEV_9), "average", "best in hindsight", "seen", "unseen",
        *(source.replace("_", " ") for source in EVERYDAY_3), "everyday-3", "best in hindsight", "without miscellaneous",
        "calibration error", "with slope and offset", "threshold", "commit",
    ]  # fmt: skip
    title = f"Zero-shot quality: {name}"
    write_table(RESULTS / f"{name}.md", title=title, doc=__doc__ or "", header=header, rows=list(map(row_of, plain)), facts=facts)
    rows = []
    for own in compared:
        mean, low, high = (f"{100 * own[value]:.1f}" for value in ("mean", "low", "high"))
        rows.append([own["system"], own["against"], mean, f"{low} to {high}", own["commit"]])
    header = ["system", "against", "difference of averages", "95% interval", "commit"]
    if rows:
        write_table(RESULTS / f"{name}_differences.md", title=title, doc=__doc__ or "", header=header, rows=rows, facts=facts)
    file.write_text(json.dumps({"results": plain, "differences": compared}, indent=1) + "\n", encoding="utf-8")


def main() -> None:
    """Make the data, then train, ask and score one system after another."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--datasets", type=Path, default=Path("../shared/datasets"), help="folder of the public data sets")
    parser.add_argument("--systems", nargs="+", choices=[system.name for system in SYSTEMS], help="train these only")
    parser.add_argument("--num_examples", type=int, default=20_000, help="sentences that everybody is trained on, once")
    parser.add_argument("--work", type=Path, default=ROOT / "models" / "quality", help="where models and predictions go")
    parser.add_argument("--name", default="quality", help="of the tables; one for each number of sentences")
    parser.add_argument("--envs", type=Path, default=ROOT / "models" / "envs", help="where GLiNER's environment is made")
    parser.add_argument("--threads", type=int, default=2, help="of each process")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--left_out", action="store_true", help="ask the sets left out alone, and print F1 on them")
    parser.add_argument("--rows", action="store_true", help="train and ask nothing, write the tables of what is there")
    options = parser.parse_args()
    pool = read_pool(options.datasets, POOL)
    sample = sample_by_type(pool, options.num_examples, options.seed)
    trained = frozenset(normalise(name) for item in sample for name in item.names)
    training = options.work / "training"
    if not training.is_dir():
        write_training(training, pool, sample)
    held_out = calibration_sets(options.datasets, pool, trained, NUM_CALIBRATION, options.seed)
    tests = [("calibration", test) for test in held_out]
    tests += [("benchmark", test) for test in benchmark_sets(options.datasets)]
    place = Place(work=options.work, envs=options.envs, threads=options.threads, seed=options.seed)
    facts = machine(options.seed) | {"trained on": f"{len(sample):,} sentences, {len(trained):,} type names"}
    results = []
    asked = [system for system in SYSTEMS if options.systems is None or system.name in options.systems]
    if options.left_out:
        left_out = [test for test in held_out if test.is_new]
        for system in asked:
            train(system, place, options.num_examples)
            f1, best = left_out_f1(system, left_out, predictions(system, place, [("calibration", test) for test in left_out]))
            print(f"{system.name}: {f1:.3f}, best {best:.3f}", flush=True)
        return
    for system in SYSTEMS:
        is_there = all((place.predictions(system) / f"{kind}_{test.name}.json").is_file() for kind, test in tests)
        if not is_there:
            if options.rows or system not in asked:
                continue
            train(system, place, options.num_examples)
        results.append(result_of(system, tests, predictions(system, place, tests), trained) | {"commit": facts["commit"][:7]})
        write_tables(results, facts, options.name)


if __name__ == "__main__":
    main()
