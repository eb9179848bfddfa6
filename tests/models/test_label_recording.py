"""From a recording to its timeline: which windows are read, how they are averaged, and what is left without a label."""

import math
import threading
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from harken.models.label_recording import Probabilities, label_recording, label_stream
from harken.networks.specification import Specification
from harken.recordings.mending import stream_of
from harken.recordings.recording import Recording
from harken.support.errors import HarkenError
from harken.timelines import Timeline
from harken.windows.windows import Windows
from made_recordings import recording_of
from offline import still_or_moving

RATE_HZ = 10
STEP_NS = 10**9 // RATE_HZ
START_NS = 1_519_170_400 * 10**9


def specification(length: int = 10, hop: int = 5) -> Specification:
    return still_or_moving(length, hop, rate_hz=RATE_HZ, even_grid=False)


def recording(pieces: list[tuple[int, bool, int]]) -> Recording:
    """Pieces of so many samples, valid or not, and after each a pause of so many intervals (1: none, 6 or more: a gap).

    Channel x counts the samples.
    """
    steps = np.concatenate([np.append(np.ones(n - 1, dtype=np.int64), pause) for n, _, pause in pieces])
    rows = len(steps)
    return recording_of(
        START_NS + STEP_NS * (np.cumsum(steps) - steps),
        np.stack([np.arange(rows), np.zeros(rows), np.ones(rows)], axis=1),
        codes=np.arange(rows) // 3 % 2,
        names=("a", "b"),
        source="anna.csv",
        valid=np.concatenate([np.full(n, valid) for n, valid, _ in pieces]),
    )


def by_first_sample(windows: Windows) -> NDArray[np.float32]:
    """Probabilities that depend on where a window begins and on nothing else."""
    share = np.sin(windows.signals[:, 0, 0].astype(np.float64) * 12.9898) / 2 + 0.5
    return np.stack([share, 1 - share], axis=1).astype(np.float32)


def expected(found: Recording, length: int, hop: int) -> list[tuple[int, int, bool, float | None]]:
    """The rows by the plainest means: start, end, recorded, probability of the first label. One sample at a time."""
    gaps = set(found.gap_rows.tolist())
    runs, first = [], 0
    for row in range(1, len(found) + 1):
        if row == len(found) or row in gaps or found.valid[row] != found.valid[row - 1]:
            runs.append((first, row))
            first = row
    rows: list[tuple[int, int, bool, float | None]] = []
    for first, last in runs:
        start = int(found.time_ns[first])
        end = int(found.time_ns[last - 1]) + STEP_NS
        if first in gaps:
            rows.append((rows[-1][1], start, False, None))
        if not found.valid[first] or last - first < length:
            if rows and rows[-1][2] and rows[-1][3] is None:
                rows[-1] = (rows[-1][0], end, True, None)
            else:
                rows.append((start, end, True, None))
            continue
        windows = sorted({*range(first, last - length + 1, hop), last - length})
        for step in range(first, last, hop):
            inside = range(step, min(step + hop, last))
            known = [0.5 + 0.5 * math.sin(w * 12.9898) for s in inside for w in windows if w <= s < w + length]
            rows.append(
                (int(found.time_ns[step]), int(found.time_ns[inside[-1]]) + STEP_NS, True, float(np.mean(known)))
            )
    return rows


@given(
    pieces=st.lists(
        st.tuples(st.integers(1, 40), st.booleans(), st.sampled_from([1, 1, 6, 50])), min_size=1, max_size=4
    ),
    length=st.integers(2, 14),
    hop=st.integers(1, 14),
)
def test_the_timeline_is_the_mean_over_the_windows_that_cover_each_sample(
    pieces: list[tuple[int, bool, int]], length: int, hop: int
) -> None:
    found = recording([*pieces, (30, True, 1)])
    timeline = label_recording(specification(length, min(hop, length)), found, by_first_sample)
    rows = expected(found, length, min(hop, length))
    frame = timeline.frame
    assert frame["start"].to_physical().to_list() == [row[0] for row in rows]
    assert frame["end"].to_physical().to_list() == [row[1] for row in rows]
    assert frame["recorded"].to_list() == [row[2] for row in rows]
    assert frame["label"].is_null().to_list() == [row[3] is None for row in rows]
    known = np.array([np.nan if row[3] is None else row[3] for row in rows])
    np.testing.assert_allclose(timeline.probabilities[:, 0], known, atol=1e-6)
    np.testing.assert_allclose(timeline.probabilities.sum(axis=1)[~np.isnan(known)], 1, atol=1e-6)


def test_probabilities_are_computed_by_the_thread_that_asks_for_them_with_its_settings() -> None:
    computing = []

    def remember(windows: Windows) -> NDArray[np.float32]:
        computing.append(threading.get_ident())
        return by_first_sample(windows)

    label_recording(specification(), recording([(23, True, 1)]), remember)
    assert set(computing) == {threading.get_ident()}


def test_no_window_spans_a_gap_or_a_marked_sample_and_labels_of_the_file_cut_nothing() -> None:
    seen: list[Windows] = []

    def remember(windows: Windows) -> NDArray[np.float32]:
        seen.append(windows)
        return by_first_sample(windows)

    label_recording(specification(), recording([(23, True, 50), (12, False, 1), (10, True, 6), (9, True, 1)]), remember)
    (windows,) = seen
    assert windows.start_rows.tolist() == [0, 5, 10, 13, 35]
    assert windows.signals[3, :, 0].tolist() == list(range(13, 23))
    assert windows.labels_present == set()


def as_a_stream(model: Specification, found: Recording, probabilities: Probabilities) -> Timeline:
    return label_stream(model, stream_of(found), probabilities)


@pytest.mark.parametrize("label", [label_recording, as_a_stream])
def test_refusals(label: Callable[[Specification, Recording, Probabilities], Timeline]) -> None:
    with pytest.raises(HarkenError, match=r"anna.csv: it cannot be labelled: no stretch .* as a window, 1 s"):
        label(specification(), recording([(9, True, 50), (9, True, 1)]), by_first_sample)
    wanting = replace(specification(), channels=("x", "y", "z", "gyro"))
    with pytest.raises(HarkenError, match="has no channel gyro"):
        label(wanting, recording([(20, True, 1)]), by_first_sample)


def test_a_recording_as_found_is_refused() -> None:
    with pytest.raises(HarkenError, match="only a mended recording can be labelled"):
        label_recording(specification(), replace(recording([(20, True, 1)]), as_found=True), by_first_sample)
