"""Read the data of a training: what it trains on, what it chooses with, what it is tested on."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from transformers import TrainingArguments

from spanmatch.data.corpus import DEVELOPMENT_SPLITS, EVALUATION_SPLITS, Corpus, read_corpus
from spanmatch.data.formats.reading import Reading
from spanmatch.data.formats.records import LeftOut
from spanmatch.evaluation.calibration import check_gold
from spanmatch.training.arguments import DataArguments


@dataclass(frozen=True, kw_only=True)
class Corpora:
    """Holds the data that a training reads; None is a corpus that it does not need.

    Attributes:
        train: what it trains on.
        validation: what it chooses checkpoints and thresholds with.
        test: what it is evaluated on at its end.
    """

    train: Corpus | None
    validation: Corpus | None
    test: Corpus | None


def read_corpora(arguments: DataArguments, training: TrainingArguments, written: Sequence[Path]) -> Corpora:
    """Read the data of each step that is asked for; `read_arguments` made sure that there is a file for it.

    Args:
        arguments: name the files, and say how to read them.
        training: says which steps are asked for.
        written: files that the training writes, which a glob must not take for data.

    Raises:
        InputError: a file cannot be read, or there is no gold to choose thresholds with.
    """
    columns = {name: getattr(arguments, name) for name in ("text_column", "token_column", "tag_column")}

    def read(file: list[str], split: str | Sequence[str], max_examples: int | None) -> Corpus:
        return read_corpus(
            file,
            format=arguments.format,
            split=split,
            entity_types=arguments.entity_types,
            skip_invalid=arguments.skip_invalid,
            max_examples=max_examples,
            reading=Reading(left_out=LeftOut(), **columns),
            written=written,
        )

    most = arguments.max_eval_samples
    validation = read(arguments.validation_file, DEVELOPMENT_SPLITS, most) if training.do_eval else None
    if validation is not None:
        check_gold(validation, ", ".join(arguments.validation_file))
    return Corpora(
        train=read(arguments.train_file, "train", arguments.max_train_samples) if training.do_train else None,
        validation=validation,
        test=read(arguments.test_file, EVALUATION_SPLITS, most) if training.do_predict else None,
    )
