"""Benchmarks that leave a whole study out: their tasks, and the result of all methods."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harken.datasets.label_schemes import SCHEMES, TRUTH, LabelScheme
from harken.evaluation.benchmark.machine import made_with
from harken.evaluation.benchmark.methods import TrainedMethod
from harken.evaluation.benchmark.tasks import FoldTask, alone_on_one_thread
from harken.evaluation.benchmark.workers import Finding
from harken.evaluation.protocols.studies import (
    MAIN_STUDIES,
    STUDIES,
    StudyFold,
    apply_study_fold,
    in_scheme,
    study_recordings,
    study_windows,
    training_windows,
)
from harken.evaluation.study_scores import StudyScores, score_study
from harken.models.scores import interval_over_groups, interval_over_people
from harken.windows.windows import Windows

MOUNTINGS = ("known", "found")
"""With x along the forearm, as the study states it; and as the model finds it, like ``harken label``."""


@dataclass(frozen=True)
class StudyTask(FoldTask):
    """A method and a fold that leaves studies out.

    Attributes:
        fold: the fold.
        scheme: the label scheme of training. The truth of the test is always that of ``TRUTH``.
        folders: the folder of each of ``STUDIES``; None for the one in ``HARKEN_DATA``.
    """

    fold: StudyFold
    scheme: str
    folders: tuple[Path | None, ...]

    def run(self, windows: Windows) -> Finding:
        """Train on the fold's training people and score each person of the left-out studies, with one thread.

        Args:
            windows: the windows of all studies, with activities as labels.

        Raises:
            HarkenError: when a study is in training and in the test, or its windows cannot be trained on.
        """
        scheme = SCHEMES[self.scheme]
        with alone_on_one_thread():
            parts = apply_study_fold(self.fold, windows)
            training, label_sets = training_windows(parts.training, scheme)
            started = time.perf_counter()
            learned = self.method.fit(training, label_sets)
            fitted = time.perf_counter()
            known = sorted(training.labels_present & set(scheme.labels))
            studies = {study: self._scored(study, parts.test, learned, scheme, known) for study in self.fold.studies}
            predicted = time.perf_counter()
        scores = [one["known"]["mean_f1"] for one in studies.values()]
        content = {
            "training_windows": len(training),
            "training_windows_by_label": _counts(training),
            "training_labels": known,
            "studies": studies,
            "scores": {"mean_person_macro_f1": float(np.mean(scores))},
            "made_with": made_with(),
            "timing": {"fit_s": fitted - started, "predict_s": predicted - fitted},
        }
        return Finding(content, learned.model())

    def _scored(
        self, study: str, test: Windows, learned: TrainedMethod, scheme: LabelScheme, known: Sequence[str]
    ) -> dict[str, Any]:
        """The scores of one study with the mounting known and as found, and the predictions in numbers."""
        mounted = test[test.studies == study]
        scored, confusion = score_windows(learned, mounted, scheme, known)
        content: dict[str, Any] = {"known": scored.as_dict(), "confusion": confusion, "windows": len(mounted)}
        content["found"] = None
        if learned.mounted is not None:
            worn = study_recordings(study, self.folders[STUDIES.index(study)])
            found = study_windows([learned.mounted(one) for one in worn])
            content["found"] = score_windows(learned, found, scheme, known)[0].as_dict()
        return content


def score_windows(
    learned: TrainedMethod, test: Windows, scheme: LabelScheme, known: Sequence[str]
) -> tuple[StudyScores, dict[str, dict[str, int]]]:
    """The scores of a study, and the number of windows of each true label that got each predicted label.

    Args:
        learned: the method.
        test: windows of people of one study, with activities as labels.
        scheme: the label scheme of training. The truth is that of ``TRUTH``.
        known: the labels that occur in training.
    """
    truth = in_scheme(test, SCHEMES[TRUTH])
    probabilities = learned.probabilities(truth.with_label_names(scheme.labels))
    predicted: NDArray[np.int64] = probabilities.argmax(axis=1)
    allowed = SCHEMES[TRUTH].matrix(truth.label_names)[truth.label_codes]
    scored = score_study(allowed, predicted, truth.subjects, labels=scheme.labels, known=known)
    confusion = {
        name: _predictions(predicted[truth.label_codes == code], scheme.labels)
        for code, name in enumerate(truth.label_names)
        if (truth.label_codes == code).any()
    }
    return scored, confusion


def _predictions(predicted: NDArray[np.int64], labels: Sequence[str]) -> dict[str, int]:
    counts = np.bincount(predicted, minlength=len(labels)).tolist()
    return {label: count for label, count in zip(labels, counts, strict=True) if count}


def _counts(windows: Windows) -> dict[str, int]:
    return _predictions(windows.label_codes.astype(np.int64), windows.label_names)


def study_result(findings: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Values for JSON: the scores of one method over folds. They do not depend on paths or times.

    Args:
        findings: fold -> the result of the method on it.
    """
    scores = _main_scores(findings)
    return {
        "settings": next(iter(findings.values()))["decided_by"]["method"],
        "main_score": {
            mounting: float(np.mean([one.mean_f1 for one in scores[mounting].values()]))
            if len(scores[mounting]) == len(MAIN_STUDIES)
            else None
            for mounting in MOUNTINGS
        },
        "folds": {
            name: {
                key: one[key] for key in ("training_windows", "training_windows_by_label", "training_labels", "studies")
            }
            | {"people": _people(one)}
            for name, one in findings.items()
        },
    }


def _people(finding: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    """Person -> the score, as in other benchmarks, so that two results can be compared."""
    each = [StudyScores.from_dict(one["known"]).each() for one in finding["studies"].values()]
    return {person: {"macro_f1": score} for one in each for person, score in one.items()}


def _main_scores(findings: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, StudyScores]]:
    """Mounting -> main study -> its scores."""
    studies = {study: one for study, one in by_study(findings).items() if study in MAIN_STUDIES}
    return {
        mounting: {
            study: StudyScores.from_dict(one[mounting]) for study, one in studies.items() if one[mounting] is not None
        }
        for mounting in MOUNTINGS
    }


def by_study(folds: Mapping[str, Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Study -> the scores of one method on it. Of a study in several folds, the first is taken."""
    found: dict[str, Mapping[str, Any]] = {}
    for fold in folds.values():
        for study, one in fold["studies"].items():
            found.setdefault(study, one)
    return found


def study_differences(
    preset: Mapping[str, Mapping[str, Any]], baseline: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """Values for JSON: (preset minus baseline) in the score of each person, with the mounting known.

    For each main study, its mean over people with the interval over people; and the mean over the three, with an
    interval for which people are resampled within each study.
    """
    ours, theirs = (_main_scores(each)["known"] for each in (preset, baseline))
    gains = {study: _gains(ours[study].each(), theirs[study].each()) for study in ours if study in theirs}
    whole = len(gains) == len(MAIN_STUDIES)
    overall = interval_over_groups(list(gains.values())) if whole else None
    return {
        "main_score": float(np.mean([np.mean(each) for each in gains.values()])) if whole else None,
        "main_score_interval": list(overall) if overall else None,
        "studies": {
            study: {
                "mean_f1": float(np.mean(each)),
                "interval": list(interval) if (interval := interval_over_people(each)) else None,
                "people_better": sum(one > 0 for one in each),
                "people": len(each),
            }
            for study, each in gains.items()
        },
    }


def _gains(ours: Mapping[str, float], theirs: Mapping[str, float]) -> list[float]:
    return [score - theirs[person] for person, score in ours.items() if person in theirs]
