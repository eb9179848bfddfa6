"""The same windows under three protocols: how much of a score comes from the way of testing.

    python -m benchmarks.recognition.three_protocols --data DATA --out DIR [--workers 2] [--resume] [--set dsads wisdm]

``DATA`` holds the data sets ``dsads`` and ``wisdm``. The windows are those of the protocols ``dsads/unseen`` and
``wisdm/harnet`` (10 s, one every 5 s). Three methods are compared: the notebook's network with 20 epochs, a random
forest, and the preset ``everyday``. Only the division into training and test differs:

overlapping
    As in the notebook: the windows are divided at random, 80 to 20
    (``harken.windows.splits.same_person.overlapping_windows``). A test window shares its first half with the window
    before it and its second half with the one after it, and each of these is a training window four times in five. No
    window is on both sides.
blocked
    The same people, a moment later: the first 80 % of the time of each bout is for training and the rest is the test,
    one window length away from any training window (``blocked_windows``). No sample is shared, but person, bout, strap
    and day are.
unseen
    Unseen people: the protocol's own folds (one person left out in DSADS, five draws of people in WISDM). Nothing is
    shared.

In DSADS each person wore a sensor on either arm, and both recorded at the same time. Time is what is divided: windows
of the two arms that begin at the same time are always on the same side. The JSON and the table give the share of the
test windows' time that training windows of the same person cover, measured on the windows themselves.

All fits of a data set use the same number of training windows, that of the protocol with the fewest. The others are
thinned evenly over people, labels and time. All three protocols test the same people, those whom the folds of "unseen"
test: all 8 of DSADS, and 31 of the 43 of WISDM, none of whom was used to choose the preset.

Seeds: DSADS uses five (0 to 4) for "overlapping" (division and training) and for "blocked" (training); WISDM uses one
(0). The folds of "unseen" use seed 0. A score is the mean over people of their macro F1. A person who is tested more
than once counts once, with the mean. Intervals are over people.

Each worker is a process with one thread. Finished fits are kept in ``--out``, and ``--resume`` continues with them
where settings and windows are the same. Writes three_protocols.json, .md (the table) and .png to ``--results``, for the
sets that ``--set`` names, so name both for the whole study. ``--people`` and ``--epochs`` make a small trial.
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from benchmarks.paths import RESULTS
from benchmarks.recognition.fits import Fit, Rows, computed
from harken import HarkenError, Windows
from harken.evaluation.benchmark.directory import BenchmarkDirectory, json_text
from harken.evaluation.benchmark.methods import Method, method
from harken.evaluation.benchmark.result import describe_windows, difference, distinct, method_result, timing
from harken.figures.style import INK, dress, house_style, new_figure, save_png
from harken.learning.scores import PeopleScores, person_evaluations
from harken.recordings.recording import UNLABELLED
from harken.support.files import write_text
from harken.windows.splits import Fold, Split, apply
from harken.windows.splits.protocols import Protocol, protocol
from harken.windows.splits.same_person import blocked_windows, overlapping_windows, share_in_training

OVERLAPPING, BLOCKED, UNSEEN = "overlapping", "blocked", "unseen"
TEST = "test"
Findings = Mapping[str, Mapping[str, Any]]
"""Division -> a method's result on it."""


@dataclass(frozen=True)
class Study:
    """A protocol, and the seeds for the divisions and fits in which the test people are also training people."""

    protocol: Protocol
    seeds: tuple[int, ...]


STUDIES = {
    "dsads": Study(protocol("dsads", "unseen"), (0, 1, 2, 3, 4)),
    "wisdm": Study(protocol("wisdm", "harnet"), (0,)),
}
METHODS = ("notebook", "random_forest", "everyday")
EPOCHS = {"notebook": 20}
"""Instead of the preset's own 100, which would take five times as long."""


@dataclass(frozen=True, eq=False)
class Division:
    """Training and test windows.

    Attributes:
        name: unique in the data set.
        seed: of the division, where it is random, and of the fits on it.
        training, test: rows of the data set's windows.
        shares: the share of each test window's time that training windows cover, ``[test]``.
    """

    name: str
    seed: int
    training: Rows
    test: Rows
    shares: NDArray[np.float64]

    def as_dict(self, windows: Windows) -> dict[str, Any]:
        """For JSON: its size, and how much time training and test share."""
        return {
            "seed": self.seed,
            "training_windows": len(self.training),
            "test_windows": len(self.test),
            "training_people": len(np.unique(windows.subjects[self.training])),
            "test_people": len(np.unique(windows.subjects[self.test])),
            "test_windows_that_share_time": float(np.mean(self.shares > 0)),
            "mean_share_of_time_in_training": float(self.shares.mean()),
        }


