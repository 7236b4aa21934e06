"""Scheduling messages (NAME, EMAIL, DATE, TIME) as people write them: chat, mail, dictation, forms, typos."""

import random
from typing import Any

from spanmatch.baselines.filling import sample

from .names import FIRST, LAST
from .scheduling_lexicons import LEXICONS
from .scheduling_patterns import HELD_OUT_PATTERNS, PATTERNS

NUM_TRAIN = 200
NUM_VALIDATION = 50

_LABELS = {
    "NAME": ("name", "A person's name, first, last, initials or chat handle, without title or greeting"),
    "EMAIL": ("email", "A complete email address, without angle brackets, the word mailto or closing punctuation"),
    "DATE": ("date", "A calendar day, weekday, period or relative day such as tomorrow, in two weeks or end of Q3"),
    "TIME": ("time", "A clock time, range of times or part of a day, with its am, pm or time zone"),
}


def labels() -> dict[str, dict[str, str]]:
    """Return name and description of every type."""
    return {tag: {"name": name, "description": description} for tag, (name, description) in _LABELS.items()}


def generate(seed: int = 0) -> dict[str, list[dict[str, Any]]]:
    """Make both splits; three fifths of the validation messages follow patterns that train does not use."""
    rng = random.Random(f"scheduling {seed}")
    lexicons = {**LEXICONS, "first": FIRST, "last": LAST}
    seen: set[str] = set()
    train = list(sample(PATTERNS, lexicons, NUM_TRAIN, rng, seen))
    num_held_out = NUM_VALIDATION * 3 // 5
    validation = list(sample(HELD_OUT_PATTERNS, lexicons, num_held_out, rng, seen))
    validation += sample(PATTERNS, lexicons, NUM_VALIDATION - num_held_out, rng, seen)
    rng.shuffle(train)
    rng.shuffle(validation)
    return {"train": train, "validation": validation}
