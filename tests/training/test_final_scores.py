"""The evaluation at the end of a training: its files, and the threshold that they name."""

import json
from pathlib import Path

import pytest
from helpers_e2e import sentences, write_jsonl

from spanmatch.data.corpus import read_corpus
from spanmatch.prediction.matcher import SpanMatcher
from spanmatch.prediction.thresholds import Calibration
from spanmatch.training.arguments import DataArguments, MatcherTrainingArguments
from spanmatch.training.final_scores import final_scores


def test_files_and_threshold(tiny_matcher: SpanMatcher, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    corpus = read_corpus(str(write_jsonl(tmp_path / "test.jsonl", sentences(6))))
    training = MatcherTrainingArguments(output_dir=str(tmp_path / "out"), report_to="none", disable_tqdm=True)
    for calibration, threshold in ((None, 0.5), (Calibration(threshold=0.4), "calibrated")):
        tiny_matcher.calibration = calibration
        metrics = final_scores(tiny_matcher, corpus, DataArguments(), training, tmp_path / "out" / "test")
        stored = json.loads((tmp_path / "out" / "test" / "metrics.json").read_text())
        assert stored["threshold"] == threshold and stored["micro"]["f1"] == metrics.micro.f1
        assert len((tmp_path / "out" / "test" / "predictions.jsonl").read_text().splitlines()) == 6
        assert capsys.readouterr().out.startswith("\ntest\n")
