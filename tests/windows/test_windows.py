"""The notebook's draw and sliding windows, each beside a slow loop that is plainly right."""

import random
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import harken
from harken.recordings.recording import Recording
from harken.support.errors import HarkenError
from harken.windows.windows import Windows, concatenate, draw_starts, random_windows, sliding_windows
from tables import recording


def notebook_loop(labels: Sequence[str], length: int, count: int, seed: int) -> list[int]:
    """The notebook's own loop, with what ``random.randint`` computed in its Python 2.7."""
    generator = random.Random(seed)
    kept: list[int] = []
    while len(kept) < count:
        start = int(generator.random() * (len(labels) - length + 1))
        window = labels[start : start + length]
        if window[0] and all(label == window[0] for label in window):
            kept.append(start)
    return kept


def names_of(ann: Recording) -> list[str]:
    names: list[str] = np.array([*ann.label_names, ""])[ann.label_codes].tolist()
    return names


@pytest.mark.parametrize("file", ["merged_ab.csv", "merged_ef.csv"])
@pytest.mark.parametrize("seed", [1337, 101])
def test_the_notebooks_windows(file: str, seed: int, data_dir: Path) -> None:
    ann = harken.read(data_dir / "notebook_format" / file, as_found=True)
    expected = notebook_loop(names_of(ann), 512, 10_000, seed)
    began = time.process_time()
    windows = random_windows(ann, length=512, count=10_000, seed=seed)
    assert time.process_time() - began < 1  # most of it goes into copying 10,000 windows
    assert windows.start_rows.tolist() == expected
    assert windows.signals.shape == (10_000, 512, 4)
    for window in range(0, 10_000, 997):
        start = expected[window]
        np.testing.assert_array_equal(windows.signals[window], ann.signals[start : start + 512])
        assert windows.labels[window] == names_of(ann)[start]
        assert windows.starts_ns[window] == ann.time_ns[start]


BOUTS = st.tuples(st.sampled_from(["sit", "walk", "lie", ""]), st.integers(1, 9))
LABELS = st.lists(BOUTS, min_size=1, max_size=8).map(
    lambda bouts: [label for label, size in bouts for _ in range(size)]
)
NO_WINDOW = re.compile("no row has a label|no window of")


def can_begin(labels: Sequence[str], length: int) -> list[bool]:
    return [
        bool(labels[start]) and len(set(labels[start : start + length])) == 1
        for start in range(len(labels) - length + 1)
    ]


@given(labels=LABELS, length=st.integers(1, 12), seed=st.integers(0, 2**70))
def test_random_windows_are_the_notebooks(labels: list[str], length: int, seed: int) -> None:
    ann = recording(labels, as_found=True)
    if not any(can_begin(labels, length)):
        with pytest.raises(HarkenError, match=NO_WINDOW):
            random_windows(ann, length=length, count=20, seed=seed)
        return
    windows = random_windows(ann, length=length, count=20, seed=seed)
    assert windows.start_rows.tolist() == notebook_loop(labels, length, 20, seed)
    assert windows.labels.tolist() == [labels[start] for start in windows.start_rows]
    for signals, start in zip(windows.signals, windows.start_rows, strict=True):
        np.testing.assert_array_equal(signals, ann.signals[start : start + length])


@given(parts=st.lists(LABELS, min_size=2, max_size=3), length=st.integers(1, 6))
def test_recordings_as_found_are_joined_end_to_end(parts: list[list[str]], length: int) -> None:
    labels = [label for part in parts for label in part]
    assume(any(can_begin(labels, length)))
    people = [recording(part, as_found=True, subject=f"p{person}") for person, part in enumerate(parts)]
    windows = random_windows(people, length=length, count=20, seed=3)
    assert windows.start_rows.tolist() == notebook_loop(labels, length, 20, 3)
    assert windows.labels.tolist() == [labels[start] for start in windows.start_rows]
    owners = [person.subject for person in people for _ in range(len(person))]
    assert windows.subjects.tolist() == [owners[start] for start in windows.start_rows]


def test_a_row_without_all_its_values_counts_as_unlabelled() -> None:
    labels = ["sit"] * 30
    ann = recording(labels, as_found=True)
    signals = ann.signals.copy()
    signals[10, 1], signals[20, 0] = np.nan, np.inf
    signals[20, 1] = -np.inf
    windows = random_windows(recording(labels, signals=signals, as_found=True), length=5, count=50, seed=1)
    holes = ["" if row in (10, 20) else "sit" for row in range(30)]
    assert windows.start_rows.tolist() == notebook_loop(holes, 5, 50, 1)


