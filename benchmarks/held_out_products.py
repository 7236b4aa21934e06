"""Make a test of unseen attributes out of what data/products is made of: test_ood is for reporting, not for choosing.

    python benchmarks/held_out_products.py

The lexicon of the training data is cut in two: categories with their product types and brands, templates, and colors, of
which the plain ones are trained on. From one part come texts to train on, from the other texts to test on; materials, sizes
and genders are in both, as in test_ood.
Nothing of the lexicon of test_ood is read.
"""

import json
import random
import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "data"))

from generators.products import QUERIES, TITLES, Source, draw_records, labels  # noqa: E402
from generators.products_lexicon import Lexicon, id_lexicon  # noqa: E402

SIZES = {"train": 4500, "validation": 500, "test_held_out": 1000}
SHARE = 0.6  # of the categories, to train on
# Colors of these words are trained on, all others are tested on ("sage", "plum"): as in test_ood, where colors are rare ones.
BASIC = {
    "black", "white", "grey", "gray", "red", "blue", "green", "yellow", "orange", "pink", "purple", "brown", "light", "dark",
    "navy", "silver", "gold",
}  # fmt: skip


def chosen(items: Iterable[str], share: float, rng: random.Random) -> set[str]:
    """Draw a share of items."""
    pool = sorted(set(items))
    return set(rng.sample(pool, round(len(pool) * share)))


def part_of(lexicon: Lexicon, categories: set[str], colors: set[str]) -> Lexicon:
    """Return the groups and brands of some categories, and palettes of some colors."""
    palettes = {name: tuple(color for color in palette if color in colors) for name, palette in lexicon.palettes.items()}
    groups = tuple(group for group in lexicon.groups if group.category in categories)
    return replace(lexicon, groups=groups, palettes=palettes)


def main() -> None:
    rng, lexicon = random.Random(0), id_lexicon()
    all_categories = {group.category for group in lexicon.groups}
    categories = chosen(all_categories, SHARE, rng)
    all_colors = {color for palette in lexicon.palettes.values() for color in palette}
    colors = {color for color in all_colors if set(re.findall(r"\w+", color)) <= BASIC}
    titles, queries = chosen(TITLES, 0.8, rng), chosen(QUERIES, 0.8, rng)

    def source(lexicon: Lexicon, titles: Sequence[str], queries: Sequence[str]) -> Source:
        return Source(lexicon=lexicon, titles=tuple(titles), queries=tuple(queries), accessories=())

    known = source(part_of(lexicon, categories, colors), sorted(titles), sorted(queries))
    # New templates weigh more, as in test_ood.
    other = source(
        part_of(lexicon, all_categories - categories, all_colors - colors),
        [*TITLES, *sorted(set(TITLES) - titles)],
        [*QUERIES, *sorted(set(QUERIES) - queries)],
    )
    target, seen = ROOT / "models" / "held_out_products", set[str]()
    target.mkdir(parents=True, exist_ok=True)
    (target / "labels.json").write_text(json.dumps(labels(), indent=1) + "\n", encoding="utf-8")
    for name, size in SIZES.items():
        records = draw_records(other if name == "test_held_out" else known, size, random.Random(name), seen)
        lines = (json.dumps(record, ensure_ascii=False) + "\n" for record in records)
        (target / f"{name}.jsonl").write_text("".join(lines), encoding="utf-8")
        print(f"{target.relative_to(ROOT)}/{name}.jsonl: {len(records)} texts")


if __name__ == "__main__":
    main()
