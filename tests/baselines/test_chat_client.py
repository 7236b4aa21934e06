"""Asking an endpoint: what is sent, what is counted, what is remembered, and how it fails."""

import json
import logging
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from helpers_chat import SOON, Reply, chat_server, in_turn
from helpers_e2e import offline_environment

from spanmatch.baselines.chat_client import AnswerCache, ChatClient, Endpoint, check_trusted
from spanmatch.errors import InputError

HELLO = [{"role": "user", "content": "Grüße, 你好 👋"}]


@pytest.fixture(autouse=True)
def no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_ADMIN_KEY"):
        monkeypatch.delenv(name, raising=False)


def client(url: str, **given: Any) -> ChatClient:
    return ChatClient(Endpoint(base_url=url, model="tiny", **given))


def test_what_is_sent_and_counted() -> None:
    with chat_server(lambda _: "héllo 👋") as server:
        asked = client(server.url, temperature=0.5, max_tokens=7, json_mode=True, input_price=2.0, output_price=1e6)
        assert asked.ask(HELLO) == "héllo 👋"
    [request] = server.requests
    assert request == {
        "model": "tiny", "messages": HELLO, "temperature": 0.5, "max_tokens": 7, "response_format": {"type": "json_object"}
    }  # fmt: skip
    assert dict(asked.counts) == {"requests": 1, "http_retries": 0, "prompt_tokens": 2, "completion_tokens": 1}
    assert asked.endpoint.cost(asked.counts) == pytest.approx(2 * 2e-6 + 1)
    assert asked.summary() == "requests 1, tokens sent 2, tokens answered 1, cost 1.0000"


def test_fields_that_nobody_asked_for_are_not_sent() -> None:
    with chat_server(lambda _: "hi") as server:
        client(server.url).ask(HELLO)
    assert server.requests == [{"model": "tiny", "messages": HELLO}]


def test_the_key_comes_from_the_environment_and_goes_nowhere_else(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with chat_server(lambda _: "hi") as server:
        client(server.url).ask(HELLO)
        assert server.headers[0]["authorization"] == "Bearer none"
        monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
        monkeypatch.setenv("OPENAI_ADMIN_KEY", "sk-admin")
        asked = client(server.url, cache_file=str(tmp_path / "answers.sqlite"))
        asked.ask(HELLO)
        assert server.headers[1]["authorization"] == "Bearer sk-secret"
        assert not any("sk-admin" in value for headers in server.headers for value in headers.values())
    assert b"sk-secret" not in (tmp_path / "answers.sqlite").read_bytes()
    assert "sk-secret" not in caplog.text and "sk-secret" not in repr(asked.endpoint)


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503])
def test_a_failure_that_passes_is_asked_again(status: int) -> None:
    failure = Reply(status=status, headers=SOON)
    with chat_server(in_turn(failure, failure, "at last")) as server:
        asked = client(server.url)
        assert asked.ask(HELLO) == "at last"
    assert len(server.requests) == 3
    assert (asked.counts["requests"], asked.counts["http_retries"]) == (1, 2)


def test_an_answer_that_is_late_is_asked_for_again() -> None:
    with chat_server(in_turn(Reply(content="late", seconds=1.0), "in time")) as server:
        asked = client(server.url, timeout=0.3)
        assert asked.ask(HELLO) == "in time"
        assert asked.counts["http_retries"] == 1


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (Reply(status=401), "refuses the key (HTTP 401); set OPENAI_API_KEY to a key of this endpoint"),
        (Reply(status=403), "refuses the key (HTTP 403); set OPENAI_API_KEY"),
        (Reply(status=404), 'does not know the address or the model "tiny" (HTTP 404); check both'),
        (Reply(status=429, headers=SOON), "too many requests (HTTP 429), after 1 retries; give less concurrency"),
        (Reply(status=500, headers=SOON), "fails (HTTP 500), after 1 retries; look at the log"),
        (Reply(status=400), "refuses the request (Error code: 400"),
        (Reply(status=422), "refuses the request (Error code: 422"),
        (Reply(status=418), "refuses the request (Error code: 418"),
        (Reply(seconds=0.6), "no answer within 0.2 s, after 1 retries; give it a longer timeout"),
        (Reply(body=b"<html>", headers={"content-type": "text/html"}), "answers with something else than a chat completion"),
        (Reply(body=b'{"choices": []}'), "answers with something else than a chat completion"),
        (Reply(body=b"[1]"), "answers with something else than a chat completion"),
        (Reply(body=b"{"), "answers with something else than a chat completion"),
    ],
)
def test_it_gives_up_with_the_endpoint_and_the_remedy(reply: Reply, message: str) -> None:
    with chat_server(lambda _: reply) as server, pytest.raises(InputError) as caught:
        client(server.url, max_retries=1, timeout=0.2 if reply.seconds else 60.0).ask(HELLO)
    assert str(caught.value).startswith(f"{server.url}: ")
    assert message in str(caught.value) and "\n" not in str(caught.value)


