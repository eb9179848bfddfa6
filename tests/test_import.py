"""``import harken`` is quick, because heavy parts load when they are used. (Which: see test_repository.)"""

import subprocess
import sys
from pathlib import Path

import pytest

import harken
from harken.cli.app import COMMANDS
from harken.datasets.simulated import Simulation, write_simulation

PROGRAM = """
import time
began = time.process_time()
import harken
print(time.process_time() - began)
"""


def test_import_is_quick() -> None:
    ran = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert float(ran.stdout) < 0.3


def test_the_public_names_are_listed_and_no_others() -> None:
    assert set(dir(harken)) == set(harken.__all__)


def test_unknown_name() -> None:
    with pytest.raises(AttributeError, match="module 'harken' has no attribute 'hearken'"):
        _ = harken.hearken


def test_a_model_loads_without_any_reader_of_a_file() -> None:
    program = "import sys; from harken import Recogniser; Recogniser.load(); print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not [module for module in ran.stdout.split() if module.startswith("harken.readers")]


PRINTS_MODULES = """
import sys
from harken.cli import main
try:
    main()
finally:
    print(*sys.modules, file=sys.stderr)
"""


@pytest.mark.parametrize("words", [("--help",), ("inspect", "small.csv"), ("label", "small.csv", "--out", "labels")])
def test_a_command_does_not_import_what_it_does_not_use(words: tuple[str, ...], tmp_path: Path) -> None:
    write_simulation(Simulation(days=0.002, sample_rate_hz=30.0), tmp_path / "small.csv")
    command = [sys.executable, "-c", PRINTS_MODULES, *words]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr
    imported = {module.split(".")[0] for module in ran.stderr.splitlines()[-1].split()}
    assert "harken" in imported
    assert not imported & {"torch", "scipy", "sklearn"}
    assert words[0] == "label" or "matplotlib" not in imported
    if words == ("--help",):
        assert not imported & {"polars", "safetensors"}


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_a_command_does_not_wait_for_what_only_its_work_needs(name: str) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", PRINTS_MODULES, name, "--help"], capture_output=True, text=True, check=True
    )
    assert not {"numpy", "polars", "matplotlib", "torch"} & set(ran.stderr.split())
