"""What the tests of `spanmatch tag` share: texts, the files that hold them, and the command as a process of its own."""

import gzip
import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow
from helpers_e2e import ROOT, Result, offline_environment, sentences, spanmatch
from pyarrow import parquet

TYPES = "person,city,company"


def make_texts(count: int, seed: int = 0) -> list[str]:
    """Sentences of one to four short ones: batches of several lengths."""
    rng = random.Random(seed)
    pieces = [row["text"] for row in sentences(200, seed)]
    return [" ".join(rng.choices(pieces, k=rng.randint(1, 4))) for _ in range(count)]


def write_source(path: Path, records: Sequence[dict[str, Any]], column: str = "text") -> Path:
    """Records as the suffix says: .txt, .jsonl, .parquet, the first two also .gz."""
    if path.suffix == ".parquet":
        parquet.write_table(pyarrow.Table.from_pylist(list(records)), path, row_group_size=7)
        return path
    is_text = ".txt" in path.suffixes
    lines = [record[column] if is_text else json.dumps(record, ensure_ascii=False) for record in records]
    content = "".join(f"{line}\n" for line in lines).encode()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


# What every kind of file is tried with.
TEXTS = [*make_texts(20), "", "Zoë — naïve café, 東京", 'a "quoted" \\ text\twith a tab']


def tag(checkpoint: Path, source: object, *arguments: object) -> Result:
    """`spanmatch tag` in this process, which prints what it finds."""
    return spanmatch("tag", checkpoint, source, "--types", TYPES, *arguments)


def refused(result: Result, *parts: str) -> None:
    """One line that says all of this, nothing printed."""
    assert result.status == 2 and result.out == "", result
    lines = result.err.splitlines()
    assert len(lines) == 1 and lines[0].startswith("error: "), result.err
    for part in parts:
        assert part in lines[0], (part, lines[0])


def tagged(checkpoint: Path, source: object, output: Path, *arguments: object) -> bytes:
    """What `spanmatch tag` in this process writes."""
    result = tag(checkpoint, source, "--output", output, *arguments)
    assert result.status == 0, result.err
    assert not list(output.parent.glob(f"{output.name}.partial*"))
    return output.read_bytes()


def start_tagging(checkpoint: Path, source: object, *arguments: object, **options: Any) -> "subprocess.Popen[str]":
    """`spanmatch tag` as a process of its own, with a process group of its own.

    Ctrl-C reaches it also where the tests run in the background of a shell, which has what it starts there ignore it.
    """
    command = [sys.executable, "-m", "spanmatch", "tag", checkpoint, source, "--types", TYPES, *arguments]
    given = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
    return subprocess.Popen(
        list(map(str, command)),
        cwd=ROOT,
        env=offline_environment(),
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        **given,
    )


def wait_until(holds: Callable[[], object], process: "subprocess.Popen[str] | None" = None, seconds: float = 90) -> bool:
    """Wait until something holds; False where the process ended before."""
    until = time.monotonic() + seconds
    while not holds():
        if process is not None and process.poll() is not None:
            return False
        assert time.monotonic() < until, "it takes too long"
        time.sleep(0.005)
    return True


def num_bytes(path: Path) -> int:
    """The size of a file that may not be there."""
    return path.stat().st_size if path.exists() else 0


def num_lines(path: Path) -> int:
    """The whole lines of a file that may not be there."""
    return path.read_bytes().count(b"\n") if path.exists() else 0


def children(process: "subprocess.Popen[str]") -> list[int]:
    """The workers of a process (Linux)."""
    tasks = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    found = [int(number) for number in tasks.read_text().split()] if tasks.exists() else []
    return [number for number in found if b"spawn_main" in Path(f"/proc/{number}/cmdline").read_bytes()]


def is_alive(number: int) -> bool:
    """Whether a process is there and no zombie."""
    status = Path(f"/proc/{number}/stat")
    return status.exists() and status.read_text().rpartition(")")[2].split()[0] != "Z"


def kill(process: "subprocess.Popen[str]") -> None:
    """SIGKILL, then wait."""
    process.send_signal(signal.SIGKILL)
    process.communicate()
