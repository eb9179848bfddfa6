"""``harken simulate`` as a user meets it."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import harken
from harken.cli import main

Simulate = Callable[..., int]
Printed = pytest.CaptureFixture[str]


@pytest.fixture
def simulate(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Simulate:
    """Run the command in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> int:
        monkeypatch.setattr(sys, "argv", ["harken", "simulate", *arguments])
        with pytest.raises(SystemExit) as exit_:
            main()
        return int(exit_.value.code or 0)

    return run


def test_it_writes_a_recording_and_its_truth_and_says_so(simulate: Simulate, capsys: Printed, tmp_path: Path) -> None:
    assert simulate("--days", "0.01", "--rate", "25", "--out", "wearer.csv") == 0
    printed = capsys.readouterr()
    assert "wearer.csv: simulated-0-1, 0.01 days at " in printed.out
    assert "truth in wearer.truth.parquet" in printed.out
    assert "not for claims about real people" in printed.out
    assert printed.err == ""
    assert sorted(path.name for path in tmp_path.iterdir()) == ["wearer.csv", "wearer.truth.parquet"]
    assert harken.read("wearer.csv").subject == "simulated-0-1"


def test_several_people_get_a_file_each(simulate: Simulate) -> None:
    assert simulate("--days", "0.005", "--rate", "25", "--people", "3", "--seed", "4", "--out", "us.parquet") == 0
    read = [harken.read(f"us_{number}.parquet") for number in (1, 2, 3)]
    assert [recording.subject for recording in read] == ["simulated-4-1", "simulated-4-2", "simulated-4-3"]
    assert len({recording.fingerprint for recording in read}) == 3


def test_one_wearer_of_many_is_the_wearer_alone(simulate: Simulate) -> None:
    simulate("--days", "0.005", "--rate", "25", "--out", "alone.parquet")
    simulate("--days", "0.005", "--rate", "25", "--people", "2", "--out", "us.parquet")
    assert Path("alone.parquet").read_bytes() == Path("us_1.parquet").read_bytes()


def test_what_exists_is_not_overwritten(simulate: Simulate, capsys: Printed) -> None:
    Path("a.csv").write_text("precious")
    assert simulate("--days", "0.01", "--rate", "25", "--out", "a.csv") == 2
    assert "a.csv exists already; choose another --out" in capsys.readouterr().err
    assert Path("a.csv").read_text() == "precious"
