"""Thresholds by hand and against brute force, and calibration as a user runs it."""

import math
import shutil
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers_e2e import read_json, read_jsonl, sentences, snapshot, spanmatch, trained_checkpoint, write_jsonl, write_tiny_encoder
from helpers_evaluation import TYPES, m, mentions, recount, run, scored_mentions
from hypothesis import given
from hypothesis import strategies as st

from spanmatch.entities import Mention
from spanmatch.evaluation.calibration import best_threshold, best_threshold_per_type
from spanmatch.evaluation.metrics import Counts, compute_metrics
from spanmatch.model.devices import native_dtype
from spanmatch.prediction.matcher import SpanMatcher

RIGHT, WRONG = m(0, 1, "x"), m(1, 2, "x")


TWO_GOLD = [[m(0, 1, "x"), m(3, 4, "x")]]


def ranked(*scores: float) -> list[tuple[Mention, float]]:
    """Give scores to mentions at 0, 1, 2, ..."""
    return [(m(start, start + 1, "x"), score) for start, score in enumerate(scores)]


THRESHOLDS = [
    # name, scored, gold, floor, threshold, F1
    ("cut between right and wrong", [[(RIGHT, 0.8), (WRONG, 0.4)]], [[RIGHT]], 0.0, 0.6, 1.0),
    ("keep all: half of the lowest", [[(RIGHT, 0.8)]], [[RIGHT]], 0.0, 0.4, 1.0),
    ("keep all: never below the floor", [[(RIGHT, 0.8)]], [[RIGHT]], 0.6, 0.7, 1.0),
    ("equal scores are not split", [[(WRONG, 0.8), (RIGHT, 0.8)]], [[RIGHT]], 0.0, 0.4, 2 / 3),
    # Right, wrong, wrong, right: with two gold mentions, keeping one and keeping four have the same F1.
    ("a tie goes to the nearest to 0.5, above", [ranked(0.9, 0.6, 0.5, 0.3)], TWO_GOLD, 0.0, 0.75, 2 / 3),
    ("a tie goes to the nearest to 0.5, below", [ranked(0.95, 0.85, 0.8, 0.7)], TWO_GOLD, 0.0, 0.35, 2 / 3),
    ("a tie at one distance goes to the higher", [ranked(0.875, 0.625, 0.5625, 0.5)], TWO_GOLD, 0.0, 0.75, 2 / 3),
    ("of duplicates the highest counts", [[(RIGHT, 0.2), (RIGHT, 0.9), (RIGHT, 0.25), (WRONG, 0.3)]], [[RIGHT]], 0.0, 0.6, 1.0),
    ("duplicate gold counts once", [[(RIGHT, 0.9)]], [[RIGHT, RIGHT]], 0.0, 0.45, 1.0),
    ("found in its own example only", [[(RIGHT, 0.9)], [(RIGHT, 0.7)]], [[], [RIGHT]], 0.0, 0.35, 2 / 3),
    ("no gold", [[(RIGHT, 0.8)]], [[]], 0.0, 0.5, 0.0),
    ("no prediction", [[]], [[RIGHT]], 0.0, 0.5, 0.0),
    ("nothing right", [[(WRONG, 0.8)]], [[RIGHT]], 0.0, 0.5, 0.0),
    ("no example", [], [], 0.0, 0.5, 0.0),
]  # fmt: skip


@pytest.mark.parametrize(
    ("scored", "gold", "floor", "threshold", "f1"), [case[1:] for case in THRESHOLDS], ids=[case[0] for case in THRESHOLDS]
)
def test_best_threshold_by_hand(
    scored: list[list[tuple[Mention, float]]], gold: list[list[Mention]], floor: float, threshold: float, f1: float
) -> None:
    best = best_threshold(scored, gold, floor=floor)
    assert best.threshold == pytest.approx(threshold)
    assert best.f1 == pytest.approx(f1)


