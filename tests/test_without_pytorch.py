"""The core install has no PyTorch, SciPy or scikit-learn. It labels, serves, inspects, and says what training needs."""

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import people
from harken import label_file

pytestmark = pytest.mark.second_stage

TOP = Path(__file__).parents[1]
MISSING = ("torch", "scipy", "sklearn")


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of a new environment with the core install and the extra ``serve``; workers of one run share it."""
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID")
    base = tmp_path_factory.getbasetemp()
    folder = base / "without_pytorch" if run is None else base.parent / f"without_pytorch_{run}"
    done = folder.with_name(f"{folder.name}.done")
    try:
        folder.mkdir()
    except FileExistsError:  # another worker makes it
        deadline = time.monotonic() + 300
        while not done.exists():
            assert time.monotonic() < deadline, "the other worker did not finish the environment"
            time.sleep(0.2)
    else:
        make_environment(folder)
        done.touch()
    return python_of(folder)


def python_of(folder: Path) -> Path:
    return folder / ("Scripts" if os.name == "nt" else "bin") / "python"


def make_environment(folder: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    pip = [str(python_of(folder)), "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-compile"]
    environment = os.environ | {"HARKEN_NATIVE_BUILD": "0"}  # the library that is built already is used
    subprocess.run([*pip, "--editable", f"{TOP}[serve]"], env=environment, check=True)
    # The demo's recordings lie in this package, which is not imported, so it needs no dependencies.
    subprocess.run([*pip, "--no-deps", "seglearn"], check=True)


def environment_of_its_own() -> dict[str, str]:
    """Variables with which only this harken is found, and what is compiled at the first import is kept."""
    return {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONDONTWRITEBYTECODE")}


def run(python: Path, words: Sequence[object], **options: object) -> subprocess.CompletedProcess[str]:
    command = [str(python), "-m", "harken", *map(str, words)]
    return subprocess.run(command, env=environment_of_its_own(), capture_output=True, text=True, check=False, **options)  # type: ignore[call-overload,no-any-return]


def test_the_environment_lacks_them(python: Path) -> None:
    program = f"from importlib.util import find_spec; print([name for name in {MISSING} if find_spec(name)])"
    ran = subprocess.run([python, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


def test_it_labels_with_the_probabilities_of_this_environment(python: Path, tmp_path: Path) -> None:
    path = people.write_person(tmp_path / "bob.csv", 2)
    ran = run(python, ["label", path, "--out", tmp_path / "labels"])
    assert ran.returncode == 0, ran.stderr
    found = pl.read_parquet(next((tmp_path / "labels").rglob("timeline.parquet")))
    here = label_file(path, out=tmp_path / "here")
    expected = pl.read_parquet(tmp_path / "here" / "timeline.parquet")
    assert found["label"].to_list() == expected["label"].to_list()
    columns = [f"probability_{label}" for label in here.timeline.labels]
    np.testing.assert_allclose(found[columns].to_numpy(), expected[columns].to_numpy(), atol=1e-6)


def test_it_inspects_and_simulates(python: Path, tmp_path: Path) -> None:
    made = run(python, ["simulate", "--days", "0.02", "--rate", "25", "--out", tmp_path / "me.csv"])
    assert made.returncode == 0, made.stderr
    ran = run(python, ["inspect", tmp_path / "me.csv"])
    assert ran.returncode == 0, ran.stderr
    assert "25" in ran.stdout


def test_it_adapts_to_a_wearer(python: Path, tmp_path: Path) -> None:
    bouts = ("lying", "sitting", "walking") * 2
    path = people.write_person(tmp_path / "bob.csv", 2, bouts=bouts, seconds=40, gap_s=30)
    ran = run(python, ["adapt", "packaged", path, "--out", tmp_path / "bob.safetensors", "--json"])
    assert ran.returncode == 0, ran.stderr
    adapted = json.loads(ran.stdout)
    assert adapted["kept"]
    assert adapted["between_bouts"]
    assert (tmp_path / "bob.safetensors").exists()


def test_it_serves_the_demo(python: Path) -> None:
    words = [str(python), "-m", "harken", "serve", "--demo", "--no-open", "--port", "0"]
    with subprocess.Popen(
        words, env=environment_of_its_own(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as server:
        try:
            assert server.stdout is not None
            address = next(line.split()[-1] for line in server.stdout if "harken listens:" in line)
            deadline = time.monotonic() + 60
            while labels_of(address) == 0:
                assert time.monotonic() < deadline, "no label within a minute"
                time.sleep(0.5)
            with urllib.request.urlopen(f"{address}api/model", timeout=10) as answer:
                assert json.load(answer)["demo"]
        finally:
            server.terminate()


def labels_of(address: str) -> float:
    """The labels that a server has sent so far; 0 while it starts."""
    try:
        with urllib.request.urlopen(f"{address}metrics", timeout=10) as answer:
            lines = answer.read().decode().splitlines()
    except OSError:
        return 0
    return sum(float(line.split()[-1]) for line in lines if line.startswith("harken_labels_total"))


@pytest.mark.parametrize("command", ["train", "evaluate", "benchmark", "export", "demo"])
def test_other_commands_say_in_one_sentence_what_to_install(python: Path, tmp_path: Path, command: str) -> None:
    path = people.write_person(tmp_path / "bob.csv", 2)
    words: dict[str, list[object]] = {
        "train": ["train", path, "--out", tmp_path / "run"],
        "evaluate": ["evaluate", "packaged", path],
        "export": ["export", "packaged", "--to", "onnx", "--out", tmp_path / "packaged.onnx"],
        "demo": ["demo", "--out", tmp_path / "demo"],
        "benchmark": [
            "benchmark",
            "dsads",
            "--data",
            tmp_path,
            "--protocol",
            "leave-one-person-out",
            "--out",
            tmp_path / "b",
        ],
    }
    ran = run(python, words[command])
    assert (ran.returncode, ran.stdout) == (2, "")
    [line] = ran.stderr.splitlines()
    assert f"harken {command} needs PyTorch, SciPy and scikit-learn, which are not installed: " in line
    assert 'pip install "harken[train]"' in line


def test_python_says_it_too(python: Path) -> None:
    program = "import harken\ntry:\n    harken.train\nexcept harken.HarkenError as error:\n    print(error)"
    ran = subprocess.run([python, "-c", program], capture_output=True, text=True, check=True)
    assert "harken.train needs " in ran.stdout
    assert "harken[train]" in ran.stdout
