"""A watch's history: samples thinned to the first in each fiftieth of a second; labels, lossless and small."""

import pickle

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from harken.web.history import HOUR_NS, RecentLabels, RecentSamples, drawn, lot_of, thinned

START_NS = 1_700_000_000 * 10**9


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
    assert [each for each in labels.ends_and_codes() if each[0] > since_ns] == [
        each for each in expected if each[0] > since_ns
    ]


def test_an_hour_of_one_label_is_small() -> None:
    labels = RecentLabels(HOP_NS)
    for number in range(10_000):
        labels.put(number * HOP_NS, 3)
    assert len(pickle.dumps(labels)) < 1000
    ends = [end_ns for end_ns, _ in labels.ends_and_codes()]
    assert ends == [number * HOP_NS for number in range(10_000 - len(ends), 10_000)]
    assert 3600 <= len(ends) <= 7200
