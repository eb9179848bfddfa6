"""Live equals offline, however samples are cut, also with late, repeated, missing and invalid samples."""

import pickle
import re
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import people
from harken.labelling.live import (
    LiveRecogniser,
    LiveSettings,
    StreamSpecification,
    TimelineRow,
    Update,
    Watch,
    advance,
    label,
)
from harken.labelling.live.recogniser import probabilities_of
from harken.models.recogniser import Recogniser
from harken.networks.specification import Specification
from harken.recordings.mending import MOST_REPEATED, mend
from harken.recordings.recording import Recording
from harken.signals import Resampler, Samples, look_ahead_s, resample
from harken.support.errors import HarkenError
from harken.timelines import label_recording
from harken.windows.windows import Windows, sliding_windows
from offline import still_or_moving, unlabelled

START_NS = 1_700_000_000 * 10**9
LATE_NS = 2 * 10**9
DOCS = Path(__file__).parents[3] / "docs"
Answer = Callable[[Windows], NDArray[np.float32]]


def smooth(windows: Windows) -> NDArray[np.float32]:
    """Probabilities to which every sample of a window matters, each in its own way."""
    signals = windows.signals.astype(np.float64)
    each = np.linspace(0.5, 1.5, signals.shape[1])[:, None] * np.array([1.0, 0.7, -0.4])
    score = (signals * each).sum(axis=(1, 2)) / signals.shape[1]
    share = 1 / (1 + np.exp(-score))
    return np.stack([share, 1 - share], axis=1).astype(np.float32)


class Answering(Recogniser):
    """A recogniser of this specification that answers with these probabilities."""

    def __init__(self, specification: Specification, answer: Answer) -> None:
        super().__init__()
        self._specification, self._answer = specification, answer

    @property
    def specification_(self) -> Specification:
        return self._specification

    def predict_proba(self, windows: Windows) -> NDArray[np.float32]:
        return self._answer(windows)


def wrist(seed: int, time_ns: NDArray[np.int64]) -> NDArray[np.float32]:
    """Something like a wrist at these times, ``[n, 3]`` in g."""
    random = np.random.default_rng(seed)
    t = (time_ns - START_NS) / 1e9
    phases, sizes = random.uniform(0, 6, (3, 4)), random.uniform(0, 0.4, (3, 4))
    waves = np.sin(2 * np.pi * np.array([0.2, 1.1, 2.3, 5.0]) * t[:, None, None] + phases) * sizes
    noise = random.normal(0, 0.01, (len(t), 3))
    return np.asarray(waves.sum(axis=2) + np.array([0.1, 0.2, 0.9]) + noise, dtype=np.float32)


def expected(
    found: Specification, signals: NDArray[np.float32], time_ns: NDArray[np.int64], answer: Answer, range_g: float = 16
) -> list[tuple[int, int, list[float]]]:
    """The rows of the offline timeline that have a label, of samples in the order of their arrival."""
    kept, latest = [], -1
    for row, time in enumerate(time_ns.tolist()):
        if time >= latest - LATE_NS:
            kept.append(row)
        latest = max(latest, time)
    times = time_ns[kept]
    recording = Recording(
        time_ns=times,
        signals=signals[kept],
        channels=found.channels,
        label_codes=np.full(len(times), -1, np.int16),
        label_names=(),
        subject="anna",
        as_found=True,
    )
    try:
        frame = label_recording(found, mend(recording, sensor_range=range_g), answer).frame
    except HarkenError as error:
        if "nothing can be said" in str(error) or "no stretch" in str(error):
            return []
        raise
    frame = frame.filter(frame["probability_still"].is_not_null())
    starts, ends = (frame[name].to_physical().to_list() for name in ("start", "end"))
    rows = frame.select("probability_still", "probability_moving").rows()
    return [(start, end, list(row)) for start, end, row in zip(starts, ends, rows, strict=True)]


def live(
    recogniser: LiveRecogniser, signals: NDArray[np.float32], time_ns: NDArray[np.int64], cuts: list[int]
) -> list[Update]:
    edges = [0, *sorted({cut % (len(time_ns) + 1) for cut in cuts}), len(time_ns)]
    updates: list[Update] = []
    for first, last in pairwise(edges):
        updates += recogniser.push(signals[first:last], time_ns[first:last])
    return updates + recogniser.flush()


