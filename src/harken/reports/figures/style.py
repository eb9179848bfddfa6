"""The style of all figures: size, fonts, colours, and how a figure is saved.

Figures are drawn with matplotlib's objects and without pyplot. There is therefore no global state between two figures,
and no screen is needed.
"""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import matplotlib.style
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from harken.support.files import write_bytes

DOTS_PER_INCH = 150
INK = "#22262b"
QUIET_INK = "#5d646d"
FAINT = "#d9dde2"
MARKED = "#d1004b"
"""The colour of marked samples, which windows do not use. No label has this colour."""
UNLABELLED_COLOUR = "#c4c8cd"
STYLE = {
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
    "figure.titlesize": 12.0,
    "figure.titleweight": "bold",
    "font.size": 10.0,
    "grid.color": FAINT,
    "grid.linewidth": 0.6,
    "legend.fontsize": 9.5,
    "legend.frameon": False,
    "text.color": INK,
    "text.parse_math": False,  # a label or a file name may hold a dollar sign
    "xtick.color": QUIET_INK,
    "xtick.labelcolor": INK,
    "xtick.labelsize": 9.0,
    "ytick.color": QUIET_INK,
    "ytick.labelcolor": INK,
    "ytick.labelsize": 9.0,
}


@contextmanager
def house_style() -> Iterator[None]:
    """In the block, new figures have harken's style, independently of the user's matplotlib settings.

    It is also a decorator: ``@house_style()`` over a function that draws.
    """
    with matplotlib.style.context(["default", STYLE]):
        yield


def new_figure(width_in: float, height_in: float) -> Figure:
    """An empty figure of this size in inches (150 dots each). It has a constrained layout and needs no screen."""
    figure = Figure(figsize=(width_in, height_in), dpi=DOTS_PER_INCH, layout="constrained")
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
    buffer = io.BytesIO()
    with house_style(), warnings.catch_warnings():
        # A label in a script that the font lacks is drawn as boxes; a warning would not help the user.
        warnings.filterwarnings("ignore", message=r"Glyph .* missing from")
        figure.savefig(buffer, format="png", dpi=DOTS_PER_INCH)
    return buffer.getvalue()
