"""The style of all figures: size, fonts, colours, and how a figure is saved.

Figures are drawn with matplotlib's objects and without pyplot. There is therefore no global state between two figures,
and no screen is needed.
"""

import io
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import matplotlib.style
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from harken.support.files import write_bytes

Setting = str | float | bool
UNDATED = {
    "pdf": {"CreationDate": None},
    "svg": {"Date": None},
}
COLUMN_IN = 89 / 25.4
"""The width of a figure in one column of a journal. A figure over the page's width is twice as wide."""
INK = "#22262b"
QUIET_INK = "#5d646d"
FAINT = "#d9dde2"
MARKED = "#d1004b"
"""The colour of marked samples, which windows do not use. No label has this colour."""
UNLABELLED_COLOUR = "#c4c8cd"
STYLE: dict[str, Setting] = {
    "axes.edgecolor": QUIET_INK,
    "axes.labelcolor": INK,
    "axes.labelsize": 10.0,
    "axes.linewidth": 0.8,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": INK,
    "axes.titlelocation": "left",
    "axes.titlesize": 12.0,
    "axes.titleweight": "bold",
    "figure.dpi": 150.0,
    "figure.titlesize": 12.0,
    "figure.titleweight": "bold",
    "font.size": 10.0,
    "grid.color": FAINT,
    "grid.linewidth": 0.6,
    "legend.fontsize": 9.5,
    "legend.frameon": False,
    "pdf.fonttype": 42,  # TrueType, which journals ask for
    "svg.hashsalt": "harken",  # the same figure gives the same bytes
    "text.color": INK,
    "text.parse_math": False,  # a label or a file name may hold a dollar sign
    "xtick.color": QUIET_INK,
    "xtick.labelcolor": INK,
    "xtick.labelsize": 9.0,
    "ytick.color": QUIET_INK,
    "ytick.labelcolor": INK,
    "ytick.labelsize": 9.0,
}
PAPER: dict[str, Setting] = {
    "axes.labelsize": 7.5,
    "axes.linewidth": 0.6,
    "axes.titlesize": 8.0,
    "figure.dpi": 400.0,
    "figure.titlesize": 8.0,
    "font.size": 7.5,
    "legend.fontsize": 7.0,
    "lines.linewidth": 1.0,
    "xtick.labelsize": 7.0,
    "ytick.labelsize": 7.0,
}
"""What differs in figures for papers, which are printed at the size at which they are drawn."""


@contextmanager
def house_style(more: Mapping[str, Setting] | None = None) -> Iterator[None]:
    """In the block, new figures have harken's style, independently of the user's matplotlib settings.

    It is also a decorator: ``@house_style()`` over a function that draws; ``@house_style(PAPER)`` for papers.
    """
    with matplotlib.style.context(["default", STYLE, dict(more or {})]):
        yield


def new_figure(width_in: float, height_in: float) -> Figure:
    """An empty figure of this size in inches. It has a constrained layout and needs no screen."""
    figure = Figure(figsize=(width_in, height_in), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def dress(axes: Axes, *, grid: Literal["x", "y", "both"] | None = "y") -> None:
    """Give axes a faint grid behind the data, along ``x``, ``y`` or ``both``; None: no grid."""
    axes.set_axisbelow(True)
    if grid is not None:
        axes.grid(True, axis=grid)


def save_png(figure: Figure, path: str | Path) -> None:
    """Write a picture as PNG, whole or not at all.

    Raises:
        OSError: when the folder does not exist or cannot be written to.
    """
    write_bytes(path, png_bytes(figure))


def png_bytes(figure: Figure) -> bytes:
    """A picture as the bytes of a PNG file."""
    return _bytes(figure, "png", {})


def save_for_paper(figure: Figure, path: str | Path) -> None:
    """Write a figure that was drawn with the style ``PAPER``, whole or not at all.

    Args:
        figure: the figure. The same figure gives the same bytes.
        path: a name that ends in ``.pdf``, ``.svg`` or ``.png``.

    Raises:
        OSError: when the folder does not exist or cannot be written to.
    """
    write_bytes(path, _bytes(figure, Path(path).suffix[1:].lower(), PAPER))


def _bytes(figure: Figure, kind: str, style: Mapping[str, Setting]) -> bytes:
    buffer = io.BytesIO()
    with house_style(style), warnings.catch_warnings():
        # A label in a script that the font lacks is drawn as boxes; a warning would not help the user.
        warnings.filterwarnings("ignore", message=r"Glyph .* missing from")
        figure.savefig(buffer, format=kind, dpi="figure", metadata=UNDATED.get(kind))
    return buffer.getvalue()
