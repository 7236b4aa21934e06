"""What a list costs: the same types on the same texts, asked for alone, among four and among forty.

    python benchmarks/lists.py                            # the checkpoint that ships
    python benchmarks/lists.py --model models/mine

One threshold holds for every list: the stored one. Texts are those of CoNLL-2003 test (person, organization, location) and of
NCBI disease test.
"""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from common import RESULTS, machine, write_table
from quality_data import TestSet, benchmark_set
from quality_scorer import Scores
from quality_systems import ask_ours

from spanmatch.prediction.matcher import SpanMatcher
from spanmatch.prediction.shipped import DEFAULT_MODEL

SHARED = ("person", "organization", "location", "disease")
# None of them is a kind of one of the four.
OTHERS = (
    "date", "time", "money", "event", "product", "work of art", "language", "law", "award", "job title", "animal",
    "plant", "food", "drink", "medication", "chemical", "gene", "body part", "vehicle", "software", "weapon",
    "material", "color", "size", "quantity", "percentage", "age", "email address", "phone number", "url", "sport",
    "academic discipline", "theory", "algorithm", "musical instrument", "currency",
)  # fmt: skip
# Kinds of the four: what they find is taken from the general types.
SPECIAL = (
    "politician", "athlete", "coach", "actor", "musician", "writer", "scientist", "journalist", "judge", "soldier",
    "company", "sports team", "political party", "university", "government agency", "bank", "airline", "newspaper",
    "hospital", "trade union", "city", "country", "state or province", "continent", "river", "mountain", "island",
    "street", "stadium", "airport", "cancer", "infection", "genetic disorder", "mental disorder", "heart disease",
    "injury",
)  # fmt: skip
LISTS: dict[str, tuple[str, ...]] = {
    **{f"{name} alone": (name,) for name in SHARED},
    "these four": SHARED,
    "forty: these four and 36 that are no kinds of them": SHARED + OTHERS,
    "forty: these four and 36 kinds of them": SHARED + SPECIAL,
}
# What the types are called in the sets.
RENAMED = {"organisation": "organization"}


def asked(test: TestSet, types: Sequence[str]) -> TestSet:
    """A test set with another list of types, and its gold of the shared ones by their names here."""
    sentences = [
        replace(item, spans=tuple((start, end, RENAMED.get(name, name)) for start, end, name in item.spans), names=tuple(types))
        for item in test.sentences
    ]
    return replace(test, types=dict.fromkeys(types, ""), sentences=sentences)


def main() -> None:
    """Ask for each list, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--datasets", type=Path, default=Path("../shared/datasets"), help="folder of the public data sets")
    parser.add_argument("--model", default=DEFAULT_MODEL, help=f"checkpoint folder ({DEFAULT_MODEL})")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    matcher = SpanMatcher.from_pretrained(options.model, dtype="float32")
    assert matcher.calibration is not None, "a checkpoint that ships is calibrated"
    tests = [benchmark_set(options.datasets, name) for name in ("conll2003", "ncbi_disease")]
    rows = []
    for name, types in LISTS.items():
        row = [name]
        found = [ask_ours(matcher, asked(test, types), described=False) for test in tests]
        for shared in SHARED:
            place = int(shared == "disease")
            gold = asked(tests[place], types).gold
            scores = Scores.of(found[place], gold, {shared})
            row.append(f"{100 * scores.f1(matcher.calibration.threshold):.1f}" if shared in types else "")
        rows.append(row)
        print(row, flush=True)
    title = "What a list costs: F1 of shared types"
    facts = machine() | {"model": str(options.model), "threshold": f"{matcher.calibration.threshold}"}
    write_table(RESULTS / "lists.md", title=title, doc=__doc__ or "", header=["list", *SHARED], rows=rows, facts=facts)


if __name__ == "__main__":
    main()
