"""What it costs a type not to be trained: two matchers, of which one was trained with annotations that the other never saw.

    python benchmarks/quality_unseen.py                           # after quality.py, whose bi-encoder is one of the two
    python benchmarks/quality_unseen.py --system "bi, MPNet" --name quality_unseen_mpnet

**At home**: the types that the quality benchmark leaves out of sets that it trains on, asked for on other sentences of these
sets; one matcher was trained on the same sentences with their annotations. Asked again without the other types of the set
(**alone**), and, where that was by name, with descriptions (**described**). **Elsewhere**: the types of dev-9 whose names the
training has, asked for on dev-9; the other matcher was trained on the same sentences without the annotations of these.
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from common import RESULTS, machine, write_table
from processes import ROOT
from quality import NUM_CALIBRATION, SYSTEMS
from quality_data import (
    DEV_9,
    POOL,
    Pool,
    Sentence,
    TestSet,
    benchmark_set,
    benchmark_types,
    calibration_sets,
    read_pool,
    sample_by_type,
    write_training,
)  # fmt: skip
from quality_scorer import Scores, common_threshold
from quality_systems import Place, System, predictions, train

from spanmatch.entities import normalise

ASKED = ("at_home", "alone", "described", "elsewhere")
ALL_TYPES, MASKED = "training_all_types", "training_masked"


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Two matchers, of which one was trained on the types that count, and what both are asked."""

    trained: System
    untrained: System
    tests: Sequence[tuple[str, TestSet]]


def training_data(pool: Pool, sample: Sequence[Sentence], datasets: Path) -> Mapping[str, list[Sentence]]:
    """What each system is trained on: the same sentences, annotated for other types."""
    whole = {item.key: item for item in pool.sentences}
    masking = replace(pool, held_out=pool.held_out | benchmark_types(datasets))
    masked = [masking.without_held_out(item) for item in sample]
    return {ALL_TYPES: [whole[item.key] for item in sample], MASKED: [item for item in masked if item.names]}


def only_counted(test: TestSet) -> TestSet:
    """A set that is asked for the types that count, without the others."""
    return replace(test, types={name: text for name, text in test.types.items() if normalise(name) in test.counted})


def described(system: System) -> System:
    """The same matcher, asked with descriptions."""
    return replace(system, name=f"{system.name}, described", trained_as=system.trained_as or system.name, described=True)


def compare(asked: Comparison, place: Place, num_examples: int) -> tuple[list[list[str]], dict[str, str]]:
    """Train what is missing and ask both: F1 of each set, each matcher at its threshold of the best average, and what is kept."""
    scores: dict[str, list[Scores]] = {}
    for system in (asked.trained, asked.untrained):
        train(system, place, num_examples)
        found = predictions(system, place, list(asked.tests))
        scores[system.name] = [Scores.of(found[f"{kind}/{test.name}"], test.gold, test.counted) for kind, test in asked.tests]
    at = {name: common_threshold(own) for name, own in scores.items()}
    f1 = {name: [item.f1(at[name]) for item in own] for name, own in scores.items()}
    both = f1[asked.trained.name], f1[asked.untrained.name]
    rows = [
        [test.name, ", ".join(sorted(test.counted)), str(int(own.gold.sum())), *(f"{100 * values[row]:.1f}" for values in both)]
        for row, ((_, test), own) in enumerate(zip(asked.tests, scores[asked.trained.name], strict=True))
    ]
    means = [float(np.mean(values)) for values in both]
    rows.append(["**average**", "", "", *(f"**{100 * mean:.1f}**" for mean in means)])
    return rows, {
        "kept": f"{100 * means[1] / means[0]:.0f}% of the F1",
        "thresholds, each of the best average here": ", ".join(f"{value:.3f} ({name})" for name, value in at.items()),
    }


def main() -> None:
    """Make the data, compare at home and elsewhere."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--datasets", type=Path, default=Path("../shared/datasets"), help="folder of the public data sets")
    parser.add_argument("--system", choices=[own.name for own in SYSTEMS if own.kind == "bi"], default="bi", help="of quality.py")
    parser.add_argument("--name", default="quality_unseen", help="of the tables")
    parser.add_argument("--num_examples", type=int, default=20_000)
    parser.add_argument("--work", type=Path, default=ROOT / "models" / "quality", help="where models and predictions go")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--asked", nargs="+", choices=ASKED, help="by default all that say something new of the system")
    options = parser.parse_args()
    base = next(system for system in SYSTEMS if system.name == options.system)
    if base.described and "described" in (options.asked or ()):
        parser.error(f"--asked described: {base.name} is asked with descriptions at home")
    pool = read_pool(options.datasets, POOL)
    sample = sample_by_type(pool, options.num_examples, options.seed)
    for data, sentences in training_data(pool, sample, options.datasets).items():
        if not (options.work / data).is_dir():
            write_training(options.work / data, pool, sentences)
    trained = frozenset(normalise(name) for item in sample for name in item.names)
    held_out = calibration_sets(options.datasets, pool, trained, NUM_CALIBRATION, options.seed)
    at_home = [test for test in held_out if not test.is_new]
    benchmarks = [benchmark_set(options.datasets, name) for name in DEV_9]
    elsewhere = [("benchmark", replace(test, counted=test.counted & trained)) for test in benchmarks]
    place = Place(work=options.work, envs=options.work, threads=options.threads, seed=options.seed)
    own = replace(base, trained_as="")
    all_types = replace(own, name=f"{base.name}, all types trained", data=ALL_TYPES)
    masked = replace(own, name=f"{base.name}, benchmark types masked", data=MASKED)
    tests = [("calibration", test) for test in at_home]
    asked = {
        "at_home": Comparison(trained=all_types, untrained=base, tests=tests),
        "alone": Comparison(trained=all_types, untrained=base, tests=[("alone", only_counted(test)) for test in at_home]),
        "described": Comparison(trained=described(all_types), untrained=described(base), tests=tests),
        "elsewhere": Comparison(trained=base, untrained=masked, tests=elsewhere),
    }
    facts = machine(options.seed)
    for name in options.asked or [name for name in ASKED if name != "described" or not base.described]:
        title, ending = f"Types trained and not trained, {name.replace('_', ' ')}", "" if name == "at_home" else f"_{name}"
        rows, kept = compare(asked[name], place, options.num_examples)
        header = ["set", "types", "mentions", "trained", "not trained"]
        file = RESULTS / f"{options.name}{ending}.md"
        write_table(file, title=title, doc=__doc__ or "", header=header, rows=rows, facts=facts | kept)


if __name__ == "__main__":
    main()
