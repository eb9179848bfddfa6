"""``harken simulate`` as a user meets it."""

from pathlib import Path

import pytest

import harken
from command_line import Run

QUICK = ("simulate", "--days", "0.005", "--rate", "25")


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


def test_several_people_get_a_file_each(run_harken: Run) -> None:
    assert run_harken(*QUICK, "--people", "3", "--seed", "4", "--out", "us.parquet").exit_code == 0
    read = [harken.read(f"us_{number}.parquet") for number in (1, 2, 3)]
    assert [recording.subject for recording in read] == ["simulated-4-1", "simulated-4-2", "simulated-4-3"]
    assert len({recording.fingerprint for recording in read}) == 3


def test_one_wearer_of_many_is_the_wearer_alone(run_harken: Run) -> None:
    run_harken(*QUICK, "--out", "alone.parquet")
    run_harken(*QUICK, "--people", "2", "--out", "us.parquet")
    assert Path("alone.parquet").read_bytes() == Path("us_1.parquet").read_bytes()


def test_what_exists_is_not_overwritten(run_harken: Run) -> None:
    Path("a.csv").write_text("precious")
    ended = run_harken(*QUICK, "--out", "a.csv")
    assert (ended.exit_code, "a.csv exists already; choose another --out" in ended.stderr) == (2, True)
    assert Path("a.csv").read_text() == "precious"
