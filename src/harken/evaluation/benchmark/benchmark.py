"""The job of ``harken benchmark``: score a preset and baselines on unseen people, by a protocol, fold by fold.

A benchmark can be resumed by fold and method.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, replace
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from harken.annotations.folders import recordings_in
from harken.evaluation.benchmark.methods import AnyBaseline, Method, check_sendable, methods
from harken.evaluation.benchmark.page import latex, markdown
from harken.evaluation.benchmark.result import describe_windows
from harken.evaluation.benchmark.scoring import PeopleScoring, Scoring, macro_f1_of_people
from harken.evaluation.benchmark.settings import BenchmarkSettings, FigureKind
from harken.evaluation.benchmark.tasks import (
    PREDICTIONS,
    BenchmarkDisplay,
    Finished,
    FoldTask,
    file_stem,
    json_text,
    open_directory,
    run,
    write_predictions,
)
from harken.evaluation.protocols.protocol import LEAVE_ONE_STUDY_OUT, Protocol, find_shared_names
from harken.evaluation.protocols.published import benchmark_sets
from harken.networks import DEFAULT_PRESET
from harken.readers.options import TableOptions
from harken.recordings.recording import UNLABELLED
from harken.support.errors import HarkenError
from harken.support.files import Json, write_text, written_alone
from harken.windows.folds import Fold, apply
from harken.windows.windows import Windows

if TYPE_CHECKING:
    from harken.networks.presets import Preset

CONFUSION = "confusion.png"


def benchmark(
    data: str | Path,
    *,
    protocol: str | Protocol,
    out: str | Path,
    folders: Iterable[str | Path] = (),
    preset: "str | Preset | None" = DEFAULT_PRESET,
    epochs: int | None = None,
    baselines: Sequence[AnyBaseline] = (),
    seed: int = 0,
    folds: Iterable[str] = (),
    workers: int | None = None,
    scheduler: str | None = None,
    reading: TableOptions | None = None,
    study_column: str | None = None,
    resume: bool = False,
    predictions: bool = False,
    figures: FigureKind | None = None,
    display: BenchmarkDisplay | None = None,
) -> Json:
    """Score a preset and baselines on unseen people, as ``harken benchmark`` does. Returns its ``benchmark.json``.

    >>> import harken
    >>> result = harken.benchmark("study.csv", protocol="leave-one-person-out", out="measured", preset=None,
    ...                           baselines=["sklearn.naive_bayes:GaussianNB"], workers=0)
    >>> sorted(result["folds"])
    ['alice', 'bob', 'carol']

    Args:
        data: the name of a data set, or your own study: a labelled table of several people, or a folder of recordings.
        protocol: ``leave-one-person-out`` or ``leave-one-study-out`` for your own recordings; else see
            ``harken.evaluation.protocols.published``; or a ``Protocol`` of your own, with its data set as ``data``.
        out, folders, epochs, seed, folds, workers, scheduler, resume, predictions, figures: see
            ``harken.evaluation.benchmark.settings.BenchmarkSettings``.
        preset, baselines: the preset to score (None for the baselines alone), and the methods to compare it with; names
            or objects, see ``harken.evaluation.benchmark.methods.method``.
        reading: how to read tables of your own study; see ``harken.read``.
        study_column: the column that says of which of your studies a row is, for ``leave-one-study-out``.
        display: receives the progress that ``harken benchmark`` shows on the screen.

    Raises:
        HarkenError: as ``run_benchmark``, and for missing data.
    """
    settings = BenchmarkSettings(
        dataset=str(data),
        protocol=protocol,
        out=Path(out),
        folders=tuple(map(Path, folders)),
        preset=preset,
        epochs=epochs,
        baselines=tuple(baselines),
        seed=seed,
        folds=tuple(folds),
        workers=workers,
        scheduler=scheduler,
        resume=resume,
        predictions=predictions,
        figures=figures,
        reading=reading or TableOptions(),
        study_column=study_column,
    )
    return run_benchmark(of_study(settings, data), display)


def of_study(settings: BenchmarkSettings, data: str | Path) -> BenchmarkSettings:
    """The settings for a data set, or for a user's own study: with its name and its files.

    Args:
        settings: the settings.
        data: the name of the data set, or the path of the study.

    Raises:
        HarkenError: when there is neither a data set nor a file or folder of this name.
    """
    if settings.has_own_protocol or (isinstance(data, str) and data in benchmark_sets()):
        return settings
    if not Path(data).exists():
        raise HarkenError(
            f"{data}: there is no such file or folder, and no data set of this name; the data sets are "
            f"{', '.join(benchmark_sets())}"
        )
    files = tuple(recordings_in(data, out=settings.out).files)
    return replace(settings, dataset=Path(data).absolute().name, given=Path(data), files=files)


def run_benchmark(settings: BenchmarkSettings, display: BenchmarkDisplay | None = None) -> Json:
    """Run the methods and folds that are not in the directory yet, and return the result of all.

    The result is also written as ``benchmark.json``; ``benchmark.md`` and ``confusion.png`` show it to people. The
    result of each method and fold is written when it ends, so that a stopped or killed benchmark loses only those that
    were running. A directory with ``predictions.parquet`` keeps the predictions of later folds, too. The result has its
    durations under ``timing``; everything else in it is the same each time on the same machine.

    Raises:
        HarkenError: for an unknown protocol, method or fold; data that cannot be read; an ``out`` that is not empty,
            was made with other settings or data, or is written to by another process; a fold with the same person in
            training and test.
    """
    with written_alone(settings.out):
        protocol = settings.choose_protocol()
        every = methods(settings.preset, settings.baselines, epochs=settings.epochs, seed=settings.seed)
        if settings.scheduler is None and settings.workers != 0:
            check_sendable(every)
        open_directory(settings.out, resume=settings.resume)
        windows = protocol.windows(*settings.folders)
        windows = windows[windows.label_codes != UNLABELLED]
        described = describe_windows(windows)
        every_fold = protocol.folds(windows)
        folds = _chosen(protocol, every_fold, settings.folds)
        scoring = choose_scoring(protocol)
        decides = {"dataset": protocol.dataset, "protocol": protocol.name, "windows": described["fingerprint"]}
        keeps_rows = settings.predictions or (settings.out / PREDICTIONS).exists()
        tasks = _tasks(every, folds, windows, scoring, decides | scoring.decides(), keeps_rows=keeps_rows)
        _compute(tasks, windows, settings, display)
        result = {
            "command": settings.command(),
            "dataset": protocol.dataset,
            "protocol": protocol.name,
            "measures": protocol.measures,
            "windows": described,
            "folds": {fold.name: {"training": list(fold.training), "test": list(fold.test)} for fold in folds},
            "protocol_folds": len(every_fold),
            **_describe_shared_names(windows, settings),
            "seed": settings.seed,
            **_methods_result(tasks, settings.out, scoring, has_preset=settings.preset is not None),
        }
        _write(result, scoring, settings)
        if keeps_rows:
            write_predictions(settings.out, tasks)
        return result


def _describe_shared_names(windows: Windows, settings: BenchmarkSettings) -> Json:
    """Return for JSON the subjects of several of the user's own studies, each with its studies."""
    if settings.given is None or settings.protocol != LEAVE_ONE_STUDY_OUT:
        return {}
    shared = find_shared_names(windows)
    return {"same_names": shared} if shared else {}


