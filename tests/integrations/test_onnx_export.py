"""What is exported was tried before: against the matcher, and in int8 on annotated texts. A refusal leaves nothing."""

from pathlib import Path
from typing import Any

import pytest
from helpers_e2e import read_json, sentences, trained_checkpoint, write_jsonl, write_tiny_encoder

from spanmatch.errors import InputError
from spanmatch.evaluation.evaluate import evaluate_corpus
from spanmatch.integrations import onnx_export
from spanmatch.integrations.onnx import OnnxMatcher
from spanmatch.integrations.onnx_export import export
from spanmatch.prediction.matcher import SpanMatcher
from spanmatch.prediction.tagger import load_tagger


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trained and calibrated bi-encoder. Not to be changed."""
    folder = tmp_path_factory.mktemp("checkpoint")
    return trained_checkpoint(folder / "checkpoint", write_tiny_encoder(folder / "encoder"))


@pytest.fixture
def copied(bi: tuple[SpanMatcher, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """An exporter that copies what was exported before: tracing takes seconds."""

    def copy(matcher: SpanMatcher, folder: Path) -> None:
        for path in bi[1].rglob("*"):
            target = folder / path.relative_to(bi[1])
            target.mkdir(parents=True) if path.is_dir() else target.write_bytes(path.read_bytes())

    monkeypatch.setattr(onnx_export, "write_graphs", copy)
    monkeypatch.setattr(SpanMatcher, "from_pretrained", classmethod(lambda cls, *given, **named: bi[0]))


def test_int8_of_a_trained_checkpoint(checkpoint: Path, tmp_path: Path) -> None:
    """It finds nearly the same, the figures are told and kept, and the weights are smaller."""
    file = write_jsonl(tmp_path / "check.jsonl", sentences(30, seed=1))
    output = tmp_path / "new" / "int8"
    told = export(str(checkpoint), str(output), quantize="int8", check_file=str(file))
    stored = read_json(output / "config.json")["onnx"]
    assert stored["dtype"] == "int8" and stored["f1_int8"] >= stored["f1_float32"] - 0.005 and stored["f1_float32"] > 0.5
    assert told.startswith(f"{output}: int8 ({100 * stored['f1_float32']:.2f} in float32, {100 * stored['f1_int8']:.2f} in int8")
    tagger = load_tagger(output, dtype="int8")
    assert isinstance(tagger, OnnxMatcher) and tagger.fingerprint()["dtype"] == "int8"
    assert tagger.calibration == load_tagger(checkpoint).calibration and (output / "README.md").is_file()
    assert [entity.label for entity in tagger.predict([sentences(1)[0]["text"]], ["person", "city", "company"])[0]]
    modes = {path.stat().st_mode for path in output.iterdir() if path.is_file()}
    assert len(modes) == 1, "all files can be read by the same users"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["check.jsonl", "new"]


@pytest.mark.usefixtures("copied")
class TestRefused:
    """Nothing is left where it was to be written."""

    def refused(self, checkpoint: Path, output: Path, message: str, **options: Any) -> None:
        before = sorted(output.parent.rglob("*"))
        with pytest.raises(InputError, match=message):
            export(str(checkpoint), str(output), **options)
        assert sorted(output.parent.rglob("*")) == before

    def test_int8_that_costs_too_much(self, checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        file = write_jsonl(tmp_path / "check.jsonl", sentences(3))
        found = iter([0.9, 0.8949])
        monkeypatch.setattr(onnx_export, "_f1", lambda tagger, corpus: next(found))
        self.refused(
            checkpoint, tmp_path / "out", r"int8 costs 0\.51 points \(90\.00 in float32, 89\.49 in int8, F1 on 3 texts\), more",
            quantize="int8", check_file=str(file),
        )  # fmt: skip

    def test_texts_in_which_nothing_is_found(self, checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """They would show no loss either."""
        file = write_jsonl(tmp_path / "check.jsonl", sentences(3))
        monkeypatch.setattr(onnx_export, "_f1", lambda tagger, corpus: 0.0)
        self.refused(checkpoint, tmp_path / "out", "nothing that the model finds", quantize="int8", check_file=str(file))

    def test_scores_that_differ(self, checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(onnx_export, "TOLERANCE", 0.0)
        self.refused(checkpoint, tmp_path / "out", "scores .* differently from torch, more than 0.0; train with another")

    def test_a_folder_with_something_in_it(self, checkpoint: Path, tmp_path: Path) -> None:
        (tmp_path / "out").mkdir()
        (tmp_path / "out" / "a").write_text("a")
        self.refused(checkpoint, tmp_path / "out", "out: there is something in it already; name a new folder")

    def test_what_is_exported_already(self, bi: tuple[SpanMatcher, Path], tmp_path: Path) -> None:
        self.refused(bi[1], tmp_path / "out", "not a checkpoint of torch but onnx; give what a training wrote")

    def test_texts_without_gold(self, checkpoint: Path, tmp_path: Path) -> None:
        file = write_jsonl(tmp_path / "check.jsonl", [{"text": "a b", "char_spans": [], "labels": ["person"]}])
        self.refused(checkpoint, tmp_path / "out", "has a gold span", quantize="int8", check_file=str(file))

    def test_no_texts(self, checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(onnx_export, "CHECK_FILES", ())
        self.refused(checkpoint, tmp_path / "out", r"none ship here; name some \(--check_file FILE\)", quantize="int8")

    def test_a_check_without_int8(self, checkpoint: Path, tmp_path: Path) -> None:
        self.refused(checkpoint, tmp_path / "out", "--check_file is for --quantize", check_file="a.jsonl")


@pytest.mark.usefixtures("copied")
def test_in_float32(checkpoint: Path, tmp_path: Path) -> None:
    """Into an empty folder, which may be there."""
    (tmp_path / "out").mkdir()
    told = export(str(checkpoint), str(tmp_path / "out"))
    assert told.startswith(f"{tmp_path / 'out'}: float32, ") and load_tagger(tmp_path / "out").fingerprint()["dtype"] == "float32"


def test_the_texts_that_ship() -> None:
    """... have gold that a matcher that ships finds."""
    corpus = onnx_export._check_corpus(None, None)
    assert len(corpus.examples) > 300
    corpus.examples = corpus.examples[:40]
    tagger = load_tagger("spanmatch-mini", device="cpu", dtype="float32")
    assert evaluate_corpus(tagger, corpus, format="text", threshold=None).metrics.micro.f1 > 0.5
