"""What the fold models of the packaged model say of people they never met: the numbers of its card."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harken.learning.calibration import coverage, expected_calibration_error, fit_temperature
from harken.learning.scores import person_evaluations, score_people
from harken.learning.training import softmax

UNSURE_BELOW = (0.0, 0.5, 0.6, 0.7, 0.8, 0.9)


@dataclass(frozen=True)
class FoldLogits:
    """A fold's answers to the windows of people it never met.

    ``logits`` float32 ``[n, labels]``, ``codes`` ``[n]`` into ``labels``, ``subjects`` ``[n]``, and how
    long it learned.
    """

    logits: NDArray[np.float32]
    codes: NDArray[np.int16]
    subjects: NDArray[np.str_]
    labels: tuple[str, ...]
    seconds: float

    @classmethod
    def read(cls, path: Path) -> "FoldLogits":
        """From the file that a fold wrote."""
        with np.load(path, allow_pickle=False) as content:
            return cls(
                content["logits"],
                content["codes"],
                content["subjects"],
                tuple(content["labels"].tolist()),
                float(content["seconds"]),
            )

    def of(self, name: str) -> NDArray[np.bool_]:
        """Which windows are of people of this data set."""
        return np.char.startswith(self.subjects, name)


def scores(folds: Sequence[FoldLogits], sets: Sequence[str]) -> dict[str, Any]:
    """Scores of each data set's people, and how honest the probabilities are."""
    if len({fold.labels for fold in folds}) > 1:
        raise ValueError("a label is so rare that a fold did not learn it")
    temperature = fit_temperature(
        np.concatenate([fold.logits for fold in folds]), np.concatenate([fold.codes for fold in folds])
    )
    probabilities = _calibrated_by_the_others(folds)
    return {
        "labels": list(folds[0].labels),
        "fold_seconds": [round(fold.seconds) for fold in folds],
        "temperature": temperature,
        "sets": {name: _set_scores(folds, probabilities, name) for name in sets},
    }


def compared_macro_f1(folds: Sequence[FoldLogits], sets: Sequence[str], as_other: Sequence[str]) -> float:
    """The mean over data sets of the mean of each person's macro F1, with some labels counted as ``other``."""
    names = folds[0].labels
    into = np.array([names.index("other") if name in as_other else code for code, name in enumerate(names)])
    means = []
    for name in sets:
        each = [
            score_people(into[fold.codes[mask]], into[fold.logits[mask].argmax(axis=1)], fold.subjects[mask], names)
            for fold in folds
            if (mask := fold.of(name)).any()
        ]
        means.append(np.mean([one.macro_f1 for people in each for one in people.people.values()]))
    return float(np.mean(means))


def temperatures(folds: Sequence[FoldLogits]) -> list[float]:
    """The temperature for each fold that all other folds' strangers need, so that nobody is scored by one that was
    fitted on them."""
    found = []
    for fold in folds:
        others = [other for other in folds if other is not fold]
        logits, codes = (np.concatenate([getattr(other, name) for other in others]) for name in ("logits", "codes"))
        found.append(fit_temperature(logits, codes))
    return found


def _calibrated_by_the_others(folds: Sequence[FoldLogits]) -> list[NDArray[np.float32]]:
    """Each fold's probabilities at its temperature."""
    return [
        softmax(fold.logits / np.float32(temperature))
        for fold, temperature in zip(folds, temperatures(folds), strict=True)
    ]


def _set_scores(folds: Sequence[FoldLogits], probabilities: Sequence[NDArray[np.float32]], name: str) -> dict[str, Any]:
    by_fold = {}
    for number, fold in enumerate(folds):
        mask = fold.of(name)
        if not mask.any():
            continue
        predicted = fold.logits[mask].argmax(axis=1)
        by_fold[str(number)] = score_people(fold.codes[mask], predicted, fold.subjects[mask], fold.labels)
    found = person_evaluations(by_fold)
    person, worst = found.worst_person
    theirs = [fold.of(name) for fold in folds]
    codes = np.concatenate([fold.codes[mask] for fold, mask in zip(folds, theirs, strict=True)])
    honest = np.concatenate([each[mask] for each, mask in zip(probabilities, theirs, strict=True)])
    raw = np.concatenate([softmax(fold.logits[mask]) for fold, mask in zip(folds, theirs, strict=True)])
    return {
        "people": len(found.by_person),
        "windows": len(codes),
        "mean_person_macro_f1": found.mean_person_macro_f1,
        "sd_person_macro_f1": found.sd_person_macro_f1,
        "mean_person_macro_f1_interval": list(found.interval) if found.interval else None,
        "mean_person_accuracy": found.mean_person_accuracy,
        "worst_person": {"person": person, "macro_f1": worst},
        "class_f1": found.class_f1,
        "confusion": found.confusion.tolist(),
        "expected_calibration_error": expected_calibration_error(honest, codes),
        "expected_calibration_error_uncalibrated": expected_calibration_error(raw, codes),
        "unsure_below": _unsure(honest, codes),
        "by_person": {
            person: {"fold": fold, "windows": each.windows, "accuracy": each.accuracy, "macro_f1": each.macro_f1}
            for person, by in found.by_person.items()
            for fold, each in by.items()
        },
    }


def _unsure(probabilities: NDArray[np.float32], codes: NDArray[np.int16]) -> list[dict[str, float | None]]:
    """What is still answered, and how much of that is right, at a few limits."""
    curve = coverage(probabilities, codes, points=101)
    rows = [int(np.flatnonzero(np.isclose(curve.thresholds, limit))[0]) for limit in UNSURE_BELOW]
    return [
        {
            "limit": float(curve.thresholds[row]),
            "coverage": float(curve.covered[row]),
            "accuracy": float(curve.accuracy[row]) if np.isfinite(curve.accuracy[row]) else None,
        }
        for row in rows
    ]
