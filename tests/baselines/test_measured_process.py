"""A process of its own: its memory, its last words, and its end with ours."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from spanmatch.baselines import measured_process
from spanmatch.baselines.measured_process import ProcessFailed, run_measured


def test_memory_is_that_of_the_process(tmp_path: Path) -> None:
    memory = run_measured(["-c", "x = bytearray(300 << 20); print(len(x))"], tmp_path / "logs" / "log")
    assert memory is not None and memory > 300 << 20
    assert (tmp_path / "logs" / "log").read_text(encoding="utf-8") == f"{300 << 20}\n"


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("import sys; print('error: it is full', file=sys.stderr); sys.exit(2)", "it is full"),
        ("raise KeyError('x')", "KeyError: 'x'"),
        ("from spanmatch.errors import InputError; raise InputError('no such file')", "no such file"),
        ("import sys; sys.exit(3)", "exit status 3"),
        ("import os; print('begun', flush=True); os.kill(os.getpid(), 9)", "signal 9, perhaps for want of memory"),
    ],
)
def test_the_last_line_says_why(code: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ProcessFailed, match=message):
        run_measured(["-c", code], tmp_path / "log")


def test_it_ends_when_we_are_interrupted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    started: list[subprocess.Popen[bytes]] = []

    def interrupted(process: "subprocess.Popen[bytes]") -> int:
        started.append(process)
        raise KeyboardInterrupt

    monkeypatch.setattr(measured_process, "_wait", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run_measured(["-c", "import time; time.sleep(60)"], tmp_path / "log")
    assert started[0].returncode == -signal.SIGKILL
    with pytest.raises(ProcessLookupError):
        os.kill(started[0].pid, 0)


def test_it_is_this_python(tmp_path: Path) -> None:
    run_measured(["-c", "import sys; print(sys.executable)"], tmp_path / "log")
    assert (tmp_path / "log").read_text(encoding="utf-8").strip() == sys.executable
