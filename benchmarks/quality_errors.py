"""What goes wrong on the benchmarks, by kind: of the predictions that quality.py has kept.

python benchmarks/quality_errors.py --system bi
"""

import argparse
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from common import RESULTS, machine, write_table
from processes import ROOT
from quality_data import DEV_9, TestSet, benchmark_set

KINDS = ("right", "type", "boundary", "missed", "spurious")
Spans = dict[tuple[int, int], str]


def kinds_of(gold: Spans, found: Spans) -> list[tuple[str, tuple[int, int], str, str]]:
    """Every gold span as right, of another type, of other bounds or missed, and what is found where there is none: spurious.

    Returns:
        Kind, bounds, gold type and predicted type of each; "" where there is none.
    """
    rows = []
    for (start, end), label in gold.items():
        touching = next((other for (first, last), other in found.items() if first < end and start < last), "")
        if (start, end) in found:
            other = found[start, end]
            rows.append(("right" if other == label else "type", (start, end), label, other))
        else:
            rows.append(("boundary" if touching else "missed", (start, end), label, touching))
    for (start, end), label in found.items():
        if not any(first < end and start < last for first, last in gold):
            rows.append(("spurious", (start, end), "", label))
    return rows


def errors_of(test: TestSet, spans: Sequence[Sequence[tuple[int, int, str, float]]], threshold: float) -> list[list[str]]:
    """Rows of one set: kind, how many, the commonest pairs of types, an example."""
    counts: Counter[str] = Counter()
    pairs: dict[str, Counter[str]] = {kind: Counter() for kind in KINDS}
    example: dict[str, str] = {}
    for item, predicted in zip(test.sentences, spans, strict=True):
        gold = {(start, end): name for start, end, name in item.spans}
        found = {(start, end): name for start, end, name, score in predicted if score > threshold}
        for kind, (start, end), true, other in kinds_of(gold, found):
            counts[kind] += 1
            pairs[kind][{"type": f"{true} > {other}", "boundary": true, "missed": true, "spurious": other}.get(kind, true)] += 1
            if kind not in example and len(item.tokens) < 25:
                words = " ".join(item.tokens[max(0, start - 5) : start])
                after = " ".join(item.tokens[end : end + 4])
                example[kind] = f"{words} **{' '.join(item.tokens[start:end])}** {after}".replace("|", "/").strip()
    rows = []
    for kind in KINDS:
        commonest = ", ".join(f"{name} {number}" for name, number in pairs[kind].most_common(4))
        rows.append([test.name, kind, str(counts[kind]), commonest, example.get(kind, "") if kind != "right" else ""])
    return rows


def main() -> None:
    """Read what a system found, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--datasets", type=Path, default=Path("../shared/datasets"), help="folder of the public data sets")
    parser.add_argument("--work", type=Path, default=ROOT / "models" / "quality", help="where the predictions are")
    parser.add_argument("--system", default="bi")
    options = parser.parse_args()
    results = json.loads((RESULTS / "quality.json").read_text(encoding="utf-8"))["results"]
    threshold = next(result["threshold"] for result in results if result["system"] == options.system)
    rows = []
    for name in DEV_9:
        file = options.work / "predictions" / options.system / f"benchmark_{name}.json"
        rows += errors_of(benchmark_set(options.datasets, name), json.loads(file.read_text(encoding="utf-8")), threshold)
    header = ["set", "kind", "spans", "commonest (gold > found)", "an example"]
    title = f"What goes wrong: {options.system}"
    write_table(RESULTS / "quality_errors.md", title=title, doc=__doc__ or "", header=header, rows=rows, facts=machine())


if __name__ == "__main__":
    main()
