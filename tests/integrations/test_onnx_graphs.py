"""Graphs against the functions that they were traced from, with sizes other than those that they were traced with."""

import logging
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from helpers_e2e import read_json

from spanmatch.batching.views import View
from spanmatch.data.examples import Example
from spanmatch.data.words import split_words
from spanmatch.entities import as_entity_types
from spanmatch.errors import InputError
from spanmatch.integrations.onnx import OnnxMatcher
from spanmatch.integrations.onnx_graphs import quiet_exporter, write_config, write_graphs
from spanmatch.prediction.backend import Backend
from spanmatch.prediction.matcher import SpanMatcher

NAMES = ["person", "city", "the name of a place where people live", "a", "company", "dog", "rue", "cities and companies", "fox"]


def backends(exported: tuple[SpanMatcher, Path]) -> tuple[SpanMatcher, Backend, Backend]:
    """A matcher, and what computes for it in torch and in ONNX."""
    matcher, folder = exported
    return matcher, matcher._backend, OnnxMatcher.from_pretrained(folder)._backend


def types_apart(matcher: SpanMatcher, backend: Backend, views: Sequence[View]) -> list[Any] | None:
    """The embedded types of each view, of a cross-encoder that reads types apart from texts, too."""
    if not matcher.config.reads_types_twice:
        return None
    return [backend.embed_types(matcher.batcher.lone_type_tokenizer.tokenize_types(view.type_texts)) for view in views]


def assert_close(expected: torch.Tensor, got: np.ndarray) -> None:
    assert got.dtype == np.float32 and expected.shape == got.shape
    np.testing.assert_allclose(got, expected.numpy(), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    "texts", [["Ada"], ["Ada met Bob in London .", "", "Zoë"], ["New York and Cape Town are cities ; " * 4] * 3]
)
@pytest.mark.parametrize("num_types", [1, 2, 3])
def test_spans(texts: list[str], num_types: int, exported: tuple[SpanMatcher, Path]) -> None:
    """Of one text and of several, of windows, above each null slot; in a cross-encoder with the types behind the texts."""
    matcher, in_torch, in_onnx = backends(exported)
    types = as_entity_types(NAMES[:num_types])
    examples = [Example(where="", text=text, words=split_words(text), mentions=(), types=types) for text in texts]
    views = matcher.batcher.passes([view for own in matcher.batcher.windows(examples) for view in own])
    for slot in (None, *matcher.config.null_slots):
        with in_torch.inference():
            expected = in_torch.embed_spans(views, slot, types_apart(matcher, in_torch, views))
        got = in_onnx.embed_spans(views, slot, types_apart(matcher, in_onnx, views))
        assert np.array_equal(expected.cells, got.cells) and len(got.cells)
        assert_close(expected.spans, got.spans)
        if matcher.batcher.is_cross_encoder:
            for view, one, other in zip(views, expected.types_behind, got.types_behind, strict=True):
                assert_close(one[: len(view.types)], other[: len(view.types)])
        else:
            assert expected.types_behind is None and got.types_behind is None


@pytest.mark.parametrize("num_types", [1, 2, 5, 9])
def test_types_and_their_correction(num_types: int, bi: tuple[SpanMatcher, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """Lists of any length, also where types are corrected some at a time."""
    matcher, in_torch, in_onnx = backends(bi)
    sequences = matcher.batcher.lone_type_tokenizer.tokenize_types(NAMES[:num_types])
    with in_torch.inference():
        expected = in_torch.embed_types(sequences)
        corrected = in_torch.corrected(expected)
    got = in_onnx.embed_types(sequences)
    assert_close(expected, got)
    assert_close(corrected, in_onnx.corrected(got))
    assert (corrected[:, -2:].sum(1) - expected[:, -2:].sum(1)).abs().max() > 0.01, "or no correction would not show"
    monkeypatch.setattr("spanmatch.integrations.onnx.CORRECTED_TOGETHER", 2)
    assert_close(corrected, in_onnx.corrected(got))
    assert in_onnx.corrects_types and in_onnx.corrected(got[:0]).shape == (0, got.shape[1])


def test_a_cross_encoder_without_background_corrects_nothing(cross: tuple[SpanMatcher, Path]) -> None:
    _, _, in_onnx = backends(cross)
    types = np.ones((3, 16), np.float32)
    assert in_onnx.corrected(types) is types


def test_the_files_are_sound(exported: tuple[SpanMatcher, Path]) -> None:
    """... by the checker of ONNX; weights of encoders stand beside their graph."""
    _, folder = exported
    for file in folder.glob("*.onnx"):
        onnx.checker.check_model(file)
        assert Path(f"{file}.data").is_file() == ("encoder" in file.name)


def test_the_digest_is_that_of_the_graphs(bi: tuple[SpanMatcher, Path], tmp_path: Path) -> None:
    matcher, folder = bi
    for file in folder.glob("*.onnx*"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    before = read_json(folder / "config.json")["onnx"]
    write_config(tmp_path, matcher.config, {"dtype": "float32"})
    assert read_json(tmp_path / "config.json")["onnx"]["digest"] == before["digest"]
    (tmp_path / "types.onnx").write_bytes(b"other")
    write_config(tmp_path, matcher.config, {"dtype": "float32"})
    assert read_json(tmp_path / "config.json")["onnx"]["digest"] != before["digest"]


def test_what_cannot_be_traced(tiny_matcher: SpanMatcher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forward(input_ids: torch.Tensor, **given: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("it depends on\nwhat it reads")

    monkeypatch.setattr(tiny_matcher.model.text_encoder, "forward", forward)
    with pytest.raises(InputError, match=r"text_encoder: torch cannot export it .*; train with another encoder"):
        write_graphs(tiny_matcher, tmp_path)


def test_exporters_are_quiet_and_then_as_before() -> None:
    logger = logging.getLogger("torch.onnx")
    before = logger.level
    with quiet_exporter(), warnings.catch_warnings(record=True) as told:
        warnings.warn("for those who write exporters", stacklevel=1)
        assert not logger.isEnabledFor(logging.WARNING)
    assert logger.level == before and len(told) in {0, 1}
