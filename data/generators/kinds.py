"""Texts in which every mention of every kind is marked: each is completely annotated for any type that is a set of kinds."""

import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

if __package__:
    from generators.marked import read_marked
else:  # a script that checks files
    from marked import read_marked


class Marked(NamedTuple):
    """A text with its spans by kind, and the heading that it stands under."""

    text: str
    spans: list[dict[str, Any]]
    heading: str


def read(files: Iterable[Path], kinds: Collection[str]) -> tuple[list[Marked], list[str]]:
    """Return the texts of files, and what is wrong with them."""
    texts: list[Marked] = []
    problems: list[str] = []
    for file in files:
        found, wrong = read_lines(file.read_text(encoding="utf-8").splitlines(), file.name, kinds)
        known = {own.text for own in texts}
        problems += wrong + [f"{file.name}: is in another file, too: '{own.text[:60]}'" for own in found if own.text in known]
        texts += found
    return texts, problems


def read_lines(lines: Iterable[str], name: str, kinds: Collection[str]) -> tuple[list[Marked], list[str]]:
    """Return what the lines of one file say, and what is wrong with them."""
    texts, problems, seen, heading = [], [], set(), ""
    for number, line in enumerate(lines, 1):
        if line.startswith("# "):  # "#tag" begins a message
            heading = line[2:].strip()
        elif line.strip():
            text, spans, found = read_marked(line.replace("\\n", "\n"))
            found += [f"unknown kind '{span['label']}'" for span in spans if span["label"] not in kinds]
            found += ["the text is there already"] * (text in seen)
            seen.add(text)
            problems += [f"{name}:{number}: {problem}" for problem in found]
            texts.append(Marked(text, spans, heading))
    return texts, problems


def record_of(text: str, spans: Iterable[dict[str, Any]], types: Mapping[str, Collection[str]]) -> dict[str, Any]:
    """Return a text as it is annotated for some types, given as sets of kinds."""
    name_of = {kind: name for name, kinds in types.items() for kind in kinds}
    named = [span | {"label": name_of[span["label"]]} for span in spans if span["label"] in name_of]
    return {"text": text, "char_spans": named, "labels": sorted(types)}


def report(texts: Collection[Marked], problems: Collection[str]) -> int:
    """Print what is wrong with files and how many mentions of each kind they have; return the exit status."""
    print("\n".join(problems))
    kinds = Counter(span["label"] for own in texts for span in own.spans)
    print(json.dumps({"texts": len(texts), "mentions": kinds.total(), "kinds": dict(kinds.most_common())}))
    return bool(problems)
