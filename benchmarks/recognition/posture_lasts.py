"""Does a posture last as long in the labels as it does in life, and what does that cost where activities change?

    python -m benchmarks.recognition.posture_lasts --data DATA --studies RUN --work DIR [--json FILE]

*Still*: people who sat for an hour or more, while they wrote an examination or in a stress protocol. In truth they
hardly ever changed their posture. Changes of the smoothed label are counted per hour, with the axis along the forearm
``known``, and ``as_found``: averaged over the ways in which the watch may have sat, as ``harken label`` does. ``RUN``
is the directory of ``harken benchmark studies --protocol leave-one-of-nine-out``, of which each study gets the model
that was not trained on it.

*Days*: eight hours of each of ``--people`` people of WISDM, DSADS (left arm) and selfBACK, composed of what they did
in random order (``composed_days``), labelled by the model that was trained without their study. Activities whose
posture is not documented are left out. Postures follow each other without the movement of standing up or lying down,
which real ones never do.

Both are smoothed with each of ``RULES`` in the same run; ``now`` is harken's. It was chosen on such days, labelled by
models that were trained without two main studies, and on the stress protocol of wearable_exercise, labelled by an
earlier packaged model of five other studies. The examinations were not used. Probabilities are kept in ``--work``, so
other rules take a minute.
"""

import zlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

from benchmarks.command import command, options_of, write_result
from benchmarks.model.left_out_studies import model_without
from benchmarks.recognition import composed_days
from benchmarks.recognition.composed_days import ARM, Rows, compose, label_rows
from benchmarks.recognition.composed_days_page import codes_of, of_true_labels
from harken import Recogniser
from harken.datasets.registry import dataset
from harken.evaluation.protocols.studies import MAIN_STUDIES, mounted_recordings, study_recordings
from harken.recordings.recording import Recording
from harken.timelines import smoothing

STILL: Mapping[str, tuple[str, ...]] = {
    "exam_stress": ("exam",),
    "wearable_exercise": ("stress_protocol",),
    "stress_predict": tuple(dataset("stress_predict").info.label_map),
}
"""The activities in which people sat."""
DAY_S = 8 * 3600.0
CHOOSING = tuple(
    f"wisdm_{number}" for number in (1601, 1606, 1609, 1613, 1614, 1617, 1621, 1623, 1628, 1630, 1631, 1633)
)
"""The people of WISDM on whom the rules were chosen."""


def rule(new_evidence: float, calm_pace: float, moving_pace: float) -> dict[str, float]:
    """Values of the constants of ``harken.timelines.smoothing``."""
    return {"NEW_EVIDENCE": new_evidence, "CALM_PACE": calm_pace, "MOVING_PACE": moving_pace}


RULES = {
    "before": rule(1, 1, 1),
    "pace alone": rule(1, 0.3, 3),
    "evidence alone": rule(0.2, 1, 1),
    "third": rule(0.3, 0.3, 3),
    "now": rule(smoothing.NEW_EVIDENCE, smoothing.CALM_PACE, smoothing.MOVING_PACE),
}


def by_rule(rows: Sequence[Rows], scores: Callable[[Sequence[Rows]], dict[str, Any]]) -> dict[str, Any]:
    """The scores of timelines that are smoothed with each of ``RULES``, for JSON."""
    each = {}
    for name, values in RULES.items():
        with ExitStack() as stack:
            for constant, value in values.items():
                stack.enter_context(patch.object(smoothing, constant, value))
            each[name] = scores([(timeline.smoothed(), truth) for timeline, truth in rows])
    return each


def still(study: str, recogniser: Recogniser, data: Path, work: Path) -> dict[str, Any]:
    """Way in which the watch sat -> rule -> the numbers of one study, for JSON."""
    worn = study_recordings(study, data / study)
    ways = {"known": mounted_recordings(study, worn), "as_found": worn}
    result = {}
    for way, recordings in ways.items():
        rows = [
            label_rows(partial(replace, one), recogniser, work / f"{study}__{way}__{k:02d}", as_found=way == "as_found")
            for k, one in enumerate(recordings)
            if {*one.label_names} & {*STILL[study]}
        ]
        result[way] = by_rule(rows, partial(changes, activities=STILL[study]))
        shown = {name: round(one["changes_an_hour"], 2) for name, one in result[way].items()}
        print(study, way, shown, "sitting", round(result[way]["now"]["sitting"], 3), flush=True)
    return result


