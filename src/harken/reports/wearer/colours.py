"""A colour for each label, for light pages and paper, and for dark ones."""

from dataclasses import dataclass

from matplotlib.colors import to_hex, to_rgb

from harken.figures.style import label_colours

__all__ = ["Colour", "colours_of"]

PAPER, NIGHT = "#ffffff", "#16191d"
LEAST_ON_PAPER, LEAST_AT_NIGHT = 1.5, 2.6
"""Contrast (as WCAG counts it) that a patch of colour has with the page at least."""


@dataclass(frozen=True)
class Colour:
    """Of one label: on light pages and paper, and on dark ones."""

    light: str
    dark: str


def colours_of(labels: tuple[str, ...]) -> dict[str, Colour]:
    """The colours that the labels have in all of harken's pictures, made a little darker or paler where they would
    drown in the page. They go by all the labels a recogniser knows, so that no wearer's page differs from another's.
    """
    return {
        label: Colour(_seen(colour, PAPER, LEAST_ON_PAPER), _seen(colour, NIGHT, LEAST_AT_NIGHT))
        for label, colour in label_colours(labels).items()
    }


def _seen(colour: str, page: str, least: float) -> str:
    away = 0.0 if _luminance(page) > 0.5 else 1.0
    parts = to_rgb(colour)
    while _contrast(to_hex(parts), page) < least:
        red, green, blue = (0.95 * part + 0.05 * away for part in parts)
        parts = (red, green, blue)
    return to_hex(parts)


def _contrast(one: str, other: str) -> float:
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: str) -> float:
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in to_rgb(colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
