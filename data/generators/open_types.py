"""A set of many domains with types named at will: sentences written one by one, each with its own list of types.

`open/*.txt` hold the sentences and what every type means:

    # domain
    = type name: what it means
    [Mention|type name] text, [another|other type] -- absent type, absent type == general type = type name; general type = -

A sentence is annotated, exhaustively, for the types that it mentions and for those behind the dashes, which it does not mention.
Behind the equals signs stand general types, such as person, and the special ones that have all of their mentions in this sentence (person
= referee + striker); "-" says that there is none. Those that are absent join the list of the sentence; those that are present make a
second line, in which they stand in the place of the special ones.
`python data/generators/open_types.py FILE...` checks files and says what is wrong with them.
"""

import json
import random
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

if __package__:
    from generators.marked import read_marked
else:  # started as a script, to check files
    from marked import read_marked

FOLDER = Path(__file__).parent / "open"
VALIDATION_SHARE = 0.05


@dataclass(kw_only=True)
class Reading:
    """What files say: the records of each sentence, descriptions by type name, and complaints with their places."""

    records: list[list[dict[str, Any]]] = field(default_factory=list)
    descriptions: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    used: set[str] = field(default_factory=set)


def read(files: list[Path]) -> Reading:
    """Read sentences and descriptions of all files."""
    reading = Reading()
    seen: set[str] = set()
    for file in files:
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
            where = f"{file.name}:{number}"
            if not line.strip() or line.startswith("# "):  # "#tag" begins a message
                continue
            if line.startswith("="):
                name, _, meaning = line[1:].partition(":")
                if not name.strip() or not meaning.strip():
                    reading.problems.append(f"{where}: a description is '= type name: what it means'")
                known = reading.descriptions.get(name.strip().lower(), "")
                # Of several, the one that says most, in whatever file: files have no order that means anything.
                reading.descriptions[name.strip().lower()] = max(known, meaning.strip(), key=len)
                continue
            records = _records(line, where, reading.problems)
            if records and records[0]["text"] in seen:
                reading.problems.append(f"{where}: the sentence is there already")
            seen.update(record["text"] for record in records)
            reading.records.append(records)
            reading.used.update(name for record in records for name in record["labels"])
    return reading


def _records(line: str, where: str, problems: list[str]) -> list[dict[str, Any]]:
    special, _, general = line.partition(" == ")
    marked, _, behind = special.rpartition(" -- ")
    if not marked:
        problems.append(f"{where}: no ' -- ' before the absent types")
        return []
    absent = {name.strip().lower() for name in behind.split(",") if name.strip()}
    text, spans, found = read_marked(marked)
    problems += [f"{where}: {problem}" for problem in found]
    present = {str(span["label"]) for span in spans}
    for name in sorted(present & absent):
        problems.append(f"{where}: '{name}' is mentioned and said to be absent")
    if not absent:
        problems.append(f"{where}: name at least one absent type")
    general_of, lacking = _general(general, present, where, problems)
    labels = present | absent | (lacking - present)
    records = [{"text": text, "char_spans": spans, "labels": sorted(labels)}]
    if any(name != over for name, over in general_of.items()):
        named = [span | {"label": general_of.get(span["label"], span["label"])} for span in spans]
        others = labels - general_of.keys()
        records.append({"text": text, "char_spans": named, "labels": sorted(others | set(general_of.values()))})
    return records


def _general(given: str, present: set[str], where: str, problems: list[str]) -> tuple[dict[str, str], set[str]]:
    """Return the general type of each special one, and the general types that are absent."""
    general_of: dict[str, str] = {}
    lacking = set()
    for part in filter(str.strip, given.split(";")):
        name, _, kinds = (item.strip() for item in part.partition("="))
        if kinds == "-":
            lacking.add(name)
            continue
        for kind in map(str.strip, kinds.split("+")):
            if kind not in present:
                problems.append(f"{where}: '{name}' is said to have the mentions of '{kind}', which has none")
            if kind in general_of:
                problems.append(f"{where}: '{kind}' is in two general types")
            general_of[kind] = name
    for name in sorted(set(general_of.values()) & present - general_of.keys()):
        problems.append(f"{where}: '{name}' is a type by itself and a general one of others")
    return general_of, lacking


def generate() -> dict[str, list[dict[str, Any]]]:
    """The records of each split."""
    reading = read(sorted(FOLDER.glob("*.txt")))
    assert not reading.problems, reading.problems[0]
    records = reading.records[:]
    random.Random(0).shuffle(records)
    size = round(VALIDATION_SHARE * len(records))
    splits = {"validation": records[:size], "train": records[size:]}
    return {split: [record for both in own for record in both] for split, own in splits.items()}


def labels() -> dict[str, dict[str, str]]:
    """Every type with its name and, where it has one, its description."""
    reading = read(sorted(FOLDER.glob("*.txt")))
    return {name: {"name": name, "description": reading.descriptions.get(name, "")} for name in sorted(reading.used)}


def main() -> int:
    """Check files."""
    reading = read([Path(name) for name in sys.argv[1:]])
    print("\n".join(reading.problems))
    undescribed = sorted(reading.used - reading.descriptions.keys())
    if undescribed:
        print(f"types without a description: {', '.join(undescribed)}")
    mentions = sum(len(records[0]["char_spans"]) for records in reading.records if records)
    print(json.dumps({"sentences": len(reading.records), "types": len(reading.used), "mentions": mentions}))
    return bool(reading.problems)


if __name__ == "__main__":
    sys.exit(main())
