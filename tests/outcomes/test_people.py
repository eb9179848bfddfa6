"""The table of people: averages, nights and rhythm of each, from the tables of all files."""

from datetime import datetime
from random import Random

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from harken.outcomes.tables import averages, people_table
from made_study import made_days, made_nights


def test_averages_of_a_person_are_those_of_the_person_alone() -> None:
    days = made_days(5, 16)
    table = people_table(days, None, None)
    assert table["subject"].to_list() == [f"person_{number:04d}" for number in range(1, 6)]
    parts = {"week": "", "weekdays": "weekdays_", "weekend": "weekend_"}
    for row in table.iter_rows(named=True):
        own = averages(days.filter(pl.col("subject") == row["subject"]).drop("name", "subject"))
        for alone in own.iter_rows(named=True):
            prefix = parts[alone.pop("days_of")]
            assert {name: row[prefix + name] for name in alone} == pytest.approx(alone, rel=1e-12)
    assert (table["weekdays_valid_days"] + table["weekend_valid_days"] == table["valid_days"]).all()


def test_nights_are_means_over_complete_nights() -> None:
    nights = made_nights(4, 8)
    table = people_table(made_days(4, 8), nights, None)
    for row in table.iter_rows(named=True):
        own = [one for one in nights.iter_rows(named=True) if one["subject"] == row["subject"] and one["complete"]]
        assert row["nights"] == len(own)
        for name in ("onset", "wake", "midpoint"):
            hours = [
                (one[name] - datetime.combine(one["date"], datetime.min.time())).total_seconds() / 3600 for one in own
            ]
            assert row[f"night_{name}_clock_hours"] == pytest.approx(np.mean(hours), abs=1e-6)
        for name in ("duration_hours", "inactive_minutes", "wake_minutes", "awakenings", "efficiency"):
            assert row[f"night_{name}"] == pytest.approx(np.mean([one[name] for one in own]))
    assert (table["night_wake_clock_hours"] > 24).all()


def test_a_person_without_valid_days_or_complete_nights_has_counts_of_zero_and_no_averages() -> None:
    days = made_days(2, 3).with_columns(valid_day=pl.col("subject") != "person_0002")
    nights = made_nights(2, 3).with_columns(complete=pl.col("subject") != "person_0002")
    none = people_table(days, nights, None).row(1, named=True)
    counts = ("files", "days", "valid_days", "weekdays_valid_days", "weekend_valid_days", "nights")
    assert [none[name] for name in counts] == [1, 3, 0, 0, 0, 0]
    assert none["total_recorded_hours"] == 72
    assert (none["included"], none["why_not"]) == (False, "no valid day")
    others = set(none) - {*counts, "subject", "included", "why_not", "total_recorded_hours", "total_wear_hours"}
    assert {name for name in others if none[name] is not None} == set()
    weekdays = people_table(made_days(1, 5), None, None).row(0, named=True)
    assert (weekdays["weekend_valid_days"], weekdays["weekend_hours_walking"]) == (0, None)


@settings(max_examples=10)
@given(st.randoms(use_true_random=False))
def test_the_order_of_files_and_days_does_not_matter(random: Random) -> None:
    days, nights = made_days(4, 5), made_nights(4, 5)
    order, of_nights = list(range(len(days))), list(range(len(nights)))
    random.shuffle(order)
    random.shuffle(of_nights)
    assert_frame_equal(people_table(days[order], nights[of_nights], None), people_table(days, nights, None))
