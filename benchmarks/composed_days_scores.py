"""Scores of composed days: per person, over people, with and without smoothing."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from harken.learning.scores import PeopleScores, Scores, person_evaluations

WAYS = ("raw", "smoothed")

__all__ = ["WAYS", "of_true_labels", "summary"]


def of_true_labels(scores: Scores) -> float:
    """The mean F1 over the labels that the day has.

    A label that the day has not, once answered in sixteen hours, would enter scikit-learn's macro F1 as a 0 beside the
    others: its mean would tell above all whether a single step went astray.
    """
    hits, truth, answers = scores.confusion.diagonal(), scores.confusion.sum(axis=1), scores.confusion.sum(axis=0)
    true = truth > 0
    return float(np.mean(2 * hits[true] / (truth + answers)[true]))


def summary(people: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """For JSON: means over people with their intervals, gains, and each person's numbers.

    Args:
        people: person -> what ``measure`` found at one scale.
    """
    scores = {way: {one: Scores.from_dict(found[way]["scores"]) for one, found in people.items()} for way in WAYS}
    values: dict[str, dict[str, dict[str, float]]] = {
        way: {
            "macro_f1_of_true_labels": {one: of_true_labels(each) for one, each in scores[way].items()},
            "macro_f1": {one: each.macro_f1 for one, each in scores[way].items()},
            "accuracy": {one: each.accuracy for one, each in scores[way].items()},
            "hours_misplaced": {one: found[way]["hours_misplaced"] for one, found in people.items()},
            "bouts_for_each_true_bout": {one: found[way]["bouts"] / found["bouts"] for one, found in people.items()},
            "expected_calibration_error": {
                one: found[way]["expected_calibration_error"] for one, found in people.items()
            },
        }
        for way in WAYS
    }
    model = next(iter(scores["raw"].values()))
    result: dict[str, Any] = {"people": len(people)}
    for way in WAYS:
        result[way] = {name: _mean(each, model) for name, each in values[way].items()}
        confusion = sum((each.confusion for each in scores[way].values()), np.zeros_like(model.confusion))
        truth, answers, hits = confusion.sum(axis=1), confusion.sum(axis=0), confusion.diagonal()
        result[way]["label_f1"] = {
            name: float(2 * hits[code] / (truth[code] + answers[code]))
            for code, name in enumerate(model.label_names)
            if truth[code]
        }
        result[way]["labels"], result[way]["confusion"] = list(model.label_names), confusion.tolist()
    gains = {
        name: {one: values["smoothed"][name][one] - value for one, value in values["raw"][name].items()}
        for name in values["raw"]
    }
    result["gain"] = {name: _mean(each, model) for name, each in gains.items()}
    result["people_better"] = sum(gain > 0 for gain in gains["macro_f1_of_true_labels"].values())
    result["by_person"] = {
        one: {way: {name: values[way][name][one] for name in values[way]} for way in WAYS} for one in people
    }
    return result


def _mean(each: Mapping[str, float], model: Scores) -> dict[str, Any]:
    """Mean, interval over people and standard deviation of a number of each person.

    The number takes the place of a macro F1, so that the interval is that of all of harken's scores.
    """
    scores = {one: replace(model, macro_f1=value) for one, value in each.items()}
    found = person_evaluations({"all": PeopleScores(scores, float(np.mean(list(each.values()))), None)})
    return {
        "mean": found.mean_person_macro_f1,
        "interval": list(found.interval) if found.interval else None,
        "sd": found.sd_person_macro_f1,
    }
