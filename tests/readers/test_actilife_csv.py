"""ActiLife's CSV export: every way of writing it, what was never measured in it, exports of counts, and damage."""

import gzip
import random
from pathlib import Path

import numpy as np
import pytest
from harken.readers.actigraph import actilife_csv, gt3x
from numpy.typing import NDArray

import harken
from actigraph_files import START_S, export_header
from harken.readers.options import TableOptions
from harken.recordings.mending import mend
from harken.support.errors import HarkenError
from reader_checks import as_found, collected, notes, refusals
from tables import write

NS_PER_S = 10**9
RATE = 30
AXES = "Accelerometer X,Accelerometer Y,Accelerometer Z"
LINK = "readgt3x_TAS1H30182785_2019-09-17"
COUNTS = ("ggir_ActiGraph13.csv", "ggir_ActiGraph61.csv", "GGIRread_ActiGraph13_timestamps_headers.csv")


read = as_found(collected(actilife_csv))
refusal = refusals(read)


def values(rows: int = 3 * RATE) -> NDArray[np.float64]:
    """Noise around 1 g, float64 ``[rows, 3]``, with three decimals."""
    return np.random.default_rng(4).normal([0.1, -0.95, 0.2], 0.05, (rows, 3)).round(3)


def rows_of(samples: NDArray[np.float64]) -> list[str]:
    return [",".join(f"{value:g}" for value in row) for row in samples]


def timed(samples: NDArray[np.float64], pattern: str, first: str = "2019-09-17T18:40:00") -> list[str]:
    """Rows with a time before them; ``FFF`` in the pattern stands for milliseconds."""
    start = np.datetime64(first, "ms")
    times = [start + np.timedelta64(round(1000 * row / RATE), "ms") for row in range(len(samples))]
    return [
        f"{time.item().strftime(pattern).replace('FFF', f'{time.item().microsecond // 1000:03d}')},{row}"
        for time, row in zip(times, rows_of(samples), strict=True)
    ]


# Real files.


def test_both_real_exports(data_dir: Path) -> None:
    neo = mend(read(data_dir / "devices" / "pygt3x_neo.csv"))
    assert len(neo) == 18_004
    assert neo.sample_rate_hz == pytest.approx(30)
    np.testing.assert_allclose(neo.signals[0], [-0.015, 0.029, -1.006], atol=1e-7)
    assert np.datetime64(int(neo.time_ns[0]), "ns") == np.datetime64("2021-12-20T11:55:00")
    assert (neo.quality.sensor_range_g, neo.subject) == (6.0, "pygt3x_neo")
    assert "ActiLife v6.13.4 from ActiGraph GT3X+ NEO1C04110003, firmware v2.5.0; 30 Hz." in notes(neo)

    link = mend(read(data_dir / "devices" / f"{LINK}.csv.gz"))
    assert (len(link), link.subject) == (240_500, LINK)
    assert "2,075 s contain only repeated values or zeros" in notes(link)


def test_the_same_recording_as_its_gt3x(data_dir: Path) -> None:
    exported = read(data_dir / "devices" / f"{LINK}.csv.gz", timezone="America/New_York")
    itself = collected(gt3x)(data_dir / "devices" / f"{LINK}.gt3x", TableOptions(timezone="America/New_York"))
    # What ActiLife filled is marked, to the sample: what is left was measured, and is in the .gt3x.
    np.testing.assert_array_equal(exported.time_ns[exported.valid], itself.time_ns)
    np.testing.assert_allclose(exported.signals[exported.valid], itself.signals, atol=0.000501)
    assert exported.quality.sensor_range_g == itself.quality.sensor_range_g


@pytest.mark.parametrize("name", COUNTS)
def test_counts_are_refused(name: str, data_dir: Path) -> None:
    message = refusal(data_dir / "devices" / name)
    assert "contains counts over 00:00:" in message
    assert "export the raw data, or read the .gt3x file" in message


def test_looks_like(data_dir: Path) -> None:
    ours = {*COUNTS, "pygt3x_neo.csv", f"{LINK}.csv.gz"}
    for path in (data_dir / "devices").iterdir():
        assert actilife_csv.recognises(path, path.read_bytes()[: 1 << 16]) == (path.name in ours), path.name
    assert not actilife_csv.recognises(Path("a.csv"), b"")
    assert not actilife_csv.recognises(Path("a.csv"), b"\x1f\x8b damaged")
    assert actilife_csv.recognises(Path("a.txt"), b"\xef\xbb\xbf" + export_header()[0].encode())


