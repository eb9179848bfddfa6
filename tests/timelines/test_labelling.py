"""From a recording to its timeline: which windows are read, how they are averaged, and what is left without a label."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Unpack

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

import harken.timelines.labelling
import people
from harken.models.recogniser import Recogniser
from harken.networks.specification import Specification
from harken.recordings.mending import stream_of
from harken.recordings.recording import Recording
from harken.signals import resample
from harken.support.errors import HarkenError
from harken.timelines import Timeline, label_recording, label_stream
from harken.timelines.labelling import Probabilities
from harken.windows.windows import Windows, sliding_windows
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
    return Recording(
        time_ns=START_NS + STEP_NS * (np.cumsum(steps) - steps),
        signals=np.stack([np.arange(rows), np.zeros(rows), np.ones(rows)], axis=1).astype(np.float32),
        channels=("x", "y", "z"),
        label_codes=(np.arange(rows) // 3 % 2).astype(np.int16),
        label_names=("a", "b"),
        subject="anna",
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


def test_no_window_spans_a_gap_or_a_marked_sample_and_labels_of_the_file_cut_nothing() -> None:
    seen: list[Windows] = []

    def remember(windows: Windows) -> NDArray[np.float32]:
        seen.append(windows)
        return by_first_sample(windows)

    label_recording(specification(), recording([(23, True, 50), (2, False, 1), (10, True, 6), (9, True, 1)]), remember)
    (windows,) = seen
    assert windows.start_rows.tolist() == [0, 5, 10, 13, 25]
    assert windows.signals[3, :, 0].tolist() == list(range(13, 23))
    assert windows.labels_present == set()


def test_windows_are_read_a_few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    found = recording([(333, True, 1)])
    whole = label_recording(specification(), found, by_first_sample)
    monkeypatch.setattr(harken.timelines.labelling, "WINDOWS_AT_ONCE", 7)
    counts: list[int] = []

    def count(windows: Windows) -> NDArray[np.float32]:
        counts.append(len(windows))
        return by_first_sample(windows)

    assert label_recording(specification(), found, count).frame.equals(whole.frame)
    assert max(counts) == 7
    assert sum(counts) == 66


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


@pytest.fixture(scope="module")
def recogniser() -> Recogniser:
    """A small network that has learned one invented person, at 20 Hz."""
    anna = resample(person(1), sample_rate_hz=20)
    return Recogniser(people.SMALL_EVERYDAY, epochs=8).fit(sliding_windows(anna, length_s=2, hop_s=0.5))


def person(seed: int, **options: Unpack[people.PersonOptions]) -> Recording:
    rows = np.array([row[:4] for row in people.person_rows(seed, **options)])
    labels = [row[5] for row in people.person_rows(seed, **options)]
    names, codes = np.unique(labels, return_inverse=True)
    return Recording(
        time_ns=(rows[:, 0] * 1e6).astype(np.int64),
        signals=(rows[:, 1:] / 9.80665).astype(np.float32),
        channels=("x", "y", "z"),
        label_codes=codes.astype(np.int16),
        label_names=tuple(names.tolist()),
        subject=f"p{seed}",
        timezone="Europe/Athens",
    )


def rightly_labelled(timeline: Timeline, truth: Recording) -> float:
    """The share of recorded seconds whose label is the true one in their middle."""
    start, end = (timeline.frame[name].to_physical().to_numpy() for name in ("start", "end"))
    rows = np.minimum(np.searchsorted(truth.time_ns, (start + end) // 2), len(truth) - 1)
    right = np.array([*truth.label_names])[truth.label_codes[rows]] == timeline.frame["label"].to_numpy()
    recorded = timeline.frame["recorded"].to_numpy()
    return float(timeline.seconds[right & recorded].sum() / timeline.seconds[recorded].sum())


@pytest.mark.parametrize("rate_hz", [20, 25, 100])
def test_a_recogniser_labels_any_rate(recogniser: Recogniser, rate_hz: float) -> None:
    anna = person(1, rate_hz=rate_hz)
    timeline = recogniser.label_prepared(anna)
    assert rightly_labelled(timeline, anna) > 0.95
    assert timeline.subject == "p1"
    start = timeline.frame["start"].dtype
    assert isinstance(start, pl.Datetime)
    assert start.time_zone == "Europe/Athens"
    assert timeline.gaps_s == pytest.approx(50, abs=0.5)
    assert timeline.seconds.sum() == pytest.approx(anna.span_s + 1 / rate_hz, abs=0.1)
