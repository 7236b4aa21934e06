"""Text tables, and the statistics of corpora (see `data_stats`) as such."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from wcwidth import ljust, rjust, width

# Widths of gold spans, in words: half-open upper ends are shown as "33+".
_WIDTHS: tuple[tuple[int, int | None], ...] = (*((n, n) for n in range(1, 9)), (9, 12), (13, 20), (21, 32), (33, None))


def text_table(header: Sequence[str], rows: Sequence[Sequence[str]], *, num_left: int = 1) -> str:
    """Align cells in columns two spaces apart, also where characters take two columns of a terminal, or none.

    Args:
        header: the first row.
        rows: the others, each of as many cells.
        num_left: number of columns that are aligned to the left; the others are aligned to the right.
    """
    widths = [max(map(width, column)) for column in zip(header, *rows, strict=True)]
    adjust = [ljust] * num_left + [rjust] * (len(header) - num_left)
    lines = (zip(adjust, row, widths, strict=True) for row in (header, *rows))
    return "\n".join("  ".join(put(cell, columns) for put, cell, columns in line).rstrip() for line in lines)


def in_words(value: Any) -> str:
    """Return a setting as a report shows it.

    Args:
        value: any value of JSON; None is one that nobody knows.
    """
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {in_words(item)}" for name, item in value.items())
    if value is None:
        return "unknown"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def stats_tables(stats: Mapping[str, Any]) -> str:
    """Return the statistics of corpora as tables with a row per source, for a person to read.

    Args:
        stats: what `corpus_stats` returns.
    """
    named = [(item["source"], item) for item in stats["sources"]]
    if len(named) > 1:
        named.append(("total", stats["total"]))
    unscored = stats["total"]["num_unscored_spans"]
    parts = [
        f"format {stats['format']}, tokenizer {stats['tokenizer']} (window of {stats['window']} subwords), "
        f"candidates of at most {stats['max_span_width']} units"
        + (f"; {unscored} gold spans of types that are not asked for are left out" if unscored else ""),
        _texts(named, stats["window"]),
        _spans(named),
        _widths(named),
        _candidates(named),
        _types(named),
    ]
    if len(stats["sources"]) > 1:
        shared = [(*pair["sources"], str(pair["num_texts"])) for pair in stats["shared_texts"]]
        header = ("source", "source", "shared texts")
        parts.append(_titled("Texts in two sources", header, shared, num_left=2) if shared else "No text is in two sources.")
    if "misaligned" in stats:
        lines = [
            f"{item['where']}: [{item['start']}, {item['end']}) {json.dumps(item['text'], ensure_ascii=False)} "
            f"{item['label']}: {', '.join(item['problems'])}"
            for item in stats["misaligned"]
        ]
        parts.append("\n".join(["Misaligned spans", "----------------", *lines]) if lines else "No span is misaligned.")
    return "\n\n".join(parts)


def _texts(named: Sequence[tuple[str, Any]], window: int) -> str:
    header = ["source", "texts", "empty", "repeated", "without span"]
    header += ["words: mean", "p50", "p95", "max", "subwords: mean", "p95", "max", f"over {window}"]
    rows = []
    for name, own in named:
        words, subwords = own["words"], own["subwords"]
        counts = [own["num_texts"], own["num_empty_texts"], own["num_duplicate_texts"]]
        sizes = [*(words[key] for key in ("mean", "p50", "p95", "max")), *(subwords[key] for key in ("mean", "p95", "max"))]
        rows.append(
            [name, *_shown(counts), _percent(own["share_without_span"]), *_shown(sizes), str(own["num_texts_over_window"])]
        )
    return _titled("Texts", header, rows)


def _spans(named: Sequence[tuple[str, Any]]) -> str:
    header = ("source", "spans", "types", "nested pairs", "crossing pairs", "with several labels", "texts with such")
    rows = []
    for name, own in named:
        overlaps = [own["overlaps"][key] for key in ("nested", "crossing", "several_labels", "num_texts")]
        rows.append([name, *_shown([own["num_spans"], len(own["types"]), *overlaps])])
    return _titled("Gold spans", header, rows)


def _widths(named: Sequence[tuple[str, Any]]) -> str:
    columns = [f"{low}+" if high is None else str(low) if low == high else f"{low}-{high}" for low, high in _WIDTHS]
    rows = []
    for name, own in named:
        counts = {int(width): count for width, count in own["span_widths"]["words"].items()}
        binned = [sum(n for width, n in counts.items() if low <= width <= (high or width)) for low, high in _WIDTHS]
        subwords = own["span_widths"]["subwords"]
        rows.append([name, *_shown([*binned, subwords["p95"], subwords["max"]])])
    return _titled("Gold spans by width in words", ("source", *columns, "subwords: p95", "max"), rows)


def _candidates(named: Sequence[tuple[str, Any]]) -> str:
    header = ("source", "candidates", "gold", "lost", "share", "off boundary", "too wide", "widest")
    rows = []
    for name, own in named:
        for mode, lost in own["unrepresentable"].items():
            widest = max(map(int, lost["too_wide"]), default=None)
            counts = [lost["off_boundary"], sum(lost["too_wide"].values()), widest]
            rows.append([name, mode, *_shown([lost["num_gold"], lost["num_lost"]]), _percent(lost["share"]), *_shown(counts)])
    return _titled("Gold that no candidate represents", header, rows, num_left=2)


def _types(named: Sequence[tuple[str, Any]]) -> str:
    rows = []
    for name, own in named:
        for label, entry in own["types"].items():
            described = "yes" if entry["has_description"] else "no"
            rows.append([name, label, entry["name"], described, *_shown([entry["num_texts"], entry["num_spans"]])])
    return _titled("Types", ("source", "label", "name", "described", "texts annotated", "spans"), rows, num_left=4)


def _shown(values: Sequence[float | int | None]) -> list[str]:
    return ["-" if value is None else f"{value:.1f}" if isinstance(value, float) else str(value) for value in values]


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.2%}"


def _titled(title: str, header: Sequence[str], rows: Sequence[Sequence[str]], *, num_left: int = 1) -> str:
    return f"{title}\n{'-' * len(title)}\n{text_table(header, rows, num_left=num_left)}"
