"""The configuration of a comparison: what it says, and how a wrong one is refused."""

from typing import Any

import pytest

from spanmatch.baselines.compare_config import Row, parse_comparison
from spanmatch.errors import InputError

WHOLE: dict[str, Any] = {
    "train_file": "train.jsonl",
    "test_file": ["a/test_id.jsonl", "a/test_ood.jsonl"],
    "output_dir": "out",
    "sizes": [20, 5],
    "min_steps": 100,
    "training": {"num_train_epochs": 4, "learning_rate": 1e-3, "early_stopping_patience": 1},
    "rows": [
        {"name": "One", "method": "token", "loss": "focal", "model": "m", "learning_rate": 1e-4},
        {"name": "two", "method": "folder", "model": "spanmatch-mini"},
        {"name": "three", "method": "prompted", "endpoint": "x", "max_eval_samples": 10},
        {"name": "four", "method": "generative", "sizes": [5]},
    ],
}


def test_rows_and_their_keys() -> None:
    comparison = parse_comparison(WHOLE, "c.json")
    assert comparison.test_names == {"test_id": "a/test_id.jsonl", "test_ood": "a/test_ood.jsonl"}
    one, two, three, four = comparison.rows
    assert (one.slug, one.settings) == ("one", {"loss": "focal", "model": "m", "learning_rate": 1e-4})
    assert (two.model, two.settings, three.max_eval_samples) == ("spanmatch-mini", {}, 10)
    assert [comparison.sizes_of(row) for row in comparison.rows] == [[None, 5, 20], [None], [None], [None, 5]]
    keys = comparison.settings_of(one, None)
    assert (keys["learning_rate"], keys["num_train_epochs"], keys["loss"], keys["report_to"]) == (1e-4, 4, "focal", "none")
    assert comparison.settings_of(three, None) == {"endpoint": "x"}
    assert "early_stopping_patience" not in comparison.settings_of(four, None)
    assert not comparison.validates(one, None)  # there is no validation file


def test_who_gets_the_validation_file() -> None:
    comparison = parse_comparison(WHOLE | {"validation_file": "v.jsonl"}, "c.json")
    one, _, three, four = comparison.rows
    assert comparison.validates(one, None)
    assert not (comparison.validates(one, 5) or comparison.validates(three, None) or comparison.validates(four, None))


@pytest.mark.parametrize(("size", "steps"), [(5, 100), (500, 100), (1000, 128), (1001, 128), (1025, 132)])
def test_a_small_sample_is_trained_for_enough_steps(size: int, steps: int) -> None:
    """Four passes over 1,025 sentences in batches of 32: 33 batches a pass."""
    comparison = parse_comparison(WHOLE, "c.json")
    keys = comparison.settings_of(comparison.rows[0], size)
    assert (keys["max_steps"], keys["save_strategy"]) == (steps, "no")
    assert not {"num_train_epochs", "early_stopping_patience"} & keys.keys()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"trian_file": "x"}, 'unknown key "trian_file"; did you mean "train_file"?'),
        ({"rows": []}, '"rows" must be a list'),
        ({"rows": [{"name": "a"}]}, 'unknown method "None"'),
        ({"rows": [{"name": "a", "method": "tokn"}]}, 'unknown method "tokn"; did you mean "token"?'),
        ({"rows": [{"method": "token"}]}, 'rows[0] must be an object with a "name"'),
        ({"rows": [{"name": "a", "method": "folder"}]}, 'has "model", a folder or a name that ships, and got nothing'),
        ({"rows": [{"name": "a", "method": "folder", "model": "m", "loss": "focal"}]}, "and got loss"),
        ({"rows": [{"name": "A b", "method": "token"}, {"name": "a-B", "method": "bi"}]}, 'the row "a-B" has the file of "A b"'),
        ({"rows": [{"name": "?", "method": "token"}]}, "with a letter or a digit"),
        ({"sizes": [0]}, '"sizes" must be at least 1'),
        ({"max_train_samples": "many"}, '"max_train_samples" must be at least 1, a whole number, got "many"'),
        ({"format": "words"}, 'unknown format "words"'),
        ({"test_file": []}, '"test_file" names no file'),
        ({"test_file": ["a/test.jsonl", "b/test.jsonl"]}, 'two files of "test_file" have one name'),
        ({"train_file": 3}, '"train_file" must be a file or a list of files, got 3'),
    ],
)
def test_bad_input(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as error:
        parse_comparison(WHOLE | change, "c.json")
    assert message in str(error.value) and str(error.value).startswith("c.json")


def test_what_is_missing_is_named() -> None:
    with pytest.raises(InputError, match='"output_dir" is missing'):
        parse_comparison({name: value for name, value in WHOLE.items() if name != "output_dir"}, "c.json")


def test_no_object() -> None:
    with pytest.raises(InputError, match="expected a JSON object, got list"):
        parse_comparison([], "c.json")


def test_a_name_becomes_the_name_of_a_file() -> None:
    assert Row(name="Gemma 270M, causal (LoRA)", method="llm").slug == "gemma-270m-causal-lora"
