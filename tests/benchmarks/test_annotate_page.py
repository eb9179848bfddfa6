"""The benchmark of annotate's page runs, on an hour."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from browser import chromium

ROOT = Path(__file__).parents[2]


def test_a_short_run(tmp_path: Path) -> None:
    pytest.importorskip("fastapi", reason="fastapi is not installed (extra serve)")
    with chromium():
        pass  # skips this test where there is none
    out = tmp_path / "result.json"
    words = ["--days", "0.04", "--rate", "25", "--rounds", "1", "--frames", "60", "--json", str(out)]
    command = [sys.executable, "-m", "benchmarks.annotating.page", *words]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert ran.returncode == 0, ran.stderr
    result = json.loads(out.read_text(encoding="utf-8"))
    for kind in ("cold", "cached"):
        found = result["first_paint"][kind]["median"]
        assert 0 < found["paint_ms"] <= 1000 * found["complete_s"] + 1000
    for window in ("desktop", "tablet"):
        for which in ("first_pass", "second_pass"):
            found = result["frames"][window][which]
            assert 0 < found["median_ms"] <= found["p95_ms"] <= found["longest_ms"]
            assert 1 < found["frames_per_s"] <= 61
    assert "bout" in result["frames"]["bouts"]
