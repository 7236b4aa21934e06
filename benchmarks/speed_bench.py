"""Asking the systems of the speed benchmark, in turn."""

import argparse
import math
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

from processes import PeerError, Worker
from speed_data import TextSet, text_sets, type_names
from speed_systems import BI, COMPILED, ENCODERS, SYSTEMS, Place

# All numbers of types on one set; the other two with the number that the targets speak of.
COUNTS_PER_SET = {"conll2003": None, "crossner": (25,), "long": (25,)}
LATENCY_TYPES, LATENCY_TEXTS = 25, 40
FEW_TEXTS, FEWER_TEXTS = 8, 3  # for a threshold, and to see how long a run will take; fewer with many types
Figures = dict[str, Any]


class Bench:
    """The processes and what is asked of them."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.place = Place(
            environments=options.environments, models=options.models, datasets=options.datasets, threads=options.threads
        )
        self.sets = text_sets(options.datasets, options.texts)
        self.workers: dict[str, Worker] = {}
        self.begin = time.perf_counter()
        self.broken: dict[str, str] = {}
        self.thresholds: dict[tuple[str, int], float] = {}

    def types(self, count: int) -> list[str]:
        """As many names of types."""
        return type_names(self.options.datasets, count, self.options.seed)

    def ask(self, name: str, op: str, **arguments: Any) -> Figures | None:
        """Ask a system; None, and never again, once it has failed."""
        if name in self.broken:
            return None
        try:
            if name not in self.workers:
                self.workers[name] = self.place.start(SYSTEMS[name])
                self.workers[name].receive()
            return self.workers[name].ask(op, **arguments)
        except PeerError as error:
            self.broken[name] = str(error)
            print(f"  {name}: {error}", flush=True)
            if name in self.workers:
                self.workers.pop(name).close()
            return None

    def close(self) -> None:
        """End all processes."""
        for worker in self.workers.values():
            worker.close()
        self.workers.clear()

    def tagging(self, keep: Callable[[Figures], None]) -> None:
        """Texts per second for each set and number of types, and the latency of a single text; kept after each number."""
        results: Figures = {"tagging": {}, "latency": {}, "set_types": {}, "memory": {}}
        for count in self.options.num_types:
            asked = [name for name in self.options.systems if count in SYSTEMS[name].num_types]
            types = self.types(count)
            for name in asked:
                self.broken.pop(name, None)
                taken = self.ask(name, "types", types=types)
                if taken:
                    results["set_types"].setdefault(name, {})[str(count)] = taken["seconds"]
            for set_name, counts in COUNTS_PER_SET.items():
                if set_name in self.options.sets and (counts is None or count in counts):
                    cells = self.cells(set_name, count, [name for name in asked if set_name in SYSTEMS[name].sets])
                    results["tagging"].setdefault(set_name, {})[str(count)] = cells
                    if count == LATENCY_TYPES and set_name == "conll2003":
                        results["latency"] = self.latency(asked)
            for name in asked:
                memory = self.ask(name, "memory")
                if memory:
                    results["memory"].setdefault(name, {})[str(count)] = memory["bytes"]
            keep(results)
        self.close()

    def cells(self, set_name: str, count: int, names: Sequence[str]) -> Figures:
        """One set with one number of types: thresholds, how many texts each can do in time, then runs in turn."""
        texts = self.sets[set_name]
        chosen: dict[str, TextSet] = {}
        cells: Figures = {}
        for name in names:
            prepared = self.prepare(name, texts, count)
            if isinstance(prepared, str):
                cells[name] = {"skipped": prepared}
                continue
            chosen[name], cells[name] = prepared
        for name, row in ENCODERS.items():
            if name in chosen:
                own = chosen[name]
                cells[row] = {"seconds": [], "num_texts": len(own.texts), "num_words": own.num_words, "share_read": 1.0}
        for repeat in range(self.options.repeats):
            for name, own in chosen.items():
                if repeat >= cells[name]["repeats"] or "skipped" in cells[name]:
                    continue
                self.measure(name, own, cells)
        for cell in cells.values():
            if rates := sorted(cell["num_texts"] / seconds for seconds in cell.get("seconds", ())):
                cell["texts_per_second"] = {"min": rates[0], "median": statistics.median(rates), "max": rates[-1]}
        taken = time.perf_counter() - self.begin
        print(
            f"after {taken:.0f} s: {set_name}, {count} types: " + "; ".join(_brief(name, cell) for name, cell in cells.items()),
            flush=True,
        )
        return cells

    def prepare(self, name: str, texts: TextSet, count: int) -> tuple[TextSet, Figures] | str:
        """Choose what one run covers; or the reason why the cell is left out."""
        few = few_of(texts, count)
        threshold = self.calibrated(name, count)
        read = self.ask(name, "read", texts=few)
        probe = self.ask(name, "tag", texts=few)
        if read is None or probe is None:
            return self.broken[name]
        whole = probe["seconds"] / len(few) * len(texts.texts)
        step = max(1, math.ceil(whole / self.options.run_seconds - 0.2))
        own = TextSet(texts=texts.texts[::step], entities_per_text=texts.entities_per_text)
        expected = whole / step
        if expected > self.options.cell_seconds or len(own.texts) < (5 if len(texts.texts) > 5 else 1):
            return f"a run over {len(texts.texts)} texts would take {whole:.0f} s"
        is_short = expected < self.options.run_seconds / 2
        if is_short:  # warm with what will be measured
            self.ask(name, "tag", texts=own.texts)
        repeats = self.options.repeats if is_short else min(3, self.options.repeats)
        return own, {
            "seconds": [], "num_texts": len(own.texts), "num_words": own.num_words, "share_read": read["share"],
            "repeats": repeats, "threshold": threshold, "entities_wished": texts.entities_per_text,
        }  # fmt: skip

    def calibrated(self, name: str, count: int) -> float | None:
        """The threshold of a system for a number of types, found on a few texts of the first set; fewer types come first."""
        if (name, count) not in self.thresholds:
            before = [value for (other, _), value in self.thresholds.items() if other == name]
            high, step = (before[-1] + 2, 1) if before else (8, 2)
            texts = next(iter(self.sets.values()))
            wished, finest = texts.entities_per_text, 0.001 if count <= 100 else 0.1
            given = {"texts": few_of(texts, count), "per_text": wished, "high": high, "step": step, "finest": finest}
            found = self.ask(name, "calibrate", **given)
            if found is None:
                return None
            self.thresholds[name, count] = found["threshold"]
        return self.thresholds[name, count]

    def measure(self, name: str, own: TextSet, cells: Figures) -> None:
        """One run of a system; of ours also its encoder alone, right after it."""
        result = self.ask(name, "tag", texts=own.texts)
        if result is None:
            cells[name] = {"skipped": self.broken[name]}
            return
        cell = cells[name]
        cell["seconds"].append(result["seconds"])
        found = result["entities"]
        cell["entities_per_text"] = sum(map(len, found)) / len(found)
        if bad := wrong_offsets(own.texts, found):
            raise SystemExit(f"{name}: entities outside their text, such as {bad}")
        if SYSTEMS[name].is_ours:
            alone = self.ask(name, "encoder", texts=own.texts)
            if alone is not None:
                cell.setdefault("encoder_share", []).append(alone["seconds"] / result["seconds"])
                if name in ENCODERS:
                    cells[ENCODERS[name]]["seconds"].append(alone["seconds"])

    def latency(self, names: Sequence[str]) -> Figures:
        """Seconds of single texts: some of each system in turn, until each has done as many as there are."""
        texts = self.sets["conll2003"].texts
        seconds: dict[str, list[float]] = {name: [] for name in names}
        for start in range(0, min(len(texts), LATENCY_TEXTS * self.options.repeats), LATENCY_TEXTS):
            for name in names:
                result = self.ask(name, "latency", texts=texts[start : start + LATENCY_TEXTS])
                seconds[name] += result["seconds"] if result else []
        return {name: values for name, values in seconds.items() if values}

    def types_part(self, keep: Callable[[Figures], None]) -> None:
        """Seconds of encoding types, with the encoder alone on the same strings; of GLiNER with its own method."""
        results: Figures = {}
        for count in (25, 1000, 10_000):
            if count not in self.options.num_types:
                continue
            if BI in self.options.systems:
                taken = self.ask(BI, "encode_types", types=self.types(count), repeats=self.options.repeats)
                if taken:
                    results.setdefault(BI, {})[str(count)] = taken
        self.close()
        keep({"types": results})

    def start(self, keep: Callable[[Figures], None]) -> None:
        """Fresh processes: seconds from the start to the first entities, and the memory after all texts of a set."""
        results: Figures = {}
        counts = [(name, LATENCY_TYPES) for name in self.options.systems]
        counts += [(BI, count) for count in (1000, 100_000) if count in self.options.num_types and BI in self.options.systems]
        for name, count in counts:
            types, texts = self.types(count), self.sets["conll2003"].texts
            seconds: list[float] = []
            self.thresholds.clear()
            for _ in range(min(3, self.options.repeats) if count == LATENCY_TYPES and name != COMPILED else 1):
                self.close()
                begin = time.perf_counter()
                self.ask(name, "types", types=types)
                if self.ask(name, "tag", texts=texts[:1]) is not None:
                    seconds.append(time.perf_counter() - begin)
            own = texts if SYSTEMS[name].is_ours else texts[:50]
            if self.calibrated(name, count) is not None and self.ask(name, "tag", texts=own):
                memory = self.ask(name, "memory")
                results.setdefault(name, {})[str(count)] = {"seconds": seconds, "bytes": memory["bytes"] if memory else None}
                print(f"start, {name}, {count} types: {seconds}, {results[name][str(count)]['bytes']:,} bytes", flush=True)
        self.close()
        keep({"start": results})


def _brief(name: str, cell: Figures) -> str:
    if not cell.get("seconds"):
        return f"{name}: {cell.get('skipped', 'nothing')}"
    found = f", {cell['entities_per_text']:.1f} entities" if "entities_per_text" in cell else ""
    return f"{name} {cell['num_texts'] / statistics.median(cell['seconds']):.1f}/s{found}"


def few_of(texts: TextSet, count: int) -> list[str]:
    """Texts from all over a set."""
    return texts.texts[:: max(1, len(texts.texts) // (FEW_TEXTS if count <= 100 else FEWER_TEXTS))]


def wrong_offsets(texts: Sequence[str], found: Sequence[Sequence[Any]]) -> list[Any]:
    """Entities that are no span of their text."""
    return [item for text, own in zip(texts, found, strict=True) for item in own if not 0 <= item[0] < item[1] <= len(text)]
