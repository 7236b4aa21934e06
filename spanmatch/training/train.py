"""The recipe of a training, from arguments to files. Disk, network and logging live here."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from transformers import EarlyStoppingCallback, set_seed

from spanmatch.data.corpus import DEVELOPMENT_SPLITS, EVALUATION_SPLITS, Corpus, read_corpus
from spanmatch.data.files import folder_to_write, write_whole
from spanmatch.errors import InputError
from spanmatch.evaluation.calibration import calibrate
from spanmatch.evaluation.evaluate import evaluate_corpus
from spanmatch.evaluation.provenance import provenance
from spanmatch.evaluation.results import write_evaluation
from spanmatch.model.encoders import set_dropout
from spanmatch.prediction.matcher import SpanMatcher
from spanmatch.prediction.processes import warn_if_alone
from spanmatch.prediction.thresholds import default_threshold
from spanmatch.training.arguments import MatcherArguments, MatcherTrainingArguments
from spanmatch.training.background import fill_background
from spanmatch.training.build import build_matcher
from spanmatch.training.config_file import read_config
from spanmatch.training.dataset import TrainingViews, training_windows
from spanmatch.training.model_card import write_model_card
from spanmatch.training.output_folder import remove_checkpoints
from spanmatch.training.resume import where_to_resume
from spanmatch.training.trainer import MatcherTrainer

# Draws a Trainer's log into a folder; returns what to say of it.
Draw = Callable[[Sequence[Mapping[str, Any]], Path], str]


def train(architecture: str, command_line: Sequence[str], draw: Draw | None = None) -> None:
    """Train, evaluate and predict as `do_train`, `do_eval` and `do_predict` say; write checkpoint, metrics and model card.

    Args:
        draw: draws the Trainer's log into the folder, and returns what to say of it.
    """
    arguments, training = read_config(command_line, architecture)
    warn_if_alone()
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
    matcher = build_matcher(arguments, architecture, training, corpora.get("train"))
    if arguments.dropout is not None:
        set_dropout(matcher.model, arguments.dropout)
    set_seed(training.seed)
    facts: dict[str, Any] = {}
    if training.do_train:
        facts = _fit(matcher, arguments, training, corpora["train"], corpora.get("validation"), resume)
    matcher.model.to(training.device)
    if "validation" in corpora:
        matcher.calibration = calibrate(
            matcher,
            corpora["validation"],
            source=", ".join(arguments.validation_file),
            format=arguments.format,
            batch_size=training.per_device_eval_batch_size,
        )
    if training.do_train and training.should_save:
        matcher.save_pretrained(output_dir)
        timings = {"train_seconds": facts["seconds"], "train_examples_per_second": facts["examples_per_second"]}
        write_whole(output_dir / "timings.json", json.dumps(timings, indent=1) + "\n")
    results = {}
    for name in ("validation", "test"):
        if name not in corpora:
            continue
        evaluation = evaluate_corpus(
            matcher,
            corpora[name],
            format=arguments.format,
            threshold=None,
            batch_size=training.per_device_eval_batch_size,
            progress=not training.disable_tqdm,
        )
        if training.should_save:
            settings = {"threshold": default_threshold(matcher.calibration, matcher.null_slot), "overlap": "flat"}
            settings |= {"format": arguments.format, "seed": training.seed}
            write_evaluation(output_dir / name, corpora[name], evaluation, arguments.format, settings)
            note = " (thresholds were chosen on it)" if name == "validation" else ""
            results[", ".join(getattr(arguments, f"{name}_file")) + note] = evaluation.metrics.as_dict()
            print(f"\n{name}\n{evaluation.metrics.table()}")
    if training.do_train and training.should_save:
        write_model_card(
            output_dir,
            config=matcher.config,
            calibration=matcher.calibration,
            results=results,
            facts=facts,
            arguments=_asked(arguments, training),
        )
        drawn = draw(facts["log_history"], output_dir) if draw is not None else ""
        written = ["checkpoint", "model card", *(["thresholds"] if matcher.calibration else []), *([drawn] if drawn else [])]
        print(f"\n{output_dir}: {', '.join(written)}")


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
    views = training_windows(corpus, matcher.batcher)
    patience = arguments.early_stopping_patience
    if patience is not None and not training.load_best_model_at_end:
        raise InputError("early_stopping_patience needs evaluation during training: give a validation_file and an eval_strategy")
    dataset = TrainingViews(views, arguments, training.seed)
    trainer = MatcherTrainer(
        matcher=matcher,
        arguments=arguments,
        args=training,
        train_dataset=dataset,
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
    matcher.model = trainer.whole_model()
    fill_background(matcher, dataset, training.seed)
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
        "log_history": trainer.state.log_history,
        "examples_per_second": examples_seen / seconds,
        "seed": training.seed,
        "commit": facts["commit"],
        "versions": ", ".join(f"{name} {version}" for name, version in facts["versions"].items()),
    }


