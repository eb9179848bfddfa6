"""The pictures of each day: a strip for printing, the rows of the zoomed picture, and a colour for each label."""

import base64
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.colors import to_hex, to_rgb
from numpy.typing import NDArray

from harken.reports.figures.style import label_colours, luminance
from harken.reports.wearer.calendar import CalendarDay, offsets
from harken.reports.wearer.spells import OUTSIDE, Spells

PAPER, NIGHT = "#ffffff", "#16191d"
LEAST_ON_PAPER, LEAST_AT_NIGHT = 1.5, 2.6
"""The least contrast (as defined by WCAG) between a patch of colour and the page, in light and in dark mode."""
CELL_S = 30
"""Seconds of a cell. A band shows the most frequent code of each cell, which is a third of a millimetre on paper."""
LOOKS_A_CELL = 6
ACTIVITY_S = 120
CEILINGS_MG = (50, 100, 250, 500, 1000, 2000, 4000, 8000)
TICK_MS = 10
MOST_ROWS = 250_000
"""Of two weeks with a row every five seconds; they take 2 MB of the page."""
LONG = 0xFFFF
NO_ACTIVITY = 0xFFFF
ACTIVITY_STEPS = 10
"""Steps of the activity in a thousandth of g."""
NO_PROBABILITY = 255
PROBABILITY_STEPS = 250


@dataclass(frozen=True)
class Colour:
    """The colours of one label: for light pages and paper, and for dark pages."""

    light: str
    dark: str


def colours_of(labels: tuple[str, ...]) -> dict[str, Colour]:
    """The colours of the labels in all of harken's pictures, made darker or paler if the contrast with the page is low.

    They depend on all labels of a recogniser, so that a label has the same colour on the pages of all wearers.
    """
    return {
        label: Colour(_readable(colour, PAPER, LEAST_ON_PAPER), _readable(colour, NIGHT, LEAST_AT_NIGHT))
        for label, colour in label_colours(labels).items()
    }


def _readable(colour: str, page: str, least: float) -> str:
    away = 0.0 if luminance(page) > 0.5 else 1.0
    parts = to_rgb(colour)
    while _contrast(to_hex(parts), page) < least:
        red, green, blue = (0.95 * part + 0.05 * away for part in parts)
        parts = (red, green, blue)
    return to_hex(parts)


def _contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@dataclass(frozen=True)
class Shape:
    """The segments of one kind in the band: ``path`` in cells across and 0 to 1 down, ``spans`` in per cent across."""

    code: int
    path: str
    spans: list[tuple[float, float]]


@dataclass(frozen=True)
class Strip:
    """One day's strip.

    Attributes:
        day: the day.
        cells: the number of cells in the band.
        shapes: the shape of each label, and of each reason for a missing label.
        activity: an SVG path, seconds across and 0 (the ceiling) to 100 (no movement) down.
        marks: the positions of the hours, 0 to 1, with their names.
        nights: the parts of sleep periods in this day.
    """

    day: CalendarDay
    cells: int
    shapes: list[Shape]
    activity: str
    marks: list[tuple[float, str]]
    nights: list["NightPiece"]


@dataclass(frozen=True)
class NightPiece:
    """The part of a sleep period in a day, in per cent across, and whether its onset and its wake are in that day."""

    begin: float
    wide: float
    onset: bool
    wake: bool


def activity_ceiling_mg(spells: Spells) -> int | None:
    """A round number above nearly all two-minute means; None if no activity is known."""
    means = np.concatenate(
        [spells.mean_activity_mg(np.arange(begin, end + 1, ACTIVITY_S * 10**9)) for begin, end in spells.stretches_ns]
    )
    means = means[~np.isnan(means)]
    if len(means) == 0:
        return None
    high = float(np.quantile(means, 0.998))
    return next((ceiling for ceiling in CEILINGS_MG if ceiling >= high), CEILINGS_MG[-1])


def strip_of(
    spells: Spells, day: CalendarDay, ceiling_mg: int | None, nights_ns: Sequence[tuple[int, int]] = ()
) -> Strip:
    """The strip of a day. The scale of the activity is a square root, so that small movements are visible, too.

    Args:
        spells: the rows of the timeline.
        day: the day.
        ceiling_mg: the movement at the top of the picture; None if no movement is known.
        nights_ns: onset and wake of each sleep period, ns since 1970 (UTC).
    """
    cells = _cells(spells, day)
    change = np.flatnonzero(np.diff(cells)) + 1
    begin, end = np.append(0, change), np.append(change, len(cells))
    shapes = []
    for code in np.unique(cells).tolist():
        if code == OUTSIDE:
            continue
        of_code = cells[begin] == code
        runs = list(zip(begin[of_code].tolist(), end[of_code].tolist(), strict=True))
        path = "".join(f"M{first} 0h{last - first}v1h{first - last}z" for first, last in runs)
        scale = 100 / len(cells)
        spans = [(round(first * scale, 3), round((last - first) * scale, 3)) for first, last in runs]
        shapes.append(Shape(code, path, spans))
    nights = [_piece(day, onset, wake) for onset, wake in nights_ns if onset < day.end_ns and wake > day.start_ns]
    return Strip(day, len(cells), shapes, _activity(spells, day, ceiling_mg), day.hours(3), nights)