# Ways of writing.


GERMAN = export_header(
    first="date format dd.MM.yyyy at 30 Hz  Filter Normal",
    start=("18:40:00", "17.09.2019"),
    download=("19:20:00", "18.09.2019"),
)
CHINESE = export_header(
    first="date format yyyy/M/d at 30 Hz  Filter Normal", start=("18:40:00", "2019/9/17"), download=("", "")
)
TWELVE_HOURS = export_header(start=("6:40:00 PM", "9/17/2019"), download=("7:20:05 PM", "9/17/2019"))


def german(line: str) -> str:
    """Numbers with commas between semicolons."""
    return line.replace(",", ";").replace(".", ",")


WAYS = {
    "columns named": [*export_header(), AXES, *rows_of(values())],
    "no columns named": [*export_header(), *rows_of(values())],
    "commas to fill the lines": [*(f"{line},," for line in export_header()), AXES, *rows_of(values())],
    "American times": [*export_header(), f"Timestamp,{AXES}", *timed(values(), "%m/%d/%Y %H:%M:%S.FFF")],
    "times of twelve hours": [*export_header(), f"Timestamp,{AXES}", *timed(values(), "%m/%d/%y %I:%M:%S.FFF %p")],
    "times without columns named": [*export_header(), *timed(values(), "%m/%d/%Y %H:%M:%S.FFF")],
    "ISO times": [*export_header(), f"Timestamp,{AXES}", *timed(values(), "%Y-%m-%dT%H:%M:%S.FFF")],
    "ISO times of seven digits": [*export_header(), f"Timestamp,{AXES}", *timed(values(), "%Y-%m-%dT%H:%M:%S.FFF0000")],
    "ISO times with a Z that is not meant": [
        *export_header(),
        f"Timestamp,{AXES}",
        *timed(values(), "%Y-%m-%dT%H:%M:%S.FFFZ"),
    ],
    "Chinese times": [
        *export_header(
            first="date format yyyy/M/d at 30 Hz  Filter Normal", start=("18:40:00", "2019/9/17"), download=("", "")
        ),
        f"Timestamp,{AXES}",
        *timed(values(), "%Y/%m/%d %H:%M:%S.FFF"),
    ],
    "German": [
        *GERMAN,
        AXES.replace(",", ";"),
        *map(german, rows_of(values())),
    ],
    "German with times": [
        *GERMAN,
        f"Timestamp,{AXES}".replace(",", ";"),
        *(
            f"{time};{german(row)}"
            for time, row in (line.split(",", 1) for line in timed(values(), "%d.%m.%Y %H:%M:%S.FFF"))
        ),
    ],
    "start of twelve hours": [*TWELVE_HOURS, *rows_of(values())],
}


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("way", WAYS)
def test_ways_of_writing(way: str, end: str, tmp_path: Path) -> None:
    path = write(tmp_path, end.join([*WAYS[way], ""]), "ann.csv")
    assert actilife_csv.recognises(path, path.read_bytes())
    recording = mend(read(path))
    np.testing.assert_array_equal(recording.signals, values().astype(np.float32))
    steps = np.rint(np.arange(3 * RATE) * (NS_PER_S / RATE))
    np.testing.assert_allclose(recording.time_ns - START_S * NS_PER_S, steps, atol=1e6)
    assert (recording.subject, recording.channels, recording.timezone) == ("ann", ("x", "y", "z"), "UTC")
    assert recording.quality.sensor_range_g == 8
    assert recording.valid.all()
    assert "read as UTC" in notes(recording)
    assert ("never run on a real file" in notes(recording)) == ("imes" in way)
    assert "does not end" not in notes(recording)


def test_gzipped(tmp_path: Path) -> None:
    path = write(tmp_path, gzip.compress("\n".join([*WAYS["columns named"], ""]).encode()), "ann.csv.gz")
    assert actilife_csv.recognises(path, path.read_bytes())
    assert (len(read(path)), read(path).subject) == (3 * RATE, "ann")
    path.write_bytes(path.read_bytes()[:-30])
    assert "the gzip file is damaged or cut short" in refusal(path)