@given(st.lists(st.tuples(scored_mentions, mentions), max_size=3))
def test_best_threshold_against_all_cuts(examples: list[tuple[list[tuple[Mention, float]], list[Mention]]]) -> None:
    def counts_at(threshold: float) -> Counts:
        kept = [{item for item, score in items if score > threshold} for items, _ in examples]
        return compute_metrics([golds for _, golds in examples], kept, types=[], num_bootstrap=1).micro

    best = best_threshold([items for items, _ in examples], [golds for _, golds in examples])
    at_best = counts_at(best.threshold)
    assert (best.f1, best.precision, best.recall) == (at_best.f1, at_best.precision, at_best.recall)
    highest: dict[tuple[int, Mention], float] = {}
    for index, (items, _) in enumerate(examples):
        for item, score in items:
            highest[index, item] = max(score, highest.get((index, item), 0.0))
    steps = [0.0, *sorted({*highest.values()})]
    halfway = [(low + high) / 2 for low, high in pairwise(steps)]
    f1s = [counts_at(threshold).f1 for threshold in halfway]
    assert best.f1 == max(f1s, default=0.0)
    if best.f1:
        ties = [threshold for threshold, f1 in zip(halfway, f1s, strict=True) if f1 == best.f1]
        assert abs(best.threshold - 0.5) == pytest.approx(min(abs(threshold - 0.5) for threshold in ties))


@pytest.mark.parametrize("floor", [0.0, math.nextafter(0.9, 0), 0.95])
@pytest.mark.parametrize("high", [0.9, math.nextafter(0.9, 1)])  # what lies halfway is rounded down for one, up for the other
def test_threshold_falls_between_neighbouring_floats(high: float, floor: float) -> None:
    low = math.nextafter(high, 0)
    assert low <= best_threshold([[(RIGHT, high), (WRONG, low)]], [[RIGHT]], floor=floor).threshold < high
    assert min(floor, low) <= best_threshold([[(RIGHT, high)]], [[RIGHT]], floor=floor).threshold < high


@pytest.mark.parametrize("score", [0.0, -0.1, 1.5, math.nan])
def test_scores_must_be_probabilities(score: float) -> None:
    with pytest.raises(ValueError, match="scores must be probabilities"):
        best_threshold([[(RIGHT, score)]], [[RIGHT]])


def test_best_threshold_per_type() -> None:
    spans = [(start, start + 1) for start in range(10)]
    gold = [[m(start, end, label) for start, end in spans for label in ("sure", "unsure", "never found")] + [m(0, 1, "rare")]]
    scored = [
        [(m(start, end, "sure"), 0.9) for start, end in spans]
        + [(m(start, end, "unsure"), 0.3) for start, end in spans]
        + [(m(20, 21, "sure"), 0.7), (m(20, 21, "unsure"), 0.1), (m(0, 1, "rare"), 0.9), (m(20, 21, "never found"), 0.9)]
    ]
    assert best_threshold_per_type(scored, gold) == {"sure": pytest.approx(0.8), "unsure": pytest.approx(0.2)}
    assert list(best_threshold_per_type(scored, gold, min_support=1)) == ["rare", "sure", "unsure"]
    assert best_threshold_per_type(scored, [[*gold[0], *gold[0]]], min_support=11) == {}
    assert best_threshold_per_type(scored, gold, min_support=1, floor=0.8)["rare"] == pytest.approx(0.85)


