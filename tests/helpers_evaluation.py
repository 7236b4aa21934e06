"""Mentions and scored mentions for the tests of the evaluation, and an evaluation as a user starts it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from helpers_e2e import Result, evaluate, read_json, read_jsonl
from hypothesis import strategies as st

from spanmatch.entities import Mention

Wanted = Mapping[str, Mapping[tuple[str, str], float]]
TYPES = ["city", "company", "person"]
LONG = "Ada Lovelace slept . " + "It rained again in Hooli . " * 30 + "Bob met Eva Novak in Cape Town"


def m(start: int, end: int, label: str) -> Mention:
    """Make a mention."""
    return Mention(start=start, end=end, label=label)


def overlap(left: Mention, right: Mention) -> bool:
    """Tell whether two mentions overlap."""
    return max(left.start, right.start) < min(left.end, right.end)


# Few positions and labels, so that overlaps, duplicates and exact matches are common.
mention = st.builds(
    lambda start, width, label: m(start, start + width, label), st.integers(0, 6), st.integers(1, 4), st.sampled_from("xyz")
)
mentions = st.lists(mention, max_size=6)
example_pairs = st.lists(st.tuples(mentions, mentions), max_size=6)
scored_mentions = st.lists(st.tuples(mention, st.sampled_from([0.05, 0.1, 0.25, 0.5, 0.6, 0.75, 0.9, 1.0])), max_size=8)


def run(checkpoint: Path, file: object, output_dir: Path, *flags: object) -> tuple[dict[str, Any], list[dict[str, Any]], Result]:
    """Run evaluate_bi_encoder.py; return metrics.json, predictions.jsonl and how it ended."""
    arguments = ["--pretrained_model_name_or_path", checkpoint, "--evaluation_file", file, "--output_dir", output_dir]
    result = evaluate(*arguments, "--dtype", "float32", "--device", "cpu", *flags)
    assert result.status == 0, result.err
    return read_json(output_dir / "metrics.json"), read_jsonl(output_dir / "predictions.jsonl"), result


def recount(lines: Sequence[Mapping[str, Any]]) -> tuple[int, int, int]:
    """Count true positives, predictions and gold of predictions.jsonl. Gold off the token boundaries is never hit."""
    right = predicted = gold = 0
    for line in lines:
        found = {(item["start"], item["end"], item["label"]) for item in line["predicted"]}
        wanted = {(item["start"], item["end"], item["label"], item.get("off_boundary", False)) for item in line["gold"]}
        right += sum((*item, False) in wanted for item in found)
        predicted += len(found)
        gold += len(wanted)
    return right, predicted, gold


def example(text: str, *gold: tuple[str, str]) -> dict[str, Any]:
    """Make a record with spans given by their surface (its last occurrence)."""
    found = [
        {"start": text.rindex(surface), "end": text.rindex(surface) + len(surface), "label": label} for surface, label in gold
    ]
    return {"text": text, "tokens": text.split(), "char_spans": found, "labels": TYPES}


# What each text has.
ROWS = [
    example("Ada Lovelace moved to Paris .", ("Ada Lovelace", "person"), ("Paris", "city")),
    example("The Acme Works of New York City hired .", ("The Acme Works of New York City", "company")),  # seven words: too wide
    example("Acme Corp Paris hired .", ("Acme Corp Paris", "company"), ("Paris", "city")),  # nested
    example(LONG, ("Ada Lovelace", "person"), ("Hooli", "company"), ("Eva Novak", "person"), ("Cape Town", "city")),  # windows
    example("Ada Lovelace moved to Paris .", ("Ada Lovelace", "person")),  # the first text again, with less gold
    example(""),
    example(" \n "),
    example("Adas hat", ("Ada", "person")),  # off the boundary of a word
    example("Nobody was there ."),
    example("Globex was there ."),
]
# What the fixture `oracle` makes the model score above zero: (surface, label): logit.
WANTED: Wanted = {
    "Ada Lovelace moved to Paris .": {("Ada Lovelace", "person"): 10, ("Paris", "city"): 10},
    "The Acme Works of New York City hired .": {("The Acme Works of New York City", "company"): 10},
    "Acme Corp Paris hired .": {("Acme Corp Paris", "company"): 10, ("Paris", "city"): 9},
    LONG: {("Ada Lovelace", "person"): 10, ("Eva Novak", "person"): 10, ("Cape Town", "city"): 10},
    "Adas hat": {("Adas", "person"): 10},
    "Globex was there .": {("Globex", "company"): 10},
}
