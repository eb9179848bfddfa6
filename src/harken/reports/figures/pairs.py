"""The figure of paired scores: a line for each person, from the score with A to the score with B."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from harken.reports.figures.style import INK, QUIET_INK, dress, house_style, new_figure
from harken.support.arrays import Float64Array

PANEL_IN, HEIGHT_IN = 3.6, 4.4
AXIS_IN, TITLE_LETTER_IN = 0.7, 0.1
BETTER, WORSE, EQUAL = "#0072B2", "#D55E00", QUIET_INK
MARGIN = 0.03


@house_style()
def paired_picture(panels: Mapping[str, Sequence[tuple[float, float]]]) -> Figure:
    """Draw the macro F1 of each person with A and with B, joined by a line, and the mean over people in black.

    Args:
        panels: the title of each panel, and the two scores of each person.
    """
    titles = [title.replace(" and ", "\nand ") for title in panels]
    longest = max(len(line) for title in titles for line in title.splitlines())
    figure = new_figure(max(PANEL_IN, AXIS_IN + longest * TITLE_LETTER_IN) * len(panels), HEIGHT_IN)
    every = figure.subplots(1, len(panels), squeeze=False).flat
    for axes, title, people in zip(every, titles, panels.values(), strict=True):
        _draw(axes, np.array(people, dtype=np.float64))
        axes.set_title(title, fontsize=10.5)
    legend = {"better with B": BETTER, "better with A": WORSE, "equal": EQUAL, "mean": INK}
    handles = [Line2D([], [], color=colour, marker="o", label=label) for label, colour in legend.items()]
    figure.legend(handles=handles, loc="outside lower left", ncols=2 if len(panels) == 1 else 4)
    return figure


def _draw(axes: Axes, people: Float64Array) -> None:
    """Draw the scores of people, ``[n, 2]``."""
    for before, now in people.tolist():
        colour = EQUAL if before == now else BETTER if now > before else WORSE
        axes.plot([0, 1], [before, now], color=colour, linewidth=1.0, alpha=0.7, marker="o", markersize=4)
    axes.plot([0, 1], people.mean(axis=0), color=INK, linewidth=2.4, marker="o", markersize=7)
    axes.set_xticks([0, 1], ["A", "B"])
    axes.set_xlim(-0.15, 1.15)
    axes.set_ylim(max(0.0, float(people.min()) - MARGIN), min(1.0, float(people.max())) + MARGIN)
    axes.set_ylabel("macro F1")
    dress(axes)
