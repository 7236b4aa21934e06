"""The command `spanmatch`: help that does not wait for torch, and what becomes of errors."""

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

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


def started(*arguments: str | bytes, shell: str = "", env: dict[str, str] | None = None) -> "subprocess.CompletedProcess[bytes]":
    """`spanmatch` as a shell starts it, with its redirections; Python buffers what it prints, as it does for users."""
    environment = {key: value for key, value in offline_environment().items() if key != "PYTHONUNBUFFERED"}
    command = ["sh", "-c", f'"$@" {shell}', "sh", sys.executable, "-m", "spanmatch", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment | (env or {}), capture_output=True, timeout=120)


class TestCharacters:
    @pytest.mark.parametrize(
        "arguments",
        [
            ["tag", "Ada met Bob", "--types", b"caf\xe9"],
            ["tag", b"Ad\xe9 met Bob", "--types", "person"],
            ["tag", b"\xe9.jsonl", "--types", "person"],
            ["evaluate", b"\xe9", "file"],
            ["convert", "a.jsonl", b"b\xff.conll"],
        ],
    )
    def test_arguments_that_are_not_utf8(self, arguments: list[str | bytes]) -> None:
        result = started(*arguments)
        assert (result.returncode, result.stdout) == (2, b"")
        assert result.stderr.startswith(b'error: argument "') and result.stderr.count(b"\n") == 1
        assert b"not UTF-8 (at character " in result.stderr

    def test_of_a_script(self) -> None:
        command = [sys.executable, "evaluate_bi_encoder.py", "--evaluation_file", b"\xe9"]
        result = subprocess.run(command, cwd=ROOT, env=offline_environment(), capture_output=True, timeout=60)
        assert result.returncode == 2 and result.stderr.startswith(b'error: argument "\\udce9": not UTF-8'), result.stderr

    @pytest.mark.parametrize(
        "env",
        [
            {"PYTHONIOENCODING": "latin-1"},
            {"PYTHONIOENCODING": "ascii:strict"},
            {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        ],
        ids=str,
    )
    def test_what_is_printed_is_utf8(self, env: dict[str, str], tmp_path: Path) -> None:
        """Whatever the locale, for text and for JSON."""
        (tmp_path / "a.txt").write_text("Zoë met 東京 🎉\n", encoding="utf-8")
        for name in ("jsonl", "text"):
            result = started("tag", str(tmp_path / "a.txt"), "--types", "person", "--output_format", name, env=env)
            assert result.returncode == 0, result.stderr
            shown = result.stdout.decode().splitlines()[0]
            assert (json.loads(shown)["text"] if name == "jsonl" else shown) == "Zoë met 東京 🎉"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has a file that is always full")
class TestStreams:
    TAG = ("tag", "Ada met Bob", "--types", "person")
    FULL = b"error: output: No space left on device; check the disk and the permissions\n"

    @pytest.mark.parametrize("arguments", [TAG, ("--help",), ("data", "stats", "{file}")], ids=["tag", "help", "stats"])
    def test_a_full_disk(self, arguments: tuple[str, ...], tmp_path: Path) -> None:
        """Also where all that is printed still fits into the buffer."""
        (tmp_path / "a.jsonl").write_text('{"text": "Ada", "char_spans": []}\n')
        result = started(*(part.replace("{file}", str(tmp_path / "a.jsonl")) for part in arguments), shell="> /dev/full")
        assert result.returncode == 2 and result.stderr.endswith(self.FULL), result.stderr
        assert b"Traceback" not in result.stderr and b"Exception ignored" not in result.stderr

    @pytest.mark.parametrize("arguments", [TAG, ("--help",)], ids=["tag", "help"])
    def test_a_reader_that_is_gone(self, arguments: tuple[str, ...]) -> None:
        reader, writer = os.pipe()
        os.close(reader)
        environment = {key: value for key, value in offline_environment().items() if key != "PYTHONUNBUFFERED"}
        command = [sys.executable, "-m", "spanmatch", *arguments]
        with open(writer, "wb") as closed:
            result = subprocess.run(command, cwd=ROOT, env=environment, stdout=closed, stderr=subprocess.PIPE, timeout=120)
        assert (result.returncode, b"Broken" in result.stderr, b"Traceback" in result.stderr) == (0, False, False)

    def test_an_error_is_one_also_if_nobody_reads(self) -> None:
        assert started("tag", "no-model", "Ada met Bob", "--types", "x", shell="> /dev/full").returncode == 2
        assert started("tag", "no-model", "Ada met Bob", "--types", "x", shell="2> /dev/full").returncode == 2

    @pytest.mark.parametrize("shell", [">&-", "<&-", "<&- >&-"])
    def test_closed(self, shell: str) -> None:
        result = started(*self.TAG, shell=shell)
        assert result.returncode == 0 and result.stderr.startswith(b"1 text, "), result.stderr
        assert bool(result.stdout) == (">" not in shell)
