"""No network, one thread, and the tiny encoders that every test of the core is run on."""

import os

# Before anything that reads them is imported.
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_DATASETS_OFFLINE"] = "1"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
os.environ["TLDEXTRACT_PUBLIC_SUFFIX_LIST_URLS"] = ""  # Presidio checks the domains of addresses: by the list in the package
os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ.setdefault("OMP_NUM_THREADS", "1")

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from helpers import FAMILIES, make_matcher, write_family
from helpers_bad_input import Place
from helpers_e2e import sentences, trained_checkpoint, write_jsonl, write_tiny_encoder
from helpers_fuzz import DEFAULT_MINUTES
from hypothesis import settings

from spanmatch.batching import tokenizer as tokenizing
from spanmatch.model.encoders import PretrainedEncoder, load_pretrained
from spanmatch.prediction.matcher import SpanMatcher

torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
settings.register_profile("spanmatch", derandomize=True, deadline=None, max_examples=100)
settings.load_profile("spanmatch")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of the fuzz tests, here because pytest reads no deeper conftest before the command line."""
    parser.addoption("--fuzz-minutes", type=float, default=DEFAULT_MINUTES, help="minutes for all of tests/fuzz together")
    parser.addoption("--fuzz-seed", type=int, default=0, help="the first round of inputs of tests/fuzz")


@pytest.fixture(scope="session")
def encoder_folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A tiny encoder per tokenizer family: WordPiece, byte-level BPE with prefix space, SentencePiece unigrams."""
    folder = tmp_path_factory.mktemp("encoders")
    return {family: write_family(folder / family, family) for family in FAMILIES}


@pytest.fixture(scope="session", params=FAMILIES)
def family(request: pytest.FixtureRequest) -> str:
    """Each tokenizer family in turn."""
    return str(request.param)


@pytest.fixture(scope="session")
def family_encoder(family: str, encoder_folders: dict[str, Path]) -> PretrainedEncoder:
    """The tiny encoder of the family, loaded. Not to be changed."""
    return load_pretrained(str(encoder_folders[family]))


@pytest.fixture(scope="session")
def family_matcher(family: str, encoder_folders: dict[str, Path]) -> SpanMatcher:
    """A matcher around the tiny encoder of the family. Not to be changed."""
    return make_matcher(encoder_folders[family])


@pytest.fixture(scope="session")
def tiny_encoder(encoder_folders: dict[str, Path]) -> Path:
    """The folder of a tiny BERT with a window of 64 subwords."""
    return encoder_folders["WordPiece"]


@pytest.fixture
def tiny_matcher(tiny_encoder: Path) -> SpanMatcher:
    """A matcher around the tiny BERT, new for each test."""
    return make_matcher(tiny_encoder)


@pytest.fixture(scope="session")
def parts(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    """An encoder and the two checkpoints of a `Place`. Not to be changed."""
    folder = tmp_path_factory.mktemp("parts")
    encoder = write_tiny_encoder(folder / "encoder")
    other = ["--loss", "contrastive", "--max_steps", 1]
    contrastive = trained_checkpoint(folder / "contrastive", encoder, *other, architecture="cross")
    (contrastive / "thresholds.json").unlink()
    return encoder, trained_checkpoint(folder / "checkpoint", encoder), contrastive


@pytest.fixture
def place(tmp_path: Path, parts: tuple[Path, Path, Path]) -> Place:
    """A folder to give bad input in."""
    encoder, checkpoint, contrastive = parts
    shutil.copytree(checkpoint, tmp_path / "checkpoint")
    shutil.copytree(contrastive, tmp_path / "contrastive")
    write_jsonl(tmp_path / "good.jsonl", sentences(6))
    return Place(folder=tmp_path, encoder=encoder)


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """Sums of floats depend on the number of threads; runs of one process and of another are compared here."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(autouse=True)
def told_anew() -> None:
    """What is told once in a process is told once in each test."""
    tokenizing._warn_of_cut.cache_clear()
