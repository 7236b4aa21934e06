"""A server of this machine that speaks the protocol of chat completions, with answers that a test writes."""

import json
import random
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from helpers_e2e import NAMES

# So that a test does not wait between two attempts.
SOON = {"retry-after-ms": "1"}


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What the server sends: a chat completion with `content`, unless `body` says otherwise."""

    content: str | None = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    body: bytes | None = None


Answer = Callable[[dict[str, Any]], "str | Reply"]


@dataclass(kw_only=True)
class ChatServer:
    """The server: what it was asked, and how it answers."""

    answer: Answer
    url: str = ""
    requests: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    @property
    def prompts(self) -> list[str]:
        """The last message of each request."""
        return [request["messages"][-1]["content"] for request in self.requests]


@contextmanager
def chat_server(answer: Answer) -> Iterator[ChatServer]:
    """Run a server until the block ends."""
    server = ChatServer(answer=answer)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
            assert self.path == "/v1/chat/completions"
            server.headers.append({name.lower(): value for name, value in self.headers.items()})
            server.requests.append(asked)
            given = server.answer(asked)
            reply = given if isinstance(given, Reply) else Reply(content=given)
            time.sleep(reply.seconds)
            body = reply.body if reply.body is not None else json.dumps(completion(asked, reply)).encode()
            self.send_response(reply.status)
            for name, value in {"content-type": "application/json", "content-length": str(len(body)), **reply.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def handle(self) -> None:
            try:
                super().handle()
            except (BrokenPipeError, ConnectionResetError):  # the client has stopped waiting
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        http.daemon_threads = True
        server.url = f"http://127.0.0.1:{http.server_address[1]}/v1"
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            http.shutdown()
            thread.join()


def completion(asked: dict[str, Any], reply: Reply) -> dict[str, Any]:
    """A chat completion, or an error; a token is four characters."""
    if reply.status != 200:
        return {"error": {"message": f"status {reply.status}", "type": "test"}}
    sent = sum(len(message["content"]) for message in asked["messages"]) // 4
    answered = len(reply.content or "") // 4
    message = {"role": "assistant", "content": reply.content}
    return {
        "id": "1",
        "object": "chat.completion",
        "created": 0,
        "model": asked["model"],
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": sent, "completion_tokens": answered, "total_tokens": sent + answered},
    }


def in_turn(*replies: "str | Reply") -> Answer:
    """Give one reply after the other, and the last one for ever."""
    left, lock = list(replies), threading.Lock()

    def answer(_: dict[str, Any]) -> "str | Reply":
        with lock:
            return left.pop(0) if len(left) > 1 else left[0]

    return answer


def knows_names(asked: dict[str, Any]) -> str:
    """Answer as a model that knows the names of `helpers_e2e.sentences`."""
    text = asked["messages"][-1]["content"]
    found = [(match.start(), name, kind) for kind, names in NAMES.items() for name in names for match in re.finditer(name, text)]
    return json.dumps({"entities": [{"text": name, "type": kind} for _, name, kind in sorted(found)]})


def writes_texts(asked: dict[str, Any]) -> str:
    """Answer as a model that writes texts of the types that it is asked to write more of; they depend on the prompt alone."""
    prompt = asked["messages"][-1]["content"]
    [focus] = re.findall(r"too few so far: (.*)\.", prompt)
    [number] = re.findall(r"Write (\d+) texts", prompt)
    [request] = re.findall(r"request ([\d-]+);", prompt)
    texts = []
    for index in range(int(number)):
        name = f"Name {request.replace('-', 'x')}y{index}"
        kind = focus.split(", ")[index % len(focus.split(", "))]
        texts.append({"text": f"{name} was here.", "entities": [{"text": name, "type": kind}]})
    return json.dumps({"texts": texts})


def writes_or_finds(asked: dict[str, Any]) -> str:
    """Answer as a model that does both."""
    return (writes_texts if asked["messages"][-1]["content"].startswith("Write ") else knows_names)(asked)


def random_answer(rng: random.Random, good: Any = None) -> str:
    """A good answer, or a value of some form, with damage: characters dropped, doubled, swapped, cut off, or put around it."""

    def value(depth: int) -> Any:
        kinds: list[Any] = [None, True, -1, 1e308, "Ada", "", "\ud800", "é👩‍🚀", "\u0000", "person"]
        if depth == 0 or rng.random() < 0.3:
            return rng.choice(kinds)
        if rng.random() < 0.5:
            return [value(depth - 1) for _ in range(rng.randrange(4))]
        keys = ["entities", "text", "type", "label", "mention", "person", "tokens", "token", "tag", "texts", ""]
        return {rng.choice(keys): value(depth - 1) for _ in range(rng.randrange(4))}

    if good is None:
        names = [rng.choice(["Ada", "é👩‍🚀", "person", "Bob"]) for _ in range(rng.randrange(5))]
        good = {"entities": [{"text": name, "type": "person"} for name in names]}
    text = json.dumps(good if rng.random() < 0.5 else value(5), ensure_ascii=rng.random() < 0.5)
    for _ in range(rng.choice([0, 0, 1, 3, 30])):
        place = rng.randrange(len(text) + 1)
        piece = rng.choice(["", '"', "{", "}", "[", "]", ",", "\\", "\\u", "```", "\n", "<think>", "NaN", "Infinity", "\u2028"])
        text = text[:place] + piece + text[place + rng.randrange(3) :]
    return (
        rng.choice(["", "Sure! ", "```json\n", "<think>hm</think>"])
        + text[: rng.choice([len(text), rng.randrange(len(text) + 1)])]
    )
