"""Tables of outcomes: days and hours as found by looking at each row, also where clocks change."""

from collections import defaultdict
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from example_timelines import timeline
from harken.outcomes.intensity import with_intensity
from harken.outcomes.rules import CutPoints
from harken.outcomes.tables import averages, day_columns, over_stretches, with_day_caveat, with_night_caveat
from harken.support.tables import times
from movement_frames import movement_frame

POINTS = CutPoints.of("40,100,400")
ROW_NS = 5 * 10**9
ZONES = [
    ("2024-03-30T20:10", "Europe/Athens"),
    ("2024-10-26T19:00", "Europe/Athens"),
    ("2024-04-06T12:00", "Australia/Lord_Howe"),
    ("2018-11-03T20:00", "America/Sao_Paulo"),
    ("2023-12-31T20:00", "Asia/Kathmandu"),
]


def moment_ns(text: str, zone: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()) * 10**9


def movement(start_ns: int, hours_long: float, *, zone: str, gaps: list[tuple[int, int]], seed: int) -> pl.DataFrame:
    """Rows with random ENMO, some partly recorded, without those in gaps; a tenth of the rows are not worn."""
    random = np.random.default_rng(seed)
    count = int(hours_long * 720)
    kept = np.ones(count, dtype=bool)
    for first, length in gaps:
        kept[first : first + length] = False
    number = np.flatnonzero(kept)
    enmo = random.choice([10.0, 60.0, 200.0, 600.0], len(number)).astype(np.float32)
    valid_s = random.choice([2.5, 5.0], len(number), p=[0.1, 0.9]).astype(np.float32)
    found = movement_frame(start_ns + ROW_NS * number, enmo, timezone=zone, valid_s=valid_s)
    found = found.drop("walking_cadence", "running_cadence").with_columns(
        steps=pl.Series(random.uniform(0, 12, len(found)).astype(np.float32))
    )
    worn = pl.Series(random.random(len(found)) > 0.1)
    return with_intensity(found.with_columns(wear=pl.when(pl.col("wear").is_not_null()).then(worn)), POINTS)


