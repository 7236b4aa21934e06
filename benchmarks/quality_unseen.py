"""What it costs a type not to be trained: the same sentences with and without its annotations, asked for on other sentences.

    python benchmarks/quality_unseen.py                   # after quality.py, whose bi-encoder has not seen the types

The types are those that the quality benchmark leaves out of sets that it trains on; the sentences are of those sets' files
for development and testing. All types of a set are asked for, the types left out count.
"""

import argparse
from pathlib import Path

import numpy as np
from common import RESULTS, machine, write_table
from processes import ROOT
from quality import NUM_CALIBRATION, SYSTEMS
from quality_data import POOL, calibration_sets, read_pool, sample_by_type, write_training
from quality_scorer import Scores, common_threshold
from quality_systems import Place, System, predictions, train

from spanmatch.entities import normalise

UNSEEN = next(system for system in SYSTEMS if system.name == "bi")
SEEN = System(name="bi, all types trained", kind="bi", settings=UNSEEN.settings, data="training_all_types")


def main() -> None:
    """Train the second one, ask both, write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--datasets", type=Path, default=Path("../shared/datasets"), help="folder of the public data sets")
    parser.add_argument("--num_examples", type=int, default=20_000)
    parser.add_argument("--work", type=Path, default=ROOT / "models" / "quality", help="where models and predictions go")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    pool = read_pool(options.datasets, POOL)
    sample = sample_by_type(pool, options.num_examples, options.seed)
    folder = options.work / SEEN.data
    if not folder.is_dir():
        whole = {item.key: item for item in pool.sentences}
        write_training(folder, pool, [whole[item.key] for item in sample])
    trained = frozenset(normalise(name) for item in sample for name in item.names)
    held_out = calibration_sets(options.datasets, pool, trained, NUM_CALIBRATION, options.seed)
    tests = [("calibration", test) for test in held_out if test.name not in pool.held_out_sets]
    place = Place(work=options.work, envs=options.work, threads=options.threads, seed=options.seed)
    scores: dict[str, list[Scores]] = {}
    for system in (SEEN, UNSEEN):
        train(system, place, options.num_examples)
        found = predictions(system, place, tests)
        scores[system.name] = [Scores.of(found[f"{kind}/{test.name}"], test.gold, test.counted) for kind, test in tests]
    at = {name: common_threshold(own) for name, own in scores.items()}
    f1 = {name: [item.f1(at[name]) for item in own] for name, own in scores.items()}
    rows = [
        [test.name, ", ".join(sorted(test.counted)), str(int(scores[SEEN.name][place_].gold.sum()))]
        + [f"{100 * f1[system.name][place_]:.1f}" for system in (SEEN, UNSEEN)]
        for place_, (_, test) in enumerate(tests)
    ]
    means = [float(np.mean(f1[system.name])) for system in (SEEN, UNSEEN)]
    rows.append(["**average**", "", "", *(f"**{100 * mean:.1f}**" for mean in means)])
    facts = machine(options.seed) | {
        "kept": f"{100 * means[1] / means[0]:.0f}% of the F1",
        "thresholds": ", ".join(f"{at[system.name]:.3f} ({system.name})" for system in (SEEN, UNSEEN))
        + ", each the one of the best average here",
    }
    header = ["set", "types", "mentions", "trained", "not trained"]
    write_table(
        RESULTS / "quality_unseen.md",
        title="Types trained and not trained",
        doc=__doc__ or "",
        header=header,
        rows=rows,
        facts=facts,
    )


if __name__ == "__main__":
    main()
