"""Pick the sentences of what the project wrote itself that have types named by certain words, to train on beside other data.

    python benchmarks/related_types.py brand color colour material fabric

They go to models/related_types. The types of a training file are few and its words are few; these sentences show other words
of like types. A sentence with an entity that is new in a test of data/products is left out, so that it stays new.
"""

import json
import sys
from collections.abc import Sequence
from typing import Any

from processes import ROOT

SOURCES = ("open_types", "everyday", "mixed")
TRAINED, TESTED = ("train", "validation"), ("test_id", "test_ood")


def texts_of(record: dict[str, Any]) -> set[str]:
    """The texts of the entities of a line, lower-cased."""
    return {record["text"][span["start"] : span["end"]].lower() for span in record["char_spans"]}


def texts_in(names: Sequence[str]) -> set[str]:
    """The texts of all entities in files of data/products."""
    files = (ROOT / "data" / "products" / f"{name}.jsonl" for name in names)
    return {
        text for file in files for line in file.read_text(encoding="utf-8").splitlines() for text in texts_of(json.loads(line))
    }


def main(words: list[str]) -> None:
    if not words:
        sys.exit("name words of types, such as: brand color material")
    new = texts_in(TESTED) - texts_in(TRAINED)
    lines, labels = [], {}
    for source in SOURCES:
        folder = ROOT / "data" / source
        labels |= json.loads((folder / "labels.json").read_text(encoding="utf-8"))
        for line in (folder / "train.jsonl").read_text(encoding="utf-8").splitlines(keepends=True):
            record = json.loads(line)
            named = [span["label"].lower() for span in record["char_spans"]]
            if any(word in name for name in named for word in words) and not texts_of(record) & new:
                lines.append(line)
    target = ROOT / "models" / "related_types"
    target.mkdir(parents=True, exist_ok=True)
    (target / "labels.json").write_text(json.dumps(labels, ensure_ascii=False) + "\n", encoding="utf-8")
    (target / "train.jsonl").write_text("".join(lines), encoding="utf-8")
    print(f"{target.relative_to(ROOT)}/train.jsonl: {len(lines)} sentences")


if __name__ == "__main__":
    main(sys.argv[1:])