def by_rows(frame: pl.DataFrame, zone: str, key: str) -> dict[object, dict[str, float]]:
    """Minutes of each level and the mean ENMO, one row at a time."""
    spent: dict[object, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for start_ns, enmo, valid_s, level, steps in zip(
        frame["start"].to_physical(), *frame.select("enmo_mg", "valid_s", "level", "steps"), strict=True
    ):
        local = datetime.fromtimestamp(start_ns // 10**9, UTC).astimezone(ZoneInfo(zone))
        at = local.date() if key == "date" else (local.date(), local.hour, local.utcoffset())
        spent[at]["steps"] += steps
        if level is not None:
            spent[at][("inactive", "light", "moderate", "vigorous")[level]] += valid_s / 60
            spent[at]["enmo"] += enmo * valid_s / 60
    return spent


@settings(max_examples=15)
@given(
    begin=st.sampled_from(ZONES),
    hours_long=st.floats(0.2, 40),
    gaps=st.lists(st.tuples(st.integers(0, 20_000), st.integers(1, 9000)), max_size=3),
    seed=st.integers(0, 99),
)
def test_days_are_those_of_a_count_by_rows(
    begin: tuple[str, str], hours_long: float, gaps: list[tuple[int, int]], seed: int
) -> None:
    text, zone = begin
    frame = movement(moment_ns(text, zone), hours_long, zone=zone, gaps=gaps, seed=seed)
    if len(frame) == 0:
        return
    days = day_columns(frame)
    expected = by_rows(frame, zone, "date")
    assert days["date"].to_list() == sorted(expected)  # type: ignore[type-var]
    for row in days.to_dicts():
        wanted = expected[row["date"]]
        worn = sum(wanted[level] for level in ("inactive", "light", "moderate", "vigorous"))
        for level in ("inactive", "light", "moderate", "vigorous"):
            assert row[f"minutes_{level}"] == pytest.approx(wanted[level], abs=1e-6)
        assert row["steps"] == pytest.approx(wanted["steps"], rel=1e-6)
        assert row["minutes_mvpa"] == pytest.approx(wanted["moderate"] + wanted["vigorous"], abs=1e-6)
        assert row["enmo_mg"] == (pytest.approx(wanted["enmo"] / worn, rel=1e-6) if worn else None)


@pytest.mark.parametrize(("text", "zone"), ZONES)
def test_hours_are_those_of_a_count_by_rows_and_hold_every_label(text: str, zone: str) -> None:
    start_ns = moment_ns(text, zone)
    frame = movement(start_ns, 30, zone=zone, gaps=[(3000, 1500)], seed=3)
    labelled = timeline(
        start_ns / 1e9,
        [15_000, 7500, 4000, 30 * 3600 - 26_500],
        ["sitting", "gap", "not worn", "walking"],
        timezone=zone,
    )
    days = labelled.daily()
    table = over_stretches(labelled, frame, labelled.quarters.hours(), days.with_columns(valid_day=True))
    expected = by_rows(frame, zone, "hour")
    starts = [start.astimezone(ZoneInfo(zone)) for start in table["start"].to_list()]
    keys = [(start.date(), start.hour, start.utcoffset()) for start in starts]
    assert table["date"].to_list() == [key[0] for key in keys]
    assert len(set(keys)) == len(keys)
    for key, row in zip(keys, table.to_dicts(), strict=True):
        for level in ("inactive", "light", "moderate", "vigorous"):
            assert row[f"minutes_{level}"] == pytest.approx(expected[key][level], abs=1e-6)
        assert row["hours_sitting"] + row["hours_walking"] == pytest.approx(row["wear_hours"], abs=1e-9)
        assert row["wear_hours"] <= row["recorded_hours"] <= 1 + 1e-9
    for name in ("recorded_hours", "wear_hours", "hours_sitting", "hours_walking"):
        per_day = table.group_by("date", maintain_order=True).agg(pl.col(name).sum())[name].to_list()
        assert per_day == pytest.approx(days[name].to_list(), abs=1e-9)


def test_a_day_has_one_row_where_clocks_changed_a_minute_past_midnight() -> None:
    frame = movement(moment_ns("2010-11-06T12:00", "America/St_Johns"), 30, zone="America/St_Johns", gaps=[], seed=1)
    days = day_columns(frame)
    assert days["date"].cast(pl.String).to_list() == ["2010-11-06", "2010-11-07"]
    assert days["steps"].sum() == pytest.approx(frame["steps"].sum())


def test_a_clock_that_was_reset_makes_no_decades_of_hours() -> None:
    labelled = timeline(0, [3600, 24 * 365.25 * 86_400, 3600], ["sitting", "gap", "walking"])
    days = labelled.daily().with_columns(valid_day=True)
    table = over_stretches(labelled, None, labelled.quarters.hours(), days)
    assert table["start"].to_physical().to_list() == [0, int((3600 + 24 * 365.25 * 86_400) * 1e9)]


def test_averages_are_over_valid_days_weekdays_and_weekends() -> None:
    dates = times(np.arange(7) * 86_400 * 10**9 + 1_709_510_400 * 10**9, "UTC").dt.date()  # Monday, 4 March 2024
    days = pl.DataFrame(
        {
            "date": dates,
            "seconds_in_day": [86_400.0] * 7,
            "wear_hours": [24.0, 16.0, 15.99, 20.0, 24.0, 24.0, 3.0],
            "minutes_mvpa": [10.0, 20.0, 999.0, None, 30.0, 50.0, 999.0],
        }
    )
    worn = pl.col("wear_hours")
    table = averages(days.with_columns(valid_day=worn >= 16))
    assert table.to_dicts() == [
        {"days_of": "week", "valid_days": 5, "wear_hours": 21.6, "minutes_mvpa": 27.5},
        {"days_of": "weekdays", "valid_days": 4, "wear_hours": 21.0, "minutes_mvpa": 20.0},
        {"days_of": "weekend", "valid_days": 1, "wear_hours": 24.0, "minutes_mvpa": 50.0},
    ]
    assert averages(days.with_columns(valid_day=worn >= 24))["valid_days"].to_list() == [3, 2, 1]
    none = averages(days.clear().with_columns(valid_day=worn >= 16))
    assert none["valid_days"].to_list() == [0, 0, 0]
    assert none["minutes_mvpa"].to_list() == [None] * 3


def test_long_nights_and_days_of_movement_without_a_step_have_a_caveat() -> None:
    days = pl.DataFrame(
        {
            "steps": [0.0, 0.0, 12.0, None],
            "minutes_light": [90.0, 90.0, 300.0, 300.0],
            "minutes_mvpa": [30.0, 29.0, 60.0, 60.0],
        }
    )
    words = "a day without a step beside 2 hours or more of movement"
    assert with_day_caveat(days)["caveat"].to_list() == [words, None, None, None]
    assert with_day_caveat(days.drop("steps"))["caveat"].to_list() == [None] * 4
    nights = pl.DataFrame({"duration_hours": [13.0, 13.1, None]})
    assert with_night_caveat(nights)["caveat"].to_list() == [None, "a night longer than 13 hours", None]
