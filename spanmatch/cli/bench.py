"""The command `spanmatch bench`."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from spanmatch.data.labels import asked_types
from spanmatch.data.words import split_words
from spanmatch.errors import InputError
from spanmatch.prediction.options import DEVICE, DTYPE, ENTITY_TYPES, TYPES, option


@dataclass(frozen=True, kw_only=True)
class BenchOptions:
    """Holds the options of `spanmatch bench`, by the names of its flags."""

    model: str = option("checkpoint folder or hub id", metavar="MODEL", positional=True)
    file: str = option("texts, as `spanmatch tag` reads them", metavar="FILE", positional=True)
    types: Sequence[str] = TYPES()
    entity_types: str | None = ENTITY_TYPES()
    num_texts: int = option("texts of the file to measure with", default=200, metavar="N")
    repeats: int = option("runs, of which the median counts", default=5, metavar="N")
    threads: int | None = option("threads on a CPU; by default torch's", default=None, metavar="N")
    device: str | None = DEVICE()
    dtype: str | None = DTYPE()
    compile: bool = option("with torch.compile, as `spanmatch tag --compile`", default=False)
    json: bool = option("print JSON", default=False)


def run_bench(**given: Any) -> None:
    """Run `spanmatch bench`.

    Args:
        given: the options that the user gave, by their names.
    """
    options = BenchOptions(**given)
    from spanmatch.tagging.sources import read_input

    types = asked_types(options.types, options.entity_types)
    texts = [record["text"] for _, record in islice(read_input(options.file), options.num_texts)]
    if not any(map(split_words, texts)):
        raise InputError(f"{options.file}: no text with a word to measure with")
    from spanmatch.evaluation.speed import bench, bench_table
    from spanmatch.prediction.processes import quiet_libraries

    quiet_libraries()
    figures = bench(
        options.model,
        texts,
        types,
        repeats=options.repeats,
        threads=options.threads,
        device=options.device,
        dtype=options.dtype,
        compile=options.compile,
    )
    print(json.dumps(figures, indent=1) if options.json else bench_table(figures))
