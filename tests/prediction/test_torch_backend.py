"""Computing in torch. Blocks of scores are tested in test_scoring.py, changed weights in test_type_encoder.py."""

import numpy as np
import pytest
import torch
from helpers import TEXTS, TYPES, make_example

from spanmatch.entities import as_entity_types
from spanmatch.errors import InputError
from spanmatch.prediction.matcher import SpanMatcher
from spanmatch.prediction.torch_backend import TorchBackend, TorchBlocks, WeightsWatch


@pytest.fixture
def backend(tiny_matcher: SpanMatcher) -> TorchBackend:
    return TorchBackend(tiny_matcher.model, tiny_matcher.batcher, tiny_matcher.inference)


def test_spans_are_those_of_the_head(backend: TorchBackend) -> None:
    """Every candidate once, in the order of the views; a score is a product."""
    example = make_example(TEXTS["plain"], (), as_entity_types(TYPES))
    [views] = backend.batcher.windows([example])
    with backend.inference():
        found = backend.embed_spans(views, None)
        types = backend.embed_types(backend.batcher.lone_type_tokenizer.tokenize_types(TYPES))
    assert found.cells.tolist() == sorted(found.cells.tolist()) and len(found.cells) == len(found.spans) > 10
    assert found.types_behind is None and types.shape == (3, 16)
    span, logits = backend.blocks(found.spans, types).near(0, 0, -1e9)
    np.testing.assert_allclose(logits, (types @ found.spans.T).numpy(), rtol=1e-5, atol=1e-5)
    assert span.tolist() == list(range(len(found.spans)))


def test_beyond_half_precision(backend: TorchBackend) -> None:
    backend.model.half()
    with torch.no_grad():
        backend.model.head.type_proj.bias.fill_(torch.inf)
    with backend.inference(), pytest.raises(InputError, match="range of float16"):
        backend.embed_types(backend.batcher.lone_type_tokenizer.tokenize_types(TYPES))


def test_nothing_is_near() -> None:
    span, logits = TorchBlocks(torch.ones(3, 2), torch.ones(4, 2)).near(0, 0, 3.0)
    assert len(span) == 0 and logits.size == 0


def test_a_write_is_noticed() -> None:
    layer, watch = torch.nn.Linear(3, 3), WeightsWatch()
    before = watch.version([layer], [])
    assert watch.version([layer], []) == before
    layer.weight.data.add_(1)  # which torch does not count
    changed = watch.version([layer], [])
    assert changed != before
    with torch.no_grad():
        layer.bias[0] += 1
    assert watch.version([layer], []) != changed
