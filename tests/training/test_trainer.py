"""A step of the Trainer: the learning rate of each part, what accumulation adds up, and the end of a training that diverges."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers_e2e import NAMES, read_json, train, write_jsonl, write_tiny_encoder
from helpers_training import arguments, run, weights

from spanmatch.training.build import build_matcher
from spanmatch.training.config_file import read_config
from spanmatch.training.trainer import MatcherTrainer

pytestmark = [pytest.mark.filterwarnings("ignore::UserWarning"), pytest.mark.usefixtures("one_thread")]
TYPES = sorted(NAMES)


@pytest.fixture(scope="module")
def still_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Without dropout: a step is a function of weights and batch."""
    folder = write_tiny_encoder(tmp_path_factory.mktemp("training") / "encoder")
    config = read_json(folder / "config.json")
    config |= {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    return folder


def test_each_part_has_its_rate(encoder: Path, data: Path, tmp_path: Path) -> None:
    rates = {"learning_rate": 1e-3, "type_encoder_learning_rate": 2e-3, "head_learning_rate": 3e-3}
    flags = {"type_encoder": "separate", "weight_decay": 0.25}
    given, training = read_config(arguments(encoder, data / "train.jsonl", tmp_path / "out", **rates, **flags), "bi")
    matcher = build_matcher(given, "bi", training)
    trainer = MatcherTrainer(matcher=matcher, arguments=given, args=training, train_dataset=None, validation=None)
    rate_of, decay_of = {}, {}
    for group in trainer.create_optimizer().param_groups:
        for parameter in group["params"]:
            assert id(parameter) not in rate_of
            rate_of[id(parameter)], decay_of[id(parameter)] = group["lr"], group["weight_decay"]
    expected = {"text_encoder": 1e-3, "type_encoder": 2e-3, "head": 3e-3}
    parameters = dict(matcher.model.named_parameters())
    assert len(rate_of) == len(parameters)
    for name, parameter in parameters.items():
        assert rate_of[id(parameter)] == expected[name.partition(".")[0]], name
        is_bare = parameter.ndim < 2 or "LayerNorm" in name
        assert decay_of[id(parameter)] == (0.0 if is_bare else 0.25), name


def test_rates_by_default(encoder: Path, data: Path, tmp_path: Path) -> None:
    given, training = read_config(arguments(encoder, data / "train.jsonl", tmp_path / "out", learning_rate=1e-3), "bi")
    matcher = build_matcher(given, "bi", training)
    trainer = MatcherTrainer(matcher=matcher, arguments=given, args=training, train_dataset=None, validation=None)
    head = {id(parameter) for parameter in matcher.model.head.parameters()}
    for group in trainer.create_optimizer().param_groups:
        for parameter in group["params"]:
            assert group["lr"] == pytest.approx(5e-3 if id(parameter) in head else 1e-3)


class TestAccumulation:
    """The loss is per positive of a micro-batch, and micro-batches are averaged: with as many positives in each of two
    micro-batches of 4, a step is that of one batch of 8; in general it is the mean of their steps."""

    PLAIN = {
        "max_steps": 1, "optim": "sgd", "learning_rate": 0.01, "weight_decay": 0, "max_grad_norm": 0, "warmup_steps": 0,
        "lr_scheduler_type": "constant", "train_sampling_strategy": "sequential",
    }  # fmt: skip

    @staticmethod
    def rows(*positives: int) -> list[dict[str, Any]]:
        """Texts of one length and so many spans each."""
        words = ["Paris", "Lima", "Oslo"]
        return [
            {
                "text": "Paris Lima Oslo .",
                "char_spans": [
                    {"start": 6 * index - (index == 2), "end": 6 * index - (index == 2) + len(words[index]), "label": "city"}
                    for index in range(count)
                ],
                "labels": TYPES,
            }
            for count in positives
        ]

    def moved(self, encoder: Path, folder: Path, rows: list[dict[str, Any]], **flags: object) -> dict[str, torch.Tensor]:
        """What one plain step adds to the weights."""
        file = write_jsonl(folder / "train.jsonl", rows)
        # One start for all data: from an encoder, the texts decide the scale of scores.
        first = write_jsonl(folder / "first.jsonl", self.rows(1))
        run(encoder, first, folder / "start", **self.PLAIN | {"learning_rate": 0.0})
        given = {"text_encoder": None, "max_span_width": None, "pretrained_model_name_or_path": folder / "start"}
        run(encoder, file, folder / "end", **self.PLAIN, **flags, **given)
        start, end = weights(folder / "start"), weights(folder / "end")
        return {name: end[name] - start[name] for name in end}

    def assert_equal(self, one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> None:
        assert max(step.abs().max().item() for step in one.values()) > 1e-4
        for name in one:
            torch.testing.assert_close(one[name], other[name], atol=2e-6, rtol=1e-4)

    def test_equal_positives_make_one_batch(self, still_encoder: Path, tmp_path: Path) -> None:
        rows = self.rows(1, 2, 1, 2, 2, 1, 2, 1)
        two = {"per_device_train_batch_size": 4, "gradient_accumulation_steps": 2}
        accumulated = self.moved(still_encoder, tmp_path / "accumulated", rows, **two)
        whole = self.moved(still_encoder, tmp_path / "whole", rows, per_device_train_batch_size=8)
        self.assert_equal(accumulated, whole)

    def test_in_general_the_mean_of_the_steps(self, still_encoder: Path, tmp_path: Path) -> None:
        rows = self.rows(3, 3, 3, 3, 1, 0, 1, 0)
        two = {"per_device_train_batch_size": 4, "gradient_accumulation_steps": 2}
        accumulated = self.moved(still_encoder, tmp_path / "accumulated", rows, **two)
        first = self.moved(still_encoder, tmp_path / "first", rows[:4], per_device_train_batch_size=4)
        second = self.moved(still_encoder, tmp_path / "second", rows[4:], per_device_train_batch_size=4)
        self.assert_equal(accumulated, {name: (first[name] + second[name]) / 2 for name in first})


class TestDivergence:
    """A loss that is NaN was logged as 0, and weights that are NaN were saved as a checkpoint that finds nothing."""

    @pytest.mark.parametrize(
        ("logging_steps", "message"),
        [(1, r"the loss is (nan|inf) at step \d"), (500, 'the weights ".+" are infinite or NaN at step')],
    )
    def test_it_ends(self, logging_steps: int, message: str, encoder: Path, data: Path, tmp_path: Path) -> None:
        flags = {"learning_rate": 1e12, "max_grad_norm": 0, "max_steps": 6, "save_strategy": "steps", "save_steps": 6}
        out = tmp_path / "out"
        result = train(*arguments(encoder, data / "train.jsonl", out, logging_steps=logging_steps, **flags))
        assert result.status == 2
        assert re.fullmatch(rf"error: the training diverged: {message}.+lower learning_rate.+\n", result.err.splitlines(True)[-1])
        assert not list(out.rglob("*.safetensors"))
