"""Train one of the other methods from its command line to its files. All access to disk, network and logs is here."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from transformers import Trainer, TrainingArguments, set_seed

from spanmatch.data.corpus import Corpus
from spanmatch.data.files import folder_to_write, write_whole
from spanmatch.errors import InputError
from spanmatch.model.lora import num_trained
from spanmatch.training.arguments import DataArguments
from spanmatch.training.config_file import read_arguments
from spanmatch.training.corpora import Corpora, read_corpora
from spanmatch.training.effects import Rule
from spanmatch.training.final_scores import final_scores
from spanmatch.training.output_folder import remove_checkpoints, written_by_training
from spanmatch.training.resume import where_to_resume
from spanmatch.training.train import Draw
from spanmatch.training.trainer import check_weights


@dataclass(frozen=True, kw_only=True)
class Method:
    """Says what is particular to a method: its keys, and the steps of its training.

    Attributes:
        made: what comes out, in a word or two.
        what: the same as a sentence, for `--help`.
        arguments: its own keys.
        training: the keys of the Trainer.
        rules: which keys have no effect together.
        build: makes a tagger of both groups of keys and of the data that it will be trained on.
        trainer: makes a Trainer of the tagger, both groups of keys and all data.
        finish: prepares the trained tagger for tagging; gets what `trainer` gets.
        facts: returns what to write to `timings.json` besides seconds and parameters, when everything was evaluated.
    """

    made: str
    what: str
    arguments: type[DataArguments]
    training: type[TrainingArguments]
    rules: Sequence[Rule]
    build: Callable[[Any, Any, Corpus], Any]
    trainer: Callable[[Any, Any, Any, Corpora], Trainer]
    finish: Callable[[Any, Any, Any, Corpora], None]
    facts: Callable[[Any], Mapping[str, Any]] = lambda tagger: {}


def fit(command_line: Sequence[str], method: Method, draw: Draw | None = None) -> None:
    """Train and evaluate a tagger as its configuration says, and write it.

    Args:
        command_line: the configuration file, and `--key value` for each key to override.
        method: what is trained, and how.
        draw: draws the Trainer's log into the output folder, and returns what to print about it; by default none is drawn.

    Raises:
        InputError: the configuration or the data are wrong; nothing has been written.
    """
    arguments, training = read_arguments(command_line, method.arguments, method.training, what=method.what, rules=method.rules)
    output_dir = folder_to_write(str(training.output_dir))
    resume = where_to_resume(arguments, training, output_dir)
    corpora = read_corpora(arguments, training, written_by_training(output_dir))
    if corpora.train is None:
        raise InputError(f'"do_train" is false; to evaluate a {method.made}, use spanmatch evaluate')
    set_seed(training.seed)
    tagger = method.build(arguments, training, corpora.train)
    set_seed(training.seed)  # the batches do not depend on how many random numbers building took
    trainer = method.trainer(tagger, arguments, training, corpora)
    if training.should_save and arguments.overwrite_output_dir and resume is None:
        remove_checkpoints(output_dir)
    start = time.perf_counter()
    trainer.train(resume_from_checkpoint=resume)
    facts: dict[str, Any] = {"train_seconds": time.perf_counter() - start, "trained_parameters": num_trained(tagger.model)}
    trainer.accelerator.wait_for_everyone()
    check_weights(tagger.model.state_dict(), trainer.state.global_step)
    method.finish(tagger, arguments, training, corpora)
    if training.should_save:
        tagger.save_pretrained(output_dir)
    for name, corpus in (("validation", corpora.validation), ("test", corpora.test)):
        if corpus is not None:
            final_scores(tagger, corpus, arguments, training, output_dir / name)
    if training.should_save:
        write_whole(output_dir / "timings.json", json.dumps(facts | dict(method.facts(tagger)), indent=1) + "\n")
        drawn = draw(trainer.state.log_history, output_dir) if draw is not None else ""
        print(f"\n{output_dir}: {', '.join(filter(None, [method.made, drawn]))}")
