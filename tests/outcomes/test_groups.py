"""The hours of a day by sleep period and group: as counted second by second, and adding up to the time worn."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from example_timelines import timeline
from harken.outcomes.tables import day_groups
from harken.support.tables import times
from harken.windows.known_labels import GROUPS, list_groups

LABELS = ("lying", "sitting", "standing", "walking", "running", "stairs", "cycling", "other")
SECOND, HOUR = 10**9, 3600
ZONES = [("2024-03-30T20:10", "Europe/Athens"), ("2018-11-03T20:00", "America/Sao_Paulo")]


def night_table(spans_s: list[tuple[int, int]], zone: str, *, complete: bool = True) -> pl.DataFrame:
    """Nights from and to these seconds since 1970, as far as groups read them."""
    onset, wake = (np.array([span[at] for span in spans_s], dtype=np.int64) * SECOND for at in (0, 1))
    return pl.DataFrame(
        {
            "onset": times(onset, zone),
            "wake": times(wake, zone),
            "duration_hours": pl.Series((wake - onset) / SECOND / HOUR, dtype=pl.Float64),
            "source": pl.Series(["movement"] * len(spans_s), dtype=pl.String),
            "complete": pl.Series([complete] * len(spans_s), dtype=pl.Boolean),
        }
    )


@pytest.mark.second_stage
@settings(max_examples=25, deadline=None)
@given(st.sampled_from(ZONES), st.integers(0, 10_000))
def test_hours_are_those_of_single_seconds_and_add_up_to_the_time_worn(zoned: tuple[str, str], seed: int) -> None:
    text, zone = zoned
    random = np.random.default_rng(seed)
    start_s = int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp())
    lengths = random.integers(60, 4000, 60)
    labels = random.choice([*LABELS, "gap", "not worn", "unknown"], len(lengths)).tolist()
    begins = start_s + random.integers(-HOUR, 30 * HOUR, 4)
    nights = [
        (int(begin), int(begin + long)) for begin, long in zip(begins, random.integers(60, 8 * HOUR, 4), strict=True)
    ]
    seconds = start_s + np.arange(lengths.sum())
    doing = np.repeat(labels, lengths)
    asleep = np.any([(seconds >= onset) & (seconds < wake) for onset, wake in nights], axis=0)
    worn = ~np.isin(doing, ["gap", "not worn"])
    member_of = {label: group for group, members in GROUPS.items() for label in members}
    part = np.array([f"{member_of.get(label, 'other_waking')}_hours" for label in doing])
    part[asleep] = "sleep_period_hours"
    days = np.array([datetime.fromtimestamp(int(one), UTC).astimezone(ZoneInfo(zone)).date() for one in seconds])
    frame = timeline(start_s, lengths, labels, timezone=zone, known=LABELS)
    found = day_groups(frame, night_table(nights, zone))
    parts = found.columns[1:]
    assert parts == ["sleep_period_hours", "sedentary_hours", "on_feet_hours", "other_waking_hours"]
    for day, *hours in found.iter_rows():
        expected = [((days == day) & worn & (part == name)).sum() / HOUR for name in parts]
        assert hours == pytest.approx(expected, abs=1e-9)
    daily = frame.daily()
    assert found["date"].to_list() == daily["date"].to_list()
    np.testing.assert_allclose(found.select(parts).sum_horizontal(), daily["wear_hours"], atol=1e-9)


def test_a_model_has_the_groups_whose_labels_it_knows() -> None:
    known = ("lying", "sitting", "walking")
    assert list(list_groups(known)) == ["sedentary"]
    frame = timeline(0, [HOUR, HOUR], ["sitting", "walking"], known=known)
    found = day_groups(frame, night_table([], "UTC"))
    assert found.to_dicts() == [
        {"date": date(1970, 1, 1), "sleep_period_hours": 0, "sedentary_hours": 1, "other_waking_hours": 1}
    ]


def test_a_short_rest_of_an_incomplete_night_is_no_sleep_period() -> None:
    frame = timeline(0, [10 * HOUR], ["lying"], known=LABELS)
    for hours, asleep in ((4, 0), (6, 6)):
        nights = night_table([(0, hours * HOUR)], "UTC", complete=False)
        found = day_groups(frame, nights)
        assert found["sleep_period_hours"].to_list() == [asleep]
        assert found["sedentary_hours"].to_list() == [10 - asleep]
