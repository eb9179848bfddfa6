"""The sleep regularity index beside its formula, minute by minute in plain Python, and beside GGIR's example."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harken.outcomes.rhythm import sleep_regularity
from movement_frames import movement_frame

ROW_NS = 5 * 10**9
MONDAY = datetime(2024, 3, 4)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
Spans = Sequence[tuple[datetime, datetime]]


def movement_of(
    begin: datetime, end: datetime, *, off: Spans = (), missing: Spans = (), zone: str = "UTC"
) -> pl.DataFrame:
    """Rows from ``begin`` to ``end`` by the clock of a zone, not worn in ``off`` and without samples in ``missing``."""
    start_ns = np.arange(utc_ns(begin, zone), utc_ns(end, zone), ROW_NS)

    def inside(spans: Spans) -> np.ndarray:
        chosen = np.zeros(len(start_ns), dtype=bool)
        for first, last in spans:
            chosen |= (start_ns >= utc_ns(first, zone)) & (start_ns < utc_ns(last, zone))
        return chosen

    frame = movement_frame(start_ns, np.full(len(start_ns), 20.0), timezone=zone)
    return frame.with_columns(wear=pl.Series(~inside(off))).filter(pl.Series(~inside(missing)))


def utc_ns(clock: datetime, zone: str) -> int:
    return round(clock.replace(tzinfo=ZoneInfo(zone)).timestamp()) * 10**9


def nights_of(
    asleep: Spans, *, first: datetime = MONDAY, incomplete: Sequence[int] = (), zone: str = "UTC"
) -> pl.DataFrame:
    """One night for each span, the first of which begins on the evening of ``first``."""
    dates = [(first + number * DAY).date() for number in range(len(asleep))]
    kind = pl.Datetime("ns", zone)
    times = [pl.Series([span[edge].replace(tzinfo=ZoneInfo(zone)) for span in asleep], dtype=kind) for edge in (0, 1)]
    complete = [number not in incomplete for number in range(len(asleep))]
    columns = {"date": dates, "onset": times[0], "wake": times[1], "complete": complete}
    return pl.DataFrame(columns, schema={"date": pl.Date, "onset": kind, "wake": kind, "complete": pl.Boolean})


def every_night(count: int, onset_h: float, wake_h: float) -> list[tuple[datetime, datetime]]:
    """The same hours since midnight of each day."""
    days = [MONDAY + number * DAY for number in range(count)]
    return [(day + onset_h * HOUR, day + wake_h * HOUR) for day in days]


def index_of(movement: pl.DataFrame, nights: pl.DataFrame, excluded: Sequence[date] = ()) -> tuple[float | None, int]:
    (row,) = sleep_regularity(movement, nights, excluded).rows()
    return row


def by_formula(movement: pl.DataFrame, nights: pl.DataFrame, excluded: Sequence[date] = ()) -> tuple[float | None, int]:
    """Phillips and others: -100 + 200 / (M (N - 1)) times the sum over minutes j and days i of whether the state of
    minute j is that of day i on day i + 1; over the pairs of which both states are known, 16 hours of a day or more."""
    worn_s: dict[datetime, float] = {}
    clock = pl.col("start").dt.replace_time_zone(None).dt.truncate("1m")
    for minute, seconds, wear in movement.select(clock, "valid_s", "wear").iter_rows():
        worn_s[minute] = worn_s.get(minute, 0.0) + (seconds if wear else 0.0)
    by_clock = nights.with_columns(pl.col("onset", "wake").dt.replace_time_zone(None)).rows(named=True)

    def state(minute: datetime) -> bool | None:
        """Whether the wearer sleeps in this minute; None if nobody knows."""
        if worn_s[minute] < 30 or minute.date() in excluded:
            return None
        middle = minute + MINUTE / 2
        within = [night for night in by_clock if night["onset"] <= middle <= night["wake"]]
        if not all(night["complete"] for night in within):
            return None
        evening = (minute - DAY / 2).date()
        known = any(night["complete"] and night["date"] == evening for night in by_clock)
        return bool(within) if known else None

    states = {minute: state(minute) for minute in worn_s}
    compared: dict[date, list[bool]] = {}
    for minute, now in states.items():
        later = states.get(minute + DAY)
        if now is not None and later is not None:
            compared.setdefault((minute - DAY / 2).date(), []).append(now == later)
    pairs = [night for night in compared.values() if len(night) >= 16 * 60]
    same = [state for night in pairs for state in night]
    return (-100 + 200 * sum(same) / len(same) if len(pairs) >= 5 else None), len(pairs)


def test_a_regular_sleeper_has_100() -> None:
    nights = nights_of(every_night(7, 23, 31))
    index, pairs = index_of(movement_of(MONDAY, MONDAY + 8 * DAY), nights)
    assert (index, pairs) == (100, 6)  # seven nights are compared six times


def test_nights_and_days_that_change_places_have_less_than_a_random_sleeper() -> None:
    shifts = [(23, 31) if number % 2 else (12, 22) for number in range(8)]
    asleep = [
        (MONDAY + number * DAY + a * HOUR, MONDAY + number * DAY + b * HOUR) for number, (a, b) in enumerate(shifts)
    ]
    index, _ = index_of(movement_of(MONDAY, MONDAY + 9 * DAY), nights_of(asleep))
    assert index == pytest.approx(100 - 200 * 18 / 24)  # of 24 hours, 18 are asleep on one of two days
    opposite = [
        (MONDAY + number * DAY + 12 * HOUR, MONDAY + (number + number % 2) * DAY + 12 * HOUR) for number in range(8)
    ]
    assert index_of(movement_of(MONDAY, MONDAY + 9 * DAY), nights_of(opposite))[0] == -100


def test_the_example_of_ggir() -> None:
    """The test of GGIR 3.3 (test_CalcSleepRegularityIndex.R) has 80 for pairs of days of which a tenth differs. Its
    days begin at midnight, and these at noon; it has four pairs, and here there are six."""
    tenth, noon = 144 * MINUTE, MONDAY + 12 * HOUR
    sleeps = [(4, 8), (5, 8), (5, 9), (4, 9), (4, 8), (5, 8), (5, 9)]
    asleep = [
        (noon + number * DAY + first * tenth, noon + number * DAY + last * tenth)
        for number, (first, last) in enumerate(sleeps)
    ]
    index, pairs = index_of(movement_of(noon, noon + 7 * DAY), nights_of(asleep))
    assert index == pytest.approx(80)
    assert pairs == 6


CLOCK_H = st.tuples(st.floats(20, 27), st.floats(28, 34))


@settings(max_examples=10, deadline=None)
@given(
    hours=st.lists(CLOCK_H, min_size=8, max_size=8),
    incomplete=st.sets(st.integers(0, 7), max_size=1),
    off=st.lists(st.tuples(st.floats(0, 8), st.floats(0, 0.2)), max_size=2),
    missing=st.lists(st.tuples(st.floats(0, 8), st.floats(0, 0.2)), max_size=2),
    excluded=st.sets(st.integers(0, 8), max_size=1),
    zone=st.sampled_from(["UTC", "Europe/Athens"]),
)
def test_it_is_that_of_the_formula_minute_by_minute(
    hours: list[tuple[float, float]],
    incomplete: set[int],
    off: list[tuple[float, float]],
    missing: list[tuple[float, float]],
    excluded: set[int],
    zone: str,
) -> None:
    """In Athens, clocks go forward on 31 March."""
    monday = datetime(2024, 3, 25)

    def moment(day: float) -> datetime:
        seconds = round(day * 86400 / 5) * 5
        return monday + timedelta(seconds=seconds)

    asleep = [(moment(number + a / 24), moment(number + b / 24)) for number, (a, b) in enumerate(hours)]
    nights = nights_of(asleep, first=monday, incomplete=list(incomplete), zone=zone)
    movement = movement_of(
        moment(0.4),
        moment(8.7),
        off=[(moment(at), moment(at + length)) for at, length in off],
        missing=[(moment(at), moment(at + length)) for at, length in missing],
        zone=zone,
    )
    days_out = [(monday + number * DAY).date() for number in excluded]
    index, pairs = index_of(movement, nights, days_out)
    expected, expected_pairs = by_formula(movement, nights, days_out)
    assert pairs == expected_pairs
    assert index == (None if expected is None else pytest.approx(expected))
    assert index is None or -100 <= index <= 100


@settings(max_examples=10)
@given(hours=st.lists(CLOCK_H, min_size=7, max_size=7), days=st.integers(-400, 400))
def test_a_shift_by_whole_days_changes_nothing(hours: list[tuple[float, float]], days: int) -> None:
    asleep = [
        (MONDAY + number * DAY + a * HOUR, MONDAY + number * DAY + b * HOUR) for number, (a, b) in enumerate(hours)
    ]
    shift = days * DAY
    shifted = [(onset + shift, wake + shift) for onset, wake in asleep]
    here = index_of(movement_of(MONDAY, MONDAY + 8 * DAY), nights_of(asleep))
    there = index_of(movement_of(MONDAY + shift, MONDAY + shift + 8 * DAY), nights_of(shifted, first=MONDAY + shift))
    assert here == there


def test_it_needs_five_pairs_of_nights_with_16_hours_each() -> None:
    six, nights = movement_of(MONDAY + 12 * HOUR, MONDAY + 6.5 * DAY), nights_of(every_night(6, 23, 31))
    assert index_of(six, nights) == (100, 5)
    clock = pl.col("start").dt.replace_time_zone(None)
    assert index_of(six.filter(clock >= MONDAY + 20 * HOUR), nights) == (100, 5)
    assert index_of(six.filter(clock >= MONDAY + 20 * HOUR + MINUTE), nights) == (None, 4)
    assert index_of(six, nights_of([])) == (None, 0)
    assert index_of(six.clear(), nights) == (None, 0)


def test_an_hour_that_the_clock_shows_twice_is_one_hour() -> None:
    zone, monday = "Europe/Athens", datetime(2024, 10, 21)  # clocks go back on Sunday, 27 October
    asleep = [(monday + number * DAY + 23 * HOUR, monday + number * DAY + 31 * HOUR) for number in range(7)]
    movement = movement_of(monday, monday + 8 * DAY, zone=zone)
    assert index_of(movement, nights_of(asleep, first=monday, zone=zone)) == (100, 6)
