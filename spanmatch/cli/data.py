"""The command `spanmatch data stats`. It never waits for torch."""

import json
from typing import Any

from spanmatch.evaluation.options import StatsOptions


def run_stats(**given: Any) -> None:
    """Count sizes, types, widths, overlaps, duplicates, and gold that no candidate represents.

    Args:
        given: the options that the user gave, by their names.
    """
    options = StatsOptions(**given)
    from spanmatch.evaluation.data_stats import corpus_stats
    from spanmatch.evaluation.tables import stats_tables

    stats = corpus_stats(options)
    print(json.dumps(stats, indent=1, ensure_ascii=False) if options.json else stats_tables(stats))