def mended_pieces(ann: Recording) -> list[list[int]]:
    """The rows of every stretch without a gap, a label change or a marked sample, found row by row."""
    pieces: list[list[int]] = []
    for row in range(len(ann)):
        if not ann.valid[row]:
            continue
        goes_on = (
            pieces
            and pieces[-1][-1] == row - 1
            and ann.label_codes[row] == ann.label_codes[row - 1]
            and ann.time_ns[row] - ann.time_ns[row - 1] <= 500_000_000
        )
        if goes_on:
            pieces[-1].append(row)
        else:
            pieces.append([row])
    return pieces


@st.composite
def mended(draw: st.DrawFn) -> Recording:
    """A recording at 50 Hz with gaps, label changes and marked samples."""
    labels = draw(LABELS)
    rows = len(labels)
    gaps = draw(st.sets(st.integers(0, rows - 1), max_size=3))
    bad = draw(st.sets(st.integers(0, rows - 1), max_size=2))
    steps = [1_000_000_000 if row in gaps else 20_000_000 for row in range(rows)]
    assume(rows - len(gaps) > rows / 2 + 1)  # else the median step is a gap
    return recording(labels, time_ns=np.cumsum(steps), valid=np.array([row not in bad for row in range(rows)]))


@given(ann=mended(), length=st.integers(1, 6), hop=st.integers(1, 7), labelled_only=st.booleans())
def test_sliding_windows(ann: Recording, length: int, hop: int, labelled_only: bool) -> None:
    expected = [
        piece[start]
        for piece in mended_pieces(ann)
        for start in range(0, len(piece) - length + 1, hop)
        if ann.label_codes[piece[0]] != -1 or not labelled_only
    ]
    if not expected:
        with pytest.raises(HarkenError, match=NO_WINDOW):
            sliding_windows(ann, length_s=length / 50, hop_s=hop / 50, labelled_only=labelled_only)
        return
    windows = sliding_windows(ann, length_s=length / 50, hop_s=hop / 50, labelled_only=labelled_only)
    assert windows.start_rows.tolist() == expected
    assert windows.starts_ns.tolist() == [ann.time_ns[row] for row in expected]
    assert windows.labels.tolist() == [names_of(ann)[row] for row in expected]
    assert windows.subjects.tolist() == ["ann"] * len(expected)
    assert windows.signals.shape == (len(expected), length, 3)
    for signals, row in zip(windows.signals, expected, strict=True):
        np.testing.assert_array_equal(signals, ann.signals[row : row + length])


@given(ann=mended(), length=st.integers(1, 6), seed=st.integers(0, 9))
def test_random_windows_of_a_mended_recording_lie_in_one_piece(ann: Recording, length: int, seed: int) -> None:
    allowed = {
        row
        for piece in mended_pieces(ann)
        for row in piece[: max(0, len(piece) - length + 1)]
        if ann.label_codes[row] != -1
    }
    if not allowed:
        with pytest.raises(HarkenError, match=NO_WINDOW):
            random_windows(ann, length=length, count=200, seed=seed)
        return
    windows = random_windows(ann, length=length, count=200, seed=seed)
    assert set(windows.start_rows.tolist()) <= allowed


def test_mended_recordings_are_not_joined_across_people() -> None:
    people = [recording(["sit"] * 6), recording(["sit"] * 6, subject="ben")]
    assert set(random_windows(people, length=5, count=60, seed=0).start_rows.tolist()) == {0, 1, 6, 7}


def test_windows_that_follow_one_another_evenly_are_a_view() -> None:
    ann = recording(["sit"] * 100)
    windows = sliding_windows(ann, length_s=0.4, hop_s=0.2)
    assert np.shares_memory(windows.signals, ann.signals)
    assert len(windows) == 9


