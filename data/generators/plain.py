"""Texts of all kinds without annotation, for a training with a teacher: `plain/*.txt`, one text a line.

`python data/generators/plain.py FILE...` checks files and says what is wrong with them.
"""

import random
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "plain"
SEED = 0


def read(files: Iterable[Path]) -> tuple[list[str], list[str]]:
    """Return the texts of files, and what is wrong with them."""
    texts: dict[str, None] = {}
    problems: list[str] = []
    for file in files:
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
            text = line.replace("\\n", "\n")
            if not text.strip() or text != text.strip():
                problems.append(f"{file.name}:{number}: the text is empty, or begins or ends with a space")
            if text in texts:
                problems.append(f"{file.name}:{number}: the text is there already")
            texts[text] = None
    return list(texts), problems


def generate() -> dict[str, list[dict[str, Any]]]:
    """The records, all of them for training."""
    texts, problems = read(sorted(FOLDER.glob("*.txt")))
    assert not problems, problems[0]
    random.Random(SEED).shuffle(texts)
    return {"train": [{"text": text, "char_spans": [], "labels": []} for text in texts]}


def labels() -> dict[str, dict[str, str]]:
    """No types."""
    return {}


def main() -> int:
    """Check files."""
    texts, problems = read(map(Path, sys.argv[1:]))
    print("\n".join(problems))
    print(f"{len(texts)} texts of {sum(len(text.split()) for text in texts) / max(len(texts), 1):.1f} words")
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main())
