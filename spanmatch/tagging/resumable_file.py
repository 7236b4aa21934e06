"""A file of lines that appears whole or not at all, and goes on where a killed run stopped.

`FILE.partial` holds the lines so far. It is made when the first lines are there, so that a run that fails before leaves nothing.
`FILE.partial.json` says what was asked for, and whether all lines are there. It is written after the former has been made, and
removed after FILE is in its place. `FILE.partial.lock` keeps other runs out.

FILE may have another form than the lines. It is made of them at the end, as `FILE.partial.new`. Where FILE is a link, the file
that it leads to is meant.
"""

import json
import os
import stat
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from filelock import FileLock, Timeout

from spanmatch.data.files import begin_partial, check_can_write, check_not_read, partial_path, target_of, whole_file, write_whole
from spanmatch.errors import InputError

# Reads the file at the first path, and writes the one at the second.
Convert = Callable[[Path, Path], None]


def files_of(path: Path) -> list[Path]:
    """Return the file and all that is written on the way to it. Nothing of that is ever an input of the same command.

    Args:
        path: the output.
    """
    sidecar, partial = _sidecar(target_of(path)), partial_path(target_of(path))
    return [path, partial, _new(partial), partial_path(_new(partial)), Path(f"{partial}.lock"), sidecar, partial_path(sidecar)]


def check_target(path: Path, inputs: Iterable[Path], *, overwrite: bool) -> None:
    """Refuse an output that cannot be written or must not be, before any work is done.

    Args:
        path: the output.
        inputs: the files that are read.
        overwrite: the output may be there already.

    Raises:
        InputError: its folder is missing, it cannot be written, is one of the inputs, or is there already.
    """
    check_can_write(path)
    check_not_read([path], inputs)
    if path.exists() and not overwrite and not _sidecar(target_of(path)).exists():
        raise _is_there(path)


class ResumableFile:
    """Writes lines after the `num_lines` of an earlier run. To be used in a `with` statement.

    A run that is killed leaves what it wrote. The next run cuts off a torn line.
    """

    def __init__(self, path: Path, asked: Mapping[str, str], *, overwrite: bool = False, convert: Convert | None = None) -> None:
        """Open what an earlier run for the same request left, or begin a new file.

        Args:
            path: the file.
            asked: what the content depends on, by names that a user knows.
            overwrite: begin anew, and replace the file when all lines are there.
            convert: reads the lines at the first path, and makes the file of them at the second; by default they are the file.

        Raises:
            InputError: the file is there already, another run is writing it, or an earlier run was asked for something else.
        """
        self.path, self._target = path, target_of(path)
        self.partial, self.sidecar = partial_path(self._target), _sidecar(self._target)
        self.num_lines, self.is_finished, self._asked = 0, False, dict(asked)
        self._file: BinaryIO | None = None
        self._begins_anew, self._replaces, self._convert = True, False, convert
        self._lock = FileLock(f"{self.partial}.lock", timeout=0)
        try:
            self._lock.acquire()
        except Timeout as error:
            raise InputError(f"{self.partial}: another run is writing it; wait for it, or name another --output") from error
        try:
            self._look(overwrite)
        except BaseException:
            self.__exit__()
            raise

    def __enter__(self) -> "ResumableFile":
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()
        # Before the release: after it, the lock may be that of the next run. Windows removes it with the release.
        with suppress(OSError):
            os.unlink(self._lock.lock_file)
        self._lock.release()

    def keep(self, num_lines: int) -> None:
        """Cut off all lines but the first ones, and a torn line. That is done when something is written.

        Args:
            num_lines: lines that stay, at most the `num_lines` of the file.
        """
        assert self._file is None and num_lines <= self.num_lines
        self.num_lines = num_lines

    def write(self, lines: Iterable[str]) -> None:
        """Append lines, and return when they are on the disk.

        Args:
            lines: the lines, without their ends.
        """
        file = self._open()
        file.write("".join(f"{line}\n" for line in lines).encode())
        file.flush()
        os.fsync(file.fileno())

    def finish(self) -> None:
        """Put the file in its place: all lines are there."""
        self._open().close()  # Windows moves no open file
        whole = self.partial
        if self._convert is not None:
            whole = _new(self.partial)
            whole.touch()
            whole.chmod(stat.S_IMODE(self.partial.stat().st_mode))
            with whole_file(whole) as path:
                self._convert(self.partial, path)
        self._write_sidecar(is_complete=True)
        os.replace(whole, self._target)
        self.partial.unlink(missing_ok=True)
        self.sidecar.unlink()

    def _open(self) -> BinaryIO:
        """Return the file of the lines, cut to those that are kept; it is made if an earlier run left none."""
        if self._file is None:
            if self._begins_anew:
                self.sidecar.unlink(missing_ok=True)
                begin_partial(self._target)
                self._file = self.partial.open("a+b")
                self._write_sidecar(is_complete=False)
            else:
                self._file = self.partial.open("a+b")
                self._file.seek(0)
                self._file.truncate(sum(map(len, islice(self._file, self.num_lines))))
        return self._file

    def _look(self, overwrite: bool) -> None:
        """Find out what an earlier run has left, and change nothing."""
        told = None if overwrite else self._read_sidecar()
        has_partial, is_there = self.partial.exists(), self._target.exists()
        is_whole = told is not None and told["is_complete"] and is_there and told["asked"] == self._asked
        if is_whole and (not has_partial or (self._convert is not None and not _new(self.partial).exists())):
            self.is_finished = True  # killed between the last steps
            self.partial.unlink(missing_ok=True)
            self.sidecar.unlink()
            return
        if is_there and not overwrite and not (told and told["replaces"] and has_partial):
            raise _is_there(self.path)
        if has_partial and not overwrite:
            self._check_same(told)
        self._begins_anew = told is None or not has_partial or not self.partial.stat().st_size
        self._replaces = is_there
        if told is not None and not self._begins_anew:
            self._replaces = told["replaces"]
            with self.partial.open("rb") as file:
                self.num_lines = sum(line.endswith(b"\n") for line in file)

    def _read_sidecar(self) -> dict[str, Any] | None:
        """Return what the earlier run was asked for, None where there was none."""
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

    def _write_sidecar(self, *, is_complete: bool) -> None:
        content = {"asked": self._asked, "replaces": self._replaces, "is_complete": is_complete}
        write_whole(self.sidecar, json.dumps(content, indent=1, ensure_ascii=False) + "\n")

    def _check_same(self, told: Mapping[str, Any] | None) -> None:
        if told is None:
            if self.partial.stat().st_size == 0:  # killed before it could say what it was asked for
                return
            problem = f"is in the way, and {self.sidecar.name}, which would say what it is of, is not there"
            raise InputError(f"{self.partial}: {problem}; move it away, or begin anew with --overwrite")
        before = told["asked"]
        for key in [*self._asked, *before]:
            if before.get(key) != self._asked.get(key):
                problem = f"begun with {key} {before.get(key, 'none')}, now {self._asked.get(key, 'none')}"
                remedy = "ask for the same, name another --output, or begin anew with --overwrite"
                raise InputError(f"{self.partial}: {problem}; {remedy}")


def _sidecar(path: Path) -> Path:
    return Path(f"{partial_path(path)}.json")


def _new(partial: Path) -> Path:
    return Path(f"{partial}.new")


def _is_there(path: Path) -> InputError:
    return InputError(f"{path}: is already there; name another --output, or replace it with --overwrite")
