"""The recipes of evaluating and calibrating a checkpoint, from arguments to files. Disk, network and logging live here."""

import time
from collections.abc import Callable
from pathlib import Path

from spanmatch.batching.candidates import Unrepresentable
from spanmatch.data.corpus import DEVELOPMENT_SPLITS, read_corpus
from spanmatch.data.files import folder_to_write
from spanmatch.errors import InputError
from spanmatch.evaluation.calibration import CALIBRATION_FLOOR, calibrate
from spanmatch.evaluation.evaluate import Evaluation, evaluate_corpus
from spanmatch.evaluation.provenance import provenance
from spanmatch.evaluation.results import write_evaluation
from spanmatch.prediction.decoding import check_overlap
from spanmatch.prediction.processes import is_main_process, join_launch
from spanmatch.prediction.tagger import load_tagger
from spanmatch.prediction.thresholds import Threshold, check_names, default_threshold


def evaluate(
    *,
    pretrained_model_name_or_path: str,
    evaluation_file: str,
    threshold: Threshold | None,
    evaluation_format: str,
    split: str | None = None,
    entity_types: str | None = None,
    overlap: str = "flat",
    batch_size: int | None = None,
    device: str | None = None,
    dtype: str | None = None,
    max_samples: int | None = None,
    skip_invalid: bool = False,
    output_dir: str | None = None,
    architecture: str = "bi",
    report: Callable[..., None] | None = None,
) -> Evaluation:
    """Evaluate a checkpoint on a file: print one table, write `metrics.json`, `predictions.jsonl` and `timings.json`.

    The processes of a launch share the work; the first one prints and writes.

    Args:
        report: writes a report of the evaluation (see `apps.report.write_report`).
    """
    join_launch(device)
    tagger = load_tagger(pretrained_model_name_or_path, device=device, dtype=dtype)
    if tagger.kind != f"{architecture}-encoder":
        raise InputError(
            f"{pretrained_model_name_or_path} is a {tagger.kind}; use evaluate_{tagger.kind.replace('-', '_')}.py"
        )
    # Asked before anything is read: an error then stands alone, not behind a progress bar.
    tagger.check_threshold(threshold)
    check_overlap(overlap)
    folder = None if output_dir is None else folder_to_write(output_dir)
    corpus = read_corpus(
        evaluation_file,
        format=evaluation_format,
        split=split,
        entity_types=entity_types,
        skip_invalid=skip_invalid,
        max_examples=max_samples,
    )
    check_names(threshold, corpus.types)
    start = time.perf_counter()
    evaluation = evaluate_corpus(
        tagger,
        corpus,
        format=evaluation_format,
        threshold=threshold,
        overlap=overlap,
        batch_size=batch_size,
        floor=CALIBRATION_FLOOR if report is not None else None,
        progress=True,
    )
    seconds = time.perf_counter() - start
    if not is_main_process():
        return evaluation
    lost = tagger.unrepresentable(corpus.examples)
    _print(evaluation, lost, len(corpus.examples), seconds)
    settings = {
        "model": str(pretrained_model_name_or_path),
        "file": evaluation_file,
        "format": evaluation_format,
        "threshold": default_threshold(tagger.calibration, tagger.null_slot) if threshold is None else threshold,
        "overlap": overlap,
        "dtype": tagger.fingerprint()["dtype"],
        "num_unrepresentable_gold": lost.num_lost,
        "num_skipped": corpus.num_skipped,
        "seed": 0,
    }
    if folder is not None:
        timings = {"seconds": seconds, "texts_per_second": len(corpus.examples) / seconds}
        write_evaluation(folder, corpus, evaluation, evaluation_format, settings, timings)
    if report is not None:
        report(
            corpus=corpus,
            evaluation=evaluation,
            format=evaluation_format,
            floor=CALIBRATION_FLOOR,
            settings=settings | provenance(0),
        )
    return evaluation


def _print(evaluation: Evaluation, lost: Unrepresentable, num_texts: int, seconds: float) -> None:
    print(evaluation.metrics.table())
    if evaluation.seqeval is not None:
        print("seqeval (strict, IOB2): " + ", ".join(f"{name} {value:.4f}" for name, value in evaluation.seqeval.items()))
    if lost.num_lost:
        print(f"{lost}: counted as misses")
    print(f"{num_texts} texts in {seconds:.1f} s ({num_texts / seconds:.0f} texts/s)")


def calibrate_checkpoint(
    folder: str, evaluation_file: str, *, format: str, split: str | None, entity_types: str | None, batch_size: int | None
) -> None:
    """Find thresholds on a development file and store them in the checkpoint."""
    join_launch(None)
    tagger = load_tagger(folder)
    if not Path(folder).is_dir():
        raise InputError(
            f"{folder}: on the hub; thresholds are stored beside the weights, so copy the checkpoint to a folder first"
        )
    corpus = read_corpus(evaluation_file, format=format, split=split or DEVELOPMENT_SPLITS, entity_types=entity_types)
    calibration = calibrate(tagger, corpus, source=evaluation_file, format=format, batch_size=batch_size, progress=True)
    if not is_main_process():
        return
    calibration.save(Path(folder))
    print(f"threshold {calibration.threshold:.4f} (micro-F1 {calibration.f1:.4f} on {evaluation_file}), stored in {folder}")
    for name, value in sorted(calibration.per_type.items()):
        print(f"  {name}: {value:.4f}")


