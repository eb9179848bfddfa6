"""The average day by the clock: how often each label occurs in each quarter of an hour, movement, and the rhythm."""

from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from harken.reports.caveats import Line
from harken.reports.wearer.days import NOT_WORN, CalendarDay, Spells, square_root_height
from harken.reports.words import Content, number
from harken.support.arrays import Float64Array
from harken.support.tables import times
from harken.timelines.calendar import DAY_NS, QUARTER_NS, QUARTERS_A_DAY, wall_ns

HIGH = 1000
"""The height of the picture's coordinates."""
LEAST_DAYS = 2
STRETCHES = (
    ("l5", 5, "quietest 5 h", "Quietest five hours (L5)"),
    ("m10", 10, "busiest 10 h", "Busiest ten hours (M10)"),
)
MEASURES = (
    ("relative_amplitude", "Relative amplitude", "1: complete rest at night; 0: nights like days"),
    ("interdaily_stability", "Interdaily stability", "1: all days the same; 0: no daily rhythm"),
    ("intradaily_variability", "Intradaily variability", "near 0: one long rest, one long activity; 2: at random"),
)


def day_by_clock(
    spells: Spells, calendar: list[CalendarDay], rhythm: pl.DataFrame | None, ceiling_mg: int | None
) -> Content | None:
    """The average of some days; None if there are fewer than two.

    The share of a label in a quarter of an hour is its time in that quarter, on all of these days, divided by the
    length of the quarter on all of them. The rest was not worn, not recorded, or has no label.

    Args:
        spells: the rows of the timeline.
        calendar: the valid days.
        rhythm: the result of ``harken.outcomes.rhythm.rhythm`` for these days; None without acceleration.
        ceiling_mg: the movement at the top of the picture; None if no movement is known.

    Returns:
        ``days``, the number of valid days; ``layers``, from the bottom to the top the code of each label, its SVG path
        in quarters across and 0 to 1000 down, and its columns: left, top, width and height in per cent; ``activity``,
        an SVG path in quarters across and 0 (the ceiling) to 100 (no movement) down; ``marks``, the places of the
        hours, 0 to 1, with their names; ``stretches``, for L5 and M10, if known, name, words, and the begin and length
        of each piece in per cent; ``rhythm``, the measures of the rhythm that are known.
    """
    if len(calendar) < LEAST_DAYS:
        return None
    stretches_ns = np.concatenate([day.stretches_ns(QUARTER_NS) for day in calendar])
    quarter = wall_ns(times(stretches_ns[:, 0], spells.timezone)) % DAY_NS // QUARTER_NS

    def summed(values: NDArray[np.floating | np.bool_]) -> Float64Array:
        """The sum of a value of each row times its seconds in each quarter, over all days, ``[96]``."""
        return np.bincount(quarter, spells.sums(values, stretches_ns), QUARTERS_A_DAY).astype(np.float64)

    elapsed_s = np.bincount(quarter, minlength=QUARTERS_A_DAY) * (QUARTER_NS / 1e9)
    layers, below = [], np.zeros(QUARTERS_A_DAY)
    for code in range(len(spells.names)):
        share = np.divide(summed(spells.codes == code), elapsed_s, out=np.zeros(QUARTERS_A_DAY), where=elapsed_s > 0)
        if share.any():
            layers.append(_layer(code, below, below + share))
        below = below + share
    stretches, lines = _rhythm({} if rhythm is None else rhythm.row(0, named=True))
    return {
        "days": len(calendar),
        "layers": layers,
        "activity": "" if ceiling_mg is None else _activity(spells, summed, ceiling_mg),
        "marks": [(hour / 24, f"{hour:02d}") for hour in range(0, 25, 3)],
        "stretches": stretches,
        "rhythm": lines,
    }


def _layer(code: int, low: Float64Array, high: Float64Array) -> tuple[int, str, list[Any]]:
    bottoms, tops = (np.rint(HIGH * (1 - each)).astype(int).tolist() for each in (low, high))
    there = "".join(f"V{top}H{quarter + 1}" for quarter, top in enumerate(tops))
    back = "".join(f"V{bottoms[quarter]}H{quarter}" for quarter in reversed(range(QUARTERS_A_DAY)))
    wide = 100 / QUARTERS_A_DAY
    columns = [
        (round(wide * quarter, 3), top * 100 / HIGH, round(wide, 3), (bottom - top) * 100 / HIGH)
        for quarter, (bottom, top) in enumerate(zip(bottoms, tops, strict=True))
        if bottom > top
    ]
    return (code, f"M0 {bottoms[0]}{there}{back}z", columns)


def _activity(spells: Spells, summed: Callable[[Float64Array], Float64Array], ceiling_mg: int) -> str:
    known = ~np.isnan(spells.activity_mg) & (spells.codes != NOT_WORN)
    seconds = summed(known)
    mean_mg = np.divide(
        summed(np.where(known, spells.activity_mg, 0)), seconds, out=np.zeros(QUARTERS_A_DAY), where=seconds > 0
    )
    high = square_root_height(mean_mg, ceiling_mg).astype(int).tolist()
    return "M0 100" + "".join(f"V{top}H{quarter + 1}" for quarter, top in enumerate(high)) + "V100z"


def _rhythm(measures: Content) -> tuple[list[Any], list[Line]]:
    """The ``stretches`` and the lines of ``rhythm``. A stretch that goes over midnight has two pieces, the longer one
    first."""
    stretches, lines = [], []
    for name, hours, words, title in STRETCHES:
        level, start = measures.get(f"{name}_mg"), measures.get(f"{name}_start")
        if level is None or start is None:
            continue
        end = f"{(int(start[:2]) + hours) % 24:02d}{start[2:]}"
        lines.append(Line(title, f"{start} to {end}, {number(level, 'mg', digits=2)} on average"))
        begin = (int(start[:2]) + int(start[3:]) / 60) / 24
        pieces = [(begin, min(begin + hours / 24, 1.0)), (0.0, begin + hours / 24 - 1)]
        longest_first = sorted(pieces, key=lambda piece: piece[0] - piece[1])
        shown = [(round(100 * first, 3), round(100 * (last - first), 3)) for first, last in longest_first]
        stretches.append((name, words, [piece for piece in shown if piece[1] > 0]))
    for name, title, meaning in MEASURES:
        if (value := measures.get(name)) is not None:
            lines.append(Line(title, f"{value:.2f} ({meaning})"))
    return stretches, lines
