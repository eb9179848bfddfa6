"""What a few labelled seconds are worth: unseen people before and after the model was adapted to them.

    harken benchmark wisdm --protocol harnet --data DATA/wisdm --out runs/wisdm
    harken benchmark dsads --protocol unseen --data DATA/dsads --out runs/dsads
    python -m benchmarks.recognition.adaptation runs/wisdm runs/dsads --data DATA [--workers 2]
    python -m benchmarks.recognition.adaptation runs/studies --data DATA --name adaptation_studies

The second form takes a run of ``harken benchmark studies --protocol leave-one-study-out``: each of the main studies
stands for itself, with the model that was trained without it. Windows without a single label that the model has, and
those of ``other``, are left out.

The model of every fold is tested on the fold's test people. The test windows are the last 40 s of each of their bouts,
the same for every number of labelled seconds. The model is adapted to the first seconds of each bout, never closer to
the test windows than one window length. Where a person wore two watches, the model is adapted to each by itself.
Labels and test share a bout.

Writes adaptation.json, .md and .png (or ``--name``) to ``--results``. Results that are there and were made with the
same models are kept; remove the file when the code has changed. Each worker is a process with one thread.
"""

import argparse
import hashlib
import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from numpy.typing import NDArray

from benchmarks.paths import RESULTS
from benchmarks.recognition.fold_models import FinishedRun
from harken import HarkenError, Recogniser, Windows
from harken.datasets.label_schemes import SCHEMES, TRUTH
from harken.evaluation.benchmark.directory import BenchmarkDirectory, json_text
from harken.evaluation.benchmark.machine import made_with
from harken.evaluation.benchmark.result import difference
from harken.figures.style import dress, house_style, new_figure, save_png
from harken.learning.scores import PeopleScores, Scores, person_evaluations, score
from harken.models.adaptation import adapt
from harken.support.files import write_text
from harken.windows.splits.protocols import ALL_STUDIES
from harken.windows.splits.studies import MAIN_STUDIES, in_scheme

BUDGETS_S = (0, 15, 30, 60, 120)
QUICK_BUDGETS_S = (0, 60)
TEST_S = 40
BREAK_S = 60
"""Windows of one label belong to two bouts when they begin further apart. Shorter breaks are gaps within a bout."""
PEOPLE = "people"


@dataclass(frozen=True, eq=False)
class Job:
    """One test person of one fold: a model that was not trained on them, their windows, and the settings."""

    run: str
    fold: str
    person: str
    model: Path
    windows: Windows
    budgets_s: tuple[int, ...]
    test_s: int
    of_studies: bool = False


@dataclass(frozen=True)
class Run:
    """A directory of ``harken benchmark``: its models, and the windows of its protocol, drawn again."""

    name: str
    preset: str
    folds: Mapping[str, Sequence[str]]
    directory: BenchmarkDirectory
    windows: Windows
    of_studies: bool = False

    @classmethod
    def open(cls, path: Path, data: Path) -> "list[Run]":
        """The run in a directory; of a benchmark of studies, one for each main study.

        Raises:
            HarkenError: when ``path`` is no benchmark, or was made on other data.
        """
        finished = FinishedRun.open(path, above=data)
        name = "/".join(finished.result[key] for key in ("dataset", "protocol"))
        preset, directory, windows = finished.result["preset"], finished.directory, finished.windows
        if finished.result["dataset"] != ALL_STUDIES:
            return [cls(name, preset, finished.folds, directory, windows)]
        windows = in_scheme(windows, SCHEMES[TRUTH])
        return [
            cls(f"{name}: {study}", preset, {study: people}, directory, windows, of_studies=True)
            for study, people in finished.folds.items()
            if study in MAIN_STUDIES
        ]

    def jobs(self, budgets_s: tuple[int, ...], test_s: int) -> Iterator[Job]:
        """All test people of all folds."""
        for fold, people in self.folds.items():
            for person in people:
                windows = self.windows[self.windows.subjects == person]
                model = self.directory.model(fold, self.preset)
                yield Job(self.name, fold, person, model, windows, budgets_s, test_s, self.of_studies)


