"""Evaluation from file to metrics.json, with predictions that are known exactly: counts by hand, in both formats."""

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import datasets
import pytest
import torch
from helpers_e2e import (
    Result,
    evaluate,
    read_json,
    read_jsonl,
    sentences,
    spanmatch,
    trained_checkpoint,
    write_jsonl,
    write_tiny_encoder,
)

from spanmatch.batching.collate import TextBatch
from spanmatch.batching.views import View
from spanmatch.entities import EntityType
from spanmatch.model.devices import native_dtype
from spanmatch.model.model import SpanMatcherModel
from spanmatch.prediction import matcher as predictor
from spanmatch.prediction.decoding import Candidates
from spanmatch.prediction.matcher import SpanMatcher
from spanmatch.prediction.type_encoder import TypeEncoder

Wanted = Mapping[str, Mapping[tuple[str, str], float]]
TYPES = ["city", "company", "person"]
LONG = "Ada Lovelace slept . " + "It rained again in Hooli . " * 30 + "Bob met Eva Novak in Cape Town"


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Candidates of at most four words, a window of 64 subwords."""
    folder = tmp_path_factory.mktemp("evaluation")
    return trained_checkpoint(folder / "checkpoint", write_tiny_encoder(folder / "encoder"))


def example(text: str, *gold: tuple[str, str]) -> dict[str, Any]:
    """A record with spans given by their surface (its last occurrence)."""
    found = [
        {"start": text.rindex(surface), "end": text.rindex(surface) + len(surface), "label": label} for surface, label in gold
    ]
    return {"text": text, "tokens": text.split(), "char_spans": found, "labels": TYPES}


# What each text has, and what the model is made to score above zero (surface, label: logit), in words of the comment.
ROWS = [
    example("Ada Lovelace moved to Paris .", ("Ada Lovelace", "person"), ("Paris", "city")),
    example("The Acme Works of New York City hired .", ("The Acme Works of New York City", "company")),  # seven words: too wide
    example("Acme Corp Paris hired .", ("Acme Corp Paris", "company"), ("Paris", "city")),  # nested
    example(LONG, ("Ada Lovelace", "person"), ("Hooli", "company"), ("Eva Novak", "person"), ("Cape Town", "city")),  # windows
    example("Ada Lovelace moved to Paris .", ("Ada Lovelace", "person")),  # the first text again, with less gold
    example(""),
    example(" \n "),
    example("Adas hat", ("Ada", "person")),  # off the boundary of a word
    example("Nobody was there ."),
    example("Globex was there ."),
]
WANTED: Wanted = {
    "Ada Lovelace moved to Paris .": {("Ada Lovelace", "person"): 10, ("Paris", "city"): 10},
    "The Acme Works of New York City hired .": {("The Acme Works of New York City", "company"): 10},
    "Acme Corp Paris hired .": {("Acme Corp Paris", "company"): 10, ("Paris", "city"): 9},
    LONG: {("Ada Lovelace", "person"): 10, ("Eva Novak", "person"): 10, ("Cape Town", "city"): 10},
    "Adas hat": {("Adas", "person"): 10},
    "Globex was there .": {("Globex", "company"): 10},
}
# Gold: 2 + 1 + 2 + 4 + 1 + 1. Right: both of the first, the outer of the nested, three of the long text, one of the fifth.
# Wrong: Paris in the fifth, "Adas", Globex. Missed: too wide, inner of the nested, Hooli, "Ada".
NUM_GOLD, TRUE_POSITIVES, FALSE_POSITIVES, FALSE_NEGATIVES = 11, 7, 3, 4


@pytest.fixture
def oracle(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model whose logits are those of WANTED, else -10. Windows, candidates, masks, limits and decoding are the real ones."""
    current: list[Sequence[View]] = []
    real = predictor.passing_candidates

    def passing(model: SpanMatcherModel, views: Sequence[View], *given: Any, **named: Any) -> list[Candidates]:
        current[:] = [views]
        return real(model, views, *given, **named)

    def represent(self: torch.nn.Module, states: torch.Tensor, batch: TextBatch, cells: torch.Tensor) -> torch.Tensor:
        """A candidate is its logits against every type there is, and types are unit vectors, without a bias."""
        (views,) = current
        logits = torch.full((len(cells), len(names)), -10.0)
        for cell, (row, first, width) in enumerate(cells.tolist()):
            view = views[row]
            units, text = view.tokenized.units, view.tokenized.example.text
            bounds = units.start_char[view.start_unit + first], units.end_char[view.start_unit + first + width]
            for (surface, label), logit in WANTED.get(text, {}).items():
                start = text.rindex(surface)
                if bounds == (start, start + len(surface)):
                    logits[cell, names.index(label)] = logit
        return logits

    def embed(self: TypeEncoder, types: Sequence[EntityType]) -> torch.Tensor:
        return torch.eye(len(names))[[names.index(item.name) if item.name in names else -1 for item in types]]

    names = [*dict.fromkeys(label for wanted in WANTED.values() for _, label in wanted), "any other"]
    monkeypatch.setattr(predictor, "passing_candidates", passing)
    monkeypatch.setattr("spanmatch.model.head.SpanHead.represent_cells", represent)
    monkeypatch.setattr(TypeEncoder, "embed", embed)


