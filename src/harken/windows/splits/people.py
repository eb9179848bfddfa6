"""Folds of people, and the windows of a fold, which are compared first so that no person is on both sides."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import combinations, compress, product

import numpy as np
from numpy.typing import NDArray

from harken.support.errors import HarkenError
from harken.windows.windows import Windows

__all__ = [
    "Fold",
    "FoldWindows",
    "apply",
    "arms_of_one_person",
    "k_folds_of_people",
    "leave_one_person_out",
    "neighbours_left_out",
    "pairs_of_people",
    "refuse_shared",
    "shuffled_folds_of_people",
    "with_validation",
]

WORD = re.compile(r"[^\W\d_]+|\d+")
CAPITAL_INSIDE = re.compile(r"(?<=[a-z])(?=[A-Z])")
SIDE_OR_PLACE = re.compile(
    r"(left|right)?(arm|forearm|wrist|hand|ankle|leg|thigh|foot|hip|waist|chest|torso)?", re.IGNORECASE
)
ABBREVIATED_SIDE = re.compile(r"[lr](a|w|h)?", re.IGNORECASE)
WINDOWS_AT_ONCE = 4096


@dataclass(frozen=True)
class Fold:
    """Who is learned from and who is tested on: people, never windows.

    Attributes:
        name: what to call it in a table, unique among the folds of a protocol.
        training: whose windows the weights are learned from.
        test: the unseen people. Nothing is chosen, stopped or calibrated by them.
        validation: held-out training people, for what has to be chosen; empty where nothing is.

    Raises:
        HarkenError: when a person has two roles, or stands twice in one, or nobody is learned from or tested on.
    """

    name: str
    training: tuple[str, ...]
    test: tuple[str, ...]
    validation: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        roles = {"training": self.training, "validation": self.validation, "test": self.test}
        for one, other in combinations(roles, 2):
            shared = sorted(set(roles[one]) & set(roles[other]))
            if shared:
                raise HarkenError(
                    f"fold {self.name}: {', '.join(shared)} would be in {one} and in {other}. A person has one role"
                )
        for role, people in roles.items():
            if len(set(people)) < len(people):
                raise HarkenError(f"fold {self.name}: a person stands twice in {role} ({', '.join(sorted(people))})")
            if not people and role != "validation":
                raise HarkenError(f"fold {self.name}: there is nobody in {role}")


@dataclass(frozen=True)
class FoldWindows:
    """The windows of a fold's people. ``validation`` may be empty."""

    training: Windows
    validation: Windows
    test: Windows


def apply(fold: Fold, windows: Windows) -> FoldWindows:
    """The windows of a fold's people. Those of people that the fold does not name are left out.

    Raises:
        HarkenError: when a person of the fold has no window, or when the windows themselves show what the names hide
            (``harken.windows.splits.people.refuse_shared``): a part shares a person, an arm of one or a window with
            another.
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
    """``k`` folds: people shuffled and dealt out, each tested exactly once by what was learned from all the others.

    It measures recognition of unseen people of the same study. The folds' scores are not independent of one another:
    any two share most of their training people.

    Raises:
        HarkenError: when there are fewer people than folds, or fewer than two folds.
    """
    from sklearn.model_selection import KFold

    known = _people(people, fewest=2)
    if not 2 <= k <= len(known):
        raise HarkenError(f"{len(known)} people cannot be dealt into {k} folds; ask for 2 to {len(known)}")
    dealt = KFold(k, shuffle=True, random_state=seed).split(known)
    return [_fold(str(number), known, test.tolist()) for number, (_, test) in enumerate(dealt)]


def leave_one_person_out(people: Iterable[str]) -> list[Fold]:
    """A fold for each person, named after them: they are tested by what was learned from all the others.

    It measures recognition of the next unseen person, by a model that has met as many people as the study has.

    Raises:
        HarkenError: when there are fewer than two people.
    """
    known = _people(people, fewest=2)
    return [_fold(person, known, [number]) for number, person in enumerate(known)]


def neighbours_left_out(people: Iterable[str]) -> list[Fold]:
    """A fold for each two neighbours in a ring of all people: both are tested by what was learned from the rest.

    It is for choosing without peeking where each person is to be tested alone: what is chosen for a person goes by
    the scores of their two neighbours, each taken from the fold that leaves out the person as well. So nothing that
    was learned from a person, and no score of theirs, has a part in what is chosen for them.

    Raises:
        HarkenError: when there are fewer than four people.
    """
    known = _people(people, fewest=4)
    neighbours = [(number, (number + 1) % len(known)) for number in range(len(known))]
    return [_fold(f"{known[one]}+{known[other]}", known, [one, other]) for one, other in neighbours]


def pairs_of_people(people: Iterable[str]) -> list[Fold]:
    """A fold for each pair of people: what is learned from the two is tested on all the others.

    It measures what two recordings are worth to unseen people, without leaving to chance which two.

    Raises:
        HarkenError: when there are fewer than three people.
    """
    known = _people(people, fewest=3)
    return [
        Fold(f"{one}+{other}", (one, other), tuple(person for person in known if person not in (one, other)))
        for one, other in combinations(known, 2)
    ]


def shuffled_folds_of_people(people: Iterable[str], folds: int, *, test_share: float, seed: int) -> list[Fold]:
    """``folds`` random draws of the people to be tested: scikit-learn's ``GroupShuffleSplit``.

    A person may be tested by several folds and by none, so scores over folds say little; score people, and keep
    the evaluations of one person together (``harken.learning.scores.person_evaluations``).

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
        fold: one without validation.
        people: how many, or their share of the training people (a float below 1).
        seed: of the draw.

    Raises:
        HarkenError: when the fold has validation people already, or nobody would be left on one side.
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
    """Sorted, each once: folds must not depend on the order in which files were read."""
    known = sorted({str(person) for person in people})
    if len(known) < fewest:
        raise HarkenError(f"{fewest} or more people are needed, not {len(known)} ({', '.join(known) or 'nobody'})")
    return known


