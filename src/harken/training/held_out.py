"""What is held out of training for a test: a person's last occasion, the last part of each bout, or whole people; and
what such a test cannot show."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from harken.recordings.fingerprints import SAME_RECORDING, Fingerprints
from harken.recordings.recording import UNLABELLED, Recording, local_time
from harken.support.arrays import BoolArray, Int64Array, nearest_distance_ns
from harken.support.errors import HarkenError
from harken.support.printable import listed, percent, printable, quoted
from harken.windows.folds import blocked_same_person, group_arms, number_people

OCCASION_S = 3600.0
"""Recordings of a person that are at least this far apart are of different occasions."""
LEAST_TEST_WINDOWS = 2
"""The test part of a bout is at least this many windows long, if the bout is long enough."""
MOST_FOLDS = 3
SHORT_S = 60.0
"""The score of a label with less time than this says little."""


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
        parts: each recording's, in the order of the recordings.
        by_occasion: whether each person's last occasion is the test; otherwise the last part of each bout is.
    """

    parts: tuple[Part, ...]
    by_occasion: bool

    @property
    def training(self) -> list[Recording]:
        """The training parts of the recordings."""
        return [part.training for part in self.parts if part.training is not None]

    @property
    def test(self) -> list[Recording]:
        """The test parts of the recordings."""
        return [part.test for part in self.parts if part.test is not None]


def split_by_occasion(recordings: Sequence[Recording], *, window_length_s: float) -> Division:
    """Hold out each person's last occasion, or else the last part of each bout.

    The last occasions are the test if, for every person, the last occasion and the earlier ones have the same labels,
    at least two, each with a bout that is as long as a window. Otherwise the last part of each bout is the test
    (``blocked_same_person``).

    Args:
        recordings: mended recordings with labels.
        window_length_s: the length of the longest windows of the models that are tested.
    """
    last = _find_last_occasions(recordings, least_s=window_length_s)
    if last is None:
        return Division(_split_bouts(recordings, window_length_s), by_occasion=False)
    parts = []
    for number, recording in enumerate(recordings):
        if number in last:
            parts.append(Part(recording, None, recording))
        else:
            parts.append(Part(recording, recording, None))
    return Division(tuple(parts), by_occasion=True)


def split_bouts_as_notebook(recordings: Sequence[Recording], *, window_length: int) -> Division:
    """Hold out the last fifth of each bout, less the samples of a window, whatever occasions there are."""
    parts = []
    for recording in recordings:
        training, test = blocked_same_person(recording, window_length=window_length)
        parts.append(Part(recording, training, test))
    return Division(tuple(parts), by_occasion=False)


def leave_out_people(recordings: Sequence[Recording]) -> list[list[Part]]:
    """Leave each person out once, with both arms, in at most three folds. With a single person there is no fold."""
    people = group_arms({recording.subject for recording in recordings})
    if len(people) < 2:
        return []
    count = min(len(people), MOST_FOLDS)
    folds = []
    for number in range(count):
        subjects = [subject for person in people[number::count] for subject in person]
        folds.append(hold_out_people(recordings, subjects))
    return folds


def hold_out_people(recordings: Sequence[Recording], people: Sequence[str]) -> list[Part]:
    """Hold out all recordings of some people."""
    parts = []
    for recording in recordings:
        if recording.subject in people:
            parts.append(Part(recording, None, recording))
        else:
            parts.append(Part(recording, recording, None))
    return parts


def find_labelled(recording: Recording) -> BoolArray:
    """Return which samples are valid and have a label, bool ``[n]``."""
    return np.asarray(recording.valid & (recording.label_codes != UNLABELLED))


def sum_labelled_seconds(recordings: Sequence[Recording]) -> dict[str, float]:
    """Return the labelled seconds of valid samples, by label."""
    seconds: dict[str, float] = {}
    for recording in recordings:
        names = recording.label_names
        counts = np.bincount(recording.label_codes[find_labelled(recording)], minlength=len(names))
        for name, count in zip(names, counts.tolist(), strict=True):
            if count:
                seconds[name] = seconds.get(name, 0.0) + count / recording.sample_rate_hz
    return dict(sorted(seconds.items()))


def least_tested_s(window_length_s: float) -> float:
    """Return the length of the shortest bout of which a part can be held out: a window for training, one as the gap,
    and the test."""
    return (2 + LEAST_TEST_WINDOWS) * window_length_s


def list_occasions(recordings: Sequence[Recording]) -> list[list[Recording]]:
    """Group one person's recordings into occasions, in the order of time."""
    occasions: list[list[Recording]] = []
    ended_ns = 0
    for recording in sorted(recordings, key=lambda recording: int(recording.time_ns[0])):
        if not occasions or recording.time_ns[0] - ended_ns >= OCCASION_S * 1e9:
            occasions.append([])
        occasions[-1].append(recording)
        ended_ns = max(ended_ns, int(recording.time_ns[-1]))
    return occasions


