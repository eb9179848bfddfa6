"""The page that tells how well strangers are recognised, made from the results beside it.

    python -m benchmarks.recognition.unseen_people_page [--take RUN NAME ...]

``--take runs/wisdm wisdm_harnet`` first copies a finished benchmark's result and picture into docs/results. Then
docs/results/unseen_people.md is written from what is there: the studies that benchmarks/recognition/three_protocols.py,
notebook_format.py, adaptation.py and ablations.py wrote, and the benchmarks that were taken. What was not measured yet
is said to be missing, not left out.
"""

import argparse
import json
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.paths import RESULTS
from harken.benchmarking.page import TextTable, tables
from harken.files import write_text

NOT_YET = "Not measured yet."

AGAIN = (
    "WISDM `harnet` and DSADS `strangers` were first computed with larger turns (20 and 15 degrees), half of the "
    "windows mirrored and half the other way round, and a network without its glance at the whole window: .825 and "
    ".715, where a random forest had .866. After these scores had been seen, all of it was chosen anew, on choosing "
    "people only, and both were computed again: .823 and .877.",
    "Then the glance was given the window's spectrum, again by choosing people only (one seed: DSADS .887 where it was "
    ".851 without, on four of the eight folds; WISDM .751 where it was .747), and both were computed a third time: "
    ".816 and .887. What helped the choosing people of WISDM by .005 did not help its test people; "
    "it stays, for nothing is chosen by them.",
    "Learned on DSADS and tested on WISDM, and the reverse, were each computed twice with the same code: on an Intel "
    "Xeon, whose results were lost with the machine (.778 for the first), and on an AMD EPYC (.771 for the first). So "
    "much moves with how a processor rounds.",
    "WISDM `harnet` and DSADS `strangers` were learned once more, by the same code on another processor (AMD EPYC, "
    "family 26), for the models of the folds, which adaptation begins from: .816 and .889.",
    "WISDM `harnet`, and learned on one set and tested on the other, were then computed by the same code on that "
    "processor (family 26), so that DeepConvLSTM and the notebook's network stand beside `everyday` in one run: .816, "
    ".779 learned on DSADS, and .799 learned on WISDM, where an Intel Xeon and another EPYC had had .816, .771 and "
    ".796. Nothing was chosen in between. These are the tables above.",
    "Likewise DSADS `strangers` and `strangers-19`: .889 and .824, where an Intel Xeon and another "
    "EPYC had had .887 and .828.",
    "Tried on choosing people beside the spectrum and left: a wider network (WISDM .743), two smaller ones together "
    "(.734), dropout of whole channels, answers averaged with those for the other arm (no gain). These tries were in "
    "half precision and are no table; `harken benchmark` with the protocols `harnet-choosing` and "
    "`strangers-choosing`, at commits 5d2e54a and f1e9c6d, compares the network with and without the spectrum.",
)
"""What was computed again after test scores had been seen, a paragraph each. Nothing may be missing here."""

SOME_AGAIN = "Some tables were [computed again](#what-was-computed-again) after test scores had been seen."

SECTIONS = {
    "wisdm_harnet": (
        "WISDM: 18 activities, 43 people",
        "harken benchmark wisdm --protocol harnet --data DIR --out runs/wisdm "
        "--baseline random_forest --baseline mini_rocket --baseline deep_conv_lstm:10 --baseline notebook:20",
    ),
    "dsads_unseen": (
        "DSADS: lying, sitting, standing, walking, both arms",
        "harken benchmark dsads --protocol strangers --data DIR --out runs/dsads "
        "--baseline random_forest --baseline mini_rocket --baseline deep_conv_lstm --baseline notebook:20",
    ),
    "dsads_unseen_19": (
        "DSADS: all 19 activities",
        "harken benchmark dsads --protocol strangers-19 --data DIR --out runs/dsads19 "
        "--baseline random_forest --baseline mini_rocket --baseline deep_conv_lstm:7 --baseline notebook:20",
    ),
    "dsads_pairs": (
        "DSADS, right arm: what two people teach about six others",
        "harken benchmark dsads --protocol pairs --data DIR --out runs/pairs --baseline notebook:20",
    ),
    "dsads_to_wisdm": (
        "Learned on DSADS, tested on WISDM",
        "harken benchmark dsads --protocol to-wisdm --data DIR --data DIR --out runs/dsads-wisdm "
        "--baseline random_forest --baseline mini_rocket --baseline deep_conv_lstm:14 --baseline notebook:20",
    ),
    "wisdm_to_dsads": (
        "Learned on WISDM, tested on DSADS",
        "harken benchmark wisdm --protocol to-dsads --data DIR --data DIR --out runs/wisdm-dsads "
        "--baseline random_forest --baseline mini_rocket --baseline deep_conv_lstm:14 --baseline notebook:20",
    ),
}

