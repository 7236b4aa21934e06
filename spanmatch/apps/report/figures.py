"""Draw the figures of a report as inline SVG, in the colours of the page, light or dark.

No text of the user goes into a figure: the page names the lines in a legend beside it.
"""

import io
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from markupsafe import Markup
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spanmatch.evaluation.curves import PrecisionRecall, Reliability
from spanmatch.evaluation.metrics import Counts

# matplotlib knows no CSS variables: it draws with these colours, and `_svg` replaces each by a variable of the page.
_INK, _MUTED, _GRID = "#010101", "#020202", "#030303"
_SERIES = ("#0a0101", "#0a0202", "#0a0303", "#0a0404", "#0a0505")
_MAIN, _OPERATING, _BEST = "#0b0101", "#0b0202", "#0b0303"
_VARIABLES = {_INK: "ink", _MUTED: "muted", _GRID: "line", _MAIN: "main", _OPERATING: "wrong", _BEST: "best"}
_VARIABLES |= {color: f"series-{index}" for index, color in enumerate(_SERIES)}
# Lines also differ in their dashes; the legend of the page draws the same ones (`stroke-dasharray`).
DASHES = ("6 2", "2 2", "8 2 2 2", "4 4", "1 3")
MAX_SERIES = len(_SERIES)
_MAX_POINTS = 400  # a curve with more points looks the same, and makes the page large
_STYLE = {
    "svg.fonttype": "none", "svg.hashsalt": "spanmatch", "text.parse_math": False, "font.size": 10, "text.color": _MUTED,
    "axes.edgecolor": _MUTED, "axes.labelcolor": _INK, "axes.spines.right": False, "axes.spines.top": False,
    "axes.unicode_minus": False, "grid.color": _GRID, "grid.linewidth": 0.6,
    "xtick.color": _MUTED, "ytick.color": _MUTED, "xtick.labelcolor": _INK, "ytick.labelcolor": _INK,
}  # fmt: skip


def precision_recall_figure(
    micro: PrecisionRecall, series: Sequence[PrecisionRecall], *, operating: Counts, best: Counts, alt: str
) -> Markup:
    """Draw precision against recall.

    Args:
        micro: the curve of all types together, a thick line; it has at least one point.
        series: curves of single types, thin lines; only the first `MAX_SERIES` are drawn.
        operating: counts of the evaluation, drawn as a disc.
        best: counts at the best F1, drawn as a diamond.
        alt: the figure in words, for readers who do not see it.

    Returns:
        An SVG element.
    """
    with rc_context(_STYLE):
        figure = Figure(figsize=(5.4, 4.4))
        axes = figure.add_axes((0.11, 0.115, 0.86, 0.865))
        _draw_equal_f1(axes)
        for curve, color, dashes in zip(series, _SERIES, DASHES, strict=False):
            on_off = tuple(float(length) for length in dashes.split())
            axes.plot(*_thinned(curve), color=color, linewidth=1.2, linestyle=(0, on_off))
        axes.plot(*_thinned(micro), color=_MAIN, linewidth=2.4)
        for counts, marker, color, size in ((best, "D", _BEST, 8), (operating, "o", _OPERATING, 9)):
            axes.plot(counts.recall, counts.precision, marker=marker, color=color, markersize=size, markeredgecolor=_INK)
        axes.set(xlim=(0, 1.02), ylim=(0, 1.02), xlabel="recall", ylabel="precision")
        return _svg(figure, "precision-recall", alt)


def reliability_figure(result: Reliability, *, alt: str) -> Markup:
    """Draw the share of right predictions against the mean score of each bin, and below it the counts of the bins.

    Args:
        result: the bins; at least one has predictions.
        alt: the figure in words, for readers who do not see it.

    Returns:
        An SVG element.
    """
    bins = [item for item in result.bins if item.count]
    with rc_context(_STYLE):
        figure = Figure(figsize=(5.4, 4.9))
        upper = figure.add_axes((0.11, 0.345, 0.86, 0.64))
        lower = figure.add_axes((0.11, 0.105, 0.86, 0.2))
        upper.plot([0, 1], [0, 1], color=_MUTED, linewidth=1, linestyle=(0, (4.0, 3.0)))
        scores, shares = [item.mean_score for item in bins], [item.share_right for item in bins]
        margins = [[item.share_right - item.interval[0], item.interval[1] - item.share_right] for item in bins]
        # At a share of 0 or 1 one side of the interval has length 0, which rounding can make negative.
        lengths = np.maximum(np.transpose(margins), 0.0)
        line: dict[str, Any] = {"color": _MAIN, "marker": "o", "markersize": 5, "linewidth": 1.8, "elinewidth": 1.2, "capsize": 3}
        upper.errorbar(scores, shares, yerr=lengths, **line)
        upper.set(xlim=(0, 1), ylim=(-0.02, 1.02), ylabel="share right")
        upper.tick_params(labelbottom=False)
        upper.grid(True)
        lower.bar(
            [item.low for item in bins],
            [item.count for item in bins],
            width=[0.94 * (item.high - item.low) for item in bins],
            align="edge",
            color=_MAIN,
        )
        lower.set(xlim=(0, 1), xlabel="score", ylabel="count")
        lower.locator_params(axis="y", nbins=3, integer=True)
        return _svg(figure, "reliability", alt)


