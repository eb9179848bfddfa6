"""Scores of composed days over people, with and without smoothing, and the page made from the JSON."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harken.models.scores import interval_over_people

WAYS = ("raw", "smoothed")


def of_true_labels(confusion: NDArray[np.int64], labels: Sequence[str]) -> dict[str, float]:
    """The F1 of each label that occurs.

    In scikit-learn's macro F1 a label that does not occur counts as 0 as soon as it is predicted once. In a long day
    the mean would then mostly show whether a single row has such a label.
    """
    hits, truth, answers = confusion.diagonal(), confusion.sum(axis=1), confusion.sum(axis=0)
    return {name: float(2 * hits[k] / (truth[k] + answers[k])) for k, name in enumerate(labels) if truth[k]}


def summary(people: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """For JSON: means over people with their intervals, gains, and each person's numbers.

    Args:
        people: person -> the result of ``measure`` at one scale.
    """
    scores = {way: {one: found[way]["scores"] for one, found in people.items()} for way in WAYS}
    confusions = {way: {one: np.array(each["confusion"]) for one, each in scores[way].items()} for way in WAYS}
    labels = next(iter(scores["raw"].values()))["labels"]
    values: dict[str, dict[str, dict[str, float]]] = {
        way: {
            "macro_f1_of_true_labels": {
                one: float(np.mean(list(of_true_labels(each, labels).values())))
                for one, each in confusions[way].items()
            },
            "macro_f1": {one: each["macro_f1"] for one, each in scores[way].items()},
            "accuracy": {one: each["accuracy"] for one, each in scores[way].items()},
            "hours_misplaced": {one: found[way]["hours_misplaced"] for one, found in people.items()},
            "bouts_for_each_true_bout": {one: found[way]["bouts"] / found["bouts"] for one, found in people.items()},
            "expected_calibration_error": {
                one: found[way]["expected_calibration_error"] for one, found in people.items()
            },
        }
        for way in WAYS
    }
    result: dict[str, Any] = {"people": len(people)}
    for way in WAYS:
        result[way] = {name: _mean(each) for name, each in values[way].items()}
        confusion = np.sum(list(confusions[way].values()), axis=0)
        result[way]["label_f1"] = of_true_labels(confusion, labels)
        result[way]["labels"], result[way]["confusion"] = labels, confusion.tolist()
    gains = {
        name: {one: values["smoothed"][name][one] - value for one, value in values["raw"][name].items()}
        for name in values["raw"]
    }
    result["gain"] = {name: _mean(each) for name, each in gains.items()}
    result["people_better"] = sum(gain > 0 for gain in gains["macro_f1_of_true_labels"].values())
    result["by_person"] = {
        one: {way: {name: values[way][name][one] for name in values[way]} for way in WAYS} for one in people
    }
    return result


def _mean(each: Mapping[str, float]) -> dict[str, Any]:
    """Mean, interval over people and standard deviation of one number for each person."""
    values = list(each.values())
    return {
        "mean": float(np.mean(values)),
        "interval": interval_over_people(each[person] for person in sorted(each)),
        "sd": float(np.std(values, ddof=1)) if len(values) > 1 else None,
    }


TITLES = {"wisdm": "WISDM", "dsads": "DSADS"}
"""The groups on the page. The people of WISDM on whom the recipe was chosen are in the JSON alone."""
INTRODUCTION = """# Composed days: what smoothing contributes

How much better are labels of a day with smoothing than without? Use this page to decide whether to smooth, above all
if short bouts matter to you. The days are labelled by models that were made like [the packaged
one](../model_card.md), none of them trained on the person of the day.

```console
$ {command}
```

**Nobody lived these days.** Each is composed of real bouts of one person, because no public recording at hand has whole
days with true labels. In everyday life, smoothing may gain less or more:

- Order and lengths of the bouts are random. There are **no natural transitions**: one sample is of walking and the next
  of sitting.
