"""What stands in front of every request: its id, the API key, the size of its body, its line in the log.

A line of the log is JSON. It never holds a text or a type.
"""

import asyncio
import hmac
import json
import logging
import re
import time
import traceback
import uuid
from datetime import datetime, timezone
from typing import Any

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from spanmatch.apps.server.metrics import Metrics

LOG = logging.getLogger("spanmatch.server")
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
OPEN_PATHS = {"/health", "/ready"}  # what asks whether a server is alive has no key
API_KEY_HEADER = "x-api-key"


class Guard:
    """Wraps an application.

    Attributes:
        app: the application.
    """

    def __init__(self, app: ASGIApp, *, metrics: Metrics, max_body_bytes: int, timeout: float, api_key: str | None) -> None:
        """Wrap an application.

        Args:
            app: the application.
            metrics: counts requests.
            max_body_bytes: bytes that a body may have.
            timeout: seconds in which a body has to arrive.
            api_key: what requests have to send, None for no key.
        """
        self.app, self._metrics, self._timeout = app, metrics, timeout
        self._max_bytes, self._api_key = max_body_bytes, api_key
        self._too_long = 413, f"the body may have {max_body_bytes} bytes; send fewer texts at a time"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or have the application do so.

        Args:
            scope: the request, as ASGI describes it.
            receive: gives its body.
            send: takes the answer.
        """
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        given = headers.get("x-request-id", "")
        scope.setdefault("state", {})["request_id"] = request_id = given if REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
        begin, status = time.perf_counter(), 499  # what servers note for a client that hung up

        async def sent(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", request_id.encode())]
            await send(message)

        try:
            refused = self._refused(scope["path"], headers, request_id)
            body = b"" if refused is not None else await self._body(receive)
            if isinstance(body, tuple):
                refused = problem(*body, request_id)
            if refused is not None:
                await refused(scope, receive, sent)
            elif isinstance(body, bytes):
                await self.app(scope, _replay(body, receive), sent)
        except Exception as error:
            # A fault of ours. Its message might hold a text, so that the log says only what failed, and where.
            log(request_id=request_id, error=type(error).__name__, where=traceback.format_tb(error.__traceback__))
            if status == 499:
                await problem(500, "the server failed; its log says where", request_id)(scope, receive, sent)
        finally:
            seconds = time.perf_counter() - begin
            route = scope.get("route")
            path = getattr(route, "path", "other")  # the paths that anybody may think of are one
            self._metrics.requests.labels(path, str(status)).inc()
            self._metrics.seconds.labels(path).observe(seconds)
            line: dict[str, Any] = {"request_id": request_id, "method": scope["method"], "path": path, "status": status}
            log(**line, ms=round(1000 * seconds, 1), **scope["state"].get("counts", {}))

    def _refused(self, path: str, headers: dict[str, str], request_id: str) -> JSONResponse | None:
        if self._api_key is not None and path not in OPEN_PATHS:
            bearer = headers.get("authorization", "").removeprefix("Bearer ")
            given = headers.get(API_KEY_HEADER, bearer)
            if not hmac.compare_digest(given.encode(), self._api_key.encode()):
                return problem(401, f"send the API key in the header {API_KEY_HEADER}", request_id)
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > self._max_bytes:
            return problem(*self._too_long, request_id)
        return None

    async def _body(self, receive: Receive) -> bytes | tuple[int, str] | None:
        """Return the body; or the status and the text of a refusal; or None if the client hung up."""
        try:
            return await asyncio.wait_for(self._whole_body(receive), self._timeout)
        except asyncio.TimeoutError:
            return 408, f"the body did not arrive within {self._timeout} seconds"

    async def _whole_body(self, receive: Receive) -> bytes | tuple[int, str] | None:
        body = bytearray()
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            body += message.get("body", b"")
            if len(body) > self._max_bytes:
                return self._too_long
            if not message.get("more_body", False):
                return bytes(body)


def log(**values: Any) -> None:
    """Write a line of the log, with the time (UTC).

    Args:
        values: what it says.
    """
    LOG.info(json.dumps({"time": datetime.now(timezone.utc).isoformat(timespec="milliseconds")} | values))


def problem(status: int, error: str, request_id: str) -> JSONResponse:
    """Return an answer that says what is wrong.

    Args:
        status: the HTTP status.
        error: a sentence.
        request_id: id of the request.
    """
    headers = {"retry-after": "1"} if status in {429, 503} else {}
    headers |= {"connection": "close"} if status in {408, 413} else {}  # the rest of the body is not read
    return JSONResponse({"error": error, "request_id": request_id}, status_code=status, headers=headers)


def _replay(body: bytes, receive: Receive) -> Receive:
    is_given = False

    async def replayed() -> Message:
        nonlocal is_given
        if is_given:
            return await receive()
        is_given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replayed
