"""The page of unseen studies, from results of ``benchmarks.studies.left_out`` and from the choices before them.

    python -m benchmarks.recognition.studies_page

It reads the results in ``docs/results`` that ``READ`` names, and writes ``studies.md`` beside them. It computes no
score. ``studies.json`` and ``studies_deep_conv_lstm.json`` are the ``benchmark.json`` of two runs of the protocol
``leave-one-study-out``.
"""

import json
from collections.abc import Mapping
from typing import Any

from benchmarks.command import RESULTS, filled_page, in_rows
from benchmarks.studies.data_sets import MAIN_STUDIES
from benchmarks.studies.tables import list_study_tables
from harken.evaluation.benchmark.page import TextTable, interval_text, number_text
from harken.support.files import write_text

NAME = "studies"
ONE_STUDY, PAIRS = "studies_deep_conv_lstm", "dsads_pairs_with_studies"
PAIR_ALONE = "dsads_pairs"
READ = (NAME, ONE_STUDY, PAIRS, PAIR_ALONE, "study_choices")
CHANGES = {
    "scheme_other": "nothing: the label scheme alone",
    "scheme_posture": "busy hands are the most likely posture of the activity",
    "scheme_sets": "busy hands may be sitting or standing",
    "scheme_hands": "busy hands are classes of their own, within sitting and standing",
    "balanced": "windows of rare labels are repeated, and each study has an equal share of a label",
    "one_way_round": "watches that hang the other way round in walking are turned before training",
    "other_watches": "augmentation that imitates lower rates, ranges and resolutions",
}


def page(results: Mapping[str, Mapping[str, Any]]) -> str:
    """The page in Markdown; ``studies_page.md`` is its text.

    Args:
        results: the content of each of ``READ``.
    """
    return filled_page(
        __file__,
        scores=_benchmark(results[NAME]),
        one_study=_benchmark(results[ONE_STUDY]),
        pairs=in_markdown(_pairs(results[PAIRS], results[PAIR_ALONE])),
        pairs_made_at=_made_at(results[PAIRS]),
        choices="\n\n".join(map(in_markdown, _choices(results["study_choices"]))),
    )


def in_markdown(table: TextTable) -> str:
    """A table under a small title."""
    head = f"### {table.title}\n\n| {' | '.join(table.columns)} |\n|{'---|' * len(table.columns)}\n"
    notes = " ".join(note for note in (table.note, table.page_note) if note)
    return head + in_rows(table.rows) + (f"\n\n{notes}" if notes else "")


def _benchmark(result: Mapping[str, Any]) -> str:
    windows, made = result["windows"], result["made_with"][0]
    folds, every = len(result["folds"]), result["protocol_folds"]
    ran = "" if folds == every else f" Only {folds} of the protocol's {every} folds were run."
    by = f"harken {made['harken_version']} at {_made_at(result)}"
    parts = [
        f"```console\n$ {result['command']}\n```",
        f"{windows['windows']:,} windows of {windows['people']} people.{ran} Made with {by}, one thread a fold.",
        *map(in_markdown, list_study_tables(dict(result))),
    ]
    return "\n\n".join(parts)


def _pairs(result: Mapping[str, Any], alone: Mapping[str, Any]) -> TextTable:
    """The table of pairs.

    Args:
        result: of the models that other studies taught, and of the notebook.
        alone: an earlier result on the same windows, of ``everyday`` trained on the two people alone.
    """
    rows = []
    for methods in (alone["methods"], result["methods"]):
        for name, share in remaining_errors(methods).items():
            score, interval = (methods[name][key] for key in ("mean_person_macro_f1", "mean_person_macro_f1_interval"))
            rows.append((name, f"{number_text(score)} ({interval_text(interval)})", number_text(share)))
    notebook = number_text(result["methods"]["notebook"]["mean_person_macro_f1"])
    head = ("method", "mean macro F1 of a person", "share of the notebook's errors that remains")
    note = f"The notebook has {notebook}, trained on the two people. `everyday` is of the run `{alone['command']}`."
    return TextTable("Macro F1 of unseen people", head, rows, note)


def remaining_errors(methods: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    """The errors (1 - macro F1) of each method as a share of the notebook's."""
    errors = {name: 1 - float(of["mean_person_macro_f1"]) for name, of in methods.items()}
    return {name: error / errors["notebook"] for name, error in errors.items() if name != "notebook"}


def _made_at(result: Mapping[str, Any]) -> str:
    """The commits and the processor of a result."""
    commits = dict.fromkeys(str(one["git_commit"])[:7] for one in result["made_with"])
    return f"{', '.join(commits)} on {result['made_with'][0]['machine']['processor']}"


def _choices(content: Mapping[str, Any]) -> list[TextTable]:
    scores, walking = [], []
    for name, one in content.items():
        of_studies = [number_text(one["choosing"][study]["known"]) for study in MAIN_STUDIES]
        scores.append((name, CHANGES[name], *of_studies, f"{one['seconds_of_training'] / 60:.1f}"))
        tested = [study["known"]["f1"] for fold in one["folds"].values() for study in fold.values()]
        walking.append((name, *(number_text(f1.get("walking")) for f1 in tested)))
    first = next(iter(content.values()))["folds"]
    columns = [f"{study}, without {fold.replace('+', ' and ')}" for fold, one in first.items() for study in one]
    return [
        TextTable(
            "Scores on which the choice for each left-out study rests: mean F1 of the other study of each pair",
            ("candidate", "what it changes", *MAIN_STUDIES, "minutes a fold"),
            scores,
        ),
        TextTable(
            "F1 of walking",
            ("candidate", *columns),
            walking,
            "A label scheme is adopted only if the F1 of walking falls by at most .01 in every study.",
        ),
    ]


def main() -> None:
    """Write the page."""
    results = {name: json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8")) for name in READ}
    write_text(RESULTS / f"{NAME}.md", page(results))


if __name__ == "__main__":
    main()
