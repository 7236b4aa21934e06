"""The README is true: its Python runs, its commands run. `make` targets and the install are run by `.ci/run`."""

import re
import shlex
from pathlib import Path

import pytest
from helpers_e2e import ROOT, Result, evaluate, spanmatch, train, trained_checkpoint, write_tiny_encoder

README = (ROOT / "README.md").read_text(encoding="utf-8")
CI = (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """The fenced blocks of one language."""
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def commands() -> list[str]:
    """Every shell command, continuation lines joined, comments cut."""
    text = "\n".join(blocks("bash")).replace("\\\n", " ")
    return [line.partition("  #")[0].strip() for line in text.splitlines() if line.strip()]


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_encoder(tmp_path_factory.mktemp("readme") / "encoder")


@pytest.fixture(scope="module")
def checkpoint(encoder: Path) -> Path:
    return trained_checkpoint(encoder.parent / "checkpoint", encoder)


def test_there_is_something_to_run() -> None:
    assert len(blocks("python")) >= 1
    assert len(commands()) >= 8


@pytest.mark.parametrize("block", blocks("python"))
def test_python_runs(block: str, capsys: pytest.CaptureFixture[str]) -> None:
    """As it stands there, with the checkpoint that comes with the package."""
    exec(compile(block, "README.md", "exec"), {})
    assert "scientist Albert Einstein" in capsys.readouterr().out


@pytest.mark.parametrize("command", commands())
def test_command_runs(command: str, checkpoint: Path, encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    result = run(command, checkpoint, encoder, tmp_path, monkeypatch)
    if result is not None:
        assert result.status == 0, result.err


def run(command: str, checkpoint: Path, encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Result | None:
    """Run a command in this process with the tiny checkpoint in the place of the real one; None for what `.ci/run` runs."""
    source = None
    if command.startswith("cat "):
        source, command = (part.strip() for part in command.split("|"))
    words = [word.replace("models/quickstart", str(checkpoint)) for word in shlex.split(command.partition(" > ")[0])]
    if words[0] == "make":
        assert re.search(rf"^phase \w+ {words[1]}$", CI, re.MULTILINE), f"{command}: not run by .ci/run"
        return None
    if words[:2] == ["pip", "install"]:
        makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
        assert words[words.index("-e") + 1] in makefile
        return None
    if words[2:3] == ["--config_file"]:
        # Launches of several processes are tests/end_to_end/test_processes.py; here, that the command and its files are right.
        assert (ROOT / words[3]).is_file()
        words = [*words[:2], *words[4:]]
        words = words if words[2].startswith("train_") else ["python", *words[2:]]
    if words[:2] == ["accelerate", "launch"] and words[2].startswith("train_"):
        architecture = words[2].removeprefix("train_").removesuffix("_encoder.py")
        words = [word for word in words[3:] if "my_data" not in word and word != "--train_file"]
        small = ["--text_encoder", encoder, "--max_steps", 1, "--max_train_samples", 40, "--max_eval_samples", 5]
        return train(*words, *small, "--output_dir", tmp_path / "trained", architecture=architecture)
    if words[0] == "python":
        assert words[1] == "evaluate_bi_encoder.py"
        words[words.index("--output_dir") + 1] = str(tmp_path / "results")
        return evaluate(*words[2:], "--max_samples", 20)
    assert words[0] == "spanmatch"
    if words[1] == "convert":
        words[3] = str(tmp_path / words[3])
    if "--output" in words:
        words[words.index("--output") + 1] = str(tmp_path / "tagged.jsonl")
    if source is not None:
        (tmp_path / "notes.txt").write_text("Ada met Bob on Friday.\n", encoding="utf-8")
        monkeypatch.setattr("sys.stdin", (tmp_path / "notes.txt").open(encoding="utf-8"))
    return spanmatch(*words[1:])
