"""A row of a comparison: what is kept of an evaluation, and that a file gives back what was saved."""

from pathlib import Path

import pytest

from spanmatch.data.corpus import Corpus
from spanmatch.data.examples import Example
from spanmatch.data.words import split_words
from spanmatch.entities import Entity, Mention
from spanmatch.errors import InputError
from spanmatch.evaluation.breakdown import Seen
from spanmatch.evaluation.comparison import Costs, RowResult, found_mentions, kept_scores, stored_mentions
from spanmatch.evaluation.evaluate import Evaluation
from spanmatch.evaluation.metrics import compute_metrics

TEXT = "Ada met Bob"
CORPUS = Corpus(
    examples=[Example(where="f:1", text=TEXT, words=split_words(TEXT), mentions=(Mention(start=0, end=3, label="PER"),))]
)


def entity(start: int, end: int, score: float) -> Entity:
    return Entity(start=start, end=end, label="PER", text=TEXT[start:end], score=score)


def test_what_is_kept() -> None:
    predicted = [[entity(0, 3, 0.9), entity(8, 11, 0.6)]]
    metrics = compute_metrics([CORPUS.examples[0].mentions], [[item.mention for item in predicted[0]]], types=["PER"])
    evaluation = Evaluation(metrics=metrics, predicted=predicted, seqeval=None, scored=[])
    scores = kept_scores(CORPUS, evaluation, "text", Seen(labels=frozenset({"PER"}), texts=frozenset()), 2.0)
    assert scores["micro"]["f1"] == pytest.approx(2 / 3) and scores["accuracy"] == pytest.approx(2 / 3)
    assert scores["macro"]["f1_interval"] == [pytest.approx(2 / 3)] * 2  # there is one example to draw
    assert scores["breakdown"]["new_texts"] == {"f1": pytest.approx(2 / 3), "support": 1, "predicted": 2}
    assert stored_mentions(scores) == [{item.mention: item.score for item in predicted[0]}]
    assert "seqeval" not in scores and scores["seconds"] == 2.0


def test_predictions_grow_to_tokens_and_the_higher_score_stays() -> None:
    found = found_mentions(CORPUS, [[entity(0, 2, 0.9), entity(1, 3, 0.4)]], "tokens")
    assert found == [{Mention(start=0, end=3, label="PER"): 0.9}]


def test_a_row_is_read_back(tmp_path: Path) -> None:
    row = RowResult(
        name="a", method="token", settings={"x": [1]}, size=5, num_train=5, tests={"t": {"n": 1}}, costs=Costs(parameters=3)
    )
    row.save(tmp_path / "rows" / "a.json")
    assert RowResult.load(tmp_path / "rows" / "a.json") == row


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{", encoding="utf-8")
    with pytest.raises(InputError, match=r"a.json:1: not JSON .*remove it, and compare again"):
        RowResult.load(tmp_path / "a.json")
