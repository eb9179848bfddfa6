"""Divisions of windows into training and test data: folds of people, and parts of one person's recordings.

Training and test windows of different people are checked to share no person.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from itertools import combinations, compress, product

import numpy as np
from numpy.typing import NDArray

from harken.recordings.recording import Recording
from harken.support.arrays import Float32Array
from harken.support.errors import HarkenError
from harken.windows.windows import Windows

WORD = re.compile(r"[^\W\d_]+|\d+")
CAPITAL_INSIDE = re.compile(r"(?<=[a-z])(?=[A-Z])")
SIDE_OR_PLACE = re.compile(
    r"(left|right)?(arm|forearm|wrist|hand|ankle|leg|thigh|foot|hip|waist|chest|torso)?", re.IGNORECASE
)
ABBREVIATED_SIDE = re.compile(r"[lr](a|w|h)?", re.IGNORECASE)
WINDOWS_AT_ONCE = 4096


@dataclass(frozen=True)
class Fold:
    """The training, validation and test people of one fold.

    Attributes:
        name: its name in tables, unique among the folds of a protocol.
        training: the people whose windows train the weights.
        test: the unseen people. They are not used for model selection, early stopping or calibration.
        validation: held-out training people, used for model selection; empty if there is no selection.

    Raises:
        HarkenError: when a person has two roles or is listed twice, or when there are no training or no test people.
    """

    name: str
    training: tuple[str, ...]
    test: tuple[str, ...]
    validation: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.training or not self.test:
            raise HarkenError(f"fold {self.name}: there is nobody in {'test' if self.training else 'training'}")
        count = Counter([*self.training, *self.validation, *self.test])
        if several := sorted(person for person, roles in count.items() if roles > 1):
            raise HarkenError(f"fold {self.name}: {', '.join(several)} would have two roles. A person has one role")


@dataclass(frozen=True)
class FoldWindows:
    """The windows of a fold's people. ``validation`` may be empty."""

    training: Windows
    validation: Windows
    test: Windows


def apply(fold: Fold, windows: Windows) -> FoldWindows:
    """The windows of a fold's people. Windows of other people are left out.

    Raises:
        HarkenError: when a person of the fold has no window, or when two parts of the fold share a person, the two arms
            of one person, or a window (``harken.windows.folds.refuse_shared``).
    """
    named = {*fold.training, *fold.validation, *fold.test}
    absent = sorted(named - set(windows.subjects.tolist()))
    if absent:
        raise HarkenError(f"fold {fold.name}: there is no window of {', '.join(absent)}")
    training, validation, test = (
        windows[np.isin(windows.subjects, people)] for people in (fold.training, fold.validation, fold.test)
    )
    refuse_shared({"training": training, "validation": validation, "test": test})
    return FoldWindows(training, validation, test)


def k_folds_of_people(people: Iterable[str], k: int, *, seed: int) -> list[Fold]:
    """``k``-fold cross-validation over people: each person is a test person in exactly one shuffled fold.

    It measures recognition of unseen people of the same study. The scores of the folds are not independent, because any
    two folds share most of their training people.

    Raises:
        HarkenError: when there are fewer people than folds, or fewer than two folds.
    """
    from sklearn.model_selection import KFold

    known = _people(people, fewest=2)
    if not 2 <= k <= len(known):
        raise HarkenError(
            f"{len(known)} people cannot be divided into {k} folds; the number of folds must be from 2 to {len(known)}"
        )
    dealt = KFold(k, shuffle=True, random_state=seed).split(known)
    return [_fold(str(number), known, test.tolist()) for number, (_, test) in enumerate(dealt)]


def leave_one_person_out(people: Iterable[str]) -> list[Fold]:
    """One fold for each person, named after the person, who is the test person. All others are training people.

    It measures recognition of an unseen person by a model that was trained on all other people of the study.

    Raises:
        HarkenError: when there are fewer than two people.
    """
    known = _people(people, fewest=2)
    return [_fold(person, known, [number]) for number, person in enumerate(known)]


