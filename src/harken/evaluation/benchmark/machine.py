"""What a result was made with: versions, the commit of harken's own source, and the machine."""

import os
import platform
import subprocess
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from harken import __version__

__all__ = ["made_with"]

PACKAGES = ("numpy", "scipy", "scikit-learn", "torch", "aeon", "numba")
"""Those that compute. One that is not installed is left out."""
THREADS = 1


@cache
def made_with() -> dict[str, Any]:
    """For JSON: whatever else than data and settings may have moved a score."""
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
    """The commit that the running source was checked out from, ``+ changes`` if it was edited since; None elsewhere."""
    source = Path(__file__).parents[1]
    # An installed copy may lie in somebody's repository without being part of it.
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
    """The processor as the system calls it, with its family and model: one name may stand for several of them."""
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
