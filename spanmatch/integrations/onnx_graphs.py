"""Trace a matcher as ONNX graphs, from the functions of the model that compute the same in torch, by torch's own exporter.

Every dimension that depends on texts and types stays free. How they are put to use is in `integrations.onnx`.

Legend: B batch, T tokens, U units of a text, S candidate spans, C types, K types that others are compared with, O types that
are corrected at a time.
"""

import hashlib
import json
import logging
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from torch import nn

from spanmatch.config import MatcherConfig
from spanmatch.errors import InputError, one_line
from spanmatch.integrations.onnx import MENTIONS, ONNX_KEY, RIVALS, SPANS, TEXT_ENCODER, TYPE_ENCODER, TYPES, TYPES_BEHIND
from spanmatch.model.head import SpanHead, without_bias
from spanmatch.model.model import SpanMatcherModel, pooled, type_states_behind
from spanmatch.model.rivals import excess_of, top_mentions_of
from spanmatch.prediction.matcher import SpanMatcher
from spanmatch.prediction.shipped import CONFIG_FILE, TEXT_TOKENIZER, TYPE_TOKENIZER

Inputs = Mapping[str, torch.Tensor]
# The sizes of what a graph is traced with. They differ, so that none is taken for another, and from 1, which a tracer takes
# for a constant.
B, T, U, S, C, K, O = 2, 9, 3, 5, 7, 6, 4  # noqa: E741
# How many of the first dimensions of an input are free, for inputs whose last one is the size of something. Of others all are.
FREE = {"states": 2, "apart": 2, "cells": 1, "types": 1, "highest": 1, "mentions": 1}


@dataclass(frozen=True, kw_only=True)
class _Graph:
    """Says what a graph computes: of which inputs, by their names, with the weights of which module."""

    module: nn.Module
    compute: Callable[..., Any]
    inputs: Inputs


class _Traced(nn.Module):
    """A graph as the exporter takes it: a module, with its inputs by position."""

    def __init__(self, graph: _Graph) -> None:
        super().__init__()
        self.module, self._graph = graph.module, graph

    def forward(self, *inputs: torch.Tensor) -> Any:
        return self._graph.compute(**dict(zip(self._graph.inputs, inputs, strict=True)))


def write_graphs(matcher: SpanMatcher, folder: Path) -> None:
    """Write a matcher as a folder that `OnnxMatcher` loads.

    Args:
        matcher: a matcher in float32 on the CPU.
        folder: an empty folder.

    Raises:
        InputError: torch cannot export the encoder.
    """
    for name, graph in _graphs(matcher.model).items():
        try:
            _write(graph, folder / f"{name}.onnx", is_large=name in {TEXT_ENCODER, TYPE_ENCODER})
        except Exception as error:  # of an encoder that it cannot trace, the exporter raises many kinds
            raise InputError(f"{name}: torch cannot export it ({one_line(error, 200)}); train with another encoder") from error
    matcher.text_tokenizer.save_pretrained(folder / TEXT_TOKENIZER)
    if matcher.type_tokenizer is not matcher.text_tokenizer:
        matcher.type_tokenizer.save_pretrained(folder / TYPE_TOKENIZER)
    write_config(folder, matcher.config, {"dtype": "float32"})
    if matcher.calibration is not None:
        matcher.calibration.save(folder)


def write_config(folder: Path, config: MatcherConfig, stored: Mapping[str, Any]) -> None:
    """Write the configuration of an exported matcher, with a digest of its graphs, which must be there already.

    Args:
        folder: the folder of the matcher.
        config: the configuration of its model.
        stored: what the export has to say beside that.
    """
    digest = hashlib.sha256()
    for file in sorted(folder.glob("*.onnx*")):
        digest.update(file.name.encode() + file.read_bytes())
    values = config.as_dict() | {"tagger": "onnx", ONNX_KEY: {**stored, "digest": digest.hexdigest()}}
    (folder / CONFIG_FILE).write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")


def _graphs(model: SpanMatcherModel) -> dict[str, _Graph]:
    """Return the graphs of a model by name."""
    config, head = model.matcher_config, model.head
    is_cross_encoder = config.architecture == "cross"
    has_segments = is_cross_encoder and getattr(model.text_encoder.config, "type_vocab_size", 0) > 1
    graphs = {TEXT_ENCODER: _encoder(model.text_encoder, has_segments), SPANS: _spans(model)}
    if is_cross_encoder:
        graphs[TYPES_BEHIND] = _types_behind(model)
    if model.type_encoder is not None:
        graphs[TYPE_ENCODER] = _encoder(model.type_encoder, False)
    if config.reads_types_apart:
        graphs[TYPES] = _types(model)
    if head.background is not None and config.background_weight:
        graphs |= _corrections(head, config.background_weight)
    return graphs


