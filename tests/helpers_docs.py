"""The pages of the documentation as something to run: their blocks, their commands, and a folder to run them in.

A page is read from top to bottom, as a reader would follow it:

- a `bash` block holds commands, a `python` block a program; the programs of a page share their names;
- a `text` block directly below one of them is what it prints. `...` stands for any text, as for a time or a path;
- a block with `title="NAME"` is a file: it is there when the next command runs.
"""

import io
import os
import re
import runpy
import shlex
import shutil
import socket
import subprocess
import sys
import time
import traceback
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from helpers_e2e import ROOT, Result, run_in_process, write_jsonl
from helpers_generative import write_generator

from spanmatch.cli import main as cli

_FENCE = re.compile(r"^```(\w*)(.*)$")
_TITLE = re.compile(r'title="([^"]+)"')
# A training on a page is run with as little as shows that its command is right.
SMALL = ["--num_train_epochs", "0.01", "--max_train_samples", "40", "--report_to", "none", "--bf16", "false"]
SMALL_EVALUATION = ["--max_eval_samples", "5"]
# Commands that run until they are stopped, with the flag that says where they listen. The pages say port 8000.
KEEPS_RUNNING = {("mkdocs", "serve"): "--dev-addr=127.0.0.1:{port}", ("spanmatch", "serve"): "--port={port}"}
PORT = "8000"


@dataclass(frozen=True, kw_only=True)
class Block:
    """A fenced block of a page.

    Attributes:
        line: line of the page that it starts on.
        language: bash, python, json, text, ...
        content: what is between the fences.
        file: name of the file that it shows, None for any other block.
        output: the block of output below it, None where there is none.
    """

    line: int
    language: str
    content: str
    file: str | None = None
    output: str | None = None

    @property
    def commands(self) -> list[str]:
        """The commands of a bash block: continued lines are joined, comments are cut."""
        lines = self.content.replace("\\\n", " ").splitlines()
        return [line.partition("  #")[0].strip() for line in lines if line.strip() and not line.startswith("#")]


def read_blocks(page: str) -> list[Block]:
    """Return the fenced blocks of a page; what a block prints belongs to it and is none of them.

    Args:
        page: the text of the page.
    """
    found: list[Block] = []
    lines = page.splitlines()
    number, end_of_last = 0, -1
    while number < len(lines):
        opened = _FENCE.match(lines[number])
        if opened is None:
            number += 1
            continue
        start = number
        while lines[number + 1] != "```":
            number += 1
        content = "\n".join(lines[start + 1 : number + 1]) + "\n"
        number += 2
        follows = bool(found) and not "".join(lines[end_of_last:start]).strip()
        title = _TITLE.search(opened[2])
        prints = follows and found[-1].language in {"bash", "python"} and found[-1].output is None
        if opened[1] == "text" and not title and prints:
            found.append(replace(found.pop(), output=content))
        else:
            found.append(Block(line=start + 1, language=opened[1], content=content, file=title[1] if title else None))
        end_of_last = number
    return found


def is_output(expected: str, got: str) -> bool:
    """Say whether a program printed what a page says. White space at the ends of lines does not count.

    Args:
        expected: the block of the page; `...` stands for any text.
        got: what was printed.
    """
    wanted, printed = ("\n".join(map(str.rstrip, text.strip().splitlines())) for text in (expected, got))
    return re.fullmatch(".*?".join(map(re.escape, wanted.split("..."))), printed, re.DOTALL) is not None


class _Terminal(io.StringIO):
    """What a command prints for a person: commands ask whether their output is a terminal."""

    def isatty(self) -> bool:
        return True


