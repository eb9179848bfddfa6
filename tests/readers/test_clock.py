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
from stream_checks import assert_same
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


def test_clock_that_counts_nanoseconds_since_the_watch_was_switched_on(tmp_path: Path) -> None:
    recording = read_times(tmp_path, [1_896_411_611_733_301 + 50_000_000 * row for row in range(40)])
    assert recording.quality.time_unit == "ns"  # although it looks like microseconds since 1970
    assert NO_DATE in recording.quality.notes


def test_an_unknown_unit_is_an_error(tmp_path: Path) -> None:
    times = list(range(40))
    with pytest.raises(HarkenError, match="the unit of times such as 0 is not known; give it with --time-unit s"):
        read_times(tmp_path, times)
    assert read_times(tmp_path, times, time_unit="ms").sample_rate_hz == 1000


def test_a_given_unit_is_used(tmp_path: Path) -> None:
    assert read_times(tmp_path, [20 * row for row in range(40)], time_unit="s").sample_rate_hz == 0.05


@settings(max_examples=20)
@given(order=st.permutations(range(60)))
def test_rows_in_any_order_are_sorted(order: list[int], tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.getbasetemp()
    recording = read_times(folder, [START_NS // 10**6 + 20 * row for row in order])
    np.testing.assert_array_equal(recording.time_ns, START_NS + 20 * 10**6 * np.arange(60))
    assert recording.sample_rate_hz == 50
    np.testing.assert_array_equal(recording.signals, acceleration(60).astype(np.float32)[np.argsort(order)])


def test_integers_that_turn_into_fractions(tmp_path: Path) -> None:
    recording = read_times(tmp_path, [*range(30), "29.5"], time_unit="s")
    assert recording.time_ns[-1] == 29_500_000_000


def test_clock_too_coarse_for_the_rate(tmp_path: Path) -> None:
    times = [1_519_170_400 + row // 50 for row in range(200)]
    with pytest.raises(HarkenError, match="196 of 200 rows repeat the time of another row, so the clock is too coarse"):
        read_times(tmp_path, times)
    numbered = read_times(tmp_path, times, sample_rate_hz=50)
    assert numbered.sample_rate_hz == 50
    assert numbered.time_ns[0] == 1_519_170_400 * 10**9


def test_times_beyond_64_bits(tmp_path: Path) -> None:
    with pytest.raises(
        HarkenError,
        match=r"watch.csv, line 2: the time 1.519e\+18 s since 1970 is not between 1970 and 2100; "
        "give the unit of times with --time-unit",
    ):
        read_times(tmp_path, [1_519_000_000_000_000_000 + row for row in range(40)], time_unit="s")


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


def test_offsets_are_respected(tmp_path: Path) -> None:
    texts = [f"2018-02-21T05:16:40.{row * 20:03}+05:30" for row in range(50)]
    recording = read_times(tmp_path, texts, timezone="Europe/Athens")
    assert recording.time_ns[0] == START_NS
    assert recording.timezone == "Europe/Athens"


def test_nanoseconds_in_text_are_kept(tmp_path: Path) -> None:
    texts = [f"2018-02-20 23:46:40.{row * 20_000_001:09}" for row in range(40)]
    np.testing.assert_array_equal(read_times(tmp_path, texts).time_ns, START_NS + 20_000_001 * np.arange(40))


def test_unusual_form_is_asked_for(tmp_path: Path) -> None:
    texts = [f"20/02/2018 23:46:40.{row * 20:03}" for row in range(40)]
    with pytest.raises(
        HarkenError,
        match=r"line 2: '20/02/2018 23:46:40.000' is not a time in a known form; describe the form with "
        "--time-format, ",
    ):
        read_times(tmp_path, texts)
    for pattern in ("%d/%m/%Y %H:%M:%S%.f", "%d/%m/%Y %H:%M:%S.%f"):
        assert read_times(tmp_path, texts, time_format=pattern).time_ns[0] == START_NS


def test_one_time_in_another_form(tmp_path: Path) -> None:
    texts = [f"2018-02-20 23:46:40.{row * 20:03}" for row in range(40)]
    texts[7] = "2018-02-20 23.46"
    with pytest.raises(HarkenError, match=r"line 9: '2018-02-20 23.46' is not a time in a known form"):
        read_times(tmp_path, texts)


def test_form_that_does_not_fit(tmp_path: Path) -> None:
    texts = [f"2018-02-20 23:46:40.{row * 20:03}" for row in range(40)]
    with pytest.raises(HarkenError, match=r"line 2: '2018-02-20 23:46:40.000' is not a time in the form '%d.%m.%Y'"):
        read_times(tmp_path, texts, time_format="%d.%m.%Y")


@pytest.mark.parametrize("reader", [harken.read, open_stream])
@pytest.mark.parametrize("year", ["1066", "1700", "1969", "2100", "2260", "9999"])
def test_a_year_that_cannot_be_is_named_with_its_line(
    year: str, reader: Callable[[Path], object], tmp_path: Path
) -> None:
    lines = [f"{2018 if row < 30 else year}-02-20 23:46:40.{row * 20:03},0,0,1" for row in range(40)]
    path = write(tmp_path, ["time,x,y,z", *lines])
    with pytest.raises(HarkenError) as caught:
        reader(path)
    assert str(caught.value) == (
        f"{path}, line 32: the time {year}-02-20 23:46:40 is not between 1970 and 2100; give the column of times with "
        "--time-column, or number the rows with --rate HZ instead of reading their times"
    )


@pytest.mark.parametrize("reader", [harken.read, partial(harken.read, as_found=True), open_stream])
def test_numbers_beyond_the_years_that_can_be(reader: Callable[..., object], tmp_path: Path) -> None:
    times = [*(START_NS // 10**6 + 20 * row for row in range(40)), -8_520_336_000_000, 9_151_488_000_000]  # 1700, 2260
    path = write(tmp_path, ["time,x,y,z", *(f"{time},0,0,1" for time in times)])
    with pytest.raises(HarkenError, match="line 42: the time -8520336000000 ms since 1970 is not between 1970 and"):
        reader(path)


@pytest.mark.parametrize("start", ["1970-01-01 00:00:00", "2000-01-01 00:00:00", "2099-12-31 23:59:00"])
def test_where_clocks_begin_and_end(start: str, tmp_path: Path) -> None:
    recording = read_times(tmp_path, [f"{start}.{row * 20:03}" for row in range(40)], timezone="Europe/Athens")
    assert recording.sample_rate_hz == 50


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


FORWARD = (
    "The clock jumps forward by 8,766 days after 2000-01-01 02:00:07: the part before begins at 2000-01-01 02:00:00, "
    "the part after at 2024-01-01 14:00:00. If the clock was reset, the times of one part are wrong."
)


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_clock_that_was_reset_is_noted(ending: str, tmp_path: Path) -> None:
    ms = 20 * np.arange(400)
    times = np.concatenate([946_684_800_000 + ms, 1_704_110_400_000 + ms])
    x, y, z = acceleration(800).T
    path = tmp_path / f"reset.{ending}"
    frame = pl.DataFrame({"Timestamp": times, "X": x, "Y": y, "Z": z})
    frame.write_csv(path) if ending == "csv" else frame.write_parquet(path)
    parts = open_stream(path, timezone="Europe/Athens")
    assert parts.streamed
    assert FORWARD in parts.quality.notes
    assert_same(parts, path, timezone="Europe/Athens")


def test_a_clock_that_was_set_back_is_noted(tmp_path: Path) -> None:
    ms = 20 * np.arange(400)
    later, earlier = 1_704_110_400_000 + ms, 946_684_800_000 + ms
    recording = read_times(tmp_path, [*later.tolist(), *earlier.tolist()], timezone="Europe/Athens")
    assert recording.quality.notes == (
        "The clock goes back by 8,767 days after 2024-01-01 14:00:07: the part before begins at 2024-01-01 14:00:00, "
        "the part after at 2000-01-01 02:00:00. Rows were sorted by time; where both parts show the same time, their "
        "samples are mixed.",
        FORWARD,
    )


def test_of_many_jumps_three_are_named(tmp_path: Path) -> None:
    times = [START_NS // 10**6 + 20 * row + row // 20 * 100 * 86_400_000 for row in range(120)]
    notes = read_times(tmp_path, times).quality.notes
    assert [note[:37] for note in notes[:3]] == ["The clock jumps forward by 100 days a"] * 3
    assert notes[3:] == ("The clock jumps forward by more than 90 days 2 more times.",)
    assert "the part before begins at 2018-05-31 23:46:40, the part after at 2018-09-08 23:46:40" in notes[1]


def test_a_month_without_samples_is_no_jump(tmp_path: Path) -> None:
    times = [START_NS // 10**6 + 20 * row + row // 20 * 30 * 86_400_000 for row in range(120)]
    assert read_times(tmp_path, times).quality.notes == ()


def test_missing_times_in_text(tmp_path: Path) -> None:
    texts = [f"2018-02-20 23:46:40.{row * 20:03}" for row in range(40)]
    texts[2:5] = ["", "NaN", "null"]
    recording = read_times(tmp_path, texts)
    assert recording.quality.dropped == {"no time": 3}


def test_no_time_at_all(tmp_path: Path) -> None:
    with pytest.raises(HarkenError, match="no row has a time; number the rows with --rate HZ"):
        read_times(tmp_path, [""] * 40)
    assert read_times(tmp_path, [""] * 40, sample_rate_hz=50).time_ns[1] == 20_000_000


def test_unknown_zone(tmp_path: Path) -> None:
    with pytest.raises(HarkenError, match="there is no time zone 'Mars/Olympus'; zones look like Europe/Athens or UTC"):
        read_times(tmp_path, list(range(40)), time_unit="ms", timezone="Mars/Olympus")


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


def test_hour_that_does_not_exist(tmp_path: Path) -> None:
    texts = [f"2018-03-25 02:59:{row:02}" for row in range(40)] + ["2018-03-25 03:00:00"]
    with pytest.raises(
        HarkenError,
        match=r"line 42: 2018-03-25 03:00:00 does not exist in Europe/Athens, because clocks were put "
        r"forward at this time\. Is the zone right\? For a watch whose clock was not changed for summer time, give a "
        r"fixed zone such as Etc/GMT-2",
    ):
        read_times(tmp_path, texts, timezone="Europe/Athens")
    assert len(read_times(tmp_path, texts, timezone="Etc/GMT-2")) == 41


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


def test_half_an_hour_that_happens_twice(tmp_path: Path) -> None:
    lord_howe = ZoneInfo("Australia/Lord_Howe")  # 1 April 2018, 02:00 becomes 01:30
    texts, truth = local_texts(datetime(2018, 3, 31, 14, 0, tzinfo=UTC), lord_howe, 120)
    assert texts.count("2018-04-01 01:45:00") == 2
    assert read_times(tmp_path, texts, timezone="Australia/Lord_Howe").time_ns.tolist() == truth


def test_hour_that_happens_twice_with_rows_out_of_order_and_without_times(tmp_path: Path) -> None:
    texts, truth = local_texts(AUTUMN - timedelta(minutes=90), ATHENS, 180)
    for row in (40, 100, 150):
        texts[row], texts[row + 1] = texts[row + 1], texts[row]
    texts[95] = ""
    recording = read_times(tmp_path, texts, timezone="Europe/Athens")
    assert recording.time_ns.tolist() == truth[:95] + truth[96:]
    assert recording.quality.backward_times == 3


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


def test_rate_is_not_disturbed_by_gaps(tmp_path: Path) -> None:
    times = [START_NS // 10**6 + int(1000 * row / 83) + 600_000 * (row // 500) for row in range(2000)]
    recording = read_times(tmp_path, times)
    assert recording.sample_rate_hz == pytest.approx(83, abs=0.1)
    assert recording.gap_rows.tolist() == [500, 1000, 1500]


def test_a_given_rate_numbers_the_rows(tmp_path: Path) -> None:
    recording = read_times(tmp_path, [START_NS // 10**6 + 3 * row for row in range(40)], sample_rate_hz=80)
    assert recording.time_ns[0] == START_NS
    assert recording.sample_rate_hz == 80
    assert recording.quality.notes == ("Times were not read: the rows were numbered at 80 Hz, as requested.",)


def test_a_given_rate_where_times_are_nonsense(tmp_path: Path) -> None:
    recording = read_times(tmp_path, [f"sample {row}" for row in range(40)], sample_rate_hz=80)
    assert recording.time_ns[0] == 0
    assert recording.quality.notes[1] == (
        "The first time could not be read; the recording is shown as if it started at the beginning of 1970."
    )


def test_a_given_rate_where_there_are_no_times(tmp_path: Path) -> None:
    lines = ["x,y,z", *(f"{x},{y},{z}" for x, y, z in acceleration(40))]
    with pytest.raises(HarkenError, match=r"found no column for time .* --time-column, or --rate HZ if there are no"):
        harken.read(write(tmp_path, lines))
    assert harken.read(write(tmp_path, lines), sample_rate_hz=40).sample_rate_hz == 40