def test_an_export_of_the_imu(tmp_path: Path) -> None:
    more = ["Temperature", *(f"{sensor} {axis}" for sensor in ("Gyroscope", "Magnetometer") for axis in "XYZ")]
    rows = [f"{row},25.5,90,0,-180,1,2,3" for row in timed(values(), "%Y-%m-%dT%H:%M:%S.FFF")]
    recording = read(write(tmp_path, [*export_header(), ",".join([f"Timestamp,{AXES}", *more]), *rows]))
    assert recording.channels == ("x", "y", "z", "temperature", "gyro_x", "gyro_y", "gyro_z")
    np.testing.assert_allclose(recording.signals[5, 3:], [25.5, np.pi / 2, 0, -np.pi], rtol=1e-6)
    np.testing.assert_array_equal(recording.signals[:, :3], values().astype(np.float32))
    assert "IMU" in notes(recording)


# The header.

DATES = {
    "as it says, day first": ("date format dd/MM/yyyy", "03/04/2019", "05/04/2019", "2019-04-03", False),
    "as it says, month first": ("date format M/d/yyyy", "3/4/2019", "3/9/2019", "2019-03-04", False),
    "another order by the download": ("date format dd/MM/yyyy", "09-12-2017", "09-19-2017", "2017-09-12", True),
    "another order by the start": ("date format M/d/yyyy", "13/4/2019", "14/4/2019", "2019-04-13", True),
    "another order, for the download comes later": ("date format M/d/yyyy", "5/3/2019", "2/4/2019", "2019-03-05", True),
    "no format": ("", "9/17/2019", "9/18/2019", "2019-09-17", False),
    "two digits of the year": ("date format M/d/yy", "9/17/19", "9/18/19", "2019-09-17", False),
}


@pytest.mark.parametrize("case", DATES)
def test_dates_of_the_header(case: str, tmp_path: Path) -> None:
    form, start, download, day, other = DATES[case]
    header = export_header(first=f"{form} at 30 Hz", start=("18:40:00", start), download=("19:00:00", download))
    recording = read(write(tmp_path, [*header, AXES, *rows_of(values())]))
    assert np.datetime64(int(recording.time_ns[0]), "ns") == np.datetime64(f"{day}T18:40:00")
    assert ("which does not fit its dates" in notes(recording)) == other


BAD_HEADERS = {
    "no date": (export_header(start=("18:40:00", "")), "has no start time"),
    "no such date": (export_header(start=("18:40:00", "31/31/2019")), "'31/31/2019 18:40:00', is not a date and time"),
    "no such time": (export_header(start=("25:00:00", "9/17/2019")), "is not a date and time"),
    "no rate": (export_header(first="date format M/d/yyyy"), "its header has no rate; give the rate with --rate HZ"),
    "absurd rate": (export_header(first="date format M/d/yyyy at 99999 Hz"), "its header has no rate"),
    "no end": (export_header()[:-1], "the row of dashes at its end is missing"),
    "counts that give a rate": (export_header(period="00:00:10"), "contains counts over 00:00:10"),
    "a year of 400 digits": (export_header(start=("18:40:00", f"9/17/{'2' * 400}")), "is not a date and time"),
    "counts": (export_header(first="date format M/d/yyyy", period="00:00:10"), "contains counts over 00:00:10"),
}


@pytest.mark.parametrize("case", BAD_HEADERS)
def test_bad_headers(case: str, tmp_path: Path) -> None:
    header, message = BAD_HEADERS[case]
    assert message in refusal(write(tmp_path, [*header, AXES, *rows_of(values())]))


def test_not_an_export(tmp_path: Path) -> None:
    assert "this is not an export of ActiLife:" in refusal(write(tmp_path, ["Timestamp,X,Y,Z", "1,2,3,4"]))
    assert "this is not an export of ActiLife:" in refusal(write(tmp_path, b""))
    assert "no rows" in refusal(write(tmp_path, [*export_header(), AXES]))
    assert "the file is empty after 10" in refusal(write(tmp_path, export_header()))
    bare = [*export_header(period="00:00:10"), "325,85,176", "181,116,91"]
    assert "contains counts over 00:00:10 (it has 3 columns)" in refusal(write(tmp_path, bare))
    other = [*export_header(), "Axis1,Axis2,Axis3,Steps", "1,2,3,4"]
    assert "its columns are Axis1, Axis2, Axis3, Steps" in refusal(write(tmp_path, other))


def test_the_user_knows_better(tmp_path: Path) -> None:
    path = write(tmp_path, [*export_header(first="date format M/d/yyyy"), AXES, *rows_of(values())])
    recording = read(path, sample_rate_hz=50, subject="bob", timezone="Europe/Athens")
    assert mend(recording).sample_rate_hz == pytest.approx(50)
    assert recording.subject == "bob"
    assert recording.time_ns[0] == (START_S - 3 * 3600) * NS_PER_S
    plain = harken.read(path, as_found=True, skip_rows=10, sample_rate_hz=50)
    assert plain.time_ns[0] == 0
    np.testing.assert_array_equal(plain.signals, recording.signals)


