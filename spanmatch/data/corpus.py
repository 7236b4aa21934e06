"""Read annotated texts: JSONL files, DatasetDict folders and hub data sets become one `Corpus`."""

import glob
import logging
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from spanmatch.data.dataset_dict import dataset_rows, load_dataset_folder
from spanmatch.data.examples import Example, json_rows, read_record
from spanmatch.data.files import check_not_read, find_glob, no_such_file
from spanmatch.data.labels import TypeNames, read_entity_types, sidecar_of
from spanmatch.data.words import FORMATS
from spanmatch.entities import EntityType, Inventory
from spanmatch.errors import InputError, nearest, one_line

logger = logging.getLogger(__name__)

# Which split of a DatasetDict is read if none is named: the first of these that is there.
EVALUATION_SPLITS = ("test", "dev", "validation")
# For choosing and calibrating, never the test data.
DEVELOPMENT_SPLITS = ("dev", "validation")

_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+(:[\w.-]+)?")


@dataclass(kw_only=True, slots=True)
class Corpus:
    """Holds annotated examples, and counts what was left out.

    Attributes:
        examples: the examples, in the order of their files.
        num_skipped: how many invalid records were skipped.
        num_unscored: how many gold spans of each label have no type in the inventory that the user gave.
    """

    examples: list[Example] = field(default_factory=list)
    num_skipped: int = 0
    num_unscored: Counter[str] = field(default_factory=Counter)

    @property
    def types(self) -> tuple[EntityType, ...]:
        """Return all types of all inventories, sorted by label."""
        found = {entity_type for example in self.examples for entity_type in example.types}
        return tuple(sorted(found, key=lambda item: (item.label, item.name, item.description)))


def read_corpus(
    source: str | Sequence[str],
    *,
    format: str = "text",
    split: str | Sequence[str] | None = None,
    entity_types: str | None = None,
    skip_invalid: bool = False,
    max_examples: int | None = None,
    written: Collection[Path] = (),
) -> Corpus:
    """Read annotated texts from one source or several.

    Args:
        source: a JSONL file, a glob, a DatasetDict folder, a hub id (`owner/name[:config]`), or a list of these.
        format: "text" reads character spans, "tokens" reads token spans or tags; a file that has only the other kind is
            converted.
        split: the split of a DatasetDict: a name, or several, of which the first that is there counts; by default
            `EVALUATION_SPLITS`.
        entity_types: a file of names and descriptions, which is then the inventory of every example.
        skip_invalid: whether to skip and count invalid records, rather than raise.
        max_examples: how many examples to read at most; by default all.
        written: the files that the command will write: a glob leaves them out; by default none.

    Raises:
        InputError: a source or a record cannot be read, or would be overwritten; the message names file, line and remedy.
    """
    if format not in FORMATS:
        raise InputError(f'unknown format "{format}"; {nearest(format, FORMATS)}')
    check_not_read(written, [Path(entity_types)] if entity_types else [])
    given = read_entity_types(Path(entity_types), is_inventory=True) if entity_types else None
    corpus = Corpus()
    for item in [source] if isinstance(source, str) else source:
        for records in _open_source(item, split, written):
            _read_records(records, corpus, format=format, given=given, skip_invalid=skip_invalid, max_examples=max_examples)
    if corpus.num_skipped:
        logger.warning("%d invalid records were skipped", corpus.num_skipped)
    for label, count in sorted(corpus.num_unscored.items()):
        logger.warning('%d gold spans of "%s" are of no type in %s: not queried, not scored', count, label, entity_types)
    if not corpus.examples:
        raise InputError(f"{source}: no example in it; give a file with at least one line")
    return corpus


@dataclass(frozen=True, kw_only=True, slots=True)
class _Records:
    """Holds the unchecked records of one file or split.

    Attributes:
        rows: each record after its place.
        class_labels: the labels that a ClassLabel names.
        sidecar: the file of names and descriptions beside the records.
    """

    rows: Iterable[tuple[str, Any]]
    class_labels: tuple[str, ...] = ()
    sidecar: Path | None = None


