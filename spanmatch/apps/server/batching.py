"""Tag the texts of many requests together: what waits while a batch is computed is the next batch.

One thread computes. Each batch takes texts from all requests in turn, so that a long request does not hold up short ones.
Requests are answered through the event loop that they came from.
"""

import asyncio
import json
import queue
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice

from spanmatch.data.examples import Example
from spanmatch.entities import Entity
from spanmatch.prediction.tagger import StreamOptions, Tagger
from spanmatch.prediction.thresholds import Threshold

# Characters of the texts that are tagged together, and by which all others are held up: a second or so on a laptop.
BATCH_CHARS = 50_000
Found = list[list[Entity]]


class Overloaded(Exception):
    """Says that too many requests wait."""


class Closed(Exception):
    """Says that the server is shutting down."""


@dataclass(kw_only=True, slots=True, eq=False)
class Request:
    """Holds the texts of one request.

    Attributes:
        examples: the texts, with their types.
        threshold: what a score must exceed; None for the tagger's own.
        overlap: which entities may overlap.
        answer: is given what was found.
        loop: the event loop that `answer` belongs to.
        found: the entities of the first texts, those that were tagged.
        is_done: whether nothing is left to do.
    """

    examples: Sequence[Example]
    threshold: Threshold | None
    overlap: str
    answer: "asyncio.Future[Found]"
    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.get_running_loop)
    found: Found = field(default_factory=list)
    is_done: bool = False

    @property
    def key(self) -> tuple[str, str]:
        """Return what requests that are tagged together have in common."""
        return json.dumps(self.threshold, sort_keys=True), self.overlap


class BatchingTagger:
    """Tags the texts of requests, those of all that wait together.

    Attributes:
        tagger: the tagger.
        max_waiting: requests that may wait.
    """

    def __init__(self, tagger: Tagger, *, max_waiting: int) -> None:
        """Start the thread that computes.

        Args:
            tagger: the tagger.
            max_waiting: requests that may wait; further ones are refused.
        """
        self.tagger, self.max_waiting = tagger, max_waiting
        self._queue: queue.SimpleQueue[Request | None] = queue.SimpleQueue()
        self._num_waiting, self._is_closed = 0, False  # of the event loop
        self._thread = threading.Thread(target=self._work, daemon=True, name="tagging")
        self._thread.start()

    @property
    def num_waiting(self) -> int:
        """Return how many requests wait or are being tagged."""
        return self._num_waiting

    async def tag(self, examples: Sequence[Example], *, threshold: Threshold | None, overlap: str) -> Found:
        """Return the entities of texts. Who no longer waits for them cancels this; the rest of the texts is then left out.

        Args:
            examples: the texts, with their types.
            threshold: what a score must exceed; None for the tagger's own.
            overlap: which entities may overlap.

        Raises:
            Overloaded: too many requests wait.
            Closed: the server is shutting down.
            InputError: the tagger refuses what is asked for.
        """
        if not examples:
            return []
        if self._is_closed:
            raise Closed
        if self._num_waiting >= self.max_waiting:
            raise Overloaded
        answer: asyncio.Future[Found] = asyncio.get_running_loop().create_future()
        self._num_waiting += 1
        try:
            self._queue.put(Request(examples=examples, threshold=threshold, overlap=overlap, answer=answer))
            return await answer
        finally:
            self._num_waiting -= 1

    def close(self) -> None:
        """Take no more requests, and wait until those that were taken are answered."""
        self._is_closed = True
        self._queue.put(None)
        self._thread.join()

    def _work(self) -> None:
        requests: list[Request] = []  # those that are not answered yet
        is_open = True
        while is_open or requests:
            while is_open and (not requests or not self._queue.empty()):
                request = self._queue.get()
                if request is None:
                    is_open = False
                else:
                    requests.append(request)
            groups: dict[tuple[str, str], list[Request]] = {}
            for request in requests:
                groups.setdefault(request.key, []).append(request)
            for group in groups.values():
                self._tag(_next_texts(group))
            requests = [request for request in requests if not (request.is_done or request.answer.cancelled())]

    def _tag(self, texts: dict[Request, list[Example]]) -> None:
        """Tag texts together; if that fails, those of each request alone, so that none fails for what another one asked."""
        first = next(iter(texts))
        examples = [example for part in texts.values() for example in part]
        options = StreamOptions(buffer_size=len(examples))
        try:
            found = iter(list(self.tagger.stream(examples, threshold=first.threshold, overlap=first.overlap, options=options)))
        except Exception as error:
            if len(texts) == 1:
                _tell(first, error)
            else:
                for request, part in texts.items():
                    self._tag({request: part})
            return
        for request, part in texts.items():
            request.found.extend(islice(found, len(part)))
            if len(request.found) == len(request.examples):
                _tell(request, request.found)


def _next_texts(requests: Sequence[Request]) -> dict[Request, list[Example]]:
    """Return the texts of the next batch: one of each request in turn, those first that had least, until they are long enough."""
    texts: dict[Request, list[Example]] = {}
    num_chars = 0
    left = sorted(requests, key=lambda request: len(request.found))
    while left:
        for request in left:
            part = texts.setdefault(request, [])
            part.append(request.examples[len(request.found) + len(part)])
            num_chars += len(part[-1].text)
            if num_chars >= BATCH_CHARS:
                return texts
        left = [request for request in left if len(request.found) + len(texts[request]) < len(request.examples)]
    return texts


def _tell(request: Request, outcome: Found | Exception) -> None:
    def tell() -> None:
        if request.answer.done():
            return
        if isinstance(outcome, Exception):
            request.answer.set_exception(outcome)
        else:
            request.answer.set_result(outcome)

    request.is_done = True
    if not request.loop.is_closed():  # a server that was ended at once; nobody waits any more
        request.loop.call_soon_threadsafe(tell)
