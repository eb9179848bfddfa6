"""How a benchmark scores the people of a fold, and a method over all folds: what any scoring does, and harken's own."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import polars as pl

from harken.evaluation.benchmark.page import TextTable, list_people_tables
from harken.evaluation.benchmark.result import evaluations_of
from harken.models.calibration import expected_calibration_error
from harken.models.scores import (
    Scores,
    interval_over_evaluations,
    one_label,
    prediction_rows,
    score_people,
    scores_of,
)
from harken.support.arrays import Float32Array, Int64Array
from harken.support.files import Json
from harken.windows.folds import Fold, apply
from harken.windows.known_labels import NO_SETS, LabelSets
from harken.windows.windows import Windows

if TYPE_CHECKING:
    from harken.evaluation.benchmark.methods import TrainedMethod

Findings = Mapping[str, Json]
"""Fold -> the result of a method on it."""
Evaluations = Sequence[tuple[str, float]]
"""The person and the macro F1 of each evaluation."""


class Scoring(Protocol):
    """How a benchmark trains on a fold, scores its people, and shows the scores.

    Give a protocol a scoring of its own to train with labels that stand for several, or to score other things than
    macro F1. It is sent to other processes, so it holds only settings. ``PeopleScoring`` is harken's own.
    """

    @property
    def main_score(self) -> str:
        """The key in ``summary`` of the score by which methods are compared."""
        ...

    def decides(self) -> Json:
        """What results depend on besides the windows, the fold and the method, for JSON. Results with other values are
        not continued."""
        ...

    def parts(self, fold: Fold, windows: Windows) -> tuple[Windows, LabelSets, Windows]:
        """The training windows, the names among their labels that stand for several, and the test windows.

        Raises:
            HarkenError: when the same person is in training and test.
        """
        ...

    def predicted(self, trained: "TrainedMethod", test: Windows) -> Any:
        """What a trained method says of the test windows, for ``scored`` and ``rows``."""
        ...

    def scored(self, predicted: Any, training: Windows, test: Windows) -> Json:
        """Values for JSON: the result of a method on a fold. It is kept, and ``summary`` reads it.

        It has ``one_label``, the only label that a method gave although several are true, else None; and
        ``scores`` with ``mean_person_macro_f1``, which is shown when the fold ends.
        """
        ...

    def rows(self, predicted: Any, test: Windows) -> pl.DataFrame:
        """A row for each test window, for ``predictions.parquet``; see ``harken.models.scores.prediction_rows``."""
        ...

    def summary(self, findings: Findings) -> Json:
        """Values for JSON: the scores of a method over folds, which do not depend on paths or times.

        It has ``folds``: fold -> ``people`` -> person -> ``macro_f1``, with which ``harken compare`` compares two
        results; and in each fold what ``nothing_learned`` returns.
        """
        ...

    def together(self, result: Json) -> Scores:
        """Scores over the windows of all folds of a ``summary`` together, for a picture."""
        ...

    def difference(self, preset: Findings, baseline: Findings) -> Json:
        """Values for JSON: what the preset gains on a baseline."""
        ...

    def tables(self, result: Json) -> list[TextTable]:
        """The tables of a ``benchmark.json`` for people; the last one is about the folds, and only on the page."""
        ...


@dataclass(frozen=True)
class PeopleScoring:
    """Each test person of a fold gets scores; a method's main score is the mean macro F1 over people.

    Probabilities are not calibrated. A label that no training person has is never recognised, and its windows count as
    mistakes.
    """

    main_score = "mean_person_macro_f1"

    def decides(self) -> Json:
        """What results depend on besides the windows, the fold and the method, for JSON: nothing."""
        return {}

    def parts(self, fold: Fold, windows: Windows) -> tuple[Windows, LabelSets, Windows]:
        """The training windows, their sets of labels, and the test windows. Raises as ``apply``."""
        parts = apply(fold, windows)
        return parts.training, NO_SETS, parts.test

    def predicted(self, trained: "TrainedMethod", test: Windows) -> Float32Array:
        """The probabilities of the test's labels, ``[n, labels]``."""
        return trained.probabilities(test)

    def scored(self, probabilities: Float32Array, _: Windows, test: Windows) -> Json:
        """Values for JSON: the scores of each person of the test."""
        codes = test.label_codes.astype(np.int64)
        predicted = probabilities.argmax(axis=1)
        scores = score_people(codes, predicted, test.subjects, test.label_names)
        only = one_label(codes, predicted)
        return {
            "test_windows": len(test),
            "one_label": None if only is None else test.label_names[only],
            "scores": scores.as_dict(),
            "expected_calibration_error": expected_calibration_error(probabilities, codes),
        }

    def rows(self, probabilities: Float32Array, test: Windows) -> pl.DataFrame:
        """A row for each window of the test; see ``prediction_rows``."""
        return prediction_rows(test, probabilities, test.label_names)

    def summary(self, findings: Findings) -> Json:
        """Values for JSON: the scores of one method over folds. They do not depend on paths or times.

        An evaluation is one person in one fold. Means and the standard deviation are over all evaluations, so a person
        who was tested twice counts twice, as in published tables. The F1 of a label is over the windows of all
        evaluations. The expected calibration error is the mean over folds, weighted by their test windows, because
        every fold has its own model.
        """
        first = next(iter(findings.values()))
        evaluations = [scores for _, scores in _evaluations(findings)]
        macro_f1 = np.array([scores["macro_f1"] for scores in evaluations])
        people = by_person(_macro_f1(findings))
        labels = evaluations[0]["labels"]
        confusion = np.sum([scores["confusion"] for scores in evaluations], axis=0)
        windows = [finding["test_windows"] for finding in findings.values()]
        errors = [finding["expected_calibration_error"] for finding in findings.values()]
        return {
            "settings": first["decided_by"]["method"],
            "mean_person_macro_f1": float(macro_f1.mean()),
            "sd_person_macro_f1": float(macro_f1.std(ddof=1)) if len(macro_f1) > 1 else None,
            "mean_person_macro_f1_interval": interval_over_evaluations(people.values()),
            "mean_person_accuracy": float(np.mean([scores["accuracy"] for scores in evaluations])),
            "evaluations": len(evaluations),
            "people": len(people),
            "worst_person": _worst(people),
            "class_f1": _class_f1(confusion, labels),
            "labels": labels,
            "confusion": confusion.tolist(),
            "expected_calibration_error": float(np.average(errors, weights=windows)),
            "folds": {name: _fold_summary(finding) for name, finding in findings.items()},
        }

    def together(self, result: Json) -> Scores:
        """Scores over the windows of all evaluations of a ``summary`` together, for a picture."""
        return scores_of(np.array(result["confusion"], dtype=np.int64), result["labels"])

    def difference(self, preset: Findings, baseline: Findings) -> Json:
        """Values for JSON: the mean over evaluations of (preset minus baseline) in macro F1, and its interval.

        The difference is taken for each person of each fold, so that the difficulty of a person cancels out.
        """
        return paired_difference(_macro_f1(preset), _macro_f1(baseline))

    def tables(self, result: Json) -> list[TextTable]:
        """The tables: the methods, the gain of the preset over each baseline, the labels, and the folds."""
        return list_people_tables(result)


