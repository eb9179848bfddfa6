"""The public data sets that are tidy tables: the real tables, and selfBACK's published layout beside its table."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.studies.data_sets import find_study
from harken.annotations.labelled_files import read_people
from harken.datasets.common_activities import convert_to_common
from harken.datasets.info import DatasetInfo
from harken.datasets.tidy import read_selfback
from harken.readers.options import TableOptions
from harken.readers.units import AXES_REVERSED
from harken.recordings.recording import Placement, Recording
from harken.signals.movement import movement_of
from harken.support.errors import HarkenError

pytestmark = pytest.mark.second_stage


@pytest.fixture(scope="module")
def wrists(data_dir: Path) -> list[Recording]:
    """Everybody's wrist of selfBACK."""
    return read_selfback(data_dir / "selfback")


@pytest.mark.parametrize(
    ("name", "people", "wearings", "rows", "range_g", "stuck"),
    [
        ("selfback", 34, 34, 4_969_634, 8, 0),
        ("stress_predict", 35, 35, 3_713_928, 2, 0),
        ("hawthorne", 10, 10, 113_624, 8, 0),
        ("wearable_exercise", 17, 3 * 17, 2_181_024, 2, 2_057),
        ("exam_stress", 10, 17, 2_545_926, 2, 0),
        ("lmu_harlab", 11, 11, 500_250, 8, 0),
        ("pebble_steps", None, 235, 596_962, 4, 0),
    ],
)
def test_everybody_is_read(
    data_dir: Path, name: str, people: int | None, wearings: int, rows: int, range_g: int, stuck: int
) -> None:
    recordings = find_study(name).read(data_dir / name)
    info: DatasetInfo = find_study(name).info
    subjects = {r.subject for r in recordings}
    assert info.people == people
    assert len(subjects) == (people or 26)
    assert len({r.source for r in recordings}) == len(recordings) == wearings
    assert all(subject.startswith(f"{name}_") for subject in subjects)
    assert sum(len(r) for r in recordings) == rows
    assert sum(int((~r.valid).sum()) for r in recordings) == stuck
    assert max(r.quality.sensor_range_g or 0 for r in recordings) == range_g
    assert {label for r in recordings for label in r.label_names} == set(info.labels)
    for r in recordings:
        assert r.channels == ("x", "y", "z")
        assert r.quality.placement is Placement.WRIST
        assert r.sample_rate_hz == pytest.approx(info.sample_rate_hz, rel=0.02)
        assert set(convert_to_common(r, info).label_names) == {info.label_map[label] for label in r.label_names}


def test_a_watch_that_was_turned_between_two_wearings_has_two_recordings(data_dir: Path) -> None:
    exams = {r.source.split(", ")[-1]: r for r in find_study("exam_stress").read(data_dir / "exam_stress")}
    first, second = (exams[f"S07 Midterm{number}"].signals[:, 0].mean() for number in (1, 2))
    assert first > 0.4
    assert second < -0.5
    for name, subject in (("wearable_exercise", "S01"), ("pebble_steps", "day_2015-10-02")):
        theirs = [r for r in find_study(name).read(data_dir / name) if r.subject == f"{name}_{subject}"]
        means = [float(r.signals[:, 0].mean()) for r in theirs]
        assert min(means) < -0.7 < 0.7 < max(means)


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


def test_what_is_wrong_is_named(data_dir: Path, tmp_path: Path) -> None:
    with pytest.raises(HarkenError, match=r"hawthorne\.parquet"):
        find_study("hawthorne").read(tmp_path)
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


@pytest.mark.parametrize("name", ["hawthorne", "pebble_steps"])
def test_the_reversed_gravity_of_a_study_is_put_right(data_dir: Path, name: str) -> None:
    recordings = find_study(name).read(data_dir / name)
    calm_z = [blocks.mean[blocks.standard_deviation.max(axis=1) < 0.15, 2] for blocks in map(movement_of, recordings)]
    medians = np.array([np.median(z) for z in calm_z if len(z)])
    assert len(medians) >= 6
    assert np.mean(medians > 0) > 0.7
    assert all(AXES_REVERSED in recording.quality.notes for recording in recordings)


def test_the_stated_sign_of_gravity_turns_a_table_of_several_people(data_dir: Path) -> None:
    path = data_dir / "hawthorne" / "hawthorne.parquet"
    as_published, reversed_axes = (
        read_people(path, TableOptions(label_column="label_orig", gravity_sign=sign)) for sign in (None, "negative")
    )
    np.testing.assert_array_equal(reversed_axes[0].signals, -as_published[0].signals)
