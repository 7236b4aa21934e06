"""Reading annotated text: JSONL files, DatasetDict folders and hub data sets become one `Corpus`."""

import glob
import json
import logging
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from spanmatch.entities import EntityType, Mention
from spanmatch.entity_types import TypeNames, read_entity_types
from spanmatch.errors import InputError, nearest
from spanmatch.spans import align_tokens, join_tokens, read_tags, split_words, tokens_to_chars

logger = logging.getLogger(__name__)

FORMATS = ("text", "tokens")
_KEYS = {"id", "text", "tokens", "char_spans", "token_spans", "tags", "ner_tags", "labels"}
_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+(:[\w.-]+)?")


@dataclass(frozen=True, kw_only=True, slots=True)
class Example:
    """One annotated text. Mentions and words are character offsets, whatever the file had.

    `types` is the inventory: what the text was annotated for; any other type is unknown.
    """

    where: str
    text: str
    words: tuple[tuple[int, int], ...]
    mentions: tuple[Mention, ...]
    types: tuple[EntityType, ...] = ()
    id: str | None = None


@dataclass(kw_only=True, slots=True)
class Corpus:
    """Examples in the order of their files, and the count of what was left out."""

    examples: list[Example] = field(default_factory=list)
    num_skipped: int = 0
    num_unscored: Counter[str] = field(default_factory=Counter)

    @property
    def types(self) -> tuple[EntityType, ...]:
        """All types of all inventories, sorted by label."""
        found = {entity_type for example in self.examples for entity_type in example.types}
        return tuple(sorted(found, key=lambda item: (item.label, item.name, item.description)))


def read_corpus(
    source: str | Sequence[str],
    *,
    format: str = "text",
    split: str | None = None,
    entity_types: str | None = None,
    skip_invalid: bool = False,
    max_examples: int | None = None,
) -> Corpus:
    """Read annotated texts.

    Args:
        source: a JSONL file, a glob, a DatasetDict folder, a hub id (`owner/name[:config]`), or a list of these.
        format: "text" reads character spans, "tokens" reads token spans or tags; a file with only the other is converted.
        split: of a DatasetDict; by default `test`, else `dev` or `validation`.
        entity_types: a file of names and descriptions, which is then the inventory of every example.
        skip_invalid: leave out what cannot be read, and count it, rather than raise.

    Raises:
        InputError: naming file, line and remedy.
    """
    if format not in FORMATS:
        raise InputError(f'unknown format "{format}"; {nearest(format, FORMATS)}')
    given = read_entity_types(Path(entity_types), is_inventory=True) if entity_types else None
    corpus = Corpus()
    for item in [source] if isinstance(source, str) else source:
        for records in _open_source(item, split):
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
    """The raw records of one file or split, with where each stands."""

    rows: Iterable[tuple[str, Any]]
    class_labels: tuple[str, ...] = ()
    sidecar: Path | None = None


def _read_records(
    records: _Records, corpus: Corpus, *, format: str, given: TypeNames | None, skip_invalid: bool, max_examples: int | None
) -> None:
    names = given or read_entity_types(records.sidecar)
    read: list[tuple[Example, Sequence[str] | None]] = []
    for where, row in records.rows:
        if max_examples is not None and len(corpus.examples) + len(read) >= max_examples:
            break
        try:
            read.append(_read_row(where, row, format=format, class_labels=records.class_labels))
        except InputError as error:
            if not skip_invalid:
                raise
            corpus.num_skipped += 1
            logger.warning("skipped: %s", error)
    occurring = sorted({mention.label for example, _ in read for mention in example.mentions})
    # One tuple per distinct inventory: examples of a file share it.
    inventories: dict[tuple[str, ...], tuple[EntityType, ...]] = {}
    for example, labels in read:
        wanted = tuple(labels) if labels is not None else (records.class_labels or tuple(occurring))
        if wanted not in inventories:
            inventories[wanted] = tuple(names.resolve(label) for label in wanted)
        corpus.examples.append(_with_types(example, inventories[wanted], given, corpus))


def _with_types(example: Example, inventory: tuple[EntityType, ...], given: TypeNames | None, corpus: Corpus) -> Example:
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
    return replace(example, mentions=tuple(mentions), types=inventory)


