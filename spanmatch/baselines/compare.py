"""Compare methods on one data set: make each row by its own command, evaluate it, and keep what is there already."""

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from spanmatch.baselines.compare_config import FOLDER, NOT_TRAINED, CompareOptions, Comparison, Row, read_comparison
from spanmatch.baselines.compare_data import DataFiles, RowFiles
from spanmatch.baselines.measured_process import ProcessFailed, run_measured
from spanmatch.data.files import folder_to_write, read_json, write_whole
from spanmatch.errors import InputError
from spanmatch.evaluation.comparison import Costs, RowResult
from spanmatch.evaluation.comparison_tables import Table, comparison_tables, markdown
from spanmatch.evaluation.provenance import machine, provenance
from spanmatch.training.output_folder import remove_checkpoints

# Arguments of Python that start the training of each method; the configuration file follows.
Commands = Mapping[str, Sequence[str]]
# Writes the report in HTML: file, comparison's title, test files by name, format, results, facts.
WriteReport = Callable[..., None]

_EVALUATE = ("-m", "spanmatch.baselines.compare_row")


def compare(options: CompareOptions, commands: Commands, write_report: WriteReport) -> int:
    """Run a comparison as its configuration says; write results, `report.md` and `report.html`.

    Args:
        options: what the user gave.
        commands: starts the training of each method.
        write_report: writes the report in HTML.

    Returns:
        How many rows failed.

    Raises:
        InputError: the configuration or the data are wrong; no row was run.
    """
    comparison = read_comparison(options)
    results = run_comparison(comparison, commands, only=options.rows, fresh=options.fresh)
    write_reports(comparison, results, write_report)
    return sum(result.error is not None for result in results)


def run_comparison(
    comparison: Comparison, commands: Commands, *, only: Sequence[str] = (), fresh: bool = False
) -> list[RowResult]:
    """Run the rows of a comparison that have no result yet; return the results of all that have one now.

    Args:
        comparison: the rows and their data.
        commands: starts the training of each method.
        only: names of the rows to run; by default all.
        fresh: run again what is there already.

    Raises:
        InputError: the data are wrong; no row was run.
    """
    folder = folder_to_write(comparison.output_dir)
    data = DataFiles(comparison, folder / "samples")
    data.check()
    jobs = [(row, size) for row in comparison.rows for size in comparison.sizes_of(row)]
    jobs.sort(key=lambda job: job[1] is not None)  # the rows first, then their curves
    results = []
    for row, size in jobs:
        files = data.of_row(row, size)
        place = RowPlace(folder=folder, name=row.slug if size is None else f"{row.slug}-{size}")
        asked = settings(comparison, row, size, files)
        known = RowResult.load(place.result) if place.result.is_file() else None
        is_there = known is not None and known.settings == asked
        if only and row.name not in only:
            results += [known] if known is not None and is_there else []
            continue
        if known is None or not is_there or known.error is not None or fresh:
            known = run_row(row, size, files, asked, place, commands, fresh=fresh)
            known.save(place.result)
        print(_line(known), flush=True)
        results.append(known)
    order = {row.name: index for index, row in enumerate(comparison.rows)}
    return sorted(results, key=lambda result: (order[result.name], result.size or 0))


@dataclass(frozen=True, kw_only=True)
class RowPlace:
    """Knows the files of a row in the output folder.

    Attributes:
        folder: the output folder.
        name: name of the row's files.
    """

    folder: Path
    name: str

    @property
    def result(self) -> Path:
        """Return the file of its result."""
        return self.folder / "rows" / f"{self.name}.json"

    @property
    def model(self) -> Path:
        """Return the folder of its model."""
        return self.folder / "models" / self.name

    def log(self, step: str) -> Path:
        """Return the file of what a step prints.

        Args:
            step: "train" or "evaluate".
        """
        return self.folder / "logs" / f"{self.name}.{step}.log"

    def job(self, step: str) -> Path:
        """Return the JSON file of what a step is asked for.

        Args:
            step: "train" or "evaluate".
        """
        return self.folder / "jobs" / f"{self.name}.{step}.json"

    @property
    def trained(self) -> Path:
        """Return the file that is there when the row has been trained: what for, and what it cost."""
        return self.folder / "jobs" / f"{self.name}.trained.json"


def settings(comparison: Comparison, row: Row, size: int | None, files: RowFiles) -> dict[str, Any]:
    """Return what the result of a row depends on, as JSON has it.

    Args:
        comparison: the comparison.
        row: the row.
        size: number of training sentences of a point of a learning curve; None for the row itself.
        files: its data.
    """
    asked: dict[str, Any] = {
        "method": row.method,
        "sources": [list(row.train_file or comparison.train_file), list(comparison.validation_file), list(comparison.test_file)],
        "train_file": list(files.train),
        "tests": files.tests,
        "format": comparison.format,
        "sample_seed": comparison.seed,
        "leave_out_types": list(comparison.leave_out_types),
        "entity_types": comparison.entity_types,
    }
    if row.method == FOLDER:
        asked["model"] = row.model
    else:
        asked |= {"validation_file": list(files.validation), "training": comparison.settings_of(row, size)}
    return asked


