"""DatasetDict folders: the only format that holds several splits at once, so it has no `read` and `write` of one file."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from spanmatch.data.dataset_dict import class_names, dataset_rows, load_dataset_folder, tag_column_of
from spanmatch.data.formats.reading import Reading, Rows
from spanmatch.data.formats.records import Record
from spanmatch.data.formats.writing import Writing, tags_row
from spanmatch.data.further_keys import KEYS
from spanmatch.data.tags import tag_labels


def dataset_splits(path: Path) -> dict[str, Any]:
    """Load the splits of a DatasetDict folder, by name; one Dataset alone has the name that it carries, else "train".

    Args:
        path: the folder.

    Raises:
        InputError: the folder holds no data set, or one that cannot be read.
    """
    loaded = load_dataset_folder(path)
    # A part of a split is called "train[:10%]" or "train+test", which is no name for a file.
    return dict(loaded) if isinstance(loaded, Mapping) else {re.sub(r"\W+", "_", str(loaded.split or "train")).strip("_"): loaded}


def read_dataset(source: Path, split: str, dataset: Any, reading: Reading) -> Rows:
    """Read the records of one split.

    A split was annotated for all names of its ClassLabel. If some of them do not occur in it, each record gets the names
    as `labels`, because a file of records alone would not tell.

    Args:
        source: the folder.
        split: the name of the split.
        dataset: its `datasets.Dataset`.
        reading: counts the values of columns that our schema does not have.

    Raises:
        InputError: the split has neither a column "text" nor "tokens".
    """
    rows, labels = dataset_rows(str(source), split, dataset, tag_column=reading.tag_column)
    column = tag_column_of(str(source), dataset, reading.tag_column)
    for name in sorted(set(dataset.column_names) - KEYS - {column}):
        reading.left_out.add(f'values of "{name}"', f"{source}[{split}]:0", len(dataset))
    if labels and column:
        names = class_names(dataset, column)
        used: set[int | None] = {tag for tags in dataset[column] for tag in tags or ()}
        occurring = tag_labels(names[tag] for tag in used if tag is not None and 0 <= tag < len(names))
        if set(labels) - set(occurring):
            rows = ((where, {"labels": list(labels)} | row if isinstance(row, dict) else row) for where, row in rows)
    return rows


def save_dataset(splits: Mapping[str, Sequence[dict[str, Any]]], folder: Path, scheme: str) -> None:
    """Save rows as a DatasetDict. All splits share one ClassLabel for `ner_tags`.

    Args:
        splits: rows of `dataset_row`, by the name of their split.
        folder: where to save.
        scheme: the scheme of the tags, one of `SCHEMES`: the ClassLabel names all its prefixes for every label.
    """
    import datasets  # imported late: it takes a second

    prefixes = "BI" if scheme == "bio" else "BIES"
    labels = sorted({tag[2:] for rows in splits.values() for row in rows for tag in row["tags"] if tag != "O"})
    names = ["O", *(f"{prefix}-{label}" for label in labels for prefix in prefixes)]
    numbers = {name: number for number, name in enumerate(names)}
    text, texts = datasets.Value("string"), datasets.List(datasets.Value("string"))
    columns: dict[str, Any] = {"id": text, "text": text, "tokens": texts, "labels": texts}
    used = {key for rows in splits.values() for row in rows for key in row}
    features: dict[str, Any] = {key: feature for key, feature in columns.items() if key in used | {"tokens"}}
    features["ner_tags"] = datasets.List(datasets.ClassLabel(names=names))
    saved = {
        name: datasets.Dataset.from_dict(
            {key: [row.get(key) for row in rows] for key in features if key != "ner_tags"}
            | {"ner_tags": [[numbers[tag] for tag in row["tags"]] for row in rows]},
            features=datasets.Features(features),
        )
        for name, rows in splits.items()
    }
    was_disabled = datasets.are_progress_bars_disabled()
    datasets.disable_progress_bars()
    try:
        datasets.DatasetDict(saved).save_to_disk(str(folder))
    finally:
        if not was_disabled:
            datasets.enable_progress_bars()


def dataset_row(record: Record, writing: Writing) -> dict[str, Any]:
    """Return a record as a row for `save_dataset`.

    Args:
        record: the record that becomes the row.
        writing: how to write; it counts what is left out, such as keys for which a DatasetDict of ours has no column.

    Raises:
        InputError: spans overlap, and that is an error.
    """
    row = tags_row(record, writing)
    for key in row.keys() - KEYS:
        writing.left_out.add(f'values of "{key}"', record.example.where)
        del row[key]
    return row | ({"id": str(row["id"])} if "id" in row else {})
