"""Sentences tagged by one process and by two actors of Ray on the same machine, of which one is killed: lines, speed, memory.

python benchmarks/ray_engine.py [--num_texts 100000] [--output benchmarks/results/ray.md]

Each row is the command `spanmatch tag` as a process of its own, with one thread a process. "Killed" is SIGKILL when half of the
lines are written: of an actor, which Ray starts again; or of the command, which is then given again. Every file must be, byte for
byte, that of one process, else the benchmark fails.
"""

import argparse
import hashlib
import itertools
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from common import RESULTS, machine, write_table

ROOT = Path(__file__).parent.parent
SETS = ("everyday", "mixed", "open_types", "products")
TYPES = "person,organization,location,date or time,product"
ONE_PROCESS: list[str] = []
TWO_ACTORS = ["--engine", "ray", "--num_workers", "2"]


def write_texts(path: Path, count: int) -> None:
    """Write so many sentences of the data that ships, in another order each time that all are used up."""
    rows = [line for name in SETS for line in (ROOT / "data" / name / "train.jsonl").open(encoding="utf-8")]
    texts = sorted({json.loads(line)["text"] for line in rows})
    rng = random.Random(0)
    cycles: Iterator[str] = itertools.chain.from_iterable(rng.sample(texts, len(texts)) for _ in itertools.count())
    with path.open("w", encoding="utf-8") as file:
        for number, text in enumerate(itertools.islice(cycles, count)):
            file.write(json.dumps({"id": number, "text": text}, ensure_ascii=False) + "\n")


def actors(root: int) -> list[int]:
    """Find the processes of Ray's actors that tag, below a process (Linux)."""
    parents, found = {}, []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(path.name)] = int((path / "stat").read_text().rpartition(")")[2].split()[1])
            if (path / "cmdline").read_bytes().startswith(b"ray::MapWorker"):
                found.append(int(path.name))
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has just ended

    def is_below(number: int) -> bool:
        return number == root or (number in parents and is_below(parents[number]))

    return [number for number in found if is_below(number)]


def memory(number: int) -> int:
    """Return the resident memory of a process in MB, 0 if it is gone."""
    try:
        return int(Path(f"/proc/{number}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") >> 20
    except (FileNotFoundError, ProcessLookupError):
        return 0


class Run:
    """Runs the command until it ends, and may kill something half-way."""

    def __init__(self, source: Path, output: Path, arguments: list[str], half: int) -> None:
        self.output, self.half = output, half
        command = ["-m", "spanmatch", "tag", source, "--types", TYPES, "--output", output, *arguments]
        self.command = [sys.executable, *map(str, command)]
        self.seconds, self.peak, self.peak_of_first_half = 0.0, 0, 0

    def go(self, kill: Callable[[int], int] | None = None) -> None:
        """Run the command; `kill` gets its process at half of the lines, and returns the process to end."""
        start = time.monotonic()
        environment = os.environ | {"OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
        with self.output.with_suffix(".log").open("ab") as log:
            process = subprocess.Popen(self.command, cwd=ROOT, env=environment, stdout=log, stderr=log)
        partial, num_lines, position = Path(f"{self.output}.partial"), 0, 0
        while process.poll() is None:
            time.sleep(0.2)
            self.peak = max(self.peak, memory(process.pid))
            if num_lines < self.half and partial.exists():
                with partial.open("rb") as file:
                    file.seek(position)
                    new = file.read()
                num_lines, position = num_lines + new.count(b"\n"), position + len(new)
                if num_lines >= self.half:
                    self.peak_of_first_half = self.peak
                    if kill is not None:
                        os.kill(kill(process.pid), signal.SIGKILL)
        self.seconds += time.monotonic() - start
        self.status = process.returncode


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--num_texts", type=int, default=100_000)
    parser.add_argument("--output", type=Path, default=RESULTS / "ray.md")
    given = parser.parse_args()
    rows, digests = [], set()
    with tempfile.TemporaryDirectory(prefix="spanmatch-") as folder:
        source = Path(folder) / "texts.jsonl"
        write_texts(source, given.num_texts)
        for name, arguments, kill in (
            ("one process", ONE_PROCESS, None),
            ("two actors", TWO_ACTORS, None),
            ("two actors, one killed", TWO_ACTORS, lambda number: actors(number)[0]),
            ("two actors, the command killed and given again", TWO_ACTORS, lambda number: number),
        ):
            output = Path(folder) / f"{len(rows)}.jsonl"
            run = Run(source, output, arguments, given.num_texts // 2)
            run.go(kill)
            if run.status == -signal.SIGKILL:
                run.go()
            assert run.status == 0, output.with_suffix(".log").read_text(encoding="utf-8")
            content = output.read_bytes()
            digests.add(hashlib.sha256(content).hexdigest())
            speed = given.num_texts / run.seconds
            memory_shown = f"{run.peak_of_first_half:,} / {run.peak:,}"
            rows.append([name, f"{content.count(10):,}", hashlib.sha256(content).hexdigest()[:16], f"{run.seconds:.0f}"])
            rows[-1] += [f"{speed:.0f}", memory_shown]
            print(" | ".join(rows[-1]), flush=True)
    write_table(
        given.output,
        title=f"Ray: {given.num_texts:,} sentences",
        doc=str(__doc__),
        header=["", "lines", "SHA-256 of the file", "seconds", "texts/s", "memory of the command, MB: half-way / at most"],
        rows=rows,
        facts=machine() | {"model": "spanmatch-mini", "types": TYPES, "seconds": "from the start of the command to its end"},
    )
    assert len(digests) == 1, "the files differ"


if __name__ == "__main__":
    main()
