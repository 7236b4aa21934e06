"""The command `spanmatch`, and what the scripts beside the package call."""

import io
import logging
import os
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from spanmatch import __version__
from spanmatch.apps.demo.options import DemoOptions
from spanmatch.apps.server.options import ServeOptions
from spanmatch.baselines.assess_options import AssessOptions
from spanmatch.baselines.compare_config import CompareOptions
from spanmatch.baselines.synthesis_options import GenerateOptions
from spanmatch.cli.assess import run_assess
from spanmatch.cli.bench import run_bench
from spanmatch.cli.calibrate import run_calibrate
from spanmatch.cli.compare import run_compare
from spanmatch.cli.convert import ConvertOptions, run_convert
from spanmatch.cli.data import run_stats
from spanmatch.cli.demo import run_demo
from spanmatch.cli.evaluate import evaluate_as_script, run_evaluate
from spanmatch.cli.export import ExportOptions, run_export
from spanmatch.cli.fit import run_fit
from spanmatch.cli.flags import Parser, add_command
from spanmatch.cli.generate import run_generate
from spanmatch.cli.serve import run_serve
from spanmatch.cli.tag import Places, run_tag
from spanmatch.cli.train import train_as_script
from spanmatch.errors import InputError, printable
from spanmatch.evaluation.options import BenchOptions, CalibrateOptions, EvaluateOptions, StatsOptions
from spanmatch.tagging.options import TagOptions


def main() -> None:
    """Run `spanmatch` as the command line says."""
    run(lambda: _main(sys.argv[1:]))


def train_command(architecture: str, loss: str | None = None) -> None:
    """Run a script that trains as the command line says.

    Args:
        architecture: "bi" or "cross".
        loss: name of the loss that the configuration has to ask for; by default any.
    """
    run(lambda: train_as_script(sys.argv[1:], architecture, loss))


def evaluate_command(architecture: str) -> None:
    """Run a script that evaluates as the command line says.

    Args:
        architecture: "bi" or "cross".
    """
    run(lambda: evaluate_as_script(sys.argv[1:], architecture))


def _main(arguments: Sequence[str]) -> None:
    parser = Parser(prog="spanmatch", description="Zero-shot named-entity recognition: tag, evaluate, calibrate, look at data.")
    parser.add_argument("--version", action="version", version=f"spanmatch {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True, parser_class=Parser)
    add_command(commands, "tag", run_tag, Places, TagOptions)
    add_command(commands, "evaluate", run_evaluate, EvaluateOptions)
    add_command(commands, "calibrate", run_calibrate, CalibrateOptions)
    add_command(commands, "bench", run_bench, BenchOptions)
    add_command(commands, "serve", run_serve, ServeOptions)
    add_command(commands, "demo", run_demo, DemoOptions)
    add_command(commands, "convert", run_convert, ConvertOptions)
    add_command(commands, "generate", run_generate, GenerateOptions)
    add_command(commands, "export", run_export, ExportOptions)
    add_command(commands, "compare", run_compare, CompareOptions)
    add_command(commands, "assess", run_assess, AssessOptions)
    # `fit` reads its own arguments: the keys of a configuration, which only a method knows.
    commands.add_parser("fit", help=(run_fit.__doc__ or "").partition("\n")[0], add_help=False)
    data = commands.add_parser("data", help="Look at data.").add_subparsers(metavar="COMMAND", required=True, parser_class=Parser)
    add_command(data, "stats", run_stats, StatsOptions)
    if arguments[:1] == ["fit"]:
        run_fit(arguments[1:])
        return
    known, unknown = parser.parse_known_args(arguments)
    given = vars(known)
    if unknown:  # the flags of another command would be no help
        given["parser"].error(f"unrecognized arguments: {' '.join(unknown)}")
    del given["parser"]
    given.pop("command")(**given)


def run(command: Callable[[], None]) -> None:
    """Run a command, and end the process if it fails.

    What the user did wrong is one line and exit status 2. Ctrl-C is exit status 130. A closed pipe is no error. What is printed
    into a file or a pipe is UTF-8, whatever the locale.

    Args:
        command: does the work.
    """
    _prepare_streams()
    speaks = os.environ.get("LOCAL_RANK", "0") == "0"  # of several processes, the first of each machine
    logging.basicConfig(level=logging.WARNING if speaks else logging.ERROR, format="%(levelname)s: %(message)s")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
    try:
        _check_arguments(sys.argv)
        try:
            command()
        except SystemExit:  # help was printed
            sys.stdout.flush()
            raise
        sys.stdout.flush()  # here an error still becomes one line
    except InputError as error:
        if not speaks:
            time.sleep(20)  # the first tells the same and ends, and the launcher then ends this one
        _fail(str(error))
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:
        _drop_output()  # the reader of our output is gone (`| head`)
    except OSError as error:
        _fail(f"{error.filename or 'output'}: {error.strerror or error}; check the disk and the permissions")


def _prepare_streams() -> None:
    """Make standard streams that were closed empty ones, and have what is printed never fail for its characters."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115 - it lives as long as the process
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A terminal shows what it can; what reads a file or a pipe expects JSON, which is UTF-8.
        encoding = sys.stdout.encoding if sys.stdout.isatty() else "utf-8"
        sys.stdout.reconfigure(encoding=encoding, errors="backslashreplace")


def _check_arguments(arguments: Sequence[str]) -> None:
    """Refuse arguments that are not text: Python keeps the bytes of such as halves of surrogate pairs."""
    for argument in arguments:
        try:
            argument.encode()
        except UnicodeEncodeError as error:
            shown = argument.encode(errors="backslashreplace").decode()
            problem = f"not UTF-8 (at character {error.start})"
            raise InputError(f'argument "{shown[:80]}": {problem}; type it as UTF-8, or give a file of UTF-8') from error


def _drop_output() -> None:
    """Send what is still to be printed nowhere if it can go nowhere else: the interpreter would complain when it ends."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            with suppress(OSError, ValueError):  # it may be an object of Python without a file
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _fail(message: str) -> None:
    with suppress(OSError):  # standard error may be full, too
        print(f"error: {printable(message)}", file=sys.stderr)
    _drop_output()
    sys.exit(2)
