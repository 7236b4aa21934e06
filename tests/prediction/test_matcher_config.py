"""Reading the configuration and the thresholds of a folder, without torch. What is wrong with them is in test_checkpoint.py."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from helpers_e2e import read_json

from spanmatch.errors import InputError
from spanmatch.prediction.matcher import SpanMatcher
from spanmatch.prediction.matcher_config import read_calibration, read_matcher_config
from spanmatch.prediction.thresholds import Calibration


def test_what_was_written(tiny_matcher: SpanMatcher, tmp_path: Path) -> None:
    tiny_matcher.save_pretrained(tmp_path)
    config = read_matcher_config(tmp_path)
    assert config == tiny_matcher.config and read_calibration(tmp_path, config) is None


def test_further_keys(tiny_matcher: SpanMatcher, tmp_path: Path) -> None:
    tiny_matcher.save_pretrained(tmp_path)
    values = read_json(tmp_path / "config.json") | {"onnx": {}, "tagger": "onnx"}
    (tmp_path / "config.json").write_text(json.dumps(values), encoding="utf-8")
    assert read_matcher_config(tmp_path, further=("onnx",)) == tiny_matcher.config
    with pytest.raises(InputError, match=r"unknown keys \['onnx'\]"):
        read_matcher_config(tmp_path)


def test_thresholds_of_another_matcher(tiny_matcher: SpanMatcher, tmp_path: Path) -> None:
    calibration = Calibration(threshold=0.5, slot="cls")
    calibration.save(tmp_path)
    with pytest.raises(InputError, match='above the null slot "cls", which this checkpoint has not'):
        read_calibration(tmp_path, tiny_matcher.config)
    assert read_calibration(tmp_path, replace(tiny_matcher.config, null_slots={"cls": 0})) == calibration
