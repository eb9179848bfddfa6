"""ActiGraph's ``.gt3x``, real files: against ActiLife's export of the same recordings, and against other programs."""

import gzip
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from actigraph_files import NS_PER_S, OFFSET_NS, START_S
from harken.readers import gt3x
from harken.recordings.mending import mend
from reader_checks import as_found, collected, notes

read = as_found(collected(gt3x))


LINK = "readgt3x_TAS1H30182785_2019-09-17"


def actilife(path: Path) -> NDArray[np.float64]:
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as file:
        return np.loadtxt(file, delimiter=",", skiprows=11)


def test_a_link_agrees_with_actilife(data_dir: Path) -> None:
    devices = data_dir / "devices"
    recording = mend(read(devices / f"{LINK}.gt3x", timezone="America/New_York"))
    exported = actilife(devices / f"{LINK}.csv.gz")
    rows = (recording.time_ns - recording.time_ns[0]) // (NS_PER_S // 100)
    assert len(recording) == 33_000
    # ActiLife rounds to three decimals.
    np.testing.assert_allclose(recording.signals, exported[rows], atol=0.000501)
    assert recording.time_ns[0] == (START_S * NS_PER_S) + OFFSET_NS
    assert (recording.subject, recording.quality.sensor_range_g) == ("suffix_85", 8.0)
    # What is not there is what ActiLife filled: with the last value, or with zeros in the dock.
    filled = np.setdiff1d(np.arange(len(exported)), rows)
    repeated = (exported[filled] == exported[filled - 1]).all(axis=1)
    assert (repeated | (exported[filled] == 0).all(axis=1)).all()
    assert len(filled) == 2_075 * 100
    assert "in total: the watch was in idle sleep mode" in notes(recording)
    assert "1 gap, 7 s in total: the watch was in its dock." in notes(recording)


def test_a_gt3x_plus_of_old_firmware_agrees_with_actilife(data_dir: Path) -> None:
    recording = mend(read(data_dir / "devices" / "pygt3x_neo.gt3x"))
    exported = actilife(data_dir / "devices" / "pygt3x_neo.csv")
    assert recording.signals.shape == exported.shape == (18_004, 3)
    np.testing.assert_allclose(recording.signals, exported, atol=0.000501)
    start = np.datetime64("2021-12-20T11:55:00", "ns").astype(np.int64) + 6 * 3600 * NS_PER_S
    assert (recording.time_ns[0], recording.timezone) == (start, "Etc/GMT+6")
    assert recording.sample_rate_hz == pytest.approx(30)
    assert (recording.quality.sensor_range_g, recording.subject) == (6.0, "pygt3x_neo")


FILES = {
    "GGIR_actigraph_testfile": (17_640, 30, 23, "GGIR_actigraph_testfile", "Etc/GMT-2"),
    "actfast_cmi": (4_860, 60, 0, "Adam_Test", "Etc/GMT+5"),
    "labda_actigraph_13h": (810_270, 30, 492, "PULSE-PHPF-001", "Etc/GMT+5"),
    "wristpy_example_actigraph_idle_sleep_mode": (3_870, 30, 1, "Adam_Test", "Etc/GMT+6"),
}
"""Samples, rate, gaps, subject, zone."""


@pytest.mark.parametrize("name", [name for name in FILES if not name.startswith("labda")])
def test_agrees_with_actfast(name: str, data_dir: Path) -> None:
    actfast = pytest.importorskip("actfast", reason="actfast is not installed")
    path = data_dir / "devices" / f"{name}.gt3x"
    other = actfast.read(path)["timeseries"]["acceleration"]
    recording = mend(read(path))
    np.testing.assert_array_equal(recording.signals, other["acceleration"])
    assert np.unique(recording.time_ns - other["datetime"]).size <= 60  # one whole offset, and rounding to ns
    assert np.ptp(recording.time_ns - other["datetime"]) <= NS_PER_S // 1_000
