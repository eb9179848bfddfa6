"""The days of a timeline: the wearer's calendar, the rows as arrays, and the pictures of both: a strip of each day for
printing, the rows of the zoomed picture, and the average day by the clock."""

import base64
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
from numpy.typing import NDArray

from harken.reports.caveats import Line
from harken.reports.words import Content, number
from harken.support.arrays import Float32Array, Float64Array, Int64Array, between, runs_of_true, sums_in
from harken.support.errors import HarkenError
from harken.support.tables import nanoseconds, times
from harken.timelines import UNSURE, Timeline
from harken.timelines.calendar import DAY_NS, QUARTER_NS, QUARTERS_A_DAY, wall_ns
from harken.timelines.timeline import PROBABILITY, SMOOTHED

NS = 10**9
ONE_DAY = timedelta(days=1)
NOT_WORN, GAP, NO_LABEL, OUTSIDE = 251, 252, 253, 254
"""Codes that are not labels: the watch was not worn, it did not record, the samples have no label, and the time is
before or after the recording."""

MOST_LABELS = 200
CELL_S = 30
"""Seconds of a cell. A band shows the most frequent code of each cell, which is a third of a millimetre on paper."""
LOOKS_A_CELL = 6
ACTIVITY_S = 120
SHORT_S = 3600
"""A shorter recording has a picture of its own time in place of days, and durations in minutes and seconds."""
SHORT_CELL_S, SHORT_ACTIVITY_S = 1, 10
STEPS_MIN, MOST_STEPS = (1, 2, 5, 10), 8
"""The minutes between two marks of a short recording, and how many of these steps there are at most."""
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

HIGH = 1000
"""The height of the coordinates in the picture of the average day."""
LEAST_DAYS = 2
STRETCHES = (
    ("l5", 5, "quietest 5 h", "Quietest five hours (L5)"),
    ("m10", 10, "busiest 10 h", "Busiest ten hours (M10)"),
)
MEASURES = (
    ("relative_amplitude", "Relative amplitude", "1: complete rest at night; 0: nights like days"),
    ("interdaily_stability", "Interdaily stability", "1: all days the same; 0: no daily rhythm"),
    ("intradaily_variability", "Intradaily variability", "near 0: one long rest, one long activity; 2: at random"),
    ("sleep_regularity_index", "Sleep regularity index", "100: asleep at the same times each day; 0: at random"),
)