def _read_records(
    records: _Records, corpus: Corpus, *, format: str, given: TypeNames | None, skip_invalid: bool, max_examples: int | None
) -> None:
    """Read the records of one file or split, and add the examples to the corpus."""
    names = given or read_entity_types(records.sidecar)
    read: list[tuple[Example, Sequence[str] | None]] = []
    for where, row in records.rows:
        if max_examples is not None and len(corpus.examples) + len(read) >= max_examples:
            break
        try:
            read.append(read_record(where, row, format=format))
        except InputError as error:
            if not skip_invalid:
                raise
            corpus.num_skipped += 1
            logger.warning("skipped: %s", error)
    # The types are known only when the whole file is read: without `labels`, the labels that occur in it are the inventory.
    occurring = sorted({mention.label for example, _ in read for mention in example.mentions})
    # The examples of a file share one tuple per distinct inventory.
    inventories: dict[tuple[str, ...], Inventory] = {}
    for example, labels in read:
        wanted = tuple(labels) if labels is not None else (records.class_labels or tuple(occurring))
        if wanted not in inventories:
            inventories[wanted] = Inventory(names.resolve(label) for label in wanted)
        corpus.examples.append(_with_types(example, inventories[wanted], given, corpus))


def _with_types(example: Example, inventory: Inventory, given: TypeNames | None, corpus: Corpus) -> Example:
    """Return the example with its inventory; mentions of no type that the user gave are counted and left out."""
    if given is None:
        return replace(example, types=inventory)
    inventory = given.inventory
    allowed = {item.label for item in inventory}
    mentions = []
    for mention in example.mentions:
        label = given.resolve(mention.label).label
        if label in allowed:
            mentions.append(replace(mention, label=label))
        else:
            corpus.num_unscored[mention.label] += 1
    return replace(example, mentions=tuple(dict.fromkeys(mentions)), types=inventory)


def _open_source(source: str, split: str | Sequence[str] | None, written: Collection[Path]) -> Iterator[_Records]:
    path = Path(source).expanduser()
    if path.is_dir():
        loaded = load_dataset_folder(path)
        # One Dataset alone is whatever split is asked for.
        splits: Mapping[str, Any] = loaded if isinstance(loaded, Mapping) else {_split_names(split)[0]: loaded}
        yield _dataset_records(str(path), splits, split, sidecar_of(path))
    elif path.is_file():
        check_not_read(written, [path])
        yield _Records(rows=json_rows(path), sidecar=sidecar_of(path))
    elif glob.has_magic(source):
        for file in find_glob(source, leave_out=written):
            yield from _open_source(str(file), split, written)
    elif _HUB_ID.fullmatch(source) and path.suffix not in {".json", ".jsonl"} and not path.parent.is_dir():
        yield _dataset_records(source, _load_from_hub(source), split, None)
    else:
        raise no_such_file(path, kind="file or folder")


def _load_from_hub(source: str) -> Any:
    from datasets import load_dataset  # imported late: it takes a second

    name, _, config = source.partition(":")
    try:
        return load_dataset(name, config or None)
    except Exception as error:  # the hub client raises many kinds
        reason = f"neither a local file nor a hub data set that can be read ({one_line(error)})"
        raise InputError(f"{source}: {reason}; check the path") from error


def _split_names(split: str | Sequence[str] | None) -> Sequence[str]:
    return [split] if isinstance(split, str) else split or EVALUATION_SPLITS


def _dataset_records(source: str, splits: Mapping[str, Any], split: str | Sequence[str] | None, sidecar: Path | None) -> _Records:
    wanted = _split_names(split)
    chosen = next((name for name in wanted if name in splits), None)
    if chosen is None:
        raise InputError(f"{source}: no split {' or '.join(wanted)}; {nearest(wanted[0], splits)} (--split)")
    rows, labels = dataset_rows(source, chosen, splits[chosen])
    return _Records(rows=rows, class_labels=labels, sidecar=sidecar)
