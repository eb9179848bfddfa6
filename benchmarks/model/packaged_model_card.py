"""The packaged model's card: the scores of its fold models on unseen people, and the page made from the JSON."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harken.datasets.registry import dataset
from harken.learning.calibration import coverage, expected_calibration_error, fit_temperature
from harken.learning.prediction import softmax
from harken.learning.scores import person_evaluations, score_people

UNSURE_BELOW = (0.0, 0.5, 0.6, 0.7, 0.8, 0.9)


@dataclass(frozen=True)
class FoldLogits:
    """The logits of a fold's model for the windows of unseen people.

    ``logits`` float32 ``[n, labels]``, ``codes`` ``[n]`` into ``labels``, ``subjects`` ``[n]``, and the duration of the
    training in seconds.
    """

    logits: NDArray[np.float32]
    codes: NDArray[np.int16]
    subjects: NDArray[np.str_]
    labels: tuple[str, ...]
    seconds: float

    @classmethod
    def read(cls, path: Path) -> "FoldLogits":
        """Read the file of a fold."""
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
    """The scores of each data set's people, and the calibration of the probabilities."""
    if len({fold.labels for fold in folds}) > 1:
        raise ValueError("a label is so rare that the training windows of a fold do not have it")
    temperature = fit_temperature(
        np.concatenate([fold.logits for fold in folds]), np.concatenate([fold.codes for fold in folds])
    )
    probabilities = _calibrated(folds)
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
    """The temperature for each fold, fitted on the unseen people of all other folds.

    So nobody is scored at a temperature that was fitted on them.
    """
    found = []
    for fold in folds:
        others = [other for other in folds if other is not fold]
        logits, codes = (np.concatenate([getattr(other, name) for other in others]) for name in ("logits", "codes"))
        found.append(fit_temperature(logits, codes))
    return found


def _calibrated(folds: Sequence[FoldLogits]) -> list[NDArray[np.float32]]:
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
    """The share of windows that keep a label, and their accuracy, at a few limits."""
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


NAMES = {"wisdm": "WISDM", "dsads": "DSADS"}

INTENDED = """\
## What it is for

To describe what adults did while they wore an accelerometer on a wrist: hours and days of posture, walking, running,
stairs and the rest, for one person or for a study. Recordings may have any sample rate (they are resampled), may be in
g or m/s², and from either wrist. `harken label FILE... --out DIR` and `Recogniser.load()` use the model.

It is **not** for decisions about a person's health, for detecting falls, or for watching over people. It was trained
only on students and other young adults: no children, no old people, no patients, nobody with a walking aid or a
wheelchair.
"""

FAILURES = """\
## Where it fails

- **All lying is of the {lying} people of DSADS**, who lay very still in a laboratory, on the back and on the right
  side, awake. Sleep, lying on the stomach and reading in bed are not in the training data. A watch on a table is not
  either: non-wear must be found before the model is used.
- **Sitting and standing of DSADS are very still.** Those of WISDM have some movement of the arm, and everyday life has
  more. At the wrist, sitting and standing differ only in how the arm hangs or rests, which is a habit of the person.
  They are confused more often than any other labels.
- **`other` is what the two data sets have in it**: hands at work (eating, typing, brushing teeth, writing, clapping,
  folding) and ball games in WISDM; a stepper, a cross trainer, rowing, jumping, basketball, and moving about in a lift
  in DSADS. Activities in neither (driving, cooking, swimming) may get any label.
- **Eating while sitting is `other`, not sitting.** That follows from the labels of WISDM. It makes the hours of sitting
  too few.
- **Cycling, where it is a label, is an exercise bike.** The hands of a cyclist on a road shake, steer and brake.
- **Stairs** look like walking at a wrist, and a short flight is lost within a window of {window_s:g} s.
- **The watch's x axis must point along the forearm**, in either direction. `harken label` finds from the walking in a
  recording whether y does instead, and turns the samples. Live samples, your own windows and the ONNX model need x
  there (`harken.signals.turned_by_quarters`), otherwise most labels are wrong.
- **Running of WISDM is cut off at 2 g**, where the range of that watch ends.
- **The scores above are of unseen people of the same two studies.** Another watch, another study and everyday life
  differ more, and no score here shows by how much.
"""


