"""What is measured of one row, in whichever process."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from helpers_baselines import fit
from helpers_e2e import read_json, sentences, write_jsonl

from spanmatch.baselines import compare_row
from spanmatch.baselines.compare_row import encoder_share, evaluate_row, tagging_costs
from spanmatch.baselines.token_classifier import TokenClassifier
from spanmatch.data.corpus import read_corpus
from spanmatch.data.examples import Example
from spanmatch.entities import Entity
from spanmatch.evaluation.comparison import stored_mentions
from spanmatch.prediction.matcher import SpanMatcher
from spanmatch.prediction.tagger import load_tagger


@pytest.fixture(scope="module")
def classifier(encoder_folders: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("row") / "classifier"
    assert fit("token", folder, model=encoder_folders["WordPiece"]).status == 0
    return folder


def test_scores_and_predictions_agree(classifier: Path, tmp_path: Path) -> None:
    test = str(write_jsonl(tmp_path / "test.jsonl", sentences(25, seed=3)))
    job = {
        "model": str(classifier),
        "train_file": [str(classifier.parent / "train.jsonl")],
        "format": "text",
        "tests": {"t": test},
    }
    (tmp_path / "job.json").write_text(json.dumps(job), encoding="utf-8")
    compare_row.main(str(tmp_path / "job.json"), str(tmp_path / "result.json"))
    result = read_json(tmp_path / "result.json")
    scores = result["tests"]["t"]
    gold = [set(example.mentions) for example in read_corpus(test).examples]
    found = stored_mentions(scores)
    right = sum(len(own & set(mentions)) for own, mentions in zip(gold, found, strict=True))
    assert scores["micro"]["precision"] == pytest.approx(right / sum(map(len, found)))
    assert scores["breakdown"]["seen_texts"]["support"] == sum(map(len, gold))  # the same names are in training
    assert result["num_train"] == 200 and result["costs"]["parameters"] > 1000


def test_a_row_without_a_model_of_torch_has_no_parameters(classifier: Path, tmp_path: Path) -> None:
    class Elsewhere:
        """A tagger whose model is behind a server."""

        def __init__(self) -> None:
            self.stream = load_tagger(classifier).stream

    examples = read_corpus(str(write_jsonl(tmp_path / "test.jsonl", sentences(4)))).examples
    costs = tagging_costs(Elsewhere(), examples)  # type: ignore[arg-type]
    assert costs["parameters"] is None and costs["encoder_share"] is None and (costs["latency_seconds"] or 0) > 0


def test_a_slow_row_is_timed_on_fewer_texts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []

    class Slow:
        """A tagger that takes a second for each text, on a clock that does not wait for it."""

        def stream(self, examples: Sequence[Example], **_: Any) -> Iterator[list[Entity]]:
            read.append(len(examples))
            return iter([[]] * len(examples))

    monkeypatch.setattr(compare_row, "MAX_SECONDS", 10.0)
    monkeypatch.setattr(compare_row, "_seconds", lambda tagger, examples: float(len(list(tagger.stream(examples)))))
    examples = read_corpus(str(write_jsonl(tmp_path / "test.jsonl", sentences(40)))).examples
    costs = tagging_costs(Slow(), examples)  # type: ignore[arg-type]
    assert read == [1] * 11 + [10]
    assert costs["latency_seconds"] == 1.0 and costs["texts_per_second"] == 1.0


def test_the_share_of_the_encoder(classifier: Path, tiny_matcher: SpanMatcher, tmp_path: Path) -> None:
    examples = read_corpus(str(write_jsonl(tmp_path / "test.jsonl", sentences(8)))).examples
    tagger = TokenClassifier.from_pretrained(classifier)
    for own in (tagger, tiny_matcher):
        assert (encoder_share(own, examples) or 0) > 0
    calls: list[int] = []
    handle = tagger.model.base_model.register_forward_hook(lambda *_: calls.append(1))
    encoder_share(tagger, examples)
    handle.remove()
    # Once to learn the batches, then a first run and those that count, of the encoder alone and of all.
    assert len(calls) == 1 + 2 * (1 + compare_row.SHARE_RUNS)


def test_bad_input(classifier: Path, tmp_path: Path) -> None:
    job = {"model": str(tmp_path / "nowhere"), "train_file": [], "format": "text", "tests": {}}
    with pytest.raises(ValueError, match="nowhere: no such folder"):
        evaluate_row(job)
