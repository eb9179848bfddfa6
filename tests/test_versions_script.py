"""The lowest versions come from pyproject.toml."""

import subprocess
import sys
from pathlib import Path

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


def test_every_library_of_harken_has_a_minimum() -> None:
    ran = lowest(TOP / "pyproject.toml")
    assert ran.returncode == 0, ran.stderr
