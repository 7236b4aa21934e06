"""The splits of a source to convert, and the format of each: a file, a folder with a file per split, a DatasetDict folder."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spanmatch.data.dataset_dict import is_dataset_folder
from spanmatch.data.formats.readers import READERS, Rows, dataset_splits, read_dataset, starts_with_list
from spanmatch.data.formats.records import LeftOut
from spanmatch.errors import InputError, nearest

FORMATS = ("conll", "datasetdict", "gliner", "spans", "tags")


SIDECAR = "labels.json"


COLUMN_SUFFIXES = frozenset({".conll", ".txt", ".bio", ".iob", ".tsv"})


_SUFFIXES = {"conll": COLUMN_SUFFIXES, "gliner": {".json", ".jsonl"}, "spans": {".jsonl"}, "tags": {".jsonl"}}


@dataclass(frozen=True, kw_only=True, slots=True)
class Split:
    """One split: its records, how many where that is known, and the names and descriptions beside it."""

    name: str
    rows: Rows
    size: int | None = None
    sidecar: Path | None = None


def open_splits(source: Path, format: str | None, split: str | None, left_out: LeftOut) -> list[Split]:
    """The splits of a source, each read when it is iterated over; `split` chooses one, or names what a file is.

    Raises:
        InputError: nothing there, no such split, or a format that cannot be told.
    """
    if source.is_file():
        if format == "datasetdict":
            raise InputError(f"{source}: a file, and a DatasetDict is a folder; --from conll, gliner, spans or tags")
        return [_file_split(source, format, split or _name_of(source), left_out)]
    if not source.is_dir():
        names = [item.name for item in source.parent.iterdir()] if source.parent.is_dir() else []
        raise InputError(f"{source}: no such file or folder; {nearest(source.name, names, otherwise='check the path')}")
    if format == "datasetdict" or (format is None and is_dataset_folder(source)):
        sidecar = source / SIDECAR if (source / SIDECAR).is_file() else None
        return [
            Split(name=name, rows=read_dataset(source, name, dataset, left_out), size=len(dataset), sidecar=sidecar)
            for name, dataset in _chosen(source, dataset_splits(source), split).items()
        ]
    files = _chosen(source, _split_files(source, format), split)
    return [_file_split(path, format, name, left_out) for name, path in files.items()]


def _split_files(folder: Path, format: str | None) -> dict[str, Path]:
    """The data files of a folder, by the names of their splits."""
    suffixes = _SUFFIXES[format] if format else {".json", ".jsonl", ".conll", ".bio"}
    files: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix not in suffixes or path.name == SIDECAR:
            continue
        other = files.setdefault(_name_of(path), path)
        if other != path:
            raise InputError(
                f'{folder}: {other.name} and {path.name} are both a split "{_name_of(path)}"; give one file, or --from'
            )
    if not files:
        raise InputError(f"{folder}: neither a DatasetDict nor a folder with files of {' or '.join(sorted(suffixes))}; give one")
    return files


def _name_of(path: Path) -> str:
    """What the split of a file is called: letters, digits and underscores, as `datasets` wants it."""
    return re.sub(r"\W+", "_", path.stem)


def _chosen(source: Path, splits: Mapping[str, Any], split: str | None) -> Mapping[str, Any]:
    if split is not None and split not in splits:
        raise InputError(f"{source}: no split {split}; {nearest(split, splits)} (--split)")
    return splits if split is None else {split: splits[split]}


def _file_split(path: Path, given: str | None, name: str, left_out: LeftOut) -> Split:
    format = given or _format_of(path)
    sidecar = path.parent / SIDECAR
    has_sidecar = format in {"spans", "tags"} and sidecar.is_file()
    return Split(name=name, rows=READERS[format](path, left_out), sidecar=sidecar if has_sidecar else None)


def _format_of(path: Path) -> str:
    """The format of a file, by its suffix, and by the keys of its first record."""
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


