"""The decision about an adaptation: what is fitted and what is tested are a window's length apart, and weights are kept
only if left-out windows are recognised."""

from dataclasses import replace
from random import Random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from harken.support.arrays import Float64Array, Int64Array
from harken.training.adaptation_decision import (
    MOST_PARTS,
    NOWHERE,
    TRAINING_ONLY,
    check_new_labels,
    decide,
    far_from,
    split_bouts,
    split_time,
)
from harken.training.output_layer import Examples, LabelledFeatures, number_bouts

SECOND = 1_000_000_000
WINDOW = 10 * SECOND
Bout = tuple[int, float, float, float]
"""A label, the begin and the length of a bout, and the hop of its windows (s)."""


def windows_at(starts_ns: Int64Array, codes: Int64Array, features: Float64Array | None = None) -> LabelledFeatures:
    """Windows of 10 s with the same features, unless these are given."""
    if features is None:
        features = np.ones((len(codes), 1))
    bouts = number_bouts(starts_ns, codes, WINDOW)
    wearers = np.zeros(len(codes), np.int64)
    return LabelledFeatures(features, 1.0, codes, bouts, wearers, starts_ns, WINDOW, 0)


def windows_in(*bouts: Bout) -> LabelledFeatures:
    """The windows in some bouts."""
    starts, codes = [], []
    for code, begin_s, length_s, hop_s in bouts:
        of_bout = begin_s + np.arange(0, length_s - 10 + 1e-9, hop_s)
        starts.append(of_bout)
        codes.append(np.full(len(of_bout), code))
    return windows_at((np.concatenate(starts) * SECOND).astype(np.int64), np.concatenate(codes))


def features_of(codes: Int64Array, seed: int = 0) -> Float64Array:
    """Features of labels that are easy to tell apart, ``[n, 6]``."""
    return np.eye(6)[codes] + np.random.default_rng(seed).normal(scale=0.1, size=(len(codes), 6))


def test_weights_are_not_kept_if_their_log_loss_is_no_number() -> None:
    codes = np.repeat([0, 1], 40)
    overflowed = windows_at(np.arange(80) * 5 * SECOND, codes, np.full((80, 1), np.nan))
    decision = decide(overflowed, np.ones((1, 2)), None)
    assert decision.tested_windows > 0
    assert decision.weights is None


def test_whole_bouts_are_left_out_where_two_labels_have_several() -> None:
    bouts: list[Bout] = [(number % 2, number * 100.0, 60.0, 5.0) for number in range(4)]
    windows = windows_in(*bouts)
    windows = replace(windows, features=features_of(windows.codes))
    decision = decide(windows, np.zeros((6, 3)), None)
    assert decision.between_bouts
    assert decision.weights is not None
    assert "bouts that were left out" in decision.reason
    parts = split_bouts(windows)
    assert parts is not None
    assert [parts[windows.bouts == bout].tolist() for bout in range(4)] == [[0] * 11, [0] * 11, [1] * 11, [1] * 11]


def test_what_two_watches_recorded_at_once_is_one_bout() -> None:
    bouts: list[Bout] = [(number % 2, number * 100.0, 60.0, 5.0) for number in range(4)]
    one = windows_in(*bouts)
    other = windows_in(*((code, begin_s + 2, length_s, hop_s) for code, begin_s, length_s, hop_s in bouts))
    starts_ns = np.concatenate([one.starts_ns, other.starts_ns])
    parts = split_bouts(windows_at(starts_ns, np.concatenate([one.codes, other.codes])))
    alone = split_bouts(one)
    assert parts is not None
    assert alone is not None
    assert parts.tolist() == [*alone, *alone]
    once = windows_in((0, 0, 60, 5), (1, 100, 60, 5))
    twice = windows_at(np.tile(once.starts_ns, 2), np.tile(once.codes, 2))
    assert split_bouts(twice) is None


def test_the_only_bout_of_a_label_is_never_left_out() -> None:
    windows = windows_in((0, 0, 60, 5), (1, 100, 60, 5), (0, 200, 60, 5), (1, 300, 60, 5), (2, 400, 60, 5))
    parts = split_bouts(windows)
    assert parts is not None
    assert set(parts[windows.codes == 2].tolist()) == {TRAINING_ONLY}
    assert split_bouts(windows.select(windows.codes != 1)) is None


