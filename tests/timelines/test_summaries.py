"""Bouts: what is joined, and what is not. Days with 23, 24 and 25 hours; hours as they are and adjusted."""

from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from example_timelines import timeline
from harken.timelines import Timeline
from harken.timelines.calendar import Quarters

HOUR = 3600.0


def moment(text: str, zone: str) -> float:
    """Seconds since 1970 of a time on the wall."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


def minutes(found: Timeline, zone: str) -> list[tuple[datetime, str | None]]:
    """Each minute in local time and its label. All rows must last whole minutes and begin on one."""
    every: list[tuple[datetime, str | None]] = []
    for start_ns, seconds, label in zip(
        found.frame["start"].to_physical().to_list(), found.seconds.tolist(), found.frame["label"], strict=True
    ):
        first = datetime.fromtimestamp(start_ns // 10**9, UTC)
        every += [
            ((first + timedelta(minutes=k)).astimezone(ZoneInfo(zone)), label) for k in range(round(seconds / 60))
        ]
    return every


def expected(found: Timeline, zone: str) -> list[dict[str, object]]:
    """The days' hours, by counting minutes."""
    every = minutes(found, zone)
    first, last = every[0][0].date(), every[-1][0].date()
    spent: dict[tuple[object, int], dict[str, float]] = defaultdict(lambda: defaultdict(float))
    long: dict[tuple[object, int], float] = defaultdict(float)
    begin = datetime.combine(first, datetime.min.time(), ZoneInfo(zone)).astimezone(UTC) - timedelta(hours=2)
    for k in range(60 * 24 * ((last - first).days + 2)):
        local = (begin + timedelta(minutes=k)).astimezone(ZoneInfo(zone))
        long[local.date(), local.hour * 4 + local.minute // 15] += 1
    for local, label in every:
        if label is not None:
            spent[local.date(), local.hour * 4 + local.minute // 15][label] += 1
    days = []
    recorded = {local.date() for local, _ in minutes(replace(found, frame=found.frame.filter("recorded")), zone)}
    for number in range((last - first).days + 1):
        if first + timedelta(days=number) not in recorded:
            continue
        day = first + timedelta(days=number)
        row: dict[str, object] = {"date": day, "seconds_in_day": 60 * sum(long[day, q] for q in range(96))}
        for label in found.labels:
            row[f"hours_{label}"] = sum(spent[day, q][label] for q in range(96)) / 60
            adjusted: float | None = sum(spent[day, q][label] for q in range(96)) / 60
            for q in range(96):
                missing = long[day, q] - sum(spent[day, q].values())
                others = [spent[first + timedelta(days=d), q] for d in range((last - first).days + 1) if d != number]
                known = sum(sum(other.values()) for other in others)
                if missing > 0 and known == 0:
                    adjusted = None
                if missing > 0 and adjusted is not None:
                    adjusted += missing * sum(other[label] for other in others) / known / 60
            row[f"adjusted_hours_{label}"] = adjusted
        days.append(row)
    return days


@settings(max_examples=15)
@given(
    begin=st.sampled_from(
        [
            ("2024-03-30T21:10", "Europe/Athens"),
            ("2024-10-26T20:00", "Europe/Athens"),
            ("2024-04-06T12:00", "Australia/Lord_Howe"),
            ("2018-11-03T10:00", "America/Sao_Paulo"),
            ("2024-02-28T23:59", "Asia/Kathmandu"),
        ]
    ),
    pieces=st.lists(
        st.tuples(st.integers(1, 900), st.sampled_from(["sitting", "walking", "gap", "unknown", "not worn"])),
        min_size=1,
        max_size=14,
    ),
)
def test_hours_are_those_of_a_count_by_minutes(begin: tuple[str, str], pieces: list[tuple[int, str]]) -> None:
    text, zone = begin
    found = timeline(
        moment(text, zone), [60 * length for length, _ in pieces], [label for _, label in pieces], timezone=zone
    )
    days = found.daily()
    for row, wanted in zip(days.to_dicts(), expected(found, zone), strict=True):
        assert {name: row[name] for name in wanted} == pytest.approx(wanted, abs=1e-6)
    worn = found.frame["wear"].fill_null(False).to_numpy()
    assert days["wear_hours"].sum() == pytest.approx(found.seconds[worn].sum() / HOUR)
    assert days["recorded_hours"].sum() == pytest.approx(found.seconds[found.frame["recorded"].to_numpy()].sum() / HOUR)
    hours = days.select(pl.sum_horizontal("adjusted_hours_sitting", "adjusted_hours_walking", ignore_nulls=False))
    assert all(
        whole is None or whole == pytest.approx(seconds / HOUR)
        for whole, seconds in zip(hours.to_series(), days["seconds_in_day"], strict=True)
    )


def test_a_row_over_midnight_belongs_to_both_days() -> None:
    zone = "Europe/Athens"
    found = timeline(
        moment("2024-07-01T23:00", zone), [0.5 * HOUR, HOUR, HOUR], ["sitting", "walking", "sitting"], timezone=zone
    ).daily()
    assert found["hours_walking"].to_list() == pytest.approx([0.5, 0.5])
    assert found["longest_bout_minutes_walking"].to_list() == pytest.approx([30, 30])
    assert [str(time) for time in found["last_walking"]] == ["2024-07-02 00:00:00+03:00", "2024-07-02 00:30:00+03:00"]
    assert [str(time) for time in found["first_walking"]] == ["2024-07-01 23:30:00+03:00", "2024-07-02 00:00:00+03:00"]
    assert found["transitions"].to_list() == [1, 1]


def test_a_day_without_walking_has_no_first_and_no_last() -> None:
    found = timeline(0, [30 * HOUR, 10, 30 * HOUR], ["sitting", "walking", "sitting"]).daily()
    assert found["first_walking"].is_null().to_list() == [True, False, True]
    assert found["last_walking"].is_null().to_list() == [True, False, True]
    none = timeline(0, [30 * HOUR], ["still"], known=("still", "moving")).daily()
    assert none["first_walking"].null_count() == 2
    assert none.schema["first_walking"] == pl.Datetime("ns", "UTC")


@pytest.mark.parametrize("zone", ["UTC", "Europe/Athens", "America/New_York"])
def test_days_without_samples_have_no_row_however_many_there_are(zone: str) -> None:
    decades = moment("2024-03-01T12:00", zone) - moment("2000-01-01T01:00", zone)
    pieces = [("sitting", HOUR), ("gap", decades), ("walking", HOUR), ("gap", 48 * HOUR), ("sitting", 30 * HOUR)]
    found = timeline(
        moment("2000-01-01T00:00", zone),
        [seconds for _, seconds in pieces],
        [label for label, _ in pieces],
        timezone=zone,
    )
    days = found.daily()
    assert days["date"].cast(pl.String).to_list() == ["2000-01-01", "2024-03-01", "2024-03-03", "2024-03-04"]
    assert days["hours_sitting"].to_list() == pytest.approx([1, 0, 11, 19])
    assert days["hours_walking"].to_list() == pytest.approx([0, 1, 0, 0])
    assert days["longest_bout_minutes_sitting"].to_list() == pytest.approx([60, 0, 660, 1140])
    assert days["transitions"].to_list() == [0, 0, 0, 0]
    assert days["first_walking"].is_null().to_list() == [True, False, True, True]
    assert days["seconds_in_day"].to_list() == [86_400] * 4
    recorded = found.frame.filter("recorded")
    start_ns, end_ns = (recorded[name].to_physical().to_numpy() for name in ("start", "end"))
    assert len(Quarters.of(np.stack([start_ns, end_ns], axis=1), zone).start_ns) == 4 * 96


def test_transitions_are_between_labels_a_minute_apart_at_most() -> None:
    def transitions(*pieces: tuple[float, str]) -> int:
        found = timeline(0, [seconds for seconds, _ in pieces], [label for _, label in pieces]).daily()
        return int(found["transitions"].sum())

    assert transitions((5, "sitting"), (5, "walking"), (5, "walking"), (5, "sitting")) == 2
    assert transitions((5, "sitting"), (60, "gap"), (5, "walking")) == 1
    assert transitions((5, "sitting"), (61, "gap"), (5, "walking")) == 0
    assert transitions((5, "sitting"), (5, "not worn"), (5, "walking")) == 0
    assert transitions((5, "sitting"), (5, "gap"), (5, "sitting")) == 0


def shapes(*pieces: tuple[float, str]) -> list[tuple[float, float, str]]:
    """The bouts of rows given as (seconds, label), each as start and end in seconds and its label."""
    found = timeline(0, [seconds for seconds, _ in pieces], [label for _, label in pieces]).bouts()
    start, end = (found[name].to_physical().to_numpy() / 1e9 for name in ("start", "end"))
    return list(zip(start.tolist(), end.tolist(), found["label"].to_list(), strict=True))


def test_means_are_over_the_time_that_has_the_label() -> None:
    found = timeline(
        0, [30, 10, 20, 5], ["sitting", "gap", "sitting", "walking"], activity_mg=[10, np.nan, 40, np.nan]
    ).bouts()
    assert found["seconds"].to_list() == [60, 5]
    assert found["activity_mg"].to_list() == [pytest.approx(22), None]
    assert found["mean_probability"].to_list() == pytest.approx([0.9, 0.9])


def test_the_probability_of_a_smoothed_bout_is_the_recognisers_own() -> None:
    labels = ["sitting"] * 10 + ["walking"] + ["sitting"] * 10
    found = timeline(0, [5] * 21, labels).smoothed().bouts()
    assert found["label"].to_list() == ["sitting"]
    assert found["mean_probability"].to_list() == pytest.approx([(20 * 0.9 + 0.1) / 21])


@settings(max_examples=50)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([1.0, 5.0, 40.0, 61.0]),
            st.sampled_from(["sitting", "walking", "gap", "unknown", "not worn"]),
        ),
        min_size=1,
        max_size=30,
    )
)
def test_bouts_one_row_at_a_time(pieces: list[tuple[float, str]]) -> None:
    expected: list[list[object]] = []
    now, off = 0.0, True
    for seconds, label in pieces:
        off |= label == "not worn"
        if label in ("sitting", "walking"):
            last = expected[-1] if expected else None
            if last and not off and last[2] == label and now - float(str(last[1])) <= 60:
                last[1] = now + seconds
            else:
                expected.append([now, now + seconds, label])
            off = False
        now += seconds
    assert [list(bout) for bout in shapes(*pieces)] == expected
