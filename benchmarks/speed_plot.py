"""The plot of the speed benchmark."""

from pathlib import Path

import matplotlib
from speed_report import ORDER, Figures, texts_per_second
from speed_systems import BI, COMPILED, CROSS, ENCODERS, SHIPPED

matplotlib.use("Agg")
from matplotlib import pyplot


def plot(path: Path, figures: Figures) -> None:
    """Texts per second against the number of types, on CoNLL-2003."""
    by_count = figures.get("tagging", {}).get("conll2003", {})
    counts = sorted(map(int, by_count))
    if not counts:
        return
    figure, axes = pyplot.subplots(figsize=(9, 5.5))
    for name in (name for name in ORDER if not name.endswith(SHIPPED)):
        points = [(count, texts_per_second(by_count[str(count)].get(name))) for count in counts]
        points = [(count, rate) for count, rate in points if rate is not None]
        if not points:
            continue
        style = {"linewidth": 2.5} if name in (BI, CROSS, COMPILED) else {"linewidth": 1.2, "linestyle": "--"}
        if name in ENCODERS.values():
            style = {"linewidth": 1.5, "linestyle": ":", "color": "black"}
        axes.plot(*zip(*points, strict=True), marker="o", label=name, **style)
    axes.set(xscale="log", yscale="log", xlabel="types", ylabel="texts/s", title="Tagging speed, CoNLL-2003 test, MiniLM-L6")
    axes.set_xticks(counts, [f"{count:,}" for count in counts])
    axes.minorticks_off()
    axes.grid(alpha=0.3)
    axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False)
    figure.savefig(path, dpi=150, bbox_inches="tight")
    pyplot.close(figure)
