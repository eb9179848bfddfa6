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
PAIR_ALONE = "dsads_pairs"
READ = (NAME, ONE_STUDY, PAIRS, PAIR_ALONE, "study_choices")
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
walking, trained on two people of DSADS, tested on the other six, for each of the 28 pairs. `everyday_from_studies`
begins with the weights of a model that all other studies taught, and is then trained on the two people. Its epochs and
learning rate were chosen on pairs of selfBACK (`--choose`), where it was better than the pair alone."""
WORSE = """\
In DSADS it is worse than the two people alone: elsewhere, people sit and lie with the arm in other poses."""
CHOICES = """\
Label schemes and changes of the recipe were compared on training studies alone: each was trained for 12 epochs without
two of the three main studies, and the score for a left-out study is that of the other study of each pair. The
candidates were named before the first of them was trained; five more of them, in `study_choices` at the tag
`before-lighter`, were not run, for want of machine time. One seed each, so differences of a hundredth are noise."""
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
    parts += ["## Two people, after other studies", TWO_PEOPLE, *_pairs(results[PAIRS], results[PAIR_ALONE]), WORSE]
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


def _pairs(result: Mapping[str, Any], alone: Mapping[str, Any]) -> list[str]:
    """The table of pairs.

    Args:
        result: of the models that other studies taught, and of the notebook.
        alone: an earlier result on the same windows, of ``everyday`` trained on the two people alone.
    """
    rows = []
    for methods in (alone["methods"], result["methods"]):
        left = remaining_errors(methods)
        for name, share in left.items():
            one = methods[name]
            score = (
                f"{number_text(one['mean_person_macro_f1'])} ({interval_text(one['mean_person_macro_f1_interval'])})"
            )
            rows.append((name, score, number_text(share)))
    notebook = number_text(result["methods"]["notebook"]["mean_person_macro_f1"])
    head = ("method", "mean macro F1 of a person", "share of the notebook's errors that remains")
    note = f"The notebook has {notebook}, trained on the two people. `everyday` is of the run `{alone['command']}`."
    return [
        "```console\n$ python -m benchmarks.recognition.pairs_with_studies --data DATA --models RUN --out DIR\n```",
        f"Made at {_made_at(result)}, one thread a fit.",
        in_markdown(TextTable("Macro F1 of unseen people", head, rows, note)),
    ]


def remaining_errors(methods: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    """The errors (1 - macro F1) of each method as a share of the notebook's."""
    errors = {name: 1 - float(of["mean_person_macro_f1"]) for name, of in methods.items()}
    return {name: error / errors["notebook"] for name, error in errors.items() if name != "notebook"}


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
