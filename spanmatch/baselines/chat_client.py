"""`ChatClient`: asks a chat model behind any endpoint that speaks OpenAI's protocol, and remembers its answers.

OpenAI, Anthropic's compatible endpoint, vLLM, Ollama, `transformers serve`: each is a base URL and the name of a model. The key
is read from the environment variable `OPENAI_API_KEY`. It is never stored, and never logged.
"""

import hashlib
import json
import os
import sqlite3
import threading
import weakref
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from spanmatch.data.files import check_can_write, home_path
from spanmatch.errors import InputError, one_line

OPENAI_URL = "https://api.openai.com/v1"
DEFAULT_CHAT_MODEL = "gpt-4.1-mini"
KEY_VARIABLE, URL_VARIABLE = "OPENAI_API_KEY", "OPENAI_BASE_URL"
_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})

# `{"role": "system" | "user" | "assistant", "content": ...}`
Message = Mapping[str, str]

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """Says which model is asked, where, and how.

    Attributes:
        base_url: the address, as "https://api.openai.com/v1" or "http://localhost:8000/v1".
        model: name of the model there.
        temperature: 0 gives the likeliest answer; None leaves it to the endpoint, which some models want.
        max_tokens: the longest answer, in tokens; None leaves it to the endpoint.
        json_mode: ask for JSON by the field `response_format`, which OpenAI, vLLM and Ollama know, and some others refuse.
        timeout: seconds to wait for an answer.
        max_retries: how often to ask again after a timeout, "too many requests" (429) or a fault of the server (5xx), each
            time after a longer pause.
        concurrency: how many requests are under way at a time.
        input_price: price of a million tokens that are sent.
        output_price: price of a million tokens that are answered.
        cache_file: a file that keeps the answers, so that the same request is free the next time; None keeps none.

    Raises:
        InputError: the address is none, or a number is out of its range.
    """

    base_url: str = OPENAI_URL
    model: str = DEFAULT_CHAT_MODEL
    temperature: float | None = None
    max_tokens: int | None = None
    json_mode: bool = False
    timeout: float = 60.0
    max_retries: int = 5
    concurrency: int = 4
    input_price: float = 0.0
    output_price: float = 0.0
    cache_file: str | None = None

    def __post_init__(self) -> None:
        if urlsplit(self.base_url).scheme not in {"http", "https"} or not urlsplit(self.base_url).hostname:
            raise InputError(f'endpoint: expected an address such as {OPENAI_URL}, got "{self.base_url}"')
        if not self.model:
            raise InputError("model: give the name of the model that the endpoint serves")
        least = {"timeout": 0.001, "concurrency": 1, "max_tokens": 1}
        for name in ("temperature", "max_tokens", "timeout", "max_retries", "concurrency", "input_price", "output_price"):
            value, lowest = getattr(self, name), least.get(name, 0)
            if value is not None and not lowest <= value < float("inf"):
                raise InputError(f"{name} must be at least {lowest}, got {value}")

    def cost(self, counts: Mapping[str, int]) -> float:
        """Return what the tokens cost, in the currency of the prices.

        Args:
            counts: those of a `ChatClient`.
        """
        return (counts["prompt_tokens"] * self.input_price + counts["completion_tokens"] * self.output_price) / 1e6


def check_trusted(endpoint: Endpoint, where: Path) -> None:
    """Refuse to send the user's key to an address that a folder names, and the user does not.

    Args:
        endpoint: as the folder has it.
        where: the file that names it.

    Raises:
        InputError: there is a key, and the address is neither OpenAI's, nor on this machine, nor in `OPENAI_BASE_URL`.
    """
    host = urlsplit(endpoint.base_url).hostname
    named = os.environ.get(URL_VARIABLE, "").rstrip("/")
    if not os.environ.get(KEY_VARIABLE) or host in _LOCAL or endpoint.base_url.rstrip("/") in {OPENAI_URL, named}:
        return
    remedy = f"if you trust it, set {URL_VARIABLE}={endpoint.base_url}, else unset {KEY_VARIABLE}"
    raise InputError(f"{where}: your {KEY_VARIABLE} would be sent to {endpoint.base_url}; {remedy}")