def watches(windows: Windows) -> NDArray[np.int64]:
    """The watch (0 or 1) of each of a person's windows, ``[n]``. Two windows that begin together are of two watches."""
    order = np.argsort(windows.starts_ns, kind="stable")
    starts = windows.starts_ns[order]
    result = np.empty(len(windows), dtype=np.int64)
    result[order] = np.arange(len(windows)) - np.searchsorted(starts, starts)
    return result


def beginnings_and_ends(windows: Windows) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """For windows of one watch: the seconds from the bout's start to the window's end, and from there to its end."""
    order = np.lexsort((windows.starts_ns, windows.label_codes))
    starts, codes = windows.starts_ns[order] / 1e9, windows.label_codes[order]
    # Another label between two windows also separates two bouts.
    rank = np.argsort(np.argsort(windows.starts_ns, kind="stable"))[order]
    new = np.concatenate([[True], (np.diff(codes) != 0) | (np.diff(starts) > BREAK_S) | (np.diff(rank) != 1)])
    first = np.flatnonzero(new)
    bout = np.cumsum(new) - 1
    ends = starts + windows.length / windows.sample_rate_hz
    last = np.concatenate([first[1:], [len(starts)]]) - 1
    since, until = np.empty(len(windows)), np.empty(len(windows))
    since[order] = ends - starts[first][bout]
    until[order] = ends[last][bout] - ends
    return since, until


def measure(job: Job) -> dict[str, Any]:
    """Score a person for each number of labelled seconds."""
    torch.set_num_threads(1)
    general = Recogniser.load(job.model, device="cpu")
    if job.person in general.provenance_["training_people"]:
        raise HarkenError(f"{job.model} learned from {job.person}, so this person is not unseen")
    labels = set(general.specification_.labels) - {OTHER} if job.of_studies else job.windows.labels_present
    known = general.known(job.windows[np.isin(job.windows.labels, list(labels))])
    length_s = known.length / known.sample_rate_hz
    worn = [known[watches(known) == watch] for watch in np.unique(watches(known))]
    truth: list[NDArray[np.int16]] = []
    answers: dict[int, list[NDArray[np.int64]]] = {budget: [] for budget in job.budgets_s}
    adaptations: dict[int, list[dict[str, Any]]] = {budget: [] for budget in job.budgets_s}
    for windows in worn:
        since, until = beginnings_and_ends(windows)
        slack_s = 0.5 / windows.sample_rate_hz
        test = windows[until + length_s <= job.test_s + slack_s]
        truth.append(test.label_codes)
        for budget in job.budgets_s:
            labelled = windows[(since <= budget + slack_s) & (until >= job.test_s + length_s - slack_s)]
            recogniser, found = _adapted(general, labelled)
            answers[budget].append(recogniser.predict_proba(test).argmax(axis=1))
            adaptations[budget].append(found)
    codes = np.concatenate(truth)
    return {
        "model_sha256": _sha256(job.model),
        "budgets": {
            str(budget): {
                "scores": score(codes, np.concatenate(answers[budget]), known.label_names).as_dict(),
                "watches": adaptations[budget],
            }
            for budget in job.budgets_s
        },
    }


def _adapted(general: Recogniser, labelled: Windows) -> tuple[Recogniser, dict[str, Any]]:
    if len(labelled) == 0:
        return general, {"kept": False, "tried": False, "labelled_s": 0.0, "seconds": 0.0}
    started = time.perf_counter()
    adapted = adapt(general, labelled)
    return adapted.recogniser, {
        "kept": adapted.kept,
        "tried": adapted.after is not None,
        "labelled_s": sum(adapted.labelled_s.values()),
        "seconds": round(time.perf_counter() - started, 3),
        "strength": adapted.strength,
        "reason": adapted.reason,
    }


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def computed(jobs: Sequence[Job], workers: int) -> Iterator[tuple[Job, dict[str, Any]]]:
    """Each job and its result, as they end."""
    if workers == 0:
        yield from ((job, measure(job)) for job in jobs)
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        running = {pool.submit(measure, job): job for job in jobs}
        for finished in as_completed(running):
            yield running[finished], finished.result()


OTHER = "other"
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7")


