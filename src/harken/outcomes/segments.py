"""Stretches of time by the wearer's clock, and sums over what lies in them: days, hours, and named segments of the day
or of dates, such as work and school, which are read from a table."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
from numpy.typing import NDArray

from harken.support.errors import HarkenError
from harken.support.files import regular
from harken.support.printable import printable
from harken.support.tables import times
from harken.support.text_rows import content_of, line_error, text_rows

QUARTER_NS = 900 * 10**9
"""The clocks of all zones differ from UTC by whole quarters of an hour and change at their edges."""


@dataclass(frozen=True, eq=False)
class Stretches:
    """Stretches of time that are described by a table; they may overlap.

    Attributes:
        frame: one row per stretch, with the columns that name it.
        edges_ns: where each begins and ends, int64 ``[n, 2]``, ns since 1970 (UTC).
    """

    frame: pl.DataFrame
    edges_ns: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.edges_ns)


def by_clock(
    start_ns: NDArray[np.int64], end_ns: NDArray[np.int64], *, timezone: str, every: Literal["day", "hour"]
) -> Stretches:
    """The days or hours, by the wearer's clock, in which some rows lie.

    An hour that occurs twice, where clocks go back, is two stretches. Only quarters of an hour with a row are looked
    at, so decades between two rows take no memory.

    Args:
        start_ns, end_ns: where each row begins and ends, int64 ``[n]``, ns since 1970 (UTC).
        timezone: the wearer's zone.
        every: the length of a stretch.

    Returns:
        Stretches with the column ``date``, and for hours ``start``: the beginning of the hour.
    """
    first = start_ns // QUARTER_NS
    lasting = np.maximum(-(-end_ns // QUARTER_NS) - first, 1)
    within = np.arange(lasting.sum()) - np.repeat(np.cumsum(lasting) - lasting, lasting)
    quarter_ns = np.unique(np.repeat(first, lasting) + within) * QUARTER_NS
    key = _clock(quarter_ns, timezone, every)
    run = key.select(pl.struct(pl.all()).rle_id().cast(pl.Int64)).to_series().to_numpy()
    firsts = np.flatnonzero(np.diff(run, prepend=-1))
    lasts = np.append(firsts[1:], len(quarter_ns)) - 1
    edges_ns = np.stack([quarter_ns[firsts], quarter_ns[lasts] + QUARTER_NS], axis=1)
    frame = key[firsts].select("date")
    if every == "hour":
        # The hour may have begun before its first quarter with a row; where clocks change, an hour may be shorter.
        before_ns = (edges_ns[:, :1] - QUARTER_NS * np.arange(3, -1, -1)).reshape(-1)
        same = _clock(before_ns, timezone, every) == key[np.repeat(firsts, 4)]
        begins = same.select(pl.all_horizontal(pl.all())).to_series().to_numpy().reshape(-1, 4).argmax(axis=1)
        start_ns = before_ns.reshape(-1, 4)[np.arange(len(firsts)), begins]
        frame = frame.with_columns(start=times(start_ns, timezone))
    return Stretches(frame, edges_ns)


def _clock(time_ns: NDArray[np.int64], timezone: str, every: Literal["day", "hour"]) -> pl.DataFrame:
    """What differs between the times of two days or hours: the date, the hour and the offset from UTC."""
    local = times(time_ns, timezone)
    day = pl.DataFrame({"date": local.dt.date()})
    if every == "day":
        return day
    offset = local.dt.base_utc_offset() + local.dt.dst_offset()
    return day.with_columns(local.dt.hour().alias("hour"), offset.alias("offset"))


def sums_in(
    stretches: Stretches, start_ns: NDArray[np.int64], end_ns: NDArray[np.int64], values: NDArray[np.generic]
) -> NDArray[np.float64]:
    """The sum of values over each stretch, float64 ``[stretches]``; a row partly in a stretch counts in proportion.

    Args:
        stretches: the stretches.
        start_ns, end_ns: where each row begins and ends, int64 ``[n]``, in order and not overlapping.
        values: of each row, ``[n]``.
    """
    if len(start_ns) == 0:
        return np.zeros(len(stretches))
    knots = np.stack([start_ns, end_ns], axis=1).reshape(-1)
    total = np.cumsum(values, dtype=np.float64)
    sums = np.stack([np.append(0.0, total[:-1]), total], axis=1).reshape(-1)
    # Counted from the first row, so that float64 is exact to the nanosecond for three months.
    first, last = np.interp(stretches.edges_ns.T - knots[0], knots - knots[0], sums)
    return np.asarray(last - first)


WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
COLUMNS = ("segment", "days", "start", "end")
SUBJECT = "subject"
QUARTER_S = 900
DAY_MIN = 24 * 60


@dataclass(frozen=True)
class Segment:
    """A named stretch of some days, by the wearer's clock.

    >>> from datetime import date
    >>> from harken.outcomes.segments import Segment
    >>> work = Segment("work", "mon-thu 2024-03-09", "08:30", "17:00")
    >>> [work.falls_on(date(2024, 3, day)) for day in (7, 8, 9)]
    [True, False, True]

    Attributes:
        name: its name; several segments may have the same.
        days: the days on which it begins: weekdays (``mon``), ranges of them (``mon-fri``), dates (``2024-03-09``) and
            ranges of them (``2024-03-09/2024-03-12``), separated by spaces. Empty: all days.
        start, end: times of the clock, such as ``08:30``. If the end is not later than the start, it is on the next
            day.
        subject: the wearer; None: all wearers.

    Raises:
        HarkenError: when a field cannot be understood.
    """

    name: str
    days: str
    start: str
    end: str
    subject: str | None = None

    def __post_init__(self) -> None:
        if not self.name:
            raise HarkenError("a segment needs a name")
        _days(self.days)
        if _minutes(self.start) in (_minutes(self.end), DAY_MIN):
            raise HarkenError(
                f"the segment {printable(self.name)!r} from {self.start} to {self.end} has no length; a whole day is "
                "from 00:00 to 24:00"
            )

    def falls_on(self, day: date) -> bool:
        """Whether the segment begins on a day."""
        weekdays, ranges = _days(self.days)
        return day.weekday() in weekdays or any(first <= day <= last for first, last in ranges)

    def edges_ns(self, day: date, timezone: str) -> tuple[int, int]:
        """Where the segment of a day begins and ends, ns since 1970 (UTC).

        If the clock shows the time twice, the segment begins at the first and ends at the second. If the clock skips
        it, it begins or ends where clocks change.
        """
        start, end = _minutes(self.start), _minutes(self.end)
        zone = ZoneInfo(timezone)
        return (
            _moment_ns(day, start, zone, second=False),
            _moment_ns(day, end if end > start else end + DAY_MIN, zone, second=True),
        )


def read_segments(path: str | Path) -> tuple[Segment, ...]:
    """Segments from a CSV file with the columns ``segment``, ``days``, ``start``, ``end`` and, if needed, ``subject``.

    Raises:
        HarkenError: when the file cannot be read or a line cannot be understood.
    """
    path = Path(path)
    try:
        with regular(path).open("rb") as file:
            rows = text_rows(path, content_of(path, file, what="table of segments"), what="table of segments")
    except OSError as error:
        raise HarkenError(f"{path}: cannot be read ({error.strerror or error})") from error
    line, names = next(rows, (1, []))
    names = [name.lower() for name in names]
    if missing := [name for name in COLUMNS if name not in names]:
        raise line_error(
            path, line, f"there is no column {', '.join(missing)}; a table of segments has {', '.join(COLUMNS)}"
        )
    found = []
    for line, fields in rows:
        if len(fields) != len(names):
            raise line_error(path, line, "it has more or fewer fields than the first line")
        values = dict(zip(names, fields, strict=True))
        try:
            name, days, start, end = (values[column] for column in COLUMNS)
            found.append(Segment(name, days, start, end, values.get(SUBJECT) or None))
        except HarkenError as error:
            raise line_error(path, line, str(error)) from error
    if not found:
        raise HarkenError(f"{path}: there is no segment in it")
    return tuple(found)


def segment_stretches(segments: Sequence[Segment], days: Iterable[date], *, subject: str, timezone: str) -> Stretches:
    """The stretches of all segments that begin on these days or on the day before one of them.

    Args:
        segments: the segments.
        days: the days with samples.
        subject: the wearer; segments of other wearers are left out.
        timezone: the wearer's zone.

    Returns:
        Stretches with the columns ``segment``, ``date`` (on which it begins), ``start`` and ``end``, in the order of
        ``start``.
    """
    mine = [segment for segment in segments if segment.subject in (None, subject)]
    every = sorted({day - timedelta(days=before) for day in days for before in (0, 1)})
    found = [(segment, day) for day in every for segment in mine if segment.falls_on(day)]
    edges_ns = np.array([segment.edges_ns(day, timezone) for segment, day in found], dtype=np.int64).reshape(-1, 2)
    order = np.argsort(edges_ns[:, 0], kind="stable")
    edges_ns = edges_ns[order]
    frame = pl.DataFrame(
        {
            "segment": pl.Series([segment.name for segment, _ in found], dtype=pl.String).gather(order),
            "date": pl.Series([day for _, day in found], dtype=pl.Date).gather(order),
            "start": times(edges_ns[:, 0], timezone),
            "end": times(edges_ns[:, 1], timezone),
        }
    )
    return Stretches(frame, edges_ns)


@lru_cache(maxsize=1024)
def _days(text: str) -> tuple[frozenset[int], tuple[tuple[date, date], ...]]:
    """The weekdays (0: Monday) and the ranges of dates of ``Segment.days``."""
    weekdays: set[int] = set()
    ranges = []
    for word in text.lower().split() or ["mon-sun"]:
        first, _, last = word.partition("-")
        if first in WEEKDAYS:
            begin, end = WEEKDAYS.index(first), _weekday(last or first, word)
            weekdays |= {(begin + day) % 7 for day in range((end - begin) % 7 + 1)}
            continue
        first, _, last = word.partition("/")
        try:
            ranges.append((date.fromisoformat(first), date.fromisoformat(last or first)))
        except ValueError as error:
            raise _unknown_day(word) from error
        if ranges[-1][1] < ranges[-1][0]:
            raise HarkenError(f"the range of dates {word} ends before it begins")
    return frozenset(weekdays), tuple(ranges)


def _weekday(name: str, word: str) -> int:
    if name not in WEEKDAYS:
        raise _unknown_day(word)
    return WEEKDAYS.index(name)


def _unknown_day(word: str) -> HarkenError:
    return HarkenError(
        f"{printable(word)!r} is no day; write mon, mon-fri, 2024-03-09 or 2024-03-09/2024-03-12, separated by spaces"
    )


def _minutes(text: str) -> int:
    """Minutes since midnight of a time such as ``08:30``; ``24:00`` is the end of the day."""
    try:
        if text == "24:00":
            return DAY_MIN
        moment = datetime.strptime(text, "%H:%M")
    except ValueError as error:
        raise HarkenError(f"{printable(text)!r} is no time of the clock; write it as 08:30") from error
    return 60 * moment.hour + moment.minute


def _moment_ns(day: date, minutes: int, zone: ZoneInfo, *, second: bool) -> int:
    """When the clock shows a time on a day; see ``Segment.edges_ns``."""
    wall = datetime.combine(day, time()) + timedelta(minutes=minutes)

    def shown(utc_s: int) -> datetime:
        return datetime.fromtimestamp(utc_s, UTC).astimezone(zone).replace(tzinfo=None)

    utc_s = int(wall.replace(tzinfo=zone, fold=int(second)).timestamp())
    if shown(utc_s) != wall:
        utc_s = int(wall.replace(tzinfo=zone).timestamp()) // QUARTER_S * QUARTER_S
        while shown(utc_s - QUARTER_S) > wall:
            utc_s -= QUARTER_S
    return utc_s * 10**9
