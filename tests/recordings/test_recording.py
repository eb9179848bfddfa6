"""What a recording promises."""

from dataclasses import FrozenInstanceError, replace
from pathlib import Path

import numpy as np
import pytest

import harken
import people
from harken.recordings.recording import gap_limit_ns
from harken.support.errors import HarkenError
from tables import recording

LABELS = ["sit"] * 4 + ["walk"] * 3 + [""] * 2 + ["sit"]


def test_arrays_refuse_to_be_written_to() -> None:
    ann = recording(LABELS)
    for array in (ann.time_ns, ann.signals, ann.label_codes, ann.valid):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0
    with pytest.raises(FrozenInstanceError):
        ann.subject = "ben"  # type: ignore[misc]


def test_no_samples() -> None:
    with pytest.raises(HarkenError, match="the recording holds no samples"):
        recording([])


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("time_ns", np.arange(10.0), "time_ns must be int64"),
        ("signals", np.zeros((9, 3), np.float32), r"signals must be float32 of shape \(10, 3\)"),
        ("signals", np.zeros((10, 3)), "signals must be float32"),
        ("signals", np.zeros((10, 2), np.float32), "signals must be float32 of shape"),
        ("label_codes", np.zeros(10, np.int64), "label_codes must be int16"),
        ("label_codes", np.full(10, 2, np.int16), r"a label code is outside -1\.\.1"),
        ("label_codes", np.full(10, -2, np.int16), r"a label code is outside -1\.\.1"),
        ("valid", np.ones(3, bool), "valid must be bool"),
        ("time_ns", np.array([0, 1, 2, 3, 4, 4, 5, 6, 7, 8]), "times must increase strictly"),
        ("time_ns", np.array([0, 1, 2, 3, 4, 3, 5, 6, 7, 8]), "times must increase strictly"),
    ],
)
def test_arrays_that_do_not_fit(field: str, value: np.ndarray, message: str) -> None:
    ann = recording(LABELS)
    arrays: dict[str, np.ndarray] = {
        "time_ns": ann.time_ns,
        "signals": ann.signals,
        "label_codes": ann.label_codes,
        "valid": ann.valid,
    }
    time_ns, signals, codes, valid = (arrays | {field: value}).values()
    with pytest.raises(ValueError, match=message):
        replace(ann, time_ns=time_ns, signals=signals, label_codes=codes, valid=valid)


def test_gaps_stretches_and_bouts() -> None:
    seconds = np.array([0, 0.02, 0.04, 2.0, 2.02, 2.04, 2.54, 3.05, 3.07, 3.09])
    ann = recording(LABELS, time_ns=(seconds * 1e9).astype(np.int64))
    assert ann.gap_rows.tolist() == [3, 7]  # half a second is no gap yet
    assert ann.stretch_ids.tolist() == [0, 0, 0, 1, 1, 1, 1, 2, 2, 2]
    assert ann.bout_edges.tolist() == [0, 3, 4, 7, 9, 10]
    assert ann.span_s == pytest.approx(3.09)
    assert ann.unlabelled_rows == 2


def test_slow_sensors_have_longer_gaps() -> None:
    assert gap_limit_ns(10**9 * np.arange(20)) == 5 * 10**9
    assert gap_limit_ns(np.array([7])) == 5 * 10**8


@pytest.mark.parametrize("rate", [12.5, 20, 25, 50, 83, 100])
def test_rate_is_samples_per_second_outside_gaps(rate: float) -> None:
    rows = np.arange(3000)
    milliseconds = (1000 * rows / rate).astype(np.int64) + 60_000 * (rows // 1000)
    ann = recording(["sit"] * 3000, time_ns=milliseconds * 10**6)
    assert ann.sample_rate_hz == pytest.approx(rate, abs=0.05)


@pytest.mark.parametrize(("rate", "warned"), [(3.0, True), (4.5, True), (5.5, False), (100.0, False)])
def test_a_recording_with_few_samples_per_second_has_a_warning(rate: float, warned: bool) -> None:
    found = recording([""] * 200, time_ns=np.arange(200) * round(1e9 / rate)).warnings
    assert [f"{rate:.3g} samples per second" in sentence for sentence in found] == [True] * warned


def test_select_channels() -> None:
    ann = recording(LABELS)
    assert ann.select_channels(("x", "y", "z")) is ann
    np.testing.assert_array_equal(ann.select_channels(("z", "x")).signals, ann.signals[:, [2, 0]])
    with pytest.raises(HarkenError, match="ann has no channel gyro; it has x, y, z"):
        ann.select_channels(("x", "gyro"))


def test_fingerprint_is_of_the_content_and_not_of_the_name() -> None:
    ann = recording(LABELS)
    assert recording(LABELS, subject="ben").fingerprint == ann.fingerprint
    assert recording([*LABELS[:-1], "walk"]).fingerprint != ann.fingerprint
    assert replace(ann, time_ns=ann.time_ns + 1).fingerprint != ann.fingerprint
    assert replace(ann, signals=ann.signals + np.float32(1)).fingerprint != ann.fingerprint
    assert replace(ann, label_names=("sit", "run")).fingerprint != ann.fingerprint


def test_shows_itself_in_a_line(tmp_path: Path) -> None:
    recording = harken.read(people.write_person(tmp_path / "ann.csv", 1)).select_channels(("x", "y", "z"))
    assert repr(recording) == "<Recording of ann: 3,000 samples of x, y, z at 25 Hz; lying, sitting, walking>"
    windows = harken.sliding_windows(recording, length_s=2, hop_s=1)
    assert repr(windows[:7]) == "<Windows: 7 of 50 samples of x, y, z at 25 Hz, of 1 person; lying, sitting, walking>"
    assert repr(harken.Recogniser("notebook")) == "<Recogniser notebook: not fitted>"