def assert_same(rows: list[TimelineRow], expected_rows: list[tuple[int, int, list[float]]]) -> None:
    assert [row.start_ns for row in rows] == [row[0] for row in expected_rows]
    # Offline a row of the even rate's interval ends a nanosecond or two elsewhere.
    assert all(abs(row.end_ns - other[1]) < 50_000_000 for row, other in zip(rows, expected_rows, strict=True))
    if rows:
        np.testing.assert_allclose(
            np.array([row.probabilities for row in rows]), np.array([row[2] for row in expected_rows]), atol=1e-6
        )


arrivals = st.fixed_dictionaries(
    {
        "seed": st.integers(0, 10**6),
        "rate_hz": st.sampled_from([12.5, 20.0, 31.7, 50.0, 99.0]),
        "seconds": st.lists(st.floats(0.2, 12.0), min_size=1, max_size=4),
        "pauses": st.lists(st.sampled_from([0.12, 0.45, 0.6, 1.5, 2.5, 9.0, 11.0, 4000.0]), min_size=4, max_size=4),
        "jitter": st.sampled_from([0.0, 0.2, 0.45]),
        "late": st.lists(
            st.tuples(st.floats(0, 1), st.integers(1, 40), st.floats(0, 3.5)), max_size=4
        ),  # from where, how many, how late
        "repeated": st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), max_size=5),
        "wild": st.lists(st.tuples(st.floats(0, 1), st.sampled_from([np.nan, 40.0, -17.0])), max_size=3),
    }
)


