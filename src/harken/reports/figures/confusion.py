"""Figures of confusion matrices."""

from collections.abc import Iterable
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from harken.models.scores import Scores
from harken.reports.colours import luminance
from harken.reports.figures.style import COLUMN_IN, PAPER, QUIET_INK, house_style, new_figure
from harken.support.arrays import Float64Array
from harken.support.printable import percent_number

Measure = Literal["windows", "percent", "percent_of_truth"]
Cell: TypeAlias = tuple[int, ...]

MEASURES: dict[Measure, str] = {
    "windows": "Windows",
    "percent": "Per cent of all windows",
    "percent_of_truth": "Per cent of each true activity",
}
"""The measures that a matrix can show, and their titles."""

MANY_LABELS = 12
"""Above this a matrix has hundreds of cells. To stay readable, it has whole numbers, and only in the larger cells."""
MATTERS_FROM_PERCENT = 1
"""With many labels, a mistake has a number if it is at least this percentage of the true activity."""
LESS = "·"

PALE = "#f6f7f9"
RIGHT = LinearSegmentedColormap.from_list("right", [PALE, "#9dc3df", "#08477a"])
WRONG = LinearSegmentedColormap.from_list("wrong", [PALE, "#f7c59a", "#9c3c06"])
SHADE_POWER = 0.65
"""Below 1, so that a mistake of one window in ten is still visibly coloured."""
QUIET_ZERO = "#a7adb5"

CELL_IN = {3: 0.85, 4: 0.7, 7: 0.6, 12: 0.5, 18: 0.42}
SMALLEST_CELL_IN = 0.37
LARGEST_POINTS, POINTS = 10.0, 9.0
"""The font size of the numbers: up to seven labels, and above."""
FEW_LABELS = 7
FILLED = 0.9
"""The largest share of a cell's width that its number takes."""
DIGIT_EM = 0.64
NARROW_EM = {",": 0.32, ".": 0.32, "<": 0.84, ">": 0.84}
LETTER_IN, TITLE_LETTER_IN = 0.075, 0.086
LONGEST_NAME = 26
MARGIN_IN = 0.65
SLANT_DEG = 50
LEFT_IN = 0.4
"""Inches between the figure's edge and the matrix, without the names."""
PAPER_LETTER_IN, PAPER_MARGIN_IN, PAPER_LEAST_CELL_IN = 0.058, 0.38, 0.16
"""Inches of a letter, of the edges and the titles, and of the smallest cell, in figures for papers."""


class _Layout(NamedTuple):
    """The inches of a cell's side and of a letter, whether small shares are left out, and the largest font size."""

    cell_in: float
    letter_in: float
    sparse: bool
    points: float


@house_style()
def confusion_picture(scores: Scores, *, title: str) -> Figure:
    """Draw the confusion matrix in windows, in per cent of all windows, and in per cent of each true label.

    Rows are the true labels, columns the predicted ones. The diagonal has the right predictions and is blue; mistakes
    are orange. Up to seven labels, the three matrices are side by side; with more, one below the other. With more than
    ``MANY_LABELS``, the matrix in per cent of all windows is left out, because nearly all its values are close to 0.
    """
    measures = measures_shown(len(scores.label_names))
    width, height = _panel_size(scores.label_names)
    beside = len(scores.label_names) <= FEW_LABELS
    rows, columns = (1, len(measures)) if beside else (len(measures), 1)
    figure = new_figure(width * columns, height * rows + 0.4)
    figure.suptitle(title, x=0.01, ha="left")
    for axes, measure in zip(figure.subplots(rows, columns).flat, measures, strict=True):
        _draw_panel(axes, scores, measure, _layout(len(scores.label_names)))
    return figure


@house_style()
def confusion_panel(scores: Scores, measure: Measure) -> Figure:
    """Draw one of the matrices of ``confusion_picture`` alone."""
    figure = new_figure(*_panel_size(scores.label_names))
    _draw_panel(figure.subplots(), scores, measure, _layout(len(scores.label_names)))
    return figure


@house_style(PAPER)
def confusion_for_paper(scores: Scores, *, title: str) -> Figure:
    """Draw the matrix in per cent of each true label as wide as a column, or as two if its cells would be too small.

    With more than ``FEW_LABELS``, it has whole numbers, and only in the larger cells.
    """
    count = len(scores.label_names)
    names = max(len(_short(name)) for name in scores.label_names) * PAPER_LETTER_IN
    width = COLUMN_IN
    if width - names - PAPER_MARGIN_IN < count * PAPER_LEAST_CELL_IN:
        width = 2 * COLUMN_IN
    cell = (width - names - PAPER_MARGIN_IN) / count
    layout = _Layout(cell, PAPER_LETTER_IN, sparse=count > FEW_LABELS, points=7.0)
    below = names * 0.85 if _slanted(scores.label_names, layout) else 0.15
    figure = new_figure(width, count * min(cell, SMALLEST_CELL_IN) + below + 2 * PAPER_MARGIN_IN)
    axes = figure.subplots()
    _draw_panel(axes, scores, "percent_of_truth", layout)
    figure.suptitle(f"{title}\n{axes.get_title('left')}", x=0.02, ha="left", fontweight="normal")
    axes.set_title("")
    return figure


