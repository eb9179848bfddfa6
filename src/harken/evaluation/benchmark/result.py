"""The result of a benchmark: its windows, the methods' scores over folds, and its agreement with an earlier result."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from harken.models.scores import PeopleScores, PersonEvaluations, Scores, person_evaluations, score
from harken.support.errors import HarkenError, first_difference
from harken.support.files import read_json
from harken.windows.windows import Windows

WINDOWS_AT_ONCE = 4096
TOLERANCE = 0.05
"""The tolerance of each person's macro F1 between two machines, whose rounding differs: with other vector instructions
the score of one person of six changed by 0.009. On one machine scores must be equal."""

RESULT = {
    "methods": {...: {"folds": {...: {"people": {...: {"macro_f1": int | float}}}}}},
    "windows": {"fingerprint": str},
    "folds": dict,
    "made_with": [{"machine": {"processor": str, "instructions": object}, "versions": dict}],
}
"""What a comparison needs of an earlier result."""

Findings = Mapping[str, Mapping[str, Any]]
"""Fold -> the result of a method on it."""


def method_result(findings: Findings) -> dict[str, Any]:
    """Values for JSON: the scores of one method over folds. They do not depend on paths or times.

    The expected calibration error is the mean over folds, weighted by their test windows, because every fold has its
    own model.
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
    """Values for JSON: the mean over evaluations of (preset minus baseline) in macro F1, and its interval over people.

    The difference is taken for each person of each fold, so that the difficulty of a person cancels out.
    """
    pairs = _evaluations(preset).folds, _evaluations(baseline).folds
    # The function that resamples scores also resamples differences, so that both intervals use the same bootstrap.
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
    """Values for JSON: seconds of training and of recognition, for each fold and on average."""
    folds = {name: dict(one["timing"]) for name, one in findings.items()}
    means = {key: float(np.mean([one[key] for one in folds.values()])) for key in ("fit_s", "predict_s")}
    return {**means, "folds": folds}


def all_evaluations(result: Mapping[str, Any]) -> Scores:
    """Scores over the windows of all evaluations of a ``method_result`` together, for a picture."""
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
    """The values without repetitions, in their order. They are not hashable, so a set cannot hold them."""
    return [one for number, one in enumerate(each) if one not in each[:number]]


def describe_windows(windows: Windows) -> dict[str, Any]:
    """Values for JSON: the number of windows, the people, and two fingerprints (SHA-256).

    ``fingerprint`` covers everything. ``layout_fingerprint`` covers the person, start and label of each window, but not
    the values of the signals. Resampling on another processor may change the last bit of a value; then only
    ``layout_fingerprint`` is the same.
    """
    layout = hashlib.sha256()
    for text in (*windows.channels, "", *windows.label_names, f"{windows.sample_rate_hz:.6f}", *windows.subjects):
        layout.update(f"{text}\0".encode())
    for array in (windows.label_codes, windows.starts_ns, windows.start_rows):
        layout.update(np.ascontiguousarray(array).data)
    layout.update(repr(windows.signals.shape).encode())
    whole = layout.copy()
    for start in range(0, len(windows), WINDOWS_AT_ONCE):
        whole.update(np.ascontiguousarray(windows.signals[start : start + WINDOWS_AT_ONCE]).data)
    return {
        "fingerprint": whole.hexdigest(),
        "layout_fingerprint": layout.hexdigest(),
        "windows": len(windows),
        "people": len(np.unique(windows.subjects)),
        "window_length": windows.length,
        "sample_rate_hz": windows.sample_rate_hz,
        "channels": list(windows.channels),
        "labels": list(windows.label_names),
    }


@dataclass(frozen=True)
class Agreement:
    """Whether a result agrees with an earlier one, and a sentence with the largest difference or the reason."""

    agrees: bool
    sentence: str


def read_result(path: Path) -> dict[str, Any]:
    """A ``benchmark.json``.

    Raises:
        HarkenError: when the file is missing, or is not the result of a benchmark.
    """
    return read_json(path, RESULT, advice="give a benchmark.json that harken benchmark wrote")