def windows_of(study: Study, folder: Path, people: int | None) -> Windows:
    """The labelled windows of the study's protocol, of its first so many people (None: of all)."""
    windows = study.protocol.windows(folder)
    chosen = np.unique(windows.subjects)[:people]
    return windows[(windows.label_codes != UNLABELLED) & np.isin(windows.subjects, chosen)]


def divisions(windows: Windows, folds: Sequence[Fold], seeds: Sequence[int]) -> dict[str, list[Division]]:
    """Protocol -> its divisions, all with the same number of training windows and the same test people.

    Raises:
        HarkenError: when "blocked" or "unseen" shares time between training and test.
    """
    # In the parts of a split, ``start_rows`` then holds the rows of ``windows``.
    numbered = replace(windows, start_rows=np.arange(len(windows)))
    blocked = blocked_windows(numbered)
    splits = {
        OVERLAPPING: {f"{OVERLAPPING}-{seed}": (seed, overlapping_windows(numbered, seed=seed)) for seed in seeds},
        BLOCKED: {f"{BLOCKED}-{seed}": (seed, blocked) for seed in seeds},
        UNSEEN: {f"{UNSEEN}-{fold.name}": (0, _of_fold(fold, numbered)) for fold in folds},
    }
    tested = sorted({person for fold in folds for person in fold.test})
    moments = min(len(_moments(split.training)[0]) for each in splits.values() for _, split in each.values())
    found = {
        name: [
            _division(each, seed, _thinned(split, moments=moments, tested=tested))
            for each, (seed, split) in by_name.items()
        ]
        for name, by_name in splits.items()
    }
    for division in (*found[BLOCKED], *found[UNSEEN]):
        if division.shares.any():
            raise HarkenError(f"{division.name}: {np.count_nonzero(division.shares)} test windows were learned from")
    return found


def _of_fold(fold: Fold, windows: Windows) -> Split:
    parts = apply(fold, windows)
    return Split(parts.training, parts.test)


def _moments(windows: Windows) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Person, label and start of each moment ``[moments, 3]``, sorted, and the moment of each window ``[n]``."""
    people = np.unique(windows.subjects, return_inverse=True)[1]
    keys = np.stack([people, windows.label_codes, windows.starts_ns], axis=1).astype(np.int64)
    each, moments = np.unique(keys, axis=0, return_inverse=True)
    return each, moments.reshape(-1)


def _thinned(split: Split, *, moments: int, tested: Sequence[str]) -> Split:
    """A split with so many training moments, spread evenly over people, labels and time, and only these test people."""
    each, of_windows = _moments(split.training)
    kept = np.arange(moments) * len(each) // moments
    training = split.training[np.isin(of_windows, kept)]
    return Split(training, split.test[np.isin(split.test.subjects, tested)])


def _division(name: str, seed: int, split: Split) -> Division:
    return Division(name, seed, split.training.start_rows, split.test.start_rows, share_in_training(split))


def methods(seed: int, epochs: int | None) -> list[Method]:
    """The three methods with this seed; ``epochs`` replaces the number of epochs of the networks."""
    of_each = {"notebook": epochs or EPOCHS["notebook"], "everyday": epochs}
    return [method(f"{name}:{n}" if (n := of_each.get(name)) else name, seed=seed) for name in METHODS]


def run(study: Study, folder: Path, directory: BenchmarkDirectory, options: argparse.Namespace) -> dict[str, Any]:
    """Run the missing fits of one data set. Returns the result for JSON."""
    windows = windows_of(study, folder, options.people)
    found = divisions(windows, study.protocol.folds(windows), study.seeds)
    fits = [
        Fit(division.name, one, division.training, {TEST: division.test})
        for by_protocol in found.values()
        for division in by_protocol
        for one in methods(division.seed, options.epochs)
    ]
    kept = computed(fits, windows, directory, workers=options.workers)
    findings = {
        name: {
            one: {each.name: kept[each.name, one] | kept[each.name, one]["tests"][TEST] for each in by_protocol}
            for one in METHODS
        }
        for name, by_protocol in found.items()
    }
    return {
        "dataset": study.protocol.dataset,
        "protocol": study.protocol.name,
        "windows": describe_windows(windows),
        "training_windows": len(found[UNSEEN][0].training),
        "protocols": {
            name: {
                "divisions": {division.name: division.as_dict(windows) for division in found[name]},
                "methods": {one: method_result(each) | over_people(each) for one, each in by_method.items()},
            }
            for name, by_method in findings.items()
        },
        "flattery": {
            one: {
                name: difference(_by_person(findings[name][one]), _by_person(findings[UNSEEN][one]))
                for name in (OVERLAPPING, BLOCKED)
            }
            for one in METHODS
        },
        "made_with": distinct([one["made_with"] for one in kept.values()]),
        "timing": {
            name: {one: timing(each) for one, each in by_method.items()} for name, by_method in findings.items()
        },
    }


def over_people(findings: Findings) -> dict[str, Any]:
    """For JSON: the mean over people and its interval. A person in several divisions counts once."""
    scores = PeopleScores.from_dict(_by_person(findings)["all"]["scores"])
    found = person_evaluations({"all": scores}).as_dict()
    numbers = ("mean_person_macro_f1", "sd_person_macro_f1", "mean_person_macro_f1_interval", "mean_person_accuracy")
    return {name: found[name] for name in numbers}


def _by_person(findings: Findings) -> dict[str, dict[str, Any]]:
    """The results as those of one division, with each person's mean macro F1 and accuracy over all divisions."""
    evaluations = person_evaluations({name: PeopleScores.from_dict(one["scores"]) for name, one in findings.items()})
    people = {}
    for person, of_division in evaluations.by_person.items():
        each = list(of_division.values())
        macro_f1, accuracy = (float(np.mean([getattr(one, name) for one in each])) for name in ("macro_f1", "accuracy"))
        people[person] = replace(each[0], macro_f1=macro_f1, accuracy=accuracy)
    mean = float(np.mean([one.macro_f1 for one in people.values()]))
    return {"all": {"scores": PeopleScores(people, mean, None).as_dict()}}


