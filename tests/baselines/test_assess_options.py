"""The budget of the assessment, and its files."""

from typing import Any

import pytest

from spanmatch.baselines.assess_options import AssessOptions
from spanmatch.errors import InputError


def test_the_data_of_the_project_are_the_default() -> None:
    assert AssessOptions().files["test_ood"] == "data/products/test_ood.jsonl"
    own = AssessOptions(train_file="a.jsonl", test_id_file="b.jsonl").files
    assert own == {"train": "a.jsonl", "validation": None, "test_id": "b.jsonl", "test_ood": None}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"num_train_epochs": 5}, "--num_train_epochs 5: the assessment allows at most 4"),
        ({"batch_size": 17}, "--batch_size 17: the assessment allows at most 16"),
        ({"max_length": 129}, "--max_length 129: the assessment allows at most 128"),
        ({"learning_rate": "fast"}, "--learning_rate must be a number in \\(0, 1\\), got 'fast'"),
        ({"learning_rate": "nan"}, "--learning_rate must be a number"),
        ({"test_id_file": "b.jsonl"}, "need --train_file"),
        ({"train_file": "a.jsonl"}, "--train_file needs --test_id_file"),
        (
            {"train_file": "a.jsonl", "test_id_file": "b.jsonl", "early_stopping": True},
            "--early_stopping needs --validation_file",
        ),
        ({"train_file": "a.jsonl", "test_id_file": "b.jsonl", "ablation": True}, "--ablation needs --validation_file"),
    ],
)
def test_bad_input(given: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        AssessOptions(**given)


def test_the_whole_budget_may_be_used() -> None:
    assert AssessOptions(num_train_epochs=4, batch_size=16, max_length=128).num_train_epochs == 4
