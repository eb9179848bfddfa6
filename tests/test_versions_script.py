"""The lowest versions come from pyproject.toml, and a Python that is not installed is skipped by name."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).parents[1]

PYPROJECT = """
[project]
dependencies = ["numpy>=1.26", "torch>=2.4,<3", "tzdata>=2024.1; platform_system == 'Windows'"]
[project.optional-dependencies]
serve = ["uvicorn[standard]>=0.35"]
bench = ["jax>=0.4.30"]
dev = ["ruff"]
all = ["harken[dev,serve]"]
"""


def lowest(path: Path, *left_out: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(TOP / "script" / "lowest.py"), str(path), *left_out]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_every_minimum_becomes_a_constraint(tmp_path: Path) -> None:
    path = tmp_path / "pyproject.toml"
    path.write_text(PYPROJECT)
    assert lowest(path, "Torch").stdout.splitlines() == [
        "numpy==1.26",
        'tzdata==2024.1; platform_system == "Windows"',
        "uvicorn==0.35",
    ]
    assert "torch==2.4" in lowest(path).stdout


def test_a_library_without_a_minimum_is_named(tmp_path: Path) -> None:
    path = tmp_path / "pyproject.toml"
    path.write_text(PYPROJECT.replace("numpy>=1.26", "numpy"))
    assert lowest(path).stderr == "numpy in pyproject.toml has no lowest version: write numpy>=VERSION.\n"


def test_every_library_of_harken_has_a_minimum() -> None:
    ran = lowest(TOP / "pyproject.toml")
    assert ran.returncode == 0, ran.stderr


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
def test_a_python_that_is_not_installed_is_skipped(tmp_path: Path) -> None:
    for name in ("bash", "dirname", "mkdir"):
        (tmp_path / name).symlink_to(shutil.which(name) or name)
    command = ["bash", str(TOP / "script" / "versions"), "--only", "3.12"]
    ran = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, "PATH": str(tmp_path)}
    )
    assert "Python 3.12, the newest versions: skipped: no python3.12 here" in ran.stdout
    assert ran.returncode == 1
    assert ran.stderr == "No Python was found, so nothing was tested.\n"


def test_another_python_is_refused() -> None:
    ran = subprocess.run([TOP / "script" / "versions", "--only", "3.9"], capture_output=True, text=True, check=False)
    assert ran.returncode == 1
    assert ran.stderr == "--only takes one of 3.11 3.12 3.13.\n"
