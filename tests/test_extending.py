"""The package of docs/extending.md, with the examples ``own_*.py``, is installed, and the page's commands run."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import harken
import people

pytestmark = pytest.mark.second_stage

PAGE = (Path(__file__).parents[1] / "docs" / "extending.md").read_text(encoding="utf-8")
EXAMPLES = Path(__file__).parents[1] / "examples"
PROJECT = re.findall(r"^```toml\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)
COMMANDS = re.findall(r"^\$ harken (.*)$", PAGE.replace("\\\n", ""), flags=re.MULTILINE)
Python = Callable[..., "subprocess.CompletedProcess[str]"]


def command(beginning: str) -> list[str]:
    """The one command of the page that begins so."""
    (found,) = [one for one in COMMANDS if one.startswith(beginning)]
    return shlex.split(found)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the commands run: two recordings, and a table of three people."""
    folder = tmp_path_factory.mktemp("extending")
    for seed, name in enumerate(("alice", "bob"), 1):
        people.write_person(folder / f"{name}.csv", seed, seconds=20)
    people.write_study(folder / "study.csv", seconds=20)
    return folder


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the page's package is installed."""
    pytest.importorskip("hatchling", reason="hatchling is not installed, which builds the package of the page")
    source = tmp_path_factory.mktemp("source")
    for path in EXAMPLES.glob("own_*.py"):
        shutil.copy(path, source)
    (source / "pyproject.toml").write_text("".join(PROJECT), encoding="utf-8")
    site = tmp_path_factory.mktemp("site")
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check", "--quiet"]
    pip = [sys.executable, "-m", "pip", "install", *options, "--target", str(site), str(source)]
    subprocess.run(pip, check=True, capture_output=True, text=True)
    return site


