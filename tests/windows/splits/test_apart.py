"""Windows themselves are asked whether two sets are of different people: planted people, arms and copies are found."""

from dataclasses import replace

import numpy as np
import pytest

from harken.support.errors import HarkenError
from harken.windows.splits.people import arms_of_one_person, refuse_shared
from harken.windows.windows import Windows

SECOND = 10**9


def windows_of(subject: str, *, n: int = 5, start_s: float = 0, seed: int = 0) -> Windows:
    """Windows of 2 s, one after another from ``start_s``."""
    return Windows(
        signals=np.random.default_rng(seed).normal(size=(n, 20, 3)).astype(np.float32),
        label_codes=np.zeros(n, np.int16),
        label_names=("a",),
        subjects=np.full(n, subject),
        starts_ns=round(start_s * SECOND) + 2 * SECOND * np.arange(n),
        start_rows=20 * np.arange(n),
        channels=("x", "y", "z"),
        sample_rate_hz=10.0,
    )


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


def test_views_and_copies_of_a_recording_are_the_same_windows() -> None:
    ann = windows_of("ann", n=8)
    rows = ann.signals.reshape(-1, 3)
    sliding = np.lib.stride_tricks.sliding_window_view(rows, 20, axis=0).swapaxes(1, 2)[::10]
    ben = replace(windows_of("ben", n=len(sliding)), signals=sliding)
    with pytest.raises(HarkenError, match="8 windows"):
        refuse_shared({"training": ann, "test": ben})


def test_parts_without_windows_share_nothing() -> None:
    ann = windows_of("ann")
    refuse_shared({"training": ann, "validation": ann[:0], "test": windows_of("ben", seed=1)})