def run_row(
    row: Row, size: int | None, files: RowFiles, asked: Mapping[str, Any], place: RowPlace, commands: Commands, *, fresh: bool
) -> RowResult:
    """Train and evaluate a row; an error is part of its result.

    Args:
        row: the row.
        size: number of training sentences of a point of a learning curve; None for the row itself.
        files: its data.
        asked: what its result depends on.
        place: where its files go.
        commands: starts the training of each method.
        fresh: train it even if it has been trained already.
    """
    try:
        costs: dict[str, Any] = {}
        if row.method != FOLDER:
            costs = train_row(row, files, asked, place, commands, fresh=fresh)
        model = row.model if row.method == FOLDER else str(place.model)
        job = {"model": model, "train_file": list(files.train), "tests": files.tests, "format": asked["format"]}
        write_whole(_made(place.job("evaluate")), json.dumps(job, indent=1) + "\n")
        evaluated = place.job("evaluated")
        memory = run_measured([*_EVALUATE, str(place.job("evaluate")), str(evaluated)], place.log("evaluate"))
        result = read_json(evaluated)
    except (ProcessFailed, InputError) as error:
        return RowResult(name=row.name, method=row.method, size=size, settings=asked, error=str(error))
    if size is not None:
        shutil.rmtree(place.model)  # the models of a learning curve would fill the disk
    place.trained.unlink(missing_ok=True)
    return RowResult(
        name=row.name,
        method=row.method,
        size=size,
        settings=asked,
        num_train=None if row.method in NOT_TRAINED else result["num_train"],
        tests=result["tests"],
        costs=Costs(**costs, **result["costs"], memory_bytes=memory),
    )


def train_row(
    row: Row, files: RowFiles, asked: Mapping[str, Any], place: RowPlace, commands: Commands, *, fresh: bool
) -> dict[str, Any]:
    """Train a row by the command of its method, unless that was done already; return what it cost.

    Args:
        row: the row.
        files: its data.
        asked: what its result depends on.
        place: where its files go.
        commands: starts the training of each method.
        fresh: train it even if it has been trained already.

    Raises:
        ProcessFailed: the command failed; the message is its last line.
    """
    if place.trained.is_file() and not fresh:
        known = read_json(place.trained)
        if known["settings"] == asked:
            return dict(known["costs"])
    given = {"train_file": list(files.train), "validation_file": list(files.validation), "format": asked["format"]}
    keys = {name: value for name, value in given.items() if value} | dict(asked["training"])
    keys |= {"output_dir": str(place.model), "overwrite_output_dir": True}
    write_whole(_made(place.job("train")), json.dumps(keys, indent=1, ensure_ascii=False) + "\n")
    memory = run_measured([*commands[row.method], str(place.job("train"))], place.log("train"))
    remove_checkpoints(place.model)  # the best one is the model; their optimizer states would fill the disk
    timings = place.model / "timings.json"
    known = read_json(timings) if timings.is_file() else {}
    costs = {name: known[name] for name in ("train_seconds", "trained_parameters") if name in known}
    costs["train_memory_bytes"] = memory
    write_whole(place.trained, json.dumps({"settings": asked, "costs": costs}, ensure_ascii=False) + "\n")
    return costs


def _made(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _line(result: RowResult) -> str:
    """Return a row as it is printed."""
    name = result.name if result.size is None else f"{result.name}, {result.size} sentences"
    if result.error is not None:
        return f"{name}: failed: {result.error}"
    shown = (
        f"{test} {scores['micro']['f1']:.4f} micro, {scores['macro']['f1']:.4f} macro" for test, scores in result.tests.items()
    )
    return f"{name}: F1 on {'; '.join(shown)}"


def write_reports(
    comparison: Comparison, results: Sequence[RowResult], write_report: WriteReport, *, first: Sequence[Table] = ()
) -> None:
    """Write `report.md` and `report.html` into the output folder.

    Args:
        comparison: the comparison.
        results: its rows, and the points of their learning curves.
        write_report: writes the report in HTML.
        first: tables that come before those of every comparison.
    """
    folder = Path(comparison.output_dir)
    facts = {item.name: getattr(comparison, item.name) for item in fields(comparison) if item.name not in {"rows", "title"}}
    facts = {name: value for name, value in facts.items() if value not in (None, (), [], {})}
    facts |= provenance(comparison.seed) | {"machine": machine()}
    folder.mkdir(parents=True, exist_ok=True)
    tables = [*first, *comparison_tables(results)]
    write_whole(folder / "report.md", markdown(comparison.title, tables, facts))
    write_report(
        folder / "report.html", title=comparison.title, format=comparison.format, results=results, tables=tables, facts=facts
    )
    print(f"{folder}: report.md, report.html, a file for each row in rows/")
