"""Thresholds and overlaps: which scores pass, which of overlapping candidates stay."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanmatch.decoding import (
    NOTHING,
    OVERLAPS,
    Calibration,
    Candidates,
    check_overlap,
    cutoffs,
    merge,
    parse_threshold,
    resolve,
)
from spanmatch.entities import EntityType
from spanmatch.errors import InputError

TYPES = (EntityType(name="person", label="PER"), EntityType(name="city"), EntityType(name="company"))
TEXT = "Ada Lovelace met Bob in New York"
Rows = list[tuple[int, int, int, float]]


def candidates(rows: Rows) -> Candidates:
    """Rows of (start, end, column, logit)."""
    start, end, column, logit = (list(values) for values in zip(*rows, strict=True)) if rows else ([], [], [], [])
    return Candidates(
        start=np.array(start, np.int64),
        end=np.array(end, np.int64),
        column=np.array(column, np.int64),
        logit=np.array(logit, np.float32),
    )


def decode(rows: Rows, overlap: str = "flat") -> list[tuple[int, int, int]]:
    column_of = {item.label: column for column, item in enumerate(TYPES)}
    return [(item.start, item.end, column_of[item.label]) for item in resolve(TEXT, candidates(rows), TYPES, overlap)]


def probabilities(limits: np.ndarray) -> list[float]:
    return [pytest.approx(1 / (1 + math.exp(-limit))) for limit in limits.tolist()]


class TestResolve:
    @pytest.mark.parametrize(
        ("rows", "flat", "nested", "multi_label"),
        [
            pytest.param([], [], [], [], id="nothing"),
            pytest.param([(0, 3, 0, 1.0)], [0], [0], [0], id="one"),
            pytest.param([(4, 12, 1, 1.0), (0, 3, 0, 2.0)], [1, 0], [1, 0], [1, 0], id="apart, in the order of the text"),
            pytest.param([(0, 3, 0, 1.0), (3, 5, 0, 2.0)], [0, 1], [0, 1], [0, 1], id="touching"),
            pytest.param([(0, 12, 0, 2.0), (4, 12, 1, 1.0)], [0], [0, 1], [0, 1], id="contained, at the end"),
            pytest.param([(0, 12, 0, 1.0), (0, 3, 1, 2.0)], [1], [1, 0], [1, 0], id="contained, at the start"),
            pytest.param([(0, 20, 0, 1.0), (4, 12, 0, 2.0)], [1], [0, 1], [0, 1], id="contained, of the same type"),
            pytest.param([(0, 12, 0, 1.0), (4, 20, 0, 2.0)], [1], [1], [0, 1], id="crossing"),
            pytest.param([(4, 20, 0, 1.0), (0, 12, 0, 2.0)], [1], [1], [1, 0], id="crossing the other way"),
            pytest.param([(0, 3, 0, 1.0), (0, 3, 1, 2.0)], [1], [1], [0, 1], id="two types of one span"),
            # The middle one takes both neighbours with it, unless it is the weakest.
            pytest.param([(0, 5, 0, 1.0), (4, 9, 0, 3.0), (8, 12, 0, 2.0)], [1], [1], [0, 1, 2], id="chain"),
            pytest.param([(0, 5, 0, 2.0), (4, 9, 0, 1.0), (8, 12, 0, 3.0)], [0, 2], [0, 2], [0, 1, 2], id="chain, weak middle"),
            # What was itself excluded excludes nothing.
            pytest.param([(0, 5, 0, 3.0), (4, 9, 0, 2.0), (8, 12, 0, 1.0)], [0, 2], [0, 2], [0, 1, 2], id="chain, falling"),
            pytest.param(
                [(0, 12, 0, 1.0), (0, 3, 0, 2.0), (4, 12, 1, 3.0), (0, 12, 2, 0.5)],
                [1, 2],
                [1, 0, 2],
                [1, 0, 3, 2],
                id="three levels",
            ),
        ],
    )
    def test_table(self, rows: Rows, flat: list[int], nested: list[int], multi_label: list[int]) -> None:
        for overlap, kept in (("flat", flat), ("nested", nested), ("multi-label", multi_label)):
            assert decode(rows, overlap) == [rows[index][:3] for index in kept], overlap

    @pytest.mark.parametrize(
        ("rows", "expected"),
        [
            ([(4, 12, 0, 1.0), (0, 5, 0, 1.0)], (0, 5, 0)),  # the earlier
            ([(0, 3, 0, 1.0), (0, 12, 0, 1.0)], (0, 12, 0)),  # then the longer
            ([(0, 3, 2, 1.0), (0, 3, 1, 1.0)], (0, 3, 1)),  # then the first type
        ],
    )
    def test_ties(self, rows: Rows, expected: tuple[int, int, int]) -> None:
        assert decode(rows) == decode(rows[::-1]) == [expected]

    def test_entities(self) -> None:
        [entity] = resolve(TEXT, candidates([(4, 12, 0, 2.0)]), TYPES)
        assert (entity.start, entity.end, entity.label, entity.text) == (4, 12, "PER", "Lovelace")
        assert entity.score == pytest.approx(1 / (1 + math.exp(-2)))

    def test_an_unknown_overlap(self) -> None:
        for ask in (check_overlap, lambda overlap: resolve(TEXT, NOTHING, TYPES, overlap)):
            with pytest.raises(InputError, match=r'unknown overlap "nestd"; did you mean "nested"\?'):
                ask("nestd")

    @given(
        rows=st.lists(
            st.tuples(st.integers(0, 8), st.integers(1, 6), st.integers(0, 2), st.sampled_from([0.5, 1.0, 2.0])),
            max_size=12,
            unique_by=lambda row: row[:3],
        ),
        order=st.randoms(use_true_random=False),
        overlap=st.sampled_from(sorted(OVERLAPS)),
    )
    def test_any_candidates(self, rows: list[Any], order: Any, overlap: str) -> None:
        """The order of the candidates is without effect; what stays does not exclude each other, what goes is excluded."""
        given_rows = [(start, start + length, column, logit) for start, length, column, logit in rows]
        kept = decode(given_rows, overlap)
        shuffled = list(given_rows)
        order.shuffle(shuffled)
        assert decode(shuffled, overlap) == kept
        logits = {row[:3]: row[3] for row in given_rows}
        excludes = OVERLAPS[overlap]
        for one in logits:
            rivals = [other for other in kept if other != one and excludes(*one[:2], *other[:2])]
            if one in kept:
                assert not rivals
            else:
                assert max(logits[other] for other in rivals) >= logits[one]

    def test_merge(self) -> None:
        first, second = candidates([(0, 3, 0, 1.0)]), candidates([(4, 5, 1, 2.0), (6, 7, 0, 3.0)])
        merged = merge([first, NOTHING, second])
        assert merged.start.tolist() == [0, 4, 6] and merged.end.tolist() == [3, 5, 7]
        assert merged.column.tolist() == [0, 1, 0] and merged.logit.tolist() == [1.0, 2.0, 3.0]
        assert merge([first]) is first
        assert len(merge([]).start) == 0


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
        limits = cutoffs(threshold, TYPES, calibration, "bce")
        assert limits.shape == (3,)
        assert probabilities(limits) == expected

    def test_a_half_is_zero(self) -> None:
        assert cutoffs(0.5, TYPES, None, "bce").tolist() == [0.0, 0.0, 0.0]

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
            cutoffs(threshold, TYPES, calibration, "bce")
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
