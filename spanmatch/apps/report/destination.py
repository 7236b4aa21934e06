"""Check where a report will be written. Importing this module needs no extra."""

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

from spanmatch.apps.extras import require_extra
from spanmatch.data.files import check_can_write
from spanmatch.errors import InputError


def report_to(file: str) -> Callable[..., None]:
    """Check that a report can be written to a file, before any work is done.

    Args:
        file: path of the HTML file to write; its folder need not exist yet.

    Returns:
        `write_report` with its path filled in.

    Raises:
        InputError: the extra is not installed, the path is a folder, or no file can be written there.
    """
    require_extra("report", "matplotlib", "jinja2", purpose="--report")
    path = Path(file)
    if path.is_dir() or file.endswith(("/", os.sep)):
        raise InputError(f"{file}: --report is a folder; give a file, such as {path / 'report.html'}")
    there = next(folder for folder in path.absolute().parents if folder.exists())
    if not there.is_dir() or not os.access(there, os.W_OK):
        raise InputError(f"{file}: --report cannot be written in {there}; give a file in a folder that you may write to")
    if path.parent.is_dir():
        check_can_write(path)
    from spanmatch.apps.report.report import write_report

    return partial(write_report, path)
