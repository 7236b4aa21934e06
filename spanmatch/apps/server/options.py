"""The options of `spanmatch serve`. Nothing here waits for torch."""

from collections.abc import Sequence
from dataclasses import dataclass

from spanmatch.prediction import options as shared
from spanmatch.prediction.decoding import check_overlap
from spanmatch.prediction.options import option
from spanmatch.prediction.shipped import DEFAULT_MODEL


@dataclass(frozen=True, kw_only=True)
class ServeOptions:
    """Holds the options of `spanmatch serve`, by the names of its flags.

    Raises:
        InputError: there is no such overlap.
    """

    model: str = option("checkpoint folder or hub id", default=DEFAULT_MODEL, metavar="MODEL", positional=True)
    types: Sequence[str] = shared.TYPES()
    entity_types: str | None = shared.ENTITY_TYPES()
    threshold: str | None = shared.THRESHOLD()
    overlap: str = shared.OVERLAP()
    host: str = option("address to listen on; 0.0.0.0 is every address of the machine", default="127.0.0.1", metavar="ADDRESS")
    port: int = option("port to listen on", default=8000, metavar="N")
    workers: int = option("processes; each holds the model and computes with its share of the cores", default=1, metavar="N")
    max_text_chars: int = option("characters that a text may have", default=100_000, metavar="N")
    max_texts: int = option("texts that a request may have", default=64, metavar="N")
    max_types: int = option("types that a request may ask for", default=1000, metavar="N")
    max_body_bytes: int = option("bytes that the body of a request may have", default=1 << 20, metavar="N")
    max_waiting: int = option("requests that may wait, in each process; further ones are answered with 429", default=256, metavar="N")
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
