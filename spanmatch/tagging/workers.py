"""Tagging in this process, or in several that share the cores of a CPU: chunks in, entities out in the same order."""

import logging
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

import torch

from spanmatch.data.examples import Example
from spanmatch.data.words import split_words
from spanmatch.entities import Entity, EntityType
from spanmatch.errors import InputError
from spanmatch.prediction.matcher import SpanMatcher
from spanmatch.prediction.processes import quiet_libraries
from spanmatch.prediction.thresholds import Threshold
from spanmatch.prediction.type_embeddings import TypeEmbeddings
from spanmatch.tagging.chunks import Chunk

# Chunks per worker that may be read and not yet written: what bounds memory where one takes long.
CHUNKS_AHEAD = 3


Tagged = list[list[Entity]]


class WorkerError(InputError):
    """A worker died or failed."""


@dataclass(frozen=True, kw_only=True)
class TagJob:
    """What a process needs to know to tag. `embeddings_file` holds the embeddings of the types, None for a cross-encoder."""

    model: str
    types: tuple[EntityType, ...]
    embeddings_file: str | None
    threshold: Threshold | None
    overlap: str
    batch_size: int | None
    dtype: str | None
    compile: bool


def tag_texts(
    matcher: SpanMatcher,
    job: TagJob,
    embedded: TypeEmbeddings | None,
    texts: Sequence[tuple[str, str]],
    advance: Callable[[float], object] | None = None,
) -> Iterator[list[Entity]]:
    """The entities of texts, given with their places."""
    types = job.types if embedded is None else embedded.types
    examples = (Example(where=where, text=text, words=split_words(text), mentions=(), types=types) for where, text in texts)
    return matcher.stream(
        examples,
        threshold=job.threshold,
        overlap=job.overlap,
        batch_size=job.batch_size,
        embedded=embedded,
        window_size=len(texts),
        advance=advance,
    )


class Workers:
    """Processes that tag. To be used in a `with` statement, at whose end they are no more."""

    def __init__(self, job: TagJob, num_workers: int) -> None:
        context = multiprocessing.get_context("spawn")
        num_threads = max(1, torch.get_num_threads() // num_workers)
        self._processes: list[BaseProcess] = []
        self._connections: list[Connection] = []
        # Ctrl-C reaches every process of a terminal; the workers leave it to this one, which ends them.
        is_main = threading.current_thread() is threading.main_thread()
        before = signal.signal(signal.SIGINT, signal.SIG_IGN) if is_main else None
        try:
            for number in range(1, num_workers + 1):
                here, there = context.Pipe()
                process = context.Process(target=_work, args=(there, job, num_threads, number == 1), daemon=True)
                process.start()
                there.close()
                self._processes.append(process)
                self._connections.append(here)
        finally:
            if is_main:
                signal.signal(signal.SIGINT, before)

    def __enter__(self) -> "Workers":
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.terminate()
        for process, connection in zip(self._processes, self._connections, strict=True):
            process.join(timeout=5)
            if process.is_alive():
                process.kill()
                process.join()
            connection.close()

    def tag(self, chunks: Iterable[Chunk]) -> Iterator[tuple[Chunk, Tagged]]:
        """Chunks with the entities of their texts, in order.

        Raises:
            WorkerError: a worker could not go on, or died.
            InputError: a record is invalid; the chunks before it are out.
        """
        source, failure = iter(chunks), None
        more = True
        busy: dict[Connection, Chunk | None] = {connection: None for connection in self._connections}  # loading the model
        idle: list[Connection] = []
        given: dict[int, Chunk] = {}
        done: dict[int, Tagged] = {}
        while True:
            while idle and more and len(given) < CHUNKS_AHEAD * len(self._connections):
                try:
                    chunk = next(source, None)
                except InputError as error:
                    chunk, failure = None, error
                more = chunk is not None
                if chunk is not None:
                    connection = idle.pop(0)
                    self._send(connection, chunk)
                    busy[connection] = given[chunk.number] = chunk
            while given and (first := min(given)) in done:
                yield given.pop(first), done.pop(first)
            if not given and not more:
                break
            ready = wait(list(busy))
            for connection in [item for item in busy if item in ready]:
                entities = self._receive(connection)
                worked = busy.pop(connection)
                if worked is not None:
                    done[worked.number] = entities
                idle.append(connection)
        if failure is not None:
            raise failure

    def _send(self, connection: Connection, chunk: Chunk) -> None:
        try:
            connection.send(chunk.texts)
        except OSError:
            raise self._death(connection) from None

    def _receive(self, connection: Connection) -> Tagged:
        try:
            entities, problem = connection.recv()
        except (EOFError, OSError):
            raise self._death(connection) from None
        if problem is not None:
            raise WorkerError(problem)
        return list(entities)

    def _death(self, connection: Connection) -> WorkerError:
        number = self._connections.index(connection)
        process = self._processes[number]
        process.join(timeout=5)
        code = process.exitcode
        how = f"was killed by signal {-code}" if code is not None and code < 0 else f"ended with status {code}"
        hint = "; if memory ran out, give fewer --num_workers" if code == -signal.SIGKILL else ""
        return WorkerError(f"worker {number + 1} of {len(self._processes)} {how}{hint}")


def _work(connection: Connection, job: TagJob, num_threads: int, speaks: bool) -> None:
    """A worker: load the model, say so, then answer each list of texts, until nobody asks any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ["RAYON_NUM_THREADS"] = str(num_threads)  # the threads of the tokenizers
    torch.set_num_threads(num_threads)
    # What one worker warns of, the others do, too.
    logging.basicConfig(level=logging.WARNING if speaks else logging.ERROR, format="%(levelname)s: %(message)s")
    try:
        quiet_libraries()
        matcher = SpanMatcher.from_pretrained(job.model, device="cpu", dtype=job.dtype, compile=job.compile)
        embedded = None if job.embeddings_file is None else TypeEmbeddings.load(job.embeddings_file)
        connection.send(([], None))
        while True:
            texts = connection.recv()
            connection.send((list(tag_texts(matcher, job, embedded, texts)), None))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return
    except InputError as error:
        connection.send((None, str(error)))
    except Exception as error:
        logging.getLogger(__name__).debug("a worker failed", exc_info=True)
        reason = " ".join(str(error).split())[:300]
        connection.send((None, f"a worker failed ({type(error).__name__}: {reason}); without --num_workers the cause is shown"))


