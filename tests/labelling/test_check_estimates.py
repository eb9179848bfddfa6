"""The estimates of a check: their intervals hold the truth, and corrected hours are nearer to it than those of the
model.
"""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pytest

from harken.labelling.check.estimates import Frame, NamedClips, allocate_clips, estimate_check
from harken.support.arrays import Float64Array

LABELS = ("lying", "sitting", "standing", "walking")
HOURS = 100.0


class InventedStudy(NamedTuple):
    """People whose truth is known.

    Attributes:
        hours: with each label of the model and each true label, float64 ``[people, labels, true labels]``.
        frame: the time from which clips are drawn.
    """

    hours: Float64Array
    frame: Frame


def invent_study(random: np.random.Generator, people: int) -> InventedStudy:
    """People who differ in what they do and in how often the model is right about it."""
    usual = np.array([0.4, 0.35, 0.15, 0.1])
    right = np.array([0.75, 0.7, 0.6, 0.9])
    given_truth = np.full((4, 4), 1.0) - np.eye(4)
    given_truth *= ((1 - right) / 3)[:, None]
    given_truth += np.diag(right)
    hours = np.empty((people, 4, 4))
    for person in range(people):
        done = random.dirichlet(30 * usual) * HOURS
        seen = np.stack([random.dirichlet(8 * row) for row in given_truth])
        hours[person] = (done[:, None] * seen).T
    of_model = hours.sum(axis=2)
    together = hours.sum(axis=0)
    # The model is surer of itself than it should be.
    probabilities = 0.6 * together / together.sum(axis=1, keepdims=True) + 0.4 * np.eye(4)
    names = tuple(f"p{number}" for number in range(people))
    return InventedStudy(hours, Frame(LABELS, LABELS, names, of_model, of_model, probabilities))


def draw(study: InventedStudy, clips: int, random: np.random.Generator) -> NamedClips:
    """Draw clips of each stratum, each hour of it equally likely."""
    of_model = study.frame.stratum_hours
    allocated = allocate_clips((of_model.sum(axis=0) * 120).astype(np.int64), np.diag(study.frame.probabilities), clips)
    stratum = np.repeat(np.arange(4), allocated)
    person = np.array([random.choice(len(of_model), p=of_model[:, code] / of_model[:, code].sum()) for code in stratum])
    shares = np.zeros((len(stratum), 4, 4))
    for clip, (who, code) in enumerate(zip(person, stratum, strict=True)):
        row = study.hours[who, code]
        shares[clip, code, random.choice(4, p=row / row.sum())] = 1
    return NamedClips(person, stratum, shares, np.ones(len(person), np.int64))


def test_intervals_hold_the_truth_and_corrected_hours_are_twice_as_near() -> None:
    random = np.random.default_rng(5)
    held: list[bool] = []
    corrected: list[float] = []
    uncorrected: list[float] = []
    for _ in range(40):
        study = invent_study(random, 12)
        estimates = estimate_check(study.frame, draw(study, 120, random))
        together = study.hours.sum(axis=0)
        for code, label in enumerate(estimates.labels):
            true_hours = together[:, code].sum()
            held.append(label.corrected_hours.lowest <= true_hours <= label.corrected_hours.highest)
            assert label.precision is not None
            assert label.recall is not None
            precision = together[code, code] / together[code].sum()
            recall = together[code, code] / together[:, code].sum()
            held.append(label.precision.lowest <= precision <= label.precision.highest)
            held.append(label.recall.lowest <= recall <= label.recall.highest)
            corrected.append(abs(label.corrected_hours.value - true_hours))
            uncorrected.append(abs(label.hours - true_hours))
    assert 0.92 <= np.mean(held) < 1
    assert np.mean(corrected) < 0.5 * np.mean(uncorrected)


