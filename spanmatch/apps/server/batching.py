"""Tag the texts of many requests together: what waits while a batch is computed is the next batch.

Each batch takes texts from all requests in turn, so that a long request does not hold up short ones. No batch takes more than
a thread's share of what there is to do, so that all threads are busy with batches of about one size. Requests are answered
through the event loop that they came from.
"""

import asyncio
import json
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from spanmatch.data.examples import Example
from spanmatch.entities import Entity
from spanmatch.prediction.tagger import StreamOptions, Tagger
from spanmatch.prediction.thresholds import Threshold

# Characters of the texts that are tagged together. Twice as many are hardly faster for each, and hold up others twice as long.
BATCH_CHARS = 20_000
# Seconds in which the requests of a batch come in, at most, and between two of them. Clients that were answered together
# ask again together: who takes the first of them only computes batches of one.
GATHERING, PAUSE = 0.03, 0.005
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
        found: the entities of each text, empty where it was not tagged yet.
        num_taken: how many texts, the first ones, were tagged or are being tagged.
        num_done: how many texts were tagged.
    """

    examples: Sequence[Example]
    threshold: Threshold | None
    overlap: str
    answer: "asyncio.Future[Found]"
    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.get_running_loop)
    found: Found = field(init=False)
    num_taken: int = 0
    num_done: int = 0

    def __post_init__(self) -> None:
        self.found = [[] for _ in self.examples]

    @property
    def key(self) -> tuple[str, str]:
        """Return what requests that are tagged together have in common."""
        return json.dumps(self.threshold, sort_keys=True), self.overlap

    @property
    def is_open(self) -> bool:
        """Return whether texts wait to be tagged, and somebody for the answer."""
        return self.num_taken < len(self.examples) and not self.answer.cancelled()


class Text(NamedTuple):
    """Names a text by its request and its place in that."""

    request: Request
    place: int

    @property
    def example(self) -> Example:
        """Return the text, with its types."""
        return self.request.examples[self.place]


class BatchingTagger:
    """Tags the texts of requests, those of all that wait together.

    Attributes:
        tagger: the tagger.
        max_waiting: requests that may wait.
    """

    def __init__(self, tagger: Tagger, *, max_waiting: int, num_threads: int = 1) -> None:
        """Start the threads that compute.

        Args:
            tagger: the tagger. Several threads use it at the same time if there are several.
            max_waiting: requests that may wait or be tagged; further ones are refused.
            num_threads: batches that are computed at a time.
        """
        self.tagger, self.max_waiting = tagger, max_waiting
        self.num_waiting = 0
        self._requests: list[Request] = []  # in the order in which they came
        self._is_closed = False
        self._num_computed = 0  # texts that are being tagged
        self._changed = threading.Condition()  # held to read or change the requests
        self._threads = [threading.Thread(target=self._work, daemon=True, name=f"tagging-{i}") for i in range(num_threads)]
        for thread in self._threads:
            thread.start()

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
        if self._is_closed:
            raise Closed
        if self.num_waiting >= self.max_waiting:
            raise Overloaded
        if not examples:
            return []
        answer: asyncio.Future[Found] = asyncio.get_running_loop().create_future()
        self.num_waiting += 1
        try:
            with self._changed:
                self._requests.append(Request(examples=examples, threshold=threshold, overlap=overlap, answer=answer))
                self._changed.notify(len(examples))
            return await answer
        finally:
            self.num_waiting -= 1

    def close(self) -> None:
        """Take no more requests, and wait until those that were taken are answered."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        share = 1
        while texts := self._next_texts(share):
            self._tag(texts)
            with self._changed:
                share = self._waiting()[1]  # who is answered now will ask again
                self._num_computed -= len(texts)

    def _next_texts(self, share: int) -> list[Text]:
        """Return the texts of the next batch, once there are any; nothing when all was done and the server shuts down.

        Args:
            share: texts that this thread can expect.
        """
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting()[0] or self._is_closed)
            self._gather(share)
            with self._changed:
                num_waiting, own = self._waiting()
                if num_waiting or self._is_closed:  # else another thread took them
                    texts = _in_turn(self._requests, max(share, own))
                    self._num_computed += len(texts)
                    return texts

    def _gather(self, share: int) -> None:
        """Wait while requests come in one after the other, but not for long."""
        end, before = time.monotonic() + GATHERING, 0
        while time.monotonic() < end:
            with self._changed:
                num_waiting, own = self._waiting()
            if num_waiting in {0, before} or num_waiting >= max(share, own):
                return
            before = num_waiting
            time.sleep(PAUSE)

    def _waiting(self) -> tuple[int, int]:
        """Return how many texts wait, and the share that a thread has of these and of those that are being tagged."""
        self._requests = [request for request in self._requests if request.is_open]
        num_waiting = sum(len(request.examples) - request.num_taken for request in self._requests)
        return num_waiting, -(-(num_waiting + self._num_computed) // len(self._threads))

    def _tag(self, texts: Sequence[Text]) -> None:
        """Tag texts together; if that fails, those of each request alone, so that none fails for what another one asked."""
        first = texts[0].request
        options = StreamOptions(buffer_size=len(texts))
        examples = [text.example for text in texts]
        try:
            found = list(self.tagger.stream(examples, threshold=first.threshold, overlap=first.overlap, options=options))
        except Exception as error:
            requests = dict.fromkeys(text.request for text in texts)
            if len(requests) == 1:
                _tell(first, error)
            else:
                for request in requests:
                    self._tag([text for text in texts if text.request is request])
            return
        for (request, place), entities in zip(texts, found, strict=True):
            with self._changed:  # another thread may have tagged other texts of the request
                request.found[place] = entities
                request.num_done += 1
                is_done = request.num_done == len(request.examples)
            if is_done:
                _tell(request, request.found)


def _in_turn(requests: Sequence[Request], most: int) -> list[Text]:
    """Take texts for a batch, one of each request in turn, until they are many or long enough: those first that had least."""
    texts: list[Text] = []
    left = sorted(requests, key=lambda request: request.num_taken)
    left = [request for request in left if request.key == left[0].key]
    num_chars = 0
    while left:
        for request in left:
            texts.append(Text(request, request.num_taken))
            request.num_taken += 1
            num_chars += len(texts[-1].example.text)
            if num_chars >= BATCH_CHARS or len(texts) >= most:
                return texts
        left = [request for request in left if request.is_open]
    return texts


def _tell(request: Request, outcome: Found | Exception) -> None:
    def tell() -> None:
        if request.answer.done():
            return
        if isinstance(outcome, Exception):
            request.answer.set_exception(outcome)
        else:
            request.answer.set_result(outcome)

    if isinstance(outcome, Exception):
        request.num_taken = len(request.examples)  # the rest is not worth the time
    if not request.loop.is_closed():  # a server that was ended at once; nobody waits any more
        request.loop.call_soon_threadsafe(tell)
