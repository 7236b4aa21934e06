"""A small mixed set: five domains, many described types, and some types kept back for a test of unseen types."""

import random
from types import ModuleType
from typing import Any

from spanmatch.baselines.filling import sample

from . import mixed_biomedical, mixed_film, mixed_legal, mixed_news, mixed_support
from .names import FIRST, LAST

DOMAINS: dict[str, ModuleType] = {
    "news": mixed_news,
    "biomedical": mixed_biomedical,
    "legal": mixed_legal,
    "support": mixed_support,
    "film": mixed_film,
}
NUM_TRAIN_PER_DOMAIN = 480
NUM_VALIDATION_PER_DOMAIN = 60
NUM_UNSEEN_PER_DOMAIN = 60


def labels() -> dict[str, dict[str, str]]:
    """Return name and description of every type: first those of train, then those only test_unseen has."""
    seen = {tag: entry for domain in DOMAINS.values() for tag, entry in domain.TYPES.items()}
    unseen = {tag: entry for domain in DOMAINS.values() for tag, entry in domain.UNSEEN_TYPES.items()}
    return {tag: {"name": name, "description": description} for tag, (name, description) in (seen | unseen).items()}


def unseen_tags() -> list[str]:
    """Return the types that occur in test_unseen alone."""
    return [tag for domain in DOMAINS.values() for tag in domain.UNSEEN_TYPES]


def _domain_splits(name: str, seed: int) -> dict[str, list[dict[str, Any]]]:
    """Make the records of one domain; half of its validation follows patterns that train does not use."""
    domain = DOMAINS[name]
    rng = random.Random(f"mixed {name} {seed}")
    lexicons = {**domain.LEXICONS, "first": FIRST, "last": LAST}
    texts: set[str] = set()
    train = list(sample(domain.PATTERNS, lexicons, NUM_TRAIN_PER_DOMAIN, rng, texts))
    num_held_out = NUM_VALIDATION_PER_DOMAIN // 2
    validation = list(sample(domain.HELD_OUT_PATTERNS, lexicons, num_held_out, rng, texts))
    validation += sample(domain.PATTERNS, lexicons, NUM_VALIDATION_PER_DOMAIN - num_held_out, rng, texts)
    unseen = list(sample(domain.UNSEEN_PATTERNS, lexicons, NUM_UNSEEN_PER_DOMAIN, rng, texts))
    inventory = sorted(domain.TYPES)
    for record in train + validation:
        record["labels"] = inventory
    occurring = {span["label"] for record in unseen for span in record["char_spans"]}
    for record in unseen:
        record["labels"] = sorted(occurring | set(domain.UNSEEN_TYPES))
    return {"train": train, "validation": validation, "test_unseen": unseen}


def generate(seed: int = 0) -> dict[str, list[dict[str, Any]]]:
    """Make the three splits, with the domains shuffled into each other."""
    rng = random.Random(f"mixed {seed}")
    splits: dict[str, list[dict[str, Any]]] = {"train": [], "validation": [], "test_unseen": []}
    for name in DOMAINS:
        for split, records in _domain_splits(name, seed).items():
            splits[split] += records
    for records in splits.values():
        rng.shuffle(records)
    return splits
