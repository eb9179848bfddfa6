"""A benchmark's result as tables for people: rows of text, and a page in Markdown made of them."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from harken.support.files import Json
from harken.support.printable import duration_text, percent

GAIN = "What the preset gains, each person compared with themselves"

Result = Json


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


def list_people_tables(result: Result) -> list[TextTable]:
    """Return the tables: the methods, the gain of the preset over each baseline, the labels, and the folds."""
    tables = (_methods(result), _gains(result), _labels(result), _folds(result))
    return [table for table in tables if table.rows]


def markdown(result: Result, tables: Iterable[TextTable], *, confusion: str) -> str:
    """The page.

    Args:
        result: the result.
        tables: its tables.
        confusion: the name of the picture beside the page.
    """
    windows = result["windows"]
    parts = [
        f"# {result['dataset']}/{result['protocol']}",
        result["measures"],
        f"```console\n$ {result['command']}\n```",
        f"{windows['windows']:,} windows of {windows['people']} people, {windows['window_length']} samples at "
        f"{windows['sample_rate_hz']:g} Hz, {len(windows['labels'])} labels. {_made_with(result)}",
        *(f"**{sentence}**" for sentence in list_warnings(result)),
        *map(_markdown_table, tables),
        f"## What {next(iter(result['methods']))} takes for what\n\n![Confusion matrix]({confusion})",
    ]
    return "\n\n".join(parts) + "\n"


def list_warnings(result: Result) -> list[str]:
    """Return the sentences that a reader needs before the scores; none for most results."""
    return [*_shared_name_sentences(result.get("same_names", {})), *_one_label_sentences(result)]


def _shared_name_sentences(same_names: dict[str, list[str]]) -> list[str]:
    if not same_names:
        return []
    subject, studies = next(iter(same_names.items()))
    if len(same_names) == 1:
        sentence = f"{subject} is a name in several studies ({', '.join(studies)})"
    else:
        sentence = f"{len(same_names)} names are in several studies, such as {subject} ({', '.join(studies)})"
    return [
        f"{sentence}. People of the same name in two studies count as two people. If they are one person, that person "
        "was in training and in the test, and the scores are too high."
    ]


def _one_label_sentences(result: Result) -> list[str]:
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
    rows = list_rows(scores, zip(result["windows"]["labels"]), lambda f1, label: number_text(f1.get(label)))
    return TextTable("F1 of each label, over all windows", ("label", *result["methods"]), rows)


def list_rows(
    methods: Sequence[Any], heads: Iterable[tuple[str, ...]], text: Callable[..., str]
) -> list[tuple[str, ...]]:
    """Return the rows of a table with a column for each method. A row without a value of any method is left out.

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