@dataclass(frozen=True)
class CalendarDay:
    """A day from midnight to midnight in the wearer's time zone. It has 23 or 25 hours if the clocks change.

    ``without_data`` is a sentence about the days without data just before it; empty if there are none. The strip has
    cells of ``cell_s``, and the mean movement in each ``activity_s``.
    """

    date: date
    start_ns: int
    end_ns: int
    zone: ZoneInfo
    without_data: str = ""
    cell_s: int = CELL_S
    activity_s: int = ACTIVITY_S

    @property
    def seconds(self) -> int:
        return (self.end_ns - self.start_ns) // NS

    def stretches_ns(self, step_ns: int) -> Int64Array:
        """Where each of the day's stretches of a length begins and ends, int64 ``[n, 2]``."""
        return between(np.arange(self.start_ns, self.end_ns + 1, step_ns))

    @property
    def words(self) -> str:
        return long_date(self.date)

    @property
    def short(self) -> str:
        return short_date(self.date)

    @property
    def clocks_change(self) -> str:
        """A note that the day is longer or shorter than others; empty for most days."""
        hours = self.seconds / 3600
        if hours == 24:
            return ""
        return f"{hours:g} hours: clocks went {'forward' if hours < 24 else 'back'}"

    @property
    def marks(self) -> list[tuple[float, str]]:
        """The position in the day (0 to 1) and the name of each third full hour, including both midnights.

        For an hour that the day has twice, the first position is given. An hour that the day does not have is left out.
        """
        marks = []
        for hour in range(0, 24, 3):
            local = datetime(self.date.year, self.date.month, self.date.day, hour, tzinfo=self.zone)
            moment = round(local.timestamp())
            if datetime.fromtimestamp(moment, self.zone).hour == hour:
                marks.append(((moment - self.start_ns // NS) / self.seconds, f"{hour:02d}"))
        return [*marks, (1.0, "24")]


class ShortStretch(CalendarDay):
    """The whole minutes that contain a recording of less than an hour, in place of its day."""

    @property
    def step_min(self) -> int:
        """The minutes between two marks."""
        return _choose_step_min(self.seconds)

    @property
    def clocks_change(self) -> str:
        return ""

    @property
    def marks(self) -> list[tuple[float, str]]:
        """The position in the stretch (0 to 1) and the time of day of each mark, including both ends."""
        marks = []
        for minute in range(0, self.seconds // 60 + 1, self.step_min):
            local = datetime.fromtimestamp(self.start_ns // NS + 60 * minute, self.zone)
            marks.append((60 * minute / self.seconds, f"{local:%H:%M}"))
        return marks


def find_short_stretch(spells: "Spells") -> ShortStretch | None:
    """Return the stretch of a recording of less than an hour; None for a longer one."""
    first_ns, last_ns = (int(spells.edges_ns[row]) for row in (0, -1))
    if last_ns - first_ns >= SHORT_S * NS:
        return None
    start_s = first_ns // NS // 60 * 60
    length_s = math.ceil((last_ns - start_s * NS) / NS)
    step_s = 60 * _choose_step_min(length_s)
    end_s = start_s + math.ceil(length_s / step_s) * step_s
    zone = ZoneInfo(spells.timezone)
    day = datetime.fromtimestamp(start_s, zone).date()
    return ShortStretch(day, start_s * NS, end_s * NS, zone, cell_s=SHORT_CELL_S, activity_s=SHORT_ACTIVITY_S)


def _choose_step_min(seconds: int) -> int:
    return next((step for step in STEPS_MIN if seconds <= MOST_STEPS * 60 * step), STEPS_MIN[-1])


def calendar_days(dates: Iterable[date], timezone: str) -> list[CalendarDay]:
    """The days of these dates, which are in order."""
    zone = ZoneInfo(timezone)
    days: list[CalendarDay] = []
    for day in dates:
        begin_ns, end_ns = midnight_ns(day, zone), midnight_ns(day + ONE_DAY, zone)
        pause = days and days[-1].end_ns < begin_ns
        days.append(CalendarDay(day, begin_ns, end_ns, zone, _without_data(days[-1].date, day) if pause else ""))
    return days


def offsets(days: list[CalendarDay], timezone: str) -> list[list[int]]:
    """The offsets of the wearer's time zone: pairs of a time since 1970, and the time by which clocks are ahead of UTC
    from then on, both in ms. Changes in a pause between the days are left out."""
    around = [np.arange(day.start_ns - DAY_NS, day.end_ns + DAY_NS + 1, 60 * NS) for day in days]
    minutes = np.unique(np.concatenate(around))
    ahead = wall_ns(times(minutes, timezone)) - minutes
    changes = np.flatnonzero(np.diff(ahead, prepend=ahead[0] - 1))
    pairs_ns = np.stack([minutes, ahead], axis=1)[changes]
    pairs: list[list[int]] = (pairs_ns // 10**6).tolist()
    return pairs


def short_date(day: date) -> str:
    """A date such as ``Mon 1 Jan``."""
    return f"{day:%a} {day.day} {day:%b}"


def long_date(day: date) -> str:
    """A date such as ``Monday 1 January``."""
    return f"{day:%A} {day.day} {day:%B}"


def _without_data(before: date, after: date) -> str:
    """A sentence with the number and the dates of the days between two others."""
    first, last = before + ONE_DAY, after - ONE_DAY
    count = (last - first).days + 1
    return f"1 day without data: {first}" if count == 1 else f"{count:,} days without data: {first} to {last}"


def midnight_ns(day: date, zone: ZoneInfo) -> int:
    """The start of a day. If the clocks skip midnight, it is the time of that change."""
    return round(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp()) * NS


@dataclass(frozen=True, eq=False)
class Spells:
    """The rows of a timeline.

    Attributes:
        edges_ns: the start of each row and the end of the last one, int64 ``[n + 1]``, UTC since 1970.
        codes: the code of each row: a position in ``names``, or one of the codes above, uint8 ``[n]``.
        probability: the probability of the row's label, smoothed if available; NaN without a label, float32 ``[n]``.
        activity_mg: mean movement; NaN if it is not known, float32 ``[n]``.
        busy: whether the hands are busy, bool ``[n]``, where the label is one of ``POSTURES``.
        names: the labels that occur, in the recogniser's order, followed by ``unsure`` if a row is unsure.
        never: the labels that do not occur.
        timezone: the wearer's time zone.
    """

    edges_ns: Int64Array
    codes: NDArray[np.uint8]
    probability: Float32Array
    activity_mg: Float32Array
    busy: NDArray[np.bool_]
    names: tuple[str, ...]
    never: tuple[str, ...]
    timezone: str

    @cached_property
    def spans_ns(self) -> Int64Array:
        """Where each row begins and ends, int64 ``[n, 2]``."""
        return between(self.edges_ns)

    @property
    def seconds(self) -> Float64Array:
        """The duration of each row, float64 ``[n]``."""
        return np.asarray((self.edges_ns[1:] - self.edges_ns[:-1]) / 1e9)

    def merged(self, count: int) -> "Spells":
        """Every ``count`` rows as one: what the longest of them has, and their mean movement."""
        if count == 1:
            return self
        seconds = np.pad(self.seconds, (0, -len(self.codes) % count)).reshape(-1, count)
        first = np.arange(0, len(self.codes), count)
        longest = first + seconds.argmax(axis=1)
        edges_ns = np.append(self.edges_ns[first], self.edges_ns[-1])
        return replace(
            self,
            edges_ns=edges_ns,
            codes=self.codes[longest],
            probability=self.probability[longest],
            activity_mg=self.mean_activity_mg(between(edges_ns)).astype(np.float32),
            busy=self.busy[longest],
        )

    def mean_activity_mg(self, stretches_ns: Int64Array) -> Float64Array:
        """The mean movement in each stretch ``[k, 2]``; NaN if it is not known anywhere in it."""
        known = ~np.isnan(self.activity_mg)
        seconds = self.sums(known, stretches_ns)
        sums = self.sums(np.where(known, self.activity_mg, 0.0), stretches_ns)
        means = np.full(len(sums), np.nan)
        np.divide(sums, seconds, out=means, where=seconds > 1e-6)
        return means

    def sums(self, values: NDArray[np.floating | np.bool_], stretches_ns: Int64Array) -> Float64Array:
        """The sum of a value of each row times its seconds in each stretch ``[k, 2]``, float64 ``[k]``."""
        return sums_in(stretches_ns, self.spans_ns, values * self.seconds)


def spells_of(timeline: Timeline) -> Spells:
    """The rows of a timeline.

    Raises:
        HarkenError: when it has no rows with samples, or more labels than a picture can show.
    """
    frame = timeline.frame
    if not frame["recorded"].any() or len(timeline.labels) > MOST_LABELS:
        raise HarkenError(
            f"{timeline.source or timeline.subject}: no report can be made of {frame['recorded'].sum()} rows with "
            f"samples and {len(timeline.labels)} labels; it takes such a row and at most {MOST_LABELS} labels"
        )
    label = frame["label"]
    occurring = set(label.drop_nulls().unique())
    names = [*(name for name in timeline.labels if name in occurring), *({UNSURE} & occurring - set(timeline.labels))]
    recorded = frame["recorded"].to_numpy()
    worn = frame["wear"].fill_null(True).to_numpy()
    codes = label.replace_strict(
        {name: code for code, name in enumerate(names)}, default=NO_LABEL, return_dtype=pl.UInt8
    ).to_numpy()
    codes = np.where(~recorded, np.uint8(GAP), np.where(~worn, np.uint8(NOT_WORN), codes))
    activity = frame["activity_mg"].cast(pl.Float32).fill_null(float("nan")).to_numpy()
    return Spells(
        edges_ns=np.append(nanoseconds(frame, "start"), nanoseconds(frame, "end")[-1:]),
        codes=codes,
        probability=timeline.own_probability(PROBABILITY if timeline.expected_bout_s is None else SMOOTHED),
        activity_mg=np.where(codes == GAP, np.float32("nan"), activity),
        busy=np.any([np.zeros(len(codes), bool), *timeline.busy_hands().values()], axis=0),
        names=tuple(names),
        never=tuple(name for name in timeline.labels if name not in occurring),
        timezone=timeline.timezone,
    )


def activity_of_days(spells: Spells, days: list[CalendarDay]) -> list[Float64Array]:
    """The mean movement in each ``activity_s`` of each day; NaN where it is not known."""
    stretches_ns = [day.stretches_ns(day.activity_s * NS) for day in days]
    means = spells.mean_activity_mg(np.concatenate(stretches_ns))
    return np.split(means, np.cumsum([len(of_day) for of_day in stretches_ns])[:-1])


def activity_ceiling_mg(of_days: list[Float64Array]) -> int | None:
    """A round number above nearly all two-minute means; None if no activity is known."""
    means = np.concatenate(of_days)
    means = means[~np.isnan(means)]
    if len(means) == 0:
        return None
    high = float(np.quantile(means, 0.998))
    return next((ceiling for ceiling in CEILINGS_MG if ceiling >= high), CEILINGS_MG[-1])


def strip_of(
    spells: Spells,
    day: CalendarDay,
    activity_mg: Float64Array,
    ceiling_mg: int | None,
    nights_ns: Sequence[tuple[int, int]] = (),
) -> Content:
    """The strip of a day: the ``day``, and the number of ``cells`` in its band.

    ``shapes`` has the code of each kind, its SVG path in cells across and 0 to 1 down, and its spans in per cent.
    ``activity`` is an SVG path, seconds across and 0 (the ceiling) to 100 (no movement) down; its scale is a square
    root, so that small movements are visible, too. ``nights`` has the parts of sleep periods: begin and length in per
    cent, and whether onset and wake are in this day.

    Args:
        spells: the rows of the timeline.
        day: the day.
        activity_mg: its movement, see ``activity_of_days``.
        ceiling_mg: the movement at the top of the picture; None if no movement is known.
        nights_ns: onset and wake of each sleep period, ns since 1970 (UTC).
    """
    cells = _cells(spells, day)
    shapes = []
    for code in sorted({*cells.tolist()} - {OUTSIDE}):
        runs = runs_of_true(cells == code).tolist()
        path = "".join(f"M{first} 0h{last - first}v1h{first - last}z" for first, last in runs)
        scale = 100 / len(cells)
        spans = [(round(first * scale, 3), round((last - first) * scale, 3)) for first, last in runs]
        shapes.append((code, path, spans))
    return {
        "day": day,
        "cells": len(cells),
        "shapes": shapes,
        "activity": "" if ceiling_mg is None else _activity(activity_mg, ceiling_mg, day.activity_s),
        "nights": [_piece(day, *night) for night in nights_ns if night[0] < day.end_ns and night[1] > day.start_ns],
    }


def _piece(day: CalendarDay, onset_ns: int, wake_ns: int) -> tuple[float, float, bool, bool]:
    begin = max(onset_ns, day.start_ns)
    end = min(wake_ns, day.end_ns)
    scale = 100 / (day.end_ns - day.start_ns)
    first = scale * (begin - day.start_ns)
    wide = scale * (end - begin)
    return round(first, 3), round(wide, 3), onset_ns == begin, wake_ns == end


def _cells(spells: Spells, day: CalendarDay) -> Int64Array:
    """The most frequent code in each cell of the day, int64 ``[cells]``."""
    step_ns = day.cell_s * NS // LOOKS_A_CELL
    moments_ns = np.arange(day.start_ns + step_ns // 2, day.end_ns, step_ns)
    row = np.searchsorted(spells.edges_ns, moments_ns, side="right")
    codes = np.concatenate([[OUTSIDE], spells.codes, [OUTSIDE]])
    looks = codes[row].reshape(-1, LOOKS_A_CELL)
    # The most frequent of six codes: count the codes equal to each, and take the first with the largest count.
    same = (looks[:, :, None] == looks[:, None, :]).sum(axis=2)
    return np.asarray(looks[np.arange(len(looks)), same.argmax(axis=1)])


def square_root_height(activity_mg: Float64Array, ceiling_mg: int) -> Float64Array:
    """Where an activity is drawn: 0 for the ceiling and more, 100 for no movement; the scale is a square root."""
    return np.asarray(100 - 100 * np.sqrt(np.clip(activity_mg / ceiling_mg, 0, 1)))


def _activity(means: Float64Array, ceiling_mg: int, step_s: int) -> str:
    known = ~np.isnan(means)
    high = square_root_height(np.where(known, means, 0), ceiling_mg)
    pieces = []
    for first, last in runs_of_true(known).tolist():
        line = "".join(f"L{at * step_s + step_s // 2} {high[at]:.0f}" for at in range(first, last))
        pieces.append(f"M{first * step_s} 100{line}L{last * step_s} 100z")
    return "".join(pieces)


def packed(spells: Spells, days: list[CalendarDay], nights_ns: Sequence[tuple[int, int]] = ()) -> Content:
    """The length, code, probability and activity of each row, as base64 of little-endian numbers.

    ``lengths`` is uint16 in hundredths of a second, computed from rounded times so that rounding errors do not
    accumulate; a longer row has 65535 there and its length in ``long``. ``codes`` is uint8, ``probability`` uint8 in
    1/250 (255: none), ``activity`` uint16 in tenths of a milli-g (65535: not known), ``busy`` uint8, 1 for busy hands;
    empty without any. The other fields are ``first`` and the ``offsets`` of the wearer's time zone in milliseconds, the
    days, and the sleep periods. In a recording of more than ``MOST_ROWS`` rows, ``merged`` rows stand as one.
    """
    merged = -(-len(spells.codes) // MOST_ROWS)
    spells = spells.merged(merged)
    ticks = np.rint(spells.edges_ns / (TICK_MS * 10**6)).astype(np.int64)
    lengths = np.diff(ticks)
    long = np.flatnonzero(lengths >= LONG)
    probability = np.rint(spells.probability * PROBABILITY_STEPS)
    activity = np.clip(np.rint(spells.activity_mg * ACTIVITY_STEPS), 0, NO_ACTIVITY - 1)
    return {
        "zone": spells.timezone,
        "labels": list(spells.names),
        "first": int(ticks[0]) * TICK_MS,
        "merged": merged,
        "tick": TICK_MS,
        "offsets": offsets(days, spells.timezone),
        "days": [[day.start_ns // 10**6, day.end_ns // 10**6] for day in days],
        "nights": [[onset // 10**6, wake // 10**6] for onset, wake in nights_ns],
        "long": [[int(row), int(lengths[row])] for row in long],
        "lengths": _text(np.where(lengths >= LONG, LONG, lengths), "<u2"),
        "codes": _text(spells.codes, "u1"),
        "probability": _text(np.nan_to_num(probability, nan=NO_PROBABILITY), "u1"),
        "activity": _text(np.nan_to_num(activity, nan=NO_ACTIVITY), "<u2"),
        "busy": _text(spells.busy, "u1") if spells.busy.any() else "",
    }


def _text(values: NDArray[Any], kind: str) -> str:
    return base64.b64encode(values.astype(kind).tobytes()).decode()


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
            layers.append(_draw_layer(code, below, below + share))
        below = below + share
    stretches, lines = _list_rhythm({} if rhythm is None else rhythm.row(0, named=True))
    return {
        "days": len(calendar),
        "layers": layers,
        "activity": "" if ceiling_mg is None else _draw_activity(spells, summed, ceiling_mg),
        "marks": [(hour / 24, f"{hour:02d}") for hour in range(0, 25, 3)],
        "stretches": stretches,
        "rhythm": lines,
    }


def _draw_layer(code: int, low: Float64Array, high: Float64Array) -> tuple[int, str, list[Any]]:
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


def _draw_activity(spells: Spells, summed: Callable[[Float64Array], Float64Array], ceiling_mg: int) -> str:
    known = ~np.isnan(spells.activity_mg) & (spells.codes != NOT_WORN)
    seconds = summed(known)
    mean_mg = np.divide(
        summed(np.where(known, spells.activity_mg, 0)), seconds, out=np.zeros(QUARTERS_A_DAY), where=seconds > 0
    )
    high = square_root_height(mean_mg, ceiling_mg).astype(int).tolist()
    return "M0 100" + "".join(f"V{top}H{quarter + 1}" for quarter, top in enumerate(high)) + "V100z"


def _list_rhythm(measures: Content) -> tuple[list[Any], list[Line]]:
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