def run(checkpoint: Path, file: object, output_dir: Path, *flags: object) -> tuple[dict[str, Any], list[dict[str, Any]], Result]:
    """Evaluate; returns metrics.json, predictions.jsonl and what was printed."""
    arguments = ["--pretrained_model_name_or_path", checkpoint, "--evaluation_file", file, "--output_dir", output_dir]
    result = evaluate(*arguments, "--dtype", "float32", "--device", "cpu", *flags)
    assert result.status == 0, result.err
    return read_json(output_dir / "metrics.json"), read_jsonl(output_dir / "predictions.jsonl"), result


def recount(lines: Sequence[Mapping[str, Any]]) -> tuple[int, int, int]:
    """True positives, predictions and gold of predictions.jsonl. Gold off the token boundaries is never hit."""
    right = predicted = gold = 0
    for line in lines:
        found = {(item["start"], item["end"], item["label"]) for item in line["predicted"]}
        wanted = {(item["start"], item["end"], item["label"], item.get("off_boundary", False)) for item in line["gold"]}
        right += sum((*item, False) in wanted for item in found)
        predicted += len(found)
        gold += len(wanted)
    return right, predicted, gold


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
class TestFiles:
    def test_predictions_in_characters(self, checkpoint: Path, tmp_path: Path) -> None:
        file = write_jsonl(tmp_path / "rows.jsonl", ROWS)
        _, lines, _ = run(checkpoint, file, tmp_path / "out", "--threshold", 0.5)
        assert [line["index"] for line in lines] == list(range(len(ROWS)))
        assert all(list(line) == ["index", "gold", "predicted"] for line in lines)
        score = round(torch.sigmoid(torch.tensor(10.0, dtype=torch.float64)).item(), 6)
        assert lines[0] == {
            "index": 0,
            "gold": [{"start": 0, "end": 12, "label": "person"}, {"start": 22, "end": 27, "label": "city"}],
            "predicted": [
                {"start": 0, "end": 12, "label": "person", "score": score},
                {"start": 22, "end": 27, "label": "city", "score": score},
            ],
        }
        assert lines[1]["predicted"] == [] and lines[1]["gold"] == [{"start": 0, "end": 31, "label": "company"}]
        assert lines[5] == {"index": 5, "gold": [], "predicted": []}
        assert lines[7]["gold"] == [{"start": 0, "end": 3, "label": "person"}]
        assert lines[7]["predicted"] == [{"start": 0, "end": 4, "label": "person", "score": score}]
        assert [LONG[item["start"] : item["end"]] for item in lines[3]["predicted"]] == ["Ada Lovelace", "Eva Novak", "Cape Town"]

    def test_predictions_in_tokens(self, checkpoint: Path, tmp_path: Path) -> None:
        file = write_jsonl(tmp_path / "rows.jsonl", ROWS)
        _, lines, _ = run(checkpoint, file, tmp_path / "out", "--threshold", 0.5, "--evaluation_format", "tokens")
        assert [(item["start"], item["end"], item["label"]) for item in lines[0]["predicted"]] == [
            (0, 2, "person"),
            (4, 5, "city"),
        ]
        assert lines[1]["gold"] == [{"start": 0, "end": 7, "label": "company"}]
        # Gold that is half a token says so: a prediction of the token is no hit.
        assert lines[7]["gold"] == [{"start": 0, "end": 1, "label": "person", "off_boundary": True}]
        assert [(item["start"], item["end"]) for item in lines[7]["predicted"]] == [(0, 1)]
        tokens = LONG.split()
        assert [tokens[item["start"] : item["end"]] for item in lines[3]["predicted"]] == [
            ["Ada", "Lovelace"],
            ["Eva", "Novak"],
            ["Cape", "Town"],
        ]

    @pytest.mark.parametrize("format", ["text", "tokens"])
    def test_a_report(self, checkpoint: Path, tmp_path: Path, format: str) -> None:
        """The page says what the files say, also of the entity that was only half found."""
        file, page = write_jsonl(tmp_path / "rows.jsonl", ROWS), tmp_path / "pages" / "report.html"
        metrics, _, _ = run(checkpoint, file, tmp_path / "out", "--evaluation_format", format, "--report", page)
        html = page.read_text(encoding="utf-8")
        assert html.startswith("<!DOCTYPE html>") and html.count("<svg") >= 2
        for label, counts in metrics["per_type"].items():
            assert label in html and f"{counts['f1']:.3f}" in html

    @pytest.mark.parametrize("format", ["text", "tokens"])
    def test_two_runs_write_the_same(self, checkpoint: Path, tmp_path: Path, format: str) -> None:
        file = write_jsonl(tmp_path / "rows.jsonl", ROWS)
        for name in ("one", "two"):
            run(checkpoint, file, tmp_path / name, "--threshold", 0.5, "--evaluation_format", format)
        for name in ("metrics.json", "predictions.jsonl"):
            assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
        assert sorted(path.name for path in (tmp_path / "one").iterdir()) == ["metrics.json", "predictions.jsonl", "timings.json"]

    def test_metrics_say_where_they_come_from(self, checkpoint: Path, tmp_path: Path) -> None:
        file = write_jsonl(tmp_path / "rows.jsonl", ROWS)
        metrics, _, _ = run(checkpoint, file, tmp_path / "out", "--threshold", 0.25)
        assert metrics["threshold"] == 0.25
        assert (metrics["file"], metrics["format"], metrics["overlap"]) == (str(file), "text", "flat")
        assert {"torch", "transformers", "spanmatch", "python"} <= metrics["versions"].keys()
        assert {"commit", "seed", "dtype"} <= metrics.keys()
        assert not {"seconds", "texts_per_second"} & metrics.keys()

    def test_the_threshold_is_exceeded_not_met(self, checkpoint: Path, tmp_path: Path) -> None:
        file = write_jsonl(tmp_path / "rows.jsonl", ROWS[2:3])
        flags = ["--overlap", "multi-label", "--threshold"]
        low, high = (1 / (1 + 2.718281828459045**-logit) for logit in (8.9, 9.1))
        assert run(checkpoint, file, tmp_path / "low", *flags, low)[0]["num_predicted"] == 2
        assert run(checkpoint, file, tmp_path / "high", *flags, high)[0]["num_predicted"] == 1

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


