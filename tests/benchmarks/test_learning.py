"""The benchmark of Learn runs, on three minutes and one epoch."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_a_short_run(tmp_path: Path) -> None:
    out = tmp_path / "result.json"
    words = ["--minutes", "3", "--rate", "25", "--epochs", "1", "--json", str(out)]
    command = [sys.executable, "-m", "benchmarks.speed.learning", *words]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert ran.returncode == 0, ran.stderr
    result = json.loads(out.read_text(encoding="utf-8"))
    for how in ("adapt", "train"):
        assert result[how]["tested_windows"] > 0
        assert 0 < result[how]["seconds"] < 600