def test_an_endpoint_that_is_not_there() -> None:
    with chat_server(lambda _: "") as server:
        pass
    with pytest.raises(InputError, match=r"cannot be reached, after 0 retries; start the server, or check the address"):
        client(server.url, max_retries=0).ask(HELLO)


def test_one_request_that_is_refused_is_counted() -> None:
    """As for its length; that others are answered shows that it is about this one."""
    with chat_server(in_turn("first", Reply(status=400), "third")) as server:
        asked = client(server.url)
        assert [asked.ask(HELLO) for _ in range(3)] == ["first", None, "third"]
    assert asked.counts["refused"] == 1 and "refused 1" in asked.summary()


def test_no_content_and_half_characters() -> None:
    half = json.dumps({"choices": [{"index": 0, "message": {"role": "assistant", "content": "a\ud800"}}], "usage": None})
    with chat_server(in_turn(Reply(content=None), Reply(body=half.encode()))) as server:
        asked = client(server.url)
        assert [asked.ask(HELLO), asked.ask(HELLO)] == ["", "a?"]


class TestCache:
    def test_a_rerun_is_free(self, tmp_path: Path) -> None:
        file = str(tmp_path / "answers.sqlite")
        with chat_server(lambda _: "ünïcode") as server:
            assert [client(server.url, cache_file=file).ask(HELLO) for _ in range(2)] == ["ünïcode"] * 2
            again = client(server.url, cache_file=file)
            assert again.ask(HELLO) == "ünïcode"
        assert len(server.requests) == 1
        assert dict(again.counts) == {"cached": 1} and again.summary() == "requests 0, answered from the cache 1"

    @pytest.mark.parametrize("other", [{"temperature": 0.0}, {"max_tokens": 3}, {"json_mode": True}, {"model": "other"}])
    def test_another_request_is_not_answered_from_it(self, other: dict[str, Any], tmp_path: Path) -> None:
        file = str(tmp_path / "answers.sqlite")
        with chat_server(in_turn("one", "two", "three")) as server:
            assert client(server.url, cache_file=file).ask(HELLO) == "one"
            assert (
                ChatClient(Endpoint(**{"base_url": server.url, "model": "tiny", "cache_file": file} | other)).ask(HELLO) == "two"
            )
            assert client(server.url, cache_file=file).ask([*HELLO, *HELLO]) == "three"

    def test_what_does_not_change_the_answer_may_change(self, tmp_path: Path) -> None:
        file = str(tmp_path / "answers.sqlite")
        with chat_server(in_turn("one", "two")) as server:
            client(server.url, cache_file=file).ask(HELLO)
            other = client(server.url + "/", cache_file=file, timeout=5, max_retries=0, concurrency=1, input_price=3)
            assert other.ask(HELLO) == "one"

    def test_a_run_that_failed_goes_on(self, tmp_path: Path) -> None:
        file = str(tmp_path / "answers.sqlite")
        asked = [[{"role": "user", "content": str(number)}] for number in range(4)]
        with chat_server(in_turn("0", "1", "2", Reply(status=404))) as server:
            first = client(server.url, cache_file=file, concurrency=1)
            with pytest.raises(InputError, match="404"):
                first.map(first.ask, asked)
            server.answer = in_turn("3")
            second = client(server.url, cache_file=file, concurrency=1)
            assert second.map(second.ask, asked) == ["0", "1", "2", "3"]
            assert second.counts["requests"] == 1 and second.counts["cached"] == 3

    def test_several_processes_write_it(self, tmp_path: Path) -> None:
        """Each writes 30 answers from four threads while the others do."""
        code = (
            "import sys; from pathlib import Path; from concurrent.futures import ThreadPoolExecutor\n"
            "from spanmatch.baselines.chat_client import AnswerCache\n"
            "cache = AnswerCache(Path(sys.argv[1]))\n"
            "with ThreadPoolExecutor(4) as pool: list(pool.map(lambda n: cache.put(f'{sys.argv[2]}-{n}', str(n)), range(30)))"
        )
        command = [sys.executable, "-c", code, str(tmp_path / "answers.sqlite")]
        processes = [subprocess.Popen([*command, str(index)], env=offline_environment()) for index in range(3)]
        assert [process.wait(timeout=60) for process in processes] == [0, 0, 0]
        cache = AnswerCache(tmp_path / "answers.sqlite")
        assert all(cache.get(f"{process}-{number}") == str(number) for process in range(3) for number in range(30))

    def test_another_file_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "text").write_text("no database, but a text that is long enough" * 50)
        with pytest.raises(InputError, match=r"text: no cache of answers \(file is not a database\)"):
            AnswerCache(tmp_path / "text")
        assert (tmp_path / "text").read_text().startswith("no database")
        with sqlite3.connect(tmp_path / "other") as other:
            other.execute("CREATE TABLE answers (place TEXT)")
        with pytest.raises(InputError, match=r"other: no cache of answers \(no such column"):
            AnswerCache(tmp_path / "other").get("key")
        with pytest.raises(InputError, match="there is no folder"):
            AnswerCache(tmp_path / "missing" / "answers")


