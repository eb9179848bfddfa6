"""The style of all figures: size, fonts, colours, and how a figure is saved.

Figures are drawn with matplotlib's objects and without pyplot. There is therefore no global state between two figures,
and no screen is needed.
"""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, TypeAlias

import matplotlib.style
from matplotlib import rc_params_from_file
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from harken.support.files import write_bytes

Style: TypeAlias = dict[Any, Any]
UNDATED = {
    "pdf": {"CreationDate": None},
    "svg": {"Date": None},
}
COLUMN_IN = 89 / 25.4
"""The width of a figure in one column of a journal. A figure over the page's width is twice as wide."""
FOLDER = Path(__file__).parent
HOUSE: Style = rc_params_from_file(FOLDER / "house.mplstyle", use_default_template=False)
PAPER: Style = rc_params_from_file(FOLDER / "paper.mplstyle", use_default_template=False)
"""The style of all figures, and what differs in figures for papers."""
INK, QUIET_INK = (HOUSE[name] for name in ("text.color", "axes.edgecolor"))
MARKED = "#d1004b"
"""The colour of marked samples, which windows do not use. No label has this colour."""
UNLABELLED_COLOUR = "#c4c8cd"


@contextmanager
def house_style(more: Style | None = None) -> Iterator[None]:
    """In the block, new figures have harken's style, independently of the user's matplotlib settings.

    It is also a decorator: ``@house_style()`` over a function that draws; ``@house_style(PAPER)`` for papers.
    """
    with matplotlib.style.context(["default", HOUSE, more or {}]):
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
    return _bytes(figure, "png")


def save_for_paper(figure: Figure, path: str | Path) -> None:
    """Write a figure that was drawn with the style ``PAPER``, whole or not at all.

    Args:
        figure: the figure. The same figure gives the same bytes.
        path: a name that ends in ``.pdf``, ``.svg`` or ``.png``.

    Raises:
        OSError: when the folder does not exist or cannot be written to.
    """
    write_bytes(path, _bytes(figure, Path(path).suffix[1:].lower(), PAPER))


def _bytes(figure: Figure, kind: str, style: Style | None = None) -> bytes:
    buffer = io.BytesIO()
    with house_style(style), warnings.catch_warnings():
        # A label in a script that the font lacks is drawn as boxes; a warning would not help the user.
        warnings.filterwarnings("ignore", message=r"Glyph .* missing from")
        figure.savefig(buffer, format=kind, dpi="figure", metadata=UNDATED.get(kind))
    return buffer.getvalue()
