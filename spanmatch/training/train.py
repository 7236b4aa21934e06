"""Run a training from its command line to its files. All access to disk, network and logs is here."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from transformers import EarlyStoppingCallback, set_seed

from spanmatch.data.corpus import Corpus
from spanmatch.data.files import folder_to_write, write_whole
from spanmatch.errors import InputError
from spanmatch.evaluation.calibration import calibrate
from spanmatch.evaluation.metrics import Metrics
from spanmatch.evaluation.provenance import provenance
from spanmatch.model.encoders import set_dropout
from spanmatch.model.lora import add_adapters
from spanmatch.prediction.matcher import SpanMatcher
from spanmatch.prediction.processes import warn_if_alone
from spanmatch.training.arguments import MatcherArguments, MatcherTrainingArguments
from spanmatch.training.background import fill_background
from spanmatch.training.build import build_matcher
from spanmatch.training.config_file import read_config
from spanmatch.training.corpora import read_corpora
from spanmatch.training.dataset import TrainingViews, training_windows
from spanmatch.training.final_scores import final_scores
from spanmatch.training.interpolation import mix_with_start
from spanmatch.training.model_card import TrainingFacts, write_model_card
from spanmatch.training.output_folder import remove_checkpoints, written_by_training
from spanmatch.training.record import check_record, training_record
from spanmatch.training.resume import steps_of, where_to_resume
from spanmatch.training.trainer import MatcherTrainer, check_weights

# Draws the Trainer's log into a folder, and returns what to print about the picture.
Draw = Callable[[Sequence[Mapping[str, Any]], Path], str]


def train(architecture: str, command_line: Sequence[str], draw: Draw | None = None) -> None:
    """Train, calibrate and evaluate a matcher as its configuration says; write checkpoint, metrics and model card.

    Args:
        architecture: "bi" or "cross".
        command_line: the configuration file, and `--key value` for each key to override.
        draw: draws the Trainer's log into the output folder, and returns what to print about it; by default none is drawn.

    Raises:
        InputError: the configuration or the data are wrong; nothing has been written.
    """
    arguments, training = read_config(command_line, architecture)
    warn_if_alone()
    output_dir = folder_to_write(str(training.output_dir))
    resume = where_to_resume(arguments, training, output_dir)
    set_seed(training.seed)
    # Everything is read before anything is built or written, so that wrong data leave nothing behind.
    corpora = read_corpora(arguments, training, written_by_training(output_dir))
    matcher = build_matcher(arguments, architecture, training, corpora.train, Path(resume) if resume else None)
    if arguments.dropout is not None:
        set_dropout(matcher.model, arguments.dropout)
    set_seed(training.seed)  # the batches do not depend on how many random numbers building took
    facts = None
    if corpora.train is not None:
        record = training_record(architecture, arguments, training, matcher.model, corpora.train, corpora.validation)
        if resume is not None:
            check_record(Path(resume), record)
        facts = _fit(matcher, arguments, training, corpora.train, corpora.validation, resume, record)
    matcher.model.to(training.device)
    if corpora.validation is not None:
        matcher.calibration = calibrate(
            matcher,
            corpora.validation,
            source=", ".join(arguments.validation_file),
            format=arguments.format,
            batch_size=training.per_device_eval_batch_size,
        )
    if facts is not None and training.should_save:
        matcher.save_pretrained(output_dir)
        trained = sum(weight.numel() for weight in matcher.model.parameters() if weight.requires_grad)
        timings = {"train_seconds": facts.train_seconds, "train_examples_per_second": facts.train_examples_per_second}
        timings["trained_parameters"] = trained
        write_whole(output_dir / "timings.json", json.dumps(timings, indent=1) + "\n")
    results: dict[str, Metrics] = {}
    if corpora.validation is not None:
        source = f"{', '.join(arguments.validation_file)} (thresholds were chosen on it)"
        results[source] = final_scores(matcher, corpora.validation, arguments, training, output_dir / "validation")
    if corpora.test is not None:
        results[", ".join(arguments.test_file)] = final_scores(matcher, corpora.test, arguments, training, output_dir / "test")
    if facts is not None and training.should_save:
        shown = _shown_config(arguments, training)
        write_model_card(
            output_dir, config=matcher.config, calibration=matcher.calibration, results=results, facts=facts, arguments=shown
        )
        drawn = draw(facts.log_history, output_dir) if draw is not None else ""
        written = ["checkpoint", "model card", *(["thresholds"] if matcher.calibration else []), *([drawn] if drawn else [])]
        print(f"\n{output_dir}: {', '.join(written)}")


def _fit(
    matcher: SpanMatcher,
    arguments: MatcherArguments,
    training: MatcherTrainingArguments,
    corpus: Corpus,
    validation: Corpus | None,
    resume: str | None,
    record: Mapping[str, Any],
) -> TrainingFacts:
    """Train a matcher in place, from the checkpoint `resume` if it is given, and return the facts for the model card."""
    if arguments.lora_rank:
        if training.fsdp:
            raise InputError("lora_rank: adapters of an encoder are not trained in shards; remove fsdp")
        add_adapters(matcher.model.text_encoder, **arguments.adapters)
    views = TrainingViews(training_windows(corpus, matcher.batcher), arguments, training.seed)
    patience = arguments.early_stopping_patience if training.load_best_model_at_end else None
    trainer = MatcherTrainer(
        matcher=matcher,
        arguments=arguments,
        args=training,
        train_dataset=views,
        validation=validation,
        callbacks=[EarlyStoppingCallback(early_stopping_patience=patience)] if patience else None,
        record=record,
    )
    if training.should_save and arguments.overwrite_output_dir and resume is None:
        remove_checkpoints(Path(str(training.output_dir)))
    first_step = steps_of(Path(resume)) if resume else 0
    start = time.perf_counter()
    trainer.train(resume_from_checkpoint=resume)
    seconds = time.perf_counter() - start
    trainer.accelerator.wait_for_everyone()
    matcher.model = trainer.whole_model()
    check_weights(matcher.model.state_dict(), trainer.state.global_step)
    if arguments.start_share:
        mix_with_start(matcher.model, str(arguments.pretrained_model_name_or_path), arguments.start_share)
    matcher.calibration = None  # thresholds of the checkpoint that was trained further do not suit it any more
    fill_background(matcher, views, training.seed)
    batch_size = training.train_batch_size * training.gradient_accumulation_steps * training.world_size
    software = provenance(training.seed)
    return TrainingFacts(
        encoder=arguments.pretrained_model_name_or_path or arguments.text_encoder,
        type_encoder=arguments.type_encoder,
        data=", ".join(arguments.train_file),
        num_examples=len(corpus.examples),
        num_views=len(views),
        num_types=len({item.key for item in corpus.types}),
        steps=trainer.state.global_step,
        train_seconds=seconds,
        train_examples_per_second=(trainer.state.global_step - first_step) * batch_size / seconds,
        seed=training.seed,
        commit=software["commit"],
        versions=", ".join(f"{name} {version}" for name, version in software["versions"].items()),
        log_history=trainer.state.log_history,
    )


def _shown_config(arguments: MatcherArguments, training: MatcherTrainingArguments) -> dict[str, Any]:
    """Return the configuration for the model card: all our keys, and keys of the Trainer that matter or were changed."""
    default = MatcherTrainingArguments(output_dir=str(training.output_dir)).to_dict()
    shown = {"learning_rate", "per_device_train_batch_size", "num_train_epochs", "bf16", "seed"}
    changed = {key for key, value in training.to_dict().items() if default.get(key) != value and "token" not in key}
    kept = {key: value for key, value in training.to_dict().items() if key in changed | shown}
    return asdict(arguments) | dict(sorted(kept.items()))
