"""The figure of accuracy against coverage, if windows with a small largest probability are "unsure"."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, PercentFormatter

from harken.models.calibration import Coverage
from harken.reports.figures.style import QUIET_INK, dress, house_style, new_figure

WIDTH_IN, HEIGHT_IN = 5.8, 4.0
ANSWERED = "#0072B2"
"""The line's colour: that of unseen people in the learning curves."""
MARGIN = 0.03
MARKERS = (("o", 10.5), ("s", 8.0), ("^", 7.0))
"""A threshold's marker and its size. The sizes differ, so that two markers at the same place are both visible."""


@house_style()
def coverage_picture(curve: Coverage, *, marked: tuple[float, ...] = (0.5, 0.7, 0.9)) -> Figure:
    """Draw the accuracy of answered windows against their share.

    At the right end all windows are answered, at the left only those with the largest probabilities. The dashed line is
    the accuracy without a threshold. Where no window is answered, there is no line. The legend is below the plot,
    because the marked points may be anywhere in it, and close together.

    Args:
        curve: the curve of some labelled windows.
        marked: the thresholds to mark; those without answered windows are left out.
    """
    figure = new_figure(WIDTH_IN, HEIGHT_IN)
    axes = figure.subplots()
    some = np.isfinite(curve.accuracy)
    always = float(curve.accuracy[0])
    dashed = axes.axhline(
        always, color=QUIET_INK, linewidth=1.0, linestyle=(0, (4, 3)), label="right when all get an answer"
    )
    few = "." if np.unique(curve.covered[some]).size == 1 else ""
    axes.plot(curve.covered[some], curve.accuracy[some], color=ANSWERED, linewidth=1.6, marker=few)
    thresholds = _mark(axes, curve, marked)
    figure.legend(handles=[dashed, *thresholds], loc="outside lower left", ncols=2)
    _dress(axes, float(curve.accuracy[some].min()))
    return figure


def _mark(axes: Axes, curve: Coverage, marked: tuple[float, ...]) -> list[Line2D]:
    """A marker for each threshold; thresholds that leave the same windows share one."""
    places: dict[tuple[float, float], list[float]] = {}
    for unsure_below in marked:
        covered, accuracy = curve.at(unsure_below)
        if accuracy is not None:
            places.setdefault((covered, accuracy), []).append(unsure_below)
    lines = []
    for number, ((covered, accuracy), thresholds) in enumerate(places.items()):
        marker, size = MARKERS[number % len(MARKERS)]
        lines += axes.plot(
            covered,
            accuracy,
            marker=marker,
            markersize=size,
            color=ANSWERED,
            linestyle="",
            markeredgecolor="white",
            markeredgewidth=0.8,
            label="unsure below " + ", ".join(f"{one:g}" for one in thresholds),
        )
    return lines


def _dress(axes: Axes, worst: float) -> None:
    axes.set_title("Accuracy of the answers, by how many are given")
    axes.set_xlabel("windows that get an answer")
    axes.set_ylabel("right among the answers")
    lowest = max(0.0, worst - 0.15)
    axes.set_xlim(-MARGIN, 1 + MARGIN)
    axes.set_ylim(lowest - MARGIN, 1 + MARGIN)
    for axis, low in ((axes.xaxis, 0.0), (axes.yaxis, lowest)):
        axis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        # The axis goes beyond 100 % because a marker at 100 % needs the space. It has no ticks there.
        steps = MaxNLocator(5, steps=[1, 2, 5, 10]).tick_values(low, 1.0)
        axis.set_ticks([step for step in steps if low <= step <= 1 + 1e-9])
    dress(axes, grid="both")
