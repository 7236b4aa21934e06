"""Evaluation as a user starts it, with predictions that are known exactly: counts by hand, in both formats."""

import json
from pathlib import Path
from typing import Any

import datasets
import pytest
from helpers_e2e import write_jsonl
from helpers_evaluation import ROWS, recount, run

from spanmatch.model.bert import Bert

# Gold: 2 + 1 + 2 + 4 + 1 + 1. Right: both of the first, the outer of the nested, three of the long text, one of the fifth.
# Wrong: Paris in the fifth, "Adas", Globex. Missed: too wide, inner of the nested, Hooli, "Ada".
NUM_GOLD, TRUE_POSITIVES, FALSE_POSITIVES, FALSE_NEGATIVES = 11, 7, 3, 4


@pytest.mark.parametrize("format", ["text", "tokens"])
@pytest.mark.parametrize("batch_size", [1, 3, 32])
@pytest.mark.usefixtures("oracle")
class TestCountsByHand:
    def test_flat(self, checkpoint: Path, tmp_path: Path, format: str, batch_size: int) -> None:
        file = write_jsonl(tmp_path / "rows.jsonl", ROWS)
        flags = ["--threshold", 0.5, "--evaluation_format", format, "--batch_size", batch_size]
        metrics, lines, result = run(checkpoint, file, tmp_path / "out", *flags)
        assert metrics["num_examples"] == len(ROWS)
        assert metrics["num_gold"] == NUM_GOLD
        assert metrics["num_predicted"] == TRUE_POSITIVES + FALSE_POSITIVES
        precision, recall = TRUE_POSITIVES / (TRUE_POSITIVES + FALSE_POSITIVES), TRUE_POSITIVES / NUM_GOLD
        assert metrics["micro"]["precision"] == pytest.approx(precision, abs=1e-12)
        assert metrics["micro"]["recall"] == pytest.approx(recall, abs=1e-12)
        assert metrics["micro"]["f1"] == pytest.approx(2 * precision * recall / (precision + recall), abs=1e-12)
        assert {name: (row["support"], row["predicted"]) for name, row in metrics["per_type"].items()} == {
            "city": (3, 3),  # Paris, Cape Town; Paris in the fifth text is no gold, the inner Paris is not predicted
            "company": (3, 2),
            "person": (5, 5),
        }
        assert metrics["macro"]["f1"] == pytest.approx((2 * 2 / 6 + 2 * 1 / 5 + 2 * 4 / 10) / 3, abs=1e-12)
        # No flat prediction holds both the outer and the inner span.
        assert metrics["recall_ceiling"] == pytest.approx((NUM_GOLD - 1) / NUM_GOLD, abs=1e-12)
        assert f"recall ceiling of flat predictions on this gold: {(NUM_GOLD - 1) / NUM_GOLD:.4f}" in result.out
        assert metrics["num_unrepresentable_gold"] == 2
        assert "2 of 11 gold spans have no candidate (1 off a boundary, 1 too wide: 7 units: 1): counted as misses" in result.out
        assert recount(lines) == (TRUE_POSITIVES, TRUE_POSITIVES + FALSE_POSITIVES, NUM_GOLD)
        assert "seqeval" not in result.out and "seqeval" not in metrics  # there are no tags for nested gold

    def test_nested(self, checkpoint: Path, tmp_path: Path, format: str, batch_size: int) -> None:
        file = write_jsonl(tmp_path / "rows.jsonl", ROWS)
        flags = ["--threshold", 0.5, "--evaluation_format", format, "--batch_size", batch_size, "--overlap", "nested"]
        metrics, lines, _ = run(checkpoint, file, tmp_path / "out", *flags)
        assert recount(lines) == (TRUE_POSITIVES + 1, TRUE_POSITIVES + FALSE_POSITIVES + 1, NUM_GOLD)
        assert "recall_ceiling" not in metrics


