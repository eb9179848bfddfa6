"""Benchmarks of unseen people: the scores of a fold's people, and those of a method over all folds."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harken.evaluation.benchmark.methods import TrainedMethod
from harken.models.calibration import expected_calibration_error
from harken.models.known_labels import NO_SETS, LabelSets
from harken.models.scores import Scores, interval_over_evaluations, score, score_people
from harken.windows.people import Fold, apply
from harken.windows.windows import Windows

Json = dict[str, Any]
"""Values for JSON."""
Findings = Mapping[str, Mapping[str, Any]]
"""Fold -> the result of a method on it."""


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

    def predicted(self, trained: TrainedMethod, test: Windows) -> NDArray[np.float32]:
        """The probabilities of the test's labels, ``[n, labels]``."""
        return trained.probabilities(test)

    def scored(self, probabilities: NDArray[np.float32], _: Windows, test: Windows) -> Json:
        """Values for JSON: the scores of each person of the test."""
        codes = test.label_codes.astype(np.int64)
        scores = score_people(codes, probabilities.argmax(axis=1), test.subjects, test.label_names)
        return {
            "test_windows": len(test),
            "scores": scores.as_dict(),
            "expected_calibration_error": expected_calibration_error(probabilities, codes),
        }

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
        people = _by_person(_macro_f1(findings))
        labels = evaluations[0]["labels"]
        confusion = np.sum([scores["confusion"] for scores in evaluations], axis=0)
        windows = [finding["test_windows"] for finding in findings.values()]
        errors = [finding["expected_calibration_error"] for finding in findings.values()]
        return {
            "settings": first["decided_by"]["method"],
            "mean_person_macro_f1": float(macro_f1.mean()),
            "sd_person_macro_f1": float(macro_f1.std(ddof=1)) if len(macro_f1) > 1 else None,
            "mean_person_macro_f1_interval": _interval(people),
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

    def difference(self, preset: Findings, baseline: Findings) -> Json:
        """Values for JSON: the mean over evaluations of (preset minus baseline) in macro F1, and its interval.

        The difference is taken for each person of each fold, so that the difficulty of a person cancels out.
        """
        gains = []
        for (person, ours), (_, theirs) in zip(_macro_f1(preset), _macro_f1(baseline), strict=True):
            gains.append((person, ours - theirs))
        people = _by_person(gains)
        return {
            "mean_person_macro_f1": float(np.mean([gain for _, gain in gains])),
            "mean_person_macro_f1_interval": _interval(people),
            "people_better": sum(float(np.mean(values)) > 0 for values in people.values()),
            "people": len(people),
            "least_gain": _worst(people),
        }


def all_evaluations(result: Mapping[str, Any]) -> Scores:
    """Scores over the windows of all evaluations of a ``summary`` together, for a picture."""
    confusion = np.array(result["confusion"], dtype=np.int64)
    truth, recognised = np.divmod(np.repeat(np.arange(confusion.size), confusion.ravel()), len(confusion))
    return score(truth, recognised, tuple(result["labels"]))


def _evaluations(findings: Findings) -> list[tuple[str, Mapping[str, Any]]]:
    """The person and the scores of each evaluation."""
    evaluations: list[tuple[str, Mapping[str, Any]]] = []
    for finding in findings.values():
        evaluations.extend(finding["scores"]["people"].items())
    return evaluations


def _macro_f1(findings: Findings) -> list[tuple[str, float]]:
    """The person and the macro F1 of each evaluation."""
    return [(person, scores["macro_f1"]) for person, scores in _evaluations(findings)]


def _class_f1(confusion: NDArray[np.int64], labels: Sequence[str]) -> dict[str, float]:
    """The F1 of each label that occurs, from the windows of all evaluations, ``[labels, labels]``."""
    occurring = confusion.sum(axis=0) + confusion.sum(axis=1)
    f1 = 2 * confusion.diagonal() / np.maximum(1, occurring)
    return {label: float(f1[code]) for code, label in enumerate(labels) if occurring[code]}


def _by_person(evaluations: Iterable[tuple[str, float]]) -> dict[str, list[float]]:
    """Person -> the value of each evaluation, sorted by person."""
    people: dict[str, list[float]] = {}
    for person, value in evaluations:
        people.setdefault(person, []).append(value)
    return dict(sorted(people.items()))


def _interval(people: Mapping[str, list[float]]) -> list[float] | None:
    interval = interval_over_evaluations(list(people.values()))
    return list(interval) if interval else None


def _worst(people: Mapping[str, list[float]]) -> Json:
    """The person with the lowest mean over their evaluations, and that mean."""
    means = {person: float(np.mean(values)) for person, values in people.items()}
    worst = min(means, key=means.__getitem__)
    return {"person": worst, "macro_f1": means[worst]}


def _fold_summary(finding: Mapping[str, Any]) -> Json:
    scores = finding["scores"]
    people = {}
    for person, one in scores["people"].items():
        people[person] = {key: one[key] for key in ("macro_f1", "accuracy", "windows")}
    return {
        "mean_person_macro_f1": scores["mean_person_macro_f1"],
        "training_windows": finding["training_windows"],
        "test_windows": finding["test_windows"],
        "expected_calibration_error": finding["expected_calibration_error"],
        "people": people,
    }