class TestMap:
    def test_results_are_in_order_and_requests_overlap(self) -> None:
        meet = threading.Barrier(4, timeout=20)

        def answer(asked: dict[str, Any]) -> str:
            meet.wait()  # nobody is answered before four have asked
            return str(asked["messages"][0]["content"])

        with chat_server(answer) as server:
            asked = client(server.url, concurrency=4)
            found = asked.map(lambda text: asked.ask([{"role": "user", "content": text}]), list("abcdefgh"))
        assert found == list("abcdefgh") and asked.counts["requests"] == 8

    def test_an_error_ends_it(self) -> None:
        with chat_server(in_turn("fine", Reply(status=404))) as server:
            asked = client(server.url, concurrency=2)
            with pytest.raises(InputError, match="404"):
                asked.map(lambda _: asked.ask(HELLO), range(200))
        assert len(server.requests) < 100


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"base_url": "localhost:8000"}, 'endpoint: expected an address such as https://api.openai.com/v1, got "localhost:8000"'),
        ({"base_url": "file:///etc/passwd"}, "endpoint: expected an address"),
        ({"model": ""}, "model: give the name"),
        ({"concurrency": 0}, "concurrency must be at least 1, got 0"),
        ({"timeout": 0}, "timeout must be at least 0.001, got 0"),
        ({"temperature": float("nan")}, "temperature must be at least 0, got nan"),
        ({"max_retries": -1}, "max_retries must be at least 0, got -1"),
    ],
)
def test_settings_that_are_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        Endpoint(**given)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("url", "key", "named", "is_trusted"),
    [
        ("https://elsewhere.example/v1", "", "", True),  # nothing to send
        ("https://elsewhere.example/v1", "sk", "", False),
        ("https://elsewhere.example/v1", "sk", "https://elsewhere.example/v1/", True),
        ("https://api.openai.com/v1", "sk", "", True),
        ("https://api.openai.com.evil.example/v1", "sk", "", False),
        ("http://localhost:8000/v1", "sk", "", True),
    ],
)
def test_a_folder_does_not_decide_where_a_key_goes(
    url: str, key: str, named: str, is_trusted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", key)
    monkeypatch.setenv("OPENAI_BASE_URL", named)
    try:
        check_trusted(Endpoint(base_url=url), Path("config.json"))
    except InputError as error:
        assert not is_trusted and str(error).startswith("config.json: your OPENAI_API_KEY would be sent to https://")
    else:
        assert is_trusted


def test_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openai", None)
    with pytest.raises(InputError, match=r"needs openai; pip install 'spanmatch\[prompting\]'"):
        ChatClient(Endpoint())
