"""What a ``.gt3x`` says of its samples: their packets, gaps, scale, rate, axes and wearer, in files made up."""

from pathlib import Path

import numpy as np
import pytest
from harken.readers.actigraph import gt3x

from actigraph_files import (
    ACTIVITY,
    ACTIVITY_2,
    ACTIVITY_KINDS,
    EVENT,
    NS_PER_S,
    OFFSET_NS,
    RATE,
    START_S,
    activity,
    info,
    metadata,
    packet,
    parameters,
    steps,
    write_gt3x,
)
from harken.recordings.mending import mend
from reader_checks import as_found, collected, notes, refusals

read = as_found(collected(gt3x))
refusal = refusals(read)


@pytest.mark.parametrize("kind", ACTIVITY_KINDS)
@pytest.mark.parametrize("rate", [30, 100])
def test_both_kinds_of_packets(kind: int, rate: int, tmp_path: Path) -> None:
    values = steps(5 * rate)
    recording = read(write_gt3x(tmp_path, activity(kind, values, rate), info(Sample_Rate=rate)))
    np.testing.assert_array_equal(recording.signals, values / np.float32(256))
    expected = START_S * NS_PER_S + OFFSET_NS + np.rint(np.arange(5 * rate) * (NS_PER_S / rate)).astype(np.int64)
    np.testing.assert_array_equal(recording.time_ns, expected)
    assert (recording.channels, recording.as_found, recording.subject) == (("x", "y", "z"), True, "ann")
    assert f"ActiGraph Link TAS1H30182785, firmware 1.7.2; {rate} Hz" in notes(recording)
    assert recording.valid.all()


def test_both_kinds_and_several_lengths_in_one_file(tmp_path: Path) -> None:
    values = steps(4 * RATE + 7)
    old, new = activity(ACTIVITY, values, RATE), activity(ACTIVITY_2, values, RATE)
    recording = read(write_gt3x(tmp_path, [old[0], new[1], packet(5, START_S, b"\x01\x02"), old[2], new[3], old[4]]))
    np.testing.assert_array_equal(recording.signals, values / np.float32(256))
    assert "1 s of the recording contain fewer samples than the rate" in notes(recording)
    assert recording.time_ns[-1] - recording.time_ns[-8] == 7 * NS_PER_S // 30


def test_gaps_stay_gaps_and_are_explained(tmp_path: Path) -> None:
    values = steps(6 * RATE)
    seconds = activity(ACTIVITY_2, values, RATE, [0, 1, 12, 13, 20, 30])
    asleep, awake = packet(EVENT, START_S + 2, b"\x08"), packet(EVENT, START_S + 12, b"\x09")
    docked = packet(ACTIVITY_2, START_S + 14, b"\x5a")
    end = packet(EVENT, START_S + 31, b"\x08")
    log = [*seconds[:2], asleep, awake, *seconds[2:4], docked, *seconds[4:], end]
    recording = mend(read(write_gt3x(tmp_path, log)))
    np.testing.assert_array_equal(recording.signals, values / np.float32(256))
    assert recording.gap_rows.tolist() == [2 * RATE, 4 * RATE, 5 * RATE]
    assert "1 gap, 10 s in total: the watch was in idle sleep mode" in notes(recording)
    assert "1 gap, 6 s in total: the watch was in its dock" in notes(recording)
    assert "1 gap, 9 s in total: reason unknown." in notes(recording)
    assert "in idle sleep mode when the recording ended" in notes(recording)


def test_seconds_that_come_twice(tmp_path: Path) -> None:
    values = steps(4 * RATE)
    recording = read(write_gt3x(tmp_path, activity(ACTIVITY, values, RATE, [0, 1, 1, 2])))
    kept = np.concatenate([values[: 2 * RATE], values[3 * RATE :]])
    np.testing.assert_array_equal(recording.signals, kept / np.float32(256))
    assert "1 s have times that occur earlier in the file" in notes(recording)


SCALES = {
    "parameters before info.txt": (parameters(accel_scale=0x09400000), info(Acceleration_Scale="341"), 256),
    "info.txt": (b"", info(), 256),
    "info.txt with a decimal comma": (b"", info(Acceleration_Scale="341,0"), 341),
    "kind of device": (b"", info(Acceleration_Scale=None, Serial_Number="CLE2A14151617"), 341),
    "a parameter of zero": (parameters(accel_scale=0), info(), 256),
}


@pytest.mark.parametrize("case", SCALES)
def test_scale(case: str, tmp_path: Path) -> None:
    first, about, scale = SCALES[case]
    values = steps(2 * RATE)
    recording = read(write_gt3x(tmp_path, [first, *activity(ACTIVITY_2, values, RATE)], about))
    np.testing.assert_array_equal(recording.signals, values / np.float32(scale))
    assert ("the parameters were used" in notes(recording)) == (case == "parameters before info.txt")


def test_no_scale_is_an_error(tmp_path: Path) -> None:
    about = info(Acceleration_Scale="0", Serial_Number="XYZ1")
    assert "the file has no scale (steps of the sensor per g)" in refusal(
        write_gt3x(tmp_path, activity(ACTIVITY_2, steps(60), RATE), about)
    )


def test_the_seconds_tell_the_rate(tmp_path: Path) -> None:
    path = write_gt3x(tmp_path, activity(ACTIVITY, steps(300), 100), info(Sample_Rate=30))
    recording = mend(read(path))
    assert recording.sample_rate_hz == pytest.approx(100)
    assert "The file states 30 Hz, but its seconds contain 100 samples each" in notes(recording)
    silent = read(write_gt3x(tmp_path, activity(ACTIVITY, steps(300), 100), info(Sample_Rate=None)))
    assert "The file states" not in notes(silent)


def test_the_firmware_that_turns_its_axes(tmp_path: Path) -> None:
    values = steps(2 * RATE)
    about = info(Serial_Number="MOS2D16160581", Firmware="1.6.0")
    recording = read(write_gt3x(tmp_path, activity(ACTIVITY, values, RATE), about))
    x, y, z = values.T / np.float32(256)
    np.testing.assert_array_equal(recording.signals, np.stack([y, -x, z], axis=1))
    assert "this was corrected" in notes(recording)


def test_subject(tmp_path: Path) -> None:
    log = activity(ACTIVITY, steps(60), RATE)
    assert read(write_gt3x(tmp_path, log), subject="bob").subject == "bob"
    only_serial = info(Subject_Name="TAS1H30182785")
    assert read(write_gt3x(tmp_path, log, only_serial)).subject == "watch"
    bio = metadata(MetadataType="Bio", SubjectName="cid")
    assert read(write_gt3x(tmp_path, [bio, *log], info(Subject_Name=None))).subject == "cid"
