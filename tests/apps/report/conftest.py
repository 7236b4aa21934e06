"""Scored predictions on a real file."""

import pytest
from helpers_e2e import ROOT
from helpers_report import Scored, noisy

from spanmatch.data.corpus import Corpus, read_corpus


@pytest.fixture(scope="session")
def products() -> tuple[Corpus, list[Scored]]:
    """Read 300 product descriptions, with made-up predictions. Not to be changed."""
    corpus = read_corpus(str(ROOT / "data/products/test_ood.jsonl"), max_examples=300)
    return corpus, noisy(corpus)