BESIDE = """Beside it stand a random forest on hand features, MiniRocket, DeepConvLSTM after its paper and the
notebook's network. Where a command gives DeepConvLSTM a number of passes, they come to 1,000 steps of 100 windows or
more: on choosing people of WISDM it is level from some 600 ([how that was seen](../benchmark.md)); on DSADS nobody
looked, and more of them might serve it. The notebook's network has 20 passes, not its 100."""

PUBLISHED = """For orientation, not for comparison (46 people where there are 43 here, and so other folds): Yuan et al.,
"Self-supervised learning for human activity recognition using 700,000 person-days of wearable data", npj Digital
Medicine 7:91, 2024, report for their protocol on this set a random forest at .711, a ResNet from scratch at .684, and
HARNet, pre-trained on 700,000 person-days, at .810."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--take", nargs=2, action="append", default=[], metavar=("RUN", "NAME"))
    for run, name in parser.parse_args().take:
        if name not in SECTIONS:
            parser.error(f"there is no section {name}; there are {', '.join(SECTIONS)}")
        shutil.copyfile(Path(run) / "benchmark.json", RESULTS / f"{name}.json")
        shutil.copyfile(Path(run) / "confusion.png", RESULTS / f"{name}.png")
    write_text(RESULTS / "unseen_people.md", page())


def page() -> str:
    """The whole page, from the results that are there."""
    parts = [
        "# How well strangers are recognised",
        "Every number here is of people that the model never met, but where it is said to be of the same person, and "
        "every interval is over people, not over windows. The recipe `everyday` was chosen within the 12 people of "
        "WISDM whom none of its published folds tests, and in DSADS by folds that leave out one more person than the "
        "one to be tested ([ablations](#what-each-part-is-worth)). "
        f"{SOME_AGAIN if AGAIN else 'Each table was computed once.'} Results as JSON, with everything needed to repeat "
        "them, lie beside this page; `--against FILE` compares a run with one of them.",
        *in_short(),
        BESIDE,
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
            parts.append(PUBLISHED)
    parts += ["## Watches that sit another way", *turned_watches()]
    parts += ["## What labelled seconds of the wearer are worth", *adaptation()]
    parts += ["## What each part is worth", *ablations(), *noise()]
    if AGAIN:
        parts += ["## What was computed again", *(f"- {paragraph}" for paragraph in AGAIN)]
    return "\n\n".join(parts) + "\n"


def in_short() -> list[str]:
    """All benchmarks in one table: the preset, and the best of what it stands beside. Nothing while there are none."""
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
    head = (
        "| strangers | people tested | `everyday`: mean macro F1 (95 % interval over people) | best beside it | gain |"
    )
    return ["\n".join([head, "|---|---|---|---|---|", *rows])]


def _anchor(title: str) -> str:
    """What a heading is linked by."""
    return re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")


def _interval(bounds: Sequence[float], form: str = ".3f") -> str:
    return " to ".join(f"{bound:{form}}" for bound in bounds)


def three_protocols() -> list[str]:
    """The study of benchmarks/recognition/three_protocols.py: what the way of testing does to a score."""
    name = "three_protocols"
    result = _result(name)
    parts = [
        "The 2018 notebook scored 95.9 % on the person it had learned from and 63.55 % on the next one. Here the very "
        "same windows are learned by the very same methods, as many windows each time, and only who and what is tested "
        "differs: windows drawn at random, which share most of their samples with windows that were learned from, as "
        "in the notebook; the same people a moment later, sharing no sample, but the bout, the strap and the day; and "
        "people never met. **Only the last is what a stranger gets.**",
        _console("python -m benchmarks.recognition.three_protocols --data DATA --out DIR --set dsads wisdm"),
    ]
    if result is None:
        return [*parts, NOT_YET]
    sizes = [
        f"{one['dataset'].upper()}: every fit learns from {one['training_windows']:,} windows of 10 s, one every 5 s; "
        f"fits of each method under the three: {', '.join(_fits(one))}."
        for one in result["sets"].values()
    ]
    return [
        *parts,
        f"![The same windows and methods, tested in three ways]({name}.png)",
        _text(f"{name}.md"),
        "Macro F1 of each person, its mean over people (95 % interval over people), and accuracy. *Of it learned from* "
        "is the share of the test windows' time that training windows of the same person cover. Where a person wore "
        "two sensors, what both recorded at one time is always on one side. Training windows are thinned until all "
        "protocols have as many, so strangers here score a little otherwise than in the benchmarks below. "
        + " ".join(sizes),
        _computed_by(result, [one["made_with"] for one in result["sets"].values()]),
    ]


def _fits(one: Mapping[str, Any]) -> list[str]:
    """How many there are of each method under each protocol."""
    return [str(len(found["divisions"])) for found in one["protocols"].values()]


def notebook_format() -> list[str]:
    """The study of benchmarks/recognition/notebook_format.py: the notebook's task in its own format."""
    result = _result("notebook_format")
    parts = [
        "`merged_ab.csv`, learned from, and `merged_ef.csv`, of people never met: the right arm of two people of DSADS "
        "each, in the notebook's format and with its windows, 512 samples at random rows. With two wearers on either "
        "side this is **an illustration, not a measurement**: the spread is over seeds of the training and says "
        "nothing of other people. The notebook's recipe in full, with its 100 passes, has [a page of its "
        "own](notebook.md).",
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
    """The study of benchmarks/recognition/adaptation.py, which has a page of its own."""
    parts = [
        "The models of the folds above meet the people they were tested on, and are adapted to the beginning of each "
        "of their bouts. What adapting does is told [elsewhere](../adapt.md).",
        _console("python -m benchmarks.recognition.adaptation runs/wisdm runs/dsads --data DATA"),
    ]
    if not (RESULTS / "adaptation.md").exists() or not (RESULTS / "adaptation.png").exists():
        return [*parts, NOT_YET]
    return [*parts, "![Macro F1 against labelled seconds](adaptation.png)", "[The numbers](adaptation.md)."]


def section(result: Mapping[str, Any], name: str) -> list[str]:
    """What a benchmark found: what it measures, who learned, its tables, its picture."""
    windows, folds = result["windows"], result["folds"]
    made = result["made_with"][0]
    asked = result["command"]
    return [
        result["measures"],
        f"{windows['windows']:,} windows of {windows['people']} people in {len(folds)} folds. Computed by `{asked}` at "
        f"commit {str(made.get('git_commit'))[:7]}, one thread a fold, on {made['machine']['processor']}.",
        *(in_markdown(table) for table in tables(result)),
        f"![What {result['preset']} takes for what]({name}.png)",
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
    """The tables of benchmarks/recognition/ablations.py."""
    parts = [
        "Measured on the people that the recipe was chosen by, so the score of the recipe itself flatters; the "
        "differences are what counts.",
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
    """The study of benchmarks/recognition/turned_watches.py: what a quarter turn costs, and what is won back."""
    parts = [
        "Sensors differ in which axis points along the forearm. Here every stranger's watch was turned about its face, "
        "and `harken label`'s [way of seeing it](../labelling.md#which-axis-points-along-the-forearm) was asked to "
        "turn it back, from all that the watch recorded of the person and without labels. Half a turn is not seen to "
        "where it hardly matters. Its thresholds were chosen on the choosing people, whom the first two tables are of; "
        "how gravity lies in walking had been looked at on everybody, their scores not.",
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
        "Noise in training costs where a quiet sensor tells lying from standing by how still the arm is. Whoever wears "
        "another watch does not have that sensor. So the fold models of three recipes were also asked about the test "
        "windows with noise added, and rounded to the steps of a coarse sensor (no spoilt window was learned from).",
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
    if (RESULTS / "other_sensors_dsads.md").exists():
        parts.append(
            "So the recipe keeps noise of up to .01 g: without it DSADS gains as it was recorded and loses with any "
            "sensor noisier than .001 g, and WISDM does not mind. Noise of .003 g can be told from the recipe on "
            "neither set."
        )
    return parts


def _console(command: str) -> str:
    return f"```console\n$ {command}\n```"


def _result(name: str) -> dict[str, Any] | None:
    """A study's or a benchmark's result; None when it is not there."""
    path = RESULTS / f"{name}.json"
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else None


def _text(name: str) -> str:
    return (RESULTS / name).read_text(encoding="utf-8").strip()


def _computed_by(result: Mapping[str, Any], made_with: Sequence[Sequence[Mapping[str, Any]]]) -> str:
    """The command that was given, and where: of each part of a study, all that it was made with."""
    each = [one for part in made_with for one in part]
    commits = dict.fromkeys(str(one["git_commit"])[:7] for one in each)
    processors = dict.fromkeys(one["machine"]["processor"] for one in each)
    return (
        f"Computed by `{result['command']}` at commit {', '.join(commits)}, one thread a fit, on "
        f"{', '.join(processors)}."
    )


if __name__ == "__main__":
    main()