def test_the_clock_knows_of_no_daylight_saving(tmp_path: Path) -> None:
    rows = timed(
        values(), "%m/%d/%Y %H:%M:%S.FFF", "2019-03-31T02:59:59"
    )  # at 03:00 the clocks in Athens went to 04:00
    header = export_header(start=("02:59:59", "3/31/2019"), download=("", ""))
    recording = mend(read(write(tmp_path, [*header, f"Timestamp,{AXES}", *rows]), timezone="Europe/Athens"))
    assert recording.span_s == pytest.approx(3 - 1 / RATE, abs=0.002)
    assert np.datetime64(int(recording.time_ns[0]), "ns") == np.datetime64("2019-03-31T00:59:59")


def test_times_that_are_not_the_headers(tmp_path: Path) -> None:
    rows = timed(values(), "%m/%d/%Y %H:%M:%S.FFF", "2019-09-17T20:00:00")
    recording = read(write(tmp_path, [*export_header(), f"Timestamp,{AXES}", *rows]))
    assert "The first time differs from the header's start by 4,800 s" in notes(recording)


# What was never measured.


def test_what_actilife_filled_is_marked(tmp_path: Path) -> None:
    filled = values(8 * RATE)
    filled[RATE : 3 * RATE] = filled[RATE - 1]
    filled[4 * RATE : 5 * RATE] = 0
    filled[6 * RATE : 6 * RATE + 20] = filled[6 * RATE - 1]  # two thirds of a second: such a thing can be measured
    recording = read(write(tmp_path, [*export_header(), AXES, *rows_of(filled)]))
    marked = [*range(RATE, 3 * RATE), *range(4 * RATE, 5 * RATE)]
    assert np.flatnonzero(~recording.valid).tolist() == marked
    np.testing.assert_array_equal(recording.signals, filled.astype(np.float32))
    assert "3 s contain only repeated values or zeros" in notes(recording)


# Damage.


def test_rows_at_fault(tmp_path: Path) -> None:
    lines = [*export_header(), AXES, *rows_of(values())]
    assert "line 14: the row is cut short: 2 of 3 columns" in refusal(
        write(tmp_path, [line.rsplit(",", 1)[0] if number == 14 else line for number, line in enumerate(lines, 1)])
    )
    assert "line 15, column Accelerometer Y: 'x'" in refusal(write(tmp_path, [*lines[:14], "0.1,x,0.2", *lines[15:]]))
    times = [*export_header(), f"Timestamp,{AXES}", *timed(values(), "%m/%d/%Y %H:%M:%S.FFF")]
    assert "'tomorrow' is not a time in the form" in refusal(
        write(tmp_path, [*times[:15], "tomorrow,0,0,1", *times[16:]])
    )
    assert "line 16: the time is missing" in refusal(write(tmp_path, [*times[:15], ",0,0,1", *times[16:]]))


def test_cut_anywhere(tmp_path: Path) -> None:
    content = "\r\n".join([*WAYS["columns named"][:18], ""]).encode()
    whole = read(write(tmp_path, content)).signals
    short = 0
    for end in range(len(content)):
        path = write(tmp_path, content[:end])
        try:
            recording = read(path)
        except HarkenError:
            continue
        short += 1
        rows = len(recording) if content[:end].endswith(b"\n") else len(recording) - 1
        np.testing.assert_array_equal(recording.signals[:rows], whole[:rows])
        if rows < len(recording):
            assert "its last number may have lost digits" in notes(recording)
    assert short > 10


@pytest.mark.parametrize("way", ["columns named", "American times", "German with times"])
def test_flipped_bytes(way: str, tmp_path: Path) -> None:
    content = "\n".join([*WAYS[way], ""]).encode()
    begin = content.index(b"Accelerometer X")
    rng = random.Random(11)
    for trial in range(150):
        damaged = bytearray(content)
        for _ in range(rng.randint(1, 3)):
            place = rng.randrange(begin if trial % 2 else len(content))
            damaged[place] ^= 1 << rng.randrange(8)
        try:
            recording = mend(read(write(tmp_path, bytes(damaged))))
        except HarkenError:
            continue
        assert 3 * RATE - 3 <= len(recording) <= 3 * RATE + 3
        assert abs(recording.time_ns[0] / NS_PER_S - START_S) < 200 * 366 * 86_400
