"""Convert annotated text from one file format to another, whole or not at all."""

import logging
import os
import shutil
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tqdm.auto import tqdm

from spanmatch.data.dataset_dict import is_dataset_folder
from spanmatch.data.files import check_can_write, check_folder_of, home_path, partial_path, target_of
from spanmatch.data.formats.datasetdict import dataset_row, save_dataset
from spanmatch.data.formats.formats import FileFormat, format_of_target, named_format
from spanmatch.data.formats.reading import Reading
from spanmatch.data.formats.records import LeftOut, Record, check_record
from spanmatch.data.formats.splits import Split, open_splits
from spanmatch.data.formats.writing import ON_OVERLAP, SCHEMES, Writing
from spanmatch.data.labels import SIDECAR, read_entity_types
from spanmatch.data.tags import TagScheme
from spanmatch.errors import InputError, nearest

logger = logging.getLogger(__name__)


def convert(
    source: str,
    target: str,
    *,
    source_format: str | None = None,
    target_format: str | None = None,
    scheme: str = "bio",
    split: str | None = None,
    on_overlap: str = "error",
    overwrite: bool = False,
    text_column: str | None = None,
    token_column: str | None = None,
    tag_column: str | None = None,
) -> "Conversion":
    """Convert annotated text; what the target format cannot hold is counted and logged.

    Args:
        source: a file, a folder with a file per split, or a DatasetDict folder.
        target: a file; a name without a suffix is a folder, with a file per split, or the DatasetDict.
        source_format: one of `FILE_FORMATS`; by default as suffix and content of the source say.
        target_format: one of `FILE_FORMATS`; by default as the suffix of the target says.
        scheme: the scheme of the tags, "bio" (IOB2) or "iobes".
        split: the one split to read, by default all; if the source is a file, the name of the split that it becomes.
        on_overlap: what to do with overlapping spans if the target has one tag per token: "error" raises, "longest" keeps
            the longest.
        overwrite: whether to replace what is there.
        text_column: name of the column of the texts, in a table.
        token_column: name or number of the column of the tokens, in a table or in CoNLL columns.
        tag_column: name or number of the column of the tags, in a table, in CoNLL columns or in a DatasetDict.

    Returns:
        What was read, and where it is now.

    Raises:
        InputError: something cannot be read or written; the message names file, line and remedy, and nothing is written.
    """
    _check_name("scheme", scheme, SCHEMES)
    _check_name("on_overlap", on_overlap, ON_OVERLAP)
    if source_format is not None:
        named_format("--from", source_format)
    target_path, left_out = home_path(target), LeftOut()
    file_format = named_format("--to", target_format) if target_format else format_of_target(target_path)
    suffix = target_path.suffix or ("" if file_format.is_folder else "".join(file_format.suffixes[:1]))
    job = _Job(
        source=home_path(source),
        target=target_path,
        file_format=file_format,
        writing=Writing(left_out=left_out, scheme=scheme, on_overlap=on_overlap, suffix=suffix),
    )
    if file_format.write is None and not job.is_dataset:
        raise InputError(f"--to {target_format}: this format is only read; name another")
    if split is not None and job.source.is_file() and job.is_one_file:
        raise InputError(f"--split {split}: from one file to another there are no splits; leave it out")
    reading = Reading(left_out=left_out, text_column=text_column, token_column=token_column, tag_column=tag_column)
    job.splits = open_splits(job.source, source_format, split, reading)
    paths = _paths(job)
    _check_target(job, paths, overwrite)
    names = {item.sidecar: len(read_entity_types(item.sidecar).by_key) for item in job.splits if item.sidecar}
    is_new_folder = not job.target.exists() and not job.is_one_file
    partials = [partial_path(target_of(path)) for path in paths]
    try:
        if is_new_folder and paths != [job.target]:
            job.target.mkdir()
        _write(job, partials)
        for partial, path in zip(partials, paths, strict=True):
            _put(partial, target_of(path))
        for sidecar, num_names in names.items():
            _keep_names(job, sidecar, num_names, is_own_folder=is_new_folder or job.is_dataset)
    finally:
        for partial in partials:
            _remove(partial)
        if is_new_folder and job.target.is_dir() and not any(job.target.iterdir()):
            job.target.rmdir()
    if left_out.counts:
        logger.warning("%s (%s) does not hold everything: %s", target, job.file_format.name, left_out)
    return Conversion(num_texts=job.num_texts, num_spans=job.num_spans, paths=tuple(paths))


def _check_name(flag: str, given: str | None, valid: tuple[str, ...]) -> None:
    if given is not None and given not in valid:
        raise InputError(f'--{flag}: unknown name "{given}"; {nearest(given, valid)}')


