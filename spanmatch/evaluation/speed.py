"""The encoder alone: what a tagging or an encoding of types costs at the least.

The same strings tokenised, and the same padded batches passed through the encoder, without anything else. What a matcher
adds to that (units, candidates, scores, entities) is ours to keep small.
"""

import json
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import torch

from spanmatch.data.labels import asked_types
from spanmatch.data.words import split_words
from spanmatch.entities import EntityType
from spanmatch.errors import InputError
from spanmatch.prediction.matcher import SpanMatcher
from spanmatch.prediction.type_embeddings import TypeEmbeddings
from spanmatch.tagging.sources import read_input

LATENCY_TEXTS = 50


def seconds_of(work: Callable[[], Any], device: torch.device) -> float:
    """Seconds until all is done that a piece of work asks of the device."""
    _synchronise(device)
    start = time.perf_counter()
    work()
    _synchronise(device)
    return time.perf_counter() - start


def _synchronise(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def in_turn(works: dict[str, Callable[[], Any]], repeats: int, device: torch.device) -> dict[str, list[float]]:
    """Seconds of each piece of work, run in turn, after one run of each that does not count."""
    seconds: dict[str, list[float]] = {name: [] for name in works}
    for repeat in range(repeats + 1):
        for name, work in works.items():
            taken = seconds_of(work, device)
            seconds[name] += [taken] if repeat else []
    return seconds


def share(alone: Sequence[float], whole: Sequence[float]) -> float:
    """What the encoder alone takes of the whole: the median over runs that took turns."""
    return statistics.median(part / total for part, total in zip(alone, whole, strict=True))


def percentile(values: Sequence[float], percent: float) -> float:
    """The value that `percent` of the values do not exceed, between neighbours interpolated."""
    return float(torch.quantile(torch.tensor(values, dtype=torch.float64), percent / 100))


def peak_memory(device: torch.device | None = None) -> int | None:
    """The most bytes that this process has held: of the GPU's memory on a GPU, else resident; None where nobody counts."""
    if device is not None and device.type == "cuda":
        return int(torch.cuda.max_memory_reserved(device))
    try:
        import resource
    except ImportError:  # Windows
        return None
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def bench(
    model: str,
    file: str,
    *,
    types: Sequence[str],
    entity_types: str | None,
    num_texts: int = 200,
    repeats: int = 5,
    threads: int | None = None,
    device: str | None = None,
    dtype: str | None = None,
    compile: bool = False,
    json: bool = False,
) -> None:
    """Measure a model with one's own types and texts, and print what came out.

    Raises:
        InputError: no text or no type to measure with, or a number below 1.
    """
    for name, number in (("num_texts", num_texts), ("repeats", repeats), ("threads", threads)):
        if number is not None and number < 1:
            raise InputError(f"--{name} must be at least 1, got {number}")
    inventory = asked_types(types, entity_types)
    texts = [record["text"] for _, record in islice(read_input(file), num_texts)]
    if not any(map(split_words, texts)):
        raise InputError(f"{file}: no text with a word to measure with")
    if threads is not None:
        torch.set_num_threads(threads)
    start = time.perf_counter()
    matcher = SpanMatcher.from_pretrained(model, device=device, dtype=dtype, compile=compile)
    figures = {"load_seconds": time.perf_counter() - start} | measure(matcher, texts, inventory, repeats)
    print(_as_json(figures) if json else as_table(figures))


def measure(matcher: SpanMatcher, texts: Sequence[str], types: Sequence[EntityType], repeats: int) -> dict[str, Any]:
    """All figures of `spanmatch bench`, but for the time to load. Rates are per second, memory is in bytes."""
    device = matcher.device
    figures: dict[str, Any] = {
        "device": str(device),
        "dtype": str(next(matcher.model.parameters()).dtype).removeprefix("torch."),
        "threads": torch.get_num_threads(),
        "architecture": matcher.config.architecture,
        "num_texts": len(texts),
        "num_words": sum(len(split_words(text)) for text in texts),
        "num_tokens": sum(map(len, matcher.text_tokenizer(list(texts), add_special_tokens=False, verbose=False)["input_ids"])),
        "num_types": len(types),
        "repeats": repeats,
    }
    embedded: Sequence[EntityType] | TypeEmbeddings = types
    if not matcher.batcher.is_cross_encoder:
        embedded = matcher.encode_types(list(types))
        works: dict[str, Callable[[], Any]] = {
            "encoder": type_encoder_alone(matcher, types),
            "types": lambda: matcher.encode_types(list(types)),
        }
        seconds = in_turn(works, repeats, device)
        middle = statistics.median(seconds["types"])
        figures["types"] = {
            "seconds": middle, "per_second": len(types) / middle, "encoder_share": share(seconds["encoder"], seconds["types"])
        }  # fmt: skip
    works = {
        "encoder": text_encoder_alone(matcher, texts, embedded),
        "tagging": lambda: matcher.predict(list(texts), asked(embedded)),
    }
    seconds = in_turn(works, repeats, device)
    for name, values in seconds.items():
        middle = statistics.median(values)
        rates = {f"{unit}_per_second": figures[f"num_{unit}"] / middle for unit in ("texts", "words", "tokens")}
        figures[name] = {"seconds": middle, "min_seconds": min(values), "max_seconds": max(values)} | rates
    figures["tagging"]["encoder_share"] = share(seconds["encoder"], seconds["tagging"])
    singles = [text for text in texts if split_words(text)][:LATENCY_TEXTS]
    matcher.predict(singles[0], asked(embedded))
    latency = [seconds_of(lambda text=text: matcher.predict(text, asked(embedded)), device) for text in singles]  # type: ignore[misc]
    figures["latency_seconds"] = {"p50": percentile(latency, 50), "p95": percentile(latency, 95), "num_texts": len(singles)}
    figures["peak_memory_bytes"] = peak_memory(device)
    return figures


def _as_json(figures: dict[str, Any]) -> str:
    return json.dumps(figures, indent=1)


def as_table(figures: dict[str, Any]) -> str:
    """The figures as a person reads them."""
    lines = [
        f"{figures['num_texts']:,} texts ({figures['num_words']:,} words), {figures['num_types']:,} types, "
        f"{figures['architecture']}-encoder, {figures['dtype']} on {figures['device']}, {figures['threads']} threads; "
        f"median of {figures['repeats']}",
        "",
        f"{'':24}{'texts/s':>12}{'words/s':>12}{'tokens/s':>12}{'of the encoder':>16}",
    ]
    for name, key in (("encoder alone", "encoder"), ("tagging", "tagging")):
        rates = "".join(f"{figures[key][f'{unit}_per_second']:>12,.1f}" for unit in ("texts", "words", "tokens"))
        lines.append(f"{name:24}{rates}{figures[key].get('encoder_share', 1.0):>16.1%}")
    lines.append("")
    latency, memory = figures["latency_seconds"], figures["peak_memory_bytes"]
    if "types" in figures:
        of_types = figures["types"]
        lines.append(f"encoding the types      {of_types['seconds']:.3f} s, {of_types['per_second']:,.0f} types/s, "
                     f"{of_types['encoder_share']:.1%} of the encoder alone")  # fmt: skip
    lines.append(f"a single text           {1000 * latency['p50']:.1f} ms (median), {1000 * latency['p95']:.1f} ms (95%)")
    lines.append(f"loading the model       {figures['load_seconds']:.2f} s")
    lines += [f"peak memory             {memory / 2**20:,.0f} MiB"] if memory is not None else []
    return "\n".join(lines)


@dataclass(frozen=True, kw_only=True)
class EncoderAlone:
    """Tokenising and the encoder's forward passes, nothing else, over the batches that the encoder was seen to get."""

    encoder: Any
    tokenizer: Any
    strings: Sequence[str]
    batches: Sequence[dict[str, Any]]

    @classmethod
    def of(cls, encoder: Any, tokenizer: Any, strings: Sequence[str], work: Callable[[], Any]) -> "EncoderAlone":
        """Do the work once and keep what it gives the encoder.

        Args:
            strings: what the work tokenises.
        """
        batches: list[dict[str, Any]] = []

        def keep(_module: Any, _args: Any, kwargs: dict[str, Any]) -> None:
            batches.append({key: _copy(value) for key, value in kwargs.items()})

        handle = encoder.register_forward_pre_hook(keep, with_kwargs=True)
        # A compiled module would run the hook inside what is compiled.
        compiled, encoder._compiled_call_impl = encoder._compiled_call_impl, None
        try:
            work()
        finally:
            handle.remove()
            encoder._compiled_call_impl = compiled
        return cls(encoder=encoder, tokenizer=tokenizer, strings=list(strings), batches=batches)

    @torch.inference_mode()
    def __call__(self) -> None:
        """Tokenise and encode."""
        device = next(self.encoder.parameters()).device
        self.tokenizer(list(self.strings), add_special_tokens=False, return_attention_mask=False, verbose=False)
        for batch in self.batches:
            self.encoder(**{key: value.to(device) if torch.is_tensor(value) else value for key, value in batch.items()})


def _copy(value: Any) -> Any:
    return value.detach().cpu().clone() if torch.is_tensor(value) else value


def text_encoder_alone(matcher: SpanMatcher, texts: Sequence[str], types: Sequence[EntityType] | TypeEmbeddings) -> EncoderAlone:
    """The text encoder alone, over the batches of a tagging. In a cross-encoder the types stand in them."""
    return EncoderAlone.of(
        matcher.model.text_encoder, matcher.text_tokenizer, texts, lambda: matcher.predict(list(texts), asked(types))
    )


def type_encoder_alone(matcher: SpanMatcher, types: Sequence[EntityType]) -> EncoderAlone:
    """The type encoder alone, over the batches of `encode_types`."""
    strings = list(dict.fromkeys(item.text for item in types))
    return EncoderAlone.of(
        matcher.model.encoder_of_types, matcher.type_tokenizer, strings, lambda: matcher.encode_types(list(types))
    )


def asked(types: Sequence[EntityType] | TypeEmbeddings) -> Any:
    """Types as `predict` takes them."""
    return types if isinstance(types, TypeEmbeddings) else list(types)


