"""How well predictions agree with labels: per set of windows, per person, and over people."""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["PeopleScores", "Scores", "score", "score_people"]

FEWEST_PEOPLE_FOR_AN_INTERVAL = 5
BOOTSTRAP_SAMPLES = 10_000
CONFIDENCE = 0.95


@dataclass(frozen=True, eq=False)
class Scores:
    """Scores over some windows.

    Precision, recall and F1 are scikit-learn's with its default labels (those that occur as truth or as
    prediction) and 0 where a ratio is 0 / 0: *weighted* by the true windows of each label, or *macro*, every
    label counting the same. ``confusion`` is int64 ``[labels, labels]``: rows are the truth.
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
        """The confusion matrix in per cent of all windows, as the notebook showed it."""
        return np.asarray(self.confusion / max(1, self.windows) * 100)

    @property
    def confusion_percent_of_truth(self) -> NDArray[np.float64]:
        """In per cent of each true label's windows: the diagonal is the recall. A label without windows is 0."""
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


@dataclass(frozen=True, eq=False)
class PeopleScores:
    """Scores of each person, and their mean with an interval over people (not over windows)."""

    people: dict[str, Scores]
    mean_person_macro_f1: float
    interval: tuple[float, float] | None
    """95 % percentile bootstrap over people; None for fewer than five people, of whom it would say nothing."""

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "mean_person_macro_f1": self.mean_person_macro_f1,
            "mean_person_macro_f1_interval": list(self.interval) if self.interval else None,
            "people": {person: scores.as_dict() for person, scores in self.people.items()},
        }


def score(truth: NDArray[np.integer], predicted: NDArray[np.integer], label_names: tuple[str, ...]) -> Scores:
    """Score predicted label codes ``[n]`` against the true ones ``[n]``, both indices into ``label_names``.

    Cohen's kappa is None where it is undefined (one label only, always predicted).

    Raises:
        ValueError: when there is nothing to score.
    """
    from sklearn.metrics import cohen_kappa_score, confusion_matrix, precision_recall_fscore_support

    if len(truth) == 0:
        raise ValueError("there are no windows to score")
    with warnings.catch_warnings():
        # scikit-learn warns of a kappa of 0 / 0; the answer to that is None, below.
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
    return PeopleScores(people, float(each.mean()), _interval(each))


def _interval(each: NDArray[np.float64]) -> tuple[float, float] | None:
    if len(each) < FEWEST_PEOPLE_FOR_AN_INTERVAL:
        return None
    from scipy.stats import bootstrap

    found = bootstrap(
        (each,), np.mean, confidence_level=CONFIDENCE, n_resamples=BOOTSTRAP_SAMPLES, method="percentile", rng=0
    )
    return float(found.confidence_interval.low), float(found.confidence_interval.high)