def refuse_same_movement(recordings: Sequence[Recording]) -> None:
    """Raise a HarkenError if two mended recordings hold the same movement.

    A test on the copy would be a test on training data. Either may be a part of the other, and a copy may have another
    name or another clock.
    """
    fingerprints = [Fingerprints.of([recording]) for recording in recordings]
    for first, second in combinations(range(len(recordings)), 2):
        of_first = of_second = 0.0
        if recordings[first].samples_fingerprint == recordings[second].samples_fingerprint:
            of_second = 1.0
        elif fingerprints[first].may_share(fingerprints[second]):
            of_second = float(fingerprints[first].known(recordings[second]).mean())
            of_first = float(fingerprints[second].known(recordings[first]).mean())
        copy, original, share = second, first, of_second
        if of_first > of_second:
            copy, original, share = first, second, of_first
        if share > SAME_RECORDING:
            raise HarkenError(
                f"{percent(share)} of {printable(recordings[copy].source)} is movement of "
                f"{printable(recordings[original].source)}: it is the same recording, and a test on one of them would "
                "be a test on training data; remove one"
            )


def _list_labels_with_bouts(recordings: Sequence[Recording], least_s: float) -> set[str]:
    """Return the labels that have a bout of at least this length."""
    labels: set[str] = set()
    for recording in recordings:
        edges = recording.bout_edges
        is_long = np.diff(edges) >= least_s * recording.sample_rate_hz
        is_long &= recording.label_codes[edges[:-1]] != UNLABELLED
        labels.update(recording.label_names[code] for code in recording.label_codes[edges[:-1]][is_long])
    return labels


def _find_last_occasions(recordings: Sequence[Recording], *, least_s: float) -> set[int] | None:
    """Return the numbers of the recordings of each person's last occasion; None if they cannot be the test."""
    numbers: set[int] = set()
    person_of = number_people(recording.subject for recording in recordings)
    for person in set(person_of.values()):
        own = [recording for recording in recordings if person_of[recording.subject] == person]
        *earlier, last = list_occasions(own)
        before: set[str] = set()
        for occasion in earlier:
            before |= _list_labels_with_bouts(occasion, least_s)
        after = _list_labels_with_bouts(last, least_s)
        if before != after or len(after) < 2:
            return None
        held_out = {id(recording) for recording in last}
        numbers |= {number for number, recording in enumerate(recordings) if id(recording) in held_out}
    return numbers


def _split_bouts(recordings: Sequence[Recording], window_length_s: float) -> tuple[Part, ...]:
    """Hold out the last part of each bout, and leave training samples out that are near the test of any other bout."""
    blocked = []
    for recording in recordings:
        length = int(np.ceil(window_length_s * recording.sample_rate_hz))
        training, test = blocked_same_person(recording, window_length=length, least_test=LEAST_TEST_WINDOWS * length)
        blocked.append(Part(recording, training, test))
    distance_ns = round(window_length_s * 1e9)
    person_of = number_people(recording.subject for recording in recordings)
    divided = []
    for part in blocked:
        person = person_of[part.whole.subject]
        others = [other for other in blocked if other is not part and person_of[other.whole.subject] == person]
        divided.append(_without_samples_near_tests(part, others, distance_ns))
    return tuple(divided)


def _without_samples_near_tests(part: Part, others: Sequence[Part], distance_ns: int) -> Part:
    """Leave training samples out that are near a test, also in the person's other recordings."""
    recording, training, test = part.whole, part.training, part.test
    assert training is not None
    assert test is not None
    near = np.zeros(len(recording), dtype=bool)
    # The same movement may be in the test of another sensor of the same person.
    for other in others:
        if other.test is not None:
            near |= _find_near(recording.time_ns, other.test.time_ns[find_labelled(other.test)], distance_ns)
    # A bout may be divided by a moment without a label, so a part of it may be near the test of the next one.
    for code in np.unique(test.label_codes[find_labelled(test)]).tolist():
        same = recording.label_codes == code
        tests_ns = test.time_ns[test.valid & (test.label_codes == code)]
        near[same] |= _find_near(recording.time_ns[same], tests_ns, distance_ns)
    return Part(recording, replace(training, valid=training.valid & ~near), test)


def _find_near(time_ns: Int64Array, tests_ns: Int64Array, distance_ns: int) -> BoolArray:
    """Return which times are nearer than this to a time of a test."""
    if not len(tests_ns):
        return np.zeros(len(time_ns), dtype=bool)
    return np.asarray(nearest_distance_ns(time_ns, tests_ns) < distance_ns)


