"""Scores of the people of an unseen study, whose labels are only partly those of the training studies.

A person's score is the mean F1 over the single labels that are true for this person and known from training. Windows
of ``other``, and of labels that are unknown from training, form no class of their own. They count as false positives
of the label that was predicted. Windows that allow several labels are left out of F1; they are scored by the share of
allowed predictions.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harken.models.scores import interval_over_people

OTHER = "other"


@dataclass(frozen=True)
class PersonScore:
    """The scores of one person.

    Attributes:
        windows: the number of windows.
        f1, recall: of each single label that is true for the person and known from training.
        allowed_share: the share of allowed predictions among windows that allow several labels; None without such.
    """

    windows: int
    f1: Mapping[str, float]
    recall: Mapping[str, float]
    allowed_share: float | None

    @property
    def mean_f1(self) -> float | None:
        """The person's score; None when no label of the person is known from training."""
        return float(np.mean(list(self.f1.values()))) if self.f1 else None


@dataclass(frozen=True)
class StudyScores:
    """The scores of the people of one study.

    Attributes:
        people: the score of each person, by name.
    """

    people: Mapping[str, PersonScore]

    @property
    def mean_f1(self) -> float | None:
        """The mean of the people's scores; None when no person has one."""
        found = self.each()
        return float(np.mean(list(found.values()))) if found else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """95 % percentile bootstrap of the mean over people; None for fewer than five people."""
        return interval_over_people(list(self.each().values()))

    def each(self) -> dict[str, float]:
        """The score of each person who has one."""
        return {name: one.mean_f1 for name, one in self.people.items() if one.mean_f1 is not None}

    def of_label(self, what: str) -> dict[str, float]:
        """The mean over people of ``f1`` or ``recall`` (``what``) of each label."""
        values: dict[str, list[float]] = {}
        for one in self.people.values():
            for label, value in getattr(one, what).items():
                values.setdefault(label, []).append(value)
        return {label: float(np.mean(each)) for label, each in sorted(values.items())}

    @property
    def allowed_share(self) -> float | None:
        """The mean over people of ``allowed_share``; None when no person has one."""
        found = [one.allowed_share for one in self.people.values() if one.allowed_share is not None]
        return float(np.mean(found)) if found else None

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "mean_f1": self.mean_f1,
            "interval": list(self.interval) if self.interval else None,
            "f1": self.of_label("f1"),
            "recall": self.of_label("recall"),
            "allowed_share": self.allowed_share,
            "people": {name: asdict(one) for name, one in self.people.items()},
        }

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> "StudyScores":
        """The scores from the result of ``as_dict``, also after JSON."""
        return cls({name: PersonScore(**one) for name, one in content["people"].items()})


def score_study(
    allowed: NDArray[np.bool_],
    predicted: NDArray[np.int64],
    subjects: NDArray[np.str_],
    *,
    labels: Sequence[str],
    known: Sequence[str],
) -> StudyScores:
    """Score the windows of one study.

    Args:
        allowed: which labels each window allows, bool ``[n, labels]``.
        predicted: the predicted label, an index into ``labels``, int64 ``[n]``.
        subjects: the person of each window, ``[n]``.
        labels: the names of the labels.
        known: the labels that occur in training.

    >>> import numpy as np
    >>> allowed = np.array([[1, 0, 0], [1, 0, 0], [0, 0, 1], [1, 1, 0]], bool)
    >>> predicted, subjects = np.array([0, 1, 0, 1]), np.array(["ann"] * 4)
    >>> labels = ("lying", "sitting", "other")
    >>> score_study(allowed, predicted, subjects, labels=labels, known=labels).people["ann"]
    PersonScore(windows=4, f1={'lying': 0.5}, recall={'lying': 0.5}, allowed_share=1.0)
    """
    scored = [code for code, label in enumerate(labels) if label in known and label != OTHER]
    people = {}
    for person in np.unique(subjects).tolist():
        here = subjects == person
        people[person] = _person(allowed[here], predicted[here], scored, labels)
    return StudyScores(people)


def _person(
    allowed: NDArray[np.bool_], predicted: NDArray[np.int64], scored: Sequence[int], labels: Sequence[str]
) -> PersonScore:
    several = allowed.sum(axis=1) > 1
    right = allowed[np.arange(len(allowed)), predicted]
    truth, found = allowed[~several], predicted[~several]
    f1, recall = {}, {}
    for code in scored:
        true = truth[:, code]
        if not true.any():
            continue
        hits = int((true & (found == code)).sum())
        f1[labels[code]] = 2 * hits / (int(true.sum()) + int((found == code).sum()))
        recall[labels[code]] = hits / int(true.sum())
    share = float(right[several].mean()) if several.any() else None
    return PersonScore(len(allowed), f1, recall, share)