def _write(result: Json, scoring: Scoring, settings: BenchmarkSettings) -> None:
    """Write the result for programs and for people, and the figures."""
    out, tables = settings.out, scoring.tables(result)
    write_text(out / "benchmark.json", json_text(result))
    write_text(out / "benchmark.md", markdown(result, tables, confusion=CONFUSION))
    _draw(result, scoring, out / CONFUSION)
    if settings.figures is not None:
        write_text(out / "scores.tex", latex(tables[0]))
        _draw_for_paper(result["methods"], scoring, out, settings.figures)


def choose_scoring(protocol: Protocol) -> Scoring:
    """Return the scoring of a protocol: its own, or macro F1 of each person."""
    return PeopleScoring() if protocol.scoring is None else protocol.scoring


def _chosen(protocol: Protocol, folds: Sequence[Fold], names: Sequence[str]) -> list[Fold]:
    """The folds with these names, or with these numbers if no fold has such a name; all folds if ``names`` is empty."""
    by_name = {str(number): fold for number, fold in enumerate(folds)} | {fold.name: fold for fold in folds}
    unknown = [name for name in names if name not in by_name]
    if unknown:
        known = ", ".join(fold.name for fold in folds)
        raise HarkenError(f"{protocol.dataset}/{protocol.name} has no fold {unknown[0]}; its folds are {known}")
    chosen = {by_name[name].name for name in names}
    return [fold for fold in folds if not chosen or fold.name in chosen]


def _tasks(
    every: Sequence[Method],
    folds: Sequence[Fold],
    windows: Windows,
    scoring: Scoring,
    decides: Json,
    *,
    keeps_rows: bool,
) -> list[FoldTask]:
    """Every method on every fold. ``decides`` is everything that all results depend on, for JSON."""
    training_windows = {fold.name: len(apply(fold, windows).training) for fold in folds}
    tasks = []
    for method, fold in product(every, folds):
        decided_by = {**decides, "fold": asdict(fold), "method": method.settings()}
        effort = method.effort(training_windows[fold.name])
        tasks.append(FoldTask(method, fold, scoring, effort, decided_by, keeps_rows))
    return tasks


