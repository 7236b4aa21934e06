"""Tagging speed of ours, of the encoder alone, and of the peers: one encoder, the same texts and types, in turn.

    python benchmarks/speed.py [--parts tagging types start] [--systems ...]        (a quiet machine, 25 minutes on two cores)

Every system is a process of its own, in an environment that this script makes (`--environments`), and waits while another
is measured. Checkpoints that are not in `--models` are trained first, for a minute each. All have the encoder MiniLM-L6;
heads are trained briefly or not at all, and each threshold is set so that about as many entities are found as are annotated.
Each part adds to `benchmarks/results/speed.json`; tables and plot are written from all that is there.
"""

import argparse
import json
import os
from pathlib import Path

from common import RESULTS, machine
from processes import ROOT, versions
from speed_bench import COUNTS_PER_SET, Bench, Figures
from speed_plot import plot
from speed_report import write_report
from speed_systems import FEW, SYSTEMS, build_missing

PARTS = ("tagging", "types", "start")


def merge(old: Figures, new: Figures) -> Figures:
    """The old figures with the new ones; what is not measured anew stays."""
    merged = dict(old)
    for key, value in new.items():
        is_cell = isinstance(value, dict) and not {"seconds", "skipped"} & value.keys()
        merged[key] = merge(old.get(key, {}), value) if is_cell else value
    return merged


def main() -> None:
    """Read the command line, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", nargs="*", choices=PARTS, default=list(PARTS), help="none: only write the report")
    parser.add_argument("--systems", nargs="+", choices=tuple(SYSTEMS), default=list(SYSTEMS))
    parser.add_argument("--sets", nargs="+", choices=tuple(COUNTS_PER_SET), default=list(COUNTS_PER_SET))
    parser.add_argument("--num_types", nargs="+", type=int, default=[*FEW, 10_000, 100_000])
    parser.add_argument("--datasets", type=Path, default=Path("../shared/datasets"), help="folder of the public data sets")
    parser.add_argument("--environments", type=Path, default=ROOT / "build" / "peers", help="where the peers are installed")
    parser.add_argument("--models", type=Path, default=ROOT / "models" / "speed", help="where checkpoints are and go")
    parser.add_argument("--texts", type=int, default=200)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1, help="of each process")
    parser.add_argument("--run_seconds", type=float, default=10, help="a run that would take longer is over every k-th text")
    parser.add_argument("--cell_seconds", type=float, default=120, help="a run that still takes longer is left out")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, default=RESULTS / "speed.md")
    options = parser.parse_args()
    file = options.output.with_suffix(".json")
    figures: Figures = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    bench = Bench(options)
    if options.parts:
        build_missing(bench.place, options.systems)
        facts = machine(options.seed) | {"threads of each process": str(options.threads)}
        facts |= {"settings": f"{options.texts} texts, medians of {options.repeats}"}
        for packages in dict.fromkeys(SYSTEMS[name].packages for name in options.systems if SYSTEMS[name].packages):
            wanted = tuple(item.split("=")[0].split("<")[0] for item in (packages[0], "torch", "transformers"))
            facts[f"environment of {wanted[0]}"] = versions(bench.place.python(packages), wanted)
        figures = merge(figures, {"facts": figures.get("facts", {}) | facts})
    measures = {"tagging": bench.tagging, "types": bench.types_part, "start": bench.start}

    def keep(new: Figures) -> None:
        nonlocal figures
        figures = merge(figures, new)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")

    for part in options.parts:
        measures[part](keep)
    write_report(options.output, figures, __doc__ or "")
    plot(options.output.with_suffix(".png"), figures)


if __name__ == "__main__":
    main()
