"""Run Python in a process of its own, and measure its memory."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path


class ProcessFailed(Exception):
    """Says in one line why a process did not end well."""


def run_measured(arguments: Sequence[str], log: Path) -> int | None:
    """Run Python in a process of its own; return the most memory that it held, in bytes, None where nobody counts it.

    Args:
        arguments: the arguments of Python.
        log: the file that gets what it prints.

    Raises:
        ProcessFailed: it did not end well; the message is the last line that it printed.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as written:
        process = subprocess.Popen([sys.executable, *arguments], stdin=subprocess.DEVNULL, stdout=written, stderr=written)
        try:
            memory = _wait(process)
        except BaseException:  # we are interrupted, and nobody else would end it
            process.kill()
            process.wait()
            raise
    if process.returncode != 0:
        raise ProcessFailed(_last_line(log, process.returncode))
    return memory


def _wait(process: "subprocess.Popen[bytes]") -> int | None:
    """Wait for the end of a process; return the most memory that it held."""
    if not hasattr(os, "wait4"):  # Windows
        process.wait()
        return None
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return int(usage.ru_maxrss) * (1 if sys.platform == "darwin" else 1024)


def _last_line(log: Path, status: int) -> str:
    lines = [line.strip() for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    if status < 0 or not lines:
        return f"it was ended by signal {-status}, perhaps for want of memory" if status < 0 else f"exit status {status}"
    line = lines[-1].removeprefix("error: ")
    return line.removeprefix("spanmatch.errors.InputError: ")
