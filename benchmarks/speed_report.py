"""Tables and plot of the speed benchmark, from its figures."""

import shlex
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from speed_systems import BI, BI_GLINER, CROSS, ENCODERS, HELPED, SYSTEMS, UNI_GLINER

Figures = dict[str, Any]
ORDER = (*ENCODERS.values(), *SYSTEMS)
PATHS = ("--environments", "--models", "--datasets", "--train_file", "--output")
MIN_FOUND, MAX_FOUND = 0.2, 5  # entities, relative to those annotated


def median(values: Sequence[float]) -> float:
    """The middle value."""
    return statistics.median(values)


def texts_per_second(cell: Figures | None) -> float | None:
    """The median rate of a cell; None where nothing was measured."""
    return cell["num_texts"] / median(cell["seconds"]) if cell and cell.get("seconds") else None


def words_per_second(cell: Figures | None) -> float | None:
    """Words that the model read: what it cut off does not count."""
    return cell["num_words"] * cell["share_read"] / median(cell["seconds"]) if cell and cell.get("seconds") else None


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Markdown."""
    return ["| " + " | ".join(header) + " |", "|" + "---|" * len(header), *("| " + " | ".join(row) + " |" for row in rows), ""]


def cell_of(figures: Figures, name: str, count: int, set_name: str = "conll2003") -> Figures | None:
    """A cell of the tagging tables."""
    found: Figures | None = figures.get("tagging", {}).get(set_name, {}).get(str(count), {}).get(name)
    return found


def quantile(values: Sequence[float], share: float) -> float:
    """The value that this share of the values does not exceed, between neighbours interpolated."""
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    low = int(place)
    return ordered[low] + (place - low) * (ordered[min(low + 1, len(ordered) - 1)] - ordered[low])


def tagging_table(by_count: Figures, all_texts: int, *, words: bool) -> list[str]:
    """A row per system, a column per number of types."""
    counts = sorted(map(int, by_count))
    rows, reasons = [], []
    for name in ORDER:
        cells = [by_count[str(count)].get(name) for count in counts]
        if not any(cells):
            continue
        row = [name]
        for count, cell in zip(counts, cells, strict=True):
            rate = words_per_second(cell) if words else texts_per_second(cell)
            text = "-" if rate is None else f"{rate:,.0f}" if rate >= 100 else f"{rate:.1f}"
            if cell and rate is not None:
                text += f" ({median(cell['encoder_share']):.0%})" if cell.get("encoder_share") else ""
                text += " *" if cell["num_texts"] < all_texts else ""
                text += f" (reads {cell['share_read']:.0%})" if cell["share_read"] < 0.995 else ""
            elif cell:
                reasons.append(f"- {name}, {count:,} types: left out, {cell.get('skipped', 'nothing measured')}")
            row.append(text)
        rows.append(row)
    unit = "words/s" if words else "texts/s"
    return [*table([unit, *(f"{count:,} types" for count in counts)], rows), *reasons, *([""] if reasons else [])]


def found_table(figures: Figures) -> list[str]:
    """How many entities everybody finds: the comparison is one of taggers that answer."""
    rows = []
    for set_name, by_count in figures.get("tagging", {}).items():
        counts = sorted(map(int, by_count))
        for name in ORDER:
            found = [by_count[str(count)].get(name, {}).get("entities_per_text") for count in counts]
            if any(value is not None for value in found):
                texts = [f"{count:,}: {value:.1f}" for count, value in zip(counts, found, strict=True) if value is not None]
                rows.append([set_name, name, "; ".join(texts)])
    return table(["set", "system", "entities per text, by number of types"], rows)


def latency_table(latency: Figures) -> list[str]:
    """Milliseconds of a single text."""
    rows = [
        [name, f"{1000 * median(values):.1f}", f"{1000 * quantile(values, 0.95):.1f}", str(len(values))]
        for name, values in latency.items()
    ]
    return table(["a single text, 25 types", "median, ms", "95%, ms", "texts"], rows)


def types_table(figures: Figures) -> list[str]:
    """What it costs to encode types."""
    rows = []
    for name, by_count in figures.get("types", {}).items():
        for count, taken in by_count.items():
            shares = [alone / whole for alone, whole in zip(taken["encoder"], taken["types"], strict=True)]
            middle = median(taken["types"])
            rows.append([name, f"{int(count):,}", f"{middle:.3f}", f"{int(count) / middle:,.0f}", f"{median(shares):.1%}"])
    for name, by_count in figures.get("set_types", {}).items():
        for count, seconds in by_count.items():
            if name.startswith(BI_GLINER) or (name == BI and count == "100000"):
                rows.append([name, f"{int(count):,}", f"{seconds:.3f}", f"{int(count) / seconds:,.1f}", "-"])
    return table(["encoding types", "types", "seconds", "types/s", "of the encoder alone on these strings"], rows)


def start_table(start: Figures) -> list[str]:
    """Cold start and memory."""
    rows = []
    for name, by_count in start.items():
        for count, taken in by_count.items():
            seconds = f"{median(taken['seconds']):.1f}" if taken["seconds"] else "-"
            memory = f"{taken['bytes'] / 2**20:,.0f}" if taken["bytes"] else "-"
            rows.append([name, f"{int(count):,}", seconds, memory])
    return table(["a new process", "types", "start to first answer, s", "peak memory, MiB"], rows)


def ratio(figures: Figures, ours: str, peer: str, count: int) -> float | None:
    """How many times the texts per second of a peer."""
    own, other = texts_per_second(cell_of(figures, ours, count)), texts_per_second(cell_of(figures, peer, count))
    return own / other if own and other else None


def share_at(figures: Figures, name: str, count: int) -> float | None:
    """The share of the encoder alone."""
    cell = cell_of(figures, name, count)
    return median(cell["encoder_share"]) if cell and cell.get("encoder_share") else None


def targets_table(figures: Figures) -> list[str]:
    """What was to be reached, and what was measured, on CoNLL-2003."""
    rows: list[list[str]] = []

    def add(what: str, limit: float, value: float | None, form: str, *, at_most: bool = False, note: str = "") -> None:
        if value is None:
            rows.append([what, "not measured", "-", note])
            return
        met = value <= limit if at_most else value >= limit
        rows.append(
            [f"{what} {'<=' if at_most else '>='} {form.format(limit)}", form.format(value), "yes" if met else "**no**", note]
        )

    def helped(ours: str, peer: str, count: int) -> str:
        value = ratio(figures, ours, peer + HELPED, count)
        return f"{value:.1f}x the peer in bfloat16 with sorted texts" if value else ""

    for count, limit in ((25, 0.85), (1000, 0.70)):
        add(f"bi-encoder, {count:,} types, of the encoder alone", limit, share_at(figures, BI, count), "{:.1%}")
    at_most = figures.get("start", {}).get(BI, {}).get("100000", {}).get("bytes")
    add("memory at 100,000 types, GB", 4, at_most / 1e9 if at_most else None, "{:.2f}", at_most=True)
    for count in ("1000", "10000"):
        taken = figures.get("types", {}).get(BI, {}).get(count)
        shares = [alone / whole for alone, whole in zip(taken["encoder"], taken["types"], strict=True)] if taken else []
        add(f"encoding {int(count):,} types, of the encoder alone", 0.85, median(shares) if shares else None, "{:.1%}")
    for ours, peer, count, limit in (
        (BI, UNI_GLINER, 25, 8), (BI, BI_GLINER, 25, 6), (BI, BI_GLINER, 1000, 10),
        (BI, UNI_GLINER, 1000, 10), (CROSS, UNI_GLINER, 25, 2.5),
    ):  # fmt: skip
        what = f"{ours.removeprefix('ours, ')} to {peer}, {count:,} types"
        add(what, limit, ratio(figures, ours, peer, count), "{:.1f}x", note=helped(ours, peer, count))
    latency = figures.get("latency", {})
    if BI in latency and BI_GLINER in latency:
        part = median(latency[BI]) / median(latency[BI_GLINER])
        add(f"latency, 25 types, to {BI_GLINER}", 0.25, part, "{:.2f}", at_most=True)
    return table(["target", "measured", "met", ""], rows)


def odd_cells(figures: Figures) -> list[str]:
    """Cells whose number of entities is far from what is annotated: there the comparison is weak."""
    lines = []
    for set_name, by_count in figures.get("tagging", {}).items():
        for count, cells in by_count.items():
            for name, cell in cells.items():
                found, wished = cell.get("entities_per_text"), cell.get("entities_wished")
                if found is not None and wished and not MIN_FOUND * wished <= found <= MAX_FOUND * wished:
                    lines.append(
                        f"- {set_name}, {int(count):,} types, {name}: {found:.1f} entities per text, annotated {wished:.1f}"
                    )
    return ["Cells that find far fewer or far more:", "", *lines, ""] if lines else []


def write_report(path: Path, figures: Figures, doc: str) -> None:
    """Write the Markdown page and the plot, and print the page."""
    lines = ["# Tagging speed", "", "\n".join(line for line in doc.splitlines() if not line.startswith("    ")).strip(), ""]
    lines += ["## Targets", "", *targets_table(figures)]
    for set_name, by_count in figures.get("tagging", {}).items():
        all_texts = max(
            (cell["num_texts"] for cells in by_count.values() for cell in cells.values() if cell.get("seconds")), default=0
        )
        lines += [f"## {set_name}", "", *tagging_table(by_count, all_texts, words=set_name == "long")]
    lines += [
        "In brackets: the share of the encoder alone over the same batches (tokenising included). A star: every k-th text only.",
        "Words per second count the words that a model reads; what it cuts off does not count.", "",
    ]  # fmt: skip
    lines += ["## Single texts", "", *latency_table(figures.get("latency", {}))]
    lines += ["## Types", "", *types_table(figures), "## Start and memory", "", *start_table(figures.get("start", {}))]
    lines += ["## Entities found", "", *found_table(figures), *odd_cells(figures)]
    command = shlex.join(["python", f"benchmarks/{Path(sys.argv[0]).name}", *public(sys.argv[1:])])
    lines += [f"`{command}`", "", *(f"- {key}: {value}" for key, value in figures.get("facts", {}).items()), ""]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines), encoding="utf-8")
    print("\n".join(lines))


def public(arguments: Sequence[str]) -> list[str]:
    """The arguments without those that name folders of this machine."""
    kept, skip = [], False
    for item in arguments:
        if skip:
            skip = False
        elif item in PATHS:
            skip = True
        else:
            kept.append(item)
    return kept
