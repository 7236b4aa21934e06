"""The command `spanmatch bench`."""

import json
from itertools import islice
from typing import Any

from spanmatch.data.labels import asked_types
from spanmatch.data.words import split_words
from spanmatch.errors import InputError
from spanmatch.evaluation.options import BenchOptions


def run_bench(**given: Any) -> None:
    """Measure the speed of your model, with your types, on your texts.

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
    figures = bench(texts, types, options)
    print(json.dumps(figures, indent=1) if options.json else bench_table(figures))
