"""The figure that compares two methods on the same people."""

from collections.abc import Mapping
from textwrap import fill

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from harken.models.scores import interval_over_people
from harken.reports.figures.style import COLUMN_IN, INK, PAPER, QUIET_INK, dress, house_style, new_figure
from harken.support.arrays import Float64Array

HIGHER, LOWER = "#0072B2", "#D55E00"
"""The colours of people whose value is higher, and lower, with the second method."""
HEIGHT_IN = 2.6
SLOTS = 36
"""The differences are drawn in this many heights; those in the same one stand side by side."""
POINT_APART, POINTS_TO, MEAN_AT = 0.1, 0.7, 1.0
"""The distance of points side by side, the place of the last of them from the middle, and that of the mean."""
LETTERS_IN_A_LINE = 14


@house_style(PAPER)
def paired_picture(
    names: tuple[str, str], values: Mapping[str, tuple[float, float]], *, measure: str = "Macro F1"
) -> Figure:
    """Draw the values of two methods for each person, and the differences, second minus first, as wide as a column.

    On the left, a line joins the two values of a person, and a thick line the two means. On the right, each difference
    is a point; beside them is their mean with its 95 % interval over people, if there are at least five.

    Args:
        names: the names of the two methods.
        values: person -> the value with the first and with the second method.
        measure: the name of the values.
    """
    pairs = np.array(list(values.values()), dtype=np.float64).reshape(-1, 2)
    gains = pairs[:, 1] - pairs[:, 0]
    interval = interval_over_people(gains.tolist())
    figure = new_figure(COLUMN_IN, HEIGHT_IN)
    lines, points = figure.subplots(1, 2, width_ratios=(3, 2))
    _draw_lines(lines, pairs, [fill(name, LETTERS_IN_A_LINE) for name in names])
    lines.set_ylabel(measure)
    _draw_differences(points, gains, interval)
    points.set_ylabel("difference, second minus first")
    between = "" if interval is None else f" ({interval[0]:+.3f} to {interval[1]:+.3f})"
    people = "person" if len(gains) == 1 else "people"
    figure.suptitle(
        f"Mean difference {gains.mean():+.3f}{between}\nHigher for {(gains > 0).sum()}, lower for "
        f"{(gains < 0).sum()} of {len(gains)} {people}",
        x=0.02,
        ha="left",
        fontweight="normal",
    )
    return figure


def _colours(gains: Float64Array) -> list[str]:
    return [HIGHER if gain > 0 else LOWER if gain < 0 else QUIET_INK for gain in gains]


def _draw_lines(axes: Axes, pairs: Float64Array, names: list[str]) -> None:
    for pair, colour in zip(pairs, _colours(pairs[:, 1] - pairs[:, 0]), strict=True):
        axes.plot((0, 1), pair, "-o", color=colour, linewidth=0.7, markersize=2, alpha=0.75)
    axes.plot((0, 1), pairs.mean(axis=0), "-D", color=INK, linewidth=2, markersize=4)
    axes.set_xlim(-0.25, 1.25)
    axes.set_xticks((0, 1), names)
    dress(axes)


def _draw_differences(axes: Axes, gains: Float64Array, interval: tuple[float, float] | None) -> None:
    slots = np.round((gains - gains.min()) / max(float(np.ptp(gains)), 1e-9) * SLOTS)
    across = np.zeros(len(gains))
    for slot in np.unique(slots):
        alike = np.flatnonzero(slots == slot)
        apart = min(POINT_APART, 2 * POINTS_TO / len(alike))
        across[alike] = (np.arange(len(alike)) - (len(alike) - 1) / 2) * apart
    axes.axhline(0, color=QUIET_INK, linewidth=0.8)
    axes.scatter(across, gains, s=6, c=_colours(gains), linewidths=0)
    if interval is not None:
        axes.vlines(MEAN_AT, *interval, color=INK, linewidth=1.5)
    axes.plot(MEAN_AT, gains.mean(), "D", color=INK, markersize=4)
    axes.set_xlim(-POINTS_TO - 0.1, MEAN_AT + 0.3)
    axes.set_xticks((0, MEAN_AT), ("people", "mean"))
    dress(axes)
