"""Write the samples of a comparison: the same sentences for every row, each larger sample with those of the smaller ones."""

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spanmatch.baselines.compare_config import Comparison, Row
from spanmatch.data.corpus import DEVELOPMENT_SPLITS, EVALUATION_SPLITS, Corpus, read_corpus
from spanmatch.data.examples import Example
from spanmatch.data.files import write_whole
from spanmatch.data.labels import SIDECAR
from spanmatch.data.words import chars_to_tokens
from spanmatch.errors import InputError


@dataclass(frozen=True, kw_only=True)
class RowFiles:
    """Holds the data files of a row.

    Attributes:
        train: what it is trained on.
        validation: what it chooses with; none for a point of a learning curve.
        tests: the test files by their names.
    """

    train: tuple[str, ...]
    validation: tuple[str, ...]
    tests: dict[str, str]


class DataFiles:
    """Gives the rows of a comparison their data files. Each file is read once, and each sample written once."""

    def __init__(self, comparison: Comparison, folder: Path) -> None:
        """Prepare for a comparison; nothing is read yet.

        Args:
            comparison: the rows and their data.
            folder: where samples go.
        """
        self.comparison, self.folder = comparison, folder
        self._corpora: dict[tuple[tuple[str, ...], bool], Corpus] = {}
        self._written: set[Path] = set()

    def check(self) -> None:
        """Read all files, so that what is wrong with them is said before anything is run or written.

        Raises:
            InputError: a file cannot be read, or a type to leave out does not occur.
        """
        own = self.comparison
        for files in dict.fromkeys(tuple(row.train_file or own.train_file) for row in own.rows):
            self._read(files, "train", is_trained=True)
        if own.validation_file:
            self._read(own.validation_file, DEVELOPMENT_SPLITS)
        for file in own.test_file:
            self._read((file,), EVALUATION_SPLITS)

    def of_row(self, row: Row, size: int | None) -> RowFiles:
        """Return the data files of a row, after writing those that are samples.

        Args:
            row: the row.
            size: number of training sentences of a point of a learning curve; None for the row itself.
        """
        own = self.comparison
        most = row.max_eval_samples or own.max_eval_samples
        num_train = size or row.max_train_samples or own.max_train_samples
        name = "train" if row.train_file is None else f"train-{row.slug}"
        train = self._sample(name, row.train_file or own.train_file, "train", num_train, is_trained=True)
        validation: tuple[str, ...] = ()
        if own.validates(row, size):
            validation = self._sample("validation", own.validation_file, DEVELOPMENT_SPLITS, most)
        return RowFiles(
            train=train,
            validation=validation,
            tests={name: self._sample(name, (file,), EVALUATION_SPLITS, most)[0] for name, file in own.test_names.items()},
        )

    def _sample(
        self, name: str, files: Sequence[str], split: str | Sequence[str], size: int | None, *, is_trained: bool = False
    ) -> tuple[str, ...]:
        """Return the file of a sample. Files of which everything is taken as it is stay where they are."""
        own = self.comparison
        if size is None and own.entity_types is None and not (is_trained and own.leave_out_types):
            return tuple(files)
        target = self.folder / name / f"{size or 'all'}.jsonl"
        if target not in self._written:
            corpus = self._read(files, split, is_trained=is_trained)
            write_examples(nested_sample(corpus.examples, size, own.seed), target, own.format)
            self._written.add(target)
        return (str(target),)

    def _read(self, files: Sequence[str], split: str | Sequence[str], *, is_trained: bool = False) -> Corpus:
        known = (tuple(files), is_trained)
        if known not in self._corpora:
            own = self.comparison
            corpus = read_corpus(files, format=own.format, split=split, entity_types=own.entity_types)
            self._corpora[known] = without_types(corpus, own.leave_out_types) if is_trained and own.leave_out_types else corpus
        return self._corpora[known]


def nested_sample(examples: Sequence[Example], size: int | None, seed: int) -> list[Example]:
    """Return a random sample, in the order of the file. A sample has all of every smaller one with the same seed.

    Args:
        examples: what to draw from.
        size: how many to draw; None, or more than there are, for all.
        seed: seed of the order in which they are drawn.
    """
    order = list(range(len(examples)))
    random.Random(seed).shuffle(order)
    return [examples[index] for index in sorted(order[:size])]


def without_types(corpus: Corpus, labels: Sequence[str]) -> Corpus:
    """Return a corpus that is not annotated for some types: they are unknown in each text.

    Args:
        corpus: annotated texts.
        labels: the labels of the types to leave out.

    Raises:
        InputError: there is no such label.
    """
    known = {item.label for item in corpus.types}
    missing = sorted(set(labels) - known)
    if missing:
        raise InputError(f'leave_out_types: "{missing[0]}" is no label of the training data; valid: {", ".join(sorted(known))}')
    return Corpus(examples=[_without(example, set(labels)) for example in corpus.examples])


def _without(example: Example, labels: set[str]) -> Example:
    return Example(
        where=example.where,
        text=example.text,
        words=example.words,
        mentions=tuple(mention for mention in example.mentions if mention.label not in labels),
        types=type(example.types)(item for item in example.types if item.label not in labels),
        id=example.id,
    )


def write_examples(examples: Sequence[Example], path: Path, format: str) -> None:
    """Write examples as our JSONL, with the types that each is annotated for, and their names beside it.

    Args:
        examples: annotated texts.
        path: the file; the names go into the `labels.json` of its folder.
        format: "text" writes character spans, "tokens" the tokens and their spans.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = (json.dumps(_record(example, format), ensure_ascii=False) + "\n" for example in examples)
    write_whole(path, "".join(lines))
    named = {item.label: item for example in examples for item in example.types}
    names = {
        label: {"name": item.name, "description": item.description, "aliases": list(item.aliases)}
        for label, item in sorted(named.items())
    }
    write_whole(path.parent / SIDECAR, json.dumps(names, ensure_ascii=False, indent=1) + "\n")


def _record(example: Example, format: str) -> dict[str, Any]:
    record: dict[str, Any] = {"text": example.text, "labels": [item.label for item in example.types]}
    if format == "text":
        spans = [{"start": item.start, "end": item.end, "label": item.label} for item in sorted(example.mentions)]
        return record | {"char_spans": spans}
    tokens = [example.text[start:end] for start, end in example.words]
    mentions = sorted(chars_to_tokens(mention, example.words) for mention in example.mentions)
    spans = [{"start": item.start, "end": item.end, "label": item.label} for item in mentions]
    return record | {"tokens": tokens, "token_spans": spans}
