"""Times in every unit and form, zones, and the two days a year on which clocks change."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Unpack
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import harken
import harken.readers.options
import harken.recordings.survey
from harken.readers import open_stream
from harken.readers.options import TableOptions, TimeUnit
from harken.readers.units import NS_PER_UNIT, nanoseconds
from harken.recordings.recording import Recording
from harken.support.errors import HarkenError
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


@settings(max_examples=20)
@given(order=st.permutations(range(60)))
def test_rows_in_any_order_are_sorted(order: list[int], tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.getbasetemp()
    recording = read_times(folder, [START_NS // 10**6 + 20 * row for row in order])
    np.testing.assert_array_equal(recording.time_ns, START_NS + 20 * 10**6 * np.arange(60))
    assert recording.sample_rate_hz == 50
    np.testing.assert_array_equal(recording.signals, acceleration(60).astype(np.float32)[np.argsort(order)])


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


@pytest.mark.parametrize("reader", [harken.read, partial(harken.read, as_found=True), open_stream])
@pytest.mark.parametrize(("step", "rate"), [(1, "1e+09"), (99_000, "1.01e+04"), (61 * 10**9, "0.0164")])
def test_a_rate_that_cannot_be(step: int, rate: str, reader: Callable[..., object], tmp_path: Path) -> None:
    path = write(tmp_path, ["time,x,y,z", *(f"{START_NS + step * row},0,{row % 2 / 100},1" for row in range(400))])
    with pytest.raises(HarkenError) as caught:
        reader(path, time_unit="ns")
    limit = "at least one a minute" if step > 10**6 else "at most 10,000 a second"
    assert str(caught.value) == (
        f"{path}: its times from 2018-02-20 23:46:40 on give {rate} samples per second, but a worn sensor records "
        f"{limit}; give the unit of times with --time-unit, or number the rows with --rate HZ instead of reading their "
        "times"
    )
    assert harken.read(path, time_unit="ns", sample_rate_hz=50).sample_rate_hz == 50


def test_the_fastest_rate_that_may_be_given_is_the_fastest_that_is_read() -> None:
    assert harken.readers.options.FASTEST_HZ == harken.recordings.survey.FASTEST_HZ


# Daylight saving. Greece: 25 March 2018, 03:00 becomes 04:00; 28 October 2018, 04:00 becomes 03:00 again.
ATHENS = ZoneInfo("Europe/Athens")


def local_texts(start: datetime, zone: ZoneInfo, minutes: int) -> tuple[list[str], list[int]]:
    """What a watch on local time writes every minute, and the true instants in ns."""
    instants = [start + timedelta(minutes=minute) for minute in range(minutes)]
    texts = [instant.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S") for instant in instants]
    return texts, [int(instant.timestamp()) * 10**9 for instant in instants]


def test_spring(tmp_path: Path) -> None:
    texts, truth = local_texts(datetime(2018, 3, 25, 0, 0, tzinfo=UTC), ATHENS, 120)
    assert "2018-03-25 02:59:00" in texts
    assert "2018-03-25 04:00:00" in texts
    assert read_times(tmp_path, texts, timezone="Europe/Athens").time_ns.tolist() == truth


AUTUMN = datetime(2018, 10, 28, 1, 0, tzinfo=UTC)  # the second 03:00 in Athens


@pytest.mark.parametrize(
    ("before", "after"),
    [(90, 90), (90, 30), (30, 90), (30, 30), (90, 0), (30, 0), (0, 90), (0, 60)],
    ids=lambda minutes: f"{minutes} min",
)
def test_hour_that_happens_twice(before: int, after: int, tmp_path: Path) -> None:
    texts, truth = local_texts(AUTUMN - timedelta(minutes=before), ATHENS, before + after)
    if after == 60:
        texts, truth = local_texts(AUTUMN, ATHENS, 70)
    assert read_times(tmp_path, texts, timezone="Europe/Athens").time_ns.tolist() == truth


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


# The rate.


@pytest.mark.parametrize("rate", [12.5, 20, 25, 31.25, 50, 83, 100, 104.1667, 125])
def test_rate_on_a_millisecond_clock(rate: float, tmp_path: Path) -> None:
    times = [START_NS // 10**6 + int(1000 * row / rate) for row in range(2000)]
    assert read_times(tmp_path, times).sample_rate_hz == pytest.approx(rate, abs=0.1)
