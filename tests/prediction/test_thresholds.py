"""Thresholds: what is asked for, what a checkpoint can answer, and what then passes."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanmatch.entities import EntityType, normalise
from spanmatch.errors import InputError
from spanmatch.prediction.thresholds import (
    NULL_SLOTS,
    Calibration,
    above,
    check_names,
    cutoffs,
    default_slot,
    default_threshold,
    parse_threshold,
)

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

    @pytest.mark.parametrize("threshold", [np.float32(0.5), np.array(0.5), {"city": np.float64(0.5)}])
    def test_other_numbers(self, threshold: Any) -> None:
        assert cutoffs(threshold, TYPES, None, objective="bce").limits.tolist() == [0.0, 0.0, 0.0]

    def test_a_name_comes_before_a_label(self) -> None:
        """A label that is the name of another type is not that type."""
        types = (EntityType(name="town", label="city"), EntityType(name="city", label="CITY"))
        limits = cutoffs({"city": 0.2}, types, None, objective="bce").limits
        assert probabilities(limits) == [0.5, 0.2]
        calibration = Calibration(threshold=0.4, per_type={"city": 0.7})
        assert probabilities(cutoffs(None, types, calibration, objective="bce").limits) == [0.4, 0.7]
        assert probabilities(cutoffs({"town": 0.2, "city": 0.3}, types, None, objective="bce").limits) == [0.2, 0.3]

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
            (0, None, "give a number above 0 and below 1"),
            (np.float32(1.5), None, "between 0 and 1, got 1.5"),
            (True, None, "must be a number, got 'True' (bool)"),
            (False, CALIBRATION, "must be a number, got 'False' (bool)"),
            ([0.5], None, "must be a number, got '[0.5]' (list)"),
            ({"city": "0.2"}, None, "must be a number, got '0.2' (str)"),
            ({"city": None}, None, "must be a number, got 'None' (NoneType)"),
            ({3: 0.5}, None, "a type that a threshold is given for must be a text (str), got '3' (int)"),
            ("0.5", None, 'unknown threshold "0.5"; it is a text; give the number 0.5'),
            # Two names of one type: neither wins silently.
            ({"city": 0.1, "City": 0.9}, None, 'thresholds for "city" and "City", which are one type; remove one of them'),
            ({"person": 0.1, "PER": 0.9}, CALIBRATION, 'thresholds for "person" and "PER", which are one type'),
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


# Checkpoints by what they can be asked for: what they were trained with, their null slots, their calibration.
CHECKPOINTS: dict[str, tuple[str, tuple[str, ...], Calibration | None]] = {
    "bce": ("bce", (), None),
    "focal, calibrated": ("focal", (), CALIBRATION),
    "contrastive": ("contrastive", ("cls", "label_token"), None),
    "contrastive, cls alone": ("contrastive", ("cls",), None),
    "contrastive, without cls": ("contrastive", ("label_token",), None),
    "contrastive, calibrated": (
        "contrastive",
        ("label_token", "cls"),
        Calibration(threshold=0.4, per_type={"person": 0.7}, slot="label_token"),
    ),
    "contrastive, calibrated on cls": ("contrastive", ("label_token", "cls"), Calibration(threshold=0.4, slot="cls")),
}


def ask(threshold: Any, checkpoint: str) -> tuple[str | None, list[float]]:
    """The null slot, and what the scores of TYPES must exceed in logits."""
    objective, slots, calibration = CHECKPOINTS[checkpoint]
    found = cutoffs(threshold, TYPES, calibration, objective=objective, null_slots=slots)
    assert found.limits.shape == (3,)
    return found.slot, found.limits.tolist()


def logit(probability: float) -> float:
    return math.log(probability / (1 - probability))


class TestNullSlots:
    @pytest.mark.parametrize(
        ("threshold", "checkpoint", "slot", "limits"),
        [
            ("cls", "contrastive", "cls", [0, 0, 0]),
            ("label_token", "contrastive", "label_token", [0, 0, 0]),
            ("cls+0.5", "contrastive", "cls", [0.5, 0.5, 0.5]),
            ("label_token-1", "contrastive", "label_token", [-1, -1, -1]),
            ("cls+1e-3", "contrastive, cls alone", "cls", [0.001, 0.001, 0.001]),
            (" cls ", "contrastive", "cls", [0, 0, 0]),
            # By default the token made for it, where a checkpoint has it.
            (None, "contrastive", "label_token", [0, 0, 0]),
            (None, "contrastive, cls alone", "cls", [0, 0, 0]),
            (None, "contrastive, without cls", "label_token", [0, 0, 0]),
            # A calibration is of one slot, and counts from it; it is the default, and a base for single types.
            (None, "contrastive, calibrated", "label_token", [logit(0.7), logit(0.4), logit(0.4)]),
            ("calibrated", "contrastive, calibrated on cls", "cls", [logit(0.4)] * 3),
            (0.3, "contrastive, calibrated", "label_token", [logit(0.3)] * 3),
            (0.3, "contrastive, calibrated on cls", "cls", [logit(0.3)] * 3),
            ({"city": 0.2}, "contrastive, calibrated", "label_token", [logit(0.7), logit(0.2), logit(0.4)]),
            # A slot that is asked for by name is the slot alone, calibrated or not, and whichever was calibrated.
            ("label_token", "contrastive, calibrated on cls", "label_token", [0, 0, 0]),
            ("cls-2", "contrastive, calibrated", "cls", [-2, -2, -2]),
            (0.5, "bce", None, [0, 0, 0]),
            (None, "focal, calibrated", None, [logit(0.7), logit(0.4), logit(0.4)]),
        ],
    )
    def test_table(self, threshold: Any, checkpoint: str, slot: str | None, limits: list[float]) -> None:
        assert ask(threshold, checkpoint) == (slot, pytest.approx(limits))

    @pytest.mark.parametrize(
        ("threshold", "checkpoint", "message"),
        [
            ("cls", "bce", 'threshold "cls" needs a null slot, and this checkpoint, trained with "bce", has none'),
            ("label_token+1", "bce", 'threshold "label_token" needs a null slot'),
            ("cls", "focal, calibrated", 'trained with "focal", has none; give a number or calibrate'),
            (0.5, "contrastive", 'trained with "contrastive" and not calibrated: use "label_token", or run spanmatch calibrate'),
            (0.5, "contrastive, cls alone", 'not calibrated: use "cls", or run spanmatch calibrate'),
            ({"city": 0.2}, "contrastive", "a number is no threshold of this checkpoint"),
            ({}, "contrastive", "a number is no threshold of this checkpoint"),
            ("calibrated", "contrastive", 'threshold "calibrated", but the checkpoint is not; run "spanmatch calibrate"'),
            ("cls", "contrastive, without cls", '"cls": this checkpoint has no such null slot'),
            ("cls+1", "contrastive, without cls", 'use "label_token"'),
            ("label_token", "contrastive, cls alone", 'use "cls"'),
            ("cls+x", "contrastive", 'threshold "cls+x": the margin is no number; write "cls+0.5"'),
            ("cls+inf", "contrastive", 'threshold "cls+inf": the margin is no number'),
            ("label_token-nan", "contrastive", 'the margin is no number; write "label_token+0.5"'),
            ("cls--1", "contrastive", "the margin is no number"),
            ("cls+", "contrastive", 'unknown threshold "cls+"; did you mean "cls"?'),
            ("clss", "contrastive", 'unknown threshold "clss"; did you mean "cls"?'),
            ("label-token", "contrastive", 'did you mean "label_token"?'),
            (1.5, "contrastive, calibrated", "between 0 and 1, got 1.5"),
        ],
    )
    def test_refused(self, threshold: Any, checkpoint: str, message: str) -> None:
        with pytest.raises(InputError) as caught:
            ask(threshold, checkpoint)
        assert message in str(caught.value)

    def test_what_is_offered_is_taken(self) -> None:
        """The remedy that a refusal names must not be refused in turn."""
        with pytest.raises(InputError) as caught:
            ask("calibrated", "contrastive")
        assert "give a number" not in str(caught.value)

    @pytest.mark.parametrize("checkpoint", CHECKPOINTS)
    def test_the_default_can_be_asked_for(self, checkpoint: str) -> None:
        _, slots, calibration = CHECKPOINTS[checkpoint]
        assert ask(default_threshold(calibration, default_slot(slots)), checkpoint) == ask(None, checkpoint)

    @pytest.mark.parametrize(
        ("slots", "expected"),
        [((), None), (("cls",), "cls"), (("label_token",), "label_token"), (("cls", "label_token"), "label_token")],
    )
    def test_the_default_slot(self, slots: tuple[str, ...], expected: str | None) -> None:
        assert default_slot(slots) == expected
        assert default_threshold(None, expected) == (expected or 0.5)
        assert default_threshold(CALIBRATION, expected) == "calibrated"

    @given(probability=st.floats(1e-12, 1 - 1e-12), checkpoint=st.sampled_from(sorted(CHECKPOINTS)))
    def test_above_a_probability(self, probability: float, checkpoint: str) -> None:
        """Every checkpoint answers it, calibrated or not, and counts from the slot that a calibration would be of."""
        _, slots, _ = CHECKPOINTS[checkpoint]
        slot, limits = ask(above(probability, default_slot(slots)), checkpoint)
        assert slot == default_slot(slots)
        assert limits == pytest.approx([logit(probability)] * 3, abs=1e-6)


class TestCommandLine:
    @pytest.mark.parametrize(
        ("given", "expected"),
        [
            ("0.3", 0.3),
            (" 0.3 ", 0.3),
            ("1e-2", 0.01),
            ("calibrated", "calibrated"),
            ("cls", "cls"),
            ("cls+0.5", "cls+0.5"),
            ("label_token-1", "label_token-1"),
            ("person=0.4", {"person": 0.4}),
            ("person=0.4,date=0.2", {"person": 0.4, "date": 0.2}),
            (" person = 0.4 , job title=.2 ", {"person": 0.4, "job title": 0.2}),
            # A name with a sign of equality in it: the last one is ours.
            ("a=b=0.3", {"a=b": 0.3}),
            # Types that are called like a slot.
            ("cls=0.3", {"cls": 0.3}),
        ],
    )
    def test_read(self, given: str, expected: object) -> None:
        assert parse_threshold(given) == expected

    @pytest.mark.parametrize(
        ("given", "message"),
        [
            ("half", '"half" is neither a number'),
            ("", '"" is neither a number'),
            ("cls+", '"cls+" is neither a number'),
            ("clss", '"clss" is neither a number'),
            ("cls+x", '"cls+x": the margin is no number; write "cls+0.5"'),
            ("cls+inf", '"cls+inf": the margin is no number'),
            ("person=", '"person=" is neither a number'),
            ("person=high", '"person=high" is neither a number'),
            ("person=0.4,date", '"person=0.4,date": "date" names no type'),
            ("person=0.4,", '"person=0.4,": "" names no type'),
            ("person=0.4;city=0.2", 'threshold for "person=0.4;city", which is not asked for'),
            # Not a type without a name, nor one of two values of one type, silently.
            ("=0.3", '"=0.3"'),
            ("person=0.4, =0.3", '"person=0.4, =0.3"'),
            ("person=0.4,person=0.5", '"person=0.4,person=0.5"'),
            ("person=0.4,PER=0.5", 'thresholds for "person" and "PER", which are one type'),
            # Before anything is loaded.
            ("0", "between 0 and 1, got 0.0; give a number above 0 and below 1"),
            ("1", "between 0 and 1, got 1.0"),
            ("-0.5", "between 0 and 1, got -0.5"),
            ("nan", "between 0 and 1, got nan"),
            ("inf", "between 0 and 1, got inf"),
            ("50%", '"50%" is neither a number'),
            ("0,5", '"0,5" is neither a number'),
            ("True", '"True" is neither a number'),
            ("person=0", "between 0 and 1, got 0.0"),
            ("person=0.4,Person=0.5", '"person=0.4,Person=0.5"'),
        ],
    )
    def test_refused(self, given: str, message: str) -> None:
        with pytest.raises(InputError) as caught:
            check_names(parse_threshold(given), TYPES)
        assert message in str(caught.value)

    @given(
        st.dictionaries(
            st.text("abcdefgh =_-", min_size=1).map(str.strip).filter(bool), st.floats(0.001, 0.999), min_size=1, max_size=4
        )
    )
    def test_written_is_read(self, per_type: dict[str, float]) -> None:
        if len({normalise(name) for name in per_type}) == len(per_type):
            assert parse_threshold(",".join(f"{name}={value}" for name, value in per_type.items())) == per_type

    @pytest.mark.parametrize("slot", NULL_SLOTS)
    @pytest.mark.parametrize("margin", ["", "+1", "-0.25"])
    def test_a_slot_is_left_as_it_is(self, slot: str, margin: str) -> None:
        assert parse_threshold(slot + margin) == slot + margin


class TestNames:
    @pytest.mark.parametrize("name", ["person", "PER", "Person", " per", "CITY", "city "])
    def test_known(self, name: str) -> None:
        """By name or by label, however it is written: what is accepted is what `cutoffs` finds."""
        check_names({name: 0.9}, TYPES)
        limits = cutoffs({name: 0.9}, TYPES, None, objective="bce").limits
        assert limits.tolist().count(pytest.approx(logit(0.9))) == 1

    @pytest.mark.parametrize("name", ["persons", "human being", "", "person=0.3"])
    def test_unknown(self, name: str) -> None:
        with pytest.raises(InputError, match="which is not asked for"):
            check_names({name: 0.9}, TYPES)

    @pytest.mark.parametrize("threshold", [None, 0.3, "cls", "calibrated", {}])
    def test_nothing_is_named(self, threshold: Any) -> None:
        check_names(threshold, TYPES)


class TestCalibration:
    def test_names_are_normalised(self, tmp_path: Path) -> None:
        """... of a file that somebody wrote by hand; of two names of one type neither wins."""
        content = {"threshold": 0.4, "per_type": {"Product_Name": 0.7}}
        (tmp_path / "thresholds.json").write_text(json.dumps(content), encoding="utf-8")
        loaded = Calibration.load(tmp_path)
        assert loaded is not None and loaded.per_type == {"product name": 0.7}
        content["per_type"] = {"Product_Name": 0.7, "product name": 0.1}
        (tmp_path / "thresholds.json").write_text(json.dumps(content), encoding="utf-8")
        with pytest.raises(InputError, match=r"thresholds\.json: .*\"Product_Name\" and \"product name\", which are one type"):
            Calibration.load(tmp_path)

    def test_saved_is_loaded(self, tmp_path: Path) -> None:
        calibration = Calibration(threshold=1 / 3, per_type={"città": 0.1, "person": 0.7}, source="dev.jsonl", f1=0.5)
        calibration.save(tmp_path)
        assert Calibration.load(tmp_path) == calibration

    def test_with_its_slot(self, tmp_path: Path) -> None:
        Calibration(threshold=0.4, slot="cls").save(tmp_path)
        loaded = Calibration.load(tmp_path)
        assert loaded is not None and loaded.slot == "cls"

    def test_a_checkpoint_that_was_never_calibrated(self, tmp_path: Path) -> None:
        assert Calibration.load(tmp_path) is None

    @pytest.mark.parametrize(
        "content",
        [
            *("{", "[]", '"0.5"', "null", '{"threshold": 0.5, "other": 1}', '{"per_type": {}}', '{"threshold": "0.5"}'),
            *('{"threshold": NaN}', '{"threshold": 1}', '{"threshold": [0.5]}', '{"threshold": true}', '{"threshold": null}'),
            *('{"threshold": 0.5, "per_type": ["a"]}', '{"threshold": 0.5, "per_type": {"a": "0.2"}}'),
            *('{"threshold": 0.5, "per_type": {"a": NaN}}', '{"threshold": 0.5, "source": 3}', '{"threshold": 0.5, "f1": "1"}'),
            *('{"threshold": 0.5, "slot": "cls+1"}', '{"threshold": 0.5, "slot": ["cls"]}', '{"threshold": 0.5, "source": "é"}'),
        ],
    )
    def test_a_broken_file(self, content: str, tmp_path: Path) -> None:
        (tmp_path / "thresholds.json").write_text(content, encoding="latin-1")
        with pytest.raises(InputError, match=r"^[^\n]*thresholds\.json:[^\n]*(run spanmatch calibrate|save the file as UTF-8)$"):
            Calibration.load(tmp_path)
