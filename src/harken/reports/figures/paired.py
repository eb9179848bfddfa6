"""The figure that compares two methods on the same people."""

from collections.abc import Mapping, Sequence
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
SIDE_BY_SIDE, APART, MEAN_AT = 7, 0.1, 1.0
"""The points that stand side by side, the distance between two of them, and the place of the mean."""
LETTERS_IN_A_LINE = 14


@house_style(PAPER)
def paired_picture(names: tuple[str, str], values: Mapping[str, tuple[float, float]]) -> Figure:
    """Draw the values of two methods for each person, and the differences, second minus first, as wide as a column.

    On the left, a line joins the two values of a person, and a thick line the two means. On the right, each difference
    is a point; beside them is their mean with its 95 % interval over people, if there are at least five.

    Args:
        names: the names of the two methods.
        values: person -> the value with the first and with the second method.
    """
    pairs = np.array(list(values.values()), dtype=np.float64).reshape(-1, 2)
    gains = pairs[:, 1] - pairs[:, 0]
    interval = interval_over_people(gains.tolist())
    figure = new_figure(COLUMN_IN, HEIGHT_IN)
    lines, points = figure.subplots(1, 2, width_ratios=(3, 2))
    _draw_lines(lines, pairs, [fill(name, LETTERS_IN_A_LINE) for name in names])
    lines.set_ylabel("Macro F1")
    _draw_differences(points, gains, interval)
    points.set_ylabel("difference, second minus first")
    figure.suptitle(_summary(gains, interval), x=0.02, ha="left", fontweight="normal")
    return figure


def _summary(gains: Float64Array, interval: Sequence[float] | None) -> str:
    mean = f"Mean difference {gains.mean():+.3f}"
    if interval is not None:
        mean += f" ({interval[0]:+.3f} to {interval[1]:+.3f})"
    people = "person" if len(gains) == 1 else "people"
    higher = (gains > 0).sum()
    lower = (gains < 0).sum()
    mean = mean.replace("-", "\N{MINUS SIGN}")
    return f"{mean}\nHigher for {higher}, lower for {lower} of {len(gains)} {people}"


def _colours(gains: Float64Array) -> list[str]:
    return [HIGHER if gain > 0 else LOWER if gain < 0 else QUIET_INK for gain in gains]


def _draw_lines(axes: Axes, pairs: Float64Array, names: list[str]) -> None:
    for pair, colour in zip(pairs, _colours(pairs[:, 1] - pairs[:, 0]), strict=True):
        axes.plot((0, 1), pair, "-o", color=colour, linewidth=0.7, markersize=2, alpha=0.75)
    means = pairs.mean(axis=0)
    axes.plot((0, 1), means, "-D", color=INK, linewidth=2, markersize=4)
    axes.set_xlim(-0.25, 1.25)
    axes.set_xticks((0, 1), names)
    dress(axes)


def _draw_differences(axes: Axes, gains: Float64Array, interval: Sequence[float] | None) -> None:
    # Differences that are nearly equal stand side by side; the factor keeps them from forming lines.
    ranks = gains.argsort().argsort()
    across = (3 * ranks % SIDE_BY_SIDE - SIDE_BY_SIDE // 2) * APART
    axes.axhline(0, color=QUIET_INK, linewidth=0.8)
    axes.scatter(across, gains, s=6, c=_colours(gains), linewidths=0)
    if interval is not None:
        axes.vlines(MEAN_AT, interval[0], interval[1], color=INK, linewidth=1.5)
    axes.plot(MEAN_AT, gains.mean(), "D", color=INK, markersize=4)
    axes.set_xlim(-0.6, MEAN_AT + 0.4)
    axes.set_xticks((0, MEAN_AT), ("people", "mean"))
    dress(axes)