PROTOCOL_WORDS = {
    "overlapping": (
        "random windows, which overlap the training windows",
        "random windows, which\noverlap the training windows",
    ),
    "blocked": ("the same people, a moment later", "the same people,\na moment later"),
    "unseen": ("unseen people", "unseen people"),
}
"""The words for each protocol in the table, and in the picture."""
METHOD_WORDS = {"notebook": "the notebook's network", "random_forest": "random forest", "everyday": "everyday (harken)"}
COLOURS = {"notebook": "#E69F00", "random_forest": "#56B4E9", "everyday": "#0072B2"}
BAR = 0.26
FEW_LABELS = 6


def table(result: Mapping[str, Any]) -> str:
    """The table: a row for each set and protocol, and the difference between the first and the last protocol."""
    words_of_methods = [_with_epochs(result, name) for name in METHODS]
    lines = [
        f"| data | tested on | test time shared with training | {' | '.join(words_of_methods)} |",
        f"|{'---|' * (3 + len(words_of_methods))}",
    ]
    for name, one in result["sets"].items():
        for name_of_protocol, (words, _) in PROTOCOL_WORDS.items():
            found = one["protocols"][name_of_protocol]
            shared = np.mean([each["mean_share_of_time_in_training"] for each in found["divisions"].values()])
            cells = [_scores(found["methods"][one_method]) for one_method in METHODS]
            lines.append(f"| {name.upper()} | {words} | {shared:.0%} | {' | '.join(cells)} |")
        gained = [one["flattery"][one_method]["overlapping"] for one_method in METHODS]
        cells = [f"{each['mean_person_macro_f1']:+.3f}{_interval(each, sign='+')}" for each in gained]
        lines.append(f"| {name.upper()} | difference: the first minus the last | | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def title(one: Mapping[str, Any]) -> str:
    """The words for a data set: its name, its activities, its people."""
    labels = one["windows"]["labels"]
    tested = one["protocols"][UNSEEN]["methods"]["everyday"]["people"]
    activities = ", ".join(labels) if len(labels) <= FEW_LABELS else f"{len(labels)} activities"
    return f"{one['dataset'].upper()}: {activities}; {tested} people"


@house_style()
def picture(result: Mapping[str, Any]) -> Figure:
    """Bars for each protocol and method, with intervals over people."""
    sets = result["sets"]
    figure = new_figure(8, 0.9 + 3.3 * len(sets))
    figure.suptitle("The same windows and methods, tested in three ways")
    panels: Sequence[Axes] = figure.subplots(len(sets), squeeze=False)[:, 0].tolist()
    for axes, one in zip(panels, sets.values(), strict=True):
        dress(axes)
        for number, of_method in enumerate(METHODS):
            found = [one["protocols"][of_protocol]["methods"][of_method] for of_protocol in PROTOCOL_WORDS]
            places = np.arange(len(PROTOCOL_WORDS)) + (number - 1) * BAR
            _bars(axes, places, found, label=_with_epochs(result, of_method), colour=COLOURS[of_method])
        axes.set_title(title(one), fontweight="normal", fontsize=10)
        axes.set_xticks(range(len(PROTOCOL_WORDS)), [words for _, words in PROTOCOL_WORDS.values()])
        axes.tick_params(axis="x", length=0, labelsize=10)
        axes.set(
            ylim=(0, 1.1), yticks=np.arange(0, 1.01, 0.2), ylabel="Macro F1 of a person\n(mean; line: 95 % interval)"
        )
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels))
    return figure


