"""A run that was stopped, killed or finished is gone on with to the same bytes, and only as it began."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import people
import pictures
from command_line import Run
from harken.models.recogniser import Recogniser
from harken.networks.training_loop import Interrupted
from harken.support.errors import HarkenError
from harken.support.resources import computing_threads
from harken.training.run import train_run
from training_runs import Quiet, everyday, settings_of

pytestmark = pytest.mark.usefixtures("small_preset")

CHILD = "import people; people.register_small_preset(); from harken.cli import main; main()"
EPOCHS = 30
"""Of a run in a process of its own: there must be time to stop it."""
UNDRAWN = pytest.mark.usefixtures("undrawn")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder to read only: ``alice.csv`` and ``bob.csv``, and the runs that ``run_of`` adds."""
    folder = tmp_path_factory.mktemp("whole")
    people.write_person(folder / "alice.csv", 1)
    people.write_person(folder / "bob.csv", 2)
    return folder


def run_of(whole: Path, name: str) -> Path:
    """A run from its beginning to its end, made at its first use.

    ``small``: of alice, with bob as an unseen person; ``long``: the same with more epochs; ``everyday``: of a to d.
    """
    out = whole / name
    if not out.exists():
        more = {"epochs": EPOCHS} if name == "long" else {}
        of_two = settings_of(whole / "alice.csv", whole / "bob.csv", out, **more)
        with pytest.MonkeyPatch.context() as patch:
            pictures.leave_undrawn(patch)
            train_run(everyday(whole, out) if name == "everyday" else of_two, Quiet())
    return out


def same_bytes(out: Path, whole: Path, name: str) -> bool:
    """Whether a run ended in the bytes of that from its beginning to its end."""
    beginning_to_end = run_of(whole, name)
    files = ("model.safetensors", "history.csv")
    return all((out / file).read_bytes() == (beginning_to_end / file).read_bytes() for file in files)


def stopping_after(asked: int) -> Callable[[], bool]:
    """A question that is answered with yes the ``asked``-th time."""
    answers = iter(range(1, 10**6))
    return lambda: next(answers) == asked


@pytest.mark.parametrize(
    ("recipe", "stop_after"),
    [
        *(("small", number) for number in (1, 4, 13, 20)),
        *(pytest.param("everyday", number, marks=pytest.mark.second_stage) for number in (5, 70, 130)),
    ],
)
def test_stopped_and_resumed_ends_in_the_same_bytes(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recipe: str, stop_after: int
) -> None:
    """In the first iteration of a fit, and in each fit of both recipes."""
    if stop_after not in (1, 13):  # the pictures of a run that was stopped at once are drawn
        pictures.leave_undrawn(monkeypatch)
    parts = settings_of(whole / "alice.csv", whole / "bob.csv", tmp_path / "parts")
    if recipe == "everyday":
        parts = everyday(tmp_path, tmp_path / "parts")
    with pytest.raises(Interrupted):
        train_run(parts, Quiet(), should_stop=stopping_after(stop_after))
    assert json.loads((parts.out / "run.json").read_text())["status"] == "interrupted"
    assert Recogniser.load(parts.out / "model.safetensors").specification_.labels
    assert (parts.out / "report.html").exists()
    pictures.leave_undrawn(monkeypatch)
    train_run(replace(parts, resume=True), Quiet())
    assert same_bytes(parts.out, whole, recipe)
    assert not (parts.out / "checkpoint").exists()


@UNDRAWN
def test_nothing_is_left_to_stop_after_the_last_iteration(alice: Path, tmp_path: Path) -> None:
    settings = settings_of(alice, None, tmp_path / "run")
    settings.out.mkdir()
    (settings.out / ".harken.lock").touch()  # all that a run leaves that is killed at its beginning
    assert train_run(settings, Quiet(), should_stop=stopping_after(12)) is not None
    assert not (settings.out / ".harken.lock").exists()


@pytest.mark.second_stage
@UNDRAWN
@pytest.mark.parametrize(("of_pytorch", "chosen"), [(1, 1), (3, 2)])
def test_all_fits_use_the_threads_with_which_the_run_began(tmp_path: Path, of_pytorch: int, chosen: int) -> None:
    used: list[int] = []
    settings = everyday(tmp_path, tmp_path / "run")

    def should_stop() -> bool:
        used.append(torch.get_num_threads())
        return len(used) == 70

    with computing_threads(of_pytorch), pytest.raises(Interrupted):
        train_run(settings, Quiet(), should_stop=should_stop)
    assert json.loads((tmp_path / "run" / "run.json").read_text())["machine"]["threads"] == chosen
    with pytest.raises(HarkenError, match=f"began with {chosen} threads, not 4"):
        train_run(replace(settings, resume=True, threads=4), Quiet())
    with computing_threads(4):
        train_run(replace(settings, resume=True), Quiet(), should_stop=should_stop)
    assert set(used) == {chosen}


def start(whole: Path, out: Path, *more: str) -> subprocess.Popen[str]:
    arguments = ["train", str(whole / "alice.csv"), "--cross", str(whole / "bob.csv"), "--preset", "small"]
    arguments += ["--epochs", str(EPOCHS), "--device", "cpu", "--out", str(out), *more]
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, *arguments],
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(Path(people.__file__).parent), os.environ.get("PYTHONPATH", "")]),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def resume(whole: Path, out: Path) -> None:
    """Go on in this process."""
    settings = settings_of(whole / "alice.csv", whole / "bob.csv", out, epochs=EPOCHS, resume=True)
    assert train_run(settings, Quiet()) is not None


