"""Matchers that have every graph between them, and the folders that they were exported to."""

from pathlib import Path

import pytest
import torch
from helpers import make_matcher

from spanmatch.integrations.onnx_graphs import write_graphs
from spanmatch.model.head import without_bias
from spanmatch.prediction.matcher import SpanMatcher
from spanmatch.prediction.thresholds import Calibration

Exported = tuple[SpanMatcher, Path]


def _exported(matcher: SpanMatcher, folder: Path) -> Exported:
    write_graphs(matcher, folder)
    return matcher, folder


@pytest.fixture(scope="session")
def bi(encoder_folders: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """A bi-encoder with a type encoder of its own, another tokenizer, the correction by rivals, and thresholds."""
    encoder = encoder_folders["WordPiece"]
    matcher = make_matcher(encoder, type_encoder=str(encoder_folders["BPE"]), background_weight=0.5)
    head = matcher.model.head
    assert head.background is not None
    torch.manual_seed(3)
    with torch.no_grad():
        head.scale.fill_(3.0)
        head.background.copy_(without_bias(torch.randn(head.background.shape)))
        head.usual_affinity.fill_(1.0)
    matcher.calibration = Calibration(threshold=0.4, per_type={"person": 0.3}, source="made by hand", f1=0.5)
    return _exported(matcher, tmp_path_factory.mktemp("bi"))


@pytest.fixture(scope="session")
def cross(tiny_encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """A cross-encoder with null slots, whose texts are read with few types at a time."""
    matcher = make_matcher(tiny_encoder, "cross", loss="contrastive", max_types_per_pass=2)
    with torch.no_grad():
        matcher.model.head.scale.fill_(3.0)
    return _exported(matcher, tmp_path_factory.mktemp("cross"))


@pytest.fixture(scope="session")
def twice(encoder_folders: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """A cross-encoder that reads types apart from texts, too, with another tokenizer."""
    types = str(encoder_folders["BPE"])
    matcher = make_matcher(encoder_folders["WordPiece"], "cross", type_encoder=types, max_types_per_pass=2)
    assert matcher.model.head.behind_proj is not None
    torch.nn.init.normal_(matcher.model.head.behind_proj.weight, std=0.1, generator=torch.Generator().manual_seed(1))
    return _exported(matcher, tmp_path_factory.mktemp("twice"))


@pytest.fixture(params=["bi", "cross", "twice"])
def exported(request: pytest.FixtureRequest) -> Exported:
    """Each of them in turn. Not to be changed."""
    found: Exported = request.getfixturevalue(request.param)
    return found
