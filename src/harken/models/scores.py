"""Scores of predictions against labels: per set of windows, and per person."""

import warnings
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import polars as pl

from harken.support.arrays import Float64Array, FloatArray, Int64Array, IntArray, StrArray
from harken.support.files import Json
from harken.support.tables import times
from harken.windows.known_labels import list_groups
from harken.windows.windows import Windows

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
    confusion: Int64Array
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
    def one_label(self) -> str | None:
        """The label that every window was given, if several are true; else None. Then nothing was recognised."""
        code = one_label(*np.nonzero(self.confusion))
        return None if code is None else self.label_names[code]

    @property
    def confusion_percent(self) -> Float64Array:
        """The confusion matrix in per cent of all windows, as in the notebook."""
        return np.asarray(self.confusion / max(1, self.windows) * 100)

    @property
    def confusion_percent_of_truth(self) -> Float64Array:
        """The matrix in per cent of each true label; the diagonal is the recall. A label without windows has 0."""
        return np.asarray(self.confusion / np.maximum(1, self.confusion.sum(axis=1, keepdims=True)) * 100)

    def as_dict(self) -> Json:
        """For JSON."""
        numbers = {field.name: getattr(self, field.name) for field in fields(self)[2:]}
        labels = {"labels": list(self.label_names), "confusion": self.confusion.tolist()}
        return {"windows": self.windows, **numbers, **labels}


@dataclass(frozen=True, eq=False)
class PeopleScores:
    """Scores of each person, and their mean with an interval over people (not over windows)."""

    people: dict[str, Scores]
    mean_person_macro_f1: float
    interval: list[float] | None
    """95 % percentile bootstrap over people; None for fewer than five people, who are too few for an interval."""

    def as_dict(self) -> Json:
        """For JSON."""
        return {
            "mean_person_macro_f1": self.mean_person_macro_f1,
            "mean_person_macro_f1_interval": self.interval,
            "people": {person: scores.as_dict() for person, scores in self.people.items()},
        }


