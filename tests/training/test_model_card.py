"""What a model card says, and where it says that it does not know."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from helpers import make_matcher

from spanmatch.config import MatcherConfig
from spanmatch.entities import Mention
from spanmatch.evaluation.metrics import compute_metrics
from spanmatch.prediction.thresholds import Calibration
from spanmatch.training.model_card import TrainingFacts, write_model_card

FACTS = TrainingFacts(
    encoder="some/encoder",
    type_encoder="shared",
    data="train.jsonl",
    num_examples=60,
    num_views=61,
    num_types=3,
    steps=48,
    train_seconds=12.3,
    train_examples_per_second=240.0,
    seed=7,
    commit="abc",
    versions="torch 2, numpy 1",
    log_history=[{"loss": 0.123456}],
)


@pytest.fixture
def config(tiny_encoder: Path) -> MatcherConfig:
    return make_matcher(tiny_encoder).config


def card(folder: Path, config: MatcherConfig, **changes: Any) -> str:
    given: dict[str, Any] = {"calibration": None, "results": {}, "facts": FACTS, "arguments": {"seed": 7}}
    write_model_card(folder, config=config, **given | changes)
    return (folder / "README.md").read_text(encoding="utf-8")


def test_facts(config: MatcherConfig, tmp_path: Path) -> None:
    content = card(tmp_path, config)
    assert content.startswith("---\nlibrary_name: spanmatch\n") and "base_model: some/encoder\n" in content
    assert f"# {tmp_path.name}\n" in content and f'SpanMatcher.from_pretrained("{tmp_path.name}")' in content
    for row in (
        "examples | 60 in 61 views, 3 types",
        "steps, time | 48 steps, 12 s",
        "seed, commit | 7, abc",
        "data | train.jsonl",
    ):
        assert f"| {row} |" in content
    assert "0.123456" not in content


def test_results(config: MatcherConfig, tmp_path: Path) -> None:
    assert "Not evaluated when it was trained." in card(tmp_path, config)
    gold = [{Mention(start=0, end=3, label="a"), Mention(start=4, end=7, label="b")}]
    found = [{Mention(start=0, end=3, label="a"), Mention(start=5, end=7, label="b"), Mention(start=8, end=9, label="a")}]
    content = card(tmp_path, config, results={"test.jsonl": compute_metrics(gold, found, types=["a", "b"])})
    # One right of three found and of two gold; F1 of a is 2/3, of b 0.
    assert "| test.jsonl | 0.3333 | 0.5000 | 0.4000 | 0.3333 | 2 |" in content and "Not evaluated" not in content


def test_thresholds(config: MatcherConfig, tmp_path: Path) -> None:
    assert "not calibrated: the default threshold is 0.5." in card(tmp_path, config)
    calibration = Calibration(threshold=0.25, per_type={"person": 0.5}, source="dev.jsonl")
    assert "Calibrated on dev.jsonl: threshold 0.250 (1 types have their own)." in card(tmp_path, config, calibration=calibration)
    slots = replace(config, objective="contrastive", null_slots={"cls": 0, "label_token": 1})
    content = card(tmp_path, slots, calibration=replace(calibration, slot="label_token"))
    assert "threshold 0.250 above the null slot `label_token`" in content
    assert "Null slots, which need no calibration: `cls`, `label_token`." in content


def test_the_configuration_can_be_used_again(config: MatcherConfig, tmp_path: Path) -> None:
    arguments = {"train_file": ["Daten/für_alle.jsonl"], "loss": '{"name": "bce"}', "dropout": None}
    content = card(tmp_path, config, arguments=arguments)
    found = re.search(r"```json\n(.*?)```", content, flags=re.DOTALL)
    assert found is not None and json.loads(found.group(1)) == arguments and "für" in content
