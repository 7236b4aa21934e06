"""Measuring speed and memory of a matcher, beside its encoder alone.

The encoder alone tokenises the same strings and passes the same padded batches through the encoder, without anything else.
What a matcher adds to that (units, candidates, scores, entities) is ours to keep small.
"""

import inspect
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from spanmatch.batching.tokenizer import SequenceTokenizer
from spanmatch.data.words import split_words
from spanmatch.entities import EntityType
from spanmatch.evaluation.options import BenchOptions
from spanmatch.evaluation.tables import text_table
from spanmatch.prediction.matcher import SpanMatcher
from spanmatch.prediction.type_embeddings import TypeEmbeddings

LATENCY_TEXTS = 50


def bench(texts: Sequence[str], types: Sequence[EntityType], options: BenchOptions) -> dict[str, Any]:
    """Load a checkpoint and measure it with given texts and types.

    Args:
        texts: texts to tag, of which one has a word.
        types: types to tag with.
        options: the checkpoint, and how to measure.

    Returns:
        The figures, as JSON holds them: times in seconds, rates per second, memory in bytes.
    """
    if options.threads is not None:
        torch.set_num_threads(options.threads)
    start = time.perf_counter()
    matcher = SpanMatcher.from_pretrained(options.model, device=options.device, dtype=options.dtype, compile=options.compile)
    return {"load_seconds": time.perf_counter() - start} | measure(matcher, texts, types, options.repeats)


def measure(matcher: SpanMatcher, texts: Sequence[str], types: Sequence[EntityType], repeats: int) -> dict[str, Any]:
    """Measure a matcher; return all figures of `bench` but the time to load.

    Args:
        matcher: what to measure.
        texts: texts to tag, of which one has a word.
        types: types to tag with.
        repeats: runs of each work; their median counts.
    """
    device = matcher.device
    figures: dict[str, Any] = {
        "device": str(device),
        "dtype": str(next(matcher.model.parameters()).dtype).removeprefix("torch."),
        "threads": torch.get_num_threads(),
        "architecture": matcher.config.architecture,
        "num_texts": len(texts),
        "num_words": sum(len(split_words(text)) for text in texts),
        "num_tokens": sum(map(len, matcher.batcher.text_tokenizer.encode(texts)[0])),
        "num_types": len(types),
        "repeats": repeats,
    }
    embedded: Sequence[EntityType] | TypeEmbeddings = types
    if matcher.config.architecture == "bi":
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
    works = {"encoder": text_encoder_alone(matcher, texts, embedded), "tagging": lambda: matcher.predict(list(texts), embedded)}
    seconds = in_turn(works, repeats, device)
    for name, values in seconds.items():
        middle = statistics.median(values)
        rates = {f"{unit}_per_second": figures[f"num_{unit}"] / middle for unit in ("texts", "words", "tokens")}
        figures[name] = {"seconds": middle, "min_seconds": min(values), "max_seconds": max(values)} | rates
    figures["tagging"]["encoder_share"] = share(seconds["encoder"], seconds["tagging"])
    singles = [text for text in texts if split_words(text)][:LATENCY_TEXTS]
    matcher.predict(singles[0], embedded)
    latency = [seconds_of(lambda text=text: matcher.predict(text, embedded), device) for text in singles]  # type: ignore[misc]
    middle, high = np.percentile(latency, [50, 95]).tolist()
    figures["latency_seconds"] = {"p50": middle, "p95": high, "num_texts": len(singles)}
    figures["peak_memory_bytes"] = peak_memory(device)
    return figures


def bench_table(figures: Mapping[str, Any]) -> str:
    """Return the figures of `bench` as tables, for a person to read.

    Args:
        figures: what `bench` returns.
    """
    title = (
        f"{figures['num_texts']:,} texts ({figures['num_words']:,} words), {figures['num_types']:,} types, "
        f"{figures['architecture']}-encoder, {figures['dtype']} on {figures['device']}, {figures['threads']} threads; "
        f"median of {figures['repeats']}"
    )
    rates = [
        [
            name,
            *(f"{figures[key][f'{unit}_per_second']:,.1f}" for unit in ("texts", "words", "tokens")),
            f"{figures[key].get('encoder_share', 1.0):.1%}",
        ]
        for name, key in (("encoder alone", "encoder"), ("tagging", "tagging"))
    ]
    header = ("", "texts/s", "words/s", "tokens/s", "of the encoder")
    return f"{title}\n\n{text_table(header, rates)}\n{text_table(('', ''), _facts(figures), num_left=2)}"


