"""What a new matcher is built with."""

from pathlib import Path

import pytest
import torch
from helpers import TEXTS, make_example, make_matcher
from helpers_e2e import write_tiny_encoder

from spanmatch.batching.tokenizer import TYPE_MARKER
from spanmatch.data.corpus import Corpus
from spanmatch.errors import InputError
from spanmatch.training.arguments import MatcherArguments, MatcherTrainingArguments
from spanmatch.training.build import build_matcher


@pytest.mark.parametrize(
    ("asked", "num_words", "expected"), [(None, 5, 64), (None, 100, 128), (None, 1000, 512), (200, 100, 200)]
)
def test_window(tmp_path: Path, asked: int | None, num_words: int, expected: int) -> None:
    """The window of the text encoder follows the training texts, unless it is asked for."""
    encoder = write_tiny_encoder(tmp_path / "encoder", max_positions=512)
    arguments = MatcherArguments(text_encoder=str(encoder), max_length=asked)
    training = MatcherTrainingArguments(output_dir=str(tmp_path), report_to="none")
    texts = ["in " * num_words] * 99 + ["in " * 2000]
    corpus = Corpus(examples=[make_example(text) for text in texts])
    assert build_matcher(arguments, "bi", training, corpus).config.max_length == expected


class TestOfTheOtherArchitecture:
    """A cross-encoder begins with the encoder of a bi-encoder, and the other way round."""

    TRAINING = MatcherTrainingArguments(output_dir="unused", report_to="none", bf16=False, use_cpu=True)

    @pytest.mark.parametrize(("source", "target"), [("bi", "cross"), ("cross", "bi")])
    def test_its_weights_and_its_tokenizer(self, source: str, target: str, tiny_encoder: Path, tmp_path: Path) -> None:
        given = make_matcher(tiny_encoder, source)
        given.save_pretrained(tmp_path / "source")
        made = build_matcher(MatcherArguments(text_encoder=str(tmp_path / "source")), target, self.TRAINING)
        before, after = given.model.text_encoder.state_dict(), made.model.text_encoder.state_dict()
        assert before.keys() == after.keys()
        for name, weight in before.items():
            same = after[name][: len(weight)] if "word_embeddings" in name else after[name]
            assert torch.equal(same, weight), name
        assert (TYPE_MARKER in made.text_tokenizer.get_vocab()) and made.config.architecture == target
        assert made.predict(TEXTS["plain"], ["person", "city"], threshold=0.01) is not None

    def test_one_that_ships(self) -> None:
        made = build_matcher(MatcherArguments(text_encoder="spanmatch-mini"), "cross", self.TRAINING)
        assert made.model.text_encoder.config.hidden_size == 384 and made.config.max_length == 256

    @pytest.mark.parametrize("key", ["text_encoder", "type_encoder"])
    def test_of_the_same_it_goes_on(self, key: str, tiny_encoder: Path, tmp_path: Path) -> None:
        make_matcher(tiny_encoder).save_pretrained(tmp_path / "source")
        given = {"text_encoder": str(tiny_encoder)} | {key: str(tmp_path / "source")}
        with pytest.raises(InputError, match=rf"^{key}: .* is a spanmatch checkpoint; give it as pretrained_model_name_or_path"):
            build_matcher(MatcherArguments(**given), "bi", self.TRAINING)
