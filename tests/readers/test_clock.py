"""Times in every unit and form, zones, and the two days a year on which clocks change."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Unpack

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import harken
import harken.readers.options
import harken.recordings.survey
from harken.readers.options import TableOptions, TimeUnit
from harken.readers.units import NS_PER_UNIT, nanoseconds
from harken.recordings.recording import Recording
from reader_checks import Options
from tables import acceleration, write

START = datetime(2018, 2, 20, 23, 46, 40, tzinfo=UTC)
START_NS = int(START.timestamp()) * 10**9
NO_DATE = "The times have no date; the recording is shown as if it started at the beginning of 1970."


def read_times(folder: Path, times: Sequence[object], **options: Unpack[Options]) -> Recording:
    samples = acceleration(len(times))
    lines = ["time,x,y,z", *(f"{time},{x},{y},{z}" for time, (x, y, z) in zip(times, samples, strict=True))]
    return harken.read(write(folder, lines), **options)


@pytest.mark.parametrize("unit", NS_PER_UNIT)
@pytest.mark.parametrize("start", [0, START_NS], ids=["relative", "since 1970"])
@pytest.mark.parametrize("rate", [6, 25, 100, 390])
def test_units_are_recognised(unit: TimeUnit, start: int, rate: int, tmp_path: Path) -> None:
    ns = start + np.arange(50) * 10**9 // rate
    digits = {"s": 6, "ms": 3, "us": 0, "ns": 0}[unit]
    times = [f"{whole}.{rest:09}"[: -9 + digits or None] for whole, rest in (divmod(int(t), 10**9) for t in ns)]
    if unit != "s":
        times = [f"{int(t) // NS_PER_UNIT[unit]}" + (".5" if unit == "ms" else "") for t in ns]
    recording = read_times(tmp_path, times)
    assert recording.quality.time_unit == unit
    assert recording.sample_rate_hz == pytest.approx(rate, rel=0.01)
    assert np.abs(recording.time_ns - ns).max() < (NS_PER_UNIT[unit] if unit != "s" else 2000)
    assert (NO_DATE in recording.quality.notes) == (start == 0)


FORMS = {
    "ISO": "%Y-%m-%dT%H:%M:%S.%f",
    "ISO with a blank": "%Y-%m-%d %H:%M:%S.%f",
    "slashes": "%Y/%m/%d %H:%M:%S.%f",
    "no fraction where it is 0": "%Y-%m-%dT%H:%M:%S%%f",
    "Python's logging": "%Y-%m-%d %H:%M:%S,%f",
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("zone", ["", "Z", "+00:00", "+0000", "+00", " UTC", "GMT"])
def test_text_forms(form: str, zone: str, tmp_path: Path) -> None:
    lines = ["time\tx\ty\tz"]
    for row in range(60):
        moment = START + timedelta(milliseconds=20 * row)
        milliseconds = f"{moment.microsecond // 1000:03}"
        text = moment.strftime(FORMS[form]).replace("%f", "" if milliseconds == "000" else "." + milliseconds)
        text = text.replace(f"{moment.microsecond:06}", milliseconds)
        lines.append(f"{text}{zone}\t0\t0\t1")
    recording = harken.read(write(tmp_path, lines))
    np.testing.assert_array_equal(recording.time_ns, START_NS + 20 * 10**6 * np.arange(60))
    no_zone = "Times have no time zone and were read as UTC; give the wearer's time zone with --timezone."
    assert (no_zone in recording.quality.notes) == (zone == "")


def test_the_fastest_rate_that_may_be_given_is_the_fastest_that_is_read() -> None:
    assert harken.readers.options.FASTEST_HZ == harken.recordings.survey.FASTEST_HZ


@settings(max_examples=30)
@given(
    zone=st.sampled_from(["Europe/Athens", "America/New_York", "Australia/Lord_Howe", "America/Sao_Paulo", "UTC"]),
    start=st.datetimes(datetime(2015, 1, 1), datetime(2019, 12, 1)),
)
def test_a_year_of_local_time(zone: str, start: datetime) -> None:
    """Whatever a watch on local time wrote every 10 minutes for 400 days is read as it happened."""
    first = start.replace(tzinfo=UTC, second=0, microsecond=0)
    truth = pl.datetime_range(first, first + timedelta(days=400), "10m", time_unit="ms", time_zone="UTC", eager=True)
    local = truth.dt.convert_time_zone(zone).dt.replace_time_zone(None)
    clock = nanoseconds(Path("a"), local, TableOptions(timezone=zone), str)
    np.testing.assert_array_equal(clock.time_ns, truth.dt.epoch("ns").to_numpy())
