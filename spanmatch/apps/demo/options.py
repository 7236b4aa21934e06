"""The options of `spanmatch demo`. Nothing here waits for torch."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from spanmatch.errors import InputError
from spanmatch.prediction.options import option
from spanmatch.prediction.shipped import DEFAULT_MODEL

ADDRESS_SCHEMES = ("http://", "https://")


@dataclass(frozen=True, kw_only=True)
class DemoOptions:
    """Holds the options of `spanmatch demo`, by the names of its flags.

    Raises:
        InputError: a model and an API are given, an address is none, or there is no such port.
    """

    model: str | None = option(
        f"checkpoint folder or hub id ({DEFAULT_MODEL}, which comes with the package)",
        default=None,
        metavar="MODEL",
        positional=True,
    )
    api: str | None = option(
        "address of a running `spanmatch serve`, which tags in place of a model here; its key is read from SPANMATCH_API_KEY",
        default=None,
        metavar="URL",
    )
    compare: str | None = option(
        "a second model, or the address of a second API (it gets the same key), to show beside the first",
        default=None,
        metavar="MODEL_OR_URL",
    )
    host: str = option("address to listen on; 0.0.0.0 is every address of the machine", default="127.0.0.1", metavar="ADDRESS")
    port: int = option("port to listen on", default=8501, metavar="N")

    def __post_init__(self) -> None:
        if self.model is not None and self.api is not None:
            raise InputError(f'got the model "{self.model}" and --api; leave one out, or put one of them behind --compare')
        for address in filter(is_address, self.places):
            check_address(address)
        if self.api is not None and not is_address(self.api):
            raise InputError(f'--api "{self.api}" is no address; write http://HOST:PORT')
        if len(set(self.places)) < len(self.places):
            raise InputError(f'--compare "{self.compare}" is what it would be compared with; name another model')
        if self.port > 65535:
            raise InputError(f"--port {self.port}: ports end at 65535; give a smaller number")

    @property
    def places(self) -> tuple[str, ...]:
        """Return what tags: a model or an address, and what is shown beside it, if there is anything."""
        first = self.api or self.model or DEFAULT_MODEL
        return (first, self.compare) if self.compare is not None else (first,)


def is_address(place: str) -> bool:
    """Return whether a place is the address of an API, and not a model.

    Args:
        place: what the user gave.
    """
    return place.lower().startswith(ADDRESS_SCHEMES)


def check_address(address: str) -> None:
    """Refuse an address that names no machine, or a port that is none.

    Args:
        address: what the user gave.

    Raises:
        InputError: it does.
    """
    try:
        parts = urlsplit(address)
        is_whole = bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_whole = False
    if not is_whole:
        raise InputError(f'"{address}" is no address of an API; write http://HOST:PORT')
