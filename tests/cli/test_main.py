"""The command `spanmatch`: help that does not wait for torch, and what becomes of errors."""

import errno
import subprocess
import sys

import pytest
from helpers_e2e import ROOT, Result, offline_environment, run_in_process, run_subprocess, spanmatch

from spanmatch import __version__
from spanmatch.cli.main import run
from spanmatch.errors import InputError

COMMANDS = ("tag", "evaluate", "calibrate", "bench", "convert", "data", "data stats")
HEAVY = "{'torch', 'transformers', 'datasets', 'accelerate'}"


def modules_of(code: str) -> Result:
    """What a program prints, then which heavy modules it has imported."""
    program = (
        f"import sys\ntry:\n    {code}\nexcept SystemExit as end:\n    assert not end.code\nprint({HEAVY} & {{*sys.modules}})"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=offline_environment(), capture_output=True, text=True, timeout=60
    )
    return Result(status=ended.returncode, out=ended.stdout, err=ended.stderr)


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_waits_for_no_library(command: str) -> None:
    arguments = ["spanmatch", *command.split(), "--help"]
    result = modules_of(f"sys.argv = {arguments}; from spanmatch.cli.main import main; main()")
    assert (result.status, result.err) == (0, "")
    assert result.out.startswith(f"usage: {' '.join(arguments[:-1])} [-h]")
    assert result.out.splitlines()[-1] == "set()"


@pytest.mark.parametrize("architecture", ["bi", "cross"])
def test_help_of_an_evaluation_waits_for_no_library(architecture: str) -> None:
    code = f"sys.argv = ['x', '--help']; from spanmatch.cli.main import evaluate_command; evaluate_command('{architecture}')"
    result = modules_of(code)
    assert result.status == 0, result.err
    assert "--pretrained_model_name_or_path FOLDER --evaluation_file FILE" in " ".join(result.out.split())
    assert result.out.splitlines()[-1] == "set()"


def test_help_names_the_commands() -> None:
    shown = spanmatch("--help").out
    assert [name for name in COMMANDS if " " not in name and f"\n    {name} " not in shown.replace("\n              ", " ")] == []


def test_version() -> None:
    assert spanmatch("--version").out.strip() == f"spanmatch {__version__}"


def test_as_a_module() -> None:
    result = run_subprocess("-m", "spanmatch", "tga")
    assert (result.status, result.out) == (2, "")
    assert result.err.startswith("error: argument COMMAND: invalid choice: 'tga'") and result.err.count("\n") == 1


def ended(error: BaseException) -> Result:
    def command() -> None:
        raise error

    return run_in_process(lambda: run(command), "x")


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        (InputError("file:2: wrong; do this"), 2, "error: file:2: wrong; do this\n"),
        (KeyboardInterrupt(), 130, "interrupted\n"),
        (OSError(errno.ENOSPC, "No space left", "out"), 2, "error: out: No space left; check the disk and the permissions\n"),
        (OSError("odd"), 2, "error: output: odd; check the disk and the permissions\n"),
    ],
)
def test_errors_are_one_line(error: BaseException, status: int, message: str) -> None:
    assert ended(error) == Result(status=status, out="", err=message)


def test_a_mistake_of_ours_has_a_traceback() -> None:
    with pytest.raises(AssertionError, match="ours"):
        ended(AssertionError("ours"))


def test_of_several_processes_each_ends_with_the_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """The others wait, so that the first tells it before the launcher ends them all."""
    waited: list[float] = []
    monkeypatch.setenv("LOCAL_RANK", "1")
    monkeypatch.setattr("spanmatch.cli.main.time.sleep", waited.append)
    assert ended(InputError("wrong")).status == 2 and waited
    monkeypatch.setenv("LOCAL_RANK", "0")
    waited.clear()
    assert ended(InputError("wrong")).status == 2 and not waited


def test_a_closed_pipe_is_no_error() -> None:
    code = "from spanmatch.cli.main import run\ndef f():\n    while True: print('x' * 1000)\nrun(f)"
    process = subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, env=offline_environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None and process.stderr is not None
    process.stdout.read(10)
    process.stdout.close()
    assert (process.wait(60), process.stderr.read()) == (0, b"")
    process.stderr.close()
