"""Files and their errors: reading text and JSON, finding files, and writing a file whole or not at all."""

import glob
import json
import os
import stat
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from spanmatch.errors import InputError, nearest

# How files begin that are not UTF-8 although their user takes them for text, with what they are and the remedy.
_OTHER_KINDS = {
    b"\x1f\x8b": ("compressed with gzip", "unpack it (gunzip)"),
    b"BZh": ("compressed with bzip2", "unpack it (bunzip2)"),
    b"\xfd7zXZ": ("compressed with xz", "unpack it (unxz)"),
    b"\x28\xb5\x2f\xfd": ("compressed with zstd", "unpack it (unzstd)"),
    b"PK\x03\x04": ("a zip archive", "unpack it, or save it as text"),
    b"\xff\xfe": ("UTF-16", "save it as UTF-8"),
    b"\xfe\xff": ("UTF-16", "save it as UTF-8"),
}


def home_path(path: str | Path) -> Path:
    """Return a path with the home folder in place of `~`. The name of no user (`~nobody`) stays as it is.

    Args:
        path: a path as a user writes it.
    """
    return Path(os.path.expanduser(path))  # Path.expanduser raises a RuntimeError for the name of no user


def no_such_file(path: Path, *, otherwise: str | None = None, kind: str = "file", pattern: str = "*") -> InputError:
    """Return the error for a path where nothing is; it suggests the most similar name of the same folder.

    Args:
        path: the path that was asked for.
        otherwise: the remedy where no name is similar; by default to check the path.
        kind: what was expected there, such as "folder".
        pattern: a glob; only names that match it are suggested.
    """
    has_parent = os.path.isdir(path.parent)  # unlike the method of a path, it takes a name that is too long for no folder
    if os.path.exists(path) and not (os.path.isfile(path) or os.path.isdir(path)):
        return InputError(f"{path}: a pipe or a device, not a {kind}; write what it gives to a file first")
    if otherwise is None:
        otherwise = "check the path" if has_parent else f"there is no folder {path.parent}"
    siblings = [item.name for item in path.parent.glob(pattern)] if has_parent else []
    return InputError(f"{path}: no such {kind}; {nearest(path.name, siblings, otherwise=otherwise)}")


def not_utf8(where: str | Path, error: UnicodeDecodeError, kind: str = "file") -> InputError:
    """Return the error for bytes that are not UTF-8.

    Args:
        where: the file, or `file:line`.
        error: what decoding raised; it knows the byte.
        kind: what the user should save as UTF-8, such as "text".
    """
    for beginning, (what, remedy) in _OTHER_KINDS.items():
        if error.object.startswith(beginning):
            return InputError(f"{where}: {what}, not text in UTF-8; {remedy}")
    return InputError(f"{where}: not UTF-8 ({error.reason} at byte {error.start}); save the {kind} as UTF-8")


def matching(pattern: str) -> list[str]:
    """Return the names of the files and folders that match a glob, sorted; none where nothing matches.

    Args:
        pattern: the glob; `~` is the home folder, `**` any depth of folders. Its folder, as far as it is there, is taken by its
            name, because a name may have brackets.
    """
    path = home_path(pattern)
    folder = next((item for item in path.parents if os.path.isdir(item)), Path())
    escaped = "" if folder == Path() else glob.escape(str(folder))
    return sorted(glob.glob(os.path.join(escaped, path.relative_to(folder)), recursive=True))


def find_glob(pattern: str, leave_out: Collection[Path] = ()) -> list[Path]:
    """Find the files and folders that match a glob, sorted by name.

    Args:
        pattern: the glob; `~` is the home folder, `**` any depth of folders.
        leave_out: files that the command itself writes, which are never its input; by default none but standard output.

    Raises:
        InputError: nothing matches.
    """
    found = [Path(name) for name in matching(pattern)]
    written = {os.path.realpath(path) for path in leave_out}
    kept = [path for path in found if os.path.realpath(path) not in written and not is_standard_output(path)]
    if not kept:
        alone = f" but {found[0]}, which is written" if found else ""
        raise InputError(f"{pattern}: no file matches{alone}; check the pattern and the folder ({Path.cwd()})")
    return kept


