"""The benchmark of an installation measures a process, and only that process."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.paths import ROOT
from benchmarks.speed import installation

NUMPY_IN_A_PACKAGE_MB = 20
IN_A_SMALL_PROCESS = """
import json, sys
from benchmarks.speed.installation import measured
print(json.dumps(measured(sys.argv[1:])))
"""


def measured_by_a_small_process(*words: str) -> dict[str, float]:
    """Linux counts a parent's peak memory for its children, and that of the tests is large."""
    command = [sys.executable, "-c", IN_A_SMALL_PROCESS, sys.executable, *words]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    found: dict[str, float] = json.loads(ran.stdout)
    return found


def test_time_and_memory_are_of_the_process(tmp_path: Path) -> None:
    megabytes = 200
    program = f"import time; kept = b'1' * {megabytes * 10**6}; time.sleep(0.2); print(0.125)"
    script = tmp_path / "program.py"
    script.write_text(program, encoding="utf-8")
    small, large = measured_by_a_small_process("-V"), measured_by_a_small_process(str(script))
    assert large["peak_mb"] - small["peak_mb"] == pytest.approx(megabytes, rel=0.2)
    assert large["wall_s"] > 0.2
    assert 0 < large["cpu_s"] < 5
    assert measured_by_a_small_process("-c", program)["wall_s"] == 0.125  # as the program measured it


def test_a_failure_is_not_measured() -> None:
    with pytest.raises(SystemExit, match="no such thing"):
        installation.measured([sys.executable, "-c", "raise SystemExit('no such thing')"])


def test_settings_of_this_environment_do_not_reach_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "somewhere")
    monkeypatch.setenv("HARKEN_NATIVE", "0")
    program = "import os; print(float(any(name in os.environ for name in ('PYTHONPATH', 'HARKEN_NATIVE'))))"
    assert installation.measured([sys.executable, "-c", program])["wall_s"] == 0


def test_sizes_are_of_installed_packages() -> None:
    sizes = installation.package_sizes(Path(sys.executable))
    assert sizes["numpy"] > NUMPY_IN_A_PACKAGE_MB * 10**6
    assert sizes["rich"] < sizes["numpy"]


def test_the_commit_is_that_of_the_checkout() -> None:
    assert len(installation.git_commit(ROOT).removesuffix(" + changes")) == 40


def test_the_first_probabilities_come_from_the_packaged_model(capfd: pytest.CaptureFixture[str]) -> None:
    exec(compile(installation.FIRST_PROBABILITIES, "first", "exec"), {})
    assert float(capfd.readouterr().out) > 0
