"""The style of all figures: size, fonts, colours, and how a figure is saved.

Figures are drawn with matplotlib's objects and without pyplot. There is therefore no global state between two figures,
and no screen is needed.
"""

import io
import warnings
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import matplotlib.style
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure

from harken.support.files import write_bytes

DOTS_PER_INCH = 150
INK = "#22262b"
QUIET_INK = "#5d646d"
FAINT = "#d9dde2"
MARKED = "#d1004b"
"""The colour of marked samples, which windows do not use. No label has this colour."""
UNLABELLED_COLOUR = "#c4c8cd"

# Okabe and Ito's colours, which people with the common forms of colour blindness can distinguish
# (https://jfly.uni-koeln.de/color/). Black is left out, because it is the signal's colour.
PALETTE = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#56B4E9", "#CC79A7", "#F0E442")
SHADES = (0.0, -0.5, 0.55)
# The labels of the packaged model have the same colours in all figures, also under other names in a recording. The
# number is that of the colour; from 7 on, that of its darker shade.
KNOWN_LABELS = {
    "laying": 0,
    "laying_down": 0,
    "lying": 0,
    "lying_down": 0,
    "sitting": 1,
    "standing": 2,
    "walking": 3,
    "cycling": 4,
    "other": 5,
    "running": 6,
    "jogging": 6,
    "stairs": 7,
}
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


def label_colours(label_names: Iterable[str]) -> dict[str, str]:
    """A colour (``#rrggbb``) for each label.

    Up to 21 labels have different colours. Up to seven are safe for colour-blind people, except ``stairs``, which is a
    darker blue than ``lying``. A label has the same colour in different figures: the labels of the packaged model have
    fixed colours, and another label has the colour given by the checksum of its name, or the next free one.
    """
    names = sorted(set(label_names), key=lambda name: (_plain(name) not in KNOWN_LABELS, name))
    colours: dict[str, str] = {}
    size = len(PALETTE)
    free: list[int] = []
    for name in names:
        free = free or list(range(size * len(SHADES)))
        place = KNOWN_LABELS.get(_plain(name))
        if place is None or place not in free:
            # A darker or paler shade is used only when all full colours are taken.
            row = free[0] // size * size
            preferred = zlib.crc32(_plain(name).encode()) if place is None else place
            place = next(at for step in range(size) if (at := row + (preferred + step) % size) in free)
        free.remove(place)
        colours[name] = _shade(PALETTE[place % size], SHADES[place // size])
    return colours


def luminance(colour: str | tuple[float, float, float]) -> float:
    """The relative luminance of a colour as defined by WCAG, 0 to 1."""
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in to_rgb(colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _plain(name: str) -> str:
    return name.strip().lower().replace(" ", "_").replace("-", "_")


def _shade(colour: str, amount: float) -> str:
    """The colour mixed with black (a negative amount) or white (a positive one), or unchanged (0)."""
    other = 0.0 if amount < 0 else 1.0
    red, green, blue = ((1 - abs(amount)) * part + abs(amount) * other for part in to_rgb(colour))
    return to_hex((red, green, blue))
