"""The command `spanmatch tag`."""

import glob
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from spanmatch.errors import InputError
from spanmatch.prediction.options import option
from spanmatch.prediction.shipped import DEFAULT_MODEL
from spanmatch.tagging.options import STANDARD_INPUT, TagOptions

if TYPE_CHECKING:
    from spanmatch.tagging.files import SourceFiles
    from spanmatch.tagging.workers import Engine, TagJob


@dataclass(frozen=True, kw_only=True)
class Places:
    """Holds what the user gives to `spanmatch tag` without a flag."""

    places: Sequence[str] = option(
        f"checkpoint folder or hub id ({DEFAULT_MODEL}, which comes with the package); and a text file (a text per line), "
        ".jsonl, .csv, .tsv, all also .gz, .parquet; a glob of such; a sentence; or - (standard input)",
        default=(),
        metavar="[MODEL] [INPUT]",
        positional=True,
    )


def _ray(job: "TagJob", files: "SourceFiles") -> "Engine":
    from spanmatch.apps.extras import require_extra

    require_extra("ray", "ray", purpose="--engine ray")
    from spanmatch.integrations.ray_data import RayActors

    return RayActors(job, files)


# What starts each engine, None for what `tag` does by itself.
START_ENGINE = {"local": None, "ray": _ray}


def run_tag(*, places: Sequence[str] = (), **given: Any) -> None:
    """Tag text with the types you name: a sentence, standard input, or a corpus of any size (--output resumes).

    Args:
        places: the model and the input, or one of them.
        given: the other options that the user gave, by their names.
    """
    model, source = model_and_source(places)
    options = TagOptions(model=model, source=source, **given)
    from spanmatch.prediction.processes import quiet_libraries
    from spanmatch.tagging.tag import tag

    quiet_libraries()
    start = START_ENGINE[options.engine]
    tag(options, start) if start is not None else tag(options)


def model_and_source(places: Sequence[str]) -> tuple[str, str]:
    """Tell the model from the input in what the user gave without a flag; return both.

    A place that stands alone is the input if it is a file, a glob or has several words, else it is the model.

    Args:
        places: at most two; the first of two is the model.

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
    is_input = place == STANDARD_INPUT or any(map(str.isspace, place)) or glob.has_magic(place) or os.path.isfile(place)
    return (DEFAULT_MODEL, place) if is_input else (place, STANDARD_INPUT)
