"""Nights: the sleep period of each day from noon to noon, by movement and not by EEG, and rest from the angle of the
arm: the sleep period of HDCZA, and sustained inactivity bouts.

Rest looks at nothing but the z angle in rows of five seconds: the angle between the axis that is perpendicular to the
face of the watch and the horizontal plane. It therefore needs no orientation of the watch about its face.

- V. T. van Hees and others, "Estimating sleep parameters using an accelerometer without sleep diary", Scientific
  Reports 8:12975, 2018: the heuristic algorithm looking at distribution of change in z angle (HDCZA). The step numbers
  below are those of its figure 1.
- V. T. van Hees and others, "A novel, open access method to assess sleep duration using a wrist-worn accelerometer",
  PLoS ONE 10(11):e0142533, 2015: sustained inactivity bouts.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.lib.stride_tricks import sliding_window_view

from harken.outcomes.movement_rows import ROW_NS, ROWS_A_DAY, ROWS_A_MINUTE, ROWS_AN_HOUR, median_of_known
from harken.outcomes.rules import DiaryUse, RestThreshold
from harken.signals.non_wear import worn
from harken.support.arrays import BoolArray, Float64Array, FloatArray, Int64Array, lengths_of, runs_of_true
from harken.support.tables import nanoseconds, spans_ns, zone_of
from harken.timelines.calendar import DAY_NS, moments_ns, wall_ns

FIXED_DEGREES = 0.2
PERCENTILE, FACTOR = 10, 15
LOWEST_DEGREES, HIGHEST_DEGREES = 0.13, 0.50

MEDIAN_ROWS = 5 * ROWS_A_MINUTE
LEAST_CHANGES = MEDIAN_ROWS // 2 - 1
"""The unrest is unknown where fewer of the 59 changes in its five minutes are known. The last row has as many."""
SHORTEST_REST_ROWS = 30 * ROWS_A_MINUTE
LONGEST_BREAK_ROWS = 60 * ROWS_A_MINUTE

POSTURE_CHANGE_DEGREES = 5.0
SHORTEST_BOUT_ROWS = 5 * ROWS_A_MINUTE


def unrest_degrees(angle_z_degrees: FloatArray) -> Float64Array:
    """Steps 4 and 5: the median over five minutes of the change of the angle from row to row, float64 ``[n]``.

    The five minutes have the row in their middle; at both ends of the array they are cut. The unrest is NaN where less
    than half of the changes are known.

    Args:
        angle_z_degrees: the mean angle of each row in degrees, ``[n]``, without missing rows; NaN where it is unknown.
    """
    change = np.abs(np.diff(np.asarray(angle_z_degrees, dtype=np.float64)))
    before, after = (MEDIAN_ROWS - 1) // 2, MEDIAN_ROWS // 2
    around = sliding_window_view(np.pad(change, (before, after), constant_values=np.nan), MEDIAN_ROWS - 1)
    median, known = median_of_known(around[: len(angle_z_degrees)])
    return np.where(known >= LEAST_CHANGES, median, np.nan)


def rest_threshold_degrees(unrest: Float64Array, rule: RestThreshold) -> float:
    """Step 6: the unrest in degrees below which the arm rests, for one day from noon to noon.

    Args:
        unrest: of the day's rows, ``[n]``; NaN where it is unknown.
        rule: the way in which the threshold is found.
    """
    known = unrest[np.isfinite(unrest)]
    if rule == "ggir-0.2" or len(known) == 0:
        return FIXED_DEGREES
    return float(np.clip(np.percentile(known, PERCENTILE) * FACTOR, LOWEST_DEGREES, HIGHEST_DEGREES))


def rest_blocks(unrest: Float64Array, threshold_degrees: float) -> Int64Array:
    """Steps 6 to 8: blocks of rest of more than 30 minutes, joined over breaks of less than 60 minutes.

    The sleep period of a day from noon to noon is the longest block (step 9).

    A break without a known row (the watch was not worn, or did not record) is bridged, too, if it is shorter than each
    of the two blocks at its sides. This goes beyond the paper, whose reference implementation fills unknown time with
    the mean of other days. Somebody who takes a watch off moves it, and so does somebody who puts it on; a break with
    rest right before and right after it is therefore a quiet stretch of sleep, or a fault of the recording.

    Args:
        unrest: of the day's rows, ``[n]``; NaN where it is unknown.
        threshold_degrees: the limit in degrees.

    Returns:
        First row and last row (exclusive) of each block, int64 ``[k, 2]``, in order and apart.
    """
    with np.errstate(invalid="ignore"):
        blocks = runs_of_true(unrest < threshold_degrees)
    blocks = blocks[lengths_of(blocks) > SHORTEST_REST_ROWS]
    if len(blocks) == 0:
        return blocks
    lengths = lengths_of(blocks)
    begins = blocks[:-1, 1]
    ends = blocks[1:, 0]
    breaks = ends - begins
    known = np.concatenate([[0], np.cumsum(np.isfinite(unrest))])
    unknown = known[begins] == known[ends]
    quiet = unknown & (breaks < np.minimum(lengths[:-1], lengths[1:]))
    apart = ~((breaks < LONGEST_BREAK_ROWS) | quiet)
    first = np.concatenate([[True], apart])
    last = np.concatenate([apart, [True]])
    return np.stack([blocks[first, 0], blocks[last, 1]], axis=1)


def sustained_inactivity(row: Int64Array, angle_z_degrees: FloatArray) -> Int64Array:
    """Bouts of more than five minutes without a change of the angle of more than 5 degrees from row to row.

    Missing rows are left out of the comparison; more than five minutes of them end a bout.

    Args:
        row: the numbers of the known rows, int64 ``[n]``, increasing.
        angle_z_degrees: the mean angle of each of these rows in degrees, ``[n]``.

    Returns:
        First row and last row (exclusive) of each bout, int64 ``[k, 2]``, in order and apart.
    """
    if len(row) == 0:
        return np.empty((0, 2), dtype=np.int64)
    ended = (np.abs(np.diff(angle_z_degrees)) > POSTURE_CHANGE_DEGREES) | (np.diff(row) > SHORTEST_BOUT_ROWS)
    first = row[np.concatenate([[True], ended])]
    last = row[np.concatenate([ended, [True]])] + 1
    long = last - first > SHORTEST_BOUT_ROWS
    return np.stack([first[long], last[long]], axis=1)


BEGINS_BY_HOUR = 4
"""A window is searched if the recording includes its midnight or begins between midnight and this hour, as in GGIR."""
NEAR_NOON_ROWS = ROWS_AN_HOUR
"""A period that comes this near to noon is searched again in a window that is shifted beyond noon, as in GGIR."""
SHIFT_ROWS = 6 * ROWS_AN_HOUR
LEAST_WEAR_ROWS = 16 * ROWS_AN_HOUR
"""A complete night needs this much wear in its window, as in GGIR (``includenightcrit``)."""
LEAST_OF_ITS_OWN_ROWS = 3 * ROWS_AN_HOUR
"""A shorter period is not taken for the night if the watch was off for longer than it."""
SURELY_NIGHT_H = 5.0
UNCERTAIN_NS = 10 * ROWS_A_MINUTE * ROW_NS
EDGE_ROWS = 5 * ROWS_A_MINUTE
"""Onset and wake are seen only if some of the five minutes beyond them are known."""

COLUMNS = {
    "date": pl.Date,
    "onset": pl.Int64,
    "wake": pl.Int64,
    "midpoint": pl.Int64,
    "duration_hours": pl.Float64,
    "inactive_minutes": pl.Float64,
    "wake_minutes": pl.Float64,
    "awakenings": pl.Int64,
    "efficiency": pl.Float64,
    "non_wear_minutes": pl.Float64,
    "gap_minutes": pl.Float64,
    "window_wear_hours": pl.Float64,
    "threshold_degrees": pl.Float64,
    "source": pl.String,
    "complete": pl.Boolean,
}


def nights(
    movement: pl.DataFrame,
    *,
    threshold: RestThreshold = "published",
    diary_ns: Mapping[date, Int64Array] | None = None,
    diary_use: DiaryUse = "guide",
) -> pl.DataFrame:
    """One row for each day from noon to noon, in the wearer's zone, whose midnight was recorded.

    The sleep period is the longest block of rest between two noons (``rest_blocks``; van Hees and others,
    Scientific Reports 8:12975, 2018). ``onset`` is the start of the first sustained inactivity bout that overlaps it,
    and ``wake`` the end of the last one, as in GGIR and wristpy. Non-wear and gaps are unknown time: they are neither
    rest nor movement. This is sleep by movement: a wearer who lies still awake counts as asleep.

    Rules beyond the paper: a period within an hour of noon is searched again in a window that is shifted by six hours,
    so that a sleep over noon is not cut (GGIR does so for its end). A night begins after the one before. A period of
    less than three hours is not taken for the night if the watch was off for longer than it in one stretch.

    The columns are

    - ``date``: the day on whose evening the night begins;
    - ``onset``, ``wake``, ``midpoint``: datetimes in the wearer's zone; null if no night was found, like all columns
      up to ``gap_minutes``;
    - ``duration_hours``: from onset to wake, elapsed time;
    - ``inactive_minutes``: known time in sustained inactivity bouts, from onset to wake;
    - ``wake_minutes``: the other known time from onset to wake (wake after onset);
    - ``awakenings``: the number of interruptions of inactivity;
    - ``efficiency``: inactive time as a share of known time, 0 to 1;
    - ``non_wear_minutes``, ``gap_minutes``: time from onset to wake in which the watch was not worn or did not record;
    - ``window_wear_hours``: known time in the window in which the night was searched;
    - ``threshold_degrees``: the limit of rest; null with a diary;
    - ``source``: ``movement``, ``diary_guide`` or ``diary``;
    - ``complete``: whether a night was found, the window has 16 hours of wear or more (GGIR's criterion), and some of
      the five minutes right before onset and right after wake are known.

    Args:
        movement: rows of five seconds with the columns ``start``, ``angle_z_degrees`` and ``wear``, in order; see
            ``movement_table``.
        threshold: how the limit of rest is found.
        diary_ns: onset and wake in ns since 1970 (UTC) by date, see ``Diary.nights_ns``; other nights are found by
            movement.
        diary_use: what the diary does.
    """
    zone = zone_of(movement["start"])
    table = list(_nights(movement, threshold, diary_ns or {}, diary_use))
    times = pl.col("onset", "wake", "midpoint").cast(pl.Datetime("ns", zone))
    return pl.DataFrame(table, schema=COLUMNS).with_columns(times)


def sure_nights(nights: pl.DataFrame) -> pl.DataFrame:
    """The nights that were found and are complete, last five hours or more, or are in a diary.

    The longest rest of a few recorded hours is often not sleep.

    Args:
        nights: the result of ``nights``.
    """
    long = pl.col("duration_hours") >= SURELY_NIGHT_H
    by_diary = pl.col("source") != "movement"
    found = pl.col("onset").is_not_null()
    return nights.filter(found & (pl.col("complete") | long | by_diary))


def still_at_night_ns(movement: pl.DataFrame, nights: pl.DataFrame) -> Int64Array:
    """The stretches in which the arm was still in a sleep period, in ns since 1970 (UTC), int64 ``[k, 2]``.

    These are the sustained inactivity bouts in a night, in order and apart. The ten minutes after onset and before wake
    are left out, because somebody who sits still before going to bed is often within them. Only ``sure_nights`` count.

    Args:
        movement: as for ``nights``.
        nights: the result of ``nights`` for these rows.
    """
    bouts = _Rows.of(movement).bouts * ROW_NS
    sure = sure_nights(nights)
    spans = spans_ns(sure, "onset", "wake") + np.array([UNCERTAIN_NS, -UNCERTAIN_NS])
    parts = [
        np.clip(bouts[(bouts[:, 1] > first) & (bouts[:, 0] < last)], first, last)
        for first, last in spans[spans[:, 1] > spans[:, 0]].tolist()
    ]
    return np.concatenate(parts) if parts else np.empty((0, 2), dtype=np.int64)


class _Rows(NamedTuple):
    """Rows of five seconds, numbered since 1970.

    ``number`` int64 ``[n]``; ``angle_degrees`` float64 ``[n]``, NaN where the row is unknown: not recorded or not worn;
    ``worn`` bool ``[n]``, False in non-wear; ``bouts`` int64 ``[k, 2]``, the sustained inactivity bouts.
    """

    number: Int64Array
    angle_degrees: Float64Array
    worn: BoolArray
    bouts: Int64Array

    @classmethod
    def of(cls, movement: pl.DataFrame) -> "_Rows":
        number = nanoseconds(movement, "start") // ROW_NS
        worn = movement["wear"].fill_null(True).to_numpy()
        angle = movement["angle_z_degrees"].cast(pl.Float64).fill_null(float("nan")).to_numpy()
        angle = np.where(worn, angle, np.nan)
        known = np.isfinite(angle)
        return cls(number, angle, worn, sustained_inactivity(number[known], angle[known]))

    def between(self, first: int, last: int) -> slice:
        """The rows from ``first`` to ``last`` (exclusive)."""
        return slice(*np.searchsorted(self.number, [first, last]).tolist())

    def angles_degrees(self, first: int, last: int) -> Float64Array:
        """The angle of each row from ``first`` to ``last`` (exclusive); NaN where it is unknown or missing."""
        every = np.full(max(last - first, 0), np.nan)
        here = self.between(first, last)
        every[self.number[here] - first] = self.angle_degrees[here]
        return every

    def known(self, first: int, last: int) -> int:
        """The number of known rows from ``first`` to ``last`` (exclusive)."""
        return int(np.isfinite(self.angle_degrees[self.between(first, last)]).sum())


def _windows(start: pl.Series) -> Iterator[tuple[date, int, int]]:
    """The windows from noon to noon in which there are rows, and whose midnight was recorded: the date, the first row
    and the last (exclusive)."""
    zone = zone_of(start)
    dates = np.unique((wall_ns(start) - DAY_NS // 2) // DAY_NS)
    noons_ns = dates * DAY_NS + DAY_NS // 2
    noons = (pl.Series(noons_ns + day_ns).cast(pl.Datetime("ns")) for day_ns in (0, DAY_NS))
    first, last = (moments_ns(noon, zone) // ROW_NS for noon in noons)
    days = pl.Series(dates.astype(np.int32)).cast(pl.Date)
    windows = pl.DataFrame({"date": days, "first": first, "last": last})
    # Where clocks skip a whole day, its noon does not exist.
    windows = windows.drop_nulls("first").with_columns(pl.col("last").fill_null(pl.col("first") + 24 * ROWS_AN_HOUR))
    begins, ends = _parts(start)
    midnight = pl.col("first") + 12 * ROWS_AN_HOUR
    # Parts are in order. If the last one that begins early enough ends before midnight, so do those before it.
    begun = np.searchsorted(begins, windows.select(midnight + BEGINS_BY_HOUR * ROWS_AN_HOUR).to_series().to_numpy())
    latest_end = pl.Series(np.concatenate([[-1], ends])[begun])
    yield from windows.filter(pl.lit(latest_end) >= midnight).iter_rows()


def _parts(start: pl.Series) -> tuple[Int64Array, Int64Array]:
    """Return the first and the last row of each part of a recording. More than a day lies between two parts."""
    number = start.to_physical().to_numpy() // ROW_NS
    gaps = np.flatnonzero(np.diff(number) > ROWS_A_DAY)
    return np.concatenate([number[:1], number[gaps + 1]]), np.concatenate([number[gaps], number[-1:]])


def _seen(rows: _Rows, span: Int64Array, earliest: int) -> Int64Array | None:
    """From the first to the last bout that overlaps a sleep period, from ``earliest`` on; None without any."""
    starts, ends = rows.bouts.T
    inside = rows.bouts[(starts < span[1]) & (ends > max(span[0], earliest))]
    if len(inside) == 0:
        return None
    return np.array([max(inside[0, 0], earliest), inside[-1, 1]])


def _nights(
    movement: pl.DataFrame, threshold: RestThreshold, diary_ns: Mapping[date, Int64Array], diary_use: DiaryUse
) -> Iterator[dict[str, Any]]:
    """The columns of each night."""
    rows, earliest = _Rows.of(movement), 0
    for day, first, last in _windows(movement["start"]):
        of_diary = diary_ns.get(day)
        if of_diary is None:
            source = "movement"
            first, last, span, degrees = _sleep_period(rows, first, last, earliest, threshold)
        else:
            source = "diary" if diary_use == "override" else "diary_guide"
            span = np.rint(of_diary / ROW_NS).astype(np.int64)
            degrees = None
        if span is not None and source != "diary":
            span = _seen(rows, span, earliest)
        named = {"date": day, "threshold_degrees": degrees, "source": source}
        yield named | _columns(rows, first, last, span)
        earliest = earliest if span is None else int(span[1])


def _sleep_period(
    rows: _Rows, first: int, last: int, earliest: int, threshold: RestThreshold
) -> tuple[int, int, Int64Array | None, float]:
    """The window in which the longest block of rest was found, that block, and the threshold in degrees."""
    begin = max(first, earliest)
    blocks, threshold_degrees = _blocks(rows, begin, last, threshold)
    if len(blocks) == 0:
        return first, last, None, threshold_degrees
    longest, shift = _longest(blocks), 0
    if longest[1] > last - NEAR_NOON_ROWS:
        shift = SHIFT_ROWS
    elif begin == first and longest[0] < first + NEAR_NOON_ROWS:
        shift = -SHIFT_ROWS
    if shift:
        again, other_degrees = _blocks(rows, max(first + shift, earliest), last + shift, threshold)
        overlaps = again[(again[:, 0] < longest[1]) & (again[:, 1] > longest[0])]
        if len(overlaps):
            first, last, threshold_degrees = first + shift, last + shift, other_degrees
            longest = _longest(overlaps)
    least = min(LEAST_OF_ITS_OWN_ROWS, _longest_unknown(rows, begin, last))
    found = longest if longest[1] - longest[0] >= least else None
    return first, last, found, threshold_degrees


def _longest(blocks: Int64Array) -> Int64Array:
    return np.asarray(blocks[np.argmax(lengths_of(blocks))])


def _blocks(rows: _Rows, first: int, last: int, threshold: RestThreshold) -> tuple[Int64Array, float]:
    """The blocks of rest from ``first`` to ``last`` (exclusive), int64 ``[k, 2]``, and the threshold in degrees."""
    unrest = unrest_degrees(rows.angles_degrees(first, last))
    threshold_degrees = rest_threshold_degrees(unrest, threshold)
    return first + rest_blocks(unrest, threshold_degrees), threshold_degrees


def _longest_unknown(rows: _Rows, first: int, last: int) -> int:
    """The longest stretch without a known row between ``first`` and ``last``, within the recording."""
    here = rows.between(first, last)
    number, angle = rows.number[here], rows.angle_degrees[here]
    if len(number) == 0:
        return 0
    known = number[np.isfinite(angle)]
    return int(np.diff(known, prepend=number[0] - 1, append=number[-1] + 1).max()) - 1


def _columns(rows: _Rows, begin: int, end: int, span: Int64Array | None) -> dict[str, Any]:
    """The columns of a night from its first row to its last (exclusive), which was searched from ``begin`` to ``end``;
    times in ns since 1970 (UTC)."""
    window_wear = rows.known(begin, end)
    columns: dict[str, Any] = {"window_wear_hours": window_wear / ROWS_AN_HOUR, "complete": False}
    if span is None:
        return columns
    first, last = span.tolist()
    here = rows.between(first, last)
    known = np.isfinite(rows.angle_degrees[here])
    active = worn(rows.number[here][known], rows.bouts)  # bouts of inactivity are cut out as non-wear is elsewhere
    inactive = ~active
    asleep = int(inactive.sum())
    non_wear = int((~rows.worn[here]).sum())
    return columns | {
        "onset": first * ROW_NS,
        "wake": last * ROW_NS,
        "midpoint": (first + last) * ROW_NS // 2,
        "duration_hours": (last - first) / ROWS_AN_HOUR,
        "inactive_minutes": asleep / ROWS_A_MINUTE,
        "wake_minutes": (len(inactive) - asleep) / ROWS_A_MINUTE,
        "awakenings": max(len(runs_of_true(inactive)) - 1, 0),
        "efficiency": asleep / len(inactive) if len(inactive) else None,
        "non_wear_minutes": non_wear / ROWS_A_MINUTE,
        "gap_minutes": (last - first - len(inactive) - non_wear) / ROWS_A_MINUTE,
        "complete": window_wear >= LEAST_WEAR_ROWS
        and rows.known(first - EDGE_ROWS, first) > 0
        and rows.known(last, last + EDGE_ROWS) > 0,
    }
