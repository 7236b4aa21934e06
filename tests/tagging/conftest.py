"""What the tests of tagging share: a checkpoint of an untrained model, which finds many entities."""

from pathlib import Path

import pytest
from helpers import make_matcher


@pytest.fixture(scope="session")
def checkpoint(tiny_encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bi-encoder. Not to be changed."""
    folder = tmp_path_factory.mktemp("tagging") / "checkpoint"
    make_matcher(tiny_encoder).save_pretrained(folder)
    return folder
