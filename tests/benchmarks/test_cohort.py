"""The benchmark of many files runs, on two of half an hour, and its three ways give the same results."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def test_a_short_run(tmp_path: Path) -> None:
    pytest.importorskip("distributed", reason="the extra cluster is not installed")
    out = tmp_path / "result.json"
    short = ["--files", "2", "--days", "0.02", "--rate", "25", "--lanes", "1"]
    command = [sys.executable, "-m", "benchmarks.speed.cohort", *short, "--json", str(out)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert ran.returncode == 0, ran.stderr
    result = json.loads(out.read_text(encoding="utf-8"))
    assert result["same_results"] is True
    assert list(result["seconds"]) == ["one process", "processes", "dask"]
    assert result["speed_up"]["one process"] == 1
    assert (result["files"], result["days"]) == (2, 0.02)
