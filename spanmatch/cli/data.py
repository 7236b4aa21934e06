"""The command `spanmatch data stats`. It never waits for torch."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from spanmatch.model.pretrained import DEFAULT_ENCODER
from spanmatch.prediction.options import ENTITY_TYPES, FORMAT, SPLIT, option


@dataclass(frozen=True, kw_only=True)
class StatsOptions:
    """Holds the options of `spanmatch data stats`, by the names of its flags."""

    files: Sequence[str] = option("JSONL files, globs or DatasetDict folders", metavar="FILE", positional=True)
    format: str = FORMAT()
    tokenizer: str = option("encoder or checkpoint whose subwords to count", default=DEFAULT_ENCODER, metavar="NAME_OR_DIR")
    max_span_width: int = option("the widest candidate, in words or subwords", default=12, metavar="N")
    json: bool = option("print JSON", default=False)
    split: str | None = SPLIT()
    entity_types: str | None = ENTITY_TYPES()


def run_stats(**given: Any) -> None:
    """Run `spanmatch data stats`.

    Args:
        given: the options that the user gave, by their names.
    """
    from spanmatch.evaluation.data_stats import corpus_stats
    from spanmatch.evaluation.tables import stats_tables

    options = dict(vars(StatsOptions(**given)))
    as_json = options.pop("json")
    stats = corpus_stats(**options)
    print(json.dumps(stats, indent=1, ensure_ascii=False) if as_json else stats_tables(stats))
