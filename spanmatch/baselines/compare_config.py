"""Define what a comparison is about: its options, its configuration and its rows. Nothing here waits for torch."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields, replace
from math import ceil
from pathlib import Path
from typing import Any

from spanmatch.data.files import read_json
from spanmatch.data.words import FORMATS
from spanmatch.errors import InputError, nearest
from spanmatch.prediction.options import option

# How a row is made. "folder" is a model that is there already; the others are trained by the command of their name.
FOLDER, PROMPTED, GENERATIVE = "folder", "prompted", "generative"
METHODS = ("token", "llm", GENERATIVE, PROMPTED, "bi", "cross", FOLDER)
# These are not trained, so they have no learning curve.
NOT_TRAINED = {FOLDER, PROMPTED}
# These choose nothing with validation data, and would only take long to tag them.
WITHOUT_VALIDATION = {PROMPTED, GENERATIVE}
# What every row is trained with unless the configuration says otherwise; nothing is trained where a model is prompted.
TRAINING_DEFAULTS: Mapping[str, Any] = {
    "num_train_epochs": 3, "per_device_train_batch_size": 32, "seed": 0, "report_to": "none", "disable_tqdm": True
}  # fmt: skip
# Keys of a training that mean nothing without validation data.
_OF_VALIDATION = {
    "eval_strategy", "eval_steps", "eval_delay", "early_stopping_patience", "load_best_model_at_end", "metric_for_best_model",
    "greater_is_better", "per_device_eval_batch_size", "save_steps", "save_total_limit",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class CompareOptions:
    """Holds the options of `spanmatch compare`, by the names of its flags."""

    config: str = option("JSON file of the data and the rows", metavar="CONFIG", positional=True)
    output_dir: str | None = option("folder of the results; by default as the configuration says", default=None, metavar="DIR")
    rows: Sequence[str] = option("run this row only; may be given several times", default=(), metavar="NAME", flags=("--row",))
    max_train_samples: int | None = option("train each row on at most N sentences", default=None, metavar="N")
    max_eval_samples: int | None = option("validate and test on at most N sentences a file", default=None, metavar="N")
    fresh: bool = option("run again what is there already", default=False)


@dataclass(frozen=True, kw_only=True)
class Row:
    """Holds a row of a comparison.

    Attributes:
        name: its name.
        method: how it is made, one of `METHODS`.
        model: the folder or the name of a model that is there already, for the method "folder".
        settings: the keys of the configuration of its own training.
        train_file: its own training data; None for those of the comparison.
        sizes: its own points of the learning curve; None for those of the comparison.
        max_train_samples: most sentences that it is trained on; None for what the comparison says.
        max_eval_samples: most sentences that it is tested on; None for what the comparison says.
    """

    name: str
    method: str
    model: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    train_file: Sequence[str] | None = None
    sizes: Sequence[int] | None = None
    max_train_samples: int | None = None
    max_eval_samples: int | None = None

    @property
    def slug(self) -> str:
        """Return the name of its files."""
        return re.sub(r"[^a-z0-9]+", "-", self.name.lower()).strip("-")


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Holds a comparison as its JSON configuration says.

    Attributes:
        title: heading of the report.
        train_file: what the rows are trained on, as any training takes it.
        validation_file: what they choose checkpoints and thresholds with.
        test_file: what they are tested on; each file has its own scores, under the name of the file.
        entity_types: file of the types that every text is annotated for; by default the `labels.json` beside the data.
        format: "text" or "tokens".
        output_dir: folder of the results.
        seed: seed of the samples. Seeds of trainings are among the keys of the rows.
        sizes: numbers of training sentences of the learning curves, besides all.
        min_steps: a point of a learning curve is trained for at least so many steps.
        leave_out_types: labels that no row is trained on. They stay in the test files.
        max_train_samples: most sentences that a row is trained on; None: all.
        max_eval_samples: most sentences of the validation file, and of each test file; None: all.
        training: keys of the configuration that all rows share.
        rows: the rows.
    """

    title: str = "Comparison"
    train_file: Sequence[str]
    test_file: Sequence[str]
    output_dir: str
    rows: Sequence[Row]
    validation_file: Sequence[str] = ()
    entity_types: str | None = None
    format: str = "text"
    seed: int = 0
    sizes: Sequence[int] = ()
    min_steps: int = 100
    leave_out_types: Sequence[str] = ()
    max_train_samples: int | None = None
    max_eval_samples: int | None = None
    training: Mapping[str, Any] = field(default_factory=dict)

    @property
    def test_names(self) -> dict[str, str]:
        """Return the test files by the names that the report gives them."""
        return {Path(file).stem: file for file in self.test_file}

    def sizes_of(self, row: Row) -> list[int | None]:
        """Return the numbers of sentences that a row is trained on; None, the first, for all.

        Args:
            row: one of the rows.
        """
        own = self.sizes if row.sizes is None else row.sizes
        return [None, *([] if row.method in NOT_TRAINED else sorted(set(own)))]

    def validates(self, row: Row, size: int | None) -> bool:
        """Say whether a row gets the validation file.

        Args:
            row: one of the rows.
            size: number of training sentences of a point of a learning curve, which has none; None for the row itself.
        """
        return bool(self.validation_file) and size is None and row.method not in WITHOUT_VALIDATION

    def settings_of(self, row: Row, size: int | None) -> dict[str, Any]:
        """Return the keys of the training of a row, without its data and folder.

        A point of a learning curve has no validation data: it is trained on its few sentences, for enough steps.

        Args:
            row: one of the rows, which is trained.
            size: number of training sentences of a point of a learning curve; None for the row itself.
        """
        if row.method == PROMPTED:
            return dict(row.settings)
        keys = {**TRAINING_DEFAULTS, **self.training, **row.settings}
        if not self.validates(row, size):
            keys = {name: value for name, value in keys.items() if name not in _OF_VALIDATION}
        if size is None:
            return keys
        keys["save_strategy"] = "no"
        batch = int(keys["per_device_train_batch_size"]) * int(keys.get("gradient_accumulation_steps", 1))
        epochs = float(keys.pop("num_train_epochs"))
        return keys | {"max_steps": max(self.min_steps, ceil(ceil(size / batch) * epochs))}


