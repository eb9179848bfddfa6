"""A training run from files to its directory: what lies in it, what is learned from, and what is said."""

import json
from pathlib import Path

import numpy as np
import pytest

import harken
import people
import server_thread
from command_line import Run
from harken.models.recogniser import Recogniser
from harken.readers.options import TableOptions
from harken.support.errors import HarkenError
from harken.training.data import divide_run_data, draw_run_windows, read_run_data
from harken.training.held_out_test import HeldOutTest
from harken.training.report.sentences import missing_windows
from harken.training.run import train_run
from harken.training.settings import RunSettings
from harken.windows.folds import NoHonestTest
from labelled_files import move_times, write_labelled
from training_runs import Quiet, everyday, settings_of

pytestmark = pytest.mark.usefixtures("small_preset")


@pytest.mark.usefixtures("undrawn")
def test_the_model_in_it_gives_the_scores_in_it(alice: Path, bob: Path, tmp_path: Path) -> None:
    outcome = train_run(settings_of(alice, bob, tmp_path / "run"), Quiet())
    model = Recogniser.load(tmp_path / "run" / "model.safetensors")
    windows = harken.random_windows(harken.read(bob, as_found=True), length=32, count=500, seed=101)
    again = model.evaluate(windows)
    assert outcome is not None
    assert outcome.cross is not None
    assert again.as_dict() == outcome.cross.as_dict()
    assert model.provenance_["scores"]["cross_person"] == again.as_dict()
    assert model.provenance_["data"][0]["subject"] == "alice"


def test_the_blocked_test_shares_no_sample_with_its_training_windows(alice: Path, bob: Path, tmp_path: Path) -> None:
    data = read_run_data(settings_of(alice, bob, tmp_path / "run"))
    division = divide_run_data(data, people.SMALL)
    assert not division.by_occasion
    split = draw_run_windows(data, division, people.SMALL).splits["blocked"]
    learned = {row for start in split.training.start_rows for row in range(start, start + 32)}
    tested = {row for start in split.test.start_rows for row in range(start, start + 32)}
    assert not learned & tested
    distance = min(abs(a - b) for a in (min(tested), max(tested)) for b in (min(learned), max(learned)))
    assert distance > 0
    edges = data.training[0].mended.bout_edges
    for start in split.test.start_rows:
        bout = np.searchsorted(edges, start, side="right") - 1
        assert start >= edges[bout] + int(0.8 * (edges[bout + 1] - edges[bout])) + 32
        assert start + 32 <= edges[bout + 1]


@pytest.mark.usefixtures("undrawn")
def test_the_global_random_numbers_are_left_alone(alice: Path, tmp_path: Path) -> None:
    import torch

    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    train_run(settings_of(alice, None, tmp_path / "run"), Quiet())
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.usefixtures("undrawn")
def test_cross_people_do_not_change_the_model(alice: Path, bob: Path, tmp_path: Path) -> None:
    """Not for stopping, choosing or calibrating: the weights are the same without them."""
    with_bob = train_run(settings_of(alice, bob, tmp_path / "with"), Quiet())
    without = train_run(settings_of(alice, None, tmp_path / "without"), Quiet())
    assert with_bob is not None
    assert without is not None
    assert with_bob.history.train_loss == without.history.train_loss
    one, other = (Recogniser.load(tmp_path / name / "model.safetensors") for name in ("with", "without"))
    for name, tensor in one.network_.state_dict().items():
        assert (tensor == other.network_.state_dict()[name]).all()


def test_a_class_without_a_training_window_is_named(alice: Path, tmp_path: Path) -> None:
    rows = people.person_rows(1) + [
        (row[0] + 10**7, *row[1:]) for row in people.person_rows(8, bouts=("jumping",), seconds=1)
    ]
    path = tmp_path / "dora.csv"
    path.write_text("\n".join(["Timestamp,X,Y,Z,P,Label", *(",".join(map(str, row)) for row in rows)]))
    outcome = train_run(settings_of(path, None, tmp_path / "run"), Quiet())
    assert outcome is not None
    assert outcome.specification.labels == ("lying", "sitting", "walking")
    assert outcome.missing.untrained == ("jumping",)
    assert any("not trained on these labels" in note and "jumping" in note for note in missing_windows(outcome))


def test_bouts_too_short_for_the_honest_test_are_reported(tmp_path: Path) -> None:
    short = people.write_person(tmp_path / "short.csv", 5, seconds=2.5, bouts=people.BOUTS * 6)
    outcome = train_run(settings_of(short, None, tmp_path / "run"), Quiet())
    assert outcome is not None
    assert outcome.blocked is None
    assert outcome.missing.honest_test is NoHonestTest.SHORT_BOUTS
    assert any("no honest same-person test" in note for note in missing_windows(outcome))


def test_with_one_wearer_the_blocked_tail_calibrates(alice: Path, tmp_path: Path) -> None:
    display = Quiet()
    outcome = train_run(
        RunSettings(files=(alice,), out=tmp_path / "run", preset="small-everyday", device="cpu"), display
    )
    assert outcome is not None
    assert display.fits == [("model", 1, 2), ("blocked", 2, 2)]
    assert outcome.specification.calibrated_on == "the same person"
    assert outcome.held_out_people is None