def pairs_of_people(people: Iterable[str]) -> list[Fold]:
    """One fold for each pair of people. The two are training people, and all others are test people.

    It measures how well a model trained on two people recognises unseen people, averaged over all pairs.

    Raises:
        HarkenError: when there are fewer than three people.
    """
    known = _people(people, fewest=3)
    return [
        Fold(f"{one}+{other}", (one, other), tuple(person for person in known if person not in (one, other)))
        for one, other in combinations(known, 2)
    ]


def shuffled_folds_of_people(people: Iterable[str], folds: int, *, test_share: float, seed: int) -> list[Fold]:
    """``folds`` random draws of test people: scikit-learn's ``GroupShuffleSplit``.

    A person may be a test person in several folds or in none, so an average over folds is hard to interpret. Average
    over people instead, and keep the evaluations of one person together,
    as ``harken benchmark`` does.

    Raises:
        HarkenError: when there are fewer than two people.
    """
    from sklearn.model_selection import GroupShuffleSplit

    known = _people(people, fewest=2)
    draws = GroupShuffleSplit(folds, test_size=test_share, random_state=seed).split(known, groups=known)
    return [_fold(str(number), known, test.tolist()) for number, (_, test) in enumerate(draws)]


def with_validation(fold: Fold, *, people: int | float, seed: int) -> Fold:
    """The same fold with some of its *training* people held out for validation.

    Args:
        fold: a fold without validation people.
        people: how many, or their share of the training people (a float below 1).
        seed: the seed of the random draw.

    Raises:
        HarkenError: when the fold already has validation people, or when there would be no training or no validation
            people.
    """
    from sklearn.model_selection import GroupShuffleSplit

    if fold.validation:
        raise HarkenError(f"fold {fold.name} has validation people already: {', '.join(fold.validation)}")
    known = _people(fold.training, fewest=2)
    try:
        draw = GroupShuffleSplit(1, test_size=people, random_state=seed).split(known, groups=known)
        held_out = next(draw)[1].tolist()
    except ValueError as error:
        raise HarkenError(f"fold {fold.name}: {people} of {len(known)} training people cannot be held out") from error
    validation = tuple(known[number] for number in held_out)
    return replace(fold, training=tuple(person for person in known if person not in validation), validation=validation)


def _people(people: Iterable[str], *, fewest: int) -> list[str]:
    """The people, sorted and distinct, so that folds do not depend on the order in which files were read."""
    known = sorted({str(person) for person in people})
    if len(known) < fewest:
        raise HarkenError(f"{fewest} or more people are needed, not {len(known)} ({', '.join(known) or 'nobody'})")
    return known


def _fold(name: str, people: list[str], test: list[int]) -> Fold:
    tested = tuple(people[number] for number in sorted(test))
    return Fold(name, tuple(person for person in people if person not in tested), tested)


def refuse_shared(parts: Mapping[str, Windows]) -> None:
    """Check that no two parts share a wearer.

    ``parts`` maps the name of each part to its windows, which may be empty. The check looks for these in every pair of
    parts:

    - a subject in both;
    - two subjects whose names are those of two arms of one person (``arms_of_one_person``);
    - a window in both, with equal samples. Windows without any movement are not counted, because watches on a table
      give equal samples for different owners.

    Raises:
        HarkenError: when two parts share a wearer; the message names the parts, the people and what they share.
    """
    subjects = {str(subject) for part in parts.values() for subject in np.unique(part.subjects)}
    content = {name: _content_numbers(part.signals) for name, part in parts.items()}
    for (one, these), (other, those) in combinations(parts.items(), 2):
        shared = np.intersect1d(these.subjects, those.subjects)
        if len(shared):
            raise HarkenError(f"{', '.join(shared)} has windows in {one} and in {other}. A person has one role")
        arms = _parted_arms(these, those, subjects)
        if arms:
            raise HarkenError(
                f"{arms[0]} ({one}) and {arms[1]} ({other}) look like two sensors on one person, who would be in "
                f"both parts. Give both recordings the person's name as subject"
            )
        if these.signals.shape[1:] == those.signals.shape[1:]:
            _, first, second = np.intersect1d(content[one], content[other], return_indices=True)
            _refuse_same_windows(these[first], those[second], one, other)


