"""How a benchmark scores people of studies that were left out of training.

Their labels are only partly those of training. A person's score is the mean F1 over the single labels that are true for
this person and known from training. Windows of ``other``, and of labels that are unknown from training, form no class
of their own. They count as false positives of the label that was predicted. Windows that allow several labels are left
out of F1; they are scored by the share of allowed predictions.

Postures are scored alike for every label scheme. Of a method that distinguishes postures with busy hands, the
probabilities of a posture are added up first. Busy hands have scores of their own, in the studies that document them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl

from benchmarks.studies.data_sets import MAIN_STUDIES
from benchmarks.studies.label_schemes import SCHEMES, TRUTH, split_probabilities
from benchmarks.studies.protocols import (
    SAMPLING,
    apply_study_fold,
    in_scheme,
    study_recordings,
    training_windows,
    with_known_wearers,
)
from benchmarks.studies.tables import by_study, list_study_tables
from harken.evaluation.benchmark.page import TextTable
from harken.evaluation.benchmark.scoring import Findings, nothing_learned
from harken.evaluation.protocols.protocol import cut_windows
from harken.models.scores import (
    Scores,
    interval_over_groups,
    interval_over_people,
    mean_of_each,
    members_of,
    prediction_rows,
    scores_of,
)
from harken.recordings.recording import POSTURES, Recording
from harken.support.arrays import BoolArray, Float32Array, FloatArray, Int64Array, IntArray, StrArray
from harken.support.files import Json
from harken.timelines.timeline import LEAST_BUSY
from harken.windows.busy_hands import BUSY
from harken.windows.folds import Fold
from harken.windows.known_labels import LabelSets
from harken.windows.windows import Windows, concatenate

if TYPE_CHECKING:
    from harken.evaluation.benchmark.methods import TrainedMethod
    from harken.mounting.turns import Mounting

OTHER = "other"
MOUNTINGS = ("known", "found")
"""With x along the forearm, as the study states it; and as the model finds it, like ``harken label``."""


class Predicted(NamedTuple):
    """What a method says of windows of people of one study.

    Attributes:
        windows: with activities as labels, without signals.
        labels: the labels, each posture once.
        probabilities: of each label, ``[n, labels]``.
        hands: the probability of sitting or standing with busy hands, ``[n]``; None for a method that does not tell.
    """

    windows: Windows
    labels: tuple[str, ...]
    probabilities: FloatArray
    hands: FloatArray | None


Mounted = Mapping[str, Mapping[str, Predicted]]
"""Study -> one of ``MOUNTINGS`` -> what a method says of its windows; without ``found`` if it cannot find it."""


@dataclass(frozen=True)
class StudyScoring:
    """Each person of a left-out study gets a score; a method's main score is the plain mean over the main studies.

    Attributes:
        scheme: the label scheme of training. The truth of the test is always that of ``TRUTH``.
        folders: the folder of each of ``studies``; None for the one in ``HARKEN_DATA``.
        studies: the names of all studies of the protocol.
    """

    scheme: str
    folders: tuple[Path | None, ...]
    studies: tuple[str, ...]

    main_score = "main_score"

    def decides(self) -> Json:
        """What results depend on besides the windows, the fold and the method, for JSON."""
        label_scheme = SCHEMES[self.scheme].of(self.studies)
        return {"label_scheme": asdict(label_scheme), "sampling": dict(SAMPLING)}

    def parts(self, fold: Fold, windows: Windows) -> tuple[Windows, LabelSets, Windows]:
        """The training windows with the scheme's labels, their sets of labels, and the test windows with activities.

        Raises:
            HarkenError: as ``apply_study_fold``.
        """
        parts = apply_study_fold(fold, windows)
        return *training_windows(parts.training, SCHEMES[self.scheme]), parts.test

    def predicted(self, trained: "TrainedMethod", test: Windows) -> Mounted:
        """What the method says of the windows of each study, with the mounting known and as found."""
        classes = SCHEMES[self.scheme].labels
        predicted = {}
        for study in dict.fromkeys(test.studies.tolist()):
            of_study = test[test.studies == study]
            predicted[study] = {"known": predicted_windows(trained, of_study, classes)}
            if trained.mounting is not None:
                worn = study_recordings(study, self.folders[self.studies.index(study)])
                predicted[study]["found"] = as_worn(trained, trained.mounting, worn, classes)
        return predicted

    def scored(self, predicted: Mounted, training: Windows, _: Windows) -> Json:
        """Values for JSON: the scores of each study with the mounting known and as found, and what was predicted."""
        present = training.labels_present & set(SCHEMES[self.scheme].labels)
        known = sorted({name.removesuffix(BUSY) for name in present})
        studies: dict[str, Json] = {}
        for study, mountings in predicted.items():
            scores, confusion = score_windows(mountings["known"], known=known)
            windows = len(mountings["known"].probabilities)
            studies[study] = {"known": scores, "confusion": confusion, "windows": windows, "found": None}
            if "found" in mountings:
                studies[study]["found"] = score_windows(mountings["found"], known=known)[0]
        true: set[str] = set()
        given: set[str] = set()
        for one in studies.values():
            true.update(one["confusion"])
            given.update(*one["confusion"].values())
        means = [content["known"]["mean_f1"] for content in studies.values()]
        return {
            "training_windows_by_label": _counts(training.label_codes, training.label_names),
            "training_labels": known,
            "one_label": min(given) if len(given) == 1 and len(true) > 1 else None,
            "studies": studies,
            "scores": {"mean_person_macro_f1": float(np.mean(means))},
        }

    def rows(self, predicted: Mounted, _: Windows) -> pl.DataFrame:
        """A row for each window of each study and mounting, which has a column; see ``prediction_rows``. A method that
        tells whether hands are busy has the column ``hands`` as well."""
        tables = []
        for mountings in predicted.values():
            for mounting, one in mountings.items():
                windows = in_scheme(one.windows, SCHEMES[TRUTH])
                rows = prediction_rows(windows, one.probabilities, one.labels)
                hands = {} if one.hands is None else {"hands": pl.Series(one.hands)}
                mounted = rows.select(pl.lit(mounting).alias("mounting"), pl.all())
                tables.append(mounted.with_columns(**hands))
        return pl.concat(tables)

    def summary(self, findings: Findings) -> Json:
        """Values for JSON: the scores of one method over folds. They do not depend on paths or times."""
        first = next(iter(findings.values()))
        studies = by_study(findings)
        every = set(with_known_wearers(self.studies)) == set(studies)
        means = {}
        for mounting in MOUNTINGS:
            scores = {study: one[mounting] for study, one in studies.items() if one[mounting] is not None}
            means[mounting] = _means(scores, every=every)
        return {
            "settings": first["decided_by"]["method"],
            **{key: {worn: each[key] for worn, each in means.items()} for key in means["known"]},
            "folds": {name: _study_fold_summary(finding) for name, finding in findings.items()},
        }

    def together(self, result: Json) -> Scores:
        """Scores over the windows of all studies of a ``summary`` with a single true label, for a picture."""
        labels = SCHEMES[TRUTH].labels
        confusion = np.zeros((len(labels), len(labels)), dtype=np.int64)
        for study in by_study(result["folds"]).values():
            for code, truth in enumerate(labels):
                counts = study["confusion"].get(truth, {})
                confusion[code] += [counts.get(label, 0) for label in labels]
        return scores_of(confusion, labels)

    def difference(self, preset: Findings, baseline: Findings) -> Json:
        """Values for JSON: (preset minus baseline) in the score of each person, with the mounting known.

        For each main study, its mean over people with the interval over people; and the mean over the three, with an
        interval for which people are resampled within each study.
        """
        ours, theirs = by_study(preset), by_study(baseline)
        gains = {study: _gains(ours[study], theirs[study]) for study in ours if study in MAIN_STUDIES}
        main_score = overall = None
        if len(gains) == len(MAIN_STUDIES):
            main_score = float(np.mean([np.mean(values) for values in gains.values()]))
            overall = interval_over_groups(gains.values())
        return {
            "main_score": main_score,
            "main_score_interval": overall,
            "studies": {study: _gain_summary(values) for study, values in gains.items()},
        }

    def tables(self, result: Json) -> list[TextTable]:
        """The tables of studies, their labels, busy hands, and the folds."""
        return list_study_tables(result)


def predicted_windows(trained: "TrainedMethod", test: Windows, classes: Sequence[str]) -> Predicted:
    """What a method says of windows of people of one study.

    Args:
        trained: the method.
        test: the windows, with activities as labels.
        classes: the labels of the scheme of training.
    """
    return _predicted(test, trained.probabilities(test.with_label_names(tuple(classes))), classes)


def as_worn(
    trained: "TrainedMethod",
    mounting: "Callable[[Recording], Mounting]",
    recordings: Sequence[Recording],
    classes: Sequence[str],
) -> Predicted:
    """As ``predicted_windows``, of the windows of a study's recordings as they are in their files. Probabilities are
    averaged over the ways in which each watch may have sat, as ``harken label`` does."""
    every: list[Windows] = []
    probabilities: list[Float32Array] = []
    for recording in recordings:
        windows = cut_windows([recording])
        of_windows = mounting(recording).averaged(trained.probabilities)
        probabilities.append(of_windows(windows.with_label_names(tuple(classes))))
        every.append(windows)
    return _predicted(concatenate(every), np.concatenate(probabilities), classes)


def _predicted(windows: Windows, probabilities: Float32Array, classes: Sequence[str]) -> Predicted:
    without_signals = replace(windows, signals=windows.signals[:0].copy())
    return Predicted(without_signals, *split_probabilities(probabilities, classes))


def score_windows(given: Predicted, *, known: Sequence[str]) -> tuple[Json, dict[str, dict[str, int]]]:
    """The scores of a study (``score_study``, with ``score_hands`` as ``hands``), and how many windows of each true
    label got each predicted label.

    Args:
        given: see ``predicted_windows``.
        known: see ``score_study``.
    """
    truth = in_scheme(given.windows, SCHEMES[TRUTH])
    predicted = given.probabilities.argmax(axis=1)
    allowed = SCHEMES[TRUTH].matrix(truth.label_names)[truth.label_codes]
    confusion = {
        name: _counts(predicted[truth.label_codes == code], given.labels)
        for code, name in enumerate(truth.label_names)
        if (truth.label_codes == code).any()
    }
    scores = score_study(allowed, predicted, truth.subjects, labels=given.labels, known=known)
    return scores | {"hands": score_hands(given)}, confusion


def score_hands(given: Predicted) -> Json:
    """How well busy hands, and the posture behind them, are recognised where a study documents both, for JSON.

    Windows count whose activity allows one label in the scheme ``hands``. Those with busy hands have ``posture``: the
    share in which the true one of sitting and standing is more probable than the other. For a method that tells,
    ``busy`` is the share of windows with busy hands that ``mark_busy_hands`` marks, and ``calm`` the share of windows
    of sitting and standing with calm hands that it does not mark. Each is the mean over people, with its 95 % interval
    over people.
    """
    named = in_scheme(given.windows, SCHEMES["hands"]).labels
    posture = np.char.replace(named, BUSY, "")
    single = np.isin(posture, POSTURES)
    busy = single & (posture != named)
    first, second = (given.probabilities[:, given.labels.index(label)] for label in POSTURES)
    right_posture = np.where(posture == POSTURES[0], first > second, second > first)
    right = {"posture": (busy, right_posture)}
    if given.hands is not None:
        said_busy = mark_busy_hands(given.labels, given.probabilities, given.hands)
        right["busy"] = (busy, said_busy)
        right["calm"] = (single & ~busy, ~said_busy)
    subjects = given.windows.subjects
    scores = {}
    for name, (here, answers) in right.items():
        if here.any():
            of_people = (answers[here & (subjects == one)] for one in np.unique(subjects[here]))
            people = [float(of_person.mean()) for of_person in of_people]
            scores[name] = {
                "mean": float(np.mean(people)),
                "interval": interval_over_people(people),
                "people": len(people),
            }
    return scores


def mark_busy_hands(labels: Sequence[str], probabilities: FloatArray, hands: FloatArray) -> BoolArray:
    """Mark the windows in which the hands count as busy, bool ``[n]``.

    The rule is that of ``Timeline.busy_hands``: the label is sitting or standing, and busy hands have at least half of
    the probability of these two.

    Args:
        labels, probabilities, hands: as in ``Predicted``.
    """
    is_posture = np.isin(labels, POSTURES)
    has_posture = is_posture[probabilities.argmax(axis=1)]
    return np.asarray(has_posture & (hands >= LEAST_BUSY * probabilities[:, is_posture].sum(axis=1)))


def _mean_if_any(values: Sequence[float]) -> float | None:
    """The mean; None without values."""
    return float(np.mean(values)) if values else None


def _counts(codes: IntArray, labels: Sequence[str]) -> dict[str, int]:
    counts = np.bincount(codes, minlength=len(labels)).tolist()
    return {label: count for label, count in zip(labels, counts, strict=True) if count}


def score_study(
    allowed: BoolArray,
    predicted: Int64Array,
    subjects: StrArray,
    *,
    labels: Sequence[str],
    known: Sequence[str],
) -> Json:
    """Score the windows of one study, for JSON: see ``study_summary``.

    Args:
        allowed: which labels each window allows, bool ``[n, labels]``.
        predicted: the predicted label, an index into ``labels``, int64 ``[n]``.
        subjects: the person of each window, ``[n]``.
        labels: the names of the labels.
        known: the labels that occur in training.

    >>> import numpy as np
    >>> allowed = np.array([[1, 0, 0], [1, 0, 0], [0, 0, 1], [1, 1, 0]], bool)
    >>> predicted, subjects = np.array([0, 1, 0, 1]), np.array(["ann"] * 4)
    >>> labels = ("lying", "sitting", "other")
    >>> ann = score_study(allowed, predicted, subjects, labels=labels, known=labels)["people"]["ann"]
    >>> ann["f1"], ann["recall"], ann["groups"], ann["allowed_share"]
    ({'lying': 0.5}, {'lying': 0.5}, {'sedentary': 0.8}, 1.0)
    """
    scored = {
        name: codes
        for name, codes in members_of(labels).items()
        if name != OTHER and all(labels[code] in known for code in codes)
    }
    people = {}
    for person in np.unique(subjects).tolist():
        here = subjects == person
        people[person] = _person(allowed[here], predicted[here], scored)
    return study_summary(people)


def _person(allowed: BoolArray, predicted: Int64Array, scored: Mapping[str, Sequence[int]]) -> Json:
    """The number of windows; F1 and recall of each label and of each group that is true for the person and known from
    training; and the share of allowed predictions among windows that allow several labels, None without such."""
    several = allowed.sum(axis=1) > 1
    right = allowed[np.arange(len(allowed)), predicted]
    truth, answers = allowed[~several], predicted[~several]
    scores: dict[str, dict[str, float]] = {"f1": {}, "recall": {}, "groups": {}, "group_recall": {}}
    for name, codes in scored.items():
        true = truth[:, codes].any(axis=1)
        if not true.any():
            continue
        answered = np.isin(answers, codes)
        hits = int((true & answered).sum())
        windows = int(true.sum())
        f1, recall = ("groups", "group_recall") if len(codes) > 1 else ("f1", "recall")
        scores[f1][name] = 2 * hits / (windows + int(answered.sum()))
        scores[recall][name] = hits / windows
    share = float(right[several].mean()) if several.any() else None
    return {"windows": len(allowed), **scores, "allowed_share": share}


def study_summary(people: Mapping[str, Json]) -> Json:
    """The scores of a study, for JSON, from those of each person.

    ``mean_f1`` is the mean of the people's scores, with its ``interval``: the 95 % bootstrap over people, None for
    fewer than five. ``f1``, ``recall``, ``groups`` (the F1 of groups), ``group_recall`` and ``allowed_share`` are means
    over the people who have one; ``group_intervals`` are of ``groups``, as ``interval``.
    """
    f1_of_people = list(person_f1(people).values())
    groups = [person["groups"] for person in people.values()]
    of_groups = mean_of_each(groups)
    shares = [person["allowed_share"] for person in people.values() if person["allowed_share"] is not None]
    return {
        "mean_f1": _mean_if_any(f1_of_people),
        "interval": interval_over_people(f1_of_people),
        "f1": mean_of_each([person["f1"] for person in people.values()]),
        "recall": mean_of_each([person["recall"] for person in people.values()]),
        "groups": of_groups,
        "group_intervals": {
            name: interval_over_people(one[name] for one in groups if name in one) for name in of_groups
        },
        "group_recall": mean_of_each([person["group_recall"] for person in people.values()]),
        "allowed_share": _mean_if_any(shares),
        "people": dict(people),
    }


def person_f1(people: Mapping[str, Json]) -> dict[str, float]:
    """Person -> the mean F1 over labels; without people none of whose labels is known from training."""
    f1 = {person: list(one["f1"].values()) for person, one in people.items()}
    return {person: float(np.mean(of_labels)) for person, of_labels in f1.items() if of_labels}


def _means(studies: Mapping[str, Json], *, every: bool) -> Json:
    """A method's scores over studies, for JSON; None where one is missing.

    ``main_score`` is the mean over the main studies. If they are ``every`` study, ``mean_recall`` is the mean over all
    their labels of the recall, itself a mean over people; and ``hands`` the mean of the mean over studies of ``busy``
    and that of ``calm``, None for a method that does not tell.
    """
    main = [one["mean_f1"] for study, one in studies.items() if study in MAIN_STUDIES]
    scored = studies.values() if every else ()
    recalls = [recall for one in scored for recall in one["recall"].values()]
    of_hands = [one["hands"] for one in scored]
    busy = [one["busy"]["mean"] for one in of_hands if "busy" in one]
    calm = [one["calm"]["mean"] for one in of_hands if "calm" in one]
    hands = float(np.mean([np.mean(busy), np.mean(calm)])) if busy and calm else None
    return {
        "main_score": float(np.mean(main)) if len(main) == len(MAIN_STUDIES) else None,
        "mean_recall": _mean_if_any(recalls),
        "hands": hands,
    }


def _study_fold_summary(finding: Json) -> Json:
    """The scores of a fold; those of each person as in other benchmarks, so that two results can be compared."""
    people = {}
    for study in finding["studies"].values():
        for person, macro_f1 in person_f1(study["known"]["people"]).items():
            people[person] = {"macro_f1": macro_f1}
    keys = ("training_windows", "training_windows_by_label", "training_labels", "studies")
    return {key: finding[key] for key in keys} | {"people": people} | nothing_learned(finding)


def _gains(ours: Json, theirs: Json) -> list[float]:
    before = person_f1(theirs["known"]["people"])
    now = person_f1(ours["known"]["people"])
    return [after - before[person] for person, after in now.items() if person in before]


def _gain_summary(gains: Sequence[float]) -> Json:
    return {
        "mean_f1": float(np.mean(gains)),
        "interval": interval_over_people(gains),
        "people_better": sum(gain > 0 for gain in gains),
        "people": len(gains),
    }
