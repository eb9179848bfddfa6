"""A stream is labelled as the whole recording is, however it is cut."""

import itertools
import threading
from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

import harken.models.label_recording
from harken.models.label_recording import label_recording, label_stream
from harken.recordings.mending import stream_of
from harken.recordings.recording import Recording
from harken.recordings.source import Samples
from harken.support.errors import HarkenError
from harken.windows.windows import Windows
from made_recordings import recording_of
from offline import still_or_moving

START_NS = 1_519_170_400 * 10**9


def recording(seed: int, pieces: list[tuple[int, bool, int]], rate_hz: float = 50) -> Recording:
    """Pieces of so many samples, valid or not, each followed by a pause of so many intervals."""
    random = np.random.default_rng(seed)
    steps = np.concatenate([np.append(np.ones(n - 1), pause) for n, _, pause in pieces])
    rows = len(steps)
    jitter = random.uniform(-0.2, 0.2, rows)
    return recording_of(
        START_NS + np.rint(1e9 / rate_hz * (np.cumsum(steps) - steps + jitter)).astype(np.int64),
        random.normal(0, 1, (rows, 4)),
        channels=("x", "y", "z", "temperature"),
        subject="anna",
        source="anna.cwa",
        timezone="Europe/Athens",
        valid=np.concatenate([np.full(n, valid) for n, valid, _ in pieces]),
    )


def by_content(windows: Windows) -> NDArray[np.float32]:
    """Probabilities by how much a window moves."""
    share = 1 / (1 + np.exp(-windows.signals.astype(np.float64).mean(axis=(1, 2))))
    return np.stack([share, 1 - share], axis=1).astype(np.float32)


@given(
    pieces=st.lists(
        st.tuples(st.integers(1, 200), st.booleans(), st.sampled_from([1, 1, 3, 40, 400])), min_size=1, max_size=4
    ),
    rows_at_once=st.integers(1, 300),
    even_grid=st.booleans(),
    seed=st.integers(0, 99),
)
def test_a_stream_is_labelled_as_the_whole_is(
    pieces: list[tuple[int, bool, int]], rows_at_once: int, even_grid: bool, seed: int
) -> None:
    found = recording(seed, [*pieces, (120, True, 1)])
    model = still_or_moving(40, 15, rate_hz=20.0 if even_grid else found.sample_rate_hz, even_grid=even_grid)
    whole = label_recording(model, found, by_content)
    stream = label_stream(model, stream_of(found, rows_at_once=rows_at_once), by_content)
    rounded = "^probability_.*|activity_mg$"
    assert stream.frame.drop(rounded).equals(whole.frame.drop(rounded))
    activity, expected = (f["activity_mg"].fill_null(-1).to_numpy() for f in (stream.frame, whole.frame))
    np.testing.assert_allclose(activity, expected, rtol=1e-4, atol=1e-3)
    np.testing.assert_allclose(stream.probabilities, whole.probabilities, atol=1e-5)
    assert (stream.labels, stream.subject, stream.source) == (whole.labels, whole.subject, whole.source)