def group_arms(subjects: Iterable[str]) -> list[list[str]]:
    """Group subjects into people, in the order of their names: by their names, some are arms of one person.

    >>> from harken.windows.folds import group_arms
    >>> group_arms(["p1_left", "p2", "p1_right"])
    [['p1_left', 'p1_right'], ['p2']]
    """
    names = sorted(set(subjects))
    people: list[list[str]] = []
    for name in names:
        for person in people:
            if arms_of_one_person(person[0], name, everybody=names, simultaneous=False):
                person.append(name)
                break
        else:
            people.append([name])
    return people


def number_people(subjects: Iterable[str]) -> dict[str, int]:
    """Return the number of the person of each subject; the arms of one person have the same number.

    >>> from harken.windows.folds import number_people
    >>> number_people(["p1_left", "p2", "p1_right"])
    {'p1_left': 0, 'p1_right': 0, 'p2': 1}
    """
    person_of: dict[str, int] = {}
    for number, names in enumerate(group_arms(subjects)):
        person_of |= dict.fromkeys(names, number)
    return person_of


def arms_of_one_person(one: str, other: str, *, everybody: Iterable[str], simultaneous: bool) -> bool:
    """Whether the names of two subjects are those of two arms of one person (or of wrist and ankle, or of a person and
    an arm).

    ``p1_left`` and ``p1_right_arm`` are one person, and so are ``anna`` and ``annaLeft``, because the names without the
    words for side and place are equal. Two kinds of names are ambiguous. They count as one person only if the two were
    recorded at the same time, as the sensors of one person are. The first kind consists only of side and place
    (``left``, ``right``). The second kind abbreviates the side (``p1_l`` and ``p1_r``, ``p1_LA`` and ``p1_RA``); the
    letters may also be initials. They are taken as initials if ``everybody`` contains a name that continues in another
    way (``p1_m``).

    Two arms named A and B are not recognised.
    """
    stem, side = _without_side(one)
    other_stem, other_side = _without_side(other)
    if stem == other_stem and side != other_side:
        return bool(stem) or simultaneous
    words, other_words = _words(one), _words(other)
    if not (simultaneous and words and other_words and words[:-1] == other_words[:-1]):
        return False
    if words[-1] == other_words[-1] or words[-1][1:] != other_words[-1][1:]:
        return False
    names = map(_words, (one, other, *everybody))
    ends = {each[-1] for each in names if each[:-1] == words[:-1]}
    return all(ABBREVIATED_SIDE.fullmatch(end) for end in ends)


def _words(subject: str) -> tuple[str, ...]:
    return tuple(word.lower() for word in WORD.findall(CAPITAL_INSIDE.sub(" ", subject)))


