"""Read annotated texts: files of any format, DatasetDict folders and hub data sets become one `Corpus`."""

import glob
import logging
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from spanmatch.data.dataset_dict import dataset_rows, load_dataset_folder
from spanmatch.data.examples import Example, read_record
from spanmatch.data.files import check_not_read, find_glob, home_path, no_such_file
from spanmatch.data.formats.formats import FORMATS, FileFormat, check_options, find_format, folder_format, named_format, read_rows
from spanmatch.data.formats.reading import Reading
from spanmatch.data.formats.records import LeftOut
from spanmatch.data.labels import SIDECAR, TypeNames, read_entity_types, sidecar_of
from spanmatch.data.one_label import with_one_label
from spanmatch.data.tags import TagScheme
from spanmatch.data.words import FORMATS as GOLD_FORMATS
from spanmatch.data.words import visible_mention
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
        inventories = {example.types for example in self.examples}  # few, while each may have thousands of types
        found = {entity_type for inventory in inventories for entity_type in inventory}
        return tuple(sorted(found, key=lambda item: (item.label, item.name, item.description)))


def read_corpus(
    source: str | Sequence[str],
    *,
    format: str = "text",
    split: str | Sequence[str] | None = None,
    entity_types: str | None = None,
    skip_invalid: bool = False,
    max_examples: int | None = None,
    source_format: str | None = None,
    reading: Reading | None = None,
    written: Collection[Path] = (),
) -> Corpus:
    """Read annotated texts from one source or several.

    Args:
        source: a file, a glob, a folder of a format that is one (DatasetDict), a hub id (`owner/name[:config]`), or a list of
            these.
        format: "text" reads character spans, "tokens" reads token spans or tags; a file that has only the other kind is
            converted.
        split: the split of a DatasetDict: a name, or several, of which the first that is there counts; by default
            `EVALUATION_SPLITS`.
        entity_types: a file of names and descriptions, which is then the inventory of every example.
        skip_invalid: whether to skip and count invalid records, rather than raise.
        max_examples: how many examples to return at most, the first ones; by default all. Their inventory is that of the
            whole file.
        source_format: the format of the files, one of `FILE_FORMATS`; by default as suffix and content of each say.
        reading: which columns to read, for formats that have them; it counts what they hold and our schema does not.
        written: the files that the command will write: a glob leaves them out; by default none.

    Raises:
        InputError: a source or a record cannot be read, or would be overwritten; the message names file, line and remedy.
    """
    if format not in GOLD_FORMATS:
        raise InputError(f'unknown format "{format}"; {nearest(format, GOLD_FORMATS)}')
    file_format = named_format("--from", source_format) if source_format is not None else None
    reading = reading or Reading(left_out=LeftOut())
    check_not_read(written, [Path(entity_types)] if entity_types else [])
    given = read_entity_types(Path(entity_types), is_inventory=True) if entity_types else None
    corpus = Corpus()
    for item in [source] if isinstance(source, str) else source:
        for records in _open_source(item, split, file_format, reading, written):
            _read_records(records, corpus, format=format, given=given, skip_invalid=skip_invalid, max_examples=max_examples)
    if corpus.num_skipped:
        logger.warning("%d invalid records were skipped", corpus.num_skipped)
    if reading.left_out.counts:
        logger.warning("left out in reading: %s", reading.left_out)
    for label, count in sorted(corpus.num_unscored.items()):
        logger.warning('%d gold spans of "%s" are of no type in %s: not queried, not scored', count, label, entity_types)
    corpus.examples = with_one_label(corpus.examples)
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
    names, scheme = given or read_entity_types(records.sidecar), TagScheme()
    read: list[tuple[Example, Sequence[str] | None]] = []
    occurring: set[str] = set()
    is_listed = given is not None or bool(records.class_labels)  # else the labels that occur in the file are the types
    needs_all = False
    for where, row in records.rows:
        is_over = max_examples is not None and len(corpus.examples) + len(read) >= max_examples
        if is_over and not needs_all:
            break
        try:
            example, labels = read_record(where, row, format=format, resolve=names.resolve, scheme=scheme)
            if labels is None and given is None:
                _check_class_labels(example, records.class_labels, names)
        except InputError as error:
            if not skip_invalid:
                raise
            if not is_over:
                corpus.num_skipped += 1
                logger.warning("skipped: %s", error)
            continue
        occurring |= {mention.label for mention in example.mentions}
        if not is_over:
            read.append((example, labels))
            needs_all |= labels is None and not is_listed
    # The examples of a file share one tuple per distinct inventory, and the labels of its types by their keys.
    inventories: dict[tuple[str, ...], tuple[Inventory, dict[str, str]]] = {}
    by_default = records.class_labels or tuple(sorted(occurring))
    for example, labels in read:
        wanted = by_default if labels is None else tuple(labels)
        if wanted not in inventories:
            inventory = names.inventory if names.is_inventory else Inventory(names.resolve(label) for label in wanted)
            inventories[wanted] = inventory, {item.key: item.label for item in reversed(inventory)}
        corpus.examples.append(_with_types(example, *inventories[wanted], names, corpus))


