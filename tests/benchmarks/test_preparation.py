"""The benchmark of preparation runs, on a few hours, and says what it found."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_a_short_run(tmp_path: Path) -> None:
    out = tmp_path / "result.json"
    command = [
        sys.executable,
        "-m",
        "benchmarks.speed.preparation",
        "--days",
        "0.1",
        "--rate",
        "25",
        "--json",
        str(out),
    ]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert ran.returncode == 0, ran.stderr
    result = json.loads(out.read_text())
    ours = result["results"]["harken"]
    assert 0.9 < ours["samples"] / (0.1 * 86400 * 30) < 1.01
    assert ours["user_s"] > 0
    assert ours["peak_mb"] < 500
    assert "harken" in ran.stdout