def score(
    truth: IntArray,
    predicted: IntArray,
    label_names: tuple[str, ...],
    *,
    true_labels_only: bool = False,
) -> Scores:
    """Score predicted label codes ``[n]`` against the true ones ``[n]``, both indices into ``label_names``.

    Cohen's kappa is None where it is undefined (one label only, always predicted). With ``true_labels_only``, labels
    that are predicted but never true have no part in macro means.

    Raises:
        ValueError: when there are no windows.
    """
    from sklearn.metrics import cohen_kappa_score, confusion_matrix, precision_recall_fscore_support

    if len(truth) == 0:
        raise ValueError("there are no windows to score")
    labels = np.unique(truth) if true_labels_only else None
    with warnings.catch_warnings():
        # scikit-learn warns of a kappa of 0 / 0, which becomes None below.
        warnings.simplefilter("ignore")
        kappa = float(cohen_kappa_score(truth, predicted))
        averages = {
            average: precision_recall_fscore_support(truth, predicted, labels=labels, average=average, zero_division=0)[
                :3
            ]
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


def scores_of(confusion: Int64Array, label_names: Sequence[str]) -> Scores:
    """The scores of a confusion matrix, ``[labels, labels]``."""
    truth, predicted = np.divmod(np.repeat(np.arange(confusion.size), confusion.ravel()), len(confusion))
    return score(truth, predicted, tuple(label_names))


def one_label(truth: IntArray, predicted: IntArray) -> int | None:
    """The label code that every window was given, if several are true; else None.

    Args:
        truth, predicted: the true and the predicted label codes, ``[n]``.
    """
    given = np.unique(predicted)
    return int(given[0]) if len(given) == 1 and len(np.unique(truth)) > 1 else None


def prediction_rows(windows: Windows, probabilities: FloatArray, label_names: Sequence[str]) -> pl.DataFrame:
    """A table with a row for each window, from which all scores can be computed again.

    Its columns are ``person``, ``study`` (if the windows name one), ``start`` (UTC), ``truth``, ``predicted`` (the most
    probable label, the first one of equals), and the probability of each label, ``probability_LABEL``.

    Args:
        windows: labelled windows. Their signals are not used.
        probabilities: the probability of each label, ``[n, labels]``.
        label_names: the labels of the probabilities. Those of the windows may differ, such as ``sitting or standing``.
    """
    studies = {"study": windows.studies} if windows.studies.any() else {}
    return pl.DataFrame(
        {
            "person": windows.subjects,
            **studies,
            "start": times(windows.starts_ns, "UTC"),
            "truth": windows.labels,
            "predicted": np.array(label_names)[probabilities.argmax(axis=1)],
            **{f"probability_{name}": probabilities[:, code] for code, name in enumerate(label_names)},
        }
    )


def score_people(
    truth: IntArray,
    predicted: IntArray,
    subjects: StrArray,
    label_names: tuple[str, ...],
    *,
    true_labels_only: bool = False,
) -> PeopleScores:
    """Score each person of ``subjects`` ``[n]`` alone, as ``score``."""
    people = {}
    for person in np.unique(subjects).tolist():
        theirs = subjects == person
        people[person] = score(truth[theirs], predicted[theirs], label_names, true_labels_only=true_labels_only)
    each = [scores.macro_f1 for scores in people.values()]
    return PeopleScores(people, float(np.mean(each)), interval_over_people(each))


def members_of(labels: Sequence[str]) -> dict[str, list[int]]:
    """Each label, and each group whose labels are all among them, with the codes of its labels."""
    every = {label: (label,) for label in labels} | list_groups(labels)
    return {name: [labels.index(label) for label in members] for name, members in every.items()}


def unseen_f1(provenance: Mapping[str, Any]) -> dict[str, float]:
    """The F1 of each label and group of a model, where it or its recipe was tested on people unseen in training.

    It is the plain mean over the studies that were left out of training, where the model file has such scores, and
    otherwise the mean over the people of the model's own test. A label that none of them did has no F1. Those of an
    adapted model are unknown.

    Args:
        provenance: the provenance in a model file.
    """
    left_out = provenance.get("f1_on_left_out_studies")
    if isinstance(left_out, Mapping):
        return mean_of_each(list(left_out.values()))
    own = None if "adaptation" in provenance else provenance.get("scores")
    tested = own.get("cross_people") if isinstance(own, Mapping) else None
    if not isinstance(tested, Mapping):
        return {}
    people = tested.get("people", {})
    return mean_of_each([_f1_of_person(scores) for scores in people.values()])


def mean_of_each(several: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The mean of each name over the mappings that have it, sorted by name."""
    values: dict[str, list[float]] = {}
    for one in several:
        for name, value in one.items():
            values.setdefault(name, []).append(value)
    return {name: float(np.mean(values[name])) for name in sorted(values)}


def _f1_of_person(scores: Mapping[str, Any]) -> dict[str, float]:
    """The F1 of each label and group that is true for a person, from ``Scores.as_dict``."""
    labels = scores.get("labels", [])
    rows = scores.get("confusion", [])
    if any(len(row) != len(labels) for row in (rows, *rows)):
        return {}
    confusion = np.array(rows)
    found = {}
    for name, codes in members_of(labels).items():
        true = confusion[codes].sum()
        answered = confusion[:, codes].sum()
        hits = confusion[np.ix_(codes, codes)].sum()
        if true:
            found[name] = float(2 * hits / (true + answered))
    return found


def interval_over_people(each: Iterable[float]) -> list[float] | None:
    """95 % percentile bootstrap of the mean of one value for each person; None for fewer than five people."""
    return interval_over_evaluations([[value] for value in each])


def interval_over_evaluations(people: Collection[Sequence[float]]) -> list[float] | None:
    """95 % percentile bootstrap of the mean over evaluations. People are resampled, each with all their evaluations.

    The evaluations of one person are similar. Resampling single evaluations would make the interval too narrow. The
    interval covers the variation with other *test* people, and not with other training people or seeds.

    Args:
        people: the value of each evaluation of each person.

    Returns:
        None for fewer than five people.
    """
    if len(people) < FEWEST_PEOPLE_FOR_AN_INTERVAL:
        return None
    from scipy.stats import bootstrap

    resampled = bootstrap(
        (np.array([sum(values) for values in people]), np.array([len(values) for values in people])),
        lambda drawn, number, axis: drawn.sum(axis=axis) / number.sum(axis=axis),
        paired=True,
        vectorized=True,
        confidence_level=CONFIDENCE,
        n_resamples=BOOTSTRAP_SAMPLES,
        method="percentile",
        rng=0,
    )
    return [float(resampled.confidence_interval.low), float(resampled.confidence_interval.high)]


def interval_over_groups(groups: Collection[Sequence[float]]) -> list[float] | None:
    """95 % percentile bootstrap of the mean of the groups' means. People are resampled within their group.

    Args:
        groups: one value for each person of each group, such as a study.

    Returns:
        None when a group has fewer than five people.
    """
    if any(len(each) < FEWEST_PEOPLE_FOR_AN_INTERVAL for each in groups):
        return None
    random = np.random.default_rng(0)
    means = []
    for group in map(np.asarray, groups):
        drawn = random.integers(0, len(group), (BOOTSTRAP_SAMPLES, len(group)))
        means.append(group[drawn].mean(axis=1))
    limits = [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2]
    interval: list[float] = np.quantile(np.mean(means, axis=0), limits).tolist()
    return interval
