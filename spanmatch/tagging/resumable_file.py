"""A file of lines that appears whole or not at all, and goes on where a killed run stopped.

`FILE.partial` holds the lines so far, `FILE.partial.json` what was asked for, and whether all lines are there. The latter
is written when the former is there, and removed when the former has become FILE.
"""

import json
import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from spanmatch.errors import InputError

if sys.platform != "win32":
    import fcntl


BLOCK_BYTES = 1 << 20


def check_target(path: Path, inputs: Iterable[Path], *, overwrite: bool) -> None:
    """Refuse a file that cannot be written or may not be, before any work is done.

    Raises:
        InputError: no folder for it, an input, or there already.
    """
    if not path.parent.is_dir():
        raise InputError(f"{path}: there is no folder {path.parent}; make it first")
    if path.is_dir():
        raise InputError(f"{path}: a folder; name a file")
    if path.resolve() in {item.resolve() for item in inputs}:
        raise InputError(f"{path}: is an input, too; name another output")
    if path.exists() and not overwrite and not _sidecar(path).exists():
        raise _is_there(path)


class ResumableFile:
    """The lines that are written, `num_lines` of them from an earlier run. To be used in a `with` statement.

    A run that is killed leaves what it wrote; one that reads it later cuts off a torn line.
    """

    def __init__(self, path: Path, asked: Mapping[str, str], *, overwrite: bool = False) -> None:
        """Open what an earlier run for the same left, or begin.

        Args:
            asked: what the content depends on, by names that a user knows.

        Raises:
            InputError: the file is already there, what an earlier run left was asked for otherwise, or is being written.
        """
        self.path, self.partial, self.sidecar = path, _partial(path), _sidecar(path)
        self.num_lines, self.is_finished, self._asked = 0, False, dict(asked)
        self._file: BinaryIO | None = None
        told = None if overwrite else self._told()
        if told is not None and told["is_complete"] and not self.partial.exists() and path.exists() and told["asked"] == asked:
            self.is_finished = True  # killed between the last two steps
            self.sidecar.unlink()
            return
        if path.exists() and not overwrite and not (told and told["replaces"] and self.partial.exists()):
            raise _is_there(path)
        if not overwrite and self.partial.exists():
            self._check_same(told, asked)
        self._file = self._open()
        if told is None or not self._size():
            self.sidecar.unlink(missing_ok=True)
            self._file.truncate(0)
            self._replaces = path.exists()
            self._tell(is_complete=False)
        else:
            self._replaces = told["replaces"]
        self.num_lines = self._count()

    def __enter__(self) -> "ResumableFile":
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def keep(self, num_lines: int) -> None:
        """Go on behind so many lines; the lines after them, and a torn one, are cut off."""
        assert self._file is not None and num_lines <= self.num_lines
        self._file.truncate(self._end_of(num_lines))
        self._file.seek(0, os.SEEK_END)
        self.num_lines = num_lines

    def write(self, lines: Iterable[str]) -> None:
        """Append lines, and have them on the disk."""
        assert self._file is not None
        self._file.write("".join(f"{line}\n" for line in lines).encode())
        self._file.flush()
        os.fsync(self._file.fileno())

    def finish(self) -> None:
        """Put the file in its place."""
        assert self._file is not None
        self._tell(is_complete=True)
        if sys.platform == "win32":  # which moves no open file
            self._file.close()
        os.replace(self.partial, self.path)
        self.sidecar.unlink()

    def _told(self) -> dict[str, Any] | None:
        """What the earlier run was asked for."""
        unclear = InputError(f"{self.sidecar}: does not say what was asked for; remove it, or begin anew with --overwrite")
        try:
            told = json.loads(self.sidecar.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except ValueError as error:
            raise unclear from error
        if not (isinstance(told, dict) and isinstance(told.get("asked"), dict) and {"replaces", "is_complete"} <= told.keys()):
            raise unclear
        return told

    def _check_same(self, told: Mapping[str, Any] | None, asked: Mapping[str, str]) -> None:
        if told is None:
            if self.partial.stat().st_size == 0:  # killed before it could say what it was asked for
                return
            raise InputError(
                f"{self.partial}: is in the way, and {self.sidecar.name}, which would say what it is of, is not there; "
                "move it away, or begin anew with --overwrite"
            )
        before = told["asked"]
        for key in [*asked, *before]:
            if before.get(key) != asked.get(key):
                raise InputError(
                    f"{self.partial}: begun with {key} {before.get(key, 'none')}, now {asked.get(key, 'none')}; ask for the "
                    "same, name another --output, or begin anew with --overwrite"
                )

    def _open(self) -> BinaryIO:
        file = os.fdopen(os.open(self.partial, os.O_RDWR | os.O_CREAT, 0o666), "r+b")
        if sys.platform == "win32":
            return file
        taken = InputError(f"{self.partial}: another run is writing it; wait for it, or name another --output")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            is_ours = os.fstat(file.fileno()).st_ino == self.partial.stat().st_ino
        except (BlockingIOError, FileNotFoundError) as error:
            file.close()
            raise taken from error
        if not is_ours:  # the other run has just put its file in place
            file.close()
            raise taken
        return file

    def _tell(self, *, is_complete: bool) -> None:
        """Write, whole or not at all, what is asked for, whether FILE may be replaced, and whether all lines are there."""
        draft = self.sidecar.with_name(self.sidecar.name + ".new")
        content = {"asked": self._asked, "replaces": self._replaces, "is_complete": is_complete}
        draft.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        os.replace(draft, self.sidecar)

    def _size(self) -> int:
        assert self._file is not None
        return os.fstat(self._file.fileno()).st_size

    def _count(self) -> int:
        assert self._file is not None
        self._file.seek(0)
        return sum(block.count(b"\n") for block in iter(lambda: self._block(), b""))

    def _end_of(self, num_lines: int) -> int:
        """The byte behind so many lines."""
        assert self._file is not None
        self._file.seek(0)
        start, left = 0, num_lines
        while left:
            block = self._block()
            if block.count(b"\n") >= left:
                place = -1
                for _ in range(left):
                    place = block.index(b"\n", place + 1)
                return start + place + 1
            left -= block.count(b"\n")
            start += len(block)
        return start

    def _block(self) -> bytes:
        assert self._file is not None
        return self._file.read(BLOCK_BYTES)


def _partial(path: Path) -> Path:
    return path.with_name(path.name + ".partial")


def _sidecar(path: Path) -> Path:
    return path.with_name(path.name + ".partial.json")


def _is_there(path: Path) -> InputError:
    return InputError(f"{path}: is already there; name another --output, or replace it with --overwrite")


