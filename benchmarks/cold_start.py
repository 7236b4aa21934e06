"""What a new process waits for: seconds and memory of commands that tag one sentence, and of the imports beneath them.

    python benchmarks/cold_start.py [--peers ENVIRONMENTS] [--export FOLDER]        (a quiet machine, two minutes)

Every row is a process of its own; the rows take turns, and the first turn, which fills the cache of files, does not count.
The share of the wall time that torch alone takes is what is left to a start that imports it.
"""

import argparse
import os
import statistics
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from common import RESULTS, machine, write_table
from processes import ROOT, encoder_folder
from speed_systems import GLINER

SENTENCE = "Google was founded by Larry Page and Sergey Brin in California."
TYPES = ["--types", "person,organization,location"]
ENCODER = (
    "from transformers import AutoModel, AutoTokenizer; AutoModel.from_pretrained({0!r}); AutoTokenizer.from_pretrained({0!r})"
)
# A process begins with the peak memory of the one that starts it, so that has to be a small one.
WATCH = """
import os, sys, time
start, null = time.perf_counter(), os.open(os.devnull, os.O_WRONLY)
redirected = [(os.POSIX_SPAWN_DUP2, null, 1), (os.POSIX_SPAWN_DUP2, null, 2)]
_, status, used = os.wait4(os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=redirected), 0)
print(time.perf_counter() - start, used.ru_utime + used.ru_stime, used.ru_maxrss, os.waitstatus_to_exitcode(status))
"""
PEER = "import gliner; print(gliner.GLiNER.from_pretrained({0!r}, local_files_only=True).inference([{1!r}], {2!r}))"


def commands(options: argparse.Namespace) -> dict[str, list[str]]:
    """The command of each row."""
    python, ours = sys.executable, [sys.executable, "-m", "spanmatch"]
    found = {
        "`spanmatch --help`": [*ours, "--help"],
        "`spanmatch tag`, one sentence": [*ours, "tag", SENTENCE, *TYPES],
        "`import torch`": [python, "-c", "import torch"],
        "`import torch, transformers`, MiniLM loaded": [python, "-c", ENCODER.format(encoder_folder(Path(python)))],
    }
    if options.export is not None:
        found["`spanmatch tag EXPORT`, one sentence"] = [*ours, "tag", str(options.export), SENTENCE, *TYPES]
    if options.peers is not None:
        peer = options.peers.resolve() / GLINER[0].split("=")[0] / "bin" / "python"
        for name in ("gliner_uni", "gliner_bi"):
            if not (options.models / name).is_dir():
                continue
            given = PEER.format(str(options.models.resolve() / name), SENTENCE, ["person", "organization", "location"])
            found[f"GLiNER, {name.removeprefix('gliner_')}-encoder, one sentence"] = [str(peer), "-c", given]
    return found


def run(command: Sequence[str], threads: int) -> tuple[float, float, int]:
    """Wall and processor seconds of a process, and the most bytes that it held."""
    own = {"PYTHONPATH": str(ROOT)} if command[0] == sys.executable else {}
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"} | own
    environment |= {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": str(threads)}
    watched = [sys.executable, "-S", "-c", WATCH, *command]
    wall, cpu, memory, status = subprocess.run(watched, env=environment, check=True, capture_output=True).stdout.split()
    if int(status):
        raise SystemExit(f"{' '.join(command)[:200]}: ended with {int(status)}")
    return float(wall), float(cpu), int(memory) * (1 if sys.platform == "darwin" else 1024)


def main() -> None:
    """Read the command line, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--peers", type=Path, help="the folder of environments that benchmarks/speed.py made")
    parser.add_argument("--models", type=Path, default=ROOT / "models" / "speed", help="its checkpoints of the peers")
    parser.add_argument("--export", type=Path, help="a folder that spanmatch export wrote")
    parser.add_argument("--output", type=Path, default=RESULTS / "cold_start.md")
    options = parser.parse_args()
    asked = commands(options)
    measured: dict[str, list[tuple[float, float, int]]] = {name: [] for name in asked}
    for repeat in range(options.repeats + 1):
        for name, command in asked.items():
            taken = run(command, options.threads)
            measured[name] += [taken] if repeat else []
    rows = []
    for name, taken in measured.items():
        wall, cpu, size = (statistics.median(column) for column in zip(*taken, strict=True))
        rows.append([name, f"{wall:.2f}", f"{cpu:.2f}", f"{size / (1 << 20):,.0f}"])
    facts = machine() | {"settings": f"medians of {options.repeats}, OMP_NUM_THREADS={options.threads}"}
    header = ["a new process", "wall, s", "processor, s", "peak memory, MiB"]
    write_table(options.output, title="Cold start", doc=__doc__ or "", header=header, rows=rows, facts=facts)


if __name__ == "__main__":
    main()
