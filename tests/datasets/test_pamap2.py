"""PAMAP2 from files made here after its readme: 54 columns, the hand's from the fourth on."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from harken import HarkenError, sliding_windows
from harken.datasets.info import clock_of
from harken.datasets.pamap2 import CHANNELS, OPTIONAL, read_pamap2

G = 9.80665
HAND = slice(3, 20)


def rows(activities: list[int], *, each: int = 300, start_s: float = 8.38, seed: int = 0) -> NDArray[np.float64]:
    """``each`` rows of every activity, 100 a second; each value says which column it is in, gravity on z."""
    n = each * len(activities)
    table = np.tile(np.arange(1, 55, dtype=np.float64), (n, 1))
    table[:, 0] = np.round(start_s + np.arange(n) / 100, 2)
    table[:, 1] = np.repeat(activities, each)
    table[:, 2] = np.where(np.arange(n) % 11 == 0, 100.0, np.nan)  # the heart rate comes at 9 Hz
    noise = np.random.default_rng(seed).normal(scale=0.05, size=(n, 3))
    table[:, 4:7] = np.round(np.array([1.0, -2.0, G]) + noise, 5)
    table[:, 10:13] = np.round(np.array([0.1, -0.2, 0.3]) + noise, 6)
    return table


def written(path: Path, table: NDArray[np.float64]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [" ".join(f"{value:g}" if np.isfinite(value) else "NaN" for value in row[2:]) for row in table]
    heads = [f"{time:.2f} {int(activity)}" for time, activity in table[:, :2]]
    path.write_text("".join(f"{head} {line}\n" for head, line in zip(heads, lines, strict=True)))
    return path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """101 in both sessions, 109 in the protocol alone."""
    written(tmp_path / "PAMAP2_Dataset/Protocol/subject101.dat", rows([0, 1, 0, 12, 24]))
    written(tmp_path / "PAMAP2_Dataset/Optional/subject101.dat", rows([11, 9], start_s=5.0, seed=1))
    written(tmp_path / "PAMAP2_Dataset/Protocol/subject109.dat", rows([24], seed=2))
    (tmp_path / "PAMAP2_Dataset/subjectInformation.pdf").write_bytes(b"%PDF")
    return tmp_path


def test_a_recording_is_a_person_with_both_sessions(root: Path) -> None:
    both, one = read_pamap2(root)
    assert (both.subject, one.subject) == ("pamap2_101", "pamap2_109")
    assert (len(both), len(one)) == (7 * 300, 300)
    assert both.channels == CHANNELS
    assert both.label_names == ("ascending stairs", "car driving", "lying", "rope jumping", "watching TV")
    assert {clock_of("pamap2"), OPTIONAL} <= set(both.quality.notes)
    assert OPTIONAL not in one.quality.notes


def test_the_right_columns_in_the_right_units(root: Path) -> None:
    (_, recording) = read_pamap2(root)
    table = rows([24], seed=2)
    assert np.allclose(recording.signals[:, :3], table[:, 4:7] / G, atol=1e-5)
    assert np.allclose(recording.signals[:, 3:], table[:, 10:13], atol=1e-5)
    assert recording.quality.acceleration_unit == "m/s2"
    assert recording.quality.sensor_range_g == 16.0
    assert recording.sample_rate_hz == pytest.approx(100.0)


def test_activities_by_name_and_the_way_between_them_by_none(root: Path) -> None:
    both = read_pamap2(root)[0]
    starts = both.bout_edges[:-1]
    names = [both.label_names[code] if code >= 0 else None for code in both.label_codes[starts]]
    assert names == [None, "lying", None, "ascending stairs", "rope jumping", "car driving", "watching TV"]
    assert both.unlabelled_rows == 600


def test_no_window_spans_the_two_sessions(tmp_path: Path) -> None:
    for session, value in (("Protocol", 1.0), ("Optional", 9.0)):
        table = rows([4])
        table[:, 4] = value
        written(tmp_path / session / "subject102.dat", table)
    (recording,) = read_pamap2(tmp_path)
    assert recording.gap_rows.tolist() == [300]
    windows = sliding_windows(recording, length_s=1.0, hop_s=0.1)
    assert (windows.signals[:, :, 0] == windows.signals[:, :1, 0]).all()


def test_a_lost_packet_is_marked_and_nothing_is_made_up(root: Path) -> None:
    table = rows([24], seed=2)
    table[100:120, HAND] = np.nan  # the hand's sensor lost
    table[200:210, 20:37] = np.nan  # the chest's: no matter
    written(root / "PAMAP2_Dataset/Protocol/subject109.dat", table)
    recording = read_pamap2(root)[1]
    assert recording.quality.missing == 20
    assert np.flatnonzero(~recording.valid).tolist() == list(range(100, 120))
    assert np.isnan(recording.signals[100:120]).all()


def test_a_row_cut_short_is_missing_too(root: Path) -> None:
    path = root / "PAMAP2_Dataset/Protocol/subject109.dat"
    lines = path.read_text().splitlines()
    lines[-1] = " ".join(lines[-1].split()[:6])
    path.write_text("\n".join(lines))
    assert read_pamap2(root)[1].quality.missing == 1


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("8.38 24 ", "NaN 24 ", "line 1: the first number must be a time"),
        ("8.40 24 ", "8.40 8 ", "line 3: .* an activity among 0, 1, 2"),
        ("8.40 24 ", "8.40 2.5 ", "line 3: .* an activity"),
        ("8.38 24 ", "8.38 24 7 ", "54 numbers .*; the first row has 55"),
        ("8.40 24 ", "8.40 walk ", "54 numbers"),
        ("8.40 24 ", "8.40 24 7 ", "54 numbers"),
    ],
)
def test_a_damaged_file_is_named(root: Path, old: str, new: str, reason: str) -> None:
    path = root / "PAMAP2_Dataset/Protocol/subject109.dat"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(HarkenError, match=f"subject109.dat.*{reason}"):
        read_pamap2(root)


def test_an_empty_file(root: Path) -> None:
    (root / "PAMAP2_Dataset/Protocol/subject109.dat").write_text("")
    with pytest.raises(HarkenError, match="the first row has 0"):
        read_pamap2(root)


def test_a_folder_whose_files_have_other_names(tmp_path: Path) -> None:
    written(tmp_path / "Protocol/subject_one.dat", rows([1]))
    with pytest.raises(HarkenError, match="not the data set pamap2"):
        read_pamap2(tmp_path)