def _check_class_labels(example: Example, class_labels: Sequence[str], names: TypeNames) -> None:
    """Refuse a span of a type that the ClassLabel of the data set does not name, where that is the inventory."""
    outside = sorted({mention.label for mention in example.mentions} - set(class_labels)) if class_labels else []
    known = {names.resolve(label).key for label in class_labels} if outside else set()
    unknown = next((label for label in outside if names.resolve(label).key not in known), None)
    if unknown is not None:
        problem = f'spans of "{unknown}", which the ClassLabel of the tags does not name'
        raise InputError(f'{example.where}: {problem}; give the types as "labels"')


def _with_types(
    example: Example, inventory: Inventory, label_of_key: Mapping[str, str], names: TypeNames, corpus: Corpus
) -> Example:
    """Return the example with its inventory and the labels of it.

    Mentions of no type that the user gave are left out. Format characters at the ends of mentions are no part of them.
    """
    mentions = []
    for mention in example.mentions:
        label = label_of_key.get(names.resolve(mention.label).key)
        if label is not None:
            mentions.append(replace(visible_mention(mention, example.text, example.words), label=label))
        else:
            assert names.is_inventory, "a span whose type the line or the ClassLabel does not name is refused before"
            corpus.num_unscored[mention.label] += 1
    return replace(example, mentions=tuple(dict.fromkeys(mentions)), types=inventory)


def _open_source(
    source: str, split: str | Sequence[str] | None, given: FileFormat | None, reading: Reading, written: Collection[Path]
) -> Iterator[_Records]:
    path = home_path(source)
    if path.is_dir() or path.is_file():
        check_not_read(written, [path])
        yield _open_path(path, split, given, reading)
    elif glob.has_magic(source):
        for file in find_glob(source, leave_out=written):
            if file.name != SIDECAR:  # names of types are no texts: a glob such as "folder/*.json" finds them, too
                yield from _open_source(str(file), split, given, reading, written)
    elif _HUB_ID.fullmatch(source) and path.suffix not in {".json", ".jsonl"} and not path.parent.is_dir():
        yield _dataset_records(source, _load_from_hub(source), split, None, reading)
    else:
        raise no_such_file(path, kind="file or folder")


def _open_path(path: Path, split: str | Sequence[str] | None, given: FileFormat | None, reading: Reading) -> _Records:
    """Open a file, or a folder of a format that is one; any other folder is taken for a DatasetDict."""
    file_format = given or (find_format(path) if path.is_file() else folder_format(path) or FORMATS["datasetdict"])
    if given is None and file_format.name == "tags":
        file_format = FORMATS["spans"]  # lines of ours may have tags or spans, each as it likes
    check_options(path, file_format, reading)
    if file_format.read is not None:
        return _Records(rows=read_rows(path, file_format, reading), sidecar=sidecar_of(path))
    loaded = load_dataset_folder(path)
    # One Dataset alone is whatever split is asked for.
    splits: Mapping[str, Any] = loaded if isinstance(loaded, Mapping) else {_split_names(split)[0]: loaded}
    return _dataset_records(str(path), splits, split, sidecar_of(path), reading)


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


def _dataset_records(
    source: str, splits: Mapping[str, Any], split: str | Sequence[str] | None, sidecar: Path | None, reading: Reading
) -> _Records:
    wanted = _split_names(split)
    chosen = next((name for name in wanted if name in splits), None)
    if chosen is None:
        raise InputError(f"{source}: no split {' or '.join(wanted)}; {nearest(wanted[0], splits)} (--split)")
    rows, labels = dataset_rows(source, chosen, splits[chosen], tag_column=reading.tag_column)
    return _Records(rows=rows, class_labels=labels, sidecar=sidecar)
