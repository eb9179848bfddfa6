"""Scores of composed days over people, with and without smoothing, and the page made from the JSON."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.command import filled_page, in_rows
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
    by_person = {one: {way: _numbers(found, way) for way in WAYS} for one, found in people.items()}
    result: dict[str, Any] = {"people": len(people)}
    for way in WAYS:
        confusion = np.sum([found[way]["scores"]["confusion"] for found in people.values()], axis=0)
        labels = next(iter(people.values()))["raw"]["scores"]["labels"]
        result[way] = _means({one: numbers[way] for one, numbers in by_person.items()})
        result[way] |= {
            "label_f1": of_true_labels(confusion, labels),
            "labels": labels,
            "confusion": confusion.tolist(),
        }
    gains = {
        one: {name: numbers["smoothed"][name] - value for name, value in numbers["raw"].items()}
        for one, numbers in by_person.items()
    }
    result["gain"] = _means(gains)
    result["people_better"] = sum(gain["macro_f1_of_true_labels"] > 0 for gain in gains.values())
    result["by_person"] = by_person
    return result


def _numbers(found: Mapping[str, Any], way: str) -> dict[str, float]:
    """The numbers of one person, smoothed or not."""
    scores = found[way]["scores"]
    of_labels = of_true_labels(np.array(scores["confusion"]), scores["labels"])
    return {
        "macro_f1_of_true_labels": float(np.mean(list(of_labels.values()))),
        "macro_f1": scores["macro_f1"],
        "accuracy": scores["accuracy"],
        "hours_misplaced": found[way]["hours_misplaced"],
        "bouts_for_each_true_bout": found[way]["bouts"] / found["bouts"],
        "expected_calibration_error": found[way]["expected_calibration_error"],
    }


def _means(people: Mapping[str, Mapping[str, float]]) -> dict[str, dict[str, Any]]:
    """Mean, interval over people and standard deviation of each number."""
    means = {}
    for name in next(iter(people.values())):
        values = [numbers[name] for numbers in people.values()]
        means[name] = {
            "mean": float(np.mean(values)),
            "interval": interval_over_people(people[person][name] for person in sorted(people)),
            "sd": float(np.std(values, ddof=1)) if len(values) > 1 else None,
        }
    return means


TITLES = {"wisdm": "WISDM", "dsads": "DSADS"}
"""The groups on the page. The people of WISDM on whom the recipe was chosen are in the JSON alone."""
ROWS = (
    ("F1 of true labels", "macro_f1_of_true_labels", 3),
    ("accuracy", "accuracy", 3),
    ("hours misplaced", "hours_misplaced", 2),
)
SCALES = {"1": "assumed lengths", "0.5": "half the lengths", "2": "double the lengths"}


def page(result: Mapping[str, Any]) -> str:
    """The page as Markdown; ``composed_days_page.md`` is its text. A trial with few people may lack a group."""
    made = result["made_with"]
    shown = {TITLES[name]: result["groups"][name] for name in TITLES if name in result["groups"]}
    groups = {title: of["1"] for title, of in shown.items()}
    return filled_page(
        __file__,
        command=result["command"],
        in_short=_in_short(shown),
        groups="\n".join(
            f"## {title}\n\n{found['people']} people.\n\n{_table(found)}\n\n{_labels(found)}\n"
            for title, found in groups.items()
        ),
        hours=result["day_hours"],
        lengths=_lengths(result),
        commit=(made["git_commit"] or "unknown")[:10],
        processor=made["machine"]["processor"],
    )


def _in_short(groups: Mapping[str, Mapping[str, Any]]) -> str:
    rows = []
    for title, of in groups.items():
        for scale, lengths in SCALES.items():
            found = of[scale]
            gains = [_with_interval(found["gain"][name], 3, sign="+") for name in ("accuracy", ROWS[0][1])]
            each = [[found[way]["bouts_for_each_true_bout"]["mean"] for way in WAYS]]
            each += [[found[way]["label_f1"][label] for way in WAYS] for label in ("stairs", "walking")]
            rows.append((f"{title}, {lengths}", *gains, *(" to ".join(f"{one:.2f}" for one in ways) for ways in each)))
    return in_rows(rows)


def _table(found: Mapping[str, Any]) -> str:
    rows = []
    for title, name, digits in ROWS:
        cells = [_with_interval(found[way][name], digits) for way in WAYS]
        rows.append((title, *cells, _with_interval(found["gain"][name], digits, sign="+")))
    return f"| | not smoothed | smoothed | gain |\n|---|---|---|---|\n{in_rows(rows)}"


def _labels(found: Mapping[str, Any]) -> str:
    raw, smoothed = (found[way]["label_f1"] for way in WAYS)
    each = ", ".join(f"{label} {raw[label]:.2f} to {smoothed[label]:.2f}" for label in raw)
    return f"F1 of each label, without and with smoothing: {each}."


def _lengths(result: Mapping[str, Any]) -> str:
    rows = []
    for label, length in result["lengths"].items():
        often = f"{length['times']:g} in the day" if length["outing"] else f"weight {length['times']:g}"
        expected = result["expected_bout_s"][label]
        rows.append((label, f"{length['median_s']:g} s", f"{length['spread']:g}", often, f"{expected:g} s"))
    return in_rows(rows)


def _with_interval(number: Mapping[str, Any], digits: int, sign: str = "") -> str:
    interval = number["interval"]
    beside = f" ({interval[0]:{sign}.{digits}f} to {interval[1]:{sign}.{digits}f})" if interval else ""
    return f"{number['mean']:{sign}.{digits}f}{beside}"
