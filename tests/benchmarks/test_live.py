"""The benchmarks of the live server run from their command to their result, with few watches for some seconds."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.command import ROOT

pytestmark = [
    pytest.mark.second_stage,
    pytest.mark.skipif(sys.platform != "linux", reason="they read the memory of the server from /proc"),
]


def run_benchmark(name: str, out: Path, *options: str) -> tuple[int, dict[str, Any]]:
    """Run a benchmark; returns its exit code and its result."""
    command = [sys.executable, "-m", f"benchmarks.live.{name}", *options, "--json", str(out)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    finished = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=200, check=False
    )
    assert out.exists(), finished.stderr
    return finished.returncode, json.loads(out.read_text(encoding="utf-8"))


def test_every_label_of_some_watches_is_counted(tmp_path: Path) -> None:
    exit_code, content = run_benchmark("load", tmp_path / "load.json", "--watches", "4", "--seconds", "5")
    assert exit_code == 0
    (level,) = content["results"]
    assert level["watches"] == 4
    assert level["labels"] >= level["labels_expected_at_least"] > 0
    assert level["lost"] == level["closed_sockets"] == level["dropped_by_server"] == 0


def test_watches_are_served_beside_broken_clients(tmp_path: Path) -> None:
    """In so short a time no queue overflows, which the benchmark says with its exit code. Five watches are viewed."""
    exit_code, content = run_benchmark("soak", tmp_path / "soak.json", "--minutes", "0.4", "--watches", "10")
    assert content["all_watches_served"]
    assert content["flat"]
    assert content["labels"] > 0
    assert content["server"]["refused"] > 0
    assert exit_code == (0 if content["queues_overflowed_and_reported"] else 1)