def _encoder(encoder: Any, has_segments: bool) -> _Graph:
    inputs = {"input_ids": torch.ones(B, T, dtype=torch.long), "attention_mask": torch.ones(B, T, dtype=torch.long)}
    inputs["attention_mask"][1, T // 2 :] = 0
    if not has_segments:
        return _Graph(module=encoder, compute=lambda **given: encoder(**given).last_hidden_state, inputs=inputs)

    def compute(segment_ids: torch.Tensor, **given: torch.Tensor) -> Any:
        return encoder(token_type_ids=segment_ids, **given).last_hidden_state

    return _Graph(module=encoder, compute=compute, inputs=inputs | {"segment_ids": torch.zeros(B, T, dtype=torch.long)})


def _spans(model: SpanMatcherModel) -> _Graph:
    head, scale = model.head, model.matcher_config.text_state_scale

    def compute(states: torch.Tensor, first_token: torch.Tensor, last_token: torch.Tensor, cells: torch.Tensor) -> Any:
        mask = torch.ones(states.shape[:2])  # a graph computes padding, too
        batch: Any = SimpleNamespace(first_token=first_token, last_token=last_token, attention_mask=mask)
        spans_SD, nulls_BND = head.represent_cells(states * scale, batch, cells), head.represent_nulls(states * scale)
        return spans_SD if nulls_BND is None else (spans_SD, nulls_BND)

    places = torch.zeros(B, U, dtype=torch.long)
    inputs = {"states": _states(model.text_encoder), "first_token": places, "last_token": places + 1}
    return _Graph(module=head, compute=compute, inputs=inputs | {"cells": torch.zeros(S, 3, dtype=torch.long)})


def _types(model: SpanMatcherModel) -> _Graph:
    head, config = model.head, model.matcher_config

    def compute(states: torch.Tensor, attention_mask: torch.Tensor) -> Any:
        scale = config.type_state_scale
        return head.embed_types(pooled(states, attention_mask, config.type_pooling, norm=config.type_norm, scale=scale))

    inputs = {"states": _states(model.encoder_of_types), "attention_mask": torch.ones(B, T, dtype=torch.long)}
    return _Graph(module=head, compute=compute, inputs=inputs)


def _types_behind(model: SpanMatcherModel) -> _Graph:
    head, scale = model.head, model.matcher_config.text_state_scale

    def compute(
        states: torch.Tensor, type_token: torch.Tensor, type_last: torch.Tensor, apart: torch.Tensor | None = None
    ) -> Any:
        batch: Any = SimpleNamespace(type_token=type_token, type_last=type_last)
        behind_BCH = type_states_behind(states * scale, batch)
        return head.embed_types(behind_BCH) if apart is None else head.embed_behind(apart, behind_BCH)

    places = torch.zeros(B, C, dtype=torch.long)
    inputs = {"states": _states(model.text_encoder), "type_token": places, "type_last": places + 1}
    if model.matcher_config.reads_types_twice:
        inputs["apart"] = torch.rand(B, C, model.matcher_config.head_size)
    return _Graph(module=head, compute=compute, inputs=inputs)


def _states(encoder: Any) -> torch.Tensor:
    return torch.rand(B, T, encoder.config.hidden_size)


def _corrections(head: SpanHead, weight: float) -> dict[str, _Graph]:
    """Return the two graphs that correct types: the mentions that each scores highest with, and the types by their rivals."""
    background_MD = head.background
    assert background_MD is not None, "asked for where there is a background"

    def mentions_of(types: torch.Tensor) -> Any:
        return top_mentions_of(without_bias(types), background_MD.float())

    def correct(
        types: torch.Tensor, own: torch.Tensor, compared: torch.Tensor, highest: torch.Tensor, mentions: torch.Tensor
    ) -> Any:
        affinity_C = highest.mean(dim=1)
        excess_O = excess_of(
            own, compared, without_bias(types), affinity_C, highest, mentions, background_MD.float()
        )  # fmt: skip
        return head.corrected_by(types[own], excess_O, affinity_C[own], weight)

    types_CD = torch.rand(C, background_MD.shape[1])
    highest_CT, mentions_CT = mentions_of(types_CD)
    inputs = {"types": types_CD, "own": torch.arange(O), "compared": torch.arange(K)}
    return {
        MENTIONS: _Graph(module=head, compute=mentions_of, inputs={"types": types_CD}),
        RIVALS: _Graph(module=head, compute=correct, inputs=inputs | {"highest": highest_CT, "mentions": mentions_CT}),
    }


def _write(graph: _Graph, file: Path, *, is_large: bool) -> None:
    """Trace a graph and write it. The weights of a large one are written beside it: it is then loaded in a third of the time."""
    free = tuple(
        {dimension: torch.export.Dim.DYNAMIC for dimension in range(FREE.get(name, tensor.dim()))}
        for name, tensor in graph.inputs.items()
    )
    with quiet_exporter(), torch.no_grad():
        program = torch.onnx.export(
            _Traced(graph).eval(),
            tuple(graph.inputs.values()),
            dynamo=True,
            dynamic_shapes={"inputs": free},
            input_names=list(graph.inputs),
            verbose=False,
        )
    assert program is not None, "the exporter returns a program, or raises"
    program.save(file, external_data=is_large)


@contextmanager
def quiet_exporter() -> Iterator[None]:
    """Hide what exporting libraries say to those who write exporters, inside a `with` statement."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript", "onnx_ir", "root")]
    levels = [logger.level for logger in loggers]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            for logger in loggers:
                logger.setLevel(logging.ERROR)
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)