TOO_SHORT = (
    "ann: no window of 4 samples with one label can be found; the longest bout of one label has 3 samples. "
    "Label longer bouts, or use shorter windows"
)
REFUSALS: dict[str, tuple[Callable[[], object], str]] = {
    "no label": (
        lambda: random_windows(recording([""] * 9), length=2, count=1, seed=0),
        "ann: no row has a label; name the column of labels with label_column "
        "(--label-column), or add a file of labels with with_labels (--labels)",
    ),
    "every labelled row is marked": (
        lambda: random_windows(replace(recording(["a"] * 9), valid=np.zeros(9, dtype=bool)), length=2, count=1, seed=0),
        "ann: no labelled row can be used; each has a value that is missing, out of the sensor's range, stuck or of a "
        "broken axis. harken inspect says which, and when",
    ),
    "bouts too short": (
        lambda: random_windows(recording(["a", "a", "b", "b", "b"], as_found=True), length=4, count=1, seed=0),
        TOO_SHORT,
    ),
    "recording too short": (
        lambda: random_windows(recording(["a"] * 3), length=4, count=1, seed=0),
        TOO_SHORT,
    ),
    "bouts too short to slide over": (
        lambda: sliding_windows(recording(["a", "a", "b", "b", "b"]), length_s=0.08, hop_s=0.02),
        TOO_SHORT,
    ),
    "too rare": (
        lambda: draw_starts(np.arange(1000) == 7, count=2_000_000, seed=0),
        "only 1 of 1000 rows can begin a window of one label: too few to draw 2000000 windows. Use shorter windows, "
        "or label longer bouts",
    ),
    "no length": (
        lambda: random_windows(recording(["a"]), length=0, count=1, seed=0),
        "1 windows of 0 samples cannot be drawn; both numbers must be 1 or more",
    ),
    "nothing to draw from": (
        lambda: random_windows([], length=1, count=1, seed=0),
        "there is no recording to draw windows from",
    ),
    "different channels": (
        lambda: random_windows(
            [recording(["a"]), recording(["a"], subject="ben").select_channels(("x",))], length=1, count=1, seed=0
        ),
        "recordings with different channels cannot be joined (ann: x, y, z; ben: x)",
    ),
    "as found and mended": (
        lambda: random_windows([recording(["a"]), recording(["a"], as_found=True)], length=1, count=1, seed=0),
        "recordings as found and mended ones cannot be joined",
    ),
    "as found": (
        lambda: sliding_windows(recording(["a"], as_found=True), length_s=1, hop_s=1),
        "ann: sliding windows need a mended recording; read it without as_found",
    ),
    "hop of no sample": (
        lambda: sliding_windows(recording(["a"] * 9), length_s=1, hop_s=0.001),
        "the length and the hop of windows must be at least one sample at 50 Hz, got 1 s and 0.001 s",
    ),
    "length that is no number": (
        lambda: sliding_windows(recording(["a"] * 9), length_s=float("nan"), hop_s=1),
        "the length and the hop of windows must be at least one sample at 50 Hz, got nan s and 1 s",
    ),
    "nothing to join": (lambda: concatenate([]), "there are no windows to join"),
    "different lengths": (
        lambda: concatenate([some_windows(0.1), some_windows(0.2)]),
        "windows of different lengths or channels cannot be joined",
    ),
}


def some_windows(length_s: float, labels: Sequence[str] = ("sit",) * 20, subject: str = "ann") -> Windows:
    return sliding_windows(recording(labels, subject=subject), length_s=length_s, hop_s=0.1)


@pytest.mark.parametrize("fault", REFUSALS)
def test_refusal(fault: str) -> None:
    act, message = REFUSALS[fault]
    with pytest.raises(HarkenError) as caught:
        act()
    assert str(caught.value) == message


def test_concatenate_joins_labels_by_name() -> None:
    both = concatenate(
        [some_windows(0.2, ["sit"] * 20 + ["walk"] * 20), some_windows(0.2, ["lie"] * 15 + ["walk"] * 10, "benedict")]
    )
    assert both.label_names == ("lie", "sit", "walk")
    assert both.labels.tolist() == ["sit"] * 3 + ["walk"] * 3 + ["lie"] * 2 + ["walk"]
    assert both.subjects.tolist() == ["ann"] * 6 + ["benedict"] * 3
    assert both.signals.shape == (9, 10, 3)


def test_the_middle_of_windows_begins_later(alice: Path) -> None:
    ann = harken.read(alice)
    windows = sliding_windows(ann, length_s=4, hop_s=2).middle(25)
    assert (len(windows), windows.length) == (len(sliding_windows(ann, length_s=4, hop_s=2)), 25)
    for number, row in enumerate(windows.start_rows.tolist()):
        np.testing.assert_array_equal(windows.signals[number], ann.signals[row : row + 25])
        assert abs(windows.starts_ns[number] - ann.time_ns[row]) < 1e6
        assert windows.labels[number] == names_of(ann)[row - 37] == names_of(ann)[row + 62]
