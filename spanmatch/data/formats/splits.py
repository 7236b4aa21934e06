"""Find the splits of a source, and the file format of each: a file, a folder with a file per split, a DatasetDict folder."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spanmatch.data.dataset_dict import check_split_name
from spanmatch.data.files import no_such_file
from spanmatch.data.formats.datasetdict import dataset_splits, read_dataset
from spanmatch.data.formats.formats import (
    FORMATS,
    SPLIT_SUFFIXES,
    FileFormat,
    check_options,
    find_format,
    folder_format,
    read_rows,
)
from spanmatch.data.formats.reading import Reading, Rows
from spanmatch.data.labels import SIDECAR, sidecar_of
from spanmatch.errors import InputError, nearest


@dataclass(frozen=True, kw_only=True, slots=True)
class Split:
    """Holds one split of a source.

    Attributes:
        name: the name of the split.
        rows: each unchecked record after its place; reading starts when they are iterated over.
        size: the number of records, if it is known before reading.
        sidecar: the file of names and descriptions, if there is one.

    Raises:
        InputError: the name is none.
    """

    name: str
    rows: Rows
    size: int | None = None
    sidecar: Path | None = None

    def __post_init__(self) -> None:
        check_split_name("--split", self.name)


def open_splits(source: Path, file_format: str | None, split: str | None, reading: Reading) -> list[Split]:
    """Find the splits of a source.

    Args:
        source: a file, a folder with a file (or a folder) per split, or a DatasetDict folder.
        file_format: one of `FILE_FORMATS`; None finds out from suffix and content.
        split: the one split to read; None reads all. A file is one split, which gets this name, by default the file's.
        reading: how to read; counts what a reader leaves out.

    Raises:
        InputError: the source or the split is missing, or the format cannot be found out.
    """
    given = FORMATS[file_format] if file_format else None
    if source.is_file():
        return [_split(source, given or find_format(source), split or _split_name(source), reading)]
    if not source.is_dir():
        raise no_such_file(source, kind="file or folder")
    whole = folder_format(source) if given is None else given if given.is_folder else None
    if whole is not None and whole.read is None:
        check_options(source, whole, reading)
        return [
            Split(name=name, rows=read_dataset(source, name, dataset, reading), size=len(dataset), sidecar=sidecar_of(source))
            for name, dataset in _chosen(source, dataset_splits(source), split).items()
        ]
    if whole is not None and whole.looks_like(source, None):
        return [_split(source, whole, split or _split_name(source), reading)]
    parts = _chosen(source, _split_paths(source, given), split)
    return [_split(path, given or find_format(path), name, reading) for name, path in parts.items()]


def _split_paths(folder: Path, given: FileFormat | None) -> dict[str, Path]:
    """Find the data files of a folder, or its folders of a format that is one, by the names of their splits."""
    suffixes = set(given.suffixes) if given is not None else SPLIT_SUFFIXES
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.is_dir():
            own = folder_format(path)
            is_part = own is not None and own.read is not None and given in {None, own}
        else:
            is_part = path.suffix in suffixes and path.name != SIDECAR
        if not is_part:
            continue
        other = found.setdefault(_split_name(path), path)
        if other != path:
            name = _split_name(path)
            raise InputError(f'{folder}: {other.name} and {path.name} are both a split "{name}"; give one file, or --from')
    if not found:
        raise InputError(f"{folder}: neither a DatasetDict nor a folder with files of {' or '.join(sorted(suffixes))}; give one")
    return found


def _split_name(path: Path) -> str:
    """Return the name of a file's split: letters, digits and underscores, as `datasets` wants it."""
    return re.sub(r"\W+", "_", path.stem)


def _chosen(source: Path, splits: Mapping[str, Any], split: str | None) -> Mapping[str, Any]:
    if split is not None and split not in splits:
        raise InputError(f"{source}: no split {split}; {nearest(split, splits)} (--split)")
    return splits if split is None else {split: splits[split]}


def _split(path: Path, file_format: FileFormat, name: str, reading: Reading) -> Split:
    return Split(name=name, rows=read_rows(path, file_format, reading), sidecar=sidecar_of(path))
