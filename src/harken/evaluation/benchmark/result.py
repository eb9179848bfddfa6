"""What all results of benchmarks have: the windows and the environment; and whether two are of the same data."""

import hashlib
import json
import os
import platform
import subprocess
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
import torch

from harken import __version__
from harken.support.errors import HarkenError, first_difference
from harken.support.files import Json, read_json
from harken.support.plugins import is_installed
from harken.windows.windows import Windows

WINDOWS_AT_ONCE = 4096
PACKAGES = ("numpy", "scipy", "scikit-learn", "torch", "aeon", "numba")
"""The packages that compute. A package that is not installed is left out."""
THREADS = 1


class _Score(TypedDict):
    macro_f1: float


class _Fold(TypedDict):
    people: dict[str, _Score]


class _Method(TypedDict):
    folds: dict[str, _Fold]


class _Machine(TypedDict):
    processor: str
    instructions: str


class _MadeWith(TypedDict):
    machine: _Machine
    versions: dict[str, str]


class Result(TypedDict):
    """What a comparison needs of an earlier result."""

    methods: dict[str, _Method]
    windows: Json
    folds: Json
    made_with: list[_MadeWith]


def describe_windows(windows: Windows) -> Json:
    """Values for JSON: the number of windows, the people, and two fingerprints (SHA-256).

    ``fingerprint`` covers everything. ``layout_fingerprint`` covers the person, start and label of each window, but not
    the values of the signals. Resampling on another processor may change the last bit of a value; then only
    ``layout_fingerprint`` is the same.
    """
    layout = hashlib.sha256()
    for text in (*windows.channels, "", *windows.label_names, f"{windows.sample_rate_hz:.6f}", *windows.subjects):
        layout.update(f"{text}\0".encode())
    for array in (windows.label_codes, windows.starts_ns, windows.start_rows):
        layout.update(np.ascontiguousarray(array).data)
    layout.update(repr(windows.signals.shape).encode())
    whole = layout.copy()
    for start in range(0, len(windows), WINDOWS_AT_ONCE):
        whole.update(np.ascontiguousarray(windows.signals[start : start + WINDOWS_AT_ONCE]).data)
    return {
        "fingerprint": whole.hexdigest(),
        "layout_fingerprint": layout.hexdigest(),
        "windows": len(windows),
        "people": len(np.unique(windows.subjects)),
        "window_length": windows.length,
        "sample_rate_hz": windows.sample_rate_hz,
        "channels": list(windows.channels),
        "labels": list(windows.label_names),
    }


@cache
def made_with() -> Json:
    """Values for JSON: everything besides data and settings that may change a score."""
    packages = {name: version(name) for name in PACKAGES if is_installed(name)}
    return {
        "harken_version": __version__,
        "git_commit": _commit(),
        "versions": {"python": platform.python_version(), **packages},
        "machine": {
            "processor": _processor(),
            "instructions": torch.backends.cpu.get_cpu_capability(),
            "cores": os.cpu_count(),
            "threads": THREADS,
        },
    }


def _commit() -> str | None:
    """The commit of the running source, with ``+ changes`` if it was edited since; None outside a repository."""
    source = Path(__file__).parents[2]
    # An installed copy may lie inside another repository without being part of it.
    if not _git(source, "ls-files", "__init__.py"):
        return None
    commit = _git(source, "rev-parse", "HEAD")
    return f"{commit} + changes" if commit and _git(source, "status", "--porcelain", ".") else commit


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        ended = subprocess.run(
            ["git", "-C", str(folder), "--no-optional-locks", *arguments],
            capture_output=True,
            text=True,
            check=False,
            timeout=10,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return ended.stdout.strip() or None if ended.returncode == 0 else None


def _processor() -> str:
    """The name of the processor, with its family and model, because several processors may have the same name."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    first: dict[str, str] = {}
    for key, _, value in (line.partition(":") for line in lines):
        first.setdefault(key.strip(), value.strip())
    name = first.get("model name") or platform.processor() or platform.machine()
    numbers = [f"{key} {first[key]}" for key in ("cpu family", "model") if key in first]
    return f"{name} ({', '.join(numbers)})" if numbers else name


def read_result(path: Path) -> Json:
    """Read a ``benchmark.json``.

    Raises:
        HarkenError: when the file is missing, or is not the result of a benchmark; when it has no method, or a macro F1
            is not a number from 0 to 1.
    """
    advice = "give a benchmark.json that harken benchmark wrote"
    result = read_json(path, Result, advice=advice)
    if not result["methods"]:
        raise HarkenError(f"it has no method, so there is nothing to compare; {advice}", path=path)
    for name, method in result["methods"].items():
        for (fold, person), macro_f1 in evaluations_of(method).items():
            if not 0 <= macro_f1 <= 1:  # also true for NaN
                raise HarkenError(
                    f"the macro F1 of {person} with {name} in fold {fold} is {macro_f1}, not a number from 0 "
                    f"to 1; {advice}",
                    path=path,
                )
    return result


def evaluations_of(method: Json) -> dict[tuple[str, str], float]:
    """Fold and person -> macro F1, in the ``summary`` of a method."""
    folds = method["folds"].items()
    return {(name, person): one["macro_f1"] for name, fold in folds for person, one in fold["people"].items()}


def _was_and_is(where: str, before: Any, now: Any) -> str:
    return f"{where} was {json.dumps(before)} and is {json.dumps(now)}"


def other_data(result: Json, earlier: Json) -> str | None:
    """Why two results are not of the same windows and people, or None if they are.

    The signals of windows that were made on different machines may differ in their last bits.
    """
    keys = ("dataset", "protocol")
    difference = first_difference({key: earlier.get(key) for key in keys}, {key: result.get(key) for key in keys})
    if difference is not None:
        return _was_and_is(*difference)
    key = "fingerprint" if _machines(result) == _machines(earlier) else "layout_fingerprint"
    if earlier["windows"].get(key) != result["windows"].get(key):
        return "it was made on other windows (their fingerprints differ)"
    for fold, people in result["folds"].items():
        if _has_other_people(people, earlier["folds"].get(fold, people)):
            return f"fold {fold} has other people"
    return None


def _has_other_people(people: Json, earlier: Json) -> bool:
    """Whether a fold has other people. A result in ``docs/results`` names its test people alone."""
    return any(people[part] != earlier[part] for part in people.keys() & earlier.keys())


def _machines(result: Json) -> set[str]:
    """Processors and versions, on which the last bits of numbers depend: each pair as text."""
    each = (
        (one["machine"]["processor"], one["machine"]["instructions"], one["versions"]) for one in result["made_with"]
    )
    return {json.dumps(one, sort_keys=True) for one in each}