def _fold(name: str, people: list[str], test: list[int]) -> Fold:
    tested = tuple(people[number] for number in sorted(test))
    return Fold(name, tuple(person for person in people if person not in tested), tested)


def refuse_shared(parts: Mapping[str, Windows]) -> None:
    """See to it that no two parts share a wearer. ``parts``: what each is called -> its windows, some maybe empty.

    What is looked for, in every pair of parts:

    - a subject in both;
    - two subjects that are two arms of one person by their names (``arms_of_one_person``);
    - a window in both, sample by sample. Windows that do not move at all are not counted: a watch on a table
      reads the same whoever owns it.

    Raises:
        HarkenError: naming the parts, the people and what they share.
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


def arms_of_one_person(one: str, other: str, *, everybody: Iterable[str], simultaneous: bool) -> bool:
    """Whether two subjects are one person's two arms (or wrist and ankle, or a whole person and an arm) by name.

    ``p1_left`` and ``p1_right_arm``, ``anna`` and ``annaLeft`` are, whenever they were recorded: what is left
    without the words for side and place is the same. Two kinds of names say too little for that, and count only
    when the two were recorded at the same time, as the sensors of one person are: names of nothing but side and
    place (``left``, ``right``), and abbreviated sides (``p1_l`` and ``p1_r``, ``p1_LA`` and ``p1_RA``), which may be
    initials. And those are initials for certain when others in ``everybody`` continue the same name in another way
    (``p1_m``).

    Two arms called A and B are not found: names that hide it, hide it.
    """
    (stem, side), (other_stem, other_side) = _without_side(one), _without_side(other)
    if stem == other_stem and side != other_side:
        return bool(stem) or simultaneous
    words, other_words = _words(one), _words(other)
    if not (simultaneous and words and other_words and words[:-1] == other_words[:-1]):
        return False
    if words[-1] == other_words[-1] or words[-1][1:] != other_words[-1][1:]:
        return False
    ends = {each[-1] for each in map(_words, (one, other, *everybody)) if each[:-1] == words[:-1]}
    return all(ABBREVIATED_SIDE.fullmatch(end) for end in ends)


def _words(subject: str) -> tuple[str, ...]:
    return tuple(word.lower() for word in WORD.findall(CAPITAL_INSIDE.sub(" ", subject)))


def _without_side(subject: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The words of a name that do not tell a side or a place of the body, and those that do."""
    words = _words(subject)
    told = [bool(SIDE_OR_PLACE.fullmatch(word)) for word in words]
    return tuple(compress(words, [not each for each in told])), tuple(compress(words, told))


def _parted_arms(these: Windows, those: Windows, everybody: set[str]) -> tuple[str, str] | None:
    """A person's two arms, one on either side; None when there are none."""
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
    """Windows of two parts, pair by pair."""
    same = (these.signals == those.signals).all(axis=(1, 2)) & (np.ptp(these.signals, axis=1) > 0).any(axis=1)
    if same.any():
        name, other_name = these.subjects[same][0], those.subjects[same][0]
        raise HarkenError(
            f"{np.count_nonzero(same)} windows in {one} (the first: {name}) are in {other} too ({other_name}), sample "
            "by sample: the same recording stands under two names"
        )


def _content_numbers(signals: NDArray[np.float32]) -> NDArray[np.uint64]:
    """A number for each window ``[n, length, channels]``, equal for equal content, hardly ever for other content."""
    values = signals.shape[1] * signals.shape[2]
    factors = np.random.default_rng(0).integers(1, 2**63, values, dtype=np.uint64)
    numbers = np.empty(len(signals), dtype=np.uint64)
    for start in range(0, len(signals), WINDOWS_AT_ONCE):
        some = np.ascontiguousarray(signals[start : start + WINDOWS_AT_ONCE])
        numbers[start : start + len(some)] = some.reshape(len(some), values).view(np.uint32) @ factors
    return numbers