def test_estimates_are_weighted_by_the_hours_of_each_stratum() -> None:
    """Many clips from few hours say little about the whole."""
    frame = Frame(
        ("sitting", "walking"),
        ("sitting", "walking"),
        ("anna",),
        np.array([[90.0, 10.0]]),
        np.array([[90.0, 10.0]]),
        np.array([[0.9, 0.1], [0.1, 0.9]]),
    )
    stratum = np.repeat([0, 1], 500)
    true = np.concatenate([np.zeros(500), np.repeat([0, 1], 250)]).astype(np.int64)
    shares = np.zeros((1000, 2, 2))
    shares[np.arange(1000), stratum, true] = 1
    estimates = estimate_check(frame, NamedClips(np.zeros(1000, np.int64), stratum, shares, np.ones(1000, np.int64)))
    sitting, walking = estimates.labels
    assert estimates.right.value == pytest.approx(0.95, abs=0.01)
    assert sitting.corrected_hours.value == pytest.approx(95, abs=0.5)
    assert walking.corrected_hours.value == pytest.approx(5, abs=0.5)
    assert walking.precision is not None
    assert walking.recall is not None
    assert walking.precision.value == pytest.approx(0.5, abs=0.01)
    assert walking.recall.value == pytest.approx(1, abs=0.03)
    assert walking.hours == 10


def test_clips_that_nobody_could_tell_count_as_missing_and_are_reported() -> None:
    random = np.random.default_rng(1)
    study = invent_study(random, 6)
    clips = draw(study, 60, random)
    untold = np.arange(60) % 3 == 0
    shares = np.where(untold[:, None, None], 0.0, clips.shares)
    estimates = estimate_check(study.frame, replace(clips, shares=shares))
    assert estimates.cannot_tell.lowest < 1 / 3 < estimates.cannot_tell.highest
    assert sum(label.named for label in estimates.labels) == 40
    assert sum(label.drawn for label in estimates.labels) == 60
    told = clips.select(~untold)
    assert estimates.right == estimate_check(study.frame, told).right


def test_a_label_that_the_model_does_not_know_is_never_found() -> None:
    probabilities = np.array([[0.8, 0.2, 0.0], [0.2, 0.8, 0.0]])
    hours = np.array([[50.0, 50.0]])
    frame = Frame(("sitting", "walking"), ("sitting", "walking", "driving"), ("anna",), hours, hours, probabilities)
    shares = np.zeros((4, 2, 3))
    shares[[0, 1, 2, 3], [0, 0, 1, 1], [0, 2, 1, 1]] = 1
    estimates = estimate_check(
        frame, NamedClips(np.zeros(4, np.int64), np.array([0, 0, 1, 1]), shares, np.ones(4, np.int64))
    )
    driving = estimates.labels[2]
    assert (driving.label, driving.hours, driving.precision) == ("driving", 0, None)
    assert driving.recall is not None
    assert driving.recall.highest == 0
    assert 5 < driving.corrected_hours.value < 30


def test_clips_of_a_stratum_that_were_not_named_leave_its_precision_unknown() -> None:
    frame = Frame(
        ("sitting", "walking"),
        ("sitting", "walking"),
        ("anna",),
        np.array([[50.0, 50.0]]),
        np.array([[50.0, 50.0]]),
        np.array([[0.8, 0.2], [0.2, 0.8]]),
    )
    nothing = NamedClips(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros((0, 2, 2)), np.zeros(0, np.int64))
    for label in estimate_check(frame, nothing).labels:
        assert label.precision is not None
        assert label.precision.lowest < 0.01
        assert label.precision.highest > 0.99


def test_more_clips_are_drawn_where_few_are_right() -> None:
    equal, doubtful = allocate_clips(np.array([1000, 1000]), np.array([0.95, 0.6]), 60).tolist()
    assert equal + doubtful == 60
    assert doubtful > 1.5 * equal
    assert allocate_clips(np.array([5, 0, 100]), np.array([0.5, 0.5, 0.5]), 60).sum() == 60
    assert allocate_clips(np.array([5, 2]), np.array([0.5, 0.5]), 60).tolist() == [5, 2]


def test_a_row_may_stand_for_several_clips_of_a_person() -> None:
    random = np.random.default_rng(2)
    study = invent_study(random, 5)
    clips = replace(draw(study, 300, random), drawn=False)
    pairs, row = np.unique(np.stack([clips.person, clips.stratum]), axis=1, return_inverse=True)
    shares = np.zeros((pairs.shape[1], 4, 4))
    np.add.at(shares, row.ravel(), clips.shares)
    together = NamedClips(pairs[0], pairs[1], shares, np.bincount(row.ravel()), drawn=False)
    for single, summed in zip(
        estimate_check(study.frame, clips).labels, estimate_check(study.frame, together).labels, strict=True
    ):
        assert (single.drawn, single.named) == (summed.drawn, summed.named)
        assert single.recall == pytest.approx(summed.recall)
        assert single.corrected_hours == pytest.approx(summed.corrected_hours)
