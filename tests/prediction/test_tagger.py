"""Taggers: loading whatever a folder holds, and a tagger of another kind in evaluation and calibration."""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pytest
from helpers import make_example, make_matcher

from spanmatch.batching.candidates import Unrepresentable
from spanmatch.data.corpus import Corpus
from spanmatch.data.examples import Example
from spanmatch.entities import Entity, EntityType, Inventory, Types, as_entity_types
from spanmatch.errors import InputError
from spanmatch.evaluation.calibration import calibrate
from spanmatch.evaluation.evaluate import evaluate_corpus
from spanmatch.prediction.matcher import SpanMatcher
from spanmatch.prediction.tagger import PLAIN_STREAM, StreamOptions, Tagger, load_tagger
from spanmatch.prediction.thresholds import Calibration, Threshold

# What `Capitals` thinks of a capitalised word of this length.
SCORES = {3: 0.9, 4: 0.6, 5: 0.3}


class Capitals:
    """A tagger with closed types: every capitalised word is a name, the surer the shorter it is."""

    kind = "capitals"
    types: tuple[EntityType, ...] | None = as_entity_types(["name"])
    null_slot: str | None = None
    calibration: Calibration | None = None

    def found(self, text: str, threshold: float) -> list[Entity]:
        words = [match for match in re.finditer(r"[A-Z]\w+", text) if SCORES[len(match[0])] > threshold]
        return [
            Entity(start=word.start(), end=word.end(), label="name", text=word[0], score=SCORES[len(word[0])]) for word in words
        ]

    def predict(
        self, texts: Sequence[str], types: Types, *, threshold: Threshold | None = None, overlap: str = "flat"
    ) -> list[list[Entity]]:
        return list(self.stream([make_example(text, (), as_entity_types(types)) for text in texts], threshold=threshold))

    def stream(
        self,
        examples: Iterable[Example],
        *,
        threshold: Threshold | None = None,
        overlap: str = "flat",
        options: StreamOptions = PLAIN_STREAM,
    ) -> Iterator[list[Entity]]:
        limit = self.calibration.threshold if threshold is None and self.calibration else threshold
        for example in examples:
            yield self.found(example.text, limit if isinstance(limit, float) else 0.5)

    def stream_scored(
        self,
        examples: Iterable[Example],
        *,
        floor: float,
        threshold: Threshold | None = None,
        overlap: str = "flat",
        options: StreamOptions = PLAIN_STREAM,
    ) -> Iterator[tuple[list[Entity], list[Entity]]]:
        examples = list(examples)
        yield from zip(self.stream(examples, threshold=threshold), self.stream(examples, threshold=floor), strict=True)

    def prepare(self, types: Inventory, *, file: str | None = None, progress: bool = False) -> None:
        raise InputError("nothing to prepare")

    def check_threshold(self, threshold: Threshold | None) -> None:
        return

    def unrepresentable(self, examples: Sequence[Example], *, line_breaks: str | None = None) -> Unrepresentable:
        return Unrepresentable()

    def fingerprint(self) -> dict[str, str]:
        return {"model": "capitals"}


class TestLoading:
    @pytest.mark.parametrize("architecture", ["bi", "cross"])
    def test_a_matcher_of_either_architecture(self, architecture: str, tiny_encoder: Path, tmp_path: Path) -> None:
        matcher = make_matcher(tiny_encoder, architecture)
        matcher.save_pretrained(tmp_path)
        tagger = load_tagger(tmp_path, device="cpu", dtype="float32")
        assert isinstance(tagger, SpanMatcher) and tagger.kind == f"{architecture}-encoder"
        assert (tagger.types, tagger.null_slot) == (None, None)
        assert tagger.predict(["Ada met Bob"], ["person"]) == matcher.predict(["Ada met Bob"], ["person"])
        assert tagger.fingerprint() == matcher.fingerprint()

    def test_what_a_folder_names_is_loaded(self, tiny_matcher: SpanMatcher, tmp_path: Path) -> None:
        self.saved_as("matcher", tiny_matcher, tmp_path)
        assert isinstance(load_tagger(tmp_path, device="cpu"), SpanMatcher)

    def test_an_unknown_kind(self, tiny_matcher: SpanMatcher, tmp_path: Path) -> None:
        self.saved_as("macher", tiny_matcher, tmp_path)
        with pytest.raises(InputError, match=r'config\.json: unknown tagger "macher"; did you mean "matcher"\?'):
            load_tagger(tmp_path, device="cpu")

    def test_no_folder(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="no such folder"):
            load_tagger(tmp_path / "none")

    @pytest.mark.parametrize("content", ["{", "[]"])
    def test_a_broken_configuration(self, content: str, tiny_matcher: SpanMatcher, tmp_path: Path) -> None:
        tiny_matcher.save_pretrained(tmp_path)
        (tmp_path / "config.json").write_text(content, encoding="utf-8")
        with pytest.raises(InputError, match=r"config\.json"):
            load_tagger(tmp_path, device="cpu")

    @staticmethod
    def saved_as(kind: str, matcher: SpanMatcher, folder: Path) -> None:
        matcher.save_pretrained(folder)
        values = json.loads((folder / "config.json").read_text(encoding="utf-8")) | {"tagger": kind}
        (folder / "config.json").write_text(json.dumps(values), encoding="utf-8")


class TestClosedTypes:
    # Right at 0.9 and at 0.6, wrong at 0.3: "Right" begins a sentence. "oslo" is a miss whatever the threshold.
    CORPUS = Corpus(
        examples=[
            make_example("Bob saw Lima", [(0, 3, "name"), (8, 12, "name")], as_entity_types(["name"])),
            make_example("Right in oslo", [(9, 13, "name")], as_entity_types(["name"])),
        ]
    )

    @pytest.mark.parametrize(
        ("threshold", "precision", "recall"), [(0.5, 1.0, 2 / 3), (0.8, 1.0, 1 / 3), (0.1, 2 / 3, 2 / 3), (None, 1.0, 2 / 3)]
    )
    def test_it_is_evaluated(self, threshold: float | None, precision: float, recall: float) -> None:
        tagger: Tagger = Capitals()
        evaluation = evaluate_corpus(tagger, self.CORPUS, format="text", threshold=threshold, floor=0.05)
        micro = evaluation.metrics.micro
        assert [micro.precision, micro.recall] == pytest.approx([precision, recall])
        assert [len(own) for own in evaluation.scored] == [2, 1]

    def test_it_is_calibrated(self) -> None:
        """Between what is right and what is wrong; the threshold is then the tagger's own."""
        tagger = Capitals()
        tagger.calibration = calibrate(tagger, self.CORPUS, source="corpus")
        assert tagger.calibration.threshold == pytest.approx(0.45) and tagger.calibration.slot is None
        assert tagger.calibration.f1 == pytest.approx(0.8) and tagger.calibration.source == "corpus"
        evaluation = evaluate_corpus(tagger, self.CORPUS, format="text", threshold=None)
        assert evaluation.metrics.micro.f1 == pytest.approx(tagger.calibration.f1)
