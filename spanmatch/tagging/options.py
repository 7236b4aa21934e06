"""What `spanmatch tag` can be asked for: its flags, and the options that they become."""

import glob
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from spanmatch.errors import InputError
from spanmatch.prediction.shipped import DEFAULT_MODEL

STANDARD_INPUT = "-"


def model_and_source(places: Sequence[str]) -> tuple[str, str]:
    """What the places name: a model and an input, or one of them.

    Alone, what is a file, a glob or has several words is the input, anything else a model.

    Raises:
        InputError: more than two.
    """
    if len(places) > 2:
        raise InputError(f'expected a model and an input, got also "{places[2]}"; put a sentence in quotes')
    if len(places) == 2:
        return places[0], places[1]
    if not places:
        return DEFAULT_MODEL, STANDARD_INPUT
    [place] = places
    is_input = place == STANDARD_INPUT or any(map(str.isspace, place)) or glob.has_magic(place) or Path(place).is_file()
    return (DEFAULT_MODEL, place) if is_input else (place, STANDARD_INPUT)


@dataclass(frozen=True, kw_only=True)
class TagOptions:
    """The options of `spanmatch tag`, by the names of its flags."""

    model: str
    source: str = STANDARD_INPUT
    types: Sequence[str] = ()
    entity_types: str | None = None
    threshold: str | None = None
    overlap: str = "flat"
    text_column: str = "text"
    skip_invalid: bool = False
    output: str | None = None
    overwrite: bool = False
    output_format: str | None = None
    num_workers: int = 0
    type_embeddings: str | None = None
    compile: bool = False
    device: str | None = None
    dtype: str | None = None
    batch_size: int | None = None

    def __post_init__(self) -> None:
        if self.output is not None and self.output_format == "text":
            raise InputError("--output writes JSONL, --output_format text is for reading; leave one of them out")
        if self.output is not None and self.source == STANDARD_INPUT:
            raise InputError(
                "--output needs an input that can be read again after a kill, standard input cannot; "
                "name a file, or redirect what is printed (> FILE)"
            )
        if self.overwrite and self.output is None:
            raise InputError("--overwrite replaces a file of --output, and none is named; leave it out")
        if self.num_workers and self.device is not None and self.device.partition(":")[0] != "cpu":
            raise InputError(
                f"--num_workers {self.num_workers}: processes share the cores of a CPU, but --device is {self.device}; "
                "leave out one of the two"
            )


