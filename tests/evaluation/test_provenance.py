"""What a result says of the software and the seed that it was computed with."""

import subprocess
from pathlib import Path

import numpy as np
import pytest

import spanmatch
from spanmatch.evaluation.provenance import provenance


def git(folder: Path, *arguments: str) -> str:
    """Run git, with a name for commits."""
    command = ["git", "-c", "user.name=tester", "-c", "user.email=tester@example.org", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout.strip()


def test_versions_and_seed() -> None:
    found = provenance(7)
    assert found["seed"] == 7
    assert found["versions"]["numpy"] == np.__version__ and found["versions"]["spanmatch"] == spanmatch.__version__


def test_the_commit_says_whether_the_package_was_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "package"
    package.mkdir()
    for file in (package / "__init__.py", tmp_path / "README.md"):
        file.write_text("one")
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "--message", "first")
    monkeypatch.setattr(spanmatch, "__file__", str(package / "__init__.py"))
    commit = git(tmp_path, "rev-parse", "HEAD")
    (tmp_path / "README.md").write_text("outside the package")
    (package / "untracked.py").write_text("")
    assert provenance(0)["commit"] == commit
    (package / "__init__.py").write_text("two")
    assert provenance(0)["commit"] == commit + "+"


def test_there_is_no_commit_outside_a_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    monkeypatch.setattr(spanmatch, "__file__", str(tmp_path / "__init__.py"))
    assert provenance(0)["commit"] is None


def test_there_is_no_commit_without_git(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert provenance(0)["commit"] is None
