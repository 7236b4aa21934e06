"""Read Hugging Face data sets on disk: a DatasetDict folder, and the records of a split."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from spanmatch.data.files import read_json
from spanmatch.data.further_keys import GOLD_KEYS, KEYS, check_further_keys, nearly_ours
from spanmatch.data.tags import OUTSIDE, tag_labels
from spanmatch.errors import InputError, nearest, one_line

_SPLIT_NAME = re.compile(r"[\w-][\w.-]*")


def is_dataset_folder(path: Path) -> bool:
    """Say whether a DatasetDict, or one Dataset, was saved to a folder.

    Args:
        path: any path.
    """
    return (path / "dataset_dict.json").is_file() or (path / "state.json").is_file()


def load_dataset_folder(path: Path) -> Any:
    """Load the DatasetDict (a mapping from split to Dataset) or the one Dataset that was saved to a folder.

    Args:
        path: a folder.

    Raises:
        InputError: the folder holds no data set, or one that cannot be read.
    """
    if not is_dataset_folder(path):
        raise InputError(f'{path}: a folder, but no DatasetDict on disk; give a file or a glob such as "{path}/*.jsonl"')
    listed = path / "dataset_dict.json"
    splits = read_json(listed, "copy it again, or save it anew") if listed.is_file() else {}
    for split in splits.get("splits") or [] if isinstance(splits, dict) else []:
        check_split_name(str(path), split)  # the library takes each for a folder, and would look beside this one
    from datasets import load_from_disk  # imported late: it takes a second

    try:
        return load_from_disk(str(path))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        reason = one_line(error)
        raise InputError(f"{path}: a DatasetDict that cannot be read ({reason}); copy it again, or save it anew") from error


def check_split_name(source: str, split: Any) -> None:
    """Refuse the name of a split that is no name: splits become files and folders, and must not leave their place.

    Args:
        source: where the split is, for the message.
        split: its name.

    Raises:
        InputError: it has other characters than letters, digits, `_`, `-` and `.`, or starts with a dot.
    """
    if not isinstance(split, str) or not _SPLIT_NAME.fullmatch(split):
        raise InputError(f'{source}: a split cannot be called "{split}"; use letters, digits, "_", "-" and "."')


def dataset_rows(
    source: str, split: str, dataset: Any, *, tag_column: str | None = None
) -> tuple[Iterator[tuple[str, Any]], tuple[str, ...]]:
    """Read the records of one split, in our schema.

    Args:
        source: the folder or hub id, for the place of each record.
        split: the name of the split.
        dataset: its `datasets.Dataset`.
        tag_column: the column of the tags; by default "ner_tags", "tags", or a ClassLabel column "labels".

    Returns:
        Each record (or the `InputError` that says what is wrong with it) after its place, `source[split]:index`; and the
        sorted labels that the ClassLabel of the tags names, none where the tags are strings.

    Raises:
        InputError: the data set has neither a column "text" nor "tokens", or tags in a column of another name.
    """
    names = set(dataset.column_names)
    if not names & {"text", "tokens"}:
        raise InputError(f'{source}: columns {dataset.column_names} hold neither "text" nor "tokens"; rename the column')
    column = tag_column_of(source, dataset, tag_column)
    tag_names = class_names(dataset, column) if column else ()
    type_names = class_names(dataset, "labels") if column != "labels" else ()
    own = sorted((names & KEYS) - ({"tags", "ner_tags"} if column else set()) - {column})
    gold = [key for key in GOLD_KEYS if key in own]
    # Columns that cannot be annotation are not even read.
    further = [name for name in names - KEYS - {column} if (not gold and not column) or nearly_ours(name)]

    def rows() -> Iterator[tuple[str, Any]]:
        for index, row in enumerate(dataset.select_columns([*own, *further, *([column] if column else [])])):
            where = f"{source}[{split}]:{index}"
            record = {key: row[key] for key in own if row[key] is not None}
            try:
                others = {name: row[name] for name in further}
                check_further_keys(where, record | others | ({"tags": row[column]} if column else {}))
                if column and row[column] is not None:
                    record["tags"] = _names(where, column, row[column], tag_names)
                if type_names and "labels" in record:
                    record["labels"] = _names(where, "labels", record["labels"], type_names)
                if (gold or column) and not record.keys() & set(GOLD_KEYS):
                    record[gold[0] if gold else "tags"] = None  # the reader of records refuses what is not annotated
            except InputError as error:
                yield where, error
                continue
            yield where, record

    return rows(), tag_labels(tag_names)


def class_names(dataset: Any, column: str) -> tuple[str, ...]:
    """Return the names of a column of lists of ClassLabel; none if it is of another kind.

    Args:
        dataset: the `datasets.Dataset`.
        column: the name of the column.
    """
    return tuple(getattr(getattr(dataset.features.get(column), "feature", None), "names", None) or ())


def tag_column_of(source: str, dataset: Any, given: str | None) -> str | None:
    """Find the column that becomes the tags, if it is not read as it is: a ClassLabel, or the one that the user names.

    Args:
        source: the folder or hub id, for the error.
        dataset: the `datasets.Dataset`.
        given: the column that the user names.

    Raises:
        InputError: there is no such column, or a column of another name may hold the tags.
    """
    columns = dataset.column_names
    if given is not None:
        if given not in columns:
            raise InputError(f"{source}: no column {given}; {nearest(given, columns)} (--tag_column)")
        return given
    named = next((name for name in ("ner_tags", "tags") if name in columns), None)
    if named is not None:
        return named if class_names(dataset, named) else None
    if set(GOLD_KEYS) & set(columns):
        return None
    others = [name for name in columns if OUTSIDE in class_names(dataset, name)]
    if others and "labels" not in others:
        remedy = 'rename it to "ner_tags", or give --tag_column'
        raise InputError(f'{source}: the column "{others[0]}" may hold the tags, and is not read; {remedy}')
    return "labels" if others else None


def _names(where: str, column: str, values: Sequence[Any], names: Sequence[str]) -> list[Any]:
    """Return the names of numbers. Data sets mark a tag that they keep back with -1, which is not the last name."""
    if not names:
        return list(values)
    if any(not isinstance(value, int) or not 0 <= value < len(names) for value in values):
        raise InputError(f'{where}: "{column}" {values} hold a tag without a name; the split may not be annotated')
    return [names[value] for value in values]
