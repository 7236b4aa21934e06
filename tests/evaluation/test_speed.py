"""Speed: the encoder alone sees what tagging gives it, and the figures are those of the model, the types and the texts."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers import make_matcher

from spanmatch.entities import EntityType
from spanmatch.evaluation import speed as module
from spanmatch.evaluation.options import BenchOptions
from spanmatch.evaluation.speed import (
    EncoderAlone,
    bench,
    bench_table,
    in_turn,
    measure,
    share,
    text_encoder_alone,
    type_encoder_alone,
)
from spanmatch.prediction.matcher import SpanMatcher

TYPES = (EntityType(name="person"), EntityType(name="city", description="a town or city"))
TEXTS = ["Ada Lovelace met Bob", "in New York", "Zoë left", "Bob saw Ada in Paris and then in Rome"]


def passes(encoder: Any, work: Any) -> list[torch.Tensor]:
    """What the encoder is given during some work."""
    seen: list[torch.Tensor] = []
    handle = encoder.register_forward_pre_hook(lambda _module, _args, given: seen.append(given["input_ids"]), with_kwargs=True)
    work()
    handle.remove()
    return seen


@pytest.mark.parametrize("architecture", ["bi", "cross"])
def test_the_encoder_alone_gets_the_batches_of_tagging(architecture: str, tiny_encoder: Path) -> None:
    matcher = make_matcher(tiny_encoder, architecture)
    types: Any = list(TYPES) if architecture == "cross" else matcher.encode_types(list(TYPES))
    alone = text_encoder_alone(matcher, TEXTS, types)
    expected = passes(matcher.model.text_encoder, lambda: matcher.predict(TEXTS, types))
    seen = passes(matcher.model.text_encoder, alone)
    assert seen and len(seen) == len(expected)
    assert all(torch.equal(batch, other) for batch, other in zip(seen, expected, strict=True))


def test_a_compiled_encoder_is_seen_and_replayed(tiny_matcher: SpanMatcher) -> None:
    """What is compiled is left out of the recording, and back in its place afterwards."""
    encoder: Any = tiny_matcher.model.text_encoder
    calls: list[int] = []

    def compiled(*args: Any, **kwargs: Any) -> Any:
        calls.append(1)
        return encoder._call_impl(*args, **kwargs)

    encoder._compiled_call_impl = compiled
    alone = text_encoder_alone(tiny_matcher, TEXTS, tiny_matcher.encode_types(list(TYPES)))
    calls.clear()
    alone()
    assert len(calls) == len(alone.batches) > 0


def test_with_types_encoded_before_only_texts_are_passed(tiny_matcher: SpanMatcher) -> None:
    alone = text_encoder_alone(tiny_matcher, TEXTS, tiny_matcher.encode_types(list(TYPES)))
    assert sum(len(batch["input_ids"]) for batch in alone.batches) == len(TEXTS)


def test_types_are_encoded_anew_each_time(tiny_matcher: SpanMatcher) -> None:
    """A type that the matcher remembers would be measured as free."""
    for _ in range(2):
        alone = type_encoder_alone(tiny_matcher, TYPES)
        assert sum(len(batch["input_ids"]) for batch in alone.batches) == len(TYPES)
    assert alone.strings == [item.text for item in TYPES]


def test_the_encoder_alone_leaves_no_hook(tiny_matcher: SpanMatcher) -> None:
    alone = text_encoder_alone(tiny_matcher, TEXTS, TYPES)
    before = len(alone.batches)
    tiny_matcher.predict(TEXTS, list(TYPES))
    assert len(alone.batches) == before

    def fails() -> None:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        EncoderAlone.of(tiny_matcher.model.text_encoder, tiny_matcher.batcher.text_tokenizer, TEXTS, fails)
    assert not tiny_matcher.model.text_encoder._forward_pre_hooks


def test_work_takes_turns_after_a_run_that_does_not_count() -> None:
    order: list[str] = []
    seconds = in_turn({"a": lambda: order.append("a"), "b": lambda: order.append("b")}, 3, torch.device("cpu"))
    assert "".join(order) == "abababab"
    assert {name: len(values) for name, values in seconds.items()} == {"a": 3, "b": 3}


def test_shares_are_of_runs_side_by_side() -> None:
    # A slow moment of the machine, in the second pair, changes both.
    assert share([1.0, 10.0, 1.0], [2.0, 20.0, 4.0]) == 0.5


@pytest.mark.parametrize("architecture", ["bi", "cross"])
def test_the_figures_of_a_model(architecture: str, tiny_encoder: Path) -> None:
    matcher = make_matcher(tiny_encoder, architecture)
    figures = measure(matcher, TEXTS, TYPES, repeats=1)
    assert (figures["num_texts"], figures["num_types"], figures["num_words"]) == (4, 2, 18)
    assert figures["architecture"] == architecture
    assert ("types" in figures) == (architecture == "bi")
    for name in ("encoder", "tagging"):
        assert figures[name]["texts_per_second"] == pytest.approx(4 / figures[name]["seconds"])
        assert figures[name]["words_per_second"] == pytest.approx(18 / figures[name]["seconds"])
    assert figures["latency_seconds"]["p50"] <= figures["latency_seconds"]["p95"]


def test_a_checkpoint_is_loaded_and_measured(tiny_matcher: SpanMatcher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny_matcher.save_pretrained(tmp_path)
    asked: list[int] = []
    monkeypatch.setattr(module.torch, "set_num_threads", asked.append)
    options = BenchOptions(model=str(tmp_path), file="", repeats=1, threads=2, device="cpu", dtype="float32")
    figures = bench(TEXTS, TYPES, options)
    assert asked == [2] and figures["load_seconds"] > 0
    assert (figures["num_texts"], figures["num_types"], figures["dtype"]) == (4, 2, "float32")
    bench(TEXTS, TYPES, replace(options, threads=None))
    assert asked == [2]


def test_the_table() -> None:
    rates = {"texts_per_second": 1234.5, "words_per_second": 2.0, "tokens_per_second": 3.0}
    figures: dict[str, Any] = {
        "num_texts": 4, "num_words": 18, "num_types": 2, "architecture": "bi", "dtype": "float32", "device": "cpu",
        "threads": 1, "repeats": 5, "load_seconds": 1.0, "encoder": rates, "tagging": rates | {"encoder_share": 0.9},
        "types": {"seconds": 0.5, "per_second": 4.0, "encoder_share": 0.8}, "peak_memory_bytes": 2**30,
        "latency_seconds": {"p50": 0.01, "p95": 0.02, "num_texts": 4},
    }  # fmt: skip
    assert bench_table(figures).splitlines() == [
        "4 texts (18 words), 2 types, bi-encoder, float32 on cpu, 1 threads; median of 5",
        "",
        "               texts/s  words/s  tokens/s  of the encoder",
        "encoder alone  1,234.5      2.0       3.0          100.0%",
        "tagging        1,234.5      2.0       3.0           90.0%",
        "",
        "encoding the types  0.500 s, 4 types/s, 80.0% of the encoder alone",
        "a single text       10.0 ms (median), 20.0 ms (95%)",
        "loading the model   1.00 s",
        "peak memory         1,024 MiB",
    ]
    del figures["types"]
    shorter = bench_table(figures | {"peak_memory_bytes": None})
    assert "encoding the types" not in shorter and "peak memory" not in shorter
