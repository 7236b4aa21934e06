"""Tagging the chunks of files by the actors of a Ray cluster, or of a Ray that is started on this machine for one command.

Ray Data runs two steps, one chunk a row. A task on this machine reads the files, and actors that hold the model tag its chunks.
Ray Data bounds what is read ahead, starts a dead actor again, and gives its chunk to it again. This process reads the files, too,
chunk by chunk with the results: so records and messages are those of any other run, only texts and entities travel, and no other
machine needs the files.
"""

import json
import logging
import os
import socket
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import ray
import ray.data
from ray.exceptions import RayError, RayTaskError

from spanmatch.data.files import home_path, whole_file
from spanmatch.entities import Entity, EntityType, Inventory
from spanmatch.errors import InputError, one_line
from spanmatch.prediction.tagger import Tagger
from spanmatch.tagging.chunks import Chunk
from spanmatch.tagging.files import SourceFiles
from spanmatch.tagging.sources import source_chunks

if TYPE_CHECKING:  # and no torch for the processes that only read and count
    from spanmatch.tagging.workers import TagJob

# The memory that processes of this machine share: some chunks, and the embeddings of the types.
OBJECT_STORE_BYTES = 1 << 29
# A chunk of which actors die again and again ends the run.
MAX_ATTEMPTS = 4
SECONDS_TO_CONNECT = 10


class Attempts:
    """Counts how often chunks were begun and not done, in a process that outlives the actors."""

    def __init__(self) -> None:
        self._counts: Counter[int] = Counter()

    def begin(self, number: int) -> int:
        """Return how often a chunk was begun, this time included.

        Args:
            number: number of the chunk.
        """
        self._counts[number] += 1
        return self._counts[number]

    def end(self, number: int) -> None:
        """Forget a chunk, which is done.

        Args:
            number: number of the chunk.
        """
        del self._counts[number]


