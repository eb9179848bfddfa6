"""Rhythm: days made by hand, every stretch looked at by itself, and GGIR's formulae for whole days."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from harken.outcomes.rhythm import DAYS_FOR_LEVELS, DAYS_FOR_STABILITY, DAYS_FOR_VARIABILITY, day_rhythm, rhythm
from movement_frames import movement_frame

ROW_NS = 5 * 10**9
MONDAY = date(2024, 3, 4)


def rows(minutes: NDArray[np.floating], *, begin: str = "2024-03-04T00:00", zone: str = "UTC") -> pl.DataFrame:
    """Rows whose ENMO is that of their minute; none where it is NaN."""
    start_ns = int(datetime.fromisoformat(begin).replace(tzinfo=ZoneInfo(zone)).timestamp()) * 10**9
    values = np.repeat(minutes, 12).astype(np.float32)
    known = np.flatnonzero(np.isfinite(values))
    return movement_frame(start_ns + ROW_NS * known, values[known], timezone=zone)


def days_of(frame: pl.DataFrame) -> list[date]:
    return sorted(set(frame["start"].dt.date().to_list()))


def noise(days: int, seed: int = 0) -> NDArray[np.float64]:
    return np.random.default_rng(seed).gamma(1.0, 30.0, days * 1440)


@settings(max_examples=10)
@given(seed=st.integers(0, 999), missing=st.lists(st.tuples(st.integers(0, 2 * 1440), st.integers(1, 700)), max_size=3))
def test_stretches_are_those_of_looking_at_each(seed: int, missing: list[tuple[int, int]]) -> None:
    minutes = noise(2, seed)
    for first, length in missing:
        minutes[first : first + length] = np.nan
    frame = rows(minutes)
    found = day_rhythm(frame, days_of(frame))
    for row in found.to_dicts():
        begin = (row["date"] - MONDAY).days * 1440
        day = minutes[begin : begin + 1440]
        for name, length, better in (("l5", 300, min), ("m10", 600, max)):
            stretches = [day[k : k + length] for k in range(1440 - length + 1)]
            usable = {k: np.nanmean(one) for k, one in enumerate(stretches) if np.isfinite(one).mean() >= 0.8}
            if not usable:
                assert (row[f"{name}_mg"], row[f"{name}_start"]) == (None, None)
                continue
            assert row[f"{name}_mg"] == pytest.approx(better(usable.values()), rel=1e-5)
            hour, minute = map(int, row[f"{name}_start"].split(":"))
            assert usable[60 * hour + minute] == pytest.approx(row[f"{name}_mg"], rel=1e-5)


def test_a_regular_wearer() -> None:
    day = np.full(1440, 20.0)
    day[: 4 * 60], day[23 * 60 :] = 2.0, 2.0  # rest from 23:00 to 04:00
    day[10 * 60 : 20 * 60] = 60.0
    frame = rows(np.tile(day, 6))
    (found,) = rhythm(frame, days_of(frame)).to_dicts()
    assert (found["valid_days"], found["l5_mg"], found["l5_start"]) == (6, pytest.approx(2.0), "23:00")
    assert (found["m10_mg"], found["m10_start"]) == (pytest.approx(60.0), "10:00")
    assert found["relative_amplitude"] == pytest.approx(58 / 62)
    assert found["interdaily_stability"] == pytest.approx(1.0)
    by_day = day_rhythm(frame, days_of(frame)[1:3])
    assert by_day["date"].to_list() == [MONDAY + timedelta(days=1), MONDAY + timedelta(days=2)]
    assert by_day["l5_start"].to_list() == ["00:00"] * 2  # within the calendar day: four hours of rest and one more
    assert by_day["l5_mg"].to_list() == pytest.approx([(4 * 2 + 20) / 5] * 2)


def ggir(hourly: NDArray[np.float64]) -> tuple[float, float]:
    """Stability and variability as in GGIR's g.IVIS for whole days of hourly means."""
    mean_hour = hourly.reshape(-1, 24).mean(axis=0)
    mean, count = mean_hour.mean(), len(hourly)
    deviation = ((hourly - mean) ** 2).sum()
    stability = ((mean_hour - mean) ** 2).sum() * count / (24 * deviation)
    return stability, (np.diff(hourly) ** 2).sum() * count / ((count - 1) * deviation)


