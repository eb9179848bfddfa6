"""Measurements can be limited to older instructions, and be made beside a busy process that always ends."""

import json
import os
import subprocess
import sys
import time

import pytest

from benchmarks.command import ROOT
from benchmarks.instructions import LIMITS, in_use
from benchmarks.neighbour import busy_neighbour

PROGRAM = """
import argparse, json, os
from benchmarks.conditions import add_conditions, conditions
parser = argparse.ArgumentParser()
add_conditions(parser)
with conditions(parser.parse_args(), ("NumPy", "OpenBLAS", "PyTorch", "no such program")) as record:
    during = os.environ.get("HARKEN_NATIVE")
print(json.dumps({"record": record, "during": during}))
"""


def under(*options: str) -> dict[str, object]:
    """What the program above prints with these options."""
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM, *options], capture_output=True, text=True, check=True, cwd=ROOT
    )
    found: dict[str, object] = json.loads(ran.stdout)
    return found


def test_no_condition(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HARKEN_NATIVE", raising=False)
    assert under() == {"record": {"limit": None, "neighbour": None}, "during": None}


def test_a_limit_holds_for_the_whole_process_and_is_recorded_with_what_programs_use() -> None:
    found = under("--instructions", "avx2")
    record = found["record"]
    assert isinstance(record, dict)
    assert found["during"] == "avx2"
    assert record["environment"] == LIMITS["avx2"]
    assert set(record["in_use"]) == {"NumPy", "OpenBLAS", "PyTorch"}
    assert "512" not in str(record["in_use"])
    assert "V3" in record["in_use"]["NumPy"] or "AVX2" in record["in_use"]["NumPy"]


def test_a_limit_takes_something_away_on_a_processor_that_has_more(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in LIMITS["avx2"]:
        monkeypatch.delenv(name, raising=False)
    everything = in_use(["NumPy", "PyTorch"])
    if "512" not in everything["PyTorch"]:
        pytest.skip("this processor has no AVX-512")
    assert "512" in everything["NumPy"] or "V4" in everything["NumPy"]
    for name, value in LIMITS["avx2"].items():
        monkeypatch.setenv(name, value)
    limited = in_use(everything)
    assert limited.keys() == everything.keys()
    assert "512" not in str(limited)


def test_a_neighbour_is_busy_and_ends() -> None:
    with busy_neighbour() as record:
        time.sleep(0.5)
        assert record == {}
    assert 0 < record["cores"] <= 1.1
    with pytest.raises(ZeroDivisionError), busy_neighbour():
        raise ZeroDivisionError


def test_a_neighbour_ends_when_its_input_is_closed_as_the_end_of_its_parent_does() -> None:
    words = [sys.executable, "-m", "benchmarks.neighbour"]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    with subprocess.Popen(
        words, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "busy\n"
        assert process.poll() is None
        process.stdin.close()
        assert process.wait(timeout=20) == 0
