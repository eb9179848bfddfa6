"""A benchmark's result as tables for people: rows of text, and a page in Markdown made of them."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, product
from typing import Any

from harken.evaluation.benchmark.study_scoring import by_study
from harken.evaluation.protocols.studies import MAIN_STUDIES
from harken.support.files import Json
from harken.support.printable import duration_text, percent
from harken.windows.known_labels import GROUPS

WORN = {"known": "known", "found": "as found"}
HANDS = {
    "posture": "posture of busy hands, sitting or standing",
    "busy": "busy hands, found to be busy",
    "calm": "calm hands, found to be calm",
}
GAIN = "What the preset gains, each person compared with themselves"

Result = Json
Studies = Mapping[str, Json]
"""Study -> the scores of a method on it."""


@dataclass(frozen=True)
class TextTable:
    """A table whose first column is text and whose others are numbers, already written out.

    ``narrow`` is the number of columns that fit a terminal. The other columns, and the ``page_note`` about them, are on
    the page only.
    """

    title: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    note: str = ""
    page_note: str = ""
    narrow: int | None = None


def number_text(value: float | None) -> str:
    """A score with three decimals; a dash for None."""
    return "–" if value is None else f"{value:.3f}"


def interval_text(interval: Sequence[float] | None, *, sign: str = "") -> str:
    """An interval, ``0.700 to 0.800``; a dash for None. ``sign="+"`` also writes the sign of positive numbers."""
    return "–" if interval is None else f"{interval[0]:{sign}.3f} to {interval[1]:{sign}.3f}"


def tables(result: Result) -> list[TextTable]:
    """The tables: the methods, the gain of the preset over each baseline, the labels, and the folds."""
    makers: Sequence[Callable[[Result], TextTable]] = (_methods, _gains, _labels, _folds)
    if "main_score" in result:
        of_labels = (_study_groups, _study_labels, _study_recalls, _study_hands, _study_sets)
        makers = (_studies, _every_study, _study_gains, *of_labels, _study_folds)
    return [table for make in makers if (table := make(result)).rows]


def markdown(result: Result, *, confusion: str | None) -> str:
    """The page. ``confusion`` is the name of the picture beside it, if there is one."""
    windows = result["windows"]
    parts = [
        f"# {result['dataset']}/{result['protocol']}",
        result["measures"],
        f"```console\n$ {result['command']}\n```",
        f"{windows['windows']:,} windows of {windows['people']} people, {windows['window_length']} samples at "
        f"{windows['sample_rate_hz']:g} Hz, {len(windows['labels'])} labels. {_made_with(result)}",
        *(f"**{sentence}**" for sentence in one_label_sentences(result)),
        *(_markdown_table(table) for table in tables(result)),
    ]
    if confusion is not None:
        parts.append(f"## What {next(iter(result['methods']))} takes for what\n\n![Confusion matrix]({confusion})")
    return "\n\n".join(parts) + "\n"


def one_label_sentences(result: Result) -> list[str]:
    """A sentence for each method that gave all windows of a fold one label, although several are true."""
    sentences = []
    for name, method in result["methods"].items():
        folds = {fold: one for fold, one in method["folds"].items() if "one_label" in one}
        if not folds:
            continue
        every = len(method["folds"])
        where = " of each fold" if every > 1 else ""
        if len(folds) < every:
            where = f" in {len(folds)} of {every} folds ({', '.join(folds)})"
        labels = " or ".join(sorted({f"“{one['one_label']}”" for one in folds.values()}))
        shares = sorted(one["right_in_training"] for one in folds.values())
        right = percent(shares[0])
        if shares[-1] > shares[0]:
            right += f" to {percent(shares[-1])}"
        sentences.append(f"{name} gave one label to every window{where}: {labels}; right in training: {right}.")
    return sentences


LATEX = {character: f"\\{character}" for character in "&%$#_{}"} | {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "–": "--",
}
MINUS = re.compile(r"(?<![\w-])-(?=\d)")


def latex(table: TextTable) -> str:
    """A table as LaTeX with the rules of booktabs, without its notes."""
    escaped = str.maketrans(LATEX)
    head, *rows = (
        " & ".join(MINUS.sub("$-$", cell.translate(escaped)) for cell in row[: table.narrow]) + r" \\"
        for row in (table.columns, *table.rows)
    )
    columns = "l" + "r" * (len(table.columns[: table.narrow]) - 1)
    return "\n".join(
        [
            f"% {table.title}. Needs \\usepackage{{booktabs}}.",
            f"\\begin{{tabular}}{{{columns}}}",
            r"\toprule",
            head,
            r"\midrule",
            *rows,
            r"\bottomrule",
            r"\end{tabular}",
            "",
        ]
    )


def _markdown_table(table: TextTable) -> str:
    head = (table.columns, ("---", *("---:" for _ in table.columns[1:])))
    rows = [[cell.replace("|", r"\|") for cell in row] for row in (*head, *table.rows)]
    lines = [f"| {' | '.join(row)} |" for row in rows]
    note = f"{table.note} {table.page_note}".strip()
    return "\n".join([f"## {table.title}", "", *lines]) + (f"\n\n{note}" if note else "")


def _made_with(result: Result) -> str:
    texts = [
        f"harken {one['harken_version']}"
        + (f" ({one['git_commit'][:7]}{one['git_commit'][40:]})" if one["git_commit"] else "")
        + f", {one['machine']['processor']}, {one['machine']['threads']} thread a fold"
        for one in result["made_with"]
    ]
    return f"Made with {'; and with '.join(texts)}."


def _methods(result: Result) -> TextTable:
    rows = []
    for name, scores in result["methods"].items():
        seconds, worst = result["timing"]["methods"][name], scores["worst_person"]
        cells = (
            f"{scores['mean_person_macro_f1']:.3f}",
            number_text(scores["sd_person_macro_f1"]),
            interval_text(scores["mean_person_macro_f1_interval"]),
            percent(scores["mean_person_accuracy"]),
            f"{worst['person']} {worst['macro_f1']:.3f}",
            f"{scores['expected_calibration_error']:.3f}",
        )
        rows.append((name, *cells, duration_text(seconds["fit_s"]), duration_text(seconds["predict_s"])))
    # The folds that were run, if they are not all of the protocol's.
    folds = list(result["folds"])
    every = result["protocol_folds"]
    some = f"Only {'fold' if len(folds) == 1 else 'folds'} {', '.join(folds)} of the protocol's {every}. "
    scores = next(iter(result["methods"].values()))
    return TextTable(
        "Macro F1 of unseen people",
        ("method", "mean", "SD", "95 % interval", "accuracy", "worst person", "ECE", "to learn", "to recognise"),
        rows,
        f"{some if len(folds) < every else ''}Mean and standard deviation over {scores['evaluations']} evaluations (a "
        f"person in a fold) of {scores['people']} people; the interval is over people, each one's evaluations kept "
        "together.",
        "ECE: expected calibration error. Times are for one fold on one thread.",
        narrow=6,
    )


def _gains(result: Result) -> TextTable:
    rows = [
        (
            f"{result['preset']} minus {name}",
            f"{gain['mean_person_macro_f1']:+.3f}",
            interval_text(gain["mean_person_macro_f1_interval"], sign="+"),
            f"{gain['people_better']} of {gain['people']}",
        )
        for name, gain in result["differences"].items()
    ]
    return TextTable(GAIN, ("macro F1", "mean", "95 % interval", "people better"), rows)


def _labels(result: Result) -> TextTable:
    scores = [one["class_f1"] for one in result["methods"].values()]
    rows = _rows(scores, zip(result["windows"]["labels"]), lambda f1, label: number_text(f1.get(label)))
    return TextTable("F1 of each label, over all windows", ("label", *result["methods"]), rows)


def _rows(methods: Sequence[Any], heads: Iterable[tuple[str, ...]], text: Callable[..., str]) -> list[tuple[str, ...]]:
    """The rows of a table with a column for each method. A row without a value of any method is left out.

    Args:
        methods: the scores of each method.
        heads: the first cells of each row.
        text: the scores of a method and the first cells -> the cell of the method.
    """
    rows = [(head, [text(one, *head) for one in methods]) for head in heads]
    return [(*head, *cells) for head, cells in rows if {*cells} != {number_text(None)}]


def _folds(result: Result) -> TextTable:
    folds = [one["folds"] for one in result["methods"].values()]
    rows = [
        (fold, str(len(people["test"])), *(f"{each[fold]['mean_person_macro_f1']:.3f}" for each in folds))
        for fold, people in result["folds"].items()
    ]
    return TextTable("Mean macro F1 of each fold's people", ("fold", "people tested", *result["methods"]), rows)


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
        [(study, HANDS[what], *cells) for study, what, *cells in _rows(methods, product(methods[0], HANDS), share)],
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
    return _rows(methods, heads, score)


def _study_sets(result: Result) -> TextTable:
    methods = _by_method(result)
    every = dict.fromkeys(study for one in methods for study in one)
    return TextTable(
        "Share of allowed answers where several labels are true",
        ("study", *result["methods"]),
        _rows(methods, zip(every), lambda one, study: number_text(_scores(one, study).get("allowed_share"))),
        "For example, people eat sitting or standing. These windows are left out of F1.",
    )


def _study_folds(result: Result) -> TextTable:
    first = next(iter(result["methods"].values()))["folds"]
    rows = [
        (fold, str(len(people["training"])), str(len(people["test"])), f"{first[fold]['training_windows']:,}")
        for fold, people in result["folds"].items()
    ]
    return TextTable("The folds", ("left out", "training people", "people tested", "training windows"), rows)


def _by_method(result: Result) -> list[Studies]:
    """The scores of each study, for each method."""
    return [by_study(one["folds"]) for one in result["methods"].values()]


def _scores(method: Studies, study: str, mounting: str = "known") -> Json:
    """The scores of a method on a study; empty if it has none."""
    return method.get(study, {}).get(mounting) or {}
