"""The run of a benchmark, from the protocol to the directory, resumable by fold and method."""

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

from harken.datasets.label_schemes import DEFAULT_SCHEME, SCHEMES
from harken.evaluation.benchmark.directory import BenchmarkDirectory, json_text
from harken.evaluation.benchmark.methods import check_sendable
from harken.evaluation.benchmark.page import markdown
from harken.evaluation.benchmark.result import (
    all_evaluations,
    describe_windows,
    difference,
    distinct,
    method_result,
    timing,
)
from harken.evaluation.benchmark.settings import BenchmarkSettings
from harken.evaluation.benchmark.studies import StudyTask, study_differences, study_result
from harken.evaluation.benchmark.tasks import BenchmarkDisplay, BenchmarkPlan, Clock, Finished
from harken.evaluation.benchmark.workers import InThisProcess, OnDask, Processes, Workers
from harken.evaluation.protocols.published import Protocol
from harken.evaluation.protocols.studies import SAMPLING
from harken.recordings.recording import UNLABELLED
from harken.support.errors import HarkenError
from harken.support.files import write_text
from harken.support.locks import written_alone
from harken.support.resources import usable_cores
from harken.windows.people import Fold, apply
from harken.windows.windows import Windows


def run_benchmark(settings: BenchmarkSettings, display: BenchmarkDisplay | None = None) -> dict[str, Any]:
    """Run the methods and folds that are not in the directory yet, and return the result of all.

    The result is also written as ``benchmark.json``; ``benchmark.md`` and ``confusion.png`` show it to people. The
    result of each method and fold is written when it ends, so that a stopped or killed benchmark loses only those that
    were running. The result has its durations under ``timing``; everything else in it is the same each time on the same
    machine.

    Raises:
        HarkenError: for an unknown protocol, method or fold; data that cannot be read; an ``out`` that is not empty,
            was made with other settings or data, or is written to by another process; a fold with the same person in
            training and test.
    """
    with written_alone(settings.out):
        return _run_benchmark(settings, display)


def _run_benchmark(settings: BenchmarkSettings, display: BenchmarkDisplay | None) -> dict[str, Any]:
    protocol = settings.chosen_protocol()
    every, workers = settings.methods(), _workers(settings)
    if isinstance(workers, Processes):
        check_sendable(every)
    directory = BenchmarkDirectory.open(settings.out, resume=settings.resume)
    windows = protocol.windows(*settings.folders)
    windows = windows[windows.label_codes != UNLABELLED]
    every_fold = protocol.folds(windows)
    folds = _chosen(protocol, every_fold, settings.folds)
    described = describe_windows(windows)
    shared = {"dataset": settings.dataset, "protocol": settings.protocol, "windows": described["fingerprint"]}
    plan = BenchmarkPlan(
        every, folds, {fold.name: len(apply(fold, windows).training) for fold in folds}, directory, shared
    )
    if settings.of_studies:
        plan = _of_studies(plan, settings, protocol)
    _compute(plan, windows, workers, display)
    result = _result(settings, protocol, plan, described, protocol_folds=len(every_fold))
    write_text(directory.result, json_text(result))
    picture = None if settings.of_studies else directory.confusion
    write_text(directory.page, markdown(result, confusion=None if picture is None else picture.name))
    if picture is not None:
        _draw(result, picture)
    return result


def _of_studies(plan: BenchmarkPlan, settings: BenchmarkSettings, protocol: Protocol) -> BenchmarkPlan:
    """The plan of a benchmark that leaves studies out."""
    scheme = settings.label_scheme or DEFAULT_SCHEME
    return replace(
        plan,
        shared={**plan.shared, "label_scheme": asdict(SCHEMES[scheme]), "sampling": dict(SAMPLING)},
        task=partial(StudyTask, scheme=scheme, folders=protocol.folders(*settings.folders)),
    )


def _chosen(protocol: Protocol, folds: Sequence[Fold], names: Sequence[str]) -> list[Fold]:
    """The folds with these names, or with these numbers if no fold has such a name; all folds if ``names`` is empty."""
    by_name = {str(number): fold for number, fold in enumerate(folds)} | {fold.name: fold for fold in folds}
    unknown = [name for name in names if name not in by_name]
    if unknown:
        known = ", ".join(fold.name for fold in folds)
        raise HarkenError(f"{protocol.dataset}/{protocol.name} has no fold {unknown[0]}; its folds are {known}")
    chosen = {by_name[name].name for name in names}
    return [fold for fold in folds if not chosen or fold.name in chosen]


def _workers(settings: BenchmarkSettings) -> Workers:
    if settings.scheduler is not None:
        return OnDask(settings.scheduler)
    if settings.workers == 0:
        return InThisProcess()
    return Processes(settings.workers or usable_cores(), settings.out)


def _compute(plan: BenchmarkPlan, windows: Windows, workers: Workers, display: BenchmarkDisplay | None) -> None:
    every = plan.tasks()
    waiting = [task for task in every if plan.finding(task) is None]
    if display is not None:
        display.begins(tasks=len(every), done=len(every) - len(waiting))
    if not waiting:
        return
    clock = Clock(plan, waiting)
    with closing(workers.run(waiting, windows)) as running:
        for task, finding in running:
            plan.directory.write(task.fold.name, task.method.name, plan.decides(task), finding)
            seconds = sum(finding.content["timing"].values())
            clock.count(task, seconds)
            if display is not None:
                display.finished(
                    Finished(
                        method=task.method.name,
                        fold=task.fold.name,
                        mean_person_macro_f1=finding.content["scores"]["mean_person_macro_f1"],
                        seconds=seconds,
                        done=len(every) - len(clock.waiting),
                        tasks=len(every),
                        elapsed_s=clock.elapsed_s(),
                        left_s=clock.left_s(workers.lanes),
                    )
                )


def _result(
    settings: BenchmarkSettings,
    protocol: Protocol,
    plan: BenchmarkPlan,
    described: Mapping[str, Any],
    *,
    protocol_folds: int,
) -> dict[str, Any]:
    """The result. It is made from the files alone, so a resumed and an uninterrupted benchmark give the same result."""
    findings: dict[str, dict[str, Any]] = {}
    for one in plan.methods:
        findings[one.name] = {fold.name: plan.finding(plan.task(one, fold)) for fold in plan.folds}
    first, *others = findings
    has_preset = settings.preset is not None
    summary, gain = (study_result, study_differences) if settings.of_studies else (method_result, difference)
    results = {name: summary(folds) for name, folds in findings.items()}
    mean = "main_score" if settings.of_studies else "mean_person_macro_f1"
    return {
        "command": settings.command(),
        "dataset": settings.dataset,
        "protocol": settings.protocol,
        "measures": protocol.measures,
        "windows": dict(described),
        "folds": {fold.name: {"training": list(fold.training), "test": list(fold.test)} for fold in plan.folds},
        "protocol_folds": protocol_folds,
        "seed": settings.seed,
        "preset": first if has_preset else None,
        mean: results[first][mean],
        "methods": results,
        "differences": {name: gain(findings[first], findings[name]) for name in others if has_preset},
        "made_with": distinct([one["made_with"] for folds in findings.values() for one in folds.values()]),
        "timing": {"methods": {name: timing(folds) for name, folds in findings.items()}},
    }


def _draw(result: Mapping[str, Any], path: Path) -> None:
    from harken.reports.figures.confusion import confusion_panel
    from harken.reports.figures.style import save_png

    first = next(iter(result["methods"].values()))
    save_png(confusion_panel(all_evaluations(first), "percent_of_truth"), path)
