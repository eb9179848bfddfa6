"""The environment of a result: versions, the commit of harken's source, and the machine."""

import os
import platform
import subprocess
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from harken import __version__

PACKAGES = ("numpy", "scipy", "scikit-learn", "torch", "aeon", "numba")
"""The packages that compute. A package that is not installed is left out."""
THREADS = 1


@cache
def made_with() -> dict[str, Any]:
    """Values for JSON: everything besides data and settings that may change a score."""
    return {
        "harken_version": __version__,
        "git_commit": _commit(),
        "versions": {"python": platform.python_version(), **_versions()},
        "machine": {
            "processor": _processor(),
            "instructions": torch.backends.cpu.get_cpu_capability(),
            "cores": os.cpu_count(),
            "threads": THREADS,
        },
    }


def _versions() -> dict[str, str]:
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


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
