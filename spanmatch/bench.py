"""Speed: the `spanmatch bench` command, and what the benchmarks measure with.

The measure of tagging is its encoder alone, over the same batches (see `encoder_alone`). Runs of the two take turns.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any

import torch

from spanmatch.arguments import types_argument
from spanmatch.encoder_alone import asked, text_encoder_alone, type_encoder_alone
from spanmatch.entities import EntityType
from spanmatch.errors import InputError
from spanmatch.predictor import SpanMatcher, TypeEmbeddings
from spanmatch.spans import split_words
from spanmatch.tagging import asked_types, read_input

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


def bench_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `spanmatch bench`."""
    parser.add_argument("model", metavar="MODEL", help="checkpoint folder or hub id")
    parser.add_argument("file", metavar="FILE", help="texts, as `spanmatch tag` reads them")
    types_argument(parser)
    parser.add_argument("--entity_types", metavar="FILE", help="JSON file of types {name: description}")
    parser.add_argument("--num_texts", type=int, default=200, metavar="N", help="texts of the file to measure with (200)")
    parser.add_argument("--repeats", type=int, default=5, metavar="N", help="runs, of which the median counts (5)")
    parser.add_argument("--threads", type=int, metavar="N", help="threads on a CPU; by default torch's")
    parser.add_argument("--device", metavar="D", help="cpu, cuda, mps; by default the accelerator where there is one")
    parser.add_argument("--dtype", metavar="D", help="float32, bfloat16, float16; by default what the device computes natively")
    parser.add_argument("--compile", action="store_true", help="with torch.compile, as `spanmatch tag --compile`")
    parser.add_argument("--json", action="store_true", help="print JSON")


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
    if not matcher.batcher.types_stand_behind:
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
