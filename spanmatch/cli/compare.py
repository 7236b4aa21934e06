"""The command `spanmatch compare`: the commands of all methods, and one report."""

import sys
from typing import Any

from spanmatch.baselines.compare_config import CompareOptions

_SCRIPT = "from spanmatch.cli.main import train_command; train_command({!r})"
# What starts the training of each method, as arguments of Python; the configuration follows.
COMMANDS = {
    **{name: ("-m", "spanmatch", "fit", name) for name in ("token", "llm", "generative", "prompted")},
    **{name: ("-c", _SCRIPT.format(name)) for name in ("bi", "cross")},
}


def run_compare(**given: Any) -> None:
    """Compare methods on one data set, each trained and evaluated by its own command: one report, rows that resume.

    Args:
        given: the options that the user gave, by their names.

    Raises:
        SystemExit: a row failed (status 1); the report says why.
    """
    options = CompareOptions(**given)
    from spanmatch.apps.extras import require_extra

    require_extra("report", "matplotlib", "jinja2", purpose="spanmatch compare")
    from spanmatch.baselines.compare import compare

    end_with(compare(options, COMMANDS, write_html))


def end_with(num_failed: int) -> None:
    """End the process with status 1 if rows failed, and say so.

    Args:
        num_failed: how many did.

    Raises:
        SystemExit: some did.
    """
    if num_failed:
        print(f"{num_failed} of the rows failed; the report says why", file=sys.stderr)
        raise SystemExit(1)


def write_html(*given: Any, **named: Any) -> None:
    """Write the report of a comparison in HTML. What draws it is imported only now: it would count as memory of the rows.

    Args:
        *given: as for `write_comparison`.
        **named: as for `write_comparison`.
    """
    from spanmatch.apps.report.comparison import write_comparison

    write_comparison(*given, **named)
