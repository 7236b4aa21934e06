"""Requests a second of `spanmatch serve`, beside `spanmatch tag` on the same texts, and beside GLiNER's own server.

64 clients (wrk, on the same machine and cores) send one text a request and wait for the answer. `spanmatch tag` reads a file of
the same texts; the seconds of its start are not counted. GLiNER's server (Ray Serve) is started with `--gliner_python`, the
interpreter of an environment with gliner and ray[serve], and `--gliner_model`, a folder that `peers/gliner_training.py` wrote;
without its compilation, which takes several minutes before it answers.
"""

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from common import RESULTS, machine, write_table
from speed_data import records

TYPES = ["person", "organization", "location"]
LUA = """
local bodies = {{{bodies}}}
local place = 0
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
request = function() place = place % #bodies + 1; return wrk.format(nil, "{path}", nil, bodies[place]) end
"""


def main() -> None:
    """Measure one after the other, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--datasets", type=Path, required=True, help="folder with conll2003/test.jsonl")
    parser.add_argument("--seconds", type=int, default=60, help="how long the clients send")
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--model", default="spanmatch-mini")
    parser.add_argument("--gliner_python", help="interpreter with gliner and ray[serve]")
    parser.add_argument("--gliner_model", type=Path)
    parser.add_argument("--gliner_dtype", default="float32", choices=["float32", "bfloat16"])
    parser.add_argument("--output", type=Path, default=RESULTS / "serving.md")
    given = parser.parse_args()
    texts = [record["text"] for record in records(given.datasets / "conll2003" / "test.jsonl")]
    rows = [tag_row(given.model, texts)]
    bodies = [{"text": text} for text in texts]
    with server(
        [sys.executable, "-m", "spanmatch", "serve", given.model, "--port", "8321"], "http://127.0.0.1:8321/ready"
    ) as process:
        rows.append(["`spanmatch serve`", *load("http://127.0.0.1:8321", "/predict/", bodies, given, process.pid)])
    share = float(rows[1][1]) / float(rows[0][1])
    if given.gliner_python:
        command = [given.gliner_python, "-m", "gliner.serve", "--model", str(given.gliner_model), "--device", "cpu"]
        command += [
            "--dtype",
            given.gliner_dtype,
            "--num-gpus-per-replica",
            "0",
            "--num-cpus-per-replica",
            "2",
            "--port",
            "8322",
            "--no-compile",
        ]
        bodies = [{"text": text, "labels": TYPES} for text in texts]
        with server(command, "http://127.0.0.1:8322/gliner", probe=bodies[0]) as process:
            name = f"GLiNER's server, {given.gliner_dtype}, not compiled"
            rows.append([name, *load("http://127.0.0.1:8322", "/gliner", bodies, given, process.pid)])
    write_table(
        given.output,
        title=f"Serving: {given.clients} clients for {given.seconds} s, a text a request",
        doc=f"CoNLL-2003 test, 3 types: `spanmatch serve` answers {share:.0%} of what `spanmatch tag` tags, beside its clients.",
        header=["what", "texts/s", "p50 ms", "p99 ms", "errors", "MB at first", "MB after 5 s", "MB at last"],
        rows=rows,
        facts=machine(),
    )


def tag_row(model: str, texts: Sequence[str]) -> list[str]:
    """Texts a second of `spanmatch tag` on a file: what four times the texts take longer than one text."""
    with tempfile.TemporaryDirectory() as folder:

        def seconds(count: int) -> float:
            source = Path(folder) / f"{count}.jsonl"
            source.write_text("".join(json.dumps({"text": texts[i % len(texts)]}) + "\n" for i in range(count)), encoding="utf-8")
            command = [sys.executable, "-m", "spanmatch", "tag", model, str(source), "--types", ",".join(TYPES)]
            begin = time.perf_counter()
            subprocess.run([*command, "--output", f"{source}.out"], check=True, capture_output=True)
            return time.perf_counter() - begin

        count = 4 * len(texts)
        rate = (count - 1) / (seconds(count) - seconds(1))
    return ["`spanmatch tag`", f"{rate:.0f}", *[""] * 6]


@contextmanager
def server(command: Sequence[str], url: str, *, probe: dict[str, Any] | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """Start a server, wait until it answers, and end it."""
    with tempfile.TemporaryFile() as log, subprocess.Popen(command, stderr=log, stdout=log, start_new_session=True) as process:
        try:
            for _ in range(600):
                if process.poll() is not None:
                    log.seek(0)
                    raise SystemExit(f"{command}: ended\n{log.read().decode(errors='replace')[-3000:]}")
                with suppress(OSError):
                    urllib.request.urlopen(url, json.dumps(probe).encode() if probe else None, timeout=60).read()
                    break
                time.sleep(0.5)
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)


def load(url: str, path: str, bodies: Sequence[dict[str, Any]], given: argparse.Namespace, process: int) -> list[str]:
    """Requests a second, median and 99th percentile of the milliseconds, answers that were no success, and megabytes."""
    used = [memory(process)]
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "requests.lua"
        quoted = ",\n".join(f"[==[{json.dumps(body)}]==]" for body in bodies)
        script.write_text(LUA.format(bodies=quoted, path=path), encoding="utf-8")
        command = ["wrk", "-t1", f"-c{given.clients}", "--latency", "--timeout", "60s", "-s", str(script)]
        subprocess.run([*command, "-d5s", url], check=True, capture_output=True)  # warm
        used.append(memory(process))
        printed = subprocess.run([*command, f"-d{given.seconds}s", url], check=True, capture_output=True, text=True).stdout
        used.append(memory(process))
    print(printed)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", printed)
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", printed)
    sockets = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", printed)
    errors = int(bad[1] if bad else 0) + sum(map(int, sockets.groups() if sockets else ()))
    assert rate is not None, printed
    times = milliseconds(printed, "50%"), milliseconds(printed, "99%")
    return [f"{float(rate[1]):.0f}", *times, str(errors), *(f"{item:.0f}" for item in used)]


def milliseconds(printed: str, percentile: str) -> str:
    """A line of wrk's latency distribution, such as "99%  1.20s"."""
    found = re.search(rf"{percentile}\s+([\d.]+)(us|ms|s)", printed)
    assert found is not None, printed
    return f"{float(found[1]) * {'us': 0.001, 'ms': 1, 's': 1000}[found[2]]:.0f}"


def memory(pid: int) -> float:
    """Resident megabytes of a process and of those that it started."""
    pids, total = [str(pid)], 0.0
    while pids:
        own = pids.pop()
        with suppress(OSError):
            status = Path(f"/proc/{own}/status").read_text(encoding="utf-8")
            total += int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024  # type: ignore[index]
            pids += Path(f"/proc/{own}/task/{own}/children").read_text(encoding="utf-8").split()
    return total


if __name__ == "__main__":
    main()
