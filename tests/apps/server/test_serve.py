"""The server as a process: it starts, bears bad clients, and ends without losing what it accepted."""

import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from helpers_e2e import ROOT, offline_environment, spanmatch

from spanmatch.prediction.matcher import SpanMatcher

TEXT = "Ada Lovelace moved to New York ."
BODY = json.dumps({"text": TEXT, "threshold": 1e-6}).encode()
HEAD = "POST /predict/ HTTP/1.1\r\nHost: server\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n"


class Running:
    """A server, and the lines that it has written so far."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process, self.lines = process, list[dict[str, Any]]()
        started = self.read()
        self.url = next(word for word in started["message"].replace(";", "").split() if word.startswith("http"))
        self.address = urlsplit(self.url).hostname, urlsplit(self.url).port
        self.reading = threading.Thread(target=self._read_all, daemon=True)
        self.reading.start()
        self.wait_for(lambda: httpx.get(f"{self.url}/ready").status_code == 200)

    def read(self) -> dict[str, Any]:
        assert self.process.stderr is not None
        line = self.process.stderr.readline()
        assert line.startswith("{"), line + self.process.stderr.read()
        self.lines.append(json.loads(line))
        return self.lines[-1]

    def _read_all(self) -> None:
        assert self.process.stderr is not None
        self.lines += (json.loads(line) for line in self.process.stderr)

    def wait_for(self, condition: Callable[[], bool], seconds: float = 60) -> None:
        end, last = time.monotonic() + seconds, "it was asked, and said no"
        while time.monotonic() < end:
            try:
                if condition():
                    return
            except httpx.TransportError as error:  # it does not listen yet, or not any more
                last = repr(error)
            time.sleep(0.05)
        raise AssertionError(f"it did not come true: {last}")

    def predict(self, **given: Any) -> httpx.Response:
        return httpx.post(f"{self.url}/predict/", json={"text": TEXT, "threshold": 1e-6} | given, timeout=30)

    def connect(self) -> socket.socket:
        return socket.create_connection(self.address, timeout=30)  # type: ignore[arg-type]

    def end(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)
        self.reading.join(10)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory, matcher: SpanMatcher) -> Path:
    folder = tmp_path_factory.mktemp("serve") / "model"
    matcher.save_pretrained(folder)
    return folder


@contextmanager
def running(*arguments: object) -> Iterator[Running]:
    command = [sys.executable, "-m", "spanmatch", "serve", *map(str, arguments), "--port", "0"]
    with subprocess.Popen(command, cwd=ROOT, env=offline_environment(), stderr=subprocess.PIPE, text=True) as process:
        try:
            yield Running(process)
        finally:
            process.kill()


@pytest.fixture(scope="module")
def server(checkpoint: Path) -> Iterator[Running]:
    with running(checkpoint, "--timeout", 2, "--max_text_chars", 1000) as started:
        yield started


def test_the_usual_types(server: Running) -> None:
    answer = server.predict()
    assert answer.status_code == 200 and {item["entity_group"] for item in answer.json()["entities"]} <= {"PER", "ORG", "LOC"}


def test_a_slow_client_is_told_so_and_holds_up_nobody(server: Running) -> None:
    with closing(server.connect()) as slow:
        slow.sendall(HEAD.format(len(BODY)).encode() + BODY[:5])
        begin = time.monotonic()
        assert server.predict().status_code == 200 and time.monotonic() - begin < 2
        assert slow.recv(1000).startswith(b"HTTP/1.1 408 ")


def test_a_client_that_hangs_up_harms_nobody(server: Running) -> None:
    for sent in (HEAD.format(len(BODY)).encode()[:30], HEAD.format(len(BODY)).encode() + BODY[:5]):
        with closing(server.connect()) as gone:
            gone.sendall(sent)
    for _ in range(5):
        with closing(server.connect()) as gone:
            gone.sendall(HEAD.format(len(BODY)).encode() + BODY)
    assert server.predict().status_code == 200
    server.wait_for(lambda: any(line.get("status") == 499 for line in server.lines), seconds=10)


def test_a_body_of_100_mb_is_refused_before_it_is_read(server: Running) -> None:
    with closing(server.connect()) as large:
        large.sendall(HEAD.format(100_000_000).encode())
        assert large.recv(1000).startswith(b"HTTP/1.1 413 ")
    with closing(server.connect()) as unannounced:
        unannounced.sendall(HEAD.replace("Content-Length: {}", "Transfer-Encoding: chunked").encode())
        chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            for _ in range(200):
                unannounced.sendall(chunk)
    assert server.predict().status_code == 200


@pytest.mark.parametrize(
    "given, status",
    [({"entity_types": [f"t{i}" for i in range(10_000)]}, 422), ({"text": "a" * 1001}, 413), ({"overlap": "no"}, 422)],
)
def test_statuses(given: dict[str, Any], status: int, server: Running) -> None:
    assert server.predict(**given).status_code == status


def load(server: Running, clients: int, answers: dict[str, Any]) -> list[threading.Thread]:
    """Have clients send requests one after the other, until the server is gone."""

    def send(number: int) -> None:
        with httpx.Client(timeout=30) as client:
            for count in range(10_000):
                name = f"r-{number}-{count}"
                try:
                    headers = {"x-request-id": name}
                    answer = client.post(f"{server.url}/predict/", json={"texts": [TEXT] * 5}, headers=headers)
                except httpx.TransportError as error:
                    answers[name] = error
                    return
                answers[name] = answer
                if answer.status_code != 200:
                    return

    threads = [threading.Thread(target=send, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    return threads


@pytest.mark.parametrize("workers", [1, 2])
def test_the_end_under_load_loses_nothing(workers: int, checkpoint: Path) -> None:
    """Whatever the server says that it answered, the client has got; and what it accepted, it answered."""
    answers: dict[str, Any] = {}
    with running(checkpoint, "--workers", workers) as server:
        threads = load(server, 8, answers)
        server.wait_for(lambda: len(answers) > 30)
        if workers > 1:  # whichever process is asked, it knows what all have done
            texts = [line for line in httpx.get(f"{server.url}/metrics").text.splitlines() if "texts_total" in line]
            assert float(texts[-1].split()[-1]) >= 5 * 15
        server.end()
        for thread in threads:
            thread.join(30)
        logged = {line["request_id"]: line["status"] for line in server.lines if str(line.get("request_id")).startswith("r-")}
    assert server.process.returncode in {0, -signal.SIGTERM}
    got = {name: answer.status_code for name, answer in answers.items() if isinstance(answer, httpx.Response)}
    assert logged == got and set(got.values()) <= {200, 503}
    assert all(len(answers[name].json()) == 5 for name, status in got.items() if status == 200)


def test_what_is_wrong_is_one_line(checkpoint: Path, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        refused = spanmatch("serve", checkpoint, "--port", taken.getsockname()[1])
    assert (refused.status, refused.err.count("\n")) == (2, 1) and "Address already in use" in refused.err
    (tmp_path / "config.json").write_text("{", encoding="utf-8")
    broken = spanmatch("serve", tmp_path, "--port", 0)
    assert (broken.status, broken.err.count("\n")) == (2, 1), broken.err
