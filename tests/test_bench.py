"""`spanmatch bench`: the encoder alone sees what tagging gives it, and the figures are those of the model, types and file."""

import argparse
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers import make_matcher

from spanmatch.cli.bench import bench_arguments
from spanmatch.entities import EntityType
from spanmatch.errors import InputError
from spanmatch.evaluation import speed as module
from spanmatch.evaluation.speed import (
    EncoderAlone,
    as_table,
    bench,
    in_turn,
    measure,
    percentile,
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
        EncoderAlone.of(tiny_matcher.model.text_encoder, tiny_matcher.text_tokenizer, TEXTS, fails)
    assert not tiny_matcher.model.text_encoder._forward_pre_hooks


def test_work_takes_turns_after_a_run_that_does_not_count() -> None:
    order: list[str] = []
    seconds = in_turn({"a": lambda: order.append("a"), "b": lambda: order.append("b")}, 3, torch.device("cpu"))
    assert "".join(order) == "abababab"
    assert {name: len(values) for name, values in seconds.items()} == {"a": 3, "b": 3}


def test_shares_are_of_runs_side_by_side() -> None:
    # A slow moment of the machine, in the second pair, changes both.
    assert share([1.0, 10.0, 1.0], [2.0, 20.0, 4.0]) == 0.5


@pytest.mark.parametrize(("percent", "expected"), [(0, 1), (50, 3), (95, 4.8), (100, 5)])
def test_percentiles(percent: float, expected: float) -> None:
    assert percentile([5, 1, 2, 3, 4], percent) == pytest.approx(expected)


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
    printed = as_table(figures | {"load_seconds": 1.0})
    assert ("encoding the types" in printed) == (architecture == "bi")
    assert "encoder alone" in printed and "4 texts (18 words), 2 types" in printed


def test_the_command(tiny_matcher: SpanMatcher, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tiny_matcher.save_pretrained(tmp_path / "model")
    (tmp_path / "texts.txt").write_text("\n".join(TEXTS) + "\n", encoding="utf-8")
    parser = argparse.ArgumentParser()
    bench_arguments(parser)
    given = [str(tmp_path / "model"), str(tmp_path / "texts.txt"), "--types", "person,city", "--num_texts", "3"]
    bench(**vars(parser.parse_args([*given, "--repeats", "1", "--dtype", "float32", "--device", "cpu", "--json"])))
    figures = json.loads(capsys.readouterr().out)
    assert (figures["num_texts"], figures["num_types"], figures["dtype"]) == (3, 2, "float32")
    bench(**vars(parser.parse_args([*given, "--repeats", "1", "--device", "cpu"])))
    assert "3 texts" in capsys.readouterr().out


def test_threads_are_as_asked(tiny_matcher: SpanMatcher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny_matcher.save_pretrained(tmp_path / "model")
    (tmp_path / "texts.txt").write_text(TEXTS[0], encoding="utf-8")
    asked: list[int] = []
    monkeypatch.setattr(module.torch, "set_num_threads", asked.append)
    bench(
        str(tmp_path / "model"), str(tmp_path / "texts.txt"), types=["person"], entity_types=None, repeats=1, threads=2, json=True
    )
    assert asked == [2]


@pytest.mark.parametrize("flag", ["num_texts", "repeats", "threads"])
def test_numbers_below_one_are_refused(flag: str) -> None:
    numbers: dict[str, Any] = {flag: 0}
    with pytest.raises(InputError, match=f"--{flag} must be at least 1, got 0"):
        bench("model", "file", types=["person"], entity_types=None, **numbers)


def test_a_file_without_a_word_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").write_text('{"text": " "}\n', encoding="utf-8")
    with pytest.raises(InputError, match="no text with a word"):
        bench("model", str(tmp_path / "empty.jsonl"), types=["person"], entity_types=None)
