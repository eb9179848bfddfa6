"""What the zoomed picture draws: every row of the timeline, five bytes each, and what must be known about them."""

import base64
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harken.reports.wearer.calendar import CalendarDay, offsets
from harken.reports.wearer.spells import Spells

__all__ = ["packed"]

TICK_MS = 10
LONG = 0xFFFF
NO_ACTIVITY = 0xFFFF
ACTIVITY_STEPS = 10
"""A thousandth of g has so many steps."""
NO_PROBABILITY = 255
PROBABILITY_STEPS = 250


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
