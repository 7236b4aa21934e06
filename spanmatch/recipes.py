"""The commands, from arguments to files: train, evaluate, calibrate. Disk, network and logging live here."""

import json
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from transformers import EarlyStoppingCallback, set_seed

from spanmatch.building import build_matcher, training_views
from spanmatch.config import MatcherArguments, MatcherTrainingArguments
from spanmatch.config_file import read_config
from spanmatch.data import DEVELOPMENT_SPLITS, EVALUATION_SPLITS, Corpus, read_corpus
from spanmatch.decoding import Threshold, check_overlap, cutoffs
from spanmatch.errors import InputError
from spanmatch.evaluation import Evaluation, calibrate, evaluate_corpus, unrepresentable
from spanmatch.model_card import write_model_card
from spanmatch.output_folder import folder_to_write, remove_checkpoints, where_to_resume
from spanmatch.predictor import SpanMatcher
from spanmatch.provenance import provenance
from spanmatch.results import write_evaluation, write_whole
from spanmatch.sampling import TrainingViews
from spanmatch.training import MatcherTrainer


def train(architecture: str, command_line: Sequence[str]) -> None:
    """Train, evaluate and predict as `do_train`, `do_eval` and `do_predict` say; write checkpoint, metrics and model card."""
    arguments, training = read_config(command_line, f"Train a spanmatch {architecture}-encoder.")
    output_dir = folder_to_write(str(training.output_dir))
    resume = where_to_resume(arguments, training, output_dir)
    set_seed(training.seed)
    # Everything is read before anything is built or written.
    corpora = {
        name: read_corpus(files, **_reading(arguments, split), max_examples=limit)
        for name, files, split, limit, wanted in (
            ("train", arguments.train_file, "train", arguments.max_train_samples, training.do_train),
            ("validation", arguments.validation_file, DEVELOPMENT_SPLITS, arguments.max_eval_samples, training.do_eval),
            ("test", arguments.test_file, EVALUATION_SPLITS, arguments.max_eval_samples, training.do_predict),
        )
        if wanted and files
    }
    texts = [example.text for example in corpora["train"].examples] if training.do_train else []
    matcher = build_matcher(arguments, architecture, training, texts)
    set_seed(training.seed)
    facts: dict[str, Any] = {}
    if training.do_train:
        facts = _fit(matcher, arguments, training, corpora["train"], corpora.get("validation"), resume)
    matcher.model.to(training.device)
    if not training.should_save:
        return
    results = {}
    if "validation" in corpora:
        batch_size = training.per_device_eval_batch_size
        matcher.calibration = calibrate(
            matcher,
            corpora["validation"],
            source=", ".join(arguments.validation_file),
            format=arguments.format,
            batch_size=batch_size,
        )
    if training.do_train:
        matcher.save_pretrained(output_dir)
        timings = {"train_seconds": facts["seconds"], "train_examples_per_second": facts["examples_per_second"]}
        write_whole(output_dir / "timings.json", json.dumps(timings, indent=1) + "\n")
    for name in ("validation", "test"):
        if name in corpora:
            evaluation = evaluate_corpus(
                matcher,
                corpora[name],
                format=arguments.format,
                threshold=None,
                batch_size=training.per_device_eval_batch_size,
                progress=not training.disable_tqdm,
            )
            settings = {
                "threshold": "calibrated" if matcher.calibration else 0.5,
                "overlap": "flat",
                "format": arguments.format,
                "seed": training.seed,
            }
            write_evaluation(output_dir / name, corpora[name], evaluation, arguments.format, settings)
            note = " (thresholds were chosen on it)" if name == "validation" else ""
            results[", ".join(getattr(arguments, f"{name}_file")) + note] = evaluation.metrics.as_dict()
            print(f"\n{name}\n{evaluation.metrics.table()}")
    if training.do_train:
        write_model_card(
            output_dir,
            config=matcher.config,
            calibration=matcher.calibration,
            results=results,
            facts=facts,
            arguments=_asked(arguments, training),
        )
        print(f"\n{output_dir}: checkpoint, model card" + (", thresholds" if matcher.calibration else ""))


def _reading(arguments: MatcherArguments, split: str | Sequence[str]) -> dict[str, Any]:
    return {
        "format": arguments.format,
        "split": split,
        "entity_types": arguments.entity_types,
        "skip_invalid": arguments.skip_invalid,
    }


def _asked(arguments: MatcherArguments, training: MatcherTrainingArguments) -> dict[str, Any]:
    """The configuration as it was used, without what is a default of TrainingArguments."""
    default = MatcherTrainingArguments(output_dir=str(training.output_dir)).to_dict()
    changed = {key: value for key, value in training.to_dict().items() if default.get(key) != value and "token" not in key}
    shown = {"learning_rate", "per_device_train_batch_size", "num_train_epochs", "bf16", "seed"}
    kept = {key: value for key, value in training.to_dict().items() if key in changed or key in shown}
    return asdict(arguments) | dict(sorted(kept.items()))


