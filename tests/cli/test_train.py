"""``harken train`` as a user meets it: what it prints, and what it says of each mistake."""

import json
from pathlib import Path

import pytest

import people
from command_line import Run
from harken.cli.train import TrainingScreen
from harken.networks.training_loop import Progress

pytestmark = pytest.mark.usefixtures("small_preset")


@pytest.mark.usefixtures("undrawn")
def test_folders_stand_for_the_recordings_in_them(
    run_harken: Run, alice: Path, bob: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    learned, met = tmp_path / "learned", tmp_path / "met"
    for folder, files in ((learned, [alice]), (met, [bob, people.write_person(tmp_path / "carol.csv", 3)])):
        folder.mkdir()
        (folder / "notes.md").write_text("who wore what")
        for path in files:
            (folder / path.name).write_bytes(path.read_bytes())
    command = ["train", learned, "--cross", met, "--out", learned / "run", "--preset", "small"]
    ended = run_harken(*command)
    assert ended.exit_code == 0
    record = json.loads((learned / "run" / "run.json").read_text())
    assert [one["subject"] for one in record["data"]["training"]] == ["alice"]
    assert [one["subject"] for one in record["data"]["cross"]] == ["bob", "carol"]
    assert f"skipped, not a recording: {met / 'notes.md'} (unknown file type)" in ended.stderr.replace("\n", "")
    assert "Reading" not in ended.stderr
    monkeypatch.setattr("harken.training.run.SECONDS_BETWEEN_SENTENCES", 0.0)
    again = run_harken(*command, "--resume")  # the run itself now lies in the folder that is learned from
    assert again.exit_code == 0
    assert "Reading bob.csv, 2 of 3 files." in again.stderr
    ended = run_harken("evaluate", learned / "run", met, "--json")
    assert set(json.loads(ended.stdout)["unseen"]["people"]) == {"bob", "carol"}
    (tmp_path / "empty").mkdir()
    assert "this folder contains no recording" in run_harken("train", tmp_path / "empty", "--out", "run").stderr


def test_cross_that_took_every_file_names_the_way_out(run_harken: Run, tmp_path: Path) -> None:
    ended = run_harken("train", "--cross", "b.csv", "c.csv", "a.csv", "--out", tmp_path / "run")
    assert ended.exit_code == 2
    assert ended.stderr == (
        "harken: there is no recording for training: --cross takes every file up to the next option, here b.csv "
        "c.csv a.csv. Put the recordings for training before it: harken train FILE... --cross b.csv c.csv a.csv "
        "--out DIR\n"
    )
    many = run_harken("train", "--out", tmp_path / "run", "--cross", *(f"{number}.csv" for number in range(60)))
    assert "here 0.csv 1.csv 2.csv and so on. Put" in many.stderr
    for nothing_taken in ([], ["--cross=b.csv"], ["--seed", "1"]):
        ended = run_harken("train", *nothing_taken, "--out", tmp_path / "run")
        assert ended.exit_code == 2
        assert "Missing argument 'FILE'" in ended.stderr


def progress(iteration: int, seconds_left: float | None = None, tested_at: int | None = None) -> Progress:
    return Progress(
        iteration=iteration,
        iterations=80,
        loss=1.25,
        accuracy=0.5,
        tests={"cross_person": (0.9, 0.6355)},
        tested_at=iteration if tested_at is None else tested_at,
        seconds_left=seconds_left,
    )


def test_each_line_says_which_fit_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    screen = TrainingScreen()
    with screen.bars:
        for number, fit in enumerate(("model", "blocked", "held_out"), start=1):
            show = screen.fitting(fit, number, 3)
            show(progress(1, seconds_left=95.0))
            show(progress(2, seconds_left=94.0))  # too soon after the line before
            show(progress(80, seconds_left=0.0))
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 9
    model, blocked, held_out = lines[:3], lines[3:6], lines[6:]
    state = "loss 1.250, right 50 % in training, 63.5 % unseen people"
    assert model == [
        "Fit 1 of 3, the model. This model is kept.",
        f"Fit 1 of 3, the model: iteration 1 of 80: {state}; about 1 min 35 s left of this fit",
        f"Fit 1 of 3, the model: iteration 80 of 80: {state}",
    ]
    assert "honest test on the same person" in blocked[0]
    assert all(line.startswith("Fit 2 of 3, honest test") for line in blocked)
    assert "trained without some of the people" in held_out[0]
    assert all(line.startswith("Fit 3 of 3, people held out") for line in held_out)