def is_standard_output(path: Path) -> bool:
    """Say whether a file is the one that standard output goes to (`> FILE`).

    Args:
        path: the file.
    """
    try:
        return os.path.samestat(os.fstat(1), path.stat())
    except OSError:  # closed
        return False


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
    """Check that a file or folder can be made: the folder that will hold it is there, and may be written to.

    Args:
        path: the file or folder that is to be written.

    Raises:
        InputError: there is no such folder, or nothing can be written there.
    """
    if not path.parent.is_dir():
        raise InputError(f"{path}: there is no folder {path.parent}; make it first")
    _check_permission(path, path.parent)


def check_can_write(path: Path) -> None:
    """Check that `whole_file` can write a file, before any work is done.

    Args:
        path: the file that is to be written, or replaced. Where it is a link, what the link leads to counts.

    Raises:
        InputError: its folder is missing, it is a folder or a device, its name is too long, or it may not be written.
    """
    target = target_of(path)
    check_folder_of(target)
    if target.is_dir():
        raise InputError(f"{path}: a folder; name a file")
    if target.exists():
        _check_permission(path, target)
    try:
        partial_path(Path(f"{partial_path(target)}.json")).exists()  # the longest name that is made on the way
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror}); give it a shorter name") from error


def folder_to_write(output_dir: str) -> Path:
    """Return the folder of a command's results, which may not be there yet.

    Args:
        output_dir: the folder that the user named.

    Raises:
        InputError: a file has that name, or nothing can be written there.
    """
    folder = Path(output_dir)
    if folder.is_file():
        raise InputError(f"{output_dir}: output_dir is a file; give a folder")
    there = next(item for item in (folder.absolute(), *folder.absolute().parents) if item.exists())
    if not there.is_dir():
        raise InputError(f"{output_dir}: no folder can be made in {there}, which is a file; give another output_dir")
    _check_permission(folder, there)
    return folder


def _check_permission(path: Path, place: Path) -> None:
    """Refuse a path because of the file or folder that would have to be changed."""
    if not os.access(place, os.W_OK):
        what = "is read-only" if place.is_file() else "may not be written to"
        raise InputError(f"{path}: cannot be written, {place} {what}; name another place, or change the permissions")


def check_not_read(written: Iterable[Path], read: Iterable[Path]) -> None:
    """Refuse to write a file that the same command reads.

    Args:
        written: the files that the command writes.
        read: the files that it reads.

    Raises:
        InputError: a file is in both, by whatever names.
    """
    inputs = {os.path.realpath(path) for path in read}
    for path in written:
        if os.path.realpath(path) in inputs:
            raise InputError(f"{path}: is an input, too; name another output")


def partial_path(path: Path) -> Path:
    """Return where a file or folder is written until it is complete: `NAME.partial`, beside it.

    Args:
        path: the file or folder that is to be written.

    Raises:
        InputError: the path is empty, or names a folder such as "." without its name.
    """
    if path.name in {"", ".."}:
        raise InputError(f'"{path}": not the name of a file; give one')
    return path.with_name(f"{path.name}.partial")


def target_of(path: Path) -> Path:
    """Return the file that is replaced when a path is written: where it is a link, what the link leads to.

    Args:
        path: the path that the user named.

    Raises:
        InputError: it is no file that can be replaced, such as a device or a pipe, or a link in a circle.
    """
    target = Path(os.path.realpath(path)) if path.is_symlink() else path
    if target.is_symlink():
        raise InputError(f"{path}: a link that leads to itself; name another file")
    if target.exists() and not (target.is_file() or target.is_dir()):
        raise InputError(f"{path}: a device or a pipe, not a file; name a file, or print and redirect (> {path})")
    return target


def begin_partial(target: Path) -> Path:
    """Make an empty file to be written in place of another; it has the permissions of that one, if it is there.

    Args:
        target: the file that is to be written, or replaced.

    Returns:
        The `partial_path` of the target.
    """
    partial = partial_path(target)
    partial.unlink(missing_ok=True)
    partial.touch(exist_ok=False)
    if target.exists():
        partial.chmod(stat.S_IMODE(target.stat().st_mode))
    return partial


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Give the path to write to, and rename it to `path` at the end; an error leaves nothing behind.

    A reader, or a run that is killed, never sees half of the file. A link stays a link: the file that it leads to is
    replaced. A file that is replaced hands on its permissions.

    Args:
        path: the file that is to be written, or replaced.

    Raises:
        InputError: it is no file that can be replaced.
    """
    target = target_of(path)
    partial = begin_partial(target)
    try:
        mode = partial.stat().st_mode
        yield partial
        if partial.stat().st_mode != mode:  # some libraries make the file anew, for its owner alone
            partial.chmod(stat.S_IMODE(mode))
        os.replace(partial, target)
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
