"""The honest test of learning: which part of the labelled recordings is held out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from harken.recordings.recording import UNLABELLED, Recording
from harken.support.arrays import BoolArray, Int64Array, nearest_distance_ns
from harken.windows.folds import blocked_same_person

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


def is_labelled(recording: Recording) -> BoolArray:
    """Which samples are valid and have a label, bool ``[n]``."""
    return np.asarray(recording.valid & (recording.label_codes != UNLABELLED))


def seconds_by_label(recordings: Sequence[Recording]) -> dict[str, float]:
    """The labelled seconds of valid samples, by label."""
    seconds: dict[str, float] = {}
    for one in recordings:
        counts = np.bincount(one.label_codes[is_labelled(one)], minlength=len(one.label_names))
        for name, count in zip(one.label_names, counts.tolist(), strict=True):
            if count:
                seconds[name] = seconds.get(name, 0.0) + count / one.sample_rate_hz
    return dict(sorted(seconds.items()))


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
    occasions: list[list[Recording]] = []
    ended_ns = 0
    for one in recordings:
        if not occasions or one.time_ns[0] - ended_ns >= OCCASION_S * 1e9:
            occasions.append([])
        occasions[-1].append(one)
        ended_ns = max(ended_ns, int(one.time_ns[-1]))
    return occasions


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
    numbers: set[int] = set()
    for person in {one.subject for one in recordings}:
        *earlier, last = occasions_of([one for one in recordings if one.subject == person])
        before = set(seconds_by_label([one for occasion in earlier for one in occasion]))
        after = set(seconds_by_label(last))
        if before != after or len(after) < 2:
            return None
        numbers |= {number for number, one in enumerate(recordings) if any(one is each for each in last)}
    return numbers


def _blocked(recordings: Sequence[Recording], window_length_s: float) -> tuple[Part, ...]:
    blocked = []
    for one in recordings:
        length = int(np.ceil(window_length_s * one.sample_rate_hz))
        blocked.append((one, *blocked_same_person(one, window_length=length, least_test=LEAST_TEST_WINDOWS * length)))
    distance_ns = round(window_length_s * 1e9)
    parts = []
    for one, training, test in blocked:
        near = np.zeros(len(one), dtype=bool)
        # The same movement may be in the test of another sensor of the same person.
        for other, _, others_test in blocked:
            if other.subject == one.subject and other is not one:
                near |= _near(one.time_ns, others_test.time_ns[is_labelled(others_test)], distance_ns)
        # A bout may be divided by a moment without a label, so one of a label may be near the test of the next.
        for code in np.unique(test.label_codes[is_labelled(test)]).tolist():
            same = one.label_codes == code
            tests_ns = test.time_ns[test.valid & (test.label_codes == code)]
            near[same] |= _near(one.time_ns[same], tests_ns, distance_ns)
        parts.append(Part(one, replace(training, valid=training.valid & ~near), test))
    return tuple(parts)


def _near(time_ns: Int64Array, tests_ns: Int64Array, distance_ns: int) -> BoolArray:
    """Which times are nearer than this to a time of a test."""
    if not len(tests_ns):
        return np.zeros(len(time_ns), dtype=bool)
    return np.asarray(nearest_distance_ns(time_ns, tests_ns) < distance_ns)
