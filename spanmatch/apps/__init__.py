"""What is built on the core and needs an extra. What is here imports light; the rest only where its extra is installed.

The core never imports this package; the command line, which is its edge, does so inside the commands that were asked for it.
"""

import importlib.util
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from spanmatch.errors import InputError

logger = logging.getLogger(__name__)

TRAINING_PICTURE = "training.png"


def missing_modules(*names: str) -> list[str]:
    """Which of these modules are not installed."""
    return [name for name in names if importlib.util.find_spec(name) is None]


def require_extra(extra: str, *modules: str, purpose: str) -> None:
    """Raise an `InputError` that names the pip command, unless the modules of an extra are installed."""
    missing = missing_modules(*modules)
    if missing:
        raise InputError(f"{purpose} needs {' and '.join(missing)}; pip install 'spanmatch[{extra}]'")


def report_to(file: str) -> Callable[..., None]:
    """Check, before any work is done, that a report can be written to a file; return `write_report` for that file.

    Raises:
        InputError: the extra is not installed, or no file can be written there.
    """
    require_extra("report", "matplotlib", "jinja2", purpose="--report")
    path = Path(file)
    if path.is_dir() or file.endswith(("/", os.sep)):
        raise InputError(f"{file}: --report is a folder; give a file, such as {path / 'report.html'}")
    there = next(folder for folder in path.absolute().parents if folder.exists())
    if not there.is_dir() or not os.access(there, os.W_OK):
        raise InputError(f"{file}: --report cannot be written in {there}; give a file in a folder that you may write to")
    from spanmatch.apps.report import write_report

    return partial(write_report, path)


def draw_training(log_history: Sequence[Mapping[str, Any]], folder: Path) -> str:
    """Draw loss and F1 of a training into its folder; return what to tell the user, "" where there is nothing to draw.

    A training that has ended well does not fail for its picture: what goes wrong here is logged.
    """
    if missing_modules("matplotlib"):
        return f"no {TRAINING_PICTURE} of loss and F1; pip install 'spanmatch[report]'"
    try:
        from spanmatch.apps.training_curves import write_curves

        return TRAINING_PICTURE if write_curves(log_history, folder / TRAINING_PICTURE) else ""
    except Exception as error:
        logger.warning("%s could not be drawn: %s", folder / TRAINING_PICTURE, error)
        return ""