def _without_side(subject: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The words of a name that are neither a side nor a place of the body, and the words that are."""
    words = _words(subject)
    places = [bool(SIDE_OR_PLACE.fullmatch(word)) for word in words]
    return tuple(compress(words, [not each for each in places])), tuple(compress(words, places))


def _parted_arms(these: Windows, those: Windows, everybody: set[str]) -> tuple[str, str] | None:
    """Two subjects that are arms of one person, one in each part; None if there are none."""
    for one, other in product(np.unique(these.subjects).tolist(), np.unique(those.subjects).tolist()):
        if not arms_of_one_person(one, other, everybody=everybody, simultaneous=True):
            continue
        certain = arms_of_one_person(one, other, everybody=everybody, simultaneous=False)
        if certain or _simultaneous(these[these.subjects == one], those[those.subjects == other]):
            return one, other
    return None


def _simultaneous(one: Windows, other: Windows) -> bool:
    """Whether a window of one overlaps a window of the other in time."""
    starts = np.sort(other.starts_ns)
    duration_ns = round(1e9 * max(w.length / w.sample_rate_hz for w in (one, other)))
    first = np.searchsorted(starts, one.starts_ns - duration_ns, side="right")
    last = np.searchsorted(starts, one.starts_ns + duration_ns, side="left")
    return bool((last > first).any())


def _refuse_same_windows(these: Windows, those: Windows, one: str, other: str) -> None:
    """Raise a HarkenError if two parts share a window."""
    equal = (these.signals == those.signals).all(axis=(1, 2))
    moves = (np.ptp(these.signals, axis=1) > 0).any(axis=1)
    same = equal & moves
    if same.any():
        name = these.subjects[same][0]
        other_name = those.subjects[same][0]
        raise HarkenError(
            f"{np.count_nonzero(same)} windows in {one} (the first: {name}) are in {other} too ({other_name}), sample "
            "by sample: the same recording has two names"
        )


def _content_numbers(signals: Float32Array) -> NDArray[np.uint64]:
    """A hash of each window ``[n, length, channels]``, uint64 ``[n]``."""
    values = signals.shape[1] * signals.shape[2]
    factors = np.random.default_rng(0).integers(1, 2**63, values, dtype=np.uint64)
    numbers = np.empty(len(signals), dtype=np.uint64)
    for start in range(0, len(signals), WINDOWS_AT_ONCE):
        some = np.ascontiguousarray(signals[start : start + WINDOWS_AT_ONCE])
        numbers[start : start + len(some)] = some.reshape(len(some), values).view(np.uint32) @ factors
    return numbers


TRAINING_SHARE = 0.8


class NoHonestTest(Enum):
    """Why there is no honest same-person split."""

    SHORT_BOUTS = "no bout is long enough to be cut in two"
    SHORT_OCCASIONS = "the bouts of the earlier occasions or of the last one are shorter than a window"
    ONE_LABEL = "only one label has bouts long enough"
    NO_TEST_WINDOW = "no label with training windows has windows left to test on"


@dataclass(frozen=True)
class Split:
    """Training windows and test windows."""

    training: Windows
    test: Windows


def blocked_same_person(
    recording: Recording, *, window_length: int, least_test: int = 0
) -> tuple[Recording, Recording]:
    """Divide each bout in time: the first 80 % is for training, and the rest, minus one window length, is for testing.

    A bout ends at a label change or a gap. Both returned recordings have all samples; each marks the samples that do
    not belong to its part as invalid. So training windows and test windows share no sample. It measures recognition of
    the same person without shared samples. Bout, strap position and day are still shared, so the score does not hold
    for other days or unseen people.

    Args:
        recording: a mended recording.
        window_length: samples in a window. This number of samples is dropped between the two parts of a bout.
        least_test: samples in the test part of a bout that is so short that 20 % of it, minus one window length, are
            fewer. A bout in which this would leave less than a window for training has the usual parts.

    Raises:
        HarkenError: when the recording is ``as_found``.
    """
    if recording.as_found:
        raise HarkenError("a blocked split needs a mended recording; read it without as_found", path=recording.source)
    edges = recording.bout_edges
    starts, ends = edges[:-1], edges[1:]
    cuts = starts + (TRAINING_SHARE * (ends - starts)).astype(np.int64)
    sooner = ends - window_length - least_test
    if least_test:
        cuts = np.where(sooner - starts >= window_length, np.minimum(cuts, sooner), cuts)
    rows = np.arange(len(recording))
    bout = np.repeat(np.arange(len(starts)), ends - starts)
    training = recording.valid & (rows < cuts[bout])
    test = recording.valid & (rows >= cuts[bout] + window_length)
    return replace(recording, valid=training), replace(recording, valid=test)