def wait_for(path: Path, child: subprocess.Popen[str], changed_since: int | None = None) -> None:
    for _ in range(6000):
        if path.exists() and path.stat().st_mtime_ns != changed_since:
            return
        assert child.poll() is None, child.communicate()
        time.sleep(0.01)
    raise AssertionError(f"{path} never appeared")


def kill_in(fit: str, child: subprocess.Popen[str], out: Path) -> None:
    """Kill a run some way into one of its fits."""
    checkpoint = out / "checkpoint" / f"{fit}.safetensors"
    wait_for(checkpoint, child)
    wait_for(checkpoint, child, changed_since=checkpoint.stat().st_mtime_ns)
    child.send_signal(signal.SIGKILL)
    child.communicate()
    assert not (out / "report.html").exists()


@pytest.mark.second_stage
@UNDRAWN
def test_killed_in_each_fit_and_resumed_ends_in_the_same_bytes(whole: Path, tmp_path: Path) -> None:
    out = tmp_path / "killed"
    kill_in("model", start(whole, out), out)
    kill_in("blocked", start(whole, out, "--resume"), out)
    resume(whole, out)
    assert same_bytes(out, whole, "long")


@pytest.mark.second_stage
@UNDRAWN
def test_control_c_leaves_a_usable_run(whole: Path, tmp_path: Path) -> None:
    out = tmp_path / "stopped"
    child = start(whole, out)
    wait_for(out / "checkpoint" / "model.safetensors", child)
    child.send_signal(signal.SIGINT)
    _, errors = child.communicate()
    assert child.returncode == 130, errors
    assert "--resume" in errors
    assert "Traceback" not in errors
    assert Recogniser.load(out / "model.safetensors").specification_.labels == ("lying", "sitting", "walking")
    resume(whole, out)
    assert same_bytes(out, whole, "long")


@pytest.mark.second_stage
@UNDRAWN
def test_a_second_run_in_a_folder_is_refused_until_the_first_is_killed(
    run_harken: Run, whole: Path, tmp_path: Path
) -> None:
    first = start(whole, out := tmp_path / "run")
    command = (
        f"train {whole}/alice.csv --cross {whole}/bob.csv --preset small --epochs {EPOCHS} --device cpu --out {out}"
    )
    refused = f"harken: {out}: another harken is writing there; wait until it has ended, or choose another --out\n"
    try:
        wait_for(out / "checkpoint" / "model.safetensors", first)
        ended = [run_harken(*command.split(), *more) for more in ((), ("--resume",))]
    finally:
        first.kill()
        first.communicate()
    assert [(one.exit_code, one.stderr) for one in ended] == [(2, refused)] * 2
    assert run_harken(*command.split(), "--resume").exit_code == 0
    assert same_bytes(out, whole, "long")


@UNDRAWN
def test_a_checkpoint_with_one_other_bit_is_refused(run_harken: Run, whole: Path, tmp_path: Path) -> None:
    settings = settings_of(whole / "alice.csv", whole / "bob.csv", tmp_path / "run")
    with pytest.raises(Interrupted):
        train_run(settings, Quiet(), should_stop=lambda: True)
    (checkpoint,) = (tmp_path / "run" / "checkpoint").iterdir()
    content = bytearray(checkpoint.read_bytes())
    content[-100] ^= 1
    checkpoint.write_bytes(content)
    command = (
        f"train {whole}/alice.csv --cross {whole}/bob.csv --preset small --device cpu --out {settings.out} --resume"
    )
    ended = run_harken(*command.split())
    assert (ended.exit_code, f"harken: {checkpoint}: the checkpoint is damaged" in ended.stderr) == (2, True)
    assert "; remove it, and the training begins again\n" in ended.stderr
    checkpoint.unlink()
    assert run_harken(*command.split()).exit_code == 0
    assert (settings.out / "model.safetensors").read_bytes() == (
        run_of(whole, "small") / "model.safetensors"
    ).read_bytes()


def test_a_folder_that_is_not_empty_is_refused(alice: Path, bob: Path, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "thesis.txt").write_text("precious")
    for resume in (False, True):
        with pytest.raises(HarkenError, match=r"holds no run of harken; choose another --out$"):
            train_run(settings_of(alice, bob, tmp_path / "run", resume=resume), Quiet())
    assert (tmp_path / "run" / "thesis.txt").read_text() == "precious"


@UNDRAWN
def test_resume_starts_an_empty_one_and_leaves_a_finished_one(alice: Path, bob: Path, tmp_path: Path) -> None:
    settings = settings_of(alice, bob, tmp_path / "run", resume=True)
    assert train_run(settings, Quiet()) is not None
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "run").iterdir()}
    display = Quiet()
    assert train_run(settings, display) is None
    assert "already holds this run, finished" in display.sentences[0]
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "run").iterdir()} == before


@UNDRAWN
def test_resume_refuses_changed_settings_and_data(alice: Path, bob: Path, tmp_path: Path) -> None:
    settings = settings_of(alice, bob, tmp_path / "run")
    with pytest.raises(Interrupted):
        train_run(settings, Quiet(), should_stop=lambda: True)
    with pytest.raises(
        HarkenError,
        match="run is not empty; choose another --out, delete the folder, or continue this run with --resume",
    ):
        train_run(settings, Quiet())
    with pytest.raises(HarkenError, match="began with epochs = None, not 7"):
        train_run(replace(settings, resume=True, epochs=7), Quiet())
    carol = people.write_person(tmp_path / "carol.csv", 3)
    with pytest.raises(HarkenError, match="training recordings are not those this run began with"):
        train_run(replace(settings, resume=True, files=(carol,)), Quiet())
    moved = alice.rename(tmp_path / "alice.moved.csv")
    assert train_run(replace(settings, resume=True, files=(moved,)), Quiet()) is not None
