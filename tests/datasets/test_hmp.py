"""The wrist ADL set from files made here after its manual."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from harken import HarkenError, sliding_windows
from harken.datasets.hmp import read_hmp
from harken.datasets.info import clock_of

RATE_HZ = 32


def codes(rows: int, seed: int = 0) -> NDArray[np.int64]:
    return np.random.default_rng(seed).integers(0, 64, size=(rows, 3))


def written(root: Path, name: str, values: NDArray[np.int64], *, folder: str | None = None) -> Path:
    """One file as published: codes with two digits, lines that end as on Windows, none behind the last one."""
    label = name.split("-")[-2]
    path = root / (folder or label.capitalize()) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"\r\n".join(b" ".join(b"%02d" % code for code in row) for row in values.tolist()))
    return path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Three people, two of them with several files; and what must be passed over."""
    root = tmp_path / "HMP_Dataset"
    written(root, "Accelerometer-2011-05-30-10-00-00-walk-m2.txt", codes(400, 1))
    written(root, "Accelerometer-2011-03-24-10-24-39-climb_stairs-f1.txt", codes(320, 2))
    written(root, "Accelerometer-2011-03-24-10-25-44-walk-f1.txt", codes(350, 3))
    written(root, "Accelerometer-2011-03-23-09-00-00-walk-f1.txt", codes(330, 4))
    written(root, "Accelerometer-2012-06-07-10-46-08-pour_water-m11.txt", codes(64, 5))
    written(root, "Accelerometer-2011-03-23-09-00-00-walk-f1.txt", codes(100, 9), folder="Walk_MODEL")
    written(root, "Accelerometer-2011-03-23-09-00-00-walk-f1_1.txt", codes(100, 9), folder="MODELS/walk_sMODEL")
    written(root, "._Accelerometer-2011-03-23-09-00-00-walk-f1.txt", codes(100, 9), folder="__MACOSX/Walk")
    (root / "MANUAL.txt").write_text("Manual")
    return tmp_path


def test_a_recording_is_a_person(root: Path) -> None:
    recordings = read_hmp(root)
    assert [r.subject for r in recordings] == ["hmp_f1", "hmp_m2", "hmp_m11"]
    assert [len(r) for r in recordings] == [330 + 320 + 350, 400, 64]
    assert [r.label_names for r in recordings] == [("climb_stairs", "walk"), ("walk",), ("pour_water",)]
    assert all(
        r.channels == ("x", "y", "z") and clock_of("hmp") in r.quality.notes and not r.as_found for r in recordings
    )


def test_the_folder_above_or_the_set_itself(root: Path) -> None:
    assert [r.fingerprint for r in read_hmp(root)] == [r.fingerprint for r in read_hmp(root / "HMP_Dataset")]


def test_codes_are_decoded_as_in_the_manual(root: Path) -> None:
    recording = read_hmp(root)[1]
    assert np.allclose(recording.signals, -1.5 + codes(400, 1) / 63 * 3, atol=1e-7)
    assert recording.signals.min() == -1.5
    assert recording.signals.max() == 1.5


def test_bouts_are_files_in_the_order_of_their_times(root: Path) -> None:
    recording = read_hmp(root)[0]
    starts = recording.bout_edges[:-1]
    assert recording.time_ns[starts].astype("datetime64[ns]").astype("datetime64[s]").astype(str).tolist() == [
        "2011-03-23T09:00:00",
        "2011-03-24T10:24:39",
        "2011-03-24T10:25:44",
    ]
    assert np.diff(recording.bout_edges).tolist() == [330, 320, 350]
    assert [recording.label_names[code] for code in recording.label_codes[starts]] == ["walk", "climb_stairs", "walk"]
    assert recording.sample_rate_hz == RATE_HZ


@pytest.mark.parametrize("second", ["09-00-00", "09-00-05", "09-00-10"])
def test_no_window_spans_two_files_whatever_their_names_say(tmp_path: Path, second: str) -> None:
    """320 rows are 10 s; the second file begins with the first one, within it, or at its very end."""
    for start, value in (("09-00-00", 10), (second, 50)):
        name = f"Accelerometer-2011-03-23-{start}-walk-f1.txt".replace("f1", "f1" if value == 10 else "f1_2")
        written(tmp_path, name, np.full((320, 3), value))
    (recording,) = read_hmp(tmp_path)
    assert len(recording) == 640
    assert recording.gap_rows.tolist() == [320]
    windows = sliding_windows(recording, length_s=1.0, hop_s=0.25)
    assert (windows.signals == windows.signals[:, :1]).all()
    assert any("1 files began before" in note for note in recording.quality.notes)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "rows of 3 numbers"),
        ("1 2\n3 4\n", "rows of 3 numbers"),
        ("1 2 64\n", "three whole numbers"),
        ("1 2 -1\n", "three whole numbers"),
        ("1 2 2.5\n", "three whole numbers"),
        ("1 2 nan\n", "three whole numbers"),
        ("1 2 3\n4 5\n", "row 2"),
        ("1 2 x\n", "'x'"),
    ],
)
def test_a_damaged_file_is_named(root: Path, content: str, reason: str) -> None:
    path = root / "HMP_Dataset/Walk/Accelerometer-2011-03-23-09-00-00-walk-f1.txt"
    path.write_text(content)
    with pytest.raises(HarkenError, match=f"09-00-00-walk-f1.txt: .*{reason}"):
        read_hmp(root)


@pytest.mark.parametrize(
    "name",
    [
        "Accelerometer-2011-03-23-09-00-00-juggle-f1.txt",
        "Accelerometer-2011-03-23-walk-f1.txt",
        "Accelerometer-2011-03-23-09-00-00-walk-x1.txt",
    ],
)
def test_a_name_that_does_not_fit(tmp_path: Path, name: str) -> None:
    written(tmp_path, name, codes(3))
    with pytest.raises(HarkenError, match="the name is not Accelerometer-YEAR"):
        read_hmp(tmp_path)


def test_a_time_that_is_none(tmp_path: Path) -> None:
    written(tmp_path, "Accelerometer-2011-02-30-09-00-00-walk-f1.txt", codes(3))
    with pytest.raises(HarkenError, match="2011-02-30-09-00-00 in the name is not a time"):
        read_hmp(tmp_path)