def card(result: Mapping[str, Any]) -> str:
    """The whole page."""
    chosen = result["samplings"][result["chosen"]]
    parts = [
        "# The packaged model\n",
        "<!-- Written by benchmarks/model/packaged_model.py from results/packaged_model.json: edit the script. -->\n\n"
        f"An `everyday` network with the labels {', '.join(chosen['labels'])}.\n",
        _model(result) if "model" in result else "",
        INTENDED,
        _data(chosen),
        _scores(chosen),
        _samplings(result),
        FAILURES.format(lying=chosen["sets"]["dsads"]["people"], window_s=_window_s(chosen)),
        _repeat(result),
    ]
    return "\n".join(part for part in parts if part)


def _model(result: Mapping[str, Any]) -> str:
    model = result["model"]
    specification = model["specification"]
    people = " and ".join(f"{count} people of {NAMES[name]}" for name, count in model["training_people"].items())
    windows = ", ".join(f"{label} {count:,}" for label, count in model["training_windows_by_label"].items())
    return (
        f"{model['parameters']:,} weights, {model['bytes']:,} bytes. It reads {', '.join(specification['channels'])} "
        f"in {specification['acceleration_unit']}, "
        f"{specification['window_length'] / specification['sample_rate_hz']:g} s at "
        f"{specification['sample_rate_hz']:g} Hz, and gives a label every {specification['hop_s']:g} s. It was "
        f"trained on {people}; its training windows after sampling: {windows}. SHA-256 of the file: "
        f"`{model['sha256']}`.\n"
    )


def _data(chosen: Mapping[str, Any]) -> str:
    lines = ["## Training data\n"]
    for name, found in chosen["sets"].items():
        info = dataset(name).info
        lines.append(
            f"- **{NAMES[name]}**: {info.title} ({info.placement}, {info.sample_rate_hz:g} Hz); {found['people']} "
            f"people, {found['windows']:,} windows of {_window_s(chosen):g} s, one every "
            f"{chosen['settings']['hop_s']:g} s. Licence: {info.licence}. "
            f"{info.citation}."
        )
    lines.append(
        "\nThe weights are harken's own work, and the recordings are not in the package. Please cite both data sets "
        "in a publication with results of this model. The limits of each: `harken datasets wisdm`, `harken datasets "
        "dsads`.\n"
    )
    return "\n".join(lines)


def _scores(chosen: Mapping[str, Any]) -> str:
    sets = chosen["sets"]
    people = _table(
        ("people", "windows", "mean of each person's macro F1", "SD", "95 % interval over people", "accuracy", "worst"),
        ((NAMES[name], *_people_row(found)) for name, found in sets.items()),
        first="data set",
    )
    f1 = _table(
        chosen["labels"],
        (
            (NAMES[name], *(_number(found["class_f1"].get(label)) for label in chosen["labels"]))
            for name, found in sets.items()
        ),
        first="F1",
    )
    unsure = _table(
        [f"{NAMES[name]}: {what}" for name in sets for what in ("labelled", "accuracy of these")],
        _unsure_rows(list(sets.values())),
        first="unsure below",
    )
    errors = "; ".join(
        f"{NAMES[name]} {found['expected_calibration_error']:.3f} "
        f"({found['expected_calibration_error_uncalibrated']:.3f} without)"
        for name, found in sets.items()
    )
    confusions = "\n".join(
        f"{NAMES[name]}, in percent of the windows of each true label (rows):\n\n"
        f"{_confusion(found['confusion'], chosen['labels'])}"
        for name, found in sets.items()
    )
    return (
        "## Scores on unseen people\n\n"
        f"The scores are of {len(chosen['fold_seconds'])} fold models, each trained as the packaged model but without "
        "the people it is tested on. The packaged model itself was trained on all people and is never scored. All test "
        f"windows of {_window_s(chosen):g} s with one label count; they are not sampled. The F1 of a person is "
        "scikit-learn's macro F1: a label that is predicted but never true counts as 0. This happens to each person of "
        "WISDM for whom lying is predicted once.\n\n"
        f"{people}\n{f1}\n"
        f"**Probabilities.** Temperature {chosen['temperature']:.2f}, fitted on the unseen people of all folds. "
        f"Expected calibration error, each fold at the temperature of the others: {errors}. With "
        "`--unsure-below` and `--no-smoothing`:\n\n"
        f"{unsure}\n{confusions}"
    )