class TaggingActor:
    """Holds a tagger in a process of its own, and tags chunks. The tagger is loaded when it is first needed."""

    def __init__(
        self, job: "TagJob", expected: dict[str, str] | None = None, embeddings: Any = None, attempts: Any = None
    ) -> None:
        """Say what there is to do.

        Args:
            job: the job.
            expected: what the tagger has to say of itself (see `Tagger.fingerprint`); by default anything.
            embeddings: reference to what `prepare` returned in another actor; by default the types are prepared here.
            attempts: the actor of `Attempts`; not needed where no chunk is tagged.
        """
        self.job, self._expected, self._embeddings, self._attempts = job, expected, embeddings, attempts

    @cached_property
    def tagger(self) -> Tagger:
        """Load the tagger, and check that it is the one that other machines have."""
        from spanmatch.prediction.processes import quiet_libraries, use_threads

        use_threads(1)
        os.environ["RAYON_NUM_THREADS"] = "1"  # the threads of the tokenizers
        # What one actor warns of, the others do, too.
        logging.basicConfig(level=logging.ERROR if self._expected else logging.WARNING, format="%(levelname)s: %(message)s")
        quiet_libraries()
        tagger = self.job.load()
        found = tagger.fingerprint()
        for key, expected in (self._expected or {}).items():
            if found[key] != expected:
                problem = f"the {key} is {found[key]}, on another machine {expected}"
                raise InputError(f"{socket.gethostname()}: {problem}; have the same model everywhere, and give --dtype")
        return tagger

    def fingerprint(self) -> dict[str, str]:
        """Return what the tagger says of itself."""
        return self.tagger.fingerprint()

    def types(self) -> tuple[EntityType, ...] | None:
        """Return the types that the tagger knows (see `Tagger.types`)."""
        return self.tagger.types

    def prepare(self, kept: bytes | None, name: str | None = None) -> bytes | None:
        """Prepare the types of the job. Return the file that the tagger keeps of that, None if it keeps nothing.

        Args:
            kept: such a file; by default the types are prepared anew.
            name: what the user calls the file; None if nothing has to be kept.

        Raises:
            InputError: the file is of other types or of another model, or nothing can be kept.
        """
        with TemporaryDirectory(prefix="spanmatch-") as folder:
            file = Path(folder) / "types"
            if kept is not None:
                file.write_bytes(kept)
            try:
                self.tagger.prepare(self.job.asked(self.tagger), file=str(file))
            except InputError as error:
                if name is not None:
                    raise InputError(str(error).replace(str(file), name)) from error
                self.tagger.prepare(self.job.asked(self.tagger))
            return file.read_bytes() if file.exists() else None

    @cached_property
    def _prepared(self) -> Tagger:
        self.prepare(ray.get(self._embeddings) if self._embeddings is not None else None)
        return self.tagger

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Tag a chunk.

        Args:
            batch: its number, and its texts with their places, as JSON.

        Raises:
            WorkerError: the chunk was begun too often: each time, the actor died.
        """
        [number], [texts] = batch["number"], map(json.loads, batch["texts"])
        if ray.get(self._attempts.begin.remote(int(number))) > MAX_ATTEMPTS:
            from spanmatch.tagging.workers import WorkerError

            problem = f"{MAX_ATTEMPTS} actors died of the chunk that begins at {texts[0][0]}"
            raise WorkerError(f"{problem}; if memory ran out, give fewer --num_workers")
        found = list(self.job.tag(self._prepared, texts))
        self._attempts.end.remote(int(number))
        return {"number": [number], "found": [json.dumps([list(map(asdict, own)) for own in found])]}


def read_chunks(
    start: dict[str, Any], *, paths: Sequence[Path], text_column: str, skip_invalid: bool
) -> Iterator[dict[str, Any]]:
    """Yield the chunks of files as Ray Data takes them: their numbers, and their texts with their places, as JSON.

    Args:
        start: the number of the first chunk, by the name "first".
        paths: the files.
        text_column: the key or column that holds the text.
        skip_invalid: leave invalid records out.
    """
    logger = logging.getLogger("spanmatch")
    before = logger.level
    logger.setLevel(logging.ERROR)  # the process that writes reads the same, and warns
    chunks = source_chunks("", SourceFiles(paths, text_column=text_column), text_column=text_column, skip_invalid=skip_invalid)
    try:
        for chunk in chunks:
            if chunk.number >= start["first"][0]:
                yield {"number": [chunk.number], "texts": [json.dumps(chunk.texts)]}
    except InputError:  # the process that writes comes to it, too, and says what is wrong
        return
    finally:
        logger.setLevel(before)


class RayActors:
    """Runs actors that tag. To be used in a `with` statement, at whose end they are gone."""

    def __init__(self, job: "TagJob", files: SourceFiles) -> None:
        """Join the Ray cluster that the options name, or start one here; and load the tagger in a first actor.

        Args:
            job: what there is to do.
            files: the files that are tagged.

        Raises:
            InputError: there is no such cluster, or it is too small.
        """
        options = job.options
        device, folder = options.device or "cpu", home_path(options.model)
        model = str(folder.absolute()) if folder.is_dir() else options.model  # actors have another current folder
        self._job = replace(job, options=replace(options, model=model, device=device, num_workers=0))
        self._files = files
        self._embeddings: Any = None
        self._rows: Iterator[dict[str, Any]] = iter(())
        self._resources: dict[str, Any] = {"num_cpus": 1, "num_gpus": 0 if device == "cpu" else 1}
        self._is_ours = _connect(options.ray_address, options.num_workers)
        try:
            self._num_actors = options.num_workers or _num_places(device)
            self._first: Any = ray.remote(**self._resources)(TaggingActor).remote(self._job)
            # What reads and counts runs on the machine of this process: if that dies, they are not needed any more.
            self._here = {"ray.io/node-id": ray.get_runtime_context().get_node_id()}
            self._attempts: Any = ray.remote(num_cpus=0, label_selector=self._here)(Attempts).remote()
        except BaseException:
            self.__exit__()
            raise

    def __enter__(self) -> "RayActors":
        return self

    def __exit__(self, *_: object) -> None:
        self._rows = iter(())  # which ends what Ray Data still does
        if self._is_ours:
            ray.shutdown()

    @property
    def types(self) -> tuple[EntityType, ...] | None:
        """Return the types that the tagger knows (see `Tagger.types`).

        Raises:
            InputError: the tagger cannot be loaded, or cannot answer the threshold.
            WorkerError: the actor died or failed.
        """
        return self._said[1]

    def fingerprint(self) -> dict[str, str]:
        """Return what the output depends on (see `Tagger.fingerprint`).

        Raises:
            InputError: the tagger cannot be loaded, or cannot answer the threshold.
            WorkerError: the actor died or failed.
        """
        return dict(self._said[0])

    @cached_property
    def _said(self) -> tuple[dict[str, str], tuple[EntityType, ...] | None]:
        """What the tagger of the first actor says of itself, kept because that actor ends."""
        with _failures_told():
            fingerprint, types = ray.get([self._first.fingerprint.remote(), self._first.types.remote()])
        return fingerprint, types

    def prepare(self, types: Inventory, *, file: str | None = None, progress: bool = False) -> None:
        """Prepare types in the first actor, for all of them, and end it.

        Args:
            types: the types of the job.
            file: keeps what was done (see `Tagger.prepare`); a file of this machine.
            progress: without effect: the bar would be that of another process.

        Raises:
            InputError: the tagger refuses the file.
            WorkerError: the actor died or failed.
        """
        del types, progress  # the actor knows the job
        path = None if file is None else Path(file)
        kept = path.read_bytes() if path is not None and path.exists() else None
        with _failures_told():
            made: Any = ray.get(self._first.prepare.remote(kept, file))
        if path is not None and kept is None:
            with whole_file(path) as partial:
                partial.write_bytes(made)
        self._embeddings = ray.put(made) if made is not None else None
        ray.kill(self._first)

    def tag(self, chunks: Iterable[Chunk]) -> Iterator[tuple[Chunk, list[list[Entity]]]]:
        """Yield chunks with the entities of their texts, in order, each as soon as it is tagged.

        Args:
            chunks: those of the files, from any chunk on.

        Raises:
            InputError: a record is invalid, or the files are changed while they are read.
            WorkerError: an actor failed, or died again and again.
        """
        is_begun = False
        for chunk in chunks:
            with _failures_told():
                if not is_begun:
                    self._rows, is_begun = self._start(chunk.number), True
                row = next(self._rows, None)
            found = json.loads(row["found"]) if row is not None else []
            if row is None or row["number"] != chunk.number or len(found) != len(chunk.texts):
                raise InputError(f"{chunk.texts[0][0]}: the files changed while they were read; begin anew with --overwrite")
            yield chunk, [[Entity(**item) for item in own] for own in found]

    def _start(self, first: int) -> Iterator[dict[str, Any]]:
        """Have Ray Data tag the chunks from a number on, and return the rows of its results, in order."""
        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = context.print_on_execution_start = False
        context.execution_options.preserve_order = True
        context.raise_original_map_exception = True
        context.target_max_block_size = 1  # a chunk a block: each may go to another actor
        context.execution_no_progress_timeout_s = -1  # a chunk may take an hour, if there are enough types
        reading = {
            "paths": [path.absolute() for path in self._files.paths],
            "text_column": self._files.text_column,
            "skip_invalid": self._job.options.skip_invalid,
        }
        dataset: Any = ray.data.from_items([{"first": first}])
        dataset = dataset.map_batches(read_chunks, batch_size=None, fn_kwargs=reading, num_cpus=0, label_selector=self._here)
        dataset = dataset.map_batches(
            TaggingActor,
            batch_size=1,
            compute=ray.data.ActorPoolStrategy(size=self._num_actors),
            fn_constructor_args=(self._job, self._said[0], self._embeddings, self._attempts),
            **self._resources,
        )
        return iter(dataset.iter_rows())


def _connect(address: str | None, num_workers: int) -> bool:
    """Join a Ray cluster, or start one on this machine. Return False if this process is in one already."""
    if ray.is_initialized() and address is None:
        return False
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    given: dict[str, Any] = {"address": address}
    if address is None:
        given = {"address": "local", "num_cpus": num_workers or None, "include_dashboard": False}
        given["object_store_memory"] = OBJECT_STORE_BYTES
    elif address != "auto":
        _check_address(address)
    try:
        ray.init(logging_level=logging.ERROR, **given)
    except (ConnectionError, RuntimeError, ValueError) as error:
        hint = "start a cluster (ray start --head), or leave --ray_address out"
        raise InputError(f"Ray ({address or 'on this machine'}): {one_line(error)}" + (f"; {hint}" if address else "")) from error
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)  # what is wrong is raised, too
    return True


def _check_address(address: str) -> None:
    """Refuse an address where nothing listens: Ray would try for minutes."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or "/" in host:
        raise InputError(f"--ray_address {address}: expected HOST:PORT or auto, given on a machine of the cluster")
    try:
        socket.create_connection((host, int(port)), SECONDS_TO_CONNECT).close()
    except (OSError, OverflowError, UnicodeError) as error:
        raise InputError(f"--ray_address {address}: nothing answers ({one_line(error)}); start it (ray start --head)") from error


def _num_places(device: str) -> int:
    """Return how many actors the cluster has room for: one for each core, or for each GPU."""
    resource = "CPU" if device == "cpu" else "GPU"
    count = int(ray.cluster_resources().get(resource, 0))
    if count < 1:
        raise InputError(f"the Ray cluster has no {resource}; give --num_workers if it will, or another --device")
    return count


@contextmanager
def _failures_told() -> Iterator[None]:
    """Turn whatever goes wrong in an actor into one line."""
    from spanmatch.tagging.workers import WorkerError

    try:
        yield
    except RayError as error:
        cause = error.cause if isinstance(error, RayTaskError) else error
        first_line = (str(cause).splitlines() or [""])[0]  # Ray Data adds others
        if isinstance(cause, InputError):
            raise type(cause)(first_line) from error
        raise WorkerError(f"an actor failed ({type(cause).__name__}: {first_line[:300]})") from error
