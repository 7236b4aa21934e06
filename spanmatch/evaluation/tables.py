"""The statistics of a corpus (see `data_stats`) as aligned text tables, a row per source."""

import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

Rows = Sequence[Sequence[str]]


# Widths of gold spans, in words: half-open upper ends are shown as "33+".
_WIDTHS: tuple[tuple[int, int | None], ...] = (*((n, n) for n in range(1, 9)), (9, 12), (13, 20), (21, 32), (33, None))


def stats_tables(stats: Mapping[str, Any]) -> str:
    """What `corpus_stats` returns, to be read by a person."""
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
        parts.append(_table("Texts in two sources", header, shared, num_left=2) if shared else "No text is in two sources.")
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
    return _table("Texts", header, rows)


def _spans(named: Sequence[tuple[str, Any]]) -> str:
    header = ("source", "spans", "types", "nested pairs", "crossing pairs", "with several labels", "texts with such")
    rows = []
    for name, own in named:
        overlaps = [own["overlaps"][key] for key in ("nested", "crossing", "several_labels", "num_texts")]
        rows.append([name, *_shown([own["num_spans"], len(own["types"]), *overlaps])])
    return _table("Gold spans", header, rows)


def _widths(named: Sequence[tuple[str, Any]]) -> str:
    columns = [f"{low}+" if high is None else str(low) if low == high else f"{low}-{high}" for low, high in _WIDTHS]
    rows = []
    for name, own in named:
        counts = {int(width): count for width, count in own["span_widths"]["words"].items()}
        binned = [sum(n for width, n in counts.items() if low <= width <= (high or width)) for low, high in _WIDTHS]
        subwords = own["span_widths"]["subwords"]
        rows.append([name, *_shown([*binned, subwords["p95"], subwords["max"]])])
    return _table("Gold spans by width in words", ("source", *columns, "subwords: p95", "max"), rows)


def _candidates(named: Sequence[tuple[str, Any]]) -> str:
    header = ("source", "candidates", "gold", "lost", "share", "off boundary", "too wide", "widest")
    rows = []
    for name, own in named:
        for mode, lost in own["unrepresentable"].items():
            widest = max(map(int, lost["too_wide"]), default=None)
            counts = [lost["off_boundary"], sum(lost["too_wide"].values()), widest]
            rows.append([name, mode, *_shown([lost["num_gold"], lost["num_lost"]]), _percent(lost["share"]), *_shown(counts)])
    return _table("Gold that no candidate represents", header, rows, num_left=2)


def _types(named: Sequence[tuple[str, Any]]) -> str:
    rows = []
    for name, own in named:
        for label, entry in own["types"].items():
            described = "yes" if entry["has_description"] else "no"
            rows.append([name, label, entry["name"], described, *_shown([entry["num_texts"], entry["num_spans"]])])
    return _table("Types", ("source", "label", "name", "described", "texts annotated", "spans"), rows, num_left=4)


def _shown(values: Sequence[float | int | None]) -> list[str]:
    return ["-" if value is None else f"{value:.1f}" if isinstance(value, float) else str(value) for value in values]


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.2%}"


def _table(title: str, header: Sequence[str], rows: Rows, *, num_left: int = 1) -> str:
    """A title and columns two spaces apart, the first `num_left` aligned to the left."""
    widths = [max(_columns(row[position]) for row in (header, *rows)) for position in range(len(header))]
    lines = []
    for row in (header, *rows):
        cells = []
        for position, (cell, width) in enumerate(zip(row, widths, strict=True)):
            padding = " " * (width - _columns(cell))
            cells.append(cell + padding if position < num_left else padding + cell)
        lines.append("  ".join(cells).rstrip())
    return "\n".join([title, "-" * len(title), *lines])


def _columns(text: str) -> int:
    """The width of a text on a terminal: East Asian characters take two columns, combining marks none."""
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in text)
    return len(text) + wide - sum(unicodedata.category(character) in {"Mn", "Me", "Cf"} for character in text)


