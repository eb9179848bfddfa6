"""Real files, read as their owners would."""

from pathlib import Path

import pytest

import harken


@pytest.mark.parametrize(("name", "unlabelled"), [("merged_ab.csv", 0), ("merged_ef.csv", 1050)])
def test_files_in_the_notebooks_format(name: str, unlabelled: int, data_dir: Path) -> None:
    recording = harken.read(data_dir / "notebook_format" / name)
    assert (len(recording), recording.unlabelled_rows) == (105_000, unlabelled)
    assert recording.label_names == ("laying_down", "sitting", "standing", "walking")
    assert recording.sample_rate_hz == pytest.approx(25)
    assert len(recording.gap_rows) == 13
    assert recording.quality.dropped == {}


def test_wisdm_with_and_without_options(data_dir: Path) -> None:
    path = data_dir / "wisdm" / "raw" / "watch" / "accel" / "data_1600_accel_watch.txt"
    recording = harken.read(
        path, subject_column="1", label_column="2", time_column="3", x_column="4", y_column="5", z_column="6"
    )
    assert recording.subject == "1600"
    assert len(recording.label_names) == 18
    assert recording.sample_rate_hz == pytest.approx(20, abs=0.5)
    assert recording.quality.acceleration_unit == "m/s2"
    assert harken.read(path).fingerprint == recording.fingerprint
    assert harken.read(path).subject == "1600"


def test_device_exports_through_options(data_dir: Path) -> None:
    devices = data_dir / "devices"
    omgui = harken.read(devices / "ggir_ax3_testfile_unix_timestamps.csv")
    assert omgui.sample_rate_hz == pytest.approx(100, abs=2)
    assert omgui.quality.time_unit == "s"
    assert omgui.quality.acceleration_unit == "g"
    actilife = harken.read(devices / "pygt3x_neo.csv", skip_rows=10, sample_rate_hz=30)
    assert actilife.sample_rate_hz == pytest.approx(30)
    assert actilife.signals.shape[1] == 3
