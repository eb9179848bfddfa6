"""Scores of predictions against labels: per set of windows, per person, and over people."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

FEWEST_PEOPLE_FOR_AN_INTERVAL = 5
BOOTSTRAP_SAMPLES = 10_000
CONFIDENCE = 0.95


@dataclass(frozen=True, eq=False)
class Scores:
    """Scores over some windows.

    Precision, recall and F1 are scikit-learn's, with its default labels (those that occur as truth or as prediction)
    and 0 where a ratio is 0 / 0. *Weighted* means are weighted by the true windows of each label; in *macro* means all
    labels have the same weight. ``confusion`` is int64 ``[labels, labels]``: rows are the truth.
    """

    label_names: tuple[str, ...]
    confusion: NDArray[np.int64]
    accuracy: float
    cohen_kappa: float | None
    weighted_precision: float
    weighted_recall: float
    weighted_f1: float
    macro_precision: float
    macro_recall: float
    macro_f1: float

    @property
    def windows(self) -> int:
        """How many windows were scored."""
        return int(self.confusion.sum())

    @property
    def confusion_percent(self) -> NDArray[np.float64]:
        """The confusion matrix in per cent of all windows, as in the notebook."""
        return np.asarray(self.confusion / max(1, self.windows) * 100)

    @property
    def confusion_percent_of_truth(self) -> NDArray[np.float64]:
        """The matrix in per cent of each true label; the diagonal is the recall. A label without windows has 0."""
        return np.asarray(self.confusion / np.maximum(1, self.confusion.sum(axis=1, keepdims=True)) * 100)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "windows": self.windows,
            "accuracy": self.accuracy,
            "cohen_kappa": self.cohen_kappa,
            "weighted_precision": self.weighted_precision,
            "weighted_recall": self.weighted_recall,
            "weighted_f1": self.weighted_f1,
            "macro_precision": self.macro_precision,
            "macro_recall": self.macro_recall,
            "macro_f1": self.macro_f1,
            "labels": list(self.label_names),
            "confusion": self.confusion.tolist(),
        }

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> "Scores":
        """The scores from the result of ``as_dict``, also after JSON."""
        numbers = {field.name: content[field.name] for field in fields(cls) if field.name in content}
        confusion = np.array(content["confusion"], dtype=np.int64)
        return cls(**numbers | {"label_names": tuple(content["labels"]), "confusion": confusion})


@dataclass(frozen=True, eq=False)
class PeopleScores:
    """Scores of each person, and their mean with an interval over people (not over windows)."""

    people: dict[str, Scores]
    mean_person_macro_f1: float
    interval: tuple[float, float] | None
    """95 % percentile bootstrap over people; None for fewer than five people, who are too few for an interval."""

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "mean_person_macro_f1": self.mean_person_macro_f1,
            "mean_person_macro_f1_interval": list(self.interval) if self.interval else None,
            "people": {person: scores.as_dict() for person, scores in self.people.items()},
        }

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> "PeopleScores":
        """The scores from the result of ``as_dict``, also after JSON."""
        low_and_high = content["mean_person_macro_f1_interval"]
        return cls(
            people={person: Scores.from_dict(scores) for person, scores in content["people"].items()},
            mean_person_macro_f1=content["mean_person_macro_f1"],
            interval=(low_and_high[0], low_and_high[1]) if low_and_high else None,
        )


@dataclass(frozen=True, eq=False)
class PersonEvaluations:
    """Scores of several folds, in which a person may be tested by more than one fold.

    An evaluation is one person in one fold. Means and the standard deviation are over all evaluations, so a person
    who was tested twice counts twice, as in published tables.

    Attributes:
        folds: each fold's scores of its people, by the name of the fold.
        label_names: the labels.
    """

    folds: dict[str, PeopleScores]
    label_names: tuple[str, ...]

    @cached_property
    def by_person(self) -> dict[str, dict[str, Scores]]:
        """Person -> fold -> scores, sorted by person."""
        people = sorted({person for fold in self.folds.values() for person in fold.people})
        return {
            person: {name: fold.people[person] for name, fold in self.folds.items() if person in fold.people}
            for person in people
        }

    @property
    def evaluations(self) -> int:
        """The number of evaluations of all people."""
        return len(self._each("macro_f1"))

    @property
    def mean_person_macro_f1(self) -> float:
        """The mean macro F1 over evaluations."""
        return float(self._each("macro_f1").mean())

    @property
    def sd_person_macro_f1(self) -> float | None:
        """The standard deviation of macro F1 over evaluations (divided by their number minus one)."""
        each = self._each("macro_f1")
        return float(each.std(ddof=1)) if len(each) > 1 else None

    @property
    def mean_person_accuracy(self) -> float:
        """The mean accuracy over evaluations."""
        return float(self._each("accuracy").mean())

    @cached_property
    def interval(self) -> tuple[float, float] | None:
        """95 % percentile bootstrap of the mean macro F1. People are resampled, each with all their evaluations.

        The evaluations of one person are similar. Resampling single evaluations would make the interval too narrow.
        None for fewer than five people. The interval covers the variation with other *test* people, and not with other
        training people or seeds.
        """
        each = [[scores.macro_f1 for scores in folds.values()] for folds in self.by_person.values()]
        return _interval(np.array([sum(one) for one in each]), np.array([len(one) for one in each]))

    @cached_property
    def confusion(self) -> NDArray[np.int64]:
        """The sum of all evaluations' confusion matrices, int64 ``[labels, labels]``: rows are the truth."""
        each = [scores.confusion for folds in self.by_person.values() for scores in folds.values()]
        return np.asarray(np.sum(each, axis=0))

    @property
    def class_f1(self) -> dict[str, float]:
        """The F1 of each label over the windows of all evaluations; labels that never occur are left out."""
        occurring = self.confusion.sum(axis=0) + self.confusion.sum(axis=1)
        f1 = 2 * self.confusion.diagonal() / np.maximum(1, occurring)
        return {name: float(f1[code]) for code, name in enumerate(self.label_names) if occurring[code]}

    @property
    def worst_person(self) -> tuple[str, float]:
        """The person whose mean macro F1 over their evaluations is the lowest, and that mean."""
        means = {
            person: float(np.mean([scores.macro_f1 for scores in folds.values()]))
            for person, folds in self.by_person.items()
        }
        worst = min(means, key=means.__getitem__)
        return worst, means[worst]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        person, macro_f1 = self.worst_person
        return {
            "mean_person_macro_f1": self.mean_person_macro_f1,
            "sd_person_macro_f1": self.sd_person_macro_f1,
            "mean_person_macro_f1_interval": list(self.interval) if self.interval else None,
            "mean_person_accuracy": self.mean_person_accuracy,
            "evaluations": self.evaluations,
            "people": len(self.by_person),
            "worst_person": {"person": person, "macro_f1": macro_f1},
            "class_f1": self.class_f1,
            "labels": list(self.label_names),
            "confusion": self.confusion.tolist(),
            "folds": {name: fold.as_dict() for name, fold in self.folds.items()},
        }

    def _each(self, name: str) -> NDArray[np.float64]:
        return np.array([getattr(scores, name) for fold in self.folds.values() for scores in fold.people.values()])