- A few minutes of each activity fill all its bouts of a day, so a mistake about a person's sitting lasts all day.
- The activities were done on request, and there is no night.
- The next activity does not depend on the ones before it. The smoother assumes the same, so its scores are too good.
"""
CONCLUSION = """Numbers after *to* are with smoothing. The assumed lengths [stand below](#how-the-days-are-made).

Smoothing removes most bouts that are not there. It raises the accuracy in WISDM; in DSADS, two of three intervals
contain 0. **Stairs are recognised less well with smoothing, unless bouts are long; walking, too, with half the
lengths.** To count such bouts, do not smooth, or set the lengths of your own.
"""
METHOD = """## How the days are made

Each person has three days of {hours:g} hours: one with the lengths of bouts in this table, one with half and one with
double. Lying, running and cycling are as frequent in each. The smoother always expects harken's default lengths, those
of the last column ([Timelines](../timeline.md)). Of DSADS, the left arm is labelled.

| label | median of its bouts | spread (log-normal) | frequency | expected by the smoother |
|---|---|---|---|---|
{lengths}

The temperature of each model is fitted on the unseen people of the other folds. The true label of a row of the timeline
is the one in its middle. *F1 of true labels* is the mean over the labels that occur in the person's day. *Hours
misplaced* are hours of a label that belong to another label in the day's sums. Means are over people, with the 95 %
interval over people (bootstrap); *gain* compares each person with themselves.

Commit {commit}, {processor}.
[`composed_days.json`](composed_days.json) has each person, the other lengths in full, and calibration errors.
"""
ROWS = (
    ("F1 of true labels", "macro_f1_of_true_labels", 3),
    ("accuracy", "accuracy", 3),
    ("hours misplaced", "hours_misplaced", 2),
)
SCALES = {"1": "assumed lengths", "0.5": "half the lengths", "2": "double the lengths"}


def page(result: Mapping[str, Any]) -> str:
    """The page as Markdown."""
    made = result["made_with"]
    parts = [INTRODUCTION.format(command=result["command"]), _in_short(result)]
    for name, title in _shown(result).items():
        found = result["groups"][name]["1"]
        parts.append(f"## {title}\n\n{found['people']} people.\n\n{_table(found)}\n\n{_labels(found)}\n")
    parts.append(
        METHOD.format(
            hours=result["day_hours"],
            lengths=_lengths(result),
            commit=(made["git_commit"] or "unknown")[:10],
            processor=made["machine"]["processor"],
        )
    )
    return "\n".join(parts)


def _shown(result: Mapping[str, Any]) -> dict[str, str]:
    """The names and titles of the groups on the page. A trial with few people may lack one."""
    return {name: title for name, title in TITLES.items() if name in result["groups"]}


def _in_short(result: Mapping[str, Any]) -> str:
    lines = [
        "## In short\n",
        "| | gain in accuracy | gain in F1 of true labels | bouts found per true bout | F1 of stairs | F1 of walking |",
        "|---|---|---|---|---|---|",
    ]
    for name, title in _shown(result).items():
        for scale, lengths in SCALES.items():
            found = result["groups"][name][scale]
            gains = [
                _with_interval(found["gain"][gain], 3, sign="+") for gain in ("accuracy", "macro_f1_of_true_labels")
            ]
            bouts = " to ".join(f"{found[way]['bouts_for_each_true_bout']['mean']:.2f}" for way in WAYS)
            each = [
                " to ".join(f"{found[way]['label_f1'][label]:.2f}" for way in WAYS) for label in ("stairs", "walking")
            ]
            lines.append(f"| {title}, {lengths} | {' | '.join([*gains, bouts, *each])} |")
    return "\n".join([*lines, "", CONCLUSION])


def _table(found: Mapping[str, Any]) -> str:
    lines = ["| | not smoothed | smoothed | gain |", "|---|---|---|---|"]
    for title, name, digits in ROWS:
        cells = [_with_interval(found[way][name], digits) for way in WAYS]
        lines.append(f"| {title} | {' | '.join(cells)} | {_with_interval(found['gain'][name], digits, sign='+')} |")
    return "\n".join(lines)


def _labels(found: Mapping[str, Any]) -> str:
    raw, smoothed = (found[way]["label_f1"] for way in WAYS)
    each = ", ".join(f"{label} {raw[label]:.2f} to {smoothed[label]:.2f}" for label in raw)
    return f"F1 of each label, without and with smoothing: {each}."


def _lengths(result: Mapping[str, Any]) -> str:
    lines = []
    for label, length in result["lengths"].items():
        often = f"{length['times']:g} in the day" if length["outing"] else f"weight {length['times']:g}"
        expected = result["expected_bout_s"][label]
        lines.append(f"| {label} | {length['median_s']:g} s | {length['spread']:g} | {often} | {expected:g} s |")
    return "\n".join(lines)


def _with_interval(number: Mapping[str, Any], digits: int, sign: str = "") -> str:
    interval = number["interval"]
    beside = f" ({interval[0]:{sign}.{digits}f} to {interval[1]:{sign}.{digits}f})" if interval else ""
    return f"{number['mean']:{sign}.{digits}f}{beside}"
