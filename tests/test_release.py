"""A release: one version everywhere, and a workflow that tries what it publishes and holds no password."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from helpers_e2e import ROOT

import spanmatch

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def jobs_of(path: Path) -> dict[str, Any]:
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    jobs: dict[str, Any] = content["jobs"]
    return jobs


RELEASE = jobs_of(ROOT / ".github" / "workflows" / "release.yml")


class TestVersion:
    def test_it_stands_in_one_place(self) -> None:
        content = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
        assert 'path = "spanmatch/__init__.py"' in content and not re.search(r"^version = ", content, re.MULTILINE)

    def test_the_changelog_has_it(self) -> None:
        """... below what is not released yet."""
        headings = re.findall(r"^## \[(.*?)\]", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
        assert headings[:2] == ["Unreleased", spanmatch.__version__]


class TestWorkflow:
    def test_what_is_published_was_tried(self) -> None:
        assert RELEASE["publish"]["needs"] == "try" and RELEASE["try"]["needs"] == "build"
        made, *taken = [step for job in RELEASE.values() for step in job["steps"] if "-artifact@" in step.get("uses", "")]
        assert "upload" in made["uses"] and len(taken) == 2
        assert {step["with"]["name"] for step in (made, *taken)} == {"dist"}

    def test_it_holds_no_password(self) -> None:
        for path in WORKFLOWS:
            assert "secrets." not in path.read_text(encoding="utf-8") and "password:" not in path.read_text(encoding="utf-8")
            assert yaml.safe_load(path.read_text(encoding="utf-8"))["permissions"] == {"contents": "read"}
        assert [name for name, job in RELEASE.items() if "permissions" in job] == ["publish"]
        assert RELEASE["publish"]["permissions"] == {"id-token": "write"}

    def test_actions_are_pinned(self) -> None:
        """By their major version, all workflows by the same."""
        used = {step["uses"] for path in WORKFLOWS for job in jobs_of(path).values() for step in job["steps"] if "uses" in step}
        assert not [action for action in used if not re.fullmatch(r"actions/[\w-]+@v\d+|pypa/[\w-]+@release/v\d+", action)]
        assert len({action.partition("@")[0] for action in used}) == len(used)

    @pytest.mark.parametrize(("tag", "status"), [(f"v{spanmatch.__version__}", 0), ("v9.9.9", 2)])
    def test_another_tag_than_the_version_ends_it(self, tag: str, status: int, tmp_path: Path) -> None:
        (tmp_path / "dist").mkdir()
        for name in ("spanmatch-{}-py3-none-any.whl", "spanmatch-{}.tar.gz"):
            (tmp_path / "dist" / name.format(spanmatch.__version__)).touch()
        [command] = [step["run"] for step in RELEASE["build"]["steps"] if "GITHUB_REF_NAME" in step.get("run", "")]
        environment = {"PATH": "/usr/bin:/bin", "GITHUB_REF_NAME": tag}
        ended = subprocess.run(["bash", "-ec", command], cwd=tmp_path, env=environment, capture_output=True)
        assert ended.returncode == status
