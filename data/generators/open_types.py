"""A set of many domains with types named at will: sentences written one by one, each with its own list of types.

`open/*.txt` hold the sentences and what every type means:

    # domain
    = type name: what it means
    [Mention|type name] text, [another|other type] -- absent type, absent type

A sentence is annotated, exhaustively, for the types that it mentions and for those behind the dashes, which it does not mention.
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
    """What files say: sentences as records, descriptions by type name, and complaints with their places."""

    records: list[dict[str, Any]] = field(default_factory=list)
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
            record = _record(line, where, reading.problems)
            if record is None:
                continue
            if record["text"] in seen:
                reading.problems.append(f"{where}: the sentence is there already")
            seen.add(str(record["text"]))
            reading.records.append(record)
            reading.used.update(record["labels"])
    return reading


def _record(line: str, where: str, problems: list[str]) -> dict[str, Any] | None:
    marked, _, behind = line.rpartition(" -- ")
    if not marked:
        problems.append(f"{where}: no ' -- ' before the absent types")
        return None
    absent = [name.strip().lower() for name in behind.split(",") if name.strip()]
    text, spans, found = read_marked(marked)
    problems += [f"{where}: {problem}" for problem in found]
    present = {str(span["label"]) for span in spans}
    for name in sorted(present & set(absent)):
        problems.append(f"{where}: '{name}' is mentioned and said to be absent")
    if not absent:
        problems.append(f"{where}: name at least one absent type")
    labels = sorted(present | set(absent))
    return {"text": text, "char_spans": spans, "labels": labels}


def generate() -> dict[str, list[dict[str, Any]]]:
    """The records of each split."""
    reading = read(sorted(FOLDER.glob("*.txt")))
    assert not reading.problems, reading.problems[0]
    records = reading.records[:]
    random.Random(0).shuffle(records)
    size = round(VALIDATION_SHARE * len(records))
    return {"validation": records[:size], "train": records[size:]}


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
    mentions = sum(len(record["char_spans"]) for record in reading.records)
    print(json.dumps({"sentences": len(reading.records), "types": len(reading.used), "mentions": mentions}))
    return bool(reading.problems)


if __name__ == "__main__":
    sys.exit(main())
