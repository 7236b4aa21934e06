"""What a new matcher is built with."""

from pathlib import Path

import pytest
from helpers import make_example
from helpers_e2e import write_tiny_encoder

from spanmatch.data.corpus import Corpus
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