def score(truth: NDArray[np.integer], predicted: NDArray[np.integer], label_names: tuple[str, ...]) -> Scores:
    """Score predicted label codes ``[n]`` against the true ones ``[n]``, both indices into ``label_names``.

    Cohen's kappa is None where it is undefined (one label only, always predicted).

    Raises:
        ValueError: when there are no windows.
    """
    from sklearn.metrics import cohen_kappa_score, confusion_matrix, precision_recall_fscore_support

    if len(truth) == 0:
        raise ValueError("there are no windows to score")
    with warnings.catch_warnings():
        # scikit-learn warns of a kappa of 0 / 0, which becomes None below.
        warnings.simplefilter("ignore")
        kappa = float(cohen_kappa_score(truth, predicted))
        averages = {
            average: precision_recall_fscore_support(truth, predicted, average=average, zero_division=0)[:3]
            for average in ("weighted", "macro")
        }
    return Scores(
        label_names=label_names,
        confusion=confusion_matrix(truth, predicted, labels=np.arange(len(label_names))).astype(np.int64),
        accuracy=float(np.mean(truth == predicted)),
        cohen_kappa=kappa if np.isfinite(kappa) else None,
        **{
            f"{average}_{name}": float(value)
            for average, values in averages.items()
            for name, value in zip(("precision", "recall", "f1"), values, strict=True)
        },
    )


def score_people(
    truth: NDArray[np.integer],
    predicted: NDArray[np.integer],
    subjects: NDArray[np.str_],
    label_names: tuple[str, ...],
) -> PeopleScores:
    """Score each person of ``subjects`` ``[n]`` alone."""
    people = {
        str(person): score(truth[subjects == person], predicted[subjects == person], label_names)
        for person in np.unique(subjects)
    }
    each = np.array([scores.macro_f1 for scores in people.values()])
    return PeopleScores(people, float(each.mean()), interval_over_people(each))


def person_evaluations(folds: Mapping[str, PeopleScores]) -> PersonEvaluations:
    """Join the scores of folds: the name of each fold -> ``score_people`` of its test windows.

    Raises:
        ValueError: when there is no fold, or folds have different labels.
    """
    named = {scores.label_names for fold in folds.values() for scores in fold.people.values()}
    if len(named) != 1:
        raise ValueError("there are no folds to join" if not named else f"folds have different labels: {named}")
    return PersonEvaluations(dict(folds), named.pop())


def interval_over_people(each: Sequence[float] | NDArray[np.float64]) -> tuple[float, float] | None:
    """95 % percentile bootstrap of the mean of one value for each person; None for fewer than five people."""
    values = np.asarray(each, dtype=np.float64)
    return _interval(values, np.ones(len(values)))


def interval_over_groups(groups: Sequence[Sequence[float]]) -> tuple[float, float] | None:
    """95 % percentile bootstrap of the mean of the groups' means. People are resampled within their group.

    Args:
        groups: one value for each person of each group, such as a study.

    Returns:
        None when a group has fewer than five people.
    """
    if any(len(each) < FEWEST_PEOPLE_FOR_AN_INTERVAL for each in groups):
        return None
    random = np.random.default_rng(0)
    means = [np.asarray(each)[random.integers(0, len(each), (BOOTSTRAP_SAMPLES, len(each)))].mean(1) for each in groups]
    low, high = np.quantile(np.mean(means, axis=0), [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return float(low), float(high)


def _interval(sums: NDArray[np.float64], counts: NDArray[np.float64]) -> tuple[float, float] | None:
    """The interval of the mean over evaluations, from the sum and number of each person's evaluations, ``[people]``."""
    if len(sums) < FEWEST_PEOPLE_FOR_AN_INTERVAL:
        return None
    from scipy.stats import bootstrap

    found = bootstrap(
        (sums, counts),
        lambda drawn, number, axis: drawn.sum(axis=axis) / number.sum(axis=axis),
        paired=True,
        vectorized=True,
        confidence_level=CONFIDENCE,
        n_resamples=BOOTSTRAP_SAMPLES,
        method="percentile",
        rng=0,
    )
    return float(found.confidence_interval.low), float(found.confidence_interval.high)
