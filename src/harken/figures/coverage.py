"""Accuracy against coverage: what is gained by saying "unsure" where the largest probability is small."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from harken.calibration import Coverage
from harken.figures.style import INK, QUIET_INK, dress, house_style, new_figure

__all__ = ["coverage_picture"]

WIDTH_IN, HEIGHT_IN = 5.8, 3.6
ANSWERED = "#0072B2"
"""The colour of people never met in the learning curves."""
MARGIN = 0.03


@house_style()
def coverage_picture(curve: Coverage, *, marked: tuple[float, ...] = (0.5, 0.7, 0.9)) -> Figure:
    """Draw the accuracy of what is answered over the share of windows that get an answer.

    To the right everything is answered; to the left only what is surest. The dashed line is the accuracy of
    answering always. Where nothing is answered there is no accuracy and no line.

    Args:
        curve: of some labelled windows.
        marked: the thresholds to mark, where any window is answered.
    """
    figure = new_figure(WIDTH_IN, HEIGHT_IN)
    axes = figure.subplots()
    some = np.isfinite(curve.accuracy)
    always = float(curve.accuracy[0])
    axes.axhline(always, color=QUIET_INK, linewidth=1.0, linestyle=(0, (4, 3)))
    axes.annotate(
        "when all get one", (0, always), xytext=(0, -4), textcoords="offset points", va="top", color=QUIET_INK
    )
    few = "." if np.unique(curve.covered[some]).size == 1 else ""
    axes.plot(curve.covered[some], curve.accuracy[some], color=ANSWERED, linewidth=1.6, marker=few)
    _mark(axes, curve, marked)
    _dress(axes, float(curve.accuracy[some].min()))
    return figure


def _mark(axes: Axes, curve: Coverage, marked: tuple[float, ...]) -> None:
    """A dot and the threshold; thresholds that leave the same windows share one."""
    places: dict[tuple[float, float], list[float]] = {}
    for unsure_below in marked:
        covered, accuracy = curve.at(unsure_below)
        if accuracy is not None:
            places.setdefault((covered, accuracy), []).append(unsure_below)
    for place, thresholds in places.items():
        axes.plot(*place, marker="o", markersize=6, color=ANSWERED, markeredgecolor="white", markeredgewidth=0.8)
        axes.annotate(
            "unsure below " + ", ".join(f"{one:g}" for one in thresholds)
            if place == next(iter(places))
            else ", ".join(f"{one:g}" for one in thresholds),
            place,
            xytext=(-7, -6),
            textcoords="offset points",
            ha="right",
            va="top",
            fontsize=9.5,
            color=INK,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.0, "alpha": 0.85},
        )


def _dress(axes: Axes, worst: float) -> None:
    axes.set_title("Accuracy of the answers, by how many are given")
    axes.set_xlabel("windows that get an answer")
    axes.set_ylabel("right among the answers")
    axes.set_xlim(-MARGIN, 1 + MARGIN)
    axes.set_ylim(max(0.0, worst - 0.15) - MARGIN, 1 + MARGIN)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        axis.set_major_locator(MaxNLocator(5))
    dress(axes, grid="both")
