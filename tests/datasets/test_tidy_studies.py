"""selfBACK, Stress-Predict and Hawthorne: the real tables, and selfBACK's published layout beside its table."""

from pathlib import Path

import numpy as np
import pytest

from harken.datasets.info import DatasetInfo
from harken.datasets.label_schemes import to_common
from harken.datasets.registry import DATASETS
from harken.datasets.tidy import HAWTHORNE, STRESS_PREDICT, read_selfback, read_study
from harken.recordings.recording import Placement, Recording
from harken.support.errors import HarkenError


@pytest.fixture(scope="module")
def wrists(data_dir: Path) -> list[Recording]:
    """Everybody's wrist of selfBACK."""
    return read_selfback(data_dir / "selfback")


def mean_g(recording: Recording, label: str) -> np.ndarray:
    """The mean acceleration of one label, ``[3]``."""
    mean: np.ndarray = recording.signals[recording.label_codes == recording.label_names.index(label)].mean(axis=0)
    return mean


@pytest.mark.parametrize(
    ("name", "people", "rows", "range_g"),
    [("selfback", 34, 4_969_634, 8), ("stress_predict", 35, 3_713_928, 2), ("hawthorne", 10, 113_624, 8)],
)
def test_everybody_is_read(data_dir: Path, name: str, people: int, rows: int, range_g: int) -> None:
    recordings = DATASETS[name].read(data_dir / name)
    info: DatasetInfo = DATASETS[name].info
    assert len({r.subject for r in recordings}) == len(recordings) == info.people == people
    assert all(r.subject.startswith(f"{name}_S") for r in recordings)
    assert sum(len(r) for r in recordings) == rows
    for r in recordings:
        assert r.valid.all()
        assert r.channels == ("x", "y", "z")
        assert r.quality.placement is Placement.WRIST
        assert r.quality.sensor_range_g == range_g
        assert r.sample_rate_hz == pytest.approx(info.sample_rate_hz, rel=0.02)
        assert set(to_common(r, info).label_names) == {info.label_map[label] for label in r.label_names}


def test_the_axis_along_the_forearm(data_dir: Path, wrists: list[Recording]) -> None:
    """Where people walk, the arm hangs: gravity lies along the forearm. At a desk it lies across it."""
    walks = np.array([mean_g(recording, "walk_mod") for recording in wrists])
    assert (np.abs(walks).argmax(axis=1) == 1).sum() >= 33
    assert (walks[:, 1] < 0).all()
    for recording in read_study(HAWTHORNE, data_dir / "hawthorne"):
        assert np.abs(mean_g(recording, "walking")).argmax() == 0
    desks = np.array(
        [np.abs(mean_g(r, "stroop test")) for r in read_study(STRESS_PREDICT, data_dir / "stress_predict")]
    )
    assert (desks.argmin(axis=1) == 1).sum() >= 28
    assert desks.mean(axis=0)[1] < 0.2 < desks.mean(axis=0).min(initial=1, where=[True, False, True])


def test_selfbacks_published_layout_and_the_table_give_the_same_recordings(
    data_dir: Path, wrists: list[Recording], tmp_path: Path
) -> None:
    tables = {r.subject: r for r in wrists}
    (tmp_path / "repository" / "9_class").mkdir(parents=True)
    for here, there in (("wrist34", "w"), ("thigh34", "t")):
        (tmp_path / "repository" / "9_class" / here).symlink_to(data_dir / "selfback" / "raw_published" / there)
    for folder in (data_dir / "selfback" / "raw_published", tmp_path / "repository", tmp_path):
        (published,) = read_selfback(folder)
        tidy = tables[published.subject]
        assert published.fingerprint == tidy.fingerprint
        assert published.quality == tidy.quality
        np.testing.assert_array_equal(published.signals, tidy.signals)
        np.testing.assert_array_equal(published.label_codes, tidy.label_codes)


def test_selfbacks_wrist_and_thigh_were_worn_at_the_same_time(data_dir: Path, wrists: list[Recording]) -> None:
    thigh = read_selfback(data_dir / "selfback", placement=Placement.THIGH)
    assert [r.subject for r in wrists] == [r.subject for r in thigh]
    assert {r.quality.placement for r in thigh} == {Placement.THIGH}
    for one, other in zip(wrists, thigh, strict=True):
        assert abs(int(one.time_ns[0] - other.time_ns[0])) < 5e9
        assert mean_g(other, "standing")[0] < -0.7  # gravity lies along the thigh


def test_what_is_wrong_is_named(data_dir: Path, tmp_path: Path) -> None:
    with pytest.raises(HarkenError, match=r"found neither selfback_wrist\.parquet nor w/lying/026\.csv"):
        read_selfback(tmp_path)
    with pytest.raises(HarkenError, match=r"hawthorne\.parquet"):
        read_study(HAWTHORNE, tmp_path)
    (tmp_path / "w" / "lying").mkdir(parents=True)
    bad = tmp_path / "w" / "lying" / "026.csv"
    bad.write_text("time,x,y\n2016-04-22 14:05:45.447,1,2\n")
    with pytest.raises(HarkenError, match=r"026\.csv: is not a table of time, x, y and z"):
        read_selfback(tmp_path)
    bad.write_text("time,x,y,z\nyesterday,1,2,3\n")
    with pytest.raises(HarkenError, match=r"026\.csv: is not a table of time, x, y and z"):
        read_selfback(tmp_path)
    (tmp_path / "w" / "lying").rename(tmp_path / "w" / "flying")
    with pytest.raises(HarkenError, match="flying is not an activity of the set"):
        read_selfback(tmp_path)