def _piece(day: CalendarDay, onset_ns: int, wake_ns: int) -> NightPiece:
    begin, end = max(onset_ns, day.start_ns), min(wake_ns, day.end_ns)
    scale = 100 / (day.end_ns - day.start_ns)
    return NightPiece(
        round(scale * (begin - day.start_ns), 3), round(scale * (end - begin), 3), onset_ns == begin, wake_ns == end
    )


def _cells(spells: Spells, day: CalendarDay) -> NDArray[np.uint8]:
    """The most frequent code in each cell of the day, uint8 ``[cells]``."""
    step = CELL_S * 10**9 // LOOKS_A_CELL
    looks = spells.at(np.arange(day.start_ns + step // 2, day.end_ns, step)).reshape(-1, LOOKS_A_CELL)
    # The most frequent of six codes: count the codes equal to each, and take the first with the largest count.
    same = (looks[:, :, None] == looks[:, None, :]).sum(axis=2)
    return np.asarray(looks[np.arange(len(looks)), same.argmax(axis=1)])


def square_root_height(activity_mg: NDArray[np.float64], ceiling_mg: int) -> NDArray[np.float64]:
    """Where an activity is drawn: 0 for the ceiling and more, 100 for no movement; the scale is a square root."""
    return np.asarray(100 - 100 * np.sqrt(np.clip(activity_mg / ceiling_mg, 0, 1)))


def _activity(spells: Spells, day: CalendarDay, ceiling_mg: int | None) -> str:
    if ceiling_mg is None:
        return ""
    edges = np.arange(day.start_ns, day.end_ns + 1, ACTIVITY_S * 10**9)
    means = spells.mean_activity_mg(edges)
    known = ~np.isnan(means)
    high = square_root_height(np.where(known, means, 0), ceiling_mg)
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


def packed(spells: Spells, days: list[CalendarDay], nights_ns: Sequence[tuple[int, int]] = ()) -> dict[str, Any]:
    """The length, code, probability and activity of each row, as base64 of little-endian numbers.

    ``lengths`` is uint16 in hundredths of a second, computed from rounded times so that rounding errors do not
    accumulate; a longer row has 65535 there and its length in ``long``. ``codes`` is uint8, ``probability`` uint8 in
    1/250 (255: none), ``activity`` uint16 in tenths of a milli-g (65535: not known). The other fields are ``first`` and
    the ``offsets`` of the wearer's time zone in milliseconds, the days, and the sleep periods. In a recording of more
    than ``MOST_ROWS`` rows, ``merged`` rows stand as one.
    """
    merged = -(-len(spells.codes) // MOST_ROWS)
    spells = spells.merged(merged)
    ticks = np.rint(spells.edges_ns / (TICK_MS * 10**6)).astype(np.int64)
    lengths = np.diff(ticks)
    long = np.flatnonzero(lengths >= LONG)
    known = ~np.isnan(spells.activity_mg)
    probable = ~np.isnan(spells.probability)
    activity = np.clip(np.rint(np.where(known, spells.activity_mg, 0) * ACTIVITY_STEPS), 0, NO_ACTIVITY - 1)
    return {
        "zone": spells.timezone,
        "labels": list(spells.names),
        "first": int(ticks[0]) * TICK_MS,
        "merged": merged,
        "tick": TICK_MS,
        "offsets": [[second * 1000, ahead * 1000] for second, ahead in offsets(days, spells.timezone)],
        "days": [[day.start_ns // 10**6, day.end_ns // 10**6] for day in days],
        "nights": [[onset // 10**6, wake // 10**6] for onset, wake in nights_ns],
        "long": [[int(row), int(lengths[row])] for row in long],
        "lengths": _text(np.where(lengths >= LONG, LONG, lengths), "<u2"),
        "codes": _text(spells.codes, "u1"),
        "probability": _text(
            np.where(probable, np.rint(np.where(probable, spells.probability, 0) * PROBABILITY_STEPS), NO_PROBABILITY),
            "u1",
        ),
        "activity": _text(np.where(known, activity, NO_ACTIVITY), "<u2"),
    }


def _text(values: NDArray[Any], kind: str) -> str:
    return base64.b64encode(values.astype(kind).tobytes()).decode()
