"""The command `spanmatch assess`."""

from typing import Any

from spanmatch.baselines.assess_options import AssessOptions
from spanmatch.cli.compare import COMMANDS, end_with, write_html


def run_assess(**given: Any) -> None:
    """Run the product-attribute assessment: train within its budget, score, write submission.zip and a report.

    Args:
        given: the options that the user gave, by their names.

    Raises:
        SystemExit: a row failed (status 1); the report says why.
    """
    options = AssessOptions(**given)
    from spanmatch.apps.extras import require_extra

    require_extra("report", "matplotlib", "jinja2", purpose="spanmatch assess")
    from spanmatch.baselines.assess import assess

    end_with(assess(options, COMMANDS, write_html))
