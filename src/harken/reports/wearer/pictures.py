"""What the report draws of each day: a printed strip, the rows of the zoomed picture, and a colour for each label."""

import base64
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.colors import to_hex, to_rgb
from numpy.typing import NDArray

from harken.figures.style import label_colours
from harken.reports.wearer.calendar import CalendarDay, offsets
from harken.reports.wearer.spells import OUTSIDE, Spells

__all__ = ["Colour", "Shape", "Strip", "activity_ceiling_mg", "colours_of", "packed", "strip_of"]

PAPER, NIGHT = "#ffffff", "#16191d"
LEAST_ON_PAPER, LEAST_AT_NIGHT = 1.5, 2.6
"""Contrast (as WCAG counts it) that a patch of colour has with the page at least."""
CELL_S = 30
"""A band shows what took most of each half minute: a third of a millimetre on paper needs no more."""
LOOKS_A_CELL = 6
ACTIVITY_S = 120
CEILINGS_MG = (50, 100, 250, 500, 1000, 2000, 4000, 8000)
TICK_MS = 10
LONG = 0xFFFF
NO_ACTIVITY = 0xFFFF
ACTIVITY_STEPS = 10
"""A thousandth of g has so many steps."""
NO_PROBABILITY = 255
PROBABILITY_STEPS = 250


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


@dataclass(frozen=True)
class Shape:
    """Where in the band one thing is: ``path`` in cells across and 0 to 1 down, ``spans`` in per cent across."""

    code: int
    path: str
    spans: list[tuple[float, float]]


@dataclass(frozen=True)
class Strip:
    """One day's strip.

    Attributes:
        day: which.
        cells: how many the band has.
        shapes: of each label, and of each reason why there is none.
        activity: an SVG path, seconds across and 0 (the ceiling) to 100 (nothing) down.
        marks: where the hours stand, 0 to 1, with their names.
    """

    day: CalendarDay
    cells: int
    shapes: list[Shape]
    activity: str
    marks: list[tuple[float, str]]


def activity_ceiling_mg(spells: Spells) -> int | None:
    """A round number that nearly all two-minute means stay below; None where no activity is known."""
    means = np.concatenate(
        [spells.mean_activity_mg(np.arange(begin, end + 1, ACTIVITY_S * 10**9)) for begin, end in spells.stretches_ns]
    )
    means = means[~np.isnan(means)]
    if len(means) == 0:
        return None
    high = float(np.quantile(means, 0.998))
    return next((ceiling for ceiling in CEILINGS_MG if ceiling >= high), CEILINGS_MG[-1])


def strip_of(spells: Spells, day: CalendarDay, ceiling_mg: int | None) -> Strip:
    """The strip of a day; the activity's scale is a square root, so that small movements show beside great ones."""
    cells = _cells(spells, day)
    change = np.flatnonzero(np.diff(cells)) + 1
    begin, end = np.append(0, change), np.append(change, len(cells))
    shapes = []
    for code in np.unique(cells).tolist():
        if code == OUTSIDE:
            continue
        mine = cells[begin] == code
        runs = list(zip(begin[mine].tolist(), end[mine].tolist(), strict=True))
        path = "".join(f"M{first} 0h{last - first}v1h{first - last}z" for first, last in runs)
        scale = 100 / len(cells)
        spans = [(round(first * scale, 3), round((last - first) * scale, 3)) for first, last in runs]
        shapes.append(Shape(code, path, spans))
    return Strip(day, len(cells), shapes, _activity(spells, day, ceiling_mg), day.hours(3))


def _cells(spells: Spells, day: CalendarDay) -> NDArray[np.uint8]:
    """What took most of each cell of the day, uint8 ``[cells]``."""
    step = CELL_S * 10**9 // LOOKS_A_CELL
    looks = spells.at(np.arange(day.start_ns + step // 2, day.end_ns, step)).reshape(-1, LOOKS_A_CELL)
    # The commonest of six: how many of the six are the same as each, and the first with the most.
    same = (looks[:, :, None] == looks[:, None, :]).sum(axis=2)
    return np.asarray(looks[np.arange(len(looks)), same.argmax(axis=1)])


def _activity(spells: Spells, day: CalendarDay, ceiling_mg: int | None) -> str:
    if ceiling_mg is None:
        return ""
    edges = np.arange(day.start_ns, day.end_ns + 1, ACTIVITY_S * 10**9)
    means = spells.mean_activity_mg(edges)
    known = ~np.isnan(means)
    high = 100 - 100 * np.sqrt(np.clip(np.where(known, means, 0) / ceiling_mg, 0, 1))
    change = np.flatnonzero(np.diff(known)) + 1
    pieces = []
    for first, last in zip(np.append(0, change).tolist(), np.append(change, len(known)).tolist(), strict=True):
        if known[first]:
            line = "".join(
                f"L{at * ACTIVITY_S + ACTIVITY_S // 2} {high[at]:.0f}"
                for at in range(first, last)
                if not math.isnan(high[at])
            )
            pieces.append(f"M{first * ACTIVITY_S} 100{line}L{last * ACTIVITY_S} 100z")
    return "".join(pieces)


def packed(spells: Spells, days: list[CalendarDay]) -> dict[str, Any]:
    """Of each row its length, code, probability and activity, as base64 of little-endian numbers.

    ``lengths`` uint16 in hundredths of a second (of the rounded times, so that nothing adds up; a row that is longer
    has 65535 there and its length in ``long``), ``codes`` uint8, ``probability`` uint8 in 1/250 (255: none),
    ``activity`` uint16 in tenths of a milli-g (65535: not known). Beside them ``first`` and the ``offsets`` of the
    wearer's clocks in milliseconds, and the days.
    """
    ticks = np.rint(spells.edges_ns / (TICK_MS * 10**6)).astype(np.int64)
    lengths = np.diff(ticks)
    long = np.flatnonzero(lengths >= LONG)
    known = ~np.isnan(spells.activity_mg)
    told = ~np.isnan(spells.probability)
    activity = np.clip(np.rint(np.where(known, spells.activity_mg, 0) * ACTIVITY_STEPS), 0, NO_ACTIVITY - 1)
    return {
        "zone": spells.timezone,
        "labels": list(spells.names),
        "first": int(ticks[0]) * TICK_MS,
        "tick": TICK_MS,
        "offsets": [[second * 1000, ahead * 1000] for second, ahead in offsets(days, spells.timezone)],
        "days": [[day.start_ns // 10**6, day.end_ns // 10**6] for day in days],
        "long": [[int(row), int(lengths[row])] for row in long],
        "lengths": _text(np.where(lengths >= LONG, LONG, lengths), "<u2"),
        "codes": _text(spells.codes, "u1"),
        "probability": _text(
            np.where(told, np.rint(np.where(told, spells.probability, 0) * PROBABILITY_STEPS), NO_PROBABILITY), "u1"
        ),
        "activity": _text(np.where(known, activity, NO_ACTIVITY), "<u2"),
    }


def _text(values: NDArray[Any], kind: str) -> str:
    return base64.b64encode(values.astype(kind).tobytes()).decode()
