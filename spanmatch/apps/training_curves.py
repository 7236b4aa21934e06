"""Draw the loss and F1 of a training against the step, from the Trainer's log.

Importing this module needs no extra: matplotlib is imported when something is drawn.
"""

import logging
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from spanmatch.apps.extras import missing_modules

if TYPE_CHECKING:
    from matplotlib.axes import Axes

logger = logging.getLogger(__name__)

TRAINING_PICTURE = "training.png"
# Okabe and Ito's colours: people with any kind of colour blindness can tell them apart. Lines also differ in style.
_BLUE, _VERMILLION, _GREEN, _INK, _GRID = "#0072b2", "#d55e00", "#009e73", "#222222", "#dddddd"
_STYLE = {"font.size": 9, "lines.markersize": 4, "axes.spines.top": False, "axes.spines.right": False, "text.color": _INK}
_SCORES = (
    ("eval_f1", "F1", _BLUE, "-", 1.8),
    ("eval_precision", "precision", _VERMILLION, "--", 1.0),
    ("eval_recall", "recall", _GREEN, ":", 1.4),
)
_SMOOTH_FROM = 40  # a curve with more points also gets a running mean

Points = tuple[NDArray[np.float64], NDArray[np.float64]]


def points_of(log_history: Sequence[Mapping[str, Any]], key: str) -> Points:
    """Return the values that were logged under a key, and the steps at which they were logged.

    If two entries have the same step, the later one counts: a resumed training repeats steps.

    Args:
        log_history: the Trainer's log, one mapping per entry.
        key: name of the value, such as "loss".

    Returns:
        The steps, in ascending order, and the value at each step. A value that is not finite becomes NaN.
    """
    by_step = {}
    for entry in log_history:
        if key in entry and "step" in entry:
            value = float(entry[key])
            by_step[float(entry["step"])] = value if math.isfinite(value) else math.nan
    steps = sorted(by_step)
    return np.array(steps, dtype=np.float64), np.array([by_step[step] for step in steps], dtype=np.float64)


def running_mean(values: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    """Return the mean around each point.

    Args:
        values: the points; NaNs do not count in any mean.
        width: number of points on each side that count in a mean, at least 0.

    Returns:
        As many means as there are points. A mean is NaN if all of its points are.

    Shape: values and result (num_points,).
    """
    known = np.isfinite(values)
    sums = np.concatenate([[0.0], np.cumsum(np.where(known, values, 0.0))])
    counts = np.concatenate([[0], np.cumsum(known)])
    low = np.maximum(np.arange(len(values)) - width, 0)
    high = np.minimum(np.arange(len(values)) + width + 1, len(values))
    num = counts[high] - counts[low]
    return np.where(num > 0, (sums[high] - sums[low]) / np.maximum(num, 1), math.nan)


def draw_training(log_history: Sequence[Mapping[str, Any]], folder: Path) -> str:
    """Draw the loss and F1 of a training as `training.png` in its folder.

    A failure here is logged and not raised: a training that ended well must not fail because of its picture.

    Args:
        log_history: the Trainer's log, one mapping per entry.
        folder: folder of the training; it has to exist.

    Returns:
        What to tell the user: the name of the picture, or which package is missing; "" if nothing was drawn.
    """
    if missing_modules("matplotlib"):
        return f"no {TRAINING_PICTURE} of loss and F1; pip install 'spanmatch[report]'"
    try:
        return TRAINING_PICTURE if write_curves(log_history, folder / TRAINING_PICTURE) else ""
    except Exception as error:
        logger.warning("%s could not be drawn: %s", folder / TRAINING_PICTURE, error)
        return ""


def write_curves(log_history: Sequence[Mapping[str, Any]], path: Path) -> bool:
    """Write a PNG of the training loss and, if there was an evaluation, of F1, precision and recall.

    Args:
        log_history: the Trainer's log, one mapping per entry.
        path: the file to write.

    Returns:
        Whether the log has anything to draw. If not, nothing is written.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    loss = points_of(log_history, "loss")
    has_scores = len(points_of(log_history, "eval_f1")[0]) > 0
    num_panels = (len(loss[0]) > 0) + has_scores
    if not num_panels:
        return False
    with rc_context(_STYLE):
        figure = Figure(figsize=(7, 0.6 + 2.6 * num_panels), facecolor="white", layout="constrained")
        panels = figure.subplots(num_panels, 1, sharex=True, squeeze=False)[:, 0]
        if len(loss[0]):
            _draw_loss(panels[0], loss)
        if has_scores:
            _draw_scores(panels[-1], log_history)
        for panel in panels:
            panel.grid(color=_GRID, linewidth=0.6)
            panel.set_axisbelow(True)
        epochs = max((float(entry["epoch"]) for entry in log_history if "epoch" in entry), default=0.0)
        unit = "epoch" if epochs == 1 else "epochs"
        panels[-1].set_xlabel("step" + (f" ({epochs:.3g} {unit} in all)" if epochs else ""))
        # The PNG would name matplotlib's version; without it, equal trainings have equal pictures.
        figure.savefig(path, format="png", dpi=150, metadata={"Software": None})
    return True


def _draw_loss(axes: "Axes", points: Points) -> None:
    steps, losses = points
    is_long = len(steps) > _SMOOTH_FROM
    axes.plot(
        steps, losses, color=_BLUE, linewidth=0.7 if is_long else 1.6, alpha=0.45 if is_long else 1.0, marker=_marker(len(steps))
    )
    num_lost = int(np.isnan(losses).sum())
    title = "training loss"
    if is_long:
        width = max(2, len(steps) // 40)
        axes.plot(steps, running_mean(losses, width), color=_BLUE, linewidth=1.8)
        title += f" (thick: mean over {2 * width + 1} points)"
    axes.set_title(title + (f"; {num_lost} of {len(steps)} not finite" if num_lost else ""), loc="left")
    axes.set_ylabel("loss")
    if num_lost < len(losses) and np.nanmin(losses) >= 0:
        axes.set_ylim(bottom=0)


def _draw_scores(axes: "Axes", log_history: Sequence[Mapping[str, Any]]) -> None:
    for key, name, color, style, width in _SCORES:
        steps, values = points_of(log_history, key)
        axes.plot(steps, values, color=color, linestyle=style, linewidth=width, marker=_marker(len(steps)), label=name)
    steps, f1 = points_of(log_history, "eval_f1")
    title = "validation, at the best threshold"
    if np.isfinite(f1).any():
        best = int(np.nanargmax(f1))
        axes.plot(steps[best], f1[best], marker="*", markersize=13, color=_BLUE, markeredgecolor="white", linestyle="none")
        title += f"; best F1 {f1[best]:.4f} at step {steps[best]:.0f} (star)"
    axes.set_title(title, loc="left")
    axes.set_ylabel("score")
    axes.set_ylim(0, 1.02)
    axes.legend(loc="lower right", frameon=True, framealpha=0.9, edgecolor=_GRID)


def _marker(num_points: int) -> str:
    return "o" if num_points < 12 else ""
