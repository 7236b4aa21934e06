"""Tagging chunks in this process, or in several that share the cores of a CPU. Both give the same entities in the same order.

The processes are those of a `ProcessPoolExecutor`. All of them are started at once and load the tagger at the same time.
The first one prepares the types, and writes that to a file, which the others read.
"""

import logging
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from multiprocessing.synchronize import Lock
from queue import SimpleQueue
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Protocol, TypeVar, runtime_checkable

from tqdm import tqdm

from spanmatch.data.examples import Example
from spanmatch.data.labels import usual_types
from spanmatch.data.words import split_words
from spanmatch.entities import Entity, EntityType, Inventory
from spanmatch.errors import InputError
from spanmatch.prediction.processes import num_threads, quiet_libraries, use_threads
from spanmatch.prediction.tagger import StreamOptions, Tagger, load_tagger
from spanmatch.prediction.thresholds import Threshold
from spanmatch.tagging.chunks import Chunk
from spanmatch.tagging.options import TagOptions

# Chunks per worker that may be read and not yet written. It bounds the memory where one chunk takes long.
CHUNKS_AHEAD = 3

Result = TypeVar("Result")
Tagging = tuple[Chunk, "Future[list[list[Entity]]]"]


class WorkerError(InputError):
    """Says that a worker died or failed."""


@runtime_checkable
class Engine(Protocol):
    """Tags chunks elsewhere than in this process. To be used in a `with` statement, at whose end nothing of it runs."""

    def __enter__(self) -> "Engine": ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None: ...

    @property
    def types(self) -> tuple[EntityType, ...] | None:
        """Return the types that the tagger knows (see `Tagger.types`)."""

    def fingerprint(self) -> dict[str, str]:
        """Return what the output depends on (see `Tagger.fingerprint`)."""

    def prepare(self, types: Inventory, *, file: str | None = None, progress: bool = False) -> None:
        """Prepare types once, for all that tag.

        Args:
            types: the types of the job.
            file: keeps what was done (see `Tagger.prepare`).
            progress: show a bar.
        """

    def tag(self, chunks: Iterable[Chunk]) -> Iterator[tuple[Chunk, list[list[Entity]]]]:
        """Yield chunks with the entities of their texts, in order, each as soon as it is tagged.

        Args:
            chunks: the chunks, read only as far as bounds the memory.
        """


@dataclass(frozen=True, kw_only=True)
class TagJob:
    """Holds what a process needs to know to tag.

    Attributes:
        options: the options of the command.
        types: the types that the user named, if any.
        threshold: what a score must exceed, None for the tagger's own.
    """

    options: TagOptions
    types: Inventory
    threshold: Threshold | None

    def load(self) -> Tagger:
        """Load the tagger, and refuse a threshold that it cannot answer."""
        asked = self.options
        device = "cpu" if asked.uses_processes else asked.device
        tagger = load_tagger(asked.model, device=device, dtype=asked.dtype, compile=asked.compile)
        tagger.check_threshold(self.threshold)
        return tagger

    def asked(self, tagger: "Tagger | Engine") -> Inventory:
        """Return the types to look for: those that the user named, else all that the tagger knows, else the usual ones.

        Args:
            tagger: the tagger of this job, here or in its workers.
        """
        known = None if self.types else tagger.types
        return self.types or (usual_types() if known is None else Inventory(known))

    def tag(
        self, tagger: Tagger, texts: Sequence[tuple[str, str]], advance: Callable[[float], object] | None = None
    ) -> Iterator[list[Entity]]:
        """Yield the entities of texts, in order.

        Args:
            tagger: the tagger of this job.
            texts: where each text stands, and the text.
            advance: told how many texts were tagged since, in parts where a text is long.
        """
        types = self.asked(tagger)
        return tagger.stream(
            (Example(where=where, text=text, words=split_words(text), mentions=(), types=types) for where, text in texts),
            threshold=self.threshold,
            overlap=self.options.overlap,
            options=StreamOptions(
                batch_size=self.options.batch_size, buffer_size=len(texts), advance=advance, line_breaks=self.options.line_breaks
            ),
        )