def _fit(
    matcher: SpanMatcher,
    arguments: MatcherArguments,
    training: MatcherTrainingArguments,
    corpus: Corpus,
    validation: Corpus | None,
    resume: str | None,
) -> dict[str, Any]:
    """Train in place; returns the facts of the training for the model card."""
    views = training_views(corpus, matcher.text_tokenizing, matcher.config)
    patience = arguments.early_stopping_patience
    if patience is not None and not training.load_best_model_at_end:
        raise InputError("early_stopping_patience needs evaluation during training: give a validation_file and an eval_strategy")
    trainer = MatcherTrainer(
        matcher=matcher,
        arguments=arguments,
        args=training,
        train_dataset=TrainingViews(views, arguments, training.seed),
        validation=validation,
        callbacks=[EarlyStoppingCallback(early_stopping_patience=patience)] if patience else None,
    )
    if training.should_save and arguments.overwrite_output_dir and resume is None:
        remove_checkpoints(Path(str(training.output_dir)))
    first_step = json.loads((Path(resume) / "trainer_state.json").read_text())["global_step"] if resume else 0
    start = time.perf_counter()
    trainer.train(resume_from_checkpoint=resume)
    seconds = time.perf_counter() - start
    trainer.accelerator.wait_for_everyone()
    examples_seen = (
        (trainer.state.global_step - first_step)
        * training.train_batch_size
        * training.gradient_accumulation_steps
        * training.world_size
    )
    facts = provenance(training.seed)
    return {
        "encoder": arguments.pretrained_model_name_or_path or arguments.text_encoder,
        "type_encoder": arguments.type_encoder,
        "data": ", ".join(arguments.train_file),
        "num_examples": len(corpus.examples),
        "num_views": len(views),
        "num_types": len(corpus.types),
        "steps": trainer.state.global_step,
        "seconds": seconds,
        "examples_per_second": examples_seen / seconds,
        "seed": training.seed,
        "commit": facts["commit"],
        "versions": ", ".join(f"{name} {version}" for name, version in facts["versions"].items()),
    }


def evaluate(
    *,
    pretrained_model_name_or_path: str,
    evaluation_file: str,
    threshold: Threshold | None,
    evaluation_format: str,
    split: str | None = None,
    entity_types: str | None = None,
    overlap: str = "flat",
    batch_size: int = 32,
    device: str | None = None,
    dtype: str | None = None,
    max_samples: int | None = None,
    skip_invalid: bool = False,
    output_dir: str | None = None,
    architecture: str = "bi",
) -> Evaluation:
    """Evaluate a checkpoint on a file: print one table, write `metrics.json`, `predictions.jsonl` and `timings.json`."""
    matcher = SpanMatcher.from_pretrained(pretrained_model_name_or_path, device=device, dtype=dtype)
    if matcher.config.architecture != architecture:
        own = matcher.config.architecture
        raise InputError(f"{pretrained_model_name_or_path} is a {own}-encoder; use evaluate_{own}_encoder.py")
    # Asked before anything is read: an error then stands alone, not behind a progress bar.
    cutoffs(threshold, (), matcher.calibration, matcher.config.objective)
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
    start = time.perf_counter()
    evaluation = evaluate_corpus(
        matcher, corpus, format=evaluation_format, threshold=threshold, overlap=overlap, batch_size=batch_size, progress=True
    )
    seconds = time.perf_counter() - start
    print(evaluation.metrics.table())
    if evaluation.seqeval is not None:
        print("seqeval (strict, IOB2): " + ", ".join(f"{name} {value:.4f}" for name, value in evaluation.seqeval.items()))
    lost = unrepresentable(matcher, corpus)
    if lost.num_lost:
        print(f"{lost}: counted as misses")
    rate = len(corpus.examples) / seconds
    print(f"{len(corpus.examples)} texts in {seconds:.1f} s ({rate:.0f} texts/s)")
    if folder is not None:
        settings = {
            "model": str(pretrained_model_name_or_path),
            "file": evaluation_file,
            "format": evaluation_format,
            "threshold": threshold if threshold is not None else ("calibrated" if matcher.calibration else 0.5),
            "overlap": overlap,
            "dtype": str(next(matcher.model.parameters()).dtype).removeprefix("torch."),
            "num_unrepresentable_gold": lost.num_lost,
            "num_skipped": corpus.num_skipped,
            "seed": 0,
        }
        timings = {"seconds": seconds, "texts_per_second": rate}
        write_evaluation(folder, corpus, evaluation, evaluation_format, settings, timings)
    return evaluation


def calibrate_checkpoint(
    folder: str, evaluation_file: str, *, format: str, split: str | None, entity_types: str | None, batch_size: int
) -> None:
    """Find thresholds on a development file and store them in the checkpoint."""
    matcher = SpanMatcher.from_pretrained(folder)
    if not Path(folder).is_dir():
        raise InputError(
            f"{folder}: on the hub; thresholds are stored beside the weights, so copy the checkpoint to a folder first"
        )
    corpus = read_corpus(evaluation_file, format=format, split=split or DEVELOPMENT_SPLITS, entity_types=entity_types)
    calibration = calibrate(matcher, corpus, source=evaluation_file, format=format, batch_size=batch_size, progress=True)
    calibration.save(Path(folder))
    print(f"threshold {calibration.threshold:.4f} (micro-F1 {calibration.f1:.4f} on {evaluation_file}), stored in {folder}")
    for name, value in sorted(calibration.per_type.items()):
        print(f"  {name}: {value:.4f}")
