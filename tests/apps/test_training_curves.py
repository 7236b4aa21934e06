"""The picture of a training: what is drawn, and what a log can be like."""

import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from spanmatch.apps.training_curves import draw_training, points_of, running_mean, write_curves

Log = list[dict[str, Any]]


def log_of(num_losses: int, every: int = 0) -> Log:
    """Make a log as the Trainer writes it: a loss per ten steps, an evaluation after every so many of them, a summary."""
    log: Log = []
    for index in range(1, num_losses + 1):
        log.append({"loss": 2 / index, "learning_rate": 1e-4, "grad_norm": 1.0, "epoch": index / 10, "step": 10 * index})
        if every and index % every == 0:
            scores = {"eval_f1": 1 - 1 / index, "eval_precision": 0.9, "eval_recall": 0.8, "eval_threshold": 0.4}
            log.append({**scores, "epoch": index / 10, "step": 10 * index})
    return [*log, {"train_loss": 0.3, "train_runtime": 2.0, "epoch": num_losses / 10, "step": 10 * num_losses}]


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """Return the figures that are saved from now on."""
    figures: list[Figure] = []
    save = Figure.savefig

    def keep(self: Figure, *arguments: Any, **options: Any) -> None:
        figures.append(self)
        save(self, *arguments, **options)

    monkeypatch.setattr(Figure, "savefig", keep)
    return figures


def write(log: Log, tmp_path: Path) -> Image.Image:
    assert write_curves(log, tmp_path / "training.png")
    return Image.open(tmp_path / "training.png")


class TestPoints:
    def test_the_later_of_equal_steps_counts(self) -> None:
        log = [{"loss": 3.0, "step": 20}, {"loss": 2.0, "step": 10}, {"loss": 1.0, "step": 20}, {"eval_f1": 0.5, "step": 20}]
        steps, values = points_of(log, "loss")
        assert (steps.tolist(), values.tolist()) == ([10, 20], [2, 1])
        assert len(points_of(log, "eval_recall")[0]) == 0

    @pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
    def test_what_is_not_finite_is_a_gap(self, value: float) -> None:
        steps, values = points_of([{"loss": value, "step": 1}, {"loss": 1.0, "step": 2}], "loss")
        assert steps.tolist() == [1, 2] and math.isnan(values[0]) and values[1] == 1

    def test_running_mean(self) -> None:
        values = np.array([1.0, 2.0, math.nan, 6.0, math.nan, math.nan, math.nan])
        expected = [1.5, 1.5, 4.0, 6.0, 6.0, math.nan, math.nan]
        np.testing.assert_allclose(running_mean(values, 1), expected)


class TestPicture:
    def test_loss_and_scores(self, tmp_path: Path, drawn: list[Figure]) -> None:
        write(log_of(8, every=4), tmp_path)
        loss, scores = drawn[0].axes
        assert loss.lines[0].get_xydata().tolist() == [[10 * index, 2 / index] for index in range(1, 9)]
        assert [text.get_text() for text in scores.get_legend().get_texts()] == ["F1", "precision", "recall"]
        assert scores.lines[0].get_xydata().tolist() == [[40, 0.75], [80, 0.875]]
        assert scores.get_title(loc="left").endswith("best F1 0.8750 at step 80 (star)")
        assert scores.get_xlabel() == "step (0.8 epochs in all)"

    def test_without_an_evaluation(self, tmp_path: Path, drawn: list[Figure]) -> None:
        image = write(log_of(3), tmp_path)
        assert len(drawn[0].axes) == 1 and image.height < image.width

    def test_without_a_loss(self, tmp_path: Path, drawn: list[Figure]) -> None:
        write([{"eval_f1": 0.5, "step": 5}], tmp_path)
        (scores,) = drawn[0].axes
        assert scores.get_title(loc="left").endswith("best F1 0.5000 at step 5 (star)")

    def test_one_entry(self, tmp_path: Path, drawn: list[Figure]) -> None:
        write([{"loss": 0.7, "step": 1, "epoch": 1.0}], tmp_path)
        assert drawn[0].axes[0].lines[0].get_marker() == "o"  # a line of one point would not be seen

    def test_a_long_training_is_smoothed(self, tmp_path: Path, drawn: list[Figure]) -> None:
        write(log_of(200), tmp_path)
        thin, thick = drawn[0].axes[0].lines
        assert thin.get_linewidth() < thick.get_linewidth()
        assert drawn[0].axes[0].get_title(loc="left") == "training loss (thick: mean over 11 points)"

    @pytest.mark.parametrize("num_lost", [1, 3])
    def test_losses_that_are_no_numbers(self, num_lost: int, tmp_path: Path, drawn: list[Figure]) -> None:
        log = log_of(3)
        for entry in log[:num_lost]:
            entry["loss"] = math.nan
        write(log, tmp_path)
        assert drawn[0].axes[0].get_title(loc="left") == f"training loss; {num_lost} of 3 not finite"

    def test_f1_that_is_no_number(self, tmp_path: Path, drawn: list[Figure]) -> None:
        write([{"eval_f1": math.nan, "step": 5}], tmp_path)
        assert drawn[0].axes[0].get_title(loc="left") == "validation, at the best threshold"

    @pytest.mark.parametrize("log", [[], [{"train_loss": 0.3, "step": 10}], [{"loss": 0.3}]])
    def test_nothing_to_draw(self, log: Log, tmp_path: Path) -> None:
        assert not write_curves(log, tmp_path / "training.png")
        assert not [*tmp_path.iterdir()]

    def test_equal_trainings_have_equal_pictures(self, tmp_path: Path) -> None:
        for name in ("a.png", "b.png"):
            write_curves(log_of(8, every=2), tmp_path / name)
        assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


class TestAtTheEndOfATraining:
    def test_draws(self, tmp_path: Path) -> None:
        assert draw_training(log_of(3), tmp_path) == "training.png"
        assert (tmp_path / "training.png").is_file()
        assert draw_training([], tmp_path / "other") == ""

    def test_without_the_extra_it_says_what_to_install(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "matplotlib", None)
        assert draw_training(log_of(3), tmp_path) == "no training.png of loss and F1; pip install 'spanmatch[report]'"
        assert not [*tmp_path.iterdir()]

    def test_never_fails(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        assert draw_training(log_of(3), tmp_path / "not there") == ""
        assert "training.png could not be drawn" in caplog.text
        assert draw_training([{"loss": "?", "step": 1}], tmp_path) == ""