class TestCalibration:
    @staticmethod
    def noisy(count: int, seed: int) -> list[dict[str, Any]]:
        """Sentences whose gold lacks a third of the spans, so that no threshold is perfect."""
        rows = sentences(count, seed)
        for index, row in enumerate(rows):
            row["char_spans"] = [span for position, span in enumerate(row["char_spans"]) if (index + position) % 3]
        return rows

    @pytest.fixture
    def bare(self, checkpoint: Path, tmp_path: Path) -> Path:
        """The checkpoint, not calibrated."""
        shutil.copytree(checkpoint, tmp_path / "bare")
        (tmp_path / "bare" / "thresholds.json").unlink()
        return tmp_path / "bare"

    def calibrate(self, folder: Path, file: Path) -> dict[str, Any]:
        result = spanmatch("calibrate", folder, file)
        assert result.status == 0, result.err
        stored = read_json(folder / "thresholds.json")
        assert f"threshold {stored['threshold']:.4f} (micro-F1 {stored['f1']:.4f} on {file})" in result.out
        return stored

    def test_f1_is_what_the_sweep_claims(self, bare: Path, tmp_path: Path) -> None:
        file = write_jsonl(tmp_path / "few.jsonl", self.noisy(12, 3))
        stored = self.calibrate(bare, file)
        assert stored["per_type"] == {} and 0 < stored["f1"] < 1
        default, _, _ = run(bare, file, tmp_path / "default")
        assert default["threshold"] == "calibrated"  # the default of a calibrated checkpoint
        metrics, lines, _ = run(bare, file, tmp_path / "calibrated", "--threshold", "calibrated")
        assert metrics["micro"]["f1"] == pytest.approx(stored["f1"], abs=1e-12)
        assert default["micro"] == metrics["micro"]
        number, _, _ = run(bare, file, tmp_path / "number", "--threshold", stored["threshold"])
        assert number["micro"] == metrics["micro"]
        right, predicted, gold = recount(lines)
        assert 2 * right / (predicted + gold) == pytest.approx(stored["f1"], abs=1e-12)
        for threshold in (0.05, 0.3, 0.5, 0.7, 0.95):
            other, _, _ = run(bare, file, tmp_path / f"at_{threshold}", "--threshold", threshold)
            assert other["micro"]["f1"] <= stored["f1"] + 1e-12

    def test_thresholds_per_type(self, bare: Path, tmp_path: Path) -> None:
        file = write_jsonl(tmp_path / "many.jsonl", self.noisy(80, 4))
        stored = self.calibrate(bare, file)
        assert set(stored["per_type"]) == {"city", "company", "person"}
        number, _, _ = run(bare, file, tmp_path / "number", "--threshold", stored["threshold"])
        assert number["micro"]["f1"] == pytest.approx(stored["f1"], abs=1e-12)
        _, lines, _ = run(bare, file, tmp_path / "calibrated", "--threshold", "calibrated")
        matcher = SpanMatcher.from_pretrained(bare, device="cpu", dtype="float32")
        texts = [row["text"] for row in read_jsonl(file)]
        predicted = matcher.predict(texts, TYPES, threshold=stored["per_type"])
        expected = [[(item.start, item.end, item.label) for item in entities] for entities in predicted]
        assert [[(item["start"], item["end"], item["label"]) for item in line["predicted"]] for line in lines] == expected

    def test_in_tokens(self, tmp_path: Path) -> None:
        # Subwords that are found count as the tokens that they touch, in the sweep as in the evaluation.
        encoder = write_tiny_encoder(tmp_path / "encoder")
        folder = trained_checkpoint(tmp_path / "subwords", encoder, "--candidates", "subwords", "--num_train_epochs", 3)
        rows = []
        for row in sentences(40, 5):
            tokens = row["text"].replace("Lima", "Limas").replace("Oslo", "Oslox").split()
            tags = ["B-city" if token in {"Limas", "Oslox", "Paris"} else "O" for token in tokens]
            rows.append({"tokens": tokens, "tags": tags, "labels": TYPES})
        file = write_jsonl(tmp_path / "rows.jsonl", rows)
        assert spanmatch("calibrate", folder, file, "--format", "tokens").status == 0
        stored = read_json(folder / "thresholds.json")
        # In the precision that was calibrated in.
        dtype = str(native_dtype(torch.device("cpu"))).removeprefix("torch.")
        flags = ["--evaluation_format", "tokens", "--threshold", stored["threshold"], "--dtype", dtype]
        metrics, lines, _ = run(folder, file, tmp_path / "out", *flags)
        assert any(item.get("off_boundary") for line in lines for item in line["predicted"])
        assert 0 < metrics["micro"]["f1"] == pytest.approx(stored["f1"], abs=1e-12)

    def test_without_gold_the_threshold_stays(self, bare: Path, tmp_path: Path) -> None:
        file = write_jsonl(tmp_path / "none.jsonl", [{"text": "Nobody was there .", "labels": TYPES}])
        assert self.calibrate(bare, file) | {"source": ""} == {
            "threshold": 0.5,
            "f1": 0.0,
            "per_type": {},
            "source": "",
            "slot": None,
        }

    def test_an_uncalibrated_checkpoint_takes_a_half(self, bare: Path, tmp_path: Path) -> None:
        file = write_jsonl(tmp_path / "few.jsonl", self.noisy(12, 3))
        default, _, _ = run(bare, file, tmp_path / "default")
        number, _, _ = run(bare, file, tmp_path / "number", "--threshold", 0.5)
        assert default["threshold"] == 0.5 and default["micro"] == number["micro"]
