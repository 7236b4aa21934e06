"""The command `spanmatch convert`. It never waits for torch."""

from dataclasses import dataclass
from typing import Any

from spanmatch.data.formats.convert import convert
from spanmatch.data.formats.formats import FILE_FORMATS
from spanmatch.prediction import options as shared
from spanmatch.prediction.options import option

_FORMATS = ", ".join(FILE_FORMATS)
# Those of the function, so that they are written once.
_DEFAULTS: dict[str, Any] = convert.__kwdefaults__ or {}


@dataclass(frozen=True, kw_only=True)
class ConvertOptions:
    """Holds the options of `spanmatch convert`, by the names of the parameters of `convert`."""

    source: str = option("a file, a folder with a file per split, or a DatasetDict folder", metavar="SOURCE", positional=True)
    target: str = option("a file; without a suffix a folder, with a file per split", metavar="TARGET", positional=True)
    source_format: str | None = option(
        f"{_FORMATS}; by default as the content of SOURCE says",
        default=_DEFAULTS["source_format"],
        metavar="FORMAT",
        flags=("--from",),
    )
    target_format: str | None = option(
        f"{_FORMATS}; by default as TARGET's suffix says", default=_DEFAULTS["target_format"], metavar="FORMAT", flags=("--to",)
    )
    scheme: str = option("tags to write: bio (IOB2) or iobes", default=_DEFAULTS["scheme"])
    split: str | None = option(
        "the one split to read; the name of the split that a file becomes", default=_DEFAULTS["split"], metavar="NAME"
    )
    on_overlap: str = option(
        "where spans overlap and the target holds tags: error, or longest to keep that", default=_DEFAULTS["on_overlap"]
    )
    overwrite: bool = option("replace TARGET if it is there", default=_DEFAULTS["overwrite"])
    text_column: str | None = shared.TEXT_COLUMN()
    token_column: str | None = shared.TOKEN_COLUMN()
    tag_column: str | None = shared.TAG_COLUMN()


def run_convert(**given: Any) -> None:
    """Convert annotated text from one file format to another.

    Args:
        given: the options that the user gave, by their names.
    """
    print(convert(**vars(ConvertOptions(**given))))