def test_stability_and_variability_are_those_of_ggir_on_whole_days() -> None:
    minutes = noise(8, 3) * (1 + np.sin(np.arange(8 * 1440) * 2 * np.pi / 1440 - 2))
    frame = rows(minutes)
    (found,) = rhythm(frame, days_of(frame)).to_dicts()
    stability, variability = ggir(minutes.reshape(-1, 60).mean(axis=1))
    assert found["interdaily_stability"] == pytest.approx(stability, rel=1e-5)
    assert found["intradaily_variability"] == pytest.approx(variability, rel=1e-5)
    assert 0.1 < stability < 0.999


def test_each_measure_needs_its_days() -> None:
    empty = []
    for days in range(7):
        frame = rows(noise(7))
        (found,) = rhythm(frame, days_of(frame)[:days]).to_dicts()
        assert found["valid_days"] == days
        empty.append({name for name, value in found.items() if value is None})
    levels = {"l5_mg", "l5_start", "m10_mg", "m10_start", "relative_amplitude"}
    for days, names in enumerate(empty):
        assert (levels <= names) == (days < DAYS_FOR_LEVELS)
        assert ("intradaily_variability" in names) == (days < DAYS_FOR_VARIABILITY)
        assert ("interdaily_stability" in names) == (days < DAYS_FOR_STABILITY)


def test_missing_hours_and_days_have_no_neighbours() -> None:
    hourly = np.random.default_rng(5).gamma(2.0, 20.0, 7 * 24)
    minutes = np.repeat(hourly, 60)
    minutes[30 * 60 : 33 * 60] = np.nan  # three hours of the second day
    frame = rows(minutes)
    kept = [day for day in days_of(frame) if day != MONDAY + timedelta(days=4)]
    (found,) = rhythm(frame, kept).to_dicts()
    known = hourly.copy()
    known[30:33], known[96:120] = np.nan, np.nan
    steps = np.diff(known)
    variance = np.nanvar(known)
    assert found["intradaily_variability"] == pytest.approx(np.nanmean(steps**2) / variance, rel=1e-5)
    mean_hour = np.nanmean(known.reshape(7, 24), axis=0)
    counts = np.isfinite(known.reshape(7, 24)).sum(axis=0)
    between = (counts * (mean_hour - np.nanmean(known)) ** 2).sum()
    assert found["interdaily_stability"] == pytest.approx(between / (np.isfinite(known).sum() * variance), rel=1e-5)


def test_nobody_moves() -> None:
    frame = rows(np.zeros(7 * 1440))
    (found,) = rhythm(frame, days_of(frame)).to_dicts()
    assert (found["l5_mg"], found["m10_mg"], found["relative_amplitude"]) == (0, 0, None)
    assert (found["interdaily_stability"], found["intradaily_variability"]) == (None, None)


@pytest.mark.parametrize(("begin", "hours"), [("2024-03-31T00:00", 23), ("2024-10-27T00:00", 25)])
def test_days_on_which_clocks_change_are_by_the_clock(begin: str, hours: int) -> None:
    minutes = np.full(hours * 60, 30.0)
    minutes[-120:] = 1.0  # the last two hours of the day, by the clock from 22:00
    minutes[-5 * 60 : -120] = 3.0
    frame = rows(minutes, begin=begin, zone="Europe/Athens")
    (found,) = day_rhythm(frame, days_of(frame)).to_dicts()
    assert (found["l5_start"], found["l5_mg"]) == ("19:00", pytest.approx((2 * 1 + 3 * 3) / 5))
