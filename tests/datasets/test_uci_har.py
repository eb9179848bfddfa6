"""UCI HAR from files made here after its readme: continuous signals are cut as it says, and must come back."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from harken import HarkenError, concatenate, sliding_windows
from harken.datasets.info import clock_of
from harken.datasets.uci_har import CHANNELS, WINDOW_LENGTH, read_uci_har

ACTIVITIES = ("WALKING", "WALKING_UPSTAIRS", "WALKING_DOWNSTAIRS", "SITTING", "STANDING", "LAYING")
FILES = tuple(f"{kind}_{axis}" for kind in ("total_acc", "body_gyro", "body_acc") for axis in "xyz")
"""In the order of ``CHANNELS``."""

Stretch = tuple[int, int, NDArray[np.float32]]
"""Person, activity, and signals ``[samples, 9]``."""


def stretch(person: int, activity: int, windows: int) -> Stretch:
    """Signals for so many windows: half a window more than halves."""
    seed = 1000 * person + 10 * activity + windows
    signals = np.random.default_rng(seed).normal(scale=0.3, size=(64 * (windows + 1), 9))
    return person, activity, signals.astype(np.float32)


def written(root: Path, part: str, stretches: list[Stretch]) -> None:
    """The published files of one part: one window a row, as the authors' numbers look."""
    windows = [
        (person, activity, signals[start : start + 128])
        for person, activity, signals in stretches
        for start in range(0, len(signals) - 127, 64)
    ]
    inertial = root / part / "Inertial Signals"
    inertial.mkdir(parents=True)
    for column, name in enumerate(FILES):
        lines = [" " + " ".join(f"{value: .8e}" for value in window[:, column]) for _, _, window in windows]
        (inertial / f"{name}_{part}.txt").write_text("\n".join(lines) + "\n")
    (root / part / f"y_{part}.txt").write_text("".join(f"{activity} \n" for _, activity, _ in windows))
    (root / part / f"subject_{part}.txt").write_text("".join(f"{person}\n" for person, _, _ in windows))


TRAIN = [stretch(1, 5, 3), stretch(1, 4, 1), stretch(1, 5, 2), stretch(1, 5, 4), stretch(3, 1, 5)]
TEST = [stretch(2, 6, 4), stretch(2, 2, 2)]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "UCI HAR Dataset"
    written(root, "train", TRAIN)
    written(root, "test", TEST)
    (root / "activity_labels.txt").write_text("".join(f"{n} {name}\n" for n, name in enumerate(ACTIVITIES, 1)))
    trash = tmp_path / "__MACOSX" / "UCI HAR Dataset"
    trash.mkdir(parents=True)
    (trash / "activity_labels.txt").write_bytes(b"\0\5\26\7")
    return tmp_path


def test_what_was_recorded_comes_back(root: Path) -> None:
    recordings = read_uci_har(root)
    assert [r.subject for r in recordings] == ["uci_har_1", "uci_har_2", "uci_har_3"]
    for recording, person in zip(recordings, (1, 2, 3), strict=True):
        theirs = [signals for who, _, signals in (*TRAIN, *TEST) if who == person]
        assert recording.channels == CHANNELS
        assert (recording.signals == np.concatenate(theirs)).all()
        assert np.diff(recording.bout_edges).tolist() == [len(signals) for signals in theirs]
        assert recording.sample_rate_hz == 50.0
        assert recording.valid.all()
        assert clock_of("uci_har") in recording.quality.notes


def test_two_stretches_of_one_activity_are_not_joined(root: Path) -> None:
    first = read_uci_har(root)[0]
    labels = [first.label_names[code] for code in first.label_codes[first.bout_edges[:-1]]]
    assert labels == ["STANDING", "SITTING", "STANDING", "STANDING"]
    assert len(first.gap_rows) == 3


def test_equal_halves_of_two_activities_are_not_joined(tmp_path: Path) -> None:
    """Not even where the samples would allow it: the bout of one would run into the other's."""
    person, _, signals = stretch(1, 5, 3)
    root = tmp_path / "set"
    written(root, "train", [(person, 5, signals)])
    written(root, "test", TEST)
    (root / "train/y_train.txt").write_text("5\n5\n4\n")
    (root / "activity_labels.txt").write_text("".join(f"{n} {name}\n" for n, name in enumerate(ACTIVITIES, 1)))
    recording = read_uci_har(root)[0]
    assert np.diff(recording.bout_edges).tolist() == [192, 128]
    assert len(recording.gap_rows) == 1


def test_one_differing_value_in_a_half_starts_anew(root: Path) -> None:
    path = root / "UCI HAR Dataset/train/Inertial Signals/body_gyro_z_train.txt"
    lines = path.read_text().splitlines()
    values = lines[1].split()
    values[5] = "9.0"
    lines[1] = " ".join(values)
    path.write_text("\n".join(lines))
    first = read_uci_har(root)[0]
    assert np.diff(first.bout_edges).tolist()[:2] == [128, 192], "the first two of three windows are parted"


def test_windows_of_256_hundredths_are_the_published_ones(root: Path) -> None:
    made = concatenate([sliding_windows(r, length_s=2.56, hop_s=1.28) for r in read_uci_har(root)])
    ordered = sorted((*TRAIN, *TEST), key=lambda stretch: stretch[0])
    published = [
        (person, activity, signals[start : start + 128])
        for person, activity, signals in ordered
        for start in range(0, len(signals) - 127, 64)
    ]
    assert made.length == WINDOW_LENGTH
    assert (made.signals == np.stack([window for _, _, window in published])).all()
    assert made.labels.tolist() == [ACTIVITIES[activity - 1] for _, activity, _ in published]
    assert made.subjects.tolist() == [f"uci_har_{person}" for person, _, _ in published]


def test_the_set_itself_or_a_folder_above(root: Path) -> None:
    below = read_uci_har(root / "UCI HAR Dataset")
    assert [r.fingerprint for r in below] == [r.fingerprint for r in read_uci_har(root)]


@pytest.mark.parametrize(
    ("file", "content", "reason"),
    [
        ("train/y_train.txt", "5\n", r"its files have \[1, 15\] rows"),
        ("train/y_train.txt", "9\n" * 15, "activities that activity_labels.txt does not name"),
        ("train/y_train.txt", "", "y_train.txt: expected rows of 1 numbers"),
        ("test/Inertial Signals/total_acc_x_test.txt", "1 2 3\n", "total_acc_x_test.txt: expected rows of 128"),
        ("test/Inertial Signals/total_acc_x_test.txt", "1 2 x\n", "total_acc_x_test.txt: .*'x'"),
        ("activity_labels.txt", "1 FLYING\n", "activity_labels.txt: expected rows of a number and one of"),
    ],
)
def test_files_that_do_not_fit(root: Path, file: str, content: str, reason: str) -> None:
    (root / "UCI HAR Dataset" / file).write_text(content)
    with pytest.raises(HarkenError, match=reason):
        read_uci_har(root)


def test_a_file_that_is_not_there(root: Path) -> None:
    (root / "UCI HAR Dataset/test/Inertial Signals/body_acc_z_test.txt").unlink()
    with pytest.raises(HarkenError, match=r"body_acc_z_test.txt: expected rows .*to get the data set: .*No such file"):
        read_uci_har(root)
