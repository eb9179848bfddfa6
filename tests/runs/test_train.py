"""A training run from files to its directory, and all the ways it is stopped, resumed and refused."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import harken
import people
from harken.errors import HarkenError
from harken.pipeline import train_run
from harken.recogniser import Recogniser
from harken.runs import RunSettings
from harken.runs.directory import RunDirectory
from harken.training import Interrupted, Progress

pytestmark = pytest.mark.usefixtures("small_preset")

CHILD = "import people; people.register_small_preset(); from harken.cli import main; main()"


class Quiet:
    def __init__(self) -> None:
        self.sentences: list[str] = []
        self.last: dict[str, Progress] = {}

    def says(self, sentence: str) -> None:
        self.sentences.append(sentence)

    def fitting(self, fit: str):
        return lambda progress: self.last.__setitem__(fit, progress)


def settings_of(alice: Path, bob: Path | None, out: Path, **more: object) -> RunSettings:
    return RunSettings(files=(alice,), cross=(bob,) if bob else (), out=out, preset="small", device="cpu", **more)


def test_a_run_directory_holds_what_the_readme_says(alice: Path, bob: Path, tmp_path: Path) -> None:
    watcher = Quiet()
    outcome = train_run(settings_of(alice, bob, tmp_path / "run"), watcher)
    assert outcome is not None
    assert outcome.finished
    found = {path.name for path in (tmp_path / "run").iterdir()}
    assert found == {
        "model.safetensors",
        "run.json",
        "history.csv",
        "report.html",
        "learning_curves.png",
        "confusion_same_person.png",
        "confusion_blocked_same_person.png",
        "confusion_cross_person.png",
        "coverage.png",
    }
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert record["status"] == "finished"
    assert record["settings"]["preset"]["name"] == "small"
    assert record["data"]["cross"][0]["subject"] == "bob"
    scores = record["scores"]
    assert set(scores) == {
        *("same_person", "blocked_same_person", "cross_person", "cross_people", "cross_probabilities")
    }
    assert scores["cross_people"]["mean_person_macro_f1"] == pytest.approx(scores["cross_person"]["macro_f1"])
    assert scores["same_person"]["windows"] == 100
    assert scores["cross_person"]["windows"] == 500
    history = pl.read_csv(tmp_path / "run" / "history.csv")
    assert history.columns == [
        "step",
        "windows",
        "train_loss",
        "train_accuracy",
        "same_person_loss",
        "same_person_accuracy",
        "cross_person_loss",
        "cross_person_accuracy",
    ]
    assert history["step"].to_list() == list(range(1, 13))
    evaluated = history.filter(pl.col("cross_person_loss").is_not_null())["step"].to_list()
    assert evaluated == [1, 3, 6, 9, 12]
    assert watcher.last["model"].step == 12
    assert watcher.last["model"].tests["cross_person"][1] == scores["cross_person"]["accuracy"]


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


def test_the_blocked_test_shares_no_sample_with_what_it_learned(alice: Path, bob: Path, tmp_path: Path) -> None:
    from harken.runs.data import read_run_data
    from harken.runs.windows import draw_run_windows

    data = read_run_data(settings_of(alice, bob, tmp_path / "run"))
    split = draw_run_windows(data, people.SMALL).blocked
    assert split is not None
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


@pytest.mark.parametrize("stop_after", [1, 4, 12, 13, 20])
def test_stopped_and_resumed_ends_in_the_same_bytes(alice: Path, bob: Path, tmp_path: Path, stop_after: int) -> None:
    whole = settings_of(alice, bob, tmp_path / "whole")
    train_run(whole, Quiet())
    asked = 0

    def should_stop() -> bool:
        nonlocal asked
        asked += 1
        return asked == stop_after

    parts = settings_of(alice, bob, tmp_path / "parts")
    if stop_after == 12:  # the last step of the first fit: there is nothing to stop any more
        train_run(parts, Quiet(), should_stop=should_stop)
    else:
        with pytest.raises(Interrupted):
            train_run(parts, Quiet(), should_stop=should_stop)
        record = json.loads((tmp_path / "parts" / "run.json").read_text())
        assert record["status"] == "interrupted"
        assert Recogniser.load(tmp_path / "parts" / "model.safetensors").specification_.labels
        assert "report.html" in {path.name for path in (tmp_path / "parts").iterdir()}
        train_run(replace(parts, resume=True), Quiet())
    for name in ("model.safetensors", "history.csv"):
        assert (tmp_path / "parts" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert not (tmp_path / "parts" / "checkpoint").exists()


def test_the_global_random_numbers_are_left_alone(alice: Path, tmp_path: Path) -> None:
    import torch

    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    train_run(settings_of(alice, None, tmp_path / "run"), Quiet())
    assert torch.equal(torch.rand(3), expected)


def test_seeds_differ(alice: Path, tmp_path: Path) -> None:
    for seed in (0, 1):
        train_run(settings_of(alice, None, tmp_path / f"run{seed}", seed=seed), Quiet())
    first, second = ((tmp_path / f"run{seed}" / "model.safetensors").read_bytes() for seed in (0, 1))
    assert first != second


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


def start(arguments: list[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, *arguments],
        env={**os.environ, "PYTHONPATH": str(Path(people.__file__).parent)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def arguments_of(alice: Path, bob: Path, out: Path, *more: str) -> list[str]:
    return ["train", str(alice), "--cross", str(bob), "--preset", "small", "--passes", "30", "--out", str(out), *more]


def wait_for(path: Path, child: subprocess.Popen[str], changed_since: int | None = None) -> None:
    for _ in range(6000):
        if path.exists() and path.stat().st_mtime_ns != changed_since:
            return
        assert child.poll() is None, child.communicate()
        time.sleep(0.01)
    raise AssertionError(f"{path} never appeared")


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    folder = tmp_path_factory.mktemp("killed")
    one, other = people.write_person(folder / "alice.csv", 1), people.write_person(folder / "bob.csv", 2)
    child = start(arguments_of(one, other, folder / "whole"))
    _, errors = child.communicate()
    assert child.returncode == 0, errors
    return one, other, folder


@pytest.mark.parametrize("fit", ["model", "blocked"])
def test_killed_and_resumed_ends_in_the_same_bytes(uninterrupted: tuple[Path, Path, Path], fit: str) -> None:
    one, other, folder = uninterrupted
    out = folder / f"killed-in-{fit}"
    child = start(arguments_of(one, other, out))
    checkpoint = RunDirectory(out).checkpoint(fit)
    wait_for(checkpoint, child)
    wait_for(checkpoint, child, changed_since=checkpoint.stat().st_mtime_ns)  # some way into the fit
    child.send_signal(signal.SIGKILL)
    child.communicate()
    assert not (out / "report.html").exists()
    resumed = start(arguments_of(one, other, out, "--resume"))
    _, errors = resumed.communicate()
    assert resumed.returncode == 0, errors
    for name in ("model.safetensors", "history.csv"):
        assert (out / name).read_bytes() == (folder / "whole" / name).read_bytes()


def test_control_c_leaves_a_usable_run(uninterrupted: tuple[Path, Path, Path]) -> None:
    one, other, folder = uninterrupted
    out = folder / "stopped"
    child = start(arguments_of(one, other, out))
    wait_for(RunDirectory(out).checkpoint("model"), child)
    child.send_signal(signal.SIGINT)
    _, errors = child.communicate()
    assert child.returncode == 130, errors
    assert "--resume" in errors
    assert "Traceback" not in errors
    assert Recogniser.load(out / "model.safetensors").specification_.labels == ("lying", "sitting", "walking")
    resumed = start(arguments_of(one, other, out, "--resume"))
    resumed.communicate()
    assert (out / "model.safetensors").read_bytes() == (folder / "whole" / "model.safetensors").read_bytes()


def test_a_folder_that_is_not_empty_is_refused(alice: Path, bob: Path, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "thesis.txt").write_text("precious")
    with pytest.raises(HarkenError, match=r"run is not empty; choose another --out, or go on .* --resume"):
        train_run(settings_of(alice, bob, tmp_path / "run"), Quiet())
    with pytest.raises(HarkenError, match="holds no run of harken"):
        train_run(settings_of(alice, bob, tmp_path / "run", resume=True), Quiet())
    assert (tmp_path / "run" / "thesis.txt").read_text() == "precious"


def test_resume_starts_an_empty_one_and_leaves_a_finished_one(alice: Path, bob: Path, tmp_path: Path) -> None:
    settings = settings_of(alice, bob, tmp_path / "run", resume=True)
    assert train_run(settings, Quiet()) is not None
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "run").iterdir()}
    watcher = Quiet()
    assert train_run(settings, watcher) is None
    assert "finished; nothing to do" in watcher.sentences[0]
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "run").iterdir()} == before


def test_resume_refuses_changed_settings_and_data(alice: Path, bob: Path, tmp_path: Path) -> None:
    settings = settings_of(alice, bob, tmp_path / "run")
    with pytest.raises(Interrupted):
        train_run(settings, Quiet(), should_stop=lambda: True)
    with pytest.raises(HarkenError, match="began with passes = None, not 7"):
        train_run(replace(settings, resume=True, passes=7), Quiet())
    carol = people.write_person(tmp_path / "carol.csv", 3)
    with pytest.raises(HarkenError, match="training recordings are not those this run began with"):
        train_run(replace(settings, resume=True, files=(carol,)), Quiet())
    moved = alice.rename(tmp_path / "alice.moved.csv")
    assert train_run(replace(settings, resume=True, files=(moved,)), Quiet()) is not None


def test_a_person_in_both_is_refused(alice: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    again = people.write_person(tmp_path / "other" / "alice.csv", 9)
    with pytest.raises(HarkenError, match=r"both of 'alice'.*rename one of the files"):
        train_run(settings_of(alice, again, tmp_path / "run"), Quiet())


def test_the_same_recording_under_another_name_is_refused(alice: Path, tmp_path: Path) -> None:
    copy = tmp_path / "mallory.csv"
    copy.write_bytes(alice.read_bytes())
    with pytest.raises(HarkenError, match="hold the same recording"):
        train_run(settings_of(alice, copy, tmp_path / "run"), Quiet())


def test_a_piece_of_the_training_recording_is_refused(alice: Path, tmp_path: Path) -> None:
    lines = alice.read_text().splitlines()
    piece = tmp_path / "mallory.csv"
    piece.write_text("\n".join([lines[0], *lines[700:2400]]) + "\n")
    with pytest.raises(HarkenError, match=r"shares 100% of its rows with .*alice.csv"):
        train_run(settings_of(alice, piece, tmp_path / "run"), Quiet())


def test_a_label_never_learned_is_refused_by_name(alice: Path, tmp_path: Path) -> None:
    jumper = people.write_person(tmp_path / "jumper.csv", 4, bouts=("lying", "jumping", "walking"))
    with pytest.raises(HarkenError, match=r"jumper: the label jumping .*--ignore-label jumping"):
        train_run(settings_of(alice, jumper, tmp_path / "run"), Quiet())
    assert not (tmp_path / "run").exists()
    outcome = train_run(settings_of(alice, jumper, tmp_path / "run", ignore_labels=("jumping",)), Quiet())
    assert outcome is not None
    assert outcome.cross is not None
    assert outcome.cross.confusion.sum(axis=1).tolist()[1] == 0  # no sitting in it


def test_a_class_without_a_training_window_is_named(alice: Path, tmp_path: Path) -> None:
    rows = people.person_rows(1) + [
        (row[0] + 10**7, *row[1:]) for row in people.person_rows(8, bouts=("jumping",), seconds=1)
    ]
    path = tmp_path / "dora.csv"
    path.write_text("\n".join(["Timestamp,X,Y,Z,P,Label", *(",".join(map(str, row)) for row in rows)]))
    outcome = train_run(settings_of(path, None, tmp_path / "run"), Quiet())
    assert outcome is not None
    assert outcome.specification.labels == ("lying", "sitting", "walking")
    assert any("Not learned" in note and "jumping" in note for note in outcome.notes)


def test_one_class_only_is_refused(tmp_path: Path) -> None:
    path = people.write_person(tmp_path / "sleeper.csv", 5, bouts=("lying", "lying"))
    with pytest.raises(HarkenError, match="nothing to tell apart: every window is lying"):
        train_run(settings_of(path, None, tmp_path / "run"), Quiet())


def test_another_rate_is_refused(alice: Path, tmp_path: Path) -> None:
    fast = people.write_person(tmp_path / "fast.csv", 6, rate_hz=50)
    with pytest.raises(HarkenError, match=r"fast.csv: 50 samples per second, but 25 are needed"):
        train_run(settings_of(alice, fast, tmp_path / "run"), Quiet())


def test_a_missing_channel_is_named_with_the_way_out(alice: Path, tmp_path: Path) -> None:
    lines = people.write_person(tmp_path / "plain.csv", 7).read_text().splitlines()
    plain = tmp_path / "plain.csv"
    plain.write_text("\n".join(",".join(line.split(",")[:4] + line.split(",")[5:]) for line in lines))
    with pytest.raises(HarkenError, match=r"plain.csv has no channel P.*--channels x,y,z"):
        train_run(settings_of(alice, plain, tmp_path / "run"), Quiet())
    outcome = train_run(settings_of(alice, plain, tmp_path / "run", channels=("x", "y", "z")), Quiet())
    assert outcome is not None
    assert outcome.specification.channels == ("x", "y", "z")


def test_bouts_too_short_for_the_honest_test_are_said(tmp_path: Path) -> None:
    short = people.write_person(tmp_path / "short.csv", 5, seconds=2.5, bouts=people.BOUTS * 6)
    outcome = train_run(settings_of(short, None, tmp_path / "run"), Quiet())
    assert outcome is not None
    assert outcome.blocked is None
    assert any("no honest same-person test" in note for note in outcome.notes)


def test_several_strangers_are_scored_one_by_one(alice: Path, bob: Path, tmp_path: Path) -> None:
    carol = people.write_person(tmp_path / "carol.csv", 3)
    settings = replace(settings_of(alice, bob, tmp_path / "run"), cross=(bob, carol))
    outcome = train_run(settings, Quiet())
    assert outcome is not None
    assert outcome.cross_people is not None
    assert set(outcome.cross_people.people) == {"bob", "carol"}
    assert sum(scores.windows for scores in outcome.cross_people.people.values()) == 500
    assert outcome.cross_people.interval is None


def everyday(folder: Path, out: Path, **more: object) -> RunSettings:
    """Three people to learn from and a stranger, by the everyday recipe."""
    files = [people.write_person(folder / f"{name}.csv", seed) for seed, name in enumerate("abcd")]
    return RunSettings(
        files=tuple(files[:3]), cross=(files[3],), out=out, preset="small-everyday", device="cpu", **more
    )


def test_everyday_reads_windows_at_its_own_rate_and_is_calibrated_on_held_out_people(tmp_path: Path) -> None:
    watcher = Quiet()
    outcome = train_run(everyday(tmp_path, tmp_path / "run"), watcher)
    assert outcome is not None
    assert set(watcher.last) == {"model", "blocked", "held_out"}
    specification = Recogniser.load(tmp_path / "run" / "model.safetensors").specification_
    assert (specification.sample_rate_hz, specification.window_length) == (pytest.approx(20), 40)
    assert specification.channels == ("x", "y", "z")
    assert specification.calibrated_on == "strangers"
    assert outcome.held_out_people is not None
    (held_out,) = outcome.held_out_people.people
    assert held_out in {"a", "b", "c"}
    assert outcome.cross_people is not None
    assert set(outcome.cross_people.people) == {"d"}


def test_with_one_wearer_the_blocked_tail_calibrates(alice: Path, tmp_path: Path) -> None:
    outcome = train_run(
        RunSettings(files=(alice,), out=tmp_path / "run", preset="small-everyday", device="cpu"), Quiet()
    )
    assert outcome is not None
    assert outcome.specification.calibrated_on == "the same person"
    assert outcome.held_out_people is None


@pytest.mark.parametrize("stop_after", [5, 70, 130])  # in each of the three fits
def test_everyday_stopped_and_resumed_ends_in_the_same_bytes(tmp_path: Path, stop_after: int) -> None:
    whole = train_run(everyday(tmp_path, tmp_path / "whole"), Quiet())
    assert whole is not None
    asked = 0

    def should_stop() -> bool:
        nonlocal asked
        asked += 1
        return asked == stop_after

    parts = everyday(tmp_path, tmp_path / "parts")
    with pytest.raises(Interrupted):
        train_run(parts, Quiet(), should_stop=should_stop)
    train_run(replace(parts, resume=True), Quiet())
    for name in ("model.safetensors", "history.csv"):
        assert (tmp_path / "parts" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
