"""What a result says of the software and the seed that it was computed with."""

import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch

import spanmatch
from spanmatch.evaluation.provenance import machine, provenance


def git(folder: Path, *arguments: str) -> str:
    """Run git, with a name for commits."""
    command = ["git", "-c", "user.name=tester", "-c", "user.email=tester@example.org", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout.strip()


def test_versions_and_seed() -> None:
    found = provenance(7)
    assert found["seed"] == 7
    assert found["versions"]["numpy"] == np.__version__ and found["versions"]["spanmatch"] == spanmatch.__version__


def test_machine() -> None:
    processor, _, threads = machine().rpartition(", ")
    assert processor and threads == f"{torch.get_num_threads()} threads"


def commit_all(folder: Path) -> str:
    """Make a repository of a folder with all of its files, and return the commit."""
    git(folder, "init", "--quiet")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--message", "first")
    return git(folder, "rev-parse", "HEAD")


def write_package(folder: Path, monkeypatch: pytest.MonkeyPatch, *, name: str = "spanmatch") -> Path:
    """Write a project with its package, take it for ours, and return the package."""
    package = folder / "spanmatch"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("one")
    (folder / "pyproject.toml").write_text(f'[project]\nname = "{name}"\n')
    monkeypatch.setattr(spanmatch, "__file__", str(package / "__init__.py"))
    return package


def test_the_commit_says_whether_the_package_was_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = write_package(tmp_path, monkeypatch)
    (tmp_path / "README.md").write_text("one")
    commit = commit_all(tmp_path)
    (tmp_path / "README.md").write_text("outside the package")
    (package / "untracked.py").write_text("")
    assert provenance(0)["commit"] == commit
    (package / "__init__.py").write_text("two")
    assert provenance(0)["commit"] == commit + "+"


@pytest.mark.parametrize("place", [".venv/lib/site-packages", "vendor/clone", ".", "ignored"])
def test_the_commit_of_another_repository_is_not_ours(place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """... wherever in it the package is: installed, copied with or without its project, tracked or ignored."""
    package = write_package(tmp_path / place, monkeypatch, name="theirs" if place == "." else "spanmatch")
    (tmp_path / ".gitignore").write_text("ignored\n")
    commit_all(tmp_path)
    assert provenance(0)["commit"] is None
    # Without its project.
    (package.parent / "pyproject.toml").unlink()
    assert provenance(0)["commit"] is None


def test_a_package_that_is_ignored_has_no_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_package(tmp_path, monkeypatch)
    (tmp_path / ".gitignore").write_text("spanmatch\n")
    commit_all(tmp_path)
    assert provenance(0)["commit"] is None


def test_inside_a_hook_of_another_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """git tells its hooks which repository they are of; that is not the one of the package."""
    write_package(tmp_path / "ours", monkeypatch)
    commit = commit_all(tmp_path / "ours")
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "README.md").write_text("theirs")
    commit_all(tmp_path / "theirs")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "theirs" / ".git"))
    assert provenance(0)["commit"] == commit


def test_there_is_no_commit_outside_a_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    write_package(tmp_path, monkeypatch)
    assert provenance(0)["commit"] is None


def test_there_is_no_commit_without_git(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert provenance(0)["commit"] is None
