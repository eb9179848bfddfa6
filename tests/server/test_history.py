"""A watch's history: samples thinned to the first in each fiftieth of a second; run lengths, lossless and small."""

import pickle

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from harken.server.history import LONGEST, RecentSamples, RunLengths, thinned

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
        lots.append((time_ns[order], signals[order]))
        if random.random() < 0.3:
            recent.samples()  # reading changes nothing
        recent.add(*lots[-1])
    seen = recent.samples()
    expected = thinned(lots)
    if not expected["t_ms"]:
        assert seen == expected
        return
    first = expected["t_ms"][-1] // 20 - 1500
    rows = [row for row, t in enumerate(expected["t_ms"]) if t // 20 > first]
    assert seen == {name: [values[row] for row in rows] for name, values in expected.items()}


def test_values_have_three_decimals_and_a_wild_one_stays_within_what_is_drawn() -> None:
    recent = RecentSamples()
    signals = np.array([[0.12345, -1.9996, 15.5], [1e6, -1e6, 0]], dtype=np.float32)
    recent.add(START_NS + np.array([3_999_999, 40_000_000]), signals)
    ms = START_NS // 10**6
    assert recent.samples() == {"t_ms": [ms + 3, ms + 40], "x": [0.123, 32.767], "y": [-2.0, -32.767], "z": [15.5, 0.0]}


STEPS = st.sampled_from([1, 990, 1000, 1000, 1000, 1000, 10**9])
ACTIONS = st.one_of(
    st.tuples(st.just("append"), STEPS, st.sampled_from([-1, 0, 0, 0, 7])),
    st.tuples(st.sampled_from(["from", "up to"]), st.integers(0, 6), st.sampled_from([-1, 0, 1])),
    st.tuples(st.just("first"), st.integers(0, 6), st.just(0)),
)


@given(st.lists(ACTIONS, max_size=60))
def test_they_are_a_list(actions: list[tuple[str, int, int]]) -> None:
    runs, expected, last = RunLengths(), list[tuple[int, int]](), 1_700_000_000_000
    for action, sent, other in actions:
        if action == "append":
            last += sent
            runs.append(last, other)
            expected.append((last, other))
        elif action == "first":
            runs.drop_first(sent)
            expected = expected[sent:]
        elif expected:
            edge = expected[min(sent, len(expected) - 1)][0] + other
            if action == "from":
                runs.drop_from(edge)
                expected = [each for each in expected if each[0] < edge]
                last = expected[-1][0] if expected else last
            else:
                runs.drop_up_to(edge)
                expected = [each for each in expected if each[0] > edge]
    numbers, codes = runs.arrays()
    assert list(zip(numbers.tolist(), codes.tolist(), strict=True)) == expected
    assert len(runs) == len(expected)


def test_an_hour_of_one_label_is_small() -> None:
    runs = RunLengths()
    for number in range(LONGEST + 3600):
        runs.append(number * 10**9, 3)
    assert len(pickle.dumps(runs)) < 1000
    assert runs.arrays()[0].tolist() == [number * 10**9 for number in range(LONGEST + 3600)]
