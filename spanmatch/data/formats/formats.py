"""The file formats: what each is called, how a file of it is told, read and written. The one place that lists them.

To add a format, write one module in this folder and add one entry to `FORMATS`:

1. `read_NAME(path, reading)` yields each record in our schema after its place (`file:line`, which is in every error). What our
   schema cannot hold is counted in `reading.left_out`. Further keys are kept. A record of another form is an `InputError` that
   names place and remedy; nothing that may be annotation is dropped. A new option of reading is a field of `Reading`, and its
   name stands in `options` of the formats that have it.
2. `write_NAME(records, path, writing)` writes to `path`, which is renamed when it is whole. It is a folder that is still to be
   made if the format has `is_folder`. What the format cannot hold is counted in `writing.left_out`.
3. `is_NAME(path, first)` tells the format by content: `first` is the first JSON value of a file (an item of its list, or its
   first line), None if it has none. The first entry of `FORMATS` that has the suffix and says yes is taken.

`spanmatch convert`, `spanmatch data stats`, training and evaluation then read it, and `--from` and `--to` know its name.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from spanmatch.data.dataset_dict import is_dataset_folder
from spanmatch.data.formats.brat import is_brat, read_brat, write_brat
from spanmatch.data.formats.conll import is_conll, read_conll, write_conll
from spanmatch.data.formats.delimited import is_delimited, read_delimited, write_delimited
from spanmatch.data.formats.doccano import is_doccano, read_doccano, write_doccano
from spanmatch.data.formats.gliner import is_gliner, read_gliner, write_gliner
from spanmatch.data.formats.label_studio import is_label_studio, read_label_studio, write_label_studio
from spanmatch.data.formats.ours import is_spans, is_tags, read_spans, read_tags, write_spans, write_tags
from spanmatch.data.formats.prodigy import is_prodigy, read_prodigy, write_prodigy
from spanmatch.data.formats.reading import Reading, Rows, json_values
from spanmatch.data.formats.records import Record
from spanmatch.data.formats.spacy_docbin import is_spacy, read_spacy, write_spacy
from spanmatch.data.formats.tagged import is_tagged, read_tagged
from spanmatch.data.formats.writing import Writing
from spanmatch.errors import InputError, nearest


@dataclass(frozen=True, kw_only=True, slots=True)
class FileFormat:
    """Describes a file format.

    Attributes:
        name: what `--from` and `--to` call it.
        looks_like: says whether a file, or a folder, of one of the suffixes has this format; gets its path and its first JSON
            value.
        read: reads the records of one split. None only for a DatasetDict, which is several splits at once.
        write: writes the records of one split; None if the format is only read, and for a DatasetDict.
        suffixes: of its files. `convert` gives the first to the file of a split.
        target_suffixes: of the targets that are written in this format without `--to`.
        is_folder: whether a split is a folder rather than a file. With `suffixes`, one file of it is read, too.
        options: the fields of `Reading` that its reader reads, besides `left_out`.
    """

    name: str
    looks_like: Callable[[Path, Any], bool]
    read: Callable[[Path, Reading], Rows] | None
    write: Callable[[Iterable[Record], Path, Writing], None] | None = None
    suffixes: tuple[str, ...] = ()
    target_suffixes: tuple[str, ...] = ()
    is_folder: bool = False
    options: frozenset[str] = frozenset()


_COLUMNS = (".conll", ".txt", ".bio", ".iob", ".tsv")

# In the order in which they are tried: what is told by more comes first, our own JSONL last.
FORMATS: dict[str, FileFormat] = {
    item.name: item
    for item in (
        FileFormat(
            name="datasetdict",
            looks_like=lambda path, first: first is None and is_dataset_folder(path),
            read=None,
            is_folder=True,
            options=frozenset({"tag_column"}),
        ),
        FileFormat(
            name="brat",
            looks_like=is_brat,
            read=read_brat,
            write=write_brat,
            suffixes=(".ann", ".txt"),
            is_folder=True,
        ),
        FileFormat(
            name="csv",
            looks_like=is_delimited,
            read=read_delimited,
            write=write_delimited,
            suffixes=(".csv", ".tsv"),
            target_suffixes=(".csv",),
            options=frozenset({"text_column", "token_column", "tag_column"}),
        ),
        FileFormat(
            name="conll",
            looks_like=is_conll,
            read=read_conll,
            write=write_conll,
            suffixes=_COLUMNS,
            target_suffixes=_COLUMNS,
            options=frozenset({"token_column", "tag_column"}),
        ),
        FileFormat(
            name="spacy",
            looks_like=is_spacy,
            read=read_spacy,
            write=write_spacy,
            suffixes=(".spacy", ".json", ".jsonl"),
            target_suffixes=(".spacy",),
        ),
        FileFormat(
            name="label-studio",
            looks_like=is_label_studio,
            read=read_label_studio,
            write=write_label_studio,
            suffixes=(".json", ".jsonl"),
        ),
        FileFormat(
            name="prodigy",
            looks_like=is_prodigy,
            read=read_prodigy,
            write=write_prodigy,
            suffixes=(".jsonl", ".json"),
        ),
        FileFormat(
            name="doccano",
            looks_like=is_doccano,
            read=read_doccano,
            write=write_doccano,
            suffixes=(".jsonl", ".json"),
        ),
        FileFormat(
            name="gliner",
            looks_like=is_gliner,
            read=read_gliner,
            write=write_gliner,
            suffixes=(".json", ".jsonl"),
            target_suffixes=(".json",),
        ),
        FileFormat(name="tagged", looks_like=is_tagged, read=read_tagged, suffixes=(".jsonl", ".json")),
        FileFormat(name="tags", looks_like=is_tags, read=read_tags, write=write_tags, suffixes=(".jsonl", ".json")),
        FileFormat(
            name="spans",
            looks_like=is_spans,
            read=read_spans,
            write=write_spans,
            suffixes=(".jsonl", ".json"),
            target_suffixes=(".jsonl",),
        ),
    )
}

FILE_FORMATS = tuple(sorted(FORMATS))
FORMATS_OF_FILES = tuple(name for name in FILE_FORMATS if FORMATS[name].suffixes)
# A file with one of these suffixes may be anything, so that in a folder it counts as data only where `--from` says so.
_UNCLEAR_SUFFIXES = frozenset({".txt", ".tsv", ".csv", ".iob"})
# Suffixes of the files of a folder that are splits.
SPLIT_SUFFIXES = frozenset(suffix for item in FORMATS.values() for suffix in item.suffixes) - _UNCLEAR_SUFFIXES


def named_format(flag: str, name: str) -> FileFormat:
    """Return the format of a name.

    Args:
        flag: where the user gave it, for the error, such as "--from".
        name: the name.

    Raises:
        InputError: there is no such format; the message has the nearest name.
    """
    if name not in FORMATS:
        raise InputError(f'{flag}: unknown name "{name}"; {nearest(name, FORMATS)}')
    return FORMATS[name]


def find_format(path: Path) -> FileFormat:
    """Find out the format of a file or folder from its suffix and its content.

    Args:
        path: a file or folder that is there.

    Raises:
        InputError: neither suffix nor content say it.
    """
    if path.is_dir():
        found = folder_format(path)
        problem = f'a folder of no known format; give a file or a glob such as "{path}/*.jsonl"'
    else:
        first = first_value(path)
        found = next((item for item in FORMATS.values() if path.suffix in item.suffixes and item.looks_like(path, first)), None)
        if found is None and isinstance(first, (dict, list)):  # JSON says by its content what its suffix does not
            found = next(item for item in FORMATS.values() if ".jsonl" in item.suffixes and item.looks_like(path, first))
        problem = f"the name does not say the format; give --from {'|'.join(FORMATS_OF_FILES)}"
    if found is None:
        raise InputError(f"{path}: {problem}")
    return found


def read_rows(path: Path, file_format: FileFormat, reading: Reading) -> Rows:
    """Read the records of one split.

    Args:
        path: the file or folder.
        file_format: its format, which is not a DatasetDict.
        reading: how to read.

    Raises:
        InputError: the user gave an option that the format does not have.
    """
    check_options(path, file_format, reading)
    assert file_format.read is not None, "a DatasetDict is opened as a whole"
    return file_format.read(path, reading)


def folder_format(folder: Path) -> FileFormat | None:
    """Return the format of a folder that is one split, or a DatasetDict; None if it is another folder.

    Args:
        folder: the folder.
    """
    return next((item for item in FORMATS.values() if item.is_folder and item.looks_like(folder, None)), None)


def check_options(path: Path, file_format: FileFormat, reading: Reading) -> None:
    """Refuse what does not go together: a folder and a format of files, or an option that would have no effect.

    Args:
        path: the file or folder.
        file_format: its format.
        reading: the options that the user gave.

    Raises:
        InputError: the format is not one of files, or of folders, or does not have an option.
    """
    kind = "a DatasetDict" if file_format.read is None else file_format.name
    if path.is_file() and file_format.is_folder and not file_format.suffixes:
        raise InputError(f"{path}: a file, and {kind} is a folder; --from {'|'.join(FORMATS_OF_FILES)}")
    if path.is_dir() and not file_format.is_folder:
        raise InputError(f"{path}: a folder, and {kind} is a file; name a file, or a glob")
    for item in fields(Reading):
        if item.name != "left_out" and getattr(reading, item.name) is not None and item.name not in file_format.options:
            raise InputError(f"--{item.name}: {path} is read as {file_format.name}, which has no such option; leave it out")


def first_value(path: Path) -> Any:
    """Return the first JSON value of a file: the first item of its list, or its first line; None if there is none.

    Args:
        path: the file.
    """
    try:
        _, first = next(json_values(path), ("", None))
    except InputError:  # columns may begin with a bracket, too; what is wrong with a list of JSON, its reader says
        return None
    return None if isinstance(first, InputError) else first


def format_of_target(target: Path) -> FileFormat:
    """Return the format that the suffix of a target stands for.

    Args:
        target: the file or folder that is to be written.

    Raises:
        InputError: the suffix stands for none.
    """
    found = next((item for item in FORMATS.values() if target.suffix in item.target_suffixes), None)
    if found is None:
        written = [name for name in FILE_FORMATS if FORMATS[name].write or FORMATS[name].read is None]
        raise InputError(f"{target}: the name does not say the format; give --to {'|'.join(written)}")
    return found