def compare(result: Mapping[str, Any], earlier: Mapping[str, Any]) -> Agreement:
    """Compare the methods and folds of ``result`` that are also in ``earlier``.

    Settings and windows must be the same. On the same processor with the same versions, each person's macro F1 must be
    equal. Otherwise it may differ by ``TOLERANCE``, and the signals of windows may differ in their last bits.

    Raises:
        HarkenError: when the two have no method and fold in common.
    """
    same_machine = _machines(result) == _machines(earlier)
    shared = list(_shared(result, earlier))
    if not shared:
        raise HarkenError(
            f"nothing to compare: this result has {_contents(result)}, the earlier one {_contents(earlier)}"
        )
    reason = _other_experiment(result, earlier, same_machine=same_machine)
    if reason is not None:
        return Agreement(False, f"It cannot agree with the earlier result: {reason}.")
    differences = {f"{name}, fold {fold}, {person}": abs(now - then) for name, fold, person, now, then in shared}
    where = max(differences, key=differences.__getitem__)
    largest = differences[where]
    of = f"{len(shared)} macro F1 of people"
    if largest == 0:
        return Agreement(True, f"It agrees with the earlier result: all {of} are equal to it.")
    if same_machine:
        return Agreement(
            False,
            f"It does not agree with the earlier result: on the same processor and versions {of} must be equal, and "
            f"{sum(one > 0 for one in differences.values())} are not, most of all {where} ({largest:.4f} apart).",
        )
    beyond = sum(one > TOLERANCE for one in differences.values())
    if beyond:
        return Agreement(
            False,
            f"It does not agree with the earlier result, which was made on another machine or with other versions: "
            f"{beyond} of {of} are more than {TOLERANCE} apart, most of all {where} ({largest:.4f}).",
        )
    return Agreement(
        True,
        f"It agrees with the earlier result, which was made on another machine or with other versions: no two of {of} "
        f"are more than {TOLERANCE} apart, most of all {where} ({largest:.4f}).",
    )


def _shared(result: Mapping[str, Any], earlier: Mapping[str, Any]) -> Iterator[tuple[str, str, str, float, float]]:
    """Method, fold, person, macro F1 in ``result`` and in ``earlier``."""
    for name, one in result["methods"].items():
        then = earlier["methods"].get(name, {"folds": {}})["folds"]
        for fold, scores in one["folds"].items():
            for person, found in scores["people"].items():
                if person in then.get(fold, {"people": {}})["people"]:
                    yield name, fold, person, found["macro_f1"], then[fold]["people"][person]["macro_f1"]


def _other_experiment(result: Mapping[str, Any], earlier: Mapping[str, Any], *, same_machine: bool) -> str | None:
    """Why the two are not the same experiment, or None if they are."""
    both = [name for name in result["methods"] if name in earlier["methods"]]
    keys = ("dataset", "protocol")
    found = first_difference({key: earlier.get(key) for key in keys}, {key: result[key] for key in keys})
    for name in both:
        found = found or first_difference(
            earlier["methods"][name].get("settings"), result["methods"][name]["settings"], name
        )
    if found is not None:
        return f"{found[0]} was {json.dumps(found[1])} and is {json.dumps(found[2])}"
    key = "fingerprint" if same_machine else "layout_fingerprint"
    if earlier["windows"].get(key) != result["windows"][key]:
        return "it was made on other windows (their fingerprints differ)"
    for fold, people in result["folds"].items():
        before = earlier["folds"].get(fold, people)
        if first_difference(before, people) is not None:
            return f"fold {fold} has other people"
    return None


def _machines(result: Mapping[str, Any]) -> set[str]:
    """Processors and versions, on which the last bits of numbers depend: each pair as text."""
    each = (
        (one["machine"]["processor"], one["machine"]["instructions"], one["versions"]) for one in result["made_with"]
    )
    return {json.dumps(one, sort_keys=True) for one in each}


def _contents(result: Mapping[str, Any]) -> str:
    return "; ".join(f"{name} on {', '.join(one['folds'])}" for name, one in result["methods"].items())
