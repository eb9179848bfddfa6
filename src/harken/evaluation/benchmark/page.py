"""A benchmark's result as tables for people: rows of text, and a page in Markdown made of them."""

from collections.abc import Mapping, Sequence
from typing import Any

from harken.evaluation.benchmark.study_page import study_tables
from harken.evaluation.benchmark.text_table import TextTable, interval_text, number_text
from harken.recordings.inspection import duration_text


def tables(result: Mapping[str, Any]) -> list[TextTable]:
    """The tables: the methods, the gain of the preset over each baseline, the labels, and the folds."""
    if "main_score" in result:
        made = study_tables(result)
    else:
        made = [_methods(result), _differences(result), _labels(result), _folds(result)]
    return [table for table in made if table.rows]


def markdown(result: Mapping[str, Any], *, confusion: str | None) -> str:
    """The page. ``confusion`` is the name of the picture beside it, if there is one."""
    windows = result["windows"]
    parts = [
        f"# {result['dataset']}/{result['protocol']}",
        result["measures"],
        f"```console\n$ {result['command']}\n```",
        f"{windows['windows']:,} windows of {windows['people']} people, {windows['window_length']} samples at "
        f"{windows['sample_rate_hz']:g} Hz, {len(windows['labels'])} labels. {_made_with(result)}",
        *(_markdown_table(table) for table in tables(result)),
    ]
    if confusion is not None:
        parts.append(f"## What {next(iter(result['methods']))} takes for what\n\n![Confusion matrix]({confusion})")
    return "\n\n".join(parts) + "\n"


def _methods(result: Mapping[str, Any]) -> TextTable:
    rows = []
    for name, one in result["methods"].items():
        seconds = result["timing"]["methods"][name]
        worst = one["worst_person"]
        rows.append(
            (
                name,
                f"{one['mean_person_macro_f1']:.3f}",
                number_text(one["sd_person_macro_f1"]),
                interval_text(one["mean_person_macro_f1_interval"]),
                f"{one['mean_person_accuracy']:.1%}",
                f"{worst['person']} {worst['macro_f1']:.3f}",
                f"{one['expected_calibration_error']:.3f}",
                duration_text(seconds["fit_s"]),
                duration_text(seconds["predict_s"]),
            )
        )
    one = next(iter(result["methods"].values()))
    return TextTable(
        "Macro F1 of unseen people",
        ("method", "mean", "SD", "95 % interval", "accuracy", "worst person", "ECE", "to learn", "to recognise"),
        rows,
        f"{_of_some(result)}Mean and standard deviation over {one['evaluations']} evaluations (a person in a fold) of "
        f"{one['people']} people; the interval is over people, each one's evaluations kept together.",
        "ECE: expected calibration error. Times are for one fold on one thread.",
        narrow=6,
    )


def _of_some(result: Mapping[str, Any]) -> str:
    """The folds that were run, if they are not all of the protocol's; older results have no number of folds."""
    folds, every = list(result["folds"]), result.get("protocol_folds", 0)
    if len(folds) >= every:
        return ""
    return f"Only {'fold' if len(folds) == 1 else 'folds'} {', '.join(folds)} of the protocol's {every}. "


def _differences(result: Mapping[str, Any]) -> TextTable:
    rows = [
        (
            f"{result['preset']} minus {name}",
            f"{one['mean_person_macro_f1']:+.3f}",
            interval_text(one["mean_person_macro_f1_interval"], sign="+"),
            f"{one['people_better']} of {one['people']}",
        )
        for name, one in result["differences"].items()
    ]
    return TextTable(
        "What the preset gains, each person compared with themselves",
        ("macro F1", "mean", "95 % interval", "people better"),
        rows,
    )


def _labels(result: Mapping[str, Any]) -> TextTable:
    methods = result["methods"]
    labels = [name for name in result["windows"]["labels"] if any(name in one["class_f1"] for one in methods.values())]
    rows = [(label, *(number_text(one["class_f1"].get(label)) for one in methods.values())) for label in labels]
    return TextTable("F1 of each label, over all windows", ("label", *methods), rows)


def _folds(result: Mapping[str, Any]) -> TextTable:
    methods = result["methods"]
    rows = [
        (
            fold,
            str(len(people["test"])),
            *(f"{one['folds'][fold]['mean_person_macro_f1']:.3f}" for one in methods.values()),
        )
        for fold, people in result["folds"].items()
    ]
    return TextTable("Mean macro F1 of each fold's people", ("fold", "people tested", *methods), rows)


def _markdown_table(table: TextTable) -> str:
    lines = [
        f"## {table.title}",
        "",
        _line(table.columns),
        _line(("---", *("---:" for _ in table.columns[1:]))),
        *map(_line, table.rows),
    ]
    note = f"{table.note} {table.page_note}".strip()
    return "\n".join(lines) + (f"\n\n{note}" if note else "")


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |"


def _made_with(result: Mapping[str, Any]) -> str:
    each = [
        f"harken {one['harken_version']}"
        + (f" ({one['git_commit'][:7]}{one['git_commit'][40:]})" if one["git_commit"] else "")
        + f", {one['machine']['processor']}, {one['machine']['threads']} thread a fold"
        for one in result["made_with"]
    ]
    return f"Made with {'; and with '.join(each)}."