@pytest.mark.usefixtures("oracle")
class TestOptions:
    @pytest.mark.parametrize("format", ["text", "tokens"])
    def test_a_report(self, checkpoint: Path, tmp_path: Path, format: str) -> None:
        """The page says what the files say, also of the entity that was only half found."""
        file, page = write_jsonl(tmp_path / "rows.jsonl", ROWS), tmp_path / "pages" / "report.html"
        metrics, _, _ = run(checkpoint, file, tmp_path / "out", "--evaluation_format", format, "--report", page)
        html = page.read_text(encoding="utf-8")
        assert html.startswith("<!DOCTYPE html>") and html.count("<svg") >= 2
        for label, counts in metrics["per_type"].items():
            assert label in html and f"{counts['f1']:.3f}" in html

    def test_the_threshold_is_exceeded_not_met(self, checkpoint: Path, tmp_path: Path) -> None:
        file = write_jsonl(tmp_path / "rows.jsonl", ROWS[2:3])
        flags = ["--overlap", "multi-label", "--threshold"]
        low, high = (1 / (1 + 2.718281828459045**-logit) for logit in (8.9, 9.1))
        assert run(checkpoint, file, tmp_path / "low", *flags, low)[0]["num_predicted"] == 2
        assert run(checkpoint, file, tmp_path / "high", *flags, high)[0]["num_predicted"] == 1

    @pytest.mark.parametrize("overlap", ["flat", "nested", "multi-label"])
    def test_a_type_that_is_listed_twice_is_found_once(self, overlap: str, checkpoint: Path, tmp_path: Path) -> None:
        """... and an entity with two spellings of its type is one."""
        flags = ["--overlap", overlap, "--threshold", 0.5]
        once, lines, _ = run(checkpoint, write_jsonl(tmp_path / "once.jsonl", ROWS), tmp_path / "once", *flags)
        twice = [
            row
            | {"labels": ["person", *row["labels"], "company", "person_"]}
            | {"char_spans": [*row["char_spans"], *(span | {"label": f"{span['label']}_"} for span in row["char_spans"])]}
            for row in ROWS
        ]
        metrics, found, _ = run(checkpoint, write_jsonl(tmp_path / "twice.jsonl", twice), tmp_path / "twice", *flags)
        assert metrics | {"file": ""} == once | {"file": ""}
        assert found == lines and sum(len(line["predicted"]) for line in lines) > 9

    @pytest.mark.parametrize("count", [1, 3])
    def test_the_types_of_the_whole_file_are_asked_for(self, count: int, checkpoint: Path, tmp_path: Path) -> None:
        rows = [{key: value for key, value in row.items() if key != "labels"} for row in (ROWS[0], *ROWS)]
        rows[0]["text"], rows[0]["tokens"], rows[0]["char_spans"] = "Globex was there .", ["Globex", "was", "there", "."], []
        file = write_jsonl(tmp_path / "rows.jsonl", rows)
        _, whole, _ = run(checkpoint, file, tmp_path / "whole")
        metrics, lines, _ = run(checkpoint, file, tmp_path / "few", "--max_samples", count)
        assert sorted(metrics["per_type"]) == ["city", "company", "person"]
        assert lines == whole[:count] and lines[0]["predicted"]

    def test_the_first_samples_only(self, checkpoint: Path, tmp_path: Path) -> None:
        file = write_jsonl(tmp_path / "rows.jsonl", ROWS)
        metrics, lines, _ = run(checkpoint, file, tmp_path / "out", "--threshold", 0.5, "--max_samples", 3)
        assert (metrics["num_examples"], metrics["num_gold"], len(lines)) == (3, 5, 3)
        assert recount(lines) == (3, 3, 5)

    def test_entity_types_are_what_is_asked_and_scored(self, checkpoint: Path, tmp_path: Path) -> None:
        file = write_jsonl(tmp_path / "rows.jsonl", ROWS)
        types = tmp_path / "types.json"
        types.write_text(json.dumps({"person": "a human", "city": "a town", "river": "water"}), encoding="utf-8")
        metrics, lines, _ = run(checkpoint, file, tmp_path / "out", "--threshold", 0.5, "--entity_types", types)
        assert list(metrics["per_type"]) == ["city", "person", "river"]
        assert metrics["num_gold"] == 8  # the three companies are unknown, not missed
        assert {item["label"] for line in lines for item in [*line["gold"], *line["predicted"]]} == {"city", "person"}
        # Without the company around it, the inner Paris is found.
        assert recount(lines) == (7, 9, 8)


