"""Make a test of unseen attributes out of the training data of data/products: test_ood is for reporting, not for choosing.

    python benchmarks/held_out_products.py

A share of all words of brands, product types, colors and materials of train and validation is held out. Texts without any of
them are trained on, texts whose attributes of these types consist of held-out words alone are tested on, the rest is left out.
"""

import json
import random
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
LABELS = {"BRAND", "TYPE", "COLOR", "MATERIAL"}
SHARE = 0.5
Word = tuple[str, str]


def words_of(row: dict[str, Any]) -> set[Word]:
    """Label and word, lower-cased, of the attributes whose words may be held out."""
    spans = [(span["label"], row["text"][span["start"] : span["end"]]) for span in row["char_spans"] if span["label"] in LABELS]
    return {(label, word) for label, text in spans for word in re.findall(r"\w+", text.lower())}


def split(rows: list[dict[str, Any]], seed: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Texts to train on, and texts to test on."""
    rng = random.Random(seed)
    held = {word for word in sorted({word for row in rows for word in words_of(row)}) if rng.random() < SHARE}
    train = [row for row in rows if not held & words_of(row)]
    test = [row for row in rows if words_of(row) and words_of(row) <= held]
    return train, test


def main() -> None:
    source, target = ROOT / "data" / "products", ROOT / "models" / "held_out_products"
    files = [source / f"{name}.jsonl" for name in ("train", "validation")]
    rows = [json.loads(line) for file in files for line in file.read_text(encoding="utf-8").splitlines()]
    train, test = split(rows, seed=0)
    random.Random(0).shuffle(train)
    target.mkdir(parents=True, exist_ok=True)
    (target / "labels.json").write_bytes((source / "labels.json").read_bytes())
    parts = {"validation": train[:100], "train": train[100:], "test_held_out": test}
    for name, own in parts.items():
        lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in own)
        (target / f"{name}.jsonl").write_text("".join(lines), encoding="utf-8")
        print(f"{target.relative_to(ROOT)}/{name}.jsonl: {len(own)} texts")


if __name__ == "__main__":
    main()