@pytest.fixture(scope="module")
def run(folder: Path, site: Path) -> Python:
    """Runs Python with the installed package (or without), and checks its exit code."""

    def run(*arguments: str, exit_code: int = 0, installed: bool = True) -> "subprocess.CompletedProcess[str]":
        paths = [*([str(site)] if installed else []), str(Path(harken.__file__).parents[1])]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths), "COLUMNS": "200"}
        ended = subprocess.run(
            [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        assert ended.returncode == exit_code, ended.stderr
        return ended

    return run


@pytest.fixture(scope="module")
def trained(folder: Path, run: Python) -> Path:
    run("-m", "harken", *command("train "))
    return folder / "run"


def test_a_network_of_another_package_is_trained_and_exported(run: Python, trained: Path, folder: Path) -> None:
    specification = json.loads((trained / "run.json").read_text())["settings"]["preset"]
    assert (specification["network"], specification["sizes"]) == ("harken-tiny/tiny", {"width": 16})
    pytest.importorskip("onnxruntime", reason="the extra onnx is not installed")
    pytest.importorskip("onnx", reason="the extra onnx is not installed")
    run("-m", "harken", *command("export "))
    assert (folder / "tiny.onnx").stat().st_size > 1000


WITHOUT_PYTORCH = """
import sys
import numpy as np
from harken import Recogniser, read, sliding_windows
if sys.argv[1] == "without":
    sys.modules["torch"] = None
recogniser = Recogniser.load("run", device="cpu")
windows = sliding_windows(recogniser.specification_.prepare_recording(read("bob.csv")), length_s=10.0, hop_s=1.0)
assert not recogniser.uses_pytorch and not sys.modules.get("torch")
if sys.argv[1] == "with":  # the module of the same layers
    import torch
    with torch.inference_mode():
        made = recogniser.network_(torch.from_numpy(recogniser.specification_.prepare(windows))).numpy()
else:
    made = recogniser.predict_logits(windows)
np.save(sys.argv[1], made)
"""


def test_a_network_of_layers_labels_where_pytorch_cannot_be_imported(run: Python, trained: Path, folder: Path) -> None:
    for how in ("with", "without"):
        run("-c", WITHOUT_PYTORCH, how)
    np.testing.assert_allclose(np.load(folder / "without.npy"), np.load(folder / "with.npy"), atol=1e-4)


def test_processes_that_label_find_the_network(run: Python, trained: Path, folder: Path) -> None:
    run("-m", "harken", *command("label "))
    assert {path.parent.name for path in (folder / "labelled").glob("*/timeline.parquet")} == {"alice", "bob"}


def test_without_the_package_the_model_is_refused_by_name(run: Python, trained: Path) -> None:
    ended = run("-m", "harken", "evaluate", "run", "bob.csv", exit_code=2, installed=False)
    assert "the network 'tiny' comes with the package 'harken-tiny' (an entry point in the group harken.networks)" in (
        " ".join(ended.stderr.split())
    )


def test_a_table_of_several_people_is_benchmarked_by_two_processes(run: Python, folder: Path) -> None:
    run("-m", "harken", *command("benchmark study.csv --protocol leave-one-person-out --out measured"))
    result = json.loads((folder / "measured" / "benchmark.json").read_text())
    assert list(result["methods"]) == ["tiny", "sklearn.neighbors:KNeighborsClassifier"]
    assert list(result["folds"]) == ["alice", "bob", "carol"]
    assert result["methods"]["tiny"]["settings"]["preset"]["network"] == "harken-tiny/tiny"
    assert (folder / "measured" / "fold_carol" / "tiny.safetensors").exists()
    resumed = run("-m", "harken", *command("benchmark study.csv --protocol leave-one-person-out --out m"), "--resume")
    assert "6 of 6 are there already." in resumed.stderr


def test_a_data_set_of_another_package_has_a_name(run: Python, folder: Path) -> None:
    shown = run("-m", "harken", *command("datasets tiny_study"))
    assert "Lying, sitting and walking of three people" in shown.stdout
    assert "leave-one-person-out" in shown.stdout
    run("-m", "harken", *command("benchmark tiny_study --protocol leave-one-person-out"))
    result = json.loads((folder / "named" / "benchmark.json").read_text())
    assert (result["dataset"], list(result["folds"])) == ("tiny_study", ["carol"])


def test_a_protocol_of_another_package_divides_the_people(run: Python, folder: Path) -> None:
    run("-m", "harken", *command("benchmark tiny_study --protocol own_protocol"))
    result = json.loads((folder / "halves" / "benchmark.json").read_text())
    assert result["folds"] == {"second half": {"training": ["alice"], "test": ["bob", "carol"]}}


def test_a_network_of_the_running_script_reaches_worker_processes(run: Python, folder: Path) -> None:
    """It has no entry point, and another module's name there."""
    shutil.copy(EXAMPLES / "own_network.py", folder)
    script = (EXAMPLES / "own_module.py").read_text(encoding="utf-8")
    assert "workers=0" in script
    (folder / "script.py").write_text(script.replace("workers=0", "workers=1"), encoding="utf-8")
    run("script.py", "study.csv", "by_object", installed=False)
    result = json.loads((folder / "by_object" / "benchmark.json").read_text())
    assert list(result["methods"]) == ["wide", "sklearn.linear_model._ridge:RidgeClassifier"]
    assert result["methods"]["wide"]["settings"]["preset"]["network"] == "__main__:TinyModule"


def test_a_reader_of_another_package_reads_its_files(run: Python, folder: Path) -> None:
    pytest.importorskip("harken.readers.registry", reason="readers of other packages are not looked for yet")
    lines = [f"{t} {x / 9.80665} {y / 9.80665} {z / 9.80665}" for t, x, y, z, _, _ in people.person_rows(4, seconds=5)]
    (folder / "day.tiny").write_text("\n".join(["TINY WATCH", *lines]) + "\n")
    (found,) = json.loads(run("-m", "harken", *command("inspect "), "--json").stdout)
    assert (found["subject"], found["rows"]) == ("day", len(lines))
    assert run("-m", "harken", *command("inspect "), exit_code=2, installed=False).stderr
