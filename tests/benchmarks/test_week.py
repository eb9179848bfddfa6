"""The benchmark of a week runs, on half an hour, and says where time and memory went."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def test_a_short_run(tmp_path: Path) -> None:
    out = tmp_path / "result.json"
    short = ["--days", "0.02", "--rate", "25", "--cores", "1", "--folder", str(tmp_path / "files")]
    command = [sys.executable, "-m", "benchmarks.speed.week", *short, "--json", str(out), "--beside", str(ROOT)]
    command += ["--instructions", "avx2", "--neighbour"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert ran.returncode == 0, ran.stderr
    result = json.loads(out.read_text(encoding="utf-8"))
    found, beside = (of["days"]["0.02"] for of in (result, result["beside"]))
    assert list(found["stages"]) == ["hash", "read", "movement", "label", "smooth", "write"]
    assert found["wall_s"] == pytest.approx(sum(stage["wall_s"] for stage in found["stages"].values()))
    assert 100 < found["peak_mb"] < 2000
    assert sum(found["seconds_by_label"].values()) == pytest.approx(0.02 * 86_400, rel=0.1)
    assert found["report_bytes"] > 10_000
    assert result["conditions"]["limit"] == "avx2"
    assert result["conditions"]["neighbour"]["cores"] > 0
    assert "0.02 days here: " in ran.stdout
    assert beside["fastest"]["seconds_by_label"] == found["seconds_by_label"]
    assert beside["ratios"]["wall_s"] == found["wall_s"] / beside["fastest"]["wall_s"]
