"""Live equals offline, however samples are cut, also with late, repeated, missing and invalid samples."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from harken.labelling.live.stream import LiveRecogniser, advance
from harken.labelling.live.watch import LiveSettings, StreamSpecification, TimelineRow, Update, Watch
from harken.models.label_recording import label_recording
from harken.models.recogniser import Recogniser
from harken.networks.specification import Specification
from harken.recordings.mending import MOST_REPEATED, mend
from harken.recordings.recording import Recording
from harken.signals import resample
from harken.support.errors import HarkenError
from live_streams import START_NS, Answer, Answering, live, quiet, smooth, wrist
from offline import still_or_moving, unlabelled

LATE_NS = 2 * 10**9
ROUNDING = 1e-6
"""BLAS adds in another order for another number of rows, on processors without AVX-512."""
ALL_ROWS = LiveSettings(kept_rows=10_000)


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


def assert_same(rows: list[TimelineRow], expected_rows: list[tuple[int, int, list[float]]]) -> None:
    assert [row.start_ns for row in rows] == [row[0] for row in expected_rows]
    # Offline a row of the even rate's interval ends a nanosecond or two elsewhere.
    assert all(abs(row.end_ns - other[1]) < 50_000_000 for row, other in zip(rows, expected_rows, strict=True))
    if rows:
        np.testing.assert_allclose(
            np.array([row.probabilities for row in rows]), np.array([row[2] for row in expected_rows]), atol=ROUNDING
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


@settings(max_examples=60)
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
    recogniser = LiveRecogniser(Answering(found, smooth), ALL_ROWS)
    live(recogniser, signals, time_ns, cuts)
    assert_same(recogniser.rows(), expected(found, signals, time_ns, smooth))


@settings(max_examples=25)
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
    specification = StreamSpecification(found, ALL_ROWS)
    watches = [Watch(specification) for _ in streams]
    together: list[list[Update]] = [[] for _ in streams]
    for first, last in pairwise(edges):
        for watch, (signals, time_ns) in zip(watches, streams, strict=True):
            rows = slice(int(first * len(time_ns)), int(last * len(time_ns)))
            watch.add(signals[rows], time_ns[rows])
        for ended in (False, True) if last == edges[-1] else (False,):
            due = advance(watches, ended=ended)
            found_now = due.updates(due.probabilities(Answering(found, smooth)))
            together = [[*before, *new] for before, new in zip(together, found_now, strict=True)]
    for watch, (signals, time_ns), updates in zip(watches, streams, together, strict=True):
        cut_rows = [int(edge * len(time_ns)) for edge in edges]
        recogniser = LiveRecogniser(Answering(found, smooth), ALL_ROWS)
        alone = live(recogniser, signals, time_ns, cut_rows)
        assert [(one.end_ns, one.label, one.entered, one.left) for one in updates] == [
            (one.end_ns, one.label, one.entered, one.left) for one in alone
        ]
        for one, other in zip(updates, alone, strict=True):
            np.testing.assert_allclose(one.probabilities, other.probabilities, atol=ROUNDING)
        for row, same in zip(watch.rows(), recogniser.rows(), strict=True):
            assert row[:2] == same[:2]
            np.testing.assert_allclose(row.probabilities, same.probabilities, atol=ROUNDING)


def test_a_stuck_sensor_is_marked_as_offline() -> None:
    found = still_or_moving(length=20, hop=10)
    signals, time_ns = quiet(260)
    signals[400:1700] = signals[400]  # 65 s
    signals[2000:3000] = signals[2000]  # 50 s: no worn sensor does that either, but it could be a coarse one
    signals[3900:] = signals[3900]  # 65 s and until the end
    rows = expected(found, signals, time_ns, smooth)
    assert sum(end - start for start, end, _ in rows) < 150e9
    for cuts in ([], list(range(0, len(time_ns), 17))):
        recogniser = LiveRecogniser(Answering(found, smooth))
        live(recogniser, signals, time_ns, cuts)
        assert_same(recogniser.rows(), rows)


def test_a_model_without_acceleration_knows_no_stuck_sensor() -> None:
    found = replace(still_or_moving(length=20, hop=10), channels=("gyro_x", "gyro_y", "gyro_z"))
    signals, time_ns = quiet(100)
    signals[:, 0] = 0
    recogniser = LiveRecogniser(Answering(found, smooth))
    live(recogniser, signals, time_ns, list(range(0, len(time_ns), 17)))
    rows = expected(found, signals, time_ns, smooth)
    assert len(rows) > 150
    assert_same(recogniser.rows(), rows)


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
            np.testing.assert_allclose(update.probabilities, last, atol=ROUNDING)
            labelled += 1
    assert labelled == 19  # of 21 that fit; the last ones wait for their look-ahead


def test_a_network_gives_the_same_rows_live_and_offline(learned: tuple[Recogniser, Recording]) -> None:
    recogniser, anna = learned
    stream = LiveRecogniser(recogniser)
    updates = live(stream, anna.signals, anna.time_ns, list(range(0, len(anna), 23)))
    timeline = recogniser.label_prepared(anna)
    labelled = timeline.probabilities[~np.isnan(timeline.probabilities).any(axis=1)]
    rows = stream.rows()
    np.testing.assert_allclose(np.array([row.probabilities for row in rows]), labelled, atol=ROUNDING)
    assert {update.label for update in updates} >= set(anna.label_names)


def test_a_model_without_an_even_grid_takes_samples_as_they_come() -> None:
    found = still_or_moving(length=20, hop=7, even_grid=False)
    signals, time_ns = quiet(14)
    signals[100:103] = np.nan
    time_ns = time_ns.copy()
    time_ns[200:] += 10**9
    stream = LiveRecogniser(Answering(found, smooth), LiveSettings(sensor_rate_hz=20))
    live(stream, signals, time_ns, [3, 50, 51, 90, 101, 170, 205])
    assert_same(stream.rows(), expected(found, signals, time_ns, smooth))
