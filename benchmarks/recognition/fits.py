"""Fits of a study: each is trained and scored by one thread, and kept as a JSON file.

A study lists its fits: the windows that each is trained on and tested on. ``computed`` runs those that are not in the
study's folder yet. Each file also holds everything that decides its result, so that a folder is never continued with
other settings, other data, or another division of the windows.
"""

import hashlib
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harken.evaluation.benchmark.directory import BenchmarkDirectory
from harken.evaluation.benchmark.machine import made_with
from harken.evaluation.benchmark.methods import Method
from harken.evaluation.benchmark.result import describe_windows
from harken.evaluation.benchmark.tasks import alone_on_one_thread, scored
from harken.evaluation.benchmark.workers import Finding, InThisProcess, Processes, Workers
from harken.windows.windows import Windows

Rows = NDArray[np.int64]
"""Indices into a study's windows, ``[n]``."""


@dataclass(frozen=True, eq=False)
class Fit:
    """One method, trained once.

    Attributes:
        name: of the division into training and test, unique in the study.
        method: what is trained.
        training: the training windows.
        tests: the test windows, by the name of the test.
    """

    name: str
    method: Method
    training: Rows
    tests: Mapping[str, Rows]

    def decided_by(self, windows: str) -> dict[str, Any]:
        """Everything that decides the result, for JSON. ``windows`` is the fingerprint of the study's windows."""
        return {
            "windows": windows,
            "method": self.method.settings(),
            "training": _digest(self.training),
            "tests": {name: _digest(rows) for name, rows in self.tests.items()},
        }

    def run(self, windows: Windows) -> Finding:
        """Train, predict and score with one thread. Returns the result for JSON."""
        with alone_on_one_thread():
            training = windows[self.training]
            started = time.perf_counter()
            learned = self.method.fit(training)
            fitted = time.perf_counter()
            tests = {}
            for name, rows in self.tests.items():
                test = windows[rows]
                tests[name] = scored(learned.probabilities(test), test)
            predicted = time.perf_counter()
        content = {
            "training_windows": len(training),
            "tests": tests,
            "made_with": made_with(),
            "timing": {"fit_s": fitted - started, "predict_s": predicted - fitted},
        }
        return Finding(content, None)


def computed(
    fits: Sequence[Fit], windows: Windows, directory: BenchmarkDirectory, *, workers: int
) -> dict[tuple[str, str], dict[str, Any]]:
    """Run the missing fits and print a line for each. Returns all results in ``directory``, by division and method.

    Args:
        fits: all fits of the study.
        windows: the study's windows, into which their rows point.
        directory: where results are kept.
        workers: processes with one thread each; 0 runs everything in this process.

    Raises:
        HarkenError: when a kept result was made with other settings or windows, or is damaged.
    """
    fingerprint = describe_windows(windows)["fingerprint"]

    def kept(fit: Fit) -> dict[str, Any] | None:
        return directory.read(fit.name, fit.method.name, fit.decided_by(fingerprint), has_model=False)

    missing = [fit for fit in fits if kept(fit) is None]
    missing.sort(key=lambda fit: fit.method.effort(len(fit.training)), reverse=True)
    where: Workers = Processes(workers, directory.path) if workers and missing else InThisProcess()
    with closing(where.run(missing, windows)) as running:
        for number, (fit, found) in enumerate(running, start=1):
            directory.write(fit.name, fit.method.name, fit.decided_by(fingerprint), found)
            seconds = sum(found.content["timing"].values())
            print(f"{number} of {len(missing)}: {fit.name}, {fit.method.name}, {seconds:.0f} s", flush=True)
    everything = {(fit.name, fit.method.name): kept(fit) for fit in fits}
    return {key: found for key, found in everything.items() if found is not None}


def _digest(rows: Rows) -> dict[str, Any]:
    return {"windows": len(rows), "rows": hashlib.sha256(rows.astype("<i8").tobytes()).hexdigest()}
