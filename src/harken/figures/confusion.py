"""Confusion matrices: which activity was taken for which."""

from collections.abc import Callable
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from numpy.typing import NDArray

from harken.figures.style import house_style, new_figure
from harken.scores import Scores

__all__ = ["MEASURES", "Measure", "confusion_panel", "confusion_picture"]

Measure = Literal["windows", "percent", "percent_of_truth"]

MEASURES: dict[Measure, str] = {
    "windows": "Windows",
    "percent": "Per cent of all windows",
    "percent_of_truth": "Per cent of each true activity",
}
"""What a matrix can show, and its title."""

PAPER = "#f6f7f9"
RIGHT = LinearSegmentedColormap.from_list("right", [PAPER, "#9dc3df", "#08477a"])
WRONG = LinearSegmentedColormap.from_list("wrong", [PAPER, "#f7c59a", "#9c3c06"])
QUIET_ZERO = "#a7adb5"

CELL_IN = {4: 0.7, 7: 0.6, 12: 0.5}
SMALLEST_CELL_IN = 0.42
LETTER_IN = 0.075
LONGEST_NAME = 26
MARGIN_IN = 0.65
NARROWEST_PANEL_IN = 3.0


@house_style()
def confusion_picture(scores: Scores, *, title: str) -> Figure:
    """Draw the confusion matrix in windows, in per cent of all windows, and of each true label.

    Rows are the truth, columns what was recognised; what is right lies on the diagonal and is blue, what is
    wrong is orange. Up to seven labels the three stand side by side, above that below one another.
    """
    width, height = _panel_size(scores.label_names)
    beside = len(scores.label_names) <= 7
    rows, columns = (1, 3) if beside else (3, 1)
    figure = new_figure(width * columns, height * rows + 0.4)
    figure.suptitle(title, x=0.01, ha="left")
    for axes, measure in zip(figure.subplots(rows, columns).flat, MEASURES, strict=True):
        _draw_panel(axes, scores, measure)
    return figure


@house_style()
def confusion_panel(scores: Scores, measure: Measure) -> Figure:
    """Draw one of the three matrices of ``confusion_picture`` alone."""
    figure = new_figure(*_panel_size(scores.label_names))
    _draw_panel(figure.subplots(), scores, measure)
    return figure


def _panel_size(label_names: tuple[str, ...]) -> tuple[float, float]:
    """Inches that the matrix, its names and its titles need."""
    count = len(label_names)
    side = count * _cell_in(count)
    names = max(len(_short(name)) for name in label_names) * LETTER_IN
    below = names * 0.75 if _slanted(label_names) else 0.2
    return max(NARROWEST_PANEL_IN, side + names + MARGIN_IN), side + below + MARGIN_IN


def _cell_in(count: int) -> float:
    return next((size for most, size in CELL_IN.items() if count <= most), SMALLEST_CELL_IN)


def _slanted(label_names: tuple[str, ...]) -> bool:
    """Whether a name is wider than its column, so that the names below the matrix must lean."""
    return max(len(_short(name)) for name in label_names) * LETTER_IN > _cell_in(len(label_names)) * 0.95


def _draw_panel(axes: Axes, scores: Scores, measure: Measure) -> None:
    values, shades, text = _content(scores, measure)
    count = len(scores.label_names)
    right = np.eye(count, dtype=bool)
    colours = np.where(right[..., None], RIGHT(shades), WRONG(shades))
    # The picture's size makes the cells square; an aspect of 1 would take the axes out of the layout's hands.
    axes.imshow(colours, interpolation="nearest", aspect="auto")
    size = 10.0 if count <= 7 else 8.5 if count <= 12 else 7.0
    for row, column in np.ndindex(count, count):
        colour = _ink_on(colours[row, column]) if values[row, column] else QUIET_ZERO
        axes.text(column, row, text(row, column), ha="center", va="center", fontsize=size, color=colour)
    _dress(axes, scores.label_names, MEASURES[measure])


def _content(
    scores: Scores, measure: Measure
) -> tuple[NDArray[np.float64], NDArray[np.float64], Callable[[int, int], str]]:
    """The values of the cells, how deep each is coloured (0..1), and what is written in it."""
    if measure == "windows":
        counts = scores.confusion
        return counts.astype(np.float64), counts / max(1, counts.max()), lambda row, column: f"{counts[row, column]:,}"
    of_truth = measure == "percent_of_truth"
    percent = scores.confusion_percent_of_truth if of_truth else scores.confusion_percent
    present = scores.confusion.sum(axis=1) > 0

    def text(row: int, column: int) -> str:
        if of_truth and not present[row]:
            return "–"
        return _percent_text(float(percent[row, column]))

    return percent, percent / max(percent.max(), 1e-9), text


def _percent_text(value: float) -> str:
    """A number in per cent with one decimal; it is written 0 or 100 only when it is exactly so."""
    if value in (0.0, 100.0):
        return f"{value:.0f}"
    if value < 0.05:
        return "<0.1"
    return ">99.9" if value >= 99.95 else f"{value:.1f}"


def _dress(axes: Axes, label_names: tuple[str, ...], title: str) -> None:
    count = len(label_names)
    names = [_short(name) for name in label_names]
    axes.set_title(title, fontsize=10.5)
    axes.set_xlabel("recognised as")
    axes.set_ylabel("true")
    slanted = _slanted(label_names)
    axes.set_xticks(
        range(count),
        names,
        rotation=40 if slanted else 0,
        ha="right" if slanted else "center",
        rotation_mode="anchor" if slanted else None,
    )
    axes.set_yticks(range(count), names)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    # White lines between the cells.
    axes.set_xticks(np.arange(count - 1) + 0.5, minor=True)
    axes.set_yticks(np.arange(count - 1) + 0.5, minor=True)
    axes.grid(True, which="minor", color="white", linewidth=1.5)
    axes.tick_params(which="minor", length=0)


def _short(name: str) -> str:
    """A name that fits: a long one loses its middle, because the ends of two labels often differ."""
    if len(name) <= LONGEST_NAME:
        return name
    kept = LONGEST_NAME - 1
    return f"{name[: kept - kept // 3]}…{name[-(kept // 3) :]}"


def _ink_on(colour: NDArray[np.float64]) -> str:
    """Black or white, whichever is easier to read on the colour: one of them always has WCAG's contrast of 4.5."""
    return "white" if _luminance(tuple(colour[:3])) < 0.179 else "black"


def _luminance(colour: tuple[float, float, float]) -> float:
    """WCAG's relative luminance, 0 to 1."""
    linear = [(part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4) for part in colour]
    return float(np.dot([0.2126, 0.7152, 0.0722], linear))