def test_labels_that_contradict_each_other_are_not_kept() -> None:
    codes = np.tile(np.repeat([0, 1], 12), 4)
    windows = windows_at(np.arange(len(codes)) * 5 * SECOND, codes, features_of(np.zeros(len(codes), np.int64)))
    decision = decide(windows, np.zeros((6, 2)), None)
    assert decision.after is not None
    assert decision.weights is None


def test_a_new_label_is_tested_on_its_own_time_and_on_examples_of_others() -> None:
    windows = windows_in((0, 0, 60, 5), (3, 100, 120, 5))
    windows = replace(windows, features=features_of(windows.codes))
    codes = np.repeat(np.arange(3), 20)
    known = 5 * np.eye(6)[:, :3]
    tests = check_new_labels(windows, known, Examples(features_of(codes, 1), codes))
    assert list(tests) == [3]
    assert tests[3].recognised == 1.0
    assert tests[3].taken == 0.0
    assert tests[3].is_enough
    alike = replace(windows, features=features_of(np.zeros(len(windows.codes), np.int64)))
    assert not check_new_labels(alike, known, Examples(features_of(codes, 1), codes))[3].is_enough


def test_windows_of_another_wearer_at_the_same_time_are_far_away() -> None:
    windows = windows_in((0, 0, 60, 5), (1, 0, 60, 5))
    tested = windows.codes == 0
    assert not far_from(windows, tested).any()
    assert far_from(replace(windows, wearers=windows.codes), tested).tolist() == (~tested).tolist()


def test_a_new_label_that_is_too_short_has_no_test_and_spoils_none() -> None:
    windows = windows_in((3, 0, 120, 5), (4, 200, 15, 5))
    windows = replace(windows, features=features_of(windows.codes))
    codes = np.repeat(np.arange(3), 20)
    tests = check_new_labels(windows, 5 * np.eye(6)[:, :3], Examples(features_of(codes, 1), codes))
    assert list(tests) == [3]
    assert tests[3].recognised == 1.0


def test_thirty_seconds_are_just_enough_for_two_parts() -> None:
    windows = windows_in((0, 0, 30, 5))
    assert (windows.starts_ns // SECOND).tolist() == [0, 5, 10, 15, 20]
    assert split_time(windows).tolist() == [0, NOWHERE, NOWHERE, NOWHERE, 1]
    assert set(split_time(windows_in((0, 0, 29, 1)))) == {0}


def test_the_time_of_every_label_is_divided_by_itself_and_short_ones_stay_whole() -> None:
    windows = windows_in((0, 0, 60, 5), (1, 60, 60, 5), (2, 120, 15, 5))
    parts = split_time(windows)
    for code in (0, 1):
        assert {0, 1} <= set(parts[windows.codes == code])
    assert len(set(parts[windows.codes == 2])) == 1
    assert NOWHERE not in parts[windows.codes == 2]


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.floats(0, 90), st.floats(10, 200), st.sampled_from([1.25, 2.5, 5.0])),
        min_size=1,
        max_size=8,
    ),
    st.randoms(use_true_random=False),
)
def test_training_windows_are_a_window_away_from_test_windows(
    bouts: list[tuple[int, float, float, float]], random: Random
) -> None:
    begin, placed = 0.0, []
    for label, pause, length, hop in bouts:
        placed.append((label, begin + pause, length, hop))
        begin += pause + length
    windows = windows_in(*placed)
    starts, codes, parts = windows.starts_ns, windows.codes, split_time(windows)
    order = np.array(random.sample(range(len(starts)), len(starts)))
    shuffled = split_time(windows_at(starts[order], codes[order]))
    assert (shuffled == parts[order]).all()
    assert parts.max() < MOST_PARTS
    for part in set(parts.tolist()) - {NOWHERE}:
        tested = starts[parts == part]
        far = far_from(windows, parts == part)
        nearest = np.abs(starts[:, None] - tested).min(axis=1)
        assert (far == (nearest >= 2 * WINDOW)).all()
        for code in set(codes[parts == part].tolist()):
            same = starts[(codes == code) & (parts != part) & (parts != NOWHERE)]
            if len(same):
                mine = starts[(codes == code) & (parts == part)]
                assert np.abs(mine[:, None] - same).min() >= 2 * WINDOW - 3
