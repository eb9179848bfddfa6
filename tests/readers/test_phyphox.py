"""phyphox's tables and archives: files made as the app's source writes them, for there is no real one at hand."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from archives import zipped
from exports import head, left_of_archives, survives
from harken.readers import phyphox
from harken.readers.options import TableOptions
from harken.recordings.recording import STANDARD_GRAVITY
from harken.support.errors import HarkenError
from reader_checks import collected, mended, notes
from tables import HEADER, acceleration, notebook_lines, write

collect = collected(phyphox)

SECONDS = np.arange(200) * 0.00997
MS2 = acceleration(200) * STANDARD_GRAVITY
SLOW = np.repeat(MS2[100:101], 200, axis=0)
NO_DATE = "The times have no date; the recording is shown as if it started at the beginning of 1970."
NO_GRAVITY = "This is acceleration without gravity"
NEVER = "never run on a real file"
FORMATS = [(",", "."), ("\t", "."), (";", "."), ("\t", ","), (";", ",")]
TOTAL = tuple(f"Acceleration {axis} (m/s^2)" for axis in "xyz")
LINEAR = tuple(f"Linear Acceleration {axis} (m/s^2)" for axis in "xyz")


def number(value: float, point: str) -> str:
    """As Java's pattern 0.000000000E0."""
    mantissa, exponent = f"{value:.9e}".split("e")
    return f"{mantissa}E{int(exponent)}".replace(".", point)


def table(
    seconds: NDArray[np.floating],
    samples: NDArray[np.floating],
    names: tuple[str, ...] = TOTAL,
    *,
    separator: str = ",",
    point: str = ".",
    end: str = "\n",
) -> bytes:
    header = separator.join(f'"{name}"' for name in ("Time (s)", *names, "Absolute acceleration (m/s^2)"))
    rows = np.column_stack([seconds, samples, np.linalg.norm(samples, axis=1)])
    lines = [header, *(separator.join(number(value, point) for value in row) for row in rows)]
    return ("\n".join(lines) + end).encode()


def time_table(events: list[tuple[str, float, float]], separator: str = ",", point: str = ".") -> bytes:
    lines = [separator.join(f'"{name}"' for name in ("event", "experiment time", "system time", "system time text"))]
    for event, experiment, system in events:
        shown = f"{datetime.fromtimestamp(system, UTC):%Y-%m-%d %H:%M:%S}.000 UTC+01:00"
        cells = [f'"{event}"', number(experiment, point), f"{system:.3f}".replace(".", point), f'"{shown}"']
        lines.append(separator.join(cells))
    return "\n".join([*lines, ""]).encode()


read = mended(collect)


