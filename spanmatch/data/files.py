"""Files and their errors: reading text and JSON, finding files, and writing a file whole or not at all."""

import glob
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from spanmatch.errors import InputError, nearest


def no_such_file(path: Path, *, otherwise: str | None = None, kind: str = "file", pattern: str = "*") -> InputError:
    """Return the error for a path where nothing is; it suggests the most similar name of the same folder.

    Args:
        path: the path that was asked for.
        otherwise: the remedy where no name is similar; by default to check the path.
        kind: what was expected there, such as "folder".
        pattern: a glob; only names that match it are suggested.
    """
    if otherwise is None:
        otherwise = "check the path" if path.parent.is_dir() else f"there is no folder {path.parent}"
    siblings = [item.name for item in path.parent.glob(pattern)]
    return InputError(f"{path}: no such {kind}; {nearest(path.name, siblings, otherwise=otherwise)}")


def not_utf8(where: str | Path, error: UnicodeDecodeError, kind: str = "file") -> InputError:
    """Return the error for bytes that are not UTF-8.

    Args:
        where: the file, or `file:line`.
        error: what decoding raised; it knows the byte.
        kind: what the user should save as UTF-8, such as "text".
    """
    return InputError(f"{where}: not UTF-8 ({error.reason} at byte {error.start}); save the {kind} as UTF-8")


def find_glob(pattern: str) -> list[Path]:
    """Find the files and folders that match a glob, sorted by name.

    Args:
        pattern: the glob; `~` is the home folder, `**` any depth of folders.

    Raises:
        InputError: nothing matches.
    """
    found = sorted(glob.glob(os.path.expanduser(pattern), recursive=True))
    if not found:
        raise InputError(f"{pattern}: no file matches; check the pattern and the folder ({Path.cwd()})")
    return [Path(name) for name in found]


def read_text(path: Path, remedy: str = "check the path") -> str:
    """Read a UTF-8 file, without the byte order mark that some editors put first.

    Args:
        path: the file.
        remedy: what the user should do where the file cannot be opened.

    Raises:
        InputError: the file is missing, cannot be opened, or is not UTF-8.
    """
    try:
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError as error:
        raise no_such_file(path, otherwise=remedy, pattern=f"*{path.suffix}") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); {remedy}") from error
    except UnicodeDecodeError as error:
        raise not_utf8(path, error) from error


def read_json(path: Path, remedy: str = "check the path") -> Any:
    """Read the JSON value of a file.

    Args:
        path: the file.
        remedy: what the user should do where the file cannot be opened or holds no JSON.

    Raises:
        InputError: the file is missing, cannot be opened, or is not JSON in UTF-8.
    """
    text = read_text(path, remedy)
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(f"{path}:{error.lineno}: not JSON ({error.msg} at column {error.colno}); {remedy}") from error
    except (ValueError, RecursionError) as error:  # a number of thousands of digits, thousands of brackets
        raise InputError(f"{path}: not JSON that can be read ({error}); {remedy}") from error


def check_folder_of(path: Path) -> None:
    """Check that a file can be written: its folder is there.

    Args:
        path: the file that is to be written.

    Raises:
        InputError: there is no such folder.
    """
    if not path.parent.is_dir():
        raise InputError(f"{path}: there is no folder {path.parent}; make it first")


def folder_to_write(output_dir: str) -> Path:
    """Return the folder of a command's results, which may not be there yet.

    Args:
        output_dir: the folder that the user named.

    Raises:
        InputError: a file has that name.
    """
    if Path(output_dir).is_file():
        raise InputError(f"{output_dir}: output_dir is a file; give a folder")
    return Path(output_dir)


def partial_path(path: Path) -> Path:
    """Return where a file or folder is written until it is complete: `NAME.partial`, beside it.

    Args:
        path: the file or folder that is to be written.
    """
    return path.with_name(f"{path.name}.partial")


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Give the path to write to, and rename it to `path` at the end; an error leaves nothing behind.

    A reader, or a run that is killed, never sees half of the file.

    Args:
        path: the file that is to be written, or replaced.
    """
    partial = partial_path(path)
    try:
        yield partial
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def write_whole(path: Path, content: str) -> None:
    """Write a text as UTF-8, whole or not at all.

    Args:
        path: the file; one that is there is replaced.
        content: the text.
    """
    with whole_file(path) as partial:
        partial.write_text(content, encoding="utf-8")
