"""The strips of a person's days: one letter for each ten minutes, from the rows of a timeline."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
from numpy.typing import NDArray

from harken.reports.wearer.days import midnight_ns
from harken.support.tables import nanoseconds, zone_of
from harken.timelines import UNSURE

CELL_S = 600
COLUMNS = ["start", "end", "label", "recorded", "wear"]
"""The columns of a timeline that strips are made from."""
OUTSIDE, GAP, NOT_WORN, NO_LABEL, NOT_SURE = " .-?!"
"""Letters for time that has no label: before or after the recording, not recorded, not worn, worn without a label, and
``unsure``."""
FIRST_LABEL = ord("A")
"""The letter of the first label; the others follow in the order of Unicode."""
DAY_NS = 86_400 * 10**9


@dataclass(frozen=True)
class DayStrip:
    """One day of a person.

    Attributes:
        date: the day.
        cells: a letter for each ``CELL_S`` from midnight to midnight, by what took most of it. A day on which clocks
            change has more or fewer.
        valid: whether the watch was worn long enough.
        nights: the parts of sleep periods in this day, each from and to in thousandths of the day.
    """

    date: date
    cells: str
    valid: bool = True
    nights: tuple[tuple[int, int], ...] = ()


def day_strips(
    rows: pl.DataFrame,
    labels: Sequence[str],
    *,
    valid: dict[date, bool],
    nights_ns: NDArray[np.int64],
) -> list[DayStrip]:
    """The strips of some days.

    Args:
        rows: the rows of a timeline, with ``COLUMNS``.
        labels: the labels in the order of their letters.
        valid: the days, with whether each is valid.
        nights_ns: onset and wake of each night in ns since 1970 (UTC), int64 ``[nights, 2]``.
    """
    zone = ZoneInfo(zone_of(rows["start"]))
    codes, edges_ns = _runs(rows, labels)
    strips = []
    for day, is_valid in sorted(valid.items()):
        begin, end = midnight_ns(day, zone), midnight_ns(date.fromordinal(day.toordinal() + 1), zone)
        cells_ns = np.append(np.arange(begin, end, CELL_S * 10**9), end)
        nights = np.rint(1000 * (np.clip(nights_ns, begin, end) - begin) / (end - begin)).astype(int)
        parts = tuple((first, last) for first, last in nights.tolist() if first < last)
        strips.append(DayStrip(day, _cells(codes, edges_ns, cells_ns), is_valid, parts))
    return strips


def _runs(rows: pl.DataFrame, labels: Sequence[str]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """The letters of stretches of one kind, int32 ``[n]``, and their edges, int64 ``[n + 1]`` in ns since 1970."""
    letters = {UNSURE: ord(NOT_SURE)} | {label: FIRST_LABEL + number for number, label in enumerate(labels)}
    label = rows["label"].replace_strict(letters, default=ord(NO_LABEL), return_dtype=pl.Int32).to_numpy()
    worn = rows["wear"].fill_null(True).to_numpy()
    letter = np.where(~rows["recorded"].to_numpy(), ord(GAP), np.where(~worn, ord(NOT_WORN), label)).astype(np.int32)
    first = np.flatnonzero(np.diff(letter, prepend=-1))
    return letter[first], np.append(nanoseconds(rows, "start")[first], nanoseconds(rows, "end")[-1:])


def _cells(codes: NDArray[np.int32], edges_ns: NDArray[np.int64], cells_ns: NDArray[np.int64]) -> str:
    """The letter that takes most of each cell."""
    first, last = np.searchsorted(edges_ns, cells_ns[[0, -1]], side="right")
    of_day = slice(max(int(first) - 1, 0), int(last))
    codes, edges_ns = codes[of_day], edges_ns[of_day.start : of_day.stop + 1]
    kinds = np.unique(codes)
    if len(kinds) == 0:
        return OUTSIDE * (len(cells_ns) - 1)
    lasting = np.diff(edges_ns)
    cells, edges = cells_ns - cells_ns[0], (edges_ns - cells_ns[0]).astype(np.float64)
    of_kinds = np.stack(
        [
            np.diff(np.interp(cells, edges, np.concatenate([[0], np.cumsum(np.where(codes == kind, lasting, 0))])))
            for kind in kinds
        ]
    )
    most = np.where(of_kinds.sum(axis=0) > 0, kinds[of_kinds.argmax(axis=0)], ord(OUTSIDE))
    return "".join(map(chr, most.tolist()))
