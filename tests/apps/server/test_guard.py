"""What stands in front of every request, against an application of three lines."""

import asyncio
import json
from collections.abc import Iterable
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from spanmatch.apps.server.guard import Guard
from spanmatch.apps.server.metrics import Metrics

LIMITS: dict[str, Any] = {"max_body_bytes": 10, "timeout": 0.2, "api_key": None}


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    message = await receive()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": message["body"]})


async def broken(scope: Scope, receive: Receive, send: Send) -> None:
    raise KeyError("Zanzibar")


def ask(app: Any, parts: Iterable[bytes | None], headers: Any = (), **limits: Any) -> tuple[int, dict[str, str], bytes]:
    """Send a body in parts (None hangs up, an end without a last part never comes); return status, headers and body."""
    sent: list[Message] = []
    left = list(parts)

    async def receive() -> Message:
        if not left:
            await asyncio.sleep(60)
        part = left.pop(0)
        if part is None:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": part.rstrip(b"$"), "more_body": not part.endswith(b"$")}

    async def send(message: Message) -> None:
        sent.append(message)

    guard = Guard(app, metrics=Metrics(), **LIMITS | limits)
    asyncio.run(guard({"type": "http", "method": "POST", "path": "/x", "headers": list(headers)}, receive, send))
    if not sent:
        return 0, {}, b""
    answered = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], answered, b"".join(message.get("body", b"") for message in sent[1:])


def test_a_body_in_parts() -> None:
    assert ask(echo, [b"a", b"b", b"$"])[::2] == (200, b"ab")


@pytest.mark.parametrize(
    "parts, headers, status, said",
    [
        ([b"12345", b"123456", b"$"], [], 413, "the body may have 10 bytes"),
        ([b"$"], [(b"content-length", b"11")], 413, "the body may have 10 bytes"),
        ([b"$"], [(b"content-length", b"many")], 413, "the body may have 10 bytes"),
        ([b"1"], [], 408, "did not arrive within 0.2 seconds"),
    ],
)
def test_what_is_refused(parts: list[bytes], headers: Any, status: int, said: str) -> None:
    answered, _, body = ask(echo, parts, headers)
    assert answered == status and said in json.loads(body)["error"]


def test_who_hangs_up_is_not_answered(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", logger="spanmatch.server")
    assert ask(echo, [b"a", None])[0] == 0
    assert json.loads(caplog.messages[-1])["status"] == 499


def test_the_id_of_a_request() -> None:
    """... is the client's own, unless it could be mistaken for something else in a log."""
    assert ask(echo, [b"$"], [(b"x-request-id", b"mine-1")])[1]["x-request-id"] == "mine-1"
    for unfit in (b"a b", b'"', b"x" * 65, b"\xff"):
        assert len(ask(echo, [b"$"], [(b"x-request-id", unfit)])[1]["x-request-id"]) == 32


def test_a_fault_of_ours(caplog: pytest.LogCaptureFixture) -> None:
    """... is a 500 with the id of the request; the log says where it is, but no message, which might hold a text."""
    caplog.set_level("INFO", logger="spanmatch.server")
    status, headers, body = ask(broken, [b"$"])
    assert status == 500 and json.loads(body)["request_id"] == headers["x-request-id"]
    fault, line = map(json.loads, caplog.messages)
    assert fault["error"] == "KeyError" and "in broken" in fault["where"][-1] and line["status"] == 500
    assert "Zanzibar" not in body.decode() and "Zanzibar" not in json.dumps(line)
