"""Make a test of unseen attributes out of the training data of data/products: test_ood is for reporting, not for choosing.

    python benchmarks/held_out_products.py

A share of all brands, product types and colors of train and validation is held out. Texts without any of them are trained on,
texts whose brands, types and colors are all held out are tested on, and the rest is left out.
"""

import json
import random
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
HELD_OUT = {"BRAND": 0.3, "TYPE": 0.3, "COLOR": 0.3}


def values_of(row: dict[str, Any]) -> list[tuple[str, str]]:
    """Label and lower-cased text of the mentions whose values may be held out."""
    spans = (span for span in row["char_spans"] if span["label"] in HELD_OUT)
    return [(span["label"], row["text"][span["start"] : span["end"]].lower()) for span in spans]


def split(rows: list[dict[str, Any]], seed: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Texts to train on, and texts to test on."""
    values = sorted({pair for row in rows for pair in values_of(row)})
    rng = random.Random(seed)
    held = {pair for pair in values if rng.random() < HELD_OUT[pair[0]]}
    train = [row for row in rows if not held.intersection(values_of(row))]
    test = [row for row in rows if values_of(row) and held.issuperset(values_of(row))]
    return train, test


def main() -> None:
    source, target = ROOT / "data" / "products", ROOT / "models" / "held_out_products"
    files = [source / f"{name}.jsonl" for name in ("train", "validation")]
    rows = [json.loads(line) for file in files for line in file.read_text(encoding="utf-8").splitlines()]
    train, test = split(rows, seed=0)
    random.Random(0).shuffle(train)
    target.mkdir(parents=True, exist_ok=True)
    (target / "labels.json").write_bytes((source / "labels.json").read_bytes())
    parts = {"validation": train[:300], "train": train[300:], "test_held_out": test}
    for name, own in parts.items():
        lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in own)
        (target / f"{name}.jsonl").write_text("".join(lines), encoding="utf-8")
        print(f"{target.relative_to(ROOT)}/{name}.jsonl: {len(own)} texts")


if __name__ == "__main__":
    main()
