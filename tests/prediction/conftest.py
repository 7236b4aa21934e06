"""What several tests of predictions share."""

from pathlib import Path

import pytest
import torch
from helpers import make_matcher

from spanmatch.prediction.matcher import SpanMatcher


@pytest.fixture(scope="module")
def matcher(tiny_encoder: Path) -> SpanMatcher:
    """A bi-encoder, with scores of a size that half precision does justice to. Not to be changed."""
    made = make_matcher(tiny_encoder)
    with torch.no_grad():
        made.model.head.scale.fill_(3.0)
    return made