def changes(each: Sequence[Rows], activities: Sequence[str]) -> dict[str, Any]:
    """Changes of the label per hour within these activities, and the share of each label in them."""
    labels = each[0][0].labels
    changed, seconds = 0, np.zeros(len(labels))
    for timeline, truth in each:
        codes = codes_of(timeline)
        within = np.isin(truth, activities) & (codes < len(labels))
        changed += int(((codes[1:] != codes[:-1]) & within[1:] & within[:-1]).sum())
        seconds = seconds + np.bincount(codes[within], timeline.seconds[within], len(labels))
    shares = dict(zip(labels, (seconds / seconds.sum()).tolist(), strict=True))
    return {
        "hours": float(seconds.sum() / 3600),
        "changes_an_hour": float(changed / seconds.sum() * 3600),
        "sitting": shares["sitting"],
        "sitting_or_lying": shares["sitting"] + shares.get("lying", 0.0),
        "shares": shares,
    }


def days(study: str, recogniser: Recogniser, data: Path, work: Path, *, people: int) -> dict[str, Any]:
    """Rule -> the scores of composed days of one study, for JSON."""
    label_map = composed_days.labels_of(study)
    specification = recogniser.specification_
    rate_hz = specification.sample_rate_hz
    worn: dict[str, list[Recording]] = {}
    for one in mounted_recordings(study, study_recordings(study, data / study)):
        if one.subject in CHOOSING if study == "wisdm" else study != "dsads" or one.source.endswith(ARM):
            worn.setdefault(one.subject, []).append(one.select_channels(specification.channels))
    rows = [
        label_rows(partial(day_of, worn[person], label_map, rate_hz), recogniser, work / f"day__{person}")
        for person in sorted(worn)[:people]
    ]
    result = by_rule(rows, scored)
    print(study, {name: round(one["mean_f1"], 3) for name, one in result.items()}, flush=True)
    return {"people": len(rows), **result}


def day_of(recordings: Sequence[Recording], label_map: Mapping[str, str], rate_hz: float) -> Recording:
    """A day composed of what a person did."""
    person, channels = recordings[0].subject, recordings[0].channels
    pieces = [piece for one in recordings for piece in composed_days.pieces_of(one, label_map, rate_hz)]
    random = np.random.default_rng([zlib.crc32(person.encode()), 1000])
    bouts = composed_days.draw_bouts(sorted({piece.label for piece in pieces}), random, day_s=DAY_S)
    return compose(pieces, bouts, channels=channels, rate_hz=rate_hz, subject=person, random=random)


def scored(each: Sequence[Rows]) -> dict[str, Any]:
    """The F1 of each true label over all rows, and the number of changes for each true one."""
    labels = each[0][0].labels
    n = len(labels)
    confusion, made, true = np.zeros((n, n), dtype=np.int64), 0, 0
    for timeline, names in each:
        codes, truth = codes_of(timeline), np.array([labels.index(name) for name in names])
        confusion += np.bincount(truth * n + codes, minlength=n * n).reshape(n, n)
        made, true = made + int((np.diff(codes) != 0).sum()), true + int((np.diff(truth) != 0).sum())
    f1 = of_true_labels(confusion, labels)
    return {
        "mean_f1": float(np.mean(list(f1.values()))),
        "accuracy": float(confusion.trace() / confusion.sum()),
        "changes_for_each_true_change": made / true,
        "f1": f1,
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print and write."""
    parser = options_of(__doc__, "posture_lasts.json", "data", "work", people=6)
    parser.add_argument("--studies", type=Path, required=True, help="a run with one study left out of each fold")
    options = parser.parse_args(arguments)
    options.work.mkdir(parents=True, exist_ok=True)
    content: dict[str, Any] = {"rules": RULES, "still": {}, "days": {}}
    for study in STILL:
        recogniser = model_without(options.studies, study)
        content["still"][study] = still(study, recogniser, options.data, options.work)
    for study in MAIN_STUDIES:
        recogniser = model_without(options.studies, study)
        content["days"][study] = days(study, recogniser, options.data, options.work, people=options.people)
    write_result(options.json, command("recognition.posture_lasts", arguments), content)


if __name__ == "__main__":
    main()
