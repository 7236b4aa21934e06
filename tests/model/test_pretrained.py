"""Finding encoders by name: the packaged default, and how long a sequence an encoder reads."""

from pathlib import Path

import pytest
from helpers_e2e import write_tiny_encoder
from transformers import AutoTokenizer, BertConfig, RobertaConfig

from spanmatch.model.pretrained import DEFAULT_ENCODER, max_positions, resolve_encoder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_encoder(tmp_path_factory.mktemp("encoders") / "tiny")


def test_the_default_encoder_is_the_packaged_one() -> None:
    resolved = resolve_encoder(DEFAULT_ENCODER)
    assert (Path(resolved) / "model.safetensors").is_file()
    assert resolve_encoder("somebody/else") == "somebody/else"


@pytest.mark.parametrize(
    ("config", "expected"), [(BertConfig(max_position_embeddings=40), 40), (RobertaConfig(max_position_embeddings=42), 40)]
)
def test_the_longest_sequence(folder: Path, config: BertConfig, expected: int) -> None:
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.model_max_length = 1000
    assert max_positions(config, tokenizer) == expected
    tokenizer.model_max_length = 24
    assert max_positions(config, tokenizer) == 24
