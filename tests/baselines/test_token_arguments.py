"""The keys of a token classifier's configuration: what they may be, and when they have no effect."""

from typing import Any

import pytest
from helpers_e2e import ROOT

from spanmatch.baselines.token_arguments import TOKEN_RULES, LlmArguments, TokenArguments, TokenTrainingArguments
from spanmatch.errors import InputError
from spanmatch.training.config_file import read_arguments


def read(*arguments: str, group: type[TokenArguments] = TokenArguments) -> tuple[TokenArguments, TokenTrainingArguments]:
    return read_arguments(arguments, group, TokenTrainingArguments, what="Train.", rules=TOKEN_RULES)


def test_defaults() -> None:
    own, training = read("--train_file", "data.jsonl")
    assert (own.loss, own.lora_rank, own.attention) == ("cross_entropy", 0, "as_trained")
    assert training.num_train_epochs == 3
    own, _ = read("--train_file", "data.jsonl", group=LlmArguments)
    assert (own.lora_rank, own.attention) == (16, "bidirectional")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"loss": "dice"}, 'loss: unknown value "dice"'),
        ({"attention": "both"}, 'attention: unknown value "both"'),
        ({"lora_rank": -1}, "lora_rank must be at least 0"),
        ({"loss": "mom", "mom_share": 1.5}, "mom_share must lie in"),
        ({"max_length": 4}, "max_length must be at least 8"),
        ({"mom_share": 0.4}, '"mom_share" has no effect unless "loss" is "mom"'),
        ({"load_in_4bit": "true"}, '"load_in_4bit" has no effect where no adapters are trained'),
        ({"format": "words"}, 'format: unknown value "words"'),
        ({"num_negative_types": 3}, "unknown argument --num_negative_types"),
    ],
)
def test_bad_values(given: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        read("--train_file", "data.jsonl", *(f"--{name}={value}" for name, value in given.items()))


def test_the_configuration_that_ships(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    own, training = read("configs/token_classifier.json")
    assert own.train_file == ["data/products/train.jsonl"] and len(own.test_file) == 2 and training.num_train_epochs == 3
