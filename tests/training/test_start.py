"""What a training starts with is measured on its encoder: states of one size, scores of one spread."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers_e2e import sentences, train, write_jsonl
from helpers_training import arguments, run
from safetensors.torch import load_file, save_file

from spanmatch.batching.collate import collate_types
from spanmatch.data.corpus import read_corpus
from spanmatch.prediction.matcher import SpanMatcher
from spanmatch.training.build import build_matcher
from spanmatch.training.config_file import read_config
from spanmatch.training.dataset import TrainingCollator, TrainingViews, training_windows
from spanmatch.training.start import SCORE_SPREAD, STATE_SIZE

FACTORS = (0.05, 1.0, 20.0)


def scaled(encoder: Path, folder: Path, factor: float) -> Path:
    """An encoder whose states are those of another one times a factor: its last layer norm is multiplied."""
    folder.mkdir()
    for file in encoder.iterdir():
        if file.name != "model.safetensors":
            (folder / file.name).write_bytes(file.read_bytes())
    weights = load_file(encoder / "model.safetensors")
    names = [name for name in weights if "output.LayerNorm" in name and "attention" not in name]
    last = max(int(name.split("layer.")[1].split(".")[0]) for name in names)
    for name in names:
        if f"layer.{last}." in name:
            weights[name] = weights[name] * factor
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


@pytest.fixture(scope="module")
def encoders(tiny_encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[float, Path]:
    folder = tmp_path_factory.mktemp("scaled")
    return {factor: scaled(tiny_encoder, folder / str(factor), factor) for factor in FACTORS}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_jsonl(tmp_path_factory.mktemp("data") / "train.jsonl", sentences(80))


def built(encoder: Path, data: Path, architecture: str = "bi", **flags: object) -> tuple[SpanMatcher, list[torch.Tensor]]:
    """A matcher before its first step, and the logits of candidates in its first batches."""
    given, training = read_config(arguments(encoder, data, Path("unused"), **flags), architecture)
    corpus = read_corpus(given.train_file, format=given.format)
    matcher = build_matcher(given, architecture, training, corpus)
    views = TrainingViews(training_windows(corpus, matcher.batcher), given, training.seed)
    logits = []
    with matcher.inference():
        for start in range(0, 64, 16):
            batch = TrainingCollator(batcher=matcher.batcher)([views[place] for place in range(start, start + 16)])
            found = matcher.model(batch["texts"], batch["types"]).spans.logits
            logits.append(found[batch["texts"].candidates].flatten())
    return matcher, logits


@pytest.mark.parametrize("architecture", ["bi", "cross"])
@pytest.mark.parametrize("loss", ["bce", "contrastive"])
@pytest.mark.parametrize("factor", FACTORS)
def test_scores_start_with_one_spread(
    factor: float, loss: str, architecture: str, encoders: dict[float, Path], data: Path
) -> None:
    _, logits = built(encoders[factor], data, architecture, loss=loss)
    assert float(torch.cat(logits).std()) == pytest.approx(SCORE_SPREAD, rel=0.1)


@pytest.mark.parametrize("flags", [{}, {"type_encoder": "separate"}], ids=["shared", "separate"])
def test_states_have_one_size(flags: dict[str, Any], encoders: dict[float, Path], data: Path) -> None:
    sizes, scales = [], []
    for factor in FACTORS:
        matcher, _ = built(encoders[factor], data, **flags)
        scales.append(matcher.config.text_state_scale)
        [(_, sequences)] = matcher.batcher.type_groups(["person"])
        with matcher.inference():
            states = matcher.model.type_states(collate_types(sequences, matcher.batcher.lone_type_tokenizer))
        sizes.append(float(states.square().mean().sqrt()))
    assert sizes == pytest.approx([sizes[0]] * 3, rel=0.01) and 0.5 * STATE_SIZE < sizes[0] < 1.5 * STATE_SIZE
    assert scales[0] / scales[1] == pytest.approx(20, rel=0.01) and scales[1] / scales[2] == pytest.approx(20, rel=0.01)


@pytest.mark.parametrize("architecture", ["bi", "cross"])
def test_encoders_of_any_size_train_to_the_same_loss(
    architecture: str, encoders: dict[float, Path], data: Path, tmp_path: Path
) -> None:
    """States 400 times as long as others, and the same learning rate."""
    losses = []
    for factor in FACTORS:
        out = tmp_path / str(factor)
        given = {"max_steps": 60, "logging_steps": 20, "save_steps": 60, "learning_rate": 1e-3, "warmup_steps": 5}
        run(encoders[factor], data, out, architecture=architecture, **given | {"save_strategy": "steps"})
        history = json.loads((out / "checkpoint-60" / "trainer_state.json").read_text(encoding="utf-8"))["log_history"]
        losses.append([entry["loss"] for entry in history if "loss" in entry])
    assert losses[1][-1] < 0.7 * losses[1][0], "it learns at all"
    for other in (losses[0], losses[2]):
        assert other == pytest.approx(losses[1], abs=0.04 * losses[1][0])


def test_a_continued_training_keeps_the_factors_of_its_start(
    encoders: dict[float, Path], data: Path, tmp_path: Path
) -> None:
    """They are not measured again: weights were trained with them."""
    given: dict[str, Any] = {"max_steps": 4, "save_steps": 2, "save_strategy": "steps"}
    run(encoders[1.0], data, tmp_path / "out", **given)
    checkpoint = tmp_path / "out" / "checkpoint-2"
    config = json.loads((checkpoint / "config.json").read_text(encoding="utf-8"))
    changed = config | {"text_state_scale": 1.5, "type_state_scale": 0.5}
    (checkpoint / "config.json").write_text(json.dumps(changed), encoding="utf-8")
    run(encoders[1.0], data, tmp_path / "out", **given, resume_from_checkpoint=checkpoint)
    kept = json.loads((tmp_path / "out" / "config.json").read_text(encoding="utf-8"))
    assert (kept["text_state_scale"], kept["type_state_scale"]) == (1.5, 0.5)


def test_without_data_the_usual_types_are_measured(tiny_encoder: Path, data: Path) -> None:
    given, training = read_config(arguments(tiny_encoder, data, Path("unused")), "bi")
    config = build_matcher(given, "bi", training).config
    assert 0 < config.text_state_scale != 1 and 0 < config.type_state_scale != 1


def test_texts_without_a_word_are_told_as_ever(tiny_encoder: Path, tmp_path: Path) -> None:
    """They have no window to measure; the error is about the data, in one line."""
    file = write_jsonl(tmp_path / "train.jsonl", [{"text": " ", "char_spans": [], "labels": ["city"]}] * 3)
    result = train(*arguments(tiny_encoder, file, tmp_path / "out"))
    assert result.status == 2 and "no gold span" in result.err and result.err.count("\n") == 1


@pytest.mark.parametrize("factor", [1e-4, 1e5])
def test_factors_are_as_exact_for_states_of_any_size(factor: float, tiny_encoder: Path, data: Path, tmp_path: Path) -> None:
    """Rounded to decimals, that of very long states would be 0."""
    usual, _ = built(tiny_encoder, data)
    other, logits = built(scaled(tiny_encoder, tmp_path / "scaled", factor), data)
    assert usual.config.text_state_scale / other.config.text_state_scale == pytest.approx(factor, rel=1e-3)
    assert float(torch.cat(logits).std()) == pytest.approx(SCORE_SPREAD, rel=0.1)