@pytest.mark.usefixtures("oracle")
class TestSources:
    def test_dataset_dict_is_like_jsonl(self, checkpoint: Path, tmp_path: Path) -> None:
        file = write_jsonl(tmp_path / "rows.jsonl", ROWS)
        datasets.disable_progress_bars()
        splits = datasets.DatasetDict({"train": datasets.Dataset.from_list(ROWS[:1]), "dev": datasets.Dataset.from_list(ROWS)})
        splits.save_to_disk(str(tmp_path / "dataset"))
        for format in ("text", "tokens"):
            flags = ["--threshold", 0.5, "--evaluation_format", format]
            expected, expected_lines, _ = run(checkpoint, file, tmp_path / f"jsonl_{format}", *flags)
            metrics, lines, _ = run(checkpoint, tmp_path / "dataset", tmp_path / f"dataset_{format}", *flags)
            assert lines == expected_lines
            assert metrics | {"file": ""} == expected | {"file": ""}
        metrics, _, _ = run(checkpoint, tmp_path / "dataset", tmp_path / "train", "--threshold", 0.5, "--split", "train")
        assert metrics["num_examples"] == 1

    def test_class_labels(self, checkpoint: Path, tmp_path: Path) -> None:
        names = ["O", "B-PER", "I-PER", "B-city", "I-city", "B-LOC"]
        features = datasets.Features(
            {"tokens": datasets.List(datasets.Value("string")), "ner_tags": datasets.List(datasets.ClassLabel(names=names))}
        )
        rows = {"tokens": [ROWS[0]["tokens"], ["Nobody"]], "ner_tags": [[1, 2, 0, 0, 3, 0], [0]]}
        datasets.disable_progress_bars()
        datasets.DatasetDict({"test": datasets.Dataset.from_dict(rows, features=features)}).save_to_disk(
            str(tmp_path / "dataset")
        )
        flags = ["--threshold", 0.5, "--evaluation_format", "tokens"]
        metrics, lines, result = run(checkpoint, tmp_path / "dataset", tmp_path / "out", *flags)
        # The tag PER is asked for as "person", and results carry the tag; LOC is asked for without gold.
        assert list(metrics["per_type"]) == ["LOC", "PER", "city"]
        assert [(item["start"], item["end"], item["label"]) for item in lines[0]["predicted"]] == [(0, 2, "PER"), (4, 5, "city")]
        assert recount(lines) == (2, 2, 2)
        assert "seqeval (strict, IOB2): precision 1.0000, recall 1.0000, f1 1.0000" in result.out

    def test_seqeval_agrees_on_flat_gold(self, checkpoint: Path, tmp_path: Path) -> None:
        flat = [row for index, row in enumerate(ROWS) if index not in {2, 7}]
        file = write_jsonl(tmp_path / "rows.jsonl", flat)
        flags = ["--threshold", 0.5, "--evaluation_format", "tokens"]
        metrics, _, result = run(checkpoint, file, tmp_path / "out", *flags)
        assert metrics["micro"]["f1"] == pytest.approx(2 * 6 / (8 + 8), abs=1e-12)
        for name in ("precision", "recall", "f1"):
            assert metrics["seqeval"][name] == pytest.approx(metrics["micro"][name], abs=1e-12)
        shown = ", ".join(f"{name} {metrics['micro'][name]:.4f}" for name in ("precision", "recall", "f1"))
        assert f"seqeval (strict, IOB2): {shown}" in result.out

    def test_tags_and_spans_of_tokens_are_one(self, checkpoint: Path, tmp_path: Path) -> None:
        tokens = ROWS[0]["tokens"]
        tags = {"tokens": tokens, "tags": ["I-person", "I-person", "O", "O", "S-city", "O"]}
        spans = [{"start": 0, "end": 2, "label": "person"}, {"start": 4, "end": 5, "label": "city"}]
        for format in ("text", "tokens"):
            found = []
            for name, row in (("tags", tags), ("spans", {"tokens": tokens, "token_spans": spans})):
                file = write_jsonl(tmp_path / f"{name}.jsonl", [row])
                flags = ["--threshold", 0.5, "--evaluation_format", format]
                metrics, lines, _ = run(checkpoint, file, tmp_path / f"{name}_{format}", *flags)
                assert metrics["micro"]["f1"] == 1.0
                found.append(lines)
            assert found[0] == found[1]


def test_a_report_needs_no_second_pass(checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every pass over the model is a call of its encoders."""
    num_calls = 0
    real = Bert.forward

    def counting(self: Bert, *given: Any, **named: Any) -> Any:
        nonlocal num_calls
        num_calls += 1
        return real(self, *given, **named)

    monkeypatch.setattr(Bert, "forward", counting)
    file, calls = write_jsonl(tmp_path / "rows.jsonl", ROWS), []
    for name, flags in (("bare", []), ("reported", ["--report", tmp_path / "report.html"])):
        num_calls = 0
        run(checkpoint, file, tmp_path / name, "--batch_size", 3, *flags)
        calls.append(num_calls)
    assert (tmp_path / "report.html").is_file()
    assert calls[1] == calls[0] > 0
