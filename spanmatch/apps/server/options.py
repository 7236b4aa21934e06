"""The options of `spanmatch serve`. Nothing here waits for torch."""

import os
from collections.abc import Sequence
from dataclasses import dataclass

from spanmatch.errors import InputError
from spanmatch.prediction import options as shared
from spanmatch.prediction.decoding import check_overlap
from spanmatch.prediction.options import option
from spanmatch.prediction.shipped import DEFAULT_MODEL

API_KEY_VARIABLE = "SPANMATCH_API_KEY"  # a flag could be seen by everybody on the machine
# Threads of one process share Python's lock: further cores are for further processes.
MAX_THREADS = 8


@dataclass(frozen=True, kw_only=True)
class ServeOptions:
    """Holds the options of `spanmatch serve`, by the names of its flags.

    Raises:
        InputError: there is no such overlap, or another model has no name or that of one before it.
    """

    model: str = option("checkpoint folder or hub id", default=DEFAULT_MODEL, metavar="MODEL", positional=True)
    models: Sequence[str] = option(
        "another model, which requests name as \"model\"; give it once for each. Adapters over one base share its weights",
        default=(),
        metavar="NAME=MODEL",
    )
    types: Sequence[str] = shared.TYPES()
    entity_types: str | None = shared.ENTITY_TYPES()
    threshold: str | None = shared.THRESHOLD()
    overlap: str = shared.OVERLAP()
    host: str = option("address to listen on; 0.0.0.0 is every address of the machine", default="127.0.0.1", metavar="ADDRESS")
    port: int = option("port to listen on; 0 is any that is free", default=8000, least=0, metavar="N")
    workers: int = option("processes; each holds the model and computes with its share of the cores", default=1, metavar="N")
    num_threads: int | None = option(
        "batches that each process computes at a time; by default one on each of its cores, up to 8", default=None, metavar="N"
    )
    max_text_chars: int = option("characters that a text may have", default=100_000, metavar="N")
    max_texts: int = option("texts that a request may have", default=64, metavar="N")
    max_types: int = option("types that a request may ask for", default=1000, metavar="N")
    max_body_bytes: int = option("bytes that the body of a request may have", default=1 << 20, metavar="N")
    max_waiting: int = option(
        "requests that may wait, in each process; further ones are answered with 429", default=256, metavar="N"
    )
    timeout: int = option(
        "seconds after which a request is answered with 504, and a body that did not arrive with 408", default=30, metavar="N"
    )
    cors_origins: Sequence[str] = option(
        "origin of a page that browsers may call this API from, or *; give it once for each", default=(), metavar="ORIGIN"
    )
    device: str | None = shared.DEVICE()
    dtype: str | None = shared.DTYPE()

    def __post_init__(self) -> None:
        check_overlap(self.overlap)
        names = [self.model]
        for item in self.models:
            name, _, folder = item.partition("=")
            if not name or not folder:
                raise InputError(f'--models "{item}": expected NAME=MODEL')
            names.append(name)
        repeated = next((name for name in names if names.count(name) > 1), None)
        if repeated is not None:
            raise InputError(f'--models: two models are called "{repeated}"; rename one')

    @property
    def further(self) -> dict[str, str]:
        """Return the folders or hub ids of the other models, by their names."""
        return {name: folder for name, _, folder in (item.partition("=") for item in self.models)}

    @property
    def threads(self) -> int:
        """Return how many batches each process computes at a time.

        On a GPU they follow each other anyway. On a CPU a core for each batch is better than all cores for one: they would wait
        for each other whenever one of them answers a request meanwhile.
        """
        on_gpu = (self.device or "cpu").partition(":")[0] != "cpu"
        return self.num_threads or (1 if on_gpu else min(MAX_THREADS, cores_of(self.workers)))


def cores_of(num_processes: int) -> int:
    """Return how many cores each of several processes has for itself.

    Args:
        num_processes: processes on this machine.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, cores // num_processes)
