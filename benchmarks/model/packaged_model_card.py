"""The packaged model's card: the scores of its fold models on unseen people, and the page made from the JSON."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harken.calibration import coverage, expected_calibration_error, fit_temperature
from harken.datasets.registry import dataset
from harken.scores import person_evaluations, score_people
from harken.training import softmax

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


NAMES = {"wisdm": "WISDM", "dsads": "DSADS"}

INTENDED = """\
## What it is for

Describing what adults did while they wore an accelerometer on a wrist: hours and days of posture, walking, running,
stairs and the rest, for one person or for a study. It reads recordings of any rate (they are resampled) in g or m/s²,
from either wrist; `harken label FILE... --out DIR` and `Recogniser.load()` use it.

It is **not** for decisions about a person's health, for detecting falls, or for watching over people. It has met
students and other young adults only: no children, no old people, no patients, nobody with a walking aid
or a wheelchair.
"""

FAILURES = """\
## Where it fails

- **Lying rests on eight people**, who lay very still in a laboratory, on the back and on the right side, awake. Sleep,
  lying on the stomach, and reading in bed are not in it. A watch on a table is not in it either: non-wear has to be
  told apart before it is asked.
- **Sitting and standing of DSADS are laboratory-still.** Those of WISDM hold some movement of the arm; everyday life
  holds more. Sitting and standing differ at the wrist only in how the arm hangs or rests, which is a habit of the
  person: they are confused more than anything else.
- **`other` is what its two sets have in it**: hands at work (eating, typing, brushing teeth, writing, clapping,
  folding) and ball games in WISDM; a stepper, a cross trainer, rowing, jumping, basketball, and moving about in a lift
  in DSADS. What is in neither (driving, cooking, swimming) may become anything.
- **Who eats while sitting is `other`, not sitting.** That follows from the labels of WISDM, and hours of sitting are
  too few by it.
- **Cycling, where it is a label, is an exercise bike.** The hands of a cyclist on a road shake, steer and brake.
- **Stairs** look like walking to a wrist; short flights within a window of ten seconds are lost in it.
- **It knows watches whose x axis points along the forearm**, either way. `harken label` sees from the walking in a
  recording whether y does instead, and turns it; live samples, windows of your own and the ONNX model must come with x
  there (`harken.signals.turned_by_quarters`), or little of what is said is true.
- **Running of WISDM is cut off at 2 g**, where that watch's range ends.
- **The scores above are of the same two studies' strangers.** Another watch, another study and free living are
  further away, and no number here says how far.
"""


def card(result: Mapping[str, Any]) -> str:
    """The whole page."""
    chosen = result["samplings"][result["chosen"]]
    parts = [
        "# The packaged model\n",
        "<!-- Written by benchmarks/model/packaged_model.py from results/packaged_model.json: edit the script. -->\n\n"
        f"An `everyday` network that tells apart {', '.join(chosen['labels'])}.\n",
        _model(result) if "model" in result else "",
        INTENDED,
        _data(chosen),
        _scores(chosen),
        _samplings(result),
        FAILURES,
        _repeat(result),
    ]
    return "\n".join(part for part in parts if part)


def _model(result: Mapping[str, Any]) -> str:
    model = result["model"]
    said = model["specification"]
    people = " and ".join(f"{count} people of {NAMES[name]}" for name, count in model["training_people"].items())
    windows = ", ".join(f"{label} {count:,}" for label, count in model["training_windows_by_label"].items())
    return (
        f"{model['parameters']:,} weights, {model['bytes']:,} bytes. It reads {', '.join(said['channels'])} in "
        f"{said['acceleration_unit']}, {said['window_length'] / said['sample_rate_hz']:g} s at "
        f"{said['sample_rate_hz']:g} Hz, and answers every {said['hop_s']:g} s. It learned from {people}; windows as "
        f"they were sampled: {windows}. SHA-256 of the file: `{model['sha256']}`.\n"
    )


def _data(chosen: Mapping[str, Any]) -> str:
    lines = ["## What it learned from\n"]
    for name, found in chosen["sets"].items():
        info = dataset(name).info
        lines.append(
            f"- **{NAMES[name]}**: {info.title} ({info.placement}, {info.sample_rate_hz:g} Hz); {found['people']} "
            f"people, {found['windows']:,} windows of 10 s, half of each in the next. Licence: {info.licence}. "
            f"{info.citation}."
        )
    lines.append(
        "\nThe weights are harken's own work; the recordings are not in the package. Who publishes results made with "
        "this model should cite both sets. What misleads in each: `harken datasets wisdm`, `harken datasets dsads`.\n"
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
        [f"{NAMES[name]}: {what}" for name in sets for what in ("answered", "right of those")],
        _unsure_rows(list(sets.values())),
        first="unsure below",
    )
    errors = "; ".join(
        f"{NAMES[name]} {found['expected_calibration_error']:.3f} "
        f"({found['expected_calibration_error_uncalibrated']:.3f} without)"
        for name, found in sets.items()
    )
    confusions = "\n".join(
        f"{NAMES[name]}, in per cent of each true label's windows (rows):\n\n"
        f"{_confusion(found['confusion'], chosen['labels'])}"
        for name, found in sets.items()
    )
    return (
        "## How well its like does on strangers\n\n"
        "Scored are five fold models, each learned as the packaged model but without the people it is tested on. The "
        "packaged model itself has met everybody and is never scored. All windows of 10 s with one label count, none "
        "are sampled. F1 of a person is scikit-learn's macro F1: a label that is answered but never true counts as "
        "0, as lying does for each person of WISDM who once seems to lie.\n\n"
        f"{people}\n{f1}\n"
        f"**Probabilities.** Temperature {chosen['temperature']:.2f}, fitted on all folds' strangers. Expected "
        f"calibration error, each fold at the temperature of the others: {errors}. With `--unsure-below` and "
        "`--no-smoothing`:\n\n"
        f"{unsure}\n{confusions}"
    )


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
        f'The way was chosen among these {len(tried)} (by the column "{compared}") on the very folds above, so the '
        "chosen one's scores are a little too good.\n"
    )
    table = _table([*names, compared, "how"], rows, first="sampling")
    return f"{heading}{table}\n{chose}"


def _in_words(sampling: Mapping[str, Any]) -> str:
    words = []
    if sampling["other_per_person"] is not None:
        words.append(f"at most {sampling['other_per_person']} windows of `other` a person")
    if sampling["least_share"]:
        words.append(f"rarer labels repeated to {sampling['least_share']:.0%} of the most frequent one")
    if sampling["also_other"]:
        words.append(f"{', '.join(sampling['also_other'])} is `other`")
    return "; ".join(words) or "every window once"


def _repeat(result: Mapping[str, Any]) -> str:
    commands = "\n".join(f"$ {command}" for command in result["commands"])
    versions = ", ".join(f"{name} {number}" for name, number in result["versions"].items())
    return (
        f"## Made again by\n\n```console\n{commands}\n```\n\n"
        f"Commit {result['commit']}; {versions}; one thread a fit. All settings and each person's scores are in "
        "`docs/results/packaged_model.json`.\n"
    )


def _table(columns: Iterable[str], rows: Iterable[Sequence[str]], *, first: str) -> str:
    head = [first, *columns]
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
