"""Write the data sets that the project ships, or check that the files on disk are what the generators write.

`python data/generate.py [--only products|scheduling|mixed|open_types|everyday|titles|inventories|plain] [--check]`
"""

import argparse
import importlib
import json
import os
import sys
from pathlib import Path

DATA_SETS = ("products", "scheduling", "mixed", "open_types", "everyday", "titles", "inventories", "plain")
DATA_DIR = Path(__file__).resolve().parent


def render(data_set: str) -> dict[Path, bytes]:
    """Return the bytes of every file that a data set's generator makes, by path."""
    module = importlib.import_module(f"generators.{data_set}")
    files: dict[Path, bytes] = {}
    for split, records in module.generate().items():
        lines = [json.dumps(record, ensure_ascii=False, separators=(",", ":")) + "\n" for record in records]
        files[DATA_DIR / data_set / f"{split}.jsonl"] = "".join(lines).encode("utf-8")
    labels = module.labels()
    if labels:
        content = json.dumps(labels, ensure_ascii=False, indent=2) + "\n"
        files[DATA_DIR / data_set / "labels.json"] = content.encode("utf-8")
    return files


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file beside its final place and move it there, so that no reader sees half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        partial.write_bytes(content)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def is_current(path: Path, content: bytes) -> bool:
    """Say whether the file exists and has exactly these bytes."""
    return path.is_file() and path.read_bytes() == content


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=DATA_SETS, help="make this data set and no other")
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if a file is missing or differs")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Make the data sets asked for and return the exit status."""
    options = parse_arguments(arguments)
    for place in (DATA_DIR.parent, DATA_DIR):  # the package, whose patterns are filled, and the generators
        if str(place) not in sys.path:
            sys.path.insert(0, str(place))
    stale = 0
    for data_set in (options.only,) if options.only else DATA_SETS:
        for path, content in render(data_set).items():
            if is_current(path, content):
                continue
            stale += 1
            if options.check:
                print(f"{path}: missing or not what the generator writes; run python data/generate.py --only {data_set}")
            else:
                write_atomically(path, content)
                print(f"wrote {path} ({len(content):,} bytes)")
    return 1 if options.check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
