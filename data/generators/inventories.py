"""A set of long texts, each annotated for a whole inventory of types, as a data set of its own would be.

`inventories/*.txt` hold the texts and the inventories, each above the texts that are annotated for all of it:

    = researcher: people who do research in the field, by name
    = person: people who are named and are no researchers
    [Ada Karlsen|researcher] sold the patent to [Tom Reuter|person].

A line with "=" below a text begins the next inventory. What is not in brackets is no mention of any type of the inventory. Names of
types recur with another meaning: "person" is everybody where there is no "researcher". So each inventory has tags of its own.
`python data/generators/inventories.py FILE...` checks files and says what is wrong with them.
"""

import json
import random
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

if __package__:
    from generators.marked import read_marked
else:  # started as a script, to check files
    from marked import read_marked

FOLDER = Path(__file__).parent / "inventories"
VALIDATION_SHARE = 0.05
SEED = 0
# How many types the second list of a text has; the first has all.
SIZES = (1, 2, 3, 4, 6, 8)
FEWEST_TYPES = 4


class Annotated(NamedTuple):
    """A text with its spans, whose labels are names of types, and its inventory: what each type means, by name."""

    text: str
    spans: list[dict[str, Any]]
    inventory: str
    types: Mapping[str, str]


def read(files: Iterable[Path]) -> tuple[list[Annotated], list[str]]:
    """Return the texts of files, and what is wrong with them."""
    texts: list[Annotated] = []
    problems: list[str] = []
    seen: set[str] = set()
    for file in files:
        types: dict[str, str] = {}
        number_of_inventory, has_texts = 0, True
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
            found: list[str] = []
            if not line.strip() or line.startswith("# "):  # "#tag" begins a message
                continue
            if line.startswith("="):
                if has_texts:
                    types, has_texts, number_of_inventory = {}, False, number_of_inventory + 1
                name, _, meaning = (part.strip() for part in line[1:].partition(":"))
                if not name or not meaning:
                    found.append("a type is '= name: what it means'")
                found += [f"'{name}' is in the inventory already"] * (name.lower() in types)
                types[name.lower()] = meaning
            else:
                has_texts = True
                text, spans, found = read_marked(line.replace("\\n", "\n"))
                found += [f"'{span['label']}' is not in the inventory" for span in spans if span["label"] not in types]
                found += ["the text is there already"] * (text in seen)
                found += [f"the inventory has fewer than {FEWEST_TYPES} types"] * (len(types) < FEWEST_TYPES)
                seen.add(text)
                texts.append(Annotated(text, spans, f"{file.stem} {number_of_inventory}", types))
            problems += [f"{file.name}:{number}: {problem}" for problem in found]
    return texts, problems


def record_of(own: Annotated, types: Iterable[str]) -> dict[str, Any]:
    """Return a text as it is annotated for some types of its inventory."""
    tags = {name: f"{own.inventory}: {name}" for name in types}
    spans = [span | {"label": tags[span["label"]]} for span in own.spans if span["label"] in tags]
    return {"text": own.text, "char_spans": spans, "labels": sorted(tags.values())}


def _drawn(rng: random.Random, own: Annotated) -> list[str]:
    """Return some types of the inventory; one that the text mentions comes first, if there is any."""
    mentioned = sorted({span["label"] for span in own.spans})
    first = rng.sample(mentioned, min(1, len(mentioned)))
    others = [name for name in own.types if name not in first]
    rng.shuffle(others)
    return [*first, *others][: min(rng.choice(SIZES), len(own.types) - 1)]


def generate() -> dict[str, list[dict[str, Any]]]:
    """The records of each split, two of each text."""
    texts, problems = read(sorted(FOLDER.glob("*.txt")))
    assert not problems, problems[0]
    rng = random.Random(SEED)
    rng.shuffle(texts)
    size = round(VALIDATION_SHARE * len(texts))
    made = {}
    for split, part in {"validation": texts[:size], "train": texts[size:]}.items():
        records = [record for own in part for record in (record_of(own, own.types), record_of(own, _drawn(rng, own)))]
        rng.shuffle(records)
        made[split] = records
    return made


def labels() -> dict[str, dict[str, str]]:
    """Every type of every inventory with its name and its description."""
    texts, _ = read(sorted(FOLDER.glob("*.txt")))
    tags = {f"{own.inventory}: {name}": (name, meaning) for own in texts for name, meaning in own.types.items()}
    return {tag: {"name": name, "description": meaning} for tag, (name, meaning) in sorted(tags.items())}


def main() -> int:
    """Check files, and say how many mentions each type has."""
    texts, problems = read(map(Path, sys.argv[1:]))
    print("\n".join(problems))
    words = sum(len(own.text.split()) for own in texts) / max(len(texts), 1)
    counts: dict[str, Counter[str]] = {}
    for own in texts:
        counts.setdefault(own.inventory, Counter(dict.fromkeys(own.types, 0))).update(span["label"] for span in own.spans)
    for inventory, types in counts.items():
        print(f"{inventory}: {json.dumps(dict(types.most_common()), ensure_ascii=False)}")
    mentions = sum(len(own.spans) for own in texts)
    print(json.dumps({"texts": len(texts), "words a text": round(words, 1), "mentions": mentions, "inventories": len(counts)}))
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main())
