"""The wheel, built and installed outside the clone: it tags offline, with the checkpoint that it carries."""

import json
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from helpers_docs import read_blocks
from helpers_e2e import ROOT, offline_environment

from spanmatch import __version__

README = read_blocks((ROOT / "README.md").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of packages that holds the wheel and nothing else."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", folder, ROOT], check=True, timeout=300)
    [wheel] = folder.glob("*.whl")
    subprocess.run([*pip, "install", "--no-deps", "--target", folder / "site", wheel], check=True, timeout=300)
    return folder / "site"


def run(site: Path, *arguments: str) -> str:
    environment = offline_environment() | {"PYTHONPATH": str(site)}
    command = [sys.executable, *arguments]
    ended = subprocess.run(command, cwd=site.parent, env=environment, capture_output=True, text=True, timeout=120)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_it_is_the_one_that_runs(site: Path) -> None:
    assert Path(run(site, "-c", "import spanmatch; print(spanmatch.__file__)").strip()).is_relative_to(site)


def test_it_tags_with_its_own_checkpoint(site: Path) -> None:
    code = "from spanmatch.prediction.shipped import checkpoint_folder; print(checkpoint_folder('spanmatch-mini'))"
    assert Path(run(site, "-c", code).strip()).is_relative_to(site)
    found = json.loads(run(site, "-m", "spanmatch", "tag", "Ada Lovelace worked in London.", "--types", "person,city"))
    assert ("person", "Ada Lovelace") in {(item["label"], item["text"]) for item in found["entities"]}


def test_the_six_lines_of_the_readme(site: Path) -> None:
    """... print what it says; a CPU that computes in bfloat16 has other last digits."""
    [block] = [block for block in README if block.language == "python"]
    texts = run(site, "-c", block.content), block.output or ""
    printed, expected = ([line.split(" | ") for line in text.splitlines()] for text in texts)
    assert [line[:-1] for line in printed] == [line[:-1] for line in expected] and len(expected) == 4
    assert [float(line[-1]) for line in printed] == pytest.approx([float(line[-1]) for line in expected], abs=0.021)


def test_it_says_its_version(site: Path) -> None:
    """... and so do the names of its files."""
    assert run(site, "-m", "spanmatch", "--version").strip() == f"spanmatch {__version__}"
    assert (site / f"spanmatch-{__version__}.dist-info").is_dir()


def test_it_knows_no_commit(site: Path) -> None:
    """A wheel is no checkout, also where its folder is in one."""
    code = "from spanmatch.evaluation.provenance import provenance; print(provenance(0)['commit'])"
    assert run(site, "-c", code).strip() == "None"


def test_help(site: Path) -> None:
    assert "tag" in run(site, "-m", "spanmatch", "--help")


def test_it_serves(site: Path) -> None:
    """... with the checkpoint that it carries, until it is told to end."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    environment = offline_environment() | {"PYTHONPATH": str(site)}
    command = [sys.executable, "-m", "spanmatch", "serve", "--port", address.partition(":")[2]]
    with subprocess.Popen(command, cwd=site.parent, env=environment, stderr=subprocess.PIPE, text=True) as server:
        try:
            answer = first_answer(server, f"http://{address}/predict/", {"text": "Ada Lovelace worked in London."})
        finally:
            server.terminate()
            log = server.communicate(timeout=60)[1]
    found = [(item["entity_group"], item["word"]) for item in answer["entities"]]
    assert found == [("PER", "Ada Lovelace"), ("LOC", "London")]
    assert server.returncode in {0, -signal.SIGTERM} and "Traceback" not in log


def first_answer(server: "subprocess.Popen[str]", address: str, body: dict[str, str]) -> dict[str, Any]:
    """Ask a server that is about to start until it answers."""
    request = urllib.request.Request(address, json.dumps(body).encode(), {"Content-Type": "application/json"})
    for _ in range(1200):
        assert server.poll() is None, server.communicate()[1]
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                found: dict[str, Any] = json.load(answer)
                return found
        except urllib.error.URLError as error:
            assert isinstance(error.reason, ConnectionRefusedError), error
            time.sleep(0.1)
    raise AssertionError("the server does not answer")
