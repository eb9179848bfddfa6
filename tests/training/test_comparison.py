"""The model in use and a new one at the same moments: their labels, their scores, and the decision by label."""

import numpy as np
import pytest

from harken.signals import resample
from harken.training.comparison import (
    Comparison,
    Moments,
    Replies,
    decide,
    find_moments,
    number_units,
    predict_moments,
    score_labels,
)
from harken.training.held_out_test import describe_sureness
from harken.windows.windows import sliding_windows
from server_thread import recogniser
from server_thread import recording as invented


def test_the_labels_of_moments_are_those_of_windows() -> None:
    model, recording = recogniser(), invented(2)
    windows = sliding_windows(resample(recording, sample_rate_hz=20), length_s=2, hop_s=1)
    moments = Moments(windows.starts_ns + 10**9, windows.labels, np.zeros(len(windows), np.int64), 2.0)
    comparison = Comparison(model, 2.0, [recording], orientation=False)
    labels = predict_moments(model, recording, moments, comparison)
    np.testing.assert_array_equal(labels, model.predict(windows))
    beyond = moments._replace(middles_ns=moments.middles_ns + 3600 * 10**9)
    assert (predict_moments(model, recording, beyond, comparison) == "").all()
    moments = find_moments(recording, length_s=2)
    assert moments.seconds_by_label == pytest.approx({"lying": 40, "sitting": 40, "walking": 40}, abs=3)
    edges = recording.bout_edges
    rows = np.searchsorted(recording.time_ns, moments.middles_ns)
    assert ((edges[moments.bouts - 1] <= rows) & (rows < edges[moments.bouts])).all()


def make_replies(right_before: float, right_after: float, bouts: int) -> tuple[np.ndarray, ...]:
    """Two labels in turn, ten moments a bout, of which the models recognise these shares."""
    truth = np.repeat(np.array(["lying", "walking"])[np.arange(bouts) % 2], 10)
    units = np.repeat(np.arange(bouts), 10)
    wrong = np.where(truth == "lying", "walking", "lying")
    number = np.tile(np.arange(10), bouts)
    before = np.where(number < round(10 * right_before), truth, wrong)
    after = np.where(number < round(10 * right_after), truth, wrong)
    return truth, before, after, units


@pytest.mark.parametrize(
    ("before", "after", "bouts", "verdict"),
    [(0.5, 0.9, 12, "better"), (0.9, 0.5, 12, "worse"), (0.7, 0.7, 12, "not known"), (0.5, 0.9, 8, "not known")],
)
def test_a_label_is_better_if_its_interval_over_bouts_is(before: float, after: float, bouts: int, verdict: str) -> None:
    decision = decide(*make_replies(before, after, bouts), over_people=False)
    assert decision.mean.f1 == pytest.approx(after - before)
    for difference in (decision.mean, *decision.by_label.values()):
        assert difference.verdict == verdict
        assert (difference.interval is None) == (bouts == 8)  # four bouts of each label are too few
        if difference.interval is not None:
            assert difference.interval[0] <= difference.f1 <= difference.interval[1]


def test_bouts_that_differ_widen_the_interval() -> None:
    truth, before, _, units = make_replies(0.5, 0.5, 12)
    mixed = np.where(units < 8, truth, before[::-1])
    low, high = decide(truth, before, mixed, units, over_people=False).mean.interval or (0, 0)
    assert high - low > 0.05


def test_a_label_is_scored_over_people_and_five_have_an_interval() -> None:
    truth, before, after, units = make_replies(0.5, 0.9, 12)
    of_five, of_four = units % 5, units % 4
    assert decide(truth, before, after, of_five, over_people=True).mean.verdict == "better"
    assert decide(truth, before, after, of_four, over_people=True).mean.interval is None
    scores = score_labels(np.array(list("aab")), np.array(list("abb")), np.array([0, 0, 1]))
    assert scores.accuracy == 0.75  # the mean over two people, not 2 of 3 moments
    assert scores.f1 == pytest.approx({"a": 2 / 3, "b": 2 / 3})


def test_a_short_test_says_how_sure_it_can_be() -> None:
    assert describe_sureness({"lying": 1000, "walking": 316}, 10) == (
        "The test is 21 min 56 s long: 131 separate windows of 10 s, so one window is 0.8 % of it. "
        "Differences of a few windows may be chance."
    )
    assert "12 s long: 1 separate window of 10 s, so one" in describe_sureness({"lying": 12}, 10)


def replies_of(person: str, bouts: list[tuple[str, int, int]]) -> Replies:
    """A moment each second of bouts, given as label, first second and last second."""
    seconds = [np.arange(first, last + 1) for _, first, last in bouts]
    truth = np.concatenate([np.full(len(part), label) for (label, _, _), part in zip(bouts, seconds, strict=True)])
    numbers = np.concatenate([np.full(len(part), number) for number, part in enumerate(seconds)])
    middles_ns = np.concatenate(seconds) * 10**9
    return Replies(person, truth, truth, truth, middles_ns, numbers, {})


def test_two_sensors_of_a_person_do_not_count_twice() -> None:
    bouts = [("sitting", 0, 60), ("walking", 61, 120), ("sitting", 121, 180)]
    left = replies_of("p1_left", bouts)
    right = replies_of("p1_right", [("sitting", 2, 62), ("walking", 63, 110), ("sitting", 121, 180)])
    other = replies_of("p2", bouts)

    people = number_units([left, right, other], "people")
    assert len(np.unique(people)) == 2

    units = number_units([left, right, other], "bouts")
    of_left, of_right, of_other = np.split(units, np.cumsum([len(left.truth), len(right.truth)]))
    for bout in range(3):
        (number,) = np.unique(of_left[left.bouts == bout])
        assert (of_right[right.bouts == bout] == number).all()
    assert len(np.unique(units)) == 6
    assert not np.isin(of_other, of_left).any()


def test_bouts_of_a_person_at_other_times_are_counted_apart() -> None:
    morning = replies_of("p1", [("sitting", 0, 60)])
    evening = replies_of("p1", [("sitting", 3600, 3660)])
    assert len(np.unique(number_units([morning, evening], "occasion"))) == 2