def _window_s(chosen: Mapping[str, Any]) -> float:
    preset = chosen["settings"]["preset"]
    return float(preset["window_length"] / preset["sample_rate_hz"])


def _people_row(found: Mapping[str, Any]) -> tuple[str, ...]:
    interval, worst = found["mean_person_macro_f1_interval"], found["worst_person"]
    return (
        str(found["people"]),
        f"{found['windows']:,}",
        f"**{found['mean_person_macro_f1']:.3f}**",
        _number(found["sd_person_macro_f1"]),
        f"{interval[0]:.3f} to {interval[1]:.3f}" if interval else "-",
        f"{found['mean_person_accuracy']:.1%}",
        f"{worst['person']}, {worst['macro_f1']:.3f}",
    )


def _unsure_rows(sets: Sequence[Mapping[str, Any]]) -> Iterable[tuple[str, ...]]:
    for rows in zip(*(found["unsure_below"] for found in sets), strict=True):
        cells = [
            cell
            for row in rows
            for cell in (f"{row['coverage']:.1%}", "-" if row["accuracy"] is None else f"{row['accuracy']:.1%}")
        ]
        yield (f"{rows[0]['limit']:g}", *cells)


def _confusion(confusion: Sequence[Sequence[int]], labels: Sequence[str]) -> str:
    rows = (
        (label, *(f"{100 * count / sum(row):.0f}" for count in row))
        for label, row in zip(labels, confusion, strict=True)
        if sum(row)
    )
    return _table(labels, rows, first="true label")


def _samplings(result: Mapping[str, Any]) -> str:
    tried = result["samplings"]
    heading = "## How the training windows were sampled\n\n"
    if len(tried) == 1:
        ((name, found),) = tried.items()
        return f"{heading}{name.capitalize()}: {_in_words(found['settings']['sampling'])}.\n"
    rows = (
        (
            f"{name}{' (chosen)' if name == result['chosen'] else ''}",
            *(_number(found["sets"][each]["mean_person_macro_f1"]) for each in found["sets"]),
            _number(found["compared_macro_f1"]),
            _in_words(found["settings"]["sampling"]),
        )
        for name, found in tried.items()
    )
    names = [f"{NAMES[name]}: mean person macro F1" for name in next(iter(tried.values()))["sets"]]
    merged = ", ".join(result["compared_with_as_other"])
    compared = f"both, {merged} counted as other" if merged else "both"
    chose = (
        f'The sampling was chosen among these {len(tried)} (by the column "{compared}") on the folds above, so its '
        "scores are a little too good.\n"
    )
    table = _table([*names, compared, "how"], rows, first="sampling")
    return f"{heading}{table}\n{chose}"


def _in_words(sampling: Mapping[str, Any]) -> str:
    words = []
    if sampling["other_per_person"] is not None:
        words.append(f"at most {sampling['other_per_person']} windows of `other` per person")
    if sampling["least_share"]:
        words.append(f"rarer labels repeated to {sampling['least_share']:.0%} of the most frequent one")
    if sampling["also_other"]:
        words.append(f"{', '.join(sampling['also_other'])} is `other`")
    return "; ".join(words) or "every window once"


def _repeat(result: Mapping[str, Any]) -> str:
    commands = "\n".join(f"$ {command}" for command in result["commands"])
    versions = ", ".join(f"{name} {number}" for name, number in result["versions"].items())
    return (
        f"## How to make it again\n\n```console\n{commands}\n```\n\n"
        f"Commit {result['commit']}; {versions}; one thread for each fit. All settings and each person's scores are in "
        "`docs/results/packaged_model.json`.\n"
    )


def _table(columns: Iterable[str], rows: Iterable[Sequence[str]], *, first: str) -> str:
    head = [first, *columns]
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
