"""Folds of people and parts of a person: one role each; planted people, arms and copies on both sides are found."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.model_selection import GroupShuffleSplit, LeaveOneGroupOut

from harken.recordings.recording import Recording
from harken.support.errors import HarkenError
from harken.windows.folds import (
    Fold,
    apply,
    arms_of_one_person,
    blocked_same_person,
    k_folds_of_people,
    leave_one_person_out,
    pairs_of_people,
    refuse_shared,
    shuffled_folds_of_people,
    with_validation,
)
from harken.windows.windows import Windows
from made_recordings import recording_of

SECOND = 10**9
people = st.lists(st.text("abcdef", min_size=1, max_size=4), min_size=3, max_size=12, unique=True)


def windows_of(*subjects: str, n: int = 5, start_s: float = 0, seed: int = 0) -> Windows:
    """``n`` windows of 2 s of every subject, one after another from ``start_s``."""
    signals = np.random.default_rng(seed).normal(size=(n * len(subjects), 20, 3)).astype(np.float32)
    starts_ns = round(start_s * SECOND) + 2 * SECOND * np.arange(len(signals))
    windows = Windows.unlabelled(signals, channels=("x", "y", "z"), sample_rate_hz=10.0, starts_ns=starts_ns)
    return replace(windows, subjects=np.repeat(subjects, n))


def everybody_has_one_role(folds: list[Fold], known: list[str]) -> bool:
    return all(sorted((*fold.training, *fold.validation, *fold.test)) == sorted(known) for fold in folds)


@given(people, st.integers(0, 99), st.data())
def test_k_folds_test_everybody_exactly_once(known: list[str], seed: int, data: st.DataObject) -> None:
    k = data.draw(st.integers(2, len(known)))
    folds = k_folds_of_people(known, k, seed=seed)
    assert len(folds) == k
    assert everybody_has_one_role(folds, known)
    assert sorted(person for fold in folds for person in fold.test) == sorted(known)
    assert max(len(fold.test) for fold in folds) - min(len(fold.test) for fold in folds) <= 1
    shuffled = data.draw(st.permutations(known + known[:1]))
    assert k_folds_of_people(shuffled, k, seed=seed) == folds  # neither order nor repetition matters


@given(people)
def test_leave_one_out_tests_each_alone(known: list[str]) -> None:
    folds = leave_one_person_out(known)
    assert everybody_has_one_role(folds, known)
    assert [fold.test for fold in folds] == [(person,) for person in sorted(known)]
    groups = np.array(known)
    theirs = [groups[test].tolist() for _, test in LeaveOneGroupOut().split(groups, groups=groups)]
    assert [list(fold.test) for fold in folds] == theirs


def test_eight_people_have_28_pairs_and_the_other_six_are_unseen() -> None:
    known = [f"p{number}" for number in range(1, 9)]
    folds = pairs_of_people(known)
    assert [fold.training for fold in folds] == list(combinations(known, 2))
    assert len(folds) == 28
    assert everybody_has_one_role(folds, known)
    assert {len(fold.test) for fold in folds} == {6}
    assert len({fold.name for fold in folds}) == 28


@given(people, st.integers(0, 99), st.sampled_from([0.2, 0.4]))
def test_shuffled_folds_are_those_of_scikit_learn_over_windows(known: list[str], seed: int, share: float) -> None:
    folds = shuffled_folds_of_people(known, 3, test_share=share, seed=seed)
    assert everybody_has_one_role(folds, known)
    groups = np.repeat(known, 1 + np.arange(len(known)))
    theirs = GroupShuffleSplit(3, test_size=share, random_state=seed).split(groups, groups=groups)
    assert [set(fold.test) for fold in folds] == [set(groups[test]) for _, test in theirs]


@given(people, st.integers(0, 99))
def test_validation_is_taken_from_training_people_only(known: list[str], seed: int) -> None:
    for fold in leave_one_person_out(known):
        held = with_validation(fold, people=1, seed=seed)
        assert held.test == fold.test
        assert sorted(held.training + held.validation) == sorted(fold.training)
        assert len(held.validation) == 1


def test_validation_that_cannot_be_is_refused() -> None:
    fold = Fold("0", ("a", "b"), ("c",))
    with pytest.raises(HarkenError, match="validation people already: a"):
        with_validation(Fold("0", ("b",), ("c",), ("a",)), people=1, seed=0)
    with pytest.raises(HarkenError, match="2 of 2 training people"):
        with_validation(fold, people=2, seed=0)


@pytest.mark.parametrize("roles", [("ab", "bc", ""), ("ab", "c", "b"), ("ab", "cd", "d")])
def test_a_person_in_two_roles_is_refused_by_name(roles: tuple[str, str, str]) -> None:
    shared = next(person for one, other in combinations(roles, 2) for person in set(one) & set(other))
    with pytest.raises(HarkenError, match=f"{shared} would have two roles"):
        Fold("0", *map(tuple, roles))


def test_a_fold_without_people_or_with_one_twice_is_refused() -> None:
    with pytest.raises(HarkenError, match="nobody in test"):
        Fold("0", ("a",), ())
    with pytest.raises(HarkenError, match="nobody in training"):
        Fold("0", (), ("a",))
    with pytest.raises(HarkenError, match="a would have two roles"):
        Fold("0", ("a", "a"), ("b",))


def test_too_few_people_are_refused() -> None:
    with pytest.raises(HarkenError, match="2 or more people"):
        leave_one_person_out(["a", "a"])
    with pytest.raises(HarkenError, match="3 or more people"):
        pairs_of_people(["a", "b"])
    for k in (1, 4):
        with pytest.raises(HarkenError, match="from 2 to 3"):
            k_folds_of_people(["a", "b", "c"], k, seed=0)


def test_windows_go_where_their_wearer_goes() -> None:
    windows = windows_of("ann", "ben", "cay", "dan")
    found = apply(Fold("0", ("ann",), ("cay",), ("ben",)), windows)
    for part, person in ((found.training, "ann"), (found.validation, "ben"), (found.test, "cay")):
        assert part.subjects.tolist() == [person] * 5
        assert np.array_equal(part.signals, windows.signals[windows.subjects == person])
    assert len(apply(Fold("0", ("ann",), ("cay",)), windows).validation) == 0


def test_people_without_windows_are_named() -> None:
    with pytest.raises(HarkenError, match="no window of bob"):
        apply(Fold("0", ("ann",), ("bob",)), windows_of("ann", "ben"))


def test_parting_two_arms_of_one_person_is_refused() -> None:
    windows = windows_of("p1_left_arm", "p1_right_arm", "p2_left_arm")
    with pytest.raises(HarkenError, match=r"p1_left_arm \(training\) and p1_right_arm \(test\)"):
        apply(Fold("0", ("p1_left_arm",), ("p1_right_arm", "p2_left_arm")), windows)
    apply(Fold("0", ("p1_left_arm", "p1_right_arm"), ("p2_left_arm",)), windows)


def test_a_planted_person_is_found_in_any_two_parts() -> None:
    ann, ben, cay = (windows_of(name, seed=seed) for seed, name in enumerate(["ann", "ben", "cay"]))
    refuse_shared({"training": ann, "validation": ben, "test": cay})
    planted = replace(cay, subjects=np.where(np.arange(5) == 3, "ann", cay.subjects))
    for parts in (("training", "test"), ("test", "validation"), ("validation", "training")):
        with pytest.raises(HarkenError, match=f"ann has windows in {parts[0]} and in {parts[1]}"):
            refuse_shared(dict(zip(parts, (ann, planted), strict=True)))


CERTAIN = [
    ("p1_left", "p1_right"),
    ("p1_left", "p1_right_arm"),
    ("dsads_p1_left_arm", "dsads_p1_right_arm"),
    ("P1-LeftWrist", "p1-rightwrist"),
    ("left.anna", "right.anna"),
    ("annaLeft", "annaRight"),
    ("anna", "anna_left"),
    ("anna_wrist", "anna_ankle"),
    ("7 left", "7 right"),
    ("Jürgen-links_left", "Jürgen-links_right"),
]
ONLY_AT_ONE_TIME = [
    ("left", "right"),
    ("right_wrist", "left_wrist"),
    ("p1_l", "p1_r"),
    ("p1_LA", "p1_RA"),
    ("p1L", "p1R"),
]
UNSEEN = [
    ("p1_left", "p2_right"),
    ("p1_left", "p11_right"),
    ("dsads_p1", "dsads_p2"),
    ("wisdm_1600", "wisdm_1601"),
    ("anna", "ben"),
    ("anna", "annaliese"),
    ("p1", "p1_2"),
    ("arm1_001", "arm2_001"),  # the arms of a trial
    ("control_arm_3", "control_arm_4"),
    ("harm_1", "harm_2"),
    ("study_kl", "study_kr"),
    ("lara", "rara"),
    ("ä_left", "ö_right"),
    ("bäl", "bär"),
]


@pytest.mark.parametrize(("one", "other"), CERTAIN)
def test_names_that_differ_in_a_spelled_out_side_are_one_person_at_any_time(one: str, other: str) -> None:
    with pytest.raises(HarkenError, match="two sensors on one person"):
        refuse_shared({"training": windows_of(one), "test": windows_of(other, start_s=5000, seed=1)})


@pytest.mark.parametrize(("one", "other"), ONLY_AT_ONE_TIME)
def test_names_that_say_less_count_when_the_two_were_recorded_at_once(one: str, other: str) -> None:
    later = {"training": windows_of(one), "test": windows_of(other, start_s=10, seed=1)}
    refuse_shared(later)
    with pytest.raises(HarkenError, match="two sensors on one person"):
        refuse_shared({**later, "test": windows_of(other, start_s=9.9, seed=1)})
    assert arms_of_one_person(other, one, everybody=[], simultaneous=True)


@pytest.mark.parametrize(("one", "other"), UNSEEN)
def test_unseen_are_no_false_alarm_even_at_one_time(one: str, other: str) -> None:
    refuse_shared({"training": windows_of(one), "test": windows_of(other, seed=1)})


def test_letters_that_go_on_are_initials_and_no_sides() -> None:
    parts = {"training": windows_of("study_l"), "test": windows_of("study_r", seed=1)}
    with pytest.raises(HarkenError, match="two sensors"):
        refuse_shared(parts)
    refuse_shared({**parts, "validation": windows_of("study_m", seed=2)})


def test_a_window_that_stands_on_both_sides_under_two_names_is_found() -> None:
    ann, ben = windows_of("ann", n=9000), windows_of("ben", n=6000, seed=1)
    refuse_shared({"training": ann, "test": ben})
    signals = ben.signals.copy()
    signals[5555] = ann.signals[8888]
    with pytest.raises(HarkenError, match=r"1 windows in training \(the first: ann\) are in test too \(ben\)"):
        refuse_shared({"training": ann, "test": replace(ben, signals=signals)})
    signals[5555, 7, 1] = np.nextafter(signals[5555, 7, 1], np.float32(9))
    refuse_shared({"training": ann, "test": replace(ben, signals=signals)})


def test_a_watch_that_lies_still_may_read_the_same_for_two_people() -> None:
    still = np.broadcast_to(np.array([0, 0, 1], np.float32), (5, 20, 3))
    ann, ben = (replace(windows_of(name), signals=still) for name in ("ann", "ben"))
    refuse_shared({"training": ann, "test": ben})


def of_bouts(bouts: list[tuple[int, int]], gaps: list[bool], as_found: bool = False) -> Recording:
    codes = np.concatenate([np.full(n, code, np.int16) for code, n in bouts])
    steps = np.full(len(codes), 40_000_000)
    position = 0
    for (_, n), gap in zip(bouts, gaps, strict=True):
        if gap:
            steps[position] += 10**10
        position += n
    signals = np.arange(len(codes) * 3).reshape(-1, 3)
    return recording_of(np.cumsum(steps), signals, codes=codes, names=("a", "b"), as_found=as_found)


bouts = st.lists(st.tuples(st.integers(-1, 1), st.integers(1, 60)), min_size=1, max_size=8)


@given(bouts, st.lists(st.booleans(), min_size=8, max_size=8), st.integers(1, 9))
def test_blocked_cuts_every_bout_at_four_fifths_and_drops_a_window(
    parts: list[tuple[int, int]], gaps: list[bool], length: int
) -> None:
    parts = [(-1, 20), *parts]  # a gap is told from the usual step, so most steps must be usual ones
    gaps = [False, *gaps]
    recording = of_bouts(parts, gaps[: len(parts)])
    training, test = blocked_same_person(recording, window_length=length)
    row = 0
    merged: list[int] = []  # bouts as they really are: neighbours of one label without a gap are one
    for (code, n), gap in zip(parts, gaps, strict=False):
        if merged and not gap and code == recording.label_codes[row - 1]:
            merged[-1] += n
        else:
            merged.append(n)
        row += n
    row = 0
    for n in merged:
        cut = int(0.8 * n)
        assert training.valid[row : row + cut].all()
        assert not training.valid[row + cut : row + n].any()
        assert not test.valid[row : row + min(n, cut + length)].any()
        assert test.valid[row + min(n, cut + length) : row + n].all()
        row += n
    assert np.array_equal(training.signals, recording.signals)  # marked, not overwritten


def test_blocked_needs_a_clock() -> None:
    with pytest.raises(HarkenError, match="mended"):
        blocked_same_person(of_bouts([(0, 9)], [False], as_found=True), window_length=3)
