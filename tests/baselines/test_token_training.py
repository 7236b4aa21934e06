"""`spanmatch fit token` and `fit llm`, as a user runs them: losses, adapters, resuming, and what is written."""

import random
from pathlib import Path
from typing import Any

import pytest
from helpers_baselines import fit
from helpers_e2e import read_json, sentences, spanmatch, write_jsonl
from helpers_encoders import write_encoder
from transformers import pipeline

from spanmatch.baselines.token_classifier import TokenClassifier


@pytest.fixture(scope="module")
def trained(encoder_folders: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A token classifier that was trained on generated sentences, with a development file."""
    folder = tmp_path_factory.mktemp("fit") / "classifier"
    validation = write_jsonl(folder.parent / "validation.jsonl", sentences(60, seed=1))
    result = fit("token", folder, model=encoder_folders["WordPiece"], validation_file=validation, save_strategy="epoch")
    assert result.status == 0, result.err
    assert "token classifier" in result.out
    return folder


def test_it_learns(trained: Path) -> None:
    scores = read_json(trained / "validation" / "metrics.json")
    assert scores["micro"]["f1"] > 0.9
    timings = read_json(trained / "timings.json")
    assert timings["train_seconds"] > 0 and timings["trained_parameters"] > 1000


def test_scores_of_each_epoch_are_kept(trained: Path) -> None:
    last = max(trained.glob("checkpoint-*"), key=lambda folder: int(folder.name.partition("-")[2]))
    log = [entry for entry in read_json(last / "trainer_state.json")["log_history"] if "eval_f1" in entry]
    assert [entry["epoch"] for entry in log] == [1, 2, 3, 4]
    assert {"eval_accuracy", "eval_precision", "eval_recall", "eval_f1"} <= log[0].keys()
    best = max(entry["eval_f1"] for entry in log)
    assert best <= read_json(trained / "validation" / "metrics.json")["micro"]["f1"] + 1e-6, "thresholds are no worse than none"


def test_a_bare_pipeline_loads_it(trained: Path) -> None:
    """... and gives each word its own label. ("simple" asks its further subwords, too, which have no label in training.)"""
    text = "Bob works for Globex in Lima ."
    found = pipeline("ner", model=str(trained), aggregation_strategy="first")(text)
    assert [(item["word"].lower(), item["entity_group"]) for item in found] == [
        ("bob", "person"), ("globex", "company"), ("lima", "city"),
    ]  # fmt: skip
    simple = pipeline("ner", model=str(trained), aggregation_strategy="simple")(text)
    assert {item["entity_group"] for item in simple} == {"person", "company", "city"}


@pytest.mark.parametrize("loss", ["weighted", "focal", "mom"])
def test_each_loss_learns(loss: str, encoder_folders: dict[str, Path], tmp_path: Path) -> None:
    test = write_jsonl(tmp_path / "test.jsonl", sentences(40, seed=2))
    result = fit("token", tmp_path / "out", model=encoder_folders["WordPiece"], loss=loss, test_file=test)
    assert result.status == 0, result.err
    assert read_json(tmp_path / "out" / "test" / "metrics.json")["micro"]["f1"] > 0.8


def test_other_labels_replace_the_head(trained: Path, tmp_path: Path) -> None:
    rows = [{"text": "Ada met Bob .", "char_spans": [{"start": 0, "end": 3, "label": "name"}]}] * 8
    data = write_jsonl(tmp_path / "other.jsonl", rows)
    result = fit("token", tmp_path / "out", model=trained, train_file=data, num_train_epochs=1)
    assert result.status == 0, result.err
    assert TokenClassifier.from_pretrained(tmp_path / "out").labels.tags == ("O", "B-name", "I-name")


def test_adapters(encoder_folders: dict[str, Path], tmp_path: Path) -> None:
    pytest.importorskip("peft")
    test = write_jsonl(tmp_path / "test.jsonl", sentences(40, seed=2))
    flags: dict[str, Any] = {"lora_rank": 8, "learning_rate": 1e-2, "num_train_epochs": 7, "test_file": test}
    result = fit("token", tmp_path / "out", model=encoder_folders["WordPiece"], **flags)
    assert result.status == 0, result.err
    assert read_json(tmp_path / "out" / "test" / "metrics.json")["micro"]["f1"] > 0.8
    whole = sum(parameter.numel() for parameter in TokenClassifier.from_pretrained(tmp_path / "out").model.parameters())
    assert read_json(tmp_path / "out" / "timings.json")["trained_parameters"] < whole / 2
    assert (tmp_path / "out" / "adapter" / "adapter_model.safetensors").is_file()


def seen_from_behind(count: int, seed: int) -> list[dict[str, Any]]:
    """Names of which only the word behind them says whether they are people or companies."""
    rng = random.Random(seed)
    rows = []
    for _ in range(count):
        name, (word, label) = (
            rng.choice(["Ada", "Bob", "Eva", "Lima", "Oslo"]),
            rng.choice([("met", "person"), ("Corp", "company")]),
        )
        text = f"Yesterday {name} {word} ."
        rows.append({"text": text, "char_spans": [{"start": 10, "end": 10 + len(name), "label": label}]})
    return rows


@pytest.mark.parametrize("family", ["Llama", "Gemma 3"])
def test_a_decoder_sees_what_follows_a_word(family: str, tmp_path: Path) -> None:
    """... once its causal mask is gone: with it, it can only guess."""
    decoder = write_encoder(tmp_path / "decoder", family)
    train = write_jsonl(tmp_path / "seen.jsonl", seen_from_behind(160, 0))
    test = write_jsonl(tmp_path / "unseen.jsonl", seen_from_behind(80, 1))
    found = {}
    for attention in ("bidirectional", "causal"):
        flags = {"model": decoder, "attention": attention, "lora_rank": 0, "train_file": train, "test_file": test}
        result = fit("llm", tmp_path / attention, **flags, num_train_epochs=6)
        assert result.status == 0, result.err
        found[attention] = read_json(tmp_path / attention / "test" / "metrics.json")["micro"]["f1"]
        assert read_json(tmp_path / attention / "config.json").get("is_causal", True) == (attention == "causal")
    assert found["bidirectional"] > 0.95 and found["causal"] < 0.75, found


def test_a_killed_training_is_resumed(encoder_folders: dict[str, Path], tmp_path: Path) -> None:
    flags = {"model": encoder_folders["WordPiece"], "save_strategy": "epoch", "save_total_limit": 5}
    whole = fit("token", tmp_path / "whole", **flags)
    assert whole.status == 0, whole.err
    assert fit("token", tmp_path / "parts", **flags).status == 0
    for step in sorted((tmp_path / "parts").glob("checkpoint-*"))[1:]:
        (step / "trainer_state.json").unlink()  # as a kill while it was written leaves it
    again = fit("token", tmp_path / "parts", **flags)
    assert again.status == 2 and "already holds a training" in again.err
    resumed = fit("token", tmp_path / "parts", **flags, resume_from_checkpoint="true")
    assert resumed.status == 0, resumed.err
    one, other = (TokenClassifier.from_pretrained(tmp_path / name).fingerprint() for name in ("whole", "parts"))
    assert one == other


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"loss": "dice"}, 'loss: unknown value "dice"'),
        ({"focal_gamma": 1.0}, '"focal_gamma" has no effect unless "loss" is "focal"'),
        ({"lora_alpha": 1.0}, '"lora_alpha" has no effect where no adapters are trained'),
        ({"head_size": 64}, "unknown argument --head_size"),
        ({"do_train": "false"}, '"do_train" is false'),
        ({"model": "nobody/nothing"}, 'model "nobody/nothing" cannot be loaded'),
        ({"train_file": None}, '"train_file" is missing'),
    ],
)
def test_bad_input(flags: dict[str, Any], message: str, encoder_folders: dict[str, Path], tmp_path: Path) -> None:
    result = fit("token", tmp_path / "out", **{"model": encoder_folders["WordPiece"]} | flags)
    assert result.status == 2 and message in result.err, result.err
    assert not (tmp_path / "out").exists()


def test_methods() -> None:
    assert "token classifier" in spanmatch("fit", "--help").out
    assert "lora_rank" in spanmatch("fit", "llm", "--help").out
    result = spanmatch("fit", "tokn")
    assert result.status == 2 and 'unknown method "tokn"; did you mean "token"?' in result.err