class Workers:
    """Runs processes that tag. To be used in a `with` statement, at whose end they are gone."""

    def __init__(self, job: TagJob, num_workers: int) -> None:
        """Start the processes, which load the tagger at once.

        Args:
            job: what they have to do.
            num_workers: how many processes, at least 1. They share the threads that this process has.
        """
        context = multiprocessing.get_context("spawn")
        own_threads = max(1, num_threads() // num_workers)
        self._folder = TemporaryDirectory(prefix="spanmatch-")
        self._job = job
        self._file: str | None = None
        # A chunk may be read for each time that this can be acquired.
        self._free, self._is_over = threading.Semaphore(CHUNKS_AHEAD * num_workers), threading.Event()
        self._reader: threading.Thread | None = None
        started = (job, own_threads, context.Lock())
        self._pool = ProcessPoolExecutor(num_workers, mp_context=context, initializer=_start, initargs=started)
        earlier = set(multiprocessing.active_children())
        self._processes: set[BaseProcess] = set()
        try:
            with _interrupts_held():
                # The pool starts a process with each task that finds none idle.
                self._fingerprint, *_ = [self._submit(_fingerprint) for _ in range(num_workers)]
                self._processes = set(multiprocessing.active_children()) - earlier
                # These ends of the pipes are for the workers alone. While we hold copies, the pool waits for ever for a
                # worker that was killed while it read or wrote.
                self._pool._call_queue._reader.close()  # type: ignore[attr-defined]
                self._pool._result_queue._writer.close()  # type: ignore[attr-defined]
                threading.Thread(target=self._end_with_one, daemon=True).start()
        except BaseException:  # Ctrl-C, which was held back: no `with` statement ends the processes yet
            self._end(kill=True)
            raise

    def __enter__(self) -> "Workers":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._end(kill=kind is not None)

    def _end(self, *, kill: bool) -> None:
        self._stop_reading()
        for process in self._processes if kill else ():
            process.kill()  # nobody waits for what they still do
        self._pool.shutdown(cancel_futures=True)
        self._folder.cleanup()

    def _end_with_one(self) -> None:
        """Kill all processes when one dies before the end.

        If it dies half-way through writing a result, the pool waits for the rest for as long as another process could
        write it, and does not notice the death.
        """
        wait([process.sentinel for process in self._processes])
        for process in () if self._is_over.is_set() else self._processes:
            process.kill()

    def fingerprint(self) -> dict[str, str]:
        """Return what the output depends on (see `Tagger.fingerprint`).

        Raises:
            InputError: the tagger cannot be loaded, or cannot answer the threshold.
            WorkerError: a worker died or failed.
        """
        return _result(self._fingerprint)

    @property
    def types(self) -> tuple[EntityType, ...] | None:
        """Return the types that the tagger knows (see `Tagger.types`).

        Raises:
            InputError: the tagger cannot be loaded, or cannot answer the threshold.
            WorkerError: a worker died or failed.
        """
        return _result(self._submit(_types))

    def prepare(self, types: Inventory, *, file: str | None = None, progress: bool = False) -> None:
        """Prepare types in one worker, for all of them.

        Args:
            types: what `TagJob.asked` gave.
            file: keeps what was done (see `Tagger.prepare`); by default a temporary file.
            progress: show a bar.

        Raises:
            InputError: the tagger refuses the file.
            WorkerError: a worker died or failed.
        """
        assert types == self._job.asked(self)
        spare = f"{self._folder.name}/types"
        self._file = _result(self._submit(_prepare, file, spare, progress, num_threads()))

    def tag(self, chunks: Iterable[Chunk]) -> Iterator[tuple[Chunk, list[list[Entity]]]]:
        """Yield chunks with the entities of their texts, in order, each as soon as it is tagged.

        Args:
            chunks: they are read in a thread, so that none waits for the next one to arrive, and only as far as
                `CHUNKS_AHEAD` allows.

        Raises:
            InputError: a record is invalid. The chunks before it have been yielded then.
            WorkerError: a worker died or failed.
        """
        waiting: SimpleQueue[Tagging | BaseException | None] = SimpleQueue()

        def read() -> None:
            """Put every chunk into the queue, then None, or what stopped the reading."""
            try:
                source = iter(chunks)
                while self._free.acquire() and not self._is_over.is_set() and (chunk := next(source, None)) is not None:
                    waiting.put((chunk, self._submit(_tag, chunk.texts, self._file)))
                waiting.put(None)
            except BaseException as error:
                waiting.put(error)

        self._reader = threading.Thread(target=read, daemon=True)
        self._reader.start()
        while (item := waiting.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item[0], _result(item[1])
            self._free.release()

    def _stop_reading(self) -> None:
        """Have no more chunks read and submitted. A thread that waits for standard input ends with this process."""
        self._is_over.set()
        self._free.release()
        if self._reader is not None:
            self._reader.join(timeout=1)

    def _submit(self, task: Callable[..., Result], *arguments: object) -> Future[Result]:
        with _failures_told():
            return self._pool.submit(task, *arguments)


def _result(future: Future[Result]) -> Result:
    with _failures_told():
        return future.result()


@contextmanager
def _failures_told() -> Iterator[None]:
    """Turn whatever goes wrong in a worker into one line."""
    try:
        yield
    except BrokenProcessPool as error:
        raise WorkerError("a worker died; if memory ran out, give fewer --num_workers") from error
    except (InputError, OSError):
        raise
    except Exception as error:
        reason = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
        raise WorkerError(f"a worker failed ({reason}); without --num_workers the cause is shown") from error


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Hold Ctrl-C back, in this process until the end, in those that it starts until they ignore it.

    Ctrl-C reaches every process of a terminal. The workers leave it to their parent, which ends them.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows, where a new process inherits nothing of that kind
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


# What follows runs in a worker. The job is that of the process.
_job: TagJob


def _start(job: TagJob, own_threads: int, loud: Lock) -> None:
    global _job
    _job = job
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    os.environ["RAYON_NUM_THREADS"] = str(own_threads)  # the threads of the tokenizers
    use_threads(own_threads)
    tqdm.set_lock(threading.RLock())  # by default a semaphore, which a killed process leaves behind
    # What one worker warns of, the others do, too; the first one takes the lock, and keeps it.
    level = logging.WARNING if loud.acquire(block=False) else logging.ERROR
    logging.basicConfig(level=level, format="%(levelname)s: %(message)s")
    quiet_libraries()


def _end_with_parent() -> None:
    """End this process when its parent is gone, even if that was killed. The pool's processes would wait for ever."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


@cache
def _tagger() -> Tagger:
    return _job.load()


@cache
def _prepared(file: str | None) -> Tagger:
    tagger = _tagger()
    tagger.prepare(_job.asked(tagger), file=file)
    return tagger


def _types() -> tuple[EntityType, ...] | None:
    return _tagger().types


def _fingerprint() -> dict[str, str]:
    return _tagger().fingerprint()


def _prepare(file: str | None, spare: str, progress: bool, all_threads: int) -> str | None:
    """Prepare the types, and return the file that holds them; None if the tagger keeps nothing in files."""
    tagger, before = _tagger(), num_threads()
    types = _job.asked(tagger)
    use_threads(all_threads)  # the others wait
    try:
        tagger.prepare(types, file=file or spare, progress=progress)
        return file or spare
    except InputError:
        if file is not None:
            raise
        tagger.prepare(types, progress=progress)
        return None
    finally:
        use_threads(before)


def _tag(texts: Sequence[tuple[str, str]], file: str | None) -> list[list[Entity]]:
    return list(_job.tag(_prepared(file), texts))
