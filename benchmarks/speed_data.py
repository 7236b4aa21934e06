"""Texts and type names of the speed benchmark."""

import itertools
import json
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FIRST_TYPES = ("person", "organization", "location", "miscellaneous")
CROSSNER = ("crossner_ai", "crossner_literature", "crossner_science")
LONG_SOURCES = ("conll2003", "crossner_literature", "crossner_science")
LONG_WORDS = 2000
KINDS = (
    "fictional", "historical", "famous", "local", "foreign", "ancient", "modern", "proposed", "former", "minor", "national",
    "private", "public", "medical", "legal", "military", "scientific", "regional", "popular", "rare", "early", "late",
    "unnamed", "planned", "digital", "rural", "urban", "royal", "religious", "political", "academic", "industrial",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class TextSet:
    """Texts, and how many entities are annotated in one of them."""

    texts: list[str]
    entities_per_text: float

    @property
    def num_words(self) -> int:
        """Words, as white space separates them."""
        return sum(len(text.split()) for text in self.texts)


def records(file: Path) -> list[dict[str, Any]]:
    """The lines of a JSONL file."""
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def text_sets(datasets: Path, num_texts: int) -> dict[str, TextSet]:
    """The texts of each set."""
    share = -(-num_texts // len(CROSSNER))
    crossner = [record for name in CROSSNER for record in records(datasets / name / "test.jsonl")[:share]][:num_texts]
    return {
        "conll2003": _set(records(datasets / "conll2003" / "test.jsonl")[:num_texts]),
        "crossner": _set(crossner),
        "long": _long([records(datasets / name / "test.jsonl") for name in LONG_SOURCES]),
    }


def _set(rows: list[dict[str, Any]]) -> TextSet:
    return TextSet(texts=[row["text"] for row in rows], entities_per_text=sum(len(row["char_spans"]) for row in rows) / len(rows))


def _long(sources: list[list[dict[str, Any]]]) -> TextSet:
    """A document of each source: its sentences in their order, until the words are enough."""
    texts, num_entities = [], 0
    for rows in sources:
        lengths = itertools.accumulate(len(row["text"].split()) for row in rows)
        chosen = rows[: 1 + sum(1 for length in lengths if length < LONG_WORDS)]
        texts.append(" ".join(row["text"] for row in chosen))
        num_entities += sum(len(row["char_spans"]) for row in chosen)
    return TextSet(texts=texts, entities_per_text=num_entities / len(sources))


def type_names(datasets: Path, count: int, seed: int) -> list[str]:
    """Distinct names: the usual four, those of all data sets, then such with one or two words before them."""
    found: set[str] = set()
    for file in sorted(datasets.glob("*/labels.json")):
        for value in json.loads(file.read_text(encoding="utf-8")).values():
            name = value.get("name") if isinstance(value, dict) else None
            if name and name.isascii() and 2 < len(name) < 40:
                found.add(name.lower())
    names = sorted(found - set(FIRST_TYPES))
    random.Random(seed).shuffle(names)
    names = [*FIRST_TYPES, *names]
    pairs = [f"{first} {second}" for first, second in itertools.permutations(KINDS, 2)]
    longer = (f"{kind} {name}" for kind in [*KINDS, *pairs] for name in names)
    return list(dict.fromkeys(itertools.chain(names, itertools.islice(longer, 2 * count))))[:count]
