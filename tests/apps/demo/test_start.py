"""Starting the page: Streamlit's settings, and what ends the command before the page is there."""

import json
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from demo_picture import free_port
from helpers_e2e import offline_environment, spanmatch
from streamlit import config

from spanmatch.apps.demo import start as starting
from spanmatch.apps.demo.options import DemoOptions
from spanmatch.apps.demo.start import PAGE, check_port, settings, start
from spanmatch.errors import InputError


def test_streamlit_knows_the_settings() -> None:
    known = {name.replace(".", "_") for name in config.get_config_options()}
    given = settings(DemoOptions())
    assert given.keys() <= known
    assert given["server_address"] == "127.0.0.1" and given["server_headless"] is True
    assert given["browser_gatherUsageStats"] is False and given["client_showErrorDetails"] == "none"


def test_models_are_loaded_before_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[Any] = []
    monkeypatch.setattr(starting, "open_tagger", done.append)
    monkeypatch.setattr(starting.bootstrap, "load_config_options", lambda flags: None)
    monkeypatch.setattr(starting.bootstrap, "run", lambda *given: done.append(given))
    options = DemoOptions(model="mine", compare="http://127.0.0.1:1", port=free_port())
    start(options)
    model, (page, _, [arguments], _) = done
    assert model == "mine" and Path(page) == PAGE and DemoOptions(**json.loads(arguments)) == options


def test_a_port_that_is_taken() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(InputError, match=rf"127.0.0.1:{port}: cannot listen there \(.+\); give another"):
            check_port("127.0.0.1", port)
    check_port("127.0.0.1", port)


def test_a_host_that_is_none() -> None:
    with pytest.raises(InputError, match="cannot listen there"):
        check_port("256.0.0.1.invalid", 8501)


@pytest.mark.parametrize("content", [None, "{", '{"tagger": "other"}'])
def test_a_broken_model_ends_the_command(content: str | None, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    if content is not None:
        folder.mkdir()
        (folder / "config.json").write_text(content, encoding="utf-8")
        (folder / "model.safetensors").write_bytes(b"")
    for given in ([folder], ["spanmatch-mini", "--compare", folder]):
        result = spanmatch("demo", *given, "--port", free_port())
        assert result.status == 2 and result.out == ""
        [line] = result.err.splitlines()
        assert line.startswith(f"error: {folder}")


def test_the_command_says_where_the_page_is_and_ends_when_told() -> None:
    """With an API that is not there, which the page tells; the command needs no model for it."""
    port = free_port()
    words = [sys.executable, "-m", "spanmatch", "demo", "--api", "http://127.0.0.1:9", "--port", str(port)]
    environment = offline_environment() | {"STREAMLIT_BROWSER_GATHER_USAGE_STATS": "true", "STREAMLIT_SERVER_ADDRESS": "0.0.0.0"}
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None and process.stderr is not None
        said = ""
        while f"http://127.0.0.1:{port}" not in said:
            line = process.stdout.readline()
            assert line, process.stderr.read()
            said += line
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=30) as answer:
            assert answer.read() == b"ok"
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 0 and err == "", err
