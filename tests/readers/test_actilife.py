"""ActiLife's CSV export: every way of writing it, what was never measured in it, exports of counts, and damage."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from actigraph_files import export_header
from harken.readers import actilife, gt3x
from harken.readers.options import TableOptions
from harken.recordings.mending import mend
from reader_checks import as_found, collected, notes, refusals
from tables import write

RATE = 30
AXES = "Accelerometer X,Accelerometer Y,Accelerometer Z"
LINK = "readgt3x_TAS1H30182785_2019-09-17"
COUNTS = ("ggir_ActiGraph13.csv", "ggir_ActiGraph61.csv", "GGIRread_ActiGraph13_timestamps_headers.csv")


read = as_found(collected(actilife))
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


def test_looks_like(data_dir: Path) -> None:
    ours = {*COUNTS, "pygt3x_neo.csv", f"{LINK}.csv.gz"}
    for path in (data_dir / "devices").iterdir():
        assert actilife.recognises(path, path.read_bytes()[: 1 << 16]) == (path.name in ours), path.name
    assert not actilife.recognises(Path("a.csv"), b"")
    assert not actilife.recognises(Path("a.csv"), b"\x1f\x8b damaged")
    assert actilife.recognises(Path("a.txt"), b"\xef\xbb\xbf" + export_header()[0].encode())


# Ways of writing.


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
