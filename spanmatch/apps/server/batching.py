"""Tag the texts of many requests together: what waits while a batch is computed is the next batch.

One thread computes. Requests are answered through the event loop that they came from.
"""

import asyncio
import json
import queue
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

from spanmatch.data.examples import Example
from spanmatch.entities import Entity
from spanmatch.errors import InputError
from spanmatch.prediction.tagger import StreamOptions, Tagger
from spanmatch.prediction.thresholds import Threshold

# Characters of the texts that are tagged together: further requests wait for the next batch, which begins soon.
BATCH_CHARS = 200_000
Found = list[list[Entity]]


class Overloaded(Exception):
    """Says that too many requests wait."""


class Closed(Exception):
    """Says that the server is shutting down."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """Holds the texts of one request.

    Attributes:
        examples: the texts, with their types.
        threshold: what a score must exceed; None for the tagger's own.
        overlap: which entities may overlap.
        answer: is given what was found.
    """

    examples: Sequence[Example]
    threshold: Threshold | None
    overlap: str
    answer: "asyncio.Future[Found]"
    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.get_running_loop)

    @property
    def key(self) -> tuple[str, str]:
        """Return what requests that are tagged together have in common."""
        return json.dumps(self.threshold, sort_keys=True), self.overlap

    @property
    def num_chars(self) -> int:
        """Return how long the texts are."""
        return sum(len(example.text) for example in self.examples)


class BatchingTagger:
    """Tags the texts of requests, those that wait together.

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
        self._requests: queue.SimpleQueue[Request | None] = queue.SimpleQueue()
        self._is_closed = False
        self._thread = threading.Thread(target=self._work, daemon=True, name="tagging")
        self._thread.start()

    @property
    def num_waiting(self) -> int:
        """Return how many requests wait, without those that are being tagged."""
        return self._requests.qsize()

    async def tag(self, examples: Sequence[Example], *, threshold: Threshold | None, overlap: str) -> Found:
        """Return the entities of texts.

        Args:
            examples: the texts, with their types.
            threshold: what a score must exceed; None for the tagger's own.
            overlap: which entities may overlap.

        Raises:
            Overloaded: too many requests wait.
            Closed: the server is shutting down.
            InputError: the tagger refuses what is asked for.
        """
        if self._is_closed:
            raise Closed
        if self.num_waiting >= self.max_waiting:
            raise Overloaded
        answer: asyncio.Future[Found] = asyncio.get_running_loop().create_future()
        self._requests.put(Request(examples=examples, threshold=threshold, overlap=overlap, answer=answer))
        return await answer

    def close(self) -> None:
        """Take no more requests, and wait until those that were taken are answered."""
        self._is_closed = True
        self._requests.put(None)
        self._thread.join()

    def _work(self) -> None:
        while (first := self._requests.get()) is not None:
            together, is_last = [first], False
            num_chars = first.num_chars
            while num_chars < BATCH_CHARS and not self._requests.empty():
                further = self._requests.get()
                if further is None:
                    is_last = True
                    break
                together.append(further)
                num_chars += further.num_chars
            groups: dict[tuple[str, str], list[Request]] = {}
            for request in together:
                if not request.answer.cancelled():  # nobody waits for it any more
                    groups.setdefault(request.key, []).append(request)
            for group in groups.values():
                self._answer(group)
            if is_last:
                return

    def _answer(self, group: Sequence[Request]) -> None:
        """Tag requests together; if that fails, each alone, so that none fails for what another one asked."""
        try:
            found = iter(self._tagged(group))
            for request in group:
                _tell(request, [next(found) for _ in request.examples])
        except Exception as error:
            if len(group) == 1:
                _tell(group[0], error)
                return
            for request in group:
                self._answer([request])

    def _tagged(self, group: Sequence[Request]) -> Found:
        examples = [example for request in group for example in request.examples]
        first = group[0]
        stream = self.tagger.stream(
            examples, threshold=first.threshold, overlap=first.overlap, options=StreamOptions(buffer_size=len(examples))
        )
        return list(stream)


def _tell(request: Request, outcome: Found | Exception) -> None:
    def tell() -> None:
        if request.answer.done():
            return
        if isinstance(outcome, Exception):
            request.answer.set_exception(outcome)
        else:
            request.answer.set_result(outcome)

    if not request.loop.is_closed():  # a server that was ended at once; nobody waits any more
        request.loop.call_soon_threadsafe(tell)


__all__ = ["BatchingTagger", "Closed", "InputError", "Overloaded"]
