"""Where a threshold has to be: for types that were trained and for types that were not, with null slots and without.

    python benchmarks/quality_slots.py                    # after quality.py, of what it has predicted

A contrastive matcher learns its threshold, the score of a null slot. Margins are in logits, above the slot; of a matcher
without slots, above a probability of a half. Sets: those of which some types were left out of the training, other sentences.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from common import RESULTS, machine, write_table
from processes import ROOT
from quality import NUM_CALIBRATION, SYSTEMS
from quality_data import DEV_9, POOL, benchmark_set, calibration_sets, read_pool, sample_by_type
from quality_scorer import Scores, common_threshold, logits
from quality_systems import Place, predictions

from spanmatch.entities import normalise


def mean_f1(scores: Sequence[Scores], threshold: float) -> float:
    """The plain average over test sets."""
    return float(np.mean([item.f1(threshold) for item in scores]))


def main() -> None:
    """Read what was predicted, write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--datasets", type=Path, default=Path("../shared/datasets"), help="folder of the public data sets")
    parser.add_argument("--systems", nargs="+", default=["bi", "bi, contrastive, label_token", "bi, contrastive, cls"])
    parser.add_argument("--num_examples", type=int, default=20_000)
    parser.add_argument("--work", type=Path, default=ROOT / "models" / "quality", help="where predictions are")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    pool = read_pool(options.datasets, POOL)
    sample = sample_by_type(pool, options.num_examples, options.seed)
    trained = frozenset(normalise(name) for item in sample for name in item.names)
    held_out = calibration_sets(options.datasets, pool, trained, NUM_CALIBRATION, options.seed)
    tests = [("calibration", test) for test in held_out]
    tests += [("benchmark", benchmark_set(options.datasets, name)) for name in DEV_9]
    place = Place(work=options.work, envs=options.work, threads=1, seed=options.seed)
    rows = []
    for system in (own for own in SYSTEMS if own.name in options.systems):
        found = predictions(system, place, tests)
        groups: dict[str, list[Scores]] = {"types trained": [], "types left out": [], "dev-9": []}
        fitting: list[Scores] = []
        for kind, test in tests:
            spans = found[f"{kind}/{test.name}"]
            if kind == "benchmark":
                groups["dev-9"].append(Scores.of(spans, test.gold))
                continue
            own = Scores.of(spans, test.gold, test.counted)
            if test.is_new:
                fitting.append(own)
            else:
                others = frozenset(map(normalise, test.types)) - test.counted
                groups["types left out"].append(own)
                groups["types trained"].append(Scores.of(spans, test.gold, others))
        fitted = common_threshold(fitting)
        for group, scores in groups.items():
            best = common_threshold(scores)
            margins = [float(logits(np.array(value))) for value in (best, fitted)]
            f1 = [f"{100 * mean_f1(scores, value):.1f}" for value in (0.5, fitted, best)]
            rows.append([system.name, group, f1[0], f1[1], f"{margins[1]:+.1f}", f1[2], f"{margins[0]:+.1f}"])
    header = [
        "system", "asked for", "F1, no threshold chosen", "F1, margin of the sets left out", "that margin",
        "F1, best margin here", "that margin",
    ]  # fmt: skip
    write_table(
        RESULTS / "quality_slots.md", title="Thresholds of types trained and not", doc=__doc__ or "", header=header, rows=rows,
        facts=machine(options.seed),
    )  # fmt: skip


if __name__ == "__main__":
    main()
