"""WISDM: the published files, and files of the same kind that are worse."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from harken.datasets.wisdm import INFO, read_wisdm, read_wisdm_rows
from harken.readers.layout import WISDM_CODES
from harken.recordings.recording import STANDARD_GRAVITY, UNLABELLED, Recording
from harken.recordings.sessions import PAUSE_NS, offsets_in_turn
from harken.support.errors import HarkenError
from harken.windows.windows import sliding_windows

MS = 10**6
STEP = 50 * MS
MISSING = {("wisdm_1616", "jogging"), ("wisdm_1618", "catch"), ("wisdm_1642", "stairs"), ("wisdm_1642", "typing")}


@dataclass
class Piece:
    """An activity to be written; ``at`` are its times in ns, and its x is ``mark`` in m/s²."""

    code: str
    at: NDArray[np.int64]
    mark: float = 1.0


def steady(start_ns: int, rows: int, step_ns: int = STEP) -> NDArray[np.int64]:
    return start_ns + step_ns * np.arange(rows)


def write(folder: Path, pieces: list[Piece], *, subject: int = 1600) -> Path:
    """A file of the published form; y rises from row to row, so that no two rows are alike."""
    accel = folder / "raw" / "watch" / "accel"
    accel.mkdir(parents=True, exist_ok=True)
    times = [(piece.code, time, piece.mark) for piece in pieces for time in piece.at.tolist()]
    lines = [f"{subject},{code},{time},{mark},{row / 1000},9.5;\n" for row, (code, time, mark) in enumerate(times)]
    (accel / f"data_{subject}_accel_watch.txt").write_text("".join(lines))
    return folder


def only(folder: Path) -> Recording:
    (recording,) = read_wisdm(folder)
    return recording


# The real files


@pytest.fixture
def real(data_dir: Path) -> list[Recording]:
    return everybody(data_dir / "wisdm")


@cache
def everybody(folder: Path) -> list[Recording]:
    return read_wisdm(folder)


def test_everybody_at_hand_is_read_at_20_hz(real: list[Recording]) -> None:
    assert len({r.subject for r in real}) == len(real) == 46
    assert [r.subject for r in real] == sorted(r.subject for r in real)
    assert all(19.9 < r.sample_rate_hz < 20.05 for r in real)
    assert {(r.subject, label) for r in real for label in set(INFO.labels) - set(r.label_names)} == MISSING


def test_every_row_of_the_files_is_a_sample_or_counted(real: list[Recording]) -> None:
    for r in real:
        assert len(r) + sum(r.quality.dropped.values()) == r.quality.rows
        assert r.valid.all()
    assert sum(r.quality.rows for r in real) == 3_021_961
    bursts = {r.subject: r.quality.dropped.get("faster than 20 Hz", 0) for r in real}
    assert sum(count > 0 for count in bursts.values()) == 21
    assert sum(bursts.values()) / 3_021_961 < 0.02


def test_samples_are_those_of_the_file_in_g_with_its_labels(real: list[Recording], data_dir: Path) -> None:
    """Read again without harken, and compared by time."""
    r = next(r for r in real if r.subject == "wisdm_1608")
    text = (data_dir / "wisdm/raw/watch/accel/data_1608_accel_watch.txt").read_text()
    written = {}
    for line in text.split():
        _, code, time, *axes = line.strip(";").split(",")
        written[int(time)] = WISDM_CODES[code], np.float32(np.array(axes, dtype=np.float64) / STANDARD_GRAVITY)
    assert len(written) == r.quality.rows
    names = np.array(r.label_names)[r.label_codes]
    assert [written[time][0] for time in r.time_ns.tolist()] == names.tolist()
    np.testing.assert_array_equal(np.array([written[time][1] for time in r.time_ns.tolist()]), r.signals)


def test_the_raw_rows_are_in_the_order_of_the_file(data_dir: Path) -> None:
    rows = read_wisdm_rows(data_dir / "wisdm")
    assert len(rows) == 3_021_961
    assert rows["subject"].n_unique() == 46
    assert rows.row(0) == (1600, "A", "walking", 90426708196641, 7.091625, -0.5916671, 8.195502)
    person = rows.filter(subject=1649)
    assert person["time_ns"].is_duplicated().sum() == 2 * 1160
    assert "".join(rows.filter(subject=1600)["code"].unique(maintain_order=True)) == "".join(WISDM_CODES)


# Files that are worse


def test_the_folder_may_be_named_at_any_depth(tmp_path: Path) -> None:
    write(tmp_path, [Piece("A", steady(0, 100))])
    whole = only(tmp_path)
    for place in ("raw", "raw/watch", "raw/watch/accel"):
        assert only(tmp_path / place).fingerprint == whole.fingerprint


def test_activities_stand_in_the_order_in_which_they_were_done(tmp_path: Path) -> None:
    late, early = Piece("A", steady(900 * 10**9, 100)), Piece("D", steady(10 * 10**9, 100))
    r = only(write(tmp_path, [late, early]))
    assert np.array(r.label_names)[r.label_codes].tolist() == ["sitting"] * 100 + ["walking"] * 100
    assert r.time_ns[0] == 10 * 10**9
    assert r.time_ns[-1] == late.at[-1]
    assert r.quality.backward_times == 0


def test_pieces_that_share_a_moment_are_put_a_pause_apart_and_those_after_them_stay() -> None:
    starts, ends = [0, 10, 10**15], [10, 20, 10**15 + 10]
    assert offsets_in_turn(ends, starts).tolist() == [0, PAUSE_NS, 0]


def test_a_clock_that_starts_anew_inside_an_activity_cuts_it(tmp_path: Path) -> None:
    again = np.concatenate([steady(5 * 10**9, 200), steady(5 * 10**9, 200)])
    r = only(write(tmp_path, [Piece("A", again)]))
    assert len(r) == 400
    assert r.quality.backward_times == 1
    assert r.gap_rows.tolist() == [200]


def test_a_file_written_twice_is_read_once(tmp_path: Path) -> None:
    path = write(tmp_path, [Piece("A", steady(0, 300)), Piece("B", steady(10**11, 300))])
    once = only(path)
    file = next(path.rglob("data_*.txt"))
    file.write_text(file.read_text() * 2)
    twice = only(path)
    assert twice.fingerprint == once.fingerprint
    assert twice.quality.dropped == {"repeated row": 600}


def test_rows_under_two_activities_have_no_label(tmp_path: Path) -> None:
    path = write(tmp_path, [Piece("A", steady(0, 300))])
    file = next(path.rglob("data_*.txt"))
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join(lines + [line.replace(",A,", ",B,") for line in lines[-100:]]))
    r = only(path)
    assert len(r) == 300
    assert (r.label_codes[:200] == r.label_names.index("walking")).all()
    assert (r.label_codes[200:] == UNLABELLED).all()
    assert r.quality.dropped == {"row under a second activity": 100}


def test_a_burst_is_thinned_to_every_fifth_sample(tmp_path: Path) -> None:
    slow, burst = steady(0, 100, 49_900_000), steady(100 * 49_900_000, 500, 9_980_000)
    r = only(write(tmp_path, [Piece("A", np.concatenate([slow, burst]))]))
    assert r.quality.dropped == {"faster than 20 Hz": 400}
    np.testing.assert_array_equal(r.time_ns[100:], burst[::5])
    assert r.sample_rate_hz == pytest.approx(1e9 / 49_900_000, rel=1e-3)


@given(
    pieces=st.lists(
        st.tuples(st.sampled_from("ABCDEFG"), st.integers(0, 60), st.integers(60, 120), st.sampled_from([10, 50])),
        min_size=1,
        max_size=6,
    )
)
@settings(max_examples=60)
def test_no_window_ever_holds_two_pieces_and_none_is_lost(
    pieces: list[tuple[str, int, int, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Whatever overlaps whatever: x says from which piece a sample is."""
    made = [
        Piece(code, steady(start * 10**9, rows, step * MS), mark=number)
        for number, (code, start, rows, step) in enumerate(pieces, 1)
    ]
    merged: list[Piece] = []
    for piece in made:  # two of one activity that go on from one another in the file are one, as far as a reader knows
        if merged and merged[-1].code == piece.code and piece.at[0] >= merged[-1].at[-1]:
            piece.mark = merged[-1].mark
        merged.append(piece)
    r = only(write(tmp_path_factory.mktemp("wisdm"), merged))
    assert len(r) + r.quality.dropped.get("faster than 20 Hz", 0) == r.quality.rows - r.quality.repeated_times
    windows = sliding_windows(r, length_s=0.3, hop_s=0.1)
    marks = windows.signals[:, :, 0]
    assert (marks == marks[:, :1]).all()
    codes = {piece.mark: WISDM_CODES[piece.code] for piece in merged}
    marked = np.rint(marks[:, 0] * STANDARD_GRAVITY).astype(int).tolist()
    assert [codes[mark] for mark in marked] == windows.labels.tolist()


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("1600,A,90426", "row 2.*not a whole row"),
        ("1600,N,90426708196641,7.1,-0.6,8.2;", "row 2.*not a whole row"),
        ("1600,A,90426708196641,7.1,-0.6,oops;", "row 2.*not a whole row"),
        ("1600,A,90426708196641,7.1,-0.6,8.2,9;", "not rows of subject,code,time,x,y,z"),
        ("1600,A,later,7.1,-0.6,8.2;", "not rows of subject,code,time,x,y,z"),
    ],
)
def test_a_broken_row_is_named(tmp_path: Path, line: str, reason: str) -> None:
    path = write(tmp_path, [Piece("A", steady(0, 1))])
    file = next(path.rglob("data_*.txt"))
    file.write_text(file.read_text() + line + "\n")
    with pytest.raises(HarkenError, match=f"data_1600_accel_watch.txt.*{reason}"):
        read_wisdm(path)
