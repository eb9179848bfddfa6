"""What the models of a benchmark ``studies/leave-one-of-nine-out`` say of the studies that they were not trained on.

The temperature of the packaged model and the accuracy of its sure answers come from these predictions: each study is
predicted by the model that was trained on the others. Windows count whose truth is a single label
(``benchmarks.studies.label_schemes.TRUTH``). The temperature maximises the mean, over the main studies, of the mean
log-likelihood of a study's windows, so each of the three counts equally. Windows of a label that is unknown to the
model have the probability 0 at any temperature. They have no part in the fit, and count as wrong answers. Each main
study is scored at the temperature that was fitted on the two others.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.studies.data_sets import MAIN_STUDIES, NINE_STUDIES
from benchmarks.studies.label_schemes import SCHEMES, TRUTH, LabelScheme
from benchmarks.studies.protocols import draw_studies, in_scheme, training_windows, with_known_wearers
from harken.evaluation.benchmark.result import describe_windows, read_result
from harken.evaluation.benchmark.tasks import finding_path
from harken.models.calibration import coverage, expected_calibration_error, fit_temperature
from harken.models.recogniser import Recogniser
from harken.networks.inference import softmax
from harken.recordings.recording import UNLABELLED
from harken.training.output_layer import keep_examples
from harken.windows.windows import Windows

PROTOCOL, PRESET = "leave-one-of-nine-out", "light"
SCORED_STUDIES = with_known_wearers(NINE_STUDIES)
"""The studies that are left out once."""
UNSURE_BELOW = (0.0, 0.5, 0.6, 0.7, 0.8, 0.9)


@dataclass(frozen=True)
class StudyLogits:
    """The logits of a model for windows of a study that it was not trained on.

    Attributes:
        logits: float32 ``[n, labels]``.
        labels: the labels of the model.
        truth: the true label of each window, ``[n]``.
    """

    logits: NDArray[np.float32]
    labels: tuple[str, ...]
    truth: NDArray[np.str_]

    @property
    def known(self) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """The logits of windows whose label the model has, and the code of this label."""
        of_label = self.truth[:, None] == np.array(self.labels)
        here = of_label.any(axis=1)
        return self.logits[here], of_label[here].argmax(axis=1)


def read_run(path: Path, windows: Windows, *, preset: Mapping[str, Any], scheme: LabelScheme) -> dict[str, Any]:
    """The result of the run, without the scores of single people.

    Args:
        path: the directory of ``benchmarks.studies.left_out --protocol leave-one-of-nine-out``.
        windows: all labelled windows of the studies.
        preset: the settings of the preset that the run must have had, as ``PresetMethod.settings`` states them.
        scheme: the label scheme that it must have had.

    Raises:
        HarkenError: when there is no result of a benchmark.
        SystemExit: when it is of another protocol, recipe, label scheme or other windows, or lacks a fold.
    """
    result = read_result(path / "benchmark.json")
    if (result["dataset"], result["protocol"]) != ("studies", PROTOCOL):
        raise SystemExit(f"{path} is no run of benchmarks.studies.left_out --protocol {PROTOCOL}")
    missing = [study for study in SCORED_STUDIES if study not in result["folds"]]
    if missing:
        raise SystemExit(f"{path}: {', '.join(missing)} has not been left out yet; every study must be")
    if result["windows"]["layout_fingerprint"] != describe_windows(windows)["layout_fingerprint"]:
        raise SystemExit(f"{path} was made on other windows than those of --data")
    name = result["preset"]
    if name is None or result["methods"][name]["settings"] != json.loads(json.dumps(preset)):
        raise SystemExit(f"{path} was made with another recipe than the current one")
    needed = json.loads(json.dumps(asdict(scheme.of(NINE_STUDIES))))
    for study in SCORED_STUDIES:
        finding = json.loads(finding_path(path, study, name).read_text(encoding="utf-8"))
        if finding["decided_by"]["label_scheme"] != needed:
            raise SystemExit(f"{path} was made with another label scheme than {scheme.name!r}")
    return _without_people(result)


def _without_people(result: Mapping[str, Any]) -> dict[str, Any]:
    """What the card needs of the result of a run."""

    def short(scores: Mapping[str, Any] | None) -> dict[str, Any] | None:
        return None if scores is None else {key: value for key, value in scores.items() if key != "people"}

    def of_study(one: Mapping[str, Any]) -> dict[str, Any]:
        people = len(one["known"]["people"])
        return {**one, "people": people, "known": short(one["known"]), "found": short(one["found"])}

    methods = {
        name: {
            "main_score": method["main_score"],
            "mean_recall": method["mean_recall"],
            "studies": {study: of_study(method["folds"][study]["studies"][study]) for study in SCORED_STUDIES},
        }
        for name, method in result["methods"].items()
    }
    kept = {key: result[key] for key in ("command", "made_with", "preset", "differences")}
    return {**kept, "methods": methods}


def model_without(path: Path, fold: str, method: str = PRESET) -> Recogniser:
    """The model of a fold, which was trained without the studies that the fold leaves out.

    Args:
        path: the directory of the run.
        fold: the name of the fold.
        method: the preset or the candidate.
    """
    return Recogniser.load(finding_path(path, fold, method).with_suffix(".safetensors"), device="cpu")


def model_with_examples(path: Path, study: str, data: Path) -> Recogniser:
    """The model that was trained without a study, with examples of its training data, as ``harken train`` keeps them.

    Args:
        path: the directory of the run.
        study: the study that was left out.
        data: the folder that holds the studies.
    """
    others = [name for name in NINE_STUDIES if name != study]
    windows = draw_studies([data / name for name in others], others)
    drawn, _ = training_windows(windows[windows.label_codes != UNLABELLED], SCHEMES["hands"])
    return keep_examples(model_without(path, study), drawn)


def study_logits(path: Path, preset: str, windows: Windows) -> dict[str, StudyLogits]:
    """Study -> the logits of the model that was not trained on it, for its windows with a single true label.

    Args:
        path: the directory of the run.
        preset: the name of the preset.
        windows: windows of all studies, with activities as labels.

    Raises:
        SystemExit: when a model was trained on a person whom it should predict.
    """
    truth = in_scheme(windows, SCHEMES[TRUTH])
    single = truth[np.isin(truth.labels, SCHEMES[TRUTH].labels)]
    found = {}
    for study in SCORED_STUDIES:
        recogniser = model_without(path, study, preset)
        theirs = single[single.studies == study]
        met = set(theirs.subjects.tolist()) & set(recogniser.provenance_["training_people"])
        if met:
            raise SystemExit(f"{path}: the model without {study} was trained on {', '.join(sorted(met))}")
        found[study] = StudyLogits(recogniser.predict_logits(theirs), recogniser.specification_.labels, theirs.labels)
    return found


def calibration(studies: Mapping[str, StudyLogits]) -> dict[str, Any]:
    """The temperature for the packaged model, and how reliable probabilities on unseen studies are, for JSON.

    Args:
        studies: the logits of all studies.
    """
    main = [study for study in MAIN_STUDIES if study in studies]
    return {
        "temperature": _temperature([studies[study] for study in main]),
        "studies": {
            study: _reliability(logits, _temperature([studies[one] for one in main if one != study]))
            for study, logits in studies.items()
        },
    }


def _temperature(studies: Sequence[StudyLogits]) -> float:
    return fit_temperature(*(study.known for study in studies))


def _reliability(study: StudyLogits, temperature: float) -> dict[str, Any]:
    """The calibration error, and the share and the accuracy of the windows that keep a label at a few limits."""
    calibrated, raw = (
        # A last column for labels that the model does not have: their probability is 0.
        np.pad(softmax(study.logits / np.float32(one)), ((0, 0), (0, 1)))
        for one in (temperature, 1.0)
    )
    code_of = {label: code for code, label in enumerate(study.labels)}
    codes = np.array([code_of.get(label, len(study.labels)) for label in study.truth.tolist()])
    curve = coverage(calibrated, codes)
    return {
        "windows": len(codes),
        "temperature": temperature,
        "expected_calibration_error": expected_calibration_error(calibrated, codes),
        "expected_calibration_error_uncalibrated": expected_calibration_error(raw, codes),
        "unsure_below": [
            dict(zip(("limit", "coverage", "accuracy"), (limit, *curve.at(limit)), strict=True))
            for limit in UNSURE_BELOW
        ],
    }
