"""The honest test of learning: which part of the labelled recordings is held out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from harken.recordings.recording import UNLABELLED, Recording
from harken.support.arrays import nearest_distance_ns
from harken.support.printable import quoted
from harken.windows.people import blocked_same_person

OCCASION_S = 3600.0
"""Recordings of a person that are at least this far apart are of different occasions."""
LEAST_TEST_WINDOWS = 2
"""The test part of a bout is at least this many windows long, if the bout is long enough."""
MOST_FOLDS = 3


@dataclass(frozen=True, eq=False)
class Part:
    """A recording, and the samples of it that are for training and for testing.

    Attributes:
        whole: the mended recording.
        training, test: the same with only these samples valid; None: no sample of it.
    """

    whole: Recording
    training: Recording | None
    test: Recording | None


@dataclass(frozen=True, eq=False)
class Division:
    """The division of labelled recordings into training and test.

    Attributes:
        parts: each recording's.
        by_occasion: whether each person's last occasion is the test; otherwise the last part of each bout is.
    """

    parts: tuple[Part, ...]
    by_occasion: bool

    @property
    def training(self) -> list[Recording]:
        """The training recordings."""
        return [part.training for part in self.parts if part.training is not None]


def divided(recordings: Sequence[Recording], *, window_length_s: float) -> Division:
    """Divide recordings: the last occasion of each person is the test if all of the person's labels are in it and in an
    earlier one, for every person; else the last part of each bout is (``blocked_same_person``).

    Args:
        recordings: mended recordings with labels, in the order of their starts.
        window_length_s: the length of the longest windows of the models.
    """
    last = _last_occasions(recordings)
    if last is not None:
        parts = tuple(
            Part(one, None if number in last else one, one if number in last else None)
            for number, one in enumerate(recordings)
        )
        return Division(parts, by_occasion=True)
    return Division(_blocked(recordings, window_length_s), by_occasion=False)


def least_tested_s(window_length_s: float) -> float:
    """The length of the shortest bout of which a part can be held out: a window for training, one as the gap, and the
    test."""
    return (2 + LEAST_TEST_WINDOWS) * window_length_s


def occasions_of(recordings: Sequence[Recording]) -> list[list[Recording]]:
    """The occasions of one person's recordings, which are in the order of their starts."""
    found: list[list[Recording]] = []
    ended_ns = 0
    for one in recordings:
        if not found or one.time_ns[0] - ended_ns >= OCCASION_S * 1e9:
            found.append([])
        found[-1].append(one)
        ended_ns = max(ended_ns, int(one.time_ns[-1]))
    return found


def without_people(recordings: Sequence[Recording]) -> list[tuple[list[Recording], list[Recording]]]:
    """The recordings of some people, and of all others: each person is left out once, in at most three folds."""
    people = sorted({one.subject for one in recordings})
    count = min(len(people), MOST_FOLDS)
    folds = [set(people[number::count]) for number in range(count)]
    return [
        ([one for one in recordings if one.subject in fold], [one for one in recordings if one.subject not in fold])
        for fold in folds
    ]


def _last_occasions(recordings: Sequence[Recording]) -> set[int] | None:
    """The numbers of the recordings of each person's last occasion; None if they cannot be the test."""
    found: set[int] = set()
    for person in {one.subject for one in recordings}:
        *earlier, last = occasions_of([one for one in recordings if one.subject == person])
        before = {label for occasion in earlier for one in occasion for label in _labels(one)}
        after = {label for one in last for label in _labels(one)}
        if before != after or len(after) < 2:
            return None
        found |= {number for number, one in enumerate(recordings) if any(one is each for each in last)}
    return found


def _labels(recording: Recording) -> set[str]:
    codes = np.unique(recording.label_codes[recording.valid])
    return {recording.label_names[code] for code in codes.tolist() if code != UNLABELLED}


def _blocked(recordings: Sequence[Recording], window_length_s: float) -> tuple[Part, ...]:
    parts = []
    for one in recordings:
        length = int(np.ceil(window_length_s * one.sample_rate_hz))
        parts.append((one, *blocked_same_person(one, window_length=length, least_test=LEAST_TEST_WINDOWS * length)))
    found = []
    for one, training, test in parts:
        tests_ns = [
            tested.time_ns[tested.valid & (tested.label_codes != UNLABELLED)]
            for other, _, tested in parts
            if other.subject == one.subject and other is not one
        ]
        distance_ns = round(window_length_s * 1e9)
        near = _near(one.time_ns, tests_ns, distance_ns) | _near_its_label(one, test, distance_ns)
        found.append(Part(one, replace(training, valid=training.valid & ~near), test))
    return tuple(found)


def _near(time_ns: NDArray[np.int64], others_ns: Sequence[NDArray[np.int64]], distance_ns: int) -> NDArray[np.bool_]:
    """Which times are nearer than this to one of the other times: the same movement may be in the test of another
    sensor of the same person."""
    near = np.zeros(len(time_ns), dtype=bool)
    for other_ns in others_ns:
        if len(other_ns):
            near |= nearest_distance_ns(time_ns, other_ns) < distance_ns
    return near


def _near_its_label(recording: Recording, test: Recording, distance_ns: int) -> NDArray[np.bool_]:
    """Which samples are nearer than this to one of the recording's own test with the same label: a bout may be divided
    by a moment without a label."""
    near = np.zeros(len(recording.time_ns), dtype=bool)
    for code in np.unique(test.label_codes[test.valid & (test.label_codes != UNLABELLED)]).tolist():
        same = recording.label_codes == code
        tests_ns = test.time_ns[test.valid & (test.label_codes == code)]
        near[same] = _near(recording.time_ns[same], [tests_ns], distance_ns)
    return near


def described(division: Division, people: Sequence[str]) -> str:
    """What the test measures, in a sentence."""
    whose = quoted(people) if len(people) == 1 else f"each person ({quoted(people)})"
    if division.by_occasion:
        return f"The last occasion on which {whose} recorded was held out of training. It is at least an hour later."
    return (
        f"The last part of each bout of {whose} was held out of training, after a gap, so no sample is in both. Day, "
        "watch and strap are the same."
    )
