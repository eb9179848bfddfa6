"""The colours of labels in all of harken's pictures, reports and pages, and how easily a colour is seen."""

import zlib
from collections.abc import Iterable
from dataclasses import dataclass

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
PAPER, NIGHT = "#ffffff", "#16191d"
LEAST_ON_PAPER, LEAST_AT_NIGHT = 1.5, 2.6
"""The least contrast (as defined by WCAG) between a patch of colour and the page, in light and in dark mode."""
BLACK = "#111418"


@dataclass(frozen=True)
class Colour:
    """The colours of one label: for light pages and paper, and for dark pages; and those of text on them."""

    light: str
    dark: str

    @property
    def ink(self) -> dict[str, str]:
        """The colour of text on ``light`` and on ``dark``: white or black, whichever is easier to read."""
        patches = {"light": self.light, "dark": self.dark}
        return {name: max(PAPER, BLACK, key=lambda ink: contrast(ink, patch)) for name, patch in patches.items()}


def colours_of(labels: Iterable[str]) -> dict[str, Colour]:
    """The colours of labels on pages: those of the pictures, made darker or paler if the contrast with the page is low.

    They depend on all labels of a recogniser, so that a label has the same colour on the pages of all wearers.
    """
    return {
        label: Colour(_readable(colour, PAPER, LEAST_ON_PAPER), _readable(colour, NIGHT, LEAST_AT_NIGHT))
        for label, colour in label_colours(labels).items()
    }


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
        amount = SHADES[place // size]
        colours[name] = _mixed(PALETTE[place % size], 0.0 if amount < 0 else 1.0, abs(amount))
    return colours


def luminance(colour: str | tuple[float, float, float]) -> float:
    """The relative luminance of a colour as defined by WCAG, 0 to 1."""
    parts = _parts(colour) if isinstance(colour, str) else colour
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """The contrast of two colours as defined by WCAG, 1 to 21."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def _readable(colour: str, page: str, least: float) -> str:
    away = 0.0 if luminance(page) > 0.5 else 1.0
    parts = _parts(colour)
    while contrast(_hex(parts), page) < least:
        red, green, blue = (0.95 * part + 0.05 * away for part in parts)
        parts = (red, green, blue)
    return _hex(parts)


def _plain(name: str) -> str:
    return name.strip().lower().replace(" ", "_").replace("-", "_")


def _mixed(colour: str, other: float, share: float) -> str:
    """The colour mixed with black (0) or white (1)."""
    red, green, blue = ((1 - share) * part + share * other for part in _parts(colour))
    return _hex((red, green, blue))


def _parts(colour: str) -> tuple[float, float, float]:
    """Red, green and blue of a colour ``#rrggbb``, 0 to 1 each."""
    red, green, blue = (value / 255 for value in bytes.fromhex(colour[1:]))
    return red, green, blue


def _hex(parts: tuple[float, float, float]) -> str:
    return "#" + bytes(round(255 * part) for part in parts).hex()
