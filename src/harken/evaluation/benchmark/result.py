"""What the folds of a benchmark come to: each method's scores, and how much better the preset is than each baseline."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from harken.learning.scores import PeopleScores, PersonEvaluations, Scores, person_evaluations, score

__all__ = ["all_evaluations", "difference", "distinct", "method_result", "timing"]

Findings = Mapping[str, Mapping[str, Any]]
"""Fold -> what a method found out on it."""


def method_result(findings: Findings) -> dict[str, Any]:
    """For JSON: one method's scores over folds. Nothing in it depends on paths or times.

    The expected calibration error is the mean over folds, each weighted by its test windows: every fold has a model
    of its own.
    """
    evaluations = _evaluations(findings)
    summary = evaluations.as_dict()
    del summary["folds"]
    windows = [one["test_windows"] for one in findings.values()]
    errors = [one["expected_calibration_error"] for one in findings.values()]
    decided_by = next(iter(findings.values()))["decided_by"]
    return {
        "settings": decided_by["method"],
        **summary,
        "expected_calibration_error": float(np.average(errors, weights=windows)),
        "folds": {name: _fold_result(evaluations.folds[name], one) for name, one in findings.items()},
    }


def difference(preset: Findings, baseline: Findings) -> dict[str, Any]:
    """For JSON: the mean over evaluations of (preset minus baseline) in macro F1, and its interval over people.

    Each person of each fold is compared with themselves, so what makes a person easy or hard falls out.
    """
    pairs = _evaluations(preset).folds, _evaluations(baseline).folds
    # Differences go through what resamples scores, so that both intervals come of one bootstrap.
    gains = person_evaluations({name: _gains(pairs[0][name], pairs[1][name]) for name in pairs[0]})
    means = [float(np.mean([one.macro_f1 for one in folds.values()])) for folds in gains.by_person.values()]
    person, least = gains.worst_person
    return {
        "mean_person_macro_f1": gains.mean_person_macro_f1,
        "mean_person_macro_f1_interval": list(gains.interval) if gains.interval else None,
        "people_better": sum(mean > 0 for mean in means),
        "people": len(gains.by_person),
        "least_gain": {"person": person, "macro_f1": least},
    }


def timing(findings: Findings) -> dict[str, Any]:
    """For JSON: seconds to learn and to recognise, of each fold and on average."""
    folds = {name: dict(one["timing"]) for name, one in findings.items()}
    means = {key: float(np.mean([one[key] for one in folds.values()])) for key in ("fit_s", "predict_s")}
    return {**means, "folds": folds}


def all_evaluations(result: Mapping[str, Any]) -> Scores:
    """Of a ``method_result``: all evaluations' windows scored in one, for a picture."""
    confusion = np.array(result["confusion"], dtype=np.int64)
    truth, recognised = np.divmod(np.repeat(np.arange(confusion.size), confusion.ravel()), len(confusion))
    return score(truth, recognised, tuple(result["labels"]))


def _evaluations(findings: Findings) -> PersonEvaluations:
    return person_evaluations({name: PeopleScores.from_dict(one["scores"]) for name, one in findings.items()})


def _fold_result(scores: PeopleScores, finding: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "mean_person_macro_f1": scores.mean_person_macro_f1,
        "training_windows": finding["training_windows"],
        "test_windows": finding["test_windows"],
        "expected_calibration_error": finding["expected_calibration_error"],
        "people": {
            person: {"macro_f1": one.macro_f1, "accuracy": one.accuracy, "windows": one.windows}
            for person, one in scores.people.items()
        },
    }


def _gains(preset: PeopleScores, baseline: PeopleScores) -> PeopleScores:
    people = {
        person: replace(one, macro_f1=one.macro_f1 - baseline.people[person].macro_f1)
        for person, one in preset.people.items()
    }
    return replace(preset, people=people)


def distinct(each: Sequence[Any]) -> list[Any]:
    """The values without repetitions, in their order; values of JSON cannot be members of a set."""
    return [one for number, one in enumerate(each) if one not in each[:number]]
