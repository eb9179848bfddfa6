"""The GT3X+ of old firmware, whose log is samples without packets."""

from pathlib import Path

import numpy as np
from harken.readers.actigraph import gt3x
from numpy.typing import NDArray

from actigraph_files import ACTIVITY, RATE, neo, packed, steps, write_gt3x
from harken.readers.gt3x_log import RepeatedValues
from harken.recordings.mending import mend
from reader_checks import as_found, collected, notes, refusals

read = as_found(collected(gt3x))
refusal = refusals(read)


def test_old_log(tmp_path: Path) -> None:
    values = steps(4 * RATE)
    values[40 : 40 + 35] = values[40]
    path = write_gt3x(tmp_path, packed(ACTIVITY, values), neo(), log_name="activity.bin")
    recording = mend(read(path))
    np.testing.assert_array_equal(recording.signals, values / np.float32(341))
    assert np.flatnonzero(~recording.valid).tolist() == list(range(45, 75))
    assert "1 s contain only repeated values" in notes(recording)
    assert recording.quality.sensor_range_g == 6


def test_old_log_in_several_pieces(tmp_path: Path) -> None:
    values = np.tile(steps(3_000), (400, 1))
    data = packed(ACTIVITY, values[:3_000]) * 400
    recording = read(write_gt3x(tmp_path, data, neo(), log_name="activity.bin"))
    np.testing.assert_array_equal(recording.signals, values / np.float32(341))


def test_old_log_that_does_not_say_enough(tmp_path: Path) -> None:
    data = packed(ACTIVITY, steps(60))
    assert "its info.txt has no rate" in refusal(
        write_gt3x(tmp_path, data, neo(Sample_Rate="?"), log_name="activity.bin")
    )
    assert "its info.txt has no start" in refusal(
        write_gt3x(tmp_path, data, neo(Start_Date=0), log_name="activity.bin")
    )
    assert "serial number is 'XYZ'" in refusal(
        write_gt3x(tmp_path, data, neo(Serial_Number="XYZ"), log_name="activity.bin")
    )
    assert "no acceleration" in refusal(write_gt3x(tmp_path, b"\0\0\0", neo(), log_name="activity.bin"))


def test_repeated_values() -> None:
    values = np.arange(60, dtype=np.int16).reshape(20, 3) + 1
    values[3:9], values[10:15] = values[3], 0
    assert repeated_stretches(values, 5) == [(4, 9), (10, 15)]
    assert repeated_stretches(values, 4) == [(5, 9), (11, 15)]
    assert repeated_stretches(values, 6) == []
    assert repeated_stretches(values[:1], 5) == []


def repeated_stretches(values: NDArray[np.int16], rate_hz: float) -> list[tuple[int, int]]:
    repeats = RepeatedValues(rate_hz)
    repeats.push(values)
    return repeats.finish()
