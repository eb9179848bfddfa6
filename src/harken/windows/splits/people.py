"""Folds of people, and the windows of a fold once it is certain that no one is on both sides."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from harken.support.errors import HarkenError
from harken.windows.splits.apart import refuse_shared
from harken.windows.windows import Windows

__all__ = [
    "Fold",
    "FoldWindows",
    "apply",
    "k_folds_of_people",
    "leave_one_person_out",
    "neighbours_left_out",
    "pairs_of_people",
    "shuffled_folds_of_people",
    "with_validation",
]


@dataclass(frozen=True)
class Fold:
    """Who is learned from and who is tested on: people, never windows.

    Attributes:
        name: what to call it in a table, unique among the folds of a protocol.
        training: whose windows the weights are learned from.
        test: the strangers. Nothing is chosen, stopped or calibrated by them.
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
            (``harken.windows.splits.apart.refuse_shared``): a part shares a person, an arm of one or a window with another.
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

    It measures recognition of strangers of the same study. The folds' scores are not independent of one another:
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

    It measures recognition of the next stranger, by a model that has met as many people as the study has.

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

    It measures what two recordings are worth to strangers, without leaving to chance which two.

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