def _facts(figures: Mapping[str, Any]) -> list[tuple[str, str]]:
    latency, memory, types = figures["latency_seconds"], figures["peak_memory_bytes"], figures.get("types")
    facts = []
    if types is not None:
        share_alone = f"{types['encoder_share']:.1%} of the encoder alone"
        facts.append(("encoding the types", f"{types['seconds']:.3f} s, {types['per_second']:,.0f} types/s, {share_alone}"))
    facts.append(("a single text", f"{1000 * latency['p50']:.1f} ms (median), {1000 * latency['p95']:.1f} ms (95%)"))
    facts.append(("loading the model", f"{figures['load_seconds']:.2f} s"))
    return facts if memory is None else [*facts, ("peak memory", f"{memory / 2**20:,.0f} MiB")]


def seconds_of(work: Callable[[], Any], device: torch.device) -> float:
    """Return the seconds until the device has done all that some work asks of it.

    Args:
        work: the work.
        device: where it computes.
    """
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
    """Run works in turn; return the seconds of each run, after a first one that does not count.

    Args:
        works: the works, by name.
        repeats: runs of each that count.
        device: where they compute.
    """
    seconds: dict[str, list[float]] = {name: [] for name in works}
    for repeat in range(repeats + 1):
        for name, work in works.items():
            taken = seconds_of(work, device)
            seconds[name] += [taken] if repeat else []
    return seconds


def share(alone: Sequence[float], whole: Sequence[float]) -> float:
    """Return the share of the whole that the encoder alone takes: the median over runs that took turns.

    Args:
        alone: seconds of the encoder alone, run by run.
        whole: seconds of the whole, run by run.
    """
    return statistics.median(part / total for part, total in zip(alone, whole, strict=True))


def peak_memory(device: torch.device | None = None) -> int | None:
    """Return the most bytes that this process has held at a time, None where the system does not count them.

    Args:
        device: counts the memory of a GPU; for any other device, the resident memory counts.
    """
    if device is not None and device.type == "cuda":
        return int(torch.cuda.max_memory_reserved(device))
    try:
        import resource
    except ImportError:  # Windows
        return None
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


@dataclass(frozen=True, kw_only=True)
class EncoderAlone:
    """Repeats the tokenising and the encoder's forward passes of some work, and nothing else.

    Attributes:
        encoder: the encoder.
        tokenizer: its tokenizer.
        strings: what the work tokenises.
        batches: what the work gives the encoder.
    """

    encoder: Any
    tokenizer: SequenceTokenizer
    strings: Sequence[str]
    batches: Sequence[dict[str, Any]]

    @classmethod
    def of(cls, encoder: Any, tokenizer: SequenceTokenizer, strings: Sequence[str], work: Callable[[], Any]) -> "EncoderAlone":
        """Do the work once and keep what it gives the encoder.

        Args:
            encoder: the encoder.
            tokenizer: its tokenizer.
            strings: what the work tokenises.
            work: the work.
        """
        batches: list[dict[str, Any]] = []

        def keep(module: Any, args: Any, kwargs: dict[str, Any]) -> None:
            named = dict(zip(inspect.signature(module.forward).parameters, args, strict=False)) | kwargs
            batches.append({key: _copy(value) for key, value in named.items()})

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
        self.tokenizer.encode(self.strings)
        for batch in self.batches:
            self.encoder(**{key: value.to(device) if torch.is_tensor(value) else value for key, value in batch.items()})


def _copy(value: Any) -> Any:
    return value.detach().cpu().clone() if torch.is_tensor(value) else value


def text_encoder_alone(matcher: SpanMatcher, texts: Sequence[str], types: Sequence[EntityType] | TypeEmbeddings) -> EncoderAlone:
    """Return what repeats the text encoder's part in tagging. In a cross-encoder, the batches hold the types, too.

    Args:
        matcher: what tags.
        texts: the texts.
        types: the types, or their embeddings.
    """
    tokenizer = matcher.batcher.text_tokenizer
    return EncoderAlone.of(matcher.model.text_encoder, tokenizer, texts, lambda: matcher.predict(list(texts), types))


def type_encoder_alone(matcher: SpanMatcher, types: Sequence[EntityType]) -> EncoderAlone:
    """Return what repeats the type encoder's part in `encode_types`.

    Args:
        matcher: what encodes.
        types: the types.
    """
    strings = list(dict.fromkeys(item.text for item in types))
    return EncoderAlone.of(
        matcher.model.encoder_of_types, matcher.batcher.lone_type_tokenizer, strings, lambda: matcher.encode_types(list(types))
    )