def measures_shown(labels: int) -> tuple[Measure, ...]:
    """The measures that are shown for a matrix with this many labels."""
    return tuple(measure for measure in MEASURES if labels <= MANY_LABELS or measure != "percent")


def _panel_size(label_names: tuple[str, ...]) -> tuple[float, float]:
    """The width and height of the matrix with its names and titles, in inches."""
    count = len(label_names)
    layout = _layout(count)
    side = count * layout.cell_in
    names = max(len(_short(name)) for name in label_names) * LETTER_IN
    below = names * 0.85 if _slanted(label_names, layout) else 0.2
    title = max(len(_title(measure, layout)) for measure in MEASURES) * TITLE_LETTER_IN
    return max(side + names + MARGIN_IN, LEFT_IN + names + title), side + below + MARGIN_IN


def _layout(count: int) -> _Layout:
    cell_in = next((size for most, size in CELL_IN.items() if count <= most), SMALLEST_CELL_IN)
    points = LARGEST_POINTS if count <= FEW_LABELS else POINTS
    return _Layout(cell_in, LETTER_IN, sparse=count > MANY_LABELS, points=points)


def _slanted(label_names: tuple[str, ...], layout: _Layout) -> bool:
    """Whether a name is wider than its column, so that the names below the matrix are slanted."""
    widest = max(len(_short(name)) for name in label_names) * layout.letter_in
    return widest > layout.cell_in * 0.95


def _title(measure: Measure, layout: _Layout) -> str:
    less = f" ({LESS} is below {MATTERS_FROM_PERCENT})" if measure == "percent_of_truth" and layout.sparse else ""
    return MEASURES[measure] + less


def _draw_panel(axes: Axes, scores: Scores, measure: Measure, layout: _Layout) -> None:
    values, texts = _content(scores, measure, sparse=layout.sparse)
    count = len(scores.label_names)
    right = np.eye(count, dtype=bool)
    shades = (values / max(values.max(), 1e-9)) ** SHADE_POWER
    colours = np.where(right[..., None], RIGHT(shades), WRONG(shades))
    # The figure's size makes the cells square. With an aspect of 1, the layout could not place the axes.
    edges = np.arange(count + 1) - 0.5
    axes.pcolormesh(edges, edges, colours)
    axes.invert_yaxis()
    quiet = (scores.confusion_percent_of_truth < MATTERS_FROM_PERCENT) & layout.sparse
    points = _points(texts.values(), layout)
    for cell, written in texts.items():
        # Black or white, the one with more contrast to the colour. One of them always has WCAG's contrast of 4.5.
        contrasting = "white" if luminance(tuple(colours[cell][:3])) < 0.179 else "black"
        ink = QUIET_INK if quiet[cell] else contrasting
        colour = ink if values[cell] else QUIET_ZERO
        axes.text(cell[1], cell[0], written, ha="center", va="center", fontsize=points, color=colour)
    _dress(axes, scores.label_names, _title(measure, layout), slanted=_slanted(scores.label_names, layout))


def _content(scores: Scores, measure: Measure, *, sparse: bool) -> tuple[Float64Array, dict[Cell, str]]:
    """The values of the cells, and the text in each."""
    counts = scores.confusion
    if measure == "windows":
        shown = {cell: f"{count:,}" if count or not sparse else "" for cell, count in np.ndenumerate(counts)}
        return counts.astype(np.float64), shown
    percent: Float64Array = getattr(scores, f"confusion_{measure}")
    unknown = (counts.sum(axis=1) == 0) & (measure == "percent_of_truth")
    texts = {cell: _share(value, sparse=sparse) for cell, value in np.ndenumerate(percent)}
    return percent, {cell: "–" if unknown[cell[0]] else text for cell, text in texts.items()}


def _share(percent: float, *, sparse: bool) -> str:
    if not sparse:
        return percent_number(percent / 100)
    if percent < MATTERS_FROM_PERCENT:
        return LESS if percent else ""
    return percent_number(percent / 100, decimals=0)


def _points(texts: Iterable[str], layout: _Layout) -> float:
    """The font size of the numbers: the largest one at which the longest number fits."""
    widest = max(sum(NARROW_EM.get(letter, DIGIT_EM) for letter in text) for text in texts)
    room = FILLED * layout.cell_in * 72 / max(widest, DIGIT_EM)
    return min(layout.points, room)


def _dress(axes: Axes, label_names: tuple[str, ...], title: str, *, slanted: bool) -> None:
    count = len(label_names)
    names = [_short(name) for name in label_names]
    axes.set_title(title, fontsize=10.5)
    axes.set_xlabel("recognised as")
    axes.set_ylabel("true")
    axes.set_xticks(
        range(count),
        names,
        rotation=SLANT_DEG if slanted else 0,
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
    """A name that fits. The middle of a long name is left out, because labels often differ at the end."""
    if len(name) <= LONGEST_NAME:
        return name
    kept = LONGEST_NAME - 1
    return f"{name[: kept - kept // 3]}…{name[-(kept // 3) :]}"
