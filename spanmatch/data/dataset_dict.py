"""Read Hugging Face data sets on disk: a DatasetDict folder, and the records of a split."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from spanmatch.data.examples import KEYS
from spanmatch.errors import InputError, one_line


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
    from datasets import load_from_disk  # imported late: it takes a second

    try:
        return load_from_disk(str(path))
    except (OSError, ValueError, KeyError, TypeError) as error:
        reason = one_line(error)
        raise InputError(f"{path}: a DatasetDict that cannot be read ({reason}); copy it again, or save it anew") from error


def dataset_rows(source: str, split: str, dataset: Any) -> tuple[Iterator[tuple[str, Any]], tuple[str, ...]]:
    """Read the records of one split, in our schema.

    Args:
        source: the folder or hub id, for the place of each record.
        split: the name of the split.
        dataset: its `datasets.Dataset`.

    Returns:
        Each record (or the `InputError` that says what is wrong with it) after its place, `source[split]:index`; and the
        sorted labels that the ClassLabel of `ner_tags` names, none where the tags are strings.

    Raises:
        InputError: the data set has neither a column "text" nor "tokens".
    """
    columns = set(dataset.column_names) & KEYS
    if not columns & {"text", "tokens"}:
        raise InputError(f'{source}: columns {dataset.column_names} hold neither "text" nor "tokens"; rename the column')
    feature = dataset.features.get("ner_tags")
    tag_names = tuple(getattr(getattr(feature, "feature", None), "names", None) or ())

    def rows() -> Iterator[tuple[str, Any]]:
        for index, row in enumerate(dataset.select_columns(sorted(columns))):
            where = f"{source}[{split}]:{index}"
            present = {key: value for key, value in row.items() if value is not None}
            tags = present.pop("ner_tags") if tag_names and "ner_tags" in present else []
            # Data sets mark a label that they keep back with -1, which must not be read as the last name.
            if any(tag is None or not 0 <= tag < len(tag_names) for tag in tags):
                yield where, InputError(f'{where}: "ner_tags" {tags} hold a tag without a name; the split may not be annotated')
                continue
            yield where, present | ({"tags": [tag_names[tag] for tag in tags]} if tags else {})

    return rows(), tuple(sorted({name.partition("-")[2] for name in tag_names if name != "O"}))
