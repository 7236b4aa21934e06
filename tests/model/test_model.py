"""The model: its parts together, a gradient for every weight, one state per type, and its dropout while threads use it."""

import threading
from pathlib import Path

import pytest
import torch
from helpers import TYPES, collate_types, make_example
from helpers_e2e import write_tiny_encoder
from transformers import BertModel

from spanmatch.batching.collate import collate_texts
from spanmatch.batching.tokenizer import SequenceTokenizer
from spanmatch.model.encoders import load_pretrained
from spanmatch.model.model import EvaluationMode, type_states
from spanmatch.prediction.matcher import SpanMatcher


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_encoder(tmp_path_factory.mktemp("encoders") / "tiny")


class TestForward:
    def test_forward_is_the_parts(self, tiny_matcher: SpanMatcher) -> None:
        model = tiny_matcher.model
        [views] = tiny_matcher.batcher.windows([make_example("Ada met Bob")])
        texts, types = collate_texts(views, tiny_matcher.batcher), collate_types(TYPES, tiny_matcher.batcher.lone_type_tokenizer)
        with torch.inference_mode():
            scored = model(texts, [types])
            spans = model.head.represent_spans(model.encode_texts(texts), texts)
            parts = model.head.score_spans(spans, model.type_embeddings(types)[None])
        assert scored.spans.logits.shape == (1, 3, 3, 3) and scored.spans.nulls is None
        assert torch.equal(scored.spans.logits, parts)

    def test_every_weight_learns(self, tiny_matcher: SpanMatcher) -> None:
        """A weight without a gradient breaks data-parallel training."""
        model = tiny_matcher.model
        [views] = tiny_matcher.batcher.windows([make_example("Ada met Bob")])
        types = [collate_types(TYPES, tiny_matcher.batcher.lone_type_tokenizer)]
        model(collate_texts(views, tiny_matcher.batcher), types).spans.logits.sum().backward()
        assert not [name for name, weight in model.named_parameters() if weight.grad is None]


def test_pooling_leaves_padding_out(folder: Path) -> None:
    loaded = load_pretrained(str(folder))
    tokenizer = SequenceTokenizer.of(loaded.tokenizer, 32)
    model = loaded.model.eval()
    with torch.inference_mode():
        together = type_states(model, collate_types(["city", "person who writes about a city"], tokenizer), "mean")
        alone = type_states(model, collate_types(["city"], tokenizer), "mean")
    torch.testing.assert_close(together[:1], alone)
    assert isinstance(model, BertModel)


def test_dropout_is_off_until_the_last_thread_leaves() -> None:
    """Another thread that is done first must not turn it on."""
    model = torch.nn.Dropout()
    mode = EvaluationMode(model.train())
    entered, done = threading.Event(), threading.Event()

    def other() -> None:
        with mode:
            entered.set()
            done.wait(10)

    thread = threading.Thread(target=other)
    with mode:
        thread.start()
        entered.wait(10)
        assert not model.training
    assert not model.training
    done.set()
    thread.join()
    assert model.training
    with mode, mode:
        assert not model.training
    assert model.training
