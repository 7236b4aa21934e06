"""What a model card says, and where it says that it does not know."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from helpers import make_matcher
from helpers_card import problems_of_metadata
from helpers_e2e import ROOT
from huggingface_hub import ModelCard

from spanmatch.config import MatcherConfig
from spanmatch.entities import Mention
from spanmatch.evaluation.metrics import Metrics, compute_metrics
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
    assert content.startswith("---\nbase_model: some/encoder\nlibrary_name: spanmatch\n")
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


class TestMetadata:
    """What the hub reads, and refuses a card for."""

    PERFECT = compute_metrics([{Mention(start=0, end=3, label="a")}], [{Mention(start=0, end=3, label="a")}], types=["a"])
    RESULTS = {"dev.jsonl": PERFECT, "a: [b], 'c'é.jsonl": PERFECT}

    @pytest.mark.parametrize("results", [{}, RESULTS], ids=["not evaluated", "evaluated"])
    def test_of_a_training(self, results: dict[str, Metrics], config: MatcherConfig, tmp_path: Path) -> None:
        content = card(tmp_path, config, results=results)
        assert problems_of_metadata(content) == []
        data = ModelCard(content).data
        assert [item["text"] for item in data.widget] == ["Ada Lovelace was born in London."]
        measured = [(item.dataset_name, item.metric_type, item.metric_value) for item in data.eval_results or []]
        assert sorted(measured) == [(name, kind, 1.0) for name in sorted(results) for kind in ("f1", "precision", "recall")]

    @pytest.mark.parametrize(
        ("encoder", "base_model"),
        [
            ("some/encoder", "some/encoder"),
            ("some/encoder@v1", "some/encoder"),
            ("bert-base-uncased", "bert-base-uncased"),
            ("spanmatch-mini", None),
            ("models/some/encoder", None),
            ("models/mine", None),
        ],
    )
    def test_the_base_model_is_one_of_the_hub(
        self, encoder: str, base_model: str | None, config: MatcherConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        (tmp_path / "models" / "mine").mkdir(parents=True)
        content = card(tmp_path, config, facts=replace(FACTS, encoder=encoder))
        assert ModelCard(content).data.base_model == base_model and problems_of_metadata(content) == []
        assert f"| encoder | {encoder}, type encoder: shared" in content

    @pytest.mark.parametrize(
        "file", ["models/spanmatch-mini/README.md", "benchmarks/spanmatch_mini_card.md", "benchmarks/spanmatch_base_card.md"]
    )
    def test_of_the_model_that_ships(self, file: str) -> None:
        content = (ROOT / file).read_text(encoding="utf-8")
        assert problems_of_metadata(content) == []
        data = ModelCard(content).data
        assert data.license == "cc-by-sa-4.0" and data.language == "en" and data.widget

    @pytest.mark.parametrize(
        ("wrong", "problem"),
        [
            ("license: free", "license free"),
            ("language: English", "language English"),
            ("base_model: models/some/encoder", "base_model models/some/encoder"),
            ("colour: red", "unknown key colour"),
            ("pipeline_tag: ner", "pipeline_tag is not token-classification"),
            ("widget: [Ada met Bob]", "widget is no list of texts to try"),
        ],
    )
    def test_what_the_check_finds(self, wrong: str, problem: str) -> None:
        values = ["library_name: spanmatch", "pipeline_tag: token-classification", "widget: [{text: Ada}]"]
        kept = [line for line in values if line.partition(":")[0] != wrong.partition(":")[0]]
        assert problems_of_metadata("---\n" + "\n".join([*kept, wrong]) + "\n---\n") == [problem]
        assert problems_of_metadata("---\n" + "\n".join(values) + "\n---\n") == []
