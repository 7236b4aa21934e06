"""The files of an evaluation: `metrics.json`, `predictions.jsonl` and `timings.json`."""

import os
from pathlib import Path

from spanmatch.errors import InputError


def write_whole(path: Path, content: str) -> None:
    """Write a file whole or not at all."""
    partial = path.with_suffix(path.suffix + ".partial")
    partial.write_text(content, encoding="utf-8")
    os.replace(partial, path)


def folder_to_write(output_dir: str) -> Path:
    """The folder of the results, which may not be there yet."""
    if Path(output_dir).is_file():
        raise InputError(f"{output_dir}: output_dir is a file; give a folder")
    return Path(output_dir)


