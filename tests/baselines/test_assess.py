"""The assessment: its formulas by hand, its rows, and a submission that a bare transformers script loads."""

import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from helpers_compare import Steps, steps
from helpers_e2e import offline_environment, read_json, read_jsonl, sentences, spanmatch, write_jsonl

from spanmatch.baselines.assess import OUTSIDE, SUBMITTED, Scores, assessment, score_table, scores_of
from spanmatch.baselines.assess_options import AssessOptions
from spanmatch.evaluation.comparison import Costs, RowResult

__all__ = ["steps"]  # a fixture

# What a receiver of the zip may run: it knows nothing of spanmatch.
BARE = """
import sys
from transformers import pipeline
found = pipeline("ner", model="submission/model", aggregation_strategy="first")("Bob works for Globex in Lima .")
print([(item["word"].lower(), item["entity_group"]) for item in found], "spanmatch" in sys.modules)
"""


@pytest.mark.parametrize(
    ("ood", "own", "share", "latency", "final"),
    [(0.8, 0.95, 0.5, 0.5, 80.0), (1.0, 1.0, 1.25, 1.0, 100.0), (0.0, 0.0, 0.1, 0.1, 1.0), (0.5, 1.0, 1.0, 1.0, 65.0)],
)
def test_scores_by_hand(ood: float, own: float, share: float, latency: float, final: float) -> None:
    """0.7 * 0.8 + 0.2 * 0.95 + 0.1 * 0.5 = 0.56 + 0.19 + 0.05 = 0.8, and so on."""
    tests = {"i": {"macro": {"f1": own}}, "o": {"macro": {"f1": ood}}}
    result = RowResult(name="a", method="token", settings={}, tests=tests, costs=Costs(encoder_share=share))
    scores = scores_of(result, "i", "o")
    assert scores.latency_score == pytest.approx(latency) and scores.final_score == pytest.approx(final)


def test_a_score_is_missing_where_a_part_is() -> None:
    assert Scores(macro_f1_id=1.0, macro_f1_ood=None, latency_score=1.0).final_score is None
    result = RowResult(name="a", method="prompted", settings={}, tests={"i": {"macro": {"f1": 1.0}}})
    assert scores_of(result, "i", None).latency_score is None
    assert score_table([(result, scores_of(result, "i", None))]).rows == [["a", "1.0000", "–", "–", "–"]]


def own_data(folder: Path) -> dict[str, Path]:
    """A pair in the form of the assessment: tokens with tags."""
    files = {}
    names = {"train_file": "product_ner_train", "test_id_file": "product_ner_test_id", "test_ood_file": "product_ner_test_ood"}
    for number, (flag, name) in enumerate(names.items()):
        rows = []
        for row in sentences(160 if number == 0 else 20, seed=number):
            tokens = row["text"].split(" ")
            tags, end = [], -1
            for token in tokens:
                start, end = end + 1, end + 1 + len(token)
                span = next((item for item in row["char_spans"] if item["start"] <= start < item["end"]), None)
                tags.append("O" if span is None else f"{'B' if span['start'] == start else 'I'}-{span['label']}")
            rows.append({"tokens": tokens, "tags": tags})
        files[flag] = write_jsonl(folder / f"{name}.jsonl", rows)
    return files


def flags_of(files: dict[str, Any]) -> list[object]:
    return [part for name, value in files.items() for part in (f"--{name}", value)]


def test_from_end_to_end(tiny_encoder: Path, steps: Steps, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flags = [*flags_of(own_data(tmp_path)), "--model", tiny_encoder, "--learning_rate", "3e-3", "--output_dir", tmp_path / "out"]
    result = spanmatch("assess", *flags, "--classifier_only", "--augment", "swap", "--augment", "case", "--format", "tokens")
    assert result.status == 0, result.err
    assert steps.done == ["token token-classifier", "evaluate token-classifier"]
    assert len(read_jsonl(tmp_path / "out" / "augmented" / "swap-case-160-0.jsonl")) > 160
    assert "submission.zip: " in result.out and result.out.rstrip().endswith("points")
    report = (tmp_path / "out" / "report.md").read_text(encoding="utf-8")
    assert "## Assessment" in report and "outside the rules" in report
    with zipfile.ZipFile(tmp_path / "out" / "submission.zip") as packed:
        packed.extractall(tmp_path)
    results = read_json(tmp_path / "submission" / "results.json")
    row = RowResult.load(tmp_path / "out" / "rows" / "token-classifier.json")
    assert results["macro_f1_id"] == row.tests["product_ner_test_id"]["macro"]["f1"] > 0.8
    final = 100 * (0.7 * results["macro_f1_ood"] + 0.2 * results["macro_f1_id"] + 0.1 * results["latency_score"])
    assert results["final_score"] == pytest.approx(final) and "augmentation: swap, case" in results["notes"]
    environment = {name: value for name, value in offline_environment().items() if name != "PYTHONPATH"}
    ended = subprocess.run(
        [sys.executable, "-c", BARE], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.strip() == "[('bob', 'person'), ('globex', 'company'), ('lima', 'city')] False"


def test_rows(tmp_path: Path) -> None:
    files = {name: str(path) for name, path in own_data(tmp_path).items()}
    validation = str(write_jsonl(tmp_path / "validation.jsonl", sentences(10)))
    options = AssessOptions(**files, validation_file=validation, ablation=True, output_dir=str(tmp_path / "out"))
    comparison = assessment(options)
    names = [row.name for row in comparison.rows]
    assert names[0] == SUBMITTED and names[-1] == OUTSIDE and "outside the rules" in OUTSIDE
    assert names[1:7] == [f"{SUBMITTED}, {what}" for what in ("plain", "swap", "case", "order", "all three", "early stopping")]
    by_name = {row.name: row for row in comparison.rows}
    assert by_name[f"{SUBMITTED}, early stopping"].settings["early_stopping_patience"] == 1
    assert by_name[f"{SUBMITTED}, plain"].settings["eval_strategy"] == "no"
    assert "max_length" not in by_name[OUTSIDE].settings and by_name[OUTSIDE].settings["pretrained_model_name_or_path"]
    keys = comparison.settings_of(by_name[SUBMITTED], None)
    assert (keys["num_train_epochs"], keys["per_device_train_batch_size"], keys["max_length"]) == (4, 16, 128)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--num_train_epochs", 5], "allows at most 4"),
        (["--augment", "rotate"], "invalid choice: 'rotate'"),
        (
            ["--train_file", "nowhere.jsonl", "--test_id_file", "nowhere.jsonl", "--augment", "swap"],
            "nowhere.jsonl: no such file",
        ),
    ],
)
def test_bad_input(flags: list[object], message: str, steps: Steps, tmp_path: Path) -> None:
    result = spanmatch("assess", *flags, "--output_dir", tmp_path / "out")
    assert result.status == 2 and message in result.err
    assert steps.done == [] and not (tmp_path / "out").exists()
