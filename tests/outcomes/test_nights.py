"""Nights of invented wearers with known truth, by the clock of their zone, and of real ones beside other programs."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harken.outcomes.nights import nights, still_at_night_ns
from harken.outcomes.rules import RestThreshold
from harken.support.tables import times

ROW_NS = 5 * 10**9
ATHENS = "Europe/Athens"
Spans = Sequence[tuple[str, str]]
A_MOMENT = timedelta(seconds=30)
"""An arm that moves at random may rest for a row or two by chance."""


def utc_ns(local: str, zone: str) -> int:
    return round(datetime.fromisoformat(local).replace(tzinfo=ZoneInfo(zone)).timestamp()) * 10**9


def wearer(
    begin: str, end: str, *, asleep: Spans, off: Spans = (), gaps: Spans = (), zone: str = ATHENS
) -> pl.DataFrame:
    """Rows of somebody who turns every 20 minutes when asleep and moves all the time when awake.

    Args:
        begin, end: of the recording, by the local clock, like all other times.
        asleep: onset and wake of each sleep.
        off: when the watch lies on a table.
        gaps: when it does not record.
        zone: the wearer's zone.
    """
    start_ns = np.arange(utc_ns(begin, zone), utc_ns(end, zone), ROW_NS)
    rng = np.random.default_rng(len(start_ns))
    angle = rng.uniform(-80, 80, len(start_ns))

    def inside(spans: Spans) -> np.ndarray:
        chosen = np.zeros(len(start_ns), dtype=bool)
        for first, last in spans:
            chosen |= (start_ns >= utc_ns(first, zone)) & (start_ns < utc_ns(last, zone))
        return chosen

    postures = rng.uniform(-80, 80, len(start_ns))[np.arange(len(start_ns)) // 240 * 240]
    angle = np.where(inside(asleep), postures + rng.normal(0, 0.02, len(start_ns)), angle)
    angle = np.where(inside(off), 85 + rng.normal(0, 0.01, len(start_ns)), angle)
    recorded = ~inside(gaps)
    return pl.DataFrame(
        {
            "start": times(start_ns, zone),
            "angle_z_degrees": pl.Series(np.where(recorded, angle, np.nan), dtype=pl.Float32, nan_to_null=True),
            "wear": pl.Series(~inside(off)).zip_with(pl.Series(recorded), pl.Series([None], dtype=pl.Boolean)),
        }
    )


def each_night(first: str, count: int, onset: str, wake: str, *, days_later: int = 1) -> Spans:
    """The same clock times on consecutive days."""
    days = [date.fromisoformat(first) + timedelta(days=number) for number in range(count)]
    return [(f"{day}T{onset}", f"{day + timedelta(days=days_later)}T{wake}") for day in days]


def assert_found(found: pl.DataFrame, expected: Spans, *, zone: str = ATHENS) -> None:
    local = found.select(pl.col("onset", "wake").dt.replace_time_zone(None)).rows()
    assert len(local) == len(expected)
    for (onset, wake), (true_onset, true_wake) in zip(local, expected, strict=True):
        assert abs(onset - datetime.fromisoformat(true_onset)) <= A_MOMENT
        assert abs(wake - datetime.fromisoformat(true_wake)) <= A_MOMENT


@pytest.mark.parametrize(
    ("day", "hours", "window_hours", "midpoint"),
    [("2024-03-30", 7, 23, "2024-03-31T02:30"), ("2024-10-26", 9, 25, "2024-10-27T03:30")],
    ids=["clocks go forward", "clocks go back"],
)
def test_both_days_of_daylight_saving(day: str, hours: float, window_hours: float, midpoint: str) -> None:
    before, after = (str(date.fromisoformat(day) + timedelta(days=days)) for days in (-1, 3))
    sleep = each_night(before, 4, "23:00", "07:00")
    found = nights(wearer(f"{before}T12:00", f"{after}T12:00", asleep=sleep))
    assert_found(found, sleep)
    assert found["complete"].all()
    assert found["date"].to_list() == [date.fromisoformat(before) + timedelta(days=number) for number in range(4)]
    assert found["duration_hours"].to_list() == pytest.approx([8, hours, 8, 8], abs=0.02)
    assert found["window_wear_hours"].to_list() == [24, window_hours, 24, 24]
    middle = found["midpoint"].dt.replace_time_zone(None)[1]
    assert abs(middle - datetime.fromisoformat(midpoint)) < A_MOMENT
    half = (found["midpoint"] - found["onset"])[1].total_seconds() / 3600
    assert half == pytest.approx(hours / 2, abs=0.01)


def by_day(onset: str, wake: str) -> dict[str, Any]:
    """Four sleeps by day: the noon in the middle neither cuts one nor makes two of it."""
    asleep = each_night("2024-05-06", 4, onset, wake, days_later=0)
    return {"begin": "2024-05-05T12:00", "end": "2024-05-10T12:00", "asleep": asleep}


NEW_YEAR = [("2024-12-30T23:30", "2024-12-31T07:30"), ("2025-01-01T02:10", "2025-01-01T10:05")]
AT_THREE = [("2024-05-06T03:00", "2024-05-06T07:00"), ("2024-05-06T23:00", "2024-05-07T06:30")]
IN_PARTS = [("2024-05-06T23:00", "2024-05-07T03:30"), ("2024-05-07T05:30", "2024-05-07T07:00")]


@pytest.mark.parametrize(
    ("recorded", "found", "first", "complete"),
    [
        (
            {"begin": "2024-12-30T12:00", "end": "2025-01-01T18:00", "asleep": NEW_YEAR, "zone": "America/New_York"},
            *(2, "2024-12-30", [True, True]),
        ),
        ({"begin": "2024-05-06T03:00", "end": "2024-05-07T16:00", "asleep": AT_THREE}, 2, "2024-05-05", [False, True]),
        (
            # It is moved for some minutes before it lies on the table, and again when it is put on.
            {"begin": "2024-05-06T12:00", "end": "2024-05-07T12:00", "asleep": IN_PARTS}
            | {"off": [("2024-05-07T03:40", "2024-05-07T05:20")]},
            *(1, "2024-05-06", [True]),
        ),
        (by_day("09:00", "16:10"), 4, "2024-05-05", [True] * 4),
        (by_day("11:40", "19:00"), 4, "2024-05-06", [True] * 4),
        (by_day("06:00", "12:30"), 4, "2024-05-05", [True] * 4),
        (by_day("12:20", "18:00"), 4, "2024-05-06", [True] * 4),
        (by_day("10:00", "13:40"), 4, "2024-05-05", [True] * 4),
    ],
    ids=["new year", "at three", "taken off at night", "by day", *("over noon " + name for name in "abcd")],
)
def test_a_night_is_found_whole(recorded: dict[str, Any], found: int, first: str, complete: list[bool]) -> None:
    every = nights(wearer(**recorded)).filter(pl.col("onset").is_not_null())
    assert_found(every, recorded["asleep"][:found], zone=recorded.get("zone", ATHENS))
    assert every["date"].to_list() == [date.fromisoformat(first) + timedelta(days=number) for number in range(found)]
    assert every["complete"].to_list() == complete


@pytest.mark.parametrize(
    "evening", [[], [("2024-05-06T21:30", "2024-05-06T22:20"), ("2024-05-07T21:30", "2024-05-07T22:20")]]
)
def test_a_watch_taken_off_every_night_has_no_night(evening: Spans) -> None:
    """Fifty minutes of sitting still before the watch is taken off are not a night."""
    off = each_night("2024-05-06", 3, "22:30", "07:15")
    found = nights(wearer("2024-05-06T09:00", "2024-05-09T12:00", asleep=evening, off=off))
    assert found["date"].to_list() == [date(2024, 5, 6), date(2024, 5, 7), date(2024, 5, 8)]
    assert found["onset"].null_count() == found["wake"].null_count() == found["efficiency"].null_count() == 3
    assert not found["complete"].any()
    assert found["window_wear_hours"].to_list() == pytest.approx([24 - 8.75] * 3, abs=0.01)


def test_a_recording_that_ends_at_night_or_begins_in_the_morning() -> None:
    sleep = [("2024-05-06T22:00", "2024-05-07T06:00"), ("2024-05-07T22:30", "2024-05-08T05:00")]
    found = nights(wearer("2024-05-06T04:30", "2024-05-08T05:00", asleep=sleep))
    assert_found(found, sleep)
    assert found["complete"].to_list() == [True, False]
    assert (
        len(nights(wearer("2024-05-06T04:30", "2024-05-06T23:50", asleep=[("2024-05-06T13:00", "2024-05-06T14:00")])))
        == 0
    )


def test_a_quiet_stretch_of_sleep_that_is_marked_as_non_wear_stays_in_the_night() -> None:
    sleep = [("2024-05-06T23:00", "2024-05-07T07:00")]
    movement = wearer("2024-05-06T12:00", "2024-05-07T12:00", asleep=sleep)
    quiet = (
        movement["start"].dt.replace_time_zone(None).is_between(datetime(2024, 5, 7, 2), datetime(2024, 5, 7, 3, 30))
    )
    found = nights(movement.with_columns(wear=~quiet))
    assert_found(found, sleep)
    assert found["non_wear_minutes"][0] == pytest.approx(90, abs=0.1)
    assert found["inactive_minutes"][0] == pytest.approx(8 * 60 - 90, abs=1)
    assert found["efficiency"][0] == pytest.approx(1, abs=0.005)
    assert found["awakenings"][0] == 0


def test_a_gap_at_night_is_no_wake() -> None:
    sleep = [("2024-05-06T23:00", "2024-05-07T07:00")]
    gaps = [("2024-05-07T01:00", "2024-05-07T01:40"), ("2024-05-07T04:00", "2024-05-07T04:01")]
    found = nights(wearer("2024-05-06T12:00", "2024-05-07T12:00", asleep=sleep, gaps=gaps))
    assert_found(found, sleep)
    assert found["gap_minutes"][0] == pytest.approx(41, abs=0.1)
    assert found["wake_minutes"][0] == pytest.approx(0, abs=0.5)


def test_getting_up_at_night_is_an_awakening() -> None:
    sleep = [("2024-05-06T23:00", "2024-05-07T02:00"), ("2024-05-07T02:20", "2024-05-07T07:00")]
    (row,) = nights(wearer("2024-05-06T12:00", "2024-05-07T12:00", asleep=sleep)).rows(named=True)
    assert row["awakenings"] == 1
    assert row["wake_minutes"] == pytest.approx(20, abs=0.5)
    assert row["inactive_minutes"] == pytest.approx(460, abs=0.5)
    assert row["efficiency"] == pytest.approx(460 / 480, abs=0.002)
    assert row["complete"]


class TestDiary:
    sleep = (("2024-05-06T23:00", "2024-05-07T07:00"), ("2024-05-07T23:30", "2024-05-08T06:30"))

    def movement(self) -> pl.DataFrame:
        """Two hours of sitting still end half an hour before each sleep, so that movement alone joins both."""
        still = [("2024-05-06T20:30", "2024-05-06T22:30"), ("2024-05-07T21:00", "2024-05-07T23:00")]
        return wearer("2024-05-06T12:00", "2024-05-08T12:00", asleep=[*still, *self.sleep])

    def diary_ns(self, onset: str, wake: str) -> dict[date, np.ndarray]:
        return {date(2024, 5, 6): np.array([utc_ns(onset, ATHENS), utc_ns(wake, ATHENS)])}

    def test_a_diary_guides_the_nights_that_it_has(self) -> None:
        found = nights(self.movement(), diary_ns=self.diary_ns("2024-05-06T22:40", "2024-05-07T07:30"))
        assert_found(found, [self.sleep[0], ("2024-05-07T21:00", "2024-05-08T06:30")])
        assert found["source"].to_list() == ["diary_guide", "movement"]
        assert found["threshold_degrees"].is_null().to_list() == [True, False]

    def test_a_diary_overrides_onset_and_wake(self) -> None:
        diary_ns = self.diary_ns("2024-05-06T22:40", "2024-05-07T07:30")
        (row, _) = nights(self.movement(), diary_ns=diary_ns, diary_use="override").rows(named=True)
        assert (row["onset"].hour, row["onset"].minute, row["wake"].hour, row["wake"].minute) == (22, 40, 7, 30)
        assert row["source"] == "diary"
        assert row["inactive_minutes"] == pytest.approx(480, abs=0.5)
        assert row["wake_minutes"] == pytest.approx(50, abs=0.5)
        assert row["awakenings"] == 0

    def test_a_diary_of_a_night_without_rest_finds_none(self) -> None:
        found = nights(self.movement(), diary_ns=self.diary_ns("2024-05-07T08:00", "2024-05-07T11:00"))
        assert found["onset"].is_null().to_list() == [True, False]
        assert found["source"][0] == "diary_guide"


@pytest.mark.parametrize("rule", ["published", "ggir-0.2"])
@pytest.mark.parametrize(
    ("name", "onset", "wake"),
    [
        ("ggir_example_5s_26h.parquet", datetime(2013, 11, 14, 22, 35), datetime(2013, 11, 15, 7, 45)),
        ("wristpy_example_5s_14h.csv", datetime(2024, 6, 17, 22, 45), datetime(2024, 6, 18, 5, 15)),
    ],
)
def test_real_nights_are_those_of_wristpy(
    data_dir: Path, name: str, onset: datetime, wake: datetime, rule: RestThreshold
) -> None:
    """The times are those of wristpy 0.2.10, ``GgirSleepDetection(anglez).run_sleep_detection()``, whose bouts of
    inactivity begin at every fifth minute."""
    path = data_dir / "nights" / name
    rows = pl.read_parquet(path) if path.suffix == ".parquet" else pl.read_csv(path)
    angle = rows["angle_z_deg" if path.suffix == ".parquet" else "anglez"]
    start = rows["time"].str.slice(0, 19).str.replace("T", " ").str.to_datetime("%Y-%m-%d %H:%M:%S", time_unit="ns")
    (row,) = nights(
        pl.DataFrame({"start": start.dt.replace_time_zone("UTC"), "angle_z_degrees": angle, "wear": True}),
        threshold=rule,
    ).rows(named=True)
    five_minutes = timedelta(minutes=5)
    assert abs(row["onset"].replace(tzinfo=None) - onset) <= five_minutes
    assert abs(row["wake"].replace(tzinfo=None) - wake) <= five_minutes


def test_the_arm_is_still_at_night_except_when_somebody_is_up() -> None:
    asleep = [("2024-03-05T23:00", "2024-03-06T03:00"), ("2024-03-06T03:10", "2024-03-06T07:00")]
    rows = wearer("2024-03-05T12:00", "2024-03-06T12:00", asleep=asleep)
    spans = still_at_night_ns(rows, nights(rows))
    covered = np.zeros(len(rows), dtype=bool)
    start = rows["start"].to_physical().to_numpy()
    for first, last in spans.tolist():
        covered |= (start >= first) & (start < last)
    hours = {
        name: covered[(start >= utc_ns(a, ATHENS)) & (start < utc_ns(b, ATHENS))].mean()
        for name, a, b in (
            ("before", "2024-03-05T12:00", "2024-03-05T22:59"),
            ("asleep", *asleep[0]),
            ("up", "2024-03-06T03:01", "2024-03-06T03:09"),
            ("asleep again", *asleep[1]),
            ("after", "2024-03-06T07:01", "2024-03-06T12:00"),
        )
    }
    assert hours["before"] == hours["up"] == hours["after"] == 0
    # Ten minutes after onset and before wake are left out.
    expected = {"asleep": 1 - 10 / 240, "asleep again": 1 - 10 / 230}
    assert {name: hours[name] for name in expected} == pytest.approx(expected, abs=0.005)
    assert (spans[1:, 0] >= spans[:-1, 1]).all()


def test_rest_in_a_recording_of_some_hours_is_no_reason_to_lie() -> None:
    rows = wearer("2024-03-05T20:00", "2024-03-06T02:00", asleep=[("2024-03-05T22:00", "2024-03-06T01:00")])
    found = nights(rows)
    assert found["onset"].is_not_null().all()
    assert not found["complete"].any()
    assert still_at_night_ns(rows, found).shape == (0, 2)
    assert len(still_at_night_ns(rows, found.with_columns(source=pl.lit("diary_guide")))) > 0


def test_a_long_night_in_which_the_recording_begins_is_a_reason_to_lie() -> None:
    rows = wearer("2024-03-06T00:30", "2024-03-06T12:00", asleep=[("2024-03-06T00:30", "2024-03-06T07:00")])
    found = nights(rows)
    assert not found["complete"].any()
    assert len(still_at_night_ns(rows, found)) > 3


def test_no_rows_have_no_nights() -> None:
    movement = wearer("2024-05-06T12:00", "2024-05-06T12:01", asleep=[])
    assert len(nights(movement)) == len(nights(movement.clear())) == 0
    assert nights(movement).schema == nights(movement.clear()).schema
    assert nights(movement).schema["onset"] == pl.Datetime("ns", ATHENS)


quarters = st.integers(0, 4 * 24 * 4)


@settings(max_examples=40)
@given(st.lists(st.tuples(quarters, quarters), max_size=8), st.lists(st.tuples(quarters, quarters), max_size=3))
def test_nights_are_apart_and_their_parts_add_up(asleep: list[tuple[int, int]], off: list[tuple[int, int]]) -> None:
    def spans(pairs: list[tuple[int, int]]) -> Spans:
        begin = datetime(2024, 3, 29, 12)
        return [
            (str(begin + timedelta(minutes=15 * min(pair))), str(begin + timedelta(minutes=15 * max(pair))))
            for pair in pairs
        ]

    found = nights(wearer("2024-03-29T12:00", "2024-04-02T12:00", asleep=spans(asleep), off=spans(off)))
    assert len(found) == 4
    assert not found.filter("complete")["onset"].is_null().any()
    nights_found = found.filter(pl.col("onset").is_not_null())
    parts = nights_found.select(
        pl.sum_horizontal("inactive_minutes", "wake_minutes", "non_wear_minutes", "gap_minutes")
    ).to_series()
    assert parts.to_list() == pytest.approx((nights_found["duration_hours"] * 60).to_list())
    assert (nights_found["onset"] < nights_found["wake"]).all()
    for wake, onset in pairwise(nights_found.select("onset", "wake").rows()):
        assert wake[1] <= onset[0]