@dataclass(kw_only=True)
class Workspace:
    """A folder in which the commands of a page are run: the repository's files as links, and the reader's own.

    Attributes:
        folder: the folder.
        encoder: folder of a tiny encoder, with which trainings are run.
        names: names that the programs of the page have defined.
        servers: what keeps running, by port.
        addresses: what the pages say for the address of a server, and the one that it has here.
    """

    folder: Path
    encoder: Path
    names: dict[str, Any] = field(default_factory=lambda: {"__name__": "__main__"})
    servers: dict[int, subprocess.Popen[bytes]] = field(default_factory=dict)
    addresses: dict[str, str] = field(default_factory=dict)

    def write(self, file: str, content: str) -> None:
        """Write a file that a page shows.

        Args:
            file: its name.
            content: its content.
        """
        (self.folder / file).write_text(self._at_port(content), encoding="utf-8")

    def run_python(self, code: str, where: str) -> Result:
        """Run a program of a page.

        Args:
            code: the program.
            where: what to call it in a traceback.
        """
        out = io.StringIO()
        code = self._at_port(code)
        try:
            with redirect_stdout(out):
                exec(compile(code, where, "exec"), self.names)
        except Exception:
            return Result(status=1, out=out.getvalue(), err=traceback.format_exc())
        return Result(status=0, out=out.getvalue(), err="")

    def run_command(self, command: str) -> Result:
        """Run a command of a page: ours in this process, with a terminal for its output unless that is redirected.

        Args:
            command: the command, which may have a pipe from `cat` or `echo`, and a redirection at its end.
        """
        command, _, target = (part.strip() for part in self._at_port(command).partition(" > "))
        source, _, piped = (part.strip() for part in command.partition(" | "))
        words = shlex.split(piped or source)
        with _stdin(self._piped(source) if piped else None):
            result = self._run(words, out=io.StringIO() if target else _Terminal())
        if target:
            (self.folder / target).write_text(result.out, encoding="utf-8")
        return result

    def _at_port(self, text: str) -> str:
        """Return what asks a server as it asks the one that is running."""
        for port in self.servers:
            text = text.replace(f":{PORT}", f":{port}")
        for address, here in self.addresses.items():
            text = text.replace(address, here)
        return text

    def _piped(self, source: str) -> str:
        program, *words = shlex.split(source)
        assert program in {"cat", "echo"}, f"{program}: only cat and echo are known before a pipe"
        if program == "echo":
            return " ".join(words) + "\n"
        return "".join((self.folder / word).read_text(encoding="utf-8") for word in words)

    def _run(self, words: list[str], out: io.StringIO) -> Result:
        if tuple(words[:2]) in KEEPS_RUNNING:
            return self._serve(words)
        if words[0] == "curl":
            return _process(words, self.folder)
        if words[0] == "cat":
            return Result(status=0, out=self._piped(shlex.join(words)), err="")
        if words[:2] == ["head", "-n"]:
            lines = (self.folder / words[3]).read_text(encoding="utf-8").splitlines(keepends=True)
            return Result(status=0, out="".join(lines[: int(words[2])]), err="")
        if words[:2] == ["spanmatch", "fit"] and words[2] != "prompted" and "--help" not in words:
            given = _given(words)
            words += [*SMALL, *(SMALL_EVALUATION if "validation_file" in given or "test_file" in given else [])]
            words += ["--model", str(self._generator() if words[2] == "generative" else self.encoder)]
        if words[0] == "spanmatch":
            return run_printing(cli.main, words, out)
        if words[:2] == ["accelerate", "launch"]:
            words = ["python", *launched(words[2:])]
        assert words[0] == "python", f"{words[0]}: no such program here"
        script = words[1]
        if Path(script).name.startswith("train_"):
            has_encoder = any("pretrained_model_name_or_path" in word for word in words)
            given = _given(words)
            words += [*SMALL, *(SMALL_EVALUATION if "validation_file" in given or "test_file" in given else [])]
            words += [] if has_encoder or "--help" in words else ["--text_encoder", str(self.encoder)]
        return run_printing(lambda: runpy.run_path(str(ROOT / script), run_name="__main__"), words[1:], out)

    def _generator(self) -> Path:
        """Return the folder of a tiny model that writes."""
        folder = self.folder / "generator"
        return folder if folder.exists() else write_generator(folder, "Llama")

    def _serve(self, words: list[str]) -> Result:
        """Start a server on a free port, wait until it answers, and leave it running."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        log = self.folder / f"server_{port}.log"
        started = [*words, KEEPS_RUNNING[words[0], words[1]].format(port=port)]
        with log.open("wb") as written:
            process = subprocess.Popen(
                [str(Path(sys.executable).with_name(started[0])), *started[1:]], cwd=ROOT, stdout=written, stderr=written
            )
        self.servers[port] = process
        for _ in range(600):
            if process.poll() is not None:
                break
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as answer:
                    return Result(status=0 if answer.status == 200 else 1, out="", err=f"{words[0]}: HTTP {answer.status}")
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
        return Result(status=1, out="", err=log.read_text(encoding="utf-8", errors="replace")[-2000:])

    def close(self) -> None:
        """Stop what keeps running."""
        for process in self.servers.values():
            process.terminate()
            process.wait(timeout=30)


def _given(words: list[str]) -> str:
    """Return a command with the content of its configuration."""
    files = [Path(word) for word in words if word.endswith(".json") and Path(word).is_file()]
    return " ".join([*words, *(file.read_text(encoding="utf-8") for file in files)])


def launched(words: list[str]) -> list[str]:
    """Return a script and its arguments without the launcher's own flags.

    Launches of several processes are tested in `test_processes.py`; here, that the file of a launch is there.

    Args:
        words: what follows `accelerate launch`.
    """
    place = next(index for index, word in enumerate(words) if word.endswith(".py"))
    if "--config_file" in words[:place]:
        file = words[words.index("--config_file") + 1]
        assert (ROOT / file).is_file(), f"{file}: no such file"
    return words[place:]


def run_printing(command: Callable[[], object], words: list[str], out: io.StringIO) -> Result:
    """Run a command of ours in this process.

    Args:
        command: the command.
        words: its name and arguments.
        out: what it prints to.
    """

    def redirected() -> None:
        with redirect_stdout(out):
            command()

    result = run_in_process(redirected, *words)
    return Result(status=result.status, out=out.getvalue(), err=result.err)


def _process(words: list[str], folder: Path) -> Result:
    ended = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=60)
    return Result(status=ended.returncode, out=ended.stdout, err=ended.stderr)


@contextmanager
def _stdin(content: str | None) -> Iterator[None]:
    before = sys.stdin
    sys.stdin = io.StringIO(content or "")
    if content is not None:
        # Commands read bytes and look for what is there already, as from a pipe.
        read, write = os.pipe()
        os.write(write, content.encode())
        os.close(write)
        sys.stdin = os.fdopen(read, encoding="utf-8")
    try:
        yield
    finally:
        sys.stdin.close()
        sys.stdin = before


def open_workspace(folder: Path, *, checkpoint: Path, encoder: Path) -> Workspace:
    """Make a folder that looks like the repository to a reader.

    Args:
        folder: a folder that is empty.
        checkpoint: a small checkpoint, copied to `models/quickstart`.
        encoder: folder of a tiny encoder.
    """
    for path in ROOT.iterdir():
        if path.name in {"benchmarks", "configs", "data", "docs"} or path.suffix == ".py":
            (folder / path.name).symlink_to(path)
    (folder / "models").mkdir()
    (folder / "models" / "spanmatch-mini").symlink_to(ROOT / "models" / "spanmatch-mini")
    shutil.copytree(checkpoint, folder / "models" / "quickstart")
    return Workspace(folder=folder, encoder=encoder)


__all__ = ["Block", "Workspace", "is_output", "open_workspace", "read_blocks", "write_jsonl"]