def table(people: Mapping[str, Mapping[str, Any]], budgets_s: Iterable[int]) -> list[dict[str, Any]]:
    """For JSON: a row for each number of seconds. ``people``: fold -> person -> the result of ``measure``."""
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


def markdown(result: Mapping[str, Any], picture: str) -> str:
    """The page, with the picture ``picture.png``."""
    made = result["made_with"]
    parts = [
        "# Adaptation\n",
        f"`{result['command']}` at commit {str(made['git_commit'])[:7]}, on {made['machine']['processor']}.\n",
        f"Tested on the last {result['test_s']} s of each bout, whose first seconds were labelled. **Labels and test "
        "share a bout**: strap, place and hour are the same, so the gain is valid for the minutes after the labels. "
        "[Adapting to one wearer](../adapt.md#what-it-is-worth) describes the method.\n",
    ]
    for name, run in result["runs"].items():
        rows = run["table"]
        parts.append(f"## {name}\n\n{rows[0]['people']} people, {rows[0]['evaluations']} evaluations.\n")
        parts.append(
            "| labelled seconds of each bout (in total) | mean person macro F1 (95 % interval over people) | gain "
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
    parts.append(f"![Macro F1 against labelled seconds]({picture}.png)\n")
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
        title="The value of labelled seconds of the wearer",
        xlabel="Labelled seconds of each bout",
        ylabel="Mean person macro F1",
        xticks=result["budgets_s"],
    )
    axes.legend(loc="lower right")
    return figure


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what is missing, write the results and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path, nargs="+", metavar="RUN", help="a directory of harken benchmark")
    parser.add_argument("--data", type=Path, required=True, help="the folder that holds wisdm and dsads")
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--name", default="adaptation", help="the name of the results")
    parser.add_argument("--workers", type=int, default=2, help="processes; 0 runs everything in this process")
    parser.add_argument(
        "--quick", action="store_true", help="one person of each run and two numbers of seconds, to see that it runs"
    )
    options = parser.parse_args(arguments)
    budgets_s = QUICK_BUDGETS_S if options.quick else BUDGETS_S
    path = options.results / f"{options.name}.json"
    result: dict[str, Any] = {
        "command": "python -m benchmarks.recognition.adaptation RUN... --data DATA"
        + (f" --name {options.name}" if options.name != parser.get_default("name") else "")
        + (" --quick" if options.quick else ""),
        "budgets_s": list(budgets_s),
        "test_s": TEST_S,
        "made_with": made_with(),
        "runs": {},
    }
    earlier = _earlier(path, result)
    jobs: list[Job] = []
    for run in [one for folder in options.runs for one in Run.open(folder, options.data)]:
        every = list(run.jobs(budgets_s, TEST_S))[: 1 if options.quick else None]
        # All keys exist from the start, so their order is that of the folds, whichever job ends first.
        places: dict[str, dict[str, Any]] = {job.fold: {} for job in every}
        for job in every:
            found = earlier.get(run.name, {}).get(job.fold, {}).get(job.person)
            done = found is not None and found["model_sha256"] == _sha256(job.model)
            places[job.fold][job.person] = found if done else None
            jobs += [] if done else [job]
        result["runs"][run.name] = {"preset": run.preset, PEOPLE: places}
    for job, measured in computed(jobs, options.workers):
        result["runs"][job.run][PEOPLE][job.fold][job.person] = measured
        write_text(path, json_text(result))
    for one in result["runs"].values():
        people = one.pop(PEOPLE)
        one |= {"table": table(people, budgets_s), PEOPLE: people}
    write_text(path, json_text(result))
    write_text(path.with_suffix(".md"), markdown(result, path.stem))
    save_png(curve(result), path.with_suffix(".png"))
    print(markdown(result, path.stem))


def _earlier(path: Path, result: Mapping[str, Any]) -> dict[str, Any]:
    """Run -> fold -> person -> the result of an earlier call, or None."""
    if not path.exists():
        return {}
    content = json.loads(path.read_text(encoding="utf-8"))
    if any(content[key] != result[key] for key in ("budgets_s", "test_s")):
        raise HarkenError(f"{path} holds results for other budgets; choose another --results, or remove it")
    return {name: run[PEOPLE] for name, run in content["runs"].items()}


if __name__ == "__main__":
    main()
