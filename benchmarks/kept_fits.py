"""What studies of several fits have in common: each fit is learned and scored by one thread, and kept as a JSON file.

A study says which windows there are and which of them each fit learns from and is tested on; ``computed`` runs the
fits that are not in its folder yet. What decides a fit's result is kept with it, so that a folder is never gone on
with under other settings, data or code that divides the windows in another way.
"""

import hashlib
import multiprocessing
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from harken.benchmarking.directory import BenchmarkDirectory
from harken.benchmarking.fingerprint import describe_windows
from harken.benchmarking.job import Finding
from harken.benchmarking.machine import THREADS, made_with
from harken.benchmarking.methods import Method
from harken.calibration import expected_calibration_error
from harken.scores import score_people
from harken.windows import Windows

Rows = NDArray[np.int64]
"""Which of a study's windows, ``[n]``."""


@dataclass(frozen=True, eq=False)
class Fit:
    """One method learned once.

    Attributes:
        name: of the division into training and test, unique among those of the study.
        method: what learns.
        training: the windows that it learns from.
        tests: the windows that it is tested on, by the name of the test.
    """

    name: str
    method: Method
    training: Rows
    tests: Mapping[str, Rows]

    def decided_by(self, windows: str) -> dict[str, Any]:
        """All that decides what is found out, for JSON. ``windows``: their fingerprint."""
        return {
            "windows": windows,
            "method": self.method.settings(),
            "training": _digest(self.training),
            "tests": {name: _digest(rows) for name, rows in self.tests.items()},
        }


def measured(fit: Fit, windows: Windows) -> dict[str, Any]:
    """Learn, be asked, be scored: for JSON."""
    torch.set_num_threads(THREADS)
    with threadpool_limits(THREADS):
        training = windows[fit.training]
        started = time.perf_counter()
        learned = fit.method.fit(training)
        fitted = time.perf_counter()
        tests = {}
        for name, rows in fit.tests.items():
            test = windows[rows]
            probabilities = learned.probabilities(test)
            codes = test.label_codes.astype(np.int64)
            scores = score_people(codes, probabilities.argmax(axis=1), test.subjects, test.label_names)
            tests[name] = {
                "test_windows": len(test),
                "scores": scores.as_dict(),
                "expected_calibration_error": expected_calibration_error(probabilities, codes),
            }
        predicted = time.perf_counter()
    return {
        "training_windows": len(training),
        "tests": tests,
        "made_with": made_with(),
        "timing": {"fit_s": fitted - started, "predict_s": predicted - fitted},
    }


def computed(
    fits: Sequence[Fit], windows: Windows, directory: BenchmarkDirectory, *, workers: int
) -> dict[tuple[str, str], dict[str, Any]]:
    """Run what is missing and say so as it ends. Returns what ``directory`` then holds, by division and method.

    Args:
        fits: those of the study.
        windows: what their rows point into.
        directory: where findings are kept.
        workers: processes, of one thread each; 0 is this process alone.

    Raises:
        HarkenError: when something else decided what is kept, or it is damaged.
    """
    fingerprint = describe_windows(windows)["fingerprint"]

    def kept(fit: Fit) -> dict[str, Any] | None:
        return directory.read(fit.name, fit.method.name, fit.decided_by(fingerprint), has_model=False)

    missing = [fit for fit in fits if kept(fit) is None]
    missing.sort(key=lambda fit: fit.method.effort(len(fit.training)), reverse=True)
    for number, (fit, found) in enumerate(_each(missing, windows, workers), start=1):
        directory.write(fit.name, fit.method.name, fit.decided_by(fingerprint), Finding(found, None))
        seconds = sum(found["timing"].values())
        print(f"{number} of {len(missing)}: {fit.name}, {fit.method.name}, {seconds:.0f} s", flush=True)
    everything = {(fit.name, fit.method.name): kept(fit) for fit in fits}
    return {key: found for key, found in everything.items() if found is not None}


def _digest(rows: Rows) -> dict[str, Any]:
    return {"windows": len(rows), "rows": hashlib.sha256(rows.astype("<i8").tobytes()).hexdigest()}


def _each(fits: Sequence[Fit], windows: Windows, workers: int) -> Iterator[tuple[Fit, dict[str, Any]]]:
    """Each fit and what it found out, as they end."""
    if not fits:
        return
    if workers == 0:
        yield from ((fit, measured(fit, windows)) for fit in fits)
        return
    spawn = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(min(workers, len(fits)), mp_context=spawn, initializer=_begin, initargs=(windows,))
    try:
        running = {pool.submit(_measured_here, fit): fit for fit in fits}
        for finished in as_completed(running):
            yield running[finished], finished.result()
    finally:
        pool.shutdown(cancel_futures=True)


_windows: Windows | None = None
"""In a worker process: those of the study."""


def _begin(windows: Windows) -> None:
    global _windows
    _windows = windows


def _measured_here(fit: Fit) -> dict[str, Any]:
    if _windows is None:
        raise RuntimeError("this process was not begun as a worker")
    return measured(fit, _windows)
