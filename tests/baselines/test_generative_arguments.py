"""The keys of `spanmatch fit generative`."""

from typing import Any

import pytest

from spanmatch.baselines.generative_arguments import GENERATIVE_RULES, GenerativeArguments, GenerativeTrainingArguments
from spanmatch.errors import InputError
from spanmatch.training.config_file import read_arguments


def read(*given: str) -> tuple[GenerativeArguments, GenerativeTrainingArguments]:
    line = ["--train_file", "x.jsonl", *given]
    return read_arguments(line, GenerativeArguments, GenerativeTrainingArguments, what="", rules=GENERATIVE_RULES)


def test_defaults() -> None:
    arguments, training = read("--validation_file", "y.jsonl")
    assert arguments.lora_rank == 16 and arguments.max_length is None and not arguments.constrained
    assert training.output_dir == "models/generative"
    assert training.do_eval and training.eval_strategy == "no", "evaluated at the end alone"


def test_it_evaluates_during_the_training_if_asked() -> None:
    _, training = read("--validation_file", "y.jsonl", "--eval_strategy", "epoch")
    assert training.eval_strategy == "epoch" and training.load_best_model_at_end


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["--lora_rank", "0", "--lora_alpha", "3"], '"lora_alpha" has no effect where no adapters are trained'),
        (["--lora_rank", "-1"], "lora_rank must be at least 0"),
        (["--max_length", "8"], "max_length must be at least 64"),
        (["--loss", "focal"], "unknown argument --loss"),
    ],
)
def test_bad_values(given: list[Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        read(*given)
