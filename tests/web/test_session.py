"""What the server keeps of a watch in little memory: an hour of labels, ten minutes of final rows, and samples."""

import tracemalloc
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harken.labelling.live.stream import advance
from harken.labelling.live.watch import LiveSettings, StreamSpecification
from harken.labelling.live.watch_mounting import TrainedMounting
from harken.web.limits import Limits
from harken.web.session import HOUR_NS, MOST_LABELS, RecentLabels, RecentSamples, Session, drawn, lot_of, thinned
from server_thread import recogniser

START_NS = 1_700_000_000 * 10**9
RATE_HZ = 50


def live_for(sessions: list[Session], seconds: int, lot_s: int = 60) -> None:
    """So many seconds of a wrist that does one thing and another, a minute at a time."""
    labels = len(sessions[0].specification.model.labels)
    t = np.arange(lot_s * RATE_HZ) / RATE_HZ
    signals = np.stack([np.sin(7 * t), np.cos(5 * t), np.ones(len(t))], axis=1).astype(np.float32)
    for begin_s in range(0, seconds, lot_s):
        time_ns = START_NS + begin_s * 10**9 + np.arange(len(t)) * (10**9 // RATE_HZ)
        for session in sessions:
            session.take(signals.copy(), time_ns.copy(), 0.0)
        due = advance([session.stream for session in sessions])
        shares = np.full((len(due.signals), labels), 0.1 / (labels - 1), dtype=np.float32)
        shares[:, begin_s // 300 % labels] = 0.9
        for session, updates in zip(sessions, due.updates(shares), strict=True):
            session.remember(updates)


@pytest.fixture
def session() -> Session:
    return Session("w", StreamSpecification(recogniser().specification_, LiveSettings(hop_s=1.0)), Limits(), 0.0)


def test_the_page_is_given_the_last_hour(session: Session) -> None:
    live_for([session], 75 * 60)
    history = session.history()
    labels = history["labels"]
    last_ms = session.last_ns // 10**6
    assert len(labels) <= MOST_LABELS
    assert last_ms - 3_600_000 < labels[0]["end_ms"] < last_ms - 3_595_000
    assert {b["end_ms"] - a["end_ms"] for a, b in pairwise(labels)} == {1000}
    names = session.specification.model.labels
    begin_ms = START_NS // 10**6
    # A label is entered with the first window of a lot, which ends some seconds after the lot before it does.
    settled = [one for one in labels if 5000 < (one["end_ms"] - begin_ms) % 300_000 < 295_000]
    assert all(one["label"] == names[(one["end_ms"] - begin_ms) // 300_000 % len(names)] for one in settled)
    assert len(settled) > 3000
    assert len(labels[-1]["probabilities"]) == len(names)
    assert not any("probabilities" in one for one in labels[:-1])
    assert len(history["samples"]["t_ms"]) == 30 * RATE_HZ


def test_the_latest_rows_are_kept_exactly(session: Session) -> None:
    live_for([session], 15 * 60)
    rows = session.timeline()["rows"]
    assert len(rows) == LiveSettings().kept_rows
    assert all(a["end_ms"] == b["start_ms"] for a, b in pairwise(rows))
    assert all(sum(row["probabilities"]) == pytest.approx(1, abs=1e-6) for row in rows)


def test_a_stated_axis_holds_for_another_model(session: Session) -> None:
    assert session.orientation() is None
    session.state_axis("y")
    session.serve(session.specification)
    stated = session.orientation()
    assert stated is not None
    assert (stated["source"], stated["turned_degrees"]) == ("stated", 270)


def test_an_hour_of_a_watch_takes_little_memory() -> None:
    settings, trained = LiveSettings(hop_s=1.0), TrainedMounting("x", x_to_elbow=True)
    specification = StreamSpecification(recogniser().specification_, settings, trained)

    def some() -> list[Session]:
        return [Session(f"watch {number}", specification, Limits(), 0.0) for number in range(5)]

    live_for(some(), 120)  # after which the resampler that all share has the room that it needs
    tracemalloc.start()
    try:
        sessions = some()
        live_for(sessions, 70 * 60)
        held = tracemalloc.get_traced_memory()[0] / len(sessions)
    finally:
        tracemalloc.stop()
    assert held < 140_000


@given(
    seed=st.integers(0, 10**6),
    rate_hz=st.sampled_from([5.0, 31.7, 50.0, 200.0]),
    pauses_s=st.lists(st.sampled_from([0.0, 0.0, 0.3, 29.0, 31.0, 4000.0]), min_size=1, max_size=12),
    most=st.sampled_from([3, 60, 300]),
)
def test_recent_samples_are_those_of_the_last_half_minute(
    seed: int, rate_hz: float, pauses_s: list[float], most: int
) -> None:
    random = np.random.default_rng(seed)
    lots, recent, at_s = [], RecentSamples(), 0.0
    for pause_s in pauses_s:
        at_s += pause_s
        count = int(random.integers(1, most + 1))
        time_ns = START_NS + np.round(1e9 * (at_s + np.arange(count) / rate_hz)).astype(np.int64)
        at_s += count / rate_hz
        signals = random.normal(0, 1, (count, 3)).astype(np.float32)
        signals[random.random(count) < 0.1] = np.nan
        order = random.permutation(count)
        lots.append(lot_of(time_ns[order], signals[order]))
        if random.random() < 0.3:
            recent.latest()  # reading changes nothing
        recent.add(lots[-1])
    seen, expected = drawn(recent.latest()), drawn(thinned(lots))
    if not expected["t_ms"]:
        assert seen == expected
        return
    first = expected["t_ms"][-1] // 20 - 1500
    rows = [row for row, t in enumerate(expected["t_ms"]) if t // 20 > first]
    assert seen == {name: [values[row] for row in rows] for name, values in expected.items()}


def test_values_have_three_decimals_and_a_wild_one_stays_within_what_is_drawn() -> None:
    recent = RecentSamples()
    signals = np.array([[0.12345, -1.9996, 15.5], [1e6, -1e6, 0]], dtype=np.float32)
    recent.add(lot_of(START_NS + np.array([3_999_999, 40_000_000]), signals))
    ms = START_NS // 10**6
    assert drawn(recent.latest()) == {
        "t_ms": [ms + 3, ms + 40],
        "x": [0.123, 32.767],
        "y": [-2.0, -32.767],
        "z": [15.5, 0.0],
    }


HOP_NS = 10**9
STEPS = st.sampled_from([1, HOP_NS - 1, HOP_NS, HOP_NS, HOP_NS, HOP_NS, 10**12])


@given(st.lists(st.tuples(STEPS, st.integers(0, 5), st.sampled_from([-1, 0, 0, 0, 7])), max_size=60))
def test_recent_labels_are_a_list_whose_end_a_late_sample_replaces(
    steps: list[tuple[int, int, int]],
) -> None:
    labels, expected = RecentLabels(HOP_NS), [(START_NS, 0)]
    labels.put(*expected[0])
    for step_ns, back, code in steps:
        end_ns = expected[-min(back, len(expected) - 1) - 1][0] + (0 if back else step_ns)
        labels.put(end_ns, code)
        expected = [(before_ns, other) for before_ns, other in expected if before_ns < end_ns] + [(end_ns, code)]
    since_ns = expected[-1][0] - HOUR_NS
    assert labels.ends_and_codes() == [each for each in expected if each[0] > since_ns]


def test_the_labels_of_a_night_are_those_of_its_last_hour() -> None:
    labels, hop_ns = RecentLabels(10 * HOP_NS), 10 * HOP_NS
    for number in range(8 * 360):
        labels.put(START_NS + number * hop_ns, 3)
    last_ns = START_NS + (8 * 360 - 1) * hop_ns
    assert labels.ends_and_codes() == [(last_ns - back * hop_ns, 3) for back in reversed(range(360))]
