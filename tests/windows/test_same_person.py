"""Splits: what is tested was not learned, where they say so."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harken.recordings.recording import Recording
from harken.support.errors import HarkenError
from harken.windows.people import (
    Split,
    blocked_same_person,
    blocked_windows,
    overlapping_windows,
    share_in_training,
)
from harken.windows.windows import Windows, concatenate
from made_recordings import recording_of


def of_bouts(bouts: list[tuple[int, int]], gaps: list[bool], as_found: bool = False) -> Recording:
    codes = np.concatenate([np.full(n, code, np.int16) for code, n in bouts])
    steps = np.full(len(codes), 40_000_000)
    position = 0
    for (_, n), gap in zip(bouts, gaps, strict=True):
        if gap:
            steps[position] += 10**10
        position += n
    signals = np.arange(len(codes) * 3).reshape(-1, 3)
    return recording_of(np.cumsum(steps), signals, codes=codes, names=("a", "b"), as_found=as_found)


bouts = st.lists(st.tuples(st.integers(-1, 1), st.integers(1, 60)), min_size=1, max_size=8)


@given(bouts, st.lists(st.booleans(), min_size=8, max_size=8), st.integers(1, 9))
def test_blocked_cuts_every_bout_at_four_fifths_and_drops_a_window(
    parts: list[tuple[int, int]], gaps: list[bool], length: int
) -> None:
    parts = [(-1, 20), *parts]  # a gap is told from the usual step, so most steps must be usual ones
    gaps = [False, *gaps]
    recording = of_bouts(parts, gaps[: len(parts)])
    training, test = blocked_same_person(recording, window_length=length)
    row = 0
    merged: list[int] = []  # bouts as they really are: neighbours of one label without a gap are one
    for (code, n), gap in zip(parts, gaps, strict=False):
        if merged and not gap and code == recording.label_codes[row - 1]:
            merged[-1] += n
        else:
            merged.append(n)
        row += n
    row = 0
    for n in merged:
        cut = int(0.8 * n)
        assert training.valid[row : row + cut].all()
        assert not training.valid[row + cut : row + n].any()
        assert not test.valid[row : row + min(n, cut + length)].any()
        assert test.valid[row + min(n, cut + length) : row + n].all()
        row += n
    assert np.array_equal(training.signals, recording.signals)  # marked, not overwritten


def test_blocked_needs_a_clock() -> None:
    with pytest.raises(HarkenError, match="mended"):
        blocked_same_person(of_bouts([(0, 9)], [False], as_found=True), window_length=3)


RATE_HZ, LENGTH, HOP = 30.0, 12, 6


def bout(person: str, label: str, start: int, count: int, shift_ns: int = 0) -> Windows:
    """So many windows of 12 samples at 30 Hz, one every 6, the first at sample ``start`` since 1970 + ``shift_ns``."""
    rows = start + HOP * np.arange(count)
    return Windows(
        signals=np.random.default_rng(start).normal(size=(count, LENGTH, 3)).astype(np.float32),
        label_codes=np.zeros(count, np.int16),
        label_names=(label,),
        subjects=np.full(count, person),
        starts_ns=rows * 10**9 // 30 + shift_ns,
        start_rows=rows,
        channels=("x", "y", "z"),
        sample_rate_hz=RATE_HZ,
    )


def samples(windows: Windows) -> set[tuple[str, int]]:
    """Person and number of each sample since 1970, whichever sensor it is of."""
    return {
        (person, row + step)
        for person, row in zip(windows.subjects.tolist(), windows.start_rows.tolist(), strict=True)
        for step in range(LENGTH)
    }


def starts(windows: Windows) -> dict[tuple[str, str], list[int]]:
    """Person and label -> the samples at which windows begin, in order and each once."""
    found: dict[tuple[str, str], set[int]] = {}
    for person, label, row in zip(windows.subjects, windows.labels, windows.start_rows, strict=True):
        found.setdefault((str(person), str(label)), set()).add(int(row))
    return {key: sorted(rows) for key, rows in sorted(found.items())}


@pytest.fixture
def everybody() -> Windows:
    """Two people, one of them with two sensors; bouts that touch, bouts of one label after a break, and short ones."""
    ann = [bout("ann", "sit", 0, 40), bout("ann", "walk", 246, 25), bout("ann", "walk", 2_000, 20)]
    bob = [bout("bob", "sit", 7, 30), bout("bob", "walk", 900, 1), bout("bob", "walk", 921, 2)]
    windows = concatenate([*ann, *ann, *bob])
    return windows[np.random.default_rng(5).permutation(len(windows))]


def test_blocked_windows_share_no_sample_and_keep_a_window_apart(everybody: Windows) -> None:
    split = blocked_windows(everybody)
    learned, tested = samples(split.training), samples(split.test)
    near = {(person, row + step) for person, row in learned for step in range(-LENGTH + 1, LENGTH)}
    assert not near & tested
    assert not share_in_training(split).any()
    assert starts(split.training) == {
        ("ann", "sit"): [*range(0, 181, HOP)],
        ("ann", "walk"): [*range(246, 355, HOP), *range(2_000, 2_085, HOP)],
        ("bob", "sit"): [*range(7, 140, HOP)],
        ("bob", "walk"): [921],
    }
    assert starts(split.test) == {
        ("ann", "sit"): [204, 210, 216, 222],  # and not 228 and 234, which the walk at 246 is too near to
        ("ann", "walk"): [378, 384, 390, 2_108, 2_114],
        ("bob", "sit"): [163, 169, 175, 181],
    }
    for part in (split.training, split.test):  # the two sensors of ann stay together
        rows = part.start_rows[part.subjects == "ann"]
        assert (np.unique(rows, return_counts=True)[1] == 2).all()


def test_times_rounded_to_nanoseconds_make_no_bouts() -> None:
    split = blocked_windows(bout("ann", "sit", 0, 200, shift_ns=1_519_170_400_123_456_789))
    assert split.training.start_rows.max() + LENGTH <= 0.8 * (199 * HOP + LENGTH)
    assert len(split.training) > 155
    assert len(split.test) > 35


def test_a_planted_sample_is_found(everybody: Windows) -> None:
    split = blocked_windows(everybody)
    last = split.training.start_rows[split.training.subjects == "bob"].max()
    beside, planted = bout("bob", "sit", int(last) + LENGTH, 1), bout("bob", "sit", int(last) + LENGTH - 1, 1)
    clean, spoilt = (Split(split.training, concatenate([split.test, one])) for one in (beside, planted))
    assert not share_in_training(clean).any()
    assert share_in_training(spoilt)[:-1].max() == 0
    assert share_in_training(spoilt)[-1] == pytest.approx(1 / LENGTH, abs=1e-6)
    of_another = Split(split.training, bout("eve", "sit", int(last), 1))
    assert not share_in_training(of_another).any()


def test_overlapping_windows_keep_a_moment_together_and_share_most_samples(everybody: Windows) -> None:
    split = overlapping_windows(everybody, seed=3)
    moments = [
        set(zip(part.subjects.tolist(), part.starts_ns.tolist(), strict=True)) for part in (split.training, split.test)
    ]
    assert not moments[0] & moments[1]
    assert len(moments[0]) == round(0.8 * len(moments[0] | moments[1]))
    assert len(split.training) + len(split.test) == len(everybody)
    learned = samples(split.training)
    by_hand = [
        np.mean([(str(person), row + step) in learned for step in range(LENGTH)])
        for person, row in zip(split.test.subjects, split.test.start_rows.tolist(), strict=True)
    ]
    found = share_in_training(split)
    assert found == pytest.approx(by_hand, abs=1e-6)
    assert found.mean() > 0.6
    other = overlapping_windows(everybody, seed=4)
    assert not np.array_equal(other.test.start_rows, split.test.start_rows)
    assert np.array_equal(overlapping_windows(everybody, seed=3).test.start_rows, split.test.start_rows)