def read_comparison(options: CompareOptions) -> Comparison:
    """Read the configuration of a comparison; the command line wins.

    Args:
        options: what the user gave.

    Raises:
        InputError: a key is unknown or missing, a value is not valid, or two rows have one name.
    """
    path = Path(options.config)
    content = read_json(path, "give a JSON object of data and rows")
    comparison = parse_comparison(content, str(path))
    given = {name: getattr(options, name) for name in ("output_dir", "max_train_samples", "max_eval_samples")}
    for name in options.rows:
        known = [row.name for row in comparison.rows]
        if name not in known:
            raise InputError(f'--row: no row "{name}" in {path}; {nearest(name, known)}')
    return replace(comparison, **{name: value for name, value in given.items() if value is not None})


def parse_comparison(content: Any, where: str) -> Comparison:
    """Check the JSON value of a configuration, and return the comparison.

    Args:
        content: the JSON value.
        where: its file, for the errors.

    Raises:
        InputError: as for `read_comparison`.
    """
    given = _checked(content, Comparison, where)
    for name in ("train_file", "validation_file", "test_file"):
        given[name] = _files(given.get(name, ()), f'{where}: "{name}"')
    if not given["test_file"]:
        raise InputError(f'{where}: "test_file" names no file; give one')
    if given.get("format", "text") not in FORMATS:
        raise InputError(f'{where}: unknown format "{given["format"]}"; {nearest(given["format"], FORMATS)}')
    _check_numbers(given, where)
    rows = given["rows"]
    if not isinstance(rows, list) or not rows:
        raise InputError(f'{where}: "rows" must be a list of objects with "name" and "method"')
    comparison = Comparison(**given | {"rows": tuple(_row(item, where, index) for index, item in enumerate(rows))})
    slugs: dict[str, str] = {}
    for row in comparison.rows:
        if not row.slug or row.slug in slugs:
            remedy = "give each row a name of its own, with a letter or a digit"
            raise InputError(f'{where}: the row "{row.name}" has the file of "{slugs.get(row.slug, "")}"; {remedy}')
        slugs[row.slug] = row.name
    if len(comparison.test_names) < len(comparison.test_file):
        raise InputError(f'{where}: two files of "test_file" have one name; rename one')
    return comparison


def _checked(content: Any, group: type, where: str) -> dict[str, Any]:
    """Return the keys of a JSON object, which all have to be fields of a dataclass; those without a default have to be there."""
    if not isinstance(content, dict):
        raise InputError(f"{where}: expected a JSON object, got {type(content).__name__}")
    known = {item.name: item for item in fields(group)}
    for name in content:
        if name not in known:
            raise InputError(f'{where}: unknown key "{name}"; {nearest(name, known)}')
    for name, item in known.items():
        if item.default is MISSING and item.default_factory is MISSING and name not in content:
            raise InputError(f'{where}: "{name}" is missing; give it')
    return dict(content)


def _row(content: Any, where: str, index: int) -> Row:
    """Return a row. What is no key of a row is a key of its training, which that training checks."""
    place = f"{where}: rows[{index}]"
    if not isinstance(content, dict) or not isinstance(content.get("name"), str):
        raise InputError(f'{place} must be an object with a "name" and a "method", got {json.dumps(content)[:60]}')
    method = content.get("method")
    if method not in METHODS:
        raise InputError(f'{place}: unknown method "{method}"; {nearest(str(method), METHODS)}')
    own = {item.name for item in fields(Row)} - {"settings", *([] if method == FOLDER else ["model"])}
    given = {name: value for name, value in content.items() if name in own}
    settings = {name: value for name, value in content.items() if name not in own}
    if method == FOLDER and (settings or not isinstance(content.get("model"), str)):
        extra = ", ".join(settings) or "nothing"
        raise InputError(f'{place}: a row of the method "folder" has "model", a folder or a name that ships, and got {extra}')
    if "train_file" in given:
        given["train_file"] = _files(given["train_file"], f'{place}: "train_file"')
    _check_numbers(given, place)
    return Row(**given, settings=settings)


def _files(value: Any, what: str) -> tuple[str, ...]:
    listed = [value] if isinstance(value, str) else value
    if not isinstance(listed, (list, tuple)) or not all(isinstance(item, str) and item for item in listed):
        raise InputError(f"{what} must be a file or a list of files, got {json.dumps(value)[:60]}")
    return tuple(listed)


def _check_numbers(given: Mapping[str, Any], where: str) -> None:
    """Refuse numbers of sentences and steps that are none."""
    for name in ("max_train_samples", "max_eval_samples", "min_steps", "seed", "sizes"):
        value = given.get(name)
        for number in value if isinstance(value, list) else [value]:
            is_number = isinstance(number, int) and not isinstance(number, bool)
            if number is not None and not (is_number and number >= (0 if name == "seed" else 1)):
                raise InputError(f'{where}: "{name}" must be at least 1, a whole number, got {json.dumps(value)}')