class ChatClient:
    """Asks the chat model of an endpoint, also from several threads.

    Attributes:
        endpoint: what is asked.
        counts: `requests` that were answered, `http_retries` on the way to that, answers from the cache (`cached`), requests
            that the endpoint `refused`, `prompt_tokens` and `completion_tokens`.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        """Prepare to ask; nothing is sent yet.

        Args:
            endpoint: what is asked.

        Raises:
            InputError: the package openai is not installed, or the cache cannot be opened.
        """
        self.endpoint = endpoint
        self.counts: Counter[str] = Counter()
        self._openai = import_openai()
        self._client = self._openai.OpenAI(
            base_url=endpoint.base_url,
            api_key=os.environ.get(KEY_VARIABLE) or "none",  # the library wants one; local servers do not look at it
            admin_api_key="",  # or the library takes one from the environment
            timeout=endpoint.timeout,
            max_retries=endpoint.max_retries,
        )
        self._cache = AnswerCache(home_path(endpoint.cache_file)) if endpoint.cache_file is not None else None
        self._lock = threading.Lock()
        self._fields: dict[str, Any] = {"model": endpoint.model}
        if endpoint.temperature is not None:
            self._fields["temperature"] = endpoint.temperature
        if endpoint.max_tokens is not None:
            self._fields["max_tokens"] = endpoint.max_tokens
        if endpoint.json_mode:
            self._fields["response_format"] = {"type": "json_object"}

    def ask(self, messages: Sequence[Message]) -> str | None:
        """Return the answer of the model, from the cache if it is there.

        Args:
            messages: the conversation so far.

        Returns:
            The answer; None if the endpoint refuses this one request, as for its length or its content.

        Raises:
            InputError: the endpoint gives no answer after all retries, or refuses even the first request.
        """
        key = self._key(messages)
        answer = None if self._cache is None else self._cache.get(key)
        if answer is not None:
            self._count(cached=1)
            return answer
        answer = self._request(messages)
        if answer is not None and self._cache is not None:
            self._cache.put(key, answer)
        return answer

    def map(self, function: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
        """Call a function that asks on each of several items, as many at a time as the endpoint says; return the results.

        Args:
            function: called in several threads.
            items: what it is called with.

        Raises:
            InputError: as `ask`; calls that have not begun are dropped.
        """
        with ThreadPoolExecutor(max_workers=self.endpoint.concurrency) as pool:
            calls = [pool.submit(function, item) for item in items]
            try:
                return [call.result() for call in calls]
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def summary(self) -> str:
        """Return the counts and the cost as a part of a sentence."""
        named = {
            "requests": "requests",
            "http_retries": "asked again after a failure",
            "cached": "answered from the cache",
            "refused": "refused",
            "prompt_tokens": "tokens sent",
            "completion_tokens": "tokens answered",
        }
        parts = [f"{what} {self.counts[key]:,}" for key, what in named.items() if self.counts[key] or key == "requests"]
        has_price = self.endpoint.input_price or self.endpoint.output_price
        return ", ".join([*parts, *([f"cost {self.endpoint.cost(self.counts):.4f}"] if has_price else [])])

    def _key(self, messages: Sequence[Message]) -> str:
        """Return a digest of all that an answer depends on."""
        asked = [self.endpoint.base_url.rstrip("/"), self._fields, [dict(message) for message in messages]]
        return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()

    def _count(self, **numbers: int) -> None:
        with self._lock:
            self.counts.update(numbers)

    def _request(self, messages: Sequence[Message]) -> str | None:
        library = self._openai
        try:
            response = self._client.chat.completions.with_raw_response.create(messages=list(messages), **self._fields)
            completion = response.parse()
        except (library.BadRequestError, library.UnprocessableEntityError) as error:
            with self._lock:  # a request that was answered shows that it is about this one, and not about all
                if not self.counts["requests"] and not self.counts["cached"]:
                    raise self._failed(error) from error
                self.counts["refused"] += 1
            return None
        except library.OpenAIError as error:
            raise self._failed(error) from error
        except ValueError:  # no JSON
            completion = None
        choices = getattr(completion, "choices", None)
        if not choices:
            remedy = "give the base URL of one that speaks OpenAI's protocol, which often ends in /v1"
            raise InputError(f"{self.endpoint.base_url}: answers with something else than a chat completion; {remedy}")
        usage = completion.usage
        self._count(
            requests=1,
            http_retries=response.retries_taken,
            prompt_tokens=(usage.prompt_tokens or 0) if usage is not None else 0,
            completion_tokens=(usage.completion_tokens or 0) if usage is not None else 0,
        )
        content = choices[0].message.content or ""
        return content.encode("utf-8", "replace").decode()  # half a character can be neither stored nor sent

    def _failed(self, error: Exception) -> InputError:
        """Return the error for the user: the endpoint, what happened, the remedy."""
        library, endpoint = self._openai, self.endpoint
        status = getattr(error, "status_code", None)
        times = f"after {endpoint.max_retries} retries"
        if isinstance(error, library.APITimeoutError):
            what, remedy = f"no answer within {endpoint.timeout:g} s, {times}", "give it a longer timeout, or less concurrency"
        elif isinstance(error, library.APIConnectionError):
            what, remedy = f"cannot be reached, {times}", "start the server, or check the address"
        elif isinstance(error, (library.AuthenticationError, library.PermissionDeniedError)):
            what, remedy = f"refuses the key (HTTP {status})", f"set {KEY_VARIABLE} to a key of this endpoint"
        elif isinstance(error, library.NotFoundError):
            what, remedy = f'does not know the address or the model "{endpoint.model}" (HTTP 404)', "check both"
        elif isinstance(error, library.RateLimitError):
            what, remedy = f"too many requests (HTTP 429), {times}", "give less concurrency, wait, or check the account's limit"
        elif isinstance(error, library.InternalServerError):
            what, remedy = f"fails (HTTP {status}), {times}", "look at the log of the server"
        else:
            what, remedy = f"refuses the request ({one_line(error)})", "check model and options"
        return InputError(f"{endpoint.base_url}: {what}; {remedy}")


class AnswerCache:
    """Keeps answers in a file of SQLite, which several threads and processes may share."""

    def __init__(self, path: Path) -> None:
        """Open a cache; it is made if it is not there.

        Args:
            path: the file.

        Raises:
            InputError: it cannot be written, or is another kind of file.
        """
        check_can_write(path)
        self._path, self._lock = path, threading.Lock()
        with self._told():
            # Processes wait for each other's writes, of which each is one short transaction.
            self._file = sqlite3.connect(path, timeout=60, isolation_level=None, check_same_thread=False)
            weakref.finalize(self, self._file.close)
            self._file.execute("CREATE TABLE IF NOT EXISTS answers (key TEXT PRIMARY KEY, answer TEXT NOT NULL)")

    def get(self, key: str) -> str | None:
        """Return an answer, None if there is none.

        Args:
            key: digest of the request.
        """
        with self._lock, self._told():
            row = self._file.execute("SELECT answer FROM answers WHERE key = ?", (key,)).fetchone()
        return None if row is None else str(row[0])

    def put(self, key: str, answer: str) -> None:
        """Keep an answer; it is on the disk when this returns.

        Args:
            key: digest of the request.
            answer: the answer.
        """
        with self._lock, self._told():
            self._file.execute("INSERT OR REPLACE INTO answers VALUES (?, ?)", (key, answer))

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise InputError(f"{self._path}: no cache of answers ({one_line(error)}); name another file, or remove it") from error


def import_openai() -> Any:
    """Return the library openai.

    Raises:
        InputError: it is not installed.
    """
    try:
        import openai
    except ImportError as error:
        raise InputError("a prompted model needs openai; pip install 'spanmatch[prompting]'") from error
    return openai
