"""The recipes of evaluating and calibrating a checkpoint, from arguments to files. Disk, network and logging live here."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from spanmatch.batching.candidates import Unrepresentable
from spanmatch.data.corpus import DEVELOPMENT_SPLITS, read_corpus
from spanmatch.data.files import check_can_write, folder_to_write, home_path
from spanmatch.errors import InputError
from spanmatch.evaluation.calibration import CALIBRATION_FLOOR, calibrate, check_gold
from spanmatch.evaluation.evaluate import Evaluation, evaluate_corpus
from spanmatch.evaluation.options import CalibrateOptions, EvaluateOptions, reading_of
from spanmatch.evaluation.provenance import provenance
from spanmatch.evaluation.results import write_evaluation, written_files
from spanmatch.prediction.decoding import check_overlap
from spanmatch.prediction.processes import is_main_process, join_launch
from spanmatch.prediction.shipped import checkpoint_folder
from spanmatch.prediction.tagger import load_tagger
from spanmatch.prediction.thresholds import THRESHOLDS_FILE, Calibration, check_names, parse_threshold


def evaluate(options: EvaluateOptions, *, kind: str | None = None, write_report: Callable[..., None] | None = None) -> Evaluation:
    """Evaluate a checkpoint on a file: print one table, write `metrics.json`, `predictions.jsonl` and `timings.json`.

    The processes of a launch share the work; the first one prints and writes.

    Args:
        options: the checkpoint, the file, and how to evaluate.
        kind: the kind of tagger that the checkpoint has to hold ("bi-encoder", "cross-encoder"); by default any.
        write_report: writes the report of the evaluation (see `apps.report.write_report`), if one is wanted.

    Raises:
        InputError: the checkpoint, the file or an option is wrong; says which, and the remedy.
    """
    threshold = parse_threshold(options.threshold) if options.threshold is not None else None
    join_launch(options.device)
    model, format = options.pretrained_model_name_or_path, options.evaluation_format
    tagger = load_tagger(model, device=options.device, dtype=options.dtype)
    if kind not in {None, tagger.kind}:
        script = f"evaluate_{tagger.kind.replace('-', '_')}.py" if tagger.kind.endswith("-encoder") else "spanmatch evaluate"
        raise InputError(f"{model} is a {tagger.kind}; use {script}")
    # Asked before anything is read: an error then stands alone, not behind a progress bar.
    tagger.check_threshold(threshold)
    check_overlap(options.overlap)
    folder = None if options.output_dir is None else folder_to_write(options.output_dir)
    report = [] if options.report is None else [Path(options.report)]
    if report and folder is not None:
        _check_apart(report[0], folder)
    corpus = read_corpus(
        options.evaluation_file,
        format=format,
        split=options.split,
        entity_types=options.entity_types,
        skip_invalid=options.skip_invalid,
        max_examples=options.max_samples,
        source_format=options.source_format,
        reading=reading_of(options),
        written=[*report, *(written_files(folder) if folder is not None else [])],
    )
    check_names(threshold, corpus.types)
    start = time.perf_counter()
    evaluation = evaluate_corpus(
        tagger,
        corpus,
        format=format,
        threshold=threshold,
        overlap=options.overlap,
        line_breaks=options.line_breaks,
        batch_size=options.batch_size,
        floor=CALIBRATION_FLOOR if write_report is not None else None,
        progress=True,
    )
    seconds = time.perf_counter() - start
    if not is_main_process():
        return evaluation
    lost = tagger.unrepresentable(corpus.examples, line_breaks=options.line_breaks)
    _print(evaluation, lost, len(corpus.examples), seconds)
    settings = {
        "model": model,
        "file": options.evaluation_file,
        "format": format,
        "threshold": tagger.default_threshold if threshold is None else threshold,
        "overlap": options.overlap,
        "line_breaks": options.line_breaks or "the default",
        "dtype": tagger.fingerprint()["dtype"],
        "num_unrepresentable_gold": lost.num_lost,
        "num_skipped": corpus.num_skipped,
        "seed": 0,
    }
    if folder is not None:
        timings = {"seconds": seconds, "texts_per_second": len(corpus.examples) / seconds}
        write_evaluation(folder, corpus, evaluation, format, settings, timings)
    if write_report is not None:
        settings |= provenance(0)
        write_report(corpus=corpus, evaluation=evaluation, format=format, floor=CALIBRATION_FLOOR, settings=settings)
    return evaluation


def _check_apart(report: Path, folder: Path) -> None:
    """Refuse a report where the folder of the results, or one of its files, will be."""
    at, results = report.resolve(), folder.resolve()
    files = {path.resolve() for path in written_files(folder)}
    if at == results or at in results.parents or files & {at, *at.parents}:
        raise InputError(f"{report}: --report and --output_dir {folder} would write in one place; name another file")


def _print(evaluation: Evaluation, lost: Unrepresentable, num_texts: int, seconds: float) -> None:
    print(evaluation.metrics.table())
    if evaluation.seqeval is not None:
        print("seqeval (strict, IOB2): " + ", ".join(f"{name} {value:.4f}" for name, value in evaluation.seqeval.items()))
    if lost.num_lost:
        print(f"{lost}: counted as misses")
    print(f"{num_texts} texts in {seconds:.1f} s ({num_texts / seconds:.0f} texts/s)")


def calibrate_checkpoint(options: CalibrateOptions) -> None:
    """Find thresholds on a development file and store them in the checkpoint.

    Args:
        options: the checkpoint, the file, and how to read it.

    Raises:
        InputError: the checkpoint or the file cannot be read, the checkpoint is no folder of this machine, or the file says
            nothing about thresholds: it has no gold, or nothing that is found in it is right. Nothing is written then.
    """
    join_launch(None)
    tagger = load_tagger(options.model)
    folder = home_path(options.model)
    if checkpoint_folder(options.model) != folder:
        raise InputError(f"{options.model}: no folder to store thresholds in; copy the checkpoint to a folder first")
    written = [folder / THRESHOLDS_FILE]
    check_can_write(written[0])
    split = options.split or DEVELOPMENT_SPLITS
    corpus = read_corpus(
        options.file,
        format=options.format,
        split=split,
        entity_types=options.entity_types,
        source_format=options.source_format,
        reading=reading_of(options),
        written=written,
    )
    check_gold(corpus, options.file)
    how: dict[str, Any] = {"format": options.format, "batch_size": options.batch_size, "progress": True}
    calibration = calibrate(tagger, corpus, source=options.file, **how)
    if not calibration.f1:
        problem = f"nothing that {options.model} finds there is right, so no threshold is better than another"
        raise InputError(f"{options.file}: {problem}; check that its types are those of the model")
    tagger.calibration = calibration
    # What thresholds of single types do to each other where entities overlap is known only from decoding with them.
    own = evaluate_corpus(tagger, corpus, threshold="calibrated", **how).metrics.micro.f1 if calibration.per_type else None
    if not is_main_process():
        return
    calibration.save(folder)
    _print_calibration(calibration, own, options)


def _print_calibration(calibration: Calibration, own: float | None, options: CalibrateOptions) -> None:
    """Print the thresholds that were stored, and F1 with each kind of them.

    Args:
        calibration: the thresholds.
        own: micro F1 where types use their own threshold if they have one, None if none has.
        options: the options of the command.
    """
    found = f"threshold {calibration.threshold:.4f} (micro-F1 {calibration.f1:.4f} on {options.file})"
    if own is None:
        print(f"{found}, stored in {options.model}")
        return
    print(f"{found} for all types")
    for name, value in sorted(calibration.per_type.items()):
        print(f"  {name}: {value:.4f}")
    number = "this type" if len(calibration.per_type) == 1 else f"these {len(calibration.per_type)} types"
    print(f"with the thresholds of {number}: micro-F1 {own:.4f}, stored in {options.model}")
