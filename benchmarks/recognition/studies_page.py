"""The page of unseen studies, from the results of ``harken benchmark studies`` and of ``study_choices``.

    python -m benchmarks.recognition.studies_page

It reads ``studies.json`` (a ``benchmark.json`` of the protocol ``leave-one-study-out``) and ``study_choices.json`` in
``docs/results``, and writes ``studies.md`` beside them. It computes no score.
"""

import json
from collections.abc import Mapping
from typing import Any

from benchmarks.paths import RESULTS
from benchmarks.recognition.unseen_people_page import in_markdown
from harken.evaluation.benchmark.page import tables
from harken.evaluation.benchmark.text_table import TextTable, number_text
from harken.support.files import write_text
from harken.windows.splits.studies import MAIN_STUDIES

__all__ = ["page"]

NAME = "studies"
INTRODUCTION = """\
How well are people of a study recognised that no training study contains: another laboratory, another watch, other
people? This page answers it for five studies, each of which was left out of training once. [The
protocol](../protocols.md#leaving-a-study-out) says what the numbers mean."""
LIMITS = """\
These are scripted studies: everybody did what the script said, mostly for some minutes. Three main studies are few, so
there is no interval over studies, and the next study may score lower than each of these."""
CHOICES = """\
Label schemes and changes of the recipe were compared on training studies alone: each was trained for 12 epochs without
two of the three main studies, and the score for a left-out study is that of the other study of each pair. The
candidates were named before the first of them was trained. Rare labels were not repeated in these trainings, but for
the candidate `balanced`. One seed each, so differences of a hundredth are noise."""


def page(results: Mapping[str, Mapping[str, Any]]) -> str:
    """The page in Markdown.

    Args:
        results: the content of ``studies`` and of ``study_choices``.
    """
    parts = ["# Unseen studies", INTRODUCTION, "## Scores", *_benchmark(results[NAME]), LIMITS]
    parts += ["## What was chosen", CHOICES, *map(in_markdown, _choices(results["study_choices"]))]
    return "\n\n".join(parts) + "\n"


def _benchmark(result: Mapping[str, Any]) -> list[str]:
    windows, made = result["windows"], result["made_with"][0]
    commits = dict.fromkeys(str(one["git_commit"])[:7] for one in result["made_with"])
    folds, every = len(result["folds"]), result["protocol_folds"]
    ran = "" if folds == every else f" Only {folds} of the protocol's {every} folds were run."
    by = f"harken {made['harken_version']} at {', '.join(commits)} on {made['machine']['processor']}"
    return [
        f"```console\n$ {result['command']}\n```",
        f"{windows['windows']:,} windows of {windows['people']} people.{ran} Made with {by}, one thread a fold.",
        *map(in_markdown, tables(result)),
    ]


def _choices(content: Mapping[str, Any]) -> list[TextTable]:
    scores = [
        (
            name,
            one["scheme"],
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
            "Mean F1 of the other study of each pair, by the study that is left out of the choice",
            ("candidate", "scheme", *MAIN_STUDIES, "minutes a fold"),
            scores,
        ),
        TextTable(
            "F1 of walking",
            ("candidate", *tested),
            walking,
            "A scheme is adopted only if the F1 of walking falls by at most .01 in every study.",
        ),
    ]


def main() -> None:
    """Write the page."""
    results = {
        name: json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8")) for name in (NAME, "study_choices")
    }
    write_text(RESULTS / f"{NAME}.md", page(results))


if __name__ == "__main__":
    main()
