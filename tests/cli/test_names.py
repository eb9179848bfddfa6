"""Names of files that are not UTF-8, or that hold commands to a terminal: every command shows and stores them."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from command_line import Run

pytestmark = pytest.mark.second_stage

NOT_UTF8, COMMAND = os.fsdecode(b"b\xf6rn"), "evil\x1b[31m\nname"
SHOWN = (r"b\xf6rn", r"evil\x1b[31m\nname")


@pytest.fixture
def odd(trained: Path, tmp_path: Path) -> Path:
    """A folder, whose own name is not UTF-8, of two people and a table that is none."""
    folder = tmp_path / os.fsdecode(b"f\xf6lder")
    try:
        folder.mkdir()
    except OSError:
        pytest.skip("this file system takes only UTF-8")
    shutil.copy(trained / "bob.csv", folder / f"{NOT_UTF8}.csv")
    shutil.copy(trained / "carol.csv", folder / f"{COMMAND}.csv")
    (folder / os.fsdecode(b"broken\xf6.csv")).write_text("nothing,of\nuse,here\n")
    return folder


def harmless(printed: str) -> bool:
    """Whether a terminal shows this as it stands."""
    return all(character.isprintable() or character == "\n" for character in printed)


@pytest.mark.first_stage
def test_label_writes_everything_and_finds_it_again(run_harken: Run, trained: Path, odd: Path) -> None:
    out = odd.parent / os.fsdecode(b"\xf6ut")
    arguments = ("label", odd, "--model", trained / "run", "--out", out, "--workers", 1)
    ended = run_harken(*arguments)
    assert ended.exit_code == 2
    assert harmless(ended.stdout + ended.stderr)
    for name in SHOWN:
        assert f"{name}: " in ended.stdout
        summary = json.loads((out / name / "summary.json").read_text(encoding="utf-8"))
        assert (summary["subject"], summary["file"].rpartition("/")[2]) == (name, f"{name}.csv")
        assert name in (out / name / "report.html").read_text(encoding="utf-8")
    assert r"broken\xf6.csv: " in ended.stderr
    failures = pl.read_csv((out / "failures.csv").read_bytes())
    assert failures["file"][0].endswith(r"f\xf6lder/broken\xf6.csv")
    assert "broken" not in failures["reason"][0]
    for table in ("cohort.parquet", "quality.parquet"):
        frame = pl.read_parquet((out / table).read_bytes())
        assert frame["name"].unique().sort().to_list() == frame["subject"].unique().sort().to_list() == sorted(SHOWN)
    again = run_harken(*arguments)
    assert again.stdout.count("; unchanged") == 2


def test_inspect_and_evaluate(run_harken: Run, trained: Path, odd: Path) -> None:
    ended = run_harken("inspect", odd, "--plot", odd / "pictures")
    assert (ended.exit_code, harmless(ended.stdout + ended.stderr)) == (2, True)
    for name in SHOWN:
        assert rf"f\xf6lder/{name}.csv" in ended.stdout
        assert rf"pictures/{name}.png" in ended.stdout
        assert (odd / "pictures" / f"{name}.png").exists()
    facts = json.loads(run_harken("inspect", odd / f"{NOT_UTF8}.csv", "--json").stdout)
    assert (facts[0]["subject"], facts[0]["file"].endswith(r"f\xf6lder/b\xf6rn.csv")) == (r"b\xf6rn", True)
    ended = run_harken("evaluate", trained / "run", odd, "--json")
    result = json.loads(ended.stdout)
    assert set(result["unseen"]["people"]) == set(SHOWN)
    assert [one["file"].rpartition("/")[2] for one in result["failures"]] == [r"broken\xf6.csv"]
    assert harmless(ended.stderr)
    assert harmless(run_harken("evaluate", trained / "run", odd).stdout)


@pytest.mark.usefixtures("small_preset")
def test_train_export_and_a_parquet_file(run_harken: Run, trained: Path, odd: Path) -> None:
    learned, met, run = odd / f"{COMMAND}.csv", odd / os.fsdecode(b"m\xf6t.parquet"), odd / "run"
    with met.open("wb") as file:
        pl.read_csv((odd / f"{NOT_UTF8}.csv").read_bytes()).write_parquet(file)
    ended = run_harken("train", learned, "--cross", met, "--out", run, "--preset", "small")
    assert (ended.exit_code, harmless(ended.stdout + ended.stderr)) == (0, True)
    record = json.loads((run / "run.json").read_text(encoding="utf-8"))
    assert record["data"]["training"][0]["subject"] == SHOWN[1]
    assert record["data"]["cross"][0]["file"].endswith(r"m\xf6t.parquet")
    assert r"m\xf6t" in (run / "report.html").read_text(encoding="utf-8")
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnx")
    ended = run_harken("export", run, "--out", odd / "model.onnx", "--json")
    assert json.loads(ended.stdout)["out"].endswith(r"f\xf6lder/model.onnx")


def test_two_names_that_would_be_shown_alike_get_folders_of_their_own() -> None:
    from harken.cli.files import distinct_names

    first, second = distinct_names([f"/d/{NOT_UTF8}.csv", "/d/b\\xf6rn.csv"])
    assert first != second
    assert distinct_names([f"/d/{NOT_UTF8}.csv", "/d/anna.csv"]) == [r"b\xf6rn", "anna"]
    long = distinct_names(["/d/" + os.fsdecode(b"\xf6" * 90) + ".csv", "/d/" + "ö" * 120 + ".csv"])
    assert [len(name.encode()) <= 200 for name in long] == [True, True]


def test_an_output_that_has_only_ascii_and_one_on_a_full_disk(tmp_path: Path, alice: Path) -> None:
    recording = tmp_path / "Björn.csv"
    recording.write_bytes(alice.read_bytes())
    environment = os.environ | {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    command: list[str | bytes] = [sys.executable, "-m", "harken", "inspect", os.fsencode(recording)]
    ended = subprocess.run(command, env=environment, capture_output=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert rb"Bj\xf6rn.csv" in ended.stdout
    if Path("/dev/full").exists():
        with Path("/dev/full").open("wb") as full:
            ended = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, check=False)
        assert ended.returncode == 2
        assert ended.stderr == b"harken: standard output: cannot write there (No space left on device)\n"
