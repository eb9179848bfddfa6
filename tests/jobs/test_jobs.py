"""What the commands do can be called from Python: each function beside its command, with the same result."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars
import pytest

import harken
import people
from harken import HarkenError


def scores_of(run: Path) -> Any:
    return json.loads((run / "run.json").read_text())["scores"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three people's recordings, and a file that is none."""
    for seed, name in enumerate(("alice", "bob", "carol"), 1):
        people.write_person(tmp_path / f"{name}.csv", seed)
    (tmp_path / "broken.csv").write_text("nothing\n")
    return tmp_path


@pytest.mark.usefixtures("small_preset")
def test_train_and_evaluate_are_the_commands(folder: Path, run_harken: Callable[..., Any]) -> None:
    alice, bob, carol = (folder / f"{name}.csv" for name in ("alice", "bob", "carol"))
    outcome = harken.train(alice, cross=bob, out=folder / "job", preset="small-everyday", threads=1)
    ended = run_harken(
        "train", alice, "--cross", bob, "--out", folder / "command", "--preset", "small-everyday", "--threads", 1
    )
    assert ended.exit_code == 0
    assert outcome is not None
    assert outcome.scores_as_dict() == scores_of(folder / "job") == scores_of(folder / "command")
    assert (folder / "job" / "model.safetensors").read_bytes() == (
        folder / "command" / "model.safetensors"
    ).read_bytes()
    assert harken.train(alice, cross=bob, out=folder / "job", preset="small-everyday", resume=True) is None

    files = [bob, folder / "broken.csv", carol]
    evaluated = harken.evaluate(folder / "job", files, unsure_below=0.6)
    command = run_harken("evaluate", folder / "job", *files, "--unsure-below", 0.6, "--json")
    assert (command.exit_code, json.loads(command.stdout)) == (2, evaluated.as_dict())
    assert [path.name for path, _ in evaluated.failures] == ["broken.csv"]
    recogniser = harken.Recogniser.load(folder / "job")
    assert harken.evaluate(recogniser, files, unsure_below=0.6).as_dict() == evaluated.as_dict()


def test_inspect_is_the_command(folder: Path, run_harken: Callable[..., Any]) -> None:
    command = run_harken("inspect", folder / "alice.csv", "--json")
    assert json.loads(command.stdout) == [harken.inspect(folder / "alice.csv").as_dict()]
    rows = (folder / "alice.csv").read_text().splitlines()
    (folder / "nameless.csv").write_text("\n".join(rows[1:]))
    with pytest.raises(HarkenError):
        harken.inspect(folder / "nameless.csv", reading=harken.TableOptions(x_column="9"))
    with pytest.raises(HarkenError, match=r"no-such\.csv"):
        harken.inspect(folder / "no-such.csv")


def test_label_file_is_the_command(folder: Path, run_harken: Callable[..., Any]) -> None:
    command = run_harken(
        "label", folder / "alice.csv", "--out", folder / "command", "--unsure-below", 0.6, "--workers", 1, "--json"
    )
    settings = harken.LabelSettings(unsure_below=0.6)
    labelled = harken.label_file(folder / "alice.csv", model="packaged", out=folder / "job", settings=settings)
    assert json.loads(command.stdout) == [labelled.summary]
    written = folder / "command" / "alice"
    assert sorted(file.name for file in written.iterdir()) == sorted(file.name for file in (folder / "job").iterdir())
    for file in written.iterdir():
        assert file.read_bytes() == (folder / "job" / file.name).read_bytes(), file.name
    assert json.loads((written / "quality.json").read_text()) == labelled.quality.as_dict()
    assert polars.read_parquet(written / "timeline.parquet").equals(labelled.timeline.frame)
    assert polars.read_csv(written / "bouts.csv").height == labelled.bouts.height
    assert polars.read_csv(written / "days.csv")["date"].to_list() == [str(day) for day in labelled.days["date"]]

    again = harken.label_file(folder / "alice.csv", model=harken.Recogniser.load(), out=folder / "job")
    np.testing.assert_array_equal(again.timeline.probabilities, labelled.timeline.probabilities)
    (folder / "job" / "mine.txt").write_text("not to be lost")
    with pytest.raises(HarkenError, match=r"job holds mine\.txt, which is no result of harken"):
        labelled.write(folder / "job")
    with pytest.raises(HarkenError, match=r"alice\.csv is a file; results need a folder"):
        labelled.write(folder / "alice.csv")


def test_evaluate_refuses_what_is_no_probability_and_what_cannot_be_scored(folder: Path) -> None:
    with pytest.raises(HarkenError, match="unsure_below must be a probability between 0 and 1, got 3"):
        harken.evaluate("packaged", folder / "alice.csv", unsure_below=3)
    shutil.copy(folder / "broken.csv", folder / "other.csv")
    with pytest.raises(HarkenError, match="2 of 2 files went wrong"):
        harken.evaluate("packaged", [folder / "broken.csv", folder / "other.csv"])
