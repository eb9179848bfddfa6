"""The page of unseen studies, from the results of ``harken benchmark studies`` and of ``study_choices``.

    python -m benchmarks.recognition.studies_page

It reads the results in ``docs/results`` that ``READ`` names, and writes ``studies.md`` beside them. It computes no
score. ``studies.json`` and ``studies_deep_conv_lstm.json`` are the ``benchmark.json`` of two runs of the protocol
``leave-one-study-out``.
"""

import json
from collections.abc import Mapping
from typing import Any

from benchmarks.command import RESULTS
from harken.evaluation.benchmark.page import TextTable, interval_text, number_text, tables
from harken.evaluation.protocols.studies import MAIN_STUDIES
from harken.support.files import write_text

NAME = "studies"
ONE_STUDY, PAIRS = "studies_deep_conv_lstm", "dsads_pairs_with_studies"
READ = (NAME, ONE_STUDY, PAIRS, "study_choices")
INTRODUCTION = """\
How well are people of a study recognised that no training study contains: another laboratory, another watch, other
people? This page answers it for five studies, each of which was left out of training once. [The
protocol](../protocols.md#leaving-a-study-out) says what the numbers mean."""
LIMITS = """\
These are scripted studies: everybody did what the script said, mostly for some minutes. Three main studies are few, so
there is no interval over studies, and the next study may score lower than each of these."""
DEEP_CONV_LSTM = """\
DeepConvLSTM (Ordóñez and Roggen, 2016) takes the longest to train, so it was trained without one study only."""
TWO_PEOPLE = """\
[The notebook's task](unseen_people.md#dsads-right-arm-trained-on-two-people) again: lying, sitting, standing and
walking, trained on two people of DSADS, tested on the other six, for each of the 28 pairs. Here, four other studies
are added to the two people: at most 15 windows of each of their people and labels, and each study with a label has the
same share of its windows. No tested person is in them."""
WORSE = """\
Other studies make it worse than two people of the same study alone: in another laboratory, people sit and lie with the
arm in other poses, and the two people of this study are outnumbered."""
CHOICES = """\
Label schemes and changes of the recipe were compared on training studies alone: each was trained for 12 epochs without
two of the three main studies, and the score for a left-out study is that of the other study of each pair. The
candidates were named before the first of them was trained; five more of them, in `study_choices`, were not run, for
want of machine time. One seed each, so differences of a hundredth are noise."""
ADOPTED = """\
**Adopted:** the scheme `other`, because `posture` and `sets` lower the F1 of walking by more than .01 in some study,
and no change of the recipe. As in the packaged model before, windows of rare labels are repeated over all studies
together; `balanced`, which also repeats them within each study, neither gains nor loses."""
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
    """The page in Markdown.

    Args:
        results: the content of each of ``READ``.
    """
    parts = ["# Unseen studies", INTRODUCTION, "## Scores", *_benchmark(results[NAME]), LIMITS]
    parts += ["## DeepConvLSTM, without one study", DEEP_CONV_LSTM, *_benchmark(results[ONE_STUDY])]
    parts += ["## Two people and four other studies", TWO_PEOPLE, *_pairs(results[PAIRS]), WORSE]
    parts += ["## What was chosen", CHOICES, *map(in_markdown, _choices(results["study_choices"])), ADOPTED]
    return "\n\n".join(parts) + "\n"


def in_markdown(table: TextTable) -> str:
    """A table under a small title."""
    lines = [
        f"### {table.title}",
        "",
        f"| {' | '.join(table.columns)} |",
        f"|{'---|' * len(table.columns)}",
        *(f"| {' | '.join(row)} |" for row in table.rows),
    ]
    notes = " ".join(note for note in (table.note, table.page_note) if note)
    return "\n".join([*lines, "", notes] if notes else lines)


def _benchmark(result: Mapping[str, Any]) -> list[str]:
    windows, made = result["windows"], result["made_with"][0]
    folds, every = len(result["folds"]), result["protocol_folds"]
    ran = "" if folds == every else f" Only {folds} of the protocol's {every} folds were run."
    by = f"harken {made['harken_version']} at {_made_at(result)}"
    return [
        f"```console\n$ {result['command']}\n```",
        f"{windows['windows']:,} windows of {windows['people']} people.{ran} Made with {by}, one thread a fold.",
        *map(in_markdown, tables(result)),
    ]


def _pairs(result: Mapping[str, Any]) -> list[str]:
    left = result["remaining_errors_of_the_notebook"]
    rows = [
        (
            name,
            f"{number_text(one['mean_person_macro_f1'])} ({interval_text(one['mean_person_macro_f1_interval'])})",
            number_text(left[name]) if name in left else "1",
        )
        for name, one in result["methods"].items()
    ]
    head = ("method", "mean macro F1 of a person", "share of the notebook's errors that remains")
    return [
        "```console\n$ python -m benchmarks.recognition.pairs_with_studies --data DATA --out DIR\n```",
        f"Made at {_made_at(result)}, one thread a fit.",
        in_markdown(TextTable("Macro F1 of unseen people", head, rows)),
    ]


def _made_at(result: Mapping[str, Any]) -> str:
    """The commits and the processor of a result."""
    commits = dict.fromkeys(str(one["git_commit"])[:7] for one in result["made_with"])
    return f"{', '.join(commits)} on {result['made_with'][0]['machine']['processor']}"


def _choices(content: Mapping[str, Any]) -> list[TextTable]:
    scores = [
        (
            name,
            CHANGES[name],
            *(number_text(one["choosing"][study]["known"]) for study in MAIN_STUDIES),
            f"{one['seconds_of_training'] / 60:.1f}",
        )
        for name, one in content.items()
    ]
    walking = [
        (
            name,
            *(
                number_text(fold[study]["known"]["f1"].get("walking"))
                for fold in one["folds"].values()
                for study in fold
            ),
        )
        for name, one in content.items()
    ]
    first = next(iter(content.values()))["folds"]
    tested = [f"{study}, without {fold.replace('+', ' and ')}" for fold, one in first.items() for study in one]
    return [
        TextTable(
            "Scores on which the choice for each left-out study rests: mean F1 of the other study of each pair",
            ("candidate", "what it changes", *MAIN_STUDIES, "minutes a fold"),
            scores,
        ),
        TextTable(
            "F1 of walking",
            ("candidate", *tested),
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