@given(scored_mentions, mentions)
def test_per_type_is_the_global_one_of_that_type_alone(scored: list[tuple[Mention, float]], gold: list[Mention]) -> None:
    found = best_threshold_per_type([scored], [gold], min_support=1)
    alone = {
        label: best_threshold(
            [[(item, score) for item, score in scored if item.label == label]], [[item for item in gold if item.label == label]]
        )
        for label in "xyz"
    }
    assert found == {label: best.threshold for label, best in alone.items() if best.f1}


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

    NOBODY = {"text": "Nobody was there .", "labels": TYPES}

    @pytest.mark.parametrize(
        ("rows", "flags", "message"),
        [
            ([NOBODY, NOBODY], [], "none of its 2 texts has a gold span, so no threshold can be chosen"),
            (sentences(9), ["--entity_types", "types.json"], "are of types that are not asked for ("),
            # Gold that nothing finds.
            ([NOBODY | {"char_spans": [{"start": 0, "end": 18, "label": "city"}]}], [], "is right, so no threshold is better"),
        ],
    )
    def test_without_evidence_the_thresholds_stay(
        self,
        rows: list[dict[str, Any]],
        flags: list[str],
        message: str,
        checkpoint: Path,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.chdir(tmp_path)
        (tmp_path / "types.json").write_text('{"river": "a stream of water"}', encoding="utf-8")
        folder = Path(shutil.copytree(checkpoint, tmp_path / "calibrated"))
        file = write_jsonl(tmp_path / "rows.jsonl", rows)
        before = snapshot(tmp_path)
        assert read_json(folder / "thresholds.json")["threshold"] != 0.5
        result = spanmatch("calibrate", folder, file, *flags)
        assert result.status == 2 and f"error: {file}: " in result.err and message in result.err
        assert snapshot(tmp_path) == before

    def test_what_is_printed_is_what_is_stored(self, bare: Path, tmp_path: Path) -> None:
        """... also where types have their own thresholds: what they reach together is another F1 than that of one for all."""
        rows = self.noisy(120, 4)
        for row in rows:  # few cities are gold: their own threshold lies high
            row["char_spans"] = [span for span in row["char_spans"] if span["label"] != "city" or "Lima" in row["text"]]
        file = write_jsonl(tmp_path / "many.jsonl", rows)
        result = spanmatch("calibrate", bare, file)
        stored = read_json(bare / "thresholds.json")
        dtype = str(native_dtype(torch.device("cpu"))).removeprefix("torch.")  # the precision that was calibrated in
        together, _, _ = run(bare, file, tmp_path / "together", "--threshold", "calibrated", "--dtype", dtype)
        alone, _, _ = run(bare, file, tmp_path / "alone", "--threshold", stored["threshold"], "--dtype", dtype)
        f1s = alone["micro"]["f1"], together["micro"]["f1"]
        assert f1s[0] != f1s[1] and stored["f1"] == pytest.approx(f1s[0])
        assert result.out.splitlines() == [
            f"threshold {stored['threshold']:.4f} (micro-F1 {f1s[0]:.4f} on {file}) for all types",
            *(f"  {name}: {stored['per_type'][name]:.4f}" for name in ("city", "company", "person")),
            f"with the thresholds of these 3 types: micro-F1 {f1s[1]:.4f}, stored in {bare}",
        ]

    def test_a_folder_that_is_no_checkpoint_gets_no_thresholds(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """... when the checkpoint of that name is one that ships."""
        monkeypatch.chdir(tmp_path)
        (tmp_path / "spanmatch-mini").mkdir()
        result = spanmatch("calibrate", "spanmatch-mini", write_jsonl(tmp_path / "rows.jsonl", sentences(3)))
        assert result.status == 2 and "copy the checkpoint to a folder first" in result.err
        assert not any((tmp_path / "spanmatch-mini").iterdir())

    def test_two_spellings_of_a_type_have_one_threshold(self, bare: Path, tmp_path: Path) -> None:
        """... and one row of the table, and the F1 of a file that has one spelling."""
        rows = self.noisy(80, 4)
        one = write_jsonl(tmp_path / "one.jsonl", rows)
        names = {"person": ["person", "Person", "PER"], "city": ["city", "City"], "company": ["company"]}
        spelled: list[dict[str, Any]] = []
        for index, row in enumerate(rows):
            spans = [span | {"label": names[span["label"]][index % len(names[span["label"]])]} for span in row["char_spans"]]
            spelled.append({"text": row["text"], "char_spans": spans})
        several = write_jsonl(tmp_path / "several.jsonl", spelled)
        expected = self.calibrate(bare, one)
        (metrics, lines, _), stored = run(bare, one, tmp_path / "one"), self.calibrate(bare, several)
        assert set(stored["per_type"]) == {"city", "company", "person"}
        assert stored | {"source": ""} == expected | {"source": ""}
        found, found_lines, _ = run(bare, several, tmp_path / "several")
        assert found["micro"] == metrics["micro"] and metrics["micro"]["f1"] > 0.5
        labels = {"City": "city", "company": "company", "PER": "person"}
        assert found["per_type"] == {label: metrics["per_type"][name] for label, name in labels.items()}
        assert len(found_lines) == len(lines)
        named, _, _ = run(bare, several, tmp_path / "named", "--threshold", f"Person={1 - 1e-7}")
        of_name, _, _ = run(bare, one, tmp_path / "of_name", "--threshold", f"person={1 - 1e-7}")
        assert named["micro"] == of_name["micro"] != metrics["micro"]

    def test_an_uncalibrated_checkpoint_takes_a_half(self, bare: Path, tmp_path: Path) -> None:
        file = write_jsonl(tmp_path / "few.jsonl", self.noisy(12, 3))
        default, _, _ = run(bare, file, tmp_path / "default")
        number, _, _ = run(bare, file, tmp_path / "number", "--threshold", 0.5)
        assert default["threshold"] == 0.5 and default["micro"] == number["micro"]