def _compute(
    tasks: Sequence[FoldTask], windows: Windows, settings: BenchmarkSettings, display: BenchmarkDisplay | None
) -> None:
    """Run the tasks that have no result yet, the longest first, so that no core waits at the end for a long one."""
    out, workers = settings.out, settings.workers
    for task in tasks:
        task.add_rows(windows, out)
    waiting = sorted((task for task in tasks if task.read(out) is None), key=lambda task: -task.effort)
    if display is not None:
        display.begins(tasks=len(tasks), done=len(tasks) - len(waiting))
    if not waiting:
        return
    started = time.monotonic()
    paces: dict[str, list[float]] = {}
    with closing(run(list(waiting), windows, workers=workers, scheduler=settings.scheduler, folder=out)) as running:
        for task, finding, at_once in running:
            task.write(out, finding)
            waiting.remove(task)
            content = finding.content
            seconds = sum(content["timing"].values())
            paces.setdefault(task.method.name, []).append(seconds / task.effort)
            if display is not None:
                display.finished(
                    Finished(
                        method=task.method.name,
                        fold=task.fold.name,
                        mean_person_macro_f1=content["scores"]["mean_person_macro_f1"],
                        one_label=content["one_label"],
                        seconds=seconds,
                        done=len(tasks) - len(waiting),
                        tasks=len(tasks),
                        elapsed_s=time.monotonic() - started,
                        left_s=_left_s(waiting, paces, at_once),
                    )
                )


def _left_s(waiting: Sequence[FoldTask], paces: Mapping[str, Sequence[float]], at_once: int) -> float:
    """Seconds that the waiting tasks will take, from each method's seconds per effort so far, or the mean over all."""
    means = {name: sum(values) / len(values) for name, values in paces.items()}
    usual = sum(means.values()) / len(means)
    left = [task.effort * means.get(task.method.name, usual) for task in waiting]
    return max(sum(left) / at_once, max(left, default=0.0))


def _methods_result(tasks: Sequence[FoldTask], out: Path, scoring: Scoring, *, has_preset: bool) -> Json:
    """The part of the result that is made of the tasks' results, from their files alone, so that a resumed and an
    uninterrupted benchmark give the same."""
    findings: dict[str, Json] = {}
    for task in tasks:
        findings.setdefault(task.method.name, {})[task.fold.name] = task.read(out)
    first, *others = findings
    results = {name: scoring.summary(folds) for name, folds in findings.items()}
    made_with = [finding["made_with"] for folds in findings.values() for finding in folds.values()]
    return {
        "preset": first if has_preset else None,
        scoring.main_score: results[first][scoring.main_score],
        "methods": results,
        "differences": {name: scoring.difference(findings[first], findings[name]) for name in others if has_preset},
        "made_with": [one for number, one in enumerate(made_with) if one not in made_with[:number]],
        "timing": {"methods": {name: _timing(folds) for name, folds in findings.items()}},
    }


def _timing(findings: Mapping[str, Json]) -> Json:
    """Seconds of training and of recognition, for each fold and on average."""
    folds = {name: dict(finding["timing"]) for name, finding in findings.items()}
    means = {key: float(np.mean([one[key] for one in folds.values()])) for key in ("fit_s", "predict_s")}
    return {**means, "folds": folds}


def _draw(result: Json, scoring: Scoring, path: Path) -> None:
    from harken.reports.figures.confusion import confusion_panel
    from harken.reports.figures.style import save_png

    first = next(iter(result["methods"].values()))
    save_png(confusion_panel(scoring.together(first), "percent_of_truth"), path)


def _draw_for_paper(methods: Json, scoring: Scoring, out: Path, kind: FigureKind) -> None:
    """Draw the confusion matrix of each method, and the people of the first method beside each other method."""
    from harken.reports.figures.confusion import confusion_for_paper
    from harken.reports.figures.paired import paired_picture
    from harken.reports.figures.style import save_for_paper

    figures = {}
    for name, method in methods.items():
        figures[f"confusion_{name}"] = confusion_for_paper(scoring.together(method), title=name)
    first, *others = methods
    now = macro_f1_of_people(methods[first])
    for name in others:
        before = macro_f1_of_people(methods[name])
        pairs = {person: (before[person], now[person]) for person in now if person in before}
        figures[f"paired_{name}_{first}"] = paired_picture((name, first), pairs)
    for name, figure in figures.items():
        save_for_paper(figure, out / f"{file_stem(name)}.{kind}")
