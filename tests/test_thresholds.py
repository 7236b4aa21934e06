"""Thresholds: what is asked for, what a checkpoint can answer, and what then passes."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spanmatch.entities import EntityType
from spanmatch.errors import InputError
from spanmatch.thresholds import Calibration, check_names, cutoffs, parse_threshold

TYPES = (EntityType(name="person", label="PER"), EntityType(name="city"), EntityType(name="company"))


def probabilities(limits: np.ndarray) -> list[float]:
    return [pytest.approx(1 / (1 + math.exp(-limit))) for limit in limits.tolist()]


CALIBRATION = Calibration(threshold=0.4, per_type={"person": 0.7, "town": 0.9})


class TestCutoffs:
    @pytest.mark.parametrize(
        ("threshold", "calibration", "expected"),
        [
            (0.3, None, [0.3, 0.3, 0.3]),
            (0.3, CALIBRATION, [0.3, 0.3, 0.3]),
            (None, None, [0.5, 0.5, 0.5]),
            (None, CALIBRATION, [0.7, 0.4, 0.4]),
            ("calibrated", CALIBRATION, [0.7, 0.4, 0.4]),
            # Per type: by name or by label, however it is written; the others take the calibrated, or a half.
            ({"city": 0.2}, None, [0.5, 0.2, 0.5]),
            ({"city": 0.2}, CALIBRATION, [0.7, 0.2, 0.4]),
            ({"person": 0.2}, CALIBRATION, [0.2, 0.4, 0.4]),
            ({"PER": 0.2}, CALIBRATION, [0.2, 0.4, 0.4]),
            ({" City": 0.2, "COMPANY": 0.9}, None, [0.5, 0.2, 0.9]),
            ({}, CALIBRATION, [0.7, 0.4, 0.4]),
        ],
    )
    def test_table(self, threshold: Any, calibration: Calibration | None, expected: list[float]) -> None:
        limits = cutoffs(threshold, TYPES, calibration, objective="bce").limits
        assert limits.shape == (3,)
        assert probabilities(limits) == expected

    def test_a_half_is_zero(self) -> None:
        assert cutoffs(0.5, TYPES, None, objective="bce").limits.tolist() == [0.0, 0.0, 0.0]

    @pytest.mark.parametrize(
        ("threshold", "calibration", "message"),
        [
            (0, None, "between 0 and 1, got 0"),
            (1.0, None, "between 0 and 1, got 1"),
            (-0.1, None, "between 0 and 1, got -0.1"),
            (float("nan"), None, "between 0 and 1, got nan"),
            ({"city": 2}, None, "between 0 and 1, got 2"),
            ("cls", None, 'threshold "cls" needs a null slot, and this checkpoint, trained with "bce", has none'),
            ("cls", CALIBRATION, 'trained with "bce", has none; give a number or calibrate'),
            ("label_token", CALIBRATION, 'threshold "label_token" needs a null slot'),
            ("calibrated", None, 'threshold "calibrated", but the checkpoint is not; run "spanmatch calibrate"'),
            ("calibratd", CALIBRATION, 'unknown threshold "calibratd"; did you mean "calibrated"?'),
            ("high", CALIBRATION, 'unknown threshold "high"; valid: calibrated, cls, label_token'),
            ({"citty": 0.2}, None, 'threshold for "citty", which is not asked for; did you mean "city"?'),
            ({"river": 0.2}, CALIBRATION, 'threshold for "river", which is not asked for; valid: city, company, person'),
        ],
    )
    def test_refused(self, threshold: Any, calibration: Calibration | None, message: str) -> None:
        with pytest.raises(InputError) as caught:
            check_names(threshold, TYPES)
            cutoffs(threshold, TYPES, calibration, objective="bce")
        assert message in str(caught.value)

    @pytest.mark.parametrize(("given", "expected"), [("0.3", 0.3), ("1e-2", 0.01), ("calibrated", "calibrated"), ("cls", "cls")])
    def test_from_the_command_line(self, given: str, expected: object) -> None:
        assert parse_threshold(given) == expected

    def test_not_from_the_command_line(self) -> None:
        with pytest.raises(InputError, match='"half" is neither a number'):
            parse_threshold("half")


class TestCalibration:
    def test_saved_is_loaded(self, tmp_path: Path) -> None:
        calibration = Calibration(threshold=1 / 3, per_type={"città": 0.1, "person": 0.7}, source="dev.jsonl", f1=0.5)
        calibration.save(tmp_path)
        assert Calibration.load(tmp_path) == calibration

    def test_a_checkpoint_that_was_never_calibrated(self, tmp_path: Path) -> None:
        assert Calibration.load(tmp_path) is None

    @pytest.mark.parametrize("content", ["{", json.dumps({"threshold": 0.5, "other": 1}), json.dumps({"per_type": {}}), "[]"])
    def test_a_broken_file(self, content: str, tmp_path: Path) -> None:
        (tmp_path / "thresholds.json").write_text(content, encoding="utf-8")
        with pytest.raises(InputError, match=r"thresholds\.json: cannot be read .* calibrate"):
            Calibration.load(tmp_path)