def arriving(stated: dict[str, Any]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Samples in the order in which they arrive."""
    random = np.random.default_rng(stated["seed"])
    step, at, times = 1 / stated["rate_hz"], 0.0, []
    for seconds, pause in zip(stated["seconds"], stated["pauses"], strict=False):
        n = max(1, int(seconds / step))
        times.append(at + step * (np.arange(n) + random.uniform(-stated["jitter"], stated["jitter"], n)))
        at += n * step + pause
    time_ns = np.unique(START_NS + 10**6 + np.round(np.concatenate(times) * 1e9).astype(np.int64))
    signals = wrist(stated["seed"], time_ns)
    for where, value in stated["wild"]:
        signals[int(where * (len(time_ns) - 1)), stated["seed"] % 3] = value
    comes = time_ns.astype(np.float64)
    for where, many, late in stated["late"]:
        first = int(where * len(time_ns))
        comes[first : first + many] += late * 1e9
    order = np.argsort(comes, kind="stable").tolist()
    for where, again in stated["repeated"]:
        order.insert(int(again * len(order)), order[int(where * (len(order) - 1))])
    return signals[order], time_ns[order]


@settings(max_examples=60, deadline=None)
@given(
    stated=arrivals,
    cuts=st.lists(st.integers(0, 10**6), max_size=30),
    length=st.integers(4, 60),
    hop=st.integers(1, 40),
)
def test_live_is_offline(stated: dict[str, Any], cuts: list[int], length: int, hop: int) -> None:
    found = still_or_moving(length=length, hop=min(hop, length))
    signals, time_ns = arriving(stated)
    repeated = len(time_ns) - len(np.unique(time_ns))
    assume(repeated <= MOST_REPEATED * len(time_ns))  # else the clock is refused offline
    updates = live(LiveRecogniser(Answering(found, smooth)), signals, time_ns, cuts)
    assert_same([row for update in updates for row in update.rows], expected(found, signals, time_ns, smooth))


@settings(max_examples=25, deadline=None)
@given(
    stated=st.lists(arrivals, min_size=2, max_size=5),
    cuts=st.lists(st.floats(0, 1), max_size=12),
    length=st.integers(4, 60),
    hop=st.integers(1, 40),
)
def test_watches_together_get_the_updates_of_each_alone(
    stated: list[dict[str, Any]], cuts: list[float], length: int, hop: int
) -> None:
    found = still_or_moving(length=length, hop=min(hop, length))
    streams = [arriving(one) for one in stated]
    edges = [0.0, *sorted(cuts), 1.0]
    specification = StreamSpecification(found)
    watches = [Watch(specification) for _ in streams]
    together: list[list[Update]] = [[] for _ in streams]
    for first, last in pairwise(edges):
        for watch, (signals, time_ns) in zip(watches, streams, strict=True):
            rows = slice(int(first * len(time_ns)), int(last * len(time_ns)))
            watch.add(signals[rows], time_ns[rows])
        for ended in (False, True) if last == edges[-1] else (False,):
            windows = advance(watches, ended=ended)
            found_now = label(watches, probabilities_of(Answering(found, smooth), windows))
            together = [[*before, *new] for before, new in zip(together, found_now, strict=True)]
    for (signals, time_ns), updates in zip(streams, together, strict=True):
        cut_rows = [int(edge * len(time_ns)) for edge in edges]
        alone = live(LiveRecogniser(Answering(found, smooth)), signals, time_ns, cut_rows)
        assert [(one.end_ns, one.label, one.entered, one.left) for one in updates] == [
            (one.end_ns, one.label, one.entered, one.left) for one in alone
        ]
        for one, other in zip(updates, alone, strict=True):
            np.testing.assert_array_equal(one.probabilities, other.probabilities)
            assert [row[:2] for row in one.rows] == [row[:2] for row in other.rows]
            for row, same in zip(one.rows, other.rows, strict=True):
                np.testing.assert_array_equal(row.probabilities, same.probabilities)


def quiet(seconds: float, rate_hz: float = 20.0, seed: int = 3) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """A stream without trouble, at nearly the model's rate."""
    time_ns = START_NS + 12_345 + np.arange(int(seconds * rate_hz)) * round(0.999e9 / rate_hz)
    return wrist(seed, time_ns), time_ns


def test_a_stuck_sensor_is_marked_as_offline() -> None:
    found = still_or_moving(length=20, hop=10)
    signals, time_ns = quiet(260)
    signals[400:1700] = signals[400]  # 65 s
    signals[2000:3000] = signals[2000]  # 50 s: no worn sensor does that either, but it could be a coarse one
    signals[3900:] = signals[3900]  # 65 s and until the end
    rows = expected(found, signals, time_ns, smooth)
    assert sum(end - start for start, end, _ in rows) < 150e9
    for cuts in ([], list(range(0, len(time_ns), 17))):
        updates = live(LiveRecogniser(Answering(found, smooth)), signals, time_ns, cuts)
        assert_same([row for update in updates for row in update.rows], rows)


def test_a_window_is_labelled_once_it_is_complete_as_if_the_samples_ended_there() -> None:
    found = still_or_moving(length=40, hop=10)
    signals, time_ns = quiet(12)
    recogniser = LiveRecogniser(Answering(found, smooth))
    labelled = 0
    for row in range(len(time_ns)):
        for update in recogniser.push(signals[row : row + 1], time_ns[row : row + 1]):
            # 8 intervals of the model's, and three samples of the sensor.
            assert update.end_ns - 0.05e9 <= time_ns[row] <= update.end_ns + 0.4e9 + 3 * 0.05e9
            at_end = resample(unlabelled(signals, time_ns), sample_rate_hz=20)
            rows = slice(0, int(np.searchsorted(at_end.time_ns, update.end_ns)))
            piece = replace(
                at_end,
                time_ns=at_end.time_ns[rows],
                signals=at_end.signals[rows],
                label_codes=at_end.label_codes[rows],
                valid=at_end.valid[rows],
            )
            last = label_recording(found, piece, smooth).probabilities[-1]
            np.testing.assert_allclose(update.probabilities, last, atol=1e-6)
            labelled += 1
    assert labelled == 19  # of 21 that fit; the last ones wait for their look-ahead


def waited_for_by_a_resampler() -> set[int]:
    """How many samples that are a look-ahead later there were when an even one became known."""
    signals, time_ns = quiet(10, rate_hz=50)
    stream, counts = Resampler(20, source_rate_hz=50), set()
    samples = Samples(time_ns, signals, np.full(len(time_ns), -1, np.int16), np.ones(len(time_ns), dtype=bool))
    for row in range(len(time_ns)):
        for known_ns in stream.push(samples.part(row, row + 1)).time_ns.tolist():
            counts.add(int((time_ns[: row + 1] >= known_ns + look_ahead_s(20) * 1e9).sum()))
    return counts


def waited_for_live() -> set[int]:
    """The same of a window's last even sample when the window was told."""
    signals, time_ns = quiet(20, rate_hz=50)
    recogniser, counts = LiveRecogniser(Answering(still_or_moving(length=40, hop=10), smooth)), set()
    for row in range(len(time_ns)):
        for update in recogniser.push(signals[row : row + 1], time_ns[row : row + 1]):
            last_ns = update.end_ns - 10**9 // 20
            counts.add(int((time_ns[: row + 1] >= last_ns + look_ahead_s(20) * 1e9).sum()))
    return counts


@pytest.mark.parametrize(
    ("stated", "measured"),
    [
        (look_ahead_s.__doc__, waited_for_by_a_resampler),
        (DOCS / "signals.md", waited_for_by_a_resampler),
        (DOCS / "onnx.md", waited_for_by_a_resampler),
        (LiveRecogniser.__doc__, waited_for_live),
        (DOCS / "live.md", waited_for_live),
    ],
)
def test_the_look_ahead_agrees_with_the_docs(stated: str | Path, measured: Callable[[], set[int]]) -> None:
    text = " ".join((stated.read_text(encoding="utf-8") if isinstance(stated, Path) else stated).split())
    numbers = {"one": 1, "two": 2, "three": 3}
    assert {numbers[word] for word in re.findall(r"(one|two|three) samples have come that are", text)} == measured()
    assert {f"{look_ahead_s(30):.2f}"} >= set(re.findall(r"(0\.\d+) s at 30 Hz", text))


def test_late_samples_change_earlier_labels_and_later_ones_are_counted() -> None:
    found = still_or_moving(length=20, hop=10)
    signals, time_ns = quiet(10)
    recogniser = LiveRecogniser(Answering(found, smooth))
    late = slice(120, 124)
    now = np.r_[0:120, 124:150]
    first = recogniser.push(signals[now], time_ns[now])
    again = recogniser.push(signals[late], time_ns[late])
    assert again[0].end_ns in [update.end_ns for update in first], "a window is told anew"
    assert recogniser.push(signals[late], time_ns[late]) == []
    recogniser.push(signals[150:], time_ns[150:])
    recogniser.push(signals[60:64], time_ns[60:64])
    assert recogniser.dropped == {"late": 4, "repeated": 4}


def by_first_axis(windows: Windows) -> NDArray[np.float32]:
    share = windows.signals[:, :, 0].mean(axis=1).clip(0, 1)
    return np.stack([1 - share, share], axis=1).astype(np.float32)


def test_a_bout_is_entered_above_one_threshold_and_left_below_another() -> None:
    found = still_or_moving(length=20, hop=20)
    seconds = [0.9, 0.7, 0.55, 0.45, 0.42, 0.37, 0.42, 0.45, 0.1]
    rows = np.arange(20 * len(seconds))
    time_ns = START_NS + 50_000_000 * rows  # on the grid
    signals = np.zeros((len(rows), 3), dtype=np.float32)
    signals[:, 0] = np.repeat(seconds, 20)
    signals[:, 1] = 1 + rows % 2 / 100
    recogniser = LiveRecogniser(Answering(found, by_first_axis), LiveSettings(enter_at=0.65, leave_below=0.4))
    updates = [*recogniser.push(signals, time_ns), *recogniser.flush()]
    labelled = [(update.entered, update.left, update.label) for update in updates]
    assert labelled == [
        ("moving", None, "moving"),
        *4 * [(None, None, "moving")],
        (None, "moving", None),  # nothing is at 0.65, though "still" is more probable
        *2 * [(None, None, None)],
        ("still", None, "still"),
        (None, "still", None),  # the stretch ended
    ]
    assert np.isnan(updates[-1].probabilities).all()


def test_a_gap_ends_a_bout_and_flush_and_reset_begin_anew() -> None:
    found = still_or_moving(length=20, hop=10)
    signals, time_ns = quiet(10)
    recogniser = LiveRecogniser(Answering(found, smooth), LiveSettings(enter_at=0.5))
    assert len(recogniser.push(signals[:100], time_ns[:100])) == 7
    gone = recogniser.push(signals[130:], time_ns[130:])
    ends = [update for update in gone if np.isnan(update.probabilities).all()]
    assert len(ends) == 1
    assert ends[0].left is not None
    recogniser.flush()
    assert recogniser.push(signals[100:], time_ns[100:]) == [], "what was flushed is over"
    assert recogniser.dropped["late"] == 100
    recogniser.reset()
    assert len(recogniser.push(signals, time_ns)) == 17
    assert recogniser.flush()
    assert recogniser.flush() == []


def test_memory_does_not_grow() -> None:
    found = still_or_moving(length=60, hop=20)
    recogniser = LiveRecogniser(Answering(found, smooth))
    signals, time_ns = quiet(60, rate_hz=50)
    sizes = []
    for minute in range(6):
        for row in range(0, len(time_ns), 50):
            rows = slice(row, row + 50)
            recogniser.push(signals[rows], time_ns[rows] + minute * round(60e9))
        sizes.append(len(pickle.dumps(recogniser._watch)))
    assert sizes[-1] == pytest.approx(sizes[1], rel=0.05)
    assert max(sizes) < 50_000


@pytest.fixture(scope="module")
def learned() -> tuple[Recogniser, Recording]:
    """A small network that has learned one invented person, at 20 Hz, and that person at 25 Hz."""
    rows = people.person_rows(1)
    signals = np.array([row[1:4] for row in rows], dtype=np.float32) / np.float32(9.80665)
    names, codes = np.unique([row[5] for row in rows], return_inverse=True)
    anna = replace(
        unlabelled(signals, np.array([row[0] * 10**6 for row in rows])),
        label_codes=codes.astype(np.int16),
        label_names=tuple(names.tolist()),
    )
    windows = sliding_windows(resample(anna, sample_rate_hz=20), length_s=2, hop_s=0.5)
    return Recogniser(people.SMALL_EVERYDAY, epochs=4).fit(windows), anna


def test_a_network_gives_the_same_rows_live_and_offline(learned: tuple[Recogniser, Recording]) -> None:
    recogniser, anna = learned
    stream = LiveRecogniser(recogniser)
    updates = live(stream, anna.signals, anna.time_ns, list(range(0, len(anna), 23)))
    timeline = recogniser.label_prepared(anna)
    labelled = timeline.probabilities[~np.isnan(timeline.probabilities).any(axis=1)]
    rows = [row for update in updates for row in update.rows]
    np.testing.assert_allclose(np.array([row.probabilities for row in rows]), labelled, atol=1e-6)
    assert {update.label for update in updates} >= set(anna.label_names)


def test_a_model_without_an_even_grid_takes_samples_as_they_come() -> None:
    found = still_or_moving(length=20, hop=7, even_grid=False)
    signals, time_ns = quiet(14)
    signals[100:103] = np.nan
    time_ns = time_ns.copy()
    time_ns[200:] += 10**9
    stream = LiveRecogniser(Answering(found, smooth), LiveSettings(sensor_rate_hz=20))
    updates = live(stream, signals, time_ns, [3, 50, 51, 90, 101, 170, 205])
    assert_same([row for update in updates for row in update.rows], expected(found, signals, time_ns, smooth))


def test_what_cannot_be_is_refused(learned: tuple[Recogniser, Recording]) -> None:
    recogniser, anna = learned
    with pytest.raises(HarkenError, match="is not fitted"):
        LiveRecogniser(Recogniser())
    with pytest.raises(HarkenError, match=r"enter_at at least leave_below; got 0\.3 and 0\.5"):
        LiveRecogniser(recogniser, LiveSettings(enter_at=0.3, leave_below=0.5))
    with pytest.raises(HarkenError, match="a hop must be at least one sample and at most one window, 2 s; got 60 s"):
        LiveRecogniser(recogniser, LiveSettings(hop_s=60))
    stream = LiveRecogniser(recogniser)
    with pytest.raises(HarkenError, match=r"samples are float \[n, 3\] \(x, y, z\) and int64 nanoseconds"):
        stream.push(anna.signals[:, :2], anna.time_ns)
    with pytest.raises(HarkenError, match="times are nanoseconds since 1970"):
        stream.push(anna.signals[:1], np.array([-5]))
    many = START_NS + np.arange(100_001)
    with pytest.raises(HarkenError, match="more than 100,000 samples within a minute"):
        stream.push(np.zeros((len(many), 3), np.float32), many)
    assert stream.push(anna.signals[:0], anna.time_ns[:0]) == []
