"""The tables of a benchmark that leaves studies out."""

from collections.abc import Mapping, Sequence
from itertools import chain, product

from benchmarks.studies.data_sets import MAIN_STUDIES
from harken.evaluation.benchmark.page import GAIN, Result, TextTable, interval_text, list_rows, number_text
from harken.evaluation.benchmark.scoring import Findings
from harken.support.files import Json
from harken.windows.known_labels import GROUPS

WORN = {"known": "known", "found": "as found"}
HANDS = {
    "posture": "posture of busy hands, sitting or standing",
    "busy": "busy hands, found to be busy",
    "calm": "calm hands, found to be calm",
}
Studies = Mapping[str, Json]
"""Study -> the scores of a method on it."""


def list_study_tables(result: Result) -> list[TextTable]:
    """Return the tables of a ``benchmark.json``; those without a row are left out."""
    of_labels = (_study_groups, _study_labels, _study_recalls, _study_hands, _study_sets)
    tables = [make(result) for make in (_studies, _every_study, _study_gains, *of_labels, _study_folds)]
    return [table for table in tables if table.rows]


def by_study(folds: Findings) -> dict[str, Json]:
    """Return study -> the scores of one method on it. Of a study in several folds, the first is taken."""
    studies: dict[str, Json] = {}
    for fold in folds.values():
        for study, one in fold["studies"].items():
            studies.setdefault(study, one)
    return studies


def _studies(result: Result) -> TextTable:
    rows = []
    for (name, method), (mounting, text) in product(result["methods"].items(), WORN.items()):
        each = [_scores(by_study(method["folds"]), study, mounting) for study in MAIN_STUDIES]
        cells = [_with_interval(one.get("mean_f1"), one.get("interval")) for one in each]
        if any(each):
            rows.append((name, text, number_text(method["main_score"][mounting]), *cells))
    return TextTable(
        "Mean F1 of people of a study that was left out of training",
        ("method", "mounting", "main score", *MAIN_STUDIES),
        rows,
        "The main score is the plain mean of the three studies. In brackets: the 95 % interval over people. Mounting "
        "known: x along the forearm as the study states it; as found: as the method finds it from walking.",
    )


def _every_study(result: Result) -> TextTable:
    rows = []
    for (name, method), (mounting, text) in product(result["methods"].items(), WORN.items()):
        # docs/results/studies.json and studies_deep_conv_lstm.json have none of these.
        cells = [number_text(method.get(key, {}).get(mounting)) for key in ("mean_recall", "hands")]
        if {*cells} != {number_text(None)}:
            rows.append((name, text, *cells))
    return TextTable(
        "All studies together",
        ("method", "mounting", "mean recall", "busy hands, balanced accuracy"),
        rows,
        "Mean recall: the plain mean over all labels of all studies of the recall, itself a mean over people. Balanced "
        "accuracy: the mean of two shares in the table of busy hands, found to be busy and to be calm, over studies.",
    )


def _study_gains(result: Result) -> TextTable:
    rows = []
    for name, one in result["differences"].items():
        studies = [one["studies"].get(study, {}) for study in MAIN_STUDIES]
        cells = [_with_interval(each.get("mean_f1"), each.get("interval"), sign="+") for each in studies]
        main = _with_interval(one["main_score"], one["main_score_interval"], sign="+")
        rows.append((f"{result['preset']} minus {name}", main, *cells))
    return TextTable(GAIN, ("F1", "main score", *MAIN_STUDIES), rows)


def _with_interval(value: float | None, interval: Sequence[float] | None, *, sign: str = "") -> str:
    return "–" if value is None else f"{value:{sign}.3f} ({interval_text(interval, sign=sign)})"


def _study_groups(result: Result) -> TextTable:
    members = "; ".join(f"{name}: {', '.join(labels)}" for name, labels in GROUPS.items())
    studies = tuple(_by_method(result)[0])
    return TextTable(
        "F1 of each group of labels, the mean over people",
        ("study", "group", *result["methods"]),
        _label_rows(result, studies, "groups", intervals="group_intervals"),
        f"{members}. Confusion within a group is no mistake. In brackets: the 95 % interval over people.",
    )


def _study_labels(result: Result) -> TextTable:
    rows = _label_rows(result, MAIN_STUDIES, "f1")
    return TextTable("F1 of each label, the mean over people", ("study", "label", *result["methods"]), rows)


def _study_recalls(result: Result) -> TextTable:
    few = [study for study in _by_method(result)[0] if study not in MAIN_STUDIES]
    rows = []
    for study, mounting, what in product(few, WORN, ("recall", "group_recall")):
        rows += [(study, WORN[mounting], *row[1:]) for row in _label_rows(result, [study], what, mounting)]
    return TextTable("Recall in studies of few labels", ("study", "mounting", "label", *result["methods"]), rows)


def _study_hands(result: Result) -> TextTable:
    def share(method: Studies, study: str, what: str) -> str:
        score = _scores(method, study).get("hands", {}).get(what, {})
        return _with_interval(score.get("mean"), score.get("interval"))

    methods = _by_method(result)
    return TextTable(
        "Busy hands: the share of windows that is right, the mean over people",
        ("study", "of", *result["methods"]),
        [(study, HANDS[what], *cells) for study, what, *cells in list_rows(methods, product(methods[0], HANDS), share)],
        "Only activities whose posture and hands are documented: typing, writing, folding and brushing teeth, and "
        "examinations; calm sitting and standing of a laboratory.",
    )


def _label_rows(
    result: Result, studies: Sequence[str], what: str, mounting: str = "known", *, intervals: str = ""
) -> list[tuple[str, ...]]:
    """A row for each label of each study: the value of each method, with the interval over people if it has one."""

    def score(method: Studies, study: str, label: str) -> str:
        scores = _scores(method, study, mounting)
        value = scores.get(what, {}).get(label)
        interval = scores.get(intervals, {}).get(label)
        return number_text(value) if interval is None else _with_interval(value, interval)

    methods, heads = _by_method(result), []
    for study in studies:
        # docs/results/studies.json and studies_deep_conv_lstm.json have no groups.
        heads += [
            (study, label)
            for label in sorted({*chain(*(_scores(one, study, mounting).get(what, ()) for one in methods))})
        ]
    return list_rows(methods, heads, score)


def _study_sets(result: Result) -> TextTable:
    methods = _by_method(result)
    every = dict.fromkeys(study for one in methods for study in one)
    return TextTable(
        "Share of allowed answers where several labels are true",
        ("study", *result["methods"]),
        list_rows(methods, zip(every), lambda one, study: number_text(_scores(one, study).get("allowed_share"))),
        "For example, people eat sitting or standing. These windows are left out of F1.",
    )


def _study_folds(result: Result) -> TextTable:
    first = next(iter(result["methods"].values()))["folds"]
    rows = []
    for fold, people in result["folds"].items():
        tested = len(people["test"])
        # Everybody else. A committed result does not name them.
        trained = result["windows"]["people"] - tested
        rows.append((fold, str(trained), str(tested), f"{first[fold]['training_windows']:,}"))
    return TextTable("The folds", ("left out", "training people", "people tested", "training windows"), rows)


def _by_method(result: Result) -> list[Studies]:
    """The scores of each study, for each method."""
    return [by_study(one["folds"]) for one in result["methods"].values()]


def _scores(method: Studies, study: str, mounting: str = "known") -> Json:
    """The scores of a method on a study; empty if it has none."""
    return method.get(study, {}).get(mounting) or {}
