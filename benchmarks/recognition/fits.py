"""What studies of several fits have in common: each fit is learned and scored by one thread, and kept as a JSON file.

A study says which windows there are and which of them each fit learns from and is tested on; ``computed`` runs the
fits that are not in its folder yet. What decides a fit's result is kept with it, so that a folder is never gone on
with under other settings, data or code that divides the windows in another way.
"""

import hashlib
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harken.benchmarking.directory import BenchmarkDirectory
from harken.benchmarking.fingerprint import describe_windows
from harken.benchmarking.job import Finding, alone_on_one_thread, scored
from harken.benchmarking.machine import made_with
from harken.benchmarking.methods import Method
from harken.benchmarking.workers import InThisProcess, Processes, Workers
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

    def run(self, windows: Windows) -> Finding:
        """Learn, be asked, be scored, with one thread: for JSON."""
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
