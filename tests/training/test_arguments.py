"""Keys of a training: each is explained, has a sensible default, and is checked."""

from dataclasses import fields
from typing import Any

import pytest

from spanmatch.errors import InputError
from spanmatch.training.arguments import DataArguments, MatcherArguments, MatcherTrainingArguments


@pytest.mark.parametrize("group", [DataArguments, MatcherArguments, MatcherTrainingArguments])
def test_every_key_is_explained(group: type) -> None:
    """In a sentence of its own, which `--help` prints."""
    helps = {item.name: item.metadata.get("help", "") for item in fields(group) if item.name in group.__annotations__}
    assert len(helps) > 10
    assert [name for name, text in helps.items() if not (text and text[0].isupper() and text.endswith("."))] == []
    assert len(set(helps.values())) == len(helps)


def test_defaults_are_valid() -> None:
    given = MatcherArguments()
    assert given.objective.name == "bce" and given.train_file == []


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"head_size": 2}, "head_size must be at least 3, got 2"),
        ({"max_eval_samples": 0}, "max_eval_samples must be at least 1, got 0"),
        ({"head_learning_rate": -1.0}, "head_learning_rate must be at least 0, got -1.0"),
        ({"background_weight": float("nan")}, "background_weight must be at least 0, got nan"),
        ({"type_dropout": 1.0}, "type_dropout must lie in [0, 1), got 1.0"),
        ({"format": "token"}, 'format: unknown value "token"; did you mean "tokens"?'),
        ({"type_encoder": "seperate"}, 'type_encoder: unknown value "seperate"; did you mean "separate"?'),
        ({"start_share": 1.0}, "start_share must lie in [0, 1), got 1.0"),
        ({"lora_dropout": 1.0}, "lora_dropout must lie in [0, 1), got 1.0"),
        ({"lora_rank": -1}, "lora_rank must be at least 0, got -1"),
        ({"teacher_weight": 0}, "teacher_weight must lie in (0, 1], got 0"),
        ({"teacher_temperature": 0}, "teacher_temperature must be above 0, got 0"),
        ({"teacher": "model", "loss": "contrastive"}, 'teacher: "contrastive" learns no probabilities'),
        ({"type_anchor": 1.0, "type_encoder": "separate"}, 'type_anchor needs type_encoder "shared", got "separate"'),
    ],
)
def test_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        MatcherArguments(**given)
    assert str(caught.value).startswith(message)


def training(**given: Any) -> MatcherTrainingArguments:
    return MatcherTrainingArguments(output_dir="unused", report_to="none", **given)


def test_evaluation_follows_saving() -> None:
    """As the best checkpoint can only be chosen among those that were evaluated."""
    plain = training(do_eval=False)
    assert (str(plain.eval_strategy.value), plain.load_best_model_at_end) == ("no", False)
    epochs = training(do_eval=True)
    assert (epochs.eval_strategy.value, epochs.load_best_model_at_end) == ("epoch", True)
    steps = training(do_eval=True, save_strategy="steps", save_steps=7)
    assert (steps.eval_strategy.value, steps.eval_steps, steps.load_best_model_at_end) == ("steps", 7, True)
    apart = training(do_eval=True, eval_strategy="no")
    assert apart.load_best_model_at_end is False


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"seed": -1}, "seed must be at least 0, got -1"),
        ({"gradient_accumulation_steps": 0}, "gradient_accumulation_steps must be at least 1, got 0"),
        ({"train_sampling_strategy": "length"}, 'train_sampling_strategy: unknown value "length"; valid: group_by_length'),
        ({"metric_for_best_model": "accuracy"}, 'metric_for_best_model: unknown value "accuracy"; valid: f1, precision, recall'),
    ],
)
def test_refused_of_the_trainer(given: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        training(**given)
    assert str(caught.value).startswith(message)


def test_metric_with_its_prefix() -> None:
    assert training(metric_for_best_model="eval_recall").metric_for_best_model == "eval_recall"
