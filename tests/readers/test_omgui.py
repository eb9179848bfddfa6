"""OMGUI's CSV export: two real ones, each beside the watch's own file, and made ones."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exports import head
from harken.readers.omgui import OMGUI
from harken.readers.options import TableOptions
from reader_checks import collected
from tables import acceleration, write

START_NS = 1_551_178_506 * 10**9  # 26 February 2019, 10:55:06 on the watch's clock

Form = Callable[[int], str]


def unix(time_ns: int) -> str:
    return f"{time_ns // 10**9}.{time_ns % 10**9 // 10**5:04}"


def text(time_ns: int) -> str:
    return (
        datetime.fromtimestamp(time_ns // 10**9, UTC).strftime("%Y-%m-%d %H:%M:%S") + f".{time_ns % 10**9 // 10**6:03}"
    )


def lines(times: list[str], *columns: np.ndarray) -> list[str]:
    rows = np.hstack(columns)
    return [",".join([time, *(f"{value:.6f}" for value in row)]) for time, row in zip(times, rows, strict=True)]


def made(rows: int = 200, *, form: Form = unix, start_ns: int = START_NS) -> list[str]:
    return lines([form(start_ns + 10_000_000 * row) for row in range(rows)], acceleration(rows))


collect = collected(OMGUI)


@pytest.mark.parametrize(
    ("name", "own", "rows"),
    [
        ("ggir_ax3_testfile_unix_timestamps.csv", "GGIRread_ax3_testfile.cwa", 210),
        ("ggir_ax6_testfile_formatted_timestamps.csv", "GGIRread_ax6_testfile.cwa", 210),
    ],
)
def test_real_exports_beside_the_watchs_own_files(name: str, own: str, rows: int, data_dir: Path) -> None:
    from harken.readers import axivity

    path = data_dir / "devices" / name
    assert OMGUI.recognises(path, head(path))
    exported = collect(path, TableOptions(timezone="Europe/London"))
    watch = axivity.open_source(data_dir / "devices" / own, TableOptions(timezone="Europe/London")).collect()
    assert len(exported) == rows
    assert exported.channels == watch.channels[: len(exported.channels)]
    nearest = np.abs(watch.time_ns[:, None] - exported.time_ns).argmin(axis=0)
    assert np.abs(watch.time_ns[nearest] - exported.time_ns).max() <= 1_000_000  # text has milliseconds
    channels = len(exported.channels)
    np.testing.assert_allclose(exported.signals, watch.signals[nearest, :channels], rtol=0, atol=6e-7)


@settings(max_examples=60)
@given(
    start_s=st.integers(946_684_800, 2_000_000_000),
    step=st.integers(25, 1600),
    form=st.sampled_from([unix, text]),
    axes=st.sampled_from([3, 6]),
    samples=st.lists(st.tuples(*[st.integers(-32768, 32767)] * 6), min_size=2, max_size=60),
    ending=st.sampled_from(["", ",23.45", ",117,201", ",s", ","]),
)
def test_round_trip(
    start_s: int,
    step: int,
    form: Form,
    axes: int,
    samples: list[tuple[int, ...]],
    ending: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    times = start_s * 10**9 + np.arange(len(samples)) * (step * 100_000 if form is unix else step * 1_000_000)
    scaled = np.array(samples)[:, :axes] / np.array([4096.0] * 3 + [16.384] * 3)[:axes]
    content = [line + ending for line in lines([form(int(time)) for time in times], scaled)]
    path = write(tmp_path_factory.getbasetemp(), content, "round_trip.csv")
    assert OMGUI.recognises(path, head(path))
    recording = collect(path, TableOptions())
    np.testing.assert_array_equal(recording.time_ns, times)
    np.testing.assert_allclose(recording.signals[:, :3], scaled[:, :3], rtol=1e-6, atol=6e-7)
    if axes == 6:
        assert recording.channels[3:6] == ("gyro_x", "gyro_y", "gyro_z")
        np.testing.assert_allclose(recording.signals[:, 3:6], np.radians(scaled[:, 3:]), rtol=1e-6, atol=2e-8)
    temperature = ("temperature",) if ending == ",23.45" else ()
    assert recording.channels[axes:] == temperature
    if temperature:
        np.testing.assert_allclose(recording.signals[:, -1], 23.45)
