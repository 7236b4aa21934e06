"""Find the splits of a source, and the file format of each: a file, a folder with a file per split, a DatasetDict folder."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spanmatch.data.dataset_dict import is_dataset_folder
from spanmatch.data.files import no_such_file
from spanmatch.data.formats.readers import READERS, Rows, dataset_splits, read_dataset, starts_with_list
from spanmatch.data.formats.records import LeftOut
from spanmatch.data.labels import SIDECAR, sidecar_of
from spanmatch.errors import InputError, nearest

FILE_FORMATS = ("conll", "datasetdict", "gliner", "spans", "tags")

COLUMN_SUFFIXES = frozenset({".conll", ".txt", ".bio", ".iob", ".tsv"})

_SUFFIXES = {"conll": COLUMN_SUFFIXES, "gliner": {".json", ".jsonl"}, "spans": {".jsonl"}, "tags": {".jsonl"}}


@dataclass(frozen=True, kw_only=True, slots=True)
class Split:
    """Holds one split of a source.

    Attributes:
        name: the name of the split.
        rows: each unchecked record after its place; reading starts when they are iterated over.
        size: the number of records, if it is known before reading.
        sidecar: the file of names and descriptions, if there is one.
    """

    name: str
    rows: Rows
    size: int | None = None
    sidecar: Path | None = None


def open_splits(source: Path, file_format: str | None, split: str | None, left_out: LeftOut) -> list[Split]:
    """Find the splits of a source.

    Args:
        source: a file, a folder with a file per split, or a DatasetDict folder.
        file_format: one of `FILE_FORMATS`; None finds out from suffix and content.
        split: the one split to read; None reads all. A file is one split, which gets this name, by default the file's.
        left_out: counts what a reader leaves out.

    Raises:
        InputError: the source or the split is missing, or the format cannot be found out.
    """
    if source.is_file():
        if file_format == "datasetdict":
            raise InputError(f"{source}: a file, and a DatasetDict is a folder; --from conll, gliner, spans or tags")
        return [_file_split(source, file_format, split or _split_name(source), left_out)]
    if not source.is_dir():
        raise no_such_file(source, kind="file or folder")
    if file_format == "datasetdict" or (file_format is None and is_dataset_folder(source)):
        return [
            Split(name=name, rows=read_dataset(source, name, dataset, left_out), size=len(dataset), sidecar=sidecar_of(source))
            for name, dataset in _chosen(source, dataset_splits(source), split).items()
        ]
    files = _chosen(source, _split_files(source, file_format), split)
    return [_file_split(path, file_format, name, left_out) for name, path in files.items()]


def _split_files(folder: Path, file_format: str | None) -> dict[str, Path]:
    """Find the data files of a folder, by the names of their splits."""
    suffixes = _SUFFIXES[file_format] if file_format else {".json", ".jsonl", ".conll", ".bio"}
    files: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix not in suffixes or path.name == SIDECAR:
            continue
        other = files.setdefault(_split_name(path), path)
        if other != path:
            name = _split_name(path)
            raise InputError(f'{folder}: {other.name} and {path.name} are both a split "{name}"; give one file, or --from')
    if not files:
        raise InputError(f"{folder}: neither a DatasetDict nor a folder with files of {' or '.join(sorted(suffixes))}; give one")
    return files


def _split_name(path: Path) -> str:
    """Return the name of a file's split: letters, digits and underscores, as `datasets` wants it."""
    return re.sub(r"\W+", "_", path.stem)


def _chosen(source: Path, splits: Mapping[str, Any], split: str | None) -> Mapping[str, Any]:
    if split is not None and split not in splits:
        raise InputError(f"{source}: no split {split}; {nearest(split, splits)} (--split)")
    return splits if split is None else {split: splits[split]}


def _file_split(path: Path, given: str | None, name: str, left_out: LeftOut) -> Split:
    file_format = given or _format_of(path)
    sidecar = sidecar_of(path) if file_format in {"spans", "tags"} else None
    return Split(name=name, rows=READERS[file_format](path, left_out), sidecar=sidecar)


def _format_of(path: Path) -> str:
    """Find out the format of a file from its suffix and the keys of its first record."""
    if path.suffix in COLUMN_SUFFIXES:
        return "conll"
    if path.suffix not in {".json", ".jsonl"}:
        raise InputError(f"{path}: the name does not say the format; give --from conll|gliner|spans|tags")
    if starts_with_list(path):
        return "gliner"
    _, first = next(READERS["spans"](path, LeftOut()), ("", None))
    keys = first.keys() if isinstance(first, dict) else set()
    if "tokenized_text" in keys:
        return "gliner"
    # A line with both is read by its spans.
    return "tags" if "tags" in keys and "token_spans" not in keys else "spans"