def _open_source(source: str, split: str | None) -> Iterator[_Records]:
    path = Path(source).expanduser()
    if path.is_dir():
        yield from _open_dataset_folder(path, split)
    elif path.is_file():
        yield _jsonl(path)
    elif glob.has_magic(source):
        files = sorted(glob.glob(os.path.expanduser(source), recursive=True))
        if not files:
            raise InputError(f"{source}: no file matches; check the pattern and the folder ({Path.cwd()})")
        for file in files:
            yield from _open_source(file, split)
    elif _HUB_ID.fullmatch(source) and path.suffix not in {".json", ".jsonl"} and not path.parent.is_dir():
        yield from _open_hub(source, split)
    else:
        folder = path.parent if path.parent.is_dir() else None
        hint = nearest(path.name, [item.name for item in folder.iterdir()]) if folder else f"there is no folder {path.parent}"
        raise InputError(f"{source}: no such file or folder; {hint}")


def _jsonl(path: Path) -> _Records:
    sidecar = path.parent / "labels.json"
    return _Records(rows=json_rows(path), sidecar=sidecar if sidecar.is_file() else None)


def json_rows(path: Path) -> Iterator[tuple[str, Any]]:
    """Each line of a JSONL file with its `file:line`; a line that cannot be read is an `InputError` in its place."""
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            where = f"{path}:{number}"
            try:
                yield where, json.loads(line)
            except UnicodeDecodeError as error:
                yield where, InputError(f"{where}: not UTF-8 ({error.reason} at byte {error.start}); save the file as UTF-8")
            except json.JSONDecodeError as error:
                yield where, InputError(f"{where}: not JSON ({error.msg} at column {error.colno}); write one JSON object per line")


def _open_dataset_folder(path: Path, split: str | None) -> Iterator[_Records]:
    if not (path / "dataset_dict.json").is_file() and not (path / "state.json").is_file():
        raise InputError(f'{path}: a folder, but no DatasetDict on disk; give a file or a glob such as "{path}/*.jsonl"')
    from datasets import Dataset, load_from_disk  # imported late: it takes a second

    loaded = load_from_disk(str(path))
    splits: Mapping[str, Any] = {split or "test": loaded} if isinstance(loaded, Dataset) else loaded
    sidecar = path / "labels.json"
    yield _dataset_records(str(path), splits, split, sidecar if sidecar.is_file() else None)


def _open_hub(source: str, split: str | None) -> Iterator[_Records]:
    from datasets import load_dataset

    name, _, config = source.partition(":")
    try:
        loaded = load_dataset(name, config or None)
    except Exception as error:  # the hub client raises many kinds; the user needs one line
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f"{source}: neither a local file nor a hub data set that can be read ({reason}); check the path") from error
    yield _dataset_records(source, loaded, split, None)


def _dataset_records(source: str, splits: Mapping[str, Any], split: str | None, sidecar: Path | None) -> _Records:
    wanted = [split] if split else ["test", "dev", "validation"]
    chosen = next((name for name in wanted if name in splits), None)
    if chosen is None:
        raise InputError(f"{source}: no split {' or '.join(wanted)}; {nearest(wanted[0], splits)} (--split)")
    dataset = splits[chosen]
    columns = set(dataset.column_names) & _KEYS
    if not columns & {"text", "tokens"}:
        raise InputError(f'{source}: columns {dataset.column_names} hold neither "text" nor "tokens"; rename the column')
    feature = dataset.features.get("ner_tags")
    tag_names = tuple(getattr(getattr(feature, "feature", None), "names", None) or ())
    labels = sorted({name.partition("-")[2] for name in tag_names if name != "O"})

    def rows() -> Iterator[tuple[str, Any]]:
        for index, row in enumerate(dataset.select_columns(sorted(columns))):
            present = {key: value for key, value in row.items() if value is not None}
            if "ner_tags" in present and tag_names:
                present["tags"] = [tag_names[tag] for tag in present.pop("ner_tags")]
            yield f"{source}[{chosen}]:{index}", present

    return _Records(rows=rows(), class_labels=tuple(labels), sidecar=sidecar)