def paired_difference(ours: Evaluations, theirs: Evaluations) -> Json:
    """Values for JSON: the mean of (ours minus theirs) over the same evaluations of both, and its interval."""
    gains = [(person, score - before) for (person, score), (_, before) in zip(ours, theirs, strict=True)]
    people = by_person(gains)
    return {
        "mean_person_macro_f1": float(np.mean([gain for _, gain in gains])),
        "mean_person_macro_f1_interval": interval_over_evaluations(people.values()),
        "people_better": sum(float(np.mean(values)) > 0 for values in people.values()),
        "people": len(people),
        "least_gain": _worst(people),
    }


def macro_f1_of_people(result: Json) -> dict[str, float]:
    """Person -> the mean macro F1 over their evaluations, in the ``summary`` of a method."""
    people = by_person((person, f1) for (_, person), f1 in evaluations_of(result).items())
    return {person: float(np.mean(values)) for person, values in people.items()}


def _evaluations(findings: Findings) -> list[tuple[str, Json]]:
    """The person and the scores of each evaluation."""
    return [evaluation for finding in findings.values() for evaluation in finding["scores"]["people"].items()]


def _macro_f1(findings: Findings) -> Evaluations:
    return [(person, scores["macro_f1"]) for person, scores in _evaluations(findings)]


def _class_f1(confusion: Int64Array, labels: Sequence[str]) -> dict[str, float]:
    """The F1 of each label that occurs, from the windows of all evaluations, ``[labels, labels]``."""
    occurring = confusion.sum(axis=0) + confusion.sum(axis=1)
    f1 = 2 * confusion.diagonal() / np.maximum(1, occurring)
    return {label: float(f1[code]) for code, label in enumerate(labels) if occurring[code]}


def by_person(evaluations: Iterable[tuple[str, float]]) -> dict[str, list[float]]:
    """Person -> the value of each evaluation, sorted by person."""
    people: dict[str, list[float]] = {}
    for person, value in evaluations:
        people.setdefault(person, []).append(value)
    return dict(sorted(people.items()))


def _worst(people: Mapping[str, list[float]]) -> Json:
    """The person with the lowest mean over their evaluations, and that mean."""
    means = {person: float(np.mean(values)) for person, values in people.items()}
    worst = min(means, key=means.__getitem__)
    return {"person": worst, "macro_f1": means[worst]}


def _fold_summary(finding: Json) -> Json:
    scores = finding["scores"]
    people = {}
    for person, one in scores["people"].items():
        people[person] = {key: one[key] for key in ("macro_f1", "accuracy", "windows")}
    of_fold = {key: finding[key] for key in ("training_windows", "test_windows", "expected_calibration_error")}
    mean = {"mean_person_macro_f1": scores["mean_person_macro_f1"]}
    return mean | of_fold | {"people": people} | nothing_learned(finding)


def nothing_learned(finding: Json) -> Json:
    """The label that every window was given and the share that is right in training; empty for several labels."""
    if finding.get("one_label") is None:
        return {}
    return {key: finding[key] for key in ("one_label", "right_in_training")}