@settings(max_examples=60)
@given(
    form=st.sampled_from(FORMATS),
    steps=st.lists(st.floats(0.0005, 0.2), min_size=2, max_size=60),
    scale=st.floats(0.01, 150),
    seed=st.integers(0, 2**32),
    end=st.sampled_from(["\n", ""]),
    names=st.sampled_from(
        [TOTAL, ("X (m/s^2)", "Y (m/s^2)", "Z (m/s^2)"), tuple(f"Acceleration {a} (m/s²)" for a in "xyz")]
    ),
)
def test_round_trip(
    form: tuple[str, str],
    steps: list[float],
    scale: float,
    seed: int,
    end: str,
    names: tuple[str, ...],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    seconds = np.cumsum(steps)
    samples = np.random.default_rng(seed).normal(0, scale, (len(steps), 3))
    content = table(seconds, samples, names, separator=form[0], point=form[1], end=end)
    path = write(tmp_path_factory.getbasetemp(), content, "round_trip.csv")
    assert phyphox.recognises(path, head(path))
    recording = collect(path, TableOptions())
    np.testing.assert_allclose(recording.signals * STANDARD_GRAVITY, samples, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(recording.time_ns / 1e9, seconds, rtol=0, atol=6e-9)  # ten digits
    assert recording.quality.acceleration_unit == "m/s2"


def test_notes_on_a_table(tmp_path: Path) -> None:
    recording = read(write(tmp_path, table(SECONDS, MS2), "Acceleration 2024-05-01 10-00-00.csv"))
    assert recording.channels == ("x", "y", "z")
    assert recording.subject == "Acceleration 2024-05-01 10-00-00"
    assert recording.quality.time_unit == "s"
    for note in (NO_DATE, NEVER, "Acceleration is in m/s2 (at rest "):
        assert note in notes(recording)
    assert NO_GRAVITY not in notes(recording)


def test_cells_that_an_app_leaves_empty(tmp_path: Path) -> None:
    content = table(SECONDS, MS2).decode().split("\n")
    for line, empty in ((5, '""'), (6, "NaN")):
        content[line] = ",".join([content[line].split(",")[0], *[empty] * 4])
    recording = read(write(tmp_path, "\n".join(content)))
    assert np.flatnonzero(~recording.valid).tolist() == [4, 5]
    assert recording.quality.missing == 2


@pytest.mark.parametrize("names", [LINEAR, ("Lineare Beschleunigung x (m/s^2)", *LINEAR[1:])])
def test_linear_acceleration_is_read_with_a_note_on_the_lack_of_gravity(names: tuple[str, ...], tmp_path: Path) -> None:
    names = tuple(names[0].replace(" x ", f" {axis} ") for axis in "xyz")
    still = read(write(tmp_path, table(SECONDS, MS2 - SLOW, names)))
    walking = read(write(tmp_path, table(SECONDS, MS2 - SLOW + [1, 0, 0], names), "walk.csv"))  # 1 m/s² is not 1 g
    for recording in (still, walking):
        assert NO_GRAVITY in notes(recording)
        assert "Acceleration was read in m/s2, as this format defines, but this gives" in notes(recording)
        assert recording.quality.acceleration_unit == "m/s2"
    np.testing.assert_allclose(walking.signals * STANDARD_GRAVITY, MS2 - SLOW + [1, 0, 0], atol=1e-5)


START = ("START", 0.0, 1_714_550_400.123)
AGAIN = [("PAUSE", 1.0, 1_714_550_401.123), ("START", 1.0, 1_714_550_460.5), ("PAUSE", 2.0, 1_714_550_461.5)]


@pytest.mark.parametrize("form", FORMATS)
def test_an_archive_knows_the_date_and_the_pauses(form: tuple[str, str], tmp_path: Path) -> None:
    separator, point = form
    files = {
        "Raw Data.csv": table(SECONDS, MS2, separator=separator, point=point),
        "meta/device.csv": f'"property"{separator}"value"\n"version"{separator}"1.1.16"\n'.encode(),
        "meta/time.csv": time_table([START, *AGAIN], separator, point),
    }
    path = write(tmp_path, zipped(files), "monday.zip")
    assert phyphox.recognises(path, head(path))
    recording = read(path)
    offsets = np.where(SECONDS < 1, 1_714_550_400.123, 1_714_550_459.5)
    np.testing.assert_allclose(recording.time_ns / 1e9, offsets + SECONDS, rtol=0, atol=1e-6)
    assert len(recording.gap_rows) == 1
    assert (recording.subject, recording.source) == ("monday", str(path))
    assert "Read from Raw Data.csv." in notes(recording)
    assert NO_DATE not in notes(recording)
    np.testing.assert_allclose(recording.signals * STANDARD_GRAVITY, MS2, atol=1e-5)


@settings(max_examples=40)
@given(
    start_ms=st.integers(1_500_000_000_000, 1_900_000_000_000),
    runs=st.lists(st.tuples(st.integers(1, 40), st.integers(1, 600_000)), min_size=1, max_size=6),
)
def test_round_trip_of_dates(
    start_ms: int, runs: list[tuple[int, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Each run is some samples, 20 ms apart, and the pause in ms after it."""
    events: list[tuple[str, float, float]] = []
    seconds: list[float] = []
    expected: list[int] = []
    experiment_ms = 0
    for samples, pause_ms in runs:
        events.append(("START", experiment_ms / 1000, start_ms / 1000))
        seconds += [(experiment_ms + 20 * row) / 1000 for row in range(samples)]
        expected += [(start_ms + 20 * row) * 10**6 for row in range(samples)]
        experiment_ms += 20 * samples
        events.append(("PAUSE", experiment_ms / 1000, (start_ms + 20 * samples) / 1000))
        start_ms += 20 * samples + pause_ms
    signals = acceleration(len(seconds)) * STANDARD_GRAVITY
    files = {"Raw Data.csv": table(np.array(seconds), signals), "meta/time.csv": time_table(events)}
    path = write(tmp_path_factory.getbasetemp(), zipped(files), "dates.zip")
    recording = collect(path, TableOptions())
    assert np.abs(recording.time_ns - expected).max() <= 1000


DATELESS = {
    "no table of times": None,
    "no start in it": time_table([("PAUSE", 1.0, 1.0)]),
    "a start that is no number": time_table([START]).replace(b"0.000000000E0", b"soon"),
    "starts out of order": time_table([("START", 9.0, 1.7e9), ("START", 1.0, 1.7e9)]),
    "not a table": b"\x00\x01",
}


@pytest.mark.parametrize("case", DATELESS)
def test_an_archive_whose_date_is_lost(case: str, tmp_path: Path) -> None:
    times = DATELESS[case]
    meta = {} if times is None else {"meta/time.csv": times}
    recording = read(write(tmp_path, zipped({"Raw Data.csv": table(SECONDS, MS2)} | meta), "a.zip"))
    np.testing.assert_allclose(recording.time_ns / 1e9, SECONDS, atol=1e-8)
    assert NO_DATE in notes(recording)


def test_which_of_an_archives_tables(tmp_path: Path) -> None:
    short = ("X (m/s^2)", "Y (m/s^2)", "Z (m/s^2)")
    apart = {
        "Gravity.csv": table(SECONDS + 0.003, SLOW, TOTAL),  # as Android names them
        "Linear Accelerometer.csv": table(SECONDS, MS2 - SLOW, short),
        "Gyroscope.csv": table(SECONDS, MS2, tuple(f"{axis} (rad/s)" for axis in "XYZ")),
    }
    summed = read(write(tmp_path, zipped(apart), "apart.zip"))
    np.testing.assert_allclose(summed.signals * STANDARD_GRAVITY, MS2, atol=1e-5)
    assert "Read from Linear Accelerometer.csv." in notes(summed)
    assert NO_GRAVITY not in notes(summed)
    whole = read(write(tmp_path, zipped(apart | {"Accelerometer.csv": table(SECONDS, 1.01 * MS2, short)}), "all.zip"))
    np.testing.assert_allclose(whole.signals * STANDARD_GRAVITY, 1.01 * MS2, atol=1e-5)
    assert "Read from Accelerometer.csv." in notes(whole)
    alone = write(tmp_path, zipped({"Gravity.csv": apart["Gravity.csv"]}), "gravity.zip")
    with pytest.raises(HarkenError, match=r"not a phyphox export of an acceleration in m/s\^2 along x, y and z"):
        collect(alone, TableOptions())


def test_what_it_is_not(tmp_path: Path) -> None:
    for content in (
        "\n".join([HEADER, *notebook_lines()]),
        '"Time (s)","Illuminance (lx)"\n0,1\n',
        zipped({"a.csv": b"a,b\n1,2\n"}),
    ):
        path = write(tmp_path, content, "other.csv")
        assert not phyphox.recognises(path, head(path))
        with pytest.raises(HarkenError, match="not a phyphox export"):
            collect(path, TableOptions())


@pytest.mark.parametrize("form", [FORMATS[0], FORMATS[-1]])
def test_mutilated(form: tuple[str, str], tmp_path: Path) -> None:
    content = table(SECONDS[:40], MS2[:40], separator=form[0], point=form[1])
    survives(content, tmp_path / "ann.csv", phyphox.recognises, collect)


def test_a_mutilated_archive_is_refused_or_whole(tmp_path: Path) -> None:
    content = zipped({"Raw Data.csv": table(SECONDS[:60], MS2[:60]), "meta/time.csv": time_table([START])})
    path = write(tmp_path, content, "ann.zip")
    whole = read(path)
    for found in left_of_archives(content, path, phyphox.recognises, collect):
        np.testing.assert_array_equal(found.signals, whole.signals)
        assert NO_DATE in notes(found) or (found.time_ns == whole.time_ns).all()
