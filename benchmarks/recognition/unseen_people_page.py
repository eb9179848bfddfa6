"""The page about unseen people, made from the results beside it.

    python -m benchmarks.recognition.unseen_people_page [--take RUN NAME ...]

``--take runs/wisdm wisdm_harnet`` first copies the result and the picture of a finished benchmark into docs/results.
Then docs/results/unseen_people.md is written from the results there: the studies of this folder (three_protocols,
notebook_format, adaptation, ablations, turned_watches, other_sensors) and the benchmarks that were copied. The page
says so where a result is missing. Every score in its text comes from a JSON file of docs/results.
"""

import argparse
import json
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from benchmarks.paths import RESULTS
from benchmarks.recognition.quoted_scores import computed_again, notebook_in_2018, published, short
from harken.evaluation.benchmark.page import tables
from harken.evaluation.benchmark.text_table import TextTable
from harken.learning.presets import PRESETS
from harken.support.files import write_text

NOT_YET = "Not measured yet."
QUOTED = "quoted_scores"

SOME_AGAIN = "Some tables were [computed again](#what-was-computed-again) after test scores were known."

SECTIONS = {
    "wisdm_harnet": (
        "WISDM: all activities",
        "harken benchmark wisdm --protocol harnet --data DIR --out runs/wisdm "
        "--baseline random_forest --baseline mini_rocket --baseline deep_conv_lstm:10 --baseline notebook:20",
    ),
    "dsads_unseen": (
        "DSADS: lying, sitting, standing, walking, both arms",
        "harken benchmark dsads --protocol unseen --data DIR --out runs/dsads "
        "--baseline random_forest --baseline mini_rocket --baseline deep_conv_lstm --baseline notebook:20",
    ),
    "dsads_unseen_19": (
        "DSADS: all activities",
        "harken benchmark dsads --protocol unseen-19 --data DIR --out runs/dsads19 "
        "--baseline random_forest --baseline mini_rocket --baseline deep_conv_lstm:7 --baseline notebook:20",
    ),
    "dsads_pairs": (
        "DSADS, right arm: trained on two people",
        "harken benchmark dsads --protocol pairs --data DIR --out runs/pairs --baseline notebook:20",
    ),
    "dsads_to_wisdm": (
        "Trained on DSADS, tested on WISDM",
        "harken benchmark dsads --protocol to-wisdm --data DIR --data DIR --out runs/dsads-wisdm "
        "--baseline random_forest --baseline mini_rocket --baseline deep_conv_lstm:14 --baseline notebook:20",
    ),
    "wisdm_to_dsads": (
        "Trained on WISDM, tested on DSADS",
        "harken benchmark wisdm --protocol to-dsads --data DIR --data DIR --out runs/wisdm-dsads "
        "--baseline random_forest --baseline mini_rocket --baseline deep_conv_lstm:14 --baseline notebook:20",
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--take", nargs=2, action="append", default=[], metavar=("RUN", "NAME"), help="copy a finished run"
    )
    for run, name in parser.parse_args().take:
        if name not in SECTIONS:
            parser.error(f"there is no section {name}; there are {', '.join(SECTIONS)}")
        shutil.copyfile(Path(run) / "benchmark.json", RESULTS / f"{name}.json")
        shutil.copyfile(Path(run) / "confusion.png", RESULTS / f"{name}.png")
    write_text(RESULTS / "unseen_people.md", page())


def page() -> str:
    """The whole page, from the results that are there."""
    again = computed_again(_result(QUOTED), _scores_now())
    parts = [
        "# How well unseen people are recognised",
        "Every score here is of people on whom the model was not trained (a *cross-subject* evaluation), except "
        "where it is marked as of the same person. Every interval is over people, not over windows. The recipe "
        f"`everyday` was chosen on {choosing_people()} of WISDM whom none of its published folds tests, and in DSADS "
        "on folds that leave out one more person than the one to be tested "
        f"([ablations](#what-each-part-contributes)). {SOME_AGAIN if again else 'Each table was computed once.'} The "
        "results as JSON, with everything needed to repeat them, are beside this page; `--against FILE` compares a "
        "run with one of them.",
        *in_short(),
        baselines(),
        "## The same windows under three protocols",
        *three_protocols(),
        "## The notebook's own files",
        *notebook_format(),
    ]
    for name, (title, command) in SECTIONS.items():
        parts += [f"## {title}", _console(command)]
        result = _result(name)
        parts += [NOT_YET] if result is None else section(result, name)
        if result is not None and name == "wisdm_harnet":
            parts += published(_result(QUOTED), people=result["windows"]["people"])
    parts += ["## Watches worn in another orientation", *turned_watches()]
    parts += ["## The value of labelled seconds of the wearer", *adaptation()]
    parts += ["## What each part contributes", *ablations(), *noise()]
    if again:
        parts += ["## What was computed again", *(f"- {paragraph}" for paragraph in again)]
    return "\n\n".join(parts) + "\n"


def choosing_people() -> str:
    """In words, how many people of WISDM the recipe was chosen on."""
    result = _result("ablations_wisdm")
    return "those people" if result is None else f"the {result['windows']['people']} people"


def baselines() -> str:
    """What the benchmarks compare the recipe with, and for how many epochs it is trained."""
    text = (
        "The recipe is compared with a random forest on hand-made features, MiniRocket, DeepConvLSTM as in its paper, "
        "and the notebook's network."
    )
    trial, result = _result("epochs_deep_conv_lstm"), _result("wisdm_harnet")
    if trial is not None:
        text += (
            " Where a command names a number of epochs for DeepConvLSTM, they are more iterations than it needs on the "
            f"choosing people of WISDM: its accuracy there stops rising after about {_level_from(trial)} "
            "([how this was measured](../benchmark.md)). On DSADS this was not examined, and more epochs may be better."
        )
    if result is not None and "notebook" in result["methods"]:
        epochs = result["methods"]["notebook"]["settings"]["preset"]["training"]["epochs"]
        text += (
            f" The notebook's network is trained for {epochs} epochs, not its {PRESETS['notebook'].training.epochs}."
        )
    return text


def _level_from(trial: Mapping[str, Any]) -> int:
    """The iteration at which the mean accuracy of five epochs is first within one percent of the highest."""
    # The first evaluation is that of the untrained network, and the last of an epoch that is not whole.
    iterations, accuracy = trial["iterations"][1:-1], trial["accuracy"][1:-1]
    means = [fmean(accuracy[first : first + 5]) for first in range(0, len(accuracy), 5)]
    return int(iterations[5 * next(number for number, mean in enumerate(means) if mean >= max(means) - 0.01)])


def _scores_now() -> dict[str, str]:
    """The recipe's score in each benchmark, as text prints it."""
    results = {name: _result(name) for name in SECTIONS}
    return {
        name: NOT_YET if one is None else short(one["methods"][one["preset"]]["mean_person_macro_f1"])
        for name, one in results.items()
    }


def in_short() -> list[str]:
    """One table over all benchmarks: the preset and the best baseline. Empty while there are no results."""
    rows = []
    for name, (title, _) in SECTIONS.items():
        result = _result(name)
        if result is None:
            continue
        methods = result["methods"]
        mine = methods[result["preset"]]
        others = {other: one for other, one in methods.items() if other != result["preset"]}
        best = max(others, key=lambda other: float(others[other]["mean_person_macro_f1"]), default=None)
        rows.append(
            f"| [{title}](#{_anchor(title)}) | {mine['people']} | **{mine['mean_person_macro_f1']:.3f}** "
            f"({_interval(mine['mean_person_macro_f1_interval'])}) | "
            + (
                "| |"
                if best is None
                else f"{best} {others[best]['mean_person_macro_f1']:.3f} | "
                f"{result['differences'][best]['mean_person_macro_f1']:+.3f} "
                f"({_interval(result['differences'][best]['mean_person_macro_f1_interval'], '+.3f')}) |"
            )
        )
    if not rows:
        return []
    head = "| benchmark | test people | `everyday`: mean macro F1 (95 % interval over people) | best baseline | gain |"
    return ["\n".join([head, "|---|---|---|---|---|", *rows])]


def _anchor(title: str) -> str:
    """The link to a heading."""
    return re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")


def _interval(bounds: Sequence[float], form: str = ".3f") -> str:
    return " to ".join(f"{bound:{form}}" for bound in bounds)


def three_protocols() -> list[str]:
    """The study of three_protocols.py: how much of a score comes from the way of testing."""
    name = "three_protocols"
    result = _result(name)
    parts = [
        f"{notebook_in_2018(_result(QUOTED))}Here the same methods are trained on the same windows, the same number "
        "each time, and only the test differs: windows drawn at random, which share most of their samples with "
        "training windows, as in the notebook; the same people a moment later, which shares no sample, but the bout, "
        "the strap and the day; and unseen people. **Only the last is what a new person gets.**",
        _console("python -m benchmarks.recognition.three_protocols --data DATA --out DIR --set dsads wisdm"),
    ]
    if result is None:
        return [*parts, NOT_YET]
    sizes = [
        f"{one['dataset'].upper()}: every fit has {one['training_windows']:,} training windows{_of_length(one)}; "
        f"fits of each method under the three protocols: {', '.join(_fits(one))}."
        for one in result["sets"].values()
    ]
    return [
        *parts,
        f"![The same windows and methods, tested in three ways]({name}.png)",
        _text(f"{name}.md"),
        "The mean over people of their macro F1 (95 % interval over people), and accuracy. *Test time shared with "
        "training* is the share of the test windows' time that training windows of the same person cover. Where a "
        "person wore two sensors, what both recorded at the same time is always on the same side. Training windows "
        "are thinned until all protocols have the same number, so scores of unseen people differ a little from those "
        "in the "
        "benchmarks below. " + " ".join(sizes),
        _computed_by(result, [one["made_with"] for one in result["sets"].values()]),
    ]


def _fits(one: Mapping[str, Any]) -> list[str]:
    """The number of fits of each method under each protocol."""
    return [str(len(found["divisions"])) for found in one["protocols"].values()]


def notebook_format() -> list[str]:
    """The study of notebook_format.py: the notebook's task in its own format."""
    result = _result("notebook_format")
    parts = [
        "`merged_ab.csv` is for training and `merged_ef.csv` is of unseen people. Each holds the right arm of two "
        "people of DSADS, in the notebook's format and with its windows, drawn at random rows. With two wearers on "
        "either side this is **an illustration, not a measurement**: the spread is over seeds of the training and "
        "does not describe other people. The notebook's recipe in full, with its "
        f"{PRESETS['notebook'].training.epochs} epochs, has [a page of its own](notebook.md).",
        _console("python -m benchmarks.recognition.notebook_format --data DATA --out DIR"),
    ]
    if result is None:
        return [*parts, NOT_YET]
    return [
        *parts,
        _text("notebook_format.md"),
        f"{result['training_windows']:,} training windows. {_computed_by(result, [result['made_with']])}",
    ]


def adaptation() -> list[str]:
    """The study of adaptation.py, which has a page of its own."""
    parts = [
        "The models of the folds above are adapted to the first seconds of each bout of the people they were tested "
        "on. [Adapting to one wearer](../adapt.md) describes the method.",
        _console("python -m benchmarks.recognition.adaptation runs/wisdm runs/dsads --data DATA"),
    ]
    if not (RESULTS / "adaptation.md").exists() or not (RESULTS / "adaptation.png").exists():
        return [*parts, NOT_YET]
    return [*parts, "![Macro F1 against labelled seconds](adaptation.png)", "[The numbers](adaptation.md)."]


def section(result: Mapping[str, Any], name: str) -> list[str]:
    """A benchmark: what it measures, on which people, its tables and its picture."""
    windows, folds = result["windows"], result["folds"]
    made = result["made_with"][0]
    command = result["command"]
    return [
        result["measures"],
        f"{windows['windows']:,} windows of {windows['people']} people in {len(folds)} folds. Computed by `{command}` "
        f"at commit {str(made.get('git_commit'))[:7]}, one thread a fold, on {made['machine']['processor']}.",
        *(in_markdown(table) for table in tables(result)),
        f"![The confusion matrix of {result['preset']}]({name}.png)",
    ]


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


def ablations() -> list[str]:
    """The tables of ablations.py."""
    parts = [
        "Measured on the people on whom the recipe was chosen, so the score of the recipe itself is too good; the "
        "differences are the result.",
    ]
    for name in ("wisdm", "dsads"):
        path = RESULTS / f"ablations_{name}.md"
        parts += [
            f"### On {name.upper()}",
            _console(f"python -m benchmarks.recognition.ablations {name} --data DATA --out runs/ablations-{name}"),
            _text(path.name) if path.exists() else NOT_YET,
        ]
    return parts


def turned_watches() -> list[str]:
    """The study of turned_watches.py: what a quarter turn costs, and what is recovered."""
    parts = [
        "Sensors differ in which axis points along the forearm. Here the watch of every unseen person was turned about "
        "its face, and `harken label`'s [estimate of the "
        "orientation](../labelling.md#which-axis-points-along-the-forearm) turned it back, from everything that the "
        "watch recorded of the person and without labels. Half a turn is not corrected where it hardly matters. The "
        "thresholds were chosen on the choosing people, to whom the first two tables belong. The direction of gravity "
        "during walking had been examined on all people, but not their scores.",
    ]
    for name, run, title in (
        ("wisdm_choosing", "noise-wisdm", "WISDM, choosing people"),
        ("dsads_choosing", "noise-dsads", "DSADS, choosing folds"),
        ("wisdm", "wisdm", "WISDM, `harnet`"),
    ):
        path = RESULTS / f"turned_watches_{name}.md"
        data = name.split("_")[0]
        parts += [
            f"### {title}",
            _console(
                f"python -m benchmarks.recognition.turned_watches runs/{run} DATA/{data} "
                f"--json docs/results/{path.stem}.json"
            ),
            _text(path.name) if path.exists() else NOT_YET,
        ]
    return parts


def noise() -> list[str]:
    """Why the recipe keeps its noise: its ablations of noise, and their models with the data of other sensors."""
    parts = [
        "### Noise, and sensors that are not in the data",
        "Noise in training lowers the score where a quiet sensor distinguishes lying from standing by how still the "
        "arm is. Another watch may not have such a sensor. So the fold models of three recipes were also tested on "
        "the test windows with noise added, and rounded to the steps of a coarse sensor (they were not trained on "
        "such windows).",
    ]
    for name in ("dsads", "wisdm"):
        tables = [RESULTS / f"{study}_{name}.md" for study in ("noise", "other_sensors")]
        parts += [
            f"On {name.upper()}:",
            _console(
                f"python -m benchmarks.recognition.ablations {name} --data DATA --out runs/noise-{name} "
                "--only no-noise noise-3mg --name noise\n"
                f"$ python -m benchmarks.recognition.other_sensors runs/noise-{name} DATA/{name}"
            ),
            *(_text(path.name) if path.exists() else NOT_YET for path in tables),
        ]
    return [*parts, *_noise_in_words()]


def _noise_in_words() -> list[str]:
    """Why the recipe keeps its noise, with the scores; nothing where a result is missing."""
    sensors = {name: _result(f"other_sensors_{name}") for name in ("dsads", "wisdm")}
    trials = {name: _result(f"noise_{name}") for name in sensors}
    sentences = []
    for name in sensors:
        of_sensors, trial = sensors[name], trials[name]
        if of_sensors is None or trial is None:
            return []
        recipe, without = (of_sensors["methods"][method] for method in (trial["preset"], "no-noise"))
        scores = [
            f"{short(without[sensor]['mean_person_macro_f1'])} instead of "
            f"{short(recipe[sensor]['mean_person_macro_f1'])} with {sensor}".replace("with as recorded", "as recorded")
            for sensor in recipe
        ]
        less = trial["differences"]["noise-3mg"]
        sentences.append(
            f"On {name.upper()}, training without noise scores {', '.join(scores)}. The recipe minus the one with "
            f"less noise is {less['mean_person_macro_f1']:+.3f} "
            f"({_interval(less['mean_person_macro_f1_interval'], '+.3f')})."
        )
    noise_g = PRESETS["everyday"].training.augmentation.noise_g
    return [" ".join([*sentences, f"So the recipe keeps noise of up to {noise_g:g} g."])]


def _of_length(one: Mapping[str, Any]) -> str:
    """The length of a study's windows in words; empty where the result does not have it."""
    windows = one.get("windows")
    return f" of {windows['window_length'] / windows['sample_rate_hz']:g} s" if windows else ""


def _console(command: str) -> str:
    return f"```console\n$ {command}\n```"


def _result(name: str) -> dict[str, Any] | None:
    """The result of a study or a benchmark; None where there is none."""
    path = RESULTS / f"{name}.json"
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else None


def _text(name: str) -> str:
    return (RESULTS / name).read_text(encoding="utf-8").strip()


def _computed_by(result: Mapping[str, Any], made_with: Sequence[Sequence[Mapping[str, Any]]]) -> str:
    """The command, the commits and the processors of a study. ``made_with``: of each of its parts."""
    each = [one for part in made_with for one in part]
    commits = dict.fromkeys(str(one["git_commit"])[:7] for one in each)
    processors = dict.fromkeys(one["machine"]["processor"] for one in each)
    return (
        f"Computed by `{result['command']}` at commit {', '.join(commits)}, one thread a fit, on "
        f"{', '.join(processors)}."
    )


if __name__ == "__main__":
    main()
