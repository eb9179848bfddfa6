"""Daily and Sports Activities: the published layout and the tidy table, one against the other."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from harken.datasets.dsads import ACTIVITIES, INFO, read_dsads
from harken.recordings.recording import STANDARD_GRAVITY
from harken.support.errors import HarkenError
from harken.windows.windows import sliding_windows


def write_segment(folder: Path, activity: int, person: str, segment: int, *, rows: int = 125) -> Path:
    """A file in which every column holds its number (from 0), plus a thousandth for each row, and the segment."""
    path = folder / "data" / f"a{activity:02d}" / person / f"s{segment:02d}.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    values = np.arange(45) + np.arange(rows)[:, None] / 1000 + 100 * segment
    path.write_text("".join(",".join(f"{value:.3f}" for value in row) + "\n" for row in values))
    return path


def test_both_arms_of_everybody_are_read_from_the_table(data_dir: Path) -> None:
    recordings = read_dsads(data_dir / "dsads")
    assert [r.subject for r in recordings] == [f"dsads_p{n}" for n in range(1, 9) for _ in range(2)]
    for right, left in zip(recordings[::2], recordings[1::2], strict=True):
        assert right.source.endswith("right arm")
        assert left.source.endswith("left arm")
        np.testing.assert_array_equal(right.time_ns, left.time_ns)
        assert right.samples_fingerprint != left.samples_fingerprint
        for r in (right, left):
            assert r.label_names == INFO.labels == tuple(sorted(ACTIVITIES))
            assert r.sample_rate_hz == 25.0
            assert r.valid.all()
            assert len(r.gap_rows) == 18
            assert np.bincount(r.label_codes).tolist() == [7500] * 19


def test_the_published_layout_and_the_table_give_the_same_recordings(data_dir: Path, tmp_path: Path) -> None:
    """On what is at hand of both: person 1's first three activities and the ninth."""
    there = ["sitting", "standing", "lying_on_back", "walking_parking_lot"]
    table = pl.read_parquet(data_dir / "dsads" / "dsads_arms.parquet")
    some = table.filter(pl.col("subject").cast(pl.String) == "p1", pl.col("label_orig").cast(pl.String).is_in(there))
    some.sample(fraction=1, shuffle=True, seed=1).write_parquet(tmp_path / "dsads_arms.parquet")
    published = read_dsads(data_dir / "dsads" / "raw_p1")
    tidy = read_dsads(tmp_path)
    assert len(published) == len(tidy) == 2
    for a, b in zip(published, tidy, strict=True):
        assert a.fingerprint == b.fingerprint
        assert (a.subject, a.label_names, len(a)) == (b.subject, b.label_names, 30_000)
        assert a.source.endswith(b.source.split(", ")[-1])
        np.testing.assert_array_equal(a.signals, b.signals)
        assert len(sliding_windows(a, length_s=10, hop_s=10)) == 4 * 30


def test_the_arms_are_the_second_and_third_unit(tmp_path: Path) -> None:
    write_segment(tmp_path, 1, "p1", 1)
    write_segment(tmp_path / "a_backup", 1, "p1", 1, rows=1)  # a copy, which is not read
    right, left = read_dsads(tmp_path)
    for r, first in ((right, 9), (left, 18)):
        expected = 100 + np.array([first, first + 1, first + 2]) + np.arange(125)[:, None] / 1000
        np.testing.assert_allclose(r.signals, expected / STANDARD_GRAVITY, rtol=1e-6)
    assert right.quality.acceleration_unit == "m/s2"


def test_a_segment_that_is_not_there_leaves_a_gap(tmp_path: Path) -> None:
    for segment in (1, 2, 4):
        write_segment(tmp_path, 9, "p3", segment)
    right, _ = read_dsads(tmp_path / "data")
    assert right.subject == "dsads_p3"
    assert right.label_names == ("walking_parking_lot",)
    assert right.gap_rows.tolist() == [250]
    assert (right.time_ns[250] - right.time_ns[249]) == 5 * 10**9 + 40_000_000
    assert right.time_ns[125] - right.time_ns[124] == 40_000_000


def test_activities_are_apart_and_keep_their_place_when_others_are_missing(tmp_path: Path) -> None:
    write_segment(tmp_path, 3, "p1", 1)
    alone = read_dsads(tmp_path)[0]
    write_segment(tmp_path, 1, "p1", 1)
    both = read_dsads(tmp_path)[0]
    np.testing.assert_array_equal(both.time_ns[125:], alone.time_ns)
    assert both.gap_rows.tolist() == [125]


@pytest.mark.parametrize("rows", [124, 126])
def test_a_segment_of_another_length_is_refused(tmp_path: Path, rows: int) -> None:
    write_segment(tmp_path, 1, "p1", 1, rows=rows)
    with pytest.raises(HarkenError, match=r"s01.txt: .*125 rows"):
        read_dsads(tmp_path)


@pytest.mark.parametrize("text", ["1,2,3\n" * 125, "a" * 100 + "\n", "", (",".join(["x"] * 45) + "\n") * 125])
def test_what_is_no_segment_is_refused(tmp_path: Path, text: str) -> None:
    write_segment(tmp_path, 1, "p1", 1).write_text(text)
    with pytest.raises(HarkenError, match=r"s01.txt: .*125 rows"):
        read_dsads(tmp_path)


def test_an_activity_beyond_the_list_is_refused(tmp_path: Path) -> None:
    write_segment(tmp_path, 20, "p1", 1)
    with pytest.raises(HarkenError, match=r"data/a01/p1/s01.txt to data/a19/p8/s60.txt"):
        read_dsads(tmp_path)


def test_another_table_of_that_name_is_refused(tmp_path: Path) -> None:
    pl.DataFrame({"x": [1.0]}).write_parquet(tmp_path / "dsads_arms.parquet")
    with pytest.raises(HarkenError, match="not the arms of dsads"):
        read_dsads(tmp_path)