@pytest.mark.usefixtures("undrawn")
def test_the_last_occasion_is_held_out_and_the_model_in_use_is_compared_on_it(
    tmp_path: Path, run_harken: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [write_labelled(tmp_path, name, seed) for seed, name in enumerate(("monday", "tuesday"), 2)]
    move_times(paths[1], 86_400_000)
    settings = RunSettings(
        files=tuple(paths),
        out=tmp_path / "run",
        preset="small-everyday",
        device="cpu",
        reading=TableOptions(subject="anna"),
    )
    data = read_run_data(settings)
    division = divide_run_data(data, settings.recipe)
    assert division.by_occasion
    split = draw_run_windows(data, division, settings.recipe).splits["blocked"]
    assert split.test.starts_ns.min() - split.training.starts_ns.max() > 80_000 * 10**9

    server_thread.recogniser().save(tmp_path / "before.safetensors")
    monkeypatch.chdir(tmp_path)
    command = ("train", *paths, "--out", "run", "--subject", "anna", "--preset", "small-everyday", "--threads", "1")
    ended = run_harken(*command, "--before", "before.safetensors")
    assert ended.exit_code == 0, ended.stderr
    assert "same person, last occasion" in ended.stdout
    assert "Beside the model in use, on the last occasion: mean F1" in " ".join(ended.stdout.split())
    scores = json.loads((tmp_path / "run" / "run.json").read_text(encoding="utf-8"))["scores"]
    assert {"last_occasion", "beside_model_in_use"} <= set(scores)
    assert "blocked_same_person" not in scores
    (test,) = scores["beside_model_in_use"]
    assert test["held_out"] == "occasion"
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "Beside the model in use" in page
    assert "The last occasion on which “anna” recorded was held out of training." in page
    again = run_harken(*command, "--resume")
    assert again.exit_code == 2
    assert "before" in again.stderr  # the comparison is a setting of the run


@pytest.mark.usefixtures("undrawn")
def test_the_model_in_use_is_compared_although_it_reads_other_channels(alice: Path, bob: Path, tmp_path: Path) -> None:
    """The file has x, y, z and P: a model of all four beside a new one of x, y, z, and the other way round."""
    train_run(settings_of(bob, None, tmp_path / "four", epochs=1), Quiet())
    server_thread.recogniser().save(tmp_path / "three.safetensors")
    four, three = ("x", "y", "z", "P"), ("x", "y", "z")
    tests: list[HeldOutTest] = []
    for name, before, channels in (("new-three", "four", three), ("new-four", "three.safetensors", four)):
        out, model = tmp_path / name, tmp_path / before
        settings = settings_of(alice, None, out, channels=channels, before=model, epochs=1)
        outcome = train_run(settings, Quiet())
        assert outcome is not None
        assert outcome.specification.channels == channels
        tests += outcome.comparisons
    assert [test.held_out for test in tests] == ["bouts", "bouts"]
    for test in tests:
        assert test.before is not None
        assert set(test.before.f1) == {"lying", "sitting", "walking"}


def test_a_channel_that_only_the_model_in_use_reads_is_named(alice: Path, bob: Path, tmp_path: Path) -> None:
    train_run(settings_of(bob, None, tmp_path / "four", epochs=1), Quiet())
    lines = alice.read_text().splitlines()
    alice.write_text("\n".join(",".join(line.split(",")[:4] + line.split(",")[5:]) for line in lines))
    settings = settings_of(alice, None, tmp_path / "run", before=tmp_path / "four")
    with pytest.raises(HarkenError, match=r"has no channel P; it has x, y, z; .* reads x, y, z, P: leave out --before"):
        train_run(settings, Quiet())
    assert not (tmp_path / "run").exists()


@pytest.mark.usefixtures("undrawn")
def test_the_worst_bouts_are_of_people_who_were_tested(tmp_path: Path) -> None:
    settings = everyday(tmp_path, tmp_path / "run", epochs=1)
    outcome = train_run(settings, Quiet())
    assert outcome is not None
    assert outcome.held_out_people is not None
    held_out = set(outcome.held_out_people.people)
    tests = {(bout.subject in held_out, bout.subject, bout.test) for bout in outcome.worst_bouts}
    of_held_out = {(True, name, "held-out training people") for name in held_out}
    assert tests
    assert tests <= of_held_out | {(False, "d", "unseen people")}
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert record["worst_bouts"] == [bout.as_dict() for bout in outcome.worst_bouts]
    for bout in record["worst_bouts"]:
        file = tmp_path / f"{bout['subject']}.csv"
        assert bout["command"] == f"harken annotate {file} --model {settings.out} --at {bout['start']}".replace(
            ".000+", "+"
        )
    assert "worst_bouts" not in Recogniser.load(settings.out / "model.safetensors").provenance_["scores"]


@pytest.mark.usefixtures("undrawn")
def test_one_person_has_the_worst_bouts_of_the_honest_test(tmp_path: Path) -> None:
    bouts = ("lying", "walking", "sitting", "lying", "walking", "sitting")
    wrong = tmp_path / "wrong.csv"
    rows = people.person_rows(1, bouts)
    lines = [",".join(map(str, row)) for row in rows]
    lines[500:1000] = [line.replace("walking", "sitting") for line in lines[500:1000]]  # the second bout of 20 s
    wrong.write_text("\n".join(["Timestamp,X,Y,Z,P,Label", *lines]) + "\n")
    outcome = train_run(settings_of(wrong, None, tmp_path / "run"), Quiet())
    assert outcome is not None
    assert outcome.blocked is not None
    mistakes = outcome.blocked.windows - int(np.trace(outcome.blocked.confusion))
    assert sum(bout.wrong for bout in outcome.worst_bouts) == mistakes > 0
    assert {bout.test for bout in outcome.worst_bouts} == {"the honest same-person test"}