def test_any_number_of_lanes_gives_the_same_and_threads_end_with_whatever_happens(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(harken.models.label_recording, "WINDOWS_AT_ONCE", 5)
    found = recording(1, [(900, True, 40), (500, True, 1)])
    model = still_or_moving(40, 15)
    parts = stream_of(found, rows_at_once=37)
    one = label_stream(model, parts, by_content)
    assert label_stream(model, parts, by_content, lanes=2).frame.equals(one.frame)

    def broken(windows: Windows) -> NDArray[np.float32]:
        raise ZeroDivisionError("in the network")

    with pytest.raises(ZeroDivisionError, match="in the network"):
        label_stream(model, parts, broken, lanes=2)

    def damaged() -> Iterator[Samples]:
        yield from itertools.islice(parts.samples(), 3)
        raise HarkenError("the file ends here")

    with pytest.raises(HarkenError, match="the file ends here"):
        label_stream(model, replace(parts, samples=damaged), by_content, lanes=2)
    assert not any(thread.name.startswith("harken-batches") for thread in threading.enumerate())


@given(
    pieces=st.lists(st.tuples(st.integers(1, 400), st.booleans(), st.sampled_from([1, 1, 40])), min_size=1, max_size=3),
    edges=st.lists(st.integers(-20, 200), min_size=4, max_size=4, unique=True).map(sorted),
    hop=st.integers(7, 45),
    seed=st.integers(0, 99),
)
def test_windows_in_non_wear_are_skipped_and_all_other_rows_stay(
    pieces: list[tuple[int, bool, int]], edges: list[int], hop: int, seed: int
) -> None:
    found = stream_of(recording(seed, [*pieces, (120, True, 1)], rate_hz=20), rows_at_once=50)
    model = still_or_moving(40, hop)
    off_ns = START_NS + 10**8 * np.array(edges, np.int64).reshape(2, 2)
    everything, computed = label_stream(model, found, by_content), 0

    def counted(windows: Windows) -> NDArray[np.float32]:
        nonlocal computed
        computed += len(windows)
        inside = (windows.starts_ns[:, None] >= off_ns[:, 0] + hop * 50_000_000) & (
            windows.starts_ns[:, None] + (40 + hop) * 50_000_000 <= off_ns[:, 1]
        )
        assert not inside.any()
        return by_content(windows)

    timeline = label_stream(model, found, counted, non_wear_ns=off_ns, lanes=seed % 3)
    worn = timeline.frame["wear"].fill_null(True).to_numpy()
    np.testing.assert_array_equal(timeline.probabilities[worn], everything.probabilities[worn])
    assert np.isnan(timeline.probabilities[~worn]).all()
    assert timeline.frame.filter(~worn)["label"].null_count() == (~worn).sum()


def test_other_samples_are_labelled_in_place_of_those_of_the_stream() -> None:
    found = recording(1, [(400, True, 1)])
    heats: list[NDArray[np.float32]] = []

    def double(parts: Iterable[Samples]) -> Iterator[Samples]:
        for samples in parts:
            heats.append(samples.signals[:, 3])
            yield samples._replace(
                signals=np.column_stack([samples.signals[:, :3] * np.float32(2), samples.signals[:, 3:]])
            )

    model = still_or_moving(40, 15)
    twice = replace(found, signals=np.column_stack([found.signals[:, :3] * np.float32(2), found.signals[:, 3:]]))
    stream = stream_of(found)
    got = label_stream(model, stream, by_content, samples=double(stream.samples()))
    np.testing.assert_allclose(got.probabilities, label_recording(model, twice, by_content).probabilities, atol=1e-6)
    np.testing.assert_array_equal(np.concatenate(heats), found.signals[:, 3])


@given(
    pieces=st.lists(st.tuples(st.integers(1, 40), st.booleans(), st.sampled_from([1, 1, 60])), min_size=1, max_size=5),
    at_once=st.integers(1, 50),
    hop=st.integers(1, 12),
    worn=st.lists(st.integers(0, 200), min_size=4, max_size=4, unique=True),
)
def test_activity_and_wear_of_each_row_by_the_plainest_means(
    pieces: list[tuple[int, bool, int]], at_once: int, hop: int, worn: list[int]
) -> None:
    found = recording(3, [*pieces, (20, True, 1)], rate_hz=10)
    found = replace(found, time_ns=START_NS + 10**8 * np.rint((found.time_ns - START_NS) / 1e8).astype(np.int64))
    off = START_NS + 10**8 * np.sort(worn).reshape(2, 2)
    model = still_or_moving(12, hop, rate_hz=10.0, even_grid=False)
    rows = label_stream(model, stream_of(found, rows_at_once=at_once), by_content, non_wear_ns=off).frame
    longer = np.maximum(np.linalg.norm(found.signals[:, :3].astype(np.float64), axis=1) - 1, 0)
    begins, ends = rows["start"].to_physical(), rows["end"].to_physical()
    for begin, end, activity, wear in zip(
        begins, ends, rows["activity_mg"].fill_null(np.nan), rows["wear"], strict=True
    ):
        inside = (found.time_ns >= begin) & (found.time_ns < end) & found.valid
        expected = 1000 * longer[inside].mean() if inside.any() else np.nan
        assert activity == pytest.approx(expected, rel=1e-4, nan_ok=True)
        without = sum(max(0, min(end, b) - max(begin, a)) for a, b in off.tolist())
        assert wear in (None, 2 * without <= end - begin)