def _read_row(where: str, row: Any, *, format: str, class_labels: Sequence[str]) -> tuple[Example, Sequence[str] | None]:
    """Check one record. Returns it without types, and the line's own `labels`."""
    if isinstance(row, InputError):
        raise row
    if not isinstance(row, dict):
        raise InputError(f"{where}: expected a JSON object, got {type(row).__name__}; write one object per line")
    text, tokens = row.get("text"), row.get("tokens")
    if text is None and tokens is None:
        hint = next((f'; "{key}": {nearest(key, _KEYS)}' for key in row if key not in _KEYS), "; add one of them")
        raise InputError(f'{where}: neither "text" nor "tokens"{hint}')
    if text is not None and not isinstance(text, str):
        raise InputError(f'{where}: "text" must be a string, got {type(text).__name__}')
    _check_strings(where, "tokens", tokens)
    _check_strings(where, "labels", row.get("labels"))
    try:
        return _build(where, row, text, tokens, format), row.get("labels")
    except InputError:
        raise
    except ValueError as error:
        raise InputError(f"{where}: {error}") from error


def _build(where: str, row: dict[str, Any], text: str | None, tokens: Sequence[str] | None, format: str) -> Example:
    if text is None:
        assert tokens is not None
        text, token_words = join_tokens(tokens)
    elif tokens is not None:
        token_words = align_tokens(text, tokens)
    else:
        token_words = split_words(text)
    by_char = _spans(where, row, "char_spans")
    by_token = _spans(where, row, "token_spans")
    if by_token is None and "tags" in row:
        _check_strings(where, "tags", row["tags"])
        if len(row["tags"]) != len(token_words):
            raise InputError(f"{where}: {len(row['tags'])} tags for {len(token_words)} tokens; give one tag per token")
        by_token = read_tags(row["tags"])
    if "ner_tags" in row:
        raise InputError(f'{where}: "ner_tags" are numbers without names; make the column a ClassLabel, or give "tags" as strings')
    use_chars = by_char is not None and (format == "text" or by_token is None)
    mentions = by_char if use_chars else tokens_to_chars(by_token or (), token_words)
    assert mentions is not None
    for mention in mentions:
        if mention.end > len(text):
            raise InputError(
                f"{where}: span [{mention.start}, {mention.end}) ends beyond the text ({len(text)} characters); offsets are half-open characters"
            )
    labels = row.get("labels")
    outside = sorted({mention.label for mention in mentions} - set(labels)) if labels is not None else []
    if outside:
        raise InputError(f'{where}: spans of "{outside[0]}", which is not in the line\'s "labels"; add it there')
    words = split_words(text) if format == "text" else token_words
    identity = None if row.get("id") is None else str(row["id"])
    return Example(where=where, text=text, words=words, mentions=tuple(dict.fromkeys(mentions)), id=identity)


def _check_strings(where: str, key: str, value: Any) -> None:
    if value is not None and not (isinstance(value, list) and all(isinstance(item, str) for item in value)):
        raise InputError(f'{where}: "{key}" must be a list of strings, got {json.dumps(value, ensure_ascii=False, default=str)[:60]}')


def _spans(where: str, row: dict[str, Any], key: str) -> tuple[Mention, ...] | None:
    if row.get(key) is None:
        return None
    if not isinstance(row[key], list):
        raise InputError(f'{where}: "{key}" must be a list, got {type(row[key]).__name__}')
    found = []
    for span in row[key]:
        shown = json.dumps(span, ensure_ascii=False, default=str)[:80]
        if not isinstance(span, dict) or not {"start", "end", "label"} <= span.keys():
            raise InputError(f'{where}: "{key}" holds {shown}; expected {{"start", "end", "label"}}')
        if type(span["start"]) is not int or type(span["end"]) is not int or not isinstance(span["label"], str) or not span["label"]:
            raise InputError(f'{where}: "{key}" holds {shown}; start and end must be whole numbers, label a name')
        try:
            found.append(Mention(start=span["start"], end=span["end"], label=span["label"]))
        except ValueError as error:
            raise InputError(f'{where}: "{key}" holds {shown}: {error}; ends are half-open') from error
    return tuple(found)