def learning_curve_figure(curves: Sequence[Mapping[int, float]], *, alt: str) -> Markup:
    """Draw F1 against the number of training sentences, on a logarithmic axis.

    Args:
        curves: F1 by number of sentences; the i-th curve has the look of `look_of(i)`.
        alt: the figure in words, for readers who do not see it.

    Returns:
        An SVG element.
    """
    sizes = sorted({size for curve in curves for size in curve})
    with rc_context(_STYLE):
        figure = Figure(figsize=(6.4, 4.4))
        axes = figure.add_axes((0.1, 0.115, 0.87, 0.865))
        for index, curve in enumerate(curves):
            color, dashes = look_of(index)
            on_off = tuple(float(length) for length in dashes.split())
            line: dict[str, Any] = {"color": _SERIES[color], "linewidth": 1.6, "marker": "o", "markersize": 4}
            axes.plot(list(curve), list(curve.values()), linestyle=(0, on_off), **line)
        axes.set_xscale("log")
        axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
        axes.minorticks_off()
        axes.set(ylim=(0, 1.02), xlabel="training sentences", ylabel="F1")
        axes.grid(True)
        return _svg(figure, "learning-curve", alt)


def look_of(index: int) -> tuple[int, str]:
    """Return the number of the colour of a curve, and its dashes. Curves beside each other have other colours.

    Args:
        index: number of the curve.
    """
    return index % MAX_SERIES, DASHES[index // MAX_SERIES % len(DASHES)]


def _draw_equal_f1(axes: Axes) -> None:
    """Draw thin lines along which F1 is the same."""
    for f1 in (0.2, 0.4, 0.6, 0.8):
        lowest = f1 / (2 - f1)
        recall = lowest + (1 - lowest) * np.linspace(0, 1, 60) ** 2  # more points where the line is steep
        axes.plot(recall, f1 * recall / (2 * recall - f1), color=_GRID, linewidth=1)
        axes.text(1.0, lowest - 0.012, f"F1 {f1}", ha="right", va="top", fontsize=8)


def _thinned(curve: PrecisionRecall) -> tuple[list[float], list[float]]:
    """Return recall and precision of at most `_MAX_POINTS` points, among them the first and the last."""
    num_points = len(curve.score_K)
    kept = np.unique(np.linspace(0, num_points - 1, min(num_points, _MAX_POINTS)).round().astype(np.int64))
    return curve.recall_K[kept].tolist(), curve.precision_K[kept].tolist()


def _svg(figure: Figure, name: str, alt: str) -> Markup:
    """Return the figure as an element of a page, without declaration and date, with ids that no other figure has."""
    content = io.StringIO()
    figure.savefig(content, format="svg", transparent=True, metadata=dict.fromkeys(("Creator", "Date", "Format", "Type")))
    svg = content.getvalue()
    svg = svg[svg.index("<svg") :]
    # A style element would apply to the whole page, and HTML needs no namespaces.
    svg = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>", "", svg, flags=re.DOTALL)
    svg = re.sub(r' xmlns(:\w+)?="[^"]*"', "", svg).replace("xlink:href=", "href=")
    svg = re.sub(r' (width|height)="[\d.]+pt"', "", svg, count=2)
    svg = re.sub(r"<!--.*?-->\s*", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\bid="', f'id="{name}-', svg).replace("url(#", f"url(#{name}-").replace('href="#', f'href="#{name}-')
    # The page has its own font; keep only the size.
    svg = re.sub(r"font: (\d+(?:\.\d+)?px) [^;\"]*", r"font-size: \1", svg)
    for color, variable in _VARIABLES.items():
        svg = svg.replace(color, f"var(--{variable})")
    label = Markup('<svg role="img" aria-label="{}"').format(alt)
    return label + Markup(svg.removeprefix("<svg"))