def _paths(job: "_Job") -> list[Path]:
    """Return what is written: one folder, one file, or a file (a folder, if the format is one) per split."""
    if job.is_dataset or (job.file_format.is_folder and len(job.splits) == 1):
        return [job.target]
    if not job.is_one_file:
        return [job.target / f"{item.name}{job.writing.suffix}" for item in job.splits]
    if len(job.splits) > 1:
        names = ", ".join(item.name for item in job.splits)
        raise InputError(f"{job.target}: one file for {len(job.splits)} splits ({names}); name a folder, or one split (--split)")
    return [job.target]


def _check_target(job: "_Job", paths: list[Path], overwrite: bool) -> None:
    """Refuse a target that cannot or must not be written, before any record is read."""
    check_folder_of(job.target)
    source, target = job.source.resolve(), job.target.resolve()
    if source in {target, *(path.resolve() for path in paths)}:
        raise InputError(f"{job.target}: source and target are the same; name another target")
    if target.is_file() and not job.is_one_file:
        raise InputError(f"{job.target}: a file, but what is written is a folder; name another target")
    for path in paths:
        if path.parent.is_dir() and not path.is_dir():
            check_can_write(path)
        partial = partial_path(target_of(path))
        if partial.is_dir():
            raise InputError(f"{partial}: is in the way, perhaps of a conversion that was killed; remove it")
        if path.exists() and not overwrite:
            raise InputError(f"{path}: is already there; name another target, or --overwrite")
        if path.is_file() and source.is_dir() and source == path.resolve().parent:
            raise InputError(f"{path}: is an input, too, as a file of {job.source}; name another target")
        is_ours = job.is_dataset and is_dataset_folder(path)
        if path.is_dir() and not (is_ours and path.name and target not in source.parents):
            raise InputError(f"{path}: a folder that --overwrite does not replace; name another target")


def _records(job: "_Job", split: Split) -> Iterator[Record]:
    scheme = TagScheme()
    for where, row in tqdm(split.rows, total=split.size, desc=split.name, unit="text", disable=None):
        record = check_record(where, row, scheme)
        job.num_texts += 1
        job.num_spans += len(record.example.mentions)
        yield record


def _write(job: "_Job", partials: list[Path]) -> None:
    if job.file_format.write is None:
        rows = {split.name: [dataset_row(record, job.writing) for record in _records(job, split)] for split in job.splits}
        if job.num_texts:
            save_dataset(rows, partials[0], job.writing.scheme)
    else:
        for split, partial in zip(job.splits, partials, strict=True):
            job.file_format.write(_records(job, split), partial, job.writing)
    if not job.num_texts:
        raise InputError(f"{job.source}: no example in it; give at least one")


def _put(partial: Path, path: Path) -> None:
    """Move what was written to its place; an old folder is deleted only when the new one is there.

    A file that is replaced hands on its permissions.
    """
    if not path.is_dir():
        if path.exists():
            partial.chmod(stat.S_IMODE(path.stat().st_mode))
        os.replace(partial, path)
        return
    old = path.with_name(path.name + ".old")
    os.replace(path, old)
    os.replace(partial, path)
    shutil.rmtree(old)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)


def _keep_names(job: "_Job", sidecar: Path, num_names: int, *, is_own_folder: bool) -> None:
    """Copy names and descriptions to a folder that this conversion made; elsewhere, count them as left out."""
    there = (job.target.parent if job.is_one_file else job.target) / SIDECAR
    if there.is_file() and there.read_bytes() == sidecar.read_bytes():
        return
    if is_own_folder and not there.exists():
        shutil.copyfile(sidecar, there)
    else:
        job.writing.left_out.add(f"names and descriptions of types (copy {SIDECAR} beside it)", str(sidecar), num_names)


@dataclass(kw_only=True, slots=True)
class _Job:
    """Holds what is converted and how, and counts what was read.

    Attributes:
        source: a file or folder.
        target: a file or folder.
        file_format: the format of the target.
        writing: how to write.
        splits: the splits of the source.
        num_texts: how many texts were read so far.
        num_spans: how many spans they have.
    """

    source: Path
    target: Path
    file_format: FileFormat
    writing: Writing
    splits: list[Split] = field(default_factory=list)
    num_texts: int = 0
    num_spans: int = 0

    @property
    def is_one_file(self) -> bool:
        """Say whether the target is a file, rather than a folder (a format that is one, or a file per split)."""
        return not self.file_format.is_folder and bool(self.target.suffix)

    @property
    def is_dataset(self) -> bool:
        """Say whether the target is a DatasetDict, which holds all splits."""
        return self.file_format.read is None


@dataclass(frozen=True, kw_only=True, slots=True)
class Conversion:
    """Says what was read, and where it is now.

    Attributes:
        num_texts: the number of texts.
        num_spans: the number of their spans.
        paths: the files or the DatasetDict folder that were written.
    """

    num_texts: int
    num_spans: int
    paths: tuple[Path, ...]

    def __str__(self) -> str:
        return f"{self.num_texts:,} texts with {self.num_spans:,} spans -> {', '.join(map(str, self.paths))}"