def _bars(axes: Axes, places: Any, found: Sequence[Mapping[str, Any]], *, label: str, colour: str) -> None:
    """The bars of one method, with the score above each."""
    means = [one["mean_person_macro_f1"] for one in found]
    axes.bar(places, means, BAR - 0.03, color=colour, label=label)
    for place, mean, one in zip(places, means, found, strict=True):
        low, high = one["mean_person_macro_f1_interval"] or (mean, mean)
        if high > low:
            axes.plot([place, place], [low, high], color=INK, linewidth=1.2)
        axes.annotate(
            f"{mean:.2f}",
            (place, max(high, mean)),
            xytext=(0, 3),
            textcoords="offset points",
            ha="center",
            fontsize=9,
        )


def _with_epochs(result: Mapping[str, Any], name: str) -> str:
    """The words for a method, with the number of epochs for the notebook's network."""
    one = next(iter(result["sets"].values()))
    settings = one["protocols"][UNSEEN]["methods"][name]["settings"]
    if name != "notebook":
        return METHOD_WORDS[name]
    return f"{METHOD_WORDS[name]} ({settings['preset']['training']['epochs']} epochs)"


def _scores(one: Mapping[str, Any]) -> str:
    return f"{one['mean_person_macro_f1']:.3f}{_interval(one)}, {one['mean_person_accuracy']:.1%}"


def _interval(one: Mapping[str, Any], *, sign: str = "") -> str:
    interval = one["mean_person_macro_f1_interval"]
    return f" ({interval[0]:{sign}.3f} to {interval[1]:{sign}.3f})" if interval else ""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the missing fits, write the results and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder that holds dsads and wisdm")
    parser.add_argument("--out", type=Path, required=True, help="where finished fits are kept")
    parser.add_argument("--set", nargs="+", choices=list(STUDIES), default=["dsads"], help="the data sets")
    parser.add_argument("--workers", type=int, default=2, help="processes; 0 runs everything in this process")
    parser.add_argument("--resume", action="store_true", help="continue with what is in --out")
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--people", type=int, help="for a trial: only the first so many of each set, two or more")
    parser.add_argument("--epochs", type=int, help="for a trial: of both networks")
    options = parser.parse_args(arguments)
    if (options.people or options.epochs) and options.results == RESULTS:
        parser.error("a trial must not overwrite the results: name another folder with --results")
    words = [f"--{name} {getattr(options, name)}" for name in ("people", "epochs") if getattr(options, name)]
    sets = [name for name in STUDIES if name in options.set]
    result: dict[str, Any] = {
        "command": " ".join(
            ["python -m benchmarks.recognition.three_protocols --data DATA --out DIR --set", *sets, *words],
        ),
        "sets": {},
    }
    for name in sets:
        directory = BenchmarkDirectory.open(options.out / name, resume=options.resume)
        result["sets"][name] = run(STUDIES[name], options.data / name, directory, options)
    options.results.mkdir(parents=True, exist_ok=True)
    path = options.results / "three_protocols.json"
    write_text(path, json_text(result))
    write_text(path.with_suffix(".md"), table(result))
    save_png(picture(result), path.with_suffix(".png"))
    print(table(result))


if __name__ == "__main__":
    main()
