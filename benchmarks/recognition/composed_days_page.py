"""Scores of composed days and homes, and the page made from the JSON."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.command import filled_page, in_rows
from harken.models.scores import interval_over_people
from harken.timelines import Timeline

SCORED_LABELS = ("walking", "stairs")
POSTURES = ("lying", "sitting", "standing")
BEFORE = "1"
"""The power with which evidence of walking and stairs counts like other evidence."""
TITLES = {"wisdm": "WISDM", "dsads": "DSADS", "selfback": "selfBACK"}


def codes_of(timeline: Timeline) -> NDArray[np.int64]:
    """The label of each row as an index into the labels, and one more than the last where there is none."""
    return np.array([(*timeline.labels, None).index(label) for label in timeline.frame["label"]])


def of_true_labels(confusion: NDArray[np.int64], labels: Sequence[str]) -> dict[str, float]:
    """The F1 of each label that occurs.

    In scikit-learn's macro F1 a label that does not occur counts as 0 as soon as it is predicted once. In a long day
    the mean would then mostly show whether a single row has such a label.
    """
    hits, truth, answers = confusion.diagonal(), confusion.sum(axis=1), confusion.sum(axis=0)
    return {name: float(2 * hits[k] / (truth[k] + answers[k])) for k, name in enumerate(labels) if truth[k]}


def score_rows(people: Mapping[str, tuple[Timeline, NDArray[np.str_]]]) -> dict[str, Any]:
    """The numbers of a study's days or homes, for JSON: over all rows, and of each person.

    Args:
        people: person -> a timeline, and the true label of each of its rows.
    """
    labels = next(iter(people.values()))[0].labels
    whole = np.zeros((len(labels), len(labels)), dtype=np.int64)
    f1_by_person: dict[str, float] = {}
    changes, true_changes, hours = 0, 0, 0.0
    for person, (timeline, names) in people.items():
        codes = codes_of(timeline)
        truth = np.array([labels.index(name) for name in names])
        labelled = codes < len(labels)
        pairs = truth[labelled] * len(labels) + codes[labelled]
        confusion = np.bincount(pairs, minlength=len(labels) ** 2).reshape(len(labels), len(labels))
        whole += confusion
        f1_by_person[person] = float(np.mean(list(of_true_labels(confusion, labels).values())))
        changes += count_posture_changes(codes, labels)
        true_changes += count_posture_changes(truth, labels)
        hours += float(timeline.seconds.sum() / 3600)
    f1 = of_true_labels(whole, labels)
    return {
        "people": len(people),
        "hours": hours,
        "mean_f1": float(np.mean(list(f1.values()))),
        "mean_f1_interval": interval_over_people(f1_by_person.values()),
        "accuracy": float(whole.trace() / whole.sum()),
        "f1": f1,
        "labels": {label: _of_label(whole, labels.index(label)) for label in SCORED_LABELS if label in f1},
        "posture_changes_an_hour": changes / hours,
        "true_posture_changes_an_hour": true_changes / hours,
        "mean_f1_by_person": f1_by_person,
    }


def count_posture_changes(codes: NDArray[np.int64], labels: Sequence[str]) -> int:
    """How often one posture follows another; what is done between the two is left out."""
    postures = codes[np.isin(codes, [labels.index(label) for label in POSTURES if label in labels])]
    return int(np.count_nonzero(np.diff(postures)))


def _of_label(confusion: NDArray[np.int64], code: int) -> dict[str, float | None]:
    """Time with a label as a share of its true time, its precision (None if it is never said) and its recall."""
    hits, labelled, true = int(confusion[code, code]), int(confusion[:, code].sum()), int(confusion[code].sum())
    return {
        "share_of_true_time": labelled / true,
        "precision": hits / labelled if labelled else None,
        "recall": hits / true,
    }


def page(result: Mapping[str, Any]) -> str:
    """The page as Markdown; ``composed_days_page.md`` is its text. A trial may lack a study."""
    made = result["made_with"]
    choices = result["chosen_on_the_others"]
    return filled_page(
        __file__,
        command=result["command"],
        hours=result["hours"],
        homes=_table(result, "home"),
        days=_table(result, "day"),
        labels=_labels(result),
        people=_list(f"{study['home'][BEFORE]['people']} of {TITLES[name]}" for name, study in _studies(result)),
        powers=", ".join(f"{TITLES[name]} {choices[name]:g}" for name, _ in _studies(result)),
        chosen_on_all=result["chosen_on_all"],
        lengths=_lengths(result),
        commit=(made["git_commit"] or "unknown")[:10],
        processor=made["machine"]["processor"],
    )


def _studies(result: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    return [(name, result["studies"][name]) for name in TITLES if name in result["studies"]]


def _list(words: Any) -> str:
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else str(last)


def _ways(result: Mapping[str, Any], study: str) -> dict[str, str]:
    """Name on the page -> way of smoothing: without, as before, and as chosen on the other studies."""
    chosen = f"{result['chosen_on_the_others'][study]:g}"
    return {"not smoothed": "not smoothed", "before": BEFORE, "now": chosen}


def _table(result: Mapping[str, Any], kind: str) -> str:
    rows = []
    for name, study in _studies(result):
        for title, way in _ways(result, name).items():
            scores = study[kind][way]
            cells = [f"{TITLES[name]}, {title}"]
            for label in SCORED_LABELS:
                of_label = scores["labels"][label]
                precision = of_label["precision"]
                cells.append(f"{100 * of_label['share_of_true_time']:.0f} %")
                cells.append("none" if precision is None else f"{precision:.2f}")
                cells.append(f"{of_label['recall']:.2f}")
            changes, true_changes = scores["posture_changes_an_hour"], scores["true_posture_changes_an_hour"]
            cells += [f"{changes:.1f} ({true_changes:.1f})", f"{scores['mean_f1']:.3f}", f"{scores['accuracy']:.3f}"]
            rows.append(cells)
    return in_rows(rows)


def _labels(result: Mapping[str, Any]) -> str:
    lines = []
    for name, study in _studies(result):
        ways = _ways(result, name)
        for kind in ("home", "day"):
            before, now = (study[kind][ways[title]]["f1"] for title in ("before", "now"))
            each = ", ".join(f"{label} {before[label]:.2f} to {now[label]:.2f}" for label in before)
            lines.append(f"- {TITLES[name]}, {kind}s: {each}.")
    return "\n".join(lines)


def _lengths(result: Mapping[str, Any]) -> str:
    rows = []
    for label, length in result["lengths"].items():
        often = f"{length['times']:g} in the day" if length["outing"] else f"weight {length['times']:g}"
        stay = result["stays"].get(label)
        seconds = {"walking": result["walk_s"], "stairs": result["stairs_s"]}.get(label)
        if stay:
            seconds = (stay["shortest_s"], stay["longest_s"])
        at_home = f"{seconds[0]:g} to {seconds[1]:g} s" if seconds else ""
        expected = f"{result['expected_bout_s'][label]:g} s"
        rows.append((label, at_home, f"{length['median_s']:g} s", f"{length['spread']:g}", often, expected))
    return in_rows(rows)
