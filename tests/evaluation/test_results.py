"""The files of an evaluation, with predictions that are known exactly."""

import json
from pathlib import Path

import pytest
import torch
from helpers_e2e import write_jsonl
from helpers_evaluation import LONG, ROWS, run

from spanmatch.data.corpus import Corpus
from spanmatch.data.examples import Example
from spanmatch.data.words import split_words
from spanmatch.entities import Entity, Mention
from spanmatch.evaluation.evaluate import Evaluation
from spanmatch.evaluation.metrics import compute_metrics
from spanmatch.evaluation.results import prediction_lines, write_evaluation


@pytest.mark.usefixtures("oracle")
class TestAsAUserRunsIt:
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


TEXT = "from Osloville to Lima"
CORPUS = Corpus(
    examples=[
        Example(
            where="made.jsonl:1",
            text=TEXT,
            words=split_words(TEXT),
            mentions=(Mention(start=5, end=9, label="city"), Mention(start=18, end=22, label="city")),
            types=(),
        )
    ]
)
PREDICTED = [
    [
        Entity(start=5, end=9, label="city", text="Oslo", score=0.1234567),
        Entity(start=18, end=22, label="city", text="Lima", score=0.9),
    ]
]


class TestPredictionLines:
    @pytest.mark.parametrize(
        ("format", "spans"),
        [
            ("text", [{"start": 5, "end": 9}, {"start": 18, "end": 22}]),
            ("tokens", [{"start": 1, "end": 2, "off_boundary": True}, {"start": 3, "end": 4}]),
        ],
    )
    def test_by_hand(self, format: str, spans: list[dict[str, int]]) -> None:
        (line,) = prediction_lines(CORPUS, PREDICTED, format)
        gold = [span | {"label": "city"} for span in spans]
        predicted = [span | {"score": score} for span, score in zip(gold, (0.123457, 0.9), strict=True)]
        assert line == {"index": 0, "gold": gold, "predicted": predicted}

    def test_every_example_has_its_predictions(self) -> None:
        with pytest.raises(ValueError, match="zip"):
            prediction_lines(CORPUS, [], "text")


class TestWriteEvaluation:
    evaluation = Evaluation(
        metrics=compute_metrics([[]], [[]], types=["city"], num_bootstrap=1), predicted=PREDICTED, seqeval={"f1": 0.5}, scored=[]
    )

    def test_settings_provenance_and_seqeval_are_stored(self, tmp_path: Path) -> None:
        write_evaluation(tmp_path / "new" / "folder", CORPUS, self.evaluation, "text", {"model": "m", "seed": 7})
        stored = json.loads((tmp_path / "new" / "folder" / "metrics.json").read_text(encoding="utf-8"))
        assert (stored["model"], stored["seed"], stored["seqeval"]) == ("m", 7, {"f1": 0.5})
        assert stored["versions"] and stored["num_examples"] == 1

    @pytest.mark.parametrize("timings", [None, {"seconds": 1.5}])
    def test_timings_are_apart(self, timings: dict[str, float] | None, tmp_path: Path) -> None:
        write_evaluation(tmp_path, CORPUS, self.evaluation, "text", {}, timings)
        assert "seconds" not in (tmp_path / "metrics.json").read_text(encoding="utf-8")
        assert (tmp_path / "timings.json").exists() == (timings is not None)
        if timings is not None:
            assert json.loads((tmp_path / "timings.json").read_text(encoding="utf-8")) == timings
