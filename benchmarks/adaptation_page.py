"""The adaptation study's results as tables and a picture."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from harken.evaluation.benchmark.result import difference
from harken.figures.style import dress, house_style, new_figure
from harken.learning.scores import PeopleScores, Scores, person_evaluations

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7")


def table(people: Mapping[str, Mapping[str, Any]], budgets_s: Iterable[int]) -> list[dict[str, Any]]:
    """For JSON: a row a budget, from ``people``: fold -> person -> what ``measure`` found."""
    unadapted = _scores(people, 0)
    rows = []
    for budget in budgets_s:
        found = _scores(people, budget)
        evaluations = person_evaluations({fold: PeopleScores.from_dict(one["scores"]) for fold, one in found.items()})
        each = [one["budgets"][str(budget)]["watches"] for fold in people.values() for one in fold.values()]
        tried = [watch for person in each for watch in person]
        rows.append(
            {
                "seconds_of_each_bout": budget,
                "mean_person_macro_f1": evaluations.mean_person_macro_f1,
                "mean_person_macro_f1_interval": list(evaluations.interval) if evaluations.interval else None,
                "sd_person_macro_f1": evaluations.sd_person_macro_f1,
                "gain": difference(found, unadapted),
                "evaluations": evaluations.evaluations,
                "people": len(evaluations.by_person),
                "watches": len(tried),
                "labelled_s": float(np.mean([one["labelled_s"] for one in tried])),
                "kept_share": float(np.mean([one["kept"] for one in tried])),
                "too_little_share": float(np.mean([not one["tried"] for one in tried])),
                "timing": {
                    "median_s": float(np.median([one["seconds"] for one in tried])),
                    "longest_s": float(np.max([one["seconds"] for one in tried])),
                },
            }
        )
    return rows


def _scores(people: Mapping[str, Mapping[str, Any]], budget: int) -> dict[str, dict[str, Any]]:
    """Fold -> the scores of its people, as ``harken.evaluation.benchmark`` writes them."""
    result = {}
    for fold, found in people.items():
        each = {person: Scores.from_dict(one["budgets"][str(budget)]["scores"]) for person, one in found.items()}
        mean = float(np.mean([one.macro_f1 for one in each.values()]))
        result[fold] = {"scores": PeopleScores(each, mean, None).as_dict()}
    return result


def markdown(result: Mapping[str, Any]) -> str:
    """The tables, for people."""
    made = result["made_with"]
    parts = [
        "# Adaptation\n",
        f"`{result['command']}` at commit {str(made['git_commit'])[:7]}, on {made['machine']['processor']}.\n",
        f"Tested on the last {result['test_s']} s of each bout, the first seconds of which were labelled. **Labels and "
        "test share a bout**: strap, place and hour are the same, and so the gain is that for the minutes after the "
        "labels. What is measured, and how, is told [elsewhere](../adapt.md#what-it-is-worth).\n",
    ]
    for name, run in result["runs"].items():
        rows = run["table"]
        parts.append(f"## {name}\n\n{rows[0]['people']} people, {rows[0]['evaluations']} evaluations of a person.\n")
        parts.append(
            "| labelled seconds of each bout (in all) | mean person macro F1 (95 % interval over people) | gain "
            "| kept | too little data | seconds to adapt, median (longest) |\n|---|---|---|---|---|---|"
        )
        for row in rows:
            gain = row["gain"]
            if row["seconds_of_each_bout"] == 0:
                parts.append(f"| 0 | {_with_interval(row)} | | | | |")
                continue
            parts.append(
                f"| {row['seconds_of_each_bout']} ({row['labelled_s']:.0f}) "
                f"| {_with_interval(row)} | {_with_interval(gain)} "
                f"| {row['kept_share']:.0%} | {row['too_little_share']:.0%} "
                f"| {row['timing']['median_s']:.1f} ({row['timing']['longest_s']:.1f}) |"
            )
        parts.append("")
    parts.append("![Macro F1 against labelled seconds](adaptation.png)\n")
    return "\n".join(parts)


def _with_interval(row: Mapping[str, Any]) -> str:
    interval = row["mean_person_macro_f1_interval"]
    beside = f" ({interval[0]:.3f} to {interval[1]:.3f})" if interval else ""
    return f"{row['mean_person_macro_f1']:.3f}{beside}"


@house_style()
def curve(result: Mapping[str, Any]) -> Figure:
    """Macro F1 against labelled seconds, with the interval over people."""
    figure = new_figure(6.5, 4)
    axes = figure.add_subplot()
    dress(axes)
    for name, colour in zip(result["runs"], COLOURS, strict=False):
        rows = result["runs"][name]["table"]
        seconds = [row["seconds_of_each_bout"] for row in rows]
        axes.plot(seconds, [row["mean_person_macro_f1"] for row in rows], "o-", color=colour, label=name)
        intervals = [row["mean_person_macro_f1_interval"] for row in rows]
        if all(intervals):
            axes.fill_between(
                seconds, [one[0] for one in intervals], [one[1] for one in intervals], color=colour, alpha=0.15, lw=0
            )
    axes.set(
        title="What labelled seconds of the wearer are worth",
        xlabel="Labelled seconds of each bout",
        ylabel="Mean person macro F1",
        xticks=result["budgets_s"],
    )
    axes.legend(loc="lower right")
    return figure