def list_limits(
    division: Division,
    *,
    tested: Collection[str],
    left_out: Collection[str],
    labels: Sequence[str],
    before_labels: Sequence[str],
    adapted: bool,
) -> list[str]:
    """List what recordings cannot show, in sentences.

    Args:
        division: the recordings, divided into training and test.
        tested: the labels that were tested on the test parts.
        left_out: the people on whom a model was tested that was made without them.
        labels: the labels of the new model.
        before_labels: those of the model in use; empty without one.
        adapted: whether the model in use was adapted.
    """
    recordings = [part.whole for part in division.parts]
    recorded = list(sum_labelled_seconds(recordings))
    return [
        *_list_limits_of_people(sorted({recording.subject for recording in recordings}), left_out),
        *_list_limits_of_days(recordings),
        *_list_limits_of_bouts(division, tested),
        *_list_limits_of_labels(recorded, labels, before_labels, adapted=adapted),
    ]


def _list_limits_of_people(people: Sequence[str], left_out: Collection[str]) -> list[str]:
    from harken.models.scores import FEWEST_PEOPLE_FOR_AN_INTERVAL  # loads Polars, for which no server need wait

    if len(people) == 1:
        return [f"All labels are of {quoted(people)}. How well the model recognises other people is not known."]
    limits = []
    if not left_out:
        limits.append(
            f"There is no score on {quoted(people)} as new people, because bouts are too short. How well the model "
            "recognises other people is not known."
        )
    elif len(left_out) < FEWEST_PEOPLE_FOR_AN_INTERVAL:
        limits.append(f"{_count_people(left_out)} too few for a confidence interval over people.")
    return limits


def _count_people(people: Collection[str]) -> str:
    return "One person left out is" if len(people) == 1 else f"{len(people)} people left out are"


def _list_limits_of_days(recordings: Sequence[Recording]) -> list[str]:
    days = set()
    for recording in recordings:
        times_ns = recording.time_ns[find_labelled(recording)]
        if len(times_ns):
            for edge_ns in times_ns[[0, -1]].tolist():
                days.add(local_time(edge_ns, recording.timezone).date())
    if len(days) != 1:
        return []
    return [
        f"All labels are of one day, {min(days)}. On another day the watch may sit in another way, and you may move in "
        "another way."
    ]


def _list_limits_of_bouts(division: Division, tested: Collection[str]) -> list[str]:
    recordings = [part.whole for part in division.parts]
    seconds = sum_labelled_seconds(recordings)
    bouts = _count_bouts(recordings)
    limits = []
    if short := [f"“{label}” ({seconds[label]:.0f} s)" for label in seconds if seconds[label] < SHORT_S]:
        limits.append(
            f"Less than a minute is labelled {listed(short)}. Record more of it before you rely on its score."
        )
    single = [label for label in seconds if bouts[label] == 1 and label in tested]
    if single and not division.by_occasion:
        limits.append(
            f"There is one bout of {quoted(single)}, so its test is from the same bout. Whether the next bout is "
            "recognised as well is not known."
        )
    untested = [label for label in seconds if label not in tested]
    if not tested and division.by_occasion:
        limits.append("The last occasion was not tested: no window fits into its bouts, or into the earlier ones.")
    elif not tested:
        limits.append("Nothing was held out: a test needs two labels with a bout that is long enough to be divided.")
    elif untested:
        limits.append(f"Not tested, because no bout of it is long enough to be divided: {quoted(untested)}.")
    return limits


def _count_bouts(recordings: Sequence[Recording]) -> Counter[str]:
    bouts: Counter[str] = Counter()
    for recording in recordings:
        codes = recording.label_codes[recording.bout_edges[:-1]].tolist()
        bouts.update(recording.label_names[code] for code in codes if code != UNLABELLED)
    return bouts


def _list_limits_of_labels(
    recorded: Sequence[str], labels: Sequence[str], before_labels: Sequence[str], *, adapted: bool
) -> list[str]:
    missing = sorted(set(before_labels) - set(recorded))
    limits = []
    if adapted:
        if missing:
            limits.append(
                f"Not recorded, and so neither adapted nor tested: {quoted(missing)}. A personal model gives "
                "these labels less often."
            )
    else:
        known = quoted(sorted(labels))
        limits.append(f"The new model knows only {known}. It labels all other time as one of these, or as not sure.")
        if missing:
            unknown = f"The new model does not know {quoted(missing)}, which the model in use knows."
            limits = [f"{unknown} It labels such time as one of {known}."]
    if before_labels and (new := sorted(set(labels) - set(before_labels))):
        them = "it" if len(new) == 1 else "them"
        limits.append(f"Only the new model knows {quoted(new)}, so the comparison leaves {them} out.")
    return limits
