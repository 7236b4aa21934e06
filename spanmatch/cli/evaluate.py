"""The command `spanmatch evaluate`, and the same for the scripts `evaluate_*_encoder.py`."""

from collections.abc import Sequence
from typing import Any

from spanmatch.cli.flags import Parser, add_flags
from spanmatch.evaluation.options import EvaluateOptions


def evaluate_as_script(arguments: Sequence[str], architecture: str) -> None:
    """Evaluate a checkpoint of one architecture, as `evaluate_*_encoder.py` do.

    Args:
        arguments: the command line, a flag for each option.
        architecture: "bi" or "cross".

    Raises:
        InputError: an argument is wrong, or the checkpoint is of the other architecture.
    """
    parser = Parser(description=f"Evaluate a spanmatch {architecture}-encoder on annotated text.")
    add_flags(parser, EvaluateOptions, positional=False)
    run_evaluate(kind=f"{architecture}-encoder", **vars(parser.parse_args(arguments)))


def run_evaluate(*, kind: str | None = None, **given: Any) -> None:
    """Compare what a checkpoint finds with annotated text.

    Args:
        kind: the kind of tagger that the checkpoint has to hold; by default any.
        given: the options that the user gave, by their names.
    """
    options = EvaluateOptions(**given)
    from spanmatch.apps.report.destination import report_to

    write_report = report_to(options.report) if options.report is not None else None
    from spanmatch.evaluation.run import evaluate
    from spanmatch.prediction.processes import quiet_libraries

    quiet_libraries()
    evaluate(options, kind=kind, write_report=write_report)
