"""A day as a strip: a band of colours, the activity level over it, in shapes that a page prints."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harken.reports.wearer.calendar import CalendarDay
from harken.reports.wearer.spells import OUTSIDE, Spells

__all__ = ["Shape", "Strip", "activity_ceiling_mg", "strip_of"]

CELL_S = 30
"""A band shows what took most of each half minute: a third of a millimetre on paper needs no more."""
LOOKS_A_CELL = 6
ACTIVITY_S = 120
CEILINGS_MG = (50, 100, 250, 500, 1000, 2000, 4000, 8000)


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
