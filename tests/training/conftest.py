"""What the tests of training share: an encoder, and data to train on."""

from pathlib import Path

import pytest
from helpers_e2e import NAMES, sentences, write_jsonl, write_tiny_encoder


@pytest.fixture(scope="session")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With dropout, as encoders have it. Not to be changed."""
    return write_tiny_encoder(tmp_path_factory.mktemp("training") / "encoder")


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with train.jsonl (60), dev.jsonl (30) and test.jsonl (30): eight steps of eight an epoch. Not to be changed."""
    folder = tmp_path_factory.mktemp("data")
    for seed, (name, count) in enumerate({"train": 60, "dev": 30, "test": 30}.items()):
        write_jsonl(folder / f"{name}.jsonl", sentences(count, seed))
    return folder


@pytest.fixture
def long(tmp_path: Path) -> Path:
    """One text of many windows with a city every ten words."""
    text, spans = "", []
    for index in range(40):
        text += "It rained again in the office of nobody , "
        spans.append({"start": len(text), "end": len(text) + 4, "label": "city"})
        text += ("Lima", "Oslo")[index % 2] + " "
    return write_jsonl(tmp_path / "long.jsonl", [{"text": text, "char_spans": spans, "labels": sorted(NAMES)}])
